/** Create, Delete, Discover and Execute. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { objectInstancePath, objectPath, resourcePath, type LwM2mVersion, type NodeEntry } from '@lapwing/lwm2m';
import { deviceWithPower } from '../configurations.ts';
import { proves } from '../proves.ts';
import { Scene } from '../scene.ts';
import {
  at,
  definitionsForTests,
  EXECUTABLE,
  MANDATORY,
  multipleOf,
  READ_ONLY,
  singleOf,
  TEST_OBJECT_ID,
  testObject,
} from '../test-object.ts';

const FORMATS = { TLV: 11_542, JSON: 11_543, 'SenML JSON': 110, 'SenML CBOR': 112 } as const;
const names = Object.keys(FORMATS) as (keyof typeof FORMATS)[];
const OBJECT = `/${TEST_OBJECT_ID}`;

const open = (version: LwM2mVersion, executed?: (args: readonly unknown[]) => void): Promise<Scene> =>
  Scene.open({ version, objects: [deviceWithPower(), testObject(executed)], definitions: definitionsForTests() });

const text = (objectInstanceId: number, resourceId: number, value: string): NodeEntry => ({
  kind: 'value',
  path: resourcePath(TEST_OBJECT_ID, objectInstanceId, resourceId),
  value: { type: 'string', value },
});

describe('scenarios: Create and Delete', () => {
  proves('create-without-id', names, async (version, format) => {
    await using scene = await open(version);
    const created = await scene.server.create(OBJECT, { [MANDATORY]: 'a' }, FORMATS[format]);
    assert.equal(created, `2.01 ${OBJECT}/1`);
    assert.deepEqual((await scene.server.read(`${OBJECT}/1`)).values, { [at(MANDATORY, 1)]: 'a' });
    await scene.seconds(1);
    const announced = scene.registration.objects.find(({ objectId }) => objectId === TEST_OBJECT_ID);
    assert.deepEqual(announced?.objectInstanceIds, [0, 1], 'an Update tells of it');
  });

  proves('create-with-id', names, async (version, format) => {
    await using scene = await open(version);
    assert.equal(await scene.server.create(`${OBJECT}/14`, { [MANDATORY]: 'a' }, FORMATS[format]), `2.01 ${OBJECT}/14`);
    assert.deepEqual((await scene.server.read(`${OBJECT}/14`)).values, { [at(MANDATORY, 14)]: 'a' });
    assert.equal(await scene.server.create(`${OBJECT}/14`, { [MANDATORY]: 'b' }, FORMATS[format]), '4.00');
    assert.deepEqual((await scene.server.read(`${OBJECT}/14`)).values, { [at(MANDATORY, 14)]: 'a' });
  });

  proves('create-two', names, async (version, format) => {
    await using scene = await open(version);
    const two = [text(2, MANDATORY, 'two'), text(3, MANDATORY, 'three')];
    const create = scene.server.device.createInstances(objectPath(TEST_OBJECT_ID), two, { format: FORMATS[format] });
    const outcome = await scene.settle(create);
    assert.deepEqual(outcome.ok && outcome.value, [
      objectInstancePath(TEST_OBJECT_ID, 2),
      objectInstancePath(TEST_OBJECT_ID, 3),
    ]);
    assert.deepEqual((await scene.server.read(`${OBJECT}/3`)).values, { [at(MANDATORY, 3)]: 'three' });
  });

  proves('create-incomplete', names, async (version, format) => {
    await using scene = await open(version);
    const options = { format: FORMATS[format] };
    assert.equal(await scene.server.create(`${OBJECT}/5`, { [singleOf('string')]: 'x' }, FORMATS[format]), '4.00');
    const half = [text(6, MANDATORY, 'whole'), text(7, singleOf('string'), 'x')];
    const create = scene.server.device.createInstances(objectPath(TEST_OBJECT_ID), half, options);
    const outcome = await scene.settle(create);
    assert.ok(!outcome.ok && outcome.reason.startsWith('4.00'));
    assert.deepEqual(scene.client.objectInstanceIds(TEST_OBJECT_ID), [0], 'nothing is created, not even the whole one');
  });

  proves('create-refused', async (version) => {
    await using scene = await open(version);
    assert.match(await scene.server.create('/3', {}), /^4\.0[05]$/);
    assert.equal(await scene.server.create('/0', {}), '4.01');
    assert.equal(await scene.server.create('/6', { 0: 1, 1: 1, 5: 0 }), '4.04');
  });

  proves('delete', async (version) => {
    await using scene = await open(version);
    const { server } = scene;
    assert.equal(await server.create(`${OBJECT}/4`, { [MANDATORY]: 'a' }), `2.01 ${OBJECT}/4`);
    assert.equal(await server.delete(`${OBJECT}/4`), '2.02');
    assert.equal((await server.read(`${OBJECT}/4`)).code, '4.04');
    await scene.seconds(1);
    const announced = scene.registration.objects.find(({ objectId }) => objectId === TEST_OBJECT_ID);
    assert.deepEqual(announced?.objectInstanceIds, [0]);
  });

  proves('delete-refused', async (version) => {
    await using scene = await open(version);
    assert.equal(await scene.server.delete(`${OBJECT}/4`), '4.04');
    assert.equal(await scene.server.delete('/3/0'), '4.05');
    assert.equal(await scene.server.delete('/0/0'), '4.01');
    assert.equal((await scene.server.read('/3/0')).code, '2.05');
  });
});

describe('scenarios: Discover', () => {
  proves('discover-levels', async (version) => {
    await using scene = await open(version);
    const { server } = scene;
    const object = await server.discover('/3');
    for (const link of ['</3>', '</3/0>', '</3/0/0>', '</3/0/6>;dim=2']) assert.ok(object.includes(link), link);
    const instance = await server.discover('/3/0');
    assert.ok(instance.includes('</3/0>') && instance.includes('</3/0/6>;dim=2') && !instance.includes('</3>'));
    assert.deepEqual(await server.discover('/3/0/0'), ['</3/0/0>']);
    assert.deepEqual(await server.discover('/3/0/6'), ['</3/0/6>;dim=2', '</3/0/6/0>', '</3/0/6/1>']);
  });

  proves('discover-absent', async (version) => {
    await using scene = await open(version);
    for (const path of ['/4242', '/3/9', '/4242/0/0', '/3/9/0', '/3/9/99', '/3/0/99']) {
      assert.deepEqual(await scene.server.discover(path), ['4.04'], path);
    }
  });
});

describe('scenarios: Execute', () => {
  proves('execute', async (version) => {
    const executed: (readonly unknown[])[] = [];
    await using scene = await open(version, (args) => executed.push(args));
    assert.equal(await scene.server.execute(at(EXECUTABLE)), '2.04');
    assert.equal(await scene.server.execute(at(EXECUTABLE), "0='hello',3,9='10.3'"), '2.04');
    assert.deepEqual(executed, [[], [{ digit: 0, value: 'hello' }, { digit: 3 }, { digit: 9, value: '10.3' }]]);
  });

  proves('execute-refused', async (version) => {
    await using scene = await open(version, () => assert.fail('nothing is executed'));
    const codes: string[] = [];
    for (const path of [
      at(READ_ONLY),
      at(singleOf('string')),
      at(multipleOf('string')),
      at(99),
      '/4242/0/0',
      '/0/0/3',
    ]) {
      codes.push(await scene.server.execute(path));
    }
    assert.deepEqual(codes, ['4.05', '4.05', '4.05', '4.04', '4.04', '4.01']);
  });
});
