/** Errors nobody is there to catch, such as those of event listeners, are published on a diagnostics channel. */
import { channel } from 'node:diagnostics_channel';

/** Messages are the errors themselves. */
export const CLIENT_ERROR_CHANNEL = 'lapwing.client.error';
const errors = channel(CLIENT_ERROR_CHANNEL);

/** Without a subscriber it becomes a warning of the process, so that it is never silent. */
export function reportClientError(error: unknown): void {
  if (errors.hasSubscribers) errors.publish(error);
  else process.emitWarning(error instanceof Error ? error : String(error));
}
