/**
 * Values of an observation that could not be told when they were due, because the server had disabled its account or the
 * client was offline: kept with their time until they can be told together. /1/x/6, and hqmax of 1.2 (OMA TS Core §5.1.2,
 * §6.4.5). Oldest first; the oldest give way.
 */
import type { NodeEntry } from '@lapwing/lwm2m';

/** How much is kept. */
export interface NotificationStorage {
  /** Notifications kept for each observed path that has no hqmax, and at most kept whatever hqmax says. Default 100. */
  readonly notificationsPerPath?: number;
  /** Values kept altogether, over all observations and servers. Default 4096. */
  readonly values?: number;
  /** With a `stateStore`: ms between one save of what is kept and the next. Default 60 000. */
  readonly saveInterval?: number;
}

export const DEFAULT_NOTIFICATION_STORAGE: Required<NotificationStorage> = {
  notificationsPerPath: 100,
  values: 4096,
  saveInterval: 60_000,
};

/** What all queues of a client share. */
export class StorageBudget {
  readonly notificationsPerPath: number;
  readonly #values: number;
  readonly #changed: () => void;
  #held = 0;

  /** @param changed  called when something was kept or is no longer. */
  constructor(
    { notificationsPerPath, values }: Pick<Required<NotificationStorage>, 'notificationsPerPath' | 'values'>,
    changed: () => void,
  ) {
    this.notificationsPerPath = notificationsPerPath;
    this.#values = values;
    this.#changed = changed;
  }

  get held(): number {
    return this.#held;
  }

  take(count: number): boolean {
    if (this.#held + count > this.#values) return false;
    this.#held += count;
    this.#changed();
    return true;
  }

  release(count: number): void {
    this.#held -= count;
    this.#changed();
  }
}

type Sample = readonly NodeEntry[];

/** The queues of one observation, one for each path it lists. */
export class StoredNotifications {
  readonly #budget: StorageBudget;
  readonly #queues: Sample[][] = [];

  constructor(budget: StorageBudget) {
    this.#budget = budget;
  }

  get isEmpty(): boolean {
    return this.#queues.every((queue) => queue.length === 0);
  }

  /**
   * Keep what was to be told about the listed path with this index.
   *
   * @param entries  with their timestamps.
   * @param hqmax  of that path; undefined: none attached.
   */
  push(pathIndex: number, entries: Sample, hqmax: number | undefined): void {
    const limit = Math.min(hqmax ?? Infinity, this.#budget.notificationsPerPath);
    if (limit <= 0 || entries.length === 0) return;
    while (this.#queues.length <= pathIndex) this.#queues.push([]);
    const queue = this.#queues[pathIndex]!;
    while (queue.length >= limit) this.#drop(queue);
    while (!this.#budget.take(entries.length)) if (!this.#drop(queue)) return;
    queue.push(entries);
  }

  /** What is kept for the listed path with this index, oldest first. */
  samples(pathIndex: number): readonly Sample[] {
    return this.#queues[pathIndex] ?? [];
  }

  /** Everything, oldest first; the queues are empty afterwards. */
  take(): Sample {
    const entries = this.#queues.flat(2);
    this.clear();
    return entries.sort((a, b) => timestampOf(a) - timestampOf(b));
  }

  clear(): void {
    for (const queue of this.#queues) while (this.#drop(queue));
  }

  /** Forget the oldest; false when there is none. */
  #drop(queue: Sample[]): boolean {
    const oldest = queue.shift();
    if (oldest !== undefined) this.#budget.release(oldest.length);
    return oldest !== undefined;
  }
}

const timestampOf = (entry: NodeEntry): number => (entry.kind === 'value' ? (entry.timestamp ?? Infinity) : 0);
