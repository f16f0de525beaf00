import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hexBytes } from '../../test/certificates.ts';
import { DerReader, DerTag } from './der-reader.ts';
import { derElement, derNamedBits, derObjectIdentifier, derSmallInteger, derTime, derUnsigned } from './der-writer.ts';
import { UsageError } from '../errors.ts';

const over = (hex: string): DerReader => DerReader.over(hexBytes(hex), 1000);
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** What `read` makes of the bytes, and what was wrong. */
function read<T>(hex: string, how: (reader: DerReader) => T): T | string {
  const reader = over(hex);
  const value = how(reader);
  reader.end('it');
  return reader.malformed?.malformed ?? value;
}

describe('values of DER, both ways (X.690 §8, §10, §11)', () => {
  // Our own bytes; the object identifiers are those of RFC 5480, the first real one X.690 §8.19.5.
  const IDENTIFIERS = [
    ['06 03 883703', '2.999.3'],
    ['06 08 2a8648ce3d030107', '1.2.840.10045.3.1.7'],
    ['06 03 2b6570', '1.3.101.112'],
    ['06 01 00', '0.0'],
    ['06 01 27', '0.39'],
    ['06 01 28', '1.0'],
    ['06 01 4f', '1.39'],
    ['06 01 50', '2.0'],
    ['06 06 2a8fffffff7f', '1.2.4294967295'],
  ] as const;
  for (const [hex, text] of IDENTIFIERS) {
    it(`OBJECT IDENTIFIER ${text}`, () => {
      assert.equal(
        read(hex, (reader) => reader.objectIdentifier('it')),
        text,
      );
      assert.equal(toHex(derObjectIdentifier(text)), hex.replace(/\s/g, ''));
    });
  }

  const INTEGERS = [
    ['02 01 00', 0],
    ['02 01 7f', 127],
    ['02 02 0080', 128],
    ['02 02 0100', 256],
    ['02 04 7fffffff', 2 ** 31 - 1],
  ] as const;
  for (const [hex, value] of INTEGERS) {
    it(`INTEGER ${value}`, () => {
      assert.equal(
        read(hex, (reader) => reader.smallInteger('it', 2 ** 31 - 1)),
        value,
      );
      assert.equal(toHex(derSmallInteger(value)), hex.replace(/\s/g, ''));
    });
  }

  const BITS = [
    ['03 01 00', 0],
    ['03 02 0780', 1],
    ['03 02 0106', 0b110_0000],
    ['03 03 070780', 0b1_1110_0000],
  ] as const;
  for (const [hex, bits] of BITS) {
    it(`BIT STRING of the named bits ${bits.toString(2)}`, () => {
      assert.equal(
        read(hex, (reader) => reader.namedBits('it')),
        bits,
      );
      assert.equal(toHex(derNamedBits(bits)), hex.replace(/\s/g, ''));
    });
  }

  const TIMES = [
    ['17 0d 3530303130313030303030305a', '1950-01-01T00:00:00.000Z'],
    ['17 0d 3439313233313233353935395a', '2049-12-31T23:59:59.000Z'],
    ['17 0d 3030303232393132303030305a', '2000-02-29T12:00:00.000Z'],
    ['18 0f 32303530303130313030303030305a', '2050-01-01T00:00:00.000Z'],
    ['18 0f 39393939313233313233353935395a', '9999-12-31T23:59:59.000Z'],
  ] as const;
  for (const [hex, text] of TIMES) {
    it(`time ${text}`, () => {
      assert.equal(
        read(hex, (reader) => new Date(reader.time('it')).toISOString()),
        text,
      );
      assert.equal(toHex(derTime(Date.parse(text))), hex.replace(/\s/g, ''));
    });
  }

  it('lengths of one to three bytes', () => {
    for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
      const bytes = derElement(DerTag.octetString, new Uint8Array(length));
      const reader = DerReader.over(bytes, bytes.length);
      assert.equal(reader.content(DerTag.octetString, 'it').length, length);
      reader.end('it');
      assert.equal(reader.malformed, undefined);
    }
  });

  it('an unsigned INTEGER has a zero in front where its highest bit is set, and none besides', () => {
    assert.equal(toHex(derUnsigned(hexBytes('0000ff'))), '020200ff');
    assert.equal(toHex(derUnsigned(hexBytes('0000'))), '020100');
  });

  it('what cannot be written is a UsageError', () => {
    for (const text of ['', '1', '3.1', '1.40', '1.2.x', '1.2.-3']) {
      assert.throws(() => derObjectIdentifier(text), UsageError, text);
    }
    for (const moment of [NaN, Date.UTC(1949, 11, 31), Date.UTC(9999, 11, 31) + 86_400_000]) {
      assert.throws(() => derTime(moment), UsageError);
    }
  });
});

describe('malformed DER (X.690 §10.1, §11)', () => {
  const any = (reader: DerReader): unknown => reader.any('it').tag;
  const ROWS: readonly (readonly [hex: string, what: RegExp, how: (reader: DerReader) => unknown])[] = [
    ['', /missing/, any],
    ['04', /ends before its length/, any],
    ['04 05 00', /longer than what contains it/, any],
    ['24 80 0000', /no definite length/, any],
    ['04 ff', /no definite length/, any],
    ['04 85 0000000001 00', /no definite length/, any],
    ['04 82 01', /no definite length/, any],
    ['04 81 01 00', /shortest length/, any],
    ['04 81 7f', /shortest length/, any],
    ['04 82 0080', /shortest length/, any],
    ['04 84 ffffffff 00', /longer than what contains it/, any],
    ['00 00', /tag 0x00/, any],
    ['1f 81 00 00', /tag 0x1f/, any],
    ['04 00 00', /goes on/, any],
    ['05 00', /0x05 instead of 0x04/, (reader) => reader.content(DerTag.octetString, 'it')],
    ['01 01 01', /BOOLEAN/, (reader) => reader.boolean('it')],
    ['01 00', /BOOLEAN/, (reader) => reader.boolean('it')],
    ['01 02 ffff', /BOOLEAN/, (reader) => reader.boolean('it')],
    ['02 00', /without content/, (reader) => reader.integer('it')],
    ['02 02 0001', /shortest INTEGER/, (reader) => reader.integer('it')],
    ['02 02 ff80', /shortest INTEGER/, (reader) => reader.integer('it')],
    ['02 01 ff', /between 0 and 9/, (reader) => reader.smallInteger('it', 9)],
    ['02 01 0a', /between 0 and 9/, (reader) => reader.smallInteger('it', 9)],
    ['02 06 7fffffffffff', /between 0 and 9/, (reader) => reader.smallInteger('it', 9)],
    ['06 00', /OBJECT IDENTIFIER/, (reader) => reader.objectIdentifier('it')],
    ['06 02 2a86', /OBJECT IDENTIFIER/, (reader) => reader.objectIdentifier('it')],
    ['06 03 2a8001', /OBJECT IDENTIFIER/, (reader) => reader.objectIdentifier('it')],
    ['06 06 2a9080808000', /OBJECT IDENTIFIER/, (reader) => reader.objectIdentifier('it')],
    ['03 00', /BIT STRING/, (reader) => reader.octetsOfBitString('it')],
    ['03 02 0180', /BIT STRING/, (reader) => reader.octetsOfBitString('it')],
    ['03 00', /BIT STRING/, (reader) => reader.namedBits('it')],
    ['03 01 01', /BIT STRING/, (reader) => reader.namedBits('it')],
    ['03 02 0880', /BIT STRING/, (reader) => reader.namedBits('it')],
    ['03 02 0781', /BIT STRING/, (reader) => reader.namedBits('it')],
    ['03 06 000000000001', /BIT STRING/, (reader) => reader.namedBits('it')],
    ['04 01 00', /neither UTCTime/, (reader) => reader.time('it')],
    // Without seconds, with an offset, with fractions, on days and at hours there are none.
    ['17 0b 323630363031303030305a', /no time in seconds/, (reader) => reader.time('it')],
    ['17 11 3236303630313030303030302b30313030', /no time in seconds/, (reader) => reader.time('it')],
    ['18 11 32303236303630313030303030302e355a', /no time in seconds/, (reader) => reader.time('it')],
    ['17 0d 3236303232393030303030305a', /no moment/, (reader) => reader.time('it')],
    ['17 0d 3236303030313030303030305a', /no moment/, (reader) => reader.time('it')],
    ['17 0d 3236303630303030303030305a', /no moment/, (reader) => reader.time('it')],
    ['17 0d 3236303630313234303030305a', /no moment/, (reader) => reader.time('it')],
    ['17 0d 3236303630313030303036305a', /no moment/, (reader) => reader.time('it')],
  ];
  for (const [hex, what, how] of ROWS) {
    it(`${hex || 'nothing'}: ${what.source}`, () => {
      const result = read(hex, how);
      assert.equal(typeof result, 'string');
      assert.match(String(result), what);
    });
  }

  it('an element cannot reach beyond the one it is in', () => {
    const reader = over('30 03 04 02 00 00');
    const inside = reader.enter(DerTag.sequence, 'the outer');
    inside.content(DerTag.octetString, 'the inner');
    assert.match(reader.malformed!.malformed, /the inner is longer than what contains it/);
  });

  it('the first failure sticks, and whatever is read after it is empty', () => {
    const reader = over('30 04 04 00 05 00');
    const inside = reader.enter(DerTag.sequence, 'the outer');
    inside.boolean('the first');
    assert.equal(inside.hasMore, false);
    assert.equal(inside.objectIdentifier('the second'), '');
    assert.equal(reader.content(DerTag.octetString, 'the third').length, 0);
    assert.equal(reader.enter(DerTag.sequence, 'the fourth').hasMore, false);
    assert.match(reader.malformed!.malformed, /the first has the tag 0x04/);
  });

  it('a structure deeper than 16 is not followed', () => {
    let bytes = derElement(DerTag.sequence);
    for (let depth = 0; depth < 20; depth++) bytes = derElement(DerTag.sequence, bytes);
    let reader = DerReader.over(bytes, 1000);
    const outer = reader;
    for (let depth = 0; depth < 20; depth++) reader = reader.enter(DerTag.sequence, 'it');
    assert.match(outer.malformed!.malformed, /deeper than 16/);
  });

  it('more bytes than asked for are not read', () => {
    assert.match(DerReader.over(new Uint8Array(11), 10).malformed!.malformed, /11 bytes, at most 10/);
  });
});
