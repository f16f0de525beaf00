/**
 * Typed reading and writing of options, by the names of `option-table.ts`. RFC 7252 §3.2 (formats), §5.4 (rules).
 *
 * A value that breaks its definition (length out of bounds, not UTF-8) counts as an option that is not recognised:
 * reading skips it, and `unknownCritical` finds it when it is critical. RFC 7252 §5.4.3.
 */
import { UsageError } from './errors.ts';
import type { Option } from './message.ts';
import { OPTIONS, isCritical, optionDefinition } from './option-table.ts';
import type { OptionDefinition, OptionName, OptionValue, RepeatableOptionName } from './option-table.ts';
import { decodeUtf8, encodeUtf8, isUtf8 } from './utf8.ts';

/** What `buildOptions` takes: one value per option, a list for those that may be repeated. */
export type OptionValues = {
  readonly [Name in OptionName]?:
    (Name extends RepeatableOptionName ? readonly OptionValue<Name>[] : OptionValue<Name>) | undefined;
};

/**
 * Options in ascending order from values by name, ready for a message. An undefined value or an empty list adds none.
 *
 * @throws UsageError if a value breaks the bounds of its definition.
 */
export function buildOptions(values: OptionValues): Option[] {
  const options: Option[] = [];
  for (const name in values) {
    const value = values[name as OptionName];
    if (value === undefined) continue;
    const definition = OPTIONS[name as OptionName] as OptionDefinition | undefined;
    if (definition === undefined) throw new UsageError(`no option is called ${name}`);
    if (Array.isArray(value))
      for (const each of value as readonly unknown[]) insert(options, encodeOption(definition, each));
    else insert(options, encodeOption(definition, value));
  }
  return options;
}

/** The first value of the option that obeys its definition, or undefined. */
export function readOption<Name extends OptionName>(
  options: readonly Option[],
  name: Name,
): OptionValue<Name> | undefined {
  const definition: OptionDefinition = OPTIONS[name];
  for (let index = 0; index < options.length; index++) {
    const option = options[index]!;
    if (option.number < definition.number) continue;
    if (option.number > definition.number) return undefined;
    const value = decodeOption(definition, option.value);
    if (value !== undefined) return value as OptionValue<Name>;
  }
  return undefined;
}

/** All values of the option that obey its definition, in the order of the message; empty when there is none. */
export function readOptions<Name extends RepeatableOptionName>(
  options: readonly Option[],
  name: Name,
): OptionValue<Name>[] {
  const definition: OptionDefinition = OPTIONS[name];
  const values: OptionValue<Name>[] = [];
  for (let index = 0; index < options.length; index++) {
    const option = options[index]!;
    if (option.number < definition.number) continue;
    if (option.number > definition.number) break;
    const value = decodeOption(definition, option.value);
    if (value !== undefined) values.push(value as OptionValue<Name>);
  }
  return values;
}

/** Numbers of options that a receiver understands. */
export type OptionSet = ReadonlySet<number>;

export const optionSet = (...names: readonly OptionName[]): OptionSet =>
  new Set(names.map((name) => OPTIONS[name].number));

/**
 * The number of the first critical option that the receiver must not pass over: it is not in `handled`, breaks its
 * definition, or occurs again although it is not repeatable. Undefined when there is none. A request with one is
 * answered 4.02, a response with one is rejected. RFC 7252 §5.4.1, §5.4.3, §5.4.5.
 */
export function unknownCritical(options: readonly Option[], handled: OptionSet): number | undefined {
  let previous = -1;
  for (let index = 0; index < options.length; index++) {
    const { number, value } = options[index]!;
    if (isCritical(number)) {
      if (!handled.has(number)) return number;
      const definition = optionDefinition(number);
      if (definition !== undefined) {
        if (number === previous && !definition.repeatable) return number;
        if (!obeys(definition, value)) return number;
      }
    }
    previous = number;
  }
  return undefined;
}

const withinBounds = (definition: OptionDefinition, length: number): boolean =>
  length >= definition.minLength && length <= definition.maxLength;

const obeys = (definition: OptionDefinition, value: Uint8Array): boolean =>
  withinBounds(definition, value.length) && (definition.format !== 'string' || isUtf8(value));

function decodeOption(
  definition: OptionDefinition,
  value: Uint8Array,
): number | string | true | Uint8Array | undefined {
  if (!withinBounds(definition, value.length)) return undefined;
  switch (definition.format) {
    case 'uint':
      return decodeUint(value);
    case 'string':
      return decodeUtf8(value);
    case 'opaque':
      return value;
    case 'empty':
      return true;
  }
}

function encodeOption(definition: OptionDefinition, value: unknown): Option {
  const encoded = encodeValue(definition, value);
  if (!withinBounds(definition, encoded.length)) {
    const { name, minLength, maxLength } = definition;
    throw new UsageError(`${name} has ${minLength} to ${maxLength} bytes, not ${encoded.length}`);
  }
  return { number: definition.number, value: encoded };
}

function encodeValue({ name, format }: OptionDefinition, value: unknown): Uint8Array {
  if (format === 'uint' && typeof value === 'number') return encodeUint(value);
  if (format === 'string' && typeof value === 'string') return encodeUtf8(value);
  if (format === 'opaque' && value instanceof Uint8Array) return value;
  if (format === 'empty' && value === true) return NO_BYTES;
  throw new UsageError(`${name} takes a value of format ${format}, not ${typeof value}`);
}

/** Keeps the order of equal numbers; callers mostly name options in ascending order already. */
function insert(options: Option[], option: Option): void {
  let at = options.length;
  while (at > 0 && options[at - 1]!.number > option.number) at--;
  if (at === options.length) options.push(option);
  else options.splice(at, 0, option);
}

const NO_BYTES: Uint8Array = new Uint8Array(0);
const MAX_UINT = 0xffff_ffff;

/**
 * A non-negative integer in the fewest bytes, zero in none. RFC 7252 §3.2.
 *
 * @throws UsageError unless it is an integer of at most 32 bits.
 */
export function encodeUint(value: number): Uint8Array {
  if (value === 0) return NO_BYTES;
  if (!(Number.isInteger(value) && value > 0 && value <= MAX_UINT))
    throw new UsageError(`not a 32-bit unsigned integer: ${value}`);
  const length = value < 0x100 ? 1 : value < 0x1_0000 ? 2 : value < 0x100_0000 ? 3 : 4;
  const bytes = new Uint8Array(length);
  for (let at = length - 1, rest = value; at >= 0; at--, rest >>>= 8) bytes[at] = rest & 0xff;
  return bytes;
}

/** Big-endian, leading zeros allowed, at most 4 bytes. RFC 7252 §3.2. */
export function decodeUint(value: Uint8Array): number {
  let result = 0;
  for (let index = 0; index < value.length; index++) result = result * 256 + value[index]!;
  return result;
}
