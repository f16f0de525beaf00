/**
 * Questions about credentials that wait for an answer: bounded, timed out, answered once. Handshakes that ask for the
 * same pre-shared key share one. An answer to a question that is no longer open finds nothing.
 */
import type { Lookup, PskLookup } from './events.ts';
import type { Timed } from './deadlines.ts';

/** One open question and who waits for it. */
export class PendingLookup<Waiter> implements Timed {
  readonly lookup: Lookup;
  readonly waiters: Set<Waiter> = new Set();
  deadline: number = Infinity;
  heapIndex = -1;

  constructor(lookup: Lookup) {
    this.lookup = lookup;
  }
}

export class Lookups<Waiter> {
  readonly #maxLookups: number;
  readonly #pending = new Map<Lookup, PendingLookup<Waiter>>();
  /** Key: server name and identity in text. */
  readonly #byIdentity = new Map<string, PendingLookup<Waiter>>();

  constructor(maxLookups: number) {
    this.#maxLookups = maxLookups;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** The question this waiter waits for from now on; a new one has no other waiter. Undefined: too many are open. */
  ask(lookup: Lookup, waiter: Waiter): PendingLookup<Waiter> | undefined {
    const key = lookup.kind === 'psk' ? identityKey(lookup) : undefined;
    const shared = key === undefined ? undefined : this.#byIdentity.get(key);
    if (shared !== undefined) {
      shared.waiters.add(waiter);
      return shared;
    }
    if (this.#pending.size >= this.#maxLookups) return undefined;
    const pending = new PendingLookup<Waiter>(lookup);
    pending.waiters.add(waiter);
    this.#pending.set(lookup, pending);
    if (key !== undefined) this.#byIdentity.set(key, pending);
    return pending;
  }

  /** The question is closed; undefined when it was before. */
  take(lookup: Lookup): PendingLookup<Waiter> | undefined {
    const pending = this.#pending.get(lookup);
    if (pending === undefined) return undefined;
    this.#pending.delete(lookup);
    if (lookup.kind === 'psk') this.#byIdentity.delete(identityKey(lookup));
    return pending;
  }
}

/** No host name contains a NUL. */
function identityKey(lookup: PskLookup): string {
  return `${lookup.serverName ?? ''}\0${String.fromCharCode(...lookup.identity)}`;
}
