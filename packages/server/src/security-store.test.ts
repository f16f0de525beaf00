import assert from 'node:assert/strict';
import { createPrivateKey, createSecretKey, generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { OperationFailed, UsageError } from '@lapwing/coap';
import { securityStoreConformance } from '@lapwing/server/security-store-conformance';
import { MemorySecurityStore, type SecurityEntry } from './security-store.ts';

const psk = (identity: Uint8Array, keyBytes: number, endpointClientName = 'one'): SecurityEntry => ({
  kind: 'psk',
  endpointClientName,
  identity,
  key: createSecretKey(new Uint8Array(keyBytes)),
});

describe('the security store in memory', () => {
  for (const { name, run } of securityStoreConformance) it(name, () => run(() => new MemorySecurityStore()));

  it('holds as many entries as it may and refuses the next with STORE_FULL', () => {
    const store = new MemorySecurityStore([psk(Uint8Array.of(1), 16)], { maxEntries: 1 });
    assert.throws(
      () => store.add(psk(Uint8Array.of(2), 16, 'two')),
      (error: unknown) => error instanceof OperationFailed && error.code === 'STORE_FULL',
    );
    store.add(psk(Uint8Array.of(3), 16));
    assert.equal(store.size, 1);
  });

  it('refuses identities and keys that are longer than LwM2M allows, keys that are no secrets, and short fingerprints', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const bad: readonly SecurityEntry[] = [
      psk(new Uint8Array(0), 16),
      psk(new Uint8Array(129), 16),
      psk(Uint8Array.of(1), 65),
      psk(Uint8Array.of(1), 16, ''),
      {
        kind: 'psk',
        endpointClientName: 'one',
        identity: Uint8Array.of(1),
        key: createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' })),
      },
      { kind: 'rpk', endpointClientName: 'one', publicKey: new Uint8Array(0) },
      { kind: 'x509', endpointClientName: 'one', fingerprint: new Uint8Array(20) },
    ];
    const store = new MemorySecurityStore();
    for (const entry of bad) assert.throws(() => store.add(entry), UsageError);
    assert.equal(store.size, 0);
    store.add(psk(new Uint8Array(128), 64));
    assert.equal(store.size, 1);
  });
});
