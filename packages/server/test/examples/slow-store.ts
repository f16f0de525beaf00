import { copyRegistration, type Registration, type RegistrationStore } from '@lapwing/server';

/** What a database client typically offers. */
export interface KeyValueDatabase {
  set(key: string, value: string): Promise<void>;
  get(key: string): Promise<string | undefined>;
  delete(key: string): Promise<void>;
  values(): AsyncIterable<string>;
}

/** Registrations in a database: a Register is answered when the database has it. */
export class DatabaseRegistrationStore implements RegistrationStore {
  readonly #database: KeyValueDatabase;

  constructor(database: KeyValueDatabase) {
    this.#database = database;
  }

  save(registration: Registration): Promise<void> {
    return this.#database.set(registration.registrationId, format(registration));
  }

  remove(registrationId: string): Promise<void> {
    return this.#database.delete(registrationId);
  }

  async find(registrationId: string): Promise<Registration | undefined> {
    const text = await this.#database.get(registrationId);
    return text === undefined ? undefined : parse(text);
  }

  async *all(): AsyncIterable<Registration> {
    for await (const text of this.#database.values()) yield parse(text);
  }
}

/** The object is live, so a copy is made of it; JSON has no Infinity, which a registration without an end has. */
function format(registration: Registration): string {
  const { expiresAt, ...rest } = copyRegistration(registration);
  return JSON.stringify({ ...rest, expiresAt: expiresAt === Infinity ? null : expiresAt });
}

function parse(text: string): Registration {
  const stored = JSON.parse(text) as Registration & { readonly expiresAt: number | null };
  return { ...stored, smsNumber: stored.smsNumber, expiresAt: stored.expiresAt ?? Infinity };
}
