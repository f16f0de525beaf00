/**
 * One reader of the event log as server-sent events (HTML Living Standard §9.2): `id`, `event` and `data` per event, a
 * comment now and then to keep proxies awake.
 *
 * The log is the buffer: the stream pulls the next event when the reader has taken the last one. Thus a slow reader costs
 * no memory beyond `highWaterMark`; one who takes nothing between two heartbeats, or whom the log has overtaken, is
 * dropped, reconnects, and is told of the gap.
 */
import { Readable } from 'node:stream';
import type { EventLog, LoggedEvent } from '../event-log.ts';

export interface EventStreamOptions {
  /** The `Last-Event-ID` to go on after; undefined: only what happens from now on. */
  readonly after: number | undefined;
  /** Only these; undefined: all. */
  readonly types: ReadonlySet<string> | undefined;
  readonly device: string | undefined;
  /** Bytes handed to the socket ahead of the reader. */
  readonly highWaterMark: number;
  /** What tells that the log has more; default: the log itself, after each event. */
  readonly wakeups?: Wakeups;
}

export interface Wakeups {
  /** Returns what ends it. */
  subscribe(wake: () => void): () => void;
}

/** What the browser waits before it connects again, in ms. */
const RETRY = 2000;

export class EventStream extends Readable {
  readonly #log: EventLog;
  readonly #options: EventStreamOptions;
  readonly #unsubscribe: () => void;
  /** The id of the last event considered. */
  #position: number;
  /** The reader wants more. */
  #wanted = false;
  /** Since the last heartbeat the reader has taken nothing though there was something. */
  #stalled = false;

  constructor(log: EventLog, options: EventStreamOptions) {
    super({ highWaterMark: options.highWaterMark });
    this.#log = log;
    this.#options = options;
    this.#position = options.after ?? log.lastId;
    this.push(`retry: ${RETRY}\n\n`);
    if (!log.holdsAllAfter(this.#position)) {
      this.push(formatEvent(log.lastId, 'gap', log.describe('gap', undefined, {})));
      this.#position = log.lastId;
    }
    this.#unsubscribe = (options.wakeups ?? log).subscribe(() => this.#pump());
  }

  override _read(): void {
    this.#wanted = true;
    this.#stalled = false;
    this.#pump();
  }

  /** Called every `heartbeatInterval`. A reader that has not taken anything since the last one is dropped. */
  heartbeat(): void {
    if (this.#wanted) {
      this.#wanted = this.push(': \n\n');
    } else if (this.#stalled) {
      this.destroy();
    } else {
      this.#stalled = true;
    }
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#unsubscribe();
    callback(error);
  }

  /** What is there goes out in as few pieces as the high-water mark allows: each piece costs a system call. */
  #pump(): void {
    while (this.#wanted) {
      if (!this.#log.holdsAllAfter(this.#position)) {
        this.destroy();
        return;
      }
      const text = this.#gather();
      if (text === '') return;
      this.#wanted = this.push(text);
    }
  }

  #gather(): string {
    let text = '';
    for (;;) {
      const event = this.#log.next(this.#position);
      if (event === undefined) return text;
      this.#position = event.id;
      if (!this.#isWanted(event)) continue;
      text += formatEvent(event.id, event.type, event.data);
      if (text.length + this.readableLength >= this.#options.highWaterMark) return text;
    }
  }

  #isWanted(event: LoggedEvent): boolean {
    const { device, types } = this.#options;
    return (device === undefined || event.device === device) && (types === undefined || types.has(event.type));
  }
}

const formatEvent = (id: number, type: string, data: string): string => `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`;
