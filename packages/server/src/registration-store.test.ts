import { describe, it } from 'node:test';
import { MemoryRegistrationStore } from './registration-store.ts';
import { registrationStoreConformance } from '@lapwing/server/store-conformance';

describe('the registration store in memory', () => {
  for (const { name, run } of registrationStoreConformance) it(name, () => run(() => new MemoryRegistrationStore()));
});
