import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Entry } from '../api/shapes.ts';
import { DeviceValues, SERIES_LIMIT, extend } from './device-values.ts';

const float = (path: string, value: number, timestamp?: string): Entry => ({
  path,
  type: 'float',
  value,
  ...(timestamp === undefined ? {} : { timestamp }),
});
const integer = (path: string, value: number): Entry => ({ path, type: 'integer', value });

const valueAt = (values: DeviceValues, path: string): unknown => {
  const snapshot = values.resource(path);
  if (snapshot === undefined) return undefined;
  return snapshot.kind === 'single'
    ? snapshot.seen.value
    : Object.fromEntries(Array.from(snapshot.instances, ([id, { value }]) => [id, value]));
};

describe('the values of a device', () => {
  it('a notification replaces the value and tells who listens to that Resource only', () => {
    const values = new DeviceValues();
    const told: string[] = [];
    values.listen('/3303/0/5700', () => told.push('5700'));
    values.listen('/3303/0/5701', () => told.push('5701'));
    values.take('/3303/0/5700', [float('/3303/0/5700', 21)], 1000, 'notification');
    values.take('/3303/0/5700', [float('/3303/0/5700', 22)], 2000, 'notification');
    assert.equal(valueAt(values, '/3303/0/5700'), 22);
    assert.deepEqual(told, ['5700', '5700']);
    assert.deepEqual(values.series('/3303/0/5700'), { times: [1, 2], values: [21, 22] });
  });

  it('of many timestamped values the newest is shown and all are in the course, in order', () => {
    const values = new DeviceValues();
    const at = (second: number): string => `2026-01-01T00:00:0${second}.000Z`;
    const start = Date.parse(at(0)) / 1000;
    values.take(
      undefined,
      [float('/3303/0/5700', 3, at(3)), float('/3303/0/5700', 1, at(1)), float('/3303/0/5700', 2, at(2))],
      Date.parse(at(9)),
      'send',
    );
    assert.equal(valueAt(values, '/3303/0/5700'), 3);
    assert.deepEqual(values.series('/3303/0/5700'), { times: [start + 1, start + 2, start + 3], values: [1, 2, 3] });
  });

  it('a Read of a multiple Resource forgets the Resource Instances that are gone, a Send does not', () => {
    const values = new DeviceValues();
    values.take('/3/0', [integer('/3/0/6/0', 1), integer('/3/0/6/1', 5)], 1000, 'read');
    assert.deepEqual(valueAt(values, '/3/0/6'), { 0: 1, 1: 5 });
    values.take(undefined, [integer('/3/0/6/1', 6)], 2000, 'send');
    assert.deepEqual(valueAt(values, '/3/0/6'), { 0: 1, 1: 6 });
    values.take('/3/0/6', [integer('/3/0/6/1', 7)], 3000, 'read');
    assert.deepEqual(valueAt(values, '/3/0/6'), { 1: 7 });
  });

  it('an older value that comes late does not replace a newer one', () => {
    const values = new DeviceValues();
    const late: Entry = { ...integer('/3/0/7/0', 3700), timestamp: '1970-01-01T00:00:01.000Z' };
    values.take(undefined, [integer('/3/0/7/0', 3800)], 2000, 'send');
    values.take(undefined, [late], 3000, 'send');
    assert.deepEqual(valueAt(values, '/3/0/7'), { 0: 3800 });
  });

  it('a Read of an Object Instance tells which Resources it has and forgets those it has no more', () => {
    const values = new DeviceValues();
    values.take('/3/0', [integer('/3/0/9', 80), integer('/3/0/10', 1)], 1000, 'read');
    assert.deepEqual(values.presence('/3/0')?.readable, new Set([9, 10]));
    values.take('/3', [integer('/3/0/9', 79)], 2000, 'read');
    assert.deepEqual(values.presence('/3/0')?.readable, new Set([9]));
    assert.equal(values.resource('/3/0/10'), undefined);
    values.take('/3/0/9', [integer('/3/0/9', 78)], 3000, 'read');
    assert.deepEqual(values.presence('/3/0')?.readable, new Set([9]), 'a Read of one Resource says nothing of others');
  });

  it('a Discover tells every Resource and its attributes; that of one Resource nothing of its siblings', () => {
    const values = new DeviceValues();
    values.takeDiscovered('/3', [
      { path: '/3', attributes: {} },
      { path: '/3/0', attributes: { pmin: '1' } },
      { path: '/3/0/4', attributes: {} },
      { path: '/3/0/9', attributes: { gt: '50' } },
    ]);
    assert.deepEqual(values.presence('/3/0')?.discovered, new Set([4, 9]));
    assert.deepEqual(values.attributes('/3/0/9'), { gt: '50' });
    values.takeDiscovered('/3/0/9', [{ path: '/3/0/9', attributes: {} }]);
    assert.deepEqual(values.presence('/3/0')?.discovered, new Set([4, 9]));
    assert.deepEqual(values.attributes('/3/0/9'), {});
    values.takeDiscovered('/3303', [{ path: '/3303/0', attributes: {} }]);
    assert.equal(
      values.presence('/3303/0'),
      undefined,
      'an Object Instance listed without Resources says nothing of them',
    );
  });

  it('what was deleted is forgotten with all below it', () => {
    const values = new DeviceValues();
    values.take('/3303', [float('/3303/1/5700', 1), float('/3303/10/5700', 2)], 1000, 'read');
    values.forget('/3303/1');
    assert.equal(values.resource('/3303/1/5700'), undefined);
    assert.equal(valueAt(values, '/3303/10/5700'), 2, '/3303/10 is not below /3303/1');
    values.take('/3/0/6', [integer('/3/0/6/0', 1), integer('/3/0/6/1', 5)], 1000, 'read');
    values.forget('/3/0/6/0');
    assert.deepEqual(valueAt(values, '/3/0/6'), { 1: 5 });
  });

  it('a multiple Resource without instances is there, with none', () => {
    const values = new DeviceValues();
    values.take('/3/0/11', [{ path: '/3/0/11', kind: 'empty' }], 1000, 'read');
    assert.deepEqual(valueAt(values, '/3/0/11'), {});
  });
});

describe('the course of a number', () => {
  it(`keeps the newest ${SERIES_LIMIT} points`, () => {
    let series = extend({ times: [], values: [] }, 0, 0);
    for (let time = 1; time < SERIES_LIMIT + 10; time++) series = extend(series, time, time);
    assert.equal(series.times.length, SERIES_LIMIT);
    assert.equal(series.times[0], 10);
    assert.equal(series.values.at(-1), SERIES_LIMIT + 9);
  });
  it('takes the later of two values of the same moment', () => {
    assert.deepEqual(extend({ times: [1, 2], values: [1, 2] }, 1, 9), { times: [1, 2], values: [9, 2] });
  });
});
