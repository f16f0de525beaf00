/**
 * The channels on which the Bootstrap-Server reports what it caught or refused. Subscribe with `node:diagnostics_channel`.
 *
 * `lapwing.bootstrap.error`: `{ error }`, thrown by a listener or a store.
 * `lapwing.bootstrap.refused`: a request that began no session, see `BootstrapServerEvents.refused`.
 */
import { channel } from 'node:diagnostics_channel';
import type { BootstrapRefusal } from './api.ts';

export const BOOTSTRAP_ERROR_CHANNEL = 'lapwing.bootstrap.error';
export const BOOTSTRAP_REFUSED_CHANNEL = 'lapwing.bootstrap.refused';

const errors = channel(BOOTSTRAP_ERROR_CHANNEL);
const refusals = channel(BOOTSTRAP_REFUSED_CHANNEL);

export function reportBootstrapError(error: unknown): void {
  if (errors.hasSubscribers) errors.publish({ error });
}

export function reportBootstrapRefusal(refusal: BootstrapRefusal): void {
  if (refusals.hasSubscribers) refusals.publish(refusal);
}
