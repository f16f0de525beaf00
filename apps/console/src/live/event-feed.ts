/**
 * The one stream of server-sent events that the whole console listens to.
 *
 * EventSource reconnects by itself and resumes by Last-Event-ID after a broken connection. It gives up for good when the
 * server answers with an error status, as a proxy does while the server restarts; then a new one is opened here, and as
 * that one cannot resume, listeners are told of a `gap`.
 *
 *            open                    error, still trying
 *  connecting ────────────▶ live ──────────────────────▶ reconnecting ──open──▶ live
 *                             └── error, given up ──▶ reconnecting, a new EventSource after a pause
 */
import { EVENT_TYPES, type LapwingEvent } from '../api/shapes.ts';

export type FeedState = 'connecting' | 'live' | 'reconnecting';

/** What is used of an EventSource. */
export interface EventStream {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: { readonly data?: unknown }) => void): void;
  close(): void;
}

export interface FeedEnvironment {
  open(): EventStream;
  /** Calls back after `timeout` ms; answers how to call it off. */
  after(timeout: number, callback: () => void): () => void;
}

const CLOSED = 2;
/** ms before a new stream is opened; doubled each time up to the longest. */
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 15_000;

export class EventFeed {
  readonly #environment: FeedEnvironment;
  readonly #listeners = new Set<(event: LapwingEvent) => void>();
  readonly #stateListeners = new Set<() => void>();
  #stream: EventStream | undefined;
  #callOff: (() => void) | undefined;
  #pause = FIRST_PAUSE;
  #state: FeedState = 'connecting';
  /** A stream that replaces a dead one starts without knowing what it missed. */
  #mayHaveMissed = false;

  constructor(environment: FeedEnvironment) {
    this.#environment = environment;
  }

  get state(): FeedState {
    return this.#state;
  }

  start(): void {
    const stream = this.#environment.open();
    this.#stream = stream;
    stream.addEventListener('open', () => {
      this.#pause = FIRST_PAUSE;
      this.#enter('live');
      if (this.#mayHaveMissed) {
        this.#mayHaveMissed = false;
        this.#emit({ type: 'gap', time: new Date().toISOString() });
      }
    });
    stream.addEventListener('error', () => {
      this.#enter('reconnecting');
      if (stream.readyState === CLOSED && this.#stream === stream) this.#reopenLater();
    });
    for (const type of EVENT_TYPES) {
      stream.addEventListener(type, ({ data }) => {
        if (typeof data === 'string') this.#emit({ ...(JSON.parse(data) as LapwingEvent), type } as LapwingEvent);
      });
    }
  }

  stop(): void {
    this.#callOff?.();
    this.#stream?.close();
    this.#stream = undefined;
  }

  /** Answers how to stop listening. */
  listen(listener: (event: LapwingEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** For useSyncExternalStore. */
  readonly onState = (listener: () => void): (() => void) => {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  };

  #reopenLater(): void {
    this.#stream = undefined;
    this.#mayHaveMissed = true;
    this.#callOff = this.#environment.after(this.#pause, () => this.start());
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }

  #enter(state: FeedState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const listener of this.#stateListeners) listener();
  }

  #emit(event: LapwingEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
