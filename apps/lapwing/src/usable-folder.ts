/** A folder the server may keep things in, or one sentence that says why it cannot be used. */
import { access, constants, mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { StartFailure } from './start-failure.ts';

/** Make it when it is missing. Rejects with StartFailure, naming `option`, when it is no folder to read and write in. */
export async function usableFolder(folder: string, option: string): Promise<void> {
  try {
    await makeFolder(resolve(folder));
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const why = FOLDER_ERRORS[(error as NodeJS.ErrnoException).code ?? ''] ?? (error as Error).message;
    throw new StartFailure(`The folder ${folder} cannot be used: ${why}. Choose another with ${option}.`, {
      cause: error,
    });
  }
}

const FOLDER_ERRORS: Readonly<Record<string, string>> = {
  EACCES: 'it may not be written by this user',
  EPERM: 'it may not be written by this user',
  EROFS: 'it is on a read-only file system',
  EEXIST: 'there is a file of that name',
  ENOTDIR: 'a part of its path is a file',
  ENOENT: 'it cannot be made there',
  ENOSPC: 'the disk is full',
};

/**
 * With what is missing above it. Step by step instead of `recursive`, with which Node.js tries for ever where nothing can
 * be made though the parent exists, as below /proc.
 */
async function makeFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(missingIsUndefined);
  if (found?.isDirectory() === true) return;
  const parent = dirname(folder);
  if (found === undefined && parent !== folder) await makeFolder(parent);
  // Somebody else may have made it in between; a file of the name is an error either way.
  await mkdir(folder).catch(async (error: unknown) => {
    const made = await stat(folder).catch(missingIsUndefined);
    if (made?.isDirectory() !== true) throw error;
  });
}

function missingIsUndefined(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
