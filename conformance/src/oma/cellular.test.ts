/** OMA ETS INT 1200 to 1204, CONMGMT 1250 and 1350: Cellular Connectivity, APN Connection Profile, Bearer Selection. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { CONTENT_FORMATS } from '@lapwing/coap';
import type { ClientObject } from '@lapwing/client';
import { C1_ACCOUNT, device } from '../configurations.ts';
import type { Values } from '../operator.ts';
import { proves } from '../proves.ts';
import { Scene, type SceneOptions } from '../scene.ts';
import { changeWhileObserved } from './observing.ts';

const { tlv } = CONTENT_FORMATS;

const CYCLE = { 8: Uint8Array.of(0x14), 9: Uint8Array.of(0x33) };
const PROFILE = { objectId: 11, objectInstanceId: 0 };

/** The Objects of C.10; the PLMN rate control (6) is gone in Cellular Connectivity 1.1. */
const cellular = (version: '1.0' | '1.1'): ClientObject => ({
  objectId: 10,
  version,
  instances: {
    0: {
      4: 3600,
      5: 600,
      ...(version === '1.0' && { 6: 40 }),
      ...CYCLE,
      11: [PROFILE],
      ...(version === '1.1' && { 13: 3, 14: 1 }),
    },
  },
});
const profiles: ClientObject = {
  objectId: 11,
  version: '1.0',
  resources: [0, 3, 4],
  instances: { 0: { 0: 'internet', 3: true, 4: 3 } },
  create: true,
};
const wlan: ClientObject = {
  objectId: 12,
  version: '1.0',
  instances: { 0: { 0: 'wlan0', 1: false, 3: 0, 4: '001122AABBCC', 5: 'lapwing', 8: 0, 9: 1, 14: 0, 15: 0 } },
};
const bearers: ClientObject = { objectId: 13, version: '1.0', resources: [0], instances: {}, create: true };

const inC10 = (version: SceneOptions['version'], more: Partial<SceneOptions> = {}): Promise<Scene> =>
  Scene.open({
    version,
    objects: [device(), cellular('1.0'), profiles, wlan, bearers],
    accounts: [C1_ACCOUNT],
    ...more,
  });
const inC11 = (version: SceneOptions['version']): Promise<Scene> =>
  inC10(version, { objects: [device(), cellular('1.1'), profiles, wlan] });

describe('OMA: cellular networks', () => {
  proves('LightweightM2M-1.1-int-1200', async (version) => {
    await using scene = await inC10(version);
    const { code, format, values } = await scene.server.read('/10/0', tlv.number);
    assert.deepEqual([code, format], ['2.05', tlv.number]);
    assert.deepEqual(bytesAsNumbers(values), {
      '/10/0/4': 3600,
      '/10/0/5': 600,
      '/10/0/6': 40,
      '/10/0/8': [0x14],
      '/10/0/9': [0x33],
      '/10/0/11/0': PROFILE,
    });
  });

  proves('LightweightM2M-1.1-int-1201', async (version) => {
    await using scene = await inC11(version);
    const links = await scene.server.discover('/10');
    assert.equal(links[0], '</10>;ver=1.1');
    assert.deepEqual(
      links.slice(1).map((link) => link.split(';')[0]),
      ['</10/0>', ...[4, 5, 8, 9, 11, 13, 14].map((id) => `</10/0/${id}>`)],
    );
    const { code, values } = await scene.server.read('/10/0');
    assert.equal(code, '2.05');
    assert.deepEqual([values['/10/0/4'], values['/10/0/13'], values['/10/0/14']], [3600, 3, 1]);
  });

  proves('LightweightM2M-1.1-int-1202', async (version) => {
    await using scene = await inC11(version);
    scene.sent();
    assert.equal(await scene.server.write('/10/0', { '/10/0/14': 2 }, { mode: 'update', format: tlv.number }), '2.04');
    assert.equal(Buffer.from(scene.sent()[0]!.payload).toString('hex'), 'c10e02');
    assert.deepEqual((await scene.server.read('/10/0/14')).values, { '/10/0/14': 2 });
  });

  proves('LightweightM2M-1.1-int-1203', async (version) => {
    await using scene = await inC11(version);
    for (const [path, value] of [
      ['/10/0/13', 1],
      ['/10/0/14', 4],
    ] as const) {
      const told = await changeWhileObserved(scene, path, { pmin: 2, pmax: 10 }, () => scene.client.set(path, value));
      for (const { values } of told) assert.deepEqual(values, { [path]: value });
    }
  });

  proves('LightweightM2M-1.1-int-1204', async (version) => {
    await using scene = await inC10(version);
    for (const [path, value] of [
      ['/10/0/4', 7200],
      ['/10/0/5', 60],
      ['/10/0/8', Uint8Array.of(0x21)],
      ['/10/0/9', Uint8Array.of(0x42)],
    ] as const) {
      const told = await changeWhileObserved(scene, path, { pmin: 2, pmax: 10 }, () => scene.client.set(path, value));
      for (const { values } of told) assert.deepEqual(bytesAsNumbers(values), bytesAsNumbers({ [path]: value }));
    }
  });

  proves('CONMGMT-1.1-int-1250', async (version) => {
    await using scene = await inC10(version);
    const { client, server } = scene;
    // The device brings up the profiles that are enabled.
    client.on('written', ({ paths }) => {
      const enabled = client.objectInstanceIds(11).filter((id) => client.get(`/11/${id}/3`) === true);
      if (paths.some(({ objectId, resourceId }) => objectId === 11 && resourceId === 3))
        client.set(
          '/10/0/11',
          enabled.map((objectInstanceId) => ({ objectId: 11, objectInstanceId })),
        );
    });
    scene.sent();
    assert.equal(await server.create('/11', { 0: 'private', 4: 3 }), '2.01 /11/1');
    assert.equal(await server.execute('/1/0/8'), '2.04');
    await scene.seconds(1);
    const apn = scene.registration.objects.find(({ objectId }) => objectId === 11);
    assert.deepEqual(apn?.objectInstanceIds, [0, 1]);
    const update = scene.sent().find(({ line, payload }) => /^POST \/rd\//.test(line) && payload.length > 0);
    assert.match(new TextDecoder().decode(update!.payload), /<\/11\/1>/);
    assert.equal(await server.write('/11/1/3', true), '2.04');
    const { values } = await server.read('/10/0/11');
    assert.deepEqual(values, { '/10/0/11/0': PROFILE, '/10/0/11/1': { objectId: 11, objectInstanceId: 1 } });
  });

  proves('CONMGMT-1.1-int-1350', async (version) => {
    await using scene = await inC10(version, { nat: true });
    const { client, server } = scene;
    // The device goes to the bearer that is preferred when it has answered, and says where it is then.
    let isAsked = false;
    const ask = (): void => void (isAsked = true);
    client.on('created', ask);
    client.on('written', ask);
    const follow = async (): Promise<void> => {
      assert.equal(isAsked, true);
      isAsked = false;
      scene.move();
      client.update();
      await scene.seconds(10);
    };
    const { registrationId } = scene.registration;
    const [first, second, third] = ['10.2.0.1', '10.2.0.2', '10.2.0.3'];
    assert.equal(scene.registration.address.host, first);
    assert.equal(await server.create('/13', { 0: [21, 6] }), '2.01 /13/0');
    await follow();
    assert.equal(scene.registration.registrationId, registrationId);
    assert.equal(scene.registration.address.host, second);
    assert.equal((await server.read('/3/0/0')).code, '2.05');
    assert.equal(await server.write('/13/0/0', [6, 21]), '2.04');
    await follow();
    assert.equal(scene.registration.registrationId, registrationId);
    assert.equal(scene.registration.address.host, third);
    assert.equal((await server.read('/3/0/0')).code, '2.05');
  });
});

const bytesAsNumbers = (values: Values): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(values).map(([path, value]) => [path, value instanceof Uint8Array ? [...value] : value]),
  );
