/** What strangers can send: every truncation of every vector, seeded mutations, and payloads that claim too much. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { SeededRandom } from '@lapwing/testkit';
import { ObjectDefinitions, isMalformed, pathIds, pathOf } from '../index.ts';
import type { Malformed, NodeEntry, Path } from '../index.ts';
import {
  LWM2M_CONTENT_FORMATS,
  decodePathList,
  decodePayload,
  encodePayload,
  supportedFormats,
} from './content-format.ts';
import type { DecodeContext } from './format.ts';

interface Vector {
  readonly id: string;
  readonly cf?: number;
  readonly group: string;
  readonly path?: string;
  readonly hex?: string;
  readonly text?: string;
}
const { vectors } = JSON.parse(
  readFileSync(new URL('../../test/data/format-vectors.json', import.meta.url), 'utf8'),
) as { readonly vectors: readonly Vector[] };

const definitions = new ObjectDefinitions();
const bytesOf = (vector: Vector): Uint8Array =>
  vector.hex === undefined ? new TextEncoder().encode(vector.text) : Uint8Array.from(Buffer.from(vector.hex, 'hex'));
const formatOf = (vector: Vector): number => vector.cf ?? 11542;

/** The vector's own path; where it has none, one that its format can be read for. */
function pathFor(vector: Vector): Path {
  const ids = (vector.path ?? '').split('/').filter((segment) => /^[0-9]+$/.test(segment));
  // 65535 is reserved; Zephyr's test Object has it.
  const numbers = ids.map((id) => Math.min(Number(id), 65534));
  if (numbers.length > 0) return pathOf(...(numbers as [number, number, number, number]));
  const { canCarry } = LWM2M_CONTENT_FORMATS.get(formatOf(vector))!;
  return [pathOf(), pathOf(3), pathOf(3, 0), pathOf(3, 0, 13)].find(canCarry)!;
}

/** Malformed with a sentence, or entries whose ids and values are what their types say. */
function assertSound(found: readonly NodeEntry[] | Malformed, seed: string): void {
  if (isMalformed(found)) {
    assert.match(found.malformed, /^.{5,400}$/su, seed);
    return;
  }
  for (const entry of found) {
    for (const [level, id] of pathIds(entry.path).entries()) {
      assert.ok(Number.isInteger(id) && id >= 0 && id <= (level === 1 ? 65535 : 65534), `${seed}: id ${id}`);
    }
    if (entry.kind !== 'value') continue;
    assert.ok(entry.timestamp === undefined || typeof entry.timestamp === 'number', seed);
    const { type, value } = entry.value;
    switch (type) {
      case 'integer':
      case 'time':
      case 'unsigned':
        assert.ok(typeof value === 'bigint' ? !Number.isSafeInteger(Number(value)) : Number.isSafeInteger(value), seed);
        assert.ok(BigInt.asIntN(64, BigInt(value)) === BigInt(value) || type === 'unsigned', seed);
        assert.ok(type !== 'unsigned' || BigInt.asUintN(64, BigInt(value)) === BigInt(value), seed);
        break;
      case 'objlnk':
        assert.ok(value.objectId <= 65535 && value.objectInstanceId <= 65535, seed);
        break;
      case 'opaque':
        assert.ok(value instanceof Uint8Array, seed);
        break;
      case 'none':
        assert.equal(value, null, seed);
        break;
      default:
        assert.equal(typeof value, { string: 'string', corelnk: 'string', float: 'number', boolean: 'boolean' }[type]);
    }
  }
}

describe('truncated payloads', () => {
  for (const group of new Set(vectors.map((vector) => vector.group))) {
    it(`every prefix of every vector of ${group} is a value or malformed`, () => {
      for (const vector of vectors) {
        if (vector.group !== group) continue;
        const payload = bytesOf(vector);
        const context: DecodeContext = { path: pathFor(vector), definitions };
        for (let length = 0; length <= payload.length; length++) {
          const seed = `${vector.id} cut to ${length}`;
          assertSound(decodePayload(formatOf(vector), payload.subarray(0, length), context), seed);
          const list = decodePathList(formatOf(vector), payload.subarray(0, length), context);
          assert.ok(isMalformed(list) || Array.isArray(list), seed);
        }
      }
    });
  }

  it('a truncated SenML CBOR pack is never taken for a shorter one', () => {
    const vector = vectors.find(({ id }) => id === 'senml-cbor/spec-3-0')!;
    const payload = bytesOf(vector);
    for (let length = 0; length < payload.length; length++) {
      const found = decodePayload(112, payload.subarray(0, length), { path: pathOf(3, 0), definitions });
      assert.ok(isMalformed(found), `cut to ${length}`);
    }
  });
});

describe('mutated payloads', () => {
  const SEED = 20_261_122;
  const PAYLOADS = 60_000;

  it(`${PAYLOADS} of them, over all formats, never throw (seed ${SEED})`, () => {
    const random = new SeededRandom(SEED);
    const paths = [pathOf(), pathOf(3), pathOf(3, 0), pathOf(3, 0, 6), pathOf(3, 0, 9), pathOf(3, 0, 6, 0), pathOf(2)];
    let decoded = 0;
    for (let count = 0; count < PAYLOADS; count++) {
      const vector = random.pick(vectors);
      const payload = mutated(bytesOf(vector), bytesOf(random.pick(vectors)), random);
      const format = random.chance(0.8) ? formatOf(vector) : random.pick(supportedFormats);
      const context: DecodeContext = {
        path: random.chance(0.7) ? pathFor(vector) : random.pick(paths),
        definitions,
        ...(random.chance(0.1) ? { now: 1_700_000_000, alternatePath: '/lwm2m' } : {}),
      };
      const seed = `payload ${count}, format ${format}, ${Buffer.from(payload).toString('hex')}`;
      const found = decodePayload(format, payload, context);
      assertSound(found, seed);
      if (isMalformed(found)) continue;
      decoded++;
      // What was read can be written in any format, or is refused with a sentence.
      const other = random.pick(supportedFormats);
      const encoded = encodePayload(other, found, context);
      assert.ok(isMalformed(encoded) || encoded instanceof Uint8Array, seed);
    }
    assert.ok(decoded > PAYLOADS / 20, `only ${decoded} payloads were still readable`);
  });

  it(`what survives mutation in SenML CBOR reads the same after writing it again (seed ${SEED + 1})`, () => {
    const random = new SeededRandom(SEED + 1);
    const packs = vectors.filter((vector) => vector.cf === 112);
    for (let count = 0; count < 10_000; count++) {
      const vector = random.pick(packs);
      const context: DecodeContext = { path: pathFor(vector), definitions };
      const payload = mutated(bytesOf(vector), bytesOf(random.pick(packs)), random);
      const found = decodePayload(112, payload, context);
      if (isMalformed(found) || found.some((entry) => entry.kind !== 'value' || entry.value.type === 'float')) continue;
      const encoded = encodePayload(112, found, context);
      if (isMalformed(encoded)) continue;
      assert.deepEqual(decodePayload(112, encoded, context), found, Buffer.from(payload).toString('hex'));
    }
  });
});

function mutated(payload: Uint8Array, other: Uint8Array, random: SeededRandom): Uint8Array {
  let bytes = Array.from(payload);
  for (let changes = random.chance(0.6) ? 1 : 1 + random.integer(4); changes > 0; changes--) {
    const at = random.integer(bytes.length + 1);
    switch (random.integer(7)) {
      case 0:
        bytes[at] = random.integer(256);
        break;
      case 1:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.integer(8));
        break;
      case 2:
        bytes.splice(at, 1 + random.integer(4));
        break;
      case 3:
        bytes.splice(at, 0, ...random.bytes(1 + random.integer(4)));
        break;
      case 4:
        bytes = bytes.slice(0, at);
        break;
      case 5:
        bytes.splice(at, 0, ...other.subarray(random.integer(other.length + 1)).subarray(0, 32));
        break;
      case 6:
        bytes[at] = random.pick([0x00, 0x7f, 0x80, 0xff, 0x1b, 0x3b, 0x5f, 0x9f, 0xbf, 0xf6, 0xfb, 0x22, 0x5c, 0x2f]);
        break;
    }
  }
  return Uint8Array.from(bytes);
}

describe('payloads that claim too much', () => {
  const root: DecodeContext = { path: pathOf(), definitions };
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const hex = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value.replaceAll(' ', ''), 'hex'));
  const refused = (format: number, payload: Uint8Array, context: DecodeContext, reason: RegExp): void => {
    const found = decodePayload(format, payload, context);
    assert.ok(isMalformed(found), JSON.stringify(found));
    assert.match(found.malformed, reason);
  };

  it('more bytes than maxBytes are refused in every format', () => {
    for (const format of supportedFormats) {
      const context = { path: pathOf(3, 0, 0), definitions, limits: { maxBytes: 10 } };
      refused(format, new Uint8Array(11), context, /11 bytes, more than the 10 allowed/);
    }
  });

  it('more entries than maxEntries are refused in every format that has several', () => {
    const limits = { maxEntries: 2 };
    const json = '[{"bn":"/3/0/","n":"0","vs":""},{"n":"1","vs":""},{"n":"2","vs":""}]';
    refused(110, text(json), { ...root, limits }, /more than the 2 entries/);
    refused(
      112,
      hex('83 a3 21 65 2f332f302f 00 61 30 03 60 a2 00 61 31 03 60 a2 00 61 32 03 60'),
      { ...root, limits },
      /2 entries/,
    );
    refused(
      11543,
      text('{"bn":"/3/0/","e":[{"n":"0","sv":""},{"n":"1","sv":""},{"n":"2","sv":""}]}'),
      { ...root, limits },
      /2 entries/,
    );
    refused(11542, hex('c000 c001 c002'), { path: pathOf(3, 0), definitions, limits }, /2 entries/);
    refused(11544, hex('a1 82 03 00 a3 00 60 01 60 02 60'), { ...root, limits }, /2 entries/);
    const list = decodePathList(322, hex('83 a1 00 62 2f31 a1 00 62 2f32 a1 00 62 2f33'), { ...root, limits });
    assert.ok(isMalformed(list));
  });

  it('an unknown field nested deeper than maxDepth is refused', () => {
    const deep = `[{"x":${'['.repeat(20)}${']'.repeat(20)},"n":"/3/0/9","v":1}]`;
    refused(110, text(deep), root, /more than 16 levels of nesting/);
    refused(
      112,
      hex(`81 a3 61 78 ${'81'.repeat(20)} 00 00 66 2f332f302f39 02 01`),
      root,
      /more than 16 levels of nesting/,
    );
    refused(
      112,
      hex(`81 a3 61 78 ${'c1'.repeat(20)} 00 00 66 2f332f302f39 02 01`),
      root,
      /more than 16 levels of nesting/,
    );
  });

  it('nesting of a hundred thousand levels costs no stack', () => {
    refused(110, text('['.repeat(100_000)), root, /expected an object/);
    refused(110, text(`[{"x":${'{"y":'.repeat(100_000)}`), root, /levels of nesting/);
    refused(112, hex(`81 a1 61 78 ${'9f'.repeat(100_000)}`), root, /levels of nesting/);
    refused(11544, hex('a101'.repeat(100_000)), root, /a map where a value should be/);
    refused(11543, text(`{"x":${'['.repeat(100_000)}`), root, /levels of nesting/);
  });

  it('counts and lengths that the payload cannot hold are refused before anything is set aside for them', () => {
    refused(112, hex('9b ffffffffffffffff'), root, /ends inside a container of 18446744073709551615 items/);
    refused(112, hex('9a ffffffff'), root, /container of 4294967295 items/);
    refused(112, hex('81 ba 7fffffff'), root, /container/);
    refused(60, hex('5b 00000000ffffffff'), { path: pathOf(5, 0, 0), definitions }, /string of 4294967295 bytes/);
    refused(11542, hex('d8 00 ffffff'), { path: pathOf(5, 0), definitions }, /a value of 16777215 bytes/);
  });

  it('a JSON integer of a million digits is refused without being computed', () => {
    refused(110, text(`[{"n":"/3/0/9","v":${'9'.repeat(1_000_000)}}]`), root, /too large for any type/);
  });

  it('sixty thousand Resources in falling order are read as fast as in rising order', () => {
    const rising: number[] = [];
    for (let id = 256; id < 60_000; id++) rising.push(0xe0, id >> 8, id & 0xff);
    const falling: number[] = [];
    for (let id = 59_999; id >= 256; id--) falling.push(0xe0, id >> 8, id & 0xff);
    const context = { path: pathOf(31_000, 0), definitions };
    for (const bytes of [rising, falling]) {
      const found = decodePayload(11542, Uint8Array.from(bytes), context);
      assert.ok(!isMalformed(found));
      assert.equal(found.length, 59_744);
    }
  });
});
