/**
 * The responder's role: requests in, each handled once, and responses out. RFC 7252 §5.2, §5.8, RFC 7959.
 */
import type { BodyTransfers } from '../blockwise/body-transfers.ts';
import { withBlock1 } from '../blockwise/block-options.ts';
import { RequestBodies } from '../blockwise/request-bodies.ts';
import type { ResponseBodies } from '../blockwise/response-bodies.ts';
import { Codes, isSuccess } from '../code-table.ts';
import type { CoapCounters } from '../counters.ts';
import type { CoapParameters } from '../endpoint.ts';
import { UsageError } from '../errors.ts';
import type { Outbox, OutgoingResponse } from '../events.ts';
import type { Message, Option } from '../message.ts';
import type { Notifier } from '../observe/notifier.ts';
import type { Relation } from '../observe/relation.ts';
import type { Peer } from '../peer.ts';
import { ReceivedRequest } from './received-request.ts';
import type { Replies } from './replies.ts';
import { readRequestHead } from './request-head.ts';
import type { UnansweredRequests } from './unanswered-requests.ts';

const NO_OPTIONS: readonly Option[] = Object.freeze([]);
const NO_BYTES: Uint8Array = new Uint8Array(0);

export class Responder {
  readonly #parameters: CoapParameters;
  readonly #counters: CoapCounters;
  readonly #replies: Replies;
  readonly #requestBodies: RequestBodies;
  readonly #responseBodies: ResponseBodies;
  readonly #notifier: Notifier;
  readonly #unanswered: UnansweredRequests;

  constructor(
    parameters: CoapParameters,
    counters: CoapCounters,
    transfers: BodyTransfers,
    replies: Replies,
    responseBodies: ResponseBodies,
    notifier: Notifier,
    unanswered: UnansweredRequests,
  ) {
    this.#parameters = parameters;
    this.#counters = counters;
    this.#replies = replies;
    this.#requestBodies = new RequestBodies(parameters, counters, transfers, replies);
    this.#responseBodies = responseBodies;
    this.#notifier = notifier;
    this.#unanswered = unanswered;
  }

  /** @param recent  position of the message in the duplicate filter. */
  handleRequest(now: number, peer: Peer, message: Message, recent: number, out: Outbox): void {
    const head = readRequestHead(message.options);
    const request = new ReceivedRequest(peer, message, recent, head);
    const { refusal, block1, block2 } = head;
    if (refusal !== undefined) {
      // A Non-confirmable request that cannot be understood is rejected in silence. RFC 7252 §5.4.1.
      this.#counters.badOptions++;
      if (request.confirmable) this.#replies.send(now, request, refusal, NO_OPTIONS, NO_BYTES, out);
      else this.#replies.ignore(request);
    } else if (block1 !== undefined) {
      this.#requestBodies.handleBlock(now, request, block1, (whole) => this.#deliver(now, whole, out), out);
    } else if (block2 !== undefined && block2.num > 0) {
      if (this.#responseBodies.handleLater(now, request, block2, out)) return;
      // A GET can be answered anew from any block on; another method must not be carried out again.
      if (request.code === Codes.get) this.#deliver(now, request, out);
      else this.#replies.send(now, request, Codes.requestEntityIncomplete, NO_OPTIONS, NO_BYTES, out);
    } else {
      this.#deliver(now, request, out);
    }
  }

  /** @throws UsageError if the request has been answered. */
  respond(now: number, request: ReceivedRequest, response: OutgoingResponse, out: Outbox): Relation | undefined {
    if (request.abandoned) return undefined; // the application will learn it from an event on its way
    if (request.answered) throw new UsageError('this request has been answered');
    const { code, payload } = response;
    let { options } = response;
    if (!(payload instanceof Uint8Array) && request.observe === 'register') {
      throw new UsageError('a streamed body cannot be observed');
    }
    request.answered = true;
    this.#unanswered.settle(request);
    let relation: Relation | undefined;
    if (response.observe === true && request.observe === 'register' && isSuccess(code)) {
      relation = this.#notifier.register(now, request, out);
      if (relation !== undefined) options = this.#notifier.stamped(relation, options);
    }
    if (!(payload instanceof Uint8Array)) {
      this.#responseBodies.beginStream(now, request, code, options, payload.size, out);
    } else if (this.#responseBodies.isNeeded(request.peer, request.head.block2, options, payload)) {
      const isKept = response.answeredAnew !== true || request.code !== Codes.get;
      this.#respondInBlocks(now, request, response.options, relation, code, payload, isKept, out);
    } else {
      this.#send(now, request, code, options, payload, out);
    }
    return relation;
  }

  /** @throws UsageError if the request has been answered. */
  ignore(request: ReceivedRequest): void {
    if (request.abandoned) return;
    if (request.answered) throw new UsageError('this request has been answered');
    request.answered = true;
    this.#unanswered.settle(request);
    this.#replies.ignore(request);
  }

  /** @throws UsageError if the request has been answered. */
  postpone(request: ReceivedRequest): void {
    if (request.abandoned) return;
    if (request.answered) throw new UsageError('this request has been answered');
    request.answered = true;
    this.#unanswered.settle(request);
    this.#replies.postpone(request);
  }

  /** @throws UsageError if no streamed block of the request waits for it. */
  continueBody(now: number, request: ReceivedRequest, out: Outbox): void {
    if (request.abandoned || request.answered) return;
    if (!this.#requestBodies.continue(now, request, out)) throw new UsageError('no block of this body waits');
  }

  #deliver(now: number, request: ReceivedRequest, out: Outbox): boolean {
    if (request.payload.length > this.#parameters.maxBodyBytes) {
      this.#counters.bodiesRefused++;
      this.#replies.send(now, request, Codes.requestEntityTooLarge, NO_OPTIONS, NO_BYTES, out);
      return false;
    }
    if (!this.#unanswered.add(request)) {
      this.#counters.requestsRefused++;
      this.#replies.send(now, request, Codes.serviceUnavailable, NO_OPTIONS, NO_BYTES, out);
      return false;
    }
    if (request.observe === 'deregister') this.#notifier.deregister(now, request, out);
    this.#replies.expect(now, request);
    out.emit({ kind: 'request', request });
    return true;
  }

  #respondInBlocks(
    now: number,
    request: ReceivedRequest,
    options: readonly Option[],
    relation: Relation | undefined,
    code: OutgoingResponse['code'],
    body: Uint8Array,
    isKept: boolean,
    out: Outbox,
  ): void {
    const { peer, head } = request;
    const part = this.#responseBodies.begin(now, peer, request, head.block2, code, options, body, isKept, out);
    if (part === undefined) {
      if (relation !== undefined) this.#notifier.endSilently(now, relation, out);
      this.#send(
        now,
        request,
        head.block2 === undefined ? Codes.serviceUnavailable : Codes.badRequest,
        NO_OPTIONS,
        NO_BYTES,
        out,
      );
      return;
    }
    const stamped = relation === undefined ? part.options : this.#notifier.stamped(relation, part.options);
    this.#send(now, request, code, stamped, part.payload, out);
  }

  #send(
    now: number,
    request: ReceivedRequest,
    code: OutgoingResponse['code'],
    options: readonly Option[],
    payload: Uint8Array,
    out: Outbox,
  ): void {
    const { block1 } = request;
    if (block1 === undefined) return this.#replies.send(now, request, code, options, payload, out);
    const echoed = withBlock1(options, { ...block1, more: false });
    this.#replies.send(now, request, code, echoed, payload, out);
    this.#requestBodies.handleAnswer(now, request, code, echoed, payload);
  }
}
