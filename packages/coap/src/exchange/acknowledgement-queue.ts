/**
 * Confirmable requests whose empty Acknowledgement is due when the application takes too long. RFC 7252 §5.2.2.
 *
 * The delay is the same for all, so the order of arrival is the order of the deadlines, and the usual case, a request
 * answered at once, costs an append and a skip.
 */
import type { ReceivedRequest } from './received-request.ts';

export class AcknowledgementQueue {
  #requests: ReceivedRequest[] = [];
  #head = 0;

  add(request: ReceivedRequest, at: number): void {
    request.acknowledgeAt = at;
    this.#requests.push(request);
  }

  /** Earliest deadline in ms, or Infinity. */
  next(): number {
    return this.#first()?.acknowledgeAt ?? Infinity;
  }

  takeDue(now: number): ReceivedRequest | undefined {
    const request = this.#first();
    if (request === undefined || request.acknowledgeAt > now) return undefined;
    this.#head++;
    return request;
  }

  /** The oldest that is still to be answered; those before it are let go. */
  #first(): ReceivedRequest | undefined {
    const requests = this.#requests;
    while (this.#head < requests.length) {
      const request = requests[this.#head]!;
      if (request.slot === 'open') return request;
      this.#head++;
    }
    requests.length = 0;
    this.#head = 0;
    return undefined;
  }
}
