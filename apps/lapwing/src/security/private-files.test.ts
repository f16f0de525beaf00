import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { privateFolder, readPrivate, removePrivate, writePrivate } from './private-files.ts';

let above: string;
before(async () => {
  above = await mkdtemp(join(tmpdir(), 'lapwing-private-'));
});
after(() => rm(above, { recursive: true }));

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

describe('files with secrets', () => {
  it('are made for their owner alone, in a folder of the same kind, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      const folder = join(above, 'new');
      await privateFolder(folder);
      await writePrivate(join(folder, 'key'), 'secret');
      assert.deepEqual([await modeOf(folder), await modeOf(join(folder, 'key'))], [0o700, 0o600]);
    } finally {
      process.umask(before);
    }
  });

  it('lose what others may do with them, when somebody opened them up', async () => {
    const folder = join(above, 'opened');
    await mkdir(folder);
    await chmod(folder, 0o755);
    await privateFolder(folder);
    const file = join(folder, 'key');
    await writeFile(file, 'secret');
    await chmod(file, 0o644);
    assert.equal((await readPrivate(file))?.toString(), 'secret');
    assert.deepEqual([await modeOf(folder), await modeOf(file)], [0o700, 0o600]);
  });

  it('are replaced in one step, and what a crash left half written is cleared away at the next start', async () => {
    const folder = join(above, 'replaced');
    await privateFolder(folder);
    const file = join(folder, 'key');
    await writePrivate(file, 'old');
    await writePrivate(file, 'new');
    await writeFile(`${file}.0123.part`, 'half');
    await privateFolder(folder);
    assert.deepEqual(await readdir(folder), ['key']);
    assert.equal(await readFile(file, 'utf8'), 'new');
  });

  it('keep their content when the new one cannot be written', async () => {
    const folder = join(above, 'kept');
    await privateFolder(folder);
    // A folder in the place of the file: the rename fails.
    const file = join(folder, 'key');
    await mkdir(join(file, 'below'), { recursive: true });
    await assert.rejects(writePrivate(file, 'new'));
    assert.deepEqual(await readdir(folder), ['key']);
  });

  it('that are not there are undefined to read and no error to remove', async () => {
    assert.equal(await readPrivate(join(above, 'none')), undefined);
    await removePrivate(join(above, 'none'));
  });

  it('cannot be kept where a file has the name of the folder', async () => {
    const file = join(above, 'file');
    await writeFile(file, '');
    await assert.rejects(
      privateFolder(file),
      /which is to hold keys, cannot be used: .*Choose another with --data-dir\.$/,
    );
  });
});
