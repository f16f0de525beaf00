/**
 * Why a handshake failed or an association ended, for people and for counters.
 */
import type { AlertDescription } from './alert-table.ts';

export type RefusalReason =
  | 'no-common-version'
  | 'no-common-cipher-suite'
  | 'no-common-group'
  | 'no-common-certificate-type'
  | 'no-common-signature-algorithm'
  | 'unknown-identity'
  | 'wrong-key'
  | 'certificate'
  | 'unknown-public-key'
  | 'no-certificate'
  | 'bad-signature'
  | 'bad-key-exchange'
  | 'renegotiation'
  | 'insecure-resumption'
  | 'no-extended-master-secret'
  | 'unexpected-message'
  | 'malformed-message'
  | 'message-too-long'
  | 'alert-received'
  | 'timeout'
  | 'lookup-timeout'
  | 'lookup-failed'
  | 'too-many-handshakes'
  | 'too-many-associations'
  | 'cancelled';

/** A handshake that did not complete. Contains no secret. */
export interface Refusal {
  readonly reason: RefusalReason;
  /** One sentence a person understands, with what was offered against what is supported, and what to do. */
  readonly text: string;
  /** What was told to the peer, or what the peer told us with 'alert-received'. */
  readonly alert?: AlertDescription;
  /** The identity the peer claimed, unproven: the PSK identity as `identityText` has it; a certificate's name. */
  readonly claimedIdentity?: string;
}

export type CloseReason =
  /** We closed it. */
  | 'closed'
  /** close_notify of the peer. */
  | 'peer-closed'
  /** A fatal alert of the peer. */
  | 'peer-alert'
  /** A new association from the same address took its place. RFC 6347 §4.2.8. */
  | 'replaced'
  /** The table was full and this one silent for longer than the stale threshold. */
  | 'evicted'
  /** Too many records that failed authentication. */
  | 'forged-records'
  /** The sequence numbers of the epoch are used up. */
  | 'exhausted';
