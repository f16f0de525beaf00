/**
 * The message a response goes to. A request has one; a request whose body comes in blocks has a new one per block.
 *
 *   open ── ackDelay: empty Acknowledgement ──► acknowledged
 *     │ piggybacked, or Non-confirmable             │ separate response
 *     └───────────────────► closed ◄────────────────┘
 *
 * RFC 7252 §5.2.
 */
import { MessageType, type Message, type MessageId } from '../message.ts';
import type { Peer } from '../peer.ts';

export class ReplySlot {
  readonly kind = 'slot';
  readonly peer: Peer;
  readonly messageId: MessageId;
  readonly token: Uint8Array;
  readonly confirmable: boolean;
  /** Position of the message in the duplicate filter. */
  readonly recent: number;
  state: 'open' | 'acknowledged' | 'closed' = 'open';
  /** When an open slot gets its empty Acknowledgement, ms. */
  acknowledgeAt: number = Infinity;

  constructor(peer: Peer, { messageId, token, type }: Message, recent: number) {
    this.peer = peer;
    this.messageId = messageId;
    this.token = token;
    this.confirmable = type === MessageType.confirmable;
    this.recent = recent;
  }
}
