/** Observe, Observe-Composite and how both end. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { device } from '../configurations.ts';
import { proves } from '../proves.ts';
import { Scene } from '../scene.ts';
import {
  at,
  definitionsForTests,
  INITIAL,
  MANDATORY,
  multipleOf,
  singleOf,
  TEST_OBJECT_ID,
  testObject,
} from '../test-object.ts';

const INSTANCE = `/${TEST_OBJECT_ID}/0`;
const TEXT = at(singleOf('string'));
const NUMBER = at(singleOf('integer'));
const SEVERAL = at(multipleOf('integer'));
const NOT_FOUND = '4.04';

const open = (version: LwM2mVersion): Promise<Scene> =>
  Scene.open({ version, objects: [device(), testObject()], definitions: definitionsForTests() });

/** The values of the one path that each notification brought. */
const told = (scene: Scene, path: string): readonly unknown[] => scene.server.told().map(({ values }) => values[path]);

/** Codes of the notifications that the client has sent. */
const notifications = (scene: Scene): readonly string[] =>
  scene
    .sent()
    .filter(({ from, line }) => from === 'client' && /^[245]\./.test(line))
    .map(({ line }) => line);

describe('scenarios: Observe', () => {
  proves('observe-levels', ['Resource', 'Resource Instance', 'Object Instance', 'Object'], async (version, level) => {
    await using scene = await open(version);
    const [observed, changed] = {
      Resource: [TEXT, TEXT],
      'Resource Instance': [`${SEVERAL}/1`, `${SEVERAL}/1`],
      'Object Instance': [INSTANCE, TEXT],
      Object: [`/${TEST_OBJECT_ID}`, TEXT],
    }[level] as [string, string];
    // Resource Instances are observed since 1.1.
    if (version === '1.0' && level === 'Resource Instance') return;
    const observation = await scene.server.observe(observed);
    assert.deepEqual(scene.server.device.observations.length, 1);
    const value = changed === TEXT ? 'changed' : 99;
    scene.client.set(changed, value);
    await scene.seconds(2);
    const [first, ...others] = scene.server.told(observed);
    assert.deepEqual([first?.values[changed], others.length], [value, 0]);
    if (level.startsWith('Object')) {
      assert.deepEqual(first?.values[`${SEVERAL}/0`], INITIAL.integer, 'the whole of what is observed');
    }
    // What is not observed is not told.
    scene.client.set('/3/0/0', 'Other');
    await scene.seconds(2);
    assert.deepEqual(scene.server.told(), []);
    assert.equal(observation.ended, false);
  });

  proves('observe-cancel', ['passive', 'active'], async (version, mode) => {
    await using scene = await open(version);
    for (const path of version === '1.0' ? [TEXT] : [TEXT, `${SEVERAL}/1`]) {
      const value = (n: number): string | number => (path === TEXT ? `changed ${n}` : n);
      const observation = await scene.server.observe(path);
      scene.client.set(path, value(1));
      await scene.seconds(2);
      assert.deepEqual(told(scene, path), [value(1)]);
      await scene.server.cancel(observation, mode);
      assert.ok(observation.ended);
      assert.deepEqual(scene.server.device.observations, []);
      assert.equal(scene.client.observationCount, mode === 'active' ? 0 : 1, 'a Reset needs a notification first');
      scene.client.set(path, value(2));
      await scene.seconds(2);
      assert.equal(scene.client.observationCount, 0);
      assert.deepEqual(told(scene, path), []);
      scene.sent();
      scene.client.set(path, value(3));
      await scene.seconds(30);
      assert.deepEqual(notifications(scene), [], 'nothing more is said');
    }
  });

  proves('observe-deleted-instance', async (version) => {
    await using scene = await open(version);
    const { server } = scene;
    assert.equal(await server.create(`/${TEST_OBJECT_ID}/1`, { [MANDATORY]: 'a' }), `2.01 /${TEST_OBJECT_ID}/1`);
    for (const path of [`/${TEST_OBJECT_ID}/1`, at(MANDATORY, 1)]) await server.observe(path);
    scene.sent();
    assert.equal(await server.delete(`/${TEST_OBJECT_ID}/1`), '2.02');
    await scene.seconds(5);
    assert.equal(notifications(scene).filter((code) => code === NOT_FOUND).length, 2, 'each ends with an error');
    assert.deepEqual(scene.client.observationCount, 0);
  });

  proves('observe-deleted-value', async (version) => {
    await using scene = await open(version);
    await scene.server.observe(`${SEVERAL}/1`);
    scene.sent();
    assert.equal(await scene.server.write(SEVERAL, { 0: 1 }), '2.04');
    await scene.seconds(5);
    assert.ok(notifications(scene).includes(NOT_FOUND));
    assert.equal(scene.client.observationCount, 0);
  });
});

describe('scenarios: Observe-Composite', () => {
  proves('composite-observe', async (version) => {
    await using scene = await open(version);
    await scene.server.observeComposite([TEXT, NUMBER, '/3/0/0']);
    scene.client.set(TEXT, 'changed');
    await scene.seconds(2);
    const [first, ...others] = scene.server.told();
    assert.deepEqual(first?.values, { [TEXT]: 'changed', [NUMBER]: INITIAL.integer, '/3/0/0': 'Lapwing' });
    assert.equal(others.length, 0);
    scene.client.set(SEVERAL, [5]);
    await scene.seconds(5);
    assert.deepEqual(scene.server.told(), [], 'another Resource is none of it');
  });

  proves('composite-observe-one', async (version) => {
    await using scene = await open(version);
    await scene.server.observeComposite([TEXT]);
    scene.client.set(TEXT, 'changed');
    await scene.seconds(2);
    assert.deepEqual(
      scene.server.told().map(({ values }) => values),
      [{ [TEXT]: 'changed' }],
    );
  });

  proves('composite-observe-levels', ['Object Instance', 'Object', 'everything'], async (version, level) => {
    await using scene = await open(version);
    const path = { 'Object Instance': INSTANCE, Object: `/${TEST_OBJECT_ID}`, everything: '/' }[level];
    await scene.server.observeComposite([path]);
    scene.client.set(TEXT, 'changed');
    await scene.seconds(2);
    const [first] = scene.server.told();
    assert.deepEqual([first?.values[TEXT], first?.values[NUMBER]], ['changed', INITIAL.integer]);
    assert.equal('/3/0/0' in first!.values, level === 'everything');
    assert.ok(!Object.keys(first!.values).some((each) => each.startsWith('/0/')), 'Security is not told');
  });

  proves('composite-observe-write', async (version) => {
    await using scene = await open(version);
    await scene.server.observeComposite([TEXT, NUMBER]);
    assert.equal(await scene.server.writeComposite({ [TEXT]: 'both', [NUMBER]: 2 }), '2.04');
    await scene.seconds(2);
    assert.deepEqual(
      scene.server.told().map(({ values }) => values),
      [{ [TEXT]: 'both', [NUMBER]: 2 }],
      'one notification for both',
    );
  });

  proves('composite-observe-cancel', ['passive', 'active'], async (version, mode) => {
    await using scene = await open(version);
    const observation = await scene.server.observeComposite([TEXT, NUMBER]);
    scene.client.set(TEXT, '1');
    await scene.seconds(2);
    assert.equal(scene.server.told().length, 1);
    await scene.server.cancel(observation, mode);
    scene.client.set(TEXT, '2');
    await scene.seconds(2);
    assert.deepEqual([scene.server.told().length, scene.client.observationCount], [0, 0]);
    assert.deepEqual(scene.server.device.observations, []);
  });
});
