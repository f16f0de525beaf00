import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EventLog } from '../event-log.ts';
import { EventStream, type EventStreamOptions } from './event-stream.ts';

const newLog = (maxEvents = 100): EventLog =>
  new EventLog({ maxEvents, maxCharacters: 1e6 }, () => Date.UTC(2026, 0, 1));
const open = (log: EventLog, options: Partial<EventStreamOptions> = {}): EventStream =>
  new EventStream(log, { after: undefined, types: undefined, device: undefined, highWaterMark: 65_536, ...options });

/** What the stream has for its reader now. */
function taken(stream: EventStream): string {
  let text = '';
  for (let part: unknown = stream.read(); part !== null; part = stream.read()) text += (part as Buffer).toString();
  return text;
}
const types = (text: string): string[] => [...text.matchAll(/^event: (.*)$/gm)].map((match) => match[1] ?? '');

describe('an event stream', () => {
  it('gives only what happens from now on, unless it is resumed', () => {
    const log = newLog();
    log.append('registered', 'a');
    const stream = open(log);
    log.append('updated', 'a');
    const text = taken(stream);
    assert.deepEqual(types(text), ['updated']);
    assert.match(text, /^retry: \d+\n\nid: \d+\nevent: updated\ndata: \{.*\}\n\n$/);
  });

  it('goes on after Last-Event-ID without loss or repetition', () => {
    const log = newLog();
    log.append('registered', 'a');
    const id = log.lastId;
    log.append('updated', 'a');
    const stream = open(log, { after: id });
    log.append('unregistered', 'a');
    assert.deepEqual(types(taken(stream)), ['updated', 'unregistered']);
  });

  it('begins with gap when the log no longer holds what is asked for, and goes on from now', () => {
    const log = newLog(2);
    const id = log.lastId;
    for (let i = 0; i < 4; i++) log.append('updated', 'a');
    const stream = open(log, { after: id });
    log.append('sent', 'a');
    assert.deepEqual(types(taken(stream)), ['gap', 'sent']);
  });

  it('begins with gap for an id of another run of the server', () => {
    const stream = open(newLog(), { after: 5 });
    assert.deepEqual(types(taken(stream)), ['gap']);
  });

  it('leaves out other devices and types', () => {
    const log = newLog();
    const stream = open(log, { device: 'a', types: new Set(['sent', 'updated']) });
    taken(stream);
    for (const device of ['a', 'b']) for (const type of ['sent', 'registered', 'updated']) log.append(type, device);
    const text = taken(stream);
    assert.deepEqual(types(text), ['sent', 'updated']);
    assert.doesNotMatch(text, /"device":"b"/);
  });

  it('holds no more than its high-water mark for a reader that does not read, and loses nothing of the log', () => {
    const log = newLog(1000);
    const stream = open(log, { highWaterMark: 1000 });
    taken(stream);
    for (let i = 0; i < 500; i++) log.append('sent', `device-${i}`);
    assert.ok(stream.readableLength < 1200, `${stream.readableLength} bytes`);
    const text = taken(stream);
    assert.equal(types(text).length, 500);
    assert.ok(text.includes('device-499'));
    stream.destroy();
  });

  it('drops a reader that takes nothing between two heartbeats', async () => {
    const log = newLog(1000);
    const stream = open(log, { highWaterMark: 200 });
    taken(stream);
    for (let i = 0; i < 50; i++) log.append('sent', `device-${i}`);
    stream.heartbeat();
    assert.equal(stream.destroyed, false);
    stream.heartbeat();
    assert.equal(stream.destroyed, true);
  });

  it('drops a reader whom the log has overtaken', () => {
    const log = newLog(5);
    const stream = open(log, { highWaterMark: 200 });
    taken(stream);
    for (let i = 0; i < 50; i++) log.append('sent', `device-${i}`);
    taken(stream);
    assert.equal(stream.destroyed, true);
  });

  it('keeps a quiet connection awake with comments', () => {
    const stream = open(newLog());
    taken(stream);
    stream.heartbeat();
    stream.heartbeat();
    stream.heartbeat();
    assert.match(taken(stream), /^(: \n\n)+$/);
    assert.equal(stream.destroyed, false);
  });
});
