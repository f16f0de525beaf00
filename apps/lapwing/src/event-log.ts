/**
 * The last events of the server, numbered, so that a reader who was away can go on where it stopped. A ring bounded in
 * events and in characters: the oldest are forgotten first.
 */
export interface LoggedEvent {
  /** Ascending by one. */
  readonly id: number;
  readonly type: string;
  /** The Endpoint Client Name it is about; undefined when none is known. */
  readonly device: string | undefined;
  /** JSON, made once for all readers. */
  readonly data: string;
}

export interface EventLogLimits {
  readonly maxEvents: number;
  /** Characters of JSON kept in all. */
  readonly maxCharacters: number;
}

export const DEFAULT_EVENT_LOG_LIMITS: EventLogLimits = { maxEvents: 10_000, maxCharacters: 8 * 1024 * 1024 };

export class EventLog {
  readonly #limits: EventLogLimits;
  readonly #unixTime: () => number;
  readonly #readers = new Set<() => void>();
  /** A deque: `#events[#head]` is the oldest. */
  #events: LoggedEvent[] = [];
  #head = 0;
  #characters = 0;
  #nextId: number;

  /**
   * @param unixTime  ms since 1970. The first id is made of it, so that ids of an earlier run of the server are always
   *   older than this one's and lead to a `gap` instead of to the wrong events.
   */
  constructor(limits: EventLogLimits = DEFAULT_EVENT_LOG_LIMITS, unixTime: () => number = Date.now) {
    this.#limits = limits;
    this.#unixTime = unixTime;
    this.#nextId = Math.floor(unixTime()) * 1000 + 1;
  }

  /** The id of the newest event, or of the one before the first. */
  get lastId(): number {
    return this.#nextId - 1;
  }

  get size(): number {
    return this.#events.length - this.#head;
  }

  /** `details` must be JSON; `type`, `time` and `device` are added to it. */
  append(type: string, device: string | undefined, details: Readonly<Record<string, unknown>> = {}): void {
    const data = this.describe(type, device, details);
    this.#events.push({ id: this.#nextId++, type, device, data });
    this.#characters += data.length;
    while (this.size > this.#limits.maxEvents || (this.size > 1 && this.#characters > this.#limits.maxCharacters)) {
      this.#forgetOldest();
    }
    for (const wake of this.#readers) wake();
  }

  /** The JSON of an event that happens now. */
  describe(type: string, device: string | undefined, details: Readonly<Record<string, unknown>>): string {
    return JSON.stringify({ type, time: new Date(this.#unixTime()).toISOString(), device, ...details });
  }

  /** True when no event after `id` has been forgotten yet and `id` was given out by this log. */
  holdsAllAfter(id: number): boolean {
    return id <= this.lastId && id >= this.#oldestId - 1;
  }

  /** The oldest event with an id above `id`. */
  next(id: number): LoggedEvent | undefined {
    return this.#events[this.#head + Math.max(0, id + 1 - this.#oldestId)];
  }

  /** Call `wake` after every append. Returns what ends it. */
  subscribe(wake: () => void): () => void {
    this.#readers.add(wake);
    return () => this.#readers.delete(wake);
  }

  get #oldestId(): number {
    return this.#nextId - this.size;
  }

  #forgetOldest(): void {
    this.#characters -= this.#events[this.#head]!.data.length;
    this.#head++;
    // Shifting an array by one is linear; dropping the front half now and then is constant per event.
    if (this.#head >= 1024 && this.#head * 2 >= this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
  }
}
