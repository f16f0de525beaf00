/**
 * A response body on its way in, in blocks (Block2), as the requester holds it. RFC 7959 §2.4.
 */
import { blockBytesOf, type BlockOption, type SizeExponent } from '../block-option.ts';
import type { IncomingResponse } from '../events.ts';
import type { Message, Option } from '../message.ts';
import { OPTIONS } from '../option-table.ts';
import { BodyAssembly } from './body-assembly.ts';

export type DownloadVerdict =
  /** Ask for the next block. */
  | 'next'
  | 'complete'
  /** The body changed meanwhile: what came before is worthless. */
  | 'changed'
  /** The block is not the one asked for, or not of the size it claims. */
  | 'bad';

export class Download {
  readonly isStream: boolean;
  /** Code and options of the first block. */
  readonly head: Message;
  readonly #assembly: BodyAssembly;
  readonly #entityTag: Uint8Array | undefined;
  szx: SizeExponent;
  /** A streamed block waits for `continueBody`. */
  awaitsContinue = false;
  /** Bytes taken from the budget. */
  heldBytes = 0;

  constructor(head: Message, szx: SizeExponent, isStream: boolean) {
    this.head = head;
    this.szx = szx;
    this.isStream = isStream;
    this.#entityTag = entityTagIn(head.options);
    this.#assembly = new BodyAssembly(isStream ? 'passing' : 'whole');
  }

  /** Of the block that is expected next. */
  get offset(): number {
    return this.#assembly.length;
  }

  /** The option that asks for it. */
  get wanted(): BlockOption {
    return { num: this.offset / blockBytesOf(this.szx), more: false, szx: this.szx };
  }

  accept({ code, options, payload }: Message, option: BlockOption | undefined): DownloadVerdict {
    if (code !== this.head.code || option === undefined) return 'bad';
    if (!equal(entityTagIn(options), this.#entityTag)) return 'changed';
    const blockBytes = blockBytesOf(option.szx);
    // The responder may shrink the blocks, and then counts in its own size.
    if (option.szx < this.szx) this.szx = option.szx;
    const verdict = this.#assembly.accept({ offset: option.num * blockBytes, payload, more: option.more }, blockBytes);
    return verdict === 'appended' ? 'next' : verdict === 'complete' ? 'complete' : 'bad';
  }

  /** The whole response. Of a stream, only its head. */
  take(): IncomingResponse {
    const { code, options } = this.head;
    return { code, options, payload: this.#assembly.take() };
  }
}

function entityTagIn(options: readonly Option[]): Uint8Array | undefined {
  return options.find(({ number }) => number === OPTIONS.etag.number)?.value;
}

function equal(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
