/**
 * The credentials of devices, as an operator sees and changes them. What is taken away ends at once: associations that
 * it opened are closed, and the registrations that came over them are removed.
 */
import {
  securityInfo,
  type SecurityEntry,
  type SecurityInfo,
  type SecurityKind,
  type SecurityStore,
} from './security-store.ts';

export interface SecurityQuery {
  /** Begin after this Endpoint Client Name, which need not exist. */
  readonly after?: string;
  /** At least this many entries, as long as there are; the last name is never cut in two. Default 100. */
  readonly limit?: number;
  /** Only names or identities that contain this text, in any letter case. */
  readonly search?: string;
}

export interface SecurityPage {
  /** Ascending by Endpoint Client Name. Without secrets. */
  readonly items: readonly SecurityInfo[];
  /** Pass as `after` for the next page; undefined on the last one. */
  readonly next: string | undefined;
}

export interface SecurityListener {
  /** The entry is no more: what it opened ends. */
  taken(entry: SecurityEntry): void;
  given(entry: SecurityEntry): void;
}

export class SecurityAdministration {
  readonly #store: SecurityStore;
  readonly #listener: SecurityListener;

  constructor(store: SecurityStore, listener: SecurityListener) {
    this.#store = store;
    this.#listener = listener;
  }

  /**
   * Let a device in. An entry of the same name and kind is replaced, and what it opened ends.
   *
   * Rejects with UsageError when the entry is malformed, with OperationFailed 'IDENTITY_TAKEN' when its identity or
   * public key is that of another name, and with 'STORE_FULL'.
   */
  async add(entry: SecurityEntry): Promise<SecurityInfo> {
    const replaced = await this.#find(entry.endpointClientName, entry.kind);
    await this.#store.add(entry);
    if (replaced !== undefined) this.#listener.taken(replaced);
    this.#listener.given(entry);
    return securityInfo(entry);
  }

  /**
   * As `add`, for credentials that may have to be taken back: what is answered lets the device in again with what it had
   * before, unless it has been given something else meanwhile.
   */
  async exchange(entry: SecurityEntry): Promise<() => Promise<void>> {
    const { endpointClientName, kind } = entry;
    const replaced = await this.#find(endpointClientName, kind);
    const given = await this.add(entry);
    return async () => {
      const current = await this.#find(endpointClientName, kind);
      if (current === undefined || !isSameEntry(current, entry, given)) return;
      if (replaced === undefined) await this.remove(endpointClientName, kind);
      else await this.add(replaced);
    };
  }

  /** Shut a device out, by one kind of credential or by all. False when there was nothing to remove. */
  async remove(endpointClientName: string, kind?: SecurityKind): Promise<boolean> {
    let found = false;
    for (const one of kind === undefined ? KINDS : [kind]) {
      const entry = await this.#find(endpointClientName, one);
      if (entry === undefined || !(await this.#store.remove(endpointClientName, one))) continue;
      found = true;
      this.#listener.taken(entry);
    }
    return found;
  }

  async list({ after, limit = 100, search }: SecurityQuery = {}): Promise<SecurityPage> {
    const items: SecurityInfo[] = [];
    const wanted = search?.toLowerCase();
    for await (const entry of this.#store.all(after)) {
      const info = securityInfo(entry);
      if (wanted !== undefined && !matches(info, wanted)) continue;
      const last = items.at(-1)?.endpointClientName;
      if (items.length >= limit && info.endpointClientName !== last) return { items, next: last };
      items.push(info);
    }
    return { items, next: undefined };
  }

  async #find(endpointClientName: string, kind: SecurityKind): Promise<SecurityEntry | undefined> {
    const entries = await this.#store.findByName(endpointClientName);
    return entries.find((entry) => entry.kind === kind);
  }
}

const KINDS: readonly SecurityKind[] = ['psk', 'rpk', 'x509'];

/** Whether two entries of one kind let in the same device. @param info  of the second. */
const isSameEntry = (a: SecurityEntry, b: SecurityEntry, info: SecurityInfo): boolean =>
  securityInfo(a).identity === info.identity && (a.kind !== 'psk' || b.kind !== 'psk' || a.key.equals(b.key));

const matches = ({ endpointClientName, identity }: SecurityInfo, wanted: string): boolean =>
  endpointClientName.toLowerCase().includes(wanted) || identity?.toLowerCase().includes(wanted) === true;
