/**
 * What a LwM2M Server asks of a Client once it is registered: Device Management & Service Enablement, and Information
 * Reporting. OMA TS Core §6.3 and §6.4. Payloads stay bytes of their Content-Format; `formats/` reads and writes them.
 */
import type { Code } from '@lapwing/coap';
import type { AttributeChanges, NotificationAttributes } from '../attributes.ts';
import type { ObjectInstancePath, ObjectPath, Path, ResourceInstancePath, ResourcePath, RootPath } from '../path.ts';

/** Any node: the root is none. */
export type NodePath = Exclude<Path, RootPath>;

export interface ReadOperation {
  readonly kind: 'read';
  readonly path: NodePath;
  /** Content-Format number wanted; absent: the Client chooses. */
  readonly accept?: number | undefined;
}
export interface DiscoverOperation {
  readonly kind: 'discover';
  /** The root only in Bootstrap-Discover. */
  readonly path: Path;
  /** How many levels below the path, 0 to 3. 1.1. */
  readonly depth?: 0 | 1 | 2 | 3 | undefined;
}
export interface WriteOperation {
  readonly kind: 'write';
  readonly mode: 'replace' | 'update';
  readonly path: ObjectInstancePath | ResourcePath | ResourceInstancePath;
  readonly contentFormat: number;
  readonly payload: Uint8Array;
}
export interface WriteAttributesOperation {
  readonly kind: 'writeAttributes';
  readonly path: NodePath;
  readonly attributes: AttributeChanges;
}
export interface ExecuteOperation {
  readonly kind: 'execute';
  readonly path: ResourcePath;
  /** As in the payload: see `parseExecuteArguments`. Empty when there are none. */
  readonly args: string;
}
export interface CreateOperation {
  readonly kind: 'create';
  readonly path: ObjectPath;
  readonly contentFormat: number;
  readonly payload: Uint8Array;
}
export interface DeleteOperation {
  readonly kind: 'delete';
  /** A Resource Instance since 1.2. */
  readonly path: ObjectInstancePath | ResourceInstancePath;
}
export interface ObserveOperation {
  readonly kind: 'observe';
  readonly path: NodePath;
  readonly accept?: number | undefined;
  /** For this observation instead of what is attached. 1.2. */
  readonly attributes?: NotificationAttributes | undefined;
}
export interface CancelObserveOperation {
  readonly kind: 'cancelObserve';
  readonly path: NodePath;
  /** As in the Observe it cancels. */
  readonly accept?: number | undefined;
  readonly attributes?: NotificationAttributes | undefined;
}
/** 1.1. The payload lists paths. */
export interface ReadCompositeOperation {
  readonly kind: 'readComposite';
  readonly contentFormat: number;
  readonly payload: Uint8Array;
  readonly accept?: number | undefined;
}
/** 1.1. The payload holds values with absolute paths; all are written or none. */
export interface WriteCompositeOperation {
  readonly kind: 'writeComposite';
  readonly contentFormat: number;
  readonly payload: Uint8Array;
}
/** 1.1. The payload lists paths. */
export interface ObserveCompositeOperation {
  readonly kind: 'observeComposite';
  readonly contentFormat: number;
  readonly payload: Uint8Array;
  readonly accept?: number | undefined;
  /** pmin, pmax, epmin, epmax and con. 1.2. */
  readonly attributes?: NotificationAttributes | undefined;
}
export interface CancelObserveCompositeOperation {
  readonly kind: 'cancelObserveComposite';
  readonly contentFormat: number;
  /** As in the Observe-Composite it cancels. */
  readonly payload: Uint8Array;
  readonly accept?: number | undefined;
  readonly attributes?: NotificationAttributes | undefined;
}

export type Operation =
  | ReadOperation
  | DiscoverOperation
  | WriteOperation
  | WriteAttributesOperation
  | ExecuteOperation
  | CreateOperation
  | DeleteOperation
  | ObserveOperation
  | CancelObserveOperation
  | ReadCompositeOperation
  | WriteCompositeOperation
  | ObserveCompositeOperation
  | CancelObserveCompositeOperation;

/** A request that is no operation: the code to answer with, and why, for the diagnostic payload and the log. */
export interface OperationRefusal {
  readonly kind: 'refusal';
  readonly code: Code;
  readonly reason: string;
}
