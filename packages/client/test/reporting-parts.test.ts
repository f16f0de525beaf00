/** epmin, Observe-Composite with conditions of its parts, and what 1.1 does not have. OMA TS Core §5.1.2, §6.4. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OptionValues } from '@lapwing/coap';
import { LwM2mClient, temperatureObject, type ClientObject, type ClientOptions } from '@lapwing/client';
import { SimulatedNetwork } from '@lapwing/testkit';
import { RawServer } from './raw-server.ts';

const OBSERVE = { observe: 0 } as OptionValues;
const VALUE = '/3303/0/5700';
const COMPOSITE = { ...OBSERVE, contentFormat: 110, accept: 110 } as OptionValues;
const list = (...paths: string[]): string => JSON.stringify(paths.map((n) => ({ n })));

interface World {
  readonly network: SimulatedNetwork;
  readonly server: RawServer;
  readonly client: LwM2mClient;
  readonly told: (ms: number) => Promise<readonly string[]>;
}

async function world(options: Partial<ClientOptions> = {}): Promise<World> {
  const network = new SimulatedNetwork();
  const server = new RawServer(network);
  const client = new LwM2mClient(network.driver({ host: '10.0.0.2', port: 56830 }), {
    endpointClientName: 'parts',
    servers: [{ uri: 'coap://10.0.0.1' }],
    objects: [temperatureObject({ value: 20 }, { value: 30 })],
    ...options,
  });
  client.register();
  await network.run(1000);
  const told = async (ms: number): Promise<readonly string[]> => {
    await network.run(ms);
    return server.notifications.splice(0).map(({ text, code }) => (code === '2.05' ? text : code));
  };
  return { network, server, client, told };
}

/** The values of a SenML JSON text by full name. */
function values(text: string | undefined): Readonly<Record<string, unknown>> {
  const records = JSON.parse(text ?? '[]') as { bn?: string; n?: string; v?: unknown; vs?: unknown; vb?: unknown }[];
  let base = '';
  const result: Record<string, unknown> = {};
  for (const { bn, n = '', v, vs, vb } of records) {
    base = bn ?? base;
    result[base + n] = v ?? vs ?? vb;
  }
  return result;
}

describe('epmin (1.1)', () => {
  it('a change within epmin of the last evaluation is looked at when it has passed', async () => {
    let reads = 0;
    let value = 1;
    const sensor: ClientObject = { objectId: 3303, instances: { 0: { 5700: { read: () => (reads++, value) } } } };
    const { server, client, told } = await world({ objects: [sensor] });
    await server.request(`PUT ${VALUE}?epmin=10`);
    await server.request(`GET ${VALUE}`, OBSERVE);
    reads = 0;
    for (value = 2; value < 6; value++) {
      client.changed(VALUE);
      assert.deepEqual(await told(2000), []);
    }
    assert.equal(reads, 0);
    assert.deepEqual(await told(2500), ['6']);
    assert.equal(reads, 1);
  });

  it('does not hold up pmax', async () => {
    const { server, told } = await world();
    await server.request(`PUT ${VALUE}?epmin=100&pmax=20`);
    await server.request(`GET ${VALUE}`, OBSERVE);
    assert.deepEqual(await told(41_000), ['20', '20']);
  });
});

describe('Observe-Composite: each path has the conditions attached to it', () => {
  it('pmax of one path repeats all paths (ETS 304)', async () => {
    const { server, told } = await world();
    await server.request('PUT /1/0/1?pmin=30&pmax=45');
    await server.request('FETCH /', COMPOSITE, list('/1/0/1', '/3/0/11/0', '/3/0/16'));
    assert.deepEqual(await told(43_000), []);
    const [text, ...more] = await told(3000);
    assert.deepEqual(values(text), { '/1/0/1': 86400, '/3/0/11/0': 0, '/3/0/16': 'U' });
    assert.deepEqual(more, []);
  });

  it('one path meets its condition: all are told; the conditions of the others do not hold it up', async () => {
    const { server, client, told } = await world();
    await server.request(`PUT ${VALUE}?gt=50&pmin=60`);
    await server.request('FETCH /', COMPOSITE, list(VALUE, '/3303/1/5700'));
    client.set(VALUE, 40);
    assert.deepEqual(await told(1000), []);
    client.set('/3303/1/5700', 31);
    assert.deepEqual(values((await told(1000))[0]), { '/3303/0/5700': 40, '/3303/1/5700': 31 });
    client.set(VALUE, 51);
    assert.deepEqual(await told(50_000), []);
    assert.deepEqual(values((await told(12_000))[0]), { '/3303/0/5700': 51, '/3303/1/5700': 31 });
  });

  it('what appears later is included, what is gone is left out (ETS 308, 309)', async () => {
    const { server, client, told } = await world();
    await server.request('FETCH /', COMPOSITE, list('/3303/1/5700', '/3303/4/5700'));
    client.addObjectInstance(3303, 4, { 5700: 7 });
    assert.deepEqual(values((await told(1000))[0]), { '/3303/1/5700': 30, '/3303/4/5700': 7 });
    client.removeObjectInstance(3303, 4);
    assert.deepEqual(values((await told(1000))[0]), { '/3303/1/5700': 30 });
  });

  it('attributes written to a parent during the observation take effect (ETS 310)', async () => {
    const { server, told } = await world();
    await server.request('FETCH /', COMPOSITE, list('/1/0/5', '/3/0/16'));
    assert.deepEqual(await told(20_000), []);
    await server.request('PUT /3?pmax=5');
    assert.equal((await told(10_500)).length, 3, 'at once, as 5 s have passed, and twice more');
  });

  it('con=1 on any path makes the notification Confirmable (1.2)', async () => {
    const { network, server, client, told } = await world();
    await server.request('PUT /3303/1/5700?con=1');
    await server.request('FETCH /', COMPOSITE, list(VALUE, '/3303/1/5700'));
    const types: number[] = [];
    network.onDatagram = (from, _to, datagram) =>
      void (from.host === '10.0.0.2' && datagram[1] === 0x45 && types.push((datagram[0]! >> 4) & 3));
    client.set(VALUE, 21);
    await told(1000);
    assert.deepEqual(types, [0]);
  });
});

describe('Observe with attributes', () => {
  it('is of 1.2: with a server of 1.1 it is refused with 4.00', async () => {
    const { server } = await world({ lwm2mVersion: '1.1' });
    assert.equal((await server.request(`GET ${VALUE}?pmin=5`, OBSERVE)).code, '4.00');
    assert.equal((await server.request('FETCH /?pmin=5', COMPOSITE, list(VALUE))).code, '4.00');
  });

  it('they replace what is attached (ETS 313)', async () => {
    const { server, told } = await world();
    await server.request(`PUT ${VALUE}?pmin=5&pmax=60`);
    await server.request(`GET ${VALUE}?pmax=10`, OBSERVE);
    assert.deepEqual(await told(21_000), ['20', '20']);
  });
});

describe('edge (1.2)', () => {
  for (const [edge, wanted] of [
    [1, ['1']],
    [0, ['0']],
  ] as const) {
    it(`edge=${edge}: only ${edge === 1 ? 'rising' : 'falling'} is told`, async () => {
      const { server, client, told } = await world({
        objects: [{ objectId: 3342, instances: { 0: { 5500: edge === 0 } } }],
      });
      await server.request(`PUT /3342/0/5500?edge=${edge}`);
      await server.request('GET /3342/0/5500', OBSERVE);
      client.set('/3342/0/5500', edge !== 0);
      const all = [...(await told(1000))];
      client.set('/3342/0/5500', edge === 0);
      all.push(...(await told(1000)));
      assert.deepEqual(all, wanted);
    });
  }
});

describe('attributes go with their node', () => {
  it('of a Resource Instance that is removed', async () => {
    const { server, client } = await world();
    client.set('/3/0/11', { 0: 0, 1: 1 });
    assert.equal((await server.request('PUT /3/0/11/1?pmin=5')).code, '2.04');
    const shown = async (): Promise<string> => (await server.request('GET /3/0/11', { accept: 40 })).text;
    assert.match(await shown(), /<\/3\/0\/11\/1>;pmin=5/);
    client.set('/3/0/11', { 0: 0 });
    client.set('/3/0/11', { 0: 0, 1: 1 });
    assert.doesNotMatch(await shown(), /pmin/);
  });
});
