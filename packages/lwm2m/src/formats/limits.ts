/** What a payload may claim before it is refused: the bounds of `FormatLimits` with their defaults. */
import { malformed } from '../malformed.ts';
import type { Malformed } from '../malformed.ts';
import type { DecodeContext, FormatLimits } from './format.ts';

export const DEFAULT_FORMAT_LIMITS: FormatLimits = Object.freeze({
  maxDepth: 16,
  maxEntries: 65_536,
  maxBytes: 4 * 1024 * 1024,
});

export const maxDepthOf = (context: DecodeContext): number =>
  context.limits?.maxDepth ?? DEFAULT_FORMAT_LIMITS.maxDepth;

export const maxEntriesOf = (context: DecodeContext): number =>
  context.limits?.maxEntries ?? DEFAULT_FORMAT_LIMITS.maxEntries;

/** Malformed when the payload is longer than this context allows. */
export function tooLong(payload: Uint8Array, context: DecodeContext): Malformed | undefined {
  const maxBytes = context.limits?.maxBytes ?? DEFAULT_FORMAT_LIMITS.maxBytes;
  return payload.length > maxBytes
    ? malformed(`the payload has ${payload.length} bytes, more than the ${maxBytes} allowed`)
    : undefined;
}

export const tooManyEntries = (maxEntries: number): Malformed =>
  malformed(`the payload has more than the ${maxEntries} entries allowed`);
