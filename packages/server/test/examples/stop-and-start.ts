import type { KeyObject } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { LwM2mServer, type ServerStartOptions } from '@lapwing/server';

/** Stop, and keep what the devices rely on. */
export async function stop(server: LwM2mServer, file: string, key: KeyObject): Promise<void> {
  await writeFile(file, await server.suspend(key), { mode: 0o600 });
}

/** Start, and go on where the server stopped: the devices notice nothing. */
export async function start(options: ServerStartOptions, file: string, key: KeyObject): Promise<LwM2mServer> {
  const bytes = await readFile(file).catch(() => undefined);
  // Before it is used: the same state must never go on twice.
  await rm(file, { force: true });
  const server = await LwM2mServer.start(bytes === undefined ? options : { ...options, snapshot: { bytes, key } });
  if (server.resumption?.kind === 'refused') console.warn(server.resumption.reason);
  return server;
}
