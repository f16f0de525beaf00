/** The REST API of docs/rest-api.md against a real device over UDP; every answer is checked against the OpenAPI document. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { deviceObject, type LwM2mClient, temperatureObject } from '@lapwing/client';
import type {
  CodeJson,
  CreatedJson,
  DefinitionJson,
  DeviceJson,
  DeviceListJson,
  DiscoveredJson,
  ObservationJson,
  ObservedJson,
  ReadJson,
  ServerJson,
} from '../src/rest/schemas.ts';
import { OPERATIONS_TESTED_APART } from './operations-tested-apart.ts';
import { RunningApp } from './running-app.ts';

interface ObservationList {
  readonly items: readonly ObservationJson[];
}

let api: RunningApp;
let device: LwM2mClient;
const NAME = 'urn:dev:os:1-a/b c';
const AT = `/devices/${encodeURIComponent(NAME)}`;
let executed: unknown[] = [];
/** Called when the silent Resource is read. */
let reached: () => void = () => undefined;

function silence(): Promise<never> {
  reached();
  return new Promise<never>(() => undefined);
}

before(async () => {
  api = await RunningApp.start();
  device = await api.device(NAME, [
    deviceObject({
      manufacturer: 'Acme',
      batteryLevel: 80,
      reboot: () => void executed.push('reboot'),
    }),
    temperatureObject({ value: 21.5 }),
    {
      objectId: 3311,
      unknownResources: 'skip',
      instances: { 0: { 5850: false, 5851: 10, 5852: { read: () => 7, write: () => undefined } } },
      resources: [5850, 5851, 5852],
      create: true,
      delete: true,
    },
    {
      // Silent: its handler never answers.
      objectId: 3316,
      unknownResources: 'skip',
      instances: { 0: { 5700: { read: () => silence() } } },
    },
  ]);
});

after(async () => {
  await device.close();
  await api.close();
});

describe('devices', () => {
  it('are listed by name with paging that neither repeats nor hides any', async () => {
    const others = [await api.device('page-b'), await api.device('page-a'), await api.device('page-b-0')];
    const names: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`;
      const page = await api.call<DeviceListJson>('GET', `/devices?limit=2${query}`);
      assert.equal(page.status, 200);
      assert.equal(page.body.total, 4);
      names.push(...page.body.items.map((item) => item.name));
      cursor = page.body.nextCursor;
    } while (cursor !== null);
    assert.deepEqual(names, ['page-a', 'page-b', 'page-b-0', NAME]);
    const found = await api.call<DeviceListJson>('GET', '/devices?search=PAGE-A');
    assert.deepEqual(
      found.body.items.map((item) => item.name),
      ['page-a'],
    );
    for (const other of others) await other.close();
  });

  it('are not listed for a query that is wrong', async () => {
    for (const [query, field] of [
      ['limit=0', 'limit'],
      ['limit=501', 'limit'],
      ['limit=many', 'limit'],
      ['cursor=!', 'cursor'],
      ['cursor=YWJj', 'cursor'],
      ['sort=name', 'sort'],
    ] as const) {
      const { status, body } = await api.call('GET', `/devices?${query}`);
      assert.deepEqual([status, body.field], [400, field], query);
    }
  });

  it('show what they registered', async () => {
    const { status, body } = await api.call<DeviceJson>('GET', AT);
    assert.equal(status, 200);
    assert.equal(body.name, NAME);
    assert.equal(body.lifetimeSeconds, 300);
    assert.deepEqual(body.security, { kind: 'none' });
    assert.match(body.address, /^127\.0\.0\.1:\d+$/);
    assert.equal(Date.parse(body.expiresAt ?? '') - Date.parse(body.updatedAt), 300_000);
    const light = body.objects.find((object) => object.objectId === 3311);
    assert.equal(light?.name, 'Light Control');
    assert.deepEqual(light?.objectInstanceIds, [0]);
  });

  it('come with the definitions of their Objects', async () => {
    const { body } = await api.call<{ items: DefinitionJson[] }>('GET', `${AT}/definitions`);
    const temperature = body.items.find((item) => item.objectId === 3303);
    const value = temperature?.resources.find((resource) => resource.resourceId === 5700);
    assert.deepEqual([value?.name, value?.operations, value?.type], ['Sensor Value', 'R', 'float']);
  });

  it('that are unknown are a 404 with a problem of its own', async () => {
    for (const path of ['', '/definitions', '/nodes/3/0', '/observations']) {
      const { status, headers, body } = await api.call('GET', `/devices/nobody${path}`);
      assert.equal(status, 404);
      assert.equal(headers.get('content-type'), 'application/problem+json; charset=utf-8');
      assert.equal(body.type, 'urn:lapwing:problem:unknown-device');
      assert.match(body.detail, /nobody/);
    }
  });
});

describe('nodes', () => {
  it('are read at every level', async () => {
    const resource = await api.call<ReadJson>('GET', `${AT}/nodes/3303/0/5700`);
    assert.equal(resource.status, 200);
    assert.equal(resource.body.code, '2.05');
    assert.deepEqual(resource.body.entries, [{ path: '/3303/0/5700', type: 'float', value: 21.5 }]);
    const objectInstance = await api.call<ReadJson>('GET', `${AT}/nodes/3/0`);
    assert.ok(objectInstance.body.entries.some((entry) => entry.path === '/3/0/0' && entry.value === 'Acme'));
    const object = await api.call<ReadJson>('GET', `${AT}/nodes/3303`);
    assert.ok(object.body.entries.length > 1);
  });

  it('are read in the Content-Format that is asked for', async () => {
    const { body } = await api.call<ReadJson>('GET', `${AT}/nodes/3303/0/5700?format=110`);
    assert.equal(body.contentFormat, 110);
  });

  it('are written, one value and several, and the device holds them', async () => {
    const one = await api.call<CodeJson>('PUT', `${AT}/nodes/3311/0/5850`, { value: true });
    assert.deepEqual([one.status, one.body], [200, { code: '2.04' }]);
    assert.equal(device.get('/3311/0/5850'), true);
    const some = await api.call('PATCH', `${AT}/nodes/3311/0`, { resources: { '5851': 55 } });
    assert.equal(some.status, 200);
    assert.equal(device.get('/3311/0/5851'), 55);
    assert.equal(device.get('/3311/0/5850'), true);
  });

  it('are created with an ID of the device or of the caller, and deleted', async () => {
    const chosen = await api.call<CreatedJson>('POST', `${AT}/nodes/3311`, { resources: { '5850': true } });
    assert.equal(chosen.status, 201);
    assert.equal(chosen.headers.get('location'), `/api/v1${AT}/nodes${chosen.body.path}`);
    const asked = await api.call<CreatedJson>('POST', `${AT}/nodes/3311/9`, { resources: { '5850': false } });
    assert.deepEqual([asked.status, asked.body.path], [201, '/3311/9']);
    assert.equal(device.get('/3311/9/5850'), false);
    assert.equal((await api.call('POST', `${AT}/nodes/3311/9`, { resources: { '5850': false } })).status, 400);
    for (const path of ['/3311/9', chosen.body.path]) {
      const gone = await api.call<CodeJson>('DELETE', `${AT}/nodes${path}`);
      assert.deepEqual([gone.status, gone.body.code], [200, '2.02']);
    }
  });

  it('are created several at once, all or none', async () => {
    const instances = { 7: { resources: { 5850: true } }, 8: { resources: { 5850: false, 5851: 30 } } };
    const { status, headers, body } = await api.call<CreatedJson>('POST', `${AT}/nodes/3311`, { instances });
    assert.deepEqual([status, body.path, body.paths], [201, '/3311', ['/3311/7', '/3311/8']]);
    assert.equal(headers.get('location'), `/api/v1${AT}/nodes/3311`);
    assert.deepEqual([device.get('/3311/7/5850'), device.get('/3311/8/5851')], [true, 30]);
    const taken = await api.call('POST', `${AT}/nodes/3311`, {
      instances: { 6: instances[7], 7: instances[7] },
    });
    assert.equal(taken.body.type, 'urn:lapwing:problem:device-refused');
    assert.equal((await api.call('GET', `${AT}/nodes/3311/6`)).status, 404, 'none');
    for (const id of [7, 8]) assert.equal((await api.call('DELETE', `${AT}/nodes/3311/${id}`)).status, 200);
    for (const [at, wrong, field] of [
      ['/3311', { instances: {} }, '/instances'],
      ['/3311', { instances: { 65535: instances[7] } }, '/instances/65535'],
      ['/3311', { instances: { 7: { resources: { 5850: 'on' } } } }, '/instances/7/resources/5850'],
      ['/3311/7', { instances }, '/instances'],
    ] as const) {
      const refused = await api.call('POST', `${AT}/nodes${at}`, wrong);
      assert.deepEqual([refused.status, refused.body.field], [400, field]);
    }
    const both = await api.call('POST', `${AT}/nodes/3311`, { instances, resources: {} });
    assert.equal(both.status, 400);
  });

  it('are discovered with their attributes once these are written', async () => {
    const written = await api.call<CodeJson>('PUT', `${AT}/attributes/3303/0/5700`, { pmin: 3, gt: 30.5 });
    assert.deepEqual([written.status, written.body.code], [200, '2.04']);
    const { status, body } = await api.call<DiscoveredJson>('GET', `${AT}/discover/3303/0/5700`);
    assert.equal(status, 200);
    const node = body.items.find((item) => item.path === '/3303/0/5700');
    assert.deepEqual([node?.attributes['pmin'], node?.attributes['gt']], ['3', '30.5']);
    const unset = await api.call('PUT', `${AT}/attributes/3303/0/5700`, { pmin: null, gt: null });
    assert.equal(unset.status, 200);
    const after = await api.call<DiscoveredJson>('GET', `${AT}/discover/3303/0/5700`);
    assert.deepEqual(after.body.items.find((item) => item.path === '/3303/0/5700')?.attributes, {});
  });

  it('are executed, with and without a body', async () => {
    executed = [];
    const plain = await api.call('POST', `${AT}/execute/3/0/4`);
    assert.deepEqual([plain.status, plain.body], [200, { code: '2.04' }]);
    const withArguments = await api.call('POST', `${AT}/execute/3303/0/5605`, { arguments: '' });
    assert.equal(withArguments.status, 200);
    assert.deepEqual(executed, ['reboot']);
  });

  it('answer a refusal of the device with its code', async () => {
    for (const [method, path, body, status, coapCode] of [
      ['GET', '/discover/3303/7', undefined, 404, '4.04'],
      ['POST', '/nodes/3', { resources: {} }, 405, '4.05'],
      ['GET', '/nodes/3303/7', undefined, 404, '4.04'],
      ['GET', '/nodes/3/0/4', undefined, 405, '4.05'],
      ['PUT', '/nodes/3303/0/5700', { value: 1 }, 405, '4.05'],
      ['POST', '/execute/3/0/0', undefined, 405, '4.05'],
      ['DELETE', '/nodes/3/0', undefined, 405, '4.05'],
      ['GET', '/nodes/0', undefined, 403, '4.01'],
      ['PUT', '/observations/3/0/4', undefined, 405, '4.05'],
      ['PUT', '/attributes/3303/7', { pmin: 1 }, 404, '4.04'],
    ] as const) {
      const answer = await api.call(method, AT + path, body);
      assert.deepEqual(
        [answer.status, answer.body.type, answer.body.coapCode],
        [status, 'urn:lapwing:problem:device-refused', coapCode],
        `${method} ${path}: ${JSON.stringify(answer.body)}`,
      );
    }
  });

  it('answer 504 when the device does not answer in time', async () => {
    const { status, body } = await api.call('GET', `${AT}/nodes/3316/0/5700?timeout=50`);
    assert.deepEqual([status, body.type], [504, 'urn:lapwing:problem:device-timeout']);
  });

  it('are given up when the HTTP client goes away, so that what waits behind them gets its turn', async () => {
    const leaving = new AbortController();
    const asked = new Promise<void>((resolve) => (reached = resolve));
    const read = fetch(`${api.app.httpUrl}/api/v1${AT}/nodes/3316/0/5700`, { signal: leaving.signal });
    await Promise.race([asked, read]);
    leaving.abort();
    await assert.rejects(read);
    const { status } = await api.call<ReadJson>('GET', `${AT}/nodes/3/0/0?timeout=10000`);
    assert.equal(status, 200);
  });

  it('answer 400 to a path or body that is wrong, naming the field', async () => {
    for (const [method, path, body, field] of [
      ['GET', '/nodes/x', undefined, 'path'],
      ['GET', '/nodes/3/0/0/0/0', undefined, 'path'],
      ['GET', '/nodes/65536', undefined, 'path'],
      ['GET', '/nodes/3/0?format=abc', undefined, 'format'],
      ['GET', '/nodes/3/0?timeout=0', undefined, 'timeout'],
      ['GET', '/nodes/3/0?colour=red', undefined, 'colour'],
      ['PUT', '/nodes/3', { value: 1 }, 'path'],
      ['PUT', '/nodes/3311/0/5850', { value: 'on' }, '/value'],
      ['PUT', '/nodes/3311/0/5850', {}, undefined],
      ['PUT', '/nodes/3311/0/5850', { wert: 1 }, '/wert'],
      ['PUT', '/nodes/3311/0', { resources: { x: 1 } }, '/resources/x'],
      ['PUT', '/nodes/3311/0/5850', undefined, undefined],
      ['PATCH', '/nodes/3311/0', { resources: { '5850': 1 } }, '/resources/5850'],
      ['POST', '/nodes/3311', { value: 1 }, '/value'],
      ['POST', '/nodes/3311/0/5850', { resources: {} }, 'path'],
      ['POST', '/execute/3/0', undefined, 'path'],
      ['POST', '/execute/3/0/4', { arguments: 5 }, '/arguments'],
      ['POST', '/execute/3/0/4', { arguments: "'x'" }, undefined],
      ['DELETE', '/nodes/3', undefined, 'path'],
      ['PUT', '/attributes/3303/0/5700', { pmin: -1 }, '/pmin'],
      ['PUT', '/attributes/3303/0/5700', {}, undefined],
      ['PUT', '/attributes/3303/0/5700', { gt: 1, lt: 5 }, undefined],
      ['PUT', '/attributes/3303/0/5700', { pmim: 1 }, '/pmim'],
      ['PUT', '/observations/', undefined, 'path'],
      ['DELETE', '/observations/3/0/9?mode=gently', undefined, 'mode'],
    ] as const) {
      const answer = await api.call(method, AT + path, body);
      assert.deepEqual(
        [answer.status, answer.body.type, answer.body.field],
        [400, 'urn:lapwing:problem:bad-request', field],
        `${method} ${path} ${JSON.stringify(body)}: ${JSON.stringify(answer.body)}`,
      );
    }
  });
});

describe('observations', () => {
  it('begin with a value, notify as events, are listed, and end', async () => {
    const path = `${AT}/observations/3303/0/5700`;
    const begun = await api.call<ObservedJson>('PUT', path);
    assert.equal(begun.status, 201);
    assert.equal(begun.body.code, '2.05');
    assert.equal(begun.body.entries[0]?.value, device.get('/3303/0/5700'));
    assert.equal((await api.call('PUT', path)).status, 200);

    const notified = once(api.app.server, 'notified');
    device.set('/3303/0/5700', 22.5);
    await notified;
    const listed = await api.call<ObservationList>('GET', `${AT}/observations`);
    assert.equal(listed.body.items.length, 1);
    assert.equal(listed.body.items[0]?.path, '/3303/0/5700');
    assert.equal(listed.body.items[0]?.lastNotification?.entries[0]?.value, 22.5);
    assert.equal((await api.call<ObservedJson>('PUT', path)).body.entries[0]?.value, 22.5);

    const ended = once(api.app.server, 'observationEnded');
    assert.equal((await api.call('DELETE', `${path}?mode=active`)).status, 204);
    await ended;
    assert.deepEqual((await api.call<ObservationList>('GET', `${AT}/observations`)).body.items, []);
    const again = await api.call('DELETE', path);
    assert.deepEqual([again.status, again.body.type], [404, 'urn:lapwing:problem:unknown-observation']);
  });
});

describe('the rest of the API', () => {
  it('tells about the server', async () => {
    const { status, body } = await api.call<ServerJson>('GET', '/server');
    assert.equal(status, 200);
    assert.equal(body.nodeVersion, process.version);
    assert.equal(body.demo, false);
    assert.deepEqual(
      body.endpoints.map((endpoint) => endpoint.url),
      [`coap://127.0.0.1:${api.app.coapPort}`, `coaps://127.0.0.1:${api.app.coapsPort}`, api.app.httpUrl],
    );
    assert.equal(body.counters['registrations'], 1);
    assert.equal(body.counters['malformed'], 0);
    assert.ok((body.counters['datagramsReceived'] ?? 0) > 10);
  });

  it('knows the Objects of the registry in all versions', async () => {
    const { body } = await api.call<{ items: DefinitionJson[] }>('GET', '/definitions');
    const versions = body.items.filter((item) => item.objectId === 3);
    assert.ok(versions.length >= 3);
    const latest = await api.call<DefinitionJson>('GET', '/definitions/3');
    assert.equal(latest.body.version, versions.at(-1)?.version);
    const old = await api.call<DefinitionJson>('GET', '/definitions/3?version=1.0');
    assert.equal(old.body.version, '1.0');
    for (const [path, status] of [
      ['/definitions/3?version=9.9', 404],
      ['/definitions/64999', 404],
      ['/definitions/x', 400],
      ['/definitions/3?version=x', 400],
    ] as const) {
      assert.equal((await api.call('GET', path)).status, status, path);
    }
  });

  it('answers 404 with a problem where there is nothing', async () => {
    const { status, body } = await api.call('GET', '/nothing');
    assert.deepEqual([status, body.type], [404, 'urn:lapwing:problem:not-found']);
  });

  it('answers 405 with Allow where there is something for other methods (RFC 9110 §15.5.6)', async () => {
    for (const [method, path, allow] of [
      ['POST', '/server', 'GET, HEAD'],
      ['DELETE', '/devices', 'GET, HEAD'],
      ['PATCH', `${AT}/observations/3/0/9`, 'DELETE, PUT'],
      ['DELETE', `${AT}/execute/3/0/4`, 'POST'],
      ['POST', `${AT}/nodes/3/0/0`, undefined],
    ] as const) {
      const { status, headers, body } = await api.call(method, path);
      if (allow === undefined) {
        assert.notEqual(status, 405);
        continue;
      }
      assert.deepEqual(
        [status, headers.get('allow'), body.type],
        [405, allow, 'urn:lapwing:problem:method-not-allowed'],
        `${method} ${path}`,
      );
    }
  });

  it('has called every operation of the OpenAPI document but the event stream, Sends, the upload, security, Bootstrap and firmware, with good and bad input', () => {
    const operations = Object.entries(api.openApi.paths)
      .filter(([path]) => !/security|bootstrap|firmware/.test(path))
      .flatMap(([, methods]) => Object.values(methods));
    const elsewhere = ['streamEvents', 'listSends', 'addDefinition', ...OPERATIONS_TESTED_APART];
    for (const { operationId } of operations) {
      if (elsewhere.includes(operationId)) continue;
      const statuses = [...(api.called.get(operationId) ?? [])];
      assert.ok(
        statuses.some((status) => status < 300),
        `${operationId} never succeeded`,
      );
      if (!['readServer', 'listDefinitions'].includes(operationId)) {
        assert.ok(
          statuses.some((status) => status >= 400),
          `${operationId} never failed`,
        );
      }
    }
  });
});
