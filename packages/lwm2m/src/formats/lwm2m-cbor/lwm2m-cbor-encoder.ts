/**
 * Entries to LwM2M CBOR (Content-Format 11544), OMA TS Core 1.2.1 §7.5.4. Keys are absolute and ascend. At the top a key
 * holds as many ids as all its values share, as the examples of the specification do; below it each level is a map.
 * Timestamps are left out: the format has no place for them.
 */
import type { Malformed } from '../../malformed.ts';
import type { NodeEntry } from '../../node.ts';
import { pathDepth } from '../../path.ts';
import type { Path, ResourceInstancePath } from '../../path.ts';
import { writeCborValue } from '../cbor-format.ts';
import { CborWriter } from '../cbor/cbor-writer.ts';
import type { EncodeEntries } from '../format.ts';
import { orderedEntries } from '../path-order.ts';
import { misfit } from '../wire-value.ts';

export const encodeLwm2mCbor: EncodeEntries = (entries, context) => {
  const ordered = orderedEntries(entries, context.path, 'LwM2M CBOR');
  if ('malformed' in ordered) return ordered;
  return new Lwm2mCborEncoding(ordered).encode();
};

class Lwm2mCborEncoding {
  readonly #entries: readonly NodeEntry[];
  readonly #writer: CborWriter;

  constructor(entries: readonly NodeEntry[]) {
    this.#entries = entries;
    this.#writer = new CborWriter();
  }

  encode(): Uint8Array | Malformed {
    for (const entry of this.#entries) {
      const wrong = entry.kind === 'value' ? misfit(entry.path, entry.value) : undefined;
      if (wrong !== undefined) return wrong;
    }
    this.#writeMap(0, this.#entries.length, 0);
    return this.#writer.finish();
  }

  /** The map of the entries from `from` up to, not including, `to`, which share the ids of the levels above. */
  #writeMap(from: number, to: number, level: number): void {
    this.#writer.map(this.#groups(from, to, level));
    for (let start = from; start < to;) {
      const end = this.#groupEnd(start, to, level);
      const below = level === 0 ? this.#sharedLevels(start, end) : level + 1;
      this.#writeKey(start, level, below);
      const entry = this.#entries[start] as NodeEntry;
      if (pathDepth(entry.path) > below) this.#writeMap(start, end, below);
      else this.#writeLeaf(entry);
      start = end;
    }
  }

  #writeKey(at: number, level: number, below: number): void {
    if (below > level + 1) this.#writer.array(below - level);
    for (let next = level; next < below; next++) this.#writer.integer(this.#idAt(at, next));
  }

  #writeLeaf(entry: NodeEntry): void {
    if (entry.kind === 'value') writeCborValue(this.#writer, entry.value);
    else if (entry.kind === 'remove') this.#writer.null();
    else this.#writer.map(0);
  }

  #groups(from: number, to: number, level: number): number {
    let groups = 0;
    for (let start = from; start < to; start = this.#groupEnd(start, to, level)) groups++;
    return groups;
  }

  /** The first entry after `start` with another id at this level. */
  #groupEnd(start: number, to: number, level: number): number {
    const id = this.#idAt(start, level);
    let end = start + 1;
    while (end < to && this.#idAt(end, level) === id) end++;
    return end;
  }

  /** Entries are in order, so what the first and the last share all share. */
  #sharedLevels(start: number, end: number): number {
    const depth = pathDepth((this.#entries[start] as NodeEntry).path);
    let shared = 1;
    while (shared < depth && this.#idAt(start, shared) === this.#idAt(end - 1, shared)) shared++;
    return shared;
  }

  #idAt(at: number, level: number): number {
    return idAtLevel((this.#entries[at] as NodeEntry).path, level);
  }
}

function idAtLevel(path: Path, level: number): number {
  const ids = path as ResourceInstancePath;
  switch (level) {
    case 0:
      return ids.objectId;
    case 1:
      return ids.objectInstanceId;
    case 2:
      return ids.resourceId;
    default:
      return ids.resourceInstanceId;
  }
}
