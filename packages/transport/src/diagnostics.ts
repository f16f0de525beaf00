/**
 * The channel on which the transport reports what it caught: an error thrown by an event handler, by a layer or by the
 * socket. The message is `{ error }`. Subscribe with `node:diagnostics_channel`.
 */
import { channel } from 'node:diagnostics_channel';

export const TRANSPORT_ERROR_CHANNEL = 'lapwing.transport.error';

const errors = channel(TRANSPORT_ERROR_CHANNEL);

export function reportTransportError(error: unknown): void {
  if (errors.hasSubscribers) errors.publish({ error });
}
