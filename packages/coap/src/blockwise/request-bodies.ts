/**
 * Request bodies in blocks, at the responder: Block1 in, one request out. RFC 7959 §2.3, §2.5, §2.9.
 */
import { blockBytesOf, sizeExponentFor, type BlockOption } from '../block-option.ts';
import { Codes } from '../code-table.ts';
import type { CoapCounters } from '../counters.ts';
import type { CoapParameters } from '../endpoint.ts';
import type { Outbox } from '../events.ts';
import { withoutOptions } from '../exchange/option-order.ts';
import type { ReceivedRequest } from '../exchange/received-request.ts';
import type { Replies } from '../exchange/replies.ts';
import type { Code, Option } from '../message.ts';
import { OPTIONS } from '../option-table.ts';
import type { Block } from './body-assembly.ts';
import type { BodyTransfers } from './body-transfers.ts';
import { withBlock1, withSize1 } from './block-options.ts';
import { IncomingBody } from './incoming-body.ts';

/** A final response up to this size is kept for a repeated last block. */
const KEPT_REPLY_BYTES = 256;
const OF_BLOCKS = [OPTIONS.block1.number, OPTIONS.size1.number];
const NO_OPTIONS: readonly Option[] = Object.freeze([]);
const NO_BYTES: Uint8Array = new Uint8Array(0);

export class RequestBodies {
  readonly #parameters: CoapParameters;
  readonly #counters: CoapCounters;
  readonly #transfers: BodyTransfers;
  readonly #replies: Replies;

  constructor(parameters: CoapParameters, counters: CoapCounters, transfers: BodyTransfers, replies: Replies) {
    this.#parameters = parameters;
    this.#counters = counters;
    this.#transfers = transfers;
    this.#replies = replies;
  }

  /**
   * One block of a request body.
   *
   * @param deliver  hands a request to the application: the whole, or the head of a stream. False when it is refused.
   */
  handleBlock(
    now: number,
    request: ReceivedRequest,
    option: BlockOption,
    deliver: (request: ReceivedRequest) => boolean,
    out: Outbox,
  ): void {
    const blockBytes = blockBytesOf(option.szx);
    const block: Block = { offset: option.num * blockBytes, payload: request.payload, more: option.more };
    const known = this.#transfers.findIncoming(request.peer, request);
    if (known !== undefined) this.#transfers.touch(now, known);
    if (known?.assembly.isRepetition(block) === true) return this.#repeat(now, known, request, out);
    if (option.num > 0) {
      if (known === undefined) return this.#refuse(now, request, Codes.requestEntityIncomplete, NO_OPTIONS, out);
      return this.#accept(now, known, request, block, blockBytes, deliver, out);
    }

    if (known !== undefined) this.#transfers.abandon(now, known, out); // the peer begins anew
    const { maxBodyBytes } = this.#parameters;
    const options = withoutOptions(request.options, OF_BLOCKS);
    const isStream = block.more && this.#parameters.streamedRequest(request.code, options);
    if (!isStream && Math.max(request.payload.length, request.head.bodyBytes ?? 0) > maxBodyBytes) {
      return this.#refuseTooLarge(now, request, out);
    }
    if (!block.more) {
      request.options = options;
      deliver(request);
      return;
    }
    if (request.payload.length !== blockBytes) return this.#refuse(now, request, Codes.badRequest, NO_OPTIONS, out);
    const body = new IncomingBody(request, isStream);
    if (!this.#transfers.add(now, body, 0, out)) return this.#refuseForMemory(now, request, out);
    if (isStream) {
      request.options = options;
      request.payload = NO_BYTES;
      request.streamed = true;
      request.incomingBody = body;
      if (!deliver(request)) return this.#transfers.remove(now, body);
    }
    this.#accept(now, body, request, block, blockBytes, deliver, out);
  }

  /** The application is ready for more of a streamed body. */
  continue(now: number, request: ReceivedRequest, out: Outbox): boolean {
    const body = request.incomingBody;
    if (body?.awaitsContinue !== true) return false;
    body.awaitsContinue = false;
    this.#transfers.touch(now, body);
    this.#sendContinue(now, request, out);
    return true;
  }

  /** The response has been given: nothing more is expected but repetitions of the last block. */
  handleAnswer(
    now: number,
    request: ReceivedRequest,
    code: Code,
    options: readonly Option[],
    payload: Uint8Array,
  ): void {
    const body = request.incomingBody;
    if (body === undefined) return;
    body.awaitsContinue = false;
    if (body.phase === 'receiving' || payload.length > KEPT_REPLY_BYTES) return this.#transfers.remove(now, body);
    body.phase = 'answered';
    body.reply = { code, options, payload };
  }

  #accept(
    now: number,
    body: IncomingBody,
    request: ReceivedRequest,
    block: Block,
    blockBytes: number,
    deliver: (request: ReceivedRequest) => boolean,
    out: Outbox,
  ): void {
    // The block before is still with the application: this one comes too early, its retransmission may be in time.
    if (body.awaitsContinue) return this.#replies.postpone(request);
    if (!body.isStream && body.assembly.length + block.payload.length > this.#parameters.maxBodyBytes) {
      this.#transfers.abandon(now, body, out);
      return this.#refuseTooLarge(now, request, out);
    }
    if (!body.isStream && !this.#transfers.grow(now, body, block.payload.length)) {
      this.#transfers.abandon(now, body, out);
      return this.#refuseForMemory(now, request, out);
    }
    const verdict = body.assembly.accept(block, blockBytes);
    switch (verdict) {
      case 'appended':
        if (body.isStream) return this.#pass(now, body, request, block, out);
        return this.#sendContinue(now, request, out);
      case 'complete':
        body.phase = 'delivered';
        if (body.isStream) return this.#pass(now, body, request, block, out);
        request.options = withoutOptions(request.options, OF_BLOCKS);
        request.payload = body.assembly.take();
        request.incomingBody = body;
        body.request = request;
        this.#transfers.shrink(body);
        deliver(request);
        return;
      case 'repeated':
      case 'gap':
      case 'bad-length': {
        this.#transfers.abandon(now, body, out);
        const code = verdict === 'bad-length' ? Codes.badRequest : Codes.requestEntityIncomplete;
        this.#refuse(now, request, code, NO_OPTIONS, out);
      }
    }
  }

  /** A block of a stream goes to the application. */
  #pass(
    now: number,
    body: IncomingBody,
    message: ReceivedRequest,
    { offset, payload, more }: Block,
    out: Outbox,
  ): void {
    const { request } = body;
    if (message !== request) {
      request.adopt(message);
      this.#replies.expect(now, request);
    }
    body.awaitsContinue = more;
    out.emit({ kind: 'requestBlock', request, offset, payload, more });
  }

  /** The block that was taken last came under a new Message ID. */
  #repeat(now: number, body: IncomingBody, message: ReceivedRequest, out: Outbox): void {
    if (body.reply !== undefined) {
      const { code, options, payload } = body.reply;
      return this.#replies.send(now, message, code, options, payload, out);
    }
    if (body.awaitsContinue || body.phase === 'delivered') {
      // The answer is still to come: it goes to the newest message.
      body.request.adopt(message);
      return this.#replies.expect(now, body.request);
    }
    this.#sendContinue(now, message, out);
  }

  /** 2.31, with a smaller block size if ours is. RFC 7959 §2.3. */
  #sendContinue(now: number, request: ReceivedRequest, out: Outbox): void {
    this.#replies.send(now, request, Codes.continue, withBlock1(NO_OPTIONS, this.#echoed(request)), NO_BYTES, out);
  }

  #echoed({ block1 }: ReceivedRequest): BlockOption {
    const { num, more, szx } = block1!;
    const largest = sizeExponentFor(this.#parameters.blockBytes);
    return { num, more, szx: szx < largest ? szx : largest };
  }

  #refuseTooLarge(now: number, request: ReceivedRequest, out: Outbox): void {
    this.#counters.bodiesRefused++;
    const hint = withSize1(NO_OPTIONS, this.#parameters.maxBodyBytes);
    this.#refuse(now, request, Codes.requestEntityTooLarge, hint, out);
  }

  #refuseForMemory(now: number, request: ReceivedRequest, out: Outbox): void {
    this.#counters.bodiesRefused++;
    this.#refuse(now, request, Codes.serviceUnavailable, NO_OPTIONS, out);
  }

  #refuse(now: number, request: ReceivedRequest, code: Code, options: readonly Option[], out: Outbox): void {
    this.#replies.send(now, request, code, withBlock1(options, request.block1!), NO_BYTES, out);
  }
}
