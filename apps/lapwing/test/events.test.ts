/** Server-sent events over HTTP: what happens to a device arrives, in order, and can be resumed. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import type { DeviceSummaryJson } from '../src/rest/schemas.ts';
import type { EntryJson } from '../src/rest/value-json.ts';
import { RunningApp } from './running-app.ts';

interface ServerSentEvent {
  readonly id: number;
  readonly type: string;
  readonly data: {
    readonly type: string;
    readonly time: string;
    readonly device?: string;
    readonly path?: string;
    readonly reason?: string;
    readonly code?: string;
    readonly address?: string;
    readonly entries?: readonly EntryJson[];
    readonly registration?: DeviceSummaryJson;
  };
}

/** Reads events one by one, as an EventSource would. */
class EventReader {
  readonly response: Response;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = '';

  private constructor(response: Response) {
    this.response = response;
    this.#reader = (response.body as ReadableStream<Uint8Array>).getReader();
  }

  static async open(api: RunningApp, query = '', lastEventId?: number | string): Promise<EventReader> {
    const headers = lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) };
    const response = await fetch(`${api.app.httpUrl}/api/v1/events${query}`, { headers });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    return new EventReader(response);
  }

  async next(): Promise<ServerSentEvent> {
    for (;;) {
      const block = await this.#block();
      const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
      const data = field('data');
      if (data !== undefined) {
        return {
          id: Number(field('id')),
          type: field('event') ?? '',
          data: JSON.parse(data) as ServerSentEvent['data'],
        };
      }
    }
  }

  /** Wait for a comment, passing over events. */
  async comment(): Promise<void> {
    while (!(await this.#block()).startsWith(':'));
  }

  async #block(): Promise<string> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return block;
      }
      const { done, value } = await this.#reader.read();
      if (done) throw new Error('the stream has ended');
      this.#text += this.#decoder.decode(value, { stream: true });
    }
  }

  close(): Promise<void> {
    return this.#reader.cancel();
  }
}

let api: RunningApp;
before(async () => {
  api = await RunningApp.start({ maxEvents: 200, maxEventStreams: 4, heartbeatInterval: 20 });
});
after(() => api.close());

describe('events', () => {
  it('tell the life of a device in order, each with type, time and device', async () => {
    const reader = await EventReader.open(api, '?device=life');
    const device = await api.device('life');
    await api.call('PUT', '/devices/life/observations/3303/0/5700');
    const notified = once(api.app.server, 'notified');
    device.set('/3303/0/5700', 30);
    await notified;
    await api.call('DELETE', '/devices/life/observations/3303/0/5700?mode=active');
    await device.close();

    const events: ServerSentEvent[] = [];
    do events.push(await reader.next());
    while (events.at(-1)?.type !== 'unregistered');
    assert.deepEqual(
      events.map(({ type }) => type),
      ['registered', 'observed', 'notification', 'observation-ended', 'unregistered'],
    );
    for (const { type, data } of events) {
      assert.deepEqual([data.type, data.device], [type, 'life']);
      assert.ok(!Number.isNaN(Date.parse(data.time)));
    }
    const [registered, , notification, ended, unregistered] = events;
    assert.equal(registered?.data.registration?.name, 'life');
    assert.deepEqual(notification?.data.entries, [{ path: '/3303/0/5700', type: 'float', value: 30 }]);
    assert.deepEqual([ended?.data.path, ended?.data.reason], ['/3303/0/5700', 'cancelled']);
    assert.equal(unregistered?.data.reason, 'deregistered');
    await reader.close();
  });

  it('resume after Last-Event-ID with nothing lost and nothing twice', async () => {
    const first = await EventReader.open(api, '?type=registered,unregistered');
    await (await api.device('one')).close();
    const seen = await first.next();
    await first.close();
    await (await api.device('two')).close();
    const second = await EventReader.open(api, '?type=registered,unregistered', seen.id);
    const resumed = [await second.next(), await second.next(), await second.next()];
    assert.deepEqual(
      resumed.map(({ type, data }) => `${data.device} ${type}`),
      ['one unregistered', 'two registered', 'two unregistered'],
    );
    await second.close();
  });

  it('begin with gap when what was missed is forgotten or the id is not ours', async () => {
    for (const id of [1, 'nonsense', '99999999999999999999']) {
      const reader = await EventReader.open(api, '', id);
      const { type, data } = await reader.next();
      assert.deepEqual([type, data.type], ['gap', 'gap']);
      await reader.close();
    }
  });

  it('tell what a device sends by itself', async () => {
    const reader = await EventReader.open(api, '?type=sent');
    const device = await api.device('sender');
    await device.send(['/3303/0/5700']);
    const { data } = await reader.next();
    assert.equal(data.device, 'sender');
    assert.deepEqual([data.entries?.[0]?.path, data.entries?.[0]?.value], ['/3303/0/5700', 21.5]);
    await device.close();
    await reader.close();
  });

  it('tell refused registrations', async () => {
    const reader = await EventReader.open(api, '?type=refused');
    const socket = createSocket('udp4');
    // POST /rd without ep, own bytes: CON, code 0.02, Message ID 1, Uri-Path "rd", Content-Format 40.
    socket.send(Buffer.from('40020001b272641128', 'hex'), api.app.coapPort, '127.0.0.1');
    const { data } = await reader.next();
    assert.equal(data.code, '4.00');
    assert.match(data.address ?? '', /^127\.0\.0\.1:\d+$/);
    assert.match(data.reason ?? '', /\w/);
    socket.close();
    await reader.close();
  });

  it('are kept awake by comments', async () => {
    const reader = await EventReader.open(api);
    await reader.comment();
    await reader.comment();
    await reader.close();
  });

  it('of an unknown type are a 400', async () => {
    const { status, body } = await api.call('GET', '/events?type=sent,moved');
    assert.deepEqual([status, body.field], [400, 'type']);
  });

  it('are refused with 503 when too many read already, until one leaves', async () => {
    const readers = await Promise.all([0, 1, 2, 3].map(() => EventReader.open(api)));
    const { status, body } = await api.call('GET', '/events');
    assert.deepEqual([status, body.type], [503, 'urn:lapwing:problem:too-many-streams']);
    for (const reader of readers) await reader.close();
  });

  it('end when the server closes', async () => {
    const closing = await RunningApp.start();
    const reader = await EventReader.open(closing);
    const ended = assert.rejects(reader.next());
    await closing.close();
    await ended;
  });
});
