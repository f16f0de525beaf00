/** What is known about an Object: the facts of the OMA registry or of an XML file a user supplied. */
import type { ObjectId, ResourceId } from '../identifiers.ts';
import type { DataType } from '../value.ts';

/** '' is bootstrap only. */
export type ResourceOperations = '' | 'R' | 'W' | 'RW' | 'E';

export interface ResourceDefinition {
  readonly id: ResourceId;
  readonly name: string;
  readonly operations: ResourceOperations;
  readonly multiple: boolean;
  readonly mandatory: boolean;
  readonly type: DataType;
  /** As the registry words it: "0-100", "0-255 bytes". */
  readonly range: string;
  readonly units: string;
}

export interface ObjectDefinition {
  readonly id: ObjectId;
  readonly name: string;
  /** "1.0" when the definition names none. */
  readonly version: string;
  readonly urn: string;
  /** Minimum enabler version as the registry states it; unreliable. */
  readonly lwm2mVersion: string;
  readonly multiple: boolean;
  readonly mandatory: boolean;
  readonly resources: ReadonlyMap<number, ResourceDefinition>;
}

/** Where formats and procedures look definitions up. Without a version: the latest known. */
export interface DefinitionLookup {
  object(objectId: number, version?: string): ObjectDefinition | undefined;
  resource(objectId: number, resourceId: number, version?: string): ResourceDefinition | undefined;
}
