/**
 * `DTLSInnerPlaintext`: content, true type, zeros. RFC 9146 §4.
 */
import type { OpenedRecord } from './protection.ts';

/** Content and type, filled up with zeros to a multiple of `paddingMultiple`. */
export function innerLength(contentLength: number, paddingMultiple: number): number {
  return Math.ceil((contentLength + 1) / paddingMultiple) * paddingMultiple;
}

/** Fills `target`, which is `innerLength` bytes. */
export function writeInner(target: Uint8Array, contentType: number, content: Uint8Array): void {
  target.set(content);
  target[content.length] = contentType;
  target.fill(0, content.length + 1);
}

/** Undefined when there is no type, only padding. */
export function unwrapInner(inner: Uint8Array): OpenedRecord | undefined {
  let end = inner.length - 1;
  while (end >= 0 && inner[end] === 0) end--;
  if (end < 0) return undefined;
  return { contentType: inner[end]!, content: inner.subarray(0, end) };
}
