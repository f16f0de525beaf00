/**
 * Object 7, Connectivity Statistics: what was sent and received while a server had it counted. OMA TS Core, Object
 * Connectivity Statistics.
 *
 * Start (6) begins at zero. It ends with Stop (7), or when the Collection Period (8) is over; 0 is without end.
 */
import type { ClientObject, TreeAccess } from '../client-object.ts';

const ID = {
  smsSent: 0,
  smsReceived: 1,
  sent: 2,
  received: 3,
  longestMessage: 4,
  averageMessage: 5,
  start: 6,
  stop: 7,
  period: 8,
} as const;

const PERIOD = `/7/0/${ID.period}`;
/** Data is counted in kB. */
const KILOBYTE = 1000;

interface Counts {
  smsSent: number;
  smsReceived: number;
  sentBytes: number;
  receivedBytes: number;
  messages: number;
  longestMessage: number;
}
const noCounts = (): Counts => ({
  smsSent: 0,
  smsReceived: 0,
  sentBytes: 0,
  receivedBytes: 0,
  messages: 0,
  longestMessage: 0,
});

/** Where the application reports its traffic; it counts only while a server wants it to. Sizes with the headers of IP. */
export class TrafficStatistics {
  readonly #unixTime: () => number;
  #counts = noCounts();
  /** ms since 1970; undefined: not counting. */
  #until: number | undefined;

  /** @param unixTime  ms since 1970; default: the machine's clock. */
  constructor(unixTime: () => number = Date.now) {
    this.#unixTime = unixTime;
  }

  get isCounting(): boolean {
    return this.#until !== undefined && this.#unixTime() < this.#until;
  }

  sent(bytes: number): void {
    this.#message(bytes, 'sentBytes');
  }

  received(bytes: number): void {
    this.#message(bytes, 'receivedBytes');
  }

  smsSent(): void {
    if (this.isCounting) this.#counts.smsSent++;
  }

  smsReceived(): void {
    if (this.isCounting) this.#counts.smsReceived++;
  }

  /** Begin at zero. */
  start(periodSeconds: number): void {
    this.#counts = noCounts();
    this.#until = periodSeconds > 0 ? this.#unixTime() + periodSeconds * 1000 : Infinity;
  }

  /** Count no more; what was counted stays. */
  stop(): void {
    this.#until = undefined;
  }

  /** Since the last start. */
  get counts(): Readonly<Counts> {
    return this.#counts;
  }

  #message(bytes: number, direction: 'sentBytes' | 'receivedBytes'): void {
    if (!this.isCounting) return;
    const counts = this.#counts;
    counts[direction] += bytes;
    counts.messages++;
    counts.longestMessage = Math.max(counts.longestMessage, bytes);
  }
}

/** With `epmax` set, servers are told new counts at least so often; else say `client.changed('/7')` when they are worth it. */
export function connectivityStatisticsObject(statistics: TrafficStatistics): ClientObject {
  const kilobytes = (bytes: number): number => Math.floor(bytes / KILOBYTE);
  const average = ({ sentBytes, receivedBytes, messages }: Readonly<Counts>): number =>
    messages === 0 ? 0 : Math.round((sentBytes + receivedBytes) / messages);
  const periodOf = (tree: TreeAccess): number => {
    const period = tree.get(PERIOD);
    return typeof period === 'number' ? period : 0;
  };
  return {
    objectId: 7,
    instances: {
      0: {
        [ID.smsSent]: { read: () => statistics.counts.smsSent },
        [ID.smsReceived]: { read: () => statistics.counts.smsReceived },
        [ID.sent]: { read: () => kilobytes(statistics.counts.sentBytes) },
        [ID.received]: { read: () => kilobytes(statistics.counts.receivedBytes) },
        [ID.longestMessage]: { read: () => statistics.counts.longestMessage },
        [ID.averageMessage]: { read: () => average(statistics.counts) },
        [ID.start]: {
          execute: (_args, { tree, afterResponse }) => {
            statistics.start(periodOf(tree));
            afterResponse(() => tree.changed('/7/0'));
          },
        },
        [ID.stop]: { execute: () => statistics.stop() },
        [ID.period]: 0,
      },
    },
  };
}
