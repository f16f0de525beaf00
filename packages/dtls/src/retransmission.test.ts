import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PREPARING, retransmissionDeadline, retransmissionStep } from './retransmission.ts';
import type { RetransmissionInput, RetransmissionState, RetransmissionStep } from './retransmission.ts';

const TIMES = { retransmissionTimeout: 2_000, maxRetransmissionTimeout: 60_000, maxRetransmissions: 5 };
const NOW = 10_000;

const waiting: RetransmissionState = {
  kind: 'waiting',
  timeout: 4_000,
  deadline: NOW,
  attempts: 1,
  repeatedAt: -Infinity,
};
const early: RetransmissionState = { ...waiting, deadline: NOW + 1 };
const exhausted: RetransmissionState = { ...waiting, attempts: 5 };
const repeated: RetransmissionState = { ...waiting, repeatedAt: NOW - 3_999 };
const repeatedLongAgo: RetransmissionState = { ...waiting, repeatedAt: NOW - 4_000 };
const slow: RetransmissionState = { ...waiting, timeout: 40_000 };
const finished: RetransmissionState = { kind: 'finished', repeatedAt: -Infinity };
const finishedRepeated: RetransmissionState = { kind: 'finished', repeatedAt: NOW - 1_999 };
const finishedLongAgo: RetransmissionState = { kind: 'finished', repeatedAt: NOW - 2_000 };
const failed: RetransmissionState = { kind: 'failed' };

/** A flight that was just sent for the first time. */
const fresh: RetransmissionState = {
  kind: 'waiting',
  timeout: 2_000,
  deadline: NOW + 2_000,
  attempts: 0,
  repeatedAt: -Infinity,
};

const STATES = {
  preparing: PREPARING,
  waiting,
  early,
  exhausted,
  repeated,
  repeatedLongAgo,
  slow,
  finished,
  finishedRepeated,
  finishedLongAgo,
  failed,
};
const same = (state: RetransmissionState): RetransmissionStep => ({ state, effect: 'none' });
const sent = (state: RetransmissionState): RetransmissionStep => ({ state, effect: 'transmit' });

/** Every state and every input; what is not named stays as it is. */
const TABLE: Readonly<
  Record<RetransmissionInput, Readonly<Partial<Record<keyof typeof STATES | 'others', RetransmissionStep>>>>
> = {
  flightMade: { others: sent(fresh), failed: same(failed) },
  lastFlightMade: { others: sent(finished), failed: same(failed) },
  peerProceeded: {
    waiting: same(PREPARING),
    early: same(PREPARING),
    exhausted: same(PREPARING),
    repeated: same(PREPARING),
    repeatedLongAgo: same(PREPARING),
    slow: same(PREPARING),
  },
  peerAwaited: { preparing: same(fresh) },
  peerRepeated: {
    waiting: sent({ ...waiting, deadline: NOW + 4_000, repeatedAt: NOW }),
    early: sent({ ...waiting, deadline: NOW + 4_000, repeatedAt: NOW }),
    exhausted: sent({ ...waiting, attempts: 5, deadline: NOW + 4_000, repeatedAt: NOW }),
    repeatedLongAgo: sent({ ...waiting, deadline: NOW + 4_000, repeatedAt: NOW }),
    slow: sent({ ...waiting, timeout: 40_000, deadline: NOW + 40_000, repeatedAt: NOW }),
    finished: sent({ kind: 'finished', repeatedAt: NOW }),
    finishedLongAgo: sent({ kind: 'finished', repeatedAt: NOW }),
  },
  timeout: {
    waiting: sent({ ...waiting, timeout: 8_000, deadline: NOW + 8_000, attempts: 2 }),
    repeated: sent({ ...repeated, timeout: 8_000, deadline: NOW + 8_000, attempts: 2 }),
    repeatedLongAgo: sent({ ...repeatedLongAgo, timeout: 8_000, deadline: NOW + 8_000, attempts: 2 }),
    slow: sent({ ...waiting, timeout: 60_000, deadline: NOW + 60_000, attempts: 2 }),
    exhausted: { state: failed, effect: 'fail' },
  },
};

describe('retransmissionStep (RFC 6347 §4.2.4)', () => {
  for (const [input, row] of Object.entries(TABLE)) {
    for (const [name, state] of Object.entries(STATES)) {
      const expected = row[name as keyof typeof STATES] ?? row.others ?? same(state);
      it(`${name} and ${input}: ${expected.effect}, then ${expected.state.kind}`, () => {
        assert.deepEqual(retransmissionStep(state, input as RetransmissionInput, NOW, TIMES), expected);
      });
    }
  }

  it('sends a flight nobody answers at 0, 2, 6, 14, 30 and 62 s, and gives up at 122 s', () => {
    let { state } = retransmissionStep(PREPARING, 'flightMade', 0, TIMES);
    const moments: number[] = [];
    for (;;) {
      const now = retransmissionDeadline(state);
      const step = retransmissionStep(state, 'timeout', now, TIMES);
      moments.push(now);
      state = step.state;
      if (step.effect === 'fail') break;
    }
    assert.deepEqual(moments, [2_000, 6_000, 14_000, 30_000, 62_000, 122_000]);
    assert.equal(retransmissionDeadline(state), Infinity);
  });
});
