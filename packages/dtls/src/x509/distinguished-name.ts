/** The names of issuers and subjects. RFC 5280 §4.1.2.4 and §7.1; text by RFC 4514. */
import { DerTag, type DerReader } from './der-reader.ts';
import { ATTRIBUTE_NAMES, COMMON_NAME_OID, EMAIL_ADDRESS_OID } from './object-identifier-table.ts';

export interface DistinguishedName {
  readonly der: Uint8Array;
  /** The last one, which is the most specific. RFC 6125 §1.8. */
  readonly commonName: string | undefined;
  /** A sequence of sets; nearly always each set has one attribute. */
  readonly relativeNames: readonly (readonly NameAttribute[])[];
}

export interface NameAttribute {
  readonly type: string;
  /** Undefined where the value is no text. */
  readonly text: string | undefined;
  /** Equal for values that §7.1 compares as equal. */
  readonly comparable: string;
}

const MAX_TEXT_CHARACTERS = 160;

/** Read a Name. Failures are the reader's. */
export function readName(reader: DerReader, what: string): DistinguishedName {
  const { whole, inside } = reader.enterWhole(DerTag.sequence, what);
  const relativeNames: NameAttribute[][] = [];
  let commonName: string | undefined;
  while (inside.hasMore) {
    const set = inside.enter(DerTag.set, `a part of ${what}`);
    const attributes: NameAttribute[] = [];
    while (set.hasMore) {
      const pair = set.enter(DerTag.sequence, `an attribute of ${what}`);
      const type = pair.objectIdentifier(`the type of an attribute of ${what}`);
      const attribute = readValue(pair, type, what);
      pair.end(`an attribute of ${what}`);
      attributes.push(attribute);
      if (type === COMMON_NAME_OID) commonName = attribute.text;
    }
    if (attributes.length === 0) set.fail(`a part of ${what} is empty`);
    relativeNames.push(attributes);
  }
  return { der: whole, commonName, relativeNames };
}

/** RFC 5280 §7.1: letter case and runs of spaces do not matter, nor which type of string it is. */
export function isSameName(one: DistinguishedName, other: DistinguishedName): boolean {
  return (
    isSameBytes(one.der, other.der) || (one.relativeNames.length === other.relativeNames.length && isWithin(one, other))
  );
}

/** Is `name` in the subtree of `base`: does it begin with the same relative names? RFC 5280 §4.2.1.10. */
export function isWithin(name: DistinguishedName, base: DistinguishedName): boolean {
  return base.relativeNames.every((attributes, index) => {
    const others = name.relativeNames[index];
    return (
      others?.length === attributes.length &&
      attributes.every(
        ({ type, comparable }, place) => type === others[place]!.type && comparable === others[place]!.comparable,
      )
    );
  });
}

export function hasEmailAddress(name: DistinguishedName): boolean {
  return name.relativeNames.some((attributes) => attributes.some(({ type }) => type === EMAIL_ADDRESS_OID));
}

/** `CN=sensor 4,O=Example`: the most specific first, escaped, bounded. For people only. */
export function formatName(name: DistinguishedName): string {
  const text = name.relativeNames
    .map((attributes) => attributes.map(formatAttribute).join('+'))
    .reverse()
    .join(',');
  return text === '' ? '(empty name)' : formatText(text);
}

/** Text of a stranger for people: what does not print is written as its code, so that no name forges a line of a log. */
export function formatText(text: string): string {
  const start = text.slice(0, MAX_TEXT_CHARACTERS);
  const printable = start.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (each) => `\\u{${each.codePointAt(0)!.toString(16)}}`);
  return text.length > MAX_TEXT_CHARACTERS ? `${printable}…` : printable;
}

export function isSameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function readValue(pair: DerReader, type: string, what: string): NameAttribute {
  const { tag, content } = pair.any(`the value of an attribute of ${what}`);
  const text = textOf(tag, content);
  if (text === undefined) {
    if (tag in TEXT_DECODERS) pair.fail(`an attribute of ${what} is not the text it says it is`);
    return { type, text, comparable: `#${tag}:${content.join(' ')}` };
  }
  // A NUL once cut a name short for whoever compared it in C; no name needs one.
  if (text.includes('\0')) pair.fail(`an attribute of ${what} contains a NUL`);
  return { type, text, comparable: text.trim().replace(/\s+/g, ' ').replace(/[A-Z]/g, toLowerCase) };
}

/** Undefined for what is no string, or not well-formed. */
const textOf = (tag: number, content: Uint8Array): string | undefined => TEXT_DECODERS[tag]?.(content);

const TEXT_DECODERS: Readonly<Record<number, (content: Uint8Array) => string | undefined>> = {
  [DerTag.utf8String]: decodeUtf8,
  [DerTag.printableString]: decodeAscii,
  [DerTag.numericString]: decodeAscii,
  [DerTag.ia5String]: decodeAscii,
  [DerTag.visibleString]: decodeAscii,
  // In practice Latin-1.
  [DerTag.teletexString]: (content) => decodeUnits(content, 1),
  [DerTag.bmpString]: (content) => decodeUnits(content, 2),
  [DerTag.universalString]: (content) => decodeUnits(content, 4),
};

export function decodeAscii(content: Uint8Array): string | undefined {
  let text = '';
  for (const byte of content) {
    if (byte > 0x7f) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

function decodeUtf8(content: Uint8Array): string | undefined {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(content);
  return text.includes('\ufffd') && !isSameBytes(new TextEncoder().encode(text), content) ? undefined : text;
}

/** Big-endian code points of 1, 2 or 4 bytes. */
function decodeUnits(content: Uint8Array, width: number): string | undefined {
  if (content.length % width !== 0) return undefined;
  let text = '';
  for (let offset = 0; offset < content.length; offset += width) {
    let point = 0;
    for (let index = 0; index < width; index++) point = point * 256 + content[offset + index]!;
    if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return undefined;
    text += String.fromCodePoint(point);
  }
  return text;
}

const toLowerCase = (text: string): string => text.toLowerCase();

/** RFC 4514 §2.4. */
function formatAttribute({ type, text, comparable }: NameAttribute): string {
  const value = text === undefined ? comparable.slice(0, 32) : text.replace(/[,+"\\<>;]/g, '\\$&');
  return `${ATTRIBUTE_NAMES[type] ?? type}=${value}`;
}
