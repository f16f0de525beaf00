/**
 * The export `@lapwing/server/store-conformance`: what every `RegistrationStore` must do, as cases to run against an
 * implementation. Register each with the test runner at hand,
 * `for (const { name, run } of registrationStoreConformance) it(name, () => run(createStore))`. A case throws when the
 * store fails it.
 */
import { deepStrictEqual } from 'node:assert/strict';
import type { Registration } from './api.ts';
import { copyRegistration } from './registration-record.ts';
import type { MaybePromise, RegistrationStore } from './registration-store.ts';

export interface RegistrationStoreCase {
  readonly name: string;
  /** @param create  an empty store, new for every case. */
  readonly run: (create: () => MaybePromise<RegistrationStore>) => Promise<void>;
}

export const registrationStoreConformance: readonly RegistrationStoreCase[] = [
  {
    name: 'an empty store has nothing',
    async run(create) {
      const store = await create();
      deepStrictEqual(await store.find('AAAAAAAAAA'), undefined);
      deepStrictEqual(await allOf(store), []);
    },
  },
  {
    name: 'what was saved is found by its id, with everything in it',
    async run(create) {
      const store = await create();
      for (const registration of EXAMPLES) await store.save(registration);
      for (const registration of EXAMPLES) {
        const found = await store.find(registration.registrationId);
        deepStrictEqual(found === undefined ? undefined : copyRegistration(found), registration);
      }
      deepStrictEqual(byId(await allOf(store)), byId(EXAMPLES));
    },
  },
  {
    name: 'saving the same id again replaces what was there',
    async run(create) {
      const store = await create();
      const [first] = EXAMPLES;
      await store.save(first!);
      const updated: Registration = { ...first!, lifetimeSeconds: 99, updatedAt: first!.updatedAt + 1, objects: [] };
      await store.save(updated);
      const found = await store.find(first!.registrationId);
      deepStrictEqual(found === undefined ? undefined : copyRegistration(found), updated);
      deepStrictEqual((await allOf(store)).length, 1);
    },
  },
  {
    name: 'what was removed is gone, and removing it again is no error',
    async run(create) {
      const store = await create();
      for (const registration of EXAMPLES) await store.save(registration);
      const [first, ...others] = EXAMPLES;
      await store.remove(first!.registrationId);
      await store.remove(first!.registrationId);
      await store.remove('unknown');
      deepStrictEqual(await store.find(first!.registrationId), undefined);
      deepStrictEqual(byId(await allOf(store)), byId(others));
    },
  },
  {
    name: 'two registrations of one name are told apart by their ids',
    async run(create) {
      const store = await create();
      const [first] = EXAMPLES;
      const second: Registration = { ...first!, registrationId: 'BBBBBBBBBB' };
      await store.save(first!);
      await store.save(second);
      await store.remove(first!.registrationId);
      deepStrictEqual((await store.find(second.registrationId))?.registrationId, second.registrationId);
    },
  },
];

/** Few and many Objects, text beyond ASCII, absent and infinite things. */
const EXAMPLES: readonly Registration[] = [
  {
    registrationId: 'Zx1-_abcde',
    endpointClientName: 'urn:imei:350000000000001',
    lwm2mVersion: '1.1',
    lifetimeSeconds: 300,
    binding: 'U',
    queueMode: false,
    smsNumber: undefined,
    additionalParameters: {},
    address: { host: '192.0.2.1', port: 56830 },
    security: { kind: 'none' },
    contentFormats: [],
    alternatePath: '',
    objects: [{ objectId: 3, version: '1.1', objectInstanceIds: [0] }],
    registeredAt: 1_767_225_600_000,
    updatedAt: 1_767_225_600_250,
    expiresAt: 1_767_225_900_250,
  },
  {
    registrationId: '0000000000',
    endpointClientName: 'Gerät "Küche" %00 \u{1f600}',
    lwm2mVersion: '1.2',
    lifetimeSeconds: 0,
    binding: 'UT',
    queueMode: true,
    smsNumber: '4915112345678',
    additionalParameters: { et: 'sensor', Ω: '"', rt: '' },
    address: { host: '2001:db8::1', port: 1 },
    serverAddress: { host: '::', port: 5684 },
    security: { kind: 'psk', identity: 'Identität' },
    contentFormats: [60, 110, 112, 11542],
    alternatePath: '/lwm2m',
    objects: [
      { objectId: 1, version: '1.2', objectInstanceIds: [0, 1, 65534] },
      { objectId: 5, version: '1.1', objectInstanceIds: [] },
      { objectId: 32_769, version: '12.34', objectInstanceIds: Array.from({ length: 100 }, (_, id) => id) },
    ],
    registeredAt: 0,
    updatedAt: 1,
    expiresAt: Infinity,
  },
];

async function allOf(store: RegistrationStore): Promise<Registration[]> {
  const all: Registration[] = [];
  for await (const registration of store.all()) all.push(copyRegistration(registration));
  return all;
}

const byId = (registrations: readonly Registration[]): Map<string, Registration> =>
  new Map(
    [...registrations]
      .sort((a, b) => (a.registrationId < b.registrationId ? -1 : 1))
      .map((registration) => [registration.registrationId, registration]),
  );
