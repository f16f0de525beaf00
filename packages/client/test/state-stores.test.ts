/** Where a client keeps its state: one suite for every store, and what a file has to withstand. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { FileStateStore, LwM2mClient, MemoryStateStore, type ClientState } from '@lapwing/client';
import { stateStoreConformance, type StatePlace } from '@lapwing/client/state-store-conformance';
import { PowerCutDisk } from '@lapwing/testkit';

let folder: string;
let places = 0;
before(async () => (folder = await mkdtemp(join(tmpdir(), 'state-stores-'))));
after(() => rm(folder, { recursive: true }));
const newPath = (): string => join(folder, `state-${places++}.json`);

const PLACES: Readonly<Record<string, () => StatePlace>> = {
  MemoryStateStore: () => {
    const store = new MemoryStateStore();
    return { open: () => store };
  },
  FileStateStore: () => {
    const path = newPath();
    return { open: () => new FileStateStore(path) };
  },
  'FileStateStore on a disk of its own': () => {
    const disk = new PowerCutDisk();
    return { open: () => new FileStateStore('/state', disk) };
  },
};
for (const [name, create] of Object.entries(PLACES)) {
  describe(name, () => {
    for (const { name: situation, run } of stateStoreConformance) it(situation, () => run(create));
  });
}

const state = (pmin: number): ClientState => ({
  version: 2,
  attributes: [{ shortServerId: 1, path: '/3303', attributes: { pmin } }],
  objects: {},
  notifications: [],
});

describe('a state in a file', () => {
  it('is its owner’s only, and nothing else is left in the folder', async () => {
    const path = newPath();
    const store = new FileStateStore(path);
    await store.save(state(1));
    await store.save(state(2));
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => join(folder, name).startsWith(path)),
      [path.slice(folder.length + 1)],
    );
  });

  const DAMAGED: readonly string[] = ['', '{"version":2,"secret', '[]', 'null', '{"version":3}', '\u0000'.repeat(50)];
  for (const text of DAMAGED) {
    it(`${JSON.stringify(text.slice(0, 20))}: starting says which file it is and what to do, and leaves it as it is`, async () => {
      const path = newPath();
      await writeFile(path, text);
      const started = LwM2mClient.start({
        endpointClientName: 'damaged',
        servers: [{ uri: 'coap://127.0.0.1' }],
        objects: [],
        stateStore: new FileStateStore(path),
      });
      await assert.rejects(started, (error: Error & { readonly code?: string }) => {
        assert.equal(error.code, 'STATE_UNREADABLE');
        assert.ok(error.message.includes(path));
        assert.match(error.message, /Restore the file from a copy, or move it away/);
        // What stands in it may be a key.
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
      assert.equal((await stat(path)).size, text.length);
    });
  }

  it('in a folder that is missing is an error at the start, not the state of a new client', async () => {
    const store = new FileStateStore(join(folder, 'missing', 'state.json'));
    await assert.rejects(async () => store.load(), { code: 'STATE_UNREADABLE', message: /missing.state\.json/ });
    await assert.rejects(store.save(state(1)), { code: 'STATE_NOT_SAVED', message: /missing.state\.json/ });
  });

  it('the power fails at any step of many saves: the state before or after the save, and saving goes on', async () => {
    const PATH = '/state';
    const cuts: { readonly disk: PowerCutDisk; readonly expected: readonly (number | undefined)[] }[] = [];
    const disk = new PowerCutDisk();
    const store = new FileStateStore(PATH, disk);
    let last: number | undefined;
    for (const next of [1, 2, 3]) {
      disk.onStep = () => cuts.push(...disk.survivors().map((each) => ({ disk: each, expected: [last, next] })));
      await store.save(state(next));
      last = next;
      cuts.push(...disk.survivors().map((each) => ({ disk: each, expected: [next] })));
    }
    const found = new Set<number | undefined>();
    for (const { disk: survivor, expected } of cuts) {
      const restarted = new FileStateStore(PATH, survivor);
      const pmin = (await restarted.load())?.attributes[0]?.attributes.pmin;
      assert.ok(expected.includes(pmin), `${pmin} instead of ${expected.join(' or ')}`);
      found.add(pmin);
      await restarted.save(state(9));
      assert.equal((await restarted.load())?.attributes[0]?.attributes.pmin, 9);
      assert.deepEqual(survivor.names, [PATH]);
    }
    assert.deepEqual(found, new Set([undefined, 1, 2, 3]));
  });
});
