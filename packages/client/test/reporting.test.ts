import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OperationFailed, type OptionValues } from '@lapwing/coap';
import { LwM2mClient, temperatureObject, type ClientObject, type ServerAccount } from '@lapwing/client';
import { SimulatedNetwork } from '@lapwing/testkit';
import { RawServer } from './raw-server.ts';

const OBSERVE = { observe: 0 } as OptionValues;
const VALUE = '/3303/0/5700';

interface World {
  readonly network: SimulatedNetwork;
  readonly server: RawServer;
  readonly client: LwM2mClient;
  /** Let time pass, then: what has arrived since, as seconds and text. */
  readonly told: (ms: number) => Promise<readonly string[]>;
}

async function world(
  objects: readonly ClientObject[] = [temperatureObject({ value: 20 })],
  account: Partial<ServerAccount> = {},
): Promise<World> {
  const network = new SimulatedNetwork();
  const server = new RawServer(network);
  const client = new LwM2mClient(network.driver({ host: '10.0.0.2', port: 56830 }), {
    endpointClientName: 'reporting',
    servers: [{ uri: 'coap://10.0.0.1', ...account }],
    objects,
  });
  client.register();
  await network.run(1000);
  const told = async (ms: number): Promise<readonly string[]> => {
    await network.run(ms);
    return server.notifications.splice(0).map(({ text, code }) => (code === '2.05' ? text : code));
  };
  return { network, server, client, told };
}

describe('notifications by attributes (Core §6.4, §7.3.2)', () => {
  it('without attributes every change is told at once, and nothing without a change', async () => {
    const { server, client, told } = await world();
    assert.equal((await server.request(`GET ${VALUE}`, OBSERVE)).text, '20');
    client.set(VALUE, 21);
    client.set(VALUE, 21);
    assert.deepEqual(await told(1000), ['21']);
    client.set(VALUE, 22);
    assert.deepEqual(await told(1000), ['22']);
    assert.deepEqual(await told(3_600_000), []);
  });

  it('pmin: changes wait, then the value of that moment is told, once', async () => {
    const { server, client, told } = await world();
    await server.request(`PUT ${VALUE}?pmin=10`);
    await server.request(`GET ${VALUE}`, OBSERVE);
    client.set(VALUE, 21);
    client.set(VALUE, 22);
    assert.deepEqual(await told(9_000), []);
    client.set(VALUE, 23);
    assert.deepEqual(await told(2_000), ['23']);
    client.set(VALUE, 24);
    assert.deepEqual(await told(7_000), []);
    assert.deepEqual(await told(3_000), ['24']);
  });

  it('a value that came back within pmin is told all the same', async () => {
    const { server, client, told } = await world();
    await server.request(`PUT ${VALUE}?pmin=10`);
    await server.request(`GET ${VALUE}`, OBSERVE);
    client.set(VALUE, 21);
    client.set(VALUE, 20);
    assert.deepEqual(await told(11_000), ['20']);
  });

  it('pmax: told even without a change; each notification starts both periods anew', async () => {
    const { server, client, told } = await world();
    await server.request(`PUT ${VALUE}?pmax=60`);
    await server.request(`GET ${VALUE}`, OBSERVE);
    assert.deepEqual(await told(50_000), []);
    client.set(VALUE, 21);
    assert.deepEqual(await told(1_000), ['21']);
    assert.deepEqual(await told(58_000), []);
    assert.deepEqual(await told(2_000), ['21']);
    assert.deepEqual(await told(180_000), ['21', '21', '21']);
  });

  it('gt, lt and st: only what crosses or steps; compared with what was told last', async () => {
    const { server, client, told } = await world();
    await server.request(`PUT ${VALUE}?gt=45&lt=5&st=10`);
    await server.request(`GET ${VALUE}`, OBSERVE);
    const all: string[] = [];
    for (const value of [25, 29, 30, 35, 44, 46, 48, 42, 33]) {
      client.set(VALUE, value);
      all.push(...(await told(100)));
    }
    assert.deepEqual(all, ['30', '44', '46', '42']);
    client.set(VALUE, 4);
    assert.deepEqual(await told(1000), ['4']);
  });

  it('inherited from Object Instance and Object, the nearest wins, the defaults of the Server Object come last', async () => {
    const { server, client, told } = await world(undefined, { defaultMinimumPeriodSeconds: 30 });
    await server.request(`GET ${VALUE}`, OBSERVE);
    client.set(VALUE, 21);
    assert.deepEqual(await told(28_000), []);
    assert.deepEqual(await told(3_000), ['21']);
    await server.request('PUT /3303?pmin=20');
    client.set(VALUE, 22);
    assert.deepEqual(await told(18_000), []);
    assert.deepEqual(await told(3_000), ['22']);
    await server.request('PUT /3303/0?pmin=5');
    client.set(VALUE, 23);
    assert.deepEqual(await told(6_000), ['23']);
    await server.request('PUT /3303/0?pmin');
    client.set(VALUE, 24);
    assert.deepEqual(await told(6_000), []);
    assert.deepEqual(await told(15_000), ['24']);
  });

  it('what is attached below the observed node does not hold for it (1.2.1)', async () => {
    const { server, client, told } = await world();
    await server.request(`PUT ${VALUE}?pmin=600&gt=100`);
    await server.request('GET /3303/0', { ...OBSERVE, accept: 110 });
    client.set(VALUE, 19);
    const [told1, ...more] = await told(1000);
    assert.match(told1 ?? '', /"5601","v":19.*"5700","v":19/);
    assert.deepEqual(more, [], 'the least value that follows from it is in the same notification');
  });

  it('attributes changed during an observation take effect', async () => {
    const { server, client, told } = await world();
    await server.request(`PUT ${VALUE}?pmin=600`);
    await server.request(`GET ${VALUE}`, OBSERVE);
    client.set(VALUE, 21);
    assert.deepEqual(await told(10_000), []);
    await server.request(`PUT ${VALUE}?pmin=5`);
    assert.deepEqual(await told(1_000), ['21']);
    await server.request(`PUT ${VALUE}?pmax=20`);
    assert.deepEqual(await told(41_000), ['21', '21']);
    await server.request('PUT /1/0/3', { contentFormat: 0 }, '7');
    await server.request(`PUT ${VALUE}?pmax`);
    assert.deepEqual(await told(15_000), ['21', '21']);
  });

  it('attributes given with Observe stand instead of the attached ones, and are not shown by Discover (1.2)', async () => {
    const { server, client, told } = await world();
    await server.request(`PUT ${VALUE}?pmin=600&gt=100`);
    assert.equal((await server.request(`GET ${VALUE}?pmin=5`, OBSERVE)).code, '2.05');
    client.set(VALUE, 21);
    assert.deepEqual(await told(6_000), ['21']);
    assert.equal((await server.request(`GET ${VALUE}`, { accept: 40 })).text, '</3303/0/5700>;pmin=600;gt=100');
    assert.equal((await server.request(`GET ${VALUE}?lt=5&gt=4`, OBSERVE)).code, '4.00');
    assert.equal((await server.request('GET /3303?gt=4', OBSERVE)).code, '4.00');
    assert.equal((await server.request(`GET ${VALUE}?pmin`, OBSERVE)).code, '4.00');
  });

  it('an Object tells of Object Instances that come and go', async () => {
    const { server, client, told } = await world();
    await server.request('GET /3303', { ...OBSERVE, accept: 110 });
    client.addObjectInstance(3303, 4, { 5700: 7 });
    assert.match((await told(1000))[0] ?? '', /\/3303\/4\/5700|"4\/5700"/);
    client.removeObjectInstance(3303, 4);
    assert.doesNotMatch((await told(1000))[0] ?? '4/5700', /4\/5700/);
  });

  it('what a server wrote is told to the observers, after the answer to the Write', async () => {
    const { network, server, told } = await world();
    await server.request('GET /1/0/1', OBSERVE);
    const order: number[] = [];
    network.onDatagram = (from, _to, datagram) => void (from.host === '10.0.0.2' && order.push(datagram[1]!));
    await server.request('PUT /1/0/1', { contentFormat: 0 }, '1234');
    assert.deepEqual(await told(1000), ['1234']);
    assert.deepEqual(order.slice(0, 2), [0x44, 0x45]);
  });

  it('con=1 makes notifications Confirmable, and so does the Server Object', async () => {
    const { network, server, client, told } = await world();
    const types: number[] = [];
    network.onDatagram = (from, _to, datagram) =>
      void (from.host === '10.0.0.2' && datagram[1] === 0x45 && types.push((datagram[0]! >> 4) & 3));
    await server.request(`GET ${VALUE}`, OBSERVE);
    client.set(VALUE, 21);
    await told(1000);
    await server.request(`PUT ${VALUE}?con=1`);
    client.set(VALUE, 22);
    await told(1000);
    await server.request(`PUT ${VALUE}?con`);
    await server.request('PUT /1/0/26', { contentFormat: 0 }, '1');
    client.set(VALUE, 23);
    await told(1000);
    assert.deepEqual(types, [2, 1, 0, 0]);
  });
});

describe('handlers that are observed', () => {
  const sensor = (read: () => number | Promise<number>): ClientObject => ({
    objectId: 3303,
    instances: { 0: { 5700: { read } } },
  });

  it('are read when the application says so, and told when the value is another', async () => {
    let value = 1;
    const { server, client, told } = await world([sensor(() => value)]);
    await server.request(`GET ${VALUE}`, OBSERVE);
    value = 2;
    assert.deepEqual(await told(60_000), []);
    client.changed('/3303');
    client.changed('/3303/0/5700');
    assert.deepEqual(await told(1_000), ['2']);
  });

  it('epmax: are read at least so often', async () => {
    let value = 1;
    let reads = 0;
    const { server, told } = await world([sensor(() => (reads++, value))]);
    await server.request(`PUT ${VALUE}?epmax=10`);
    await server.request(`GET ${VALUE}`, OBSERVE);
    reads = 0;
    assert.deepEqual(await told(35_000), []);
    assert.equal(reads, 3);
    value = 2;
    assert.deepEqual(await told(10_000), ['2']);
  });

  it('may be slow: changes meanwhile are not lost, and one reading runs at a time', async () => {
    let value = 1;
    const waiting: (() => void)[] = [];
    let slow = false;
    const { server, client, told } = await world([
      sensor(() => {
        const read = value;
        return slow ? new Promise<number>((resolve) => waiting.push(() => resolve(read))) : read;
      }),
    ]);
    await server.request(`GET ${VALUE}`, OBSERVE);
    slow = true;
    value = 2;
    client.changed(VALUE);
    value = 3;
    client.changed(VALUE);
    client.changed(VALUE);
    assert.equal(waiting.length, 1);
    waiting.shift()?.();
    assert.deepEqual(await told(1_000), ['2']);
    assert.equal(waiting.length, 1);
    waiting.shift()?.();
    assert.deepEqual(await told(1_000), ['3']);
    assert.equal(waiting.length, 0);
  });

  it('that fail are an event; the observation goes on when they work again', async () => {
    let value = 1;
    const { server, client, told } = await world([
      sensor(() => {
        if (value < 0) throw new Error('broken');
        return value;
      }),
    ]);
    const errors: unknown[] = [];
    client.on('handlerError', ({ cause }) => errors.push(cause));
    await server.request(`PUT ${VALUE}?pmax=10`);
    await server.request(`GET ${VALUE}`, OBSERVE);
    value = -1;
    assert.deepEqual(await told(25_000), []);
    assert.equal(errors.length, 2);
    value = 5;
    assert.deepEqual(await told(10_000), ['5']);
  });
});

describe('the end of an observation', () => {
  it('by Reset to a notification', async () => {
    const { server, client, told, network } = await world();
    const ended: string[] = [];
    client.on('observationEnded', ({ paths }) => ended.push(String(paths.length)));
    await server.request(`GET ${VALUE}`, OBSERVE);
    assert.equal(client.observationCount, 1);
    server.cancelObservation(VALUE);
    client.set(VALUE, 30);
    await network.run(1000);
    client.set(VALUE, 31);
    assert.deepEqual(await told(1000), []);
    assert.equal(client.observationCount, 0);
    assert.deepEqual(ended, ['1']);
  });

  it('a server that is gone: the observation ends when a Confirmable notification is not acknowledged', async () => {
    const { server, client, network } = await world();
    await server.request(`PUT ${VALUE}?con=1`);
    await server.request(`GET ${VALUE}`, OBSERVE);
    network.conditions = { ...network.conditions, loss: 1 };
    client.set(VALUE, 30);
    await network.run(100_000);
    assert.equal(client.observationCount, 0);
  });

  it('every registration begins without observations', async () => {
    const { server, client, told } = await world();
    await server.request(`GET ${VALUE}`, OBSERVE);
    client.register();
    client.set(VALUE, 30);
    assert.deepEqual(await told(5_000), []);
    assert.equal(client.observationCount, 0);
  });

  it('there is a bound on observations: beyond it an Observe is a Read', async () => {
    const network = new SimulatedNetwork();
    const server = new RawServer(network);
    const driver = network.driver({ host: '10.0.0.2', port: 56830 }, { maxRelationsPerPeer: 2 });
    const client = new LwM2mClient(driver, {
      endpointClientName: 'bounded',
      servers: [{ uri: 'coap://10.0.0.1' }],
      objects: [temperatureObject({ value: 20 })],
    });
    client.register();
    await network.run(1000);
    for (const resource of [5700, 5601, 5602]) {
      assert.equal((await server.request(`GET /3303/0/${resource}`, OBSERVE)).code, '2.05');
    }
    assert.equal(client.observationCount, 2);
  });
});

describe('Send (Core §6.4.6)', () => {
  it('tells the values at paths, hidden and missing ones left out', async () => {
    const { network, server, client } = await world();
    server.arrivals.length = 0;
    const sent = client.send(['/3303/0/5700', '/0/0/0', '/9/9/9', '/3/0/16']);
    await network.run(1000);
    assert.deepEqual(await sent, [{ shortServerId: 1, ok: true, code: 0x44, reason: '2.04 Changed' }]);
    assert.deepEqual(server.taken(), ['POST /dp']);
  });

  it('is not done for a server that mutes it, or that is not registered with', async () => {
    const { server, client, network } = await world(undefined, { muteSend: true });
    await assert.rejects(client.send([VALUE]), { code: 'MUTED' });
    await server.request('PUT /1/0/23', { contentFormat: 0 }, '0');
    const sent = client.send([VALUE]);
    await network.run(1000);
    assert.equal((await sent)[0]?.ok, true);
    server.answer = () => undefined;
    const unanswered = assert.rejects(client.send([VALUE]), { code: 'TIMEOUT', retryable: true });
    await network.run(300_000);
    await unanswered;
    const controller = new AbortController();
    const aborted = assert.rejects(client.send([VALUE], { signal: controller.signal }), { code: 'CANCELLED' });
    await network.run(10);
    controller.abort();
    await network.run(10);
    await aborted;
    client.register();
    await assert.rejects(client.send([VALUE]), { code: 'NOT_REGISTERED' });
  });

  it('beyond the bound of requests that wait it is refused, and may be tried again', async () => {
    const network = new SimulatedNetwork();
    const server = new RawServer(network);
    const client = new LwM2mClient(network.driver({ host: '10.0.0.2', port: 56830 }, { maxQueuedPerPeer: 1 }), {
      endpointClientName: 'busy',
      servers: [{ uri: 'coap://10.0.0.1' }],
      objects: [temperatureObject({ value: 20 })],
    });
    client.register();
    await network.run(1000);
    const sending = Promise.allSettled([1, 2, 3].map(() => client.send([VALUE])));
    await network.run(1000);
    const results = await sending;
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected'],
    );
    const [, , last] = results;
    const reason: unknown = last?.status === 'rejected' ? last.reason : undefined;
    assert.ok(reason instanceof OperationFailed, String(reason));
    assert.deepEqual([reason.code, reason.retryable], ['QUEUE_FULL', true]);
    assert.equal(server.taken().filter((line) => line === 'POST /dp').length, 2);
  });
});
