/** What the server keeps about security, opened in the order in which it may fail: folder, identity, anchors, credentials. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import { FileSecurityStore } from './file-security-store.ts';
import { lockFolder } from './folder-lock.ts';
import { privateFolder } from './private-files.ts';
import { RefusalLog } from './refusal-log.ts';
import { loadServerIdentity, type ServerIdentity } from './server-identity.ts';
import { SnapshotFile } from './snapshot-file.ts';
import { TrustAnchors } from './trust-anchors.ts';

export interface Security {
  /** Where all of this is kept; undefined: it goes with the process. */
  readonly folder: string | undefined;
  readonly identity: ServerIdentity;
  readonly trustAnchors: TrustAnchors;
  /** The credentials of devices. */
  readonly store: FileSecurityStore;
  readonly refusals: RefusalLog;
  /** Where a planned stop leaves what devices rely on; undefined: nowhere. */
  readonly snapshot: SnapshotFile | undefined;
  /** Let another server have the folder. */
  close(): Promise<void>;
}

/**
 * @param dataDir  must exist; undefined: nothing is kept.
 *
 * Rejects with StartFailure when something is there that cannot be used.
 */
export async function openSecurity(
  dataDir: string | undefined,
  maxCredentials: number,
  unixTime: number,
  log: Logger,
): Promise<Security> {
  const folder = dataDir === undefined ? undefined : join(dataDir, 'security');
  if (folder === undefined) return open(dataDir, folder, maxCredentials, unixTime, log, () => Promise.resolve());
  await privateFolder(folder);
  const unlock = await lockFolder(folder);
  try {
    return await open(dataDir, folder, maxCredentials, unixTime, log, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function open(
  dataDir: string | undefined,
  folder: string | undefined,
  maxCredentials: number,
  unixTime: number,
  log: Logger,
  unlock: () => Promise<void>,
): Promise<Security> {
  const identity = await loadServerIdentity(folder, unixTime);
  const trustAnchors = new TrustAnchors(folder === undefined ? undefined : join(folder, 'trusted'));
  for (const complaint of await trustAnchors.load()) log.warn(complaint);
  const store = await FileSecurityStore.open(
    folder === undefined ? undefined : join(folder, 'credentials.json'),
    maxCredentials,
  );
  const snapshot = dataDir === undefined || folder === undefined ? undefined : await SnapshotFile.open(dataDir, folder);
  return { folder, identity, trustAnchors, store, refusals: new RefusalLog(), snapshot, close: unlock };
}
