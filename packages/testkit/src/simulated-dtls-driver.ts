/**
 * The real `DtlsDriver` on the simulated network: virtual time, and randomness from the seed. Runs with pre-shared keys
 * are the same byte for byte; ephemeral keys and ECDSA signatures have randomness of their own.
 */
import type { CoapParameters } from '@lapwing/coap';
import { DtlsEndpoint, type DtlsCrypto, type DtlsParameters, type ServerCredentials } from '@lapwing/dtls';
import { DtlsDriver, nodeCrypto, type PeerAddress } from '@lapwing/transport';
import type { SeededRandom } from './seeded-random.ts';
import type { SimulatedNetwork } from './simulated-network.ts';
import { SimulatedSocket } from './simulated-socket.ts';

export interface SimulatedDtlsOptions {
  /** Without it this side only connects. */
  readonly server?: ServerCredentials;
  readonly dtls?: Partial<DtlsParameters>;
  readonly coap?: Partial<CoapParameters>;
  /** As of `DtlsDriver`. */
  readonly plaintext?: boolean;
  readonly maxPlainPeers?: number;
}

export class SimulatedDtlsDriver extends DtlsDriver {
  readonly #network: SimulatedNetwork;
  readonly #address: PeerAddress;

  constructor(network: SimulatedNetwork, address: PeerAddress, options: SimulatedDtlsOptions) {
    const { server, dtls = {}, coap = {}, plaintext = false, maxPlainPeers = 64 } = options;
    const socket = new SimulatedSocket(network, address);
    const endpoint = new DtlsEndpoint({
      crypto: seededCrypto(socket.seeded),
      unixTime: () => network.unixTime(),
      parameters: server === undefined ? { connectionIdLength: 0, ...dtls } : dtls,
      ...(server === undefined ? {} : { server }),
    });
    super(socket, endpoint, { coap, clock: socket, plaintext, maxPlainPeers });
    this.#network = network;
    this.#address = address;
    // A simulated socket is bound at once, unless its address is taken.
    this.open().catch((error: unknown) => network.errors.push(error));
  }

  override get localAddress(): PeerAddress {
    return this.#address;
  }

  /** What handlers throw, the next `run` of the network throws. */
  protected override report(error: unknown): void {
    this.#network.errors.push(error);
  }
}

/** Node's primitives with the randomness of a seed. */
export const seededCrypto = (random: SeededRandom): DtlsCrypto => ({
  ...nodeCrypto,
  randomBytes: (length) => random.bytes(length),
});
