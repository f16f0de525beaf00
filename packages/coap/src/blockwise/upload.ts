/**
 * A request body on its way out in blocks (Block1), as the requester holds it. RFC 7959 §2.3, §2.5, §2.9.
 *
 * It says which bytes go into the next message and what a response to them means; sending is the requester's business.
 */
import { blockBytesOf, type BlockOption, type SizeExponent } from '../block-option.ts';
import { Codes, isSuccess } from '../code-table.ts';
import type { Code } from '../message.ts';

export type UploadVerdict =
  /** Send the next block. */
  | 'next'
  /** Begin anew, with what `szx` says now. */
  | 'restart'
  /** This is the response to the request. */
  | 'final'
  /** The peer acknowledges a block that was not sent. */
  | 'bad';

export interface UploadBlock {
  readonly option: BlockOption;
  readonly payload: Uint8Array;
}

export class Upload {
  readonly #body: Uint8Array | undefined;
  /** Bytes of the whole body, when known. */
  readonly size: number | undefined;
  szx: SizeExponent;
  /** Of the block that is sent now or next. */
  offset = 0;
  /** Bytes of a streamed body asked for with `bodyWanted`; 0 when nothing is asked for. */
  wanted = 0;
  /** All that is sent now or next: of a stream, what the application handed over. */
  #block: UploadBlock | undefined;
  #restarts = 0;

  /** @param body  undefined: a stream. */
  constructor(body: Uint8Array | undefined, size: number | undefined, szx: SizeExponent) {
    this.#body = body;
    this.size = size;
    this.szx = szx;
  }

  get isStream(): boolean {
    return this.#body === undefined;
  }

  /** The block at `offset`, again and again until `advance` moves on. */
  block(): UploadBlock {
    if (this.#block !== undefined) return this.#block;
    const end = this.offset + blockBytesOf(this.szx);
    const more = end < this.#body!.length;
    return (this.#block = { option: this.#option(more), payload: this.#body!.subarray(this.offset, end) });
  }

  /** The bytes of the next block of a stream. */
  provide(bytes: Uint8Array, last: boolean): void {
    this.wanted = 0;
    this.#block = { option: this.#option(!last), payload: bytes };
  }

  /** A response to the block came. @param echoed  its Block1 option. */
  advance(code: Code, echoed: BlockOption | undefined): UploadVerdict {
    const { option, payload } = this.block();
    const isSmaller = echoed !== undefined && echoed.szx < this.szx;
    if (code === Codes.requestEntityTooLarge && isSmaller && !this.isStream) return this.#restart(echoed.szx);
    if (code === Codes.requestEntityIncomplete && !this.isStream && this.#restarts === 0 && this.offset > 0) {
      this.#restarts++;
      return this.#restart(this.szx);
    }
    // 2.31, or the result of this block alone when the peer handles blocks one by one.
    const goesOn = code === Codes.continue || (isSuccess(code) && option.more && echoed !== undefined);
    if (!goesOn) return 'final';
    if (!option.more || (echoed !== undefined && echoed.num !== option.num)) return 'bad';
    this.offset += payload.length;
    this.#block = undefined;
    if (isSmaller) this.szx = echoed.szx;
    return 'next';
  }

  #restart(szx: SizeExponent): UploadVerdict {
    this.szx = szx;
    this.offset = 0;
    this.#block = undefined;
    return 'restart';
  }

  #option(more: boolean): BlockOption {
    return { num: this.offset / blockBytesOf(this.szx), more, szx: this.szx };
  }
}
