/** OMA ETS INT 301 to 313: Observe, Notify and the end of observations. OMA TS Core §6.4. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import type { Observation } from '@lapwing/server';
import { C3_ACCOUNT, deviceWithPower } from '../configurations.ts';
import { proves } from '../proves.ts';
import { Scene } from '../scene.ts';

const RESET = 3;

const inC4 = (version: LwM2mVersion): Promise<Scene> =>
  Scene.open({ version, objects: [deviceWithPower()], accounts: [C3_ACCOUNT] });

/** The state that 301 makes and that 302 and 303 begin with. */
async function observed(version: LwM2mVersion): Promise<{
  readonly scene: Scene;
  readonly voltage: Observation;
  readonly current: Observation;
}> {
  const scene = await inC4(version);
  const { server } = scene;
  assert.deepEqual((await server.read('/3/0/6')).values, { '/3/0/6/0': 1, '/3/0/6/1': 5 });
  assert.equal(await server.writeAttributes('/3/0/7', { pmin: 5, pmax: 15 }), '2.04');
  assert.equal(await server.writeAttributes('/3/0/8', { pmin: 10, pmax: 20 }), '2.04');
  const voltage = await server.observe('/3/0/7');
  const current = await server.observe('/3/0/8');
  return { scene, voltage, current };
}

/** Seconds between notifications, beginning at `since` ms. */
function pauses(scene: Scene, path: string, since: number): readonly number[] {
  let last = since;
  return scene.server.told(path).map(({ at }) => {
    const pause = Math.round((at - last) / 100) / 10;
    last = at;
    return pause;
  });
}

describe('OMA: Observe', () => {
  proves('LightweightM2M-1.1-int-301', async (version) => {
    const { scene } = await observed(version);
    await using _ = scene;
    const since = scene.network.now();
    await scene.seconds(61);
    // Nothing changes: the maximum periods.
    assert.deepEqual(pauses(scene, '/3/0/7', since), [15, 15, 15, 15]);
    assert.deepEqual(pauses(scene, '/3/0/8', since), [20, 20, 20]);
    // Everything changes all the time: the minimum periods.
    await scene.until(() => scene.server.told('/3/0/7').length > 0);
    const changing = scene.network.now();
    for (let second = 1; second <= 30; second++) {
      scene.client.set('/3/0/7/0', 3800 - second);
      scene.client.set('/3/0/8/0', 125 + second);
      await scene.seconds(1);
    }
    const fast = pauses(scene, '/3/0/7', changing);
    const slow = pauses(scene, '/3/0/8', changing);
    assert.ok(fast.length >= 5 && fast.every((pause) => pause <= 6), fast.join());
    assert.ok(slow.length >= 2 && slow.slice(1).every((pause) => pause >= 10 && pause <= 11), slow.join());
  });

  for (const [id, mode] of [
    ['LightweightM2M-1.1-int-302', 'passive'],
    ['LightweightM2M-1.1-int-303', 'active'],
  ] as const) {
    proves(id, async (version) => {
      const { scene, voltage, current } = await observed(version);
      await using _ = scene;
      scene.sent();
      for (const [observation, path, left] of [
        [voltage, '/3/0/7', 1],
        [current, '/3/0/8', 0],
      ] as const) {
        await scene.server.cancel(observation, mode);
        // With Reset it takes a notification to say so.
        await scene.seconds(25);
        const sent = scene.sent();
        if (mode === 'passive') assert.equal(sent.filter(({ type }) => type === RESET).length, 1);
        else {
          const request = sent.find(({ line }) => line === `GET ${path}`);
          assert.equal(request?.observe, 1);
          assert.equal(sent[sent.indexOf(request) + 1]!.line, '2.05');
        }
        assert.equal(scene.client.observationCount, left);
        scene.server.told();
        scene.client.set(`${path}/0`, 1);
        await scene.seconds(60);
        assert.deepEqual(scene.server.told(path), []);
      }
      assert.deepEqual(scene.server.device.observations, []);
    });
  }

  proves('LightweightM2M-1.2-int-312', async (version) => {
    await using scene = await inC4(version);
    scene.sent();
    const observation = await scene.server.observe('/3/0/7', { pmin: 5, pmax: 15 });
    const since = scene.network.now();
    const [request] = scene.sent();
    assert.deepEqual([request!.line, request!.observe], ['GET /3/0/7?pmin=5&pmax=15', 0]);
    assert.equal(observation.initial.entries.length, 2);
    await scene.seconds(31);
    const told = scene.server.told('/3/0/7');
    assert.deepEqual(
      told.map(({ at }) => Math.round((at - since) / 1000)),
      [15, 30],
    );
    for (const { values } of told) assert.deepEqual(values, { '/3/0/7/0': 3800, '/3/0/7/1': 5000 });
    // A change 1 s after the last one waits for the minimum period.
    scene.client.set('/3/0/7/0', 3700);
    await scene.seconds(3);
    assert.deepEqual(scene.server.told('/3/0/7'), []);
    await scene.seconds(2);
    assert.deepEqual(
      scene.server.told('/3/0/7').map(({ values }) => values['/3/0/7/0']),
      [3700],
    );
  });

  proves('LightweightM2M-1.2-int-313', async (version) => {
    await using scene = await inC4(version);
    assert.equal(await scene.server.writeAttributes('/3/0/7', { pmin: 5, pmax: 60 }), '2.04');
    await scene.server.observe('/3/0/7', { pmax: 10 });
    const since = scene.network.now();
    await scene.seconds(31);
    assert.deepEqual(pauses(scene, '/3/0/7', since), [10, 10, 10]);
  });
});
