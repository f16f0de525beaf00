/**
 * From what stands on the wire (a number, a text, bytes, …) to a value of the type the Object definition names.
 * OMA TS Core 1.2 §7.5 and Appendix C, with these liberties for peers seen in the field:
 *
 * - Integer, Unsigned and Time take a float without fraction; Time drops a fraction (seconds are its unit);
 * - Float takes an integer;
 * - Time takes an RFC 3339 text (CBOR tag 0), Objlnk a plain text; both may end in a NUL character.
 *
 * Without a definition the wire decides: integer (unsigned above 2^63 - 1), float, string, opaque, boolean, objlnk.
 */
import { malformed } from '../malformed.ts';
import type { Malformed } from '../malformed.ts';
import { formatPath } from '../path.ts';
import type { Path } from '../path.ts';
import type { DataType, Value } from '../value.ts';
import { narrow, parseObjectLink } from './decimal-text.ts';
import { parseDateTime } from './date-time.ts';

/** `link` is text in a field that only carries Object Links; `time` a number that its tag calls a time. */
export type WireKind = 'integer' | 'float' | 'text' | 'bytes' | 'boolean' | 'link' | 'time' | 'null';
export type WireValue = number | bigint | string | boolean | Uint8Array | null;

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

/** The value, or one sentence with the path, the type expected and what was found. */
export function typedValue(path: Path, type: DataType | undefined, kind: WireKind, wire: WireValue): Value | Malformed {
  switch (type) {
    case undefined:
      return untypedValue(path, kind, wire);
    case 'integer':
    case 'unsigned': {
      const value = wholeNumber(wire);
      if (value === undefined) break;
      return inRange(type, value) ? { type, value } : outOfRange(path, type, value);
    }
    case 'time': {
      const value = typeof wire === 'string' ? parseDateTime(withoutNul(wire)) : wholeNumber(floorOfFloat(wire));
      if (value === undefined) break;
      return inRange(type, value) ? { type, value } : outOfRange(path, type, value);
    }
    case 'float':
      if (typeof wire === 'number') return { type, value: wire };
      if (typeof wire === 'bigint') return { type, value: Number(wire) };
      break;
    case 'boolean':
      if (typeof wire === 'boolean') return { type, value: wire };
      break;
    case 'string':
    case 'corelnk':
      if (kind === 'text') return { type, value: wire as string };
      break;
    case 'opaque':
      if (kind === 'bytes') return { type, value: wire as Uint8Array };
      break;
    case 'objlnk': {
      const value = typeof wire === 'string' ? parseObjectLink(withoutNul(wire)) : undefined;
      if (value !== undefined) return { type, value };
      break;
    }
    case 'none':
      if (wire === null) return { type, value: null };
      break;
  }
  return wrongType(path, type, kind, wire);
}

function untypedValue(path: Path, kind: WireKind, wire: WireValue): Value | Malformed {
  switch (kind) {
    case 'integer': {
      const value = wire as number | bigint;
      if (inRange('integer', value)) return { type: 'integer', value };
      return inRange('unsigned', value) ? { type: 'unsigned', value } : outOfRange(path, 'integer', value);
    }
    case 'float':
      return { type: 'float', value: wire as number };
    case 'time':
      return typedValue(path, 'time', kind, wire);
    case 'text':
      return { type: 'string', value: wire as string };
    case 'bytes':
      return { type: 'opaque', value: wire as Uint8Array };
    case 'boolean':
      return { type: 'boolean', value: wire as boolean };
    case 'link':
      return typedValue(path, 'objlnk', kind, wire);
    case 'null':
      return malformed(`${formatPath(path)}: expected a value, found null`);
  }
}

/** Integer and Time are signed, Unsigned is not; all have 64 bits. */
export function inRange(type: 'integer' | 'unsigned' | 'time', value: number | bigint): boolean {
  if (typeof value === 'number') return type === 'unsigned' ? value >= 0 : true;
  return type === 'unsigned' ? value >= 0n && value <= UINT64_MAX : value >= INT64_MIN && value <= INT64_MAX;
}

/** Why an integer to be written is none, or does not fit 64 bits; undefined for every other value. */
export function misfit(path: Path, value: Value): Malformed | undefined {
  if (value.type !== 'integer' && value.type !== 'unsigned' && value.type !== 'time') return undefined;
  const exact = typeof value.value === 'bigint' || Number.isSafeInteger(value.value);
  return exact && inRange(value.type, value.value) ? undefined : outOfRange(path, value.type, value.value);
}

/** For a value that text has no form for: a float that is not finite, or no value. */
export const cannotWrite = (path: Path, value: Value, format: string): Malformed =>
  malformed(
    `${formatPath(path)}: ${format} has no form for ${value.type === 'float' ? `the float ${value.value}` : TYPE_NAMES[value.type]}`,
  );

/** An exact integer out of a number of any form; undefined when it has a fraction or is no number. */
function wholeNumber(wire: WireValue): number | bigint | undefined {
  if (typeof wire === 'bigint') return narrow(wire);
  if (typeof wire !== 'number') return undefined;
  if (Number.isSafeInteger(wire)) return wire + 0;
  return Number.isInteger(wire) ? BigInt(wire) : undefined;
}

const floorOfFloat = (wire: WireValue): WireValue => (typeof wire === 'number' ? Math.floor(wire) : wire);

/** Zephyr counts the terminating NUL into its texts. */
const withoutNul = (text: string): string => (text.endsWith('\0') ? text.slice(0, -1) : text);

const outOfRange = (path: Path, type: DataType, value: number | bigint): Malformed =>
  malformed(`${formatPath(path)}: ${value} does not fit the 64 bits of ${TYPE_NAMES[type]}`);

/** The sentence for a value of another type than the definition names. */
export const wrongType = (path: Path, type: DataType, kind: WireKind, wire: WireValue): Malformed =>
  malformed(`${formatPath(path)}: expected ${TYPE_NAMES[type]}, found ${describe(kind, wire)}`);

/** As a message says it: with the article. */
export const TYPE_NAMES: Readonly<Record<DataType, string>> = {
  string: 'a String',
  integer: 'an Integer',
  unsigned: 'an Unsigned',
  float: 'a Float',
  boolean: 'a Boolean',
  opaque: 'an Opaque',
  time: 'a Time',
  objlnk: 'an Objlnk',
  corelnk: 'a Corelnk',
  none: 'no value',
};

function describe(kind: WireKind, wire: WireValue): string {
  if (wire === null) return 'null';
  if (wire instanceof Uint8Array) return `${wire.length} bytes`;
  if (typeof wire === 'string') return `the text ${JSON.stringify(wire.length > 40 ? `${wire.slice(0, 40)}…` : wire)}`;
  return `the ${kind === 'boolean' ? 'boolean' : 'number'} ${wire}`;
}
