import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { newCounters } from '../counters.ts';
import { RecentMessages, ReplyKind } from './recent-messages.ts';

const LIFETIME = 247_000;
const NON_LIFETIME = 145_000;
const MIB = 1024 * 1024;
const reply = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);

function filter(bytes = MIB): { recent: RecentMessages; counters: ReturnType<typeof newCounters> } {
  const counters = newCounters();
  return { recent: new RecentMessages(bytes, LIFETIME, NON_LIFETIME, counters), counters };
}

describe('duplicate filter (RFC 7252 §4.5)', () => {
  it('knows a message by its peer and Message ID until its lifetime has passed', () => {
    const { recent } = filter();
    recent.add(1_000, 7, 0x1234, false, ReplyKind.pending);
    assert.ok(recent.find(1_000, 7, 0x1234) >= 0);
    assert.equal(recent.find(1_000, 8, 0x1234), -1);
    assert.equal(recent.find(1_000, 7, 0x1235), -1);
    assert.ok(recent.find(1_000 + LIFETIME - 1, 7, 0x1234) >= 0);
    assert.equal(recent.find(1_000 + LIFETIME, 7, 0x1234), -1);
  });

  it('forgets a Non-confirmable message after NON_LIFETIME', () => {
    const { recent } = filter();
    recent.add(0, 7, 1, true, ReplyKind.silence);
    assert.ok(recent.find(NON_LIFETIME - 1, 7, 1) >= 0);
    assert.equal(recent.find(NON_LIFETIME, 7, 1), -1);
  });

  for (const length of [0, 1, 12, 13, 300, 5_000]) {
    it(`keeps a reply of ${length} bytes, in place or moved behind later messages`, () => {
      const { recent } = filter();
      const young = recent.add(0, 1, 1, false, ReplyKind.pending);
      recent.keepReply(0, young, reply(length, 0xaa));
      const old = recent.add(0, 1, 2, false, ReplyKind.pending);
      const next = recent.add(0, 1, 3, false, ReplyKind.pending);
      recent.keepReply(0, old, reply(length, 0xbb));
      recent.settle(next, ReplyKind.acknowledgement);
      for (const [messageId, fill] of [
        [1, 0xaa],
        [2, 0xbb],
      ] as const) {
        const position = recent.find(0, 1, messageId);
        assert.equal(recent.kindAt(position), ReplyKind.kept);
        assert.deepEqual(recent.replyAt(position), reply(length, fill));
      }
      assert.equal(recent.kindAt(recent.find(0, 1, 3)), ReplyKind.acknowledgement);
    });
  }

  it('gives back a copy of the reply', () => {
    const { recent } = filter();
    const position = recent.add(0, 1, 1, false, ReplyKind.pending);
    recent.keepReply(0, position, reply(4, 1));
    recent.replyAt(position).fill(9);
    assert.deepEqual(recent.replyAt(position), reply(4, 1));
  });

  it('treats a message as new whose reply is cheap to make again', () => {
    const { recent } = filter();
    const position = recent.add(0, 1, 1, false, ReplyKind.pending);
    recent.settle(position, ReplyKind.forgotten);
    assert.equal(recent.find(0, 1, 1), -1);
    const again = recent.add(5, 1, 1, false, ReplyKind.pending);
    assert.equal(recent.find(5, 1, 1), again);
  });

  it('stays silent to duplicates of a message whose reply is too large to keep, and counts it', () => {
    const { recent, counters } = filter(16_384);
    const position = recent.add(0, 1, 1, false, ReplyKind.pending);
    recent.keepReply(0, position, reply(5_000, 1));
    assert.equal(recent.kindAt(recent.find(0, 1, 1)), ReplyKind.silence);
    assert.equal(counters.repliesNotKept, 1);
  });

  it('lets go of everything once the lifetime has passed', () => {
    const { recent } = filter();
    for (let id = 0; id < 10_000; id++) recent.add(id, 1, id, false, ReplyKind.silence);
    recent.expire(9_999 + LIFETIME);
    assert.equal(recent.size, 0);
    assert.equal(recent.find(9_999, 1, 5_000), -1);
    recent.add(500_000, 1, 5, false, ReplyKind.silence);
    assert.ok(recent.find(500_000, 1, 5) >= 0);
  });

  it('forgets the oldest early, and counts them, when it is full', () => {
    const { recent, counters } = filter(65_536);
    for (let id = 0; id < 4_000; id++) recent.add(0, 1, id, false, ReplyKind.pending);
    assert.ok(recent.allocatedBytes <= 65_536 * 1.25, `${recent.allocatedBytes} bytes`);
    assert.equal(counters.forgottenEarly + recent.size, 4_000);
    assert.equal(recent.find(0, 1, 0), -1);
    assert.ok(recent.find(0, 1, 3_999) >= 0);
    // What the application says about a forgotten one is of no consequence.
    const forgotten = recent.add(0, 2, 1, false, ReplyKind.pending);
    for (let id = 0; id < 4_000; id++) recent.add(0, 3, id, false, ReplyKind.pending);
    recent.settle(forgotten, ReplyKind.acknowledgement);
    recent.keepReply(0, forgotten, reply(20, 1));
    assert.equal(recent.find(0, 2, 1), -1);
  });

  it('agrees with a plain table over 300,000 random operations', () => {
    const { recent } = filter(4 * MIB);
    const model = new Map<
      number,
      { at: number; nonConfirmable: boolean; reply: number | undefined; position: number }
    >();
    let seed = 42;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    let now = 0;
    let hits = 0;
    for (let step = 0; step < 300_000; step++) {
      now += random(20);
      const peerId = 1 + random(50);
      const messageId = random(400);
      const key = peerId * 65_536 + messageId;
      const known = model.get(key);
      const lifetime = known?.nonConfirmable === true ? NON_LIFETIME : LIFETIME;
      const expected = known !== undefined && now - known.at < lifetime;
      const position = recent.find(now, peerId, messageId);
      assert.equal(position >= 0, expected, `step ${step}`);
      if (!expected) {
        const nonConfirmable = random(4) === 0;
        model.set(key, {
          at: now,
          nonConfirmable,
          reply: undefined,
          position: recent.add(now, peerId, messageId, nonConfirmable, ReplyKind.pending),
        });
      } else if (known.reply === undefined) {
        hits++;
        known.reply = random(60);
        // Moving the entry renews its lifetime: the model follows.
        recent.keepReply(now, position, reply(known.reply, known.reply));
        const moved = recent.find(now, peerId, messageId);
        if (moved !== position) known.at = now;
      } else {
        assert.deepEqual(recent.replyAt(position), reply(known.reply, known.reply));
      }
    }
    assert.ok(hits > 10_000);
  });

  it('holds 1,000,000 exchanges with replies of 12 bytes in 32 bytes each and the hash table, 40 bytes when they interleave', () => {
    const counters = newCounters();
    const bound = 64 * MIB;
    const recent = new RecentMessages(bound, LIFETIME, NON_LIFETIME, counters);
    const twelve = reply(12, 1);
    for (let count = 0; count < 1_000_000; count++) {
      const peerId = 1 + (count >> 4);
      const messageId = (count & 15) * 17;
      assert.equal(recent.find(count / 10, peerId, messageId), -1);
      recent.keepReply(count / 10, recent.add(count / 10, peerId, messageId, false, ReplyKind.pending), twelve);
    }
    assert.equal(counters.forgottenEarly, 0);
    assert.equal(recent.size, 1_000_000);
    assert.ok(recent.allocatedBytes <= 36.5 * 1_000_000, `${recent.allocatedBytes} bytes`);
    for (let count = 0; count < 1_000_000; count += 997) {
      assert.ok(recent.find(100_000, 1 + (count >> 4), (count & 15) * 17) >= 0);
    }
    // Another two million in the same time do not fit: the bound holds, and what was lost is counted.
    for (let count = 0; count < 2_000_000; count++) {
      recent.add(100_000, 100_000 + (count >> 4), count & 15, false, ReplyKind.pending);
    }
    assert.ok(recent.allocatedBytes <= bound * 1.25, `${recent.allocatedBytes} bytes`);
    assert.equal(counters.forgottenEarly, 3_000_000 - recent.size);
  });
});
