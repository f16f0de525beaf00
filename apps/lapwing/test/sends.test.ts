/** `/devices/{name}/sends`: what devices sent by themselves, kept by the server. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { LwM2mClient } from '@lapwing/client';
import { isMalformed, parsePath } from '@lapwing/lwm2m';
import type { SentValueListJson } from '../src/rest/sends.ts';
import { RunningApp } from './running-app.ts';

const TEMPERATURE = parsePath('/3303/0/5700');
assert.ok(!isMalformed(TEMPERATURE) && TEMPERATURE.kind === 'resource');

describe('what a device sent by itself', () => {
  const path = TEMPERATURE;
  let api: RunningApp;
  let device: LwM2mClient;
  before(async () => {
    api = await RunningApp.start({ maxSentValues: 5 });
    device = await api.device('sender');
  });
  after(async () => {
    await device.close();
    await api.close();
  });

  const list = (query = ''): Promise<{ readonly body: SentValueListJson }> =>
    api.call('GET', `/devices/sender/sends${query}`);

  it('is an empty list before its first Send, and a device that nobody knows is a 404', async () => {
    assert.deepEqual((await list()).body, { items: [], nextCursor: null, total: 0 });
    const { status, body } = await api.call('GET', '/devices/nobody/sends');
    assert.deepEqual([status, body.type], [404, 'urn:lapwing:problem:unknown-device']);
  });

  it('is listed with every value of a Send and the time of each, the newest first, by pages', async () => {
    await device.send(['/3303/0/5700']);
    await device.send(
      [20, 21, 22].map((value, index) => ({
        kind: 'value' as const,
        path,
        value: { type: 'float' as const, value },
        timestamp: 1_767_225_600 + index,
      })),
    );
    const { items, total } = (await list()).body;
    assert.equal(total, 4);
    assert.deepEqual(
      items.map(({ value, timestamp }) => [value, timestamp]),
      [
        [22, '2026-01-01T00:00:02.000Z'],
        [21, '2026-01-01T00:00:01.000Z'],
        [20, '2026-01-01T00:00:00.000Z'],
        [21.5, undefined],
      ],
    );
    assert.deepEqual(
      items.map(({ id, sendId }) => id - sendId),
      [2, 1, 0, 0],
    );
    assert.ok(
      items.every(
        ({ path, type, receivedAt }) => path === '/3303/0/5700' && type === 'float' && Date.parse(receivedAt) > 0,
      ),
    );
    const first = (await list('?limit=3')).body;
    assert.deepEqual(first.items, items.slice(0, 3));
    const second = (await list(`?limit=3&cursor=${first.nextCursor}`)).body;
    assert.deepEqual([second.items, second.nextCursor], [items.slice(3), null]);
  });

  it('is told as an event with the id of the Send, so that a list and the events can be joined', async () => {
    const before = api.app.events.lastId;
    await device.send(['/3303/0/5700']);
    const event = JSON.parse(api.app.events.next(before)?.data ?? '{}') as {
      readonly type: string;
      readonly sendId: number;
    };
    assert.deepEqual([event.type, event.sendId], ['sent', (await list('?limit=1')).body.items[0]?.sendId]);
  });

  it('is no more than the setting says, and stays when the device leaves', async () => {
    await device.send(['/3303/0/5700']);
    await device.send(['/3303/0/5700']);
    await device.close();
    assert.equal((await api.call('GET', '/devices/sender')).status, 404);
    const { items, total } = (await list()).body;
    assert.deepEqual([items.length, total], [5, 5]);
  });

  it('is a 400 with a cursor that is none, or one of another list', async () => {
    for (const cursor of ['1', Buffer.from('n:sender').toString('base64url')]) {
      const { status, body } = await api.call('GET', `/devices/sender/sends?cursor=${cursor}`);
      assert.deepEqual([status, body.field], [400, 'cursor'], cursor);
    }
  });
});
