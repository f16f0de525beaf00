/**
 * How many requests wait for the application's answer, over all peers: `maxUnansweredRequests`.
 */
import type { ReceivedRequest } from './received-request.ts';

export class UnansweredRequests {
  readonly #limit: number;
  #count = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get count(): number {
    return this.#count;
  }

  /** False when there are as many as there may be. */
  add(request: ReceivedRequest): boolean {
    if (this.#count >= this.#limit) return false;
    request.isUnanswered = true;
    this.#count++;
    return true;
  }

  /** It is answered or abandoned. Harmless when it was before. */
  settle(request: ReceivedRequest): void {
    if (!request.isUnanswered) return;
    request.isUnanswered = false;
    this.#count--;
  }
}
