import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { BootstrapConfiguration } from '@lapwing/bootstrap-server';
import { configurationStoreConformance } from '@lapwing/bootstrap-server/store-conformance';
import { StartFailure } from '../start-failure.ts';
import { FileConfigurationStore } from './file-configuration-store.ts';

let above: string;
let folders = 0;
before(async () => {
  above = await mkdtemp(join(tmpdir(), 'lapwing-configurations-'));
});
after(() => rm(above, { recursive: true }));

async function newFile(): Promise<string> {
  const folder = join(above, `${++folders}`);
  await mkdir(folder);
  return join(folder, 'configurations.json');
}

const OURS: BootstrapConfiguration = { servers: [{ shortServerId: 1, security: { mode: 'psk', generate: true } }] };
const KEYED: BootstrapConfiguration = {
  servers: [
    {
      shortServerId: 1,
      uri: 'coaps://192.0.2.1',
      security: { mode: 'psk', identity: Uint8Array.of(0, 255), key: Uint8Array.of(0x5e, 0xc2, 0xe7) },
    },
  ],
};
const names = (store: FileConfigurationStore): string[] =>
  Array.from(store.all(), ({ endpointClientName }) => endpointClientName);

describe('configurations in a file obey every rule of a store', () => {
  for (const { name, run } of configurationStoreConformance) {
    it(name, () => run(async () => FileConfigurationStore.open(await newFile(), 100)));
    it(`${name}, also when nothing is kept`, () => run(() => FileConfigurationStore.open(undefined, 100)));
  }
});

describe('configurations in a file', () => {
  it('are all there after a new start, with their keys, and only the owner can read them', async () => {
    const file = await newFile();
    const first = await FileConfigurationStore.open(file, 100);
    await first.save('lamp', KEYED);
    await first.save('door', OURS);
    await first.save('gone', OURS);
    await first.saveDefault(OURS);
    assert.equal(await first.remove('gone'), true);
    const second = await FileConfigurationStore.open(file, 100);
    assert.deepEqual(names(second), ['door', 'lamp']);
    assert.deepEqual(second.find('lamp'), KEYED);
    assert.deepEqual(second.findDefault(), OURS);
    assert.equal(second.size, 2);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(dirname(file)), ['configurations.json']);
  });

  it('are written one change after the other, and the last one is what the file holds', async () => {
    const file = await newFile();
    const store = await FileConfigurationStore.open(file, 100);
    await Promise.all(Array.from({ length: 20 }, (_, index) => store.save(`n${index % 7}`, index % 2 ? OURS : KEYED)));
    assert.deepEqual(names(await FileConfigurationStore.open(file, 100)), names(store));
  });

  it('are as before when the disk does not take a change', async () => {
    const file = await newFile();
    const store = await FileConfigurationStore.open(file, 100);
    await store.save('lamp', KEYED);
    await rm(dirname(file), { recursive: true });
    await assert.rejects(store.save('door', OURS));
    await assert.rejects(store.save('lamp', OURS));
    await assert.rejects(store.remove('lamp'));
    await assert.rejects(store.saveDefault(OURS));
    assert.deepEqual(names(store), ['lamp']);
    assert.deepEqual(store.find('lamp'), KEYED);
    assert.equal(store.findDefault(), undefined);
    await mkdir(dirname(file));
    await store.save('door', OURS);
    assert.deepEqual(names(await FileConfigurationStore.open(file, 100)), ['door', 'lamp']);
  });

  it('beyond their number find no room', async () => {
    const store = await FileConfigurationStore.open(await newFile(), 1);
    await store.save('a', OURS);
    await assert.rejects(store.save('b', OURS), { code: 'STORE_FULL' });
    await store.save('a', KEYED);
  });

  const damaged: readonly (readonly [what: string, text: string])[] = [
    ['no JSON', '{"key": "5ec2e7"'],
    ['a list', '[]'],
    ['of another version', '{"version": 2, "configurations": []}'],
    ['without a list', '{"version": 1}'],
    ['with an entry without a device', '{"version": 1, "configurations": [{"configuration": {}}]}'],
    ['with an entry without a configuration', '{"version": 1, "configurations": [{"device": "a"}]}'],
    [
      'with bytes that are none',
      '{"version": 1, "configurations": [{"device": "a", "configuration": {"x": {"hex": "5ec2e"}}}]}',
    ],
    ['with a default that is none', '{"version": 1, "default": 1, "configurations": []}'],
    [
      'with more than may be',
      '{"version": 1, "configurations": [{"device": "a", "configuration": {}}, {"device": "b", "configuration": {}}]}',
    ],
  ];
  for (const [what, text] of damaged)
    it(`that is ${what} ends the start with a sentence that repeats no key, and is left as it is`, async () => {
      const file = await newFile();
      await writeFile(file, text);
      await assert.rejects(FileConfigurationStore.open(file, 1), (error) => {
        assert.ok(error instanceof StartFailure);
        assert.match(error.message, /^The bootstrap configurations in .* cannot be used: .+\. Correct the file, /);
        assert.doesNotMatch(error.message, /5ec2e/);
        return true;
      });
      assert.equal(await readFile(file, 'utf8'), text);
    });
});
