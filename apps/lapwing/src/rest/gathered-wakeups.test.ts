import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { EventLog } from '../event-log.ts';
import { EventStream } from './event-stream.ts';
import { GatheredWakeups } from './gathered-wakeups.ts';

function withTimers(test: () => void): void {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    test();
  } finally {
    mock.timers.reset();
  }
}

const newLog = (): EventLog => new EventLog({ maxEvents: 1000, maxCharacters: 1e6 }, () => Date.UTC(2026, 0, 1));

describe('gathered wake-ups', () => {
  it('tell readers once of all events of an interval, and again of later ones', () =>
    withTimers(() => {
      const log = newLog();
      const wakeups = new GatheredWakeups(log, 20);
      let woken = 0;
      const leave = wakeups.subscribe(() => woken++);
      for (let i = 0; i < 100; i++) log.append('registered', `d${i}`);
      assert.equal(woken, 0);
      mock.timers.tick(20);
      assert.equal(woken, 1);
      mock.timers.tick(100);
      assert.equal(woken, 1);
      log.append('registered', 'e');
      mock.timers.tick(20);
      assert.equal(woken, 2);
      leave();
      log.append('registered', 'f');
      mock.timers.tick(20);
      assert.equal(woken, 2);
    }));

  it('stop when they are closed', () =>
    withTimers(() => {
      const log = newLog();
      const wakeups = new GatheredWakeups(log, 20);
      wakeups.subscribe(() => assert.fail('closed'));
      log.append('registered', 'a');
      wakeups.close();
      log.append('registered', 'b');
      mock.timers.tick(100);
    }));

  it('give a reader all events of an interval in one piece', () =>
    withTimers(() => {
      const log = newLog();
      const wakeups = new GatheredWakeups(log, 20);
      const pieces: string[] = [];
      const stream = new EventStream(log, {
        after: undefined,
        types: undefined,
        device: undefined,
        highWaterMark: 65_536,
        wakeups,
      });
      stream.read();
      stream.push = (piece: string): boolean => pieces.push(piece) > 0;
      for (let i = 0; i < 100; i++) log.append('sent', 'd');
      mock.timers.tick(20);
      assert.equal(pieces.length, 1);
      assert.equal(pieces[0]?.match(/^event: sent$/gm)?.length, 100);
      stream.destroy();
      wakeups.close();
    }));
});
