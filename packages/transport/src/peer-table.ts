/**
 * The peers of one socket: exactly one `Peer` per address, found without building a string for IPv4.
 *
 * Strangers can make it grow by sending from many addresses, so it is bounded, and peers about which nothing is
 * remembered are forgotten by a sweep that looks at a few rows at a time.
 */
import { isIP, isIPv4, SocketAddress } from 'node:net';
import { Peer, UsageError } from '@lapwing/coap';
import { AddressTable } from '@lapwing/dtls';
import type { PeerAddress } from './driver.ts';

export class PeerTable {
  readonly #maxPeers: number;
  readonly #isIdle: (peer: Peer) => boolean;
  readonly #byAddress = new AddressTable<Peer<PeerAddress>>();
  /** Datagrams of strangers that found no room. */
  refused = 0;
  forgotten = 0;

  /**
   * @param maxPeers  addresses remembered at once; beyond it the datagrams of unknown addresses are dropped.
   * @param isIdle  whether the stack remembers nothing about this peer.
   */
  constructor(maxPeers: number, isIdle: (peer: Peer) => boolean) {
    this.#maxPeers = maxPeers;
    this.#isIdle = isIdle;
  }

  get size(): number {
    return this.#byAddress.size;
  }

  /** The peer a datagram came from, or undefined when the table is full of peers that are in use. */
  arrivedFrom(host: string, port: number): Peer<PeerAddress> | undefined {
    const known = this.#byAddress.find(host, port);
    if (known !== undefined) return known;
    if (!this.#hasRoom()) return undefined;
    const peer = new Peer<PeerAddress>({ host, port });
    this.#byAddress.set(host, port, peer);
    return peer;
  }

  /**
   * The peer at an address the application names. The bound on strangers does not apply.
   *
   * @throws UsageError when `host` is not an IP address or `port` is not 1 to 65535.
   */
  at(address: PeerAddress): Peer<PeerAddress> {
    const { port } = address;
    if (!Number.isInteger(port) || port < 1 || port > 65535) throw new UsageError(`${port} is not a UDP port`);
    const host = normalizeHost(address.host);
    const known = this.#byAddress.find(host, port);
    if (known !== undefined) return known;
    const peer = new Peer<PeerAddress>({ host, port });
    this.#byAddress.set(host, port, peer);
    return peer;
  }

  /**
   * Look at the next `rows` peers and forget those that were silent since `silentSince` (ms on the driver's clock),
   * about which CoAP remembers nothing and which no procedure holds.
   */
  sweep(rows: number, silentSince: number): void {
    this.#byAddress.sweep(rows, (peer) => this.#isForgettable(peer, silentSince));
  }

  /**
   * Take back a forgotten peer that the application held on to and now sends to, so that the answer finds it. A peer
   * that took its address in the meantime gives way unless it is in use.
   */
  restore(peer: Peer<PeerAddress>): void {
    const { host, port } = peer.address;
    if (this.#givesWay(this.#byAddress.find(host, port))) this.#byAddress.set(host, port, peer);
  }

  #givesWay(peer: Peer<PeerAddress> | undefined): boolean {
    return peer === undefined || (peer.context === undefined && this.#isIdle(peer));
  }

  #isForgettable(peer: Peer<PeerAddress>, silentSince: number): boolean {
    if (peer.context !== undefined || peer.lastActivity > silentSince || !this.#isIdle(peer)) return false;
    this.forgotten++;
    peer.lastActivity = FORGOTTEN;
    return true;
  }

  /** A full table first gives up peers that are idle, however recently they spoke. */
  #hasRoom(): boolean {
    if (this.size < this.#maxPeers) return true;
    this.sweep(ROWS_WHEN_FULL, Infinity);
    if (this.size < this.#maxPeers) return true;
    this.refused++;
    return false;
  }
}

/** `lastActivity` of a peer that is in the table no more. */
export const FORGOTTEN: number = -Infinity;

const ROWS_WHEN_FULL = 64;

/** One spelling per address: IPv4-mapped IPv6 becomes IPv4, IPv6 takes the form of RFC 5952, a zone id stays. */
export function normalizeHost(host: string): string {
  if (isIPv4(host)) return host;
  const [address = '', zone] = host.split('%', 2);
  if (isIP(address) !== 6) throw new UsageError(`"${host}" is not an IP address`);
  const canonical = new SocketAddress({ address, family: 'ipv6' }).address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(canonical)?.[1];
  if (mapped !== undefined) return mapped;
  return zone === undefined ? canonical : `${canonical}%${zone}`;
}
