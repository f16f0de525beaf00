import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EntryJson } from './rest/value-json.ts';
import { SentValues } from './sent-values.ts';

const AT = Date.UTC(2026, 0, 1);
const entry = (value: number | string): EntryJson => ({
  path: '/3303/0/5700',
  type: typeof value === 'string' ? 'string' : 'float',
  value,
});
/** What each value of `entry` costs: 100 and its path. */
const COST = 112;
const keeping = (maxValuesPerDevice: number, maxCharacters = 10_000): SentValues =>
  new SentValues({ maxValuesPerDevice, maxCharacters }, () => AT);
const shown = (sent: SentValues, device: string, limit = 100, before?: number): readonly unknown[] | undefined =>
  sent.page(device, before === undefined ? { limit } : { limit, before })?.items.map(({ entry: { value } }) => value);

describe('the values that devices sent', () => {
  it('are kept with the Send they came in, numbered one by one, the newest first', () => {
    const sent = keeping(10);
    const first = sent.append('a', [entry(1), entry(2)]);
    const second = sent.append('a', [{ ...entry(3), timestamp: '2025-12-31T00:00:00.000Z' }]);
    const { items, hasMore, total } = sent.page('a', { limit: 10 })!;
    assert.deepEqual([hasMore, total], [false, 3]);
    assert.deepEqual(items, [
      {
        id: second,
        sendId: second,
        receivedAt: AT,
        entry: { ...entry(3), timestamp: '2025-12-31T00:00:00.000Z' },
      },
      { id: first + 1, sendId: first, receivedAt: AT, entry: entry(2) },
      { id: first, sendId: first, receivedAt: AT, entry: entry(1) },
    ]);
    assert.equal(second, first + 2);
    assert.equal(sent.page('b', { limit: 10 }), undefined);
  });

  it('come in pages without a repetition, whatever is sent in between', () => {
    const sent = keeping(10);
    for (const value of [1, 2, 3, 4, 5]) sent.append('a', [entry(value)]);
    const first = sent.page('a', { limit: 2 })!;
    assert.deepEqual([first.items.map(({ entry: { value } }) => value), first.hasMore], [[5, 4], true]);
    sent.append('a', [entry(6)]);
    const last = sent.page('a', { limit: 3, before: first.items.at(-1)!.id })!;
    assert.deepEqual([last.items.map(({ entry: { value } }) => value), last.hasMore], [[3, 2, 1], false]);
    assert.deepEqual(shown(sent, 'a', 5, 1), []);
  });

  it('of one device are bounded: the oldest are forgotten first, of a long Send too', () => {
    const sent = keeping(3);
    sent.append('a', [1, 2, 3, 4, 5].map(entry));
    sent.append('b', [entry(9)]);
    assert.deepEqual(shown(sent, 'a'), [5, 4, 3]);
    for (let value = 6; value < 500; value++) sent.append('a', [entry(value)]);
    assert.deepEqual(shown(sent, 'a'), [499, 498, 497]);
    assert.deepEqual([sent.page('a', { limit: 1 })?.total, shown(sent, 'b')], [3, [9]]);
    assert.equal(sent.characters, 4 * COST);
  });

  it('of all devices are bounded: the one that has sent nothing for longest is forgotten first', () => {
    const sent = keeping(10, 4 * COST);
    sent.append('a', [entry(1), entry(2)]);
    sent.append('b', [entry(3)]);
    sent.append('a', [entry(4)]);
    sent.append('c', [entry(5)]);
    assert.deepEqual([shown(sent, 'b'), shown(sent, 'a'), shown(sent, 'c')], [undefined, [4, 2, 1], [5]]);
    sent.append('c', [entry(6)]);
    assert.deepEqual([shown(sent, 'a'), shown(sent, 'c')], [undefined, [6, 5]]);
    assert.equal(sent.characters, 2 * COST);
  });

  it('of one device alone stay below the bound of all, text counted by its length', () => {
    const sent = keeping(10, 3 * COST);
    sent.append('a', [entry('x'.repeat(COST)), entry('y')]);
    assert.deepEqual(shown(sent, 'a'), ['y']);
    sent.append('a', [entry('z'.repeat(4 * COST))]);
    assert.deepEqual([shown(sent, 'a'), sent.characters], [undefined, 0]);
    sent.append('b', []);
    assert.equal(shown(sent, 'b'), undefined);
    sent.append('a', [entry(1)]);
    assert.deepEqual(shown(sent, 'a'), [1]);
  });
});
