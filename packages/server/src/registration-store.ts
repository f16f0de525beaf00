/**
 * Where registrations are kept beyond the life of the Server object. The Server works from its own table; the store is
 * what it writes through to, reads back at start, and asks about registration ids it does not know (another Server on
 * the same store may have given them).
 *
 * A store may answer at once or with a promise. As long as it answers at once, Register and Update are answered in the
 * Acknowledgement; a slow store makes them separate responses. RFC 7252 §5.2.2.
 */
import type { Registration } from './api.ts';

export type MaybePromise<T> = T | Promise<T>;

export interface RegistrationStore {
  /** Keep it under its registration id; called for every Register and Update. Copy what must outlive the call: the object is live. */
  save(registration: Registration): MaybePromise<void>;
  /** Unknown ids are no error. */
  remove(registrationId: string): MaybePromise<void>;
  find(registrationId: string): MaybePromise<Registration | undefined>;
  /** Everything kept, in any order. Read once, at start. */
  all(): Iterable<Registration> | AsyncIterable<Registration>;
}

/**
 * Keeps nothing: the registrations live in the table of the Server object alone. A store in memory beside it would cost
 * a second look-up by registration id for each Register and Update, 4 % of their time, and bring nothing back.
 */
export const NO_REGISTRATION_STORE: RegistrationStore = Object.freeze({
  save: () => undefined,
  remove: () => undefined,
  find: () => undefined,
  all: () => [],
});

/** For Server objects of one process that share or follow each other; keeps nothing but the references. */
export class MemoryRegistrationStore implements RegistrationStore {
  readonly #registrations = new Map<string, Registration>();

  save(registration: Registration): void {
    this.#registrations.set(registration.registrationId, registration);
  }

  remove(registrationId: string): void {
    this.#registrations.delete(registrationId);
  }

  find(registrationId: string): Registration | undefined {
    return this.#registrations.get(registrationId);
  }

  all(): Iterable<Registration> {
    return this.#registrations.values();
  }
}
