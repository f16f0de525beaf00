/**
 * One local DTLS endpoint, both roles, behind the sans-IO contract.
 */
import type { Association } from './association.ts';
import type { DtlsCounters } from './counters.ts';
import type { ClientCredentials, ServerCredentials } from './credentials.ts';
import type { DtlsCrypto } from './crypto.ts';
import type { DtlsOutbox, Lookup, LookupAnswer, RemoteAddress } from './events.ts';
import type { DtlsParameters } from './parameters.ts';
import type { SessionState } from './session/session.ts';

export interface DtlsEndpointOptions {
  readonly crypto: DtlsCrypto;
  /** ms since 1970: validity of certificates, sessions and tickets. */
  readonly unixTime: () => number;
  /** Without it every ClientHello is dropped: a client only. */
  readonly server?: ServerCredentials;
  readonly parameters?: Partial<DtlsParameters>;
}

export interface ConnectOptions {
  readonly credentials: ClientCredentials;
  /** SNI, a DNS name. */
  readonly serverName?: string;
  /** Offered in this order; default: the endpoint's. */
  readonly cipherSuites?: DtlsParameters['cipherSuites'];
  /** Try to resume this session. */
  readonly session?: SessionState;
}

export interface DtlsEndpointApi {
  readonly counters: DtlsCounters;
  /** What is held now; all zero when nothing is left. */
  readonly usage: DtlsUsage;

  handleDatagram(now: number, from: RemoteAddress, datagram: Uint8Array, out: DtlsOutbox): void;
  /** Spurious calls are harmless. */
  handleTimeout(now: number, out: DtlsOutbox): void;
  /** ms on the caller's clock; Infinity when idle. */
  nextDeadline(): number;

  /** Begin a handshake as client; ends in `opened` or `refused`. A handshake or open association with that address goes on until this one is complete. */
  connect(now: number, to: RemoteAddress, options: ConnectOptions, out: DtlsOutbox): Association;
  /**
   * Seal and send application data; kept and sent when the handshake completes. False: dropped and counted (closed, too
   * much kept, no more than `maxPlaintext` fits, amplification bound).
   */
  send(now: number, association: Association, plaintext: Uint8Array, out: DtlsOutbox): boolean;
  /** Application bytes that fit into one datagram of this association. */
  maxPlaintext(association: Association): number;
  answer(now: number, lookup: Lookup, answer: LookupAnswer, out: DtlsOutbox): void;
  /** Send close_notify and forget it; a handshake under way fails with 'cancelled'. No event follows. */
  close(now: number, association: Association, out: DtlsOutbox): void;
  /** Forget it silently: the peer keeps its side. No event follows. */
  forget(association: Association): void;
  /** The open association with this address. */
  associationAt(address: RemoteAddress): Association | undefined;
  /** For resuming as a client later; undefined where the server agreed to no session. */
  sessionOf(association: Association): SessionState | undefined;

  /**
   * The exact state of an open association, not encrypted: about 210 bytes for PSK. It is a secret; see `sealSnapshot`.
   * With 'move' the association is forgotten here, so that no nonce is ever used twice; with 'reserve' it goes on, and
   * the exported write sequence is `sequenceReservation` ahead of what this side will use before the next export.
   */
  exportAssociation(now: number, association: Association, mode: 'move' | 'reserve'): Uint8Array;
  /** Undefined: malformed, another version, a Connection ID of another node, or the table is full. `context` is the caller's to set. */
  importAssociation(now: number, state: Uint8Array): Association | undefined;
}

export interface DtlsUsage {
  readonly associations: number;
  readonly handshakes: number;
  readonly connectionIds: number;
  readonly addresses: number;
  readonly hosts: number;
  readonly lookups: number;
  readonly deferredBytes: number;
  readonly fragmentBytes: number;
  readonly deadlines: number;
  readonly sessions: number;
}
