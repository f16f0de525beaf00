import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { UsageError } from '@lapwing/coap';
import { decodePayload, isMalformed, ObjectDefinitions, objectPath } from '@lapwing/lwm2m';
import { SeededRandom } from '@lapwing/testkit';
import { decodeBootstrapFile, encodeBootstrapFile, usedBytes, type BootstrapObject } from './bootstrap-file.ts';

interface Vector {
  readonly id: string;
  readonly hex: string;
  readonly expected: { readonly objects?: readonly { readonly nodes: readonly (readonly unknown[])[] }[] };
}
const { vectors } = JSON.parse(
  readFileSync(new URL('../test/data/smartcard-vectors.json', import.meta.url), 'utf8'),
) as { readonly vectors: readonly Vector[] };
const vector = vectors.find(({ id }) => id === 'smartcard/ef-bootstrap')!;

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const object = (objectId: number, version: string | undefined, hex: string): BootstrapObject => ({
  objectId,
  version,
  instances: bytes(hex),
});
const plain = (found: ReturnType<typeof decodeBootstrapFile>): unknown =>
  isMalformed(found)
    ? found
    : found.map(({ instances, ...each }) => ({ ...each, instances: Uint8Array.from(instances) }));

/** Bytes of our own, written by the rules of Appendix G. */
const ROWS: readonly { name: string; hex: string; objects: readonly BootstrapObject[] }[] = [
  { name: 'no object', hex: '0000 0000', objects: [] },
  { name: 'an object without instances', hex: '0001 0005 0001 00 0000', objects: [object(1, undefined, '')] },
  { name: 'a version', hex: '0001 0009 4e20 0205 0003 c00000', objects: [object(20_000, '2.5', 'c00000')] },
  {
    name: 'objects with and without a version',
    hex: '0002 0010 0000 00 0003 c10101 fffe ff00 0002 c001',
    objects: [object(0, undefined, 'c10101'), object(65_534, '255.0', 'c001')],
  },
];

describe('the file EF LwM2M_Bootstrap (OMA TS Core 1.1 Appendix G)', () => {
  it(`${vector.id}: a card of the field, read down to its values and written again`, () => {
    const file = bytes(vector.hex);
    const objects = decodeBootstrapFile(file);
    assert.ok(!isMalformed(objects));
    assert.deepEqual(
      objects.map(({ objectId, version }) => ({ objectId, version })),
      [{ objectId: 0, version: undefined }],
    );
    const entries = decodePayload(11542, objects[0]!.instances, {
      path: objectPath(0),
      definitions: new ObjectDefinitions(),
    });
    assert.ok(!isMalformed(entries));
    assert.deepEqual(
      entries.map((entry) => entry.kind === 'value' && entry.value.value),
      vector.expected.objects![0]!.nodes.map(([, , value]) => value),
    );
    assert.deepEqual(encodeBootstrapFile(objects, { fileBytes: file.length }), file);
  });

  for (const { hex, name, objects } of ROWS) {
    it(`${name}: both ways`, () => {
      assert.deepEqual(plain(decodeBootstrapFile(bytes(hex))), objects);
      assert.deepEqual(encodeBootstrapFile(objects), bytes(hex));
    });

    it(`${name}: the same with padding, whatever it is`, () => {
      assert.deepEqual(plain(decodeBootstrapFile(bytes(`${hex} ff ff ff`))), objects);
      assert.deepEqual(plain(decodeBootstrapFile(bytes(`${hex} 00 00`))), objects);
      assert.deepEqual(encodeBootstrapFile(objects, { fileBytes: bytes(hex).length + 3 }), bytes(`${hex} ff ff ff`));
    });

    it(`${name}: cut off anywhere it is malformed`, () => {
      const file = bytes(hex);
      for (let end = 0; end < file.length; end++) {
        assert.ok(isMalformed(decodeBootstrapFile(file.subarray(0, end))), `${end} of ${file.length} bytes`);
      }
    });
  }

  it('every truncation of the card of the field is malformed up to its padding', () => {
    const file = bytes(vector.hex);
    const used = usedBytes(file)!;
    assert.equal(used, file.length - 2);
    for (let end = 0; end < used; end++) assert.ok(isMalformed(decodeBootstrapFile(file.subarray(0, end))), `${end}`);
  });

  it('a file that was never written has no objects', () => {
    assert.deepEqual(decodeBootstrapFile(new Uint8Array(64).fill(0xff)), []);
    assert.equal(usedBytes(new Uint8Array(64).fill(0xff)), 4);
  });

  it('reads a file that is a view into a larger buffer', () => {
    const buffer = bytes(`aaaa ${ROWS[3]!.hex} aaaa`);
    assert.deepEqual(plain(decodeBootstrapFile(buffer.subarray(2, buffer.length - 2))), ROWS[3]!.objects);
  });

  const MALFORMED: readonly (readonly [string, string, RegExp])[] = [
    ['no header', '0001 00', /3 bytes ends in its header/],
    ['a collection longer than the file', '0001 0006 0001 00 0000', /collection of 6 bytes in a bootstrap file of 9/],
    ['more objects than announced', '0001 000a 0001 00 0000 0001 00 0000', /5 bytes .* left after its 1 objects/],
    ['fewer objects than announced', '0002 0005 0001 00 0000', /1 objects in a collection of 2/],
    ['announced objects and none', '0001 0000', /0 objects in a collection of 1/],
    ['a collection that ends in an entry', '0001 0006 0001 00 0002 c0 01', /ends in the 2 bytes of instances/],
    ['a collection that ends in a length', '0001 0004 0001 00 0000', /ends in the header of the entry at byte 4/],
    ['a version whose minor is the length', '0001 0005 0001 02 0500', /ends in the header/],
    ['the reserved object id', '0001 0005 ffff 00 0000', /reserved object id 65535/],
  ];
  for (const [name, hex, message] of MALFORMED) {
    it(`${name} is malformed`, () => {
      const found = decodeBootstrapFile(bytes(hex));
      assert.ok(isMalformed(found));
      assert.match(found.malformed, message);
    });
  }

  it('no bytes make it throw, and what it reads is written back as it was (seeds 1 to 3)', () => {
    let sound = 0;
    for (const seed of [1, 2, 3]) {
      const random = new SeededRandom(seed);
      for (let count = 0; count < 20_000; count++) {
        const file = bytes(random.pick([vector.hex, ...ROWS.map(({ hex }) => hex)]));
        for (let times = random.integer(4); times > 0; times--) file[random.integer(file.length)] = random.uint32();
        const cut = random.chance(0.2) ? file.subarray(0, random.integer(file.length + 1)) : file;
        const objects = decodeBootstrapFile(cut);
        if (isMalformed(objects)) assert.match(objects.malformed, /^.{10,200}$/);
        else if (objects.length > 0) {
          sound++;
          const used = usedBytes(cut)!;
          assert.deepEqual(encodeBootstrapFile(objects), cut.slice(0, used), `seed ${seed}`);
        }
      }
    }
    assert.ok(sound > 5_000, `${sound} sound files`);
  });

  const MISUSED: readonly (readonly [string, () => unknown])[] = [
    ['object id 65535', () => encodeBootstrapFile([object(65_535, undefined, '')])],
    ['a negative object id', () => encodeBootstrapFile([object(-1, undefined, '')])],
    ['major version 0', () => encodeBootstrapFile([object(3, '0.9', '')])],
    ['a version of three parts', () => encodeBootstrapFile([object(3, '1.0.1', '')])],
    ['version 256.0', () => encodeBootstrapFile([object(3, '256.0', '')])],
    ['version 1.256', () => encodeBootstrapFile([object(3, '1.256', '')])],
    ['a file too small', () => encodeBootstrapFile([object(3, '1.0', 'c00000')], { fileBytes: 12 })],
    ['a file larger than READ BINARY reaches', () => encodeBootstrapFile([], { fileBytes: 32_769 })],
    [
      'content larger than that',
      () => encodeBootstrapFile([{ ...object(3, '1.0', ''), instances: new Uint8Array(33_000) }]),
    ],
  ];
  for (const [name, act] of MISUSED) it(`refuses to write ${name}`, () => void assert.throws(act, UsageError));
});
