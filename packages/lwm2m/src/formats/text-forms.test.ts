/** The texts inside payloads: decimal numbers, Object Links, base64, dates, names. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatPath, isMalformed, pathOf } from '../index.ts';
import type { Path } from '../index.ts';
import { decodeBase64, encodeBase64, encodeBase64Url } from './base64.ts';
import { parseDateTime } from './date-time.ts';
import { formatDecimalFloat, parseDecimalFloat, parseDecimalInteger, parseObjectLink } from './decimal-text.ts';
import { NodeNames } from './node-name.ts';

fc.configureGlobal({ seed: 20_261_122 });

describe('decimal numbers (OMA TS Core 1.2 Appendix C)', () => {
  it('of 64 bits are exact', () => {
    assert.equal(parseDecimalInteger('18446744073709551615'), 2n ** 64n - 1n);
    assert.equal(parseDecimalInteger('9007199254740991'), Number.MAX_SAFE_INTEGER);
    assert.equal(parseDecimalInteger('9007199254740993'), 9_007_199_254_740_993n);
    assert.ok(Object.is(parseDecimalInteger('-0'), 0));
  });

  it('are nothing else', () => {
    for (const text of ['', '-', '+1', ' 1', '1 ', '1.0', '1e3', '0x1', '1_000', '9'.repeat(21), '１']) {
      assert.equal(parseDecimalInteger(text), undefined, text);
    }
    for (const text of ['', '.', '-', 'e3', '1e', 'NaN', 'Infinity', '1e999', '1,5', ' 1', '0x1']) {
      assert.equal(parseDecimalFloat(text), undefined, text);
    }
  });

  it('of floats are written without exponent and read back the same', () => {
    for (const [value, text] of [
      [6.667e-11, '0.00000000006667'],
      [0.1, '0.1'],
      [1e-7, '0.0000001'],
      [-1.25e-8, '-0.0000000125'],
      [1e21, '1000000000000000000000'],
      [-1.5e22, '-15000000000000000000000'],
      [12, '12'],
      [-0, '-0'],
    ] as const) {
      assert.equal(formatDecimalFloat(value), text);
    }
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = formatDecimalFloat(value);
        assert.match(text, /^-?[0-9]+(\.[0-9]+)?$/);
        assert.ok(Object.is(parseDecimalFloat(text), value), text);
      }),
      { numRuns: 2000 },
    );
  });
});

it('Object Links are two ids of 16 bits', () => {
  assert.deepEqual(parseObjectLink('66:0'), { objectId: 66, objectInstanceId: 0 });
  for (const text of ['', ':', '1:', ':1', '1', '1:2:3', '65536:0', '0:65536', '-1:0', 'FFFF:0', '1 :2', '000001:0']) {
    assert.equal(parseObjectLink(text), undefined, text);
  }
});

describe('base64 (RFC 4648)', () => {
  it('of the test vectors of §10, in all its forms', () => {
    for (const [words, text] of [
      ['', ''],
      ['f', 'Zg=='],
      ['fo', 'Zm8='],
      ['foo', 'Zm9v'],
      ['foob', 'Zm9vYg=='],
      ['fooba', 'Zm9vYmE='],
      ['foobar', 'Zm9vYmFy'],
    ] as const) {
      const bytes = new TextEncoder().encode(words);
      assert.equal(encodeBase64(bytes), text);
      assert.equal(encodeBase64Url(bytes), text.replaceAll('=', ''));
      assert.deepEqual(decodeBase64(text), bytes);
      assert.deepEqual(decodeBase64(text.replaceAll('=', '')), bytes);
    }
  });

  it('in both alphabets is what Node.js makes of it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        assert.equal(encodeBase64(bytes), Buffer.from(bytes).toString('base64'));
        assert.equal(encodeBase64Url(bytes), Buffer.from(bytes).toString('base64url'));
        assert.deepEqual(decodeBase64(encodeBase64(bytes)), bytes);
        assert.deepEqual(decodeBase64(encodeBase64Url(bytes)), bytes);
      }),
    );
  });

  it('is nothing else', () => {
    for (const text of [
      'A',
      'AAAAA',
      'A===',
      '=',
      '====',
      'AA=',
      'AAA==',
      'AB',
      'A A=',
      'QQ==\n',
      'é',
      'AA=A',
      'QQ=',
    ]) {
      assert.equal(decodeBase64(text), undefined, text);
    }
  });
});

describe('dates with times (RFC 3339)', () => {
  it('are seconds since 1970', () => {
    for (const text of [
      '1970-01-01T00:00:00Z',
      '1970-01-01T00:00:01-00:00',
      '2013-03-21T20:04:00Z',
      '2013-03-21T20:04:00.5Z',
      '2000-02-29T12:00:00+02:00',
      '1999-12-31T23:59:59-08:30',
      '2100-03-01T00:00:00Z',
      '1969-12-31T23:59:59Z',
      '0001-01-01T00:00:00Z',
      '9999-12-31T23:59:59Z',
    ]) {
      assert.equal(parseDateTime(text), Math.floor(Date.parse(text) / 1000), text);
    }
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }), (date) => {
        assert.equal(parseDateTime(date.toISOString()), Math.floor(date.getTime() / 1000));
      }),
    );
  });

  it('are nothing else', () => {
    for (const text of [
      '',
      '2013-03-21',
      '2013-03-21T20:04:00',
      '2013-13-21T20:04:00Z',
      '2013-00-21T20:04:00Z',
      '2013-02-29T20:04:00Z',
      '1900-02-29T20:04:00Z',
      '2013-04-31T20:04:00Z',
      '2013-03-21T24:04:00Z',
      '2013-03-21T20:60:00Z',
      '2013-03-21T20:04:61Z',
    ]) {
      assert.equal(parseDateTime(text), undefined, text);
    }
  });
});

describe('names of nodes (RFC 8428 §4.5.1)', () => {
  const nameOf = (text: string, path: Path, alternatePath?: string): string => {
    const found = new NodeNames({ path, ...(alternatePath === undefined ? {} : { alternatePath }) }).path(text);
    return isMalformed(found) ? found.malformed : formatPath(found);
  };

  for (const [text, path, expected] of [
    ['/', pathOf(), '/'],
    ['', pathOf(), '/'],
    ['', pathOf(3, 0, 9), '/3/0/9'],
    ['/3/0/9', pathOf(), '/3/0/9'],
    ['/3/0/', pathOf(), '/3/0'],
    ['/67/0/00', pathOf(), '/67/0/0'],
    ['/3/65535/9', pathOf(3), '/3/65535/9'],
    ['3/0/9', pathOf(), '/3/0/9'],
    ['3/0/9', pathOf(3), '/3/0/9'],
    ['0/9', pathOf(3), '/3/0/9'],
    ['9', pathOf(3, 0), '/3/0/9'],
    ['6/1', pathOf(3, 0), '/3/0/6/1'],
    ['/9', pathOf(3, 0), '/9'],
  ] as const) {
    it(`${JSON.stringify(text)} below ${formatPath(path)} is ${expected}`, () =>
      assert.equal(nameOf(text, path), expected));
  }

  for (const text of [
    '//',
    '/3//0',
    '/3/0/9//',
    '/a',
    '/3/0/9/0/0',
    '/65535',
    '/3/0/65535',
    '/3/0/0/65535',
    '/-1',
    '/3.0',
    '/99999999999',
  ]) {
    it(`${JSON.stringify(text)} is refused`, () => assert.match(nameOf(text, pathOf()), /is no path/));
  }

  it('below a Resource no more than a Resource Instance fits', () => {
    assert.match(nameOf('1/2', pathOf(3, 0, 6)), /is no path, and none below \/3\/0\/6/);
  });

  it('a long name is cut in the sentence about it', () => {
    assert.ok(nameOf(`/${'x'.repeat(10_000)}`, pathOf()).length < 100);
  });
});
