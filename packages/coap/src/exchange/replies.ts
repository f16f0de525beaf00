/**
 * Responses as messages: piggybacked, separate or Non-confirmable, and what of them is kept for duplicates.
 * RFC 7252 §4.5, §5.2, RFC 7967.
 */
import { Codes, codeClass } from '../code-table.ts';
import type { CoapCounters } from '../counters.ts';
import type { CoapParameters } from '../endpoint.ts';
import type { Outbox } from '../events.ts';
import { encodeMessage } from '../message-codec.ts';
import { MessageType, messageId, type Code, type Option } from '../message.ts';
import { Transmission, type Messaging } from '../messaging/messaging.ts';
import { ReplyKind, type RecentMessages } from '../messaging/recent-messages.ts';
import { AcknowledgementQueue } from './acknowledgement-queue.ts';
import type { ReceivedRequest } from './received-request.ts';

/** Replies to safe requests above this are not kept: a duplicate is handled once more, as RFC 7252 §4.5 allows. */
const KEPT_SAFE_REPLY_BYTES = 256;
/** Bits of the No-Response option for the classes 2, 4 and 5. RFC 7967 §2.1. */
const unwantedBit = (code: Code): number => 1 << (codeClass(code) - 1);
const UNASSIGNED = messageId(0);

export class Replies {
  readonly #parameters: CoapParameters;
  readonly #counters: CoapCounters;
  readonly #messaging: Messaging;
  readonly #recent: RecentMessages;
  readonly #acknowledgements = new AcknowledgementQueue();

  constructor(parameters: CoapParameters, counters: CoapCounters, messaging: Messaging, recent: RecentMessages) {
    this.#parameters = parameters;
    this.#counters = counters;
    this.#messaging = messaging;
    this.#recent = recent;
  }

  /** The application has the request now: if it takes longer than `ackDelay`, the empty Acknowledgement goes out. */
  expect(now: number, { slot }: ReceivedRequest): void {
    if (slot.confirmable) this.#acknowledgements.add(slot, now + this.#parameters.ackDelay);
  }

  /** Answer the message in the request's slot. */
  send(
    now: number,
    request: ReceivedRequest,
    code: Code,
    options: readonly Option[],
    payload: Uint8Array,
    out: Outbox,
  ): void {
    const { peer, slot } = request;
    const { token, recent } = slot;
    const wasAcknowledged = slot.state === 'acknowledged';
    slot.state = 'closed';
    const isWanted = (request.head.unwantedClasses & unwantedBit(code)) === 0;
    if (!slot.confirmable) {
      this.#recent.settle(recent, ReplyKind.silence);
      if (!isWanted) return;
      const type = MessageType.nonConfirmable;
      const datagram = encodeMessage({ type, code, messageId: UNASSIGNED, token, options, payload });
      this.#messaging.sendUnacknowledged(now, peer, datagram, out);
    } else if (wasAcknowledged) {
      if (!isWanted) return;
      if (this.#messaging.queued(peer) >= this.#parameters.maxQueuedPerPeer) {
        this.#counters.messagesDropped++;
        return;
      }
      const type = MessageType.confirmable;
      const datagram = encodeMessage({ type, code, messageId: UNASSIGNED, token, options, payload });
      this.#messaging.start(now, new Transmission(peer, 'confirmable', slot, datagram), out);
    } else if (!isWanted) {
      this.#recent.settle(recent, ReplyKind.acknowledgement);
      this.#messaging.acknowledge(peer, slot.messageId, out);
    } else {
      const type = MessageType.acknowledgement;
      const datagram = encodeMessage({ type, code, messageId: slot.messageId, token, options, payload });
      if (datagram.length > KEPT_SAFE_REPLY_BYTES && isRepeatable(request)) {
        this.#recent.settle(recent, ReplyKind.forgotten);
      } else {
        this.#recent.keepReply(now, recent, datagram);
      }
      this.#messaging.transmit(peer, datagram, false, out);
    }
  }

  /** Say nothing to this message, nor to its duplicates. */
  ignore({ slot }: ReceivedRequest): void {
    slot.state = 'closed';
    this.#recent.settle(slot.recent, ReplyKind.silence);
  }

  /** Say nothing to this message, and look at its retransmission as if it were the first. */
  postpone({ slot }: ReceivedRequest): void {
    slot.state = 'closed';
    this.#recent.settle(slot.recent, ReplyKind.forgotten);
  }

  /** When the next empty Acknowledgement is due, ms. */
  nextDeadline(): number {
    return this.#acknowledgements.next();
  }

  handleTimeout(now: number, out: Outbox): void {
    for (
      let slot = this.#acknowledgements.takeDue(now);
      slot !== undefined;
      slot = this.#acknowledgements.takeDue(now)
    ) {
      slot.state = 'acknowledged';
      this.#recent.settle(slot.recent, ReplyKind.acknowledgement);
      this.#messaging.acknowledge(slot.peer, slot.messageId, out);
    }
  }
}

/** Safe, without effect on observations: handling it twice changes nothing. */
function isRepeatable({ code, head, streamed, outgoingBody }: ReceivedRequest): boolean {
  if (streamed || outgoingBody?.isStream === true) return false;
  return head.observe === undefined && (code === Codes.get || code === Codes.fetch);
}
