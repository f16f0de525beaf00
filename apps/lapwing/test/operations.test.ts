/** Composites, attributes in force and pending operations over REST, and their commands. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { deviceObject, LwM2mClient, temperatureObject } from '@lapwing/client';
import type {
  AttributesJson,
  CompositeJson,
  ObservedCompositeJson,
  PendingListJson,
} from '../src/rest/operation-schemas.ts';
import type { DeviceJson, DeviceListJson, DiscoveredJson, ObservationJson } from '../src/rest/schemas.ts';
import { OPERATIONS_TESTED_APART } from './operations-tested-apart.ts';
import { RunningApp } from './running-app.ts';

let api: RunningApp;
let device: LwM2mClient;
let sleeper: LwM2mClient;
const AT = '/devices/thing';
const SLEEPER = '/devices/sleeper';
/** Answers of a Resource that the test gives when it likes. */
let answer: (value: number) => void = () => undefined;
const asked = new EventEmitter();

before(async () => {
  api = await RunningApp.start();
  const objects = [
    deviceObject({ manufacturer: 'Acme', batteryLevel: 80 }),
    temperatureObject({ value: 21.5 }),
    { objectId: 3311, unknownResources: 'skip' as const, instances: { 0: { 5850: false, 5851: 10 } } },
  ];
  device = await api.device('thing', objects);
  sleeper = await LwM2mClient.start({
    endpointClientName: 'sleeper',
    queueMode: true,
    servers: [{ uri: `coap://127.0.0.1:${api.app.coapPort}`, lifetimeSeconds: 300 }],
    objects: [
      ...objects,
      {
        objectId: 3316,
        unknownResources: 'skip',
        instances: {
          0: {
            5700: {
              read: () =>
                new Promise<number>((resolve) => {
                  answer = resolve;
                  asked.emit('read');
                }),
            },
          },
        },
      },
    ],
    host: '127.0.0.1',
  });
  await sleeper.whenRegistered();
});
after(async () => {
  answer(1);
  await device.close();
  await sleeper.close();
  await api.close();
});

describe('composites', () => {
  it('read several paths at once, and leave out what is not there', async () => {
    const { status, body } = await api.call<CompositeJson>('POST', `${AT}/composite/read`, {
      paths: ['/3/0/9', '3303/0/5700', '/3311/7'],
    });
    assert.equal(status, 200);
    assert.deepEqual(body.paths, ['/3/0/9', '/3303/0/5700', '/3311/7']);
    assert.deepEqual(
      body.entries.map(({ path, value }) => [path, value]),
      [
        ['/3/0/9', 80],
        ['/3303/0/5700', 21.5],
      ],
    );
  });

  it('write several values, all or none', async () => {
    const values = { '/3311/0/5850': true, '/3311/0/5851': { value: 42 } };
    assert.equal((await api.call('POST', `${AT}/composite/write`, { values })).status, 200);
    assert.deepEqual([device.get('/3311/0/5850'), device.get('/3311/0/5851')], [true, 42]);
    const refused = await api.call('POST', `${AT}/composite/write`, {
      values: { '/3311/0/5851': 7, '/3/0/0': 'Other' },
    });
    assert.equal(refused.body.type, 'urn:lapwing:problem:device-refused');
    assert.equal(device.get('/3311/0/5851'), 42);
  });

  it('are observed, listed with their paths, and cancelled by the same list', async () => {
    const paths = ['/3303/0/5700', '/3311/0/5851'];
    const first = await api.call<ObservedCompositeJson>('POST', `${AT}/composite/observe`, { paths });
    const again = await api.call('POST', `${AT}/composite/observe`, { paths });
    assert.deepEqual([first.status, again.status], [201, 200]);
    const notified = once(api.app.server, 'notified');
    device.set('/3303/0/5700', 25);
    await notified;
    const { body } = await api.call<{ items: ObservationJson[] }>('GET', `${AT}/observations`);
    const [observation] = body.items;
    assert.deepEqual([observation?.path, observation?.paths, observation?.waiting], ['/', paths, false]);
    assert.deepEqual(
      observation?.lastNotification?.entries.map(({ value }) => value),
      [25, 42],
    );
    assert.equal((await api.call('POST', `${AT}/composite/cancel?mode=active`, { paths })).status, 204);
    const gone = await api.call('POST', `${AT}/composite/cancel`, { paths });
    assert.equal(gone.body.type, 'urn:lapwing:problem:unknown-observation');
  });

  it('answer 400 and name the field where the body is wrong', async () => {
    for (const [route, body, field] of [
      ['read', { paths: [] }, '/paths'],
      ['read', { paths: ['/3', '/x'] }, '/paths/1'],
      ['read', {}, undefined],
      ['write', {}, undefined],
      ['write', { values: {} }, '/values'],
      ['write', { values: { '/3311/0/5850': 'on' } }, '/values/~13311~10~15850'],
      ['write', { values: { '/3311/0': 1 } }, 'path'],
      ['write', { remove: ['/3311/0/5850'] }, 'path'],
    ] as const) {
      const { status, body: problem } = await api.call('POST', `${AT}/composite/${route}`, body);
      assert.deepEqual(
        [status, problem.type, problem.field],
        [400, 'urn:lapwing:problem:bad-request', field],
        `${route} ${JSON.stringify(body)}: ${JSON.stringify(problem)}`,
      );
    }
  });
});

describe('attributes', () => {
  it('show what is attached here, what is inherited, and what holds', async () => {
    for (const [path, body] of [
      ['/3303', { pmin: 5, pmax: 600 }],
      ['/3303/0', { pmin: 10 }],
      ['/3303/0/5700', { gt: 30, pmax: 60 }],
    ] as const)
      assert.equal((await api.call('PUT', `${AT}/attributes${path}`, body)).status, 200);
    const { body } = await api.call<AttributesJson>('GET', `${AT}/attributes/3303/0/5700`);
    assert.deepEqual(body.path, '/3303/0/5700');
    assert.deepEqual(body.own, { pmax: 60, gt: 30 });
    assert.deepEqual(body.inherited[0], { path: '/3303/0', attributes: { pmin: 10 } });
    assert.equal(body.inherited[1]?.path, '/3303');
    assert.deepEqual(body.effective, { pmin: 10, pmax: 60, gt: 30 });
    const missing = await api.call('GET', `${AT}/attributes/3399`);
    assert.deepEqual([missing.status, missing.body.coapCode], [404, '4.04']);
  });

  it('Discover goes as deep as it is told', async () => {
    const { body } = await api.call<DiscoveredJson>('GET', `${AT}/discover/3311?depth=0`);
    assert.deepEqual(
      body.items.map(({ path }) => path),
      ['/3311'],
    );
    assert.equal((await api.call('GET', `${AT}/discover/3311?depth=4`)).body.field, 'depth');
  });
});

describe('attributes of one observation', () => {
  it('hold for it alone: the same path with others is another observation, with the same ones it is the same', async () => {
    const at = `${AT}/observations/3303/0/5700`;
    const attributes = { pmin: 0, gt: 90, st: 0.5 };
    const answers = [
      await api.call('PUT', at, { attributes }),
      await api.call('PUT', at, { attributes: { st: 0.5, gt: 90, pmin: 0 } }),
      await api.call('PUT', at),
      await api.call('PUT', at, { attributes: {} }),
    ];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [201, 200, 201, 200],
    );
    const { body } = await api.call<{ items: ObservationJson[] }>('GET', `${AT}/observations`);
    assert.deepEqual(
      body.items.map((item) => [item.path, item.attributes]),
      [
        ['/3303/0/5700', attributes],
        ['/3303/0/5700', undefined],
      ],
    );
    assert.equal((await api.call('DELETE', `${at}?mode=active`)).status, 204);
    assert.deepEqual((await api.call<{ items: unknown[] }>('GET', `${AT}/observations`)).body.items, []);
  });

  it('are told with its events', async () => {
    const after = api.app.events.lastId;
    await api.call('PUT', `${AT}/observations/3303/0/5700`, { attributes: { pmin: 0, gt: 50 } });
    const notified = once(api.app.server, 'notified');
    device.set('/3303/0/5700', 60);
    await notified;
    await api.call('DELETE', `${AT}/observations/3303/0/5700?mode=active`);
    const told: unknown[] = [];
    for (let event = api.app.events.next(after); event !== undefined; event = api.app.events.next(event.id))
      told.push([event.type, (JSON.parse(event.data) as { attributes?: unknown }).attributes]);
    const attributes = { pmin: 0, gt: 50 };
    assert.deepEqual(told, [
      ['observed', attributes],
      ['notification', attributes],
      ['observation-ended', attributes],
    ]);
  });

  it('of a list of paths are told beside the paths', async () => {
    const body = { paths: ['/3303/0/5700', '/3/0/9'], attributes: { pmin: 1, pmax: 60 } };
    const first = await api.call('POST', `${AT}/composite/observe`, body);
    const again = await api.call('POST', `${AT}/composite/observe`, body);
    assert.deepEqual([first.status, again.status], [201, 200]);
    const wrong = await api.call('POST', `${AT}/composite/observe`, { ...body, attributes: { gt: 3 } });
    assert.deepEqual([wrong.status, wrong.body.field], [400, '/attributes']);
    assert.equal((await api.call('POST', `${AT}/composite/cancel?mode=active`, body)).status, 400, 'only paths');
    const { paths } = body;
    assert.equal((await api.call('POST', `${AT}/composite/cancel?mode=active`, { paths })).status, 204);
  });

  it('are a 400 that names them when they are wrong, or the device speaks LwM2M 1.1', async () => {
    for (const [attributes, field] of [
      [{ gt: 5, lt: 10 }, '/attributes'],
      [{ pmin: 0.5 }, '/attributes/pmin'],
      [{ edge: 2 }, '/attributes/edge'],
      [{ warmth: 1 }, '/attributes'],
    ] as const) {
      const { status, body } = await api.call('PUT', `${AT}/observations/3303/0/5700`, { attributes });
      assert.equal(status, 400, JSON.stringify(attributes));
      assert.ok(body.field?.startsWith(field), `${JSON.stringify(attributes)}: ${body.field}`);
    }
    const older = await LwM2mClient.start({
      endpointClientName: 'older',
      lwm2mVersion: '1.1',
      servers: [{ uri: `coap://127.0.0.1:${api.app.coapPort}`, lifetimeSeconds: 300 }],
      objects: [deviceObject({ manufacturer: 'Acme', batteryLevel: 80 })],
      host: '127.0.0.1',
    });
    await older.whenRegistered();
    const refused = await api.call('PUT', '/devices/older/observations/3/0/9', { attributes: { pmin: 1 } });
    assert.deepEqual([refused.status, refused.body.field], [400, '/attributes']);
    assert.match(refused.body.detail, /1\.1/);
    assert.equal((await api.call('PUT', '/devices/older/observations/3/0/9')).status, 201);
    await older.close();
  });
});

describe('pending operations', () => {
  it('of a device in queue mode are listed, put in another order and given up', async () => {
    const reading = once(asked, 'read');
    const sent = api.call('GET', `${SLEEPER}/nodes/3316/0/5700`);
    await reading;
    const changed = (count: number): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (api.app.server.device('sleeper')!.pendingOperations.length !== count) return;
          api.app.server.off('pendingChanged', look);
          resolve();
        };
        api.app.server.on('pendingChanged', look);
        look();
      });
    const first = api.call('GET', `${SLEEPER}/nodes/3/0/9`);
    await changed(2);
    const second = api.call('GET', `${SLEEPER}/nodes/3303/0/5700`);
    await changed(3);

    const { body } = await api.call<PendingListJson>('GET', `${SLEEPER}/pending`);
    assert.equal(body.awake, true);
    assert.deepEqual(
      body.items.map(({ operation, paths, state }) => [operation, paths, state]),
      [
        ['read', ['/3316/0/5700'], 'sent'],
        ['read', ['/3/0/9'], 'waiting'],
        ['read', ['/3303/0/5700'], 'waiting'],
      ],
    );
    const last = body.items[2]!.operationId;
    const order = await api.call<PendingListJson>('PUT', `${SLEEPER}/pending`, { operationIds: [last] });
    assert.deepEqual(
      order.body.items.map(({ paths }) => paths[0]),
      ['/3316/0/5700', '/3303/0/5700', '/3/0/9'],
    );
    assert.equal((await api.call('DELETE', `${SLEEPER}/pending/${last}`)).status, 204);
    assert.equal((await second).body.type, 'urn:lapwing:problem:not-available');
    const gone = await api.call('DELETE', `${SLEEPER}/pending/${last}`);
    assert.deepEqual([gone.status, gone.body.type], [404, 'urn:lapwing:problem:unknown-operation']);
    answer(5);
    assert.deepEqual([(await sent).status, (await first).status], [200, 200]);
    const empty = await api.call<PendingListJson>('GET', `${SLEEPER}/pending`);
    assert.deepEqual(empty.body, { awake: true, items: [] });
  });

  it('the device says whether it is awake', async () => {
    assert.equal((await api.call<DeviceJson>('GET', SLEEPER)).body.awake, true);
  });

  it('a device that sleeps is told as such by the list and by itself, one that is no sleeper never', async () => {
    await using drowsy = await RunningApp.start({ clientAwakeTime: 1 });
    const asleep = once(drowsy.app.server, 'asleep');
    const tired = await LwM2mClient.start({
      endpointClientName: 'tired',
      queueMode: true,
      servers: [{ uri: `coap://127.0.0.1:${drowsy.app.coapPort}`, lifetimeSeconds: 300 }],
      objects: [deviceObject({ manufacturer: 'Acme' })],
      host: '127.0.0.1',
    });
    await tired.whenRegistered();
    await asleep;
    const lively = await drowsy.device('lively');
    const { items } = (await drowsy.call<DeviceListJson>('GET', '/devices')).body;
    assert.deepEqual(
      items.map(({ name, awake }) => [name, awake]),
      [
        ['lively', true],
        ['tired', false],
      ],
    );
    assert.equal((await drowsy.call<DeviceJson>('GET', '/devices/tired')).body.awake, false);
    assert.equal((await drowsy.call<PendingListJson>('GET', '/devices/tired/pending')).body.awake, false);
    await lively.close();
    await tired.close();
  });
});

it('every operation here was called with good and bad input', async () => {
  for (const [method, path, body] of [
    ['GET', '/pending', undefined],
    ['PUT', '/pending', { operationIds: [] }],
    ['POST', '/composite/observe', { paths: ['/3'] }],
  ] as const)
    assert.equal((await api.call(method, `/devices/nobody${path}`, body)).status, 404);
  for (const operationId of OPERATIONS_TESTED_APART) {
    const statuses = [...(api.called.get(operationId) ?? [])];
    assert.ok(
      statuses.some((status) => status < 300) && statuses.some((status) => status >= 400),
      `${operationId}: ${statuses.join()}`,
    );
  }
});
