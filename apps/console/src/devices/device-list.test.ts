import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DevicePage, DeviceSummary } from '../api/shapes.ts';
import { lifetimeLeft, placeDevice, removeDevice } from './device-list.ts';

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
  expiresAt: '2026-01-01T00:01:00.000Z',
  contentFormats: [],
  objectIds: [3],
});
const page = (total: number, ...names: readonly string[]): DevicePage => ({
  items: names.map((name) => device(name)),
  nextCursor: null,
  total,
});
const names = (pages: readonly DevicePage[]): readonly (readonly string[])[] =>
  pages.map(({ items }) => items.map(({ name }) => name));

describe('a device that changed in the loaded pages', () => {
  const pages = [page(4, 'b', 'd'), page(4, 'f', 'h')];
  const places: readonly (readonly [string, readonly (readonly string[])[]])[] = [
    [
      'a',
      [
        ['a', 'b', 'd'],
        ['f', 'h'],
      ],
    ],
    [
      'c',
      [
        ['b', 'c', 'd'],
        ['f', 'h'],
      ],
    ],
    [
      'e',
      [
        ['b', 'd'],
        ['e', 'f', 'h'],
      ],
    ],
    [
      'i',
      [
        ['b', 'd'],
        ['f', 'h', 'i'],
      ],
    ],
  ];
  for (const [name, expected] of places) {
    it(`a new "${name}" finds its place and is counted`, () => {
      const placed = placeDevice(pages, device(name), true);
      assert.deepEqual(names(placed), expected);
      assert.ok(placed.every(({ total }) => total === 5));
    });
  }
  it('one beyond the last row is left to a later page while there are more', () => {
    const placed = placeDevice(pages, device('i'), false);
    assert.deepEqual(names(placed), [
      ['b', 'd'],
      ['f', 'h'],
    ]);
    assert.equal(placed, pages);
  });
  it('a known one is renewed in place', () => {
    const placed = placeDevice(pages, device('d', '2'), true);
    assert.deepEqual(names(placed), names(pages));
    assert.equal(placed[0]?.items[1]?.registrationId, '2');
    assert.equal(placed[0]?.total, 4);
  });
  it('one that is gone disappears', () => {
    const placed = removeDevice(pages, 'f', '1');
    assert.deepEqual(names(placed), [['b', 'd'], ['h']]);
    assert.equal(placed[0]?.total, 3);
  });
  it('a registration that was replaced does not take the later one with it', () => {
    assert.equal(removeDevice(pages, 'f', '0'), pages);
  });
  it('one that is gone and was not loaded changes nothing', () => {
    assert.equal(removeDevice(pages, 'z', undefined), pages);
  });
  it('the first one fills an empty list', () => {
    assert.deepEqual(names(placeDevice([page(0)], device('a'), true)), [['a']]);
  });
});

describe('the lifetime that is left', () => {
  it('counts down to the moment of expiry, and never ends without one', () => {
    const now = Date.parse('2026-01-01T00:00:20.000Z');
    assert.equal(lifetimeLeft(device('a'), now), 40_000);
    assert.equal(lifetimeLeft({ expiresAt: null }, now), Infinity);
  });
});
