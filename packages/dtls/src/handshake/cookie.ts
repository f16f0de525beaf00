/**
 * The stateless cookie exchange: a client shows that it receives at its address before anything is kept for it.
 * RFC 6347 §4.2.1.
 *
 * A cookie is an HMAC over the address and everything of the ClientHello but the extensions, which a client may legally
 * change. Two secrets are valid: the current one, and for as long as that the one before.
 */
import type { DtlsCrypto, SecretKey } from '../crypto.ts';
import type { RemoteAddress } from '../events.ts';
import { encodeFragment } from './fragment-codec.ts';
import type { Fragment } from './fragment-codec.ts';
import { HANDSHAKE_TYPES } from './handshake-type-table.ts';
import { DTLS_1_0, encodeHelloVerifyRequest } from './hello-codec.ts';
import type { DecodedClientHello } from './hello-codec.ts';

const SECRET_BYTES = 32;
const RECORD_HEADER_BYTES = 13;
const CONTENT_TYPE_HANDSHAKE = 22;

export class CookieExchange {
  readonly #crypto: DtlsCrypto;
  readonly #lifetime: number;
  #current: SecretKey;
  #previous: SecretKey;
  #currentSince: number;

  /** @param lifetime ms after which a new secret replaces the current one; a cookie is valid once to twice as long. */
  constructor(now: number, crypto: DtlsCrypto, lifetime: number) {
    this.#crypto = crypto;
    this.#lifetime = lifetime;
    this.#current = this.#newSecret();
    this.#previous = this.#newSecret();
    this.#currentSince = now;
  }

  /** Does the ClientHello carry a cookie that was made for it and this address? */
  isValid(now: number, from: RemoteAddress, hello: DecodedClientHello): boolean {
    if (hello.cookie.length === 0) return false;
    this.#rotate(now);
    const input = boundBytes(from, hello);
    return (
      this.#crypto.equal(this.#crypto.hmac('sha256', this.#current, input), hello.cookie) ||
      this.#crypto.equal(this.#crypto.hmac('sha256', this.#previous, input), hello.cookie)
    );
  }

  /**
   * The datagram that answers a ClientHello without a valid cookie. At 60 bytes it is smaller than any ClientHello.
   *
   * @param record the datagram that began with the ClientHello's record: its sequence number is the answer's.
   * @param fragment the ClientHello as it came, unfragmented: its message_seq is the answer's too, so that a client whose
   *   cookie has expired takes the new one.
   */
  helloVerifyRequest(
    now: number,
    from: RemoteAddress,
    hello: DecodedClientHello,
    fragment: Pick<Fragment, 'messageSeq'>,
    record: Uint8Array,
  ): Uint8Array {
    this.#rotate(now);
    const cookie = this.#crypto.hmac('sha256', this.#current, boundBytes(from, hello));
    // Whatever version is negotiated later, this one SHOULD say 1.0. RFC 6347 §4.2.1.
    const body = encodeHelloVerifyRequest({ version: DTLS_1_0, cookie });
    const type = HANDSHAKE_TYPES.hello_verify_request;
    const content = encodeFragment({ type, messageSeq: fragment.messageSeq, body }, 0, body.length);
    const datagram = new Uint8Array(RECORD_HEADER_BYTES + content.length);
    datagram[0] = CONTENT_TYPE_HANDSHAKE;
    datagram[1] = DTLS_1_0 >>> 8;
    datagram[2] = DTLS_1_0 & 0xff;
    datagram.set(record.subarray(3, 11), 3);
    datagram[11] = content.length >>> 8;
    datagram[12] = content.length;
    datagram.set(content, RECORD_HEADER_BYTES);
    return datagram;
  }

  #rotate(now: number): void {
    const elapsed = now - this.#currentSince;
    if (elapsed < this.#lifetime) return;
    // After a silence of two lifetimes the last secret has expired as well.
    const isRecent = elapsed < 2 * this.#lifetime;
    this.#previous = isRecent ? this.#current : this.#newSecret();
    this.#current = this.#newSecret();
    this.#currentSince = isRecent ? this.#currentSince + this.#lifetime : now;
  }

  #newSecret(): SecretKey {
    return this.#crypto.importSecret(this.#crypto.randomBytes(SECRET_BYTES));
  }
}

const text = new TextEncoder();

/** Every part has a length before it or a fixed one, so that no two of them run into each other. */
function boundBytes(from: RemoteAddress, { beforeCookie, afterCookie }: DecodedClientHello): Uint8Array {
  const host = text.encode(from.host);
  const bytes = new Uint8Array(host.length + 3 + beforeCookie.length + afterCookie.length);
  bytes[0] = host.length;
  bytes.set(host, 1);
  bytes[host.length + 1] = from.port >>> 8;
  bytes[host.length + 2] = from.port;
  bytes.set(beforeCookie, host.length + 3);
  bytes.set(afterCookie, host.length + 3 + beforeCookie.length);
  return bytes;
}
