/**
 * What the CoAP layers remember about one peer, allocated on first need and dropped when nothing is left: an idle peer
 * costs a small number in `Peer.coap`, the next Message ID.
 */
import type { RequestExchange } from '../exchange/request-exchange.ts';
import type { BodyTransfer } from '../blockwise/body-transfers.ts';
import type { Relation } from '../observe/relation.ts';
import { messageId, type MessageId } from '../message.ts';
import type { Peer } from '../peer.ts';
import type { Transmission } from './messaging.ts';

const SEGMENT_COUNT = 16;
const SEGMENT_IDS = 65_536 / SEGMENT_COUNT;

export class PeerState {
  /** Used next; 16 bits. Message IDs to one peer are sequential from a random start. RFC 7252 §4.4. */
  #nextMessageId: number;
  /**
   * When a Message ID of each sixteenth of their range was last used, ms. Only a peer that got thousands of messages
   * needs it: an ID comes again after 65,536 others.
   */
  #segmentsUsedAt: Float64Array | undefined;
  /** Transmissions that count against NSTART. */
  outstanding = 0;
  /** Sent, and an Acknowledgement or Reset may still come for it. */
  inFlight: Transmission[] = [];
  /** Held back by NSTART, oldest first. */
  queue: Transmission[] = [];
  /** Head of the list through `RequestExchange.next`. */
  exchanges: RequestExchange | undefined = undefined;
  relations: Relation[] = [];
  transfers: BodyTransfer[] = [];

  constructor(nextMessageId: number) {
    this.#nextMessageId = nextMessageId;
  }

  /**
   * The next Message ID, or the moment when there will be one: none is used twice within
   * EXCHANGE_LIFETIME. RFC 7252 §4.4.
   */
  takeMessageId(now: number, exchangeLifetime: number): MessageId | { readonly availableAt: number } {
    const id = this.#nextMessageId;
    if (id % SEGMENT_IDS === 0) {
      const segment = id / SEGMENT_IDS;
      this.#segmentsUsedAt ??= new Float64Array(SEGMENT_COUNT).fill(-Infinity);
      const availableAt = this.#segmentsUsedAt[segment]! + exchangeLifetime;
      if (availableAt > now) return { availableAt };
      this.#segmentsUsedAt[(segment + SEGMENT_COUNT - 1) % SEGMENT_COUNT] = now;
    }
    this.#nextMessageId = (id + 1) & 0xffff;
    return messageId(id);
  }

  get nextMessageId(): number {
    return this.#nextMessageId;
  }

  /** Nothing is outstanding either way. */
  get isIdle(): boolean {
    return (
      this.inFlight.length === 0 &&
      this.queue.length === 0 &&
      this.exchanges === undefined &&
      this.relations.length === 0 &&
      this.transfers.length === 0
    );
  }

  /** Idle, and no Message ID that could come again soon was used. */
  isForgettable(now: number, exchangeLifetime: number): boolean {
    if (!this.isIdle) return false;
    return this.#segmentsUsedAt === undefined || Math.max(...this.#segmentsUsedAt) + exchangeLifetime <= now;
  }
}

/** The state if there is one. */
export const stateOf = (peer: Peer): PeerState | undefined => (peer.coap instanceof PeerState ? peer.coap : undefined);

/** The state, made if need be. @param random  uniform uint32. */
export function obtainState(peer: Peer, random: () => number): PeerState {
  const known = peer.coap;
  if (known instanceof PeerState) return known;
  const state = new PeerState(typeof known === 'number' ? known : random() & 0xffff);
  peer.coap = state;
  return state;
}

/** Drop the state when nothing needs it, keeping the next Message ID. */
export function dropIdleState(now: number, peer: Peer, exchangeLifetime: number): void {
  const state = peer.coap;
  if (state instanceof PeerState && state.isForgettable(now, exchangeLifetime)) peer.coap = state.nextMessageId;
}
