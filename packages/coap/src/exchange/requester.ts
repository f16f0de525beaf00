/**
 * The requester's role: tokens, the matching of responses, bodies in blocks, and observations.
 * RFC 7252 §5.3, RFC 7641 §3, RFC 7959 §2, RFC 9175.
 */
import { blockBytesOf, readBlockOption, sizeExponentFor, type SizeExponent } from '../block-option.ts';
import { fitsIntoOne, largestBlocks } from '../blockwise/block-size.ts';
import type { BodyBudget } from '../blockwise/body-budget.ts';
import { Download } from '../blockwise/download.ts';
import { Upload } from '../blockwise/upload.ts';
import { Codes, isSuccess } from '../code-table.ts';
import type { CoapCounters } from '../counters.ts';
import type { DeadlineQueue, Timed } from '../deadlines.ts';
import type { CoapParameters } from '../endpoint.ts';
import { OperationFailed, UsageError } from '../errors.ts';
import type { FailureReason, IncomingResponse, ObservationState, Outbox, OutgoingRequest } from '../events.ts';
import { encodeMessage } from '../message-codec.ts';
import { MessageType, messageId, type Message } from '../message.ts';
import { Transmission, type Messaging } from '../messaging/messaging.ts';
import { obtainState, stateOf } from '../messaging/peer-state.ts';
import type { TransmissionOutcome } from '../messaging/transmission.ts';
import { isNewerNotification } from '../observe/freshness.ts';
import { optionSet, readOption, unknownCritical } from '../option-access.ts';
import { OPTIONS } from '../option-table.ts';
import type { Peer } from '../peer.ts';
import { withoutOptions } from './option-order.ts';
import { NO_TOKEN, RequestExchange } from './request-exchange.ts';
import { requestMessage } from './request-message.ts';

/** Critical options that may occur in a response and are acted on here or by the application. */
const UNDERSTOOD = optionSet('block2', 'block1');

const NO_BYTES: Uint8Array = new Uint8Array(0);
const PING_REQUEST: OutgoingRequest = Object.freeze({ code: Codes.empty, options: [], payload: NO_BYTES });
const OF_BLOCKS = [OPTIONS.block1.number, OPTIONS.block2.number, OPTIONS.size2.number];
const UNASSIGNED = messageId(0);
/** As long as every token is. */
const ANY_TOKEN: Uint8Array = new Uint8Array(4);

export class Requester {
  readonly #parameters: CoapParameters;
  readonly #counters: CoapCounters;
  readonly #random: () => number;
  readonly #deadlines: DeadlineQueue<Timed>;
  readonly #messaging: Messaging;
  readonly #budget: BodyBudget;
  readonly #szx: SizeExponent;
  /** Unique in the endpoint, not just per peer, so that one table serves all peers. */
  readonly #tokens = new Map<number, RequestExchange>();

  constructor(
    parameters: CoapParameters,
    counters: CoapCounters,
    random: () => number,
    deadlines: DeadlineQueue<Timed>,
    messaging: Messaging,
    budget: BodyBudget,
  ) {
    this.#parameters = parameters;
    this.#counters = counters;
    this.#random = random;
    this.#deadlines = deadlines;
    this.#messaging = messaging;
    this.#budget = budget;
    this.#szx = sizeExponentFor(parameters.blockBytes);
  }

  /** Tokens in use: requests under way and observations. */
  get size(): number {
    return this.#tokens.size;
  }

  /**
   * @throws OperationFailed 'QUEUE_FULL' if `maxQueuedPerPeer` messages wait already.
   * @throws UsageError if a streamed response is to be observed.
   */
  request(now: number, peer: Peer, request: OutgoingRequest, out: Outbox): RequestExchange {
    if (this.#messaging.queued(peer) >= this.#parameters.maxQueuedPerPeer) {
      const reason = `${this.#parameters.maxQueuedPerPeer} messages to this peer are waiting already`;
      throw new OperationFailed('QUEUE_FULL', reason, { retryable: true });
    }
    if (request.observe === true && request.responseBody === 'stream') {
      throw new UsageError('notifications cannot be streamed');
    }
    const exchange = this.#begin(peer, request);
    const observation = request.cancelObservation as RequestExchange | undefined;
    if (observation !== undefined && observation.phase !== 'done') {
      // The peer knows the observation by its token, so this request takes it over. RFC 7641 §3.6.
      const token = observation.observeToken;
      this.#end(now, observation, out);
      out.emit({ kind: 'observationEnded', exchange: observation, response: undefined });
      exchange.token = token;
      this.#tokens.set(token, exchange);
    }
    if (request.timeout !== undefined) this.#deadlines.set(exchange, now + request.timeout);
    const { payload } = request;
    if (!(payload instanceof Uint8Array)) {
      exchange.upload = new Upload(undefined, payload.size, this.#uploadBlocks(exchange));
      this.#wantBytes(exchange, exchange.upload, out);
    } else {
      if (!fitsIntoOne(peer, ANY_TOKEN, request.options, payload, this.#parameters.blockBytes))
        exchange.upload = new Upload(payload, payload.length, this.#uploadBlocks(exchange));
      this.#send(now, exchange, out);
    }
    return exchange;
  }

  exportObservation(now: number, exchange: RequestExchange): ObservationState | undefined {
    if (exchange.phase !== 'observing') return undefined;
    const { observeToken: token, sequence, sequenceAt } = exchange;
    return { token, sequence, sequenceAge: now - sequenceAt };
  }

  importObservation(
    now: number,
    peer: Peer,
    request: OutgoingRequest,
    { token, sequence, sequenceAge }: ObservationState,
  ): RequestExchange | undefined {
    if (this.#tokens.has(token)) return undefined;
    const exchange = this.#begin(peer, request);
    exchange.phase = 'observing';
    exchange.observeToken = token;
    exchange.isObserving = true;
    exchange.answered = true;
    exchange.sequence = sequence;
    exchange.sequenceAt = now - sequenceAge;
    this.#tokens.set(token, exchange);
    return exchange;
  }

  ping(now: number, peer: Peer, out: Outbox): RequestExchange {
    const exchange = this.#begin(peer, PING_REQUEST);
    const datagram = Uint8Array.of(0x40 | (MessageType.confirmable << 4), Codes.empty, 0, 0);
    this.#start(now, exchange, new Transmission(peer, 'confirmable', exchange, datagram), out);
    return exchange;
  }

  cancel(now: number, exchange: RequestExchange, out: Outbox): void {
    this.#fail(now, exchange, 'cancelled', out);
  }

  /** The next piece of a streamed request body. @throws UsageError if no bytes are wanted, or not so many. */
  provide(now: number, exchange: RequestExchange, bytes: Uint8Array, last: boolean, out: Outbox): void {
    if (exchange.phase === 'done') return; // its end is on its way to the application
    const { upload } = exchange;
    if (upload === undefined || upload.wanted === 0) throw new UsageError('no bytes of this body are wanted');
    if (bytes.length > upload.wanted || (!last && bytes.length !== upload.wanted)) {
      throw new UsageError(`${upload.wanted} bytes are wanted, not ${bytes.length}; only the last may be fewer`);
    }
    upload.provide(bytes, last);
    this.#send(now, exchange, out);
  }

  /** Ask for the next block of a streamed response body. @throws UsageError if no block waits. */
  continueBody(now: number, exchange: RequestExchange, out: Outbox): void {
    if (exchange.phase === 'done') return;
    const { download } = exchange;
    if (download?.awaitsContinue !== true) throw new UsageError('no block of this body waits');
    download.awaitsContinue = false;
    this.#send(now, exchange, out);
  }

  /** Whether a response with this token is waited for. */
  expects(peer: Peer, token: Uint8Array): boolean {
    return this.#find(peer, token) !== undefined;
  }

  /** Whether a response on the Acknowledgement of `transmission` belongs to the request in it. */
  isAnswerTo({ owner, peer }: Transmission, token: Uint8Array): boolean {
    return owner.kind === 'exchange' && this.#find(peer, token) === owner && tokenNumber(token) === owner.token;
  }

  /**
   * A response on its own message or on an Acknowledgement, which the duplicate filter has let pass and whose token is
   * expected. False when it is rejected: a critical option is not understood.
   */
  handleResponse(now: number, peer: Peer, message: Message, out: Outbox): boolean {
    const exchange = this.#find(peer, message.token)!;
    if (unknownCritical(message.options, UNDERSTOOD) !== undefined) {
      this.#counters.badOptions++;
      this.#fail(now, exchange, 'bad-response', out);
      return false;
    }
    const isForObservation = tokenNumber(message.token) === exchange.observeToken;
    const observe = readOption(message.options, 'observe');
    if (isForObservation && exchange.isObserving) {
      this.#acceptNotification(now, exchange, message, observe, out);
      return true;
    }
    if (observe !== undefined && !isForObservation && exchange.request.cancelObservation !== undefined) {
      return true; // a notification that crossed the cancellation
    }
    // Also ends the wait for an Acknowledgement that was lost. RFC 7252 §5.2.2.
    if (exchange.transmission !== undefined) this.#messaging.advance(now, exchange.transmission, 'response', out);
    if (isForObservation && observe !== undefined && isSuccess(message.code) && message.code !== Codes.continue) {
      exchange.isObserving = true;
      exchange.sequence = observe;
      exchange.sequenceAt = now;
    }
    this.#acceptResponse(now, exchange, message, out);
    return true;
  }

  handleOutcome(now: number, exchange: RequestExchange, outcome: TransmissionOutcome, out: Outbox): void {
    switch (outcome) {
      case 'acknowledged': // of a ping: not a Reset, and yet a sign of life
      case 'reset':
      case 'timeout':
        return this.#failBody(now, exchange, outcome === 'timeout' ? 'timeout' : 'reset', out);
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

  #acceptResponse(now: number, exchange: RequestExchange, message: Message, out: Outbox): void {
    const { upload } = exchange;
    if (message.code === Codes.unauthorized && !exchange.hasEchoed) {
      const echo = readOption(message.options, 'echo');
      if (echo !== undefined) {
        exchange.echo = echo.slice();
        exchange.hasEchoed = true;
        return this.#send(now, exchange, out);
      }
    }
    if (upload !== undefined) {
      switch (upload.advance(message.code, readBlockOption(message.options, 'block1'))) {
        case 'next':
          this.#reportProgress(exchange, upload, out);
          if (upload.isStream) return this.#wantBytes(exchange, upload, out);
          return this.#send(now, exchange, out);
        case 'restart':
          this.#reportProgress(exchange, upload, out);
          exchange.requestTag = undefined;
          return this.#send(now, exchange, out);
        case 'bad':
          return this.#fail(now, exchange, 'bad-response', out);
        case 'final':
          exchange.upload = undefined;
      }
    }
    if (message.code === Codes.continue) return this.#fail(now, exchange, 'bad-response', out);
    this.#acceptBody(now, exchange, message, out);
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
      out.emit(
        exchange.answered
          ? { kind: 'observationEnded', exchange, response: responseOf(message) }
          : { kind: 'response', exchange, response: responseOf(message), observing: false },
      );
      return;
    }
    if (!isNewerNotification(exchange.sequence, sequence, now - exchange.sequenceAt)) {
      this.#counters.staleNotifications++;
      return;
    }
    exchange.sequence = sequence;
    exchange.sequenceAt = now;
    if (exchange.download !== undefined) {
      // The body being fetched is of an older state: it would be gone before it is whole.
      this.#counters.abandonedBodies++;
      this.#stopFetching(now, exchange, out);
    }
    exchange.restarted = false;
    this.#acceptBody(now, exchange, message, out);
  }

  /** A response that is no mere 2.31: whole, the first block of one, or the next. */
  #acceptBody(now: number, exchange: RequestExchange, message: Message, out: Outbox): void {
    const block = readBlockOption(message.options, 'block2');
    let { download } = exchange;
    if (download !== undefined && !isSuccess(message.code)) {
      // The peer has changed its mind on the way. Of a notification, the next one tells more.
      if (exchange.answered) return this.#failBody(now, exchange, 'bad-response', out);
      return this.#finish(now, exchange, responseOf(message), out);
    }
    if (download === undefined) {
      const isStream = exchange.request.responseBody === 'stream' && isSuccess(message.code);
      const isWhole = block === undefined || (!block.more && block.num === 0);
      if (isWhole && !isStream) return this.#finish(now, exchange, responseOf(message), out);
      const announced = readOption(message.options, 'size2') ?? 0;
      if (!isStream && announced > this.#parameters.maxBodyBytes) {
        this.#counters.bodiesRefused++;
        return this.#failBody(now, exchange, 'body-too-large', out);
      }
      download = new Download(message, block === undefined || block.szx > this.#szx ? this.#szx : block.szx, isStream);
      exchange.download = download;
      if (block === undefined) return this.#passBlock(now, exchange, download, message, false, out);
    }
    if (!download.isStream && !this.#takeBytes(download, message.payload.length)) {
      this.#counters.bodiesRefused++;
      return this.#failBody(now, exchange, 'body-too-large', out);
    }
    const { offset } = download;
    const verdict = download.accept(message, block);
    switch (verdict) {
      case 'next':
      case 'complete':
        if (download.isStream)
          return this.#passBlock(now, exchange, download, message, verdict === 'next', out, offset);
        if (verdict === 'next') return this.#send(now, exchange, out);
        return this.#finish(now, exchange, { ...responseOf(download.head), payload: download.take().payload }, out);
      case 'changed':
        if (!exchange.restarted && !download.isStream && exchange.request.code === Codes.get && !exchange.answered) {
          this.#counters.abandonedBodies++;
          this.#stopFetching(now, exchange, out);
          exchange.restarted = true;
          return this.#send(now, exchange, out);
        }
        return this.#failBody(now, exchange, 'bad-response', out);
      case 'bad':
        this.#failBody(now, exchange, 'bad-response', out);
    }
  }

  /** A piece of a streamed response body goes to the application. */
  #passBlock(
    now: number,
    exchange: RequestExchange,
    download: Download,
    message: Message,
    more: boolean,
    out: Outbox,
    offset = 0,
  ): void {
    const response = { ...responseOf(download.head), payload: NO_BYTES };
    download.awaitsContinue = more;
    out.emit({ kind: 'responseBlock', exchange, response, offset, payload: message.payload, more });
    if (!more) this.#finish(now, exchange, response, out);
  }

  #finish(now: number, exchange: RequestExchange, response: IncomingResponse, out: Outbox): void {
    this.#stopFetching(now, exchange, out);
    if (exchange.answered) {
      out.emit({ kind: 'notification', exchange, response });
    } else if (exchange.isObserving && isSuccess(response.code)) {
      exchange.answered = true;
      exchange.phase = 'observing';
      this.#deadlines.clear(exchange);
      out.emit({ kind: 'response', exchange, response, observing: true });
    } else {
      this.#end(now, exchange, out);
      out.emit({ kind: 'response', exchange, response, observing: false });
    }
  }

  /** What is under way failed: the exchange with it, unless it was just the rest of a notification. */
  #failBody(now: number, exchange: RequestExchange, reason: FailureReason, out: Outbox): void {
    if (!exchange.answered) return this.#fail(now, exchange, reason, out);
    this.#counters.abandonedBodies++;
    this.#stopFetching(now, exchange, out);
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

  /** Encode and send what comes next: the request, a block of its body, or the request for a block of the response. */
  #send(now: number, exchange: RequestExchange, out: Outbox): void {
    const { peer, request, upload, download } = exchange;
    const isObservation = request.observe === true && download === undefined && !exchange.isObserving;
    const isCancellation = request.cancelObservation !== undefined && download === undefined;
    if (upload !== undefined && exchange.requestTag === undefined && upload.block().option.more) {
      exchange.requestTag = fourBytes(this.#random() >>> 0);
    }
    // Each message of a transfer has a token of its own, so that a late response to another is not mistaken for one to
    // it. An observation keeps its token, and what fetches the rest of a notification must not use it. RFC 7959 §3.4.
    if (isObservation && exchange.observeToken !== NO_TOKEN) {
      exchange.token = exchange.observeToken;
    } else if (exchange.token === NO_TOKEN || (exchange.transmission !== undefined && !isCancellation)) {
      this.#renewToken(exchange);
      if (isObservation) exchange.observeToken = exchange.token;
    }
    const isConfirmable = request.confirmable !== false;
    const { options, payload } = requestMessage(exchange, isObservation, this.#szx);
    exchange.echo = undefined;
    const datagram = encodeMessage({
      type: isConfirmable ? MessageType.confirmable : MessageType.nonConfirmable,
      code: request.code,
      messageId: UNASSIGNED,
      token: fourBytes(exchange.token),
      options,
      payload,
    });
    const mode = isConfirmable ? 'confirmableRequest' : 'nonConfirmableRequest';
    this.#start(now, exchange, new Transmission(peer, mode, exchange, datagram), out);
  }

  #start(now: number, exchange: RequestExchange, transmission: Transmission, out: Outbox): void {
    exchange.transmission = transmission;
    this.#messaging.start(now, transmission, out);
  }

  #uploadBlocks({ peer, request }: RequestExchange): SizeExponent {
    return largestBlocks(peer, ANY_TOKEN, request.options, this.#parameters.blockBytes);
  }

  #reportProgress(exchange: RequestExchange, upload: Upload, out: Outbox): void {
    if (exchange.request.reportsProgress !== true) return;
    out.emit({ kind: 'requestProgress', exchange, acknowledgedBytes: upload.offset });
  }

  #wantBytes(exchange: RequestExchange, upload: Upload, out: Outbox): void {
    upload.wanted = blockBytesOf(upload.szx);
    out.emit({ kind: 'bodyWanted', of: exchange, offset: upload.offset, length: upload.wanted });
  }

  #takeBytes(download: Download, bytes: number): boolean {
    if (download.heldBytes + bytes > this.#parameters.maxBodyBytes || !this.#budget.take(bytes)) return false;
    download.heldBytes += bytes;
    return true;
  }

  #begin(peer: Peer, request: OutgoingRequest): RequestExchange {
    const exchange = new RequestExchange(peer, request);
    const state = obtainState(peer, this.#random);
    exchange.next = state.exchanges;
    if (state.exchanges !== undefined) state.exchanges.previous = exchange;
    state.exchanges = exchange;
    return exchange;
  }

  /** Let go of the message under way, of its token, and of the body fetched so far. */
  #stopFetching(now: number, exchange: RequestExchange, out: Outbox): void {
    const { transmission, download } = exchange;
    exchange.finalTransmissions = exchange.transmissions;
    exchange.transmission = undefined;
    exchange.download = undefined;
    if (download !== undefined) this.#budget.release(download.heldBytes);
    if (exchange.token !== exchange.observeToken) this.#releaseToken(exchange, exchange.token);
    exchange.token = NO_TOKEN;
    if (transmission !== undefined) this.#messaging.advance(now, transmission, 'cancel', out);
  }

  /** Let go of everything the exchange holds; the event is for the caller to emit. */
  #end(now: number, exchange: RequestExchange, out: Outbox): void {
    exchange.phase = 'done';
    this.#stopFetching(now, exchange, out);
    this.#deadlines.clear(exchange);
    this.#releaseToken(exchange, exchange.observeToken);
    exchange.observeToken = NO_TOKEN;
    const { peer, next, previous } = exchange;
    const state = stateOf(peer);
    if (previous !== undefined) previous.next = next;
    else if (state?.exchanges === exchange) state.exchanges = next;
    if (next !== undefined) next.previous = previous;
    exchange.next = undefined;
    exchange.previous = undefined;
    this.#messaging.forgetIfIdle(now, peer);
  }

  #find(peer: Peer, token: Uint8Array): RequestExchange | undefined {
    const exchange = this.#tokens.get(tokenNumber(token));
    return exchange?.peer === peer ? exchange : undefined;
  }

  /** Random, so that an attacker off the path cannot guess it. RFC 7252 §5.3.1. */
  #renewToken(exchange: RequestExchange): void {
    if (exchange.token !== exchange.observeToken) this.#releaseToken(exchange, exchange.token);
    let token: number;
    do token = this.#random() >>> 0;
    while (this.#tokens.has(token));
    this.#tokens.set(token, exchange);
    exchange.token = token;
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

const fourBytes = (value: number): Uint8Array => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);

function responseOf({ code, options, payload }: Message): IncomingResponse {
  return { code, options: withoutOptions(options, OF_BLOCKS), payload };
}
