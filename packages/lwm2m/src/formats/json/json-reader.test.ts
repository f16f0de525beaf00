/** JSON beside JSON.parse, and what that cannot: exact integers. RFC 8259. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SeededRandom } from '@lapwing/testkit';
import { JsonReader } from './json-reader.ts';

fc.configureGlobal({ seed: 20_261_122 });

const MAX_DEPTH = 16;
const read = (text: string): { readonly kind: string; readonly value: unknown } | string => {
  const reader = new JsonReader(text, MAX_DEPTH);
  const value = reader.scalar();
  if (!reader.ended) reader.fail('more');
  return reader.failure ?? { kind: reader.kind, value };
};
const skipped = (text: string): string | undefined => {
  const reader = new JsonReader(text, MAX_DEPTH);
  reader.skip();
  if (!reader.ended) reader.fail('more');
  return reader.failure;
};

describe('JSON beside JSON.parse', () => {
  it('reads every string as it does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.deepEqual(read(JSON.stringify(text)), { kind: 'text', value: text });
      }),
    );
  });

  it('reads every number as it does', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = JSON.stringify(value);
        const found = read(text);
        assert.ok(typeof found !== 'string', text);
        assert.equal(Number(found.value), JSON.parse(text));
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with it on what is JSON, whatever is done to it (seed 11)', () => {
    const random = new SeededRandom(11);
    const source = '[{"n":"/3/0/9","v":-12.5e+3,"vb":true,"x":[null,{"a":"\\u00e9\\n"},false]} , 0]';
    let valid = 0;
    for (let count = 0; count < 20_000; count++) {
      const characters = [...source];
      for (let changes = 1 + random.integer(2); changes > 0; changes--) {
        characters.splice(
          random.integer(characters.length),
          random.integer(3),
          random.pick([...source, '\n', 'é', '\t']),
        );
      }
      const text = characters.join('');
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      if (isJson) valid++;
      assert.equal(skipped(text) === undefined, isJson, text);
    }
    assert.ok(valid > 500, `${valid} valid`);
  });
});

describe('a JSON number', () => {
  for (const [text, kind, value] of [
    ['18446744073709551615', 'integer', 2n ** 64n - 1n],
    ['-9223372036854775808', 'integer', -(2n ** 63n)],
    ['9007199254740991', 'integer', Number.MAX_SAFE_INTEGER],
    ['9007199254740993', 'integer', 9_007_199_254_740_993n],
    ['20.0', 'float', 20],
    ['1.638435E9', 'float', 1_638_435_000],
    ['-0', 'integer', -0],
  ] as const) {
    it(`${text} is read exactly`, () => assert.deepEqual(read(text), { kind, value }));
  }

  for (const text of ['01', '1.', '.5', '+1', '0x10', '1e', 'NaN', 'Infinity', '--1', '1e999', '9'.repeat(41)]) {
    it(`${text.slice(0, 12)} is refused`, () => assert.equal(typeof read(text), 'string'));
  }
});

describe('a JSON string', () => {
  it('with a pair of escaped surrogates is one character', () => {
    assert.deepEqual(read('"\\ud83d\\ude00"'), { kind: 'text', value: '😀' });
  });

  for (const text of ['"\\ud83d"', '"\\q"', '"\\u12"', '"a', '"\\', '"\u0001"', '"\n"', "'a'"]) {
    it(`${JSON.stringify(text)} is refused`, () => assert.equal(typeof read(text), 'string'));
  }
});
