/**
 * The memory for bodies in blocks, over all peers and both roles: `maxTotalBodyBytes`.
 */
export class BodyBudget {
  readonly #limit: number;
  #held = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes in use. */
  get held(): number {
    return this.#held;
  }

  /** False, and nothing is taken, when that would be more than the limit. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.#limit) return false;
    this.#held += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#held -= bytes;
  }
}
