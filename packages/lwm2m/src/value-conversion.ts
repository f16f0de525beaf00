/**
 * Between a Value and what JavaScript, JSON and people write for it. Content formats are elsewhere; this is for the
 * REST interface, the command line and the typed API.
 *
 * | type                | JavaScript (`valueToJs`)    | JSON (`valueToJson`)                                |
 * |---------------------|-----------------------------|-----------------------------------------------------|
 * | string, corelnk     | string                      | string                                              |
 * | integer, unsigned   | number, bigint beyond 2^53  | number, decimal text beyond 2^53                    |
 * | time                | number of seconds, bigint   | ISO 8601 in UTC; outside of year 0 to 9999 as integer |
 * | float               | number                      | number; "NaN", "Infinity", "-Infinity"              |
 * | boolean             | boolean                     | boolean                                             |
 * | opaque              | Uint8Array                  | base64                                              |
 * | objlnk              | ObjectLink                  | "3:0"                                               |
 * | none                | null                        | null                                                |
 */
import { decodeBase64, encodeBase64 } from './formats/base64.ts';
import { parseDateTime } from './formats/date-time.ts';
import { malformed } from './malformed.ts';
import type { Malformed } from './malformed.ts';
import { canonicalInteger, NO_VALUE } from './value.ts';
import type { DataType, ObjectLink, Value } from './value.ts';

/** The JavaScript form of a value; see the table. */
export type JsValue = string | number | bigint | boolean | Uint8Array | ObjectLink | null;
/** The JSON form of a value; see the table. */
export type JsonValue = string | number | boolean | null;

export const valueToJs = (value: Value): JsValue => value.value;

export function valueToJson(value: Value): JsonValue {
  switch (value.type) {
    case 'integer':
    case 'unsigned':
      return typeof value.value === 'bigint' ? String(value.value) : value.value;
    case 'time':
      return formatTime(value.value);
    case 'float':
      return Number.isFinite(value.value) ? value.value : String(value.value);
    case 'opaque':
      return encodeBase64(value.value);
    case 'objlnk':
      return formatObjectLink(value.value);
    default:
      return value.value;
  }
}

/**
 * A Value of the given type from its JavaScript or its JSON form; a Date is taken for a Time too, cut to the second.
 * Opaque bytes are kept, not copied.
 */
export function valueFromJs(type: DataType, given: unknown): Value | Malformed {
  switch (type) {
    case 'string':
    case 'corelnk':
      return typeof given === 'string' ? { type, value: given } : unsuitable(type, given);
    case 'integer':
    case 'unsigned': {
      const value = integerFrom(type, given);
      return value === undefined ? unsuitable(type, given) : { type, value };
    }
    case 'time': {
      const value = timeFrom(given);
      return value === undefined ? unsuitable(type, given) : { type, value };
    }
    case 'float': {
      const value = floatFrom(given);
      return value === undefined ? unsuitable(type, given) : { type, value };
    }
    case 'boolean':
      return typeof given === 'boolean' ? { type, value: given } : unsuitable(type, given);
    case 'opaque': {
      const value = given instanceof Uint8Array ? given : typeof given === 'string' ? decodeBase64(given) : undefined;
      return value === undefined ? unsuitable(type, given) : { type, value };
    }
    case 'objlnk': {
      const value = typeof given === 'string' ? parseObjectLink(given) : objectLinkFrom(given);
      return value === undefined ? unsuitable(type, given) : { type, value };
    }
    case 'none':
      return given === null || given === undefined ? NO_VALUE : unsuitable(type, given);
  }
}

/** A Value from what a person types: the JSON form without quotes, and true, false, 1 or 0 for a Boolean. */
export function parseValueText(type: DataType, text: string): Value | Malformed {
  if (type !== 'boolean') return valueFromJs(type, type === 'none' && text === '' ? null : text);
  if (text === 'true' || text === '1') return { type, value: true };
  if (text === 'false' || text === '0') return { type, value: false };
  return unsuitable(type, text);
}

/** The text that `parseValueText` takes. */
export const formatValueText = (value: Value): string => {
  const json = valueToJson(value);
  return json === null ? '' : String(json);
};

const WANTED: Readonly<Record<DataType, string>> = {
  string: 'text',
  corelnk: 'text',
  integer: 'an integer of 64 bits',
  unsigned: 'an integer from 0 to 18446744073709551615',
  time: 'a time as 2026-01-31T12:00:00Z or in whole seconds since 1970',
  float: 'a number',
  boolean: 'true or false',
  opaque: 'base64',
  objlnk: 'an Object link such as 3:0',
  none: 'no value',
};

const unsuitable = (type: DataType, given: unknown): Malformed =>
  malformed(`a Resource of type ${type} takes ${WANTED[type]}, not ${describe(given)}`);

function describe(given: unknown): string {
  if (typeof given === 'string') return given.length > 40 ? `"${given.slice(0, 40)}…"` : `"${given}"`;
  if (typeof given === 'number' || typeof given === 'bigint' || typeof given === 'boolean' || given === null) {
    return String(given);
  }
  return Array.isArray(given) ? 'an array' : given === undefined ? 'nothing' : `a ${typeof given}`;
}

const INTEGER_TEXT = /^[+-]?\d{1,20}$/;
const FLOAT_TEXT = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?$/;

function integerFrom(type: 'integer' | 'unsigned' | 'time', given: unknown): number | bigint | undefined {
  if (typeof given === 'number' || typeof given === 'bigint') return canonicalInteger(type, given);
  if (typeof given !== 'string' || !INTEGER_TEXT.test(given)) return undefined;
  return canonicalInteger(type, BigInt(given.startsWith('+') ? given.slice(1) : given));
}

function floatFrom(given: unknown): number | undefined {
  if (typeof given === 'number') return given;
  if (typeof given === 'bigint') return Number(given);
  if (given === 'NaN' || given === 'Infinity' || given === '-Infinity') return Number(given);
  return typeof given === 'string' && given.length <= 400 && FLOAT_TEXT.test(given) ? Number(given) : undefined;
}

/** RFC 3339 with a time zone: without one it would mean something else on every machine. */
function timeFrom(given: unknown): number | bigint | undefined {
  if (!(given instanceof Date))
    return (typeof given === 'string' ? parseDateTime(given) : undefined) ?? integerFrom('time', given);
  const ms = given.getTime();
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000);
}

/** Seconds of the years 0 and 9999, between which ISO 8601 has four digits. */
const FIRST_FOUR_DIGIT_SECOND = -62_167_219_200;
const LAST_FOUR_DIGIT_SECOND = 253_402_300_799;

function formatTime(seconds: number | bigint): string | number {
  if (typeof seconds === 'bigint') return String(seconds);
  if (seconds < FIRST_FOUR_DIGIT_SECOND || seconds > LAST_FOUR_DIGIT_SECOND) return seconds;
  return new Date(seconds * 1000).toISOString();
}

/** "3:0"; the null link is "65535:65535". */
export const formatObjectLink = (link: ObjectLink): string => `${link.objectId}:${link.objectInstanceId}`;

/** "3:0", each part from 0 to 65535. "FFFF:FFFF", which the specification prints by mistake, is the null link too. */
export function parseObjectLink(text: string): ObjectLink | undefined {
  if (text.toUpperCase() === 'FFFF:FFFF') return { objectId: 65535, objectInstanceId: 65535 };
  const match = /^(\d{1,5}):(\d{1,5})$/.exec(text);
  return match === null
    ? undefined
    : objectLinkFrom({ objectId: Number(match[1]), objectInstanceId: Number(match[2]) });
}

function objectLinkFrom(given: unknown): ObjectLink | undefined {
  if (typeof given !== 'object' || given === null) return undefined;
  const { objectId, objectInstanceId } = given as Partial<ObjectLink>;
  return isId(objectId) && isId(objectInstanceId) ? { objectId, objectInstanceId } : undefined;
}
const isId = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65535;
