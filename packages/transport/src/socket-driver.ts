/**
 * What every driver of a CoAP endpoint on a socket does, whether datagrams are CoAP messages or DTLS records: the turn,
 * the one timer, the events, the output.
 *
 * Every input, from the network, the timer or the application, is one turn: read the clock, feed the core, run the
 * events it emitted, send the datagrams together, and see that the timer is early enough. A turn started inside a turn
 * (an event handler that sends a request) only adds output for the outer one, so the core is never entered twice at once.
 *
 * The timer is lazy: it is armed anew only when something must happen earlier than it would fire. One that fires for a
 * deadline that has moved away costs a look at the deadlines; re-arming on every datagram would cost far more.
 */
import { CoapEndpoint, type CoapEvent, type CoapParameters, type Outbox, type Peer } from '@lapwing/coap';
import { SYSTEM_CLOCK, type Clock } from './clock.ts';
import {
  DatagramBatch,
  type DatagramCounters,
  type DatagramSink,
  type DatagramTransport,
} from './datagram-transport.ts';
import { reportTransportError } from './diagnostics.ts';
import type { AssociationEvent, Driver, PeerAddress, TimedLayer } from './driver.ts';

export interface SocketDriverOptions {
  readonly coap?: Partial<CoapParameters>;
  /** Default: the clock, the timers and the randomness of this machine. */
  readonly clock?: Clock;
}

export abstract class SocketDriver implements Driver, DatagramSink, Outbox, AsyncDisposable {
  abstract readonly scheme: 'coap' | 'coaps';
  readonly endpoint: CoapEndpoint;
  onEvent: (event: CoapEvent, now: number) => void = ignoreEvent;
  onAssociation: (event: AssociationEvent, now: number) => void = ignoreEvent;
  protected readonly transport: DatagramTransport;
  protected readonly clock: Clock;
  readonly #layers: TimedLayer[] = [];
  readonly #outgoing = new DatagramBatch();
  readonly #events: (CoapEvent | { readonly kind: 'association'; readonly event: AssociationEvent })[] = [];
  #localAddress: PeerAddress = { host: '', port: 0 };
  #turning = false;
  /** The `now` of the running turn. */
  #now = 0;
  #timer: unknown = undefined;
  /** When the timer fires, on this driver's clock; Infinity without one. */
  #timerDue = Infinity;
  #closed: Promise<void> | undefined;
  #errors = 0;

  /** Nothing is bound until `open`. */
  constructor(transport: DatagramTransport, { coap = {}, clock = SYSTEM_CLOCK }: SocketDriverOptions) {
    this.transport = transport;
    this.clock = clock;
    this.endpoint = new CoapEndpoint({ parameters: coap, random: () => clock.random() });
  }

  /** One datagram has arrived. What it throws is reported and costs that datagram. */
  protected abstract handleDatagram(now: number, bytes: Uint8Array, host: string, port: number): void;
  /** Feed the core what its deadlines brought. */
  protected abstract handleTimeouts(now: number): void;
  /** Of everything below CoAP, and of this driver's own housekeeping. */
  protected abstract ownDeadline(): number;
  /** What an input left to be done outside the core, before its events. */
  protected abstract settle(now: number): void;
  abstract peer(address: PeerAddress): Peer<PeerAddress>;
  /** For the core. */
  abstract transmit(peer: Peer, datagram: Uint8Array): void;

  async open(): Promise<void> {
    this.#localAddress = await this.transport.open(this);
  }

  get localAddress(): PeerAddress {
    return this.#localAddress;
  }

  now(): number {
    return this.clock.now();
  }

  unixTime(): number {
    return this.clock.unixTime();
  }

  random(): number {
    return this.clock.random();
  }

  turn<Result>(input: (now: number, out: Outbox) => Result): Result {
    if (this.#turning) return input(this.#now, this);
    this.#begin();
    try {
      return input(this.#now, this);
    } finally {
      this.#runEvents();
      this.#turning = false;
      this.transport.flush();
      this.#armTimer();
    }
  }

  attach(layer: TimedLayer): void {
    this.#layers.push(layer);
    if (this.#turning) return;
    this.#now = this.clock.now();
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
      try {
        this.handleDatagram(this.#now, batch.bytes[row]!, batch.hosts[row]!, batch.ports[row]!);
      } catch (error) {
        this.report(error);
      }
      if (this.#events.length > 0) this.#runEvents();
    }
    this.#turning = false;
    this.#armTimer();
  }

  /** For the transport. */
  drain(): DatagramBatch {
    return this.#outgoing;
  }

  /** For the core. */
  emit(event: CoapEvent): void {
    this.#events.push(event);
  }

  protected get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** The `now` of the running turn. */
  protected get turnedAt(): number {
    return this.#now;
  }

  /** Handlers, layers and datagrams that threw. */
  protected get errorCount(): number {
    return this.#errors;
  }

  protected send(datagram: Uint8Array, { host, port }: PeerAddress): void {
    this.#outgoing.push(datagram, host, port);
  }

  protected emitAssociation(event: AssociationEvent): void {
    this.#events.push({ kind: 'association', event });
  }

  protected report(error: unknown): void {
    this.#errors++;
    reportTransportError(error);
  }

  #begin(): void {
    this.#turning = true;
    this.#now = this.clock.now();
  }

  #runEvents(): void {
    const events = this.#events;
    this.#settle();
    // The list grows while it runs: handlers send, and what they send may complete at once.
    for (let index = 0; index < events.length; index++) {
      const event = events[index]!;
      try {
        if (event.kind === 'association') this.onAssociation(event.event, this.#now);
        else this.onEvent(event, this.#now);
      } catch (error) {
        this.report(error);
      }
      this.#settle();
    }
    events.length = 0;
  }

  #settle(): void {
    try {
      this.settle(this.#now);
    } catch (error) {
      this.report(error);
    }
  }

  #armTimer(): void {
    if (this.#closed !== undefined) return;
    let deadline = Math.min(this.endpoint.nextDeadline(), this.ownDeadline());
    for (const layer of this.#layers) deadline = Math.min(deadline, layer.nextDeadline());
    if (deadline >= this.#timerDue) return;
    this.clock.clearTimer(this.#timer);
    // Timers take 31 bits of ms; one that fires too early just looks again.
    const delay = Math.min(Math.max(deadline - this.#now, 0), MAX_TIMER_DELAY);
    this.#timerDue = this.#now + delay;
    this.#timer = this.clock.setTimer(this.#onTimer, Math.ceil(delay));
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.#timerDue = Infinity;
    this.#begin();
    try {
      this.handleTimeouts(this.#now);
    } catch (error) {
      this.report(error);
    }
    this.#runEvents();
    for (const layer of [...this.#layers]) {
      if (layer.nextDeadline() > this.#now) continue;
      try {
        layer.handleTimeout(this.#now, this);
      } catch (error) {
        this.report(error);
      }
      this.#runEvents();
    }
    this.#turning = false;
    this.transport.flush();
    this.#armTimer();
  };

  #close(): Promise<void> {
    this.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.transport.flush();
    this.#layers.length = 0;
    return this.transport.close();
  }
}

const MAX_TIMER_DELAY = 2 ** 31 - 1;

/** Plain numbers of a driver, beside those of its transport. */
export interface SocketDriverCounters extends DatagramCounters {
  /** Errors caught from event handlers and layers, each published on `lapwing.transport.error`. */
  readonly errors: number;
}

function ignoreEvent(): void {
  // Until a consumer is set, events go nowhere.
}
