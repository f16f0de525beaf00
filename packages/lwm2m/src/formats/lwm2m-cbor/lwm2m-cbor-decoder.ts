/**
 * LwM2M CBOR (Content-Format 11544) to entries, OMA TS Core 1.2.1 §7.5.4: nested maps whose keys, an id or an array of
 * ids, joined give the path. null removes.
 *
 * Keys start at the Object ID. The 1.2.0 texts also allowed keys relative to the request's path; they are taken where
 * the payload cannot be read as absolute, or lies outside that path only when so read. Keys that start with the text
 * prefix of a device behind a Gateway are refused: an entry has no place for it.
 */
import { malformed } from '../../malformed.ts';
import type { Malformed } from '../../malformed.ts';
import type { NodeEntry } from '../../node.ts';
import { comparePaths, formatPath, isWithin, pathIds } from '../../path.ts';
import type { Path } from '../../path.ts';
import { CborMajor, CborReader } from '../cbor/cbor-reader.ts';
import { HIGHEST_ID_AT_LEVEL, objectAt, objectInstanceAt, resourceAt, resourceInstanceAt } from '../entry-path.ts';
import type { DecodeContext, DecodeEntries } from '../format.ts';
import { maxDepthOf, maxEntriesOf, tooLong, tooManyEntries } from '../limits.ts';
import { ResourceTypes } from '../resource-types.ts';
import { typedValue } from '../wire-value.ts';

export const decodeLwm2mCbor: DecodeEntries = (payload, context) => {
  const refused = tooLong(payload, context);
  if (refused !== undefined) return refused;
  const absolute = new Lwm2mCborDecoding(payload, context, []);
  const entries = absolute.entries();
  if (context.path.kind === 'root' || absolute.isNotCbor) return entries;
  const { path } = context;
  if (!('malformed' in entries) && entries.every((entry) => isWithin(entry.path, path))) return entries;
  const relative = new Lwm2mCborDecoding(payload, context, pathIds(path)).entries();
  return 'malformed' in relative ? entries : relative;
};

const MAX_LEVELS = 4;
/** A path this long names a Resource. */
const RESOURCE_LEVELS = 3;

class Lwm2mCborDecoding {
  readonly #reader: CborReader;
  readonly #types: ResourceTypes;
  readonly #maxEntries: number;
  readonly #entries: NodeEntry[] = [];
  readonly #ids: number[];
  readonly #baseLevels: number;
  #failure: Malformed | undefined;
  #last: Path | undefined;
  #seen: Set<string> | undefined;

  /** @param base  the ids that stand in front of all keys: none, or those of the request. */
  constructor(payload: Uint8Array, context: DecodeContext, base: readonly number[]) {
    this.#reader = new CborReader(payload, maxDepthOf(context));
    this.#types = new ResourceTypes(context);
    this.#maxEntries = maxEntriesOf(context);
    this.#ids = [...base];
    this.#baseLevels = base.length;
  }

  /** True once the bytes turned out not to be what CBOR or this format allows, whatever the keys are relative to. */
  get isNotCbor(): boolean {
    return this.#reader.failure !== undefined;
  }

  entries(): readonly NodeEntry[] | Malformed {
    const reader = this.#reader;
    this.#readMap(this.#baseLevels);
    if (this.#failure !== undefined) return this.#failure;
    if (!reader.ended) reader.fail('more than one item');
    return reader.failure === undefined ? this.#entries : malformed(`LwM2M CBOR: ${reader.failure}`);
  }

  #readMap(levels: number): void {
    const reader = this.#reader;
    let isEmpty = true;
    for (let left = reader.map(); this.#failure === undefined && reader.more(left); left--) {
      isEmpty = false;
      const below = this.#readKey(levels);
      if (below === undefined) return;
      if (reader.peekMajor() !== CborMajor.map) this.#readValue(below);
      else if (below < MAX_LEVELS) this.#readMap(below);
      else this.#fail(`${formatPath(this.#path(below))}: a map where a value should be`);
    }
    if (isEmpty && levels > this.#baseLevels && reader.failure === undefined) {
      const path = this.#path(levels);
      if (path.kind !== 'root' && path.kind !== 'resourceInstance') this.#push({ kind: 'empty', path });
    }
  }

  /** Returns how many levels the path has with this key; undefined on failure. */
  #readKey(levels: number): number | undefined {
    const reader = this.#reader;
    const major = reader.peekMajor();
    if (major === CborMajor.unsigned) return this.#readId(levels);
    if (major !== CborMajor.array) {
      reader.fail(major === CborMajor.negative ? 'a negative id' : 'a key that is neither an id nor an array of ids');
      return undefined;
    }
    let below: number | undefined = levels;
    for (let left = reader.array(); reader.more(left); left--) {
      below = this.#readId(below);
      if (below === undefined) return undefined;
    }
    if (below === levels) reader.fail('a key of no ids');
    return reader.failure === undefined ? below : undefined;
  }

  #readId(level: number): number | undefined {
    const reader = this.#reader;
    const isText = reader.peekMajor() === CborMajor.text;
    const id = reader.unsigned();
    if (id === undefined) {
      reader.fail(
        isText ? 'the prefix of a device behind a Gateway, which is not supported,' : 'an id that is no number',
      );
      return undefined;
    }
    if (level >= MAX_LEVELS) {
      this.#fail(`LwM2M CBOR: more than ${MAX_LEVELS} levels of ids below ${formatPath(this.#path(MAX_LEVELS))}`);
      return undefined;
    }
    if (id > (HIGHEST_ID_AT_LEVEL[level] as number)) {
      this.#fail(`LwM2M CBOR: the id ${id} is out of range`);
      return undefined;
    }
    this.#ids[level] = id;
    return level + 1;
  }

  #readValue(levels: number): void {
    const reader = this.#reader;
    const wire = reader.scalar();
    if (reader.failure !== undefined) return;
    const path = this.#path(levels);
    if (path.kind !== 'resource' && path.kind !== 'resourceInstance') {
      this.#fail(`${formatPath(path)}: a value where there is no Resource`);
      return;
    }
    if (!this.#isNew(path)) {
      this.#fail(`${formatPath(path)}: two values`);
      return;
    }
    const type = this.#types.type(path.objectId, path.resourceId);
    if (wire === null && type !== 'none') {
      this.#push({ kind: 'remove', path });
      return;
    }
    const value = typedValue(path, type, reader.kind, wire);
    if ('malformed' in value) this.#failure = value;
    else this.#push({ kind: 'value', path, value });
  }

  #path(levels: number): Path {
    const [object, objectInstance, resource, resourceInstance] = this.#ids as [number, number, number, number];
    if (levels > RESOURCE_LEVELS) return resourceInstanceAt(object, objectInstance, resource, resourceInstance);
    if (levels === RESOURCE_LEVELS) return resourceAt(object, objectInstance, resource);
    return levels === 2 ? objectInstanceAt(object, objectInstance) : objectAt(object);
  }

  /** Paths nearly always ascend, and then the last one is all there is to compare with. */
  #isNew(path: Path): boolean {
    if (this.#seen === undefined) {
      if (this.#last === undefined || comparePaths(this.#last, path) < 0) {
        this.#last = path;
        return true;
      }
      this.#seen = new Set(this.#entries.map((entry) => formatPath(entry.path)));
    }
    const before = this.#seen.size;
    return this.#seen.add(formatPath(path)).size > before;
  }

  #push(entry: NodeEntry): void {
    if (this.#entries.length >= this.#maxEntries) this.#failure = tooManyEntries(this.#maxEntries);
    else this.#entries.push(entry);
  }

  #fail(reason: string): void {
    this.#failure ??= malformed(reason);
  }
}
