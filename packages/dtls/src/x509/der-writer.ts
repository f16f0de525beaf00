/** Writes DER: each function gives one whole element. ITU-T X.690 §10. */
import { UsageError } from '../errors.ts';
import { DerTag } from './der-reader.ts';

/** An element of this tag around these pieces. */
export function derElement(tag: number, ...pieces: readonly Uint8Array[]): Uint8Array {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const lengthBytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) lengthBytes.unshift(rest % 256);
  const header = length < 0x80 ? [tag, length] : [tag, 0x80 | lengthBytes.length, ...lengthBytes];
  const element = new Uint8Array(header.length + length);
  element.set(header);
  let offset = header.length;
  for (const piece of pieces) {
    element.set(piece, offset);
    offset += piece.length;
  }
  return element;
}

export const derSequence = (...elements: readonly Uint8Array[]): Uint8Array => derElement(DerTag.sequence, ...elements);
export const derBoolean = (value: boolean): Uint8Array => derElement(DerTag.boolean, Uint8Array.of(value ? 0xff : 0));
export const derOctetString = (bytes: Uint8Array): Uint8Array => derElement(DerTag.octetString, bytes);
export const derBitString = (bytes: Uint8Array): Uint8Array => derElement(DerTag.bitString, Uint8Array.of(0), bytes);
export const derUtf8String = (text: string): Uint8Array =>
  derElement(DerTag.utf8String, new TextEncoder().encode(text));

/** A number that is not negative, from its bytes, highest first. */
export function derUnsigned(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  if (first < 0) return derElement(DerTag.integer, Uint8Array.of(0));
  const shortest = bytes.subarray(first);
  return shortest[0]! < 0x80
    ? derElement(DerTag.integer, shortest)
    : derElement(DerTag.integer, Uint8Array.of(0), shortest);
}

/** @param value  0 to 2^31 - 1. */
export const derSmallInteger = (value: number): Uint8Array =>
  derUnsigned(Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value));

/** Named bits, bit 0 first, without the zero bits at the end. X.690 §11.2.2. */
export function derNamedBits(bits: number): Uint8Array {
  const bytes: number[] = [];
  let unused = 0;
  for (let bit = 0; bit < 32; bit++) {
    if ((bits & (1 << bit)) === 0) continue;
    while (bytes.length <= bit >> 3) bytes.push(0);
    bytes[bit >> 3]! |= 0x80 >> (bit & 7);
    unused = 7 - (bit & 7);
  }
  return derElement(DerTag.bitString, Uint8Array.of(unused, ...bytes));
}

/** @throws UsageError when it is none, such as `1.2.840.10045`. */
export function derObjectIdentifier(text: string): Uint8Array {
  const arcs = text.split('.').map(Number);
  const [root, second, ...rest] = arcs;
  if (root === undefined || second === undefined || root > 2 || (root < 2 && second > 39) || !arcs.every(isArc)) {
    throw new UsageError(`no object identifier: ${text}`);
  }
  const bytes = [root * 40 + second, ...rest].flatMap((arc) => {
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift(0x80 | (left % 128));
    return digits;
  });
  return derElement(DerTag.objectIdentifier, Uint8Array.from(bytes));
}

/**
 * UTCTime up to the year 2049 and GeneralizedTime from then on, to the second. RFC 5280 §4.1.2.5.
 *
 * @param moment  ms since 1970.
 * @throws UsageError outside of the years 1950 to 9999.
 */
export function derTime(moment: number): Uint8Array {
  const date = new Date(moment);
  const year = date.getUTCFullYear();
  if (!(year >= 1950 && year <= 9999)) throw new UsageError(`no moment a certificate can hold: ${moment} ms`);
  const text = date.toISOString().replace(/[-:T]|\.\d+/g, '');
  return year < 2050
    ? derElement(DerTag.utcTime, new TextEncoder().encode(text.slice(2)))
    : derElement(DerTag.generalizedTime, new TextEncoder().encode(text));
}

const isArc = (arc: number): boolean => Number.isInteger(arc) && arc >= 0 && arc < 2 ** 32;
