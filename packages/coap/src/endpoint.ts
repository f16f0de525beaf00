/**
 * One local CoAP endpoint: messaging, exchanges, observations and block-wise transfers behind the sans-IO contract.
 * RFC 7252, 7641, 7959, 8132, 9175, 7967.
 */
import { BodyBudget } from './blockwise/body-budget.ts';
import { BodyTransfers, type BodyTransfer } from './blockwise/body-transfers.ts';
import { ResponseBodies } from './blockwise/response-bodies.ts';
import { Codes, isRequest } from './code-table.ts';
import { newCounters, type CoapCounters } from './counters.ts';
import { DeadlineQueue } from './deadlines.ts';
import type {
  Exchange,
  IncomingRequest,
  ObservationState,
  ObserveRelation,
  OutgoingRequest,
  OutgoingResponse,
  Outbox,
} from './events.ts';
import type { ReceivedRequest } from './exchange/received-request.ts';
import { RequestExchange } from './exchange/request-exchange.ts';
import { Replies } from './exchange/replies.ts';
import { Requester } from './exchange/requester.ts';
import { Responder } from './exchange/responder.ts';
import { UnansweredRequests } from './exchange/unanswered-requests.ts';
import { decodeMessage, messageIdOf, type MalformedMessage } from './message-codec.ts';
import { MessageType, type Code, type Message, type Option } from './message.ts';
import { Messaging, Transmission } from './messaging/messaging.ts';
import { stateOf } from './messaging/peer-state.ts';
import { RecentMessages, ReplyKind } from './messaging/recent-messages.ts';
import type { TransmissionInput } from './messaging/transmission.ts';
import { Notifier } from './observe/notifier.ts';
import type { Relation } from './observe/relation.ts';
import { readOption } from './option-access.ts';
import { resolveParameters } from './parameters.ts';
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
  /** Requests that may wait for NSTART per peer before `request` throws OperationFailed 'QUEUE_FULL'. */
  readonly maxQueuedPerPeer: number;
  /** Bodies in blocks, in and out, that one peer may have under way; the one idle longest is given up for a new one. */
  readonly maxTransfersPerPeer: number;
  /** Requests that may wait for the application's answer, over all peers; further ones are answered 5.03. */
  readonly maxUnansweredRequests: number;
  /** Send a Confirmable notification at least this often. RFC 7641 §4.5. */
  readonly confirmableNotificationInterval: number;
  /** A pure predicate over the head of a block-wise request: true to get its body as `requestBlock` events. */
  readonly streamedRequest: (code: Code, options: readonly Option[]) => boolean;
  /** Emit `trace` events. */
  readonly trace: boolean;
}

export interface CoapEndpointApi {
  /** What was counted since the beginning. */
  readonly counters: CoapCounters;

  /**
   * One datagram has arrived. Its bytes are not copied: they must stay as they are while a request in it is unanswered
   * or an observation that began with it lasts, so a driver that reuses its buffers hands over a copy.
   */
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
  /** Never answer a request, nor its duplicates: for requests of strangers, to whom an answer would tell something. */
  ignore(now: number, request: IncomingRequest): void;
  /** As if a request had not been heard: its retransmission is looked at as if it were the first. */
  postpone(now: number, request: IncomingRequest): void;
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
  /**
   * For a planned stop: what another endpoint needs to go on with an observation of this side. It ends here only with
   * `forgetPeer` or `cancel`. Undefined while it does not observe.
   */
  exportObservation(now: number, exchange: Exchange): ObservationState | undefined;
  /**
   * Go on with an observation as if it had begun here. Undefined when its token is in use.
   *
   * @param request  the one that began it.
   */
  importObservation(now: number, peer: Peer, request: OutgoingRequest, state: ObservationState): Exchange | undefined;
  /** The Message ID used next with this peer, 16 bits; undefined when none was used. RFC 7252 §4.4. */
  nextMessageId(peer: Peer): number | undefined;
  /** Go on with the Message IDs of a peer, of which this endpoint knows nothing yet. */
  continueMessageIds(peer: Peer, next: number): void;

  /**
   * This side falls silent: what waits for the peer's Acknowledgement, or to be sent, is given up. Requests fail with
   * 'cancelled', observe relations go on. Returns those whose newest state may not have arrived.
   */
  withhold(now: number, peer: Peer, out: Outbox): readonly ObserveRelation[];

  /** Drop everything about this peer: exchanges fail and relations end with 'peer-closed'. */
  forgetPeer(now: number, peer: Peer, out: Outbox): void;
  /** True when nothing about this peer is outstanding (the duplicate filter aside), so that the transport may forget it. */
  isIdle(peer: Peer): boolean;
}

export interface CoapEndpointOptions {
  readonly parameters?: Partial<CoapParameters>;
  /** Uniform 32-bit unsigned; tokens come from it, so it must be hard to predict. */
  readonly random: () => number;
}

export class CoapEndpoint implements CoapEndpointApi {
  readonly parameters: CoapParameters;
  readonly counters: CoapCounters = newCounters();
  readonly #deadlines = new DeadlineQueue<Transmission | RequestExchange | BodyTransfer>();
  readonly #recent: RecentMessages;
  readonly #messaging: Messaging;
  readonly #budget: BodyBudget;
  readonly #unanswered: UnansweredRequests;
  readonly #replies: Replies;
  readonly #transfers: BodyTransfers;
  readonly #responseBodies: ResponseBodies;
  readonly #requester: Requester;
  readonly #notifier: Notifier;
  readonly #responder: Responder;

  /** @throws UsageError if a parameter is out of its range. */
  constructor({ parameters: given = {}, random }: CoapEndpointOptions) {
    const parameters = resolveParameters(given);
    this.parameters = parameters;
    const counters = this.counters;
    const deadlines = this.#deadlines;
    const { recentMessageBytes, exchangeLifetime, nonLifetime } = parameters;
    const recent = new RecentMessages(recentMessageBytes, exchangeLifetime, nonLifetime, counters);
    const messaging = new Messaging(parameters, counters, random, deadlines);
    const budget = new BodyBudget(parameters.maxTotalBodyBytes);
    const unanswered = new UnansweredRequests(parameters.maxUnansweredRequests);
    const replies = new Replies(parameters, counters, messaging, recent);
    const transfers = new BodyTransfers(parameters, counters, random, deadlines, messaging, budget, unanswered);
    const responseBodies = new ResponseBodies(parameters, counters, random, transfers, replies);
    const notifier = new Notifier(parameters, counters, random, messaging, responseBodies);
    this.#recent = recent;
    this.#messaging = messaging;
    this.#budget = budget;
    this.#unanswered = unanswered;
    this.#replies = replies;
    this.#transfers = transfers;
    this.#responseBodies = responseBodies;
    this.#notifier = notifier;
    this.#requester = new Requester(parameters, counters, random, deadlines, messaging, budget);
    this.#responder = new Responder(parameters, counters, transfers, replies, responseBodies, notifier, unanswered);
  }

  handleDatagram(now: number, peer: Peer, datagram: Uint8Array, out: Outbox): void {
    this.counters.datagramsReceived++;
    const message = decodeMessage(datagram);
    if ('malformed' in message) return this.#reject(peer, datagram, message, out);
    if (this.parameters.trace) out.emit({ kind: 'trace', direction: 'in', peer, message, retransmission: false });
    if (message.type === MessageType.acknowledgement) this.#handleAcknowledgement(now, peer, message, out);
    else if (message.type === MessageType.reset) this.#handleReset(now, peer, message, out);
    else if (message.code === Codes.empty) this.#handlePing(peer, message, out);
    else this.#handleMessage(now, peer, message, out);
  }

  handleTimeout(now: number, out: Outbox): void {
    this.#recent.expire(now);
    this.#replies.handleTimeout(now, out);
    for (let item = this.#deadlines.takeDue(now); item !== undefined; item = this.#deadlines.takeDue(now)) {
      if (item instanceof Transmission) {
        if (item.owner.kind === 'relation') this.#notifier.refresh(now, item.owner, out);
        this.#advance(now, item, 'deadline', out);
      } else if (item instanceof RequestExchange) {
        this.#requester.handleDeadline(now, item, out);
      } else {
        this.#transfers.abandon(now, item, out);
      }
    }
  }

  nextDeadline(): number {
    return Math.min(this.#deadlines.next(), this.#replies.nextDeadline());
  }

  request(now: number, peer: Peer, request: OutgoingRequest, out: Outbox): Exchange {
    return this.#requester.request(now, peer, request, out);
  }

  cancel(now: number, exchange: Exchange, out: Outbox): void {
    this.#requester.cancel(now, exchange as RequestExchange, out);
  }

  respond(now: number, request: IncomingRequest, response: OutgoingResponse, out: Outbox): ObserveRelation | undefined {
    return this.#responder.respond(now, request as ReceivedRequest, response, out);
  }

  ignore(_now: number, request: IncomingRequest): void {
    this.#responder.ignore(request as ReceivedRequest);
  }

  postpone(_now: number, request: IncomingRequest): void {
    this.#responder.postpone(request as ReceivedRequest);
  }

  notify(now: number, relation: ObserveRelation, response: OutgoingResponse, out: Outbox, confirmable?: boolean): void {
    this.#notifier.notify(now, relation as Relation, response, out, confirmable);
  }

  endRelation(now: number, relation: ObserveRelation, out: Outbox): void {
    this.#notifier.endSilently(now, relation as Relation, out);
  }

  provideBody(now: number, of: Exchange | IncomingRequest, bytes: Uint8Array, last: boolean, out: Outbox): void {
    if (of instanceof RequestExchange) this.#requester.provide(now, of, bytes, last, out);
    else this.#responseBodies.provide(now, of as ReceivedRequest, bytes, last, out);
  }

  continueBody(now: number, of: Exchange | IncomingRequest, out: Outbox): void {
    if (of instanceof RequestExchange) this.#requester.continueBody(now, of, out);
    else this.#responder.continueBody(now, of as ReceivedRequest, out);
  }

  ping(now: number, peer: Peer, out: Outbox): Exchange {
    return this.#requester.ping(now, peer, out);
  }

  exportObservation(now: number, exchange: Exchange): ObservationState | undefined {
    return this.#requester.exportObservation(now, exchange as RequestExchange);
  }

  importObservation(now: number, peer: Peer, request: OutgoingRequest, state: ObservationState): Exchange | undefined {
    return this.#requester.importObservation(now, peer, request, state);
  }

  nextMessageId(peer: Peer): number | undefined {
    return typeof peer.coap === 'number' ? peer.coap : stateOf(peer)?.nextMessageId;
  }

  continueMessageIds(peer: Peer, next: number): void {
    if (peer.coap === undefined) peer.coap = next & 0xffff;
  }

  withhold(now: number, peer: Peer, out: Outbox): readonly ObserveRelation[] {
    const withheld: ObserveRelation[] = [];
    for (const transmission of this.#messaging.undelivered(peer)) {
      const { owner } = transmission;
      if (owner.kind === 'exchange') this.#requester.cancel(now, owner, out);
      else if (owner.kind === 'relation' && this.#notifier.withhold(now, owner, out)) withheld.push(owner);
      else this.#messaging.advance(now, transmission, 'cancel', out);
    }
    this.#messaging.forgetIfIdle(now, peer);
    return withheld;
  }

  forgetPeer(now: number, peer: Peer, out: Outbox): void {
    this.#requester.forgetPeer(now, peer, out);
    this.#notifier.forgetPeer(now, peer, out);
    this.#transfers.forgetPeer(now, peer, out);
    this.#messaging.forgetPeer(now, peer, out);
  }

  isIdle(peer: Peer): boolean {
    return stateOf(peer)?.isIdle ?? true;
  }

  /** What is held now, for metrics and for tests that nothing is left over. */
  get usage(): CoapUsage {
    return {
      deadlines: this.#deadlines.size,
      tokens: this.#requester.size,
      relations: this.#notifier.size,
      unansweredRequests: this.#unanswered.count,
      bodies: this.#transfers.size,
      bodyBytes: this.#budget.held,
      recentMessages: this.#recent.size,
      recentMessageBytes: this.#recent.allocatedBytes,
    };
  }

  /** Requests, responses and notifications: each is acted on once. RFC 7252 §4.5. */
  #handleMessage(now: number, peer: Peer, message: Message, out: Outbox): void {
    const known = this.#recent.find(now, peer.id, message.messageId);
    if (known >= 0) return this.#answerDuplicate(peer, message, known, out);
    const nonConfirmable = message.type === MessageType.nonConfirmable;
    if (isRequest(message.code)) {
      const position = this.#recent.add(now, peer.id, message.messageId, nonConfirmable, ReplyKind.pending);
      this.#responder.handleRequest(now, peer, message, position, out);
      return;
    }
    if (!this.#requester.expects(peer, message.token)) {
      this.counters.unmatchedResponses++;
      // A Reset makes the sender of a notification give it up. RFC 7641 §3.6. A mere response may pass in silence.
      const isNotification = readOption(message.options, 'observe') !== undefined;
      if (!nonConfirmable || isNotification) this.#messaging.reset(peer, message.messageId, out);
      return;
    }
    const position = this.#recent.add(now, peer.id, message.messageId, nonConfirmable, ReplyKind.silence);
    const isAccepted = this.#requester.handleResponse(now, peer, message, out);
    if (nonConfirmable) return;
    this.#recent.settle(position, isAccepted ? ReplyKind.acknowledgement : ReplyKind.reset);
    if (isAccepted) this.#messaging.acknowledge(peer, message.messageId, out);
    else this.#messaging.reset(peer, message.messageId, out);
  }

  #answerDuplicate(peer: Peer, message: Message, position: number, out: Outbox): void {
    this.counters.duplicates++;
    if (message.type !== MessageType.confirmable) return;
    switch (this.#recent.kindAt(position)) {
      case ReplyKind.acknowledgement:
        return this.#messaging.acknowledge(peer, message.messageId, out);
      case ReplyKind.reset:
        return this.#messaging.reset(peer, message.messageId, out);
      case ReplyKind.kept:
        return this.#messaging.transmit(peer, this.#recent.replyAt(position), true, out);
      case ReplyKind.pending:
      case ReplyKind.silence:
      case ReplyKind.forgotten:
    }
  }

  #handleAcknowledgement(now: number, peer: Peer, message: Message, out: Outbox): void {
    const transmission = this.#messaging.find(peer, message.messageId);
    if (transmission === undefined) {
      this.counters.unmatchedAcknowledgements++;
    } else if (message.code === Codes.empty) {
      this.#advance(now, transmission, 'acknowledgement', out);
    } else if (!this.#requester.isAnswerTo(transmission, message.token)) {
      // The Message ID and the token of a piggybacked response must both match. RFC 7252 §5.3.2.
      this.counters.unmatchedAcknowledgements++;
    } else {
      this.#requester.handleResponse(now, peer, message, out);
    }
  }

  #handleReset(now: number, peer: Peer, message: Message, out: Outbox): void {
    this.counters.resetsReceived++;
    const transmission = this.#messaging.find(peer, message.messageId);
    if (transmission !== undefined) this.#advance(now, transmission, 'reset', out);
    else if (!this.#notifier.handleReset(now, peer, message.messageId, out)) this.counters.unmatchedAcknowledgements++;
  }

  #advance(now: number, transmission: Transmission, input: TransmissionInput, out: Outbox): void {
    const { owner } = transmission;
    const outcome = this.#messaging.advance(now, transmission, input, out);
    if (outcome === undefined) return;
    if (owner.kind === 'exchange') this.#requester.handleOutcome(now, owner, outcome, out);
    else if (owner.kind === 'relation') this.#notifier.handleOutcome(now, owner, outcome, out);
    this.#messaging.forgetIfIdle(now, transmission.peer);
  }

  #handlePing(peer: Peer, message: Message, out: Outbox): void {
    this.counters.pingsAnswered++;
    this.#messaging.reset(peer, message.messageId, out);
  }

  #reject(peer: Peer, datagram: Uint8Array, { malformed, reaction }: MalformedMessage, out: Outbox): void {
    this.counters.malformed[malformed] = (this.counters.malformed[malformed] ?? 0) + 1;
    if (reaction === 'reset') this.#messaging.reset(peer, messageIdOf(datagram), out);
  }
}

/** What an endpoint holds now. */
export interface CoapUsage {
  readonly deadlines: number;
  /** Requests under way and observations of this side. */
  readonly tokens: number;
  /** Observations of the other side. */
  readonly relations: number;
  readonly unansweredRequests: number;
  /** Bodies in blocks that the other side sends or fetches. */
  readonly bodies: number;
  /** Bytes of bodies in blocks, both ways. */
  readonly bodyBytes: number;
  readonly recentMessages: number;
  /** Bytes of the duplicate filter. */
  readonly recentMessageBytes: number;
}
