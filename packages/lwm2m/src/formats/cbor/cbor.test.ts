/** Our CBOR beside an independent implementation (cborg), and what that does not cover: RFC 8949. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as cborg from 'cborg';
import fc from 'fast-check';
import { SeededRandom } from '@lapwing/testkit';
import { CborReader } from './cbor-reader.ts';
import { CborWriter } from './cbor-writer.ts';

fc.configureGlobal({ seed: 20_261_122 });

const MAX_DEPTH = 16;
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const reader = (bytes: Uint8Array): CborReader => new CborReader(bytes, MAX_DEPTH);
const read = (text: string): { readonly kind: string; readonly value: unknown } | string => {
  const from = reader(hex(text));
  const value = from.scalar();
  if (from.failure === undefined && !from.ended) from.fail('more');
  return from.failure ?? { kind: from.kind, value };
};
const written = (write: (writer: CborWriter) => void): Uint8Array => {
  const writer = new CborWriter();
  write(writer);
  return writer.finish();
};

const anyInteger = fc.oneof(fc.integer(), fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n }));
const exact = (value: number | bigint): number | bigint =>
  Number.isSafeInteger(Number(value)) ? Number(value) : value;
const text = fc.oneof(fc.string({ maxLength: 80 }), fc.string({ unit: 'binary', maxLength: 80 }));

describe('CBOR beside cborg', () => {
  it('writes integers of 64 bits as cborg does, and reads them back exactly', () => {
    fc.assert(
      fc.property(anyInteger, (value) => {
        const bytes = written((writer) => writer.integer(value));
        assert.equal(hexOf(bytes), hexOf(cborg.encode(value)));
        assert.equal(reader(bytes).scalar(), exact(value));
      }),
      { numRuns: 2000 },
    );
  });

  it('writes floats in the same width as cborg does', () => {
    const fraction = fc
      .oneof(
        fc.double(),
        fc.float(),
        fc.integer().map((sixteenths) => sixteenths / 16),
      )
      .filter((value) => !Number.isInteger(value) || Object.is(value, -0));
    fc.assert(
      fc.property(fraction, (value) => {
        const bytes = written((writer) => writer.float(value));
        if (!Object.is(value, -0)) assert.equal(hexOf(bytes), hexOf(cborg.encode(value)));
        assert.ok(Object.is(reader(bytes).scalar(), value));
        assert.ok(Object.is(cborg.decode(bytes, { allowNaN: true, allowInfinity: true }), value));
      }),
      { numRuns: 5000 },
    );
  });

  it('writes every half precision number in three bytes and reads it back', () => {
    for (let bits = 0; bits < 0x1_0000; bits++) {
      const bytes = Uint8Array.of(0xf9, bits >> 8, bits & 0xff);
      const value = reader(bytes).scalar() as number;
      assert.ok(Object.is(value, cborg.decode(bytes)), hexOf(bytes));
      const again = written((writer) => writer.float(value));
      if (!Number.isNaN(value)) assert.equal(hexOf(again), hexOf(bytes));
      else assert.equal(hexOf(again), 'f97e00');
    }
  });

  it('writes texts and bytes as cborg does, and reads them back', () => {
    fc.assert(
      fc.property(text, fc.uint8Array({ maxLength: 400 }), (words, octets) => {
        const asText = written((writer) => writer.text(words));
        assert.equal(hexOf(asText), hexOf(cborg.encode(words)));
        assert.equal(reader(asText).scalar(), words);
        const asBytes = written((writer) => writer.bytes(octets));
        assert.equal(hexOf(asBytes), hexOf(cborg.encode(octets)));
        assert.deepEqual(reader(asBytes).scalar(), octets);
      }),
    );
  });

  it('passes over whatever cborg writes, exactly', () => {
    const anything = fc.anything({
      withBigInt: false,
      withDate: false,
      withMap: false,
      withNullPrototype: false,
      maxDepth: 4,
    });
    fc.assert(
      fc.property(anything, (value) => {
        let bytes: Uint8Array;
        try {
          bytes = cborg.encode(value);
        } catch {
          // Something JavaScript has and CBOR has not.
          return;
        }
        const over = reader(Uint8Array.from([...bytes, 0]));
        over.skip();
        assert.equal(over.failure, undefined);
        assert.equal(over.scalar(), 0);
        assert.equal(over.ended, true);
      }),
    );
  });

  it('calls nothing malformed that cborg reads (seed 7)', () => {
    const random = new SeededRandom(7);
    let readable = 0;
    for (let count = 0; count < 20_000; count++) {
      const bytes = random.bytes(1 + random.integer(12));
      try {
        cborg.decode(bytes, { useMaps: true, rejectDuplicateMapKeys: false });
      } catch {
        continue;
      }
      readable++;
      const over = reader(bytes);
      over.skip();
      assert.equal(over.failure, undefined, hexOf(bytes));
      assert.equal(over.ended, true, hexOf(bytes));
    }
    assert.ok(readable > 500, `${readable} readable`);
  });
});

describe('a CBOR value', () => {
  const time = 1_367_491_215;
  for (const [what, bytes, value] of [
    ['tag 1 marks a time (RFC 8949 §3.4.2)', 'c1 1a 5182428f', { kind: 'time', value: time }],
    ['tag 0 leaves its text (RFC 8949 §3.4.1)', 'c0 61 41', { kind: 'text', value: 'A' }],
    [
      'a bignum of 64 bits is an integer (RFC 8949 §3.4.3)',
      'c2 48 ffffffffffffffff',
      { kind: 'integer', value: 2n ** 64n - 1n },
    ],
    ['a bignum may have leading zeros', 'c2 4a 0000 000000000000002a', { kind: 'integer', value: 42 }],
    ['a negative bignum', 'c3 41 09', { kind: 'integer', value: -10 }],
    [
      'a decimal fraction without fraction is an integer (RFC 8949 §3.4.4)',
      'c4 82 00 1a 1dcd6504',
      { kind: 'integer', value: 500_000_004 },
    ],
    ['a decimal fraction', 'c4 82 21 19 6ab3', { kind: 'float', value: 273.15 }],
    ['a decimal fraction with a bignum', 'c4 82 20 c2 42 0100', { kind: 'float', value: 25.6 }],
    ['a decimal fraction of indefinite length', 'c4 9f 02 03 ff', { kind: 'integer', value: 300 }],
    ['a bigfloat', 'c5 82 20 03', { kind: 'float', value: 1.5 }],
    [
      'a text of indefinite length (RFC 8949 §3.2.3)',
      '7f 65 7374726561 64 6d696e67 ff',
      { kind: 'text', value: 'streaming' },
    ],
    ['an empty text of indefinite length', '7f ff', { kind: 'text', value: '' }],
    [
      'the first negative integer beyond the safe ones',
      '3b 001fffffffffffff',
      { kind: 'integer', value: -(2n ** 53n) },
    ],
    ['the last safe negative integer', '3b 001ffffffffffffe', { kind: 'integer', value: Number.MIN_SAFE_INTEGER }],
    ['an integer longer than needed', '1b 0000000000000001', { kind: 'integer', value: 1 }],
  ] as const) {
    it(what, () => assert.deepEqual(read(bytes), value));
  }

  it('bytes of indefinite length are joined (RFC 8949 §3.2.3)', () => {
    assert.deepEqual(read('5f 42 0102 43 030405 ff'), { kind: 'bytes', value: Uint8Array.of(1, 2, 3, 4, 5) });
  });

  it('bytes are a copy', () => {
    const payload = hex('42 0102');
    const value = reader(payload).scalar();
    payload.fill(0);
    assert.deepEqual(value, Uint8Array.of(1, 2));
  });

  for (const [what, bytes, reason] of [
    ['nothing', '', /ends where an item should be/],
    ['a head cut off', '19 01', /ends inside the head of an item/],
    ['a text cut off', '63 4142', /ends inside a string of 3 bytes/],
    ['a reserved length form', '1c', /reserved length form 28/],
    ['an integer of indefinite length', '1f', /reserved length form 31/],
    ['a tag of indefinite length', 'df 00', /reserved length form 31/],
    ['a tag within a tag', 'd820 d820 61 41', /a tag within a tag/],
    ['a break alone', 'ff', /a break outside an item/],
    ['undefined', 'f7', /a simple value without meaning/],
    ['a simple value', 'f8 ff', /a simple value without meaning/],
    ['an array', '80', /an array where a value should be/],
    ['a map', 'a0', /a map where a value should be/],
    ['a text that is no UTF-8', '62 c328', /no valid UTF-8/],
    ['an overlong UTF-8 form', '62 c080', /no valid UTF-8/],
    ['a text with a surrogate', '63 eda080', /no valid UTF-8/],
    ['a character over two chunks', '7f 61 c3 61 a9 ff', /no valid UTF-8/],
    ['a chunk of another type', '5f 61 41 ff', /chunk of another type/],
    ['a chunk of indefinite length', '5f 5f 41 00 ff ff', /chunk of another type/],
    ['a string without its break', '7f 61 41', /ends inside an item of indefinite length/],
    ['a bignum of 72 bits', 'c2 49 01 0000000000000000', /more than 64 bits/],
    ['a fraction of three', 'c4 83 00 01 02', /no pair of integers/],
    ['a fraction of floats', 'c4 82 f93c00 01', /no pair of integers/],
    ['a fraction cut off', 'c4 82 00', /container of 2 items/],
  ] as const) {
    it(`is refused: ${what}`, () => {
      const found = read(bytes);
      assert.ok(typeof found === 'string');
      assert.match(found, reason);
    });
  }

  it('is refused when it has an enormous exponent, without being computed', () => {
    assert.deepEqual(read('c4 82 3b 7fffffffffffffff 01'), 'a fraction that is no pair of integers at byte 12');
    assert.deepEqual(read('c4 82 3a 7fffffff 01'), { kind: 'float', value: 0 });
    assert.deepEqual(read('c4 82 1a 7fffffff 01'), { kind: 'float', value: Infinity });
  });
});

it('a simple value below 32 in two bytes is not passed over (RFC 8949 §3.3)', () => {
  const over = reader(hex('f8 1f'));
  over.skip();
  assert.match(String(over.failure), /a simple value in two bytes/);
});

it('floats at the edges of half precision have the width they need (RFC 8949 §4.1)', () => {
  for (const [value, bytes] of [
    [1 + 2 ** -10, 'f93c01'],
    [1 + 2 ** -11, 'fa3f801000'],
    [65_504, 'f97bff'],
    [65_520, 'fa477ff000'],
    [65_536, 'fa47800000'],
    [2 ** -24, 'f90001'],
    [2 ** -25, 'fa33000000'],
    [3 * 2 ** -25, 'fa33c00000'],
    [2 ** -14, 'f90400'],
    [0.1, 'fb3fb999999999999a'],
  ] as const) {
    assert.equal(hexOf(written((writer) => writer.float(value))), bytes);
  }
});

describe('a failed reader', () => {
  it('keeps its first reason and reads nothing more', () => {
    const from = reader(hex('62 c328 01'));
    assert.equal(from.text(), '');
    const { failure } = from;
    assert.match(String(failure), /UTF-8 at byte 3/);
    assert.equal(from.scalar(), null);
    assert.equal(from.more(3), false);
    assert.equal(from.ended, true);
    assert.equal(from.failure, failure);
  });
});
