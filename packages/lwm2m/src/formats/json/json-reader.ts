/**
 * JSON item by item, RFC 8259: no tree is built, and integers stay exact to 64 bits and beyond, which JSON.parse cannot.
 * A reader that met a mistake stays failed (`failure`) and reads nothing more, so callers check once, at the end of what
 * belongs together.
 */
import { narrow } from '../decimal-text.ts';
import type { WireKind, WireValue } from '../wire-value.ts';

const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
/** Longer integers fit no type; a bound because making a bigint of n digits takes longer than n. */
const LONGEST_INTEGER = 40;
const HEXADECIMAL = /^[0-9a-fA-F]{4}$/;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;

export class JsonReader {
  /** What was wrong, and at which character. */
  failure: string | undefined;
  /** Of the value `scalar` returned last; a number with fraction or exponent is a float. */
  kind: WireKind = 'null';
  readonly #text: string;
  readonly #maxDepth: number;
  #at = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  /** True when nothing but white space is left. */
  get ended(): boolean {
    this.#skipSpace();
    return this.#at >= this.#text.length;
  }

  fail(reason: string): void {
    this.failure ??= `${reason} at character ${this.#at}`;
    this.#at = this.#text.length;
  }

  /** Open an array: `for (let more = reader.array(); more; more = reader.nextItem())`. False for an empty one. */
  array(): boolean {
    if (!this.#take('[')) {
      this.fail('expected an array');
      return false;
    }
    return !this.#take(']');
  }

  nextItem(): boolean {
    if (this.#take(',')) return true;
    if (!this.#take(']')) this.fail('expected "," or "]"');
    return false;
  }

  /** Open an object and read its first key: `for (let key = reader.object(); key !== undefined; key = reader.nextKey())`. */
  object(): string | undefined {
    if (!this.#take('{')) {
      this.fail('expected an object');
      return undefined;
    }
    return this.#take('}') ? undefined : this.#key();
  }

  nextKey(): string | undefined {
    if (this.#take(',')) return this.#key();
    if (!this.#take('}')) this.fail('expected "," or "}"');
    return undefined;
  }

  text(): string {
    const found = this.scalar();
    if (typeof found === 'string') return found;
    this.fail('expected a string');
    return '';
  }

  /** Any number, as a double. */
  number(): number {
    const found = this.scalar();
    if (typeof found === 'number' || typeof found === 'bigint') return Number(found);
    this.fail('expected a number');
    return 0;
  }

  /** One value that is no array or object. `kind` tells what it is. */
  scalar(): WireValue {
    this.#skipSpace();
    switch (this.#text[this.#at]) {
      case '"':
        this.kind = 'text';
        return this.#string();
      case 't':
        return this.#word('true', 'boolean', true);
      case 'f':
        return this.#word('false', 'boolean', false);
      case 'n':
        return this.#word('null', 'null', null);
      default:
        return this.#number();
    }
  }

  /** Pass over one value of any kind. */
  skip(depth = 0): void {
    this.#skipSpace();
    const first = this.#text[this.#at];
    if (depth > this.#maxDepth) this.fail(`more than ${this.#maxDepth} levels of nesting`);
    else if (first === '[') for (let more = this.array(); more; more = this.nextItem()) this.skip(depth + 1);
    else if (first === '{') for (let key = this.object(); key !== undefined; key = this.nextKey()) this.skip(depth + 1);
    else this.scalar();
  }

  #key(): string | undefined {
    this.#skipSpace();
    if (this.#text[this.#at] !== '"') {
      this.fail('expected a key');
      return undefined;
    }
    const key = this.#string();
    if (this.failure === undefined && !this.#take(':')) this.fail('expected ":"');
    return this.failure === undefined ? key : undefined;
  }

  #string(): string {
    const text = this.#text;
    const start = ++this.#at;
    let escaped = false;
    for (let at = start; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.#at = at + 1;
        const raw = text.slice(start, at);
        return escaped ? this.#unescaped(raw) : raw;
      }
      if (code < SPACE) {
        this.fail('a control character in a string');
        return '';
      }
      if (code === BACKSLASH) {
        escaped = true;
        at++;
      }
    }
    this.fail('a string without end');
    return '';
  }

  #unescaped(raw: string): string {
    let text = '';
    let from = 0;
    for (let at = raw.indexOf('\\'); at >= 0; at = raw.indexOf('\\', from)) {
      const letter = raw[at + 1] as string;
      text += raw.slice(from, at);
      if (letter === 'u') {
        const digits = raw.slice(at + 2, at + 6);
        if (!HEXADECIMAL.test(digits)) {
          this.fail('an escape without four hexadecimal digits');
          return '';
        }
        text += String.fromCharCode(Number.parseInt(digits, 16));
        from = at + 6;
      } else {
        const character = ESCAPES[letter];
        if (character === undefined) {
          this.fail(`the escape "\\${letter}"`);
          return '';
        }
        text += character;
        from = at + 2;
      }
    }
    text += raw.slice(from);
    if (text.isWellFormed()) return text;
    this.fail('a string with half a surrogate pair');
    return '';
  }

  #number(): WireValue {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null) {
      this.fail(this.#at < this.#text.length ? 'expected a value' : 'the payload ends where a value should be');
      return null;
    }
    const [digits, fraction, exponent] = match;
    this.#at += digits.length;
    if (fraction === undefined && exponent === undefined) {
      this.kind = 'integer';
      if (digits.length <= 15) return Number(digits);
      if (digits.length <= LONGEST_INTEGER) return narrow(BigInt(digits));
    } else {
      this.kind = 'float';
      const value = Number(digits);
      if (Number.isFinite(value)) return value;
    }
    this.fail('a number too large for any type');
    return null;
  }

  #word(word: string, kind: WireKind, value: boolean | null): WireValue {
    if (this.#text.startsWith(word, this.#at)) {
      this.#at += word.length;
      this.kind = kind;
      return value;
    }
    this.fail('expected a value');
    return null;
  }

  #take(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #skipSpace(): void {
    const text = this.#text;
    let code = text.charCodeAt(this.#at);
    while (code === SPACE || code === 0x0a || code === 0x0d || code === 0x09) code = text.charCodeAt(++this.#at);
  }
}
