/** A server of coaps and a device with credentials for it, on a simulated network, as a case about DTLS begins. */
import { LwM2mClient, type ClientOptions } from '@lapwing/client';
import type { ClientCredentials, DtlsParameters, ServerCredentials } from '@lapwing/dtls';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import {
  LwM2mServer,
  MemorySecurityStore,
  type SecurityEntry,
  type SecurityStore,
  type ServerOptions,
} from '@lapwing/server';
import { SimulatedNetwork, type SimulatedDtlsDriver } from '@lapwing/testkit';
import type { PeerAddress } from '@lapwing/transport';
import { C1_ACCOUNT, device } from './configurations.ts';
import { ENDPOINT_CLIENT_NAME } from './scene.ts';
import { settle } from './virtual-time.ts';

export const SERVER: PeerAddress = { host: '10.0.0.1', port: 5684 };
export const DEVICE: PeerAddress = { host: '10.1.0.1', port: 56_830 };
export const SERVER_NAME = 'server.example.com';

export interface SecureSceneOptions {
  readonly version: LwM2mVersion;
  readonly server: ServerCredentials;
  readonly client: ClientCredentials;
  /** What the server knows of devices; default: nothing. */
  readonly entries?: readonly SecurityEntry[];
  readonly securityStore?: SecurityStore;
  /** In the URI that the client has. */
  readonly hostName?: string;
  readonly endpointClientName?: string;
  readonly clientOptions?: Partial<ClientOptions>;
  readonly serverOptions?: ServerOptions;
  /** Of the server. */
  readonly dtls?: Partial<DtlsParameters>;
  /** Default 300. */
  readonly lifetimeSeconds?: number;
}

export class SecureScene implements AsyncDisposable {
  readonly network = new SimulatedNetwork();
  readonly driver: SimulatedDtlsDriver;
  readonly server: LwM2mServer;
  readonly client: LwM2mClient;
  /** Why the client has not registered, each in a sentence. */
  readonly failures: string[] = [];
  /** What the server has refused: "wrong-key", "alert-received unknown_ca", "4.00 identity …". */
  readonly refused: string[] = [];
  /** "registered", "updated", "deregistered", "removed". */
  readonly history: string[] = [];

  /** The client has had 20 s to register. */
  static async open(options: SecureSceneOptions): Promise<SecureScene> {
    const scene = new SecureScene(options);
    scene.client.register();
    await scene.network.run(20_000);
    return scene;
  }

  private constructor({ version, server, client, entries = [], ...rest }: SecureSceneOptions) {
    const { hostName = SERVER_NAME, endpointClientName = ENDPOINT_CLIENT_NAME, lifetimeSeconds = 300 } = rest;
    this.driver = this.network.secureDriver(SERVER, { server, dtls: rest.dtls ?? {} });
    const securityStore = rest.securityStore ?? new MemorySecurityStore(entries);
    this.server = new LwM2mServer({ drivers: [this.driver], securityStore, ...rest.serverOptions });
    this.server.on('handshakeRefused', ({ refusal: { reason, alert } }) =>
      this.refused.push(reason === 'alert-received' ? `${reason} ${alert}` : reason),
    );
    this.server.on('refused', ({ code, reason }) => this.refused.push(`${code} ${reason}`));
    this.server.on('registered', () => this.history.push('registered'));
    this.server.on('updated', () => this.history.push('updated'));
    this.server.on('unregistered', (_registration, reason) => this.history.push(reason));
    this.client = new LwM2mClient(this.network.secureDriver(DEVICE), {
      endpointClientName,
      lwm2mVersion: version,
      servers: [
        {
          ...C1_ACCOUNT,
          lifetimeSeconds,
          uri: `coaps://${hostName}`,
          address: SERVER,
          credentials: client,
        },
      ],
      objects: [device()],
      ...rest.clientOptions,
    });
    this.client.on('registrationFailed', ({ reason }) => this.failures.push(reason));
  }

  seconds(count: number): Promise<void> {
    return this.network.run(count * 1000);
  }

  /** Let virtual time pass until the promise has settled. */
  settle<T>(promise: Promise<T>): Promise<T> {
    return settle(this.network, promise);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.settle(this.client.close());
    await this.settle(this.server.close());
  }
}
