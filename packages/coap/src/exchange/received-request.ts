/**
 * A request as the responder holds it: what the application sees, and where the response goes.
 */
import type { BlockOption } from '../block-option.ts';
import type { IncomingBody } from '../blockwise/incoming-body.ts';
import type { OutgoingBody } from '../blockwise/outgoing-body.ts';
import type { IncomingRequest } from '../events.ts';
import type { Code, Message, Option } from '../message.ts';
import type { Peer } from '../peer.ts';
import { ReplySlot } from './reply-slot.ts';
import type { RequestHead } from './request-head.ts';

export class ReceivedRequest implements IncomingRequest {
  readonly kind = 'request';
  readonly peer: Peer;
  readonly code: Code;
  options: readonly Option[];
  payload: Uint8Array;
  streamed = false;
  readonly head: RequestHead;
  slot: ReplySlot;
  /** Block1 of the message in `slot`. */
  block1: BlockOption | undefined;
  /** Counted by `UnansweredRequests`. */
  isUnanswered = false;
  /** The application has answered; what remains are blocks. */
  answered = false;
  /** `requestAbandoned` was emitted. */
  abandoned = false;
  incomingBody: IncomingBody | undefined = undefined;
  outgoingBody: OutgoingBody | undefined = undefined;

  constructor(peer: Peer, message: Message, recent: number, head: RequestHead) {
    this.peer = peer;
    this.code = message.code;
    this.options = message.options;
    this.payload = message.payload;
    this.head = head;
    this.block1 = head.block1;
    this.slot = new ReplySlot(peer, message, recent);
  }

  get token(): Uint8Array {
    return this.slot.token;
  }

  get confirmable(): boolean {
    return this.slot.confirmable;
  }

  get observe(): 'register' | 'deregister' | undefined {
    return this.head.observe;
  }

  /** The next block of the same body came: the response goes to its message. */
  adopt(block: ReceivedRequest): void {
    // What was still to be said to the message before is of no interest to a peer that has gone on.
    this.slot.state = 'closed';
    this.slot = block.slot;
    this.block1 = block.block1;
  }
}
