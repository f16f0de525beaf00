/** What the REST API answers, as docs/rest-api.md words it. The console knows nothing of the server beyond this. */
import { BOOTSTRAP_EVENT_TYPES, type BootstrapEvent } from './bootstrap-shapes.ts';

export type DataType =
  'string' | 'integer' | 'unsigned' | 'float' | 'boolean' | 'opaque' | 'time' | 'objlnk' | 'corelnk' | 'none';

/** Integers beyond 2^53 are decimal text, opaque is base64, time is ISO 8601 in UTC, objlnk is "3:0". */
export type JsonValue = string | number | boolean | null;

export interface Entry {
  readonly path: string;
  /** Absent on an entry without a value. */
  readonly type?: DataType;
  readonly value?: JsonValue;
  /** ISO 8601, when the device gave one. */
  readonly timestamp?: string;
  readonly kind?: 'value' | 'empty' | 'remove';
}

export interface Security {
  /** 'none': plain CoAP, and the device is what it says it is. */
  readonly kind: 'none' | 'psk' | 'rpk' | 'x509';
  /** What the device has proven to be. */
  readonly identity?: string;
  /** On a device of its own; null when it has ended and the device has to open a new one. */
  readonly association?: {
    readonly cipherSuite: string;
    readonly connectionId: boolean;
    readonly extendedMasterSecret: boolean;
    readonly openedAt: string;
    readonly addressChanges: number;
    readonly forgedRecords: number;
  } | null;
}

export type CredentialKind = 'psk' | 'rpk' | 'x509';

export interface Credential {
  readonly device: string;
  readonly kind: CredentialKind;
  /** Null: any certificate that names the device. */
  readonly identity: string | null;
}

export interface AddedCredential extends Credential {
  /** A pre-shared key in hexadecimal, told this once. */
  readonly key?: string;
}

export interface CredentialPage {
  readonly items: readonly Credential[];
  readonly nextCursor: string | null;
  readonly total: number;
}

export interface NewCredential {
  readonly device: string;
  readonly kind: CredentialKind;
  readonly identity?: string;
  readonly key?: string;
  readonly publicKey?: string;
  readonly certificate?: string;
  readonly replace?: boolean;
}

export interface ServerIdentity {
  readonly publicKey: { readonly pem: string; readonly der: string; readonly fingerprint: string };
  readonly certificate: {
    readonly pem: string;
    readonly fingerprint: string;
    readonly subject: string;
    readonly issuer: string;
    readonly names: readonly string[];
    readonly validFrom: string;
    readonly validTo: string;
  };
}

export interface TrustAnchor {
  readonly id: string;
  readonly subject: string;
  readonly validFrom: string;
  readonly validTo: string;
  readonly certificate: string;
}

export interface RefusedHandshake {
  readonly address: string;
  readonly reason: string;
  readonly text: string;
  readonly alert: string | null;
  readonly claimedIdentity: string | null;
  readonly firstAt: string;
  readonly lastAt: string;
  readonly count: number;
}

export interface DeviceSummary {
  readonly name: string;
  readonly registrationId: string;
  readonly lwm2mVersion: string;
  readonly lifetimeSeconds: number;
  readonly binding: string;
  readonly queueMode: boolean;
  /** False while a device in queue mode sleeps. */
  readonly awake: boolean;
  readonly address: string;
  readonly security: Security;
  readonly registeredAt: string;
  readonly updatedAt: string;
  /** Null when the registration never expires. */
  readonly expiresAt: string | null;
  readonly contentFormats: readonly number[];
  readonly objectIds: readonly number[];
}

export interface RegisteredObject {
  readonly objectId: number;
  readonly name?: string;
  readonly version: string;
  readonly objectInstanceIds: readonly number[];
}

export interface Device extends Omit<DeviceSummary, 'objectIds'> {
  readonly objects: readonly RegisteredObject[];
}

export interface DevicePage {
  readonly items: readonly DeviceSummary[];
  /** Null on the last page. */
  readonly nextCursor: string | null;
  /** Of all devices, whatever the search. */
  readonly total: number;
}

/** '' is for the Bootstrap-Server only. */
export type ResourceOperations = '' | 'R' | 'W' | 'RW' | 'E';

export interface ResourceDefinition {
  readonly resourceId: number;
  readonly name: string;
  readonly operations: ResourceOperations;
  readonly multiple: boolean;
  readonly mandatory: boolean;
  readonly type: DataType;
  readonly range: string;
  readonly units: string;
}

export interface DefinitionSummary {
  readonly objectId: number;
  readonly name: string;
  readonly version: string;
  readonly urn: string;
  readonly multiple: boolean;
  readonly mandatory: boolean;
}

export interface ObjectDefinition extends DefinitionSummary {
  readonly resources: readonly ResourceDefinition[];
}

export interface ReadAnswer {
  readonly code?: string;
  readonly path: string;
  readonly contentFormat?: number;
  readonly entries: readonly Entry[];
}

export interface DiscoveredNode {
  readonly path: string;
  readonly version?: string;
  readonly dimension?: number;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface ObservationRecord {
  readonly path: string;
  /** Of an Observe-Composite. */
  readonly paths?: readonly string[];
  readonly startedAt: string;
  readonly lastNotification: {
    readonly receivedAt: string;
    readonly entries: readonly Entry[];
  } | null;
}

/** One value of a Send, as the server keeps it. */
export interface SentValue extends Entry {
  /** Ascending; the values of one Send are numbered one by one from its `sendId`. */
  readonly id: number;
  readonly sendId: number;
  readonly receivedAt: string;
}

export interface SentValuePage {
  /** Newest first. */
  readonly items: readonly SentValue[];
  /** Null on the last page. */
  readonly nextCursor: string | null;
  readonly total: number;
}

/** Attributes of a node as the device shows them. */
export interface NodeAttributes {
  readonly path: string;
  readonly own: Readonly<Record<string, string | number>>;
  /** Of the nodes above, the nearest first. */
  readonly inherited: readonly {
    readonly path: string;
    readonly attributes: Readonly<Record<string, string | number>>;
  }[];
  readonly effective: Readonly<Record<string, string | number>>;
}

export interface PendingOperation {
  readonly operationId: string;
  readonly operation: string;
  readonly paths: readonly string[];
  readonly state: 'waiting' | 'sent';
  readonly createdAt: string;
  /** Null: never. */
  readonly expiresAt: string | null;
}

export interface PendingList {
  readonly awake: boolean;
  readonly items: readonly PendingOperation[];
}

export interface FirmwareImage {
  /** SHA-256 in hexadecimal. */
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly bytes: number;
  readonly uploadedAt: string;
}

export interface FirmwareUpdate {
  readonly device: string;
  readonly delivery: 'push' | 'pull';
  readonly stage: string;
  readonly sentBytes: number;
  /** Null when the device fetches the package elsewhere. */
  readonly totalBytes: number | null;
  readonly versionBefore: string | null;
  readonly versionAfter: string | null;
  readonly startedAt: string;
  readonly changedAt: string;
  /** Null while it is under way. */
  readonly outcome: string | null;
  readonly explanation: string | null;
}

export interface ServerInfo {
  readonly version: string;
  readonly nodeVersion: string;
  readonly startedAt: string;
  readonly demo: boolean;
  readonly endpoints: readonly { readonly url: string }[];
  readonly counters: Readonly<Record<string, number>>;
}

/** RFC 9457, with the CoAP code when it was the device that refused. */
export interface Problem {
  readonly type?: string;
  readonly title?: string;
  readonly status?: number;
  readonly detail?: string;
  readonly coapCode?: string;
  /** Where in the request. */
  readonly field?: string;
}

interface EventBase {
  readonly time: string;
  readonly device?: string;
}
export type LapwingEvent =
  | (EventBase & { readonly type: 'registered'; readonly registration?: DeviceSummary })
  | (EventBase & { readonly type: 'updated'; readonly registration?: DeviceSummary })
  | (EventBase & { readonly type: 'unregistered'; readonly reason: string; readonly registrationId?: string })
  | (EventBase & { readonly type: 'observed'; readonly path: string; readonly startedAt?: string })
  | (EventBase & {
      readonly type: 'notification';
      readonly path: string;
      readonly entries: readonly Entry[];
      readonly receivedAt: string;
    })
  | (EventBase & { readonly type: 'observation-ended'; readonly path: string; readonly reason: string })
  | (EventBase & {
      readonly type: 'malformed-notification';
      readonly path: string;
      /** Of an Observe-Composite. */
      readonly paths?: readonly string[];
      readonly reason: string;
    })
  | (EventBase & { readonly type: 'awake' | 'asleep' | 'pending-changed' })
  | (EventBase & { readonly type: 'sent'; readonly sendId: number; readonly entries: readonly Entry[] })
  | (EventBase & {
      readonly type: 'refused';
      readonly code?: string;
      readonly reason: string;
      readonly address?: string;
    })
  | (EventBase & { readonly type: 'handshake-refused'; readonly refusal: RefusedHandshake; readonly total: number })
  | (EventBase & { readonly type: 'address-changed'; readonly address: string; readonly from: string })
  | (EventBase & { readonly type: 'firmware-update'; readonly update: FirmwareUpdate })
  | (EventBase & { readonly type: 'credentials-changed'; readonly change: 'added' | 'removed' | 'imported' })
  | (EventBase & BootstrapEvent)
  | (EventBase & { readonly type: 'trust-anchors-changed'; readonly change: 'added' | 'removed' })
  /** The server's log no longer holds what was missed: everything shown must be asked for again. */
  | (EventBase & { readonly type: 'gap' });

export const EVENT_TYPES: readonly LapwingEvent['type'][] = [
  'registered',
  'updated',
  'unregistered',
  'observed',
  'notification',
  'malformed-notification',
  'observation-ended',
  'awake',
  'asleep',
  'pending-changed',
  'sent',
  'refused',
  'handshake-refused',
  'address-changed',
  'firmware-update',
  'credentials-changed',
  'trust-anchors-changed',
  ...BOOTSTRAP_EVENT_TYPES,
  'gap',
];
