import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EventLog } from './event-log.ts';

const AT = Date.UTC(2026, 0, 1);
const log = (maxEvents = 3, maxCharacters = 10_000): EventLog => new EventLog({ maxEvents, maxCharacters }, () => AT);

describe('the event log', () => {
  it('numbers events by one and adds type, time and device to them', () => {
    const events = log();
    const before = events.lastId;
    events.append('registered', 'a', { x: 1 });
    events.append('refused', undefined);
    const first = events.next(before);
    assert.equal(first?.id, before + 1);
    assert.deepEqual(JSON.parse(first?.data ?? ''), {
      type: 'registered',
      time: '2026-01-01T00:00:00.000Z',
      device: 'a',
      x: 1,
    });
    assert.equal(events.next(before + 1)?.type, 'refused');
    assert.equal(events.next(before + 2), undefined);
  });

  it('forgets the oldest beyond its number of events, and knows that they are missing', () => {
    const events = log(3);
    const before = events.lastId;
    for (let i = 0; i < 5; i++) events.append('sent', `d${i}`);
    assert.equal(events.size, 3);
    assert.equal(events.holdsAllAfter(before), false);
    assert.equal(events.holdsAllAfter(before + 1), false);
    assert.equal(events.holdsAllAfter(before + 2), true);
    assert.equal(events.next(before)?.device, 'd2');
  });

  it('forgets the oldest beyond its number of characters, and keeps at least the newest', () => {
    const events = log(100, 300);
    for (let i = 0; i < 10; i++) events.append('sent', 'd', { text: 'x'.repeat(100) });
    assert.ok(events.size === 1 || events.size === 2, `${events.size}`);
    events.append('sent', 'd', { text: 'x'.repeat(1000) });
    assert.equal(events.size, 1);
  });

  it('stays right over many times its size', () => {
    const events = log(1500, Infinity);
    for (let i = 0; i < 20_000; i++) events.append('sent', `d${i}`);
    assert.equal(events.size, 1500);
    let [id, seen] = [events.lastId - 1500, 0];
    for (let event = events.next(id); event !== undefined; event = events.next(id)) {
      assert.equal(event.device, `d${18_500 + seen++}`);
      assert.equal(event.id, id + 1);
      id = event.id;
    }
    assert.equal(seen, 1500);
  });

  it('does not know ids that it has not given out, as those of a run before', () => {
    const events = log();
    assert.equal(events.holdsAllAfter(events.lastId + 1), false);
    assert.equal(events.holdsAllAfter(0), false);
    const later = new EventLog({ maxEvents: 3, maxCharacters: 100 }, () => AT + 5);
    assert.equal(later.holdsAllAfter(events.lastId), false);
  });

  it('wakes its readers after every event until they leave', () => {
    const events = log();
    let woken = 0;
    const leave = events.subscribe(() => woken++);
    events.append('sent', 'd');
    leave();
    events.append('sent', 'd');
    assert.equal(woken, 1);
  });
});
