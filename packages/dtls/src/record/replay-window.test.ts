import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ReplayWindow } from './replay-window.ts';

function windowOf(bits: number, received: readonly number[]): ReplayWindow {
  const window = new ReplayWindow(bits);
  for (const sequence of received) window.mark(sequence);
  return window;
}

/** What RFC 6347 §4.1.2.6 says, in the plainest way. */
class Model {
  readonly #received = new Set<number>();
  readonly #bits: number;
  newest = -1;
  constructor(bits: number) {
    this.#bits = bits;
  }
  isFresh(sequence: number): boolean {
    return sequence > this.newest - this.#bits && !this.#received.has(sequence);
  }
  mark(sequence: number): void {
    this.#received.add(sequence);
    this.newest = Math.max(this.newest, sequence);
  }
}

/** Steps forwards and backwards, mostly near the edges of words and windows, some of them far. */
const steps = fc.array(
  fc.oneof(
    fc.integer({ min: -140, max: 140 }),
    fc.constantFrom(-129, -128, -127, -65, -64, -63, -33, -32, -31, 0, 1, 31, 32, 33, 63, 64, 65, 127, 128, 129),
    fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 40),
  ),
  { minLength: 1, maxLength: 60 },
);

describe('the replay window (RFC 6347 §4.1.2.6)', () => {
  for (const bits of [32, 64, 128]) {
    it(`of ${bits} bits takes each number once, and none that is ${bits} or more behind the newest`, () =>
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 300 }), steps, (start, walk) => {
          const window = new ReplayWindow(bits);
          const model = new Model(bits);
          let sequence = start;
          for (const step of walk) {
            sequence = Math.min(Math.max(0, sequence + step), 2 ** 48 - 1);
            assert.equal(window.isFresh(sequence), model.isFresh(sequence), `${sequence}`);
            assert.equal(window.isNewest(sequence), sequence > model.newest);
            if (model.isFresh(sequence)) {
              window.mark(sequence);
              model.mark(sequence);
            }
          }
        }),
        { numRuns: 300 },
      ));
  }

  it('does not move by being asked: only what has authenticated is marked (CVE-2016-2181)', () => {
    const window = windowOf(64, [0, 1, 2]);
    assert.ok(window.isFresh(2 ** 48 - 1));
    assert.ok(window.isNewest(2 ** 48 - 1));
    assert.ok(window.isFresh(3));
    assert.ok(!window.isFresh(2));
    assert.equal(window.state.newest, 2);
  });

  it('has nothing received at first, and takes the last number of an epoch', () => {
    const window = new ReplayWindow(64);
    assert.ok(window.isFresh(0) && window.isNewest(0));
    window.mark(2 ** 48 - 1);
    assert.ok(!window.isFresh(2 ** 48 - 1) && !window.isFresh(0));
    assert.ok(window.isFresh(2 ** 48 - 2) && !window.isNewest(2 ** 48 - 2));
  });

  it('knows numbers more than 2^32 behind as too old', () => {
    const window = windowOf(64, [2 ** 32 + 10]);
    for (const sequence of [0, 9, 10, 11]) assert.ok(!window.isFresh(sequence), `${sequence}`);
  });

  it('goes on with the state of another one', () => {
    const old = windowOf(64, [5, 7, 40, 70]);
    const window = new ReplayWindow(64);
    window.restore(old.state);
    for (let sequence = 0; sequence < 80; sequence++) {
      assert.equal(window.isFresh(sequence), old.isFresh(sequence), `${sequence}`);
    }
  });

  it('that is longer than the one it goes on from takes nothing that one had forgotten', () => {
    const window = new ReplayWindow(128);
    window.restore(windowOf(64, [5, 100]).state);
    assert.deepEqual(
      [36, 37, 99, 100, 101].map((sequence) => window.isFresh(sequence)),
      [false, true, true, false, true],
    );
  });

  it('that is shorter than the one it goes on from takes what it can tell', () => {
    const window = new ReplayWindow(32);
    window.restore(windowOf(64, [5, 90, 100]).state);
    assert.deepEqual(
      [68, 69, 90, 99].map((sequence) => window.isFresh(sequence)),
      [false, true, false, true],
    );
  });
});
