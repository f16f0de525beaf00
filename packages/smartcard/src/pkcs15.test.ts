import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { isMalformed } from '@lapwing/lwm2m';
import { SeededRandom } from '@lapwing/testkit';
import { decodeBerTlvs } from './ber-tlv.ts';
import { hex } from './bytes.ts';
import {
  findBootstrapRecord,
  findDataObjectDirectories,
  findPkcs15Application,
  type BootstrapRecord,
  type CardPath,
} from './pkcs15.ts';

interface Vector {
  readonly id: string;
  readonly hex: string;
  readonly expected: { readonly dodfFileId?: string; readonly label?: string; readonly fileId?: string };
}
const { vectors } = JSON.parse(
  readFileSync(new URL('../test/data/smartcard-vectors.json', import.meta.url), 'utf8'),
) as { readonly vectors: readonly Vector[] };
const vector = (id: string): Vector => vectors.find((each) => each.id === `smartcard/${id}`)!;

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const plainPath = ({ index, length, path }: CardPath): unknown => ({ path: hex(path), index, length });
const plain = (record: ReturnType<typeof findBootstrapRecord>): unknown =>
  record === undefined || isMalformed(record) ? record : { ...record, path: plainPath(record.path) };

describe('BER-TLV (ISO 7816-4 §5.2.2)', () => {
  const ROWS: readonly (readonly [string, string, readonly (readonly [number, string])[]])[] = [
    ['nothing', '', []],
    ['one', '4f 02 a000', [[0x4f, 'a000']]],
    [
      'an empty one and another',
      '30 00 04 01 05',
      [
        [0x30, ''],
        [0x04, '05'],
      ],
    ],
    ['a tag of two bytes', '7f21 01 aa', [[0x7f21, 'aa']]],
    ['a tag of three bytes', '5f8101 00', [[0x5f8101, '']]],
    ['a length of two bytes', '04 8101 aa', [[0x04, 'aa']]],
    ['a length of four bytes', '04 83000001 aa', [[0x04, 'aa']]],
    ['padding of FF', '04 01 aa ff ff', [[0x04, 'aa']]],
    ['padding of 00', '04 01 aa 00 00', [[0x04, 'aa']]],
  ];
  for (const [name, text, expected] of ROWS) {
    it(name, () => {
      const found = decodeBerTlvs(bytes(text));
      assert.ok(!isMalformed(found));
      assert.deepEqual(
        found.map(({ tag, value }) => [tag, hex(value)]),
        expected,
      );
    });
  }

  it('every truncation is malformed, or ends before the data object', () => {
    const whole = bytes('7f21 81 02 aabb');
    for (let end = 1; end < whole.length; end++)
      assert.ok(isMalformed(decodeBerTlvs(whole.subarray(0, end))), `${end}`);
  });

  for (const [name, text] of [
    ['a tag of four bytes', '5f818181 00'],
    ['a length of five bytes', '04 8400000001 aa'],
    ['an indefinite length', '30 80 0000'],
  ] as const) {
    it(`${name} is malformed`, () => assert.ok(isMalformed(decodeBerTlvs(bytes(text)))));
  }
});

describe('EF(DIR) (ETSI TS 102 221 §13.1)', () => {
  const usim = '61 09 4f 07 a0000000871002';
  const pkcs15 = '61 14 4f 0c a000000063504b43532d3135 51 04 3f007f50';

  it('names the PKCS#15 application and its path, behind others', () => {
    const found = findPkcs15Application([bytes(`${usim} ffff`), bytes(`${pkcs15} ffff`)]);
    assert.ok(found !== undefined && !isMalformed(found));
    assert.deepEqual([hex(found.aid), hex(found.path!)], ['a000000063504b43532d3135', '3f007f50']);
  });

  it('in one transparent file', () => {
    const found = findPkcs15Application([bytes(`${usim} ${pkcs15} ffff`)]);
    assert.ok(found !== undefined && !isMalformed(found));
    assert.equal(hex(found.path!), '3f007f50');
  });

  it('an AID with more behind "PKCS-15", and no path', () => {
    const found = findPkcs15Application([bytes('61 0f 4f 0d a000000063504b43532d3135 01')]);
    assert.ok(found !== undefined && !isMalformed(found));
    assert.deepEqual([hex(found.aid), found.path], ['a000000063504b43532d313501', undefined]);
  });

  it('without it, empty, and with a record that is none', () => {
    assert.equal(findPkcs15Application([bytes(usim)]), undefined);
    assert.equal(findPkcs15Application([bytes('ffffffff')]), undefined);
    assert.equal(findPkcs15Application([]), undefined);
    assert.ok(isMalformed(findPkcs15Application([bytes('61 20 4f')])));
    assert.ok(!isMalformed(findPkcs15Application([bytes('61 20 4f'), bytes(pkcs15)])));
  });
});

describe('EF(ODF) (PKCS#15 §6.2)', () => {
  it('ef-odf: a card of the field', () => {
    const { expected, hex: text } = vector('ef-odf');
    const found = findDataObjectDirectories(bytes(text));
    assert.ok(!isMalformed(found));
    assert.deepEqual(found.map(plainPath), [{ path: expected.dodfFileId, index: 0, length: undefined }]);
  });

  it('several data object directories in their order, what else there is passed over', () => {
    const found = findDataObjectDirectories(
      bytes('a8 06 3004 0402 4401  a7 0d 300b 0402 6430 0201 10 8002 0120  a7 0a 3008 0406 3f007f506433 ffff'),
    );
    assert.ok(!isMalformed(found));
    assert.deepEqual(found.map(plainPath), [
      { path: '6430', index: 0x10, length: 0x120 },
      { path: '3f007f506433', index: 0, length: undefined },
    ]);
  });

  it('every truncation of the card of the field is malformed, or has no directory', () => {
    const whole = bytes(vector('ef-odf').hex);
    for (let end = 0; end < whole.length; end++) {
      const found = findDataObjectDirectories(whole.subarray(0, end));
      assert.ok(isMalformed(found) || found.length === 0, `${end}`);
    }
  });
});

describe('EF(DODF) (PKCS#15 §6.8)', () => {
  const file = (fileId: string): BootstrapRecord['path'] => ({ path: bytes(fileId), index: 0, length: undefined });
  const OID = vectors.find(({ id }) => id === 'smartcard/oid-der')!.hex;
  const record = (label: string | undefined, isPrivate: boolean, fileId: string): unknown =>
    plain({ label, isPrivate, path: file(fileId) });

  it('ef-dodf: a card of the field, whose OID is wrapped twice', () => {
    const { expected, hex: text } = vector('ef-dodf');
    assert.deepEqual(plain(findBootstrapRecord(bytes(text))), record(expected.label, false, expected.fileId!));
  });

  /** Written by the rules of PKCS#15. */
  const ROWS: readonly (readonly [string, string, unknown])[] = [
    [
      'an opaque data object with the OID among the class attributes',
      `30 18 3004 0c02 4142 3006 ${OID} a108 3006 0404 3f006432`,
      record('AB', false, '3f006432'),
    ],
    [
      'the same object as a private one',
      `30 16 3004 0302 0780 3006 ${OID} a106 3004 0402 6432`,
      record(undefined, true, '6432'),
    ],
    [
      'one that may be modified and is not private',
      `30 16 3004 0302 0640 3006 ${OID} a106 3004 0402 6432`,
      record(undefined, false, '6432'),
    ],
    ['one with a short EF identifier', `30 11 3000 3006 ${OID} a105 3003 0401 90`, record(undefined, false, '90')],
    [
      'an OID data object',
      `a1 14 3000 3004 0c02 4142 a10a 3008 ${OID} 3000`,
      { malformed: 'the record for LwM2M bootstrap in EF(DODF) has no path' },
    ],
    [
      'an OID data object with a path',
      `a1 1a 3000 3004 0c02 4142 a110 300e ${OID} 3006 0404 3f006432`,
      record('AB', false, '3f006432'),
    ],
    [
      'behind one of another application',
      `30 13 3000 3007 0605672b010101 a106 3004 0402 6431  30 12 3000 3006 ${OID} a106 3004 0402 6432`,
      record(undefined, false, '6432'),
    ],
    [
      'behind a malformed one of another application',
      `30 08 3000 3004 0c20 4142  30 12 3000 3006 ${OID} a106 3004 0402 6432`,
      record(undefined, false, '6432'),
    ],
    ['none: another application’s only', '30 13 3000 3007 0605672b010101 a106 3004 0402 6431', undefined],
    ['none: an empty file', 'ffffffff', undefined],
  ];
  for (const [name, text, expected] of ROWS) {
    it(name, () => assert.deepEqual(plain(findBootstrapRecord(bytes(text))), expected));
  }

  it('every truncation of the card of the field is malformed, or has no record', () => {
    const whole = bytes(vector('ef-dodf').hex);
    for (let end = 0; end < whole.length; end++) {
      const found = findBootstrapRecord(whole.subarray(0, end));
      assert.ok(found === undefined || isMalformed(found), `${end}`);
    }
  });

  it('no bytes make any of them throw (seeds 1 and 2)', () => {
    let found = 0;
    for (const seed of [1, 2]) {
      const random = new SeededRandom(seed);
      const samples = [...ROWS.map(([, text]) => text), ...vectors.map((each) => each.hex)];
      for (let count = 0; count < 20_000; count++) {
        const sample = bytes(random.pick(samples));
        for (let times = random.integer(4); times > 0; times--) sample[random.integer(sample.length)] = random.uint32();
        const cut = random.chance(0.2) ? sample.subarray(0, random.integer(sample.length + 1)) : sample;
        findPkcs15Application([cut]);
        findDataObjectDirectories(cut);
        const read = findBootstrapRecord(cut);
        if (isMalformed(read)) assert.match(read.malformed, /^.{10,200}$/);
        else if (read !== undefined) found++;
      }
    }
    assert.ok(found > 3_000, `${found} records`);
  });
});
