/** What a DTLS endpoint counts: plain numbers that only grow, one per reason. */
import type { CloseReason, RefusalReason } from './refusal.ts';

/** Why a record or a datagram was dropped in silence. RFC 6347 §4.1.2.7. */
export type DropReason =
  | 'short-record'
  | 'record-length'
  | 'unknown-version'
  | 'unknown-content-type'
  | 'unknown-epoch'
  | 'unknown-address'
  | 'unknown-connection-id'
  | 'connection-id-expected'
  | 'connection-id-unexpected'
  | 'plaintext-application-data'
  | 'plaintext-alert'
  | 'forged'
  | 'forged-too-often'
  | 'replayed'
  | 'deferred-full'
  | 'malformed-fragment'
  | 'conflicting-fragment'
  | 'future-message'
  | 'message-too-long'
  | 'too-many-fragments'
  | 'unexpected-change-cipher-spec'
  | 'unexpected-message'
  | 'malformed-alert'
  /** A HelloRequest or ClientHello inside an open association; answered with no_renegotiation at times. */
  | 'renegotiation'
  | 'malformed-hello'
  | 'fragmented-hello'
  | 'bad-cookie'
  | 'not-a-server'
  | 'too-many-handshakes'
  | 'too-many-associations'
  | 'closed'
  | 'amplification'
  | 'too-large-to-send'
  /** Every sequence number the last export reserved is used; export again. */
  | 'reservation-used';

export interface DtlsCounters {
  datagramsReceived: number;
  datagramsSent: number;
  /** Datagrams of a single byte, which devices send to keep a NAT's binding. */
  keepalivesReceived: number;
  recordsReceived: number;
  recordsSent: number;
  readonly dropped: Partial<Record<DropReason, number>>;
  helloVerifyRequests: number;
  handshakesStarted: number;
  handshakesCompleted: number;
  handshakesResumed: number;
  readonly handshakesRefused: Partial<Record<RefusalReason, number>>;
  readonly closed: Partial<Record<CloseReason, number>>;
  flightsRetransmitted: number;
  addressChanges: number;
  lookups: number;
  associationsImported: number;
  associationsExported: number;
}

export function newDtlsCounters(): DtlsCounters {
  return {
    datagramsReceived: 0,
    datagramsSent: 0,
    keepalivesReceived: 0,
    recordsReceived: 0,
    recordsSent: 0,
    dropped: {},
    helloVerifyRequests: 0,
    handshakesStarted: 0,
    handshakesCompleted: 0,
    handshakesResumed: 0,
    handshakesRefused: {},
    closed: {},
    flightsRetransmitted: 0,
    addressChanges: 0,
    lookups: 0,
    associationsImported: 0,
    associationsExported: 0,
  };
}

export function countDrop({ dropped }: DtlsCounters, reason: DropReason): void {
  dropped[reason] = (dropped[reason] ?? 0) + 1;
}

export function countRefusal({ handshakesRefused }: DtlsCounters, reason: RefusalReason): void {
  handshakesRefused[reason] = (handshakesRefused[reason] ?? 0) + 1;
}
