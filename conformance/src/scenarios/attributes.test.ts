/** Attributes: what is shown of them, what is refused, what they do to notifications, and what ends them. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import type { WriteAttributes } from '@lapwing/server';
import { deviceWithPower } from '../configurations.ts';
import { proves } from '../proves.ts';
import { Scene } from '../scene.ts';
import {
  at,
  definitionsForTests,
  MANDATORY,
  multipleOf,
  singleOf,
  TEST_OBJECT_ID,
  testObject,
  type TestedType,
} from '../test-object.ts';

const OBJECT = `/${TEST_OBJECT_ID}`;
const NUMBERS = ['integer', 'float', 'unsigned'] as const satisfies readonly TestedType[];
type NumberType = (typeof NUMBERS)[number];
const LEVELS = ['Object', 'Object Instance', 'Resource', 'Resource Instance'] as const;
const SEVERAL = at(multipleOf('integer'));
const AT = { Object: OBJECT, 'Object Instance': `${OBJECT}/0`, Resource: SEVERAL, 'Resource Instance': `${SEVERAL}/1` };

const open = (version: LwM2mVersion): Promise<Scene> =>
  Scene.open({ version, objects: [deviceWithPower(), testObject()], definitions: definitionsForTests() });

/** Which of the values are told, one after the other from the first. */
async function told(
  version: LwM2mVersion,
  type: NumberType,
  attributes: WriteAttributes,
  [first = 0, ...values]: readonly (number | bigint)[],
): Promise<readonly unknown[]> {
  await using scene = await open(version);
  const path = at(singleOf(type));
  scene.client.set(path, first);
  assert.equal(await scene.server.writeAttributes(path, attributes), '2.04');
  await scene.server.observe(path);
  for (const value of values) {
    scene.client.set(path, value);
    await scene.seconds(2);
  }
  return scene.server.told().map(({ values: { [path]: value } }) => value);
}

/** Seconds from the Observe at which something was told, with a value that changes every second or not at all. */
async function moments(
  version: LwM2mVersion,
  attributes: WriteAttributes,
  isChanging: boolean,
): Promise<readonly number[]> {
  await using scene = await open(version);
  const path = at(singleOf('integer'));
  assert.equal(await scene.server.writeAttributes(path, attributes), '2.04');
  await scene.server.observe(path);
  const since = scene.network.now();
  for (let second = 1; second <= 35; second++) {
    if (isChanging) scene.client.set(path, second);
    await scene.seconds(1);
  }
  return scene.server.told().map((each) => Math.round((each.at - since) / 1000));
}

describe('scenarios: attributes in a Discover', () => {
  proves('attributes-each-level', async (version) => {
    await using scene = await open(version);
    const { server } = scene;
    for (const level of LEVELS) {
      if (version === '1.0' && level === 'Resource Instance') continue;
      const path = AT[level];
      // A Resource Instance is listed by a Discover of its Resource.
      const discovered = level === 'Resource Instance' ? SEVERAL : path;
      assert.equal(await server.writeAttributes(path, { pmin: 100, pmax: 200 }), '2.04');
      const [link] = (await server.discover(discovered)).filter((each) => each.startsWith(`<${path}>`));
      assert.match(link!, /;pmax=200;pmin=100$/);
      // Merged: what is not named stays, what has no value goes.
      assert.equal(await server.writeAttributes(path, { pmin: null, pmax: 300 }), '2.04');
      const [merged] = (await server.discover(discovered)).filter((each) => each.startsWith(`<${path}>`));
      assert.match(merged!, /;pmax=300$/);
      assert.doesNotMatch(merged!, /pmin/);
      assert.equal(await server.writeAttributes(path, { pmax: null }), '2.04');
    }
  });

  proves('attributes-all-levels', async (version) => {
    await using scene = await open(version);
    const { server } = scene;
    assert.equal(await server.writeAttributes('/3', { pmin: 1000, pmax: 2000 }), '2.04');
    assert.equal(await server.writeAttributes('/3/0', { pmin: 100, pmax: 200 }), '2.04');
    assert.equal(await server.writeAttributes('/3/0/7', { pmin: 10, pmax: 20, lt: 200, gt: 500, st: 10 }), '2.04');
    assert.equal(await server.writeAttributes('/3/0/7/0', { pmin: 1, pmax: 2, lt: 20, gt: 50, st: 1 }), '2.04');
    const links = await server.discover('/3');
    for (const link of ['</3>;pmax=2000;pmin=1000', '</3/0>;pmax=200;pmin=100']) assert.ok(links.includes(link), link);
    const resource = '</3/0/7>;dim=2;gt=500;lt=200;pmax=20;pmin=10;st=10';
    assert.ok(links.includes(resource));
    assert.ok(!links.some((link) => link.startsWith('</3/0/7/')), 'Resource Instances are too far down');
    assert.deepEqual(await server.discover('/3/0/7'), [
      resource,
      '</3/0/7/0>;gt=50;lt=20;pmax=2;pmin=1;st=1',
      '</3/0/7/1>',
    ]);
  });

  proves('attributes-refused', async (version) => {
    const refused: readonly (readonly WriteAttributes[])[] = [
      [{ lt: 200 }, { gt: 100 }],
      [{ lt: 100 }, { gt: 100 }],
      [{ lt: 10, gt: 11 }, { st: 2 }],
      [{ lt: 10, gt: 14 }, { st: 2 }],
      // epmin and epmax came with 1.1.
      ...(version === '1.0' ? [] : [[{ epmax: 200 }, { epmin: 300 }]]),
    ];
    for (const [taken, wrong] of refused) {
      await using scene = await open(version);
      const path = at(singleOf('integer'));
      assert.equal(await scene.server.writeAttributes(path, taken!), '2.04');
      const before = await scene.server.discover(path);
      assert.equal(await scene.server.writeAttributes(path, wrong!), '4.00');
      assert.deepEqual(await scene.server.discover(path), before, 'nothing of it is kept');
    }
  });
});

describe('scenarios: attributes and notifications', () => {
  proves('attribute-pmin', async (version) => {
    assert.deepEqual(await moments(version, { pmin: 10 }, true), [10, 20, 30]);
  });
  proves('attribute-pmax', async (version) => {
    assert.deepEqual(await moments(version, { pmax: 10 }, false), [10, 20, 30]);
  });
  proves('attribute-pmin-and-pmax', async (version) => {
    assert.deepEqual(await moments(version, { pmin: 5, pmax: 15 }, false), [15, 30]);
    assert.deepEqual(await moments(version, { pmin: 10, pmax: 15 }, true), [10, 20, 30]);
    assert.deepEqual(await moments(version, { pmin: 10, pmax: 10 }, false), [10, 20, 30], 'they may be equal');
  });
  proves('attribute-pmax-below-pmin', ['both on the Resource', 'one of them above'], async (version, where) => {
    // Neither is refused: such a pmax is as if it were not there. OMA TS Core §7.3.2.
    await using scene = await open(version);
    const path = at(singleOf('integer'));
    const above = where === 'one of them above' ? OBJECT : path;
    assert.equal(await scene.server.writeAttributes(above, { pmin: 30 }), '2.04');
    assert.equal(await scene.server.writeAttributes(path, { pmax: 20 }), '2.04');
    await scene.server.observe(path);
    await scene.seconds(25);
    assert.deepEqual(scene.server.told(), []);
    scene.client.set(path, 1);
    await scene.seconds(10);
    assert.deepEqual(scene.server.told().length, 1, 'pmin holds');
    await scene.seconds(100);
    assert.deepEqual(scene.server.told(), []);
  });
  proves('attribute-lt', NUMBERS, async (version, type) => {
    assert.deepEqual(await told(version, type, { lt: 100 }, [120, 110, 99, 50, 101, 150]), [99, 101]);
  });
  proves('attribute-gt', NUMBERS, async (version, type) => {
    assert.deepEqual(await told(version, type, { gt: 100 }, [50, 99, 101, 150, 99]), [101, 99]);
  });
  proves('attribute-st-up', NUMBERS, async (version, type) => {
    assert.deepEqual(await told(version, type, { st: 10 }, [100, 105, 110, 119, 121]), [110, 121]);
  });
  proves('attribute-st-down', NUMBERS, async (version, type) => {
    assert.deepEqual(await told(version, type, { st: 10 }, [100, 95, 90, 81, 79]), [90, 79]);
  });
  proves('attribute-lt-gt-st', NUMBERS, async (version, type) => {
    const attributes = { lt: 100, gt: 200, st: 40 };
    assert.deepEqual(
      await told(version, type, attributes, [150, 160, 190, 199, 201, 210, 190, 110, 99]),
      [190, 201, 190, 110, 99],
    );
  });
  proves('attribute-beyond-2-to-the-63', async (version) => {
    const near = 18_446_744_073_709_551_600n;
    assert.deepEqual(await told(version, 'unsigned', { st: 5 }, [near, near + 4n, near + 5n, near + 9n]), [near + 5n]);
  });
  proves('attribute-lt-and-pmax', async (version) => {
    await using scene = await open(version);
    const path = at(singleOf('integer'));
    scene.client.set(path, 120);
    await scene.server.writeAttributes(path, { lt: 100, pmax: 10 });
    await scene.server.observe(path);
    scene.client.set(path, 110);
    await scene.seconds(9);
    assert.deepEqual(scene.server.told(), []);
    await scene.seconds(2);
    assert.deepEqual(
      scene.server.told().map(({ values }) => values[path]),
      [110],
      'pmax tells what it is, whatever lt says',
    );
    scene.client.set(path, 99);
    await scene.seconds(1);
    assert.deepEqual(
      scene.server.told().map(({ values }) => values[path]),
      [99],
    );
  });

  proves('attribute-inheritance', ['Object', 'Object Instance', 'Resource'], async (version, level) => {
    await using scene = await open(version);
    const observed = level === 'Resource' ? `${SEVERAL}/1` : at(singleOf('integer'));
    if (version === '1.0' && level === 'Resource') return;
    assert.equal(await scene.server.writeAttributes(AT[level], { pmax: 10 }), '2.04');
    await scene.server.observe(observed);
    await scene.seconds(21);
    assert.equal(scene.server.told().length, 2);
    // The nearest counts.
    assert.equal(await scene.server.writeAttributes(observed, { pmax: 5 }), '2.04');
    await scene.seconds(21);
    assert.ok(scene.server.told().length >= 4);
  });
});

describe('scenarios: the end of attributes', () => {
  proves('attributes-go-with-instance', async (version) => {
    await using scene = await open(version);
    const { server } = scene;
    await server.create(`${OBJECT}/1`, { [MANDATORY]: 'a' });
    assert.equal(await server.writeAttributes(OBJECT, { pmin: 1 }), '2.04');
    assert.equal(await server.writeAttributes(`${OBJECT}/1`, { pmin: 2 }), '2.04');
    assert.equal(await server.writeAttributes(at(MANDATORY, 1), { pmin: 3 }), '2.04');
    assert.equal(await server.delete(`${OBJECT}/1`), '2.02');
    await server.create(`${OBJECT}/1`, { [MANDATORY]: 'b' });
    const links = await server.discover(OBJECT);
    assert.ok(links.includes(`<${OBJECT}>;pmin=1`) && links.includes(`<${OBJECT}/1>`), links.join());
    assert.ok(links.includes(`<${at(MANDATORY, 1)}>`));
  });

  proves('attributes-go-with-value', async (version) => {
    await using scene = await open(version);
    const { server } = scene;
    assert.equal(await server.writeAttributes(SEVERAL, { pmin: 1 }), '2.04');
    assert.equal(await server.writeAttributes(`${SEVERAL}/1`, { pmin: 2 }), '2.04');
    assert.equal(await server.write(SEVERAL, { 0: 5 }), '2.04');
    assert.equal(await server.write(SEVERAL, { 0: 5, 1: 6 }), '2.04');
    assert.deepEqual(await server.discover(SEVERAL), [`<${SEVERAL}>;dim=2;pmin=1`, `<${SEVERAL}/0>`, `<${SEVERAL}/1>`]);
  });

  proves('attributes-after-cancel', ['passive', 'active'], async (version, mode) => {
    await using scene = await open(version);
    for (const level of LEVELS) {
      if (version === '1.0' && level === 'Resource Instance') continue;
      const path = AT[level];
      assert.equal(await scene.server.writeAttributes(path, { pmax: 10 }), '2.04');
      const observation = await scene.server.observe(path);
      await scene.seconds(11);
      assert.equal(scene.server.told().length, 1);
      await scene.server.cancel(observation, mode);
      await scene.seconds(11);
      scene.sent();
      await scene.seconds(60);
      assert.deepEqual(scene.sent(), [], `nothing is sent for ${path} any more`);
      assert.equal(scene.client.observationCount, 0);
      assert.equal(await scene.server.writeAttributes(path, { pmax: null }), '2.04');
    }
  });

  proves('observation-goes-with-instance', LEVELS, async (version, level) => {
    if (version === '1.0' && level === 'Resource Instance') return;
    await using scene = await open(version);
    const path = AT[level];
    assert.equal(await scene.server.writeAttributes(path, { pmax: 10 }), '2.04');
    await scene.server.observe(path);
    scene.client.removeObjectInstance(TEST_OBJECT_ID, 0);
    await scene.seconds(30);
    // An Object without Object Instances is still there to be observed.
    assert.equal(scene.client.observationCount, level === 'Object' ? 1 : 0);
  });
});
