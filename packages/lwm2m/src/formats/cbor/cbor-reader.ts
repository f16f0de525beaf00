/**
 * CBOR item by item, RFC 8949: no tree is built. A reader that met a mistake stays failed (`failure`) and reads nothing
 * more, so callers check once, at the end of what belongs together.
 *
 * Read: definite and indefinite lengths, 64-bit integers, bignums up to 64 bits, all three float widths, one tag in
 * front of a value (0, 1: time; 2, 3: bignum; 4, 5: decimal fraction and bigfloat; others are ignored).
 */
import { decodeUtf8 } from '../utf8.ts';
import { float16OfBits, float32OfBits, readFloat64 } from '../float-bits.ts';
import { narrow } from '../decimal-text.ts';
import type { WireKind, WireValue } from '../wire-value.ts';

/** The upper three bits of an item's first byte. RFC 8949 §3.1. */
export const CborMajor = {
  unsigned: 0,
  negative: 1,
  bytes: 2,
  text: 3,
  array: 4,
  map: 5,
  tag: 6,
  simple: 7,
} as const;

export const CborTag = {
  dateTime: 0,
  epoch: 1,
  bignum: 2,
  negativeBignum: 3,
  decimalFraction: 4,
  bigfloat: 5,
} as const;

const BREAK = 0xff;
const NO_TAG = -1;
/** A decimal exponent beyond this is 0 or infinite as a double. */
const LARGEST_EXPONENT = 1100;

export class CborReader {
  /** What was wrong, and at which byte. */
  failure: string | undefined;
  /** Of the value `scalar` returned last. */
  kind: WireKind = 'null';
  readonly #bytes: Uint8Array;
  readonly #maxDepth: number;
  #at = 0;
  #major = 0;
  #info = 0;
  /** -1 for an indefinite length. */
  #argument: number | bigint = 0;

  constructor(bytes: Uint8Array, maxDepth: number) {
    this.#bytes = bytes;
    this.#maxDepth = maxDepth;
  }

  /** True when nothing is left. */
  get ended(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The next item's major type without reading it; undefined at the end. */
  peekMajor(): number | undefined {
    const byte = this.#bytes[this.#at];
    return byte === undefined ? undefined : byte >> 5;
  }

  fail(reason: string): void {
    this.failure ??= `${reason} at byte ${this.#at}`;
    this.#at = this.#bytes.length;
  }

  /**
   * Open an array and return how many items it has, Infinity when only its end will tell. Loop with
   * `for (let left = reader.array(); reader.more(left); left--)`.
   */
  array(): number {
    return this.#container(CborMajor.array, 1, 'an array');
  }

  /** Open a map and return how many pairs it has; see `array`. */
  map(): number {
    return this.#container(CborMajor.map, 2, 'a map');
  }

  /** Whether the open container has another item; takes the end of an indefinite one. */
  more(left: number): boolean {
    if (this.failure !== undefined) return false;
    if (left !== Infinity) return left > 0;
    if (this.ended) {
      this.fail('the payload ends inside an item of indefinite length');
      return false;
    }
    if (this.#bytes[this.#at] !== BREAK) return true;
    this.#at++;
    return false;
  }

  /** A key of a SenML record: its integer label or its text. */
  label(): number | string {
    const found = this.scalar();
    if (typeof found === 'string' || typeof found === 'number') return found;
    this.fail('a label that is neither an integer nor a text');
    return '';
  }

  /** A number that counts or names something; undefined when the next item is none, which is then left unread. */
  unsigned(): number | undefined {
    if (this.peekMajor() !== CborMajor.unsigned) return undefined;
    return this.#head() && typeof this.#argument === 'number' ? this.#argument : Infinity;
  }

  text(): string {
    const found = this.scalar();
    if (this.kind === 'text' && typeof found === 'string') return found;
    this.fail('expected a text');
    return '';
  }

  /** Any number, as a double. */
  number(): number {
    const found = this.scalar();
    if (typeof found === 'number' || typeof found === 'bigint') return Number(found);
    this.fail('expected a number');
    return 0;
  }

  /** One value that is no array or map. `kind` tells what it is; bytes are the caller's own copy. */
  scalar(): WireValue {
    if (!this.#head()) return null;
    if (this.#major !== CborMajor.tag) return this.#untagged(NO_TAG);
    const tag = Number(this.#argument);
    if (!this.#head()) return null;
    if (this.#major === CborMajor.tag) {
      this.fail('a tag within a tag');
      return null;
    }
    return this.#untagged(tag);
  }

  /** Pass over one item of any kind. */
  skip(depth = 0): void {
    if (depth > this.#maxDepth) {
      this.fail(`more than ${this.#maxDepth} levels of nesting`);
      return;
    }
    if (!this.#head()) return;
    switch (this.#major) {
      case CborMajor.bytes:
      case CborMajor.text:
        this.#skipString();
        break;
      case CborMajor.array:
      case CborMajor.map: {
        const perItem = this.#major === CborMajor.map ? 2 : 1;
        for (let left = this.#count(perItem); this.more(left); left--) {
          this.skip(depth + 1);
          if (perItem === 2) this.skip(depth + 1);
        }
        break;
      }
      case CborMajor.tag:
        this.skip(depth + 1);
        break;
      case CborMajor.simple:
        if (this.#info === 31) this.fail('a break outside an item of indefinite length');
        else if (this.#info === 24 && Number(this.#argument) < 32) this.fail('a simple value in two bytes');
        break;
    }
  }

  #untagged(tag: number): WireValue {
    switch (this.#major) {
      case CborMajor.unsigned:
        this.kind = tag === CborTag.epoch ? 'time' : 'integer';
        return this.#argument;
      case CborMajor.negative:
        this.kind = tag === CborTag.epoch ? 'time' : 'integer';
        return negative(this.#argument);
      case CborMajor.bytes:
        return tag === CborTag.bignum || tag === CborTag.negativeBignum ? this.#bignum(tag) : this.#byteString();
      case CborMajor.text:
        return this.#textString();
      case CborMajor.array:
        if (tag === CborTag.decimalFraction || tag === CborTag.bigfloat) return this.#fraction(tag);
        this.fail('an array where a value should be');
        return null;
      case CborMajor.map:
        this.fail('a map where a value should be');
        return null;
      default:
        return this.#simple(tag);
    }
  }

  #simple(tag: number): WireValue {
    const bytes = this.#bytes;
    switch (this.#info) {
      case 20:
      case 21:
        this.kind = 'boolean';
        return this.#info === 21;
      case 22:
        this.kind = 'null';
        return null;
      case 25:
      case 26:
      case 27:
        this.kind = tag === CborTag.epoch ? 'time' : 'float';
        if (this.#info === 25) return float16OfBits(this.#argument as number);
        return this.#info === 26 ? float32OfBits(this.#argument as number) : readFloat64(bytes, this.#at - 8);
      default:
        this.fail(
          this.#info === 31 ? 'a break outside an item of indefinite length' : 'a simple value without meaning',
        );
        return null;
    }
  }

  #byteString(): Uint8Array {
    this.kind = 'bytes';
    if (this.#argument !== -1) {
      const start = this.#at;
      return this.#advance() ? this.#bytes.slice(start, this.#at) : EMPTY;
    }
    const chunks: Uint8Array[] = [];
    let length = 0;
    while (this.more(Infinity)) {
      if (!this.#chunk(CborMajor.bytes)) return EMPTY;
      const start = this.#at;
      if (!this.#advance()) return EMPTY;
      chunks.push(this.#bytes.subarray(start, this.#at));
      length += this.#at - start;
    }
    const whole = new Uint8Array(length);
    let to = 0;
    for (const chunk of chunks) {
      whole.set(chunk, to);
      to += chunk.length;
    }
    return whole;
  }

  #textString(): string {
    this.kind = 'text';
    if (this.#argument !== -1) return this.#textChunk();
    let text = '';
    while (this.more(Infinity)) {
      if (!this.#chunk(CborMajor.text)) return '';
      text += this.#textChunk();
    }
    return text;
  }

  #textChunk(): string {
    const start = this.#at;
    if (!this.#advance()) return '';
    const text = decodeUtf8(this.#bytes, start, this.#at);
    if (text !== undefined) return text;
    this.fail('a text that is no valid UTF-8');
    return '';
  }

  /** Each chunk of an indefinite string is a definite string of the same type. RFC 8949 §3.2.3. */
  #chunk(major: number): boolean {
    if (!this.#head()) return false;
    if (this.#major === major && this.#argument !== -1) return true;
    this.fail('a string of indefinite length with a chunk of another type');
    return false;
  }

  #skipString(): void {
    if (this.#argument !== -1) {
      this.#advance();
      return;
    }
    const major = this.#major;
    while (this.more(Infinity)) if (!this.#chunk(major) || !this.#advance()) return;
  }

  /** Over the content of the string whose head was read last. */
  #advance(): boolean {
    const length = this.#argument;
    if (typeof length === 'number' && length <= this.#bytes.length - this.#at) {
      this.#at += length;
      return true;
    }
    this.fail(`the payload ends inside a string of ${length} bytes`);
    return false;
  }

  /** RFC 8949 §3.4.3. */
  #bignum(tag: number): number | bigint {
    const bytes = this.#byteString();
    this.kind = 'integer';
    let first = 0;
    while (bytes[first] === 0) first++;
    if (bytes.length - first > 8) {
      this.fail('a bignum of more than 64 bits');
      return 0;
    }
    let value = 0n;
    for (; first < bytes.length; first++) value = (value << 8n) | BigInt(bytes[first] as number);
    return narrow(tag === CborTag.bignum ? value : -1n - value);
  }

  /** [exponent, mantissa], to base 10 or 2. RFC 8949 §3.4.4; Leshan writes SenML times so. */
  #fraction(tag: number): number | bigint {
    const count = this.#count(1);
    const exponent = this.scalar();
    const exponentIsInteger = this.kind === 'integer' && typeof exponent === 'number';
    const mantissa = this.scalar();
    const mantissaIsInteger = this.kind === 'integer';
    // An indefinite array ends in a break.
    const closed = count === 2 || (count === Infinity && !this.more(count));
    if (this.failure !== undefined) return 0;
    if (!exponentIsInteger || !mantissaIsInteger || !closed) {
      this.fail('a fraction that is no pair of integers');
      return 0;
    }
    const whole = mantissa as number | bigint;
    if (exponent >= 0 && exponent <= 64) {
      this.kind = 'integer';
      return narrow(BigInt(whole) * (tag === CborTag.decimalFraction ? 10n : 2n) ** BigInt(exponent));
    }
    this.kind = 'float';
    const bounded = Math.max(-LARGEST_EXPONENT, Math.min(LARGEST_EXPONENT, exponent));
    return tag === CborTag.decimalFraction ? Number(`${whole}e${bounded}`) : scaledByTwo(Number(whole), bounded);
  }

  #container(major: number, itemsPerEntry: number, expected: string): number {
    if (!this.#head()) return 0;
    if (this.#major !== major) {
      this.fail(`expected ${expected}`);
      return 0;
    }
    return this.#count(itemsPerEntry);
  }

  /** A count that the bytes left could not hold, one each, is a lie. */
  #count(itemsPerEntry: number): number {
    const count = this.#argument;
    if (count === -1) return Infinity;
    if (typeof count === 'number' && count * itemsPerEntry <= this.#bytes.length - this.#at) return count;
    this.fail(`the payload ends inside a container of ${count} items`);
    return 0;
  }

  /** RFC 8949 §3. False at the end of the bytes, inside the head, and for the reserved forms. */
  #head(): boolean {
    const bytes = this.#bytes;
    const initial = bytes[this.#at];
    if (initial === undefined) {
      this.fail('the payload ends where an item should be');
      return false;
    }
    this.#major = initial >> 5;
    const info = initial & 0x1f;
    this.#info = info;
    let at = this.#at + 1;
    if (info < 24) this.#argument = info;
    else if (info < 28) {
      const size = 1 << (info - 24);
      if (at + size > bytes.length) {
        this.fail('the payload ends inside the head of an item');
        return false;
      }
      this.#argument = readArgument(bytes, at, size);
      at += size;
    } else if (info === 31 && this.#major >= CborMajor.bytes && this.#major !== CborMajor.tag) this.#argument = -1;
    else {
      this.fail(`the reserved length form ${info}`);
      return false;
    }
    this.#at = at;
    return true;
  }
}

const EMPTY: Uint8Array = new Uint8Array(0);

function readArgument(bytes: Uint8Array, at: number, size: number): number | bigint {
  let value = 0;
  for (let index = 0; index < Math.min(size, 4); index++) value = value * 256 + (bytes[at + index] as number);
  if (size < 8) return value;
  let lower = 0;
  for (let index = 4; index < 8; index++) lower = lower * 256 + (bytes[at + index] as number);
  const whole = value * 0x1_0000_0000 + lower;
  return Number.isSafeInteger(whole) ? whole : (BigInt(value) << 32n) | BigInt(lower);
}

function negative(argument: number | bigint): number | bigint {
  if (typeof argument === 'bigint') return -1n - argument;
  return argument === Number.MAX_SAFE_INTEGER ? -1n - BigInt(argument) : -1 - argument;
}

/** In two steps, because 2 to the exponent alone may be 0 or infinite where the product is not. */
const scaledByTwo = (value: number, exponent: number): number => {
  const half = Math.trunc(exponent / 2);
  return value * 2 ** half * 2 ** (exponent - half);
};
