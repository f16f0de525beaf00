/** A server that takes every kind of client, and clients of it, on a `DatagramNetwork`. */
import { nodeCrypto } from '@lapwing/transport';
import type { Association } from '../src/association.ts';
import type { ServerCredentials } from '../src/credentials.ts';
import type { SecretKey } from '../src/crypto.ts';
import { DtlsEndpoint } from '../src/endpoint.ts';
import type { ConnectOptions, DtlsUsage } from '../src/endpoint.ts';
import type { RemoteAddress } from '../src/events.ts';
import type { DtlsParameters } from '../src/parameters.ts';
import { DatagramNetwork } from './datagram-network.ts';
import type { Host, PathOptions } from './datagram-network.ts';
import { NOW } from './handshake-pair.ts';
import { CLIENTS, EVERYTHING, knowsEveryone } from './machine-credentials.ts';

export const SERVER: RemoteAddress = { host: '10.0.0.1', port: 5684 };
export const CLIENT: RemoteAddress = { host: '10.0.0.2', port: 40_000 };
export const ELSEWHERE: RemoteAddress = { host: '10.9.9.9', port: 50_000 };

export const OTHER_KEY: SecretKey = nodeCrypto.importSecret(new TextEncoder().encode('another key entirely'));

export const PSK: ConnectOptions = { credentials: CLIENTS.psk };
export const RPK: ConnectOptions = { credentials: CLIENTS.rpk };
export const X509: ConnectOptions = { credentials: CLIENTS.x509, serverName: 'lwm2m.example' };
export const WRONG_KEY: ConnectOptions = { credentials: { ...CLIENTS.psk, key: OTHER_KEY } };

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

  addServer(address: RemoteAddress, parameters: Partial<DtlsParameters> = {}): Host {
    const endpoint = new DtlsEndpoint({
      crypto: nodeCrypto,
      unixTime: () => NOW + this.network.now,
      server: this.#options.credentials ?? EVERYTHING,
      parameters: { ...this.#options.server, ...parameters },
    });
    const host = this.network.attach(endpoint, address);
    host.onLookup = knowsEveryone;
    return host;
  }

  addClient(address: RemoteAddress, parameters: Partial<DtlsParameters> = {}): Host {
    const endpoint = new DtlsEndpoint({
      crypto: nodeCrypto,
      unixTime: () => NOW + this.network.now,
      parameters: { connectionIdLength: 0, ...this.#options.client, ...parameters },
    });
    return this.network.attach(endpoint, address);
  }

  connect(client: Host = this.client, options: ConnectOptions = PSK): Association {
    return client.endpoint.connect(this.network.now, SERVER, options, client);
  }

  /** Both ends of an open association. */
  open(client: Host = this.client, options: ConnectOptions = PSK): { near: Association; far: Association } {
    const near = this.connect(client, options);
    this.network.run(1_000);
    const far = this.server.of('opened').at(-1)?.association;
    if (near.state !== 'open' || far === undefined) {
      throw new Error(`not open: ${JSON.stringify([...client.of('refused'), ...this.server.of('refused')])}`);
    }
    return { near, far };
  }

  /** Everything on both sides is closed and forgotten. */
  closeAll(): void {
    for (const { association } of this.client.of('opened')) this.client.close(association);
    this.network.settle();
    for (const { association } of this.server.of('opened')) this.server.close(association);
    this.network.settle();
  }
}

/** What must be left of an endpoint when nothing is open and nothing under way. Sessions are remembered on purpose. */
export function leftovers({ endpoint }: { readonly endpoint: DtlsEndpoint }): Omit<DtlsUsage, 'sessions'> {
  const { sessions: _, ...usage } = endpoint.usage;
  return usage;
}

export const NOTHING_LEFT: Omit<DtlsUsage, 'sessions'> = {
  associations: 0,
  handshakes: 0,
  connectionIds: 0,
  addresses: 0,
  hosts: 0,
  lookups: 0,
  deferredBytes: 0,
  fragmentBytes: 0,
  deadlines: 0,
};
