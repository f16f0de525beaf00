/**
 * A client, a Bootstrap-Server and LwM2M Servers, each of these with coap and coaps, on a simulated network, as a case
 * about Bootstrap begins.
 */
import assert from 'node:assert/strict';
import {
  LwM2mBootstrapServer,
  MemoryConfigurationStore,
  certificateAuthority,
  type BootstrapConfiguration,
  type BootstrapOutcome,
  type BootstrapServerOptions,
  type BootstrapSession,
} from '@lapwing/bootstrap-server';
import {
  LwM2mClient,
  MemoryStateStore,
  type BootstrapServerAccount,
  type ClientObject,
  type ClientOptions,
} from '@lapwing/client';
import type { ClientCredentials, ServerCredentials } from '@lapwing/dtls';
import type { DefinitionLookup, LwM2mVersion } from '@lapwing/lwm2m';
import { LwM2mServer, MemorySecurityStore, type SecurityEntry } from '@lapwing/server';
import { SimulatedNetwork } from '@lapwing/testkit';
import type { Driver, PeerAddress } from '@lapwing/transport';
import { AUTHORITY, BOOTSTRAP, MANAGEMENT } from './bootstrap-credentials.ts';
import { device } from './configurations.ts';
import { Operator } from './operator.ts';
import { ENDPOINT_CLIENT_NAME } from './scene.ts';
import { describeMessage, type SentMessage } from './sent-message.ts';
import { ScriptedBootstrapServer } from './scripted-bootstrap-server.ts';
import { settle, until } from './virtual-time.ts';

const BOOTSTRAP_HOST = '10.0.0.3';
const SERVER_HOSTS = ['10.0.0.1', '10.0.0.2'] as const;
const CLIENT_HOST = '10.1.0.1';
const ADDRESSES: Readonly<Record<string, string>> = {
  [BOOTSTRAP.hostName]: BOOTSTRAP_HOST,
  ...Object.fromEntries(MANAGEMENT.map(({ hostName }, index) => [hostName, SERVER_HOSTS[index]!])),
};

export const BOOTSTRAP_COAP: PeerAddress = { host: BOOTSTRAP_HOST, port: 5683 };
export const URIS = {
  bootstrap: `coap://${BOOTSTRAP.hostName}`,
  secureBootstrap: `coaps://${BOOTSTRAP.hostName}`,
  server: `coap://${MANAGEMENT[0]!.hostName}`,
  secureServer: `coaps://${MANAGEMENT[0]!.hostName}`,
  other: `coap://${MANAGEMENT[1]!.hostName}`,
  /** Nobody is there. */
  nowhere: 'coap://10.0.0.99',
} as const;

/** An account with the first server over plain coap. */
export const PLAIN_ACCOUNT: BootstrapConfiguration = {
  servers: [{ shortServerId: 1, uri: URIS.server, security: { mode: 'none' }, lifetimeSeconds: 86_400 }],
};

export interface BootstrapSceneOptions {
  readonly version: LwM2mVersion;
  /** What the Bootstrap-Server gives the client; default: an account with the first server over plain coap. */
  readonly configuration?: BootstrapConfiguration;
  /** How the client reaches the Bootstrap-Server; default: over plain coap. */
  readonly credentials?: ClientCredentials;
  /** Further of that account; undefined: the client has none. */
  readonly account?: Partial<BootstrapServerAccount> | undefined;
  /** Of the servers; default: the OMA registry. */
  readonly definitions?: DefinitionLookup;
  /** Of the client, but Security and Server; default: Device. */
  readonly objects?: readonly ClientObject[];
  /** Default: no packs, so that LwM2M 1.2 bootstraps as those before. */
  readonly client?: Partial<ClientOptions>;
  readonly bootstrapServer?: Partial<BootstrapServerOptions>;
  /** Whom the Bootstrap-Server knows over coaps; default: nobody. */
  readonly entries?: readonly SecurityEntry[];
  /** What the Bootstrap-Server shows; default: its own. */
  readonly bootstrapCredentials?: ServerCredentials;
  /** Whom the first server knows over coaps, and what it shows; defaults: nobody, its own. */
  readonly serverEntries?: readonly SecurityEntry[];
  readonly serverCredentials?: ServerCredentials;
  /** Default true; false: the case is the device. */
  readonly hasClient?: boolean;
  /** The case is the Bootstrap-Server. */
  readonly isScripted?: boolean;
}

export interface PlainMessage extends SentMessage {
  /** Virtual ms. */
  readonly at: number;
  readonly from: 'client' | 'bootstrap-server' | 'server';
  readonly to: PlainMessage['from'];
}

export class BootstrapScene implements AsyncDisposable {
  readonly network = new SimulatedNetwork();
  readonly servers: readonly Operator[];
  /** "started: no-server", "finished", "failed: 4.00 Bad Request", "registered 1", "deregistered 1", "lost 1". */
  readonly events: string[] = [];
  readonly outcomes: BootstrapOutcome[] = [];
  /** What the Bootstrap-Server refused: "4.00 identity", "wrong-key". */
  readonly refused: string[] = [];
  readonly store = new MemoryStateStore();
  readonly #options: BootstrapSceneOptions;
  readonly #bootstrapServer: LwM2mBootstrapServer | undefined;
  readonly #script: ScriptedBootstrapServer | undefined;
  readonly #plain: PlainMessage[] = [];
  #client: LwM2mClient | undefined;
  #ports = 56_830;

  /** The client has begun. */
  static open(options: BootstrapSceneOptions): BootstrapScene {
    return new BootstrapScene(options);
  }

  /** The client has been bootstrapped and has registered with the first server. */
  static async registered(options: BootstrapSceneOptions): Promise<BootstrapScene> {
    const scene = new BootstrapScene(options);
    await scene.until(() => scene.server.server.registrationCount === 1);
    await scene.seconds(1);
    return scene;
  }

  private constructor(options: BootstrapSceneOptions) {
    const { network } = this;
    this.#options = options;
    this.servers = SERVER_HOSTS.map((host, index) => {
      const { credentials } = MANAGEMENT[index]!;
      const server = new LwM2mServer({
        drivers: this.#drivers(host, index === 0 ? (options.serverCredentials ?? credentials) : credentials),
        securityStore: new MemorySecurityStore(index === 0 ? (options.serverEntries ?? []) : []),
        ...(options.definitions !== undefined && { definitions: options.definitions }),
      });
      const now = (): number => network.now();
      return new Operator(server, ENDPOINT_CLIENT_NAME, (promise) => this.settle(promise), now);
    });
    const drivers = this.#drivers(BOOTSTRAP_HOST, options.bootstrapCredentials ?? BOOTSTRAP.credentials);
    if (options.isScripted === true) this.#script = new ScriptedBootstrapServer(network, drivers, BOOTSTRAP.key);
    else this.#bootstrapServer = this.#serve(drivers, options);
    network.onDatagram = ({ host: from }, { host: to }, datagram): void => {
      const message = describeMessage(datagram);
      if (message !== undefined)
        this.#plain.push({ at: network.now(), from: roleOf(from), to: roleOf(to), ...message });
    };
    if (options.hasClient !== false) this.#client = this.#start({});
  }

  #drivers(host: string, server: ServerCredentials): readonly Driver[] {
    return [this.network.driver({ host, port: 5683 }), this.network.secureDriver({ host, port: 5684 }, { server })];
  }

  #serve(
    drivers: readonly Driver[],
    { configuration = PLAIN_ACCOUNT, entries = [], bootstrapServer = {} }: BootstrapSceneOptions,
  ): LwM2mBootstrapServer {
    const [{ server }] = this.servers as readonly [Operator];
    const { publicKey, certificate } = MANAGEMENT[0]!;
    const served = new LwM2mBootstrapServer({
      drivers,
      configurationStore: new MemoryConfigurationStore([{ endpointClientName: ENDPOINT_CLIENT_NAME, configuration }]),
      securityStore: new MemorySecurityStore(entries),
      lwm2mServers: [{ security: server.security, publicKey, certificate }],
      certificateIssuer: certificateAuthority({ ...AUTHORITY, unixTime: () => this.network.unixTime() }),
      ...bootstrapServer,
    });
    served.on('sessionEnded', (_session, outcome) => this.outcomes.push(outcome));
    served.on('refused', ({ code, kind }) => this.refused.push(`${code} ${kind}`));
    served.on('handshakeRefused', ({ refusal }) => this.refused.push(refusal.reason));
    return served;
  }

  /** The power is cut, and comes back: nobody is told, and what was saved is found again. */
  async restart(changed: Partial<ClientOptions> = {}): Promise<void> {
    const { conditions } = this.network;
    this.network.conditions = { ...conditions, loss: 1 };
    await this.settle(this.client.close());
    this.network.conditions = conditions;
    this.#plain.length = 0;
    this.#client = this.#start(changed);
  }

  #start(changed: Partial<ClientOptions>): LwM2mClient {
    const { version, credentials, objects = [device()], client } = this.#options;
    const account: BootstrapServerAccount = {
      uri: credentials === undefined ? URIS.bootstrap : URIS.secureBootstrap,
      ...(credentials !== undefined && { credentials }),
      ...this.#options.account,
    };
    const state = this.store.load();
    const hasAccount = !('account' in this.#options) || this.#options.account !== undefined;
    const started = new LwM2mClient(
      this.network.secureDriver({ host: CLIENT_HOST, port: this.#ports++ }, { plaintext: true }),
      {
        endpointClientName: ENDPOINT_CLIENT_NAME,
        lwm2mVersion: version,
        servers: [],
        ...(hasAccount && { bootstrapServer: account }),
        bootstrap: { pack: false },
        objects,
        trustAnchors: [AUTHORITY.certificate],
        lookUp: (name) => Promise.resolve(ADDRESSES[name] ?? name),
        stateStore: this.store,
        ...(state !== undefined && { state }),
        ...client,
        ...changed,
      },
    );
    started.on('bootstrapStarted', ({ reason }) => this.events.push(`started: ${reason}`));
    started.on('bootstrapFinished', ({ unusable }) => this.events.push(['finished', ...unusable].join('; ')));
    started.on('bootstrapFailed', ({ reason }) => this.events.push(`failed: ${reason}`));
    started.on('smartcardFailed', ({ reason }) => this.events.push(`smartcard: ${reason}`));
    for (const name of ['registered', 'lost', 'deregistered'] as const) {
      started.on(name, ({ shortServerId }) => this.events.push(`${name} ${shortServerId}`));
    }
    started.register();
    return started;
  }

  get client(): LwM2mClient {
    assert.ok(this.#client !== undefined, 'there is none');
    return this.#client;
  }

  /** The first server. */
  get server(): Operator {
    return this.servers[0]!;
  }

  get bootstrapServer(): LwM2mBootstrapServer {
    assert.ok(this.#bootstrapServer !== undefined, 'it is scripted');
    return this.#bootstrapServer;
  }

  get script(): ScriptedBootstrapServer {
    assert.ok(this.#script !== undefined, 'it is not scripted');
    return this.#script;
  }

  /** The newest. */
  get session(): BootstrapSession {
    const [session] = this.bootstrapServer.sessions();
    assert.ok(session !== undefined, 'nobody has asked');
    return session;
  }

  /** What the newest session was about, as the Bootstrap-Server saw it: "write /0/1 2.04". */
  get steps(): readonly string[] {
    return this.session.timeline.map(({ operation, path, result }) => `${operation} ${path} ${result}`);
  }

  /** Messages in plaintext since the last call, with or between these two when they are named. */
  plain(from?: PlainMessage['from'], to?: PlainMessage['from']): readonly PlainMessage[] {
    return this.#plain
      .splice(0)
      .filter((each) => (from === undefined || each.from === from) && (to === undefined || each.to === to));
  }

  /** Give the client another configuration the next time it asks. */
  async configure(configuration: BootstrapConfiguration): Promise<void> {
    await this.settle(this.bootstrapServer.configurations.set(ENDPOINT_CLIENT_NAME, configuration));
  }

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
    if (this.#client !== undefined) await this.settle(this.#client.close());
    for (const { server } of this.servers) await this.settle(server.close());
    await this.#bootstrapServer?.close();
    await this.#script?.close();
  }
}

const roleOf = (host: string): PlainMessage['from'] =>
  host === CLIENT_HOST ? 'client' : host === BOOTSTRAP_HOST ? 'bootstrap-server' : 'server';
