import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SeededRandom } from '@lapwing/testkit';
import { LifetimeWheel, type WheelEntry } from './lifetime-wheel.ts';

class Entry implements WheelEntry {
  deadline: number;
  wheelSlot = -1;
  nextInSlot: WheelEntry | undefined = undefined;
  previousInSlot: WheelEntry | undefined = undefined;
  constructor(deadline: number) {
    this.deadline = deadline;
  }
}

/** Call the wheel when it asks to be called, until `end`; the moments at which each entry expired. */
function run(wheel: LifetimeWheel<Entry>, end: number): Map<Entry, number> {
  const expired = new Map<Entry, number>();
  for (let now = wheel.nextDeadline(); now <= end; now = wheel.nextDeadline())
    wheel.advance(now, (entry) => expired.set(entry, now));
  return expired;
}

describe('the lifetime wheel', () => {
  it('is idle when empty, and when its only entry never expires', () => {
    const wheel = new LifetimeWheel<Entry>(1000, 8);
    assert.equal(wheel.nextDeadline(), Infinity);
    wheel.place(0, new Entry(Infinity));
    assert.equal(wheel.nextDeadline(), Infinity);
    assert.equal(wheel.size, 0);
  });

  it('finds an entry at its deadline, at most one step late', () => {
    const wheel = new LifetimeWheel<Entry>(1000, 8);
    const entry = new Entry(2500);
    wheel.place(100, entry);
    assert.equal(run(wheel, 10_000).get(entry), 3000);
    assert.equal(wheel.size, 0);
    assert.equal(wheel.nextDeadline(), Infinity);
  });

  it('a deadline many rounds away is found when it comes', () => {
    const wheel = new LifetimeWheel<Entry>(1000, 8);
    const entry = new Entry(86_400_000);
    wheel.place(0, entry);
    assert.equal(run(wheel, 100_000_000).get(entry), 86_400_000);
  });

  it('a deadline that moved later is not missed and needs no call', () => {
    const wheel = new LifetimeWheel<Entry>(1000, 8);
    const entry = new Entry(3000);
    wheel.place(0, entry);
    entry.deadline = 20_000;
    assert.equal(run(wheel, 30_000).get(entry), 20_000);
  });

  it('a deadline that moved earlier is found when it is placed again', () => {
    const wheel = new LifetimeWheel<Entry>(1000, 8);
    const entry = new Entry(60_000);
    wheel.place(0, entry);
    entry.deadline = 2000;
    wheel.place(500, entry);
    assert.equal(wheel.size, 1);
    assert.equal(run(wheel, 90_000).get(entry), 2000);
  });

  it('a removed entry does not expire', () => {
    const wheel = new LifetimeWheel<Entry>(1000, 8);
    const entries = [new Entry(2000), new Entry(2000), new Entry(2000)];
    for (const entry of entries) wheel.place(0, entry);
    wheel.remove(entries[1]!);
    wheel.remove(entries[1]!);
    const expired = run(wheel, 10_000);
    assert.deepEqual([...expired.keys()].map((entry) => entries.indexOf(entry)).sort(), [0, 2]);
  });

  it('what expires may remove and place others', () => {
    const wheel = new LifetimeWheel<Entry>(1000, 8);
    const first = new Entry(2000);
    const second = new Entry(2000);
    wheel.place(0, first);
    wheel.place(0, second);
    const expired: Entry[] = [];
    wheel.advance(2000, (entry) => {
      expired.push(entry);
      wheel.remove(entry === first ? second : first);
      entry.deadline = 5000;
      wheel.place(2000, entry);
    });
    assert.equal(expired.length, 1);
    assert.equal(run(wheel, 9000).get(expired[0]!), 5000);
  });

  it('a clock that jumps far ahead finds everything that is due', () => {
    const wheel = new LifetimeWheel<Entry>(1000, 8);
    const entries = Array.from({ length: 50 }, (_, index) => new Entry(index * 700));
    for (const entry of entries) wheel.place(0, entry);
    const found = new Set<Entry>();
    wheel.advance(1_000_000, (entry) => found.add(entry));
    assert.equal(found.size, 50);
  });

  it('nothing expires early or more than one step late, whatever is refreshed meanwhile', () => {
    const seed = 3;
    const random = new SeededRandom(seed);
    const wheel = new LifetimeWheel<Entry>(1000, 16);
    const entries = Array.from({ length: 300 }, () => new Entry(random.uint32() % 100_000));
    const alive = new Set(entries);
    for (const entry of entries) wheel.place(0, entry);
    for (let now = 0; now < 400_000; now += 250) {
      const refreshed = entries[random.uint32() % entries.length]!;
      if (alive.has(refreshed) && now < 200_000) refreshed.deadline = Math.max(refreshed.deadline, now + 30_000);
      if (wheel.nextDeadline() > now) continue;
      wheel.advance(now, (entry) => {
        alive.delete(entry);
        assert.ok(
          entry.deadline <= now && now - entry.deadline <= 1250,
          `seed ${seed}: ${now - entry.deadline} ms late`,
        );
      });
    }
    assert.equal(alive.size, 0);
    assert.equal(wheel.size, 0);
  });
});
