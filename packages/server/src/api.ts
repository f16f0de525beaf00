/** What the Server library offers: the shapes its users and the apps see. */
import type { OperationFailed, Peer, PeerSecurity } from '@lapwing/coap';
import type {
  LwM2mVersion,
  Node,
  NodeEntry,
  NotificationAttributes,
  ObjectDefinition,
  ObjectInstancePath,
  ObjectPath,
  Operation,
  Path,
  ResourceInstancePath,
  ResourcePath,
  RootPath,
  TypedPath,
  TypedResourceInstancePath,
} from '@lapwing/lwm2m';
import type { CipherSuiteName, Refusal } from '@lapwing/dtls';
import type { PeerAddress } from '@lapwing/transport';
import type { Outcome } from './outcome.ts';

/** An Object the client announced, with its version and its Object Instances. */
export interface RegisteredObject {
  readonly objectId: number;
  /** As announced, else what the LwM2M version implies. */
  readonly version: string;
  readonly objectInstanceIds: readonly number[];
}

export interface Registration {
  readonly registrationId: string;
  readonly endpointClientName: string;
  readonly lwm2mVersion: LwM2mVersion;
  readonly lifetimeSeconds: number;
  /** As sent: "U", "UQ", "UT"... */
  readonly binding: string;
  readonly queueMode: boolean;
  readonly smsNumber: string | undefined;
  /** What it said beyond the parameters of LwM2M, `et` and so on; an Update adds to them. */
  readonly additionalParameters: Readonly<Record<string, string>>;
  readonly address: PeerAddress;
  /**
   * Where the Server received it, as it is bound ('0.0.0.0' for every address): Update, De-register and Send are taken
   * there only. Absent in what a store kept without it.
   */
  readonly serverAddress?: PeerAddress;
  /** The identity that registered: of kind 'none' with plain coap. */
  readonly security: PeerSecurity;
  /** Content formats announced with ct on the root link; empty when none. */
  readonly contentFormats: readonly number[];
  /** "" or "/lwm2m". */
  readonly alternatePath: string;
  readonly objects: readonly RegisteredObject[];
  /** ms since 1970. */
  readonly registeredAt: number;
  readonly updatedAt: number;
  /** ms since 1970; Infinity for lifetime 0. */
  readonly expiresAt: number;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** ms. */
  readonly timeout?: number;
  /**
   * Whether a request that waits for a sleeping device is kept over a planned stop (`LwM2mServer.suspend`), and then told
   * of by `operationCompleted`. Default true; a Write with `onProgress` never is.
   */
  readonly keepOverStop?: boolean;
}
export interface ReadOptions extends CallOptions {
  /** Content-Format number asked for (Accept); default by the client's version. */
  readonly format?: number;
}
export interface ObserveOptions extends ReadOptions {
  /**
   * For this observation in place of everything that is attached; an Observe-Composite takes pmin, pmax, epmin, epmax and
   * con. Needs a client of LwM2M 1.2: older ones know attributes only as `writeAttributes` attaches them.
   */
  readonly attributes?: NotificationAttributes;
}
export interface DiscoverOptions extends CallOptions {
  /** How many levels below the path to go. 1.2; without it two below an Object, else one. OMA TS Core §6.3.2. */
  readonly depth?: 0 | 1 | 2 | 3;
}
/** For Read-Composite and Observe-Composite, whose request has a payload too. */
export interface CompositeOptions {
  /** Content-Format number of the list of paths; default by what the client announced and its version. */
  readonly listFormat?: number;
}
export interface WriteOptions extends CallOptions {
  readonly format?: number;
  /** Write (Replace) is the default; 'update' is Write (Partial Update). */
  readonly mode?: 'replace' | 'update';
  /** Told how many bytes of a payload in blocks the device has; fewer than before when it began anew. */
  readonly onProgress?: (bytes: number) => void;
}

/** What a Read or a notification brought. */
export interface ReadResult {
  readonly path: Path;
  readonly entries: readonly NodeEntry[];
  /** The tree at `path`; for repeated timestamps the newest value. Undefined when the payload held nothing. */
  readonly node: Node | undefined;
  readonly contentFormat: number;
}

/** What a Read-Composite brought: as much as the client could and would read. */
export interface CompositeResult extends ReadResult {
  /** The root: entries are anywhere below `paths`. */
  readonly path: RootPath;
  readonly paths: readonly Path[];
  /** The tree at each of `paths`; undefined where nothing came, and for the root. */
  readonly nodes: readonly (Node | undefined)[];
}

/** A typed path of a Resource or a Resource Instance, whatever its type. */
export type AnyTypedPath = TypedPath<unknown> | TypedResourceInstancePath<unknown>;
type ValueAt<Path> = Path extends TypedPath<infer T> | TypedResourceInstancePath<infer T> ? T : never;
/** The values at typed paths, in their order; undefined where none of that type came. */
export type CompositeValues<Paths extends readonly AnyTypedPath[]> = {
  readonly [Index in keyof Paths]: ValueAt<Paths[Index]> | undefined;
};

export interface Notification extends ReadResult {
  /** ms since 1970 when it arrived. */
  readonly receivedAt: number;
}

export interface ObservationInfo {
  readonly observationId: string;
  readonly endpointClientName: string;
  /** The root for an Observe-Composite. */
  readonly path: Path;
  /** What an Observe-Composite observes; undefined for an Observe. */
  readonly paths: readonly Path[] | undefined;
  /** That hold for this observation alone. 1.2. */
  readonly attributes: NotificationAttributes | undefined;
  /** No notifications come at the moment: the device has to register or answer first, and is then asked again. */
  readonly waiting: boolean;
  /** ms since 1970. */
  readonly startedAt: number;
  readonly lastNotification: Notification | undefined;
}

export interface DiscoveredNode {
  readonly path: Path;
  readonly version: string | undefined;
  /** dim: the number of Resource Instances. */
  readonly dimension: number | undefined;
  /** Notification attributes and anything else the link carried, as text. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Write-Attributes: a value sets, null unsets, absent leaves as it is. */
export interface WriteAttributes {
  readonly pmin?: number | null;
  readonly pmax?: number | null;
  readonly gt?: number | null;
  readonly lt?: number | null;
  readonly st?: number | null;
  readonly epmin?: number | null;
  readonly epmax?: number | null;
  readonly edge?: 0 | 1 | null;
  readonly con?: 0 | 1 | null;
  readonly hqmax?: number | null;
}

/** How a device is secured now. */
export interface DeviceSecurity {
  readonly kind: 'psk' | 'rpk' | 'x509';
  /** What it has proven to be: PSK identity, "sha-256;…" of its public key, name in its certificate. */
  readonly identity: string;
  /** Undefined when its association is gone: nothing reaches it until it has opened a new one. */
  readonly association:
    | {
        readonly cipherSuite: CipherSuiteName;
        /** Whether its address may change. RFC 9146. */
        readonly connectionId: boolean;
        readonly extendedMasterSecret: boolean;
        /** ms since 1970. */
        readonly openedAt: number;
        readonly addressChanges: number;
        /** Records that did not authenticate. */
        readonly forgedRecords: number;
      }
    | undefined;
}

/** A request to a device that is not answered yet. */
export interface PendingOperation {
  readonly operationId: string;
  readonly operation: Operation['kind'];
  readonly paths: readonly Path[];
  /** 'waiting' until the device is awake. */
  readonly state: 'waiting' | 'sent';
  /** ms since 1970. */
  readonly createdAt: number;
  /** ms since 1970, when its caller gives up; Infinity: never. */
  readonly expiresAt: number;
}

export type CompletedOperation = Pick<PendingOperation, 'operationId' | 'operation' | 'paths' | 'createdAt'>;

/** What became of an operation that was kept over a planned stop. */
export type OperationOutcome =
  | { readonly kind: 'answered'; readonly answer: Outcome<OperationResult> }
  | { readonly kind: 'failed'; readonly error: OperationFailed };

/** What an answer brought, by the kind of its operation. */
export interface OperationResult {
  /** Of Read, Read-Composite, Observe and Observe-Composite. */
  readonly content?: ReadResult | CompositeResult;
  /** Of Discover. */
  readonly nodes?: readonly DiscoveredNode[];
  /** Of Create, when the device said where. */
  readonly created?: ObjectInstancePath;
}

/** One registered LwM2M Client, as the Server drives it. Every method rejects with OperationFailed when no answer comes. */
export interface Device {
  readonly registration: Registration;
  /** Undefined with plain coap. */
  readonly security: DeviceSecurity | undefined;
  /** False while a device in queue mode sleeps; its requests wait until it is heard. */
  readonly awake: boolean;
  /** Requests without an answer: those sent, then those that wait, in the order in which they will be sent. */
  readonly pendingOperations: readonly PendingOperation[];
  /** Its promise rejects with OperationFailed 'CANCELLED'. False when it is not pending any more. */
  cancelPendingOperation(operationId: string): boolean;
  /** Put these first among those that wait, in this order; the others keep theirs. What waits no more is passed over. */
  reorderPendingOperations(operationIds: readonly string[]): void;
  /** With a typed path (`Device.path(0).batteryLevel`) the value itself, of the path's type. */
  read<T>(path: TypedPath<T> | TypedResourceInstancePath<T>, options?: ReadOptions): Promise<Outcome<T>>;
  read(path: Path, options?: ReadOptions): Promise<Outcome<ReadResult>>;
  /** With a typed path a plain value of the path's type. Throws UsageError when it does not fit the data type. */
  write<T>(
    path: TypedPath<T> | TypedResourceInstancePath<T>,
    value: NoInfer<T>,
    options?: WriteOptions,
  ): Promise<Outcome<void>>;
  /** `content` is entries with absolute paths below `path`. */
  write(
    path: ObjectInstancePath | ResourcePath | ResourceInstancePath,
    content: readonly NodeEntry[],
    options?: WriteOptions,
  ): Promise<Outcome<void>>;
  /**
   * Read-Composite: several paths in one request. The answer has what could be read and leaves out the rest. Typed paths
   * give their values. LwM2M 1.1.
   */
  readComposite<const Paths extends readonly AnyTypedPath[]>(
    paths: Paths,
    options?: ReadOptions & CompositeOptions,
  ): Promise<Outcome<CompositeValues<Paths>>>;
  readComposite(paths: readonly Path[], options?: ReadOptions & CompositeOptions): Promise<Outcome<CompositeResult>>;
  /**
   * Write-Composite: values anywhere, all written or none. LwM2M 1.1. An entry of kind 'remove' deletes a Resource
   * Instance (1.2). `typedEntries` makes entries of typed paths.
   */
  writeComposite(
    content: readonly NodeEntry[],
    options?: CallOptions & { readonly format?: number },
  ): Promise<Outcome<void>>;
  /** `args`: "0='a',1", each digit once. Rejects with UsageError when they do not obey the grammar of OMA TS Core §6.3.5. */
  execute(path: ResourcePath, args?: string, options?: CallOptions): Promise<Outcome<void>>;
  /** Answers the path of the new Object Instance. An `objectInstance` path chooses the id, an `object` path lets the client choose. */
  create(
    path: ObjectPath | ObjectInstancePath,
    content: readonly NodeEntry[],
    options?: CallOptions & { readonly format?: number },
  ): Promise<Outcome<ObjectInstancePath>>;
  /**
   * Several Object Instances in one Create, all or none: `content` names each. Answers their paths. An Object Instance
   * without Resources is an entry of kind 'empty'.
   */
  createInstances(
    path: ObjectPath,
    content: readonly NodeEntry[],
    options?: CallOptions & { readonly format?: number },
  ): Promise<Outcome<readonly ObjectInstancePath[]>>;
  delete(path: ObjectInstancePath | ResourceInstancePath, options?: CallOptions): Promise<Outcome<void>>;
  discover(path: Path, options?: DiscoverOptions): Promise<Outcome<readonly DiscoveredNode[]>>;
  writeAttributes(path: Path, attributes: WriteAttributes, options?: CallOptions): Promise<Outcome<void>>;
  observe(path: Path, options?: ObserveOptions): Promise<Outcome<Observation>>;
  /** Observe-Composite: every notification brings all paths. LwM2M 1.1. */
  observeComposite(paths: readonly Path[], options?: ObserveOptions & CompositeOptions): Promise<Outcome<Observation>>;
  readonly observations: readonly ObservationInfo[];
  /**
   * End the observation of this path for everyone who reads it. False when the path is not observed. 'active' asks the
   * client with Observe: 1, 'passive' (default) answers the next notification with Reset. A list of paths means the
   * Observe-Composite of this list.
   */
  cancelObservation(path: Path | readonly Path[], mode?: 'active' | 'passive'): Promise<boolean>;
  /** The definition of an Object in the version this client announced. */
  definition(objectId: number): ObjectDefinition | undefined;
}

/**
 * Notifications as an async iterator. A slow reader loses the oldest ones, counted in `missed`.
 *
 * It is declared once and lasts until it is cancelled or refused, or the device is removed: when the device registers
 * anew, also after it had de-registered or expired, moves, or comes with another association, it is asked again.
 *
 * Who observes a path that is observed already shares the observation. Leaving a loop or disposing lets go of it; it is
 * cancelled when everybody has let go. `cancel` ends it for everybody. A loop begins with the latest notification that
 * came before it, if any came after `initial`.
 */
export interface Observation extends ObservationInfo, AsyncIterable<Notification, undefined>, AsyncDisposable {
  readonly initial: ReadResult;
  readonly missed: number;
  /** 'active' asks with Observe: 1, 'passive' (default) answers the next notification with Reset. */
  cancel(mode?: 'active' | 'passive'): Promise<void>;
  readonly ended: boolean;
}

export interface DeviceQuery {
  /** Begin after this Endpoint Client Name, which need not exist any more. */
  readonly after?: string;
  /** At most this many; default 100. */
  readonly limit?: number;
  /** Only names that contain this text, in any letter case. */
  readonly search?: string;
}

export interface DevicePage {
  /** Ascending by Endpoint Client Name, compared by UTF-16 code units. */
  readonly items: readonly Device[];
  /** Pass as `after` for the next page; undefined on the last one. */
  readonly next: string | undefined;
}

export type RemovalReason = 'deregistered' | 'expired' | 'replaced' | 'removed';
export type ObservationEndReason = 'cancelled' | 'refused' | 'registration-ended' | 'server-closed';

export interface ServerEvents {
  /** A Register was accepted; `replaced` is the registration it took the place of. */
  registered: [registration: Registration, replaced: Registration | undefined];
  updated: [registration: Registration, previous: Registration];
  unregistered: [registration: Registration, reason: RemovalReason];
  observed: [observation: ObservationInfo];
  notified: [observation: ObservationInfo, notification: Notification];
  /** A notification that could not be read, and why; the observation goes on. */
  malformedNotification: [observation: ObservationInfo, reason: string];
  observationEnded: [observation: ObservationInfo, reason: ObservationEndReason];
  /** A device in queue mode has been heard: what waits for it goes out. */
  awake: [registration: Registration];
  /** A device in queue mode is taken to sleep. */
  asleep: [registration: Registration];
  /** What waits for a device in queue mode has changed: see `Device.pendingOperations`. */
  pendingChanged: [registration: Registration];
  /** An operation that was kept over a planned stop is over: nobody has its promise any more. */
  operationCompleted: [registration: Registration, operation: CompletedOperation, outcome: OperationOutcome];
  /** A Send (POST /dp): every entry with its own timestamp. */
  sent: [registration: Registration, entries: readonly NodeEntry[]];
  /** A Connection ID let the address of a registered device change. RFC 9146 §6. */
  addressChanged: [registration: Registration, from: PeerAddress];
  /** A DTLS handshake that did not complete, and why. */
  handshakeRefused: [refusal: { readonly address: PeerAddress; readonly refusal: Refusal }];
  /** A registration interface request that was refused, and why, in one sentence. */
  refused: [
    refusal: {
      readonly peer: Peer<PeerAddress>;
      readonly endpointClientName: string | undefined;
      readonly code: string;
      readonly reason: string;
    },
  ];
}
