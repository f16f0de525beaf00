/**
 * The credentials of devices, changed while the server runs: an identity belongs to one device, and is free when that
 * device has another one. What a store has to do for it is in `securityStoreConformance`.
 */
import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { describe } from 'node:test';
import { OperationFailed } from '@lapwing/coap';
import type { ClientCredentials, ServerCredentials } from '@lapwing/dtls';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { MemorySecurityStore, type PskEntry, type SecurityStore } from '@lapwing/server';
import { proves } from '../proves.ts';
import { register } from '../raw-register.ts';
import { ENDPOINT_CLIENT_NAME } from '../scene.ts';
import { SecureScene, SERVER } from '../secure-scene.ts';

const KEYS: ServerCredentials = {
  psk: {},
  clientAuthentication: 'required',
  clientCertificateTypes: [],
  trustAnchors: [],
};

const entry = (endpointClientName: string, identity: string, fill: number): PskEntry => ({
  kind: 'psk',
  endpointClientName,
  identity: new TextEncoder().encode(identity),
  key: createSecretKey(new Uint8Array(16).fill(fill)),
});
const FIRST = entry(ENDPOINT_CLIENT_NAME, 'first', 1);
const credentials = ({ identity, key }: PskEntry): ClientCredentials => ({ kind: 'psk', identity, key });

/** As a database is: every answer comes later. */
function slow(store: MemorySecurityStore): SecurityStore {
  const later = async <T>(ask: () => T): Promise<T> => {
    await Promise.resolve();
    return ask();
  };
  return {
    add: (added) => later(() => store.add(added)),
    remove: (name, kind) => later(() => store.remove(name, kind)),
    findByIdentity: (wanted) => later(() => store.findByIdentity(wanted)),
    findByPublicKey: (wanted) => later(() => store.findByPublicKey(wanted)),
    findByName: (name) => later(() => store.findByName(name)),
    all: (after) => store.all(after),
  };
}

const STORES = ['in memory', 'that answers later'] as const;

const open = (version: LwM2mVersion, kind: (typeof STORES)[number]): Promise<SecureScene> => {
  const memory = new MemorySecurityStore([FIRST]);
  const securityStore = kind === 'in memory' ? memory : slow(memory);
  return SecureScene.open({ version, server: KEYS, client: credentials(FIRST), securityStore });
};

describe('scenarios: a store of credentials', () => {
  proves('store-identity-unique', STORES, async (version, kind) => {
    await using scene = await open(version, kind);
    await assert.rejects(
      scene.server.security.add(entry('second device', 'first', 2)),
      (error) => error instanceof OperationFailed && error.code === 'IDENTITY_TAKEN',
    );
    assert.equal(scene.server.registrationCount, 1, 'whose it is, it stays');
    const { items } = await scene.server.security.list();
    assert.deepEqual(items, [{ endpointClientName: ENDPOINT_CLIENT_NAME, kind: 'psk', identity: 'first' }]);
    await scene.server.security.add(entry('second device', 'second', 2));
    const answer = await register(
      scene.network,
      SERVER,
      ['lt=60', `lwm2m=${version}`],
      credentials(entry('', 'second', 2)),
    );
    assert.equal(answer.code, '2.01');
    assert.ok(scene.server.device('second device') !== undefined);
  });

  proves('store-identity-changed', STORES, async (version, kind) => {
    await using scene = await open(version, kind);
    await scene.server.security.add(entry(ENDPOINT_CLIENT_NAME, 'renewed', 1));
    assert.deepEqual(scene.history, ['registered', 'removed'], 'what the old one opened has ended');
    await scene.seconds(30);
    assert.equal(scene.refused[0], 'unknown-identity', 'nobody is found by the old one');
    const queries = ['lt=60', `lwm2m=${version}`];
    const renewed = await register(scene.network, SERVER, queries, credentials(entry('', 'renewed', 1)));
    assert.equal(renewed.code, '2.01');
    assert.ok(scene.server.device(ENDPOINT_CLIENT_NAME) !== undefined);
    // The old one is free for another device.
    await scene.server.security.add(entry('second device', 'first', 2));
    const second = await register(scene.network, SERVER, queries, credentials(entry('', 'first', 2)));
    assert.equal(second.code, '2.01');
    assert.ok(scene.server.device('second device') !== undefined);
  });
});
