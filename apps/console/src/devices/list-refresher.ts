/**
 * Keeps the loaded device list true to what the event stream tells, without a request for each event: names that changed
 * are gathered for a moment; a few are then asked for one by one, many by loading the list anew. How often is bounded by
 * how long the last round took, so that a fleet of 100,000 that updates all the time cannot keep the console busy.
 */
import type { InfiniteData, QueryClient } from '@tanstack/react-query';
import { api, Refusal } from '../api/rest.ts';
import type { DevicePage, DeviceSummary } from '../api/shapes.ts';
import { changeDevice, isLoaded, placeDevice, removeDevice } from './device-list.ts';

/** Names asked for one by one in one round. */
const FEW = 12;
/** ms to gather names before a round. */
const GATHER = 150;
/** ms between rounds at least, and as a multiple of the last round's duration. */
const LEAST_PAUSE = 500;
const PAUSE_FACTOR = 5;

export type DeviceList = InfiniteData<DevicePage, string | undefined>;
export const DEVICE_LIST = 'devices';
export const deviceListKey = (search: string): readonly [string, string] => [DEVICE_LIST, search];

type DeviceChange =
  | { readonly kind: 'registered' | 'updated'; readonly row: DeviceSummary }
  | { readonly kind: 'slept'; readonly awake: boolean }
  /** Without an ID: whichever registration it was. */
  | { readonly kind: 'unregistered'; readonly registrationId: string | undefined }
  | { readonly kind: 'unknown' };

export class ListRefresher {
  readonly #queries: QueryClient;
  readonly #changes = new Map<string, DeviceChange>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = false;
  #notBefore = 0;

  constructor(queries: QueryClient) {
    this.#queries = queries;
  }

  registered(row: DeviceSummary): void {
    this.#note(row.name, { kind: 'registered', row });
  }

  updated(row: DeviceSummary): void {
    const kind = this.#changes.get(row.name)?.kind === 'registered' ? 'registered' : 'updated';
    this.#note(row.name, { kind, row });
  }

  /** A device in queue mode fell asleep, or woke. */
  slept(name: string, awake: boolean): void {
    const before = this.#changes.get(name);
    if (before === undefined || before.kind === 'slept') this.#note(name, { kind: 'slept', awake });
    else if ('row' in before) this.#note(name, { ...before, row: { ...before.row, awake } });
  }

  /** The registration that ended may not be the latest one. */
  unregistered(name: string, registrationId: string): void {
    const before = this.#changes.get(name);
    if (before !== undefined && 'row' in before && before.row.registrationId !== registrationId) return;
    this.#note(name, { kind: 'unregistered', registrationId });
  }

  /** Something changed and the event did not tell what. */
  changed(name: string): void {
    this.#note(name, { kind: 'unknown' });
  }

  #note(name: string, change: DeviceChange): void {
    this.#changes.set(name, change);
    this.#arm();
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#running) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#running = true;
        void this.#round().finally(() => {
          this.#running = false;
          if (this.#changes.size > 0) this.#arm();
        });
      },
      Math.max(GATHER, this.#notBefore - performance.now()),
    );
  }

  async #round(): Promise<void> {
    // What is loaded just now may be older than the changes, and would undo them.
    if (this.#queries.isFetching({ queryKey: [DEVICE_LIST] }) > 0) return;
    const changes = [...this.#changes];
    this.#changes.clear();
    const started = performance.now();
    const lists = this.#queries.getQueriesData<DeviceList>({ queryKey: [DEVICE_LIST] });
    const unknown = changes.filter(([, { kind }]) => kind === 'unknown').length;
    const searched = lists.some(([key, data]) => data !== undefined && key[1] !== '');
    if (searched || unknown > FEW) {
      await this.#queries.invalidateQueries({ queryKey: [DEVICE_LIST] });
    } else if (lists.length > 0) {
      const known = await Promise.all(
        changes.map(async ([name, change]) => [name, change.kind === 'unknown' ? await ask(name) : change] as const),
      );
      const loaded = this.#queries.getQueryData<DeviceList>(deviceListKey(''))?.pages ?? [];
      const total = countsUnseen(loaded, known) ? await askTotal() : undefined;
      this.#queries.setQueryData<DeviceList>(deviceListKey(''), (data) => {
        if (data === undefined) return data;
        const pages = known.reduce<readonly DevicePage[]>(applyChange, data.pages);
        return { ...data, pages: pages.map((page) => (total === undefined ? page : { ...page, total })) };
      });
    }
    const ended = performance.now();
    this.#notBefore = ended + Math.max(LEAST_PAUSE, (ended - started) * PAUSE_FACTOR);
  }
}

const areComplete = (pages: readonly DevicePage[]): boolean => pages.at(-1)?.nextCursor === null;

/** Whether a device came or went that is on no loaded page: then only the server knows how many there are. */
const countsUnseen = (
  pages: readonly DevicePage[],
  changes: readonly (readonly [name: string, change: DeviceChange])[],
): boolean =>
  !areComplete(pages) &&
  changes.some(([name, { kind }]) => (kind === 'registered' || kind === 'unregistered') && !isLoaded(pages, name));

const askTotal = async (): Promise<number | undefined> => {
  try {
    return (await api.devices({ limit: 1 })).total;
  } catch {
    // The count stays as it was; without a server the event stream reconnects and all is loaded anew.
    return undefined;
  }
};

const applyChange = (
  pages: readonly DevicePage[],
  [name, change]: readonly [name: string, change: DeviceChange],
): readonly DevicePage[] => {
  switch (change.kind) {
    case 'registered':
    case 'updated':
      return placeDevice(pages, change.row, areComplete(pages));
    case 'slept':
      return changeDevice(pages, name, { awake: change.awake });
    case 'unregistered':
      return removeDevice(pages, name, change.registrationId);
    case 'unknown':
      return pages;
  }
};

/** Stays unknown when the server cannot be asked; the event stream then tells of a gap sooner or later. */
const ask = async (name: string): Promise<DeviceChange> => {
  try {
    const { objects, ...device } = await api.device(name);
    return { kind: 'registered', row: { ...device, objectIds: objects.map(({ objectId }) => objectId) } };
  } catch (error) {
    const isGone = error instanceof Refusal && error.status === 404;
    return isGone ? { kind: 'unregistered', registrationId: undefined } : { kind: 'unknown' };
  }
};
