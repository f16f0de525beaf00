import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OperationFailed } from '@lapwing/coap';
import { configurationStoreConformance } from './configuration-store-conformance.ts';
import { MemoryConfigurationStore } from './configuration-store.ts';

describe('MemoryConfigurationStore', () => {
  for (const { name, run } of configurationStoreConformance) it(name, () => run(() => new MemoryConfigurationStore()));

  it('refuses one more than fit with STORE_FULL, but takes a new one in place of an old one', () => {
    const store = new MemoryConfigurationStore([{ endpointClientName: 'one', configuration: {} }], {
      maxConfigurations: 1,
    });
    assert.throws(
      () => store.save('two', {}),
      (error: unknown) => error instanceof OperationFailed && error.code === 'STORE_FULL',
    );
    store.save('one', { servers: [] });
    assert.deepEqual(store.find('one'), { servers: [] });
    assert.equal(store.size, 1);
  });

  it('can be changed while it is listed', () => {
    const store = new MemoryConfigurationStore(
      ['a', 'b', 'c'].map((endpointClientName) => ({ endpointClientName, configuration: {} })),
    );
    const seen: string[] = [];
    for (const { endpointClientName } of store.all()) {
      seen.push(endpointClientName);
      store.remove('b');
    }
    assert.deepEqual(seen, ['a', 'c']);
  });
});
