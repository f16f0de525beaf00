/**
 * How entries become SenML records: the base name, what is left of each name, and base time and time. Shared by JSON and
 * CBOR. OMA TS Core 1.2 §7.5.6 recommends the request's path as base name; at the root names stand in full.
 */
import { malformed } from '../../malformed.ts';
import type { Malformed } from '../../malformed.ts';
import type { NodeEntry } from '../../node.ts';
import { formatPath, isWithin, pathDepth } from '../../path.ts';
import type { Path } from '../../path.ts';
import type { EncodeContext } from '../format.ts';
import { withoutEndSlash } from '../node-name.ts';
import { misfit } from '../wire-value.ts';
import type { SenmlPackKind } from './senml-record.ts';

export class SenmlLayout {
  /** Empty when names stand in full. */
  readonly baseName: string;
  /** Set by `timeOf` for the record at hand. */
  newBaseTime: number | undefined;
  time: number | undefined;
  readonly #prefix: string;
  readonly #depth: number;
  readonly #separator: string;
  #baseTime = 0;

  constructor(entries: readonly NodeEntry[], context: EncodeContext) {
    const base = context.path;
    this.#prefix = withoutEndSlash(context.alternatePath ?? '');
    if (base.kind === 'root' || !entries.every((entry) => isWithin(entry.path, base))) {
      this.baseName = '';
      this.#depth = 0;
      this.#separator = '/';
      return;
    }
    this.#depth = pathDepth(base);
    const namesItself = entries.some((entry) => entry.path.kind === base.kind);
    this.#separator = namesItself ? '/' : '';
    this.baseName = this.#prefix + formatPath(base) + (namesItself ? '' : '/');
  }

  /** What follows the base name; empty for the base itself. */
  nameOf(path: Path): string {
    switch (this.#depth) {
      case 0:
        return this.#prefix + formatPath(path);
      case 1:
        if (path.kind === 'objectInstance') return `${this.#separator}${path.objectInstanceId}`;
        if (path.kind === 'resource') return `${this.#separator}${path.objectInstanceId}/${path.resourceId}`;
        if (path.kind === 'resourceInstance') {
          return `${this.#separator}${path.objectInstanceId}/${path.resourceId}/${path.resourceInstanceId}`;
        }
        return '';
      case 2:
        if (path.kind === 'resource') return `${this.#separator}${path.resourceId}`;
        if (path.kind === 'resourceInstance') return `${this.#separator}${path.resourceId}/${path.resourceInstanceId}`;
        return '';
      default:
        return path.kind === 'resourceInstance' && this.#depth === 3
          ? `${this.#separator}${path.resourceInstanceId}`
          : '';
    }
  }

  /** Sets `newBaseTime` and `time` so that their sum, as a reader builds it, is the timestamp exactly. */
  timeOf(timestamp: number | undefined): void {
    this.newBaseTime = undefined;
    this.time = undefined;
    const wanted = timestamp ?? 0;
    if (wanted === this.#baseTime) return;
    const difference = wanted - this.#baseTime;
    if (this.#baseTime !== 0 && this.#baseTime + difference === wanted) this.time = difference;
    else {
      this.newBaseTime = wanted;
      this.#baseTime = wanted;
    }
  }
}

/** A path as a record names it without base name. */
export const fullName = (path: Path, context: EncodeContext): string =>
  withoutEndSlash(context.alternatePath ?? '') + formatPath(path);

/**
 * The entries that become records. SenML has no record for a multiple-instance Resource without instances, nor for what
 * the request's path names itself: both are told by there being nothing.
 */
export const recordedEntries = (entries: readonly NodeEntry[], context: EncodeContext): readonly NodeEntry[] =>
  entries.some((entry) => entry.kind === 'empty')
    ? entries.filter((entry) => entry.kind !== 'empty' || isRecorded(entry.path, context.path))
    : entries;

const isRecorded = (path: Path, base: Path): boolean => path.kind !== 'resource' && path.kind !== base.kind;

/** Why an entry cannot be a record of such a pack; undefined when it can. */
export function cannotRecord(entry: NodeEntry, kind: SenmlPackKind): Malformed | undefined {
  const path = (): string => formatPath(entry.path);
  if (entry.kind === 'remove' && kind !== 'patch') return malformed(`${path()}: only SenML-ETCH can remove a node`);
  if (entry.kind !== 'value') return undefined;
  if (entry.value.type === 'none') return malformed(`${path()}: SenML has no record for a Resource without a value`);
  if (entry.timestamp !== undefined && !Number.isFinite(entry.timestamp)) {
    return malformed(`${path()}: ${entry.timestamp} is no time`);
  }
  return misfit(entry.path, entry.value);
}
