/**
 * What comes out of a DTLS endpoint besides datagrams and plaintext.
 */
import type { Association } from './association.ts';
import type { SecretKey } from './crypto.ts';
import type { Principal } from './credentials.ts';
import type { CloseReason, Refusal } from './refusal.ts';

/** An address as the transport spells it: IP in text (one spelling per address) and UDP port. */
export interface RemoteAddress {
  readonly host: string;
  readonly port: number;
}

/** Where the endpoint puts what it wants done. The caller does it when the call has returned. */
export interface DtlsOutbox {
  transmit(to: RemoteAddress, datagram: Uint8Array): void;
  /** Application data of one record of an open association. */
  deliver(association: Association, plaintext: Uint8Array): void;
  emit(event: DtlsEvent): void;
}

export type DtlsEvent =
  /** The handshake is complete; `association.principal` is proven. `replaces`: the open association of that address before, which ends. */
  | {
      readonly kind: 'opened';
      readonly association: Association;
      readonly resumed: boolean;
      readonly replaces?: Association;
    }
  | { readonly kind: 'closed'; readonly association: Association; readonly reason: CloseReason }
  /** A handshake failed. `association` for one this side began. */
  | {
      readonly kind: 'refused';
      readonly from: RemoteAddress;
      readonly refusal: Refusal;
      readonly association?: Association;
    }
  /** Records that did not authenticate: at `forgedRecordsReported`, and at each doubling after it. */
  | { readonly kind: 'forgedRecords'; readonly association: Association; readonly count: number }
  /**
   * Half of the sequence numbers are used that the last export with 'reserve' promised not to pass: export again, or
   * `send` comes to refuse.
   */
  | { readonly kind: 'reservationLow'; readonly association: Association }
  /** The peer's address changed. RFC 9146 §6. */
  | { readonly kind: 'moved'; readonly association: Association; readonly from: RemoteAddress }
  /** Answer with `endpoint.answer`, at once or later. */
  | { readonly kind: 'lookup'; readonly lookup: Lookup };

/** A question to whoever keeps the credentials. Several handshakes that ask the same PSK share one. */
export type Lookup = PskLookup | PublicKeyLookup | CertificateLookup;

export interface PskLookup {
  readonly kind: 'psk';
  readonly from: RemoteAddress;
  /** As sent, at most 128 bytes. */
  readonly identity: Uint8Array;
  /** SNI of the client, RFC 6066 §3. */
  readonly serverName: string | undefined;
}

/** Is this the raw public key of a client we know? Possession of the private key is checked by the engine. */
export interface PublicKeyLookup {
  readonly kind: 'rpk';
  readonly from: RemoteAddress;
  readonly publicKey: Uint8Array;
  readonly serverName: string | undefined;
}

/** The path is valid; is this client one we know? */
export interface CertificateLookup {
  readonly kind: 'x509';
  readonly from: RemoteAddress;
  readonly principal: Extract<Principal, { kind: 'x509' }>;
  readonly serverName: string | undefined;
}

export type LookupAnswer =
  /** For a PskLookup. */
  | { readonly kind: 'key'; readonly key: SecretKey }
  /** For the others. */
  | { readonly kind: 'accepted' }
  | { readonly kind: 'unknown' }
  /** The store failed; the handshake ends with internal_error. */
  | { readonly kind: 'failed'; readonly text: string };
