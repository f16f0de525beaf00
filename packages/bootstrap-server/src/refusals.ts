/** Requests that were refused: how many are answered per second, and the newest to be shown. */
import type { BootstrapRefusal } from './api.ts';
import type { BootstrapServerParameters } from './parameters.ts';

export interface ShownRefusal extends Omit<BootstrapRefusal, 'peer'> {
  /** ms since 1970. */
  readonly at: number;
  readonly host: string;
  readonly port: number;
}

export class Refusals {
  readonly #parameters: BootstrapServerParameters;
  readonly #shown: ShownRefusal[] = [];
  #allowance: number;
  #countedAt = 0;
  #unanswered = 0;

  constructor(parameters: BootstrapServerParameters) {
    this.#parameters = parameters;
    this.#allowance = parameters.maxRefusalsPerSecond;
  }

  /** Requests that got no answer, because too many were refused. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** Whether one more may be answered now; counts it. */
  isAnswered(now: number): boolean {
    const { maxRefusalsPerSecond: most } = this.#parameters;
    this.#allowance = Math.min(most, this.#allowance + ((now - this.#countedAt) / 1000) * most);
    this.#countedAt = now;
    if (this.#allowance < 1) {
      this.#unanswered++;
      return false;
    }
    this.#allowance--;
    return true;
  }

  show({ peer, ...refusal }: BootstrapRefusal, at: number): void {
    this.#shown.push({ at, host: peer.address.host, port: peer.address.port, ...refusal });
    if (this.#shown.length > this.#parameters.maxShownRefusals) this.#shown.shift();
  }

  /** The newest first. */
  list(limit: number): readonly ShownRefusal[] {
    return this.#shown.slice(Math.max(this.#shown.length - limit, 0)).reverse();
  }
}
