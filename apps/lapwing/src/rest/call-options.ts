/** How long a call to a device may take, and when nobody waits for it any more. */
import type { CallOptions } from '@lapwing/server';
import type { FastifyReply } from 'fastify';
import type { CallQuery } from './schemas.ts';

/**
 * The call ends when the HTTP client goes away: nobody would see its result, and what still waits behind other requests
 * of the device is then never sent.
 *
 * @param deviceTimeout  ms, when the query names none.
 */
export function callOptions(reply: FastifyReply, query: CallQuery, deviceTimeout: number): CallOptions {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    // 'close' follows every response; only one that was not sent to its end means that the client went away.
    if (!reply.raw.writableFinished) gone.abort();
  });
  return { signal: gone.signal, timeout: query.timeout ?? deviceTimeout };
}
