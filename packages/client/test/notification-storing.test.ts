/** Notifications stored while a server cannot be told, and told with their times afterwards. /1/x/6, hqmax; Core §6.4.5. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OptionValues } from '@lapwing/coap';
import { LwM2mClient, temperatureObject, type ClientOptions } from '@lapwing/client';
import { SimulatedNetwork } from '@lapwing/testkit';
import { RawServer } from './raw-server.ts';

const OBSERVE = { observe: 0, accept: 110 } as OptionValues;
const WITHOUT_FORMAT = { observe: 0 } as OptionValues;
const VALUE = '/3303/0/5700';

interface World {
  readonly network: SimulatedNetwork;
  readonly server: RawServer;
  readonly client: LwM2mClient;
  readonly told: (ms: number) => Promise<readonly (readonly [value: number, secondsAgo: number | undefined])[][]>;
}

async function world(storing: boolean, options: Partial<ClientOptions> = {}): Promise<World> {
  const network = new SimulatedNetwork();
  const server = new RawServer(network);
  const client = new LwM2mClient(network.driver({ host: '10.0.0.2', port: 56830 }), {
    endpointClientName: 'storing',
    servers: [{ uri: 'coap://10.0.0.1', notificationStoring: storing, disableTimeoutSeconds: 60 }],
    objects: [temperatureObject({ value: 20 })],
    ...options,
  });
  client.register();
  await network.run(1000);
  const told: World['told'] = async (ms) => {
    await network.run(ms);
    return server.notifications.splice(0).map(({ text, at }) => {
      const unixTime = (network.unixTime() - network.now() + at) / 1000;
      let base = 0;
      return (JSON.parse(text) as { bt?: number; t?: number; v: number }[]).map(({ bt, t, v }) => {
        base = bt ?? base;
        const time = base + (t ?? 0);
        return [v, time === 0 ? undefined : Math.round(unixTime - time)] as const;
      });
    });
  };
  return { network, server, client, told };
}

/** Disable the account, let values pass, come back and observe again. */
async function disabledMeanwhile({ network, server, client }: World, numbers: readonly number[]): Promise<void> {
  await server.request(`GET ${VALUE}`, OBSERVE);
  assert.equal((await server.request('POST /1/0/4')).code, '2.04');
  await network.run(1000);
  for (const number of numbers) {
    client.set(VALUE, number);
    await network.run(10_000);
  }
  await network.run(65_000 - numbers.length * 10_000);
  assert.equal(client.registrations[0]?.state, 'registered');
}

describe('while the server has disabled its account (/1/x/4, /1/x/6)', () => {
  it('values are stored with their times, and told when it observes again', async () => {
    const all = await world(true);
    await disabledMeanwhile(all, [21, 22, 23]);
    assert.equal(all.client.storedValueCount, 3);
    await all.server.request(`GET ${VALUE}`, OBSERVE);
    const [first, ...more] = await all.told(1000);
    assert.deepEqual(
      first?.map(([value]) => value),
      [21, 22, 23, 23],
    );
    const [a = 0, b = 0, c = 0] = first?.map(([, ago]) => ago ?? 0) ?? [];
    assert.deepEqual([a - b, b - c], [10, 10]);
    assert.deepEqual(more, []);
    assert.equal(all.client.storedValueCount, 0);
  });

  it('nothing is stored when /1/x/6 is false', async () => {
    const all = await world(false);
    await disabledMeanwhile(all, [21, 22]);
    assert.equal(all.client.storedValueCount, 0);
    await all.server.request(`GET ${VALUE}`, OBSERVE);
    assert.deepEqual(await all.told(1000), []);
  });

  it('hqmax bounds what is stored, and the oldest goes (1.2)', async () => {
    const all = await world(true);
    await all.server.request(`PUT ${VALUE}?hqmax=2`);
    await disabledMeanwhile(all, [21, 22, 23, 24]);
    assert.equal(all.client.storedValueCount, 2);
    await all.server.request(`GET ${VALUE}`, OBSERVE);
    const [first] = await all.told(1000);
    assert.deepEqual(
      first?.map(([value]) => value),
      [23, 24, 24],
    );
  });

  it('hqmax=0 stores nothing', async () => {
    const all = await world(true);
    await all.server.request(`PUT ${VALUE}?hqmax=0`);
    await disabledMeanwhile(all, [21, 22]);
    assert.equal(all.client.storedValueCount, 0);
  });

  it('the bounds of the client hold whatever hqmax says', async () => {
    const all = await world(true, { notificationStorage: { notificationsPerPath: 10, values: 3 } });
    await all.server.request(`PUT ${VALUE}?hqmax=1000000`);
    await disabledMeanwhile(all, [21, 22, 23, 24, 25]);
    assert.equal(all.client.storedValueCount, 3);
    await all.server.request(`GET ${VALUE}`, OBSERVE);
    const [first] = await all.told(1000);
    assert.deepEqual(
      first?.map(([value]) => value),
      [23, 24, 25, 25],
    );
  });

  it('pmin and conditions hold for what is stored', async () => {
    const all = await world(true);
    await all.server.request(`PUT ${VALUE}?st=5`);
    await disabledMeanwhile(all, [21, 26, 28, 31]);
    await all.server.request(`GET ${VALUE}`, OBSERVE);
    const [first] = await all.told(1000);
    assert.deepEqual(
      first?.map(([value]) => value),
      [26, 31, 31],
    );
  });

  it('/1/x/6 set to false drops what is stored', async () => {
    const all = await world(true);
    await disabledMeanwhile(all, [21, 22]);
    await all.server.request('PUT /1/0/6', { contentFormat: 0 }, '0');
    assert.equal(all.client.storedValueCount, 0);
  });

  it('an observation without a wish for a format gets one that carries times', async () => {
    const { server } = await world(true);
    assert.equal((await server.request(`GET ${VALUE}`, WITHOUT_FORMAT)).format, 112);
  });
});

describe('a Confirmable notification that is not acknowledged', () => {
  it('is stored, and told when the server observes again', async () => {
    const { network, server, client, told } = await world(true);
    await server.request(`PUT ${VALUE}?con=1`);
    await server.request(`GET ${VALUE}`, OBSERVE);
    network.conditions = { ...network.conditions, loss: 1 };
    client.set(VALUE, 30);
    await network.run(100_000);
    client.set(VALUE, 31);
    await network.run(1000);
    network.conditions = { ...network.conditions, loss: 0 };
    assert.equal(client.observationCount, 0);
    assert.equal(client.storedValueCount, 2);
    await server.request(`GET ${VALUE}`, OBSERVE);
    assert.deepEqual(
      (await told(1000))[0]?.map(([value]) => value),
      [30, 31, 31],
    );
  });

  it('is stored when the registration ends before it is acknowledged', async () => {
    const { network, server, client, told } = await world(true);
    await server.request(`PUT ${VALUE}?con=1`);
    await server.request(`GET ${VALUE}`, OBSERVE);
    network.conditions = { ...network.conditions, loss: 1 };
    client.set(VALUE, 30);
    await network.run(1000);
    network.conditions = { ...network.conditions, loss: 0 };
    client.register();
    await network.run(1000);
    assert.equal(client.storedValueCount, 1);
    await server.request(`GET ${VALUE}`, OBSERVE);
    assert.deepEqual(
      (await told(1000))[0]?.map(([value]) => value),
      [30, 30],
    );
  });
});
