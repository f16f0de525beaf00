/** What `/api/v1/bootstrap` takes and answers, as docs/rest-api.md words it. */
import type { JsonValue, RefusedHandshake } from './shapes.ts';

/** Bytes in a configuration. What is hidden is a secret that the server has and does not tell; given back, it stays. */
export type BytesJson = { readonly base64: string } | { readonly hex: string } | { readonly hidden: true };

export type SettingJson = JsonValue | BytesJson | { readonly objectId: number; readonly objectInstanceId: number };
/** Of a multiple-instance Resource, by Resource Instance ID. */
export type MultipleJson = Readonly<Record<string, SettingJson>>;
/** By Resource ID, or by the name of a Resource of an account. */
export type ResourcesJson = Readonly<Record<string, SettingJson | MultipleJson>>;

export interface BootstrapConfiguration {
  readonly servers?: readonly ServerAccount[];
  readonly bootstrapServers?: readonly BootstrapServerAccount[];
  readonly accessControl?: readonly AccessControlSetting[];
  readonly objects?: readonly ObjectSetting[];
  readonly delete?: readonly string[];
  readonly discover?: readonly string[];
  readonly read?: readonly string[];
  readonly contentFormat?: number;
  readonly lwm2mVersion?: '1.0' | '1.1' | '1.2';
  readonly pack?: boolean;
  readonly secureOnly?: boolean;
}

export interface ServerAccount {
  readonly shortServerId: number;
  /** Absent: this server. */
  readonly uri?: string;
  readonly security: AccountSecurity;
  readonly lifetimeSeconds?: number;
  readonly binding?: string;
  readonly server?: ResourcesJson;
  readonly securityObject?: ResourcesJson;
  readonly securityObjectInstanceId?: number;
  readonly serverObjectInstanceId?: number;
}

export interface BootstrapServerAccount {
  /** Absent: this Bootstrap-Server. */
  readonly uri?: string;
  readonly security: AccountSecurity;
  readonly holdOffSeconds?: number;
  readonly accountTimeoutSeconds?: number;
  readonly securityObject?: ResourcesJson;
  readonly securityObjectInstanceId?: number;
}

export interface AccountSecurity {
  readonly mode: 'none' | 'psk' | 'rpk' | 'x509';
  /** Made anew for each Bootstrap. */
  readonly generate?: true;
  readonly identity?: string | BytesJson;
  readonly key?: BytesJson;
  readonly keyBytes?: number;
  readonly publicKey?: BytesJson;
  readonly certificate?: BytesJson;
  readonly privateKey?: BytesJson;
  readonly serverPublicKey?: BytesJson;
  readonly serverCertificate?: BytesJson;
  readonly certificateUsage?: number;
  readonly matchingType?: number;
}

export interface AccessControlSetting {
  readonly objectId: number;
  readonly objectInstanceId: number | 'create';
  readonly owner: number;
  /** By Short Server ID: letters of "rwedc" or their sum. */
  readonly rights: Readonly<Record<string, string | number>>;
  readonly accessControlObjectInstanceId?: number;
}

export type ObjectSetting =
  | { readonly path: string; readonly value: SettingJson | MultipleJson }
  | { readonly path: string; readonly resources: ResourcesJson }
  | { readonly path: string; readonly objectInstances: Readonly<Record<string, ResourcesJson>> };

export interface DeviceConfiguration {
  readonly device: string;
  readonly configuration: BootstrapConfiguration;
}

export interface ConfigurationPage {
  readonly items: readonly DeviceConfiguration[];
  /** Null on the last page. */
  readonly nextCursor: string | null;
  /** Whatever the search. */
  readonly total: number;
}

export interface DefaultConfiguration {
  /** Null: devices without a configuration of their own are refused. */
  readonly configuration: BootstrapConfiguration | null;
}

export type BootstrapOperation = 'request' | 'pack' | 'discover' | 'read' | 'delete' | 'write' | 'finish';

export interface PreviewedOperation {
  readonly operation: BootstrapOperation;
  readonly path: string;
  readonly contentFormat: number | null;
  readonly bytes: number;
  readonly values: readonly PreviewedValue[];
}

export interface PreviewedValue {
  readonly path: string;
  /** Absent for what is hidden. */
  readonly value?: JsonValue;
  readonly hidden?: 'secret' | 'generated';
}

export interface PreviewOptions {
  /** What the device answers to Bootstrap-Discover on "/". */
  readonly discovered?: string;
  /** What it prefers, `pct`. */
  readonly contentFormat?: number;
  /** As a Bootstrap-Pack in this Content-Format. */
  readonly pack?: number;
}

export interface TimelineEntry {
  readonly at: string;
  readonly operation: BootstrapOperation;
  readonly path: string;
  /** "2.04", or why there is no answer. */
  readonly result: string;
  readonly diagnostic: string | null;
  readonly contentFormat: number | null;
  readonly bytes: number;
  /** ms until the answer. */
  readonly duration: number;
}

export type BootstrapStage = 'discovering' | 'configuring' | 'storing' | 'finishing' | 'ended';

export interface BootstrapOutcome {
  readonly kind:
    | 'finished'
    | 'pack-sent'
    | 'finish-refused'
    | 'operation-refused'
    | 'operation-failed'
    | 'timeout'
    | 'connection-closed'
    | 'configuration-unusable'
    | 'replaced'
    | 'cancelled'
    | 'server-closed';
  /** In words. */
  readonly text: string;
  readonly operation?: BootstrapOperation;
  readonly path?: string;
  readonly code?: string;
}

export interface SessionSummary {
  readonly sessionId: string;
  readonly device: string;
  readonly origin: 'request' | 'pack' | 'server';
  readonly address: string;
  readonly security: { readonly kind: 'none' | 'psk' | 'rpk' | 'x509'; readonly identity?: string };
  readonly preferredContentFormat: number | null;
  readonly isDefaultConfiguration: boolean;
  readonly lwm2mVersion: string | null;
  readonly stage: BootstrapStage;
  readonly progress: { readonly answered: number; readonly planned: number };
  /** How often the configuration was written anew after Bootstrap-Finish was refused. */
  readonly repairs: number;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** Null while it runs. */
  readonly outcome: BootstrapOutcome | null;
}

export interface BootstrapSession extends SessionSummary {
  readonly timeline: readonly TimelineEntry[];
  /** Entries that found no room. */
  readonly timelineOmitted: number;
}

export interface SessionList {
  readonly items: readonly SessionSummary[];
  readonly running: number;
}

export type RefusalKind =
  'unknown-endpoint' | 'identity' | 'malformed' | 'content-format' | 'no-packs' | 'overloaded' | 'unusable';

export interface RefusedRequest {
  readonly at: string;
  readonly address: string;
  readonly device: string | null;
  readonly operation: 'request' | 'pack';
  readonly kind: RefusalKind;
  /** "4.00". */
  readonly code: string;
  readonly reason: string;
}

export interface BootstrapRefusals {
  readonly requests: { readonly items: readonly RefusedRequest[]; readonly total: number };
  readonly handshakes: { readonly items: readonly RefusedHandshake[]; readonly total: number };
}

export interface BootstrapInfo {
  readonly enabled: boolean;
  readonly endpoints: readonly { readonly url: string }[];
  /** The URI that devices are given for this server; null where it does not listen. */
  readonly thisServer: ServerUris;
  readonly thisBootstrapServer: ServerUris;
}

export interface ServerUris {
  readonly coap: string | null;
  readonly coaps: string | null;
}

/** What the event stream says of bootstraps, beside `time` and `device`. */
export type BootstrapEvent =
  | { readonly type: 'bootstrap-session-started' | 'bootstrap-session-ended'; readonly session: SessionSummary }
  | {
      readonly type: 'bootstrap-session-progress';
      readonly sessionId: string;
      readonly stage: BootstrapStage;
      readonly progress: SessionSummary['progress'];
      /** What comes next in the timeline. */
      readonly entry: TimelineEntry;
    }
  | { readonly type: 'bootstrap-refused' | 'bootstrap-configurations-changed' | 'bootstrap-credentials-changed' };

export const BOOTSTRAP_EVENT_TYPES: readonly BootstrapEvent['type'][] = [
  'bootstrap-session-started',
  'bootstrap-session-progress',
  'bootstrap-session-ended',
  'bootstrap-refused',
  'bootstrap-configurations-changed',
  'bootstrap-credentials-changed',
];
