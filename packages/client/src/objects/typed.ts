/** Objects described by the names of their Resources, with every value checked by the compiler. */
import type { ExecuteArgument, ObjectShape, ResourceShape, SingleValueOf, TypedObject, ValueOf } from '@lapwing/lwm2m';
import type {
  ClientObject,
  HandlerContext,
  ObjectInstanceContent,
  ResourceContent,
  WriteContext,
} from '../client-object.ts';
import type { MaybePromise } from '../maybe-promise.ts';

/** As `ResourceHandler`, of one type. */
export interface TypedHandler<T> {
  readonly read?: (context: HandlerContext) => MaybePromise<T | undefined>;
  readonly write?: (value: T, context: WriteContext) => MaybePromise<void>;
}

export interface TypedExecutable {
  readonly execute: (args: readonly ExecuteArgument[], context: HandlerContext) => MaybePromise<void>;
}

/** What a Resource of this shape can be given: a value, for Resource Instances a list or a Map by id, or a handler. */
export type TypedContent<Shape extends ResourceShape> = Shape extends { readonly type: 'none' }
  ? TypedExecutable
  : | ValueOf<Shape>
    | (Shape extends { readonly multiple: true } ? readonly SingleValueOf<Shape>[] : never)
    | TypedHandler<ValueOf<Shape>>;

export type TypedInstance<Resources extends ObjectShape['resources']> = {
  readonly [Name in keyof Resources]?: TypedContent<Resources[Name]>;
};

/**
 * An Object with its Resources by name: `typedObject(LightControl, [{ onOff: false, dimmer: 50 }])`.
 *
 * @param instances  the Object Instances from id 0.
 */
export function typedObject<Resources extends ObjectShape['resources']>(
  object: TypedObject<Resources>,
  instances: readonly TypedInstance<Resources>[],
  options: Omit<ClientObject, 'objectId' | 'definition' | 'version' | 'instances'> = {},
): ClientObject {
  const contents = instances.map((instance): ObjectInstanceContent => {
    const content: { [resourceId: number]: ResourceContent } = {};
    for (const [name, given] of Object.entries(instance)) {
      if (given !== undefined) content[object.resources[name]!.id] = given as ResourceContent;
    }
    return content;
  });
  return { ...options, objectId: object.objectId, version: object.version, instances: { ...contents } };
}
