/**
 * Options are ascending by number in every message. RFC 7252 §3.1.
 */
import type { Option } from '../message.ts';

/** A new list with the option in its place, after those of the same number. */
export function withOption(options: readonly Option[], added: Option): Option[] {
  const merged: Option[] = [];
  let at = 0;
  while (at < options.length && options[at]!.number <= added.number) merged.push(options[at++]!);
  merged.push(added);
  while (at < options.length) merged.push(options[at++]!);
  return merged;
}

/** A new list without the options of these numbers; the same list when there are none. */
export function withoutOptions(options: readonly Option[], numbers: readonly number[]): readonly Option[] {
  return options.some(({ number }) => numbers.includes(number))
    ? options.filter(({ number }) => !numbers.includes(number))
    : options;
}
