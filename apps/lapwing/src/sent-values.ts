/**
 * The last values that each device sent by itself (Send, OMA TS Core §6.4.6), so that whoever comes later sees them. In
 * memory, and bounded twice: in values of one device, of which the oldest are forgotten first, and in characters of all,
 * where the device that has sent nothing for longest is forgotten first.
 */
import type { EntryJson } from './rest/value-json.ts';

export interface SentValue {
  /** Ascending over all devices; the values of one Send are numbered one by one from its `sendId`. */
  readonly id: number;
  readonly sendId: number;
  /** ms since 1970. */
  readonly receivedAt: number;
  readonly entry: EntryJson;
}

export interface SentValuesLimits {
  readonly maxValuesPerDevice: number;
  /** Characters of paths and values kept in all; each value counts for `VALUE_OVERHEAD` more. */
  readonly maxCharacters: number;
}

export const DEFAULT_SENT_VALUES_LIMITS: SentValuesLimits = {
  maxValuesPerDevice: 1000,
  maxCharacters: 64 * 1024 * 1024,
};

/** What a value costs beside its text, in characters. */
const VALUE_OVERHEAD = 100;

interface Kept {
  /** `values[head]` is the oldest. */
  values: SentValue[];
  head: number;
  characters: number;
}

export class SentValues {
  readonly #limits: SentValuesLimits;
  readonly #unixTime: () => number;
  /** The device that has sent nothing for longest is first. */
  readonly #devices = new Map<string, Kept>();
  #characters = 0;
  #nextId: number;

  /**
   * @param unixTime  ms since 1970. The first id is made of it, so that the ids of an earlier run of the server are older
   *   than all of this one.
   */
  constructor(limits: SentValuesLimits = DEFAULT_SENT_VALUES_LIMITS, unixTime: () => number = Date.now) {
    this.#limits = limits;
    this.#unixTime = unixTime;
    this.#nextId = Math.floor(unixTime()) * 1000 + 1;
  }

  /** Characters that are taken; never more than the limit. */
  get characters(): number {
    return this.#characters;
  }

  /** Keep what `device` has just sent. Returns the id of the Send. */
  append(device: string, entries: readonly EntryJson[]): number {
    const sendId = this.#nextId;
    const receivedAt = this.#unixTime();
    const kept = this.#devices.get(device) ?? { values: [], head: 0, characters: 0 };
    this.#devices.delete(device);
    this.#devices.set(device, kept);
    for (const entry of entries) {
      kept.values.push({ id: this.#nextId++, sendId, receivedAt, entry });
      kept.characters += costOf(entry);
      this.#characters += costOf(entry);
      if (kept.values.length - kept.head > this.#limits.maxValuesPerDevice) this.#forgetOldestOf(kept);
    }
    while (this.#characters > this.#limits.maxCharacters) {
      const [longestSilent, theirs] = this.#devices.entries().next().value as [string, Kept];
      if (theirs === kept) {
        this.#forgetOldestOf(kept);
      } else {
        this.#characters -= theirs.characters;
        this.#devices.delete(longestSilent);
      }
    }
    // A device without a value costs nothing, so no bound would ever end it.
    if (kept.values.length === kept.head) this.#devices.delete(device);
    return sendId;
  }

  /**
   * The values of a device, the newest first; undefined when none is kept.
   *
   * @param before  the id of the last value that was seen.
   */
  page(
    device: string,
    { limit, before = Infinity }: { readonly limit: number; readonly before?: number },
  ): { readonly items: readonly SentValue[]; readonly hasMore: boolean; readonly total: number } | undefined {
    const kept = this.#devices.get(device);
    if (kept === undefined) return undefined;
    const { values, head } = kept;
    let end = values.length;
    while (end > head && values[end - 1]!.id >= before) end--;
    const start = Math.max(head, end - limit);
    return { items: values.slice(start, end).reverse(), hasMore: start > head, total: values.length - head };
  }

  #forgetOldestOf(kept: Kept): void {
    const cost = costOf(kept.values[kept.head]!.entry);
    kept.characters -= cost;
    this.#characters -= cost;
    kept.head++;
    // Shifting an array by one is linear; dropping the front half now and then is constant per value.
    if (kept.head >= 64 && kept.head * 2 >= kept.values.length) {
      kept.values = kept.values.slice(kept.head);
      kept.head = 0;
    }
  }
}

const costOf = ({ path, value }: EntryJson): number =>
  VALUE_OVERHEAD + path.length + (typeof value === 'string' ? value.length : 0);
