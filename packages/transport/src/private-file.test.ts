import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { PowerCutDisk } from '@lapwing/testkit';
import { readPrivateFile, replacePrivateFile } from './private-file.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (content: Uint8Array | undefined): string | undefined =>
  content === undefined ? undefined : new TextDecoder().decode(content);

describe('a private file', () => {
  let folder: string;
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'private-file-'))));
  after(() => rm(folder, { recursive: true }));

  it('is read as it was written, by its owner only, and leaves nothing beside it', async () => {
    const path = join(folder, 'one');
    assert.equal(await readPrivateFile(path), undefined);
    for (const content of ['a longer first content', 'second', '']) {
      await replacePrivateFile(path, bytes(content));
      assert.equal(text(await readPrivateFile(path)), content);
      assert.equal((await stat(path)).mode & 0o777, 0o600);
    }
    assert.deepEqual(await readdir(folder), ['one']);
  });

  it('is taken from others when they may read it', async () => {
    const path = join(folder, 'open');
    await writeFile(path, 'x');
    await chmod(path, 0o644);
    assert.equal(text(await readPrivateFile(path)), 'x');
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  });

  it('what a crash left beside it is in nobody’s way, and is not written through', async () => {
    const path = join(folder, 'two');
    await symlink(join(folder, 'elsewhere'), `${path}.new`);
    await replacePrivateFile(path, bytes('x'));
    assert.equal(text(await readPrivateFile(path)), 'x');
    await assert.rejects(stat(join(folder, 'elsewhere')), { code: 'ENOENT' });
  });

  it('in a folder that is not there is an error, not a file that is not there yet', async () => {
    const path = join(folder, 'missing', 'file');
    await assert.rejects(readPrivateFile(path), { code: 'ENOENT' });
    await assert.rejects(replacePrivateFile(path, bytes('x')), { code: 'ENOENT' });
  });
});

describe('a private file when the power fails', () => {
  const PATH = '/state';

  for (const [there, old] of [
    ['there is one', 'the old content'],
    ['there is none', undefined],
  ] as const) {
    it(`at every step of a replacement, where ${there}: the old content or the new one`, async () => {
      const disk = new PowerCutDisk();
      if (old !== undefined) disk.place(PATH, bytes(old));
      disk.place(`${PATH}.new`, bytes('left by a crash before, and longer than what is written now'), 0o644);
      const steps: string[] = [];
      const seen = new Set<string | undefined>();
      const checks: Promise<void>[] = [];
      const check = (expected: readonly (string | undefined)[], step: string): void => {
        for (const survivor of disk.survivors()) {
          checks.push(
            readPrivateFile(PATH, survivor).then((content) => {
              seen.add(text(content));
              assert.ok(expected.includes(text(content)), `${step}: ${text(content)}`);
            }),
          );
        }
      };
      disk.onStep = (step) => {
        steps.push(step);
        check([old, 'new'], step);
      };
      await replacePrivateFile(PATH, bytes('new'), disk);
      check(['new'], 'done');
      await Promise.all(checks);
      assert.deepEqual(steps, [
        'rm', 'open', 'writeFile', 'sync', 'close', 'rename', 'open', 'sync the folder', 'close the folder',
      ]); // prettier-ignore
      assert.deepEqual(seen, new Set([old, 'new']));
      assert.equal(disk.modeOf(PATH), 0o600);
    });
  }

  for (const failing of ['rm', 'open', 'writeFile', 'sync', 'close', 'rename']) {
    it(`the disk fails at "${failing}": rejected, and the old content stands`, async () => {
      const disk = new PowerCutDisk();
      disk.place(PATH, bytes('old'));
      let hasFailed = false;
      disk.fails = (step) => !hasFailed && (hasFailed = step === failing);
      await assert.rejects(replacePrivateFile(PATH, bytes('new'), disk), { code: 'ENOSPC' });
      assert.deepEqual(disk.names, [PATH]);
      assert.equal(text(await readPrivateFile(PATH, disk)), 'old');
      await replacePrivateFile(PATH, bytes('newer'), disk);
      assert.equal(text(await readPrivateFile(PATH, disk)), 'newer');
    });
  }
});
