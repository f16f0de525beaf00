/**
 * Observations of devices that are not registered at the moment, kept until they are again. OMA TS Core §6.4: a client
 * forgets all observations when its registration ends, so the Server has to know what it wants.
 */
import type { RegistrationRecord } from './registration-record.ts';

export class ObservationIntents {
  /** By Endpoint Client Name, the oldest first: the last registration, which has them. */
  readonly #kept = new Map<string, RegistrationRecord>();
  readonly #limit: number;

  /** @param limit  devices. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** The one gone longest first. */
  all(): Iterable<RegistrationRecord> {
    return this.#kept.values();
  }

  /** Keep what is observed of this device. Answers the one that had to make room. */
  keep(record: RegistrationRecord): RegistrationRecord | undefined {
    if (record.observations === undefined || this.#limit === 0) return record;
    this.#kept.set(record.endpointClientName, record);
    if (this.#kept.size <= this.#limit) return undefined;
    const [oldest] = this.#kept.values();
    this.#kept.delete(oldest!.endpointClientName);
    return oldest;
  }

  /** It is registered again. */
  take(endpointClientName: string): RegistrationRecord | undefined {
    const record = this.#kept.get(endpointClientName);
    this.#kept.delete(endpointClientName);
    return record;
  }

  forget(record: RegistrationRecord): void {
    if (this.#kept.get(record.endpointClientName) === record) this.#kept.delete(record.endpointClientName);
  }
}
