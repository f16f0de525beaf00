/**
 * The requester's role: tokens, the matching of responses, and observations. RFC 7252 §5.3, RFC 7641 §3.
 */
import { Codes, isSuccess } from '../code-table.ts';
import type { CoapCounters } from '../counters.ts';
import type { DeadlineQueue, Timed } from '../deadlines.ts';
import type { CoapParameters } from '../endpoint.ts';
import { UsageError } from '../errors.ts';
import type { Exchange, FailureReason, IncomingResponse, Outbox, OutgoingRequest } from '../events.ts';
import { encodeMessage } from '../message-codec.ts';
import { MessageType, messageId, type Message, type Option } from '../message.ts';
import { Transmission, type Messaging } from '../messaging/messaging.ts';
import { obtainState, stateOf } from '../messaging/peer-state.ts';
import type { TransmissionOutcome } from '../messaging/transmission.ts';
import { encodeUint, optionSet, readOption, unknownCritical } from '../option-access.ts';
import { OPTIONS } from '../option-table.ts';
import { isNewerNotification } from '../observe/freshness.ts';
import type { Peer } from '../peer.ts';
import { withOption } from './option-order.ts';
import { NO_TOKEN, RequestExchange } from './request-exchange.ts';

/** Critical options that may occur in a response and are acted on here or by the application. */
const UNDERSTOOD = optionSet('uriHost', 'uriPort', 'uriPath', 'uriQuery', 'block2', 'block1');

const NO_BYTES = new Uint8Array(0);
const PING_REQUEST: OutgoingRequest = Object.freeze({ code: Codes.empty, options: [], payload: NO_BYTES });
const REGISTER: Option = { number: OPTIONS.observe.number, value: encodeUint(0) };
const DEREGISTER: Option = { number: OPTIONS.observe.number, value: encodeUint(1) };

export class Requester {
  readonly #parameters: CoapParameters;
  readonly #counters: CoapCounters;
  readonly #random: () => number;
  readonly #deadlines: DeadlineQueue<Timed>;
  readonly #messaging: Messaging;
  readonly #tokens = new Map<number, RequestExchange>();

  constructor(
    parameters: CoapParameters,
    counters: CoapCounters,
    random: () => number,
    deadlines: DeadlineQueue<Timed>,
    messaging: Messaging,
  ) {
    this.#parameters = parameters;
    this.#counters = counters;
    this.#random = random;
    this.#deadlines = deadlines;
    this.#messaging = messaging;
  }

  /** Tokens in use: requests under way and observations. */
  get size(): number {
    return this.#tokens.size;
  }

  request(now: number, peer: Peer, request: OutgoingRequest, out: Outbox): RequestExchange {
    if (this.#messaging.queued(peer) >= this.#parameters.maxQueuedPerPeer) {
      throw new UsageError(`${this.#parameters.maxQueuedPerPeer} messages to this peer are waiting already`);
    }
    const exchange = this.#begin(peer, request, false);
    const observation = request.cancelObservation as RequestExchange | undefined;
    if (observation === undefined) {
      exchange.token = this.#newToken(exchange);
    } else {
      // The peer knows the observation by its token, so this request takes it over. RFC 7641 §3.6.
      exchange.token = observation.observeToken;
      this.#end(now, observation, out);
      out.emit({ kind: 'observationEnded', exchange: observation, response: undefined });
      if (exchange.token === NO_TOKEN) exchange.token = this.#newToken(exchange);
      else this.#tokens.set(exchange.token, exchange);
    }
    if (request.observe === true) exchange.observeToken = exchange.token;
    if (request.timeout !== undefined) this.#deadlines.set(exchange, now + request.timeout);
    this.#send(now, exchange, out);
    return exchange;
  }

  ping(now: number, peer: Peer, out: Outbox): RequestExchange {
    const exchange = this.#begin(peer, PING_REQUEST, true);
    const datagram = Uint8Array.of(0x40 | (MessageType.confirmable << 4), Codes.empty, 0, 0);
    this.#start(now, exchange, new Transmission(peer, 'confirmable', exchange, datagram), out);
    return exchange;
  }

  cancel(now: number, exchange: Exchange, out: Outbox): void {
    const known = exchange as RequestExchange;
    if (known.phase === 'done') return;
    if (known.answered) {
      this.#end(now, known, out);
      out.emit({ kind: 'observationEnded', exchange, response: undefined });
    } else {
      this.#fail(now, known, 'cancelled', out);
    }
  }

  /**
   * A response on its own message or on an Acknowledgement. The duplicate filter has let it pass. False when it is
   * rejected: a critical option is not understood.
   */
  handleResponse(now: number, peer: Peer, message: Message, out: Outbox): boolean {
    const { token } = message;
    const exchange = this.#find(peer, token);
    if (exchange === undefined) return false;
    const isObservation = tokenNumber(token) === exchange.observeToken;
    if (unknownCritical(message.options, UNDERSTOOD) !== undefined) {
      this.#counters.badOptions++;
      this.#fail(now, exchange, 'bad-response', out);
      return false;
    }
    const observe = isObservation ? readOption(message.options, 'observe') : undefined;
    if (exchange.request.cancelObservation !== undefined && readOption(message.options, 'observe') !== undefined) {
      return true; // a notification that crossed the cancellation
    }
    if (exchange.answered) {
      this.#acceptNotification(now, exchange, message, observe, out);
      return true;
    }
    if (exchange.transmission !== undefined) this.#messaging.advance(now, exchange.transmission, 'response', out);
    if (observe !== undefined && isSuccess(message.code)) {
      exchange.answered = true;
      exchange.phase = 'observing';
      exchange.sequence = observe;
      exchange.sequenceAt = now;
      this.#deadlines.clear(exchange);
      out.emit({ kind: 'response', exchange, response: responseOf(message), observing: true });
    } else {
      this.#end(now, exchange, out);
      out.emit({ kind: 'response', exchange, response: responseOf(message), observing: false });
    }
    return true;
  }

  /** Whether a response with this token is waited for. */
  expects(peer: Peer, token: Uint8Array): boolean {
    return this.#find(peer, token) !== undefined;
  }

  /** Whether a response on the Acknowledgement of `transmission` belongs to the request in it. */
  isAnswerTo({ owner, peer }: Transmission, token: Uint8Array): boolean {
    return owner.kind === 'exchange' && this.#find(peer, token) === owner && tokenNumber(token) === owner.token;
  }

  handleOutcome(now: number, exchange: RequestExchange, outcome: TransmissionOutcome, out: Outbox): void {
    switch (outcome) {
      case 'acknowledged': // of a ping: not a Reset, and yet a sign of life
      case 'reset':
        return this.#fail(now, exchange, 'reset', out);
      case 'timeout':
        return this.#fail(now, exchange, 'timeout', out);
      case 'response':
      case 'cancelled':
    }
  }

  handleDeadline(now: number, exchange: RequestExchange, out: Outbox): void {
    this.#counters.timeouts++;
    this.#fail(now, exchange, 'timeout', out);
  }

  forgetPeer(now: number, peer: Peer, out: Outbox): void {
    for (let exchange = stateOf(peer)?.exchanges; exchange !== undefined; exchange = stateOf(peer)?.exchanges) {
      this.#fail(now, exchange, 'peer-closed', out);
    }
  }

  #acceptNotification(
    now: number,
    exchange: RequestExchange,
    message: Message,
    sequence: number | undefined,
    out: Outbox,
  ): void {
    if (sequence === undefined || !isSuccess(message.code)) {
      this.#end(now, exchange, out);
      out.emit({ kind: 'observationEnded', exchange, response: responseOf(message) });
      return;
    }
    if (!isNewerNotification(exchange.sequence, sequence, now - exchange.sequenceAt)) {
      this.#counters.staleNotifications++;
      return;
    }
    exchange.sequence = sequence;
    exchange.sequenceAt = now;
    out.emit({ kind: 'notification', exchange, response: responseOf(message) });
  }

  #send(now: number, exchange: RequestExchange, out: Outbox): void {
    const { request, peer } = exchange;
    let { options } = request;
    if (request.observe === true) options = withOption(options, REGISTER);
    else if (request.cancelObservation !== undefined) options = withOption(options, DEREGISTER);
    const confirmable = request.confirmable !== false;
    const datagram = encodeMessage({
      type: confirmable ? MessageType.confirmable : MessageType.nonConfirmable,
      code: request.code,
      messageId: messageId(0),
      token: tokenBytes(exchange.token),
      options,
      payload: request.payload as Uint8Array,
    });
    const mode = confirmable ? 'confirmableRequest' : 'nonConfirmableRequest';
    this.#start(now, exchange, new Transmission(peer, mode, exchange, datagram), out);
  }

  #start(now: number, exchange: RequestExchange, transmission: Transmission, out: Outbox): void {
    exchange.transmission = transmission;
    this.#messaging.start(now, transmission, out);
  }

  #begin(peer: Peer, request: OutgoingRequest, isPing: boolean): RequestExchange {
    const exchange = new RequestExchange(peer, request, isPing);
    const state = obtainState(peer, this.#random);
    exchange.next = state.exchanges;
    if (state.exchanges !== undefined) state.exchanges.previous = exchange;
    state.exchanges = exchange;
    return exchange;
  }

  /** Let go of everything the exchange holds; the event is for the caller to emit. */
  #end(now: number, exchange: RequestExchange, out: Outbox): void {
    const { peer, transmission, next, previous } = exchange;
    exchange.phase = 'done';
    this.#deadlines.clear(exchange);
    this.#releaseToken(exchange, exchange.token);
    this.#releaseToken(exchange, exchange.observeToken);
    exchange.token = NO_TOKEN;
    exchange.observeToken = NO_TOKEN;
    const state = stateOf(peer);
    if (previous !== undefined) previous.next = next;
    else if (state?.exchanges === exchange) state.exchanges = next;
    if (next !== undefined) next.previous = previous;
    exchange.next = undefined;
    exchange.previous = undefined;
    if (transmission !== undefined) this.#messaging.advance(now, transmission, 'cancel', out);
    this.#messaging.forgetIfIdle(now, peer);
  }

  #fail(now: number, exchange: RequestExchange, reason: FailureReason, out: Outbox): void {
    if (exchange.phase === 'done') return;
    this.#end(now, exchange, out);
    out.emit(
      exchange.answered
        ? { kind: 'observationEnded', exchange, response: undefined }
        : { kind: 'failed', exchange, reason },
    );
  }

  #find(peer: Peer, token: Uint8Array): RequestExchange | undefined {
    const exchange = this.#tokens.get(tokenNumber(token));
    return exchange?.peer === peer ? exchange : undefined;
  }

  /** Random, so that an attacker off the path cannot guess it. RFC 7252 §5.3.1. */
  #newToken(exchange: RequestExchange): number {
    for (;;) {
      const token = this.#random() >>> 0;
      if (this.#tokens.has(token)) continue;
      this.#tokens.set(token, exchange);
      return token;
    }
  }

  #releaseToken(exchange: RequestExchange, token: number): void {
    if (this.#tokens.get(token) === exchange) this.#tokens.delete(token);
  }
}

const TOKEN_BYTES = 4;

/** Ours have four bytes; any other length is nobody's. */
function tokenNumber(token: Uint8Array): number {
  if (token.length !== TOKEN_BYTES) return NO_TOKEN;
  return ((token[0]! << 24) | (token[1]! << 16) | (token[2]! << 8) | token[3]!) >>> 0;
}

function tokenBytes(token: number): Uint8Array {
  return Uint8Array.of(token >>> 24, token >>> 16, token >>> 8, token);
}

function responseOf({ code, options, payload }: Message): IncomingResponse {
  return { code, options, payload };
}
