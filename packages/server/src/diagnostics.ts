/**
 * The channels on which the Server reports what it caught or refused. Subscribe with `node:diagnostics_channel`.
 *
 * `lapwing.server.error`: `{ error }`, thrown by a listener or a store, or a notification that cannot be read.
 * `lapwing.server.refused`: a request of the registration interface or a Send that was refused, see `ServerEvents.refused`.
 */
import { channel } from 'node:diagnostics_channel';
import type { ServerEvents } from './api.ts';

export const SERVER_ERROR_CHANNEL = 'lapwing.server.error';
export const SERVER_REFUSED_CHANNEL = 'lapwing.server.refused';

const errors = channel(SERVER_ERROR_CHANNEL);
const refusals = channel(SERVER_REFUSED_CHANNEL);

export function reportServerError(error: unknown): void {
  if (errors.hasSubscribers) errors.publish({ error });
}

export function reportRefusal(refusal: ServerEvents['refused'][0]): void {
  if (refusals.hasSubscribers) refusals.publish(refusal);
}
