import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { QueryClient } from '@tanstack/react-query';
import type { FirmwareUpdate, LapwingEvent } from '../api/shapes.ts';
import type { EventFeed } from './event-feed.ts';
import { deviceKey, FIRMWARE_UPDATES, LiveData, pendingKey } from './live-data.ts';
import { SENDS_SHOWN, type SendList, sendsKey } from './send-list.ts';

const update = (stage: string, startedAt: string): FirmwareUpdate => ({
  device: 'light',
  delivery: 'push',
  stage,
  sentBytes: 0,
  totalBytes: 1,
  versionBefore: null,
  versionAfter: null,
  startedAt,
  changedAt: startedAt,
  outcome: null,
  explanation: null,
});

function setUp(): {
  queries: QueryClient;
  live: LiveData;
  happen: (event: LapwingEvent) => void;
  stages: () => readonly string[];
} {
  const queries = new QueryClient();
  let happen: (event: LapwingEvent) => void = () => undefined;
  const feed = { listen: (listener: typeof happen) => (happen = listener) } as unknown as EventFeed;
  const live = new LiveData(queries, feed);
  queries.setQueryData<readonly FirmwareUpdate[]>(FIRMWARE_UPDATES, []);
  return {
    queries,
    live,
    happen: (event) => happen(event),
    stages: () => (queries.getQueryData<readonly FirmwareUpdate[]>(FIRMWARE_UPDATES) ?? []).map(({ stage }) => stage),
  };
}

const told = (of: FirmwareUpdate): LapwingEvent => ({
  type: 'firmware-update',
  time: of.changedAt,
  device: of.device,
  update: of,
});

describe('a firmware update that is shown live', () => {
  it('stays where the events left it when the answer to its start comes late', () => {
    const { live, happen, stages } = setUp();
    happen(told(update('updating', '2026-11-22T10:00:00.000Z')));
    live.takeStartedUpdate(update('preparing', '2026-11-22T10:00:00.000Z'));
    assert.deepEqual(stages(), ['updating']);
  });

  it('is shown from its start on when it takes the place of an older one', () => {
    const { live, happen, stages } = setUp();
    happen(told(update('ended', '2026-11-22T09:00:00.000Z')));
    live.takeStartedUpdate(update('preparing', '2026-11-22T10:00:00.000Z'));
    assert.deepEqual(stages(), ['preparing']);
  });
});

describe('a device that is shown live', () => {
  const event = (type: 'awake' | 'asleep' | 'pending-changed', device = 'meter'): LapwingEvent => ({
    type,
    device,
    time: '2026-11-22T10:00:00.000Z',
  });

  it('sleeps and wakes as the events say, and only where it is known', () => {
    const { queries, happen } = setUp();
    queries.setQueryData(deviceKey('meter'), { name: 'meter', awake: true });
    const isAwake = (): unknown => queries.getQueryData<{ readonly awake: boolean }>(deviceKey('meter'))?.awake;
    happen(event('asleep'));
    happen(event('asleep', 'another'));
    assert.deepEqual([isAwake(), queries.getQueryData(deviceKey('another'))], [false, undefined]);
    happen(event('awake'));
    assert.equal(isAwake(), true);
  });

  it('is asked what waits for it when that changes, and no other is', () => {
    const { queries, happen } = setUp();
    for (const name of ['meter', 'another']) queries.setQueryData(pendingKey(name), { items: [] });
    happen(event('pending-changed'));
    const isStale = (name: string): unknown => queries.getQueryState(pendingKey(name))?.isInvalidated;
    assert.deepEqual([isStale('meter'), isStale('another')], [true, false]);
  });

  it('has its unreadable notifications, the newest first and at most a hundred of all devices, until they are put away', () => {
    const { live, happen } = setUp();
    let told = 0;
    live.onMalformed(() => told++);
    const malformed = (device: string, reason: string): LapwingEvent => ({
      type: 'malformed-notification',
      device,
      time: '2026-11-22T10:00:00.000Z',
      path: '/3/0/9',
      reason,
    });
    for (let index = 0; index < 120; index++) happen(malformed('meter', `${index}`));
    happen(malformed('another', 'why'));
    assert.deepEqual([live.malformed().length, live.malformed()[1]?.reason, told], [100, '119', 121]);
    live.forgetMalformed('meter');
    assert.deepEqual([live.malformed().map(({ device }) => device), told], [['another'], 122]);
  });

  it('has what it sends put first, and beyond what is shown only the newest page, asked for anew', () => {
    const { queries, happen } = setUp();
    const sent = (sendId: number, count: number): LapwingEvent => ({
      type: 'sent',
      device: 'meter',
      time: '2026-11-22T10:00:00.000Z',
      sendId,
      entries: Array.from({ length: count }, (_, value) => ({ path: '/3303/0/5700', type: 'float', value })),
    });
    const rows = (): readonly (number | undefined)[] => {
      const items = queries.getQueryData<SendList>(sendsKey('meter'))?.pages.flatMap((page) => page.items) ?? [];
      return [items.length, items[0]?.id];
    };
    happen(sent(1, 1));
    assert.equal(queries.getQueryData(sendsKey('meter')), undefined);
    const empty: SendList = { pages: [{ items: [], nextCursor: null, total: 0 }], pageParams: [undefined] };
    queries.setQueryData<SendList>(sendsKey('meter'), empty);
    happen(sent(2, SENDS_SHOWN));
    assert.deepEqual([rows(), queries.getQueryState(sendsKey('meter'))?.isInvalidated], [[SENDS_SHOWN, 1001], false]);
    happen(sent(1002, 1));
    assert.deepEqual([rows(), queries.getQueryState(sendsKey('meter'))?.isInvalidated], [[100, 1002], true]);
  });
});
