/**
 * Response bodies in blocks, at the responder: one response in, Block2 out. RFC 7959 §2.4, §2.6, §2.7.
 */
import {
  MAX_BLOCK_NUMBER,
  blockBytesOf,
  sizeExponentFor,
  type BlockOption,
  type SizeExponent,
} from '../block-option.ts';
import { Codes } from '../code-table.ts';
import type { CoapCounters } from '../counters.ts';
import type { CoapParameters } from '../endpoint.ts';
import { UsageError } from '../errors.ts';
import type { Outbox } from '../events.ts';
import { withOption } from '../exchange/option-order.ts';
import type { ReceivedRequest } from '../exchange/received-request.ts';
import type { Replies } from '../exchange/replies.ts';
import type { Code, Option } from '../message.ts';
import { OPTIONS } from '../option-table.ts';
import type { Peer } from '../peer.ts';
import type { BodyTransfers } from './body-transfers.ts';
import { fitsIntoOne, largestBlocks } from './block-size.ts';
import { withBlock2, withSize2 } from './block-options.ts';
import { entityTagOf } from './entity-tag.ts';
import { OutgoingBody, type BodyStream } from './outgoing-body.ts';
import type { RequestIdentity } from './same-request.ts';

const NO_OPTIONS: readonly Option[] = Object.freeze([]);
const NO_BYTES: Uint8Array = new Uint8Array(0);
/** Of the request that asks for a block, whichever it will be. */
const LONGEST_TOKEN: Uint8Array = new Uint8Array(8);

/** What one message carries of a response. */
export interface ResponsePart {
  readonly options: readonly Option[];
  readonly payload: Uint8Array;
}

export class ResponseBodies {
  readonly #parameters: CoapParameters;
  readonly #counters: CoapCounters;
  readonly #random: () => number;
  readonly #transfers: BodyTransfers;
  readonly #replies: Replies;

  constructor(
    parameters: CoapParameters,
    counters: CoapCounters,
    random: () => number,
    transfers: BodyTransfers,
    replies: Replies,
  ) {
    this.#parameters = parameters;
    this.#counters = counters;
    this.#random = random;
    this.#transfers = transfers;
    this.#replies = replies;
  }

  /** Whether a payload needs more than one message, or the request asked for a later part of it. */
  isNeeded(peer: Peer, asked: BlockOption | undefined, options: readonly Option[], payload: Uint8Array): boolean {
    if (asked === undefined) return !fitsIntoOne(peer, LONGEST_TOKEN, options, payload, this.#parameters.blockBytes);
    return payload.length > blockBytesOf(this.#sizeExponent(peer, asked, options)) || asked.num > 0;
  }

  /**
   * The block of `body` that was asked for, the first when none was; the rest is kept for the requests that will ask
   * for it. Undefined when the body ends before that block, or there is no memory to keep it.
   *
   * @param toBeKept  false: the application answers the requests for later blocks, too.
   */
  begin(
    now: number,
    peer: Peer,
    identity: RequestIdentity,
    asked: BlockOption | undefined,
    code: Code,
    options: readonly Option[],
    body: Uint8Array,
    toBeKept: boolean,
    out: Outbox,
  ): ResponsePart | undefined {
    const szx = this.#sizeExponent(peer, asked, options);
    const offset = asked === undefined ? 0 : asked.num * blockBytesOf(asked.szx);
    if (offset >= body.length || body.length > blockBytesOf(szx) * (MAX_BLOCK_NUMBER + 1)) return undefined;
    const tagged = options.some(({ number }) => number === OPTIONS.etag.number)
      ? options
      : withOption(options, { number: OPTIONS.etag.number, value: entityTagOf(body) });
    const known = this.#transfers.findOutgoing(peer, identity);
    if (known !== undefined) this.#transfers.abandon(now, known, out);
    const transfer = new OutgoingBody(peer, identity, code, tagged, body);
    const isKept = toBeKept && this.#transfers.add(now, transfer, body.length, out);
    // A GET can be answered anew for each block, the ETag telling whether it is still the same body.
    if (!isKept && identity.code !== Codes.get) {
      this.#counters.bodiesRefused++;
      return undefined;
    }
    return this.#part(transfer, body, offset, szx);
  }

  /** The request asks for a later block. False when nothing is kept that it could be of. */
  handleLater(now: number, request: ReceivedRequest, asked: BlockOption, out: Outbox): boolean {
    const transfer = this.#transfers.findOutgoing(request.peer, request);
    if (transfer === undefined) return false;
    this.#transfers.touch(now, transfer);
    const offset = asked.num * blockBytesOf(asked.szx);
    if (!(transfer.source instanceof Uint8Array)) {
      this.#continueStream(now, request, transfer, transfer.source, asked, offset, out);
    } else if (offset >= transfer.source.length) {
      this.#refuse(now, request, out);
    } else {
      const { options, payload } = this.#part(
        transfer,
        transfer.source,
        offset,
        this.#sizeExponent(transfer.peer, asked, transfer.options),
      );
      this.#replies.send(now, request, transfer.code, options, payload, out);
    }
    return true;
  }

  /** Answer with a body that the application hands over piece by piece. */
  beginStream(
    now: number,
    request: ReceivedRequest,
    code: Code,
    options: readonly Option[],
    size: number | undefined,
    out: Outbox,
  ): void {
    const known = this.#transfers.findOutgoing(request.peer, request);
    if (known !== undefined) this.#transfers.abandon(now, known, out);
    const asked = request.head.block2;
    if (asked !== undefined && asked.num > 0)
      return this.#refuseStream(now, request, Codes.requestEntityIncomplete, out);
    const stream: BodyStream = { request, size, offset: 0, wanted: 0, last: undefined };
    // Streams of the same resource may differ, and cannot be told apart by their content.
    const random = this.#random();
    const value = Uint8Array.of(random >>> 24, random >>> 16, random >>> 8, random);
    const tagged = options.some(({ number }) => number === OPTIONS.etag.number)
      ? options
      : withOption(options, { number: OPTIONS.etag.number, value });
    const transfer = new OutgoingBody(
      request.peer,
      { code: request.code, options: request.options },
      code,
      tagged,
      stream,
    );
    if (!this.#transfers.add(now, transfer, this.#parameters.blockBytes, out)) {
      this.#counters.bodiesRefused++;
      return this.#refuseStream(now, request, Codes.serviceUnavailable, out);
    }
    request.outgoingBody = transfer;
    this.#replies.expect(now, request);
    this.#want(stream, blockBytesOf(this.#sizeExponent(request.peer, asked, options)), out);
  }

  /** The next piece of a streamed body. */
  provide(now: number, request: ReceivedRequest, bytes: Uint8Array, last: boolean, out: Outbox): void {
    const transfer = request.outgoingBody;
    if (request.abandoned) return;
    if (transfer === undefined || transfer.source instanceof Uint8Array || transfer.source.wanted === 0) {
      throw new UsageError('no bytes of this body are wanted');
    }
    const stream = transfer.source;
    if (bytes.length > stream.wanted || (!last && bytes.length !== stream.wanted)) {
      throw new UsageError(`${stream.wanted} bytes are wanted, not ${bytes.length}; only the last may be fewer`);
    }
    const { offset, wanted } = stream;
    stream.last = { offset, bytes, more: !last };
    stream.offset += bytes.length;
    stream.wanted = 0;
    this.#sendPiece(now, request, transfer, stream.last, sizeExponentFor(wanted), stream.size, out);
    if (last) this.#transfers.markServed(transfer);
  }

  #continueStream(
    now: number,
    message: ReceivedRequest,
    transfer: OutgoingBody,
    stream: BodyStream,
    asked: BlockOption,
    offset: number,
    out: Outbox,
  ): void {
    const { request, last } = stream;
    const szx = this.#sizeExponent(transfer.peer, asked, transfer.options);
    if (last !== undefined && offset === last.offset && last.bytes.length <= blockBytesOf(szx)) {
      return this.#sendPiece(now, message, transfer, last, szx, undefined, out);
    }
    if (offset !== stream.offset || last?.more !== true) return this.#refuse(now, message, out);
    request.adopt(message);
    this.#replies.expect(now, request);
    if (stream.wanted === 0) this.#want(stream, blockBytesOf(szx), out);
  }

  #want(stream: BodyStream, length: number, out: Outbox): void {
    stream.wanted = length;
    out.emit({ kind: 'bodyWanted', of: stream.request, offset: stream.offset, length });
  }

  #sendPiece(
    now: number,
    request: ReceivedRequest,
    transfer: OutgoingBody,
    { offset, bytes, more }: NonNullable<BodyStream['last']>,
    szx: SizeExponent,
    size: number | undefined,
    out: Outbox,
  ): void {
    let { options } = transfer;
    if (offset > 0 || more) options = withBlock2(options, { num: offset / blockBytesOf(szx), more, szx });
    if (size !== undefined && offset === 0 && more) options = withSize2(options, size);
    this.#replies.send(now, request, transfer.code, options, bytes, out);
  }

  #part(transfer: OutgoingBody, body: Uint8Array, offset: number, szx: SizeExponent): ResponsePart {
    const blockBytes = blockBytesOf(szx);
    const end = Math.min(offset + blockBytes, body.length);
    const more = end < body.length;
    let options: readonly Option[] = withBlock2(transfer.options, { num: offset / blockBytes, more, szx });
    if (offset === 0) options = withSize2(options, body.length);
    if (!more && transfer.deadline < Infinity) this.#transfers.markServed(transfer);
    return { options, payload: body.subarray(offset, end) };
  }

  #sizeExponent(peer: Peer, asked: BlockOption | undefined, options: readonly Option[]): SizeExponent {
    const largest = largestBlocks(peer, LONGEST_TOKEN, options, this.#parameters.blockBytes);
    return asked === undefined || asked.szx > largest ? largest : asked.szx;
  }

  #refuse(now: number, request: ReceivedRequest, out: Outbox): void {
    this.#replies.send(now, request, Codes.badRequest, NO_OPTIONS, NO_BYTES, out);
  }

  #refuseStream(now: number, request: ReceivedRequest, code: Code, out: Outbox): void {
    this.#replies.send(now, request, code, NO_OPTIONS, NO_BYTES, out);
    request.abandoned = true;
    out.emit({ kind: 'requestAbandoned', request });
  }
}
