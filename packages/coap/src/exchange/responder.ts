/**
 * The responder's role: requests in, responses out, each request handled once. RFC 7252 §5.2, §5.8, RFC 7967.
 */
import { Codes, codeClass, isSuccess } from '../code-table.ts';
import type { CoapCounters } from '../counters.ts';
import type { CoapParameters } from '../endpoint.ts';
import { UsageError } from '../errors.ts';
import type { ObserveRelation, Outbox, OutgoingResponse } from '../events.ts';
import { encodeMessage } from '../message-codec.ts';
import { MessageType, messageId, type Code, type Message, type Option } from '../message.ts';
import { Transmission, type Messaging } from '../messaging/messaging.ts';
import { ReplyKind, type RecentMessages } from '../messaging/recent-messages.ts';
import type { Notifier } from '../observe/notifier.ts';
import type { Peer } from '../peer.ts';
import { AcknowledgementQueue } from './acknowledgement-queue.ts';
import { ReceivedRequest } from './received-request.ts';
import { readRequestHead } from './request-head.ts';

/** Replies to safe requests above this are not kept: a duplicate is handled once more, as RFC 7252 §4.5 allows. */
const KEPT_SAFE_REPLY_BYTES = 256;
const NO_OPTIONS: readonly Option[] = Object.freeze([]);
const NO_BYTES: Uint8Array = new Uint8Array(0);

export class Responder {
  readonly #parameters: CoapParameters;
  readonly #counters: CoapCounters;
  readonly #messaging: Messaging;
  readonly #recent: RecentMessages;
  readonly #notifier: Notifier;
  readonly #acknowledgements = new AcknowledgementQueue();
  #unanswered = 0;

  constructor(
    parameters: CoapParameters,
    counters: CoapCounters,
    messaging: Messaging,
    recent: RecentMessages,
    notifier: Notifier,
  ) {
    this.#parameters = parameters;
    this.#counters = counters;
    this.#messaging = messaging;
    this.#recent = recent;
    this.#notifier = notifier;
  }

  /** @param recent  position of the message in the duplicate filter. */
  handleRequest(now: number, peer: Peer, message: Message, recent: number, out: Outbox): void {
    const head = readRequestHead(message.options);
    const request = new ReceivedRequest(peer, message, recent, head);
    if (head.refusal !== undefined) return this.#refuse(now, request, head.refusal, out);
    this.#deliver(now, request, out);
  }

  respond(now: number, request: ReceivedRequest, response: OutgoingResponse, out: Outbox): ObserveRelation | undefined {
    if (request.answered) throw new UsageError('this request has been answered');
    request.answered = true;
    this.#unanswered--;
    let relation: ObserveRelation | undefined;
    let { options } = response;
    if (response.observe === true && request.observe === 'register' && isSuccess(response.code)) {
      const accepted = this.#notifier.register(now, request, out);
      if (accepted !== undefined) {
        relation = accepted;
        options = this.#notifier.stamped(accepted, options);
      }
    }
    this.#reply(now, request, response.code, options, response.payload as Uint8Array, out);
    return relation;
  }

  /** When the next empty Acknowledgement is due, ms. */
  nextDeadline(): number {
    return this.#acknowledgements.next();
  }

  handleTimeout(now: number, out: Outbox): void {
    for (let request = this.#acknowledgements.takeDue(now); request; request = this.#acknowledgements.takeDue(now)) {
      request.slot = 'acknowledged';
      this.#recent.settle(request.recent, ReplyKind.acknowledgement);
      this.#messaging.acknowledge(request.peer, request.messageId, out);
    }
  }

  #deliver(now: number, request: ReceivedRequest, out: Outbox): void {
    if (this.#unanswered >= this.#parameters.maxUnansweredRequests) {
      this.#counters.requestsRefused++;
      return this.#reply(now, request, Codes.serviceUnavailable, NO_OPTIONS, NO_BYTES, out);
    }
    this.#unanswered++;
    if (request.observe === 'deregister') this.#notifier.deregister(now, request, out);
    if (request.confirmable) this.#acknowledgements.add(request, now + this.#parameters.ackDelay);
    out.emit({ kind: 'request', request });
  }

  /** A request that cannot be understood: 4.02 or the like if Confirmable, silence otherwise. RFC 7252 §5.4.1. */
  #refuse(now: number, request: ReceivedRequest, code: Code, out: Outbox): void {
    this.#counters.badOptions++;
    if (!request.confirmable) return this.#recent.settle(request.recent, ReplyKind.silence);
    this.#reply(now, request, code, NO_OPTIONS, NO_BYTES, out);
  }

  /** Answer the open message of the request. */
  #reply(
    now: number,
    request: ReceivedRequest,
    code: Code,
    options: readonly Option[],
    payload: Uint8Array,
    out: Outbox,
  ): void {
    const { peer, token, slot, recent } = request;
    const id = request.messageId;
    request.slot = 'closed';
    const unwanted = (request.unwantedClasses & (1 << (codeClass(code) - 1))) !== 0;
    if (!request.confirmable) {
      this.#recent.settle(recent, ReplyKind.silence);
      if (unwanted) return;
      const type = MessageType.nonConfirmable;
      const datagram = encodeMessage({ type, code, messageId: messageId(0), token, options, payload });
      this.#messaging.sendUnacknowledged(now, peer, datagram, out);
    } else if (slot === 'acknowledged') {
      if (unwanted) return;
      const type = MessageType.confirmable;
      const datagram = encodeMessage({ type, code, messageId: messageId(0), token, options, payload });
      if (this.#messaging.queued(peer) >= this.#parameters.maxQueuedPerPeer) {
        this.#counters.messagesDropped++;
        return;
      }
      this.#messaging.start(now, new Transmission(peer, 'confirmable', request, datagram), out);
    } else if (unwanted) {
      this.#recent.settle(recent, ReplyKind.acknowledgement);
      this.#messaging.acknowledge(peer, id, out);
    } else {
      const type = MessageType.acknowledgement;
      const datagram = encodeMessage({ type, code, messageId: id, token, options, payload });
      const isSafe = request.code === Codes.get || request.code === Codes.fetch;
      if (isSafe && datagram.length > KEPT_SAFE_REPLY_BYTES && request.observe === undefined) {
        this.#recent.settle(recent, ReplyKind.forgotten);
      } else {
        this.#recent.keepReply(now, recent, datagram);
      }
      this.#messaging.transmit(peer, datagram, false, out);
    }
  }
}
