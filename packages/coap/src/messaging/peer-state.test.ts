import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Peer } from '../peer.ts';
import { dropIdleState, obtainState, stateOf } from './peer-state.ts';

const LIFETIME = 247_000;

describe('Message IDs of a peer (RFC 7252 §4.4)', () => {
  it('follow one another from a random start, round and round', () => {
    const state = obtainState(new Peer('a'), () => 0xabcdfffe);
    assert.deepEqual(
      [0, 1, 2, 3].map((now) => state.takeMessageId(now, LIFETIME)),
      [0xfffe, 0xffff, 0, 1],
    );
  });

  for (const perSecond of [1, 16, 200, 245]) {
    it(`are never used twice within EXCHANGE_LIFETIME at ${perSecond} messages a second`, () => {
      const state = obtainState(new Peer('a'), () => 12_345);
      const usedAt = new Float64Array(65_536).fill(-Infinity);
      for (let count = 0; count < 150_000; count++) {
        const now = (count * 1_000) / perSecond;
        const id = state.takeMessageId(now, LIFETIME);
        assert.ok(typeof id === 'number', `none at ${now} ms`);
        assert.ok(now - usedAt[id]! >= LIFETIME, `${id} came again after ${now - usedAt[id]!} ms`);
        usedAt[id] = now;
      }
    });
  }

  it('run out when messages come faster, and say when there will be one', () => {
    const state = obtainState(new Peer('a'), () => 0);
    const usedAt = new Float64Array(65_536).fill(-Infinity);
    let taken = 0;
    let refused = 0;
    for (let now = 0; now < 600_000; now++) {
      const id = state.takeMessageId(now, LIFETIME);
      if (typeof id === 'number') {
        assert.ok(now - usedAt[id]! >= LIFETIME);
        usedAt[id] = now;
        taken++;
      } else {
        assert.ok(id.availableAt > now && id.availableAt <= now + LIFETIME);
        refused++;
      }
    }
    // 65,536 per lifetime at most; a sixteenth may be lost to the coarseness of the bookkeeping.
    assert.ok(taken > 150_000 && taken <= 3 * 65_536, `${taken} taken`);
    assert.equal(taken + refused, 600_000);
  });

  it('go on where they were after the state of an idle peer was dropped', () => {
    const peer = new Peer('a');
    obtainState(peer, () => 99).takeMessageId(0, LIFETIME);
    dropIdleState(0, peer, LIFETIME);
    assert.equal(stateOf(peer), undefined);
    assert.equal(typeof peer.coap, 'number', 'an idle peer costs no object');
    assert.equal(obtainState(peer, () => 7).takeMessageId(0, LIFETIME), 100);
  });

  it('keep their bookkeeping as long as one could come again too soon', () => {
    const peer = new Peer('a');
    const state = obtainState(peer, () => 4_095);
    state.takeMessageId(0, LIFETIME);
    state.takeMessageId(0, LIFETIME); // enters the next sixteenth
    dropIdleState(LIFETIME - 1, peer, LIFETIME);
    assert.equal(stateOf(peer), state);
    dropIdleState(LIFETIME, peer, LIFETIME);
    assert.equal(stateOf(peer), undefined);
  });
});
