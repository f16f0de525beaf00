/**
 * Keeps the loaded device list true to what the event stream tells, without a request for each event: names that changed
 * are gathered for a moment; a few are then asked for one by one, many by loading the list anew. How often is bounded by
 * how long the last round took, so that a fleet of 100,000 that updates all the time cannot keep the console busy.
 */
import type { InfiniteData, QueryClient } from '@tanstack/react-query';
import { api, Refusal } from '../api/rest.ts';
import type { DevicePage, DeviceSummary } from '../api/shapes.ts';
import { placeDevice } from './device-list.ts';

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

export class ListRefresher {
  readonly #queries: QueryClient;
  readonly #changed = new Map<string, DeviceSummary | undefined>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = false;
  #notBefore = 0;

  constructor(queries: QueryClient) {
    this.#queries = queries;
  }

  /** @param row  what the list shall show, when the event told it. */
  changed(name: string, row: DeviceSummary | undefined): void {
    this.#changed.set(name, row);
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
          if (this.#changed.size > 0) this.#arm();
        });
      },
      Math.max(GATHER, this.#notBefore - performance.now()),
    );
  }

  async #round(): Promise<void> {
    const changed = [...this.#changed];
    this.#changed.clear();
    const started = performance.now();
    const search = this.#queries.getQueriesData<DeviceList>({ queryKey: [DEVICE_LIST] });
    const unknown = changed.filter(([, row]) => row === undefined);
    const filtered = search.some(([key, data]) => data !== undefined && key[1] !== '');
    if (filtered || unknown.length > FEW) {
      await this.#queries.invalidateQueries({ queryKey: [DEVICE_LIST] });
    } else if (search.length > 0) {
      const rows = await Promise.all(
        changed.map(async ([name, row]) => [name, row ?? (await fetchRow(name))] as const),
      );
      this.#queries.setQueryData<DeviceList>(deviceListKey(''), (data) => {
        if (data === undefined) return data;
        const complete = data.pages.at(-1)?.nextCursor === null;
        const pages = rows.reduce<readonly DevicePage[]>(
          (so, [name, row]) => (row === 'unknown' ? so : placeDevice(so, name, row, complete)),
          data.pages,
        );
        return { ...data, pages: [...pages] };
      });
    }
    const ended = performance.now();
    this.#notBefore = ended + Math.max(LEAST_PAUSE, (ended - started) * PAUSE_FACTOR);
  }
}

const fetchRow = async (name: string): Promise<DeviceSummary | undefined | 'unknown'> => {
  try {
    const { objects, ...device } = await api.device(name);
    return { ...device, objectIds: objects.map(({ objectId }) => objectId) };
  } catch (error) {
    return error instanceof Refusal && error.status === 404 ? undefined : 'unknown';
  }
};
