/**
 * The keys of tickets: one that seals, the one before it that still opens. RFC 5077 §4 and §5.5.
 *
 *     version | key name (8) | nonce (12) | AES-128-GCM of the session; version and key name are authenticated
 *
 * They live in memory only: after a restart a client that shows a ticket makes a full handshake.
 */
import { type DtlsCrypto, type SecretKey, TAG_LENGTHS } from '../crypto.ts';

const FORMAT_VERSION = 1;
const NAME_LENGTH = 8;
const HEAD_LENGTH = 1 + NAME_LENGTH;
const NONCE_LENGTH = 12;
const KEY_LENGTH = 16;
/** Random nonces of 96 bits: NIST SP 800-38D §8.3 bounds how often one key may seal. */
const MAX_SEALED = 2 ** 32;

interface TicketKey {
  /** Version and name, as they stand on the ticket. */
  readonly head: Uint8Array;
  readonly key: SecretKey;
  /** ms since 1970. */
  readonly createdAt: number;
  sealed: number;
}

export class TicketKeys {
  readonly #crypto: DtlsCrypto;
  readonly #rotation: number;
  #current: TicketKey | undefined;
  #previous: TicketKey | undefined;

  /** @param rotation  ms a key seals for; it opens for as long again, so no ticket needs to live longer. */
  constructor(rotation: number, crypto: DtlsCrypto) {
    this.#rotation = rotation;
    this.#crypto = crypto;
  }

  seal(plaintext: Uint8Array, unixTime: number): Uint8Array {
    const key = this.#sealing(unixTime);
    key.sealed++;
    const nonce = this.#crypto.randomBytes(NONCE_LENGTH);
    const ticket = new Uint8Array(HEAD_LENGTH + NONCE_LENGTH + plaintext.length + TAG_LENGTHS['aes-128-gcm']);
    ticket.set(key.head);
    ticket.set(nonce, HEAD_LENGTH);
    this.#crypto.sealAead('aes-128-gcm', key.key, nonce, key.head, plaintext, ticket, HEAD_LENGTH + NONCE_LENGTH);
    return ticket;
  }

  /** Undefined for a ticket of somebody else, of a key that is gone, or one that was changed. */
  open(ticket: Uint8Array, unixTime: number): Uint8Array | undefined {
    if (ticket.length < HEAD_LENGTH + NONCE_LENGTH) return undefined;
    this.#rotate(unixTime);
    const head = ticket.subarray(0, HEAD_LENGTH);
    for (const key of [this.#current, this.#previous]) {
      if (key === undefined || !this.#crypto.equal(key.head, head)) continue;
      const nonce = ticket.subarray(HEAD_LENGTH, HEAD_LENGTH + NONCE_LENGTH);
      return this.#crypto.openAead('aes-128-gcm', key.key, nonce, head, ticket.subarray(HEAD_LENGTH + NONCE_LENGTH));
    }
    return undefined;
  }

  #sealing(unixTime: number): TicketKey {
    this.#rotate(unixTime);
    if (this.#current !== undefined && this.#current.sealed < MAX_SEALED) return this.#current;
    const name = this.#crypto.randomBytes(NAME_LENGTH);
    const head = new Uint8Array(HEAD_LENGTH);
    head[0] = FORMAT_VERSION;
    head.set(name, 1);
    this.#previous = this.#current ?? this.#previous;
    const bytes = this.#crypto.randomBytes(KEY_LENGTH);
    this.#current = { head, key: this.#crypto.importSecret(bytes), createdAt: unixTime, sealed: 0 };
    bytes.fill(0);
    return this.#current;
  }

  #rotate(unixTime: number): void {
    if (this.#current !== undefined && unixTime - this.#current.createdAt >= this.#rotation) {
      this.#previous = this.#current;
      this.#current = undefined;
    }
    if (this.#previous !== undefined && unixTime - this.#previous.createdAt >= 2 * this.#rotation) {
      this.#previous = undefined;
    }
  }
}
