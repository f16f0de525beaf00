/** Read and Read-Composite: every type in every format, and what is refused. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { device } from '../configurations.ts';
import { proves } from '../proves.ts';
import { Scene } from '../scene.ts';
import {
  at,
  definitionsForTests,
  EXECUTABLE,
  INITIAL,
  multipleOf,
  READ_ONLY,
  singleOf,
  TEST_OBJECT_ID,
  TESTED_TYPES,
  testObject,
} from '../test-object.ts';

const SINGLE = { Text: 0, TLV: 11_542, CBOR: 60, JSON: 11_543, 'SenML JSON': 110, 'SenML CBOR': 112 } as const;
const MULTIPLE = { TLV: 11_542, JSON: 11_543, 'SenML JSON': 110, 'SenML CBOR': 112 } as const;
const BYTES = { ...SINGLE, Opaque: 42 } as const;
const PAIRS = {
  'SenML JSON for both': [110, 110],
  'SenML CBOR for both': [112, 112],
  'SenML CBOR, answered in SenML JSON': [112, 110],
  'SenML JSON, answered in SenML CBOR': [110, 112],
} as const;
const names = <Name extends string>(formats: Readonly<Record<Name, unknown>>): readonly Name[] =>
  Object.keys(formats) as Name[];

const open = (version: LwM2mVersion): Promise<Scene> =>
  Scene.open({
    version,
    objects: [device({ errorCodes: [0] }), testObject()],
    definitions: definitionsForTests(),
  });

describe('scenarios: Read', () => {
  proves('read-single-value', names(SINGLE), async (version, format) => {
    await using scene = await open(version);
    for (const type of TESTED_TYPES) {
      const path = at(singleOf(type));
      const answer = await scene.server.read(path, SINGLE[format]);
      assert.deepEqual(answer, { code: '2.05', format: SINGLE[format], values: { [path]: INITIAL[type] } }, type);
    }
  });

  proves('read-value-of-several', names(SINGLE), async (version, format) => {
    await using scene = await open(version);
    for (const type of TESTED_TYPES) {
      const path = `${at(multipleOf(type))}/1`;
      const answer = await scene.server.read(path, SINGLE[format]);
      assert.deepEqual(answer, { code: '2.05', format: SINGLE[format], values: { [path]: INITIAL[type] } }, type);
    }
  });

  proves('read-instance-of-single-value', async (version) => {
    await using scene = await open(version);
    const { code } = await scene.server.read(`${at(singleOf('string'))}/0`);
    assert.match(code, /^4\.0[045]$/);
  });

  proves('read-empty-bytes', names(BYTES), async (version, format) => {
    await using scene = await open(version);
    const path = at(singleOf('opaque'));
    scene.client.set(path, new Uint8Array(0));
    const answer = await scene.server.read(path, BYTES[format]);
    assert.deepEqual(answer, { code: '2.05', format: BYTES[format], values: { [path]: new Uint8Array(0) } });
  });

  proves('read-object', names(MULTIPLE), async (version, format) => {
    await using scene = await open(version);
    for (const path of [`/${TEST_OBJECT_ID}`, `/${TEST_OBJECT_ID}/0`]) {
      const answer = await scene.server.read(path, MULTIPLE[format]);
      assert.deepEqual([answer.code, answer.format], ['2.05', MULTIPLE[format]]);
      for (const type of TESTED_TYPES) {
        assert.deepEqual(answer.values[at(singleOf(type))], INITIAL[type]);
        assert.deepEqual(answer.values[`${at(multipleOf(type))}/1`], INITIAL[type]);
      }
      assert.equal(answer.values[at(READ_ONLY)], 'fixed');
      assert.ok(!(at(EXECUTABLE) in answer.values), 'what is executed has no value');
    }
  });

  proves('read-empty-object', names(MULTIPLE), async (version, format) => {
    await using scene = await open(version);
    assert.equal(await scene.server.delete(`/${TEST_OBJECT_ID}/0`), '2.02');
    const answer = await scene.server.read(`/${TEST_OBJECT_ID}`, MULTIPLE[format]);
    assert.deepEqual(answer, { code: '2.05', format: MULTIPLE[format], values: {} });
  });

  proves('read-refused', async (version) => {
    await using scene = await open(version);
    const codes: string[] = [];
    for (const path of [at(EXECUTABLE), '/3/0/4', '/4242', `/${TEST_OBJECT_ID}/9`, at(99), '/0', '/0/0', '/0/0/0']) {
      codes.push((await scene.server.read(path)).code);
    }
    // The Security Object is 4.01 in the specification, and 4.04 in others' implementations.
    assert.deepEqual(codes, ['4.05', '4.05', '4.04', '4.04', '4.04', '4.01', '4.01', '4.01']);
  });

  proves('read-composite', names(PAIRS), async (version, pair) => {
    await using scene = await open(version);
    const [listFormat, accept] = PAIRS[pair];
    const { server } = scene;
    const [text, several] = [at(singleOf('string')), at(multipleOf('integer'))];
    const read = async (...paths: readonly string[]): Promise<object> => {
      const { code, format, values } = await server.readComposite(paths, { listFormat, accept });
      assert.deepEqual([code, format], ['2.05', accept]);
      return values;
    };
    assert.deepEqual(await read(text, '/3/0/0'), { [text]: INITIAL.string, '/3/0/0': 'Lapwing' });
    assert.deepEqual(await read(`${several}/1`), { [`${several}/1`]: INITIAL.integer });
    const both = await read(text, '/1/0');
    assert.ok(text in both && '/1/0/1' in both);
    const everything = Object.keys(await read('/'));
    for (const path of ['/1/0/0', '/3/0/0', text, `${several}/0`]) assert.ok(everything.includes(path), path);
    assert.ok(!everything.some((path) => path.startsWith('/0/')), 'Security is not read');
  });
});
