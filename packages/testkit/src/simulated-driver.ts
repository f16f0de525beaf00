/**
 * A `Driver` on a simulated network: virtual time, seeded randomness, no socket.
 */
import { CoapEndpoint, Peer, type CoapEvent, type CoapParameters, type Outbox } from '@lapwing/coap';
import type { Driver, PeerAddress, TimedLayer } from '@lapwing/transport';
import { SeededRandom } from './seeded-random.ts';
import type { SimulatedHost, SimulatedNetwork } from './simulated-network.ts';

export class SimulatedDriver implements Driver, SimulatedHost, Outbox, AsyncDisposable {
  readonly scheme = 'coap';
  readonly endpoint: CoapEndpoint;
  readonly localAddress: PeerAddress;
  onEvent: (event: CoapEvent, now: number) => void = () => undefined;
  /** Written by the network. */
  deadline = Infinity;
  heapIndex = -1;
  readonly #network: SimulatedNetwork;
  readonly #random: SeededRandom;
  readonly #peers = new Map<string, Peer<PeerAddress>>();
  readonly #layers: TimedLayer[] = [];
  readonly #events: CoapEvent[] = [];
  #turning = false;
  #closed = false;

  constructor(network: SimulatedNetwork, localAddress: PeerAddress, parameters: Partial<CoapParameters>) {
    this.#network = network;
    this.localAddress = localAddress;
    this.#random = new SeededRandom(network.random.uint32());
    this.endpoint = new CoapEndpoint({ parameters, random: this.#random.uint32 });
    network.attach(this);
  }

  now(): number {
    return this.#network.now();
  }

  unixTime(): number {
    return this.#network.unixTime();
  }

  random(): number {
    return this.#random.uint32();
  }

  peer(address: PeerAddress): Peer<PeerAddress> {
    const key = `${address.host} ${address.port}`;
    let peer = this.#peers.get(key);
    if (peer === undefined) this.#peers.set(key, (peer = new Peer({ ...address })));
    return peer;
  }

  turn<Result>(input: (now: number, out: Outbox) => Result): Result {
    if (this.#turning) return input(this.now(), this);
    this.#turning = true;
    try {
      return input(this.now(), this);
    } finally {
      this.#runEvents();
      this.#turning = false;
      this.#network.reschedule(this);
    }
  }

  attach(layer: TimedLayer): void {
    this.#layers.push(layer);
    this.#network.reschedule(this);
  }

  detach(layer: TimedLayer): void {
    const index = this.#layers.indexOf(layer);
    if (index >= 0) this.#layers.splice(index, 1);
    this.#network.reschedule(this);
  }

  close(): Promise<void> {
    if (!this.#closed) this.#network.detach(this);
    this.#closed = true;
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** For the network. */
  handleDatagram(now: number, from: PeerAddress, datagram: Uint8Array): void {
    const peer = this.peer(from);
    peer.lastActivity = now;
    this.turn((_, out) => this.endpoint.handleDatagram(now, peer, datagram, out));
  }

  /** For the network. */
  handleTimeout(now: number): void {
    this.turn((_, out) => this.endpoint.handleTimeout(now, out));
    for (const layer of [...this.#layers]) {
      if (layer.nextDeadline() > now) continue;
      try {
        this.turn((_, out) => layer.handleTimeout(now, out));
      } catch (error) {
        this.#network.errors.push(error);
      }
    }
  }

  /** For the network. */
  nextDeadline(): number {
    let deadline = this.endpoint.nextDeadline();
    for (const layer of this.#layers) deadline = Math.min(deadline, layer.nextDeadline());
    return deadline;
  }

  /** For the core. */
  transmit(peer: Peer, datagram: Uint8Array): void {
    if (this.#closed) return;
    peer.lastActivity = this.now();
    this.#network.send(this.localAddress, peer.address as PeerAddress, datagram);
  }

  /** For the core. */
  emit(event: CoapEvent): void {
    this.#events.push(event);
  }

  #runEvents(): void {
    // The list grows while it runs: handlers send, and what they send may complete at once.
    for (let index = 0; index < this.#events.length; index++) {
      try {
        this.onEvent(this.#events[index]!, this.now());
      } catch (error) {
        this.#network.errors.push(error);
      }
    }
    this.#events.length = 0;
  }
}
