/**
 * What payloads carry: a flat list of entries with absolute paths (what SenML, composites and Send are made of), and the
 * tree that a reader of one path wants. Formats decode to and encode from entries; `nodeAt` builds the tree.
 */
import type { ObjectId, ObjectInstanceId, ResourceId, ResourceInstanceId } from './identifiers.ts';
import type { ObjectInstancePath, ObjectPath, ResourceInstancePath, ResourcePath } from './path.ts';
import type { Value } from './value.ts';

export type NodeEntry =
  | {
      readonly kind: 'value';
      readonly path: ResourcePath | ResourceInstancePath;
      readonly value: Value;
      /** Seconds since 1970, fractions kept, when the payload gave a time. */
      readonly timestamp?: number;
    }
  /**
   * A node that exists with nothing in it: an Object without instances, an Object Instance without Resources, a
   * multiple-instance Resource without instances. An Object Instance ID of 65535 means "the client chooses" (Create).
   */
  | { readonly kind: 'empty'; readonly path: ObjectPath | ObjectInstancePath | ResourcePath }
  /** null in a Write-Composite: remove this Resource Instance. 1.2. */
  | { readonly kind: 'remove'; readonly path: ResourceInstancePath | ResourcePath };

export interface ResourceInstanceNode {
  readonly kind: 'resourceInstance';
  readonly resourceInstanceId: ResourceInstanceId;
  readonly value: Value;
}
export type ResourceNode =
  | { readonly kind: 'resource'; readonly resourceId: ResourceId; readonly value: Value }
  | {
      readonly kind: 'multipleResource';
      readonly resourceId: ResourceId;
      readonly instances: readonly ResourceInstanceNode[];
    };
export interface ObjectInstanceNode {
  readonly kind: 'objectInstance';
  readonly objectInstanceId: ObjectInstanceId;
  readonly resources: readonly ResourceNode[];
}
export interface ObjectNode {
  readonly kind: 'object';
  readonly objectId: ObjectId;
  readonly instances: readonly ObjectInstanceNode[];
}
export type Node = ObjectNode | ObjectInstanceNode | ResourceNode | ResourceInstanceNode;
