/** What both sides keep to resume an association without a new key exchange. RFC 5246 §7.3, 5077, 7627 §5.3. */
import type { CipherSuiteName } from '../cipher-suite-table.ts';
import type { SecretKey } from '../crypto.ts';
import type { Principal } from '../credentials.ts';

export interface SessionState {
  /** Empty for one known by its ticket only. */
  readonly id: Uint8Array;
  readonly ticket: Uint8Array | undefined;
  readonly suite: CipherSuiteName;
  /** 48 bytes, a secret. */
  readonly masterSecret: SecretKey;
  readonly extendedMasterSecret: boolean;
  readonly encryptThenMac: boolean;
  readonly principal: Principal;
  /** Tells whether the credentials are still those the session began with; undefined where a look-up tells as much. */
  readonly credentialCheck: Uint8Array | undefined;
  readonly serverName: string | undefined;
  /** ms since 1970. */
  readonly createdAt: number;
}

/** The server's memory of sessions, and its tickets. Looked at while a ClientHello is handled, so synchronous. */
export interface SessionCache {
  readonly size: number;
  find(id: Uint8Array, unixTime: number): SessionState | undefined;
  keep(session: SessionState, unixTime: number): void;
  forget(id: Uint8Array): void;
  /** A ticket that only this endpoint can open; empty where the session is too large for one (RFC 5077 §3.3 allows that). */
  sealTicket(session: SessionState, unixTime: number): Uint8Array;
  openTicket(ticket: Uint8Array, unixTime: number): SessionState | undefined;
}
