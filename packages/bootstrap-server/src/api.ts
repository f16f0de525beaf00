/** What the Bootstrap-Server library offers: the shapes its users and the apps see. */
import type { Code, Peer, PeerSecurity } from '@lapwing/coap';
import type { Refusal } from '@lapwing/dtls';
import type { BootstrapNode, JsonValue, LwM2mVersion, NodeEntry, ObjectInstancePath, ObjectPath } from '@lapwing/lwm2m';
import type { PeerAddress } from '@lapwing/transport';
import type { BootstrapConfiguration } from './configuration.ts';

export type BootstrapOperationName = 'request' | 'pack' | 'discover' | 'read' | 'delete' | 'write' | 'finish';

/** What one device is given, from its request to its outcome. Live, and without secrets. */
export interface BootstrapSession {
  readonly sessionId: string;
  readonly endpointClientName: string;
  /** How it began: with a Bootstrap-Request, with a Bootstrap-Pack-Request, or by `bootstrapNow`. */
  readonly origin: 'request' | 'pack' | 'server';
  readonly address: PeerAddress;
  /** What the device has proven. */
  readonly security: PeerSecurity;
  /** `pct`, a Content-Format number. */
  readonly preferredContentFormat: number | undefined;
  /** Query parameters beyond the specification's. */
  readonly additional: Readonly<Record<string, string>>;
  /** It has the default configuration, because there is none of its name. */
  readonly isDefaultConfiguration: boolean;
  /** As the device told in Bootstrap-Discover. */
  readonly lwm2mVersion: LwM2mVersion | undefined;
  /** What Bootstrap-Discover found, of the last time it was asked. */
  readonly discovered: readonly BootstrapNode[];
  readonly stage: BootstrapStage;
  /** Operations answered and planned in this round; `planned` grows when Bootstrap-Discover has been answered. */
  readonly progress: { readonly answered: number; readonly planned: number };
  /** How often the configuration was written anew after the device had refused Bootstrap-Finish. */
  readonly repairs: number;
  readonly timeline: readonly TimelineEntry[];
  /** Entries that did not fit into the timeline. */
  readonly timelineOmitted: number;
  /** ms since 1970. */
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  /** Undefined while it runs. */
  readonly outcome: BootstrapOutcome | undefined;
}

/** What is going on. 'storing': new credentials are made known to the server they are for. */
export type BootstrapStage = 'discovering' | 'configuring' | 'storing' | 'finishing' | 'ended';

/** One request and what came of it. */
export interface TimelineEntry {
  /** ms since 1970, when it was sent or, of a request of the device, arrived. */
  readonly at: number;
  readonly operation: BootstrapOperationName;
  /** "/0/1"; of requests "/bs" or "/bspack". */
  readonly path: string;
  /** "2.04"; or why there is none: 'timeout', 'reset', 'bad-response', 'body-too-large', 'peer-closed', 'cancelled'. */
  readonly result: string;
  /** The diagnostic payload of a refusal, cut. */
  readonly diagnostic: string | undefined;
  readonly contentFormat: number | undefined;
  /** Of the payload sent, of Discover and Read of the payload received. */
  readonly bytes: number;
  /** ms until the answer. */
  readonly duration: number;
}

export type BootstrapOutcome =
  /** The device accepted Bootstrap-Finish. */
  | { readonly kind: 'finished' }
  /** The Bootstrap-Pack was given; whether the device likes it shows in what it does next. */
  | { readonly kind: 'pack-sent' }
  /** The device finds its configuration inconsistent, repairs included. */
  | { readonly kind: 'finish-refused'; readonly code: Code; readonly reason: string }
  | {
      readonly kind: 'operation-refused';
      readonly operation: BootstrapOperationName;
      readonly path: string;
      readonly code: Code;
      readonly reason: string;
    }
  /** Answered with Reset, or with what cannot be read. */
  | {
      readonly kind: 'operation-failed';
      readonly operation: BootstrapOperationName;
      readonly path: string;
      readonly reason: 'reset' | 'bad-response' | 'body-too-large';
    }
  /** No answer. Without an operation: the session took longer than `sessionTimeout`. */
  | {
      readonly kind: 'timeout';
      readonly operation: BootstrapOperationName | undefined;
      readonly path: string | undefined;
    }
  /** The DTLS association ended. */
  | { readonly kind: 'connection-closed' }
  /** The configuration cannot be given to this device, or new credentials were not taken. */
  | { readonly kind: 'configuration-unusable'; readonly reason: string }
  /** The device began anew. */
  | { readonly kind: 'replaced' }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'server-closed' };

export type BootstrapRefusalKind =
  /** There is no configuration for it. */
  | 'unknown-endpoint'
  /** It is not who it says, has to prove itself, or does not say who it is. */
  | 'identity'
  /** Parameters or path are not understood. */
  | 'malformed'
  /** `pct` or Accept is a Content-Format that is not known or cannot be used. */
  | 'content-format'
  /** Bootstrap-Packs are switched off. */
  | 'no-packs'
  /** As many sessions as allowed are running. */
  | 'overloaded'
  /** A store failed, or the configuration cannot be put into a pack. */
  | 'unusable';

export interface BootstrapRefusal {
  readonly peer: Peer<PeerAddress>;
  readonly endpointClientName: string | undefined;
  readonly operation: 'request' | 'pack';
  readonly kind: BootstrapRefusalKind;
  /** "4.00". */
  readonly code: string;
  readonly reason: string;
}

export interface BootstrapServerEvents {
  /** A request was accepted, after its answer. */
  sessionStarted: [session: BootstrapSession];
  /** An operation was answered, or not. */
  sessionProgress: [session: BootstrapSession, entry: TimelineEntry];
  sessionEnded: [session: BootstrapSession, outcome: BootstrapOutcome];
  /** What a Bootstrap-Read of the configuration's `read` brought. */
  contentRead: [session: BootstrapSession, path: ObjectPath | ObjectInstancePath, entries: readonly NodeEntry[]];
  /** A request that began no session, and why. */
  refused: [refusal: BootstrapRefusal];
  /** A DTLS handshake that did not complete, and why. */
  handshakeRefused: [refusal: { readonly address: PeerAddress; readonly refusal: Refusal }];
}

/** An operation as `preview` shows it. */
export interface PreviewedOperation {
  readonly operation: 'discover' | 'read' | 'delete' | 'write' | 'finish' | 'pack';
  readonly path: string;
  readonly contentFormat: number | undefined;
  /** Bytes of the payload; of generated credentials as many as they will have. */
  readonly bytes: number;
  readonly values: readonly PreviewedValue[];
}

export interface PreviewedValue {
  readonly path: string;
  /** Undefined for a secret, and for what is generated for each Bootstrap. */
  readonly value: JsonValue | undefined;
  readonly hidden: 'secret' | 'generated' | undefined;
}

export interface PreviewOptions {
  /** Look at this one, which need not be kept anywhere. Default: what the device would be given now. */
  readonly configuration?: BootstrapConfiguration;
  /** What the device answers to Bootstrap-Discover on "/". Default: it does not answer. */
  readonly discovered?: string;
  /** `pct`. */
  readonly preferredContentFormat?: number;
  /** As a Bootstrap-Pack in this Content-Format. */
  readonly pack?: number;
}

export interface SessionQuery {
  /** Only of this Endpoint Client Name. */
  readonly endpointClientName?: string;
  readonly running?: boolean;
  /** At most this many; default 100. */
  readonly limit?: number;
}
