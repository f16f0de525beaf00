import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  booleanValue,
  canonicalInteger,
  checkRange,
  corelnkValue,
  floatValue,
  formatValueText,
  integerValue,
  isMalformed,
  NO_VALUE,
  objlnkValue,
  opaqueValue,
  parseValueText,
  resourceId,
  stringValue,
  timeValue,
  unsignedValue,
  valueEquals,
  valueFromJs,
  valueToJs,
  valueToJson,
} from './index.ts';
import type { DataType, ResourceDefinition, Value } from './index.ts';

const anyValue: fc.Arbitrary<Value> = fc.oneof(
  fc.string({ unit: 'binary' }).map(stringValue),
  fc.string().map(corelnkValue),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(integerValue),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(unsignedValue),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(timeValue),
  fc.integer({ min: 0, max: 4_102_444_800 }).map(timeValue),
  fc.double().map(floatValue),
  fc.boolean().map(booleanValue),
  fc.uint8Array().map(opaqueValue),
  fc.tuple(fc.nat(65535), fc.nat(65535)).map(([object, instance]) => objlnkValue(object, instance)),
  fc.constant(NO_VALUE),
);

const converted = (type: DataType, given: unknown): Value => {
  const value = valueFromJs(type, given);
  assert.ok(!isMalformed(value), isMalformed(value) ? value.malformed : '');
  return value;
};

describe('integers', () => {
  it('are a number when safe, else a bigint, so that 64 bits stay exact', () => {
    assert.equal(canonicalInteger('integer', 2n ** 53n - 1n), Number.MAX_SAFE_INTEGER);
    assert.equal(canonicalInteger('integer', 2n ** 53n), 2n ** 53n);
    assert.equal(canonicalInteger('integer', 2 ** 53), 2n ** 53n);
    assert.equal(canonicalInteger('unsigned', 2n ** 64n - 1n), 2n ** 64n - 1n);
    assert.ok(Object.is(canonicalInteger('integer', -0), 0));
  });

  it('outside of their 64 bits, fractions and NaN are none', () => {
    for (const value of [1.5, NaN, Infinity, 2n ** 63n, -(2n ** 63n) - 1n, 2 ** 63]) {
      assert.equal(canonicalInteger('integer', value), undefined, String(value));
    }
    for (const value of [-1, -1n, 2n ** 64n]) assert.equal(canonicalInteger('unsigned', value), undefined);
    assert.throws(() => integerValue(0.5), /0.5 is no integer of 64 bits/);
    assert.throws(() => unsignedValue(-1), /-1 is no unsigned/);
    assert.throws(() => objlnkValue(65536, 0), /65536:0/);
  });
});

describe('valueEquals', () => {
  it('compares types and contents: bytes one by one, NaN equal to itself', () => {
    assert.ok(valueEquals(opaqueValue(Uint8Array.of(1, 2)), opaqueValue(Uint8Array.of(1, 2))));
    assert.ok(!valueEquals(opaqueValue(Uint8Array.of(1, 2)), opaqueValue(Uint8Array.of(1))));
    assert.ok(!valueEquals(opaqueValue(Uint8Array.of(1, 2)), opaqueValue(Uint8Array.of(1, 3))));
    assert.ok(valueEquals(floatValue(NaN), floatValue(NaN)));
    assert.ok(!valueEquals(floatValue(1), integerValue(1)));
    assert.ok(valueEquals(objlnkValue(3, 0), objlnkValue(3, 0)));
    assert.ok(!valueEquals(objlnkValue(3, 0), objlnkValue(3, 1)));
    assert.ok(valueEquals({ type: 'integer', value: 5n }, integerValue(5)));
    assert.ok(!valueEquals(integerValue(2n ** 60n), integerValue(2n ** 60n + 1n)));
    assert.ok(valueEquals(NO_VALUE, { type: 'none', value: null }));
  });
});

describe('values in JavaScript, JSON and text', () => {
  it('come back the same from each form', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        assert.ok(valueEquals(converted(value.type, valueToJs(value)), value));
        const json: unknown = JSON.parse(JSON.stringify(valueToJson(value)));
        assert.ok(valueEquals(converted(value.type, json), value) || Object.is(value.value, -0), JSON.stringify(json));
        const typed = parseValueText(value.type, formatValueText(value));
        assert.ok(!isMalformed(typed) && valueEquals(typed, value));
      }),
    );
  });

  it('have the JSON forms of the REST interface', () => {
    const rows: readonly (readonly [Value, unknown])[] = [
      [integerValue(-5), -5],
      [integerValue(9007199254740993n), '9007199254740993'],
      [unsignedValue(18446744073709551615n), '18446744073709551615'],
      [floatValue(21.5), 21.5],
      [floatValue(Infinity), 'Infinity'],
      [booleanValue(true), true],
      [opaqueValue(Uint8Array.of(0xfb, 0xff)), '+/8='],
      [timeValue(1767225600), '2026-01-01T00:00:00.000Z'],
      [timeValue(-1), '1969-12-31T23:59:59.000Z'],
      [timeValue(2 ** 40), 2 ** 40],
      [objlnkValue(3, 0), '3:0'],
      [objlnkValue(65535, 65535), '65535:65535'],
      [NO_VALUE, null],
    ];
    for (const [value, json] of rows) assert.deepEqual(valueToJson(value), json);
  });

  it('take a time as Date, ISO 8601 with an offset or seconds, cut to the second', () => {
    for (const given of [
      new Date(1767225600999),
      '2026-01-01T00:00:00.999Z',
      '2026-01-01T01:00:00+01:00',
      1767225600,
      '1767225600',
    ]) {
      assert.deepEqual(converted('time', given), timeValue(1767225600));
    }
    for (const given of ['2026-01-01', '2026-01-01T00:00:00', '2026-13-01T00:00:00Z', 'now', 1.5, new Date(NaN)]) {
      assert.ok(isMalformed(valueFromJs('time', given)), String(given));
    }
  });

  it('refuse what is of another type, in one sentence with what is wanted', () => {
    const rows: readonly (readonly [DataType, unknown])[] = [
      ['string', 5],
      ['integer', '5x'],
      ['integer', 5.5],
      ['integer', ''],
      ['integer', '123456789012345678901'],
      ['unsigned', -1],
      ['float', '1e'],
      ['float', ''],
      ['boolean', 1],
      ['boolean', 'true'],
      ['opaque', 'not base64!'],
      ['opaque', [1, 2]],
      ['objlnk', '3'],
      ['objlnk', '65536:0'],
      ['objlnk', { objectId: 3 }],
      ['none', 'x'],
      ['string', undefined],
      ['string', null],
    ];
    for (const [type, given] of rows) {
      const value = valueFromJs(type, given);
      assert.ok(isMalformed(value), `${type} from ${String(given)}`);
      assert.match(value.malformed, new RegExp(`^a Resource of type ${type} takes .*, not `));
    }
    assert.deepEqual(valueFromJs('unsigned', -1), {
      malformed: 'a Resource of type unsigned takes an integer from 0 to 18446744073709551615, not -1',
    });
  });

  it('of a Boolean are typed as true, false, 1 or 0', () => {
    assert.deepEqual(parseValueText('boolean', '1'), booleanValue(true));
    assert.deepEqual(parseValueText('boolean', 'false'), booleanValue(false));
    assert.ok(isMalformed(parseValueText('boolean', 'yes')));
    assert.deepEqual(parseValueText('none', ''), NO_VALUE);
  });

  it('take the null link as the specification prints it by mistake', () => {
    assert.deepEqual(converted('objlnk', 'FFFF:FFFF'), objlnkValue(65535, 65535));
  });

  it('from anything at all never throw', () => {
    const types: readonly DataType[] = [
      'string',
      'integer',
      'unsigned',
      'float',
      'boolean',
      'opaque',
      'time',
      'objlnk',
      'corelnk',
      'none',
    ];
    fc.assert(fc.property(fc.constantFrom(...types), fc.anything(), (type, given) => void valueFromJs(type, given)));
  });
});

describe('checkRange', () => {
  const definition = (type: DataType, range: string): ResourceDefinition => ({
    id: resourceId(1),
    name: 'Level',
    operations: 'RW',
    multiple: false,
    mandatory: false,
    type,
    range,
    units: '',
  });
  const text = (length: number): Value => stringValue('x'.repeat(length));

  // Ranges as the OMA registry words them.
  const rows: readonly (readonly [range: string, allowed: readonly Value[], refused: readonly Value[]])[] = [
    ['0-100', [integerValue(0), integerValue(100)], [integerValue(-1), integerValue(101)]],
    ['0..100', [floatValue(0.5)], [floatValue(100.01), floatValue(NaN)]],
    ['-20..50', [integerValue(-20)], [integerValue(-21)]],
    ['-110..-48', [integerValue(-48)], [integerValue(-47)]],
    ['-30..-120', [integerValue(-100)], [integerValue(0)]],
    ['[1:4]', [integerValue(4)], [integerValue(5)]],
    ['1...15', [integerValue(15)], [integerValue(0)]],
    ['0.000001..1.0', [floatValue(1)], [floatValue(0)]],
    ['0..18446744073709551615', [unsignedValue(2n ** 64n - 1n)], []],
    ['0..9223372036854775807', [integerValue(2n ** 63n - 1n)], [integerValue(-1)]],
    ['0..3, 99', [integerValue(99), integerValue(3)], [integerValue(4)]],
    ['0; 3.8..20.5', [floatValue(0), floatValue(4)], [floatValue(3)]],
    ['5, 10, 15, 20', [integerValue(15)], [integerValue(6)]],
    ['0: disabled 1: normal 255: non_responsive', [integerValue(255)], [integerValue(2)]],
    ['0: CONFIGURED_ON 1: FULL_ON 2: RECALL', [unsignedValue(2)], [unsignedValue(3)]],
    ['0-255 bytes', [text(255), text(0)], [text(256)]],
    ['1..64 Bytes', [text(1)], [text(0), text(65), stringValue('é'.repeat(33))]],
    ['16-32-48 bytes', [opaqueValue(new Uint8Array(32))], [opaqueValue(new Uint8Array(24))]],
    ['16,32,48', [opaqueValue(new Uint8Array(48))], [opaqueValue(new Uint8Array(49))]],
    ['10 or 26 Bytes', [text(10), text(26)], [text(11)]],
    // Not clear, so not checked.
    ['64', [text(65), integerValue(65)], []],
    ['6 bytes', [opaqueValue(new Uint8Array(7))], []],
    ['8 bit', [integerValue(300)], []],
    ['<7 to >12.5', [integerValue(30)], []],
    ['ON;OFF', [floatValue(7)], []],
    ['The possible values are those listed in the LwM2M Core Specification', [stringValue('Z')], []],
    ['', [integerValue(7)], []],
    ['0..65535', [booleanValue(true)], []],
  ];
  for (const [range, allowed, refused] of rows) {
    it(`understands "${range}"`, () => {
      for (const value of allowed) assert.equal(checkRange(definition(value.type, range), value), undefined);
      for (const value of refused) assert.ok(isMalformed(checkRange(definition(value.type, range), value)));
    });
  }

  it('says what is allowed and what was given', () => {
    const levels = definition('integer', '0-100');
    assert.deepEqual(checkRange(levels, integerValue(101)), { malformed: 'Level allows 0-100, not 101' });
    const name = definition('string', '0-3 bytes');
    assert.deepEqual(checkRange(name, stringValue('abcd')), { malformed: 'Level allows 0-3 bytes, not 4 bytes' });
  });
});
