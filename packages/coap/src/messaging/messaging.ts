/**
 * Messages out: Message IDs, retransmission, NSTART, and the empty messages that answer other messages.
 * RFC 7252 §4.2 to §4.4, §4.7.
 *
 * It decides when bytes leave and when they have been delivered. What that means for the request, the response or the
 * notification in them is for the layer above: `advance` returns the outcome.
 */
import type { CoapCounters } from '../counters.ts';
import type { DeadlineQueue, Timed } from '../deadlines.ts';
import type { CoapParameters } from '../endpoint.ts';
import type { Outbox } from '../events.ts';
import type { ReplySlot } from '../exchange/reply-slot.ts';
import type { RequestExchange } from '../exchange/request-exchange.ts';
import { decodeMessage } from '../message-codec.ts';
import { MessageType, type MessageId } from '../message.ts';
import type { Relation } from '../observe/relation.ts';
import type { Peer } from '../peer.ts';
import { dropIdleState, obtainState, stateOf, type PeerState } from './peer-state.ts';
import {
  advanceTransmission,
  WAITING,
  type TransmissionInput,
  type TransmissionMode,
  type TransmissionOutcome,
  type TransmissionState,
} from './transmission.ts';

/** What a transmission carries: a request, a separate response, a notification. */
export type TransmissionOwner = RequestExchange | ReplySlot | Relation;

/** One message to be delivered, and how far it has got. */
export class Transmission implements Timed {
  readonly kind = 'transmission';
  readonly peer: Peer;
  readonly mode: TransmissionMode;
  readonly owner: TransmissionOwner;
  /** Encoded once; the Message ID is written into it when it is sent. */
  datagram: Uint8Array;
  messageId = -1;
  state: TransmissionState = WAITING;
  deadline: number = Infinity;
  heapIndex = -1;

  constructor(peer: Peer, mode: TransmissionMode, owner: TransmissionOwner, datagram: Uint8Array) {
    this.peer = peer;
    this.mode = mode;
    this.owner = owner;
    this.datagram = datagram;
  }
}

export class Messaging {
  readonly #parameters: CoapParameters;
  readonly #counters: CoapCounters;
  readonly #random: () => number;
  readonly #deadlines: DeadlineQueue<Timed>;

  constructor(
    parameters: CoapParameters,
    counters: CoapCounters,
    random: () => number,
    deadlines: DeadlineQueue<Timed>,
  ) {
    this.#parameters = parameters;
    this.#counters = counters;
    this.#random = random;
    this.#deadlines = deadlines;
  }

  /** Send bytes that are complete. */
  transmit(peer: Peer, datagram: Uint8Array, retransmission: boolean, out: Outbox): void {
    this.#counters.datagramsSent++;
    if (retransmission) this.#counters.retransmissions++;
    out.transmit(peer, datagram);
    if (this.#parameters.trace) {
      const message = decodeMessage(datagram);
      if (!('malformed' in message)) out.emit({ kind: 'trace', direction: 'out', peer, message, retransmission });
    }
  }

  acknowledge(peer: Peer, messageId: MessageId, out: Outbox): void {
    this.transmit(peer, emptyMessage(MessageType.acknowledgement, messageId), false, out);
  }

  reset(peer: Peer, messageId: MessageId, out: Outbox): void {
    this.#counters.resetsSent++;
    this.transmit(peer, emptyMessage(MessageType.reset, messageId), false, out);
  }

  /** Deliver `transmission`: now, or when NSTART and the Message IDs allow. */
  start(now: number, transmission: Transmission, out: Outbox): void {
    const state = obtainState(transmission.peer, this.#random);
    state.queue.push(transmission);
    this.#pump(now, state, out);
  }

  /**
   * Send a message nobody acknowledges, at once. Returns its Message ID, or undefined when it had to be dropped because
   * every Message ID is in use.
   */
  sendUnacknowledged(now: number, peer: Peer, datagram: Uint8Array, out: Outbox): MessageId | undefined {
    const id = obtainState(peer, this.#random).takeMessageId(now, this.#parameters.exchangeLifetime);
    if (typeof id === 'object') {
      this.#counters.messagesDropped++;
      return undefined;
    }
    writeMessageId(datagram, id);
    this.transmit(peer, datagram, false, out);
    this.forgetIfIdle(now, peer);
    return id;
  }

  /** The transmission that an Acknowledgement or Reset with this Message ID is about. */
  find(peer: Peer, messageId: MessageId): Transmission | undefined {
    const inFlight = stateOf(peer)?.inFlight;
    if (inFlight === undefined) return undefined;
    for (let index = 0; index < inFlight.length; index++) {
      if (inFlight[index]!.messageId === messageId) return inFlight[index];
    }
    return undefined;
  }

  /** What waits to be sent, then what waits for an Acknowledgement: in this order giving one up starts no other. */
  undelivered(peer: Peer): readonly Transmission[] {
    const state = stateOf(peer);
    return state === undefined ? [] : [...state.queue, ...state.inFlight];
  }

  /** How many transmissions wait for NSTART. */
  queued(peer: Peer): number {
    return stateOf(peer)?.queue.length ?? 0;
  }

  /** Something happened to a transmission. Returns the outcome when that ended it, else undefined. */
  advance(
    now: number,
    transmission: Transmission,
    input: TransmissionInput,
    out: Outbox,
  ): TransmissionOutcome | undefined {
    const { peer, state: before } = transmission;
    if (before.kind === 'completed') return undefined;
    const state = obtainState(peer, this.#random);
    if (before.kind === 'waiting' && input === 'deadline') {
      this.#pump(now, state, out); // Message IDs are available again
      return undefined;
    }
    const after = advanceTransmission(before, input, now, transmission.mode, this.#jitter(input), this.#parameters);
    if (after === before) return undefined;
    transmission.state = after;
    this.#deadlines.set(transmission, after.deadline);
    if (after.transmissions > before.transmissions) this.transmit(peer, transmission.datagram, true, out);
    if (before.kind === 'waiting') {
      remove(state.queue, transmission);
      this.#pump(now, state, out); // it may have been the one that waited for a Message ID
    } else if (!isInFlight(transmission, after) && isInFlight(transmission, before)) {
      remove(state.inFlight, transmission);
      state.outstanding--;
      this.#pump(now, state, out);
    }
    if (after.kind !== 'completed') return undefined;
    if (after.outcome === 'timeout') this.#counters.timeouts++;
    return after.outcome;
  }

  /**
   * Let the next retransmission carry newer content under a new Message ID; the count of transmissions and the timeout
   * go on. RFC 7641 §4.5.2. False when there is no Message ID for it.
   */
  supersede(now: number, transmission: Transmission, datagram: Uint8Array): boolean {
    const id = obtainState(transmission.peer, this.#random).takeMessageId(now, this.#parameters.exchangeLifetime);
    if (typeof id === 'object') return false;
    writeMessageId(datagram, id);
    transmission.datagram = datagram;
    transmission.messageId = id;
    return true;
  }

  /** Drop what is still to be delivered: separate responses, after the layers above have let go of theirs. */
  forgetPeer(now: number, peer: Peer, out: Outbox): void {
    for (const transmission of this.undelivered(peer)) this.advance(now, transmission, 'cancel', out);
    this.forgetIfIdle(now, peer);
  }

  forgetIfIdle(now: number, peer: Peer): void {
    dropIdleState(now, peer, this.#parameters.exchangeLifetime);
  }

  #pump(now: number, state: PeerState, out: Outbox): void {
    while (state.queue.length > 0 && state.outstanding < this.#parameters.nstart) {
      const transmission = state.queue[0]!;
      const id = state.takeMessageId(now, this.#parameters.exchangeLifetime);
      if (typeof id === 'object') return this.#deadlines.set(transmission, id.availableAt);
      remove(state.queue, transmission);
      writeMessageId(transmission.datagram, id);
      transmission.messageId = id;
      transmission.state = advanceTransmission(
        transmission.state,
        'send',
        now,
        transmission.mode,
        this.#jitter('send'),
        this.#parameters,
      );
      this.#deadlines.set(transmission, transmission.state.deadline);
      state.inFlight.push(transmission);
      state.outstanding++;
      this.transmit(transmission.peer, transmission.datagram, false, out);
    }
  }

  /** Uniform in [0, 1), drawn only where it is used, so that runs with a seed stay comparable. */
  #jitter(input: TransmissionInput): number {
    return input === 'send' ? this.#random() / 2 ** 32 : 0;
  }
}

/**
 * It counts against NSTART, and an Acknowledgement or Reset may still come: until the Acknowledgement, or, for a
 * Non-confirmable request, until the response. RFC 7252 §4.7.
 */
const isInFlight = ({ mode }: Transmission, { kind }: TransmissionState): boolean =>
  kind === 'awaitingAcknowledgement' || (kind === 'awaitingResponse' && mode === 'nonConfirmableRequest');

function emptyMessage(type: MessageType, messageId: MessageId): Uint8Array {
  const datagram = new Uint8Array(4);
  datagram[0] = 0x40 | (type << 4);
  writeMessageId(datagram, messageId);
  return datagram;
}

function writeMessageId(datagram: Uint8Array, messageId: MessageId): void {
  datagram[2] = messageId >> 8;
  datagram[3] = messageId & 0xff;
}

/** Setting the length to 0 gives back the memory of the list, which `splice` keeps: most peers are idle most of the time. */
function remove<Item>(list: Item[], item: Item): void {
  const index = list.indexOf(item);
  if (index < 0) return;
  if (list.length === 1) list.length = 0;
  else list.splice(index, 1);
}
