import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeadlineQueue } from './deadlines.ts';
import type { Timed } from './deadlines.ts';

describe('DeadlineQueue', () => {
  it('gives items in the order of their deadlines after any setting, moving and clearing', () => {
    let state = 7;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % below;
    };
    for (let round = 0; round < 200; round++) {
      const queue = new DeadlineQueue();
      const items: Timed[] = Array.from({ length: 20 }, () => ({ deadline: Infinity, heapIndex: -1 }));
      const expected = new Map<Timed, number>();
      for (let step = 0; step < 60; step++) {
        const item = items[random(items.length)]!;
        const at = random(5) === 0 ? Infinity : random(30);
        queue.set(item, at);
        if (at === Infinity) expected.delete(item);
        else expected.set(item, at);
      }
      assert.equal(queue.size, expected.size);
      const moments = [...expected.values()].sort((a, b) => a - b);
      assert.equal(queue.next(), moments[0] ?? Infinity);
      const taken: number[] = [];
      for (const moment of moments) {
        assert.equal(queue.takeDue(moment - 0.5), undefined, 'nothing is due before its time');
        const item = queue.takeDue(moment)!;
        taken.push(expected.get(item)!);
        assert.equal(item.heapIndex, -1);
        assert.equal(item.deadline, Infinity);
      }
      assert.deepEqual(taken, moments);
      assert.equal(queue.size, 0);
    }
  });

  it('clearing what is not scheduled does nothing', () => {
    const queue = new DeadlineQueue();
    queue.clear({ deadline: Infinity, heapIndex: -1 });
    assert.equal(queue.next(), Infinity);
  });
});
