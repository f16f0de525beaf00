/**
 * The driver of a CoAP endpoint over UDP: one socket, one clock, one timer.
 *
 * Every input, from the network, the timer or the application, is one turn: read the clock, feed the core, run the
 * events it emitted, send the datagrams together, and see that the timer is early enough. A turn started inside a turn
 * (an event handler that sends a request) only adds output for the outer one, so the core is never entered twice at once.
 *
 * The timer is lazy: it is armed anew only when something must happen earlier than it would fire. One that fires for a
 * deadline that has moved away costs a look at the deadlines; re-arming on every datagram would cost far more.
 */
import { getRandomValues } from 'node:crypto';
import {
  CoapEndpoint,
  DEFAULT_COAP_PARAMETERS,
  type CoapEvent,
  type CoapParameters,
  type Outbox,
  type Peer,
} from '@lapwing/coap';
import {
  DatagramBatch,
  type DatagramCounters,
  type DatagramSink,
  type DatagramTransport,
} from './datagram-transport.ts';
import { DgramTransport, type DgramTransportOptions } from './dgram-transport.ts';
import { reportTransportError } from './diagnostics.ts';
import type { Driver, PeerAddress, TimedLayer } from './driver.ts';
import { FORGOTTEN, PeerTable } from './peer-table.ts';

export interface UdpDriverOptions extends DgramTransportOptions {
  readonly coap?: Partial<CoapParameters>;
  /** Addresses remembered at once; default 1,000,000. Registered devices count, so stay above the fleet. */
  readonly maxPeers?: number;
}

export interface UdpDriverCounters extends DatagramCounters {
  /** Peers in the table now. */
  readonly peers: number;
  /** Idle peers that were forgotten. */
  readonly peersForgotten: number;
  /** Datagrams of strangers dropped because the table was full. */
  readonly peersRefused: number;
  /** Errors caught from event handlers and layers, each published on `lapwing.transport.error`. */
  readonly errors: number;
}

export class UdpDriver implements Driver, DatagramSink, Outbox, AsyncDisposable {
  readonly endpoint: CoapEndpoint;
  onEvent: (event: CoapEvent, now: number) => void = ignoreEvent;
  readonly #transport: DatagramTransport;
  readonly #peers: PeerTable;
  /** ms of silence after which an idle peer may be forgotten: its Message IDs no longer matter. RFC 7252 §4.8.2. */
  readonly #peerLifetime: number;
  readonly #layers: TimedLayer[] = [];
  readonly #outgoing = new DatagramBatch();
  readonly #events: CoapEvent[] = [];
  readonly #randomWords = new Uint32Array(256);
  #randomLeft = 0;
  #localAddress: PeerAddress = { host: '', port: 0 };
  #turning = false;
  /** The `now` of the running turn. */
  #now = 0;
  #nextSweep = Infinity;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires, on this driver's clock; Infinity without one. */
  #timerDue = Infinity;
  #closed: Promise<void> | undefined;
  #errors = 0;

  /** Bind a socket and start. Rejects with OperationFailed 'PORT_IN_USE', 'PERMISSION_DENIED' or 'BIND_FAILED'. */
  static async bind(options: UdpDriverOptions): Promise<UdpDriver> {
    const driver = new UdpDriver(new DgramTransport(options), options);
    await driver.open();
    return driver;
  }

  /** A driver over any transport; nothing is bound until `open`. */
  constructor(transport: DatagramTransport, options: Pick<UdpDriverOptions, 'coap' | 'maxPeers'> = {}) {
    this.#transport = transport;
    const endpoint = new CoapEndpoint({ parameters: options.coap ?? {}, random: () => this.random() });
    this.endpoint = endpoint;
    this.#peerLifetime = options.coap?.exchangeLifetime ?? DEFAULT_COAP_PARAMETERS.exchangeLifetime;
    this.#peers = new PeerTable(options.maxPeers ?? 1_000_000, (peer) => endpoint.isIdle(peer));
  }

  async open(): Promise<void> {
    this.#localAddress = await this.#transport.open(this);
  }

  get localAddress(): PeerAddress {
    return this.#localAddress;
  }

  get counters(): UdpDriverCounters {
    return {
      ...this.#transport.counters,
      peers: this.#peers.size,
      peersForgotten: this.#peers.forgotten,
      peersRefused: this.#peers.refused,
      errors: this.#errors,
    };
  }

  now(): number {
    return performance.now();
  }

  unixTime(): number {
    return Date.now();
  }

  random(): number {
    if (this.#randomLeft === 0) {
      getRandomValues(this.#randomWords);
      this.#randomLeft = this.#randomWords.length;
    }
    return this.#randomWords[--this.#randomLeft]!;
  }

  peer(address: PeerAddress): Peer<PeerAddress> {
    return this.#peers.at(address);
  }

  turn<Result>(input: (now: number, out: Outbox) => Result): Result {
    if (this.#turning) return input(this.#now, this);
    this.#begin();
    try {
      return input(this.#now, this);
    } finally {
      this.#runEvents();
      this.#turning = false;
      this.#transport.flush();
      this.#armTimer();
    }
  }

  attach(layer: TimedLayer): void {
    this.#layers.push(layer);
    if (this.#turning) return;
    this.#now = performance.now();
    this.#armTimer();
  }

  detach(layer: TimedLayer): void {
    const index = this.#layers.indexOf(layer);
    if (index >= 0) this.#layers.splice(index, 1);
  }

  /** Resolves when the socket is closed. What is under way is not waited for. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** For the transport: one turn with what arrived. The events of one datagram run before the next one is fed. */
  receive(batch: DatagramBatch): void {
    this.#begin();
    for (let row = 0; row < batch.length; row++) {
      const peer = this.#peers.arrivedFrom(batch.hosts[row]!, batch.ports[row]!);
      if (peer === undefined) continue;
      peer.lastActivity = this.#now;
      try {
        this.endpoint.handleDatagram(this.#now, peer, batch.bytes[row]!, this);
      } catch (error) {
        this.#report(error);
      }
      if (this.#events.length > 0) this.#runEvents();
    }
    this.#turning = false;
    if (this.#nextSweep === Infinity) this.#nextSweep = this.#now + SWEEP_INTERVAL;
    this.#armTimer();
  }

  /** For the transport. */
  drain(): DatagramBatch {
    return this.#outgoing;
  }

  /** For the core. */
  transmit(peer: Peer, datagram: Uint8Array): void {
    if (this.#closed !== undefined) return;
    if (peer.lastActivity === FORGOTTEN) this.#peers.restore(peer as Peer<PeerAddress>);
    const { host, port } = peer.address as PeerAddress;
    peer.lastActivity = this.#now;
    this.#outgoing.push(datagram, host, port);
  }

  /** For the core. */
  emit(event: CoapEvent): void {
    this.#events.push(event);
  }

  #begin(): void {
    this.#turning = true;
    this.#now = performance.now();
  }

  #runEvents(): void {
    const events = this.#events;
    // The list grows while it runs: handlers send, and what they send may complete at once.
    for (let index = 0; index < events.length; index++) {
      try {
        this.onEvent(events[index]!, this.#now);
      } catch (error) {
        this.#report(error);
      }
    }
    events.length = 0;
  }

  #armTimer(): void {
    if (this.#closed !== undefined) return;
    let deadline = this.endpoint.nextDeadline();
    for (const layer of this.#layers) deadline = Math.min(deadline, layer.nextDeadline());
    deadline = Math.min(deadline, this.#nextSweep);
    if (deadline >= this.#timerDue) return;
    clearTimeout(this.#timer);
    // Timers take 31 bits of ms; one that fires too early just looks again.
    const delay = Math.min(Math.max(deadline - this.#now, 0), MAX_TIMER_DELAY);
    this.#timerDue = this.#now + delay;
    this.#timer = setTimeout(this.#onTimer, Math.ceil(delay));
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.#timerDue = Infinity;
    this.#begin();
    try {
      this.endpoint.handleTimeout(this.#now, this);
    } catch (error) {
      this.#report(error);
    }
    this.#runEvents();
    for (const layer of [...this.#layers]) {
      if (layer.nextDeadline() > this.#now) continue;
      try {
        layer.handleTimeout(this.#now, this);
      } catch (error) {
        this.#report(error);
      }
      this.#runEvents();
    }
    if (this.#nextSweep <= this.#now) this.#sweepPeers();
    this.#turning = false;
    this.#transport.flush();
    this.#armTimer();
  };

  /** Every peer is looked at about once per EXCHANGE_LIFETIME, a small share of them at a time. */
  #sweepPeers(): void {
    const rows = Math.max(64, Math.ceil((this.#peers.size * SWEEP_INTERVAL) / this.#peerLifetime));
    this.#peers.sweep(rows, this.#now - this.#peerLifetime);
    this.#nextSweep = this.#peers.size === 0 ? Infinity : this.#now + SWEEP_INTERVAL;
  }

  #report(error: unknown): void {
    this.#errors++;
    reportTransportError(error);
  }

  #close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#transport.flush();
    this.#layers.length = 0;
    return this.#transport.close();
  }
}

const SWEEP_INTERVAL = 5_000;
const MAX_TIMER_DELAY = 2 ** 31 - 1;

function ignoreEvent(): void {
  // Until a consumer is set, events go nowhere.
}
