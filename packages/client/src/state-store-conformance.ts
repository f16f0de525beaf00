/**
 * The export `@lapwing/client/state-store-conformance`: what every `ClientStateStore` must do, as cases to run against an
 * implementation. Register each with the test runner at hand,
 * `for (const { name, run } of stateStoreConformance) it(name, () => run(createPlace))`. A case throws when the store
 * fails it.
 */
import { deepStrictEqual } from 'node:assert/strict';
import type { ClientState, ClientStateStore } from './client-state.ts';
import type { MaybePromise } from './maybe-promise.ts';

/** Where the state of one client is kept. */
export interface StatePlace {
  /** The store, as each start of the client has one: what was saved is found in the next. */
  open(): MaybePromise<ClientStateStore>;
}

export interface StateStoreCase {
  readonly name: string;
  /** @param create  an empty place, new for every case. */
  readonly run: (create: () => MaybePromise<StatePlace>) => Promise<void>;
}

export const stateStoreConformance: readonly StateStoreCase[] = [
  {
    name: 'an empty store has nothing',
    async run(create) {
      const store = await (await create()).open();
      deepStrictEqual(await store.load(), undefined);
    },
  },
  {
    name: 'what was saved is loaded after the next start, with everything in it',
    async run(create) {
      for (const state of EXAMPLES) {
        const place = await create();
        await (await place.open()).save(state);
        deepStrictEqual(plain(await (await place.open()).load()), state);
      }
    },
  },
  {
    name: 'what was saved last is what is loaded, however much shorter it is',
    async run(create) {
      const place = await create();
      const store = await place.open();
      for (const state of [...EXAMPLES, ...EXAMPLES.toReversed()]) {
        await store.save(state);
        deepStrictEqual(plain(await store.load()), state);
        deepStrictEqual(plain(await (await place.open()).load()), state);
      }
    },
  },
  {
    name: 'two places know nothing of each other',
    async run(create) {
      const [one, other] = [await create(), await create()];
      await (await one.open()).save(SMALL);
      deepStrictEqual(await (await other.open()).load(), undefined);
      await (await other.open()).save(TYPICAL);
      deepStrictEqual(plain(await (await one.open()).load()), SMALL);
    },
  },
];

/** Only what is in it counts, not of what class a store makes it. */
const plain = (state: ClientState | undefined): unknown => structuredClone(state);

const SMALL: ClientState = { version: 2, attributes: [], objects: {}, notifications: [] };
const TYPICAL: ClientState = {
  version: 2,
  attributes: [{ shortServerId: 1, path: '/3303/0/5700', attributes: { pmin: 5, gt: -1.5e-7, con: 1 } }],
  objects: {
    0: {
      instances: { 1: { 0: ['string', 'coaps://192.0.2.1'], 5: ['opaque', 'AP8+Pw=='] } },
      created: [1],
      deleted: [0],
    },
    1: { instances: { 0: { 0: ['integer', 1], 6: ['boolean', true] } }, created: [], deleted: [] },
    19: {
      instances: {
        7: { 0: { 0: ['opaque', ''], 3: ['opaque', 'AQ=='] }, 3: ['string', 'ü "\\ \u2028 \u0000'] },
        8: {},
      },
      created: [7, 8],
      deleted: [],
    },
  },
  notifications: [
    {
      shortServerId: 1,
      paths: ['/3303/0/5700'],
      composite: false,
      contentFormat: 112,
      attributes: { pmin: 1 },
      told: { '/3303/0/5700': ['float', 'NaN'] },
      stored: [
        [[{ path: '/3303/0/5700', timestamp: 1_767_225_600.123, value: ['unsigned', '18446744073709551615'] }], []],
      ],
    },
  ],
};
const LARGE: ClientState = {
  ...TYPICAL,
  objects: { 19: { instances: { 0: { 3: ['string', 'x'.repeat(1_000_000)] } }, created: [], deleted: [] } },
};
const EXAMPLES: readonly ClientState[] = [SMALL, TYPICAL, LARGE];
