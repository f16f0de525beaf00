/**
 * A value as plain JSON that says its type, so that it is read back exactly and by itself: 64 bits, NaN and bytes
 * included, and whatever has become of the others.
 */
import { canonicalInteger } from '@lapwing/lwm2m';
import type { DataType, Value } from '@lapwing/lwm2m';

/** What JSON has no number for is text: a large integer, "NaN". Bytes are Base64, an Object link is "16:0". */
export type SavedValue = readonly [type: DataType, value: string | number | boolean | null];

export function saveValue(value: Value): SavedValue {
  switch (value.type) {
    case 'string':
    case 'corelnk':
    case 'boolean':
    case 'none':
      return [value.type, value.value];
    case 'integer':
    case 'unsigned':
    case 'time':
      return [value.type, typeof value.value === 'bigint' ? String(value.value) : value.value];
    case 'float':
      return [value.type, isJsonNumber(value.value) ? value.value : floatText(value.value)];
    case 'opaque':
      return [value.type, base64(value.value)];
    case 'objlnk':
      return [value.type, `${value.value.objectId}:${value.value.objectInstanceId}`];
  }
}

/** Undefined for anything that `saveValue` does not make. */
export function restoreValue(saved: unknown): Value | undefined {
  if (!Array.isArray(saved) || saved.length !== 2) return undefined;
  const [type, value] = saved as readonly unknown[];
  switch (type) {
    case 'string':
    case 'corelnk':
      return typeof value === 'string' ? { type, value } : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? { type, value } : undefined;
    case 'none':
      return value === null ? { type, value } : undefined;
    case 'integer':
    case 'unsigned':
    case 'time': {
      const given = typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? BigInt(value) : value;
      const integer =
        typeof given === 'number' || typeof given === 'bigint' ? canonicalInteger(type, given) : undefined;
      return integer === undefined ? undefined : { type, value: integer };
    }
    case 'float': {
      const float = typeof value === 'string' ? FLOAT_TEXTS.get(value) : value;
      return typeof float === 'number' ? { type, value: float } : undefined;
    }
    case 'opaque':
      return typeof value === 'string' && BASE64.test(value) ? { type, value: bytes(value) } : undefined;
    case 'objlnk': {
      const ids = typeof value === 'string' ? /^(\d{1,5}):(\d{1,5})$/.exec(value)?.slice(1).map(Number) : undefined;
      const [objectId = MAX + 1, objectInstanceId = MAX + 1] = ids ?? [];
      return objectId <= MAX && objectInstanceId <= MAX ? { type, value: { objectId, objectInstanceId } } : undefined;
    }
    default:
      return undefined;
  }
}

const MAX = 65_535;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const isJsonNumber = (value: number): boolean => Number.isFinite(value) && !Object.is(value, -0);
const floatText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));
const FLOAT_TEXTS: ReadonlyMap<string, number> = new Map([NaN, Infinity, -Infinity, -0].map((each) => [floatText(each), each])); // prettier-ignore

const base64 = (value: Uint8Array): string =>
  Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64');
// A plain array: a Buffer has `read` and `write` methods, as a handler of a Resource has.
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));
