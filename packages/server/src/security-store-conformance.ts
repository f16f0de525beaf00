/**
 * The export `@lapwing/server/security-store-conformance`: what every `SecurityStore` must do, as cases to run against an
 * implementation, as with `@lapwing/server/store-conformance`. A case throws when the store fails it.
 */
import { deepStrictEqual, notDeepStrictEqual, rejects } from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { OperationFailed } from '@lapwing/coap';
import type { MaybePromise } from './registration-store.ts';
import {
  securityInfo,
  type CertificateEntry,
  type PskEntry,
  type RawPublicKeyEntry,
  type SecurityEntry,
  type SecurityStore,
} from './security-store.ts';

export interface SecurityStoreCase {
  readonly name: string;
  /** @param create  an empty store, new for every case. */
  readonly run: (create: () => MaybePromise<SecurityStore>) => Promise<void>;
}

export const securityStoreConformance: readonly SecurityStoreCase[] = [
  {
    name: 'an empty store knows nobody',
    async run(create) {
      const store = await create();
      deepStrictEqual(await store.findByIdentity(PSK.identity), undefined);
      deepStrictEqual(await store.findByPublicKey(RPK.publicKey), undefined);
      deepStrictEqual([...(await store.findByName('one'))], []);
      deepStrictEqual(await infos(store), []);
      deepStrictEqual(await store.remove('one', 'psk'), false);
    },
  },
  {
    name: 'an entry of each kind is found by what it proves and by its name',
    async run(create) {
      const store = await create();
      for (const entry of [CERTIFICATE, RPK, PSK]) await store.add(entry);
      const psk = await store.findByIdentity(PSK.identity);
      deepStrictEqual(psk?.endpointClientName, 'one');
      deepStrictEqual(psk?.key.export().toString('hex'), KEY);
      deepStrictEqual((await store.findByPublicKey(RPK.publicKey))?.endpointClientName, 'one');
      const entries = await store.findByName('one');
      deepStrictEqual(entries.map(plain), [PSK, RPK, CERTIFICATE].map(plain));
    },
  },
  {
    name: 'an identity of any bytes is itself and no other',
    async run(create) {
      const store = await create();
      const identities = [Uint8Array.of(0), Uint8Array.of(0, 0), Uint8Array.of(0xff, 0xfe), Uint8Array.of(0xc3, 0xbf)];
      for (const [index, identity] of identities.entries())
        await store.add({ ...PSK, endpointClientName: `device-${index}`, identity });
      for (const [index, identity] of identities.entries())
        deepStrictEqual((await store.findByIdentity(identity))?.endpointClientName, `device-${index}`);
      deepStrictEqual(await store.findByIdentity(Uint8Array.of(0xff)), undefined);
      deepStrictEqual(await store.findByIdentity(new TextEncoder().encode('\ufffd\ufffd')), undefined);
    },
  },
  {
    name: 'a new entry takes the place of the one of its name and kind',
    async run(create) {
      const store = await create();
      await store.add(PSK);
      await store.add(RPK);
      const identity = new TextEncoder().encode('renewed');
      await store.add({ ...PSK, identity });
      deepStrictEqual(await store.findByIdentity(PSK.identity), undefined);
      deepStrictEqual((await store.findByIdentity(identity))?.endpointClientName, 'one');
      deepStrictEqual((await infos(store)).length, 2);
    },
  },
  {
    name: 'an identity or a public key of another name is refused with IDENTITY_TAKEN, and stays where it is',
    async run(create) {
      const store = await create();
      await store.add(PSK);
      await store.add(RPK);
      for (const entry of [PSK, RPK])
        await rejects(
          async () => store.add({ ...entry, endpointClientName: 'two' }),
          (error: unknown) => error instanceof OperationFailed && error.code === 'IDENTITY_TAKEN',
        );
      deepStrictEqual((await store.findByIdentity(PSK.identity))?.endpointClientName, 'one');
      deepStrictEqual([...(await store.findByName('two'))], []);
    },
  },
  {
    name: 'what was removed is gone, and its identity is free',
    async run(create) {
      const store = await create();
      await store.add(PSK);
      await store.add(RPK);
      deepStrictEqual(await store.remove('one', 'psk'), true);
      deepStrictEqual(await store.remove('one', 'psk'), false);
      deepStrictEqual(await store.findByIdentity(PSK.identity), undefined);
      deepStrictEqual((await store.findByPublicKey(RPK.publicKey))?.endpointClientName, 'one');
      await store.add({ ...PSK, endpointClientName: 'two' });
      deepStrictEqual((await store.findByIdentity(PSK.identity))?.endpointClientName, 'two');
    },
  },
  {
    name: 'the entries are listed by name, from after a name that need not exist',
    async run(create) {
      const store = await create();
      const names = ['b', 'a', 'Ω', 'c', 'urn:imei:1'];
      for (const [index, endpointClientName] of names.entries())
        await store.add({ ...PSK, endpointClientName, identity: Uint8Array.of(index + 1) });
      await store.add({ ...RPK, endpointClientName: 'b' });
      deepStrictEqual(
        (await infos(store)).map(({ endpointClientName }) => endpointClientName),
        ['a', 'b', 'b', 'c', 'urn:imei:1', 'Ω'],
      );
      deepStrictEqual(
        (await infos(store, 'bb')).map(({ endpointClientName }) => endpointClientName),
        ['c', 'urn:imei:1', 'Ω'],
      );
    },
  },
  {
    name: 'what the caller does to its buffers later changes nothing',
    async run(create) {
      const store = await create();
      const identity = Uint8Array.of(1, 2, 3);
      await store.add({ ...PSK, identity });
      identity[0] = 9;
      deepStrictEqual((await store.findByIdentity(Uint8Array.of(1, 2, 3)))?.endpointClientName, 'one');
      notDeepStrictEqual((await store.findByIdentity(Uint8Array.of(1, 2, 3)))?.identity, identity);
    },
  },
];

const KEY = '000102030405060708090a0b0c0d0e0f';
const PSK: PskEntry = {
  kind: 'psk',
  endpointClientName: 'one',
  identity: new TextEncoder().encode('identity of one'),
  key: createSecretKey(Buffer.from(KEY, 'hex')),
};
const RPK: RawPublicKeyEntry = { kind: 'rpk', endpointClientName: 'one', publicKey: new Uint8Array(91).fill(7) };
const CERTIFICATE: CertificateEntry = {
  kind: 'x509',
  endpointClientName: 'one',
  fingerprint: new Uint8Array(32).fill(3),
};

/** Everything but the key, which has no content that can be compared. */
function plain(entry: SecurityEntry): unknown {
  return securityInfo(entry);
}

async function infos(store: SecurityStore, after?: string): Promise<ReturnType<typeof securityInfo>[]> {
  const all: ReturnType<typeof securityInfo>[] = [];
  for await (const entry of store.all(after)) all.push(securityInfo(entry));
  return all;
}
