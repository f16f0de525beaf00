/**
 * One association: the epochs and keys shared with one peer. `Association` is what the layers above see of it,
 * `DtlsAssociation` what the endpoint keeps.
 *
 *   handshaking ──► open ──► closed
 *        └───────────────────►┘
 */
import type { Active } from './activity-list.ts';
import type { CipherSuiteName } from './cipher-suite-table.ts';
import type { Principal } from './credentials.ts';
import type { Timed } from './deadlines.ts';
import type { RemoteAddress } from './events.ts';
import type { DeferredRecord, HandshakeProgress, LastFlight } from './handshake-progress.ts';
import type { Protection, SecurityParameters } from './record/protection.ts';
import type { ReplayWindow } from './record/replay-window.ts';
import type { SessionState } from './session/session.ts';

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

/** One flat object, without what only some moments need: 10,000 idle ones are held at once. */
export class DtlsAssociation implements Association, Timed, Active<DtlsAssociation> {
  readonly role: 'client' | 'server';
  state: AssociationState = 'handshaking';
  address: RemoteAddress;
  principal: Principal | undefined = undefined;
  cipherSuite: CipherSuiteName | undefined = undefined;
  /** While handshaking: the one offered or answered. */
  localConnectionId: Uint8Array | undefined = undefined;
  remoteConnectionId: Uint8Array | undefined = undefined;
  extendedMasterSecret = false;
  serverName: string | undefined = undefined;
  openedAt = 0;
  lastActivity = 0;
  forgedRecords = 0;
  context: unknown = undefined;

  /** Undefined once open. */
  progress: HandshakeProgress | undefined = undefined;
  /** Kept for a while after the handshake where the peer may ask for it again. */
  lastFlight: LastFlight | undefined = undefined;
  /** Records of epoch 1 that arrived before they could be opened or delivered. */
  deferredRecords: DeferredRecord[] | undefined = undefined;
  /** For a client to resume. */
  session: SessionState | undefined = undefined;
  /**
   * Of the ClientHello it came from, for as long as the cookie may be valid: a late copy of that ClientHello must not
   * begin a second handshake, which the rest of the first one would confuse.
   */
  cookie: Uint8Array | undefined = undefined;
  /** For a server to invalidate; a view of what its cache holds. */
  sessionId: Uint8Array | undefined = undefined;

  /** Of epoch 1, both directions: what an export needs. */
  parameters: SecurityParameters | undefined = undefined;
  read: Protection | undefined = undefined;
  write: Protection | undefined = undefined;
  window: ReplayWindow | undefined = undefined;
  /** Next sequence number of our records in epoch 0 and 1. */
  plainSequence = 0;
  writeSequence = 0;
  /** The write sequence a snapshot promises not to be reached by this side; Infinity: no snapshot of it is out. */
  reservedUntil: number = Infinity;
  /** The write sequence at which the caller is told to export again; -1: none. */
  reservationLowAt = -1;

  /** Bytes that may still be sent to a new address that has not answered yet; Infinity: it has. RFC 9146 §6. */
  unansweredBudget: number = Infinity;
  /** Something was sent to the new address, so that its next record may be an answer. */
  hasAskedNewAddress = false;
  /** The second (of the caller's clock) the forged records are counted in. */
  forgedSecond = 0;
  forgedInSecond = 0;
  /** When renegotiation was last refused. */
  renegotiationRefusedAt: number = -Infinity;

  deadline: number = Infinity;
  heapIndex = -1;
  listedActivity = 0;
  quieter: DtlsAssociation | undefined = undefined;
  livelier: DtlsAssociation | undefined = undefined;

  constructor(role: 'client' | 'server', address: RemoteAddress) {
    this.role = role;
    // The caller's object may carry more, and may change.
    this.address = { host: address.host, port: address.port };
  }

  /** Our records are to come with a Connection ID, so type tls12_cid and no other. */
  get isFoundByConnectionId(): boolean {
    return this.localConnectionId !== undefined && this.localConnectionId.length > 0;
  }

  /** It is over: no record is opened or sealed any more, and what made that possible is let go. */
  end(): void {
    this.state = 'closed';
    this.read = undefined;
    this.write = undefined;
    this.parameters = undefined;
    this.window = undefined;
    this.lastFlight = undefined;
    this.cookie = undefined;
    this.deferredRecords = undefined;
  }

  isAt(address: RemoteAddress): boolean {
    return this.address.port === address.port && this.address.host === address.host;
  }
}
