/**
 * SenML records as LwM2M uses them, whatever bytes they came in: RFC 8428 §4, OMA TS Core 1.2 §7.5.6, and the patch packs
 * of SenML-ETCH, RFC 8790 §3.2.
 *
 * Base fields hold for their record and those after it. Sums, units and update times are not used by LwM2M and passed
 * over, like every field nobody knows; a field whose name ends in `_` must be understood and therefore refuses the pack,
 * like a version above 10.
 */
import { malformed } from '../../malformed.ts';
import type { Malformed } from '../../malformed.ts';
import type { NodeEntry } from '../../node.ts';
import { comparePaths, formatPath } from '../../path.ts';
import type { Path } from '../../path.ts';
import { narrow } from '../decimal-text.ts';
import { holdsOneValue } from '../entry-path.ts';
import { entryTime } from '../entry-time.ts';
import type { DecodeContext } from '../format.ts';
import { maxEntriesOf, tooManyEntries } from '../limits.ts';
import { NodeNames } from '../node-name.ts';
import { ResourceTypes } from '../resource-types.ts';
import { typedValue } from '../wire-value.ts';
import type { WireKind, WireValue } from '../wire-value.ts';

/** The fields and their labels in CBOR. RFC 8428 §12.2; "vlo" (OMA TS Core §7.5.6) is a text in CBOR too. */
export const SENML_LABELS = {
  bver: -1,
  bn: -2,
  bt: -3,
  bu: -4,
  bv: -5,
  bs: -6,
  n: 0,
  u: 1,
  v: 2,
  vs: 3,
  vb: 4,
  s: 5,
  t: 6,
  ut: 7,
  vd: 8,
  vlo: 'vlo',
} as const;
export type SenmlField = keyof typeof SENML_LABELS;

/** RFC 8428 §4.4. */
const HIGHEST_VERSION = 10;

/** `patch`: null removes. `values`: it is a mistake. */
export type SenmlPackKind = 'values' | 'patch';

/** One record as read, to be filled anew for each. */
export class SenmlRecord {
  baseName: string | undefined;
  baseTime: number | undefined;
  baseValue: WireValue | undefined;
  version: WireValue | undefined;
  name = '';
  time: number | undefined;
  /** Which field held the value. */
  field: 'v' | 'vs' | 'vb' | 'vd' | 'vlo' | undefined;
  kind: WireKind = 'null';
  value: WireValue = null;

  clear(): void {
    this.baseName = undefined;
    this.baseTime = undefined;
    this.baseValue = undefined;
    this.version = undefined;
    this.name = '';
    this.time = undefined;
    this.field = undefined;
  }
}

/** Turns the records of one pack, in their order, into entries. */
export class SenmlPack {
  readonly entries: NodeEntry[] = [];
  readonly #kind: SenmlPackKind;
  readonly #now: number | undefined;
  readonly #maxEntries: number;
  readonly #names: NodeNames;
  readonly #types: ResourceTypes;
  #baseName = '';
  #baseTime = 0;
  #baseValue: number | bigint = 0;
  /** The last path without a time, and all of them once they do not ascend: two such values contradict each other. */
  #lastUntimed: Path | undefined;
  #untimed: Set<string> | undefined;

  constructor(context: DecodeContext, kind: SenmlPackKind) {
    this.#kind = kind;
    this.#now = context.now;
    this.#maxEntries = maxEntriesOf(context);
    this.#names = new NodeNames(context);
    this.#types = new ResourceTypes(context);
  }

  add(record: SenmlRecord): Malformed | undefined {
    const refused = this.#takeBase(record);
    if (refused !== undefined) return refused;
    if (this.entries.length >= this.#maxEntries) return tooManyEntries(this.#maxEntries);
    const path = this.#names.path(this.#baseName === '' ? record.name : this.#baseName + record.name);
    if ('malformed' in path) return path;
    if (record.field === undefined) return this.#addEmpty(path);
    if (!holdsOneValue(path)) return malformed(`${formatPath(path)}: a value where there is no Resource`);
    if (record.kind === 'null' && this.#kind === 'patch') {
      this.entries.push({ kind: 'remove', path });
      return undefined;
    }
    const wire = record.field === 'v' && this.#baseValue !== 0 ? plus(record.value, this.#baseValue) : record.value;
    const value = typedValue(path, this.#types.type(path.objectId, path.resourceId), record.kind, wire);
    if ('malformed' in value) return value;
    const timestamp = entryTime(this.#baseTime + (record.time ?? 0), this.#now);
    if (timestamp !== undefined) {
      this.entries.push({ kind: 'value', path, value, timestamp });
      return undefined;
    }
    if (!this.#isNew(path)) return malformed(`${formatPath(path)}: two values without a time between them`);
    this.entries.push({ kind: 'value', path, value });
    return undefined;
  }

  #takeBase(record: SenmlRecord): Malformed | undefined {
    const { version, baseValue } = record;
    if (record.baseName !== undefined) this.#baseName = record.baseName;
    if (record.baseTime !== undefined) this.#baseTime = record.baseTime;
    if (baseValue !== undefined) {
      if (typeof baseValue !== 'number' && typeof baseValue !== 'bigint') return malformed('bv is no number');
      this.#baseValue = baseValue;
    }
    if (version !== undefined && !(typeof version === 'number' && version >= 0 && version <= HIGHEST_VERSION)) {
      return malformed(`SenML of version ${String(version)}; this reads up to ${HIGHEST_VERSION}`);
    }
    return undefined;
  }

  /** A record with nothing but a name says that the node exists. */
  #addEmpty(path: Path): Malformed | undefined {
    if (path.kind !== 'object' && path.kind !== 'objectInstance') return malformed(`${formatPath(path)}: no value`);
    this.entries.push({ kind: 'empty', path });
    return undefined;
  }

  #isNew(path: Path): boolean {
    const last = this.#lastUntimed;
    if (this.#untimed === undefined) {
      if (last === undefined || comparePaths(last, path) < 0) {
        this.#lastUntimed = path;
        return true;
      }
      this.#untimed = new Set();
      for (const entry of this.entries) {
        if (entry.kind === 'value' && entry.timestamp === undefined) this.#untimed.add(formatPath(entry.path));
      }
    }
    const before = this.#untimed.size;
    return this.#untimed.add(formatPath(path)).size > before;
  }
}

/** Exact for two integers. */
function plus(value: WireValue, base: number | bigint): WireValue {
  if (typeof value === 'bigint' || typeof base === 'bigint') {
    if (isWhole(value) && isWhole(base)) return narrow(BigInt(value) + BigInt(base));
    return typeof value === 'bigint' || typeof value === 'number' ? Number(value) + Number(base) : value;
  }
  return typeof value === 'number' ? value + base : value;
}
const isWhole = (value: WireValue): value is number | bigint => typeof value === 'bigint' || Number.isInteger(value);
