/** A client with a Bootstrap-Server that does what a test says, and LwM2M Servers, over coap on a simulated network. */
import assert from 'node:assert/strict';
import { Codes } from '@lapwing/coap';
import { LwM2mClient, temperatureObject } from '@lapwing/client';
import type { ClientOptions, ClientState, ClientStateStore } from '@lapwing/client';
import { SimulatedNetwork } from '@lapwing/testkit';
import { RawServer } from './raw-server.ts';

export const SENML_JSON = 110;
export const HOUR = 3_600_000;

/** A store that can be looked into, and made to fail. */
export class WatchedStore implements ClientStateStore {
  readonly saved: ClientState[] = [];
  failure: Error | undefined;

  load(): ClientState | undefined {
    return this.saved.at(-1);
  }
  save(state: ClientState): void | Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.saved.push(JSON.parse(JSON.stringify(state)) as ClientState);
  }
}

export interface Scene {
  readonly network: SimulatedNetwork;
  readonly bootstrapServer: RawServer;
  readonly server: RawServer;
  readonly client: LwM2mClient;
  readonly store: WatchedStore;
  readonly events: string[];
}

export const BOOTSTRAP_URI = 'coap://10.0.0.3';

export function startScene(options: Partial<ClientOptions> = {}, store: WatchedStore = new WatchedStore()): Scene {
  const network = new SimulatedNetwork();
  const bootstrapServer = new RawServer(network, { host: '10.0.0.3', port: 5683 });
  // No packs unless a test says so.
  bootstrapServer.answer = (request, line) =>
    line.includes('/bspack') ? { code: Codes.notFound } : bootstrapServer.accept(request);
  const server = new RawServer(network);
  const client = startClient(network, store, options);
  const events = eventsOf(client);
  client.register();
  return { network, bootstrapServer, server, client, store, events };
}

/** Nothing is sent until `register`. */
export function startClient(
  network: SimulatedNetwork,
  store: WatchedStore,
  options: Partial<ClientOptions> = {},
  port = 56830,
): LwM2mClient {
  const state = store.load();
  return new LwM2mClient(network.driver({ host: '10.0.0.2', port }), {
    endpointClientName: 'dev',
    servers: [],
    bootstrapServer: { uri: BOOTSTRAP_URI },
    objects: [temperatureObject({ value: 20 })],
    stateStore: store,
    ...(state !== undefined && { state }),
    ...options,
  });
}

export function eventsOf(client: LwM2mClient): string[] {
  const events: string[] = [];
  client.on('bootstrapStarted', ({ reason }) => events.push(`started: ${reason}`));
  client.on('bootstrapFinished', ({ unusable }) => events.push(['finished', ...unusable].join('; ')));
  client.on('bootstrapFailed', ({ reason, retryIn }) => events.push(`failed: ${reason}, again in ${retryIn / 1000} s`));
  for (const name of ['registered', 'lost', 'deregistered'] as const) client.on(name, ({ shortServerId }) => events.push(`${name} ${shortServerId}`)); // prettier-ignore
  return events;
}

/** SenML JSON of absolute paths: `['/0/0/0', 'coap://…']`. */
export function senml(
  entries: readonly (readonly [path: string, value: string | number | boolean | Uint8Array])[],
): string {
  return JSON.stringify(
    entries.map(([n, value]) => {
      if (typeof value === 'string') return { n, vs: value };
      if (typeof value === 'number') return { n, v: value };
      if (typeof value === 'boolean') return { n, vb: value };
      return { n, vd: Buffer.from(value).toString('base64url') };
    }),
  );
}

const NO_BYTES = new Uint8Array(0);

/** /0/x of a server of coap. */
export const security = (id: number, uri: string, shortServerId: number | 'bootstrap'): string =>
  senml([
    [`/0/${id}/0`, uri],
    [`/0/${id}/1`, shortServerId === 'bootstrap'],
    [`/0/${id}/2`, 3],
    [`/0/${id}/3`, NO_BYTES],
    [`/0/${id}/4`, NO_BYTES],
    [`/0/${id}/5`, NO_BYTES],
    ...(shortServerId === 'bootstrap' ? [] : [[`/0/${id}/10`, shortServerId] as const]),
  ]);

/** /1/x. */
export const serverInstance = (id: number, shortServerId: number, lifetimeSeconds = 300): string =>
  senml([
    [`/1/${id}/0`, shortServerId],
    [`/1/${id}/1`, lifetimeSeconds],
    [`/1/${id}/6`, false],
    [`/1/${id}/7`, 'U'],
  ]);

/** Send an operation and want this answer. */
export async function ask(bootstrapServer: RawServer, line: string, code: string, payload = ''): Promise<string> {
  const options = payload === '' ? {} : { contentFormat: SENML_JSON };
  const answer = await bootstrapServer.request(line, options, payload);
  assert.equal(answer.code, code, `${line}: ${answer.text}`);
  return answer.text;
}

/** The whole sequence: everything goes, one server comes. */
export async function configure(
  bootstrapServer: RawServer,
  uri = 'coap://10.0.0.1',
  shortServerId = 101,
): Promise<void> {
  await ask(bootstrapServer, 'DELETE /0', '2.02');
  await ask(bootstrapServer, 'DELETE /1', '2.02');
  await ask(bootstrapServer, 'PUT /0/7', '2.04', security(7, uri, shortServerId));
  await ask(bootstrapServer, 'PUT /1/3', '2.04', serverInstance(3, shortServerId));
  await ask(bootstrapServer, 'POST /bs', '2.04');
}
