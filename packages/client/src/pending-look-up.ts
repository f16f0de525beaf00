/** What is to be sent when it is known where its server is: one look-up at a time, for as long as it may take. */
export class PendingLookUp {
  #locating: Promise<void> | undefined;
  #deadline = Infinity;

  get isUnderWay(): boolean {
    return this.#locating !== undefined;
  }

  /** When it has taken too long, ms: the owner then calls `abandon`. Infinity when none is under way. */
  get deadline(): number {
    return this.#deadline;
  }

  /** One of the two is called, unless the look-up is abandoned, or another begun, first. */
  begin(locating: Promise<void>, deadline: number, found: () => void, notFound: (reason: string) => void): void {
    this.#locating = locating;
    this.#deadline = deadline;
    const settle = (end: () => void): void => {
      if (this.#locating !== locating) return;
      this.abandon();
      end();
    };
    locating.then(
      () => settle(found),
      (error: unknown) => settle(() => notFound(error instanceof Error ? error.message : String(error))),
    );
  }

  abandon(): void {
    this.#locating = undefined;
    this.#deadline = Infinity;
  }
}
