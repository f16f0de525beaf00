/** What the Client library takes and announces. */
import type { Code, CoapParameters } from '@lapwing/coap';
import type { CipherSuiteName, ClientCredentials, DtlsParameters } from '@lapwing/dtls';
import type { DefinitionLookup, LwM2mVersion, Path, ResourcePath } from '@lapwing/lwm2m';
import type { PeerAddress } from '@lapwing/transport';
import type { BootstrapLimits } from './bootstrap/bootstrap-context.ts';
import type { ClientObject } from './client-object.ts';
import type { HostLookUp } from './client-options.ts';
import type { ClientState, ClientStateStore } from './client-state.ts';
import type { HandlerOperation } from './refusal.ts';
import type { NotificationStorage } from './stored-notifications.ts';

/** One LwM2M Server to register with; becomes an Object Instance of Security (/0) and of Server (/1). */
export interface ServerAccount {
  /**
   * "coap://host:port/path" or "coaps://…"; port 5683 or 5684 and no path by default. A host name is looked up when the
   * client starts, and again when the server does not answer.
   */
  readonly uri: string;
  /** Where the server is, instead of looking up the host of the URI. */
  readonly address?: PeerAddress;
  /** How this client proves itself over coaps, and what it expects of the server: /0/x/2 to /0/x/5, /0/x/13, /0/x/15. */
  readonly credentials?: ClientCredentials;
  /** The name to ask for in the handshake (SNI), /0/x/14. Default: the host of the URI when it is a name. */
  readonly serverName?: string;
  /** /0/x/16, in order of preference. Default: those the credentials can use. */
  readonly cipherSuites?: readonly CipherSuiteName[];
  /** 1 to 65534, unique in the client. Default: 1 and counting. */
  readonly shortServerId?: number;
  /** /1/x/1: how long the Server keeps the registration without an Update; 0 is for ever. Default 86400. */
  readonly lifetimeSeconds?: number;
  /** /1/x/2 and /1/x/3: used where no attributes say otherwise. */
  readonly defaultMinimumPeriodSeconds?: number;
  readonly defaultMaximumPeriodSeconds?: number;
  /** /1/x/5: how long to stay away after a Disable. Default 86400. */
  readonly disableTimeoutSeconds?: number;
  /** /1/x/23: whether Send is forbidden. Default false; the specification's default for an absent value is true. */
  readonly muteSend?: boolean;
  /** /1/x/26: Confirmable notifications unless attributes say otherwise. Default false. */
  readonly confirmableNotifications?: boolean;
  /** /1/x/6: whether notifications are stored while this server is disabled or cannot be reached. Default false. */
  readonly notificationStoring?: boolean;
  /** /1/x/13: servers with one are registered with one after the other, the least first; others do not wait. */
  readonly priority?: number;
  /** /1/x/14. With a `priority` it begins when the server before has been dealt with. Default 0. */
  readonly initialDelaySeconds?: number;
  /** /1/x/15: when this server cannot be registered with, servers after it in the order are not either. Default false. */
  readonly failureBlock?: boolean;
  /** /1/x/16: when this server cannot be registered with, and no other is, the client bootstraps. Default true. */
  readonly bootstrapOnFailure?: boolean;
  /** /1/x/25: the versions the server is known to speak; the highest one that this client speaks too is offered first. */
  readonly serverVersions?: readonly LwM2mVersion[];
  readonly retry?: RetryOptions;
}

/**
 * The Bootstrap-Server; becomes an Object Instance of Security (/0) alone. What it writes goes before `servers`, and is
 * kept in the state: a client with a Bootstrap-Server wants a `stateStore`.
 */
export interface BootstrapServerAccount {
  /** "coap://host:port/path" or "coaps://…"; port 5683 or 5684 by default. */
  readonly uri: string;
  /** Where it is, instead of looking up the host of the URI. */
  readonly address?: PeerAddress;
  /** As of a `ServerAccount`. */
  readonly credentials?: ClientCredentials;
  readonly serverName?: string;
  readonly cipherSuites?: readonly CipherSuiteName[];
  /** /0/x/11: how long to wait before asking it, when there is no other server. Default 0. */
  readonly holdOffSeconds?: number;
  /** /0/x/12: how long after a bootstrap its account goes; 0, the default, is never. */
  readonly accountTimeoutSeconds?: number;
}

export interface BootstrapOptions {
  /** Ask for everything in one answer first (Bootstrap-Pack-Request). 1.2; default true there. */
  readonly pack?: boolean;
  /** `pct`: the Content-Format to be written in. 1.1; default 112, SenML CBOR. */
  readonly preferredContentFormat?: number;
  /** What a Bootstrap-Request says beyond the parameters of LwM2M, by name. */
  readonly additionalParameters?: Readonly<Record<string, string>>;
  /** How long the Bootstrap-Server may be silent, in seconds. Default 247, EXCHANGE_LIFETIME. */
  readonly silenceSeconds?: number;
  /** Pause before the first repetition of a bootstrap that failed, or led to no registration; doubles with each. Default 60. */
  readonly retryTimerSeconds?: number;
  /** The longest pause before a repetition. Default 86400. */
  readonly maxRetrySeconds?: number;
  /** How long a bootstrap may take from the first operation on, in seconds, however busy the Bootstrap-Server is. Default 3600. */
  readonly maxDurationSeconds?: number;
  /**
   * Let the Bootstrap-Server begin without being asked, as LwM2M 1.0 has it; default in 1.0 only. Over coap whoever can
   * send from its address is believed.
   */
  readonly unsolicited?: boolean;
  /** Object Instances that one Object may come to have. */
  readonly limits?: Partial<BootstrapLimits>;
}

/** A smartcard that may hold accounts; `@lapwing/smartcard` reads those of OMA TS Core Appendix G. */
export interface SmartcardSource {
  /** What is on the card; undefined: no card, or one without accounts. Rejects when the reader fails. */
  read(): Promise<SmartcardContent | undefined>;
  /** Be told when a card was put in or taken out. @returns what ends that. */
  onChange?(listener: () => void): () => void;
}
export interface SmartcardContent {
  readonly objects: readonly {
    readonly objectId: number;
    /** Undefined: the one that the version of LwM2M implies. */
    readonly version: string | undefined;
    /** The Object Instances, as TLV. */
    readonly instances: Uint8Array;
  }[];
  /** The same for the same card with the same content. */
  readonly fingerprint: string;
}

export interface QueueModeOptions {
  /** ms this client stays awake after the last message; default 93 000 (MAX_TRANSMIT_WAIT). */
  readonly awakeTime?: number;
}

/** Profiles that servers are expected to know; one that does not (4.09) is told the whole list. Core 1.2 §6.2.1. */
export interface ProfileOptions {
  /** "6:27354b9a", "oma:name", "v:name". */
  readonly ids: readonly string[];
  /** The Objects and Object Instances the profiles stand for, "/3" or "/3/0": these are not listed. */
  readonly covers: readonly string[];
}

/** /1/x/17 to /1/x/20: how often and how patiently a Server that does not answer is tried. */
export interface RetryOptions {
  /** Attempts in one sequence. Default 5. */
  readonly count?: number;
  /** Pause before the first repetition; doubles with each. Default 60. */
  readonly timerSeconds?: number;
  /** Pause between sequences; 4294967295 ends the attempts. Default 86400. */
  readonly sequenceDelaySeconds?: number;
  /** Sequences until the registration counts as failed. Default 1. */
  readonly sequenceCount?: number;
}

export interface ClientOptions {
  readonly endpointClientName: string;
  /** Leave `ep` out: servers take the name from what this client proves over coaps. 1.1. Default false. */
  readonly nameFromCredentials?: boolean;
  /** What the device comes with from the factory; may be empty when there is a Bootstrap-Server. */
  readonly servers: readonly ServerAccount[];
  /** Whom to ask for servers when there are none, or none can be reached. */
  readonly bootstrapServer?: BootstrapServerAccount;
  readonly bootstrap?: BootstrapOptions;
  /**
   * What is on it goes before `servers`. It is looked at when the client starts, after each Register and Update, and when
   * it says that it has changed; what it brought goes with it.
   */
  readonly smartcard?: SmartcardSource;
  /** Certificates in DER: where the paths of servers may end whose accounts a Bootstrap-Server wrote (usages 0 and 1). */
  readonly trustAnchors?: readonly Uint8Array[];
  /** Everything but Security (0) and Server (1), which come from `servers`. Without Device (3) a plain one is added. */
  readonly objects: readonly ClientObject[];
  /** The highest version to register with; a Server that refuses it with 4.12 is offered the next lower. Default "1.2". */
  readonly lwm2mVersion?: LwM2mVersion;
  /** The `b` parameter, /1/x/7 and /3/0/16. Default "U". */
  readonly binding?: string;
  /**
   * Queue mode: this client says in its registration that it sleeps, and does: when nothing has been sent or received for
   * `awakeTime`, it neither answers nor sends until an Update, a notification or a Send is due. Default false.
   */
  readonly queueMode?: boolean | QueueModeOptions;
  /** Name the Objects by Profile IDs instead of listing them. 1.2. */
  readonly profile?: ProfileOptions;
  /** MSISDN, digits only: the `sms` parameter. */
  readonly smsNumber?: string;
  /** What a registration says beyond the parameters of LwM2M, by name: a server may look at it, or refuse it. */
  readonly additionalParameters?: Readonly<Record<string, string>>;
  /** One Content-Format to announce with the object list (`</>;ct=…`). Default: none. */
  readonly contentFormat?: number;
  /** How much is stored for servers that want notifications stored (/1/x/6). */
  readonly notificationStorage?: NotificationStorage;
  /** What was saved before; it goes before what `servers` says of the Server Object. `start` loads it from the store. */
  readonly state?: ClientState;
  /**
   * Where to save what is to survive a restart: attributes, what servers wrote to Server (1), Access Control (2), the
   * Objects that are `persistent`, and notifications that are stored.
   */
  readonly stateStore?: ClientStateStore;
  /** Path below which servers find the Objects, such as "/lwm2m". Default: none. */
  readonly alternatePath?: string;
  /** Where Objects and Resources are looked up. Default: the OMA registry. */
  readonly definitions?: DefinitionLookup;
  /** Finds servers that are known by name. Default with `start`: the system's look-up; otherwise none. */
  readonly lookUp?: HostLookUp;
}

export interface StartOptions extends ClientOptions {
  /** Local port; 0, the default, lets the system choose. */
  readonly port?: number;
  /** Local address. Default: any of the family of the first server. */
  readonly host?: string;
  readonly coap?: Partial<CoapParameters>;
  /** For servers whose URI is coaps. */
  readonly dtls?: Partial<DtlsParameters>;
  readonly signal?: AbortSignal;
}

export interface ServerRegistration {
  readonly shortServerId: number;
  readonly uri: string;
  readonly lwm2mVersion: LwM2mVersion;
  /** "/rd/5a3f", or undefined while not registered. */
  readonly location: string | undefined;
  readonly state: 'idle' | 'waiting' | 'registering' | 'registered' | 'updating' | 'deregistering' | 'closed';
}

export interface RegistrationFailure {
  readonly shortServerId: number;
  /** One sentence. */
  readonly reason: string;
  readonly code: Code | undefined;
  /** ms from now until the next attempt; Infinity: none. */
  readonly retryIn: number;
  /** All sequences have failed. */
  readonly final: boolean;
}

export interface BootstrapFailure {
  /** One sentence. */
  readonly reason: string;
  /** ms from now until the next attempt; Infinity: none. */
  readonly retryIn: number;
}

export interface ClientEvents {
  /** From here until it has finished or failed, servers are not answered. */
  bootstrapStarted: [bootstrap: { readonly reason: BootstrapReason }];
  /** Registering with the servers begins. `unusable`: accounts that this client can do nothing with, and why. */
  bootstrapFinished: [bootstrap: { readonly unusable: readonly string[] }];
  /** The accounts are those of before. */
  bootstrapFailed: [failure: BootstrapFailure];
  /** The smartcard could not be read, or what is on it cannot be used. */
  smartcardFailed: [failure: { readonly reason: string; readonly cause: unknown }];
  /** Queue mode: nothing was sent or received for the awake time. */
  asleep: [];
  awake: [];
  registered: [registration: ServerRegistration];
  updated: [registration: ServerRegistration];
  /** The Server forgot the registration or no longer answers; registering anew has begun. */
  lost: [registration: ServerRegistration];
  deregistered: [registration: ServerRegistration];
  registrationFailed: [failure: RegistrationFailure];
  /** A server wrote these Resources. */
  written: [write: { readonly shortServerId: number; readonly paths: readonly ResourcePath[] }];
  executed: [execution: { readonly shortServerId: number; readonly path: ResourcePath; readonly args: string }];
  created: [creation: { readonly shortServerId: number; readonly paths: readonly Path[] }];
  deleted: [deletion: { readonly shortServerId: number; readonly path: Path }];
  observed: [observation: { readonly shortServerId: number; readonly paths: readonly Path[] }];
  observationEnded: [observation: { readonly shortServerId: number; readonly paths: readonly Path[] }];
  /** Code of the application threw: the server was answered 5.00, and this is what nobody told it. */
  handlerError: [error: { readonly path: Path; readonly operation: HandlerOperation; readonly cause: unknown }];
}

/** Counts since the client started. */
export interface ClientCounters {
  /** Requests from addresses that are none of the client's servers. */
  readonly strangers: number;
  /** Requests of a server that came while no registration with it was complete. */
  readonly beforeRegistration: number;
  /** Requests that came while this client was asleep or offline: it did not hear them. */
  readonly unheard: number;
}

/** Why a client bootstraps. */
export type BootstrapReason =
  /** It has no server to register with. */
  | 'no-server'
  /** Every server has refused, or not answered, for as long as its retries go. */
  | 'unreachable'
  /** A server executed /1/x/9. */
  | 'server-trigger'
  | 'application'
  /** The Bootstrap-Server began by itself, as LwM2M 1.0 lets it. */
  | 'unsolicited';

export interface SendResult {
  readonly shortServerId: number;
  readonly ok: boolean;
  readonly code: Code;
  /** "4.04 Not Found", with the diagnostic payload when there is one. */
  readonly reason: string;
}
