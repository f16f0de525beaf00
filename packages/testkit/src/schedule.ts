/**
 * Things an application does at moments of its own: attach it to a driver, and each action runs in a turn when its time
 * has come.
 */
import { DeadlineQueue, type Timed } from '@lapwing/coap';
import type { Outbox } from '@lapwing/coap';
import type { Driver, TimedLayer } from '@lapwing/transport';

interface Action extends Timed {
  readonly run: (now: number, out: Outbox) => void;
}

export class Schedule implements TimedLayer {
  readonly #actions = new DeadlineQueue<Action>();
  readonly #driver: Driver;

  constructor(driver: Driver) {
    this.#driver = driver;
    driver.attach(this);
  }

  /** Actions that have not run. */
  get size(): number {
    return this.#actions.size;
  }

  /** @param delay  ms from now. */
  after(delay: number, run: (now: number, out: Outbox) => void): void {
    this.#driver.turn((now) => this.#actions.set({ run, deadline: Infinity, heapIndex: -1 }, now + delay));
  }

  nextDeadline(): number {
    return this.#actions.next();
  }

  handleTimeout(now: number, out: Outbox): void {
    for (let action = this.#actions.takeDue(now); action !== undefined; action = this.#actions.takeDue(now)) {
      action.run(now, out);
    }
  }
}
