/**
 * A network in a box: virtual time, and datagrams that are lost, doubled, delayed and overtaken as the seed decides.
 *
 * Hosts are `SimulatedDriver`s and `ScriptedPeer`s. `run` steps from one arrival or deadline to the next; after each
 * step every promise callback that can run has run.
 */
import { DeadlineQueue, type CoapParameters, type Timed } from '@lapwing/coap';
import type { PeerAddress } from '@lapwing/transport';
import { SeededRandom } from './seeded-random.ts';
import { ScriptedPeer } from './scripted-peer.ts';
import { SimulatedDriver } from './simulated-driver.ts';
import { SimulatedDtlsDriver, type SimulatedDtlsOptions } from './simulated-dtls-driver.ts';

export interface NetworkConditions {
  /** Probability from 0 to 1 that a datagram is lost. */
  readonly loss: number;
  /** Probability that a datagram arrives twice. */
  readonly duplication: number;
  /** Bounds of the one-way delay in ms; a wide spread reorders datagrams. */
  readonly delay: readonly [shortest: number, longest: number];
}

export interface SimulatedNetworkOptions extends Partial<NetworkConditions> {
  readonly seed?: number;
  /** ms since 1970 at virtual time 0; default 2026-01-01. */
  readonly unixTime?: number;
}

/** Something with an address that datagrams arrive at. */
export interface SimulatedHost extends Timed {
  readonly localAddress: PeerAddress;
  handleDatagram(now: number, from: PeerAddress, datagram: Uint8Array): void;
  handleTimeout(now: number): void;
  nextDeadline(): number;
}

export interface TrafficCounters {
  /** Datagrams handed to the network, and their bytes: CoAP only, no IP or UDP headers. */
  datagrams: number;
  bytes: number;
  lost: number;
  duplicated: number;
  /** Sent to an address where nobody is. */
  unreachable: number;
}

export class SimulatedNetwork {
  readonly random: SeededRandom;
  readonly traffic: TrafficCounters = { datagrams: 0, bytes: 0, lost: 0, duplicated: 0, unreachable: 0 };
  /** May be replaced at any time. */
  conditions: NetworkConditions;
  /** Sees every datagram as it is sent, before loss. */
  onDatagram: ((from: PeerAddress, to: PeerAddress, datagram: Uint8Array) => void) | undefined = undefined;
  /** Errors that event handlers and layers threw; the next `run` throws them. */
  readonly errors: unknown[] = [];
  #now = 0;
  readonly #unixTime: number;
  readonly #hosts = new Map<string, SimulatedHost>();
  readonly #deadlines = new DeadlineQueue<SimulatedHost>();
  readonly #flying = new DeadlineQueue<Flight>();

  constructor({ seed = 1, unixTime = Date.UTC(2026, 0, 1), ...conditions }: SimulatedNetworkOptions = {}) {
    this.random = new SeededRandom(seed);
    this.#unixTime = unixTime;
    this.conditions = { loss: 0, duplication: 0, delay: [10, 10], ...conditions };
  }

  /** ms of virtual time. */
  now(): number {
    return this.#now;
  }

  /** ms since 1970, by virtual time. */
  unixTime(): number {
    return this.#unixTime + this.#now;
  }

  get inFlight(): number {
    return this.#flying.size;
  }

  /** A driver with a CoAP endpoint of its own, bound to this address. */
  driver(address: PeerAddress, parameters: Partial<CoapParameters> = {}): SimulatedDriver {
    return new SimulatedDriver(this, address, parameters);
  }

  /** A driver of CoAP over DTLS with endpoints of its own, bound to this address. */
  secureDriver(address: PeerAddress, options: SimulatedDtlsOptions = {}): SimulatedDtlsDriver {
    return new SimulatedDtlsDriver(this, address, options);
  }

  /** A peer that sends and receives hand-made datagrams. */
  scriptedPeer(address: PeerAddress): ScriptedPeer {
    return new ScriptedPeer(this, address);
  }

  attach(host: SimulatedHost): void {
    const key = keyOf(host.localAddress);
    if (this.#hosts.has(key)) throw new Error(`${key} is taken`);
    this.#hosts.set(key, host);
    this.reschedule(host);
  }

  detach(host: SimulatedHost): void {
    this.#hosts.delete(keyOf(host.localAddress));
    this.#deadlines.clear(host);
  }

  /** The host's next deadline may have changed. */
  reschedule(host: SimulatedHost): void {
    if (this.#hosts.get(keyOf(host.localAddress)) === host) this.#deadlines.set(host, host.nextDeadline());
  }

  send(from: PeerAddress, to: PeerAddress, datagram: Uint8Array): void {
    this.traffic.datagrams++;
    this.traffic.bytes += datagram.length;
    this.onDatagram?.(from, to, datagram);
    const {
      loss,
      duplication,
      delay: [shortest, longest],
    } = this.conditions;
    if (this.random.chance(loss)) {
      this.traffic.lost++;
      return;
    }
    const isDoubled = this.random.chance(duplication);
    if (isDoubled) this.traffic.duplicated++;
    for (let copies = isDoubled ? 2 : 1; copies > 0; copies--) {
      // A copy, as a wire would make one: neither side can change what the other holds.
      const flight: Flight = { from, to, datagram: datagram.slice(), deadline: Infinity, heapIndex: -1 };
      this.#flying.set(flight, this.#now + shortest + this.random.fraction() * (longest - shortest));
    }
  }

  /** Let `duration` ms of virtual time pass. Throws what event handlers threw. */
  async run(duration: number): Promise<void> {
    const end = this.#now + duration;
    await letPromisesRun();
    while (this.#nextEvent() <= end) {
      this.#step();
      await letPromisesRun();
    }
    this.#now = end;
    this.#throwErrors();
  }

  /**
   * Run until nothing is in flight and nobody waits for a deadline. Returns the ms that took.
   *
   * @param limit  ms of virtual time after which it throws: something is waiting for ever.
   */
  async runUntilIdle(limit: number = 7 * 24 * 3_600_000): Promise<number> {
    const start = this.#now;
    await letPromisesRun();
    while (this.#nextEvent() < Infinity) {
      if (this.#nextEvent() > start + limit) throw new Error(`still busy after ${limit} ms of virtual time`);
      this.#step();
      await letPromisesRun();
    }
    this.#throwErrors();
    return this.#now - start;
  }

  /** As `runUntilIdle`, without letting promises run: faster, for tests that have none. */
  runUntilIdleSynchronously(limit: number = 7 * 24 * 3_600_000): number {
    const start = this.#now;
    while (this.#nextEvent() < Infinity) {
      if (this.#nextEvent() > start + limit) throw new Error(`still busy after ${limit} ms of virtual time`);
      this.#step();
    }
    this.#throwErrors();
    return this.#now - start;
  }

  /** As `run`, without letting promises run. */
  runSynchronously(duration: number): void {
    const end = this.#now + duration;
    while (this.#nextEvent() <= end) this.#step();
    this.#now = end;
    this.#throwErrors();
  }

  #nextEvent(): number {
    return Math.min(this.#flying.next(), this.#deadlines.next());
  }

  #step(): void {
    this.#now = Math.max(this.#now, this.#nextEvent());
    if (this.#flying.next() <= this.#deadlines.next()) {
      const { from, to, datagram } = this.#flying.takeDue(this.#now)!;
      const host = this.#hosts.get(keyOf(to));
      if (host === undefined) this.traffic.unreachable++;
      else host.handleDatagram(this.#now, from, datagram);
      return;
    }
    const host = this.#deadlines.takeDue(this.#now)!;
    host.handleTimeout(this.#now);
    this.reschedule(host);
  }

  #throwErrors(): void {
    const errors = this.errors.splice(0);
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, `${errors.length} errors from event handlers`);
  }
}

interface Flight extends Timed {
  readonly from: PeerAddress;
  readonly to: PeerAddress;
  readonly datagram: Uint8Array;
}

const keyOf = ({ host, port }: PeerAddress): string => `${host} ${port}`;

/** A `nextTick` callback asked for inside a promise callback runs when no other promise callback is left. */
async function letPromisesRun(): Promise<void> {
  await new Promise<void>((resolve) => process.nextTick(resolve));
}
