/**
 * One local CoAP endpoint: messaging, exchanges, observations and block-wise transfers behind the sans-IO contract.
 * RFC 7252, 7641, 7959, 8132, 9175, 7967.
 */
import type {
  Exchange,
  IncomingRequest,
  ObserveRelation,
  OutgoingRequest,
  OutgoingResponse,
  Outbox,
} from './events.ts';
import type { Code, Option } from './message.ts';
import type { Peer } from './peer.ts';

/** Times in ms, sizes in bytes. Defaults in `DEFAULT_COAP_PARAMETERS`. */
export interface CoapParameters {
  /** RFC 7252 §4.8. */
  readonly ackTimeout: number;
  readonly ackRandomFactor: number;
  readonly maxRetransmit: number;
  /** Confirmable messages and requests outstanding to one peer at once; further ones wait. RFC 7252 §4.7. */
  readonly nstart: number;
  /** After this long without an answer from the application the empty Acknowledgement is sent. RFC 7252 §5.2.2. */
  readonly ackDelay: number;
  /** How long a separate response may take after the empty Acknowledgement. */
  readonly separateResponseTimeout: number;
  /** RFC 7252 §4.8.2. */
  readonly exchangeLifetime: number;
  readonly nonLifetime: number;
  /** Memory of the duplicate filter; the oldest entries are forgotten early, and counted, when it is full. */
  readonly recentMessageBytes: number;
  /** Largest payload of one message; larger bodies go block-wise. A power of two from 16 to 1024. */
  readonly blockBytes: number;
  /** Largest body assembled in memory, per transfer and altogether. */
  readonly maxBodyBytes: number;
  readonly maxTotalBodyBytes: number;
  /** Observe relations a single peer may hold. */
  readonly maxRelationsPerPeer: number;
  /** Requests that may wait for NSTART per peer before `request` throws UsageError. */
  readonly maxQueuedPerPeer: number;
  /** Send a Confirmable notification at least this often. RFC 7641 §4.5. */
  readonly confirmableNotificationInterval: number;
  /** A pure predicate over the head of a block-wise request: true to get its body as `requestBlock` events. */
  readonly streamedRequest: (code: Code, options: readonly Option[]) => boolean;
  /** Emit `trace` events. */
  readonly trace: boolean;
}

export interface CoapEndpointApi {
  handleDatagram(now: number, peer: Peer, datagram: Uint8Array, out: Outbox): void;
  /** Spurious calls are harmless. */
  handleTimeout(now: number, out: Outbox): void;
  /** ms on the caller's clock; Infinity when idle. */
  nextDeadline(): number;

  /** Start a request. It ends in exactly one `response` (not observing), `failed` or `observationEnded`. */
  request(now: number, peer: Peer, request: OutgoingRequest, out: Outbox): Exchange;
  /** Stop caring: a queued request is never sent, an observation is forgotten (the next notification is Reset). Emits `failed` 'cancelled' or `observationEnded`. */
  cancel(now: number, exchange: Exchange, out: Outbox): void;

  /** Answer a request, now or later; exactly once. Returns the relation when `response.observe` was accepted. */
  respond(now: number, request: IncomingRequest, response: OutgoingResponse, out: Outbox): ObserveRelation | undefined;
  /** Send a notification. `confirmable` undefined: Non-confirmable except when the interval demands otherwise. A newer state replaces one still in flight (RFC 7641 §4.5.2). */
  notify(now: number, relation: ObserveRelation, response: OutgoingResponse, out: Outbox, confirmable?: boolean): void;
  /** Forget the relation silently. To tell the peer, notify with an error code instead: that ends it too. */
  endRelation(now: number, relation: ObserveRelation, out: Outbox): void;

  /** The next bytes of a streamed body this side sends; `last` ends it. At most the wanted length. */
  provideBody(now: number, of: Exchange | IncomingRequest, bytes: Uint8Array, last: boolean, out: Outbox): void;
  /** Ready for the next block of a streamed body this side receives: sends 2.31 Continue, or asks for the next block. */
  continueBody(now: number, of: Exchange | IncomingRequest, out: Outbox): void;

  /** CoAP ping: an empty Confirmable; the Reset it provokes completes the exchange with `failed` 'reset'. RFC 7252 §4.3. */
  ping(now: number, peer: Peer, out: Outbox): Exchange;
  /** Drop everything about this peer: exchanges fail and relations end with 'peer-closed'. */
  forgetPeer(now: number, peer: Peer, out: Outbox): void;
  /** True when nothing about this peer is outstanding (the duplicate filter aside), so that the transport may forget it. */
  isIdle(peer: Peer): boolean;
}
