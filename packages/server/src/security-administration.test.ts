import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { describe, it } from 'node:test';
import { SecurityAdministration } from './security-administration.ts';
import { MemorySecurityStore, type SecurityEntry } from './security-store.ts';

const psk = (endpointClientName: string): SecurityEntry => ({
  kind: 'psk',
  endpointClientName,
  identity: new TextEncoder().encode(`id ${endpointClientName}`),
  key: createSecretKey(Buffer.from('a secret of 16 b')),
});
const x509 = (endpointClientName: string): SecurityEntry => ({
  kind: 'x509',
  endpointClientName,
  fingerprint: undefined,
});

function administration(entries: readonly SecurityEntry[] = []): {
  readonly security: SecurityAdministration;
  readonly told: string[];
} {
  const told: string[] = [];
  const security = new SecurityAdministration(new MemorySecurityStore(entries), {
    taken: ({ endpointClientName, kind }) => told.push(`taken ${endpointClientName} ${kind}`),
    given: ({ endpointClientName, kind }) => told.push(`given ${endpointClientName} ${kind}`),
  });
  return { security, told };
}

describe('the credentials of devices', () => {
  it('are listed page by page in order of name, a name never cut in two, and without secrets', async () => {
    const { security } = administration([psk('c'), psk('a'), x509('a'), psk('b'), x509('b')]);
    const first = await security.list({ limit: 1 });
    assert.deepEqual(first, {
      items: [
        { endpointClientName: 'a', kind: 'psk', identity: 'id a' },
        { endpointClientName: 'a', kind: 'x509', identity: undefined },
      ],
      next: 'a',
    });
    const second = await security.list({ after: 'a', limit: 3 });
    assert.deepEqual(
      second.items.map(({ endpointClientName, kind }) => `${endpointClientName} ${kind}`),
      ['b psk', 'b x509', 'c psk'],
    );
    assert.equal(second.next, undefined);
    assert.equal(JSON.stringify([first, second]).includes('secret'), false);
  });

  it('are searched by name and identity, in any letter case', async () => {
    const { security } = administration([psk('Meter'), psk('lamp')]);
    assert.deepEqual(
      (await security.list({ search: 'METER' })).items.map(({ endpointClientName }) => endpointClientName),
      ['Meter'],
    );
    assert.equal((await security.list({ search: 'ID L' })).items[0]?.endpointClientName, 'lamp');
    assert.deepEqual(await security.list({ search: 'nobody' }), { items: [], next: undefined });
  });

  it('that are replaced or removed are told as taken, all of a name or one kind; what fails is told to nobody', async () => {
    const { security, told } = administration();
    await security.add(psk('a'));
    await security.add(x509('a'));
    await security.add(psk('a'));
    await assert.rejects(security.add({ ...psk('a'), endpointClientName: 'b' }), { code: 'IDENTITY_TAKEN' });
    assert.equal(await security.remove('a', 'rpk'), false);
    assert.equal(await security.remove('a', 'x509'), true);
    assert.equal(await security.remove('a'), true);
    assert.equal(await security.remove('a'), false);
    assert.deepEqual(told, [
      'given a psk',
      'given a x509',
      'taken a psk',
      'given a psk',
      'taken a x509',
      'taken a psk',
    ]);
  });

  it('that were exchanged are put back, unless the device has been given something else meanwhile', async () => {
    const keyed = (text: string): SecurityEntry =>
      ({ ...psk('a'), key: createSecretKey(Buffer.from(text)) }) as SecurityEntry;
    const keyOf = async (store: MemorySecurityStore): Promise<string | undefined> => {
      const [entry] = store.findByName('a');
      return entry?.kind === 'psk' ? entry.key.export().toString() : entry?.kind;
    };
    const store = new MemorySecurityStore();
    const security = new SecurityAdministration(store, { taken: () => undefined, given: () => undefined });
    const undoFirst = await security.exchange(keyed('first secret key'));
    await undoFirst();
    assert.equal(await keyOf(store), undefined);
    await undoFirst();

    await security.exchange(keyed('first secret key'));
    const undoSecond = await security.exchange(keyed('other secret key'));
    assert.equal(await keyOf(store), 'other secret key');
    await undoSecond();
    assert.equal(await keyOf(store), 'first secret key');

    const undoThird = await security.exchange(keyed('third secret key'));
    await security.add(keyed('a newer key'));
    await undoThird();
    assert.equal(await keyOf(store), 'a newer key');
  });
});
