/**
 * Writes the vectors and integers of RFC 5246 §4 into one buffer that grows.
 */
import { UsageError } from '../errors.ts';

export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  uint8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  uint16(value: number): void {
    this.#reserve(2);
    this.#bytes[this.#length++] = value >>> 8;
    this.#bytes[this.#length++] = value;
  }

  uint24(value: number): void {
    this.#reserve(3);
    this.#bytes[this.#length++] = value >>> 16;
    this.#bytes[this.#length++] = value >>> 8;
    this.#bytes[this.#length++] = value;
  }

  uint32(value: number): void {
    this.uint16(value >>> 16);
    this.uint16(value & 0xffff);
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** @throws UsageError when the bytes do not fit the vector. */
  vector8(bytes: Uint8Array): void {
    checkFits(bytes.length, 0xff);
    this.uint8(bytes.length);
    this.bytes(bytes);
  }

  vector16(bytes: Uint8Array): void {
    checkFits(bytes.length, 0xffff);
    this.uint16(bytes.length);
    this.bytes(bytes);
  }

  vector24(bytes: Uint8Array): void {
    checkFits(bytes.length, 0xff_ffff);
    this.uint24(bytes.length);
    this.bytes(bytes);
  }

  uint16s(values: readonly number[]): void {
    checkFits(2 * values.length, 0xffff);
    this.uint16(2 * values.length);
    for (const value of values) this.uint16(value);
  }

  /** Leaves room for the length of a vector that `end` fills in. */
  begin(lengthBytes: 1 | 2 | 3): number {
    this.#reserve(lengthBytes);
    this.#length += lengthBytes;
    return this.#length;
  }

  /** @param start what `begin` returned. */
  end(start: number, lengthBytes: 1 | 2 | 3): void {
    const length = this.#length - start;
    checkFits(length, 2 ** (8 * lengthBytes) - 1);
    for (let i = 1; i <= lengthBytes; i++) this.#bytes[start - i] = length >>> (8 * (i - 1));
  }

  /** What was written, as a view of a buffer of its own. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(count: number): void {
    const wanted = this.#length + count;
    if (wanted <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(wanted, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

function checkFits(length: number, max: number): void {
  if (length > max) throw new UsageError(`${length} bytes do not fit a vector of at most ${max}`);
}
