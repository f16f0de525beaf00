/**
 * The handshakes that were refused last, for the person who asks why a device does not connect. A device that tries
 * again and again is one row with a count, so that it does not push the others out.
 */
import type { Refusal } from '@lapwing/dtls';

export interface RefusedHandshake extends Refusal {
  /** "192.0.2.7:40001", of the last attempt. */
  readonly address: string;
  /** ms since 1970. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** How often the same host was refused for the same reason under the same name. */
  readonly count: number;
}

export const MAX_REFUSALS = 200;

export class RefusalLog {
  /** By host, reason and claimed identity; the one refused last is last. */
  readonly #rows = new Map<string, RefusedHandshake>();
  #total = 0;

  /** Refused handshakes since the start. */
  get total(): number {
    return this.#total;
  }

  /** Newest first. */
  all(): readonly RefusedHandshake[] {
    return [...this.#rows.values()].reverse();
  }

  add(from: { readonly host: string; readonly port: number }, refusal: Refusal, unixTime: number): RefusedHandshake {
    this.#total++;
    const key = JSON.stringify([from.host, refusal.reason, refusal.claimedIdentity]);
    const before = this.#rows.get(key);
    const row: RefusedHandshake = {
      ...refusal,
      address: from.host.includes(':') ? `[${from.host}]:${from.port}` : `${from.host}:${from.port}`,
      firstAt: before?.firstAt ?? unixTime,
      lastAt: unixTime,
      count: (before?.count ?? 0) + 1,
    };
    this.#rows.delete(key);
    this.#rows.set(key, row);
    const [oldest] = this.#rows.keys();
    if (this.#rows.size > MAX_REFUSALS && oldest !== undefined) this.#rows.delete(oldest);
    return row;
  }
}

/** How many of something may happen: a burst, and then so many each second. */
export class RateLimit {
  readonly #burst: number;
  readonly #perSecond: number;
  #tokens: number;
  #at = -Infinity;

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#tokens = burst;
  }

  /** @param now  ms on any clock that does not go back. */
  allows(now: number): boolean {
    const earned = Math.max(0, (now - this.#at) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#burst, this.#tokens + earned);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
