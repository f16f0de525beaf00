/**
 * Cursors of paged lists: opaque to the caller, and stable because they hold the last name seen and not a position, so
 * devices that come and go between two pages neither repeat nor hide others.
 */
import { malformed, type Malformed } from '@lapwing/lwm2m';

/** Says which kind of cursor this is, so that a later kind can tell them apart. */
const PREFIX = 'n:';

export const encodeCursor = (lastName: string): string => Buffer.from(PREFIX + lastName, 'utf8').toString('base64url');

/** The name to continue after. */
export function decodeCursor(cursor: string): string | Malformed {
  const refused = malformed('the cursor is not one that this server gave out; begin again without one');
  if (!/^[A-Za-z0-9_-]+$/.test(cursor)) return refused;
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!text.startsWith(PREFIX)) return refused;
  const name = text.slice(PREFIX.length);
  // Anything but the one spelling that encodeCursor gives is refused, so that a damaged cursor cannot pass.
  return encodeCursor(name) === cursor ? name : refused;
}
