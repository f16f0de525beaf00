/** Write and Write-Composite: every type in every format, whole and in part, and what is refused. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { UsageError } from '@lapwing/coap';
import {
  Device,
  objectInstancePath,
  resourceInstancePath,
  resourcePath,
  type LwM2mVersion,
  type NodeEntry,
  type ResourceInstancePath,
} from '@lapwing/lwm2m';
import { device } from '../configurations.ts';
import { proves } from '../proves.ts';
import { Scene } from '../scene.ts';
import {
  at,
  definitionsForTests,
  INITIAL,
  MANDATORY,
  multipleOf,
  OTHERS,
  READ_ONLY,
  singleOf,
  TEST_OBJECT_ID,
  TESTED_TYPES,
  testObject,
  type TestedType,
} from '../test-object.ts';

/** Devices and servers of before LwM2M 1.0 have TLV and JSON by other numbers. */
const MULTIPLE = {
  TLV: 11_542,
  'old TLV': 1542,
  JSON: 11_543,
  'old JSON': 1543,
  'SenML JSON': 110,
  'SenML CBOR': 112,
} as const;
const SINGLE = { Text: 0, CBOR: 60, ...MULTIPLE } as const;
const BYTES = { ...SINGLE, Opaque: 42 } as const;
const COMPOSITE = { 'SenML JSON': 110, 'SenML CBOR': 112 } as const;
const names = <Name extends string>(formats: Readonly<Record<Name, unknown>>): readonly Name[] =>
  Object.keys(formats) as Name[];

const INSTANCE = `/${TEST_OBJECT_ID}/0`;

const open = (version: LwM2mVersion): Promise<Scene> =>
  Scene.open({ version, objects: [device(), testObject()], definitions: definitionsForTests() });

/** Write each value of a type, read it back. */
async function roundTrip(scene: Scene, path: string, type: TestedType, format: number): Promise<void> {
  for (const value of OTHERS[type]) {
    assert.equal(await scene.server.write(path, value, { format }), '2.04', type);
    assert.deepEqual((await scene.server.read(path)).values, { [path]: value });
  }
}

describe('scenarios: Write', () => {
  proves('write-single-value', names(SINGLE), async (version, format) => {
    await using scene = await open(version);
    for (const type of TESTED_TYPES) await roundTrip(scene, at(singleOf(type)), type, SINGLE[format]);
  });

  proves('write-value-of-several', names(SINGLE), async (version, format) => {
    await using scene = await open(version);
    for (const type of TESTED_TYPES) {
      const path = at(multipleOf(type));
      await roundTrip(scene, `${path}/1`, type, SINGLE[format]);
      assert.deepEqual((await scene.server.read(path)).values[`${path}/0`], INITIAL[type], 'the others stay');
    }
  });

  proves('write-bytes', names(BYTES), async (version, format) => {
    await using scene = await open(version);
    await roundTrip(scene, at(singleOf('opaque')), 'opaque', BYTES[format]);
    await roundTrip(scene, `${at(multipleOf('opaque'))}/0`, 'opaque', BYTES[format]);
  });

  proves('write-object-instance', names(MULTIPLE), async (version, format) => {
    await using scene = await open(version);
    const { server } = scene;
    const [text, float, several] = [at(singleOf('string')), at(singleOf('float')), at(multipleOf('integer'))];
    const given = { [at(MANDATORY)]: 'still here', [text]: 'new', [several]: { 3: 33 } };
    // In part: nothing else changes, and of several values those that are not given stay.
    assert.equal(await server.write(INSTANCE, given, { format: MULTIPLE[format], mode: 'update' }), '2.04');
    const { values } = await server.read(INSTANCE);
    assert.deepEqual([values[text], values[float], values[at(MANDATORY)]], ['new', INITIAL.float, 'still here']);
    assert.deepEqual(
      [0, 1, 3].map((id) => values[`${several}/${id}`]),
      [INITIAL.integer, INITIAL.integer, 33],
    );
    // Whole: what is not given and can be written is gone, what is read-only stays.
    assert.equal(await server.write(INSTANCE, given, { format: MULTIPLE[format] }), '2.04');
    const { values: whole } = await server.read(INSTANCE);
    assert.deepEqual(whole, {
      [text]: 'new',
      [`${several}/3`]: 33,
      [at(MANDATORY)]: 'still here',
      [at(READ_ONLY)]: 'fixed',
    });
  });

  proves('write-several-values', names(MULTIPLE), async (version, format) => {
    await using scene = await open(version);
    const { server } = scene;
    for (const type of TESTED_TYPES) {
      const path = at(multipleOf(type));
      const value = OTHERS[type][0]!;
      assert.equal(
        await server.write(path, { 5: value, 9: INITIAL[type] }, { format: MULTIPLE[format] }),
        '2.04',
        type,
      );
      assert.deepEqual((await server.read(path)).values, { [`${path}/5`]: value, [`${path}/9`]: INITIAL[type] });
    }
  });

  proves('write-no-values', names(MULTIPLE), async (version, name) => {
    await using scene = await open(version);
    const { server } = scene;
    const format = MULTIPLE[name];
    const several = resourcePath(TEST_OBJECT_ID, 0, multipleOf('integer'));
    const kept: NodeEntry = {
      kind: 'value',
      path: resourcePath(TEST_OBJECT_ID, 0, MANDATORY),
      value: { type: 'string', value: 'still here' },
    };
    // Only TLV can say that there are none; whole without them says the same.
    const entries: readonly NodeEntry[] =
      format === 11_542 || format === 1542 ? [kept, { kind: 'empty', path: several }] : [kept];
    const path = objectInstancePath(TEST_OBJECT_ID, 0);
    assert.ok((await scene.settle(server.device.write(path, entries, { format }))).ok);
    const { values } = await server.read(INSTANCE);
    assert.equal(values[at(MANDATORY)], 'still here');
    assert.ok(!Object.keys(values).some((each) => each.startsWith(`${at(multipleOf('integer'))}/`)));
  });

  proves('write-not-encodable', names(BYTES), async (version, name) => {
    await using scene = await open(version);
    scene.sent();
    const { device: target } = scene.server;
    const format = BYTES[name];
    const several = resourcePath(TEST_OBJECT_ID, 0, multipleOf('float'));
    const values: readonly NodeEntry[] = [0, 1].map((id) => ({
      kind: 'value',
      path: resourceInstancePath(TEST_OBJECT_ID, 0, multipleOf('float'), id),
      value: { type: 'float', value: id },
    }));
    const writing: Promise<unknown>[] = [
      target.write(Device.path(0).timezone, 5 as never, { format }),
      target.write(resourcePath(TEST_OBJECT_ID, 0, singleOf('float')), values, { format }),
    ];
    // One value is all they carry, and Opaque carries bytes alone.
    if (['Text', 'CBOR', 'Opaque'].includes(name)) writing.push(target.write(several, values, { format }));
    if (name === 'Opaque')
      writing.push(target.write(values[1]!.path as ResourceInstancePath, values.slice(1), { format }));
    for (const each of writing) await assert.rejects(scene.settle(each), UsageError);
    assert.deepEqual(scene.requests('server'), [], 'nothing of it is sent');
  });

  proves('write-refused', async (version) => {
    await using scene = await open(version);
    const { server } = scene;
    assert.equal(await server.write(at(READ_ONLY), 'x'), '4.05');
    assert.equal(await server.write('/3/0/0', 'x'), '4.05');
    assert.equal(await server.write('/0/0/0', 'coap://10.0.0.9'), '4.01');
    assert.equal(
      await server.write(INSTANCE, { [at(singleOf('string'))]: 'x' }),
      '4.00',
      'a mandatory value is missing',
    );
    assert.equal((await server.read(at(singleOf('string')))).values[at(singleOf('string'))], INITIAL.string);
    assert.equal(await server.write(`/${TEST_OBJECT_ID}/9`, { [at(MANDATORY, 9)]: 'x' }), '4.04');
    // A value of another type than the Resource has.
    const wrong = {
      kind: 'value',
      path: { kind: 'resource', objectId: 1, objectInstanceId: 0, resourceId: 1 },
    } as const;
    const outcome = await scene.settle(
      scene.server.device.write(wrong.path as never, [{ ...wrong, value: { type: 'string', value: 'abc' } }] as never, {
        format: 0,
      }),
    );
    assert.ok(!outcome.ok && outcome.reason.startsWith('4.00'));
  });

  proves('write-composite', names(COMPOSITE), async (version, name) => {
    await using scene = await open(version);
    const { server } = scene;
    const format = COMPOSITE[name];
    const [text, several] = [at(singleOf('string')), at(multipleOf('integer'))];
    assert.equal(await server.writeComposite({ [text]: 'new', '/1/0/1': 500 }, format), '2.04');
    assert.deepEqual((await server.readComposite([text, '/1/0/1'])).values, { [text]: 'new', '/1/0/1': 500 });
    assert.equal(await server.writeComposite({ [text]: 'newer', [several]: { 1: 7, 4: 8 } }, format), '2.04');
    assert.deepEqual((await server.read(several)).values, {
      [`${several}/0`]: INITIAL.integer,
      [`${several}/1`]: 7,
      [`${several}/4`]: 8,
    });
    // Who observes hears of it.
    await server.observe(INSTANCE);
    assert.equal(await server.writeComposite({ [text]: 'told', [at(singleOf('integer'))]: 5 }, format), '2.04');
    await scene.seconds(2);
    const told = server.told();
    assert.deepEqual([told.length, told[0]?.values[text], told[0]?.values[at(singleOf('integer'))]], [1, 'told', 5]);
  });
});
