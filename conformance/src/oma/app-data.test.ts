/** OMA ETS INT 1900 and 1901: Binary App Data Container. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { binaryAppDataObject } from '@lapwing/client';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { C3_ACCOUNT, device } from '../configurations.ts';
import { proves } from '../proves.ts';
import { Scene } from '../scene.ts';
import { changeWhileObserved } from './observing.ts';

const UPLINK = Uint8Array.of(1, 2, 3);
const DOWNLINK = Uint8Array.of(4, 5);

/** C.15. */
const inC15 = (version: LwM2mVersion): Promise<Scene> =>
  Scene.open({
    version,
    objects: [device(), binaryAppDataObject({ data: [UPLINK] }, { data: [DOWNLINK] })],
    accounts: [C3_ACCOUNT],
  });

describe('OMA: Binary App Data Container', () => {
  proves('LightweightM2M-1.1-int-1900', async (version) => {
    await using scene = await inC15(version);
    const told = await changeWhileObserved(scene, '/19/0/0', { pmin: 300, pmax: 3600 }, () =>
      scene.client.set('/19/0/0/0', Uint8Array.of(0xff, 0)),
    );
    for (const { values } of told) assert.deepEqual([...(values['/19/0/0/0'] as Uint8Array)], [0xff, 0]);
  });

  proves('LightweightM2M-1.1-int-1901', async (version) => {
    await using scene = await inC15(version);
    const { server } = scene;
    assert.equal(await server.write('/19/1/0', [Uint8Array.of(9, 8, 7)]), '2.04');
    const { code, values } = await server.read('/19/1/0');
    assert.equal(code, '2.05');
    assert.deepEqual([...(values['/19/1/0/0'] as Uint8Array)], [9, 8, 7]);
  });
});
