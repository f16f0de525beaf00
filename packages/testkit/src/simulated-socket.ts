/**
 * A socket and a clock on the simulated network, for drivers that are the real ones in everything else.
 */
import {
  DatagramBatch,
  type Clock,
  type DatagramCounters,
  type DatagramSink,
  type DatagramTransport,
  type PeerAddress,
} from '@lapwing/transport';
import { SeededRandom } from './seeded-random.ts';
import type { SimulatedHost, SimulatedNetwork } from './simulated-network.ts';

export class SimulatedSocket implements SimulatedHost, DatagramTransport, Clock {
  readonly localAddress: PeerAddress;
  readonly counters: DatagramCounters = {
    datagramsReceived: 0,
    bytesReceived: 0,
    datagramsSent: 0,
    bytesSent: 0,
    sendErrors: 0,
  };
  /** Of this socket alone, so that what another host draws changes nothing here. */
  readonly seeded: SeededRandom;
  /** Written by the network. */
  deadline = Infinity;
  heapIndex = -1;
  readonly #network: SimulatedNetwork;
  readonly #batch = new DatagramBatch();
  #sink: DatagramSink | undefined;
  #timer: { readonly callback: () => void; readonly due: number } | undefined;

  constructor(network: SimulatedNetwork, localAddress: PeerAddress) {
    this.#network = network;
    this.localAddress = localAddress;
    this.seeded = new SeededRandom(network.random.uint32());
  }

  // ── DatagramTransport ────────────────────────────────────────────────────────────────────────────────────────────

  open(sink: DatagramSink): Promise<PeerAddress> {
    this.#sink = sink;
    this.#network.attach(this);
    return Promise.resolve(this.localAddress);
  }

  flush(): void {
    const batch = this.#sink?.drain();
    if (batch === undefined) return;
    for (let row = 0; row < batch.length; row++) {
      const bytes = batch.bytes[row]!;
      this.counters.datagramsSent++;
      this.counters.bytesSent += bytes.length;
      this.#network.send(this.localAddress, { host: batch.hosts[row]!, port: batch.ports[row]! }, bytes);
    }
    batch.clear();
  }

  close(): Promise<void> {
    if (this.#sink !== undefined) this.#network.detach(this);
    this.#sink = undefined;
    this.#timer = undefined;
    return Promise.resolve();
  }

  // ── Clock ────────────────────────────────────────────────────────────────────────────────────────────────────────

  now(): number {
    return this.#network.now();
  }

  unixTime(): number {
    return this.#network.unixTime();
  }

  random(): number {
    return this.seeded.uint32();
  }

  /** A driver has one timer. */
  setTimer(callback: () => void, delay: number): unknown {
    this.#timer = { callback, due: this.#network.now() + delay };
    this.#network.reschedule(this);
    return this.#timer;
  }

  clearTimer(timer: unknown): void {
    if (this.#timer !== timer || timer === undefined) return;
    this.#timer = undefined;
    this.#network.reschedule(this);
  }

  // ── SimulatedHost ────────────────────────────────────────────────────────────────────────────────────────────────

  handleDatagram(_now: number, from: PeerAddress, datagram: Uint8Array): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    this.counters.datagramsReceived++;
    this.counters.bytesReceived += datagram.length;
    this.#batch.push(datagram, from.host, from.port);
    sink.receive(this.#batch);
    this.#batch.clear();
    this.flush();
  }

  handleTimeout(now: number): void {
    const timer = this.#timer;
    if (timer === undefined || timer.due > now) return;
    this.#timer = undefined;
    timer.callback();
  }

  nextDeadline(): number {
    return this.#timer?.due ?? Infinity;
  }
}
