/** What a person typed, by data type, as the API wants it; or one sentence that says what is wrong. */
import type { DataType, JsonValue } from '../api/shapes.ts';

export type Parsed = { readonly ok: true; readonly value: JsonValue } | { readonly ok: false; readonly reason: string };

/** What the inputs hold: text, except for a switch. Times are local, "2026-01-31T12:00:00". */
export type Draft = string | boolean;

const right = (value: JsonValue): Parsed => ({ ok: true, value });
const wrong = (reason: string): Parsed => ({ ok: false, reason });

const INT64 = { least: -(2n ** 63n), greatest: 2n ** 63n - 1n };
const UINT64 = { least: 0n, greatest: 2n ** 64n - 1n };

const parseWhole = (
  text: string,
  { least, greatest }: { readonly least: bigint; readonly greatest: bigint },
): Parsed => {
  const trimmed = text.trim();
  if (!/^[+-]?\d+$/.test(trimmed)) return wrong('A whole number is needed.');
  const value = BigInt(trimmed.replace(/^\+/, ''));
  if (value < least || value > greatest) return wrong(`The number must lie between ${least} and ${greatest}.`);
  const number = Number(value);
  return right(Number.isSafeInteger(number) ? number : value.toString());
};

const parseFloatText = (text: string): Parsed => {
  const trimmed = text.trim();
  const value = Number(trimmed.replace(/^(-?\d+),(\d+)$/, '$1.$2'));
  return trimmed === '' || !Number.isFinite(value) ? wrong('A number is needed.') : right(value);
};

const parseTime = (text: string): Parsed => {
  const trimmed = text.trim();
  if (/^-?\d+$/.test(trimmed)) return right(Number(trimmed));
  const ms = Date.parse(trimmed);
  return Number.isNaN(ms)
    ? wrong('A date and a time are needed.')
    : right(new Date(ms).toISOString().replace('.000Z', 'Z'));
};

const parseObjectLink = (text: string): Parsed => {
  const match = /^\s*(\d{1,5})\s*[:/]\s*(\d{1,5})\s*$/.exec(text);
  const ids = match === null ? [] : [Number(match[1]), Number(match[2])];
  if (ids.length === 0 || ids.some((id) => id > 65_535))
    return wrong('An Object ID and an Object Instance ID are needed, like 3:0.');
  return right(ids.join(':'));
};

/** Opaque drafts carry their notation: "hex:0a1b" or "base64:Chs=". */
const parseOpaque = (draft: string): Parsed => {
  const colon = draft.indexOf(':');
  const notation = draft.slice(0, colon);
  const text = draft.slice(colon + 1).replace(/\s+/g, '');
  if (notation === 'hex') {
    const digits = text.replace(/^0x/i, '').replace(/[:-]/g, '');
    if (!/^([0-9a-f]{2})*$/i.test(digits)) return wrong('Pairs of hexadecimal digits are needed.');
    return right(btoa(digits.replace(/../g, (pair) => String.fromCharCode(parseInt(pair, 16)))));
  }
  try {
    const url = text.replace(/-/g, '+').replace(/_/g, '/');
    return right(btoa(atob(url)));
  } catch {
    return wrong('This is not base64.');
  }
};

export const parseDraft = (type: DataType, draft: Draft): Parsed => {
  if (typeof draft === 'boolean') return right(draft);
  switch (type) {
    case 'integer':
      return parseWhole(draft, INT64);
    case 'unsigned':
      return parseWhole(draft, UINT64);
    case 'float':
      return parseFloatText(draft);
    case 'time':
      return parseTime(draft);
    case 'objlnk':
      return parseObjectLink(draft);
    case 'opaque':
      return parseOpaque(draft);
    case 'boolean':
      return right(draft === 'true');
    case 'string':
    case 'corelnk':
      return right(draft);
    case 'none':
      return wrong('This Resource holds no value.');
  }
};

/** "2026-01-31T12:00:00" in local time, as a datetime-local input wants it. */
export const localInputTime = (ms: number): string => {
  const date = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return date.toISOString().slice(0, 19);
};

/** What the input starts with: the value last seen, else nothing. */
export const draftOf = (type: DataType, value: JsonValue | undefined): Draft => {
  if (type === 'boolean') return value === true;
  if (type === 'opaque') return `base64:${typeof value === 'string' ? value : ''}`;
  if (value === undefined || value === null) return '';
  if (type === 'time') {
    const ms = typeof value === 'number' ? value * 1000 : Date.parse(String(value));
    return Number.isNaN(ms) ? '' : localInputTime(ms);
  }
  return String(value);
};

/** The bounds that a definition's range names, "0-100" or "-20..60"; undefined when it is worded otherwise. */
export const parseRange = (range: string): { readonly least: number; readonly greatest: number } | undefined => {
  const match = /^\s*(-?\d+(?:\.\d+)?)\s*(?:-|\.\.+|to)\s*(-?\d+(?:\.\d+)?)\s*$/.exec(range);
  if (match === null) return undefined;
  const [least, greatest] = [Number(match[1]), Number(match[2])];
  return least <= greatest ? { least, greatest } : undefined;
};

/** A warning, not an error: devices know better than registries. */
export const rangeWarning = (type: DataType, range: string, value: JsonValue): string | undefined => {
  const bounds = parseRange(range);
  if (bounds === undefined || (type !== 'integer' && type !== 'unsigned' && type !== 'float')) return undefined;
  const number = Number(value);
  return number < bounds.least || number > bounds.greatest ? `The definition names the range ${range}.` : undefined;
};
