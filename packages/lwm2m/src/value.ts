/**
 * A value is a union by LwM2M data type. Integer, Unsigned and Time are `number` when safe, else `bigint`, so 64 bits
 * survive exactly. Time is in seconds since 1970. Opaque bytes are the holder's own copy.
 */
import { UsageError } from '@lapwing/coap';

export type DataType =
  'string' | 'integer' | 'unsigned' | 'float' | 'boolean' | 'opaque' | 'time' | 'objlnk' | 'corelnk' | 'none';

export interface ObjectLink {
  /** 65535:65535 is the null link. */
  readonly objectId: number;
  readonly objectInstanceId: number;
}

export type Value =
  | { readonly type: 'string' | 'corelnk'; readonly value: string }
  | { readonly type: 'integer' | 'unsigned' | 'time'; readonly value: number | bigint }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'opaque'; readonly value: Uint8Array }
  | { readonly type: 'objlnk'; readonly value: ObjectLink }
  /** A Resource without a value: executable, or CBOR null. */
  | { readonly type: 'none'; readonly value: null };

export const stringValue = (text: string): Value => ({ type: 'string', value: text });
export const corelnkValue = (links: string): Value => ({ type: 'corelnk', value: links });
/** @throws UsageError unless it is an integer from -2^63 to 2^63-1. */
export const integerValue = (value: number | bigint): Value => ({ type: 'integer', value: exact('integer', value) });
/** @throws UsageError unless it is an integer from 0 to 2^64-1. */
export const unsignedValue = (value: number | bigint): Value => ({ type: 'unsigned', value: exact('unsigned', value) });
/** @param seconds  since 1970. @throws UsageError unless it is an integer of 64 bits. */
export const timeValue = (seconds: number | bigint): Value => ({ type: 'time', value: exact('time', seconds) });
export const floatValue = (value: number): Value => ({ type: 'float', value });
export const booleanValue = (value: boolean): Value => ({ type: 'boolean', value });
/** @param bytes  kept, not copied. */
export const opaqueValue = (bytes: Uint8Array): Value => ({ type: 'opaque', value: bytes });
/** @throws UsageError unless both are integers from 0 to 65535. */
export function objlnkValue(objectId: number, objectInstanceId: number): Value {
  if (!isId(objectId) || !isId(objectInstanceId)) {
    throw new UsageError(`an Object link has two integers from 0 to 65535, not ${objectId}:${objectInstanceId}`);
  }
  return { type: 'objlnk', value: { objectId, objectInstanceId } };
}
export const NO_VALUE: Value = Object.freeze({ type: 'none', value: null });

/** The bounds of the 64-bit types; a Time is an Integer. OMA TS, data types. */
const BOUNDS: Readonly<Record<IntegerType, { readonly lowest: bigint; readonly highest: bigint }>> = {
  integer: { lowest: -(2n ** 63n), highest: 2n ** 63n - 1n },
  unsigned: { lowest: 0n, highest: 2n ** 64n - 1n },
  time: { lowest: -(2n ** 63n), highest: 2n ** 63n - 1n },
};
type IntegerType = 'integer' | 'unsigned' | 'time';

/**
 * The one form an integer has in a Value: `number` when safe, else `bigint`. Undefined when it is a fraction, NaN or
 * outside the type's 64 bits.
 */
export function canonicalInteger(type: IntegerType, value: number | bigint): number | bigint | undefined {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return type === 'unsigned' && value < 0 ? undefined : withoutNegativeZero(value);
    if (!Number.isInteger(value)) return undefined;
    value = BigInt(value);
  }
  const { lowest, highest } = BOUNDS[type];
  if (value < lowest || value > highest) return undefined;
  const asNumber = Number(value);
  return Number.isSafeInteger(asNumber) ? asNumber : value;
}

const withoutNegativeZero = (value: number): number => value + 0;

function exact(type: IntegerType, value: number | bigint): number | bigint {
  const canonical = canonicalInteger(type, value);
  if (canonical !== undefined) return canonical;
  throw new UsageError(`${value} is no ${type} of 64 bits`);
}

const isId = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 65535;

/** Same type and same value: bytes compared one by one, NaN equal to itself, 5 equal to 5n. */
export function valueEquals(a: Value, b: Value): boolean {
  if (a.type !== b.type) return false;
  if (a.type === 'opaque' && b.type === 'opaque') return sameBytes(a.value, b.value);
  if (a.type === 'objlnk' && b.type === 'objlnk') {
    return a.value.objectId === b.value.objectId && a.value.objectInstanceId === b.value.objectInstanceId;
  }
  if (a.type === 'float') return a.value === b.value || (Number.isNaN(a.value) && Number.isNaN(b.value));
  if (typeof a.value === 'bigint' || typeof b.value === 'bigint') return sameInteger(a.value, b.value);
  return a.value === b.value;
}

/** Also where one side holds a small number as a bigint. */
const sameInteger = (a: unknown, b: unknown): boolean => String(a) === String(b);

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
