/**
 * A file that holds secrets or what must not be lost: nobody else can read it, and it is replaced as a whole, so that a
 * crash or a loss of power at any moment leaves the old content or the new one.
 *
 * write "file.new" -> fsync -> rename over "file" -> fsync of the folder. Before the rename the old content stands; the
 * fsync before it sees to it that what is renamed is complete, the one after it that it is there when the call returns.
 */
import { chmod, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What is needed of `node:fs/promises`; a test has one that fails at every step. */
export interface FileSystem {
  readFile(path: string): Promise<Uint8Array>;
  /** 'wx' makes the file and fails when there is one; 'r' also opens a folder. */
  open(path: string, flags: 'wx' | 'r', mode?: number): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  rm(path: string, options: { readonly force: true }): Promise<void>;
  stat(path: string): Promise<{ readonly mode: number }>;
  chmod(path: string, mode: number): Promise<void>;
}
export interface OpenFile {
  writeFile(content: Uint8Array): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export const NODE_FILE_SYSTEM: FileSystem = { readFile, open, rename, rm, stat, chmod };

const OWNER_ONLY = 0o600;
/** What others may not do with it. */
const OTHERS = 0o077;

/**
 * The content, or undefined when there is no such file in its folder; what others may do with it is taken from them.
 *
 * Rejects when the folder is not there, or the file cannot be read.
 */
export async function readPrivateFile(
  path: string,
  files: FileSystem = NODE_FILE_SYSTEM,
): Promise<Uint8Array | undefined> {
  try {
    if (((await files.stat(path)).mode & OTHERS) !== 0) await files.chmod(path, OWNER_ONLY);
    return await files.readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await files.stat(dirname(path));
    return undefined;
  }
}

/**
 * Replace the content in one step. One call at a time for a file. Rejects when it cannot; then the old content stands, or
 * the new one when only the folder could not be synchronised.
 */
export async function replacePrivateFile(
  path: string,
  content: Uint8Array,
  files: FileSystem = NODE_FILE_SYSTEM,
): Promise<void> {
  const unfinished = `${path}.new`;
  // What a crash left half written: opened again, it would keep its mode, and its content where it is longer.
  await files.rm(unfinished, { force: true });
  try {
    const file = await files.open(unfinished, 'wx', OWNER_ONLY);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await files.rename(unfinished, path);
  } catch (error) {
    await files.rm(unfinished, { force: true });
    throw error;
  }
  await syncFolder(dirname(path), files);
}

/** Windows knows no such thing for folders. */
async function syncFolder(folder: string, files: FileSystem): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await files.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
