/**
 * Files that hold secrets: in a folder and with modes that nobody else can read, and written so that a crash leaves
 * either the old content or the new one.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StartFailure } from '../start-failure.ts';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
/** What others may not do with it. */
const OTHERS = 0o077;

/**
 * Make the folder when it is missing and take from others what they may do in it. Its parent must exist.
 *
 * Rejects with StartFailure when that cannot be done.
 */
export async function privateFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: FOLDER_MODE }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
    if (((await stat(folder)).mode & OTHERS) !== 0) await chmod(folder, FOLDER_MODE);
    await forgetUnfinished(folder);
  } catch (error) {
    throw new StartFailure(
      `The folder ${folder}, which is to hold keys, cannot be used: ${(error as Error).message}. Choose another with --data-dir.`,
      { cause: error },
    );
  }
}

/**
 * The content, or undefined when there is no such file; what others may do with it is taken from them.
 *
 * Rejects with StartFailure when it is there and cannot be read.
 */
export async function readPrivate(file: string): Promise<Buffer | undefined> {
  try {
    if (((await stat(file)).mode & OTHERS) !== 0) await chmod(file, FILE_MODE);
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new StartFailure(`The file ${file} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

/** Replace the content in one step: written and synchronised under another name first, then renamed. */
export async function writePrivate(file: string, content: string | Uint8Array): Promise<void> {
  const unfinished = `${file}.${randomBytes(6).toString('hex')}${UNFINISHED}`;
  try {
    const handle = await open(unfinished, 'wx', FILE_MODE);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  await syncFolder(dirname(file));
}

/** Remove it; one that is not there is no error. */
export async function removePrivate(file: string): Promise<void> {
  await rm(file, { force: true });
  await syncFolder(dirname(file));
}

const UNFINISHED = '.part';

/** So that a rename or removal survives a loss of power. Windows knows no such thing for folders. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Clear away what a crash left half written, of files whose name begins with `prefix`. */
export async function forgetUnfinished(folder: string, prefix = ''): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith(prefix) && name.endsWith(UNFINISHED)) await rm(join(folder, name), { force: true });
  }
}
