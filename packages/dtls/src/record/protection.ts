/**
 * The seam between what a handshake agrees on and what seals records: an epoch's keys for one direction.
 * RFC 6347 §4.1.2, 5246 §6.2.3, 7366, 9146 §5.
 */
import type { CipherSuite } from '../cipher-suite-table.ts';
import type { SecretKey } from '../crypto.ts';

/** One direction of the key block. RFC 5246 §6.3. */
export interface DirectionKeys {
  /** CBC suites only. */
  readonly macKey: SecretKey | undefined;
  readonly key: SecretKey;
  /** The 4 bytes of implicit nonce (salt) of the AEAD suites; empty for CBC in TLS 1.2. */
  readonly iv: Uint8Array;
}

/** Everything that decides how records of epoch 1 look. */
export interface SecurityParameters {
  readonly suite: CipherSuite;
  readonly client: DirectionKeys;
  readonly server: DirectionKeys;
  /** RFC 7366; CBC suites only. */
  readonly encryptThenMac: boolean;
  /** Connection ID on the records of each direction; undefined: not negotiated. An empty one means records as without. */
  readonly clientToServerId: Uint8Array | undefined;
  readonly serverToClientId: Uint8Array | undefined;
  /** Largest plaintext of a record, RFC 6066 §4; 16384 without. */
  readonly maxFragmentLength: number;
}

/** Opens or seals the records of one direction of one epoch. Holds no sequence number and no window. */
export interface Protection {
  /** Bytes a record is larger than its plaintext at most: header, Connection ID, nonce, padding, tag. */
  readonly overhead: number;
  /** A whole record, header included. `sequence` below 2^48. */
  seal(contentType: number, epoch: number, sequence: number, plaintext: Uint8Array): Uint8Array;
  /**
   * The content of a whole record, header included, as it was on the wire; its header is what is authenticated.
   * Undefined when it does not authenticate, or the inner plaintext is malformed.
   */
  open(record: Uint8Array): OpenedRecord | undefined;
}

export interface OpenedRecord {
  /** The inner type where the record is of type tls12_cid. */
  readonly contentType: number;
  readonly content: Uint8Array;
}
