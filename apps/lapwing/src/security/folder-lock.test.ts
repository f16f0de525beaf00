import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { StartFailure } from '../start-failure.ts';
import { LOCK_FILE, lockFolder } from './folder-lock.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapwing-lock-'));
});
after(() => rm(folder, { recursive: true }));

const lockedBy = (pid: number | string, host = hostname()): Promise<void> =>
  writeFile(join(folder, LOCK_FILE), `${pid} ${host}\n`);

describe('a folder', () => {
  it('of a server that runs is refused to another, with the process named', async () => {
    const child = spawn(process.execPath, ['--eval', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
    await once(child, 'spawn');
    await lockedBy(child.pid!);
    await assert.rejects(lockFolder(folder), (error: unknown) => {
      assert.ok(error instanceof StartFailure);
      assert.match(error.message, new RegExp(`in use by the process ${child.pid}\\. Choose another with --data-dir`));
      return true;
    });
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    // Now it is what a crash leaves behind.
    await (
      await lockFolder(folder)
    )();
    assert.deepEqual(await readdir(folder), []);
  });

  for (const [what, pid, host] of [
    ['this very process, as in a container that is started again', process.pid, hostname()],
    ['a process of another machine', process.ppid, 'another.example'],
    ['nobody, because the file is damaged', 'x', hostname()],
  ] as const) {
    it(`that was locked by ${what} is taken over`, async () => {
      await lockedBy(pid, host);
      await (
        await lockFolder(folder)
      )();
      assert.deepEqual(await readdir(folder), []);
    });
  }
});
