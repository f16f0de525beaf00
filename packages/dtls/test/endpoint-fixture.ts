/** A server and clients of it on a `DatagramNetwork`, with one pre-shared key. */
import { nodeCrypto } from '@lapwing/transport';
import type { Association } from '../src/association.ts';
import type { ServerCredentials } from '../src/credentials.ts';
import type { SecretKey } from '../src/crypto.ts';
import { DtlsEndpoint } from '../src/endpoint.ts';
import type { ConnectOptions } from '../src/endpoint.ts';
import type { RemoteAddress } from '../src/events.ts';
import type { DtlsParameters } from '../src/parameters.ts';
import { DatagramNetwork } from './datagram-network.ts';
import type { Host, PathOptions } from './datagram-network.ts';

/** ms since 1970 when the virtual clock is at 0. */
export const EPOCH: number = Date.UTC(2026, 0, 1);

export const SERVER: RemoteAddress = { host: '10.0.0.1', port: 5684 };
export const CLIENT: RemoteAddress = { host: '10.0.0.2', port: 40_000 };
export const ELSEWHERE: RemoteAddress = { host: '10.9.9.9', port: 50_000 };

export const KEY: SecretKey = nodeCrypto.importSecret(new TextEncoder().encode('correct horse battery'));
export const OTHER_KEY: SecretKey = nodeCrypto.importSecret(new TextEncoder().encode('another key entirely'));
export const IDENTITY: Uint8Array = new TextEncoder().encode('sensor-1');

export const PSK_SERVER: ServerCredentials = {
  psk: {},
  clientAuthentication: 'required',
  clientCertificateTypes: ['rpk', 'x509'],
  trustAnchors: [],
};

export const PSK_CLIENT: ConnectOptions = { credentials: { kind: 'psk', identity: IDENTITY, key: KEY } };

export interface FixtureOptions extends PathOptions {
  readonly server?: Partial<DtlsParameters>;
  readonly client?: Partial<DtlsParameters>;
  readonly credentials?: ServerCredentials;
}

export class Fixture {
  readonly network: DatagramNetwork;
  readonly server: Host;
  readonly client: Host;
  readonly #options: FixtureOptions;

  constructor(options: FixtureOptions = {}) {
    this.#options = options;
    this.network = new DatagramNetwork(options);
    this.server = this.addServer(SERVER);
    this.client = this.addClient(CLIENT);
  }

  addServer(address: RemoteAddress): Host {
    const endpoint = new DtlsEndpoint({
      crypto: nodeCrypto,
      unixTime: () => EPOCH + this.network.now,
      server: this.#options.credentials ?? PSK_SERVER,
      parameters: this.#options.server ?? {},
    });
    const host = this.network.attach(endpoint, address);
    host.onLookup = (lookup) => (lookup.kind === 'psk' ? { kind: 'key', key: KEY } : { kind: 'accepted' });
    return host;
  }

  addClient(address: RemoteAddress): Host {
    const endpoint = new DtlsEndpoint({
      crypto: nodeCrypto,
      unixTime: () => EPOCH + this.network.now,
      parameters: { connectionIdLength: 0, ...this.#options.client },
    });
    return this.network.attach(endpoint, address);
  }

  connect(client: Host = this.client, options: ConnectOptions = PSK_CLIENT): Association {
    return client.endpoint.connect(this.network.now, SERVER, options, client);
  }

  /** Both ends of an open association. */
  open(client: Host = this.client, options: ConnectOptions = PSK_CLIENT): { near: Association; far: Association } {
    const near = this.connect(client, options);
    this.network.run(1_000);
    const far = this.server.of('opened').at(-1)?.association;
    if (near.state !== 'open' || far === undefined) {
      throw new Error(`not open: ${JSON.stringify([...client.of('refused'), ...this.server.of('refused')])}`);
    }
    return { near, far };
  }
}
