/**
 * The driver of a CoAP endpoint over UDP without security: one peer per address.
 */
import { DEFAULT_COAP_PARAMETERS, type Peer } from '@lapwing/coap';
import type { DatagramTransport } from './datagram-transport.ts';
import { DgramTransport, type DgramTransportOptions } from './dgram-transport.ts';
import type { PeerAddress } from './driver.ts';
import { FORGOTTEN, PeerTable } from './peer-table.ts';
import { SocketDriver, type SocketDriverCounters, type SocketDriverOptions } from './socket-driver.ts';

export interface UdpDriverOptions extends DgramTransportOptions, SocketDriverOptions {
  /** Addresses remembered at once; default 1,000,000. Registered devices count, so stay above the fleet. */
  readonly maxPeers?: number;
}

export interface UdpDriverCounters extends SocketDriverCounters {
  /** Peers in the table now. */
  readonly peers: number;
  /** Idle peers that were forgotten. */
  readonly peersForgotten: number;
  /** Datagrams of strangers dropped because the table was full. */
  readonly peersRefused: number;
}

export class UdpDriver extends SocketDriver {
  override readonly scheme = 'coap';
  readonly #peers: PeerTable;
  /** ms of silence after which an idle peer may be forgotten: its Message IDs no longer matter. RFC 7252 §4.8.2. */
  readonly #peerLifetime: number;
  #nextSweep = Infinity;

  /** Bind a socket and start. Rejects with OperationFailed 'PORT_IN_USE', 'PERMISSION_DENIED' or 'BIND_FAILED'. */
  static override async bind(options: UdpDriverOptions): Promise<UdpDriver> {
    const driver = new UdpDriver(new DgramTransport(options), options);
    await driver.open();
    return driver;
  }

  /** A driver over any transport; nothing is bound until `open`. */
  constructor(transport: DatagramTransport, options: SocketDriverOptions & Pick<UdpDriverOptions, 'maxPeers'> = {}) {
    super(transport, options);
    const { endpoint } = this;
    this.#peerLifetime = options.coap?.exchangeLifetime ?? DEFAULT_COAP_PARAMETERS.exchangeLifetime;
    this.#peers = new PeerTable(options.maxPeers ?? 1_000_000, (peer) => endpoint.isIdle(peer));
  }

  get counters(): UdpDriverCounters {
    return {
      ...this.transport.counters,
      peers: this.#peers.size,
      peersForgotten: this.#peers.forgotten,
      peersRefused: this.#peers.refused,
      errors: this.errorCount,
    };
  }

  override peer(address: PeerAddress): Peer<PeerAddress> {
    return this.#peers.at(address);
  }

  /** For the core. */
  transmit(peer: Peer, datagram: Uint8Array): void {
    if (this.isClosed) return;
    if (peer.lastActivity === FORGOTTEN) this.#peers.restore(peer as Peer<PeerAddress>);
    peer.lastActivity = this.turnedAt;
    this.send(datagram, peer.address as PeerAddress);
  }

  protected handleDatagram(now: number, bytes: Uint8Array, host: string, port: number): void {
    if (this.#nextSweep === Infinity) this.#nextSweep = now + SWEEP_INTERVAL;
    const peer = this.#peers.arrivedFrom(host, port);
    if (peer === undefined) return;
    peer.lastActivity = now;
    this.endpoint.handleDatagram(now, peer, bytes, this);
  }

  protected handleTimeouts(now: number): void {
    this.endpoint.handleTimeout(now, this);
    if (this.#nextSweep <= now) this.#sweepPeers(now);
  }

  protected ownDeadline(): number {
    return this.#nextSweep;
  }

  protected settle(): void {
    // There is nothing between the socket and CoAP.
  }

  /** Every peer is looked at about once per EXCHANGE_LIFETIME, a small share of them at a time. */
  #sweepPeers(now: number): void {
    const rows = Math.max(64, Math.ceil((this.#peers.size * SWEEP_INTERVAL) / this.#peerLifetime));
    this.#peers.sweep(rows, now - this.#peerLifetime);
    this.#nextSweep = this.#peers.size === 0 ? Infinity : now + SWEEP_INTERVAL;
  }
}

const SWEEP_INTERVAL = 5_000;
