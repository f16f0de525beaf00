/**
 * Whether a value is one the Object's definition allows. Definitions word their ranges freely; what is clear is checked:
 * ranges ("0-100", "-20..50", "[1:4]"), lists of numbers and ranges ("0..247, 255", "16-32-48 bytes") and enumerations
 * ("0: disabled 1: normal"). For numbers the value counts, for String, Corelnk and Opaque the length in bytes. A lone
 * number ("64", "6 bytes") may be meant as a bound or as the size, so it is not checked, nor is prose.
 */
import { malformed } from './malformed.ts';
import type { Malformed } from './malformed.ts';
import type { ResourceDefinition } from './object-model/definition.ts';
import type { Value } from './value.ts';

/** Why the definition forbids this value, or undefined when it does not. A value of another type than defined is not judged. */
export function checkRange(definition: ResourceDefinition, value: Value): Malformed | undefined {
  if (definition.range === '' || value.type !== definition.type) return undefined;
  const measured = measure(value);
  if (measured === undefined) return undefined;
  const spans = parseRange(definition.range);
  if (spans === undefined || spans.some(({ lowest, highest }) => measured >= lowest && measured <= highest)) {
    return undefined;
  }
  const what =
    typeof value.value === 'number' || typeof value.value === 'bigint' ? String(measured) : `${measured} bytes`;
  return malformed(`${definition.name} allows ${definition.range}, not ${what}`);
}

function measure(value: Value): number | bigint | undefined {
  switch (value.type) {
    case 'integer':
    case 'unsigned':
    case 'float':
      return value.value;
    case 'string':
    case 'corelnk':
      return utf8Length(value.value);
    case 'opaque':
      return value.value.length;
    default:
      return undefined;
  }
}

const utf8 = new TextEncoder();
const utf8Length = (text: string): number => utf8.encode(text).length;

interface Span {
  readonly lowest: number | bigint;
  readonly highest: number | bigint;
}

const NUMBER = String.raw`[+-]?\d+(?:\.\d+)?`;
const SPAN = new RegExp(String.raw`^(${NUMBER})\s*(?:-|\.{2,3}|:|to)\s*(${NUMBER})$`);
const SINGLE = new RegExp(`^${NUMBER}$`);
const LABELLED = /(?:^|[\s,;])(-?\d+)\s*[:=]\s*[A-Za-z_]/g;

/** The spans that are allowed; undefined when the wording is not understood. */
function parseRange(text: string): readonly Span[] | undefined {
  const plain = text
    .trim()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\s*bytes?$/i, '');
  // "16-32-48": three or more lengths joined by hyphens are a list.
  const parts = /^\d+(-\d+){2,}$/.test(plain) ? plain.split('-') : plain.split(/\s*[,;]\s*|\s+or\s+/);
  const spans: Span[] = [];
  for (const part of parts) {
    const span = SPAN.exec(part);
    const [one, other] = span === null ? [part, part] : [span[1] as string, span[2] as string];
    if (span === null && !SINGLE.test(part)) return parseEnumeration(text);
    const [a, b] = [bound(one), bound(other)];
    spans.push(a <= b ? { lowest: a, highest: b } : { lowest: b, highest: a });
  }
  const lone = spans.length === 1 && spans[0]?.lowest === spans[0]?.highest;
  return lone ? undefined : spans;
}

/** "0: disabled 1: normal": at least two numbers with a label each. */
function parseEnumeration(text: string): readonly Span[] | undefined {
  const numbers = [...text.matchAll(LABELLED)].map((match) => Number(match[1]));
  return numbers.length < 2 ? undefined : numbers.map((number) => ({ lowest: number, highest: number }));
}

/** Integers stay exact beyond 2^53. */
const bound = (text: string): number | bigint => {
  const number = Number(text);
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? BigInt(text) : number;
};
