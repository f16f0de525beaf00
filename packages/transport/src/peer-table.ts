/**
 * The peers of one socket: exactly one `Peer` per address, found without building a string for IPv4.
 *
 * Strangers can make it grow by sending from many addresses, so it is bounded, and peers about which nothing is
 * remembered are forgotten by a sweep that looks at a few rows at a time.
 */
import { isIP, isIPv4, SocketAddress } from 'node:net';
import { Peer, UsageError } from '@lapwing/coap';
import type { PeerAddress } from './driver.ts';

export class PeerTable {
  readonly #maxPeers: number;
  readonly #isIdle: (peer: Peer) => boolean;
  /** Key: the 32 address bits × 65536 + port, below 2^48. */
  readonly #ipv4 = new Map<number, Peer<PeerAddress>>();
  /** Key: address and port in text. */
  readonly #ipv6 = new Map<string, Peer<PeerAddress>>();
  #ipv4Sweep: MapIterator<[number, Peer<PeerAddress>]> = this.#ipv4.entries();
  #ipv6Sweep: MapIterator<[string, Peer<PeerAddress>]> = this.#ipv6.entries();
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
    return this.#ipv4.size + this.#ipv6.size;
  }

  /** The peer a datagram came from, or undefined when the table is full of peers that are in use. */
  arrivedFrom(host: string, port: number): Peer<PeerAddress> | undefined {
    const bits = ipv4Bits(host);
    if (bits >= 0) {
      const key = bits * 65536 + port;
      const known = this.#ipv4.get(key);
      if (known !== undefined) return known;
      if (!this.#hasRoom()) return undefined;
      const peer = new Peer<PeerAddress>({ host, port });
      this.#ipv4.set(key, peer);
      return peer;
    }
    const key = `${host} ${port}`;
    const known = this.#ipv6.get(key);
    if (known !== undefined) return known;
    if (!this.#hasRoom()) return undefined;
    const peer = new Peer<PeerAddress>({ host, port });
    this.#ipv6.set(key, peer);
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
    const bits = ipv4Bits(host);
    const known = bits >= 0 ? this.#ipv4.get(bits * 65536 + port) : this.#ipv6.get(`${host} ${port}`);
    if (known !== undefined) return known;
    const peer = new Peer<PeerAddress>({ host, port });
    if (bits >= 0) this.#ipv4.set(bits * 65536 + port, peer);
    else this.#ipv6.set(`${host} ${port}`, peer);
    return peer;
  }

  /**
   * Look at the next `rows` peers and forget those that were silent since `silentSince` (ms on the driver's clock),
   * about which CoAP remembers nothing and which no procedure holds.
   */
  sweep(rows: number, silentSince: number): void {
    for (let row = Math.min(rows, this.#ipv4.size); row > 0; row--) {
      const next = this.#ipv4Sweep.next();
      if (next.done === true) {
        this.#ipv4Sweep = this.#ipv4.entries();
        break;
      }
      const [key, peer] = next.value;
      if (this.#isForgettable(peer, silentSince)) this.#ipv4.delete(key);
    }
    for (let row = Math.min(rows, this.#ipv6.size); row > 0; row--) {
      const next = this.#ipv6Sweep.next();
      if (next.done === true) {
        this.#ipv6Sweep = this.#ipv6.entries();
        break;
      }
      const [key, peer] = next.value;
      if (this.#isForgettable(peer, silentSince)) this.#ipv6.delete(key);
    }
  }

  /**
   * Take back a forgotten peer that the application held on to and now sends to, so that the answer finds it. A peer
   * that took its address in the meantime gives way unless it is in use.
   */
  restore(peer: Peer<PeerAddress>): void {
    const { host, port } = peer.address;
    const bits = ipv4Bits(host);
    if (bits >= 0) {
      const key = bits * 65536 + port;
      if (this.#givesWay(this.#ipv4.get(key))) this.#ipv4.set(key, peer);
    } else {
      const key = `${host} ${port}`;
      if (this.#givesWay(this.#ipv6.get(key))) this.#ipv6.set(key, peer);
    }
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

/** The 32 bits of a dotted-quad IPv4 address as an unsigned number, or -1 when the text is none (then it is IPv6). */
export function ipv4Bits(host: string): number {
  let bits = 0;
  let part = 0;
  let dots = 0;
  for (let i = 0; i < host.length; i++) {
    const digit = host.charCodeAt(i) - 48;
    if (digit >= 0 && digit <= 9) {
      part = part * 10 + digit;
    } else if (digit === -2) {
      bits = (bits << 8) | part;
      part = 0;
      dots++;
    } else {
      return -1;
    }
  }
  return dots === 3 ? ((bits << 8) | part) >>> 0 : -1;
}

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
