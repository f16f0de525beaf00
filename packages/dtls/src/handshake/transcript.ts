/**
 * What the handshake hash covers: every handshake message from the ClientHello with the cookie on, each as if it had been
 * sent in one fragment. Not the first ClientHello, HelloVerifyRequest or ChangeCipherSpec. RFC 5246 §7.4.9, 6347 §4.2.6.
 *
 * The bytes are kept, because a CertificateVerify signs them and not their hash, and because the hash is one-shot.
 */
import type { DtlsCrypto } from '../crypto.ts';
import { FRAGMENT_HEADER_BYTES, writeFragmentHeader } from './fragment-codec.ts';
import type { HandshakeMessage } from './handshake.ts';

export class Transcript {
  readonly #crypto: DtlsCrypto;
  #buffer = new Uint8Array(512);
  #length = 0;
  /** Until the next `append`: with PSK the session hash and that of the client's Finished are the same. */
  #hash: Uint8Array | undefined;

  constructor(crypto: DtlsCrypto) {
    this.#crypto = crypto;
  }

  /** The message is copied. */
  append(message: HandshakeMessage): void {
    const end = this.#length + FRAGMENT_HEADER_BYTES + message.body.length;
    if (end > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.#buffer.length));
      grown.set(this.bytes);
      this.#buffer = grown;
    }
    writeFragmentHeader(this.#buffer, this.#length, message, 0, message.body.length);
    this.#buffer.set(message.body, this.#length + FRAGMENT_HEADER_BYTES);
    this.#length = end;
    this.#hash = undefined;
  }

  /** What CertificateVerify signs. A view, valid until the next `append`. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** SHA-256 so far: for Finished, and as session hash of RFC 7627 §3 after ClientKeyExchange. */
  hash(): Uint8Array {
    return (this.#hash ??= this.#crypto.hash('sha256', this.bytes));
  }
}
