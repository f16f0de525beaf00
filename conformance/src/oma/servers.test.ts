/** OMA ETS INT 950 and 951: a client of two servers, with Access Control. OMA TS Core §8. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { accessControlObject } from '@lapwing/client';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { C1_ACCOUNT, device } from '../configurations.ts';
import { proves } from '../proves.ts';
import { Scene } from '../scene.ts';

const ALL = ['read', 'write', 'execute', 'delete'] as const;

/** C.14 without its Bootstrap-Server. */
const inC14 = (version: LwM2mVersion): Promise<Scene> =>
  Scene.open({
    version,
    objects: [
      device(),
      accessControlObject(
        { objectId: 1, objectInstanceId: 0, owner: 1, servers: { 1: ALL } },
        { objectId: 1, objectInstanceId: 1, owner: 2, servers: { 2: ALL } },
        // Both may manage the device: 951 has both of them write attributes.
        { objectId: 3, objectInstanceId: 0, servers: { 1: ALL, 2: ALL } },
      ),
    ],
    accounts: [C1_ACCOUNT, C1_ACCOUNT],
  });

describe('OMA: several servers', () => {
  proves('LightweightM2M-1.1-int-950', async (version) => {
    await using scene = await inC14(version);
    const sent = scene.sent();
    assert.equal(sent.filter(({ line }) => line.startsWith('POST /rd?')).length, 2);
    assert.equal(sent.filter(({ line }) => line === '2.01').length, 2);
    for (const { device: registered } of scene.servers) {
      assert.deepEqual(registered.registration.objects.map(({ objectId }) => objectId).sort(), [1, 2, 3]);
    }
  });

  proves('LightweightM2M-1.1-int-951', async (version) => {
    await using scene = await inC14(version);
    const [one, two] = scene.servers;
    assert.equal(await one!.writeAttributes('/3/0', { pmin: 2, pmax: 10 }), '2.04');
    assert.equal(await two!.writeAttributes('/3/0', { pmin: 15, pmax: 50 }), '2.04');
    assert.equal((await one!.discover('/3/0'))[0], '</3/0>;pmax=10;pmin=2');
    assert.equal((await two!.discover('/3/0'))[0], '</3/0>;pmax=50;pmin=15');
  });
});
