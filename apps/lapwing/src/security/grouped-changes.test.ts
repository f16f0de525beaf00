import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GroupedChanges } from './grouped-changes.ts';

/** A list whose writes are held until they are let through. */
class Kept {
  readonly memory: string[] = [];
  disk: readonly string[] = [];
  writes = 0;
  readonly #release: (() => void)[] = [];
  readonly changes: GroupedChanges = new GroupedChanges(async () => {
    this.writes++;
    const written = [...this.memory];
    await new Promise<void>((resolve, reject) => {
      this.#release.push(() => (this.fails ? reject(new Error('the disk is full')) : resolve()));
    });
    this.disk = written;
  });
  fails = false;

  add(name: string): Promise<string> {
    return this.changes.run(() => {
      if (this.memory.includes(name)) throw new Error(`${name} is there`);
      this.memory.push(name);
      return { undo: () => this.memory.splice(this.memory.lastIndexOf(name), 1), result: name };
    });
  }

  /** Let the write that is under way end, as soon as there is one. */
  async letThrough(): Promise<void> {
    while (this.#release.length === 0) await Promise.resolve();
    this.#release.shift()!();
  }
}

describe('changes that are written together', () => {
  it('share one write when they come at once, and the next when they come during one', async () => {
    const kept = new Kept();
    const first = Promise.all([kept.add('a'), kept.add('b')]);
    while (kept.writes === 0) await Promise.resolve();
    const second = Promise.all([kept.add('c'), kept.add('d')]);
    // A change waits for its turn in memory too.
    assert.deepEqual(kept.memory, ['a', 'b']);
    await kept.letThrough();
    assert.deepEqual(await first, ['a', 'b']);
    await kept.letThrough();
    assert.deepEqual(await second, ['c', 'd']);
    assert.deepEqual([kept.disk, kept.writes], [['a', 'b', 'c', 'd'], 2]);
  });

  it('are all taken back when the write fails, and later ones are made all the same', async () => {
    const kept = new Kept();
    const settled = Promise.allSettled([kept.add('a'), kept.add('b')]);
    while (kept.writes === 0) await Promise.resolve();
    const later = kept.add('c');
    kept.fails = true;
    await kept.letThrough();
    assert.deepEqual(
      (await settled).map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    kept.fails = false;
    await kept.letThrough();
    assert.equal(await later, 'c');
    assert.deepEqual([kept.memory, kept.disk], [['c'], ['c']]);
  });

  it('that throw change nothing and stop nobody', async () => {
    const kept = new Kept();
    const settled = Promise.allSettled([kept.add('a'), kept.add('a'), kept.add('b')]);
    await kept.letThrough();
    assert.deepEqual(
      (await settled).map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.deepEqual([kept.disk, kept.writes], [['a', 'b'], 1]);
  });

  it('that change nothing are not written', async () => {
    const kept = new Kept();
    assert.equal(await kept.changes.run(() => ({ undo: undefined, result: 7 })), 7);
    assert.equal(kept.writes, 0);
  });
});
