/** What plain text, opaque and CBOR share: their payload is exactly one value, of the Resource the request names. */
import { malformed } from '../malformed.ts';
import type { Malformed } from '../malformed.ts';
import type { NodeEntry } from '../node.ts';
import { formatPath } from '../path.ts';
import type { Path, ResourceInstancePath, ResourcePath } from '../path.ts';
import type { Value } from '../value.ts';
import { holdsOneValue } from './entry-path.ts';

/** The path the one value belongs to. */
export const valuePath = (path: Path, format: string): ResourcePath | ResourceInstancePath | Malformed =>
  holdsOneValue(path) ? path : malformed(`${formatPath(path)}: ${format} carries one value, of a Resource`);

/** The one value to write. */
export function singleValueEntry(entries: readonly NodeEntry[], path: Path, format: string): Value | Malformed {
  const entry = entries[0];
  if (entries.length === 1 && entry?.kind === 'value') return entry.value;
  return malformed(`${formatPath(path)}: ${format} carries exactly one value, not ${entries.length} entries`);
}
