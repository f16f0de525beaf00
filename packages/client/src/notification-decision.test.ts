import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Value } from '@lapwing/lwm2m';
import { changeMatters, crossed, decideNotification, type ChangeConditions } from './notification-decision.ts';

const float = (value: number): Value => ({ type: 'float', value });
const integer = (value: number | bigint): Value => ({ type: 'integer', value });
const boolean = (value: boolean): Value => ({ type: 'boolean', value });
const opaque = (...bytes: number[]): Value => ({ type: 'opaque', value: Uint8Array.from(bytes) });

describe('whether a change matters (Core §7.3.2, worked examples of 1.2.2)', () => {
  const rows: readonly (readonly [ChangeConditions, last: number, current: number, matters: boolean])[] = [
    [{ gt: 45, st: 10 }, 45, 50, true],
    [{ gt: 45, st: 10 }, 38, 49, true],
    [{ gt: 45, st: 10 }, 48, 42, true],
    [{ gt: 45, st: 10 }, 48, 55, false],
    [{ gt: 85, lt: 20, st: 10 }, 87, 99, true],
    [{ gt: 85, lt: 20, st: 10 }, 87, 96, false],
    [{ gt: 85, lt: 20, st: 10 }, 30, 19, true],
    [{ gt: 85, lt: 20, st: 10 }, 19, 21, true],
    [{ gt: 50 }, 50, 50, false],
    [{ gt: 50 }, 50, 51, true],
    [{ gt: 50 }, 50, 49, true],
    [{ gt: 50 }, 49, 50, false],
    [{ lt: -5.5 }, -5, -6, true],
    [{ st: 0.5 }, 20, 20.5, true],
    [{ st: 0.5 }, 20, 20.25, false],
    [{ st: 0.5 }, 20, 19.5, true],
    [{}, 1, 1, false],
    [{}, 1, 2, true],
  ];
  for (const [conditions, last, current, matters] of rows) {
    it(`${JSON.stringify(conditions)}: ${last} → ${current} ${matters ? 'is told' : 'is not'}`, () => {
      assert.equal(changeMatters(float(last), float(current), conditions), matters);
    });
  }

  it('crossing counts from either side, and a value on the threshold is on both', () => {
    assert.deepEqual(
      [crossed(1, 3, 2), crossed(3, 1, 2), crossed(2, 3, 2), crossed(2, 1, 2), crossed(1, 2, 2), crossed(3, 2, 2)],
      [true, true, true, true, false, false],
    );
  });

  it('64-bit integers are compared exactly', () => {
    const big = 9_007_199_254_740_993n;
    assert.equal(changeMatters(integer(big), integer(big + 1n), {}), true);
    assert.equal(changeMatters(integer(big), integer(big + 1n), { st: 2 }), false);
    assert.equal(changeMatters(integer(big), integer(big + 2n), { st: 2 }), true);
    assert.equal(changeMatters(integer(5), integer(big), { gt: 1e9 }), true);
    assert.equal(changeMatters(integer(big), integer(big), {}), false);
  });

  it('edge: only the change to the named side matters', () => {
    assert.equal(changeMatters(boolean(false), boolean(true), { edge: 1 }), true);
    assert.equal(changeMatters(boolean(true), boolean(false), { edge: 1 }), false);
    assert.equal(changeMatters(boolean(true), boolean(false), { edge: 0 }), true);
    assert.equal(changeMatters(boolean(true), boolean(true), { edge: 1 }), false);
    assert.equal(changeMatters(boolean(true), boolean(false), {}), true);
  });

  it('conditions on numbers do not hold back other values', () => {
    const text = (value: string): Value => ({ type: 'string', value });
    assert.equal(changeMatters(text('a'), text('b'), { gt: 5, st: 100 }), true);
    assert.equal(changeMatters(opaque(1, 2), opaque(1, 3), { st: 100 }), true);
    assert.equal(changeMatters(opaque(1, 2), opaque(1, 2), {}), false);
  });

  it('appearing and vanishing always matter', () => {
    assert.equal(changeMatters(undefined, float(1), { gt: 100 }), true);
    assert.equal(changeMatters(float(1), undefined, { gt: 100 }), true);
    assert.equal(changeMatters(undefined, undefined, {}), false);
  });
});

describe('when a notification goes out (pmin, pmax)', () => {
  const rows = [
    ['unchanged without pmax: never', 0, {}, false, { kind: 'wait', deadline: Infinity }],
    ['changed without pmin: at once', 0, {}, true, { kind: 'notify' }],
    ['changed inside pmin: when it has passed', 9_999, { pmin: 10 }, true, { kind: 'wait', deadline: 10_000 }],
    ['changed, pmin has passed', 10_000, { pmin: 10 }, true, { kind: 'notify' }],
    ['unchanged inside pmax: at pmax', 9_999, { pmax: 60 }, false, { kind: 'wait', deadline: 60_000 }],
    ['unchanged at pmax: notify', 60_000, { pmin: 10, pmax: 60 }, false, { kind: 'notify' }],
    ['pmax 0 is none', 60_000, { pmax: 0 }, false, { kind: 'wait', deadline: Infinity }],
    ['pmax below pmin is ignored', 60_000, { pmin: 30, pmax: 20 }, false, { kind: 'wait', deadline: Infinity }],
    ['pmax equal to pmin holds (since 1.2.1)', 30_000, { pmin: 30, pmax: 30 }, false, { kind: 'notify' }],
  ] as const;
  for (const [name, now, periods, changed, expected] of rows) {
    it(name, () => assert.deepEqual(decideNotification(now, 0, periods, changed), expected));
  }
});
