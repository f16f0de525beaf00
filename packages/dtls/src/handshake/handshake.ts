/**
 * The seam between the state machines of the handshake and the association that owns records, fragments, timers and
 * retransmission. A machine sees complete handshake messages in order, each once, and says what to send; it never sees
 * a datagram, a record, a duplicate or a clock.
 */
import type { AlertDescription } from '../alert-table.ts';
import type { CertificateLookup, LookupAnswer, PskLookup, PublicKeyLookup } from '../events.ts';
import type { Principal } from '../credentials.ts';
import type { SecurityParameters } from '../record/protection.ts';
import type { RefusalReason } from '../refusal.ts';
import type { SessionState } from '../session/session.ts';

/** A complete handshake message. RFC 6347 §4.2.2. */
export interface HandshakeMessage {
  /** `HandshakeType`. */
  readonly type: number;
  readonly messageSeq: number;
  readonly body: Uint8Array;
}

export type FlightItem =
  | { readonly kind: 'message'; readonly message: HandshakeMessage; readonly epoch: 0 | 1 }
  /** From here on epoch 1. */
  | { readonly kind: 'changeCipherSpec' };

export interface HandshakeFailure {
  readonly reason: RefusalReason;
  readonly text: string;
  /** What to tell the peer, fatal; undefined: silence. */
  readonly alert: AlertDescription | undefined;
  readonly claimedIdentity?: string;
}

/** What a completed handshake agreed on. */
export interface HandshakeResult {
  readonly principal: Principal;
  readonly parameters: SecurityParameters;
  readonly extendedMasterSecret: boolean;
  readonly resumed: boolean;
  /** SNI. */
  readonly serverName: string | undefined;
  /** What a later resumption needs; undefined where neither a session ID nor a ticket was agreed. */
  readonly session: SessionState | undefined;
}

/** Where a machine puts its outcome; implemented by the association, called inside the machine's methods. */
export interface HandshakeOutput {
  /** Our next flight, complete and in order. It replaces the previous one as what is retransmitted. `last`: nothing of the peer answers it, it is repeated only when the peer repeats its own. */
  sendFlight(items: readonly FlightItem[], last: boolean): void;
  /** The keys of epoch 1 are known. Called once, before a flight that contains our ChangeCipherSpec, and before the peer's ChangeCipherSpec can be accepted. */
  keysReady(parameters: SecurityParameters): void;
  /** The machine stops until `answer` is called; messages in the meantime are held by the association. */
  lookup(lookup: Omit<PskLookup, 'from'> | Omit<PublicKeyLookup, 'from'> | Omit<CertificateLookup, 'from'>): void;
  complete(result: HandshakeResult): void;
  fail(failure: HandshakeFailure): void;
}

export interface HandshakeMachine {
  readonly role: 'client' | 'server';
  /** True while a lookup is open: feed nothing. */
  readonly isWaitingForLookup: boolean;
  /** Which messages the peer is expected to send next, for refusals and for tests: names of `HandshakeType` and 'change_cipher_spec'. */
  readonly expects: readonly string[];
  /** Who the peer says it is, for a refusal the machine does not see, such as a timeout; unproven. */
  readonly claimedIdentity: string | undefined;
  /** Whose credentials were asked for, with a `lookup`; undefined before, and for servers. */
  readonly claimedPrincipal: Principal | undefined;
  /** The next message of the peer. Returns false when it was dropped and counts for nothing: wrong epoch, early Finished, HelloRequest, or after the end. */
  handleMessage(message: HandshakeMessage, epoch: 0 | 1): boolean;
  /** Returns false when this is not its one legal place: it is ignored then, and counts for nothing else. */
  handleChangeCipherSpec(): boolean;
  answer(answer: LookupAnswer): void;
}
