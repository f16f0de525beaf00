/**
 * The export `@lapwing/bootstrap-server/store-conformance`: what every `ConfigurationStore` must do, as cases to run
 * against an implementation. A case throws when the store fails it.
 */
import { deepStrictEqual } from 'node:assert/strict';
import type { MaybePromise } from '@lapwing/server';
import type { BootstrapConfiguration } from './configuration.ts';
import type { ConfigurationStore } from './configuration-store.ts';

export interface ConfigurationStoreCase {
  readonly name: string;
  /** @param create  an empty store, new for every case. */
  readonly run: (create: () => MaybePromise<ConfigurationStore>) => Promise<void>;
}

export const configurationStoreConformance: readonly ConfigurationStoreCase[] = [
  {
    name: 'an empty store has nothing',
    async run(create) {
      const store = await create();
      deepStrictEqual(await store.find('one'), undefined);
      deepStrictEqual(await store.findDefault(), undefined);
      deepStrictEqual(await store.remove('one'), false);
      deepStrictEqual(await names(store), []);
    },
  },
  {
    name: 'a configuration is found as it was saved, bytes and all',
    async run(create) {
      const store = await create();
      await store.save('one', FULL);
      await store.save('two', OTHER);
      deepStrictEqual(plain(await store.find('one')), plain(FULL));
      deepStrictEqual(plain(await store.find('two')), plain(OTHER));
    },
  },
  {
    name: 'a new configuration takes the place of the one of its name',
    async run(create) {
      const store = await create();
      await store.save('one', FULL);
      await store.save('one', OTHER);
      deepStrictEqual(plain(await store.find('one')), plain(OTHER));
      deepStrictEqual(await names(store), ['one']);
    },
  },
  {
    name: 'what was removed is gone',
    async run(create) {
      const store = await create();
      await store.save('one', OTHER);
      deepStrictEqual(await store.remove('one'), true);
      deepStrictEqual(await store.remove('one'), false);
      deepStrictEqual(await store.find('one'), undefined);
    },
  },
  {
    name: 'configurations are listed by name, from after a name that need not exist',
    async run(create) {
      const store = await create();
      for (const name of ['b', 'a', 'Ω', 'c', 'urn:imei:1', '__proto__']) await store.save(name, OTHER);
      deepStrictEqual(await names(store), ['__proto__', 'a', 'b', 'c', 'urn:imei:1', 'Ω']);
      deepStrictEqual(await names(store, 'bb'), ['c', 'urn:imei:1', 'Ω']);
      deepStrictEqual(await names(store, 'c'), ['urn:imei:1', 'Ω']);
    },
  },
  {
    name: 'the default configuration is none of a name, and can be taken away',
    async run(create) {
      const store = await create();
      await store.saveDefault(FULL);
      deepStrictEqual(plain(await store.findDefault()), plain(FULL));
      deepStrictEqual(await store.find('one'), undefined);
      deepStrictEqual(await names(store), []);
      await store.saveDefault(undefined);
      deepStrictEqual(await store.findDefault(), undefined);
    },
  },
];

const OTHER: BootstrapConfiguration = {
  servers: [{ shortServerId: 7, uri: 'coap://other.example', security: { mode: 'none' } }],
};

const FULL: BootstrapConfiguration = {
  servers: [
    {
      shortServerId: 1,
      uri: 'coaps://lwm2m.example:5684',
      security: { mode: 'psk', identity: Uint8Array.of(0, 0xff), key: new Uint8Array(16).fill(7) },
      lifetimeSeconds: 300,
      server: { registrationPriorityOrder: 1 },
    },
  ],
  accessControl: [{ objectId: 3, objectInstanceId: 0, owner: 1, rights: { 0: 'r', 1: 31 } }],
  objects: [{ path: '/3/0/15', value: 'Europe/Berlin' }],
  delete: ['/'],
  contentFormat: 11542,
  pack: false,
};

/** A store may give bytes in a class of its own. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}

async function names(store: ConfigurationStore, after?: string): Promise<string[]> {
  const all: string[] = [];
  for await (const { endpointClientName } of store.all(after)) all.push(endpointClientName);
  return all;
}
