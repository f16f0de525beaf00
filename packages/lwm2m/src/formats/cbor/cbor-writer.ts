/** CBOR in its shortest definite forms, into a buffer that grows. RFC 8949 §4.1, §4.2.2. */
import { bitsOfFloat16, bitsOfFloat32, writeFloat64 } from '../float-bits.ts';
import { payloadOf, takeBuffer } from '../spare-buffer.ts';
import { encodeUtf8 } from '../utf8.ts';
import { CborMajor } from './cbor-reader.ts';

const FALSE = 0xf4;
const TRUE = 0xf5;
const NULL = 0xf6;
const FLOAT16 = 0xf9;
const FLOAT32 = 0xfa;
const FLOAT64 = 0xfb;

export class CborWriter {
  #bytes: Uint8Array = takeBuffer();
  #length = 0;

  /** What was written; write nothing after it. */
  finish(): Uint8Array {
    return payloadOf(this.#bytes, 0, this.#length);
  }

  array(count: number): void {
    this.#head(CborMajor.array, count);
  }

  map(pairs: number): void {
    this.#head(CborMajor.map, pairs);
  }

  /** Of -2^64 to 2^64 - 1. */
  integer(value: number | bigint): void {
    if (typeof value === 'number') {
      if (value >= 0) this.#head(CborMajor.unsigned, value);
      else this.#head(CborMajor.negative, -1 - value);
    } else if (value >= 0n) this.#wideHead(CborMajor.unsigned, value);
    else this.#wideHead(CborMajor.negative, -1n - value);
  }

  /** In the narrowest width that holds it exactly. */
  float(value: number): void {
    const half = bitsOfFloat16(value);
    if (half !== undefined) {
      this.#reserve(3);
      this.#put(FLOAT16, half >>> 8, half);
    } else if (Math.fround(value) === value) {
      const bits = bitsOfFloat32(value);
      this.#reserve(5);
      this.#bytes[this.#length++] = FLOAT32;
      this.#uint32(bits);
    } else {
      this.#reserve(9);
      this.#bytes[this.#length++] = FLOAT64;
      writeFloat64(value, this.#bytes, this.#length);
      this.#length += 8;
    }
  }

  /** As an integer where that is not longer than as a float, as times of SenML are. RFC 8428 §6. */
  number(value: number): void {
    const magnitude = value < 0 ? -1 - value : value;
    const whole = Number.isSafeInteger(value) && !Object.is(value, -0);
    if (whole && (magnitude < 0x1_0000_0000 || Math.fround(value) !== value)) this.integer(value);
    else this.float(value);
  }

  boolean(value: boolean): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value ? TRUE : FALSE;
  }

  null(): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = NULL;
  }

  bytes(value: Uint8Array): void {
    this.#head(CborMajor.bytes, value.length);
    this.#raw(value);
  }

  text(value: string): void {
    const start = this.#length;
    this.#head(CborMajor.text, value.length);
    this.#reserve(value.length);
    const bytes = this.#bytes;
    let to = this.#length;
    for (let at = 0; at < value.length; at++) {
      const code = value.charCodeAt(at);
      if (code > 0x7f) {
        const encoded = encodeUtf8(value);
        this.#length = start;
        this.#head(CborMajor.text, encoded.length);
        this.#raw(encoded);
        return;
      }
      bytes[to++] = code;
    }
    this.#length = to;
  }

  #raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  #head(major: number, argument: number): void {
    const type = major << 5;
    this.#reserve(9);
    if (argument < 24) this.#bytes[this.#length++] = type | argument;
    else if (argument < 0x100) {
      this.#bytes[this.#length++] = type | 24;
      this.#bytes[this.#length++] = argument;
    } else if (argument < 0x1_0000) this.#put(type | 25, argument >>> 8, argument);
    else if (argument < 0x1_0000_0000) {
      this.#bytes[this.#length++] = type | 26;
      this.#uint32(argument);
    } else {
      this.#bytes[this.#length++] = type | 27;
      this.#uint32(Math.floor(argument / 0x1_0000_0000));
      this.#uint32(argument % 0x1_0000_0000);
    }
  }

  #wideHead(major: number, argument: bigint): void {
    if (argument <= BigInt(Number.MAX_SAFE_INTEGER)) {
      this.#head(major, Number(argument));
      return;
    }
    this.#reserve(9);
    this.#bytes[this.#length++] = (major << 5) | 27;
    this.#uint32(Number(BigInt.asUintN(32, argument >> 32n)));
    this.#uint32(Number(BigInt.asUintN(32, argument)));
  }

  #put(first: number, second: number, third: number): void {
    this.#bytes[this.#length++] = first;
    this.#bytes[this.#length++] = second;
    this.#bytes[this.#length++] = third;
  }

  #uint32(value: number): void {
    this.#bytes[this.#length++] = value >>> 24;
    this.#bytes[this.#length++] = value >>> 16;
    this.#bytes[this.#length++] = value >>> 8;
    this.#bytes[this.#length++] = value;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
