/**
 * A NAT between one client and one server, which gives the client another address on command, as NATs do when they
 * forget or restart. The client sends to `inside`; the server sees the traffic come from the outside address.
 */
import type { PeerAddress } from '@lapwing/transport';
import type { SimulatedHost, SimulatedNetwork } from './simulated-network.ts';

export class NatRelay {
  /** Where the client finds the server. */
  readonly inside: PeerAddress;
  readonly #network: SimulatedNetwork;
  readonly #server: PeerAddress;
  #client: PeerAddress | undefined;
  #outside: Door;

  constructor(network: SimulatedNetwork, inside: PeerAddress, outside: PeerAddress, server: PeerAddress) {
    this.#network = network;
    this.inside = inside;
    this.#server = server;
    network.attach(
      new Door(inside, (from, datagram) => {
        this.#client = from;
        network.send(this.#outside.localAddress, this.#server, datagram);
      }),
    );
    this.#outside = this.#open(outside);
  }

  get outside(): PeerAddress {
    return this.#outside.localAddress;
  }

  /** From now on the client has this address; what is still sent to the old one is lost. */
  rebind(outside: PeerAddress): void {
    this.#network.detach(this.#outside);
    this.#outside = this.#open(outside);
  }

  #open(outside: PeerAddress): Door {
    const door = new Door(outside, (_from, datagram) => {
      if (this.#client !== undefined) this.#network.send(this.inside, this.#client, datagram);
    });
    this.#network.attach(door);
    return door;
  }
}

class Door implements SimulatedHost {
  readonly localAddress: PeerAddress;
  /** Written by the network. */
  deadline = Infinity;
  heapIndex = -1;
  readonly #pass: (from: PeerAddress, datagram: Uint8Array) => void;

  constructor(localAddress: PeerAddress, pass: (from: PeerAddress, datagram: Uint8Array) => void) {
    this.localAddress = localAddress;
    this.#pass = pass;
  }

  handleDatagram(_now: number, from: PeerAddress, datagram: Uint8Array): void {
    this.#pass(from, datagram);
  }

  handleTimeout(): void {
    // It waits for nothing.
  }

  nextDeadline(): number {
    return Infinity;
  }
}
