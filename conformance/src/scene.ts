/** A client and the servers it registers with, on a simulated network, as a case begins. */
import {
  LwM2mClient,
  streamedRequests,
  type ClientObject,
  type ClientOptions,
  type ServerAccount,
} from '@lapwing/client';
import type { DefinitionLookup, LwM2mVersion } from '@lapwing/lwm2m';
import { LwM2mServer, type Registration, type ServerOptions } from '@lapwing/server';
import { NatRelay, SimulatedNetwork } from '@lapwing/testkit';
import type { PeerAddress } from '@lapwing/transport';
import { Operator } from './operator.ts';
import { describeMessage, type SentMessage } from './sent-message.ts';
import { settle, until } from './virtual-time.ts';

export const ENDPOINT_CLIENT_NAME = 'urn:uuid:00000000-0000-4000-8000-000000000001';

export interface SceneOptions {
  readonly version: LwM2mVersion;
  /** Of the client, but Security and Server. */
  readonly objects: readonly ClientObject[];
  /** One for each server, in the order of their Short Server IDs; default: one server. The URI is given. */
  readonly accounts?: readonly Omit<ServerAccount, 'uri'>[];
  readonly client?: Partial<ClientOptions>;
  readonly server?: ServerOptions;
  /** The client is behind a NAT that can give it another address. */
  readonly nat?: boolean;
  /** Of both sides; default: the OMA registry. */
  readonly definitions?: DefinitionLookup;
  /** Default true: the scene opens when the client has registered with all servers. */
  readonly registered?: boolean;
}

/** One message as it was sent. */
export interface Sent extends SentMessage {
  readonly at: number;
  readonly from: 'client' | 'server';
}

export class Scene implements AsyncDisposable {
  readonly network = new SimulatedNetwork();
  readonly client: LwM2mClient;
  readonly servers: readonly Operator[];
  /** What happened to registrations: "registered", "updated", "deregistered", "expired". */
  readonly history: string[] = [];
  readonly #sent: Sent[] = [];
  readonly #nat: NatRelay | undefined = undefined;
  #moves = 1;

  static async open(options: SceneOptions): Promise<Scene> {
    const scene = new Scene(options);
    scene.client.register();
    if (options.registered !== false) {
      await scene.until(() => scene.servers.every(({ server }) => server.registrationCount === 1));
    }
    return scene;
  }

  private constructor({
    version,
    objects,
    accounts = [{}],
    client = {},
    server: ofServers = {},
    nat = false,
    definitions,
  }: SceneOptions) {
    const known = definitions === undefined ? {} : { definitions };
    this.servers = accounts.map((_, index) => {
      const driver = this.network.driver({ host: serverHost(index), port: 5683 });
      const server = new LwM2mServer({ drivers: [driver], ...known, ...ofServers });
      server.on('registered', () => this.history.push('registered'));
      server.on('updated', () => this.history.push('updated'));
      server.on('unregistered', (_registration, reason) => this.history.push(reason));
      return new Operator(
        server,
        ENDPOINT_CLIENT_NAME,
        (promise) => this.settle(promise),
        () => this.network.now(),
      );
    });
    if (nat) this.#nat = new NatRelay(this.network, NAT_INSIDE, natOutside(1), { host: serverHost(0), port: 5683 });
    this.network.onDatagram = (from, _to, datagram): void => {
      const side = from.host === CLIENT_HOST ? 'client' : this.#isServer(from) ? 'server' : undefined;
      const sent = side === undefined ? undefined : describeMessage(datagram);
      if (sent !== undefined) this.#sent.push({ at: this.network.now(), from: side!, ...sent });
    };
    this.client = new LwM2mClient(
      this.network.driver({ host: CLIENT_HOST, port: 56_830 }, { streamedRequest: streamedRequests(objects) }),
      {
        endpointClientName: ENDPOINT_CLIENT_NAME,
        lwm2mVersion: version,
        servers: accounts.map((account, index) => ({
          uri: `coap://${serverHost(index)}`,
          shortServerId: index + 1,
          ...(nat && { address: NAT_INSIDE }),
          ...account,
        })),
        objects,
        ...known,
        ...client,
      },
    );
  }

  #isServer({ host }: PeerAddress): boolean {
    return this.servers.some((_, index) => host === serverHost(index));
  }

  /** The first server. */
  get server(): Operator {
    return this.servers[0]!;
  }

  get registration(): Registration {
    return this.server.device.registration;
  }

  /** The client is on another network: the server sees it at another address, and what it sends to the old one is lost. */
  move(): void {
    this.#nat!.rebind(natOutside(++this.#moves));
  }

  /** Messages that were sent since the last call. */
  sent(): readonly Sent[] {
    return this.#sent.splice(0);
  }

  /** Requests that one side sent since the last call of `sent` or this. */
  requests(from: 'client' | 'server'): readonly string[] {
    return this.sent()
      .filter((each) => each.from === from && / /.test(each.line))
      .map(({ line }) => line);
  }

  /** Let virtual time pass. */
  seconds(count: number): Promise<void> {
    return this.network.run(count * 1000);
  }

  until(condition: () => boolean, limit?: number): Promise<void> {
    return until(this.network, condition, limit);
  }

  /** Let virtual time pass until the promise has settled. */
  settle<T>(promise: Promise<T>): Promise<T> {
    return settle(this.network, promise);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.settle(this.client.close());
    for (const { server } of this.servers) await this.settle(server.close());
  }
}

const CLIENT_HOST = '10.1.0.1';
const NAT_INSIDE = { host: '10.1.0.254', port: 5683 };
const natOutside = (moves: number): PeerAddress => ({ host: `10.2.0.${moves}`, port: 40_000 });
const serverHost = (index: number): string => `10.0.0.${index + 1}`;
