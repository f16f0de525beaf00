/**
 * What goes into and comes out of a CoAP endpoint: requests, responses, and the events announced through the outbox.
 */
import type { Code, Message, Option } from './message.ts';
import type { Peer } from './peer.ts';

/** Where a core layer puts its output. The driver drains it after the input; nothing calls back into the core. */
export interface Outbox {
  transmit(peer: Peer, datagram: Uint8Array): void;
  emit(event: CoapEvent): void;
}

/** A body that is handed over piece by piece, so that it never sits in memory whole. */
export interface StreamedBody {
  readonly kind: 'stream';
  /** Bytes, when known: announced as Size1 or Size2. RFC 7959 §4. */
  readonly size?: number;
}

export interface OutgoingRequest {
  readonly code: Code;
  /** Ascending by number, without Observe, Block and Size options: the endpoint adds those. */
  readonly options: readonly Option[];
  /** Kept until the exchange completes, so do not reuse the buffer. A stream is asked for by `bodyWanted` events. */
  readonly payload: Uint8Array | StreamedBody;
  /** Default true. */
  readonly confirmable?: boolean;
  /** Ask to observe (Observe: 0). The exchange then lives until cancelled or refused. RFC 7641. */
  readonly observe?: boolean;
  /** Cancel actively: send Observe: 1 with the token of this exchange. RFC 7641 §3.6. */
  readonly cancelObservation?: Exchange;
  /** ms from now until the exchange fails with `timeout`; default: the parameters' exchange timeout. */
  readonly timeout?: number;
  /** 'stream': the response body arrives as `responseBlock` events, each to be answered by `continueBody`. Default 'whole'. */
  readonly responseBody?: 'whole' | 'stream';
  /** Announce how far a payload in blocks has got, by `requestProgress`. Default false. */
  readonly reportsProgress?: boolean;
  /** Whatever the caller wants to find again on the exchange. */
  readonly context?: unknown;
}

/** The requester's side of one request, from `request` until `completed`, `failed` or the end of its observation. */
export interface Exchange {
  readonly peer: Peer;
  readonly request: OutgoingRequest;
  readonly context: unknown;
  /** Datagrams sent so far for the current message, retransmissions included. */
  readonly transmissions: number;
  readonly state: 'queued' | 'active' | 'observing' | 'done';
}

/** What has to be remembered of an observation of this side, so that another endpoint can go on with it. */
export interface ObservationState {
  /** 32 bits, the token of its notifications. */
  readonly token: number;
  /** Observe option of the newest notification, and how many ms ago it came. RFC 7641 §3.4. */
  readonly sequence: number;
  readonly sequenceAge: number;
}

/** A request as it arrived, whole or (for streamed bodies) its head. Views are valid during the event; see `keep`. */
export interface IncomingRequest {
  readonly peer: Peer;
  readonly code: Code;
  /** Ascending by number; Block1, Size1 of an assembled body are removed. */
  readonly options: readonly Option[];
  /** The whole body, however many blocks it came in. Empty for a streamed body. */
  readonly payload: Uint8Array;
  readonly token: Uint8Array;
  readonly confirmable: boolean;
  readonly observe: 'register' | 'deregister' | undefined;
  /** True when the body comes as `requestBlock` events (see `CoapParameters.streamedRequest`). */
  readonly streamed: boolean;
}

export interface OutgoingResponse {
  readonly code: Code;
  /** Ascending by number, without Observe, Block and Size options. */
  readonly options: readonly Option[];
  readonly payload: Uint8Array | StreamedBody;
  /** To a GET: keep nothing of the payload for later blocks; each is asked of the application anew. Give it an ETag then. */
  readonly answeredAnew?: boolean;
  /** Accept the observation the request asked for: `respond` returns the relation. Only with a 2.xx code. */
  readonly observe?: boolean;
}

/** An answer, assembled from its blocks. */
export interface IncomingResponse {
  readonly code: Code;
  readonly options: readonly Option[];
  /** Valid during the event: copy it to keep it. */
  readonly payload: Uint8Array;
}

/** The responder's side of an observation (RFC 7641): who asked, by which token. */
export interface ObserveRelation {
  readonly peer: Peer;
  readonly request: IncomingRequest;
  /** For the application; not touched by CoAP. */
  context: unknown;
  readonly ended: boolean;
  /** It ended before its last Confirmable notification was acknowledged. */
  readonly isUndelivered: boolean;
}

export type FailureReason =
  /** No Acknowledgement after all transmissions (RFC 7252 §4.2), or no response in time. */
  | 'timeout'
  /** The peer answered with Reset: it has no context for this message. */
  | 'reset'
  | 'cancelled'
  /** The response body is larger than `maxBodyBytes`, or the memory for bodies is used up. */
  | 'body-too-large'
  /** The blocks of the response do not fit together (changed ETag, lying numbers) or a critical option is not understood. */
  | 'bad-response'
  /** The peer was dropped: association closed, endpoint closed. */
  | 'peer-closed';

export type RelationEndReason = 'reset' | 'cancelled' | 'timeout' | 'replaced' | 'refused' | 'peer-closed';

export type CoapEvent =
  | { readonly kind: 'request'; readonly request: IncomingRequest }
  /** One block of a streamed request body; answer with `continueBody` or, at any time, `respond`. `more` false: the last. */
  | {
      readonly kind: 'requestBlock';
      readonly request: IncomingRequest;
      readonly offset: number;
      readonly payload: Uint8Array;
      readonly more: boolean;
    }
  /** A streamed body, of the request or of the response to it, will not be completed: the peer went away or began anew. Do not answer the request any more. */
  | { readonly kind: 'requestAbandoned'; readonly request: IncomingRequest }
  /** The answer. With `observing`, notifications follow. */
  | {
      readonly kind: 'response';
      readonly exchange: Exchange;
      readonly response: IncomingResponse;
      readonly observing: boolean;
    }
  | {
      readonly kind: 'responseBlock';
      readonly exchange: Exchange;
      readonly response: IncomingResponse;
      readonly offset: number;
      readonly payload: Uint8Array;
      readonly more: boolean;
    }
  | { readonly kind: 'notification'; readonly exchange: Exchange; readonly response: IncomingResponse }
  /** Exactly one of `response` (not observing), `failed` or `observationEnded` ends an exchange. */
  | { readonly kind: 'failed'; readonly exchange: Exchange; readonly reason: FailureReason }
  /** A notification with an error code or without Observe ended it (RFC 7641 §4.2), or it was cancelled. */
  | { readonly kind: 'observationEnded'; readonly exchange: Exchange; readonly response: IncomingResponse | undefined }
  /** The next bytes of a streamed body are wanted: call `provideBody`. */
  | {
      readonly kind: 'bodyWanted';
      readonly of: Exchange | IncomingRequest;
      readonly offset: number;
      readonly length: number;
    }
  /** The peer has this much of the payload of a request that `reportsProgress`. Fewer than before: it began anew. */
  | { readonly kind: 'requestProgress'; readonly exchange: Exchange; readonly acknowledgedBytes: number }
  | { readonly kind: 'relationEnded'; readonly relation: ObserveRelation; readonly reason: RelationEndReason }
  /** For a packet log: every message in and out, only when `CoapParameters.trace` is on. */
  | {
      readonly kind: 'trace';
      readonly direction: 'in' | 'out';
      readonly peer: Peer;
      readonly message: Message;
      readonly retransmission: boolean;
    };
