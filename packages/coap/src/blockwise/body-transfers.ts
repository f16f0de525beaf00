/**
 * All bodies in blocks that the responder holds: found by peer and request, bounded per peer and altogether, and
 * forgotten EXCHANGE_LIFETIME after their last block. RFC 7959 §2.4, §2.5.
 */
import type { CoapCounters } from '../counters.ts';
import type { DeadlineQueue, Timed } from '../deadlines.ts';
import type { CoapParameters } from '../endpoint.ts';
import type { Outbox } from '../events.ts';
import type { ReceivedRequest } from '../exchange/received-request.ts';
import type { UnansweredRequests } from '../exchange/unanswered-requests.ts';
import { obtainState, stateOf } from '../messaging/peer-state.ts';
import type { Messaging } from '../messaging/messaging.ts';
import type { Peer } from '../peer.ts';
import type { BodyBudget } from './body-budget.ts';
import type { IncomingBody } from './incoming-body.ts';
import type { OutgoingBody } from './outgoing-body.ts';
import { isSameDownload, isSameUpload, type RequestIdentity } from './same-request.ts';

export type BodyTransfer = IncomingBody | OutgoingBody;

/** What a transfer costs besides its bytes. */
const OVERHEAD_BYTES = 512;

export class BodyTransfers {
  readonly #parameters: CoapParameters;
  readonly #counters: CoapCounters;
  readonly #random: () => number;
  readonly #deadlines: DeadlineQueue<Timed>;
  readonly #messaging: Messaging;
  readonly #budget: BodyBudget;
  readonly #unanswered: UnansweredRequests;
  /** Bodies whose last block was served: the first to go when memory is short. Oldest first. */
  readonly #served = new Set<OutgoingBody>();
  #size = 0;

  constructor(
    parameters: CoapParameters,
    counters: CoapCounters,
    random: () => number,
    deadlines: DeadlineQueue<Timed>,
    messaging: Messaging,
    budget: BodyBudget,
    unanswered: UnansweredRequests,
  ) {
    this.#parameters = parameters;
    this.#counters = counters;
    this.#random = random;
    this.#deadlines = deadlines;
    this.#messaging = messaging;
    this.#budget = budget;
    this.#unanswered = unanswered;
  }

  get size(): number {
    return this.#size;
  }

  findIncoming(peer: Peer, request: RequestIdentity): IncomingBody | undefined {
    for (const transfer of stateOf(peer)?.transfers ?? []) {
      if (transfer.kind === 'incomingBody' && isSameUpload(transfer.request, request)) return transfer;
    }
    return undefined;
  }

  findOutgoing(peer: Peer, request: RequestIdentity): OutgoingBody | undefined {
    for (const transfer of stateOf(peer)?.transfers ?? []) {
      if (transfer.kind === 'outgoingBody' && isSameDownload(transfer.identity, request)) return transfer;
    }
    return undefined;
  }

  /** False when there is no memory for it. */
  add(now: number, transfer: BodyTransfer, bytes: number, out: Outbox): boolean {
    if (!this.grow(now, transfer, OVERHEAD_BYTES + bytes)) return false;
    const held = stateOf(transfer.peer)?.transfers ?? [];
    if (held.length >= this.#parameters.maxTransfersPerPeer) {
      this.abandon(now, held.reduce(longestIdle), out);
    }
    obtainState(transfer.peer, this.#random).transfers.push(transfer);
    this.#size++;
    this.touch(now, transfer);
    return true;
  }

  /** The peer is still at it. */
  touch(now: number, transfer: BodyTransfer): void {
    this.#deadlines.set(transfer, now + this.#parameters.exchangeLifetime);
  }

  /** Take memory for more bytes. False when `maxTotalBodyBytes` does not allow it. */
  grow(now: number, transfer: BodyTransfer, bytes: number): boolean {
    while (!this.#budget.take(bytes)) {
      const served = this.#served.values().next();
      if (served.done === true) return false;
      this.remove(now, served.value);
    }
    transfer.heldBytes += bytes;
    return true;
  }

  /** Give memory back, keeping the transfer. */
  shrink(transfer: BodyTransfer): void {
    const freed = Math.max(0, transfer.heldBytes - OVERHEAD_BYTES);
    transfer.heldBytes -= freed;
    this.#budget.release(freed);
  }

  markServed(transfer: OutgoingBody): void {
    transfer.served = true;
    this.#served.add(transfer);
  }

  /** Let go of a transfer that has come to its end, or is replaced. */
  remove(now: number, transfer: BodyTransfer): void {
    const transfers = stateOf(transfer.peer)?.transfers;
    const index = transfers?.indexOf(transfer) ?? -1;
    if (index < 0) return;
    transfers!.splice(index, 1);
    this.#size--;
    this.#budget.release(transfer.heldBytes);
    transfer.heldBytes = 0;
    this.#deadlines.clear(transfer);
    if (transfer.kind === 'outgoingBody') this.#served.delete(transfer);
    this.#messaging.forgetIfIdle(now, transfer.peer);
  }

  /** Let go of a transfer; one that has not come to its end is counted, and the application told if it waits. */
  abandon(now: number, transfer: BodyTransfer, out: Outbox): void {
    this.remove(now, transfer);
    const isOver = transfer.kind === 'incomingBody' ? transfer.phase !== 'receiving' : transfer.served;
    if (isOver) return;
    this.#counters.abandonedBodies++;
    const request = streamOf(transfer);
    if (request === undefined || request.abandoned) return;
    request.abandoned = true;
    this.#unanswered.settle(request);
    out.emit({ kind: 'requestAbandoned', request });
  }

  forgetPeer(now: number, peer: Peer, out: Outbox): void {
    for (const transfer of [...(stateOf(peer)?.transfers ?? [])]) this.abandon(now, transfer, out);
  }
}

/** The request whose body the application consumes or produces piece by piece. */
function streamOf(transfer: BodyTransfer): ReceivedRequest | undefined {
  if (transfer.kind === 'incomingBody') return transfer.isStream ? transfer.request : undefined;
  return transfer.source instanceof Uint8Array ? undefined : transfer.source.request;
}

const longestIdle = (a: BodyTransfer, b: BodyTransfer): BodyTransfer => (b.deadline < a.deadline ? b : a);
