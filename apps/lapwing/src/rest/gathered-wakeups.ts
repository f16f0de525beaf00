/**
 * Wakes the readers of the event log together, some time after an event instead of within it: when devices register by
 * the thousand each second, telling every open page of each one by itself would leave no time to answer the devices.
 */
import type { Wakeups } from './event-stream.ts';

export class GatheredWakeups implements Wakeups {
  readonly #interval: number;
  readonly #readers = new Set<() => void>();
  readonly #leave: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param interval  ms in which events are gathered. */
  constructor(source: Wakeups, interval: number) {
    this.#interval = interval;
    this.#leave = source.subscribe(() => this.#schedule());
  }

  subscribe(wake: () => void): () => void {
    this.#readers.add(wake);
    return () => this.#readers.delete(wake);
  }

  close(): void {
    this.#leave();
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#readers.size === 0) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const wake of this.#readers) wake();
    }, this.#interval);
  }
}
