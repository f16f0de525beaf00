/**
 * Blocks that arrive in order become a body. RFC 7959 §2.3, §2.4.
 *
 * The offset counts, not the block number, because the block size may shrink on the way. What does not fit is told
 * apart: the last block once more is harmless, anything else means the two sides do not agree any longer.
 */
export type BlockVerdict =
  /** Taken; more to come. */
  | 'appended'
  /** Taken; it was the last. */
  | 'complete'
  /** The block taken last, once more. */
  | 'repeated'
  /** Not where the body goes on. */
  | 'gap'
  /** Not the announced block size, which only the last block may fall short of. */
  | 'bad-length';

export interface Block {
  /** Of its first byte in the body. */
  readonly offset: number;
  readonly payload: Uint8Array;
  readonly more: boolean;
}

export class BodyAssembly {
  readonly #keepsBlocks: boolean;
  readonly #blocks: Uint8Array[] = [];
  #last: Block | undefined;
  #length = 0;

  /** @param mode  'passing': the blocks are consumed as they come, only the last one is remembered. */
  constructor(mode: 'whole' | 'passing') {
    this.#keepsBlocks = mode === 'whole';
  }

  /** Bytes taken so far: the offset of the next block. */
  get length(): number {
    return this.#length;
  }

  get isComplete(): boolean {
    return this.#last !== undefined && !this.#last.more;
  }

  /** What `accept` would say to the block as a repetition of the last one. */
  isRepetition({ offset, payload, more }: Block): boolean {
    const last = this.#last;
    return last !== undefined && last.offset === offset && last.more === more && equalBytes(last.payload, payload);
  }

  /** @param blockBytes  size of every block but the last. The payload is copied. */
  accept(block: Block, blockBytes: number): BlockVerdict {
    const { offset, more } = block;
    const { length } = block.payload;
    if (this.isRepetition(block)) return 'repeated';
    if (this.isComplete || offset !== this.#length) return 'gap';
    if (length > blockBytes || (more && length !== blockBytes)) return 'bad-length';
    const payload = block.payload.slice();
    this.#last = { offset, payload, more };
    this.#length += length;
    if (this.#keepsBlocks) this.#blocks.push(payload);
    return more ? 'appended' : 'complete';
  }

  /** The body, in one piece; the blocks are let go. */
  take(): Uint8Array {
    if (!this.#keepsBlocks) return new Uint8Array(0);
    const body = new Uint8Array(this.#length);
    let at = 0;
    for (const block of this.#blocks) {
      body.set(block, at);
      at += block.length;
    }
    this.#blocks.length = 0;
    return body;
  }
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}
