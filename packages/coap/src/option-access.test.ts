import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromHex, title, toHex, vectorsOf } from '../test/vectors.ts';
import { UsageError } from './errors.ts';
import { decodeMessage, isMalformedMessage } from './message-codec.ts';
import type { Message, Option } from './message.ts';
import {
  buildOptions,
  decodeUint,
  encodeUint,
  optionSet,
  readOption,
  readOptions,
  unknownCritical,
} from './option-access.ts';
import { OPTIONS, isCritical, isNoCacheKey, isUnsafe, optionDefinition } from './option-table.ts';
import type { OptionName } from './option-table.ts';

const rows = (options: readonly Option[]): (readonly [number, string])[] =>
  options.map(({ number, value }) => [number, toHex(value)]);
const option = (name: OptionName, hex: string): Option => ({ number: OPTIONS[name].number, value: fromHex(hex) });
const decoded = (hex: string): Message => {
  const message = decodeMessage(fromHex(hex));
  assert.ok(!isMalformedMessage(message));
  return message;
};

describe('the option table (RFC 7252 §5.10)', () => {
  const all = Object.values(OPTIONS);

  it('is ascending and has no number twice', () => {
    const numbers = all.map(({ number }) => number);
    assert.deepEqual(
      numbers,
      [...new Set(numbers)].sort((one, other) => one - other),
    );
  });

  it('finds a row by its number', () => {
    assert.equal(optionDefinition(11), OPTIONS.uriPath);
    assert.equal(optionDefinition(2053)?.name, 'OCF-Content-Format-Version');
    assert.equal(optionDefinition(10), undefined);
  });

  /** Columns C, U and N of the tables in RFC 7252 §5.10, 7641 §2, 7959 §2.1 and §4, 7967 §2, 8768 §3, 9175, 9177. */
  const PROPERTIES: Readonly<Record<string, string>> = {
    'If-Match': 'C',
    'Uri-Host': 'CU',
    ETag: '',
    'If-None-Match': 'C',
    Observe: 'U',
    'Uri-Port': 'CU',
    'Location-Path': '',
    OSCORE: 'C',
    'Uri-Path': 'CU',
    'Content-Format': '',
    'Max-Age': 'U',
    'Uri-Query': 'CU',
    'Hop-Limit': '',
    Accept: 'C',
    'Q-Block1': 'CU',
    'Location-Query': '',
    EDHOC: 'C',
    Block2: 'CU',
    Block1: 'CU',
    Size2: 'N',
    'Q-Block2': 'CU',
    'Proxy-Uri': 'CU',
    'Proxy-Scheme': 'CU',
    Size1: 'N',
    Echo: 'N',
    'No-Response': 'U',
    'Request-Tag': '',
  };
  for (const [name, letters] of Object.entries(PROPERTIES)) {
    it(`${name} is ${letters === '' ? 'elective, safe and part of the cache key' : letters} (§5.4.6)`, () => {
      const { number } = all.find((definition) => definition.name === name)!;
      assert.equal(isCritical(number), letters.includes('C'));
      assert.equal(isUnsafe(number), letters.includes('U'));
      if (!isUnsafe(number)) assert.equal(isNoCacheKey(number), letters.includes('N'));
    });
  }
});

it('the cache key of an unknown option is read off its number alone, critical or not (RFC 7252 §5.4.2)', () => {
  assert.deepEqual([28, 29, 60, 61, 24, 30].map(isNoCacheKey), [true, true, true, true, false, false]);
});

describe('building options', () => {
  it('sorts them ascending whatever the order of the names, and keeps the order of repeated ones', () => {
    const options = buildOptions({
      accept: 11542,
      uriQuery: ['ep=a', 'lt=60'],
      contentFormat: 40,
      uriPath: ['rd', '5a3f'],
    });
    assert.deepEqual(rows(options), [
      [11, '7264'],
      [11, '35613366'],
      [12, '28'],
      [15, '65703d61'],
      [15, '6c743d3630'],
      [17, '2d16'],
    ]);
  });

  it('leaves out what is undefined or an empty list', () => {
    assert.deepEqual(buildOptions({ contentFormat: undefined, uriPath: [] }), []);
  });

  it('writes zero and the empty options in no bytes (§3.2)', () => {
    assert.deepEqual(rows(buildOptions({ contentFormat: 0, ifNoneMatch: true })), [
      [5, ''],
      [12, ''],
    ]);
  });

  it('writes text as UTF-8', () => {
    assert.deepEqual(rows(buildOptions({ uriPath: ['é'] })), [[11, 'c3a9']]);
  });

  const MISUSED: readonly (readonly [string, () => unknown])[] = [
    ['a Content-Format of 3 bytes', () => buildOptions({ contentFormat: 65_536 })],
    ['a negative number', () => buildOptions({ maxAge: -1 })],
    ['a fraction', () => buildOptions({ maxAge: 1.5 })],
    ['a number above 32 bits', () => buildOptions({ maxAge: 2 ** 32 })],
    ['a path segment of 256 bytes', () => buildOptions({ uriPath: ['a'.repeat(256)] })],
    ['an empty Uri-Host', () => buildOptions({ uriHost: '' })],
    ['an ETag of 9 bytes', () => buildOptions({ etag: [new Uint8Array(9)] })],
    ['text for a number', () => buildOptions({ accept: '0' as never })],
    ['a name that no option has', () => buildOptions({ uriPaht: ['a'] } as never)],
  ];
  for (const [what, build] of MISUSED) it(`refuses ${what} with UsageError`, () => assert.throws(build, UsageError));
});

describe('reading options', () => {
  const { options } = decoded('42021001aa01b2726411283865703d6e6f646531086c743d3836343030096c776d326d3d312e3103623d55');

  it('gives numbers, texts and lists by name', () => {
    assert.deepEqual(readOptions(options, 'uriPath'), ['rd']);
    assert.equal(readOption(options, 'contentFormat'), 40);
    assert.deepEqual(readOptions(options, 'uriQuery'), ['ep=node1', 'lt=86400', 'lwm2m=1.1', 'b=U']);
    assert.equal(readOption(options, 'accept'), undefined);
    assert.deepEqual(readOptions(options, 'etag'), []);
  });

  it('gives true for an empty option and bytes for an opaque one', () => {
    const list = [option('etag', '6f00'), option('ifNoneMatch', '')];
    assert.equal(readOption(list, 'ifNoneMatch'), true);
    assert.deepEqual(readOption(list, 'etag'), fromHex('6f00'));
  });

  it('reads back whatever it builds', () => {
    const values = {
      uriHost: 'example.com',
      observe: 0x123456,
      uriPath: ['', '0', 'ü', 'longer than the cache takes', 'x'.repeat(255)],
      contentFormat: 11544,
      maxAge: 0xffff_ffff,
      block1: 0x1a,
      size1: 1_048_576,
    };
    const built = buildOptions(values);
    for (const name of ['uriHost', 'observe', 'contentFormat', 'maxAge', 'block1', 'size1'] as const) {
      assert.equal(readOption(built, name), values[name], name);
    }
    assert.deepEqual(readOptions(built, 'uriPath'), values.uriPath);
  });

  it('passes over a value whose length is out of bounds, as if it were not there (§5.4.3)', () => {
    assert.equal(readOption([option('contentFormat', 'fde8e8')], 'contentFormat'), undefined);
    assert.equal(readOption([option('hopLimit', '')], 'hopLimit'), undefined);
    assert.deepEqual(readOptions([option('etag', ''), option('etag', '01')], 'etag'), [fromHex('01')]);
  });

  it('passes over text that is not UTF-8 (§3.2)', () => {
    for (const hex of ['80', 'c3', 'c0af', 'eda080', 'f5808080', `${'61'.repeat(40)}ff`]) {
      assert.deepEqual(readOptions([option('locationPath', hex)], 'locationPath'), [], hex);
    }
    const replacement = 'efbfbd';
    assert.deepEqual(readOptions([option('locationPath', replacement)], 'locationPath'), ['\ufffd']);
    assert.deepEqual(readOptions([option('locationPath', 'efbbbf61')], 'locationPath'), ['\ufeffa']);
  });

  it('takes the first of several where one is allowed (§5.4.5)', () => {
    assert.equal(readOption([option('maxAge', '01'), option('maxAge', '02')], 'maxAge'), 1);
  });
});

describe('unrecognised critical options (RFC 7252 §5.4)', () => {
  const handled = optionSet('uriPath', 'uriQuery', 'accept', 'contentFormat');

  it('finds none in an ordinary request', () => {
    assert.equal(unknownCritical(buildOptions({ uriPath: ['3'], contentFormat: 0, accept: 60 }), handled), undefined);
  });

  it('passes over elective ones, known or not', () => {
    const unknownElective = { number: 65_000, value: fromHex('01') };
    assert.equal(unknownCritical([option('maxAge', '01'), unknownElective], handled), undefined);
  });

  it('finds one that the receiver does not handle, and one that nobody registered', () => {
    assert.equal(unknownCritical([option('ifMatch', '01')], handled), 1);
    assert.equal(unknownCritical([{ number: 65_001, value: fromHex('') }], handled), 65_001);
  });

  it('finds a handled one whose length is out of bounds (§5.4.3)', () => {
    assert.equal(unknownCritical([option('accept', '010203')], handled), 17);
  });

  it('finds a handled one that is not UTF-8', () => {
    assert.equal(unknownCritical([option('uriPath', 'ff')], handled), 11);
  });

  it('finds a second occurrence of one that is not repeatable (§5.4.5)', () => {
    assert.equal(unknownCritical([option('accept', '28'), option('accept', '3c')], handled), 17);
    assert.equal(unknownCritical([option('uriPath', '33'), option('uriPath', '30')], handled), undefined);
  });

  for (const vector of vectorsOf('coap').filter(({ id }) => id === 'coap/w-unsup-critical')) {
    it(`finds the one of ${title(vector)}`, () =>
      assert.equal(unknownCritical(decoded(vector.hex!).options, handled), 39));
  }

  for (const vector of vectorsOf('coap').filter(({ id }) => id === 'coap/w-cf-3bytes')) {
    it(`ignores the elective one of ${title(vector)}`, () => {
      const { options } = decoded(vector.hex!);
      assert.equal(unknownCritical(options, handled), undefined);
      assert.equal(readOption(options, 'contentFormat'), undefined);
    });
  }
});

describe('unsigned integers (RFC 7252 §3.2)', () => {
  const ROWS: readonly (readonly [number, string])[] = [
    [0, ''],
    [1, '01'],
    [255, 'ff'],
    [256, '0100'],
    [11_542, '2d16'],
    [16_384, '4000'],
    [65_535, 'ffff'],
    [65_536, '010000'],
    [16_777_215, 'ffffff'],
    [16_777_216, '01000000'],
    [4_294_967_295, 'ffffffff'],
  ];
  for (const [value, hex] of ROWS) {
    it(`${value} is ${hex === '' ? 'no bytes' : hex}, and back`, () => {
      assert.equal(toHex(encodeUint(value)), hex);
      assert.equal(decodeUint(fromHex(hex)), value);
    });
  }
  it('takes leading zeros', () => assert.equal(decodeUint(fromHex('0000012c')), 300));
});
