/**
 * Where a node is: `/3/0/9`. A union by level, so that below the edge a `ResourcePath` is a type and not a check.
 */
import type { ObjectId, ObjectInstanceId, ResourceId, ResourceInstanceId } from './identifiers.ts';

export interface RootPath {
  readonly kind: 'root';
}
export interface ObjectPath {
  readonly kind: 'object';
  readonly objectId: ObjectId;
}
export interface ObjectInstancePath {
  readonly kind: 'objectInstance';
  readonly objectId: ObjectId;
  readonly objectInstanceId: ObjectInstanceId;
}
export interface ResourcePath {
  readonly kind: 'resource';
  readonly objectId: ObjectId;
  readonly objectInstanceId: ObjectInstanceId;
  readonly resourceId: ResourceId;
}
export interface ResourceInstancePath {
  readonly kind: 'resourceInstance';
  readonly objectId: ObjectId;
  readonly objectInstanceId: ObjectInstanceId;
  readonly resourceId: ResourceId;
  readonly resourceInstanceId: ResourceInstanceId;
}
export type Path = RootPath | ObjectPath | ObjectInstancePath | ResourcePath | ResourceInstancePath;
