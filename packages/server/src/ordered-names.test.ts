import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SeededRandom } from '@lapwing/testkit';
import { OrderedNames } from './ordered-names.ts';

describe('the names in order', () => {
  it('an empty list has no names', () => {
    const names = new OrderedNames();
    assert.deepEqual([...names.after(undefined)], []);
    assert.deepEqual([...names.after('a')], []);
    names.delete('a');
    assert.equal(names.size, 0);
  });

  it('begins after a name whether or not it is there', () => {
    const names = new OrderedNames();
    for (const name of ['d', 'b', 'a', 'c']) names.insert(name);
    assert.deepEqual([...names.after(undefined)], ['a', 'b', 'c', 'd']);
    assert.deepEqual([...names.after('b')], ['c', 'd']);
    assert.deepEqual([...names.after('bb')], ['c', 'd']);
    assert.deepEqual([...names.after('')], ['a', 'b', 'c', 'd']);
    assert.deepEqual([...names.after('d')], []);
  });

  it('agrees with a sorted array through thousands of insertions and deletions', () => {
    const seed = 7;
    const random = new SeededRandom(seed);
    const names = new OrderedNames();
    const model = new Set<string>();
    for (let step = 0; step < 20_000; step++) {
      const name = `device-${random.uint32() % 5000}`;
      // Growth first, then shrinking, so that runs split and merge.
      const grow = random.uint32() % 100 < (step < 10_000 ? 80 : 30);
      if (grow === model.has(name)) continue;
      if (grow) {
        names.insert(name);
        model.add(name);
      } else {
        names.delete(name);
        model.delete(name);
      }
      if (step % 1000 !== 0) continue;
      const sorted = [...model].sort();
      assert.deepEqual([...names.after(undefined)], sorted, `seed ${seed}, step ${step}`);
      const middle = `device-${random.uint32() % 5000}`;
      assert.deepEqual(
        [...names.after(middle)],
        sorted.filter((each) => each > middle),
      );
    }
    assert.equal(names.size, model.size);
    for (const name of model) names.delete(name);
    assert.deepEqual([...names.after(undefined)], []);
  });
});
