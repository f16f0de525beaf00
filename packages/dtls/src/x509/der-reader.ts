/**
 * A strict reader of DER: definite lengths in their shortest form, tags of one byte, no value encoded in two ways.
 * ITU-T X.690 §10 and §11.
 *
 * A failure sticks: from the first one on every read answers with something empty and `hasMore` is false, so a parser
 * reads on in a straight line and asks for `malformed` once, at its end.
 */
import type { Malformed } from '../malformed.ts';

export const DerTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** `[number]`, primitive: an IMPLICIT string or integer. */
export const contextTag = (number: number): number => 0x80 | number;
/** `[number]`, constructed: EXPLICIT, or an IMPLICIT sequence. */
export const constructedContextTag = (number: number): number => 0xa0 | number;

/** Deeper than any structure of X.509 goes. */
const MAX_DEPTH = 16;
const MAX_ARC = 2 ** 32;
const NOTHING = new Uint8Array(0);

export interface DerElement {
  readonly tag: number;
  /** Tag and length included; a view. */
  readonly whole: Uint8Array;
  readonly content: Uint8Array;
}

/** What all readers over one encoding share. */
interface Failure {
  malformed: string | undefined;
}

export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #depth: number;
  readonly #failure: Failure;
  #offset: number;

  private constructor(bytes: Uint8Array, start: number, end: number, depth: number, failure: Failure) {
    this.#bytes = bytes;
    this.#offset = start;
    this.#end = end;
    this.#depth = depth;
    this.#failure = failure;
  }

  /** @param maxBytes  anything longer is malformed at once. */
  static over(bytes: Uint8Array, maxBytes: number): DerReader {
    const reader = new DerReader(bytes, 0, bytes.length, 0, { malformed: undefined });
    if (bytes.length > maxBytes) reader.fail(`${bytes.length} bytes, at most ${maxBytes} are read`);
    return reader;
  }

  /** The first thing that was wrong, wherever it was. */
  get malformed(): Malformed | undefined {
    const { malformed } = this.#failure;
    return malformed === undefined ? undefined : { malformed };
  }

  get hasMore(): boolean {
    return this.#failure.malformed === undefined && this.#offset < this.#end;
  }

  /** Of the next element; undefined at the end. */
  get nextTag(): number | undefined {
    return this.hasMore ? this.#bytes[this.#offset] : undefined;
  }

  fail(what: string): void {
    this.#failure.malformed ??= what;
  }

  /** The next element, whatever it is. */
  any(what: string): DerElement {
    const start = this.#offset;
    if (!this.hasMore) return this.#failed(`${what} is missing at byte ${start}`);
    const bytes = this.#bytes;
    const tag = bytes[start]!;
    // Universal 0 is the end-of-contents of indefinite lengths; low five bits set announce a tag of several bytes.
    if (tag === 0 || (tag & 0x1f) === 0x1f) return this.#failed(`${what} has the tag ${hex(tag)} at byte ${start}`);
    if (start + 2 > this.#end) return this.#failed(`${what} ends before its length at byte ${start}`);
    let content = start + 2;
    let length = bytes[start + 1]!;
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 4 || content + count > this.#end) {
        return this.#failed(`${what} has no definite length of at most four bytes at byte ${start}`);
      }
      length = 0;
      for (let index = 0; index < count; index++) length = length * 256 + bytes[content + index]!;
      content += count;
      if (length < 0x80 || length < 2 ** (8 * (count - 1))) {
        return this.#failed(`${what} does not have its shortest length at byte ${start}`);
      }
    }
    const end = content + length;
    if (end > this.#end) return this.#failed(`${what} is longer than what contains it at byte ${start}`);
    this.#offset = end;
    return { tag, whole: bytes.subarray(start, end), content: bytes.subarray(content, end) };
  }

  /** The content of the next element, which must have this tag. */
  content(tag: number, what: string): Uint8Array {
    return this.#expect(tag, what).content;
  }

  /** The next element with its tag and length. */
  whole(tag: number, what: string): Uint8Array {
    return this.#expect(tag, what).whole;
  }

  /** A reader of what is inside the next element, which must have this tag. */
  enter(tag: number, what: string): DerReader {
    return this.enterWhole(tag, what).inside;
  }

  /** As `enter`, with the whole element beside it. */
  enterWhole(tag: number, what: string): { readonly whole: Uint8Array; readonly inside: DerReader } {
    const { whole, content } = this.#expect(tag, what);
    if (this.#depth === MAX_DEPTH) this.fail(`${what} is nested deeper than ${MAX_DEPTH}`);
    if (this.#failure.malformed !== undefined) {
      return { whole: NOTHING, inside: new DerReader(NOTHING, 0, 0, 0, this.#failure) };
    }
    const start = this.#offset - content.length;
    return { whole, inside: new DerReader(this.#bytes, start, this.#offset, this.#depth + 1, this.#failure) };
  }

  /** As `enter`; undefined when something else comes next. */
  enterOptional(tag: number, what: string): DerReader | undefined {
    return this.nextTag === tag ? this.enter(tag, what) : undefined;
  }

  /** Fails when something is left. */
  end(what: string): void {
    if (this.hasMore) this.fail(`${what} goes on at byte ${this.#offset}`);
  }

  boolean(what: string): boolean {
    const content = this.content(DerTag.boolean, what);
    if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) this.fail(`${what} is no BOOLEAN of DER`);
    return content[0] === 0xff;
  }

  /** Two's complement, in its shortest form. */
  integer(what: string): Uint8Array {
    const content = this.content(DerTag.integer, what);
    if (content.length === 0) this.fail(`${what} is an INTEGER without content`);
    else if (
      content.length > 1 &&
      (content[0]! === 0 ? content[1]! < 0x80 : content[0]! === 0xff && content[1]! >= 0x80)
    )
      this.fail(`${what} is not the shortest INTEGER`);
    return content;
  }

  /** An INTEGER of 0 to `max`; `max` below 2^31. */
  smallInteger(what: string, max: number): number {
    const content = this.integer(what);
    let value = 0;
    for (const byte of content.subarray(0, 5)) value = value * 256 + byte;
    if (content.length > 5 || (content[0] ?? 0) >= 0x80 || value > max)
      this.fail(`${what} is not between 0 and ${max}`);
    return value;
  }

  /** `1.2.840.10045.2.1` */
  objectIdentifier(what: string): string {
    return this.#objectIdentifierOf(this.content(DerTag.objectIdentifier, what), what);
  }

  /** A BIT STRING of whole bytes. */
  octetsOfBitString(what: string): Uint8Array {
    const content = this.content(DerTag.bitString, what);
    if (content[0] !== 0) this.fail(`${what} is no BIT STRING of whole bytes`);
    return content.subarray(1);
  }

  /** A BIT STRING of at most 32 named bits: bit 0 is the highest one of the first byte, and 1 << 0 here. */
  namedBits(what: string): number {
    const content = this.content(DerTag.bitString, what);
    const unused = content[0] ?? 8;
    const last = content.length > 1 ? content[content.length - 1]! : 0;
    if (
      content.length > 5 ||
      unused > 7 ||
      (content.length === 1 && unused !== 0) ||
      (last & ((1 << unused) - 1)) !== 0
    ) {
      this.fail(`${what} is no BIT STRING of at most 32 bits`);
      return 0;
    }
    let bits = 0;
    for (let bit = 0; bit < (content.length - 1) * 8; bit++) {
      if ((content[1 + (bit >> 3)]! & (0x80 >> (bit & 7))) !== 0) bits |= 1 << bit;
    }
    return bits;
  }

  /** UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 has them: to the second, in UTC. In ms since 1970. */
  time(what: string): number {
    const { tag, content } = this.any(what);
    if (tag !== DerTag.utcTime && tag !== DerTag.generalizedTime) {
      this.fail(`${what} is neither UTCTime nor GeneralizedTime`);
      return 0;
    }
    const yearDigits = tag === DerTag.utcTime ? 2 : 4;
    let text = '';
    for (const byte of content.subarray(0, 16)) text += String.fromCharCode(byte);
    if (content.length !== yearDigits + 11 || !/^\d+Z$/.test(text)) {
      this.fail(`${what} is no time in seconds and UTC`);
      return 0;
    }
    const part = (index: number): number => Number(text.slice(yearDigits + 2 * index, yearDigits + 2 * index + 2));
    const short = Number(text.slice(0, yearDigits));
    const year = yearDigits === 4 ? short : short < 50 ? 2000 + short : 1900 + short;
    const moment = new Date(0);
    moment.setUTCFullYear(year, part(0) - 1, part(1));
    const isDay = moment.getUTCMonth() === part(0) - 1 && moment.getUTCDate() === part(1);
    if (!isDay || part(2) > 23 || part(3) > 59 || part(4) > 59) this.fail(`${what} is no moment: ${text}`);
    return moment.getTime() + ((part(2) * 60 + part(3)) * 60 + part(4)) * 1000;
  }

  #expect(tag: number, what: string): DerElement {
    const start = this.#offset;
    const next = this.nextTag;
    if (next !== undefined && next !== tag) {
      return this.#failed(`${what} has the tag ${hex(next)} instead of ${hex(tag)} at byte ${start}`);
    }
    return this.any(what);
  }

  #objectIdentifierOf(content: Uint8Array, what: string): string {
    const arcs: number[] = [];
    let arc = 0;
    for (const [index, byte] of content.entries()) {
      const isFirstOfArc = index === 0 || content[index - 1]! < 0x80;
      if (isFirstOfArc && byte === 0x80) return this.#noObjectIdentifier(what);
      arc = (isFirstOfArc ? 0 : arc * 128) + (byte & 0x7f);
      if (arc >= MAX_ARC) return this.#noObjectIdentifier(what);
      if (byte < 0x80) arcs.push(arc);
    }
    if (arcs.length === 0 || content[content.length - 1]! >= 0x80) return this.#noObjectIdentifier(what);
    // The first two arcs share a number: 40 × the first, which is 0, 1 or 2, and the second.
    const [first, ...rest] = arcs as [number, ...number[]];
    const root = Math.min(Math.floor(first / 40), 2);
    return [root, first - 40 * root, ...rest].join('.');
  }

  #noObjectIdentifier(what: string): string {
    this.fail(`${what} is no OBJECT IDENTIFIER`);
    return '';
  }

  #failed(what: string): DerElement {
    this.fail(what);
    return { tag: 0, whole: NOTHING, content: NOTHING };
  }
}

const hex = (tag: number): string => `0x${tag.toString(16).padStart(2, '0')}`;
