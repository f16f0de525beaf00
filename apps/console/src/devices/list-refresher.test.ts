import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { QueryClient } from '@tanstack/react-query';
import type { DevicePage, DeviceSummary } from '../api/shapes.ts';
import { type DeviceList, deviceListKey, ListRefresher } from './list-refresher.ts';

const device = (name: string, registrationId = '1'): DeviceSummary => ({
  name,
  registrationId,
  lwm2mVersion: '1.1',
  lifetimeSeconds: 60,
  binding: 'U',
  queueMode: false,
  awake: true,
  address: '127.0.0.1:1',
  security: { kind: 'none' },
  registeredAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
  expiresAt: null,
  contentFormats: [],
  objectIds: [3],
});

const KEY = deviceListKey('');

/** A list of which everything is loaded, and every address that is asked for. */
const setUp = (page: Partial<DevicePage>) => {
  const queries = new QueryClient();
  const pages = [{ items: [], nextCursor: null, total: 0, ...page }];
  queries.setQueryData<DeviceList>(KEY, { pages, pageParams: [undefined] });
  const asked: string[] = [];
  mock.method(globalThis, 'fetch', async (url: string) => {
    asked.push(url);
    return url.includes('limit=1')
      ? Response.json({ items: [], nextCursor: 'x', total: 7 })
      : Response.json({ status: 404, title: 'unknown' }, { status: 404 });
  });
  const rows = (): readonly string[] =>
    (queries.getQueryData<DeviceList>(KEY)?.pages ?? []).flatMap(({ items }) =>
      items.map(({ name, registrationId }) => `${name} ${registrationId}`),
    );
  const total = (): number | undefined => queries.getQueryData<DeviceList>(KEY)?.pages[0]?.total;
  return { queries, list: new ListRefresher(queries), asked, rows, total };
};

/** Let the gathering time pass, and what follows from it happen. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) {
    mock.timers.tick(1000);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
};

describe('the device list as events come', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => {
    mock.timers.reset();
    mock.restoreAll();
  });

  it('shows who sleeps, of those it has, without a request, and a later Update wakes', async () => {
    const { queries, list, asked } = setUp({ items: [device('a'), device('b')], total: 2 });
    const awake = (): readonly boolean[] =>
      (queries.getQueryData<DeviceList>(KEY)?.pages ?? []).flatMap(({ items }) => items.map((item) => item.awake));
    list.slept('a', false);
    list.slept('elsewhere', false);
    list.updated(device('b'));
    list.slept('b', false);
    await settle();
    assert.deepEqual([awake(), asked], [[false, false], []]);
    list.slept('b', false);
    list.slept('b', true);
    list.slept('a', false);
    list.updated(device('a'));
    await settle();
    assert.deepEqual([awake(), asked], [[true, true], []]);
    list.unregistered('a', '1');
    list.slept('a', false);
    await settle();
    assert.deepEqual([awake(), asked], [[true], []]);
  });

  it('changes by what the events tell, without a request', async () => {
    const { list, asked, rows, total } = setUp({ items: [device('b')], total: 1 });
    list.registered(device('a'));
    list.updated(device('b', '1'));
    await settle();
    assert.deepEqual(rows(), ['a 1', 'b 1']);
    list.unregistered('b', '1');
    await settle();
    assert.deepEqual(rows(), ['a 1']);
    assert.equal(total(), 1);
    assert.deepEqual(asked, []);
  });

  it('keeps a device that registered anew, in whichever order the two events come', async () => {
    const { list, rows } = setUp({ items: [device('a', '1'), device('b', '1')], total: 2 });
    list.registered(device('a', '2'));
    list.unregistered('a', '1');
    list.unregistered('b', '1');
    list.registered(device('b', '2'));
    await settle();
    assert.deepEqual(rows(), ['a 2', 'b 2']);
  });

  it('does not show a device that came and went in between', async () => {
    const { list, rows } = setUp({});
    list.registered(device('a'));
    list.unregistered('a', '1');
    await settle();
    assert.deepEqual(rows(), []);
  });

  it('asks for what an event did not tell', async () => {
    const { list, asked, rows } = setUp({ items: [device('a')], total: 1 });
    list.changed('a');
    await settle();
    assert.deepEqual(asked, ['/api/v1/devices/a']);
    assert.deepEqual(rows(), []);
  });

  it('asks how many there are when a device comes on a page that is not loaded, and not when one updates', async () => {
    const { list, asked, rows, total } = setUp({ items: [device('a')], nextCursor: 'x', total: 5 });
    list.updated(device('y'));
    await settle();
    assert.deepEqual(asked, []);
    list.registered(device('z'));
    list.updated(device('z'));
    await settle();
    assert.deepEqual(asked, ['/api/v1/devices?limit=1']);
    assert.deepEqual(rows(), ['a 1']);
    assert.equal(total(), 7);
  });

  it('waits while the list is being loaded, so that older rows do not undo the change', async () => {
    const { queries, list, rows } = setUp({ items: [device('a')], total: 1 });
    let arrive: (list: DeviceList) => void = () => {};
    const loading = queries.fetchQuery<DeviceList>({
      queryKey: KEY,
      queryFn: () => new Promise<DeviceList>((resolve) => (arrive = resolve)),
    });
    list.registered(device('b'));
    await settle();
    arrive({ pages: [{ items: [device('a')], nextCursor: null, total: 1 }], pageParams: [undefined] });
    await loading;
    await settle();
    assert.deepEqual(rows(), ['a 1', 'b 1']);
  });
});
