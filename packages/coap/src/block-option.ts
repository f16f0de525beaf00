/**
 * The value of Block1 and Block2: block number, "more" bit, size exponent. RFC 7959 §2.2.
 */
import { UsageError } from './errors.ts';
import type { Option } from './message.ts';
import { decodeUint, encodeUint, readOption } from './option-access.ts';

/** Block size as a power of two: 16 bytes for 0 to 1024 for 6. 7 is reserved over UDP (RFC 8323 §6 uses it over TCP). */
export type SizeExponent = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;
export const RESERVED_SIZE_EXPONENT = 7;

export interface BlockOption {
  /** 0 to 1,048,575. */
  readonly num: number;
  readonly more: boolean;
  readonly szx: SizeExponent;
}

export const MAX_BLOCK_NUMBER: number = 0xfffff;
const MAX_BLOCK_BYTES = 3;

/** Undefined when the value has more than 3 bytes. The caller answers 4.00 to the reserved size. RFC 7959 §2.2. */
export function decodeBlockOption(value: Uint8Array): BlockOption | undefined {
  return value.length > MAX_BLOCK_BYTES ? undefined : unpackBlock(decodeUint(value));
}

/** @throws UsageError unless the block number is an integer from 0 to 1,048,575. */
export const encodeBlockOption = (block: BlockOption): Uint8Array => encodeUint(packBlock(block));

/** The option of a message, undefined when it is absent or breaks its definition. */
export function readBlockOption(options: readonly Option[], name: 'block1' | 'block2'): BlockOption | undefined {
  const value = readOption(options, name);
  return value === undefined ? undefined : unpackBlock(value);
}

/** The number that `buildOptions({ block1: … })` takes. @throws UsageError as `encodeBlockOption` does. */
export function packBlock({ num, more, szx }: BlockOption): number {
  if (!(Number.isInteger(num) && num >= 0 && num <= MAX_BLOCK_NUMBER)) {
    throw new UsageError(`block numbers are integers from 0 to ${MAX_BLOCK_NUMBER}, not ${num}`);
  }
  return (num << 4) | (more ? 8 : 0) | szx;
}

export const unpackBlock = (value: number): BlockOption => ({
  num: value >>> 4,
  more: (value & 8) !== 0,
  szx: (value & 7) as SizeExponent,
});

/** Bytes in a block of this size exponent. */
export const blockBytesOf = (szx: SizeExponent): number => 16 << szx;

/** The largest size exponent whose blocks have at most `bytes` bytes; 0 when even the smallest is larger. */
export function sizeExponentFor(bytes: number): SizeExponent {
  let szx = 0;
  while (szx < 6 && 32 << szx <= bytes) szx++;
  return szx as SizeExponent;
}
