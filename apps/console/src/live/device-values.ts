/**
 * The values of one device as the console last saw them, by Resource: what was read, notified or sent, with its age and,
 * for numbers, its history. Snapshots are replaced and never changed, so that React can compare them.
 */
import { isWithin, parseNodePath } from '../api/node-path.ts';
import type { DataType, Entry, JsonValue } from '../api/shapes.ts';

export type Source = 'read' | 'notification' | 'send';

export interface SeenValue {
  readonly type: DataType;
  readonly value: JsonValue;
  /** ms since 1970: when the device measured it if it said so, else when it arrived. */
  readonly at: number;
  readonly source: Source;
}

export type ResourceSnapshot =
  | { readonly kind: 'single'; readonly seen: SeenValue }
  | { readonly kind: 'multiple'; readonly instances: ReadonlyMap<number, SeenValue> };

/** Parallel arrays, as uPlot wants them; times in seconds since 1970, ascending. */
export interface Series {
  readonly times: readonly number[];
  readonly values: readonly number[];
}

/** What is known about which Resources an Object Instance has. */
export interface Presence {
  /** Every Resource, from a Discover. */
  readonly discovered?: ReadonlySet<number>;
  /** The readable ones, from a Read of the Object Instance or the Object. */
  readonly readable?: ReadonlySet<number>;
}

/** Points kept for each Resource (Instance). */
export const SERIES_LIMIT = 600;

const EMPTY_SERIES: Series = { times: [], values: [] };

export class DeviceValues {
  readonly #resources = new Map<string, ResourceSnapshot>();
  readonly #series = new Map<string, Series>();
  readonly #presence = new Map<string, Presence>();
  readonly #attributes = new Map<string, Readonly<Record<string, string>>>();
  readonly #listeners = new Map<string, Set<() => void>>();

  resource(path: string): ResourceSnapshot | undefined {
    return this.#resources.get(path);
  }
  /** `path` of a Resource or a Resource Instance. */
  series(path: string): Series {
    return this.#series.get(path) ?? EMPTY_SERIES;
  }
  presence(objectInstancePath: string): Presence | undefined {
    return this.#presence.get(objectInstancePath);
  }
  attributes(path: string): Readonly<Record<string, string>> | undefined {
    return this.#attributes.get(path);
  }

  /** Resource IDs below an Object Instance that hold a value. */
  resourceIdsBelow(objectInstancePath: string): readonly number[] {
    const prefix = `${objectInstancePath}/`;
    return [...this.#resources.keys()]
      .filter((path) => path.startsWith(prefix))
      .map((path) => Number(path.slice(prefix.length)));
  }

  /** `path` of a Resource, or of an Object Instance for changes of its presence. Answers how to stop. */
  listen(path: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(path) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(path, listeners);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(path) === listeners) this.#listeners.delete(path);
    };
  }

  /**
   * Take in what arrived.
   *
   * @param scope  the path that was read or observed: `entries` are all there is below it. Undefined for a Send.
   * @param receivedAt  ms since 1970.
   */
  take(scope: string | undefined, entries: readonly Entry[], receivedAt: number, source: Source): void {
    const changed = new Set<string>();
    for (const [resourcePath, below] of byResource(entries)) {
      const before = this.#resources.get(resourcePath);
      const after = merge(before, resourcePath, below, receivedAt, source, covers(scope, resourcePath));
      if (after === undefined) continue;
      this.#resources.set(resourcePath, after);
      changed.add(resourcePath);
      for (const entry of below) this.#extend(entry, receivedAt);
    }
    if (scope !== undefined && source === 'read') this.#notePresence(scope, entries, changed);
    for (const path of changed) this.#tell(path);
  }

  /** Take in the answer to a Discover of `scope`. */
  takeDiscovered(
    scope: string,
    nodes: readonly { readonly path: string; readonly attributes: Readonly<Record<string, string>> }[],
  ): void {
    const byInstance = new Map<string, Set<number>>();
    const changed = new Set<string>();
    for (const { path, attributes } of nodes) {
      const parsed = parseNodePath(path);
      if (parsed === undefined) continue;
      this.#attributes.set(path, attributes);
      changed.add(path);
      const { objectId, objectInstanceId, resourceId } = parsed;
      if (objectInstanceId === undefined) continue;
      const instancePath = `/${objectId}/${objectInstanceId}`;
      const resources = byInstance.get(instancePath) ?? new Set();
      if (resourceId !== undefined) resources.add(resourceId);
      byInstance.set(instancePath, resources);
    }
    for (const [instancePath, discovered] of byInstance) {
      // The Discover of one Resource says nothing about its siblings.
      if (!isWithin(instancePath, scope) || discovered.size === 0) continue;
      this.#presence.set(instancePath, { ...this.#presence.get(instancePath), discovered });
      changed.add(instancePath);
    }
    for (const path of changed) this.#tell(path);
  }

  /** Forget everything below `path`, which was deleted. */
  forget(path: string): void {
    const stores = [this.#resources, this.#series, this.#presence, this.#attributes];
    const gone = new Set<string>();
    for (const store of stores) {
      for (const key of store.keys()) {
        if (!isWithin(key, path)) continue;
        store.delete(key);
        gone.add(key);
      }
    }
    const [, objectId, objectInstanceId, resourceId, resourceInstanceId] = path.split('/');
    if (resourceInstanceId !== undefined) {
      const resourcePath = `/${objectId}/${objectInstanceId}/${resourceId}`;
      const snapshot = this.#resources.get(resourcePath);
      if (snapshot?.kind === 'multiple') {
        const instances = new Map(snapshot.instances);
        instances.delete(Number(resourceInstanceId));
        this.#resources.set(resourcePath, { kind: 'multiple', instances });
        gone.add(resourcePath);
      }
    }
    for (const key of gone) this.#tell(key);
  }

  #tell(path: string): void {
    for (const listener of this.#listeners.get(path) ?? []) listener();
  }

  #extend(entry: Entry, receivedAt: number): void {
    if (typeof entry.value !== 'number' || !Number.isFinite(entry.value)) return;
    if (entry.type !== 'float' && entry.type !== 'integer' && entry.type !== 'unsigned') return;
    this.#series.set(entry.path, extend(this.series(entry.path), momentOf(entry, receivedAt) / 1000, entry.value));
  }

  #notePresence(scope: string, entries: readonly Entry[], changed: Set<string>): void {
    const byInstance = new Map<string, Set<number>>();
    if (scope.split('/').length === 3) byInstance.set(scope, new Set());
    else if (scope.split('/').length > 3) return;
    for (const { path } of entries) {
      const { objectId, objectInstanceId, resourceId } = parseNodePath(path) ?? {};
      if (objectInstanceId === undefined) continue;
      const instancePath = `/${objectId}/${objectInstanceId}`;
      const resources = byInstance.get(instancePath) ?? new Set();
      if (resourceId !== undefined) resources.add(resourceId);
      byInstance.set(instancePath, resources);
    }
    for (const [instancePath, readable] of byInstance) {
      this.#presence.set(instancePath, { ...this.#presence.get(instancePath), readable });
      changed.add(instancePath);
      // What the device no longer has must not linger as if it were current.
      for (const resourceId of this.resourceIdsBelow(instancePath)) {
        if (readable.has(resourceId)) continue;
        const path = `${instancePath}/${resourceId}`;
        this.#resources.delete(path);
        changed.add(path);
      }
    }
  }
}

/** A series with one more point, in the order of time; a point of the same time replaces the older one. */
export const extend = (series: Series, time: number, value: number): Series => {
  const times = [...series.times];
  const values = [...series.values];
  let index = times.length;
  while (index > 0 && times[index - 1]! > time) index--;
  if (index > 0 && times[index - 1] === time) {
    values[index - 1] = value;
  } else {
    times.splice(index, 0, time);
    values.splice(index, 0, value);
  }
  const surplus = Math.max(0, times.length - SERIES_LIMIT);
  return { times: times.slice(surplus), values: values.slice(surplus) };
};

const momentOf = (entry: Entry, receivedAt: number): number => {
  const measured = entry.timestamp === undefined ? Number.NaN : Date.parse(entry.timestamp);
  return Number.isNaN(measured) ? receivedAt : measured;
};

const byResource = (entries: readonly Entry[]): ReadonlyMap<string, readonly Entry[]> => {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const { objectId, objectInstanceId, resourceId } = parseNodePath(entry.path) ?? {};
    if (resourceId === undefined) continue;
    const path = `/${objectId}/${objectInstanceId}/${resourceId}`;
    const group = groups.get(path);
    if (group === undefined) groups.set(path, [entry]);
    else group.push(entry);
  }
  return groups;
};

const covers = (scope: string | undefined, resourcePath: string): boolean =>
  scope !== undefined && isWithin(resourcePath, scope);

const merge = (
  before: ResourceSnapshot | undefined,
  resourcePath: string,
  entries: readonly Entry[],
  receivedAt: number,
  source: Source,
  complete: boolean,
): ResourceSnapshot | undefined => {
  let single = before?.kind === 'single' ? before.seen : undefined;
  const instances = new Map(complete || before?.kind !== 'multiple' ? [] : before.instances);
  let multiple = false;
  let touched = false;
  for (const entry of entries) {
    const isInstance = entry.path !== resourcePath;
    if (entry.kind === 'empty' && !isInstance) {
      multiple = true;
      touched = true;
      continue;
    }
    if (entry.type === undefined) continue;
    const seen: SeenValue = {
      type: entry.type,
      value: entry.value ?? null,
      at: momentOf(entry, receivedAt),
      source,
    };
    if (isInstance) {
      multiple = true;
      touched = true;
      const id = Number(entry.path.slice(resourcePath.length + 1));
      const older = instances.get(id);
      if (older === undefined || older.at <= seen.at) instances.set(id, seen);
    } else if (single === undefined || single.at <= seen.at || source === 'read') {
      single = seen;
      touched = true;
    }
  }
  if (!touched) return undefined;
  if (multiple) {
    return { kind: 'multiple', instances: new Map([...instances].sort(([a], [b]) => a - b)) };
  }
  return single === undefined ? undefined : { kind: 'single', seen: single };
};
