/** What the libraries caught and went on from, a failing disk or listener, in the log: an operator must hear of it. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { BOOTSTRAP_ERROR_CHANNEL } from '@lapwing/bootstrap-server';
import { SERVER_ERROR_CHANNEL } from '@lapwing/server';
import type { Logger } from 'pino';

const CHANNELS = [
  [SERVER_ERROR_CHANNEL, 'something failed in the LwM2M Server'],
  [BOOTSTRAP_ERROR_CHANNEL, 'something failed in the Bootstrap-Server'],
] as const;

/** The channels are those of the whole process. Answers what ends it. */
export function logCaughtErrors(log: Pick<Logger, 'error'>): () => void {
  const ends = CHANNELS.map(([name, sentence]) => {
    const told = (message: unknown): void =>
      log.error({ err: (message as { readonly error: unknown }).error }, sentence);
    subscribe(name, told);
    return () => unsubscribe(name, told);
  });
  return () => {
    for (const end of ends) end();
  };
}
