/** Access Control (2) enforced: every operation × every right, two servers. OMA TS Core §8. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError, type OptionValues } from '@lapwing/coap';
import {
  accessControlObject,
  LwM2mClient,
  temperatureObject,
  type AccessControlOptions,
  type AccessRight,
  type ClientObject,
} from '@lapwing/client';
import { SimulatedNetwork } from '@lapwing/testkit';
import { RawServer } from './raw-server.ts';

const OBSERVE = { observe: 0, accept: 110 } as OptionValues;
const TEXT = { contentFormat: 0 };
const SENML = { contentFormat: 110, accept: 110 };

const PORTFOLIO: ClientObject = {
  objectId: 16,
  instances: { 0: { 0: ['a'] }, 1: { 0: ['b'] } },
  create: true,
  delete: true,
};

interface World {
  readonly network: SimulatedNetwork;
  readonly one: RawServer;
  readonly two: RawServer;
  readonly client: LwM2mClient;
}

async function world(...entries: readonly AccessControlOptions[]): Promise<World> {
  const network = new SimulatedNetwork();
  const one = new RawServer(network, { host: '10.0.1.1', port: 5683 });
  const two = new RawServer(network, { host: '10.0.1.2', port: 5683 });
  const client = new LwM2mClient(network.driver({ host: '10.0.0.2', port: 56830 }), {
    endpointClientName: 'access',
    servers: [{ uri: 'coap://10.0.1.1' }, { uri: 'coap://10.0.1.2' }],
    objects: [temperatureObject({ value: 20 }, { value: 30 }), PORTFOLIO, accessControlObject(...entries)],
  });
  client.register();
  await network.run(1000);
  return { network, one, two, client };
}

const all: readonly AccessRight[] = ['read', 'write', 'execute', 'delete'];

/** Each operation on /16/0 or, to execute, on /3303/0, and the right it needs. */
const OPERATIONS: readonly (readonly [
  name: string,
  right: AccessRight | undefined,
  line: string,
  options: OptionValues,
  payload: string,
])[] = [
  ['Read of an Object Instance', 'read', 'GET /16/0', {}, ''],
  ['Read of a Resource', 'read', 'GET /16/0/0', {}, ''],
  ['Read of a Resource Instance', 'read', 'GET /16/0/0/0', {}, ''],
  ['Observe', 'read', 'GET /16/0', OBSERVE, ''],
  ['Read-Composite', 'read', 'FETCH /', SENML, '[{"n":"/16/0/0"}]'],
  ['Observe-Composite', 'read', 'FETCH /', { ...SENML, ...OBSERVE }, '[{"n":"/16/0/0"}]'],
  ['Discover of an Object Instance', 'read', 'GET /16/0', { accept: 40 }, ''],
  ['Discover of an Object', undefined, 'GET /16', { accept: 40 }, ''],
  ['Read of an Object', undefined, 'GET /16', {}, ''],
  ['Write-Attributes on a Resource', 'read', 'PUT /16/0/0?pmin=1', {}, ''],
  ['Write-Attributes on an Object', undefined, 'PUT /16?pmin=1', {}, ''],
  ['Write (Replace)', 'write', 'PUT /16/0/0/0', TEXT, 'x'],
  ['Write (Partial Update)', 'write', 'POST /16/0', { contentFormat: 110 }, '[{"n":"/16/0/0/0","vs":"x"}]'],
  ['Write-Composite', 'write', 'iPATCH /', { contentFormat: 110 }, '[{"n":"/16/0/0/0","vs":"x"}]'],
  ['Execute', 'execute', 'POST /3303/0/5605', {}, ''],
  ['Delete', 'delete', 'DELETE /16/0', {}, ''],
];

describe('each operation needs its right', () => {
  for (const [name, right, line, options, payload] of OPERATIONS) {
    it(`${name}: ${right ?? 'none'}`, async () => {
      for (const given of all) {
        const servers = { 1: [given] };
        const { one } = await world({ objectId: 16, objectInstanceId: 0, servers }, { objectId: 3303, objectInstanceId: 0, servers }); // prettier-ignore
        const { code } = await one.request(line, options, payload);
        if (right === undefined || right === given) assert.match(code, /^2\./, `with ${given}`);
        else assert.equal(code, '4.01', `with ${given}`);
      }
    });
  }

  it('Create: the right on the Object, and the creator owns what it creates', async () => {
    const { one, two, client } = await world({ objectId: 16, servers: { 1: ['create'], 2: all } });
    const body = '[{"n":"/16/5/0/0","vs":"new"}]';
    assert.equal((await two.request('POST /16', { contentFormat: 110 }, body)).code, '4.01');
    assert.equal((await one.request('POST /16', { contentFormat: 110 }, body)).code, '2.01');
    assert.equal((await one.request('GET /16/5/0/0')).text, 'new');
    assert.equal((await two.request('GET /16/5/0/0')).code, '4.01');
    const control = client.objectInstanceIds(2).at(-1)!;
    assert.deepEqual(
      [0, 1, 3].map((id) => client.get(`/2/${control}/${id}`)),
      [16, 5, 1],
    );
    assert.deepEqual(client.get(`/2/${control}/2`), new Map([[1, 15]]));
    assert.equal((await one.request('DELETE /16/5')).code, '2.02');
    assert.equal(client.objectInstanceIds(2).includes(control), false, 'its entry goes with it');
  });
});

describe('what a server may not see', () => {
  const entries: readonly AccessControlOptions[] = [
    { objectId: 3303, objectInstanceId: 0, owner: 1, servers: {}, others: ['read'] },
    { objectId: 3303, objectInstanceId: 1, owner: 1 },
    { objectId: 3, objectInstanceId: 0, others: ['read'] },
  ];

  it('is left out of a Read and an Observe of the Object', async () => {
    const { network, one, two, client } = await world(...entries);
    const units = async (server: RawServer): Promise<number> =>
      (await server.request('GET /3303', { accept: 110 })).text.split('Cel').length - 1;
    assert.deepEqual([await units(one), await units(two)], [2, 1]);
    await two.request('GET /3303', OBSERVE);
    client.set('/3303/1/5700', 31);
    await network.run(1000);
    assert.equal(two.notifications.length, 0, 'a change it may not see is not told');
    client.set('/3303/0/5700', 21);
    await network.run(1000);
    assert.deepEqual(
      two.notifications.map(({ text }) => text.split('Cel').length - 1),
      [1],
    );
  });

  it('is left out of composites; 4.01 when nothing is left', async () => {
    const { two } = await world(...entries);
    const read = async (...paths: string[]): Promise<string> => {
      const { code, text } = await two.request('FETCH /', SENML, JSON.stringify(paths.map((n) => ({ n }))));
      return code === '2.05' ? text : code;
    };
    assert.doesNotMatch(await read('/3303/0/5700', '/3303/1/5700'), /3303\/1/);
    assert.equal(await read('/3303/1/5700'), '4.01');
    assert.equal(await read('/9/9/9'), '[]');
  });

  it('has its link in Discover, and nothing below it', async () => {
    const { two } = await world(...entries);
    const { text } = await two.request('GET /3303', { accept: 40 });
    assert.match(text, /<\/3303\/0\/5700>/);
    assert.match(text, /<\/3303\/1>/);
    assert.doesNotMatch(text, /<\/3303\/1\//);
  });

  it('is not sent to it', async () => {
    const { network, one, two, client } = await world(...entries);
    one.taken();
    two.taken();
    const sent = client.send(['/3303/1/5700']);
    await network.run(1000);
    assert.deepEqual(
      (await sent).map(({ shortServerId }) => shortServerId),
      [1],
    );
    assert.deepEqual([one.taken(), two.taken()], [['POST /dp'], []]);
  });

  it('ends its observation with 4.01 when the right is taken away', async () => {
    const { network, one, two, client } = await world(...entries);
    await two.request('GET /3303/0/5700', OBSERVE);
    const control = client.objectInstanceIds(2).find((id) => client.get(`/2/${id}/0`) === 3303)!;
    assert.equal((await one.request(`PUT /2/${control}/2/0`, TEXT, '0')).code, '2.04');
    await network.run(1000);
    assert.deepEqual(
      two.notifications.map(({ code }) => code),
      ['4.01'],
    );
    assert.equal(client.observationCount, 0);
  });
});

describe('the Access Control Object itself', () => {
  it('is readable for all; only the owner of an entry may change it; nobody may add or remove one', async () => {
    const { one, two, client } = await world({ objectId: 3303, objectInstanceId: 0, owner: 2 });
    const control = client.objectInstanceIds(2).find((id) => client.get(`/2/${id}/0`) === 3303)!;
    assert.equal((await one.request(`GET /2/${control}/3`)).text, '2');
    assert.equal((await one.request(`PUT /2/${control}/2/1`, TEXT, '15')).code, '4.01');
    assert.equal((await one.request('GET /3303/0/5700')).code, '4.01');
    assert.equal((await two.request(`PUT /2/${control}/2/1`, TEXT, '1')).code, '2.04');
    assert.equal((await one.request('GET /3303/0/5700')).text, '20');
    assert.equal((await two.request(`PUT /2/${control}/0`, TEXT, '3')).code, '4.05');
    assert.equal((await two.request(`DELETE /2/${control}`)).code, '4.01');
    const body = '[{"n":"/2/9/0","v":3303},{"n":"/2/9/1","v":1},{"n":"/2/9/3","v":2}]';
    assert.equal((await two.request('POST /2', { contentFormat: 110 }, body)).code, '4.01');
  });

  it('the Server Object Instance of a server is its own', async () => {
    const { one, two } = await world();
    assert.equal((await one.request('PUT /1/0/2', TEXT, '5')).code, '2.04');
    assert.equal((await one.request('PUT /1/1/2', TEXT, '5')).code, '4.01');
    assert.equal((await two.request('GET /1/1/2')).code, '4.04');
    assert.equal((await two.request('POST /1/0/8')).code, '4.01');
  });

  it('what does not exist is 4.04, whatever the rights', async () => {
    const { one } = await world();
    for (const line of ['GET /9', 'GET /3303/7', 'GET /3303/7/5700', 'DELETE /16/9', 'POST /3303/9/5605']) {
      assert.equal((await one.request(line)).code, '4.04', line);
    }
  });

  it('a Write-Composite over two Object Instances is written whole or not at all', async () => {
    const { one, client } = await world({ objectId: 16, objectInstanceId: 0, servers: { 1: ['write'] } });
    const body = '[{"n":"/16/0/0/0","vs":"x"},{"n":"/16/1/0/0","vs":"x"}]';
    assert.equal((await one.request('iPATCH /', { contentFormat: 110 }, body)).code, '4.01');
    assert.equal(client.get('/16/0/0/0'), 'a');
  });

  it('entries that make no sense are refused', () => {
    assert.throws(() => accessControlObject({ objectId: 3 }, { objectId: 3 }), UsageError);
    assert.throws(() => accessControlObject({ objectId: 3, servers: { 0: [] } }), UsageError);
    assert.throws(() => accessControlObject({ objectId: 3, servers: { 65535: [] } }), UsageError);
  });

  it('without the Object every server may do everything', async () => {
    const network = new SimulatedNetwork();
    const servers = ['10.0.1.1', '10.0.1.2'].map((host) => new RawServer(network, { host, port: 5683 }));
    const client = new LwM2mClient(network.driver({ host: '10.0.0.2', port: 56830 }), {
      endpointClientName: 'open',
      servers: [{ uri: 'coap://10.0.1.1' }, { uri: 'coap://10.0.1.2' }],
      objects: [PORTFOLIO],
    });
    client.register();
    await network.run(1000);
    for (const server of servers) assert.equal((await server.request('PUT /16/0/0/0', TEXT, 'x')).code, '2.04');
  });
});

it('what was said about an Object Instance before it was created anew is void', async () => {
  // As after a restart: the entry was saved, and the Object Instance that it is about was not.
  const { one, two, client } = await world(
    { objectId: 16, servers: { 1: ['create'] } },
    { objectId: 16, objectInstanceId: 7, owner: 2, servers: { 2: all } },
  );
  const entries = client.objectInstanceIds(2).length;
  const created = await one.request('POST /16', { contentFormat: 110 }, '[{"n":"/16/7/0/0","vs":"mine"}]');
  assert.equal(created.code, '2.01');
  assert.equal(client.objectInstanceIds(2).length, entries);
  assert.equal((await two.request('GET /16/7/0')).code, '4.01');
  assert.equal((await one.request('DELETE /16/7')).code, '2.02');
});
