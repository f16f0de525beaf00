import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { PskEntry, SecurityEntry } from '@lapwing/server';
import { securityStoreConformance } from '@lapwing/server/security-store-conformance';
import { StartFailure } from '../start-failure.ts';
import { FileSecurityStore } from './file-security-store.ts';

let above: string;
let folders = 0;
before(async () => {
  above = await mkdtemp(join(tmpdir(), 'lapwing-credentials-'));
});
after(() => rm(above, { recursive: true }));

async function newFile(): Promise<string> {
  const folder = join(above, `${++folders}`);
  await mkdir(folder);
  return join(folder, 'credentials.json');
}

const KEY = '5ec2e70102030405060708090a0b0c0d';
const psk = (endpointClientName: string, identity = endpointClientName): PskEntry => ({
  kind: 'psk',
  endpointClientName,
  identity: new TextEncoder().encode(identity),
  key: createSecretKey(KEY, 'hex'),
});
const names = (store: FileSecurityStore): string[] => Array.from(store.all(), (entry) => entry.endpointClientName);

describe('credentials in a file obey every rule of a store', () => {
  for (const { name, run } of securityStoreConformance) {
    it(name, () => run(async () => FileSecurityStore.open(await newFile(), 100)));
  }
});

describe('credentials in a file', () => {
  it('are all there after a new start, of every kind, and only the owner can read them', async () => {
    const file = await newFile();
    const first = await FileSecurityStore.open(file, 100);
    const entries: SecurityEntry[] = [
      { ...psk('lamp'), identity: Uint8Array.of(0, 255, 1) },
      { kind: 'rpk', endpointClientName: 'lamp', publicKey: new Uint8Array(91).fill(7) },
      { kind: 'x509', endpointClientName: 'door', fingerprint: undefined },
      { kind: 'x509', endpointClientName: 'gate', fingerprint: new Uint8Array(32).fill(9) },
    ];
    for (const entry of entries) await first.add(entry);
    await first.add(psk('gone'));
    assert.equal(await first.remove('gone', 'psk'), true);
    const second = await FileSecurityStore.open(file, 100);
    assert.deepEqual(names(second), ['door', 'gate', 'lamp', 'lamp']);
    const found = second.findByIdentity(Uint8Array.of(0, 255, 1));
    assert.deepEqual([found?.endpointClientName, found?.key.export().toString('hex')], ['lamp', KEY]);
    assert.deepEqual(second.findByName('gate'), [entries[3]]);
    assert.deepEqual(second.findByName('door'), [entries[2]]);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
  });

  for (const [what, damage] of [
    ['is cut off', (text: string) => text.slice(0, -30)],
    ['is empty', () => ''],
    ['is of another version', (text: string) => text.replace('"version": 1', '"version": 2')],
    ['has an entry of another kind', (text: string) => text.replace('"psk"', '"oscore"')],
    ['has a key that is no hexadecimal', (text: string) => text.replace(KEY, `${KEY}0`)],
    ['gives one identity to two devices', (text: string) => text.replace('646f6f72', '6c616d70')],
  ] as const) {
    it(`keep the server from starting when the file ${what}, and are left as they are, and no key is told`, async () => {
      const file = await newFile();
      const store = await FileSecurityStore.open(file, 100);
      await store.add(psk('lamp'));
      await store.add(psk('door'));
      const text = damage(await readFile(file, 'utf8'));
      await writeFile(file, text);
      await assert.rejects(FileSecurityStore.open(file, 100), (error: unknown) => {
        assert.ok(error instanceof StartFailure);
        assert.match(error.message, /^The credentials of devices in .*credentials\.json cannot be used: .+\. Correct/);
        assert.doesNotMatch(error.message, /5ec2e7/);
        return true;
      });
      assert.equal(await readFile(file, 'utf8'), text);
    });
  }

  it('are as before when the disk takes no change', async () => {
    const file = await newFile();
    const store = await FileSecurityStore.open(file, 100);
    // A folder where the file should be: it cannot be renamed over.
    await mkdir(join(file, 'below'), { recursive: true });
    await assert.rejects(store.add(psk('lamp')));
    assert.deepEqual(names(store), []);
    await assert.rejects(store.addAll([psk('lamp'), psk('door')]));
    assert.deepEqual(names(store), []);
    await rm(file, { recursive: true });
    await store.add(psk('lamp'));
    await rm(file);
    await mkdir(join(file, 'below'), { recursive: true });
    await assert.rejects(store.add(psk('lamp', 'renewed')));
    await assert.rejects(store.remove('lamp', 'psk'));
    assert.equal(store.findByIdentity(new TextEncoder().encode('lamp'))?.endpointClientName, 'lamp');
  });

  it('that change at the same time are all written, and many together by one write', async () => {
    const file = await newFile();
    const store = await FileSecurityStore.open(file, 1000);
    await Promise.all([
      ...Array.from({ length: 10 }, (_, index) => store.add(psk(`single ${index}`))),
      store.addAll(Array.from({ length: 100 }, (_, index) => psk(`many ${index}`))),
      store.add(psk('last')),
    ]);
    assert.equal((await FileSecurityStore.open(file, 1000)).size, 111);
    assert.deepEqual(await readdir(join(file, '..')), ['credentials.json']);
  });

  it('that are added together leave out those that cannot be, and say why', async () => {
    const file = await newFile();
    const store = await FileSecurityStore.open(file, 3);
    await store.add(psk('lamp'));
    const refused = await store.addAll([
      psk('lamp', 'other'),
      psk('door', 'lamp'),
      psk('gate'),
      { ...psk('long'), identity: new Uint8Array(129) },
      psk('wall'),
      psk('roof'),
    ]);
    assert.deepEqual(
      refused.map((error) => error?.name),
      ['AlreadyThere', 'OperationFailed', undefined, 'UsageError', undefined, 'OperationFailed'],
    );
    assert.deepEqual(names(await FileSecurityStore.open(file, 3)), ['gate', 'lamp', 'wall']);
  });

  it('live in memory without a file', async () => {
    const store = await FileSecurityStore.open(undefined, 1);
    await store.add(psk('lamp'));
    await assert.rejects(store.add(psk('door')), /room for 1/);
    assert.equal(await store.remove('lamp', 'psk'), true);
  });
});
