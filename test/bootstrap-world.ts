/**
 * A Client, the Bootstrap-Server and LwM2M Servers on the simulated network: the Client has an account with the old server
 * from the factory, and is given one with the new server. Everything may be cut off at any datagram.
 */
import assert from 'node:assert/strict';
import { createSecretKey, type KeyObject } from 'node:crypto';
import { LwM2mBootstrapServer, MemoryConfigurationStore, type BootstrapConfiguration } from '@lapwing/bootstrap-server';
import {
  LwM2mClient,
  temperatureObject,
  type ClientOptions,
  type ClientState,
  type ClientStateStore,
} from '@lapwing/client';
import type { ClientCredentials, ServerCredentials } from '@lapwing/dtls';
import { resourcePath } from '@lapwing/lwm2m';
import { LwM2mServer, MemorySecurityStore, type SecurityEntry } from '@lapwing/server';
import { SimulatedNetwork, type SimulatedNetworkOptions } from '@lapwing/testkit';
import type { Driver } from '@lapwing/transport';

export const OLD_ID = 1;
export const NEW_ID = 101;
export const HOUR = 3_600_000;
export const CLIENT = { host: '10.0.0.2', port: 56830 };
const OLD_SERVER = '10.0.0.1';
const NEW_SERVER = '10.0.0.4';
export const BOOTSTRAP_SERVER = '10.0.0.3';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const key = (fill: number): KeyObject => createSecretKey(new Uint8Array(16).fill(fill));
const psk = (identity: string, fill: number): ClientCredentials & { readonly kind: 'psk' } => ({
  kind: 'psk',
  identity: bytes(identity),
  key: key(fill),
});
const entry = (identity: string, fill: number): SecurityEntry => ({
  kind: 'psk',
  endpointClientName: 'dev',
  identity: bytes(identity),
  key: key(fill),
});
const CREDENTIALS: ServerCredentials = {
  psk: {},
  clientAuthentication: 'required',
  clientCertificateTypes: [],
  trustAnchors: [],
};

/** How the Client comes by its configuration. */
export const KINDS = {
  /** Operation by operation, as the application wants it. */
  operations: { secure: false, pack: false, begin: (world: World): unknown => world.client.bootstrap() },
  /** LwM2M 1.2. */
  pack: { secure: false, pack: true, begin: (world: World): unknown => world.client.bootstrap() },
  /** By /1/x/9, which the old server executes. */
  trigger: {
    secure: false,
    pack: false,
    begin: ({ oldServer }: World): unknown =>
      oldServer
        .device('dev')!
        .execute(resourcePath(1, 0, 9))
        .catch(() => undefined),
  },
  /** Over coaps, with a new pre-shared key for the same server. */
  credentials: { secure: true, pack: false, begin: (world: World): unknown => world.client.bootstrap() },
} as const;
export type Kind = keyof typeof KINDS;

/** Keeps what was saved as text, as a file would, and takes its time. */
export class TextStore implements ClientStateStore {
  text: string | undefined;
  readonly #network: SimulatedNetwork | undefined;
  /** For its clock. */
  readonly #driver: Driver | undefined;
  #waiting: { readonly deadline: number; readonly write: () => void } | undefined;

  /** @param network  where it takes 20 ms to save; undefined: none. */
  constructor(network?: SimulatedNetwork) {
    this.#network = network;
    this.#driver = network?.driver({ host: '10.9.9.9', port: 1 });
    this.#driver?.attach({
      nextDeadline: () => this.#waiting?.deadline ?? Infinity,
      handleTimeout: () => {
        const write = this.#waiting?.write;
        this.#waiting = undefined;
        write?.();
      },
    });
  }
  load(): ClientState | undefined {
    return this.text === undefined ? undefined : (JSON.parse(this.text) as ClientState);
  }
  save(state: ClientState): void | Promise<void> {
    const text = JSON.stringify(state);
    const network = this.#network;
    if (network === undefined) return void (this.text = text);
    return new Promise((resolve) => {
      const write = (): void => {
        this.text = text;
        resolve();
      };
      this.#waiting = { deadline: network.now() + 20, write };
      // So that it is looked at.
      this.#driver?.turn(() => undefined);
    });
  }
}

export interface World {
  readonly kind: Kind;
  readonly network: SimulatedNetwork;
  bootstrapServer: LwM2mBootstrapServer;
  readonly oldServer: LwM2mServer;
  readonly newServer: LwM2mServer;
  client: LwM2mClient;
  /** Of the client. */
  driver: Driver;
  readonly events: string[];
  readonly store: ClientStateStore;
}

function startBootstrapServer(network: SimulatedNetwork, kind: Kind, server: LwM2mServer): LwM2mBootstrapServer {
  const { secure, pack } = KINDS[kind];
  const configuration: BootstrapConfiguration = {
    servers: [
      secure
        ? { shortServerId: NEW_ID, uri: `coaps://${NEW_SERVER}`, security: { mode: 'psk', generate: true, identity: 'new' }, lifetimeSeconds: 600 } // prettier-ignore
        : { shortServerId: NEW_ID, uri: `coap://${NEW_SERVER}`, security: { mode: 'none' }, lifetimeSeconds: 600 },
    ],
    pack,
  };
  return new LwM2mBootstrapServer({
    drivers: secure
      ? [network.secureDriver({ host: BOOTSTRAP_SERVER, port: 5684 }, { server: CREDENTIALS })]
      : [network.driver({ host: BOOTSTRAP_SERVER, port: 5683 })],
    configurationStore: new MemoryConfigurationStore([{ endpointClientName: 'dev', configuration }]),
    securityStore: new MemorySecurityStore(secure ? [entry('bootstrap', 3)] : []),
    lwm2mServers: [{ security: server.security }],
  });
}

export function startClient(
  network: SimulatedNetwork,
  kind: Kind,
  store: ClientStateStore,
  state: ClientState | undefined,
  events: string[],
): Pick<World, 'client' | 'driver'> {
  const { secure, pack } = KINDS[kind];
  const scheme = secure ? 'coaps' : 'coap';
  const options: ClientOptions = {
    endpointClientName: 'dev',
    servers: [
      {
        uri: `${scheme}://${secure ? NEW_SERVER : OLD_SERVER}`,
        lifetimeSeconds: 600,
        retry: { count: 3, timerSeconds: 10, sequenceDelaySeconds: 600 },
        ...(secure && { credentials: psk('old', 1) }),
      },
    ],
    bootstrapServer: { uri: `${scheme}://${BOOTSTRAP_SERVER}`, ...(secure && { credentials: psk('bootstrap', 3) }) },
    bootstrap: { pack },
    objects: [{ ...temperatureObject({ value: 20 }), persistent: true }],
    // What is measured while bootstrapping is to be saved then.
    notificationStorage: { saveInterval: 60 },
    stateStore: store,
    ...(state !== undefined && { state }),
  };
  const driver = secure ? network.secureDriver(CLIENT, { plaintext: true }) : network.driver(CLIENT);
  const client = new LwM2mClient(driver, options);
  client.on('bootstrapStarted', ({ reason }) => events.push(`started: ${reason}`));
  client.on('bootstrapFinished', () => events.push('finished'));
  client.on('bootstrapFailed', ({ reason }) => events.push(`failed: ${reason}`));
  client.on('registered', ({ shortServerId }) => events.push(`registered ${shortServerId}`));
  client.register();
  return { client, driver };
}

/** The Client is registered with the old server, and nothing else has happened. */
export async function startWorld(
  kind: Kind,
  conditions: SimulatedNetworkOptions = {},
  given?: ClientStateStore,
): Promise<World> {
  const network = new SimulatedNetwork(conditions);
  const store = given ?? new TextStore(network);
  const before = network.conditions;
  network.conditions = { ...before, loss: 0, duplication: 0, delay: [10, 10] };
  const { secure } = KINDS[kind];
  const newServer = new LwM2mServer({
    drivers: [secure ? network.secureDriver({ host: NEW_SERVER, port: 5684 }, { server: CREDENTIALS }) : network.driver({ host: NEW_SERVER, port: 5683 })], // prettier-ignore
    securityStore: new MemorySecurityStore(secure ? [entry('old', 1)] : []),
  });
  const oldServer = secure
    ? newServer
    : new LwM2mServer({ drivers: [network.driver({ host: OLD_SERVER, port: 5683 })] });
  const bootstrapServer = startBootstrapServer(network, kind, newServer);
  const events: string[] = [];
  const started = startClient(network, kind, store, undefined, events);
  await network.run(2_000);
  assert.deepEqual(events.splice(0), [`registered ${OLD_ID}`]);
  network.conditions = before;
  return { kind, network, bootstrapServer, oldServer, newServer, ...started, events, store };
}

/** The Bootstrap-Server of before is gone; another one has its place. */
export async function replaceBootstrapServer(world: World): Promise<void> {
  for (const driver of world.bootstrapServer.drivers) await driver.close();
  world.bootstrapServer = startBootstrapServer(world.network, world.kind, world.newServer);
}

/** 'old' or 'new'; fails for anything between. */
export function configurationIn(state: ClientState | undefined): 'old' | 'new' {
  if (state === undefined) return 'old';
  const { objects } = state;
  const idsOf = (objectId: number, resourceId: number): readonly string[] =>
    Object.values(objects[objectId]?.instances ?? {})
      .filter((instance) => objectId !== 0 || !JSON.stringify(instance['1']).includes('true'))
      .map((instance) => JSON.stringify(instance[resourceId]).replace(/\D/g, ''));
  const [security, server] = [idsOf(0, 10), idsOf(1, 0)];
  assert.deepEqual(security, server, 'each account has a Security and a Server Object Instance');
  assert.equal(security.length, 1, 'one account');
  assert.ok([String(OLD_ID), String(NEW_ID)].includes(security[0]!), security[0]);
  const text = JSON.stringify(objects[0]);
  if (security[0] === String(OLD_ID)) assert.ok(!text.includes('new') && !text.includes(NEW_SERVER) || text.includes('coaps'), text); // prettier-ignore
  assert.ok(text.includes(BOOTSTRAP_SERVER), 'the account of the Bootstrap-Server is there');
  return security[0] === String(OLD_ID) ? 'old' : 'new';
}

/** As `configurationIn`, of the Client as it is now. */
export function configurationOf(client: LwM2mClient): 'old' | 'new' {
  const accounts = client.objectInstanceIds(0).filter((id) => client.get(`/0/${id}/1`) === false);
  const ids = accounts.map((id) => client.get(`/0/${id}/10`));
  assert.deepEqual(ids, client.objectInstanceIds(1).map((id) => client.get(`/1/${id}/0`))); // prettier-ignore
  assert.equal(ids.length, 1);
  assert.ok(ids[0] === OLD_ID || ids[0] === NEW_ID);
  return ids[0] === OLD_ID ? 'old' : 'new';
}

/** The client is registered as its configuration says. */
export function isSettled({ client }: World): boolean {
  if (client.isBootstrapping || client.registrations.length !== 1) return false;
  const [registration] = client.registrations;
  return registration!.state === 'registered' && registration!.shortServerId === (configurationOf(client) === 'old' ? OLD_ID : NEW_ID); // prettier-ignore
}

/** Begin the bootstrap of this kind, with something that is to be saved in the middle of it. */
export async function begin(world: World): Promise<void> {
  for (const value of [21, 22]) {
    world.client.set('/3303/0/5700', value);
    await world.network.run(1);
  }
  KINDS[world.kind].begin(world);
}

/** Let time pass until it is. */
export async function settle(world: World, limit: number): Promise<void> {
  const { network, events } = world;
  for (const end = network.now() + limit; !isSettled(world) && network.now() < end;) await network.run(1_000);
  assert.ok(isSettled(world), `not registered: ${events.join(', ')}; ${JSON.stringify(world.client.registrations)}`);
}

/** Close everything: nothing is left over. */
export async function tearDown(world: World): Promise<void> {
  const { network, client, bootstrapServer, oldServer, newServer } = world;
  await network.run(700_000);
  const { sessions, deadlines, pendingRequests } = bootstrapServer.usage;
  assert.deepEqual({ sessions, deadlines, pendingRequests }, { sessions: 0, deadlines: 0, pendingRequests: 0 });
  assert.equal(client.observationCount, 0);
  let isClosed = false;
  void client.close().then(() => (isClosed = true));
  await network.run(700_000);
  assert.ok(isClosed, 'the client is closed');
  for (const server of new Set([oldServer, newServer])) await server.close();
  await bootstrapServer.close();
}
