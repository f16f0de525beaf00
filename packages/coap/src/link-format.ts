/**
 * CoRE Link Format, RFC 6690: `</3/0>;ver=1.1,</5>`.
 *
 * The writer is strict: absolute paths, no blanks, quotes where the value needs them. The reader takes what real peers
 * send on top of that: blanks around the separators, any parameter quoted or not, unknown parameters, parameters
 * without a value, a trailing slash, and the `lwm2m=1.0,` without a link that opens a Bootstrap-Discover of LwM2M 1.0.
 */
import { UsageError } from './errors.ts';
import { decodeUtf8 } from './utf8.ts';

export interface LinkParameter {
  readonly name: string;
  /** Unescaped; undefined for a parameter without "=". */
  readonly value?: string | undefined;
  /** Whether the value stood, or is to be written, in quotes. A value that is no token gets them anyway. */
  readonly quoted?: boolean;
}

export interface Link {
  /** An absolute path as written, percent-encoding and trailing slash kept. */
  readonly target: string;
  readonly parameters: readonly LinkParameter[];
}

export interface LinkFormatLimits {
  /** Of the whole text. */
  readonly maxBytes: number;
  readonly maxLinks: number;
  readonly maxParametersPerLink: number;
}

export const DEFAULT_LINK_FORMAT_LIMITS: LinkFormatLimits = Object.freeze({
  maxBytes: 65_536,
  maxLinks: 4_096,
  maxParametersPerLink: 64,
});

/** One sentence: what is wrong, and at which character. */
export interface MalformedLinks {
  readonly malformed: string;
}

/** Value of the first parameter with this name; an empty text when it has none, undefined when it is absent. */
export function linkParameter(link: Link, name: string): string | undefined {
  for (const parameter of link.parameters) if (parameter.name === name) return parameter.value ?? '';
  return undefined;
}

/** Read a list of links. Never throws. */
export function parseLinks(
  payload: Uint8Array | string,
  limits: LinkFormatLimits = DEFAULT_LINK_FORMAT_LIMITS,
): readonly Link[] | MalformedLinks {
  if (payload.length > limits.maxBytes) return tooMuch(`${payload.length} bytes are more`, limits.maxBytes);
  const text = typeof payload === 'string' ? payload : decodeUtf8(payload);
  if (text === undefined) return { malformed: 'the links are not UTF-8' };
  const reader: Reader = { text, at: 0, limits };

  const links: Link[] = [];
  skipBlanks(reader);
  if (reader.at === text.length) return links;
  for (;;) {
    if (links.length === limits.maxLinks) return tooMuch('more links', limits.maxLinks);
    // The version alone, ahead of the first link: OMA TS 1.0 §5.2.7.3 has it so, where 1.1 writes `</>;lwm2m=1.1`.
    const bare = links.length === 0 && text.startsWith(BARE_VERSION, reader.at);
    const target = bare ? '/' : readTarget(reader);
    if (typeof target !== 'string') return target;
    const parameters = readParameters(reader, bare);
    if ('malformed' in parameters) return parameters;
    links.push({ target, parameters });
    if (reader.at === text.length) return links;
    if (text.charCodeAt(reader.at) !== COMMA) return unexpected(reader, '"," or ";"');
    reader.at++;
    skipBlanks(reader);
  }
}

/**
 * Write links, without blanks.
 *
 * @throws UsageError if a target is not an absolute path, a name is not a parameter name, or a value holds a control
 * character.
 */
export function formatLinks(links: readonly Link[]): string {
  let text = '';
  for (const { target, parameters } of links) {
    if (targetEnd(target, 0) !== target.length) throw new UsageError(`not an absolute path: ${target}`);
    text += text === '' ? `<${target}>` : `,<${target}>`;
    for (const parameter of parameters) text += `;${formatParameter(parameter)}`;
  }
  return text;
}

interface Reader {
  readonly text: string;
  at: number;
  readonly limits: LinkFormatLimits;
}

const BARE_VERSION = 'lwm2m=';
const NO_PARAMETERS: readonly LinkParameter[] = Object.freeze([]);
/** RFC 6690 §2: these are quoted strings, also when a token would do. */
const ALWAYS_QUOTED: ReadonlySet<string> = new Set(['title', 'anchor']);

const TAB = 0x09;
const SPACE = 0x20;
const QUOTE = 0x22;
const PERCENT = 0x25;
const COMMA = 0x2c;
const SLASH = 0x2f;
const SEMICOLON = 0x3b;
const LESS = 0x3c;
const EQUALS = 0x3d;
const GREATER = 0x3e;
const BACKSLASH = 0x5c;
const DELETE = 0x7f;

/** Bits of `CLASSES`. */
const NAME = 1;
const TOKEN = 2;
const PATH = 4;
const HEX = 8;

/** What an ASCII character may be part of: parmname and ptoken of RFC 6690 §2, pchar of RFC 3986 §3.3. */
const CLASSES: Uint8Array = classify([
  ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', NAME | TOKEN | PATH],
  ['ABCDEFabcdef0123456789', HEX],
  ['!#$&+-.^_`|~', NAME],
  ["!#$%&'()*+-./:<=>?@[]^_`{|}~", TOKEN],
  ["-._~!$&'()*+,;=:@/", PATH],
]);

function classify(rows: readonly (readonly [characters: string, bits: number])[]): Uint8Array {
  const classes = new Uint8Array(128);
  for (const [characters, bits] of rows) {
    for (const character of characters) classes[character.charCodeAt(0)]! |= bits;
  }
  return classes;
}

/** False past the end, where the character is NaN. */
const isOf = (bits: number, character: number): boolean => character < 128 && (CLASSES[character]! & bits) !== 0;

const tooMuch = (what: string, limit: number): MalformedLinks => ({ malformed: `${what} than the limit of ${limit}` });

function unexpected({ text, at }: Reader, wanted: string): MalformedLinks {
  const found = at < text.length ? `"${String.fromCodePoint(text.codePointAt(at)!)}"` : 'the end';
  return { malformed: `${wanted} expected at character ${at}, found ${found}` };
}

function skipBlanks(reader: Reader): void {
  for (;;) {
    const character = reader.text.charCodeAt(reader.at);
    if (character !== SPACE && character !== TAB && character !== 0x0a && character !== 0x0d) return;
    reader.at++;
  }
}

function readTarget(reader: Reader): string | MalformedLinks {
  const { text } = reader;
  if (text.charCodeAt(reader.at) !== LESS) return unexpected(reader, '"<"');
  const start = ++reader.at;
  const end = targetEnd(text, start);
  if (end < 0) return unexpected(reader, 'an absolute path');
  reader.at = end;
  if (text.charCodeAt(end) !== GREATER) return unexpected(reader, '">"');
  reader.at = end + 1;
  return text.slice(start, end);
}

/**
 * Where the path-absolute that begins at `start` ends: a slash, then a segment that is not empty, then any segments.
 * RFC 3986 §3.3. -1 when there is none.
 */
function targetEnd(text: string, start: number): number {
  if (text.charCodeAt(start) !== SLASH) return -1;
  let at = start + 1;
  if (text.charCodeAt(at) === SLASH) return -1;
  for (;;) {
    const character = text.charCodeAt(at);
    if (isOf(PATH, character)) at++;
    else if (character === PERCENT && isOf(HEX, text.charCodeAt(at + 1)) && isOf(HEX, text.charCodeAt(at + 2))) at += 3;
    else return at;
  }
}

/** The parameters of one link, up to the comma or the end. `bare`: the first one stands without its semicolon. */
function readParameters(reader: Reader, bare: boolean): readonly LinkParameter[] | MalformedLinks {
  const { text, limits } = reader;
  let parameters: LinkParameter[] | undefined;
  let first = bare;
  for (;;) {
    skipBlanks(reader);
    if (!first) {
      if (text.charCodeAt(reader.at) !== SEMICOLON) return parameters ?? NO_PARAMETERS;
      reader.at++;
      skipBlanks(reader);
    }
    first = false;
    parameters ??= [];
    if (parameters.length === limits.maxParametersPerLink)
      return tooMuch('more parameters', limits.maxParametersPerLink);
    const parameter = readParameter(reader);
    if ('malformed' in parameter) return parameter;
    parameters.push(parameter);
  }
}

function readParameter(reader: Reader): LinkParameter | MalformedLinks {
  const { text } = reader;
  const start = reader.at;
  while (isOf(NAME, text.charCodeAt(reader.at))) reader.at++;
  // An extended parameter of RFC 5987 ends in a star: title*=UTF-8''…
  if (reader.at > start && text.charCodeAt(reader.at) === 0x2a) reader.at++;
  if (reader.at === start) return unexpected(reader, 'a parameter name');
  const name = text.slice(start, reader.at);
  if (text.charCodeAt(reader.at) !== EQUALS) return { name, value: undefined, quoted: false };
  reader.at++;
  if (text.charCodeAt(reader.at) === QUOTE) {
    const value = readQuoted(reader);
    return typeof value === 'string' ? { name, value, quoted: true } : value;
  }
  const valueStart = reader.at;
  while (isOf(TOKEN, text.charCodeAt(reader.at))) reader.at++;
  if (reader.at === valueStart) return unexpected(reader, 'a value');
  return { name, value: text.slice(valueStart, reader.at), quoted: false };
}

/** A quoted-string: a backslash makes the next character stand for itself. RFC 2616 §2.2. */
function readQuoted(reader: Reader): string | MalformedLinks {
  const { text } = reader;
  let value = '';
  let start = ++reader.at;
  for (;;) {
    const character = text.charCodeAt(reader.at);
    if (character === QUOTE) {
      value += text.slice(start, reader.at++);
      return value;
    }
    if (character === BACKSLASH) {
      value += text.slice(start, reader.at++);
      start = reader.at;
      if (reader.at === text.length) return unexpected(reader, "'\"'");
    } else if (!(character >= SPACE || character === TAB) || character === DELETE) {
      return unexpected(reader, "'\"'");
    }
    reader.at++;
  }
}

function formatParameter({ name, value, quoted }: LinkParameter): string {
  if (!isWhole(name.endsWith('*') ? name.slice(0, -1) : name, NAME))
    throw new UsageError(`not a parameter name: ${name}`);
  if (value === undefined) return name;
  if (quoted !== true && !ALWAYS_QUOTED.has(name) && isWhole(value, TOKEN)) return `${name}=${value}`;
  if (/[\u0000-\u001f\u007f]/.test(value)) throw new UsageError(`the value of ${name} holds a control character`);
  return `${name}="${value.replace(/["\\]/g, '\\$&')}"`;
}

function isWhole(text: string, bits: number): boolean {
  for (let index = 0; index < text.length; index++) if (!isOf(bits, text.charCodeAt(index))) return false;
  return text.length > 0;
}
