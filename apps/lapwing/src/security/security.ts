/** What the server keeps about security, opened in the order in which it may fail: folder, identity, anchors, credentials. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import { FileSecurityStore } from './file-security-store.ts';
import { privateFolder } from './private-files.ts';
import { RefusalLog } from './refusal-log.ts';
import { loadServerIdentity, type ServerIdentity } from './server-identity.ts';
import { TrustAnchors } from './trust-anchors.ts';

export interface Security {
  /** Where all of this is kept; undefined: it goes with the process. */
  readonly folder: string | undefined;
  readonly identity: ServerIdentity;
  readonly trustAnchors: TrustAnchors;
  /** The credentials of devices. */
  readonly store: FileSecurityStore;
  readonly refusals: RefusalLog;
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
  if (folder !== undefined) await privateFolder(folder);
  const identity = await loadServerIdentity(folder, unixTime);
  const trustAnchors = new TrustAnchors(folder === undefined ? undefined : join(folder, 'trusted'));
  for (const complaint of await trustAnchors.load()) log.warn(complaint);
  const store = await FileSecurityStore.open(
    folder === undefined ? undefined : join(folder, 'credentials.json'),
    maxCredentials,
  );
  return { folder, identity, trustAnchors, store, refusals: new RefusalLog() };
}
