/** OMA ETS INT 101 to 111: the Client Registration Interface. OMA TS Core §6.2. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { connectivityMonitoringObject } from '@lapwing/client';
import { C1_ACCOUNT, C3_ACCOUNT, device } from '../configurations.ts';
import { at } from '../given.ts';
import { valuesOf } from '../operator.ts';
import { proves } from '../proves.ts';
import { ENDPOINT_CLIENT_NAME, Scene, type SceneOptions } from '../scene.ts';

const inC1 = (
  version: SceneOptions['version'],
  account: typeof C1_ACCOUNT = {},
  client: SceneOptions['client'] = {},
): Promise<Scene> => Scene.open({ version, objects: [device()], accounts: [{ ...C1_ACCOUNT, ...account }], client });

const monitoring = connectivityMonitoringObject({
  networkBearer: 6,
  radioSignalStrength: -92,
  ipAddresses: ['192.0.2.1'],
});

describe('OMA: Registration', () => {
  proves('LightweightM2M-1.1-int-101', async (version) => {
    await using scene = await inC1(version);
    const [register, created] = scene.sent();
    const [target, query = ''] = register!.line.split('?');
    assert.equal(target, 'POST /rd');
    assert.deepEqual(Object.fromEntries(new URLSearchParams(query)), {
      ep: ENDPOINT_CLIENT_NAME,
      lt: '86400',
      lwm2m: version,
      b: 'U',
    });
    assert.equal(created!.line, '2.01');
    const { endpointClientName, lwm2mVersion, lifetimeSeconds, binding, objects } = scene.registration;
    assert.deepEqual(
      [endpointClientName, lwm2mVersion, lifetimeSeconds, binding],
      [ENDPOINT_CLIENT_NAME, version, 86_400, 'U'],
    );
    const announced = Object.fromEntries(
      objects.map(({ objectId, objectInstanceIds }) => [objectId, objectInstanceIds]),
    );
    assert.deepEqual(announced, { 1: [0], 3: [0] });
  });

  proves('LightweightM2M-1.1-int-102', async (version) => {
    await using scene = await inC1(version);
    scene.sent();
    assert.equal(await scene.server.write('/1/0/1', 20), '2.04');
    await scene.seconds(1);
    assert.match(scene.requests('client').join(), /^POST \/rd\/[^?]+\?lt=20$/);
    assert.equal(scene.registration.lifetimeSeconds, 20);
    await scene.seconds(40);
    // Updates without parameters keep it alive.
    const updates = scene.requests('client');
    assert.ok(updates.length >= 2 && updates.every((line) => /^POST \/rd\/[^?]+$/.test(line)), updates.join());
    assert.deepEqual(
      scene.history.filter((each) => each !== 'updated'),
      ['registered'],
    );
    // Who says nothing more is dropped when the lifetime is over.
    scene.client.goOffline();
    await scene.seconds(30);
    assert.equal(scene.history.at(-1), 'expired');
    scene.client.goOnline();
  });

  proves('LightweightM2M-1.1-int-103', async (version) => {
    await using scene = await Scene.open({ version, objects: [device()], accounts: [C3_ACCOUNT] });
    scene.sent();
    assert.equal(await scene.server.execute('/1/0/4'), '2.04');
    await scene.until(() => scene.server.server.registrationCount === 0);
    await scene.seconds(1);
    const after = scene.sent().slice(2);
    assert.match(after[0]!.line, /^DELETE \/rd\//);
    assert.equal(after[1]!.line, '2.02');
    assert.deepEqual(scene.history, ['registered', 'deregistered']);
    assert.equal(scene.server.server.device(ENDPOINT_CLIENT_NAME), undefined);
  });

  proves('LightweightM2M-1.1-int-104', async (version) => {
    await using scene = await inC1(version, { lifetimeSeconds: 20 });
    const expiresAt = scene.registration.expiresAt;
    await scene.seconds(5);
    scene.sent();
    assert.equal(await scene.server.execute('/1/0/8'), '2.04');
    await scene.seconds(1);
    const [update, changed] = scene.sent().slice(2);
    assert.match(update!.line, /^POST \/rd\/[^?]+$/);
    assert.equal(changed!.line, '2.04');
    assert.ok(scene.registration.expiresAt > expiresAt);
    await scene.seconds(40);
    assert.deepEqual(
      scene.history.filter((each) => each !== 'updated'),
      ['registered'],
    );
  });

  proves('LightweightM2M-1.1-int-105', async (version) => {
    await using scene = await inC1(version, { lifetimeSeconds: 60 });
    scene.server.server.remove(ENDPOINT_CLIENT_NAME);
    scene.sent();
    await scene.until(() => scene.server.server.registrationCount === 1);
    const [update, refused, register, created] = scene.sent();
    assert.match(update!.line, /^POST \/rd\/./);
    assert.equal(refused!.line, '4.04');
    assert.match(register!.line, /^POST \/rd\?/);
    assert.equal(created!.line, '2.01');
  });

  proves('LightweightM2M-1.1-int-107', async (version) => {
    await using scene = await inC1(version, { lifetimeSeconds: 60 });
    scene.sent();
    assert.equal(await scene.server.write('/1/0/1', 120), '2.04');
    await scene.seconds(1);
    const [update, changed] = scene.sent().slice(2);
    assert.match(update!.line, /^POST \/rd\/[^?]+\?lt=120$/);
    assert.equal(changed!.line, '2.04');
    await scene.seconds(119);
    assert.deepEqual(scene.history.slice(0, 3), ['registered', 'updated', 'updated'], 'within the new lifetime');
  });

  proves('LightweightM2M-1.1-int-108', async (version) => {
    await using scene = await inC1(version, {}, { queueMode: true });
    const [register] = scene.requests('client');
    assert.match(register!, /[?&]b=U(&|$)/);
    assert.match(register!, /[?&]Q(&|$)/);
    assert.equal(scene.registration.queueMode, true);
  });

  proves('LightweightM2M-1.1-int-109', async (version) => {
    await using scene = await inC1(version, {}, { queueMode: true });
    const { device } = scene.server;
    assert.equal(await scene.server.write('/1/0/1', 240), '2.04');
    await scene.seconds(120);
    assert.equal(scene.client.isAwake, false);
    assert.equal(device.awake, false);
    scene.sent();
    const reading = device.read(at('/3/0/0'));
    await scene.seconds(10);
    assert.deepEqual(scene.sent(), [], 'nothing is sent to a device that sleeps');
    assert.equal(device.pendingOperations.length, 1);
    const outcome = await scene.settle(reading);
    assert.ok(outcome.ok);
    assert.deepEqual(valuesOf(outcome.value.entries), { '/3/0/0': 'Lapwing' });
    const lines = scene.sent().map(({ line }) => line.replace(/rd\/\w+/, 'rd/x'));
    assert.deepEqual(lines, ['POST /rd/x', '2.04', 'GET /3/0/0', '2.05']);
    assert.deepEqual(device.pendingOperations, []);
  });

  for (const [id, ids, payload] of [
    ['LightweightM2M-1.2-int-110', [1, 3], ''],
    ['LightweightM2M-1.2-int-111', [1, 3, 4], '</4/0>'],
  ] as const) {
    proves(id, async (version) => {
      const pid = '6:27354b9a';
      await using scene = await Scene.open({
        version,
        objects: [device(), ...(ids.includes(4 as never) ? [monitoring] : [])],
        client: { profile: { ids: [pid], covers: ['/1/0', '/3/0'] } },
        server: { profiles: { [pid]: '</1/0>,</3/0>' } },
      });
      const [register, created] = scene.sent();
      assert.match(register!.line, /[?&]lwm2m=1\.2(&|$)/);
      assert.match(register!.line, /[?&]pid=6:27354b9a(&|$)/);
      assert.equal(new TextDecoder().decode(register!.payload), payload);
      assert.equal(created!.line, '2.01');
      const { objects } = scene.registration;
      assert.deepEqual(
        objects.map(({ objectId, objectInstanceIds }) => [objectId, ...objectInstanceIds]),
        ids.map((objectId) => [objectId, 0]),
      );
      for (const objectId of ids) assert.equal((await scene.server.read(`/${objectId}/0`)).code, '2.05');
    });
  }
});
