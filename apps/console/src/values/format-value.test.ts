import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatAge, formatDuration, formatValue } from './format-value.ts';
import { unitSymbol } from './unit-symbols.ts';

describe('values on screen', () => {
  it('a float of four bytes shows what was measured, and all its digits in full', () => {
    assert.deepEqual(formatValue('float', 21.299999237060547), { short: '21.3', full: '21.299999237060547' });
    assert.deepEqual(formatValue('float', 21.5), { short: '21.5' });
    assert.deepEqual(formatValue('float', 123456789), { short: '123456789' });
    assert.deepEqual(formatValue('float', 53.40439123), { short: '53.40439123' });
  });
  it('an integer beyond 2^53 keeps its digits', () => {
    assert.equal(formatValue('integer', '9223372036854775807').short, '9223372036854775807');
  });
  it('opaque bytes are hexadecimal, cut after twelve', () => {
    assert.deepEqual(formatValue('opaque', 'AQID'), { short: '01 02 03', full: '3 bytes' });
    const { short, full } = formatValue('opaque', btoa('0123456789abcdef'));
    assert.equal(short, '30 31 32 33 34 35 36 37 38 39 61 62 …');
    assert.match(full ?? '', /^16 bytes, base64 /);
  });
  it('what is not there is said', () => {
    assert.equal(formatValue('string', '').short, 'empty text');
    assert.equal(formatValue('none', null).short, 'no value');
    assert.equal(formatValue('objlnk', '65535:65535').short, 'no link');
    assert.equal(formatValue('opaque', '').short, 'no bytes');
  });
  it('a time is local, with the moment in UTC in full', () => {
    const { short, full } = formatValue('time', '2026-01-31T12:00:00Z');
    assert.match(short, /^2026-0\d-\d\d \d\d:00:00$|^2026-0\d-\d\d \d\d:\d\d:00$/);
    assert.equal(full, '2026-01-31T12:00:00.000Z');
    assert.equal(formatValue('time', 1769860800).full, '2026-01-31T12:00:00.000Z');
  });
});

describe('ages and durations', () => {
  it('the largest unit that fits is used, rounded down', () => {
    const rows: readonly (readonly [number, string])[] = [
      [0, '0 s'],
      [59.9, '59 s'],
      [60, '1 min'],
      [3599, '59 min'],
      [3600, '1 h'],
      [86_400, '24 h'],
      [172_800, '2 d'],
    ];
    for (const [seconds, text] of rows) assert.equal(formatDuration(seconds), text);
  });
  it('less than a second ago is now', () => {
    assert.equal(formatAge(999), 'now');
    assert.equal(formatAge(1000), '1 s ago');
  });
});

describe('units', () => {
  it('of the SenML registry look as people write them (RFC 8428 §12.1)', () => {
    assert.equal(unitSymbol('Cel'), '°C');
    assert.equal(unitSymbol('/100'), '%');
    assert.equal(unitSymbol('mV'), 'mV');
  });
});
