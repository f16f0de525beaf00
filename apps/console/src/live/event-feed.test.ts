import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LapwingEvent } from '../api/shapes.ts';
import { EventFeed, type EventStream } from './event-feed.ts';

/** An EventSource whose events the test makes. */
class ScriptedStream implements EventStream {
  readyState = 0;
  readonly #listeners = new Map<string, (event: { readonly data?: unknown }) => void>();
  addEventListener(type: string, listener: (event: { readonly data?: unknown }) => void): void {
    this.#listeners.set(type, listener);
  }
  close(): void {
    this.readyState = 2;
  }
  happen(type: string, data?: unknown): void {
    this.#listeners.get(type)?.({ data: data === undefined ? undefined : JSON.stringify(data) });
  }
}

const setUp = () => {
  const streams: ScriptedStream[] = [];
  const pauses: { readonly timeout: number; readonly callback: () => void }[] = [];
  const events: LapwingEvent[] = [];
  const feed = new EventFeed({
    open: () => {
      const stream = new ScriptedStream();
      streams.push(stream);
      return stream;
    },
    after: (timeout, callback) => {
      pauses.push({ timeout, callback });
      return () => pauses.pop();
    },
  });
  feed.listen((event) => events.push(event));
  feed.start();
  return { feed, streams, pauses, events };
};

describe('the event feed', () => {
  it('gives each event to its listeners with its type', () => {
    const { feed, streams, events } = setUp();
    assert.equal(feed.state, 'connecting');
    streams[0]!.happen('open');
    assert.equal(feed.state, 'live');
    streams[0]!.happen('unregistered', { device: 'a', time: 't', reason: 'expired' });
    assert.deepEqual(events, [{ type: 'unregistered', device: 'a', time: 't', reason: 'expired' }]);
  });

  it('leaves a broken connection to EventSource, which resumes by itself', () => {
    const { feed, streams, pauses, events } = setUp();
    streams[0]!.happen('open');
    streams[0]!.happen('error');
    assert.equal(feed.state, 'reconnecting');
    streams[0]!.happen('open');
    assert.equal(feed.state, 'live');
    assert.equal(streams.length, 1);
    assert.equal(pauses.length, 0);
    assert.deepEqual(events, []);
  });

  it('opens a new stream, later and later, when EventSource gave up, and tells of the gap', () => {
    const { feed, streams, pauses, events } = setUp();
    for (const expected of [1000, 2000, 4000, 8000, 15_000, 15_000]) {
      const stream = streams.at(-1)!;
      stream.readyState = 2;
      stream.happen('error');
      assert.equal(pauses.at(-1)?.timeout, expected);
      pauses.at(-1)?.callback();
    }
    assert.deepEqual(events, []);
    streams.at(-1)!.happen('open');
    assert.equal(feed.state, 'live');
    assert.deepEqual(
      events.map(({ type }) => type),
      ['gap'],
    );
  });
});
