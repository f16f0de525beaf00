/**
 * Reads the vectors and integers of RFC 5246 §4 from a view, without copying and without throwing: the first thing that
 * is not there is remembered, everything read afterwards is zero or empty, and `finish` says so.
 */
import type { Malformed } from '../malformed.ts';

const EMPTY = new Uint8Array(0);

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #message: string;
  #offset = 0;
  #problem: string | undefined;

  /** @param message what is read, for the text of a `Malformed`. */
  constructor(bytes: Uint8Array, message: string) {
    this.#bytes = bytes;
    this.#message = message;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  get failed(): boolean {
    return this.#problem !== undefined;
  }

  /** The first problem counts. */
  fail(problem: string): void {
    this.#problem ??= problem;
    this.#offset = this.#bytes.length;
  }

  uint8(field: string): number {
    if (this.remaining < 1) return this.#missing(field);
    return this.#bytes[this.#offset++]!;
  }

  uint16(field: string): number {
    if (this.remaining < 2) return this.#missing(field);
    const value = (this.#bytes[this.#offset]! << 8) | this.#bytes[this.#offset + 1]!;
    this.#offset += 2;
    return value;
  }

  uint24(field: string): number {
    if (this.remaining < 3) return this.#missing(field);
    const at = this.#offset;
    this.#offset += 3;
    return (this.#bytes[at]! << 16) | (this.#bytes[at + 1]! << 8) | this.#bytes[at + 2]!;
  }

  uint32(field: string): number {
    if (this.remaining < 4) return this.#missing(field);
    const high = this.uint16(field);
    return high * 0x1_0000 + this.uint16(field);
  }

  /** A view. */
  bytes(length: number, field: string): Uint8Array {
    if (this.remaining < length) {
      this.#missing(field);
      return EMPTY;
    }
    const at = this.#offset;
    this.#offset += length;
    return this.#bytes.subarray(at, this.#offset);
  }

  /** A view of everything from an earlier offset to here. */
  since(offset: number): Uint8Array {
    return this.#bytes.subarray(offset, this.#offset);
  }

  /** `opaque field<0..255>`, `<0..65535>`, `<0..16777215>`. */
  vector8(field: string): Uint8Array {
    return this.bytes(this.uint8(field), field);
  }

  vector16(field: string): Uint8Array {
    return this.bytes(this.uint16(field), field);
  }

  vector24(field: string): Uint8Array {
    return this.bytes(this.uint24(field), field);
  }

  /** `uint16 field<2..2^16-2>`. */
  uint16s(field: string): readonly number[] {
    const bytes = this.vector16(field);
    if (bytes.length === 0 || bytes.length % 2 !== 0) {
      this.fail(`${field} has ${bytes.length} bytes, not a positive even number`);
      return [];
    }
    const values = new Array<number>(bytes.length / 2);
    for (let i = 0; i < values.length; i++) values[i] = (bytes[2 * i]! << 8) | bytes[2 * i + 1]!;
    return values;
  }

  /** Undefined: everything was there, and nothing is left. */
  finish(): Malformed | undefined {
    if (this.#problem === undefined && this.remaining > 0) this.#problem = `${this.remaining} bytes too many`;
    return this.#problem === undefined ? undefined : { malformed: `${this.#message}: ${this.#problem}` };
  }

  #missing(field: string): 0 {
    this.fail(`ends within ${field}`);
    return 0;
  }
}
