/** Entries in the order of their paths, for formats that nest them: what belongs together must stand together. */
import { malformed } from '../malformed.ts';
import type { Malformed } from '../malformed.ts';
import type { NodeEntry } from '../node.ts';
import { comparePaths, formatPath, isWithin } from '../path.ts';
import type { Path } from '../path.ts';

/**
 * The same entries, ids ascending and the upper level first. Malformed when one is not at or below `base`, when a path
 * stands twice (a tree holds one value per path, so not a history), or when something stands below a value.
 */
export function orderedEntries(
  entries: readonly NodeEntry[],
  base: Path,
  format: string,
): readonly NodeEntry[] | Malformed {
  let ordered = entries;
  for (let at = 1; at < entries.length; at++) {
    if (comparePaths((entries[at - 1] as NodeEntry).path, (entries[at] as NodeEntry).path) > 0) {
      ordered = [...entries].sort((a, b) => comparePaths(a.path, b.path));
      break;
    }
  }
  for (let at = 0; at < ordered.length; at++) {
    const { path } = ordered[at] as NodeEntry;
    if (!isWithin(path, base)) return malformed(`${formatPath(path)} is not below ${formatPath(base)}`);
    const before = ordered[at - 1];
    if (before !== undefined && isWithin(path, before.path)) {
      const twice = before.path.kind === path.kind;
      return malformed(
        twice
          ? `${formatPath(path)}: ${format} carries one value for a path, not two`
          : `${formatPath(path)} is below ${formatPath(before.path)}, which is given as a whole`,
      );
    }
  }
  return ordered;
}
