/**
 * The responder's side of one observation: who asked, by which token, and what has been told. RFC 7641 §4.
 */
import type { ObserveRelation, OutgoingResponse } from '../events.ts';
import type { ReceivedRequest } from '../exchange/received-request.ts';
import type { Transmission } from '../messaging/messaging.ts';
import type { Peer } from '../peer.ts';

export class Relation implements ObserveRelation {
  readonly kind = 'relation';
  readonly peer: Peer;
  readonly request: ReceivedRequest;
  readonly token: Uint8Array;
  context: unknown = undefined;
  ended = false;
  isUndelivered = false;
  /** Last value of the Observe option; 24 bits. */
  sequence: number;
  /** When the peer last proved to listen or was asked to, ms. */
  confirmableAt: number;
  /** The Confirmable notification under way: at most one. RFC 7641 §4.5.1. */
  transmission: Transmission | undefined = undefined;
  /** The newest state, to follow the one under way. RFC 7641 §4.5.2. */
  pending: { readonly response: OutgoingResponse; readonly confirmable: boolean | undefined } | undefined = undefined;
  /** Of the last Non-confirmable notification: a Reset that carries it ends the relation. RFC 7641 §3.6. */
  messageId = -1;

  constructor(now: number, request: ReceivedRequest, sequence: number) {
    this.peer = request.peer;
    this.request = request;
    this.token = request.token;
    this.sequence = sequence;
    this.confirmableAt = now;
  }
}
