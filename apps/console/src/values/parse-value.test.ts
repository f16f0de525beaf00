import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DataType, JsonValue } from '../api/shapes.ts';
import { draftOf, parseDraft, parseRange, rangeWarning } from './parse-value.ts';

const accepted: readonly (readonly [DataType, string, JsonValue])[] = [
  ['integer', '42', 42],
  ['integer', ' -7 ', -7],
  ['integer', '+7', 7],
  ['integer', '9007199254740991', 9007199254740991],
  ['integer', '9007199254740993', '9007199254740993'],
  ['integer', '-9223372036854775808', '-9223372036854775808'],
  ['unsigned', '18446744073709551615', '18446744073709551615'],
  ['float', '21.5', 21.5],
  ['float', '21,5', 21.5],
  ['float', '1e-3', 0.001],
  ['string', '', ''],
  ['string', ' as typed ', ' as typed '],
  ['time', '2026-01-31T12:00:00Z', '2026-01-31T12:00:00Z'],
  ['time', '1700000000', 1700000000],
  ['objlnk', '3:0', '3:0'],
  ['objlnk', ' 3 / 0 ', '3:0'],
  ['objlnk', '65535:65535', '65535:65535'],
  ['opaque', 'hex:', ''],
  ['opaque', 'hex:0x0A 1b', 'Chs='],
  ['opaque', 'hex:0a:1b', 'Chs='],
  ['opaque', 'base64:Chs=', 'Chs='],
  ['opaque', 'base64:-_8', '+/8='],
  ['corelnk', '</3/0>', '</3/0>'],
];

const refused: readonly (readonly [DataType, string])[] = [
  ['integer', ''],
  ['integer', '1.5'],
  ['integer', '9223372036854775808'],
  ['unsigned', '-1'],
  ['unsigned', '18446744073709551616'],
  ['float', ''],
  ['float', 'warm'],
  ['float', 'Infinity'],
  ['time', 'noon'],
  ['time', ''],
  ['objlnk', '3'],
  ['objlnk', '3:65536'],
  ['opaque', 'hex:0a1'],
  ['opaque', 'hex:xy'],
  ['opaque', 'base64:?'],
  ['none', 'anything'],
];

describe('what a person types', () => {
  for (const [type, text, value] of accepted) {
    it(`"${text}" is the ${type} ${JSON.stringify(value)}`, () => {
      assert.deepEqual(parseDraft(type, text), { ok: true, value });
    });
  }
  for (const [type, text] of refused) {
    it(`"${text}" is refused as ${type}, with a sentence`, () => {
      const parsed = parseDraft(type, text);
      assert.equal(parsed.ok, false);
      assert.match(parsed.ok ? '' : parsed.reason, /\.$/);
    });
  }
  it('a switch is a boolean', () => {
    assert.deepEqual(parseDraft('boolean', true), { ok: true, value: true });
  });
});

describe('what an input starts with', () => {
  const values: readonly (readonly [DataType, JsonValue])[] = [
    ['integer', 42],
    ['integer', '9007199254740993'],
    ['float', 21.5],
    ['boolean', true],
    ['string', 'a'],
    ['opaque', 'Chs='],
    ['time', '2026-01-31T12:00:00Z'],
    ['objlnk', '3:0'],
  ];
  for (const [type, value] of values) {
    it(`the ${type} ${JSON.stringify(value)} comes back unchanged when it is not touched`, () => {
      assert.deepEqual(parseDraft(type, draftOf(type, value)), { ok: true, value });
    });
  }
});

describe('ranges as definitions word them', () => {
  it('bounds are found', () => {
    assert.deepEqual(parseRange('0-100'), { least: 0, greatest: 100 });
    assert.deepEqual(parseRange('-20..60'), { least: -20, greatest: 60 });
    assert.deepEqual(parseRange('-180-180'), { least: -180, greatest: 180 });
    assert.deepEqual(parseRange('-1.5 - -0.5'), { least: -1.5, greatest: -0.5 });
  });
  it('other wordings name none', () => {
    for (const range of ['', '0-255 bytes', '1, 2, 4', '5-1']) assert.equal(parseRange(range), undefined, range);
  });
  it('a number outside is warned of and not refused', () => {
    assert.match(rangeWarning('integer', '0-100', 101) ?? '', /0-100/);
    assert.equal(rangeWarning('integer', '0-100', 100), undefined);
    assert.equal(rangeWarning('string', '0-100', 'long'), undefined);
  });
});
