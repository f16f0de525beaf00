/**
 * Values as JSON, both ways, exactly as `docs/rest-api.md` says: 64-bit integers stay exact (decimal text beyond 2^53),
 * bytes are base64, times ISO 8601 in UTC, Object Links "3:0".
 */
import { type DataType, formatPath, malformed, type Malformed, type NodeEntry, type Value } from '@lapwing/lwm2m';

/** What a value looks like in JSON. */
export type ScalarJson = string | number | boolean | null;

export interface EntryJson {
  readonly path: string;
  /** Absent for a value. */
  readonly kind?: 'empty' | 'remove';
  readonly type?: DataType;
  readonly value?: ScalarJson;
  /** ISO 8601, when the payload gave a time. */
  readonly timestamp?: string;
}

export function valueToJson(value: Value): ScalarJson {
  switch (value.type) {
    case 'string':
    case 'corelnk':
    case 'boolean':
    case 'none':
      return value.value;
    case 'integer':
    case 'unsigned':
      return typeof value.value === 'bigint' ? integerToJson(value.value) : value.value;
    case 'float':
      return Number.isFinite(value.value) ? value.value : String(value.value);
    case 'opaque':
      return Buffer.from(value.value.buffer, value.value.byteOffset, value.value.byteLength).toString('base64');
    case 'time':
      return isoTime(value.value) ?? String(value.value);
    case 'objlnk':
      return `${value.value.objectId}:${value.value.objectInstanceId}`;
  }
}

/** `field` is where the value stood, as a JSON Pointer; it opens the sentence that says what is wrong. */
export function valueFromJson(type: DataType, json: unknown, field: string): Value | Malformed {
  const wanted = (what: string): Malformed => malformed(`${field}: expected ${what}, got ${shown(json)}`);
  switch (type) {
    case 'string':
    case 'corelnk':
      return typeof json === 'string' ? { type, value: json } : wanted('text');
    case 'integer':
      return integerFromJson(type, json, -(2n ** 63n), 2n ** 63n - 1n) ?? wanted(`a whole number${EXACT}`);
    case 'unsigned':
      return integerFromJson(type, json, 0n, 2n ** 64n - 1n) ?? wanted(`a whole number, not negative${EXACT}`);
    case 'float': {
      if (typeof json === 'number') return { type, value: json };
      if (json === 'NaN' || json === 'Infinity' || json === '-Infinity') return { type, value: Number(json) };
      return wanted('a number');
    }
    case 'boolean':
      return typeof json === 'boolean' ? { type, value: json } : wanted('true or false');
    case 'opaque':
      return typeof json === 'string' && BASE64.test(json)
        ? { type, value: new Uint8Array(Buffer.from(json, 'base64')) }
        : wanted('bytes in base64');
    case 'time':
      return timeFromJson(json) ?? wanted('a time as ISO 8601 text in whole seconds, or seconds since 1970');
    case 'objlnk': {
      const match = typeof json === 'string' ? /^(0|[1-9]\d{0,4}):(0|[1-9]\d{0,4})$/.exec(json) : null;
      const [objectId, objectInstanceId] = [Number(match?.[1]), Number(match?.[2])];
      if (!(objectId <= 65535 && objectInstanceId <= 65535)) return wanted('an Object Link like "3:0"');
      return { type, value: { objectId, objectInstanceId } };
    }
    case 'none':
      return malformed(`${field}: this Resource has no value; it can only be executed`);
  }
}

export function entryToJson(entry: NodeEntry): EntryJson {
  const path = formatPath(entry.path);
  if (entry.kind !== 'value') return { path, kind: entry.kind };
  const json: EntryJson = { path, type: entry.value.type, value: valueToJson(entry.value) };
  if (entry.timestamp === undefined) return json;
  return { ...json, timestamp: isoTime(entry.timestamp) ?? String(entry.timestamp) };
}

/** The type a value most likely has when nothing is known about its Resource. */
export function guessedType(json: unknown): DataType {
  if (typeof json === 'boolean') return 'boolean';
  if (typeof json === 'number') return Number.isInteger(json) ? 'integer' : 'float';
  return 'string';
}

/** "2026-01-01T00:00:00.000Z", or undefined beyond what a Date can hold. `null` for a moment that never comes. */
export function isoTime(seconds: number | bigint): string | undefined {
  const ms = Math.round(Number(seconds) * 1000);
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : undefined;
}

const EXACT = ' (as decimal text beyond 2^53)';
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const ISO_TIME = /^(\d{4}|[+-]\d{6})-(\d\d)-(\d\d)T\d\d:\d\d:\d\d(?:\.0+)?(?:Z|[+-]\d\d:\d\d)$/;
const DECIMAL = /^-?(?:0|[1-9]\d{0,19})$/;

function integerFromJson(
  type: 'integer' | 'unsigned' | 'time',
  json: unknown,
  least: bigint,
  greatest: bigint,
): Value | undefined {
  // A larger JSON number has lost its last digits on the way here, so it is refused rather than rounded.
  if (typeof json === 'number') {
    return Number.isSafeInteger(json) && json >= least ? { type, value: json === 0 ? 0 : json } : undefined;
  }
  if (typeof json !== 'string' || !DECIMAL.test(json)) return undefined;
  const exact = BigInt(json);
  if (exact < least || exact > greatest) return undefined;
  const near = Number(exact);
  return { type, value: Number.isSafeInteger(near) ? near : exact };
}

function timeFromJson(json: unknown): Value | undefined {
  const match = typeof json === 'string' ? ISO_TIME.exec(json) : null;
  if (match !== null) {
    const [text, year, month, day] = match;
    // Date.parse takes February 30 for March 2.
    const daysInMonth = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
    const seconds = Date.parse(text) / 1000;
    return Number(day) <= daysInMonth && Number.isSafeInteger(seconds) ? { type: 'time', value: seconds } : undefined;
  }
  return integerFromJson('time', json, -(2n ** 63n), 2n ** 63n - 1n);
}

function integerToJson(value: bigint): number | string {
  const near = Number(value);
  return Number.isSafeInteger(near) ? near : String(value);
}

/** At most 40 characters of what stood there, so that a mistake can be found and a body is not echoed. */
function shown(json: unknown): string {
  const text = JSON.stringify(json) ?? 'nothing';
  return text.length <= 40 ? text : `${text.slice(0, 37)}…`;
}
