/** What the operations of a Bootstrap-Server work on, and what they answer. */
import type { Code } from '@lapwing/coap';
import type { LwM2mVersion, Path } from '@lapwing/lwm2m';
import type { AttributeStore } from '../attribute-store.ts';
import type { HandlerContext, ObjectInstanceContent } from '../client-object.ts';
import type { ObjectTree } from '../object-tree.ts';
import type { PayloadFormat } from '../payload-format.ts';

export interface BootstrapContext {
  readonly tree: ObjectTree;
  /** What servers attached to an Object Instance goes when it is deleted. */
  readonly attributes?: AttributeStore;
  /** Without alternate path: a Bootstrap-Server knows none. */
  readonly formats: PayloadFormat;
  readonly lwm2mVersion: LwM2mVersion;
  /** Of /0: the account of the Bootstrap-Server at work. Undefined: there is none to be spared. */
  readonly bootstrapAccount: number | undefined;
  /** What an Object Instance of the account Objects has besides what is written: the handlers of /1/x/4, /1/x/8, /1/x/9. */
  readonly complete: (objectId: number, objectInstanceId: number) => ObjectInstanceContent;
  readonly contextOf: (path: Path) => HandlerContext;
  readonly limits?: Partial<BootstrapLimits>;
  /** What changes the tree in the name of the Bootstrap-Server; whatever else changes it is the device. Default: just done. */
  readonly change?: ChangeTree;
}

export type ChangeTree = (change: () => void) => void;
export const JUST_CHANGE: ChangeTree = (change) => change();

/** Object Instances that one Object may come to have. */
export interface BootstrapLimits {
  /** Security, Server, OSCORE, COSE, MQTT Server. */
  readonly maxAccountInstances: number;
  /** Any other; one Access Control Object Instance may be about each. */
  readonly maxObjectInstances: number;
}
export const DEFAULT_BOOTSTRAP_LIMITS: BootstrapLimits = Object.freeze({
  maxAccountInstances: 64,
  maxObjectInstances: 1024,
});

/** Refused ones are a `Refusal`. */
export interface BootstrapAnswer {
  readonly code: Code;
  readonly contentFormat?: number;
  readonly payload?: Uint8Array;
}
