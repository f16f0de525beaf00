/**
 * The peers that a driver of coaps reaches without DTLS, because the application named their addresses: Servers and
 * Bootstrap-Servers of coap beside those of coaps, on one socket.
 *
 * Strangers cannot make it grow. What a Bootstrap-Server writes can, so it is bounded.
 */
import { OperationFailed, Peer, UsageError } from '@lapwing/coap';
import { AddressTable } from '@lapwing/dtls';
import type { PeerAddress } from './driver.ts';

export class PlainPeers {
  readonly #maxPeers: number;
  readonly #byAddress = new AddressTable<Peer<PeerAddress>>();
  readonly #known = new Set<Peer>();

  constructor(maxPeers: number) {
    if (!Number.isInteger(maxPeers) || maxPeers < 1)
      throw new UsageError(`maxPlainPeers must be a whole number of at least 1, not ${maxPeers}`);
    this.#maxPeers = maxPeers;
  }

  get size(): number {
    return this.#known.size;
  }

  /** @throws OperationFailed 'TOO_MANY_PEERS'. */
  at(address: PeerAddress): Peer<PeerAddress> {
    const known = this.find(address.host, address.port);
    if (known !== undefined) return known;
    if (this.size >= this.#maxPeers)
      throw new OperationFailed('TOO_MANY_PEERS', `${this.size} peers are reached without DTLS, and no more may be`, {
        retryable: true,
      });
    const peer = new Peer<PeerAddress>(address);
    this.#byAddress.set(address.host, address.port, peer);
    this.#known.add(peer);
    return peer;
  }

  /** @param host  as `normalizeHost` spells it. */
  find(host: string, port: number): Peer<PeerAddress> | undefined {
    return this.#byAddress.find(host, port);
  }

  has(peer: Peer): peer is Peer<PeerAddress> {
    return this.#known.has(peer);
  }

  /** @returns whether it was known. */
  delete(peer: Peer): boolean {
    if (!this.has(peer)) return false;
    this.#byAddress.delete(peer.address.host, peer.address.port);
    return this.#known.delete(peer);
  }
}

/** Whether a datagram is a CoAP message (version 1), not DTLS records, whose first byte is 20 to 25. RFC 7252 §3, RFC 7983 §7. */
export const isCoapDatagram = (datagram: Uint8Array): boolean => datagram.length > 0 && datagram[0]! >> 6 === 1;
