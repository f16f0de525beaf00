/**
 * One server for one data folder: two would overwrite each other's credentials. A file with the process id; one that a
 * crash left behind is known by its process being gone.
 */
import { rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { StartFailure } from '../start-failure.ts';
import { readPrivate } from './private-files.ts';

export const LOCK_FILE = 'lock';

/**
 * Answers how to let go of the folder.
 *
 * Rejects with StartFailure when another process that lives has it.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const file = join(folder, LOCK_FILE);
  const own = `${process.pid} ${hostname()}\n`;
  const [pid, host] = (await readPrivate(file))?.toString('utf8').trim().split(' ') ?? [];
  if (host === hostname() && Number(pid) !== process.pid && isAlive(Number(pid))) {
    throw new StartFailure(
      `The folder ${folder} is in use by the process ${pid}. Choose another with --data-dir; if that process is no Lapwing, delete ${file}.`,
    );
  }
  await writeFile(file, own, { mode: 0o600 });
  return async () => {
    if ((await readPrivate(file))?.toString('utf8') === own) await rm(file, { force: true });
  };
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // It is there and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
