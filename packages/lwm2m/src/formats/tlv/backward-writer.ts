/**
 * A growable buffer filled from its end. A TLV header holds the length of what follows, so writing the value first and
 * the header before it nests records without measuring or copying anything twice.
 */
import { bitsOfFloat32, writeFloat64 } from '../float-bits.ts';
import { payloadOf, takeBuffer } from '../spare-buffer.ts';
import { encodeUtf8 } from '../utf8.ts';

export class BackwardWriter {
  #bytes: Uint8Array = takeBuffer();
  /** Where the last written byte is; the next one goes before it. */
  #first: number = this.#bytes.length;

  /** Bytes written so far. */
  get length(): number {
    return this.#bytes.length - this.#first;
  }

  /** What was written; write nothing after it. */
  finish(): Uint8Array {
    return payloadOf(this.#bytes, this.#first, this.#bytes.length);
  }

  uint8(value: number): void {
    this.#reserve(1);
    this.#bytes[--this.#first] = value;
  }

  uint16(value: number): void {
    this.#reserve(2);
    this.#bytes[--this.#first] = value;
    this.#bytes[--this.#first] = value >>> 8;
  }

  uint24(value: number): void {
    this.uint8(value);
    this.uint16(value >>> 8);
  }

  uint32(value: number): void {
    this.#reserve(4);
    this.#first -= 4;
    const bytes = this.#bytes;
    const at = this.#first;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
  }

  /** Two's complement of a 64-bit number; its lower 64 bits if it has more. */
  int64(value: number | bigint): void {
    if (typeof value === 'number') {
      const upper = Math.floor(value / 0x1_0000_0000);
      this.uint32(value - upper * 0x1_0000_0000);
      this.uint32(upper);
    } else {
      this.uint32(Number(BigInt.asUintN(32, value)));
      this.uint32(Number(BigInt.asUintN(32, value >> 32n)));
    }
  }

  float32(value: number): void {
    this.uint32(bitsOfFloat32(value));
  }

  float64(value: number): void {
    this.#reserve(8);
    this.#first -= 8;
    writeFloat64(value, this.#bytes, this.#first);
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#first -= value.length;
    this.#bytes.set(value, this.#first);
  }

  utf8(text: string): void {
    this.#reserve(text.length);
    const bytes = this.#bytes;
    const start = this.#first - text.length;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code > 0x7f) {
        this.bytes(encodeUtf8(text));
        return;
      }
      bytes[start + at] = code;
    }
    this.#first = start;
  }

  #reserve(count: number): void {
    if (count <= this.#first) return;
    const used = this.length;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, used + count));
    grown.set(this.#bytes.subarray(this.#first), grown.length - used);
    this.#first = grown.length - used;
    this.#bytes = grown;
  }
}
