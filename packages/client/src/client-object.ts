/**
 * How an application describes the Objects of its client: values it leaves to the library, handlers where a value is
 * read from or written to something real. What is allowed, and of what type, comes from the Object's definition.
 */
import type {
  ExecuteArgument,
  ObjectDefinition,
  ObjectLink,
  Path,
  ResourcePath,
  TypedPath,
  TypedResourceInstancePath,
} from '@lapwing/lwm2m';
import type { MaybePromise } from './maybe-promise.ts';

/** A value as JavaScript has it; the definition says which type is wanted. Time is in seconds since 1970, or a Date. */
export type PlainValue = string | number | bigint | boolean | Uint8Array | Date | ObjectLink;

/** The Resource Instances of a multiple-instance Resource: by id, or as a list from id 0. */
export type PlainValues =
  readonly PlainValue[] | ReadonlyMap<number, PlainValue> | { readonly [resourceInstanceId: number]: PlainValue };

/** Who asks, and the rest of the tree, for handlers that need it. */
export interface HandlerContext {
  readonly path: Path;
  /** The Short Server ID of the LwM2M Server whose request this is; undefined when the library itself reads, or restores. */
  readonly shortServerId: number | undefined;
  readonly tree: TreeAccess;
  /** ms since 1970, on the client's clock. */
  readonly unixTime: number;
  /** Run `action` when the answer to this request has been sent: a reboot, a switch to another network. */
  readonly afterResponse: (action: () => void) => void;
  /** Register anew with every server, as a device does that has restarted; for use in `afterResponse`. */
  readonly registerAgain: () => void;
}

export interface ChangeContext {
  readonly tree: TreeAccess;
  /** ms since 1970, on the client's clock. */
  readonly unixTime: number;
}

export interface WriteContext extends HandlerContext {
  /** 'update' on a multiple-instance Resource: Resource Instances that are not given stay. */
  readonly mode: 'replace' | 'update';
}

/**
 * A Resource that is code. Each handler may answer at once or with a promise; a slow one delays only its own answer.
 * Throw `OperationRefused` to refuse with a code; anything else thrown is a 5.00 and a `handlerError` event.
 */
export interface ResourceHandler {
  /** The current value, or values of a multiple-instance Resource; undefined: the Resource does not exist just now. */
  readonly read?: (context: HandlerContext) => MaybePromise<PlainValue | PlainValues | undefined>;
  /** Called with a value of the right type and in range; for a multiple-instance Resource with a Map by id. */
  readonly write?: (value: PlainValue | ReadonlyMap<number, PlainValue>, context: WriteContext) => MaybePromise<void>;
  readonly execute?: (args: readonly ExecuteArgument[], context: HandlerContext) => MaybePromise<void>;
  /**
   * Of an Opaque Resource: a value that comes in blocks is handed over as they arrive, instead of to `write` as a whole.
   * Values that fit a single message go to `write` all the same.
   */
  readonly receive?: (context: HandlerContext) => MaybePromise<BodyReceiver>;
}

/** Takes a value piece by piece. After it threw nothing more is called. */
export interface BodyReceiver {
  /** The next bytes; they are the receiver's to keep. The next ones come when this is done. */
  write(bytes: Uint8Array): MaybePromise<void>;
  /** That was all; the server is answered when this is done. */
  end(): MaybePromise<void>;
  /** The rest will not come. */
  abandon(): void;
}

export type ResourceContent = PlainValue | PlainValues | ResourceHandler;

/** The Resources of an Object Instance, by Resource ID; undefined ones do not exist. */
export type ObjectInstanceContent = { readonly [resourceId: number]: ResourceContent | undefined };

export interface ClientObject {
  readonly objectId: number;
  /** Default: looked up by id, in `version` or else in the version that the client's LwM2M version implies. */
  readonly definition?: ObjectDefinition;
  readonly version?: string;
  /** By Object Instance ID. */
  readonly instances: { readonly [objectInstanceId: number]: ObjectInstanceContent };
  /**
   * The Resources this client supports. Writes to others are answered 4.04, or ignored when they come with a whole
   * Object Instance. Default: those of `instances`, or all of the definition when there are no instances yet.
   */
  readonly resources?: readonly number[];
  /** By Resource ID: what a Write (Replace) of an Object Instance goes back to where it gives no value. */
  readonly defaults?: { readonly [resourceId: number]: PlainValue | PlainValues };
  /**
   * Servers may create Object Instances: `true` keeps what they give; a function may refuse by throwing
   * `OperationRefused`, and may return Resources to add (read-only values, handlers).
   */
  readonly create?:
    | boolean
    | ((
        objectInstanceId: number,
        given: ReadonlyMap<number, PlainValue | ReadonlyMap<number, PlainValue>>,
        context: HandlerContext,
      ) => MaybePromise<ObjectInstanceContent | undefined>);
  /** Servers may delete Object Instances. */
  readonly delete?: boolean | ((objectInstanceId: number, context: HandlerContext) => MaybePromise<void>);
  /**
   * What servers create, delete and write here is part of the client's state, and survives a restart. Default: where they
   * may create or delete Object Instances. After a restart `create` is called again for each Object Instance that a
   * server had created, with the values that are kept and `shortServerId` undefined: what it returns has the handlers;
   * when it throws, the Object Instance is gone.
   */
  readonly persistent?: boolean;
  /** Called after a kept value changed, by whoever; may set others that follow from it. */
  readonly changed?: (path: ResourcePath, context: ChangeContext) => void;
  /** What to do with Resources in `instances` that the definition does not have; default 'refuse', with a UsageError. */
  readonly unknownResources?: 'refuse' | 'skip';
}

/** What is kept at a path: of its type when the path is typed (`Temperature.path(0).sensorValue`). */
export type KeptAt<At> =
  At extends TypedPath<infer T>
    ? T
    : At extends TypedResourceInstancePath<infer T>
      ? T
      : PlainValue | ReadonlyMap<number, PlainValue>;

/** What can be kept at a path. */
export type SettableAt<At> =
  At extends TypedPath<infer T>
    ? T | (T extends ReadonlyMap<number, infer Single> ? readonly Single[] : never)
    : At extends TypedResourceInstancePath<infer T>
      ? T
      : PlainValue | PlainValues;

/** The tree as applications and handlers see it. A path is text ("/3303/0/5700") or a `Path`. */
export interface TreeAccess {
  /**
   * The value the library keeps at a Resource or Resource Instance, a Map for a multiple-instance Resource; undefined
   * when there is none or a handler has it.
   *
   * @throws UsageError if the path is not of a Resource.
   */
  get<At extends Path | string>(path: At): KeptAt<At> | undefined;
  /**
   * Change a value, whether or not servers may write it; observers are told as their attributes say. The Resource is
   * created when it did not exist.
   *
   * @throws UsageError for an Object, Object Instance or Resource the client does not have, one that a handler has, or
   * a value of the wrong type or out of range.
   */
  set<At extends Path | string>(path: At, value: SettableAt<At>): void;
  /** Say that a value a `read` handler answers has changed, at or below this path. */
  changed(path: Path | string): void;
  /** Several changes as one: observers see them together. */
  batch(changes: () => void): void;
}
