/** How a value reads to a person: short text, and the whole of it for a tooltip. */
import type { DataType, JsonValue } from '../api/shapes.ts';

export interface ValueText {
  readonly short: string;
  /** More than `short` says; undefined when there is no more. */
  readonly full?: string;
}

const HEX_BYTES_SHOWN = 12;

export const bytesOfBase64 = (base64: string): Uint8Array =>
  Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

export const formatHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');

/** Local time to the second, as text that sorts. */
export const formatLocalTime = (ms: number): string => {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
};

const formatOpaque = (value: string): ValueText => {
  const bytes = bytesOfBase64(value);
  if (bytes.length === 0) return { short: 'no bytes' };
  const hex = formatHex(bytes.subarray(0, HEX_BYTES_SHOWN));
  const size = bytes.length === 1 ? '1 byte' : `${bytes.length} bytes`;
  return bytes.length <= HEX_BYTES_SHOWN
    ? { short: hex, full: size }
    : { short: `${hex} …`, full: `${size}, base64 ${value}` };
};

/** Digits that the four bytes of a single-precision float hold, and that a person reads of a double. */
const SINGLE_DIGITS = 7;
const DOUBLE_DIGITS = 10;

// What a device measured as 21.3 and sent in four bytes arrives as 21.299999237060547.
const formatFloat = (value: number): ValueText => {
  const digits = Math.fround(value) === value ? SINGLE_DIGITS : DOUBLE_DIGITS;
  const short = Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(digits)));
  return short === String(value) ? { short } : { short, full: String(value) };
};

export const formatValue = (type: DataType, value: JsonValue): ValueText => {
  if (value === null) return { short: 'no value' };
  if (type === 'opaque' && typeof value === 'string') return formatOpaque(value);
  if (type === 'float' && typeof value === 'number') return formatFloat(value);
  if (type === 'time') {
    const ms = typeof value === 'number' ? value * 1000 : Date.parse(String(value));
    return Number.isNaN(ms)
      ? { short: String(value) }
      : { short: formatLocalTime(ms), full: new Date(ms).toISOString() };
  }
  if (type === 'boolean') return { short: value === true ? 'true' : 'false' };
  if (type === 'objlnk' && value === '65535:65535') return { short: 'no link', full: '65535:65535' };
  if (value === '') return { short: 'empty text' };
  return { short: String(value) };
};

/** "now", "5 s", "3 min", "2 h", "4 d". @param age ms. */
export const formatAge = (age: number): string => {
  const seconds = Math.floor(age / 1000);
  if (seconds < 1) return 'now';
  return `${formatDuration(seconds)} ago`;
};

/** The largest unit that fits, rounded down: "59 s", "59 min", "47 h", "3 d". */
export const formatDuration = (seconds: number): string => {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
};
