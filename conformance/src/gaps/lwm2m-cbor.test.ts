/** LwM2M CBOR (11544) in both directions and every operation that can carry it. OMA TS Core 1.2 §7.4.6. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { resourceInstancePath, type LwM2mVersion } from '@lapwing/lwm2m';
import { device } from '../configurations.ts';
import { at as pathOf } from '../given.ts';
import { valuesOf } from '../operator.ts';
import { proves } from '../proves.ts';
import { Scene } from '../scene.ts';
import {
  at,
  definitionsForTests,
  INITIAL,
  MANDATORY,
  multipleOf,
  OTHERS,
  singleOf,
  TEST_OBJECT_ID,
  TESTED_TYPES,
  testObject,
} from '../test-object.ts';

const CBOR = 11_544;
const TLV = 11_542;

const open = (version: LwM2mVersion): Promise<Scene> =>
  Scene.open({ version, objects: [device(), testObject()], definitions: definitionsForTests() });

describe('gaps: LwM2M CBOR', () => {
  proves('cbor-read', async (version) => {
    await using scene = await open(version);
    const paths = [
      `/${TEST_OBJECT_ID}`,
      `/${TEST_OBJECT_ID}/0`,
      ...TESTED_TYPES.flatMap((type) => [at(singleOf(type)), at(multipleOf(type)), `${at(multipleOf(type))}/1`]),
    ];
    for (const path of paths) {
      const answer = await scene.server.read(path, CBOR);
      assert.deepEqual([answer.code, answer.format], ['2.05', CBOR], path);
      assert.ok(Object.keys(answer.values).length > 0);
      assert.deepEqual(answer.values, (await scene.server.read(path, TLV)).values, path);
    }
  });

  proves('cbor-write', TESTED_TYPES, async (version, type) => {
    await using scene = await open(version);
    const { server } = scene;
    const [one, several] = [at(singleOf(type)), at(multipleOf(type))];
    for (const value of OTHERS[type]) {
      assert.equal(await server.write(one, value, { format: CBOR }), '2.04');
      assert.deepEqual((await server.read(one, CBOR)).values[one], value);
      assert.equal(await server.write(`${several}/1`, value, { format: CBOR }), '2.04');
      const { values } = await server.read(several, CBOR);
      assert.deepEqual(values, { [`${several}/0`]: INITIAL[type], [`${several}/1`]: value });
      assert.equal(await server.write(several, { 0: INITIAL[type], 1: INITIAL[type] }, { format: CBOR }), '2.04');
    }
    const written = await server.write(
      `/${TEST_OBJECT_ID}/0`,
      { [one]: INITIAL[type], [several]: { 7: INITIAL[type] } },
      { format: CBOR, mode: 'update' },
    );
    assert.equal(written, '2.04');
    assert.deepEqual(
      Object.keys((await server.read(several, CBOR)).values).sort(),
      [0, 1, 7].map((id) => `${several}/${id}`),
    );
  });

  proves('cbor-composite', async (version) => {
    await using scene = await open(version);
    const { server } = scene;
    const [text, number] = [at(singleOf('string')), at(singleOf('integer'))];
    assert.equal(await server.writeComposite({ [text]: 'x', [number]: 5, '/1/0/1': 3600 }, CBOR), '2.04');
    const answer = await server.readComposite([text, number, '/1/0/1', '/33000/9'], { accept: CBOR });
    assert.deepEqual(answer, { code: '2.05', format: CBOR, values: { [text]: 'x', [number]: 5, '/1/0/1': 3600 } });
    // All or nothing.
    assert.equal(await server.writeComposite({ [text]: 'y', '/3/0/0': 'Other' }, CBOR), '4.05');
    assert.equal((await server.read(text)).values[text], 'x');
    // The list of a Read-Composite cannot be LwM2M CBOR.
    await assert.rejects(server.readComposite([text], { listFormat: CBOR }), { name: 'UsageError' });
  });

  proves('cbor-remove', async (version) => {
    await using scene = await open(version);
    const id = multipleOf('integer');
    const path = resourceInstancePath(TEST_OBJECT_ID, 0, id, 1);
    const outcome = scene.server.device.writeComposite([{ kind: 'remove', path }], { format: CBOR });
    assert.ok((await scene.settle(outcome)).ok);
    assert.deepEqual((await scene.server.read(at(id))).values, { [`${at(id)}/0`]: INITIAL.integer });
  });

  proves('cbor-create', async (version) => {
    await using scene = await open(version);
    const { server } = scene;
    assert.equal(
      await server.create(`/${TEST_OBJECT_ID}`, { [MANDATORY]: 'a', [singleOf('float')]: 0.5 }, CBOR),
      `2.01 /${TEST_OBJECT_ID}/1`,
    );
    assert.equal(await server.create(`/${TEST_OBJECT_ID}/7`, { [MANDATORY]: 'b' }, CBOR), `2.01 /${TEST_OBJECT_ID}/7`);
    assert.equal(
      await server.create(`/${TEST_OBJECT_ID}/8`, { [singleOf('float')]: 1 }, CBOR),
      '4.00',
      'a mandatory value is missing',
    );
    assert.deepEqual((await server.read(`/${TEST_OBJECT_ID}/1`, CBOR)).values, {
      [at(MANDATORY, 1)]: 'a',
      [at(singleOf('float'), 1)]: 0.5,
    });
    assert.equal(await server.delete(`/${TEST_OBJECT_ID}/7`), '2.02');
    assert.equal((await server.read(`/${TEST_OBJECT_ID}/7`, CBOR)).code, '4.04');
  });

  proves('cbor-notify', async (version) => {
    await using scene = await open(version);
    const number = at(singleOf('integer'));
    const observed = await scene.settle(scene.server.device.observe(pathOf(number), { format: CBOR }));
    assert.ok(observed.ok);
    scene.client.set(number, 9_007_199_254_740_993n);
    await scene.seconds(1);
    assert.deepEqual(
      scene.server.told().map(({ values }) => values[number]),
      [9_007_199_254_740_993n],
    );
    assert.equal(scene.sent().at(-1)!.contentFormat, CBOR);
  });

  proves('cbor-send', async (version) => {
    await using scene = await open(version);
    const sends: unknown[] = [];
    scene.server.server.on('sent', (_registration, entries) => sends.push(valuesOf(entries)));
    const [text, bytes] = [at(singleOf('string')), at(singleOf('opaque'))];
    const [result] = await scene.settle(scene.client.send([text, bytes], { contentFormat: CBOR }));
    assert.ok(result?.ok);
    assert.deepEqual(sends, [{ [text]: INITIAL.string, [bytes]: INITIAL.opaque }]);
  });
});
