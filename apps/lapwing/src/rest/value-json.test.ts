import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isMalformed, pathOf, type DataType, type Value } from '@lapwing/lwm2m';
import { entryToJson, guessedType, valueFromJson, valueToJson, type ScalarJson } from './value-json.ts';

/** Each row both ways. */
const VALUES: readonly (readonly [name: string, value: Value, json: ScalarJson])[] = [
  ['text', { type: 'string', value: 'grüße' }, 'grüße'],
  ['empty text', { type: 'string', value: '' }, ''],
  ['a link list', { type: 'corelnk', value: '</3/0>' }, '</3/0>'],
  ['an Integer', { type: 'integer', value: -5 }, -5],
  ['the greatest safe Integer', { type: 'integer', value: 2 ** 53 - 1 }, 2 ** 53 - 1],
  ['an Integer beyond 2^53', { type: 'integer', value: 2n ** 53n }, '9007199254740992'],
  ['the least Integer', { type: 'integer', value: -(2n ** 63n) }, '-9223372036854775808'],
  ['the greatest Unsigned', { type: 'unsigned', value: 2n ** 64n - 1n }, '18446744073709551615'],
  ['a Float', { type: 'float', value: 21.5 }, 21.5],
  ['not a number', { type: 'float', value: NaN }, 'NaN'],
  ['minus infinity', { type: 'float', value: -Infinity }, '-Infinity'],
  ['a Boolean', { type: 'boolean', value: false }, false],
  ['bytes', { type: 'opaque', value: Uint8Array.of(0, 255, 16) }, 'AP8Q'],
  ['no bytes', { type: 'opaque', value: new Uint8Array() }, ''],
  ['a time', { type: 'time', value: 1767225600 }, '2026-01-01T00:00:00.000Z'],
  ['a time before 1970', { type: 'time', value: -1 }, '1969-12-31T23:59:59.000Z'],
  ['a time beyond what a Date holds', { type: 'time', value: 2n ** 62n }, '4611686018427387904'],
  ['an Object Link', { type: 'objlnk', value: { objectId: 3, objectInstanceId: 0 } }, '3:0'],
  ['the null link', { type: 'objlnk', value: { objectId: 65535, objectInstanceId: 65535 } }, '65535:65535'],
];

describe('values as JSON (docs/rest-api.md)', () => {
  for (const [name, value, json] of VALUES) {
    it(`${name} <-> ${JSON.stringify(json)}`, () => {
      assert.deepEqual(valueToJson(value), json);
      assert.deepEqual(valueFromJson(value.type, json, '/value'), value);
    });
  }

  it('gives null for a Resource without a value', () => {
    assert.equal(valueToJson({ type: 'none', value: null }), null);
  });

  it('accepts a time as seconds since 1970, as text with an offset, and with a fraction of zero', () => {
    const time = { type: 'time', value: 1767225600 };
    for (const json of [1767225600, '1767225600', '2026-01-01T01:00:00+01:00', '2026-01-01T00:00:00.0Z']) {
      assert.deepEqual(valueFromJson('time', json, '/value'), time);
    }
  });

  const REFUSED: readonly (readonly [type: DataType, json: unknown, why: RegExp])[] = [
    ['string', 5, /^\/value: expected text, got 5$/],
    ['integer', 1.5, /whole number/],
    ['integer', 2 ** 53, /as decimal text beyond 2\^53.*got 9007199254740992/],
    ['integer', '9223372036854775808', /whole number/],
    ['integer', '007', /whole number/],
    ['integer', true, /whole number.*got true/],
    ['unsigned', -1, /not negative/],
    ['unsigned', '18446744073709551616', /not negative/],
    ['float', '21.5', /expected a number, got "21.5"/],
    ['float', null, /expected a number, got null/],
    ['boolean', 1, /true or false/],
    ['boolean', 'true', /true or false/],
    ['opaque', 'AP8', /base64/],
    ['opaque', 'A$==', /base64/],
    ['opaque', [0], /base64/],
    ['time', '2026-01-01', /ISO 8601/],
    ['time', '2026-02-30T00:00:00Z', /ISO 8601/],
    ['time', '2026-01-01T00:00:00.5Z', /ISO 8601/],
    ['time', 'yesterday', /ISO 8601/],
    ['objlnk', '3', /Object Link/],
    ['objlnk', '3:65536', /Object Link/],
    ['objlnk', { objectId: 3 }, /Object Link/],
    ['none', null, /can only be executed/],
    ['string', undefined, /expected text, got nothing/],
  ];
  for (const [type, json, why] of REFUSED) {
    it(`refuses ${JSON.stringify(json)} as ${type}, and says where and why`, () => {
      const refused = valueFromJson(type, json, '/value');
      assert.ok(isMalformed(refused));
      assert.match(refused.malformed, why);
    });
  }

  it('shows at most 40 characters of a wrong value', () => {
    const refused = valueFromJson('integer', 'x'.repeat(1000), '/value');
    assert.ok(isMalformed(refused) && refused.malformed.length < 150);
  });

  it('guesses the type of a Resource that no definition knows', () => {
    assert.deepEqual([true, 5, 5.5, 'five', null].map(guessedType), [
      'boolean',
      'integer',
      'float',
      'string',
      'string',
    ]);
  });

  it('keeps the timestamp of an entry to the millisecond', () => {
    const path = pathOf(3303, 0, 5700);
    assert.deepEqual(
      entryToJson({ kind: 'value', path, value: { type: 'float', value: 21 }, timestamp: 1767225600.25 }),
      {
        path: '/3303/0/5700',
        type: 'float',
        value: 21,
        timestamp: '2026-01-01T00:00:00.250Z',
      },
    );
  });

  it('marks an entry without a value', () => {
    assert.deepEqual(entryToJson({ kind: 'empty', path: pathOf(3303, 1) }), { path: '/3303/1', kind: 'empty' });
  });
});
