/**
 * A small network for endpoint tests: datagrams between addresses on virtual time, lost, doubled, late or out of order
 * as a seed decides, and never larger than the path takes. Nothing here waits: `run` jumps from moment to moment.
 */
import type { Association } from '../src/association.ts';
import type { DtlsEndpoint } from '../src/endpoint.ts';
import type { DtlsEvent, DtlsOutbox, LookupAnswer, Lookup, RemoteAddress } from '../src/events.ts';

/** mulberry32: the same seed gives the same run. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  integer(below: number): number {
    return Math.floor(this.fraction() * below);
  }
}

export interface PathOptions {
  readonly seed?: number;
  /** Probabilities. */
  readonly loss?: number;
  readonly duplication?: number;
  /** ms one way, and as much again at random: datagrams overtake each other. */
  readonly latency?: number;
  readonly jitter?: number;
  readonly maxDatagramBytes?: number;
}

export interface Datagram {
  readonly from: RemoteAddress;
  readonly to: RemoteAddress;
  readonly bytes: Uint8Array;
  readonly at: number;
}

interface Timed {
  readonly at: number;
  readonly order: number;
  readonly act: () => void;
}

export class DatagramNetwork {
  now = 1_000;
  /** Everything that was sent, in order; also what was lost. */
  readonly sent: Datagram[] = [];
  /** Sees what is sent; false: it is lost. */
  filter: (datagram: Datagram) => boolean = () => true;
  readonly #path: Required<PathOptions>;
  readonly #random: Random;
  readonly #hosts: Host[] = [];
  readonly #queue: Timed[] = [];
  #order = 0;

  constructor(path: PathOptions = {}) {
    this.#path = { seed: 1, loss: 0, duplication: 0, latency: 20, jitter: 0, maxDatagramBytes: 1200, ...path };
    this.#random = new Random(this.#path.seed);
  }

  attach(endpoint: DtlsEndpoint, address: RemoteAddress): Host {
    const host = new Host(this, endpoint, address);
    this.#hosts.push(host);
    return host;
  }

  detach(host: Host): void {
    this.#hosts.splice(this.#hosts.indexOf(host), 1);
  }

  /** As if the network had carried it: for strangers and replays. */
  inject(from: RemoteAddress, to: RemoteAddress, bytes: Uint8Array): void {
    this.#at(this.now + this.#path.latency, () => this.#arrive({ from, to, bytes, at: this.now }));
  }

  carry(from: RemoteAddress, to: RemoteAddress, bytes: Uint8Array): void {
    const { loss, duplication, latency, jitter, maxDatagramBytes } = this.#path;
    if (bytes.length > maxDatagramBytes) throw new Error(`a datagram of ${bytes.length} bytes`);
    const datagram: Datagram = { from, to, bytes: bytes.slice(), at: this.now };
    this.sent.push(datagram);
    if (!this.filter(datagram)) return;
    const copies = this.#random.fraction() < duplication ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#random.fraction() < loss) continue;
      this.#at(this.now + latency + this.#random.fraction() * jitter, () => this.#arrive(datagram));
    }
  }

  /** Until `duration` ms have passed, or `isDone`. */
  run(duration: number, isDone: () => boolean = () => false): void {
    const end = this.now + duration;
    while (!isDone()) {
      const next = this.#next();
      if (next > end) break;
      this.now = Math.max(this.now, next);
      for (const host of this.#hosts) if (host.endpoint.nextDeadline() <= this.now) host.handleTimeout();
      while (this.#queue.length > 0 && this.#queue[0]!.at <= this.now) this.#queue.shift()!.act();
    }
    if (!isDone()) this.now = end;
  }

  /** Until nothing is left to happen, for at most so long. */
  settle(most = 600_000): void {
    this.run(most, () => this.#next() === Infinity);
  }

  #next(): number {
    let next = this.#queue[0]?.at ?? Infinity;
    for (const { endpoint } of this.#hosts) next = Math.min(next, endpoint.nextDeadline());
    return next;
  }

  #at(at: number, act: () => void): void {
    const item: Timed = { at, order: this.#order++, act };
    let index = this.#queue.length;
    while (index > 0 && this.#queue[index - 1]!.at > at) index--;
    this.#queue.splice(index, 0, item);
  }

  #arrive({ from, to, bytes }: Datagram): void {
    for (const host of this.#hosts) {
      if (host.address.host === to.host && host.address.port === to.port) host.receive(from, bytes);
    }
  }
}

/** An endpoint at an address, and what came out of it. */
export class Host implements DtlsOutbox {
  readonly endpoint: DtlsEndpoint;
  address: RemoteAddress;
  readonly events: DtlsEvent[] = [];
  readonly delivered: { readonly association: Association; readonly text: string }[] = [];
  /** Answers look-ups at once where it is set. */
  onLookup: ((lookup: Lookup) => LookupAnswer | undefined) | undefined = undefined;
  readonly #network: DatagramNetwork;
  readonly #lookups: Lookup[] = [];

  constructor(network: DatagramNetwork, endpoint: DtlsEndpoint, address: RemoteAddress) {
    this.#network = network;
    this.endpoint = endpoint;
    this.address = address;
  }

  get now(): number {
    return this.#network.now;
  }

  /** Events of one kind. */
  of<Kind extends DtlsEvent['kind']>(kind: Kind): Extract<DtlsEvent, { kind: Kind }>[] {
    return this.events.filter((event): event is Extract<DtlsEvent, { kind: Kind }> => event.kind === kind);
  }

  get texts(): readonly string[] {
    return this.delivered.map(({ text }) => text);
  }

  transmit(to: RemoteAddress, datagram: Uint8Array): void {
    this.#network.carry(this.address, { host: to.host, port: to.port }, datagram);
  }

  deliver(association: Association, plaintext: Uint8Array): void {
    this.delivered.push({ association, text: new TextDecoder().decode(plaintext) });
  }

  emit(event: DtlsEvent): void {
    this.events.push(event);
    if (event.kind === 'lookup') this.#lookups.push(event.lookup);
  }

  receive(from: RemoteAddress, bytes: Uint8Array): void {
    this.endpoint.handleDatagram(this.now, { ...from }, bytes, this);
    this.#answer();
  }

  handleTimeout(): void {
    this.endpoint.handleTimeout(this.now, this);
    this.#answer();
  }

  send(association: Association, text: string): boolean {
    return this.endpoint.send(this.now, association, new TextEncoder().encode(text), this);
  }

  close(association: Association): void {
    this.endpoint.close(this.now, association, this);
  }

  /** After the call that asked, as the contract wants it. */
  #answer(): void {
    for (let lookup = this.#lookups.shift(); lookup !== undefined; lookup = this.#lookups.shift()) {
      const answer = this.onLookup?.(lookup);
      if (answer !== undefined) this.endpoint.answer(this.now, lookup, answer, this);
    }
  }
}
