import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SentValue } from '../api/shapes.ts';
import { SENDS_PER_PAGE, type SendList, shortened, withSend } from './send-list.ts';

const AT = '2026-01-01T00:00:00.000Z';
const row = (id: number): SentValue => ({
  id,
  sendId: id,
  receivedAt: AT,
  path: '/3303/0/5700',
  type: 'float',
  value: id,
});
const list = (...pages: readonly (readonly number[])[]): SendList => ({
  pages: pages.map((ids, index) => ({
    items: ids.map(row),
    nextCursor: index === pages.length - 1 ? null : 'more',
    total: 10,
  })),
  pageParams: pages.map((_, index) => (index === 0 ? undefined : 'more')),
});
const idsOf = ({ pages }: SendList): readonly (readonly number[])[] =>
  pages.map(({ items }) => items.map(({ id }) => id));

describe('the list of sent values as a Send comes', () => {
  const entries = [1, 2, 3].map((value) => ({ path: '/3303/0/5700', type: 'float' as const, value }));

  it('begins with its values, the last first, each with an id of its own and the time of the Send', () => {
    const after = withSend(list([9, 8], [7]), { sendId: 10, time: AT, entries });
    assert.deepEqual(idsOf(after), [[12, 11, 10, 9, 8], [7]]);
    assert.deepEqual(after.pages[0]?.items[0], { ...entries[2], id: 12, sendId: 10, receivedAt: AT });
  });

  it('takes only what it has not got yet when the list was asked for after the Send', () => {
    const known = list([11, 10, 9]);
    assert.deepEqual(idsOf(withSend(known, { sendId: 10, time: AT, entries })), [[12, 11, 10, 9]]);
    assert.equal(withSend(known, { sendId: 9, time: AT, entries }), known);
  });

  it('begins where there was nothing', () => {
    assert.deepEqual(idsOf(withSend(list([]), { sendId: 1, time: AT, entries })), [[3, 2, 1]]);
  });

  it('keeps its newest page alone when it is too long', () => {
    const ids = Array.from({ length: SENDS_PER_PAGE + 5 }, (_, index) => 500 - index);
    const after = shortened(list(ids, [7]));
    assert.deepEqual(idsOf(after), [ids.slice(0, SENDS_PER_PAGE)]);
    assert.deepEqual(after.pageParams, [undefined]);
  });
});
