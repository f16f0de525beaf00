/**
 * The responder's observe relations: registration, notifications, and their end. RFC 7641 §4.
 */
import { isSuccess } from '../code-table.ts';
import type { ResponseBodies, ResponsePart } from '../blockwise/response-bodies.ts';
import { isSameUpload } from '../blockwise/same-request.ts';
import type { CoapCounters } from '../counters.ts';
import type { CoapParameters } from '../endpoint.ts';
import { UsageError } from '../errors.ts';
import type { Outbox, OutgoingResponse, RelationEndReason } from '../events.ts';
import { withOption } from '../exchange/option-order.ts';
import type { ReceivedRequest } from '../exchange/received-request.ts';
import { encodeMessage } from '../message-codec.ts';
import { MessageType, messageId, type MessageId, type Option } from '../message.ts';
import { Transmission, type Messaging } from '../messaging/messaging.ts';
import { obtainState, stateOf } from '../messaging/peer-state.ts';
import type { TransmissionOutcome } from '../messaging/transmission.ts';
import { encodeUint } from '../option-access.ts';
import { OPTIONS } from '../option-table.ts';
import type { Peer } from '../peer.ts';
import { Relation } from './relation.ts';

const SEQUENCE_MASK = 0xffffff;

export class Notifier {
  readonly #parameters: CoapParameters;
  readonly #counters: CoapCounters;
  readonly #random: () => number;
  readonly #messaging: Messaging;
  readonly #responseBodies: ResponseBodies;
  #size = 0;

  constructor(
    parameters: CoapParameters,
    counters: CoapCounters,
    random: () => number,
    messaging: Messaging,
    responseBodies: ResponseBodies,
  ) {
    this.#parameters = parameters;
    this.#counters = counters;
    this.#random = random;
    this.#messaging = messaging;
    this.#responseBodies = responseBodies;
  }

  /** Relations that have not ended. */
  get size(): number {
    return this.#size;
  }

  /**
   * A new relation, in place of one with the same token or for the same target. Undefined when the peer holds as many
   * as it may.
   */
  register(now: number, request: ReceivedRequest, out: Outbox): Relation | undefined {
    let sequence = 1;
    for (const old of (stateOf(request.peer)?.relations ?? []).filter((relation) => isSame(relation, request))) {
      // Counting on from the old relation keeps the order clear to a requester that kept the token.
      sequence = (old.sequence + 1) & SEQUENCE_MASK;
      this.#end(now, old, 'replaced', out);
    }
    const { relations } = obtainState(request.peer, this.#random);
    if (relations.length >= this.#parameters.maxRelationsPerPeer) {
      this.#counters.relationsRefused++;
      this.#messaging.forgetIfIdle(now, request.peer);
      return undefined;
    }
    const relation = new Relation(now, request, sequence);
    relations.push(relation);
    this.#size++;
    return relation;
  }

  /** The options with the relation's sequence number. */
  stamped(relation: Relation, options: readonly Option[]): readonly Option[] {
    return withOption(options, { number: OPTIONS.observe.number, value: encodeUint(relation.sequence) });
  }

  /** Observe: 1 came with the token of a relation. RFC 7641 §3.6. */
  deregister(now: number, request: ReceivedRequest, out: Outbox): void {
    const relations = stateOf(request.peer)?.relations ?? [];
    for (const relation of relations.filter(({ token }) => sameBytes(token, request.token))) {
      this.#end(now, relation, 'cancelled', out);
    }
  }

  notify(
    now: number,
    relation: Relation,
    response: OutgoingResponse,
    out: Outbox,
    confirmable: boolean | undefined,
  ): void {
    if (relation.ended) return; // the end is known to the stack and still on its way to the application
    if (relation.transmission !== undefined) {
      if (relation.pending !== undefined) this.#counters.supersededNotifications++;
      relation.pending = { response, confirmable };
      return;
    }
    this.#send(now, relation, response, out, confirmable);
  }

  /** Forget the relation silently. */
  endSilently(now: number, relation: Relation, out: Outbox): void {
    if (!relation.ended) this.#forget(now, relation, out);
  }

  /** Give up the notification under way; the relation goes on. False when it has ended. */
  withhold(now: number, relation: Relation, out: Outbox): boolean {
    const { transmission } = relation;
    if (relation.ended || transmission === undefined) return false;
    relation.transmission = undefined;
    relation.pending = undefined;
    this.#messaging.advance(now, transmission, 'cancel', out);
    return true;
  }

  /** A Confirmable notification was delivered, rejected or given up. */
  handleOutcome(now: number, relation: Relation, outcome: TransmissionOutcome, out: Outbox): void {
    relation.transmission = undefined;
    if (relation.ended) return;
    if (outcome === 'reset' || outcome === 'timeout') return this.#end(now, relation, outcome, out);
    const { pending } = relation;
    relation.pending = undefined;
    if (pending !== undefined) this.#send(now, relation, pending.response, out, pending.confirmable);
  }

  /** Before a notification is retransmitted: what is sent is always the newest state. RFC 7641 §4.5.2. */
  refresh(now: number, relation: Relation, out: Outbox): void {
    const { pending, transmission } = relation;
    if (pending === undefined || transmission?.state.kind !== 'awaitingAcknowledgement') return;
    if (transmission.state.transmissions > this.#parameters.maxRetransmit) return;
    relation.sequence = (relation.sequence + 1) & SEQUENCE_MASK;
    const datagram = this.#encode(now, relation, pending.response, MessageType.confirmable, out);
    if (datagram === undefined || !this.#messaging.supersede(now, transmission, datagram)) return;
    relation.pending = undefined;
    this.#counters.supersededNotifications++;
    if (!isSuccess(pending.response.code)) this.#end(now, relation, 'refused', out);
  }

  /** A Reset that belongs to no Confirmable message: perhaps to a Non-confirmable notification. */
  handleReset(now: number, peer: Peer, id: MessageId, out: Outbox): boolean {
    const relation = stateOf(peer)?.relations.find((each) => each.messageId === id);
    if (relation === undefined) return false;
    this.#end(now, relation, 'reset', out);
    return true;
  }

  forgetPeer(now: number, peer: Peer, out: Outbox): void {
    for (const relation of [...(stateOf(peer)?.relations ?? [])]) this.#end(now, relation, 'peer-closed', out);
  }

  #send(
    now: number,
    relation: Relation,
    response: OutgoingResponse,
    out: Outbox,
    confirmable: boolean | undefined,
  ): void {
    const { peer } = relation;
    const isConfirmable =
      confirmable ?? now - relation.confirmableAt >= this.#parameters.confirmableNotificationInterval;
    relation.sequence = (relation.sequence + 1) & SEQUENCE_MASK;
    const type = isConfirmable ? MessageType.confirmable : MessageType.nonConfirmable;
    const datagram = this.#encode(now, relation, response, type, out);
    if (datagram === undefined) return; // counted; the next one may find memory
    if (isConfirmable) {
      relation.confirmableAt = now;
      const transmission = new Transmission(peer, 'confirmable', relation, datagram);
      relation.transmission = transmission;
      this.#messaging.start(now, transmission, out);
    } else {
      relation.messageId = this.#messaging.sendUnacknowledged(now, peer, datagram, out) ?? -1;
    }
    // An error tells the peer that there will be no more. RFC 7641 §4.2.
    if (!isSuccess(response.code)) this.#end(now, relation, 'refused', out);
  }

  /** Undefined when there is no memory to keep the rest of a body that goes in blocks. */
  #encode(
    now: number,
    relation: Relation,
    { code, options, payload }: OutgoingResponse,
    type: MessageType,
    out: Outbox,
  ): Uint8Array | undefined {
    if (!(payload instanceof Uint8Array)) throw new UsageError('notifications cannot be streamed');
    const { request, token, peer } = relation;
    const asked = request.head.block2;
    let part: ResponsePart | undefined = { options, payload };
    if (this.#responseBodies.isNeeded(peer, asked, options, payload)) {
      part = this.#responseBodies.begin(now, peer, request, asked, code, options, payload, true, out);
      if (part === undefined) return undefined;
    }
    const stamped = isSuccess(code) ? this.stamped(relation, part.options) : part.options;
    return encodeMessage({ type, code, messageId: messageId(0), token, options: stamped, payload: part.payload });
  }

  #end(now: number, relation: Relation, reason: RelationEndReason, out: Outbox): void {
    const keepsSending = reason === 'refused';
    this.#forget(now, relation, out, keepsSending);
    out.emit({ kind: 'relationEnded', relation, reason });
  }

  #forget(now: number, relation: Relation, out: Outbox, keepsSending = false): void {
    const { peer, transmission } = relation;
    relation.ended = true;
    relation.pending = undefined;
    this.#size--;
    const relations = stateOf(peer)?.relations;
    const index = relations?.indexOf(relation) ?? -1;
    if (index >= 0) relations!.splice(index, 1);
    if (transmission !== undefined && !keepsSending) {
      relation.isUndelivered = true;
      relation.transmission = undefined;
      this.#messaging.advance(now, transmission, 'cancel', out);
    }
    this.#messaging.forgetIfIdle(now, peer);
  }
}

/** The same observation: RFC 7641 §4.1 goes by the token; a second one for the same target would only repeat the first. */
function isSame(relation: Relation, request: ReceivedRequest): boolean {
  return sameBytes(relation.token, request.token) || isSameUpload(relation.request, request);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
