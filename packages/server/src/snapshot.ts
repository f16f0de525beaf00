/**
 * A planned stop and start: associations, registrations and observations as bytes that only the holder of a key can
 * read or make.
 */
import type { KeyObject } from 'node:crypto';

/** What `LwM2mServer.suspend` gave, back for `start`. */
export interface SnapshotOptions {
  readonly bytes: Uint8Array;
  /** The secret key it was sealed with: 32 bytes. */
  readonly key: KeyObject;
  /** ms; an older one is refused, because its devices have given up long ago. Default 24 hours. */
  readonly maxAge?: number;
  /**
   * Whether a snapshot with this id was used before: the same state must not go on twice, because keys and nonces would
   * repeat. A caller that deletes the bytes before it starts the server, and keeps no copies, needs no such memory.
   */
  readonly isConsumed?: (id: string) => boolean;
}

/** What became of a snapshot. */
export type Resumption =
  | {
      readonly kind: 'resumed';
      /** Remember it as consumed where copies of the snapshot may exist. */
      readonly id: string;
      readonly associations: number;
      readonly registrations: number;
      readonly observations: number;
    }
  /** One sentence: torn, stale, tampered with, of another version or key. The server began without it. */
  | { readonly kind: 'refused'; readonly reason: string };
