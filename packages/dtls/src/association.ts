/**
 * One association: the epochs and keys shared with one peer, as the layers above see it.
 */
import type { CipherSuiteName } from './cipher-suite-table.ts';
import type { Principal } from './credentials.ts';
import type { RemoteAddress } from './events.ts';

export type AssociationState = 'handshaking' | 'open' | 'closed';

export interface Association {
  readonly role: 'client' | 'server';
  readonly state: AssociationState;
  /** Of the peer, now; a Connection ID lets it change. */
  readonly address: RemoteAddress;
  /** Proven once open; undefined before. */
  readonly principal: Principal | undefined;
  readonly cipherSuite: CipherSuiteName | undefined;
  /** Connection ID the peer puts on its records; undefined: none negotiated. */
  readonly localConnectionId: Uint8Array | undefined;
  /** Connection ID we put on ours. */
  readonly remoteConnectionId: Uint8Array | undefined;
  readonly extendedMasterSecret: boolean;
  readonly serverName: string | undefined;
  /** Moments on the caller's clock, ms. */
  readonly openedAt: number;
  readonly lastActivity: number;
  /** Records that did not authenticate. */
  readonly forgedRecords: number;
  /** For the layer above: its peer object. Not touched here. */
  context: unknown;
}
