/** Servers known by name: looked up before the first request, and anew when they do not answer. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LwM2mClient, type ClientOptions } from '@lapwing/client';
import { SimulatedNetwork } from '@lapwing/testkit';
import { RawServer } from './raw-server.ts';

const HOUR = 3_600_000;

function begin(
  lookUp: (host: string) => Promise<string>,
  options: Partial<ClientOptions> = {},
): {
  network: SimulatedNetwork;
  client: LwM2mClient;
  failures: string[];
} {
  const network = new SimulatedNetwork();
  const client = new LwM2mClient(network.driver({ host: '10.0.0.2', port: 56830 }), {
    endpointClientName: 'a',
    servers: [{ uri: 'coap://server.example', lifetimeSeconds: 300 }],
    objects: [],
    lookUp,
    ...options,
  });
  const failures: string[] = [];
  client.on('registrationFailed', ({ reason }) => failures.push(reason));
  client.register();
  return { network, client, failures };
}

describe('a server known by name', () => {
  it('is looked up before the first Register, and not again while it answers', async () => {
    const asked: string[] = [];
    const { network, client } = begin((host) => {
      asked.push(host);
      return Promise.resolve('10.0.0.1');
    });
    const server = new RawServer(network);
    await network.run(HOUR);
    assert.deepEqual(asked, ['server.example']);
    assert.equal(client.registrations[0]?.state, 'registered');
    assert.equal((await server.request('GET /3/0/16')).text, 'U');
    const closed = client.close();
    await network.run(1_000);
    await closed;
  });

  it('that is not found counts as a failed attempt, and is looked up for the next', async () => {
    let found = false;
    const { network, client, failures } = begin(() =>
      found ? Promise.resolve('10.0.0.1') : Promise.reject(new Error('ENOTFOUND')),
    );
    new RawServer(network);
    await network.run(30_000);
    assert.deepEqual(failures, ['the host of coap://server.example is not found']);
    found = true;
    await network.run(60_000);
    assert.equal(client.registrations[0]?.state, 'registered');
  });

  it('is found where it has moved to when it does not answer any more', async () => {
    let at = '10.0.0.1';
    const { network, client } = begin(() => Promise.resolve(at));
    const before = new RawServer(network);
    await network.run(10_000);
    assert.equal(client.registrations[0]?.state, 'registered');
    await before.driver.close();
    at = '10.0.0.9';
    const after = new RawServer(network, { host: at, port: 5683 });
    await network.run(HOUR);
    assert.equal(client.registrations[0]?.state, 'registered');
    assert.match(after.taken()[0] ?? '', /^POST \/rd\?ep=a/);
  });

  it('whose address another server has is not registered with', async () => {
    const { network, client, failures } = begin(() => Promise.resolve('10.0.0.1'), {
      servers: [{ uri: 'coap://one.example' }, { uri: 'coap://two.example' }],
    });
    new RawServer(network);
    await network.run(1_000);
    assert.deepEqual(
      client.registrations.map(({ state }) => state),
      ['registered', 'waiting'],
    );
    assert.deepEqual(failures, ['two servers have the address of coap://two.example']);
  });

  it('is not waited for when the client is closed meanwhile', async () => {
    let answer: (host: string) => void = () => undefined;
    const { network, client } = begin(() => new Promise((resolve) => (answer = resolve)));
    const server = new RawServer(network);
    await network.run(1_000);
    await client.close();
    answer('10.0.0.1');
    await network.run(60_000);
    assert.deepEqual(server.taken(), []);
  });
});
