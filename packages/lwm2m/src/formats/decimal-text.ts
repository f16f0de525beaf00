/**
 * Numbers and Object Links as text: the grammar of plain text values, OMA TS Core 1.2 §7.5.1 and Appendix C. Floats are
 * written without exponent, in the fewest digits that read back as the same number.
 */
import type { ObjectLink } from '../value.ts';

/** 20 digits hold 2^64 - 1. */
const INTEGER = /^-?[0-9]{1,20}$/;
const FLOAT = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const OBJECT_LINK = /^([0-9]{1,5}):([0-9]{1,5})$/;
/** How one example of the specification prints the null link; some peers copied it. */
const NULL_LINK_IN_HEXADECIMAL = /^ffff:ffff$/i;
const MAX_ID = 65535;

/** A bigint only beyond the safe integers. */
export function parseDecimalInteger(text: string): number | bigint | undefined {
  if (!INTEGER.test(text)) return undefined;
  return text.length <= 15 ? Number(text) + 0 : narrow(BigInt(text));
}

/** The same number, as a bigint only when a number could not hold it exactly. */
export const narrow = (value: bigint): number | bigint =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;

/** Undefined for anything that is no finite decimal number. */
export function parseDecimalFloat(text: string): number | undefined {
  if (!FLOAT.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** Digits and a point only: 6.667e-11 is "0.00000000006667". The value must be finite. */
export function formatDecimalFloat(value: number): string {
  const text = Object.is(value, -0) ? '-0' : String(value);
  const mark = text.indexOf('e');
  if (mark < 0) return text;
  const exponent = Number(text.slice(mark + 1));
  const sign = text.startsWith('-') ? '-' : '';
  const mantissa = text.slice(sign.length, mark);
  const point = mantissa.indexOf('.');
  const whole = point < 0 ? mantissa : mantissa.slice(0, point);
  const digits = point < 0 ? mantissa : whole + mantissa.slice(point + 1);
  const places = whole.length + exponent;
  if (places <= 0) return `${sign}0.${'0'.repeat(-places)}${digits}`;
  return (
    sign + (places >= digits.length ? digits.padEnd(places, '0') : `${digits.slice(0, places)}.${digits.slice(places)}`)
  );
}

/** "66:0"; "65535:65535", and "FFFF:FFFF" for tolerance, are the null link. */
export function parseObjectLink(text: string): ObjectLink | undefined {
  const match = OBJECT_LINK.exec(text);
  if (match === null) {
    return NULL_LINK_IN_HEXADECIMAL.test(text) ? { objectId: MAX_ID, objectInstanceId: MAX_ID } : undefined;
  }
  const objectId = Number(match[1]);
  const objectInstanceId = Number(match[2]);
  return objectId <= MAX_ID && objectInstanceId <= MAX_ID ? { objectId, objectInstanceId } : undefined;
}

export const formatObjectLink = (link: ObjectLink): string => `${link.objectId}:${link.objectInstanceId}`;
