/**
 * Object 20, Event Log: what the device wrote into its log since a server started it. OMA LwM2M Event Log 1.0.
 *
 * LogStart empties the log and begins; LogStop ends it and keeps what there is. The oldest entries give way to new ones.
 */
import { encodeUtf8, UsageError } from '@lapwing/coap';
import type { ExecuteArgument } from '@lapwing/lwm2m';
import type { ClientObject, HandlerContext, TreeAccess } from '../client-object.ts';

const ID = { logClass: 4010, start: 4011, stop: 4012, status: 4013, data: 4014, format: 4015 } as const;

/** The bits of LogStatus. */
const STATUS = { stopped: 1, hasData: 2, failed: 4 } as const;

export interface EventLogOptions {
  /** 0 generic, 1 system, 2 security, 3 event, 4 trace, 5 panic, 6 charging; 100 to 255 are the vendor's. Default 0. */
  readonly logClass?: number;
  /** 0 bytes in no particular format, 1 TLV, 2 JSON, 3 CBOR; 100 to 255 are the vendor's. Default 0. */
  readonly format?: number;
  /** Bytes kept. Default 64 KiB. */
  readonly maxBytes?: number;
  /** Log from the beginning, without a LogStart. Default false. */
  readonly isRunning?: boolean;
  /** A server started it; the arguments mean what application and server have agreed on. */
  readonly started?: (args: readonly ExecuteArgument[]) => void;
}

const DEFAULT_MAX_BYTES = 64 * 1024;

/** A log that servers can start, stop and read. */
export class EventLog {
  readonly #options: EventLogOptions;
  readonly #maxBytes: number;
  readonly #entries: Uint8Array[] = [];
  #bytes = 0;
  #isRunning: boolean;
  #hasFailed = false;
  /** Known since a server first asked for something. */
  #tree: TreeAccess | undefined;

  /** @throws UsageError for a size that makes no sense. */
  constructor(options: EventLogOptions = {}) {
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    if (!(this.#maxBytes > 0)) throw new UsageError(`maxBytes is above 0, not ${this.#maxBytes}`);
    this.#isRunning = options.isRunning ?? false;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Write an entry, if the log runs; text is UTF-8, with nothing between entries. One that is too long is not kept. */
  append(entry: Uint8Array | string): void {
    if (!this.#isRunning) return;
    const bytes = typeof entry === 'string' ? encodeUtf8(entry) : entry.slice();
    if (bytes.length > this.#maxBytes) this.#hasFailed = true;
    else {
      while (this.#bytes + bytes.length > this.#maxBytes) this.#bytes -= this.#entries.shift()!.length;
      this.#entries.push(bytes);
      this.#bytes += bytes.length;
    }
    this.#tree?.changed('/20/0');
  }

  /** Everything there is, oldest first. */
  get data(): Uint8Array {
    const data = new Uint8Array(this.#bytes);
    let offset = 0;
    for (const entry of this.#entries) {
      data.set(entry, offset);
      offset += entry.length;
    }
    return data;
  }

  get status(): number {
    return (
      (this.#isRunning ? 0 : STATUS.stopped) |
      (this.#bytes > 0 ? STATUS.hasData : 0) |
      (this.#hasFailed ? STATUS.failed : 0)
    );
  }

  start(): void {
    this.#entries.length = 0;
    this.#bytes = 0;
    this.#hasFailed = false;
    this.#isRunning = true;
  }

  stop(): void {
    this.#isRunning = false;
  }

  /** Object 20 over this log. */
  get object(): ClientObject {
    const { logClass = 0, format = 0, started } = this.#options;
    const read =
      <T>(value: () => T) =>
      ({ tree }: HandlerContext): T => {
        this.#tree = tree;
        return value();
      };
    const told = ({ tree, afterResponse }: HandlerContext): void => {
      this.#tree = tree;
      afterResponse(() => tree.changed('/20/0'));
    };
    return {
      objectId: 20,
      instances: {
        0: {
          [ID.logClass]: logClass,
          [ID.start]: {
            execute: (args, context) => {
              this.start();
              told(context);
              started?.(args);
            },
          },
          [ID.stop]: {
            execute: (_args, context) => {
              this.stop();
              told(context);
            },
          },
          [ID.status]: { read: read(() => this.status) },
          [ID.data]: { read: read(() => this.data) },
          [ID.format]: format,
        },
      },
    };
  }
}
