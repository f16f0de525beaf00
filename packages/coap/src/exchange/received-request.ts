/**
 * A request as the responder holds it: what the application sees, and the message that is still to be answered.
 *
 *   open ── ackDelay: empty Acknowledgement ──► acknowledged
 *     │ respond: piggybacked, or Non-confirmable    │ respond: separate response
 *     └───────────────────► closed ◄────────────────┘
 *
 * RFC 7252 §5.2.
 */
import type { BlockOption } from '../block-option.ts';
import type { IncomingRequest } from '../events.ts';
import { MessageType, type Code, type Message, type MessageId, type Option } from '../message.ts';
import type { Peer } from '../peer.ts';
import type { RequestHead } from './request-head.ts';

export class ReceivedRequest implements IncomingRequest {
  readonly kind = 'request';
  readonly peer: Peer;
  readonly code: Code;
  options: readonly Option[];
  payload: Uint8Array;
  token: Uint8Array;
  confirmable: boolean;
  readonly observe: 'register' | 'deregister' | undefined;
  streamed = false;

  /** Of the message that is answered next: a body in blocks comes in many. */
  messageId: MessageId;
  /** Position in the duplicate filter. */
  recent: number;
  slot: 'open' | 'acknowledged' | 'closed' = 'open';
  /** When an open slot gets its empty Acknowledgement, ms. */
  acknowledgeAt = Infinity;
  /** The application has answered; what remains are blocks. */
  answered = false;
  /** Classes of responses the peer does not want, as in the No-Response option. RFC 7967 §2.1. */
  readonly unwantedClasses: number;
  readonly block1: BlockOption | undefined;
  readonly block2: BlockOption | undefined;

  constructor(peer: Peer, message: Message, recent: number, head: RequestHead) {
    this.peer = peer;
    this.code = message.code;
    this.options = message.options;
    this.payload = message.payload;
    this.token = message.token;
    this.confirmable = message.type === MessageType.confirmable;
    this.messageId = message.messageId;
    this.recent = recent;
    this.observe = head.observe;
    this.unwantedClasses = head.unwantedClasses;
    this.block1 = head.block1;
    this.block2 = head.block2;
  }
}
