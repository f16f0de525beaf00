/**
 * Changes of something that is kept in one file: made in memory one after the other, and written together. Those that come
 * while a write is under way wait for it and share the next one, so that thousands of devices cost a few writes.
 */
export interface Change<Result> {
  readonly result: Result;
  /** Undefined: nothing was changed, and nothing is to be written for it. */
  readonly undo: (() => unknown) | undefined;
}

interface Waiting {
  /** Make the change. Answers how to take it back; undefined where there is nothing to write. */
  readonly make: () => (() => unknown) | undefined;
  readonly written: () => void;
  readonly failed: (error: unknown) => void;
}

export class GroupedChanges {
  readonly #write: () => Promise<void>;
  readonly #waiting: Waiting[] = [];
  #isRunning = false;

  /** @param write  all of it, as it is in memory. */
  constructor(write: () => Promise<void>) {
    this.#write = write;
  }

  /**
   * Resolves when it is on the disk. Rejects when that fails: it is taken back then, with all that were to be written with
   * it; and with what `apply` throws, which changes nothing.
   */
  run<Result>(apply: () => Change<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      let change: Change<Result> | undefined;
      this.#waiting.push({
        make: () => (change = apply()).undo,
        written: () => resolve(change!.result),
        failed: reject,
      });
      if (!this.#isRunning) void this.#runAll();
    });
  }

  async #runAll(): Promise<void> {
    this.#isRunning = true;
    // Whoever asks in this very moment shares the write.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#runGroup(this.#waiting.splice(0));
    this.#isRunning = false;
  }

  async #runGroup(group: readonly Waiting[]): Promise<void> {
    const made: (Waiting & { readonly undo: () => unknown })[] = [];
    for (const waiting of group) {
      try {
        const undo = waiting.make();
        if (undo === undefined) waiting.written();
        else made.push({ ...waiting, undo });
      } catch (error) {
        waiting.failed(error);
      }
    }
    if (made.length === 0) return;
    try {
      await this.#write();
      for (const { written } of made) written();
    } catch (error) {
      for (const { undo, failed } of made.reverse()) {
        undo();
        failed(error);
      }
    }
  }
}
