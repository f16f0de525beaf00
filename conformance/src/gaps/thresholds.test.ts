/** gt, lt, st, edge and con in numbers. OMA TS Core §7.3.2. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { objectFromDefinition, temperatureObject } from '@lapwing/client';
import { ObjectDefinitions, type LwM2mVersion } from '@lapwing/lwm2m';
import type { WriteAttributes } from '@lapwing/server';
import { device } from '../configurations.ts';
import { proves } from '../proves.ts';
import { Scene } from '../scene.ts';

const VALUE = '/3303/0/5700';
const SWITCH = '/3342/0/5500';
const CONFIRMABLE = 0;
const NON_CONFIRMABLE = 1;

const open = (version: LwM2mVersion, value: number): Promise<Scene> => {
  const definition = new ObjectDefinitions().object(3342);
  assert.ok(definition !== undefined);
  return Scene.open({
    version,
    objects: [device(), temperatureObject({ value }), objectFromDefinition(definition, [{ 5500: false }])],
  });
};

/** Which of the values are told, one after the other from the first. */
async function told(
  version: LwM2mVersion,
  attributes: WriteAttributes,
  [first = 0, ...values]: readonly number[],
): Promise<readonly unknown[]> {
  await using scene = await open(version, first);
  assert.equal(await scene.server.writeAttributes(VALUE, attributes), '2.04');
  await scene.server.observe(VALUE);
  for (const value of values) {
    scene.client.set(VALUE, value);
    await scene.seconds(2);
  }
  return scene.server.told().map(({ values: { [VALUE]: value } }) => value);
}

describe('gaps: thresholds', () => {
  proves('threshold-gt', async (version) => {
    assert.deepEqual(await told(version, { gt: 45 }, [40, 44, 46, 50, 46, 44, 40, 60]), [46, 44, 60]);
    assert.deepEqual(await told(version, { gt: -5 }, [-10, -6, -4, 0, -7]), [-4, -7]);
    assert.deepEqual(await told(version, { gt: 20.5 }, [20, 20.4, 20.6, 20.7]), [20.6]);
  });

  proves('threshold-lt', async (version) => {
    assert.deepEqual(await told(version, { lt: 20 }, [30, 25, 19, 10, 19, 21]), [19, 21]);
  });

  proves('threshold-on-the-line', async (version) => {
    // What comes to lie on the threshold has not crossed it; what leaves it has.
    assert.deepEqual(await told(version, { gt: 45 }, [40, 45, 40]), []);
    assert.deepEqual(await told(version, { gt: 45 }, [45, 46]), [46]);
    assert.deepEqual(await told(version, { gt: 45 }, [45, 44]), [44]);
  });

  proves('step', async (version) => {
    assert.deepEqual(await told(version, { st: 5 }, [20, 23, 25, 29, 31, 26.5, 26]), [25, 31, 26]);
    // From the value that was told last, not from the last one there was.
    assert.deepEqual(await told(version, { st: 10 }, [0, 4, 8, 12, 16, 20, 24]), [12, 24]);
  });

  proves('threshold-or-step', async (version) => {
    assert.deepEqual(await told(version, { gt: 45, st: 10 }, [45, 50]), [50]);
    assert.deepEqual(await told(version, { gt: 45, st: 10 }, [38, 49]), [49]);
    assert.deepEqual(await told(version, { gt: 45, st: 10 }, [48, 55]), []);
    assert.deepEqual(await told(version, { lt: 20, gt: 85, st: 10 }, [87, 99]), [99]);
  });

  proves('threshold-contradiction', async (version) => {
    await using scene = await open(version, 20);
    const { server } = scene;
    assert.equal(await server.writeAttributes(VALUE, { lt: 10 }), '2.04');
    assert.equal(await server.writeAttributes(VALUE, { gt: 10 }), '4.00', 'gt is not above lt');
    assert.equal(await server.writeAttributes(VALUE, { gt: 9 }), '4.00');
    assert.equal(await server.writeAttributes(VALUE, { gt: 14 }), '2.04');
    assert.equal(await server.writeAttributes(VALUE, { st: 2 }), '4.00', 'lt + 2 st is not below gt');
    assert.equal(await server.writeAttributes(VALUE, { st: 1 }), '2.04');
    assert.deepEqual(await server.discover(VALUE), [`<${VALUE}>;gt=14;lt=10;st=1`]);
    assert.equal(await server.writeAttributes(VALUE, { lt: null, gt: null, st: null }), '2.04');
    assert.deepEqual(await server.discover(VALUE), [`<${VALUE}>`]);
  });

  proves('threshold-within-pmin', async (version) => {
    await using scene = await open(version, 20);
    const { server, client } = scene;
    await server.writeAttributes(VALUE, { gt: 45, pmin: 30 });
    await server.observe(VALUE);
    const since = scene.network.now();
    await scene.seconds(5);
    client.set(VALUE, 50);
    await scene.seconds(5);
    client.set(VALUE, 60);
    await scene.seconds(60);
    const after = server.told();
    assert.deepEqual(
      after.map(({ at, values }) => [Math.round((at - since) / 1000), values[VALUE]]),
      [[30, 60]],
      'when pmin is over, with what it is then',
    );
  });

  proves('edge', async (version) => {
    for (const [edge, expected] of [
      [1, [true, true]],
      [0, [false, false]],
    ] as const) {
      await using scene = await open(version, 20);
      assert.equal(await scene.server.writeAttributes(SWITCH, { edge }), '2.04');
      await scene.server.observe(SWITCH);
      for (const value of [true, false, true, false]) {
        scene.client.set(SWITCH, value);
        await scene.seconds(2);
      }
      assert.deepEqual(
        scene.server.told().map(({ values }) => values[SWITCH]),
        expected,
      );
    }
  });

  proves('con', async (version) => {
    await using scene = await open(version, 20);
    await scene.server.observe(VALUE);
    const types = async (value: number): Promise<readonly number[]> => {
      scene.sent();
      scene.client.set(VALUE, value);
      await scene.seconds(2);
      return scene
        .sent()
        .filter(({ from, line }) => from === 'client' && line === '2.05')
        .map(({ type }) => type);
    };
    assert.deepEqual(await types(21), [NON_CONFIRMABLE]);
    assert.equal(await scene.server.writeAttributes('/3303', { con: 1 }), '2.04');
    assert.deepEqual(await types(22), [CONFIRMABLE], 'inherited from the Object');
    assert.equal(await scene.server.writeAttributes(VALUE, { con: 0 }), '2.04');
    assert.deepEqual(await types(23), [NON_CONFIRMABLE], 'the nearest level counts');
  });
});
