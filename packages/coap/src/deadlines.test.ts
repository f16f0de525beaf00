import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeadlineQueue, type Timed } from './deadlines.ts';

const item = (): Timed => ({ deadline: Infinity, heapIndex: -1 });

describe('deadline queue', () => {
  it('gives items in the order of their deadlines, and none before its time', () => {
    const queue = new DeadlineQueue<Timed>();
    const items = [30, 10, 20].map((at) => {
      const each = item();
      queue.set(each, at);
      return each;
    });
    assert.equal(queue.next(), 10);
    assert.equal(queue.takeDue(9), undefined);
    assert.deepEqual(
      [queue.takeDue(30), queue.takeDue(30), queue.takeDue(30), queue.takeDue(30)],
      [items[1], items[2], items[0], undefined],
    );
    assert.equal(queue.next(), Infinity);
  });

  it('agrees with a sorted list over 20,000 random operations, and holds nothing that was cleared', () => {
    const queue = new DeadlineQueue<Timed>();
    const items = Array.from({ length: 200 }, item);
    const model = new Map<Timed, number>();
    let seed = 7;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    for (let step = 0; step < 20_000; step++) {
      const each = items[random(items.length)]!;
      switch (random(4)) {
        case 0:
        case 1: {
          const at = random(10) === 0 ? Infinity : random(1_000);
          queue.set(each, at);
          if (at === Infinity) model.delete(each);
          else model.set(each, at);
          break;
        }
        case 2:
          queue.clear(each);
          model.delete(each);
          break;
        case 3: {
          const earliest = Math.min(Infinity, ...model.values());
          const due = queue.takeDue(500);
          if (earliest > 500) assert.equal(due, undefined);
          else {
            assert.equal(model.get(due!), earliest);
            model.delete(due!);
          }
        }
      }
      assert.equal(queue.size, model.size);
      assert.equal(queue.next(), Math.min(Infinity, ...model.values()));
    }
  });
});
