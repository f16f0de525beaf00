/** OMA ETS INT 801 and 810: Location. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { locationObject } from '@lapwing/client';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { C3_ACCOUNT, device } from '../configurations.ts';
import { proves } from '../proves.ts';
import { Scene } from '../scene.ts';
import { changeWhileObserved } from './observing.ts';

const MEASURED = 1_367_491_215;

/** C.7. */
const inC7 = (version: LwM2mVersion): Promise<Scene> =>
  Scene.open({
    version,
    objects: [
      device(),
      locationObject({
        latitude: 43.5723,
        longitude: 153.2176,
        altitude: 2,
        radius: 100,
        velocity: Uint8Array.of(0, 0, 3),
        timestamp: new Date(MEASURED * 1000),
        speed: 6,
      }),
    ],
    accounts: [C3_ACCOUNT],
  });

describe('OMA: Location', () => {
  proves('LightweightM2M-1.1-int-801', async (version) => {
    await using scene = await inC7(version);
    const { code, values } = await scene.server.read('/6/0');
    assert.equal(code, '2.05');
    assert.deepEqual(
      [0, 1, 2, 3, 5, 6].map((id) => rounded(values[`/6/0/${id}`])),
      [43.5723, 153.2176, 2, 100, MEASURED, 6],
    );
    assert.deepEqual([...(values['/6/0/4'] as Uint8Array)], [0, 0, 3]);
  });

  proves('LightweightM2M-1.1-int-810', async (version) => {
    await using scene = await inC7(version);
    const told = await changeWhileObserved(scene, '/6/0', { pmin: 2, pmax: 10 }, () =>
      scene.client.batch(() => {
        scene.client.set('/6/0/0', 43.5);
        scene.client.set('/6/0/1', 153.25);
      }),
    );
    for (const { values } of told) assert.deepEqual([values['/6/0/0'], values['/6/0/1']], [43.5, 153.25]);
    // The time of the measurement came along.
    assert.ok(Number(told[0]!.values['/6/0/5']) > MEASURED);
  });
});

/** A format may carry a Float in 32 bits. */
const rounded = (value: unknown): number => Math.round(Number(value) * 10_000) / 10_000;
