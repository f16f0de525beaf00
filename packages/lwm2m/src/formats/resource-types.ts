/** The data type of a Resource while one payload is read or written, with the last Object kept at hand. */
import type { DefinitionLookup, ObjectDefinition, ResourceDefinition } from '../object-model/definition.ts';
import type { DataType } from '../value.ts';

interface TypeContext {
  readonly definitions: DefinitionLookup;
  readonly versionOf?: (objectId: number) => string | undefined;
}

/** A Resource that its Object does not list is looked up on its own, for whoever knows reusable Resources. */
export class ResourceTypes {
  readonly #context: TypeContext;
  #objectId = -1;
  #version: string | undefined;
  #object: ObjectDefinition | undefined;

  constructor(context: TypeContext) {
    this.#context = context;
  }

  object(objectId: number): ObjectDefinition | undefined {
    if (objectId === this.#objectId) return this.#object;
    const { definitions, versionOf } = this.#context;
    this.#objectId = objectId;
    this.#version = versionOf?.(objectId);
    this.#object = definitions.object(objectId, this.#version);
    return this.#object;
  }

  resource(objectId: number, resourceId: number): ResourceDefinition | undefined {
    return (
      this.object(objectId)?.resources.get(resourceId) ??
      this.#context.definitions.resource(objectId, resourceId, this.#version)
    );
  }

  type(objectId: number, resourceId: number): DataType | undefined {
    return this.resource(objectId, resourceId)?.type;
  }
}
