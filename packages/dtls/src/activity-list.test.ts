import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ActivityList } from './activity-list.ts';
import type { Active } from './activity-list.ts';

class Item implements Active<Item> {
  readonly name: string;
  lastActivity = 0;
  listedActivity = 0;
  quieter: Item | undefined = undefined;
  livelier: Item | undefined = undefined;
  constructor(name: string) {
    this.name = name;
  }
}

describe('ActivityList', () => {
  it('names the item that has been silent longest', () => {
    const list = new ActivityList<Item>(10);
    const [a, b, c] = [new Item('a'), new Item('b'), new Item('c')];
    list.add(a, 0);
    list.add(b, 1);
    list.add(c, 2);
    assert.equal(list.quietest, a);
    list.touch(a, 20);
    assert.equal(list.quietest, b);
    list.remove(b);
    assert.equal(list.quietest, c);
    list.remove(c);
    list.remove(a);
    assert.equal(list.quietest, undefined);
    assert.equal(list.size, 0);
  });

  it('notes each activity, but moves an item only once per granularity', () => {
    const list = new ActivityList<Item>(10);
    const [a, b] = [new Item('a'), new Item('b')];
    list.add(a, 0);
    list.add(b, 1);
    list.touch(a, 9);
    assert.equal(a.lastActivity, 9);
    assert.equal(list.quietest, a, 'within the granularity it keeps its place');
    list.touch(a, 10);
    assert.equal(list.quietest, b);
  });
});
