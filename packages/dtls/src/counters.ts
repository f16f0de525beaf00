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
  | 'malformed-hello'
  | 'fragmented-hello'
  | 'bad-cookie'
  | 'not-a-server'
  | 'too-many-handshakes'
  | 'too-many-associations'
  | 'closed'
  | 'amplification'
  | 'too-large-to-send';

export interface DtlsCounters {
  datagramsReceived: number;
  datagramsSent: number;
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
