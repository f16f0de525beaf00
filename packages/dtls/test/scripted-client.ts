/** A client that sends what it is told; see `scripted-exchange.ts`. */
import { CERTIFICATE_TYPES, UNCOMPRESSED_POINT } from '../src/certificate-type-table.ts';
import { cipherSuiteByName, cipherSuiteByNumber } from '../src/cipher-suite-table.ts';
import type { CipherSuiteName } from '../src/cipher-suite-table.ts';
import type { DtlsCrypto } from '../src/crypto.ts';
import { encodeCertificateVerify } from '../src/handshake/certificate-codec.ts';
import type { Extensions } from '../src/handshake/extension-codec.ts';
import { decodeFragment, encodeFragment } from '../src/handshake/fragment-codec.ts';
import type { HandshakeMessage } from '../src/handshake/handshake.ts';
import { HANDSHAKE_TYPES } from '../src/handshake/handshake-type-table.ts';
import type { HandshakeTypeName } from '../src/handshake/handshake-type-table.ts';
import {
  DTLS_1_2,
  decodeHelloVerifyRequest,
  decodeServerHello,
  encodeClientHello,
} from '../src/handshake/hello-codec.ts';
import {
  decodeEcdheServerKeyExchange,
  encodeEcdheClientKeyExchange,
  encodePskClientKeyExchange,
} from '../src/handshake/key-exchange-codec.ts';
import type { ReceivedMessage } from '../src/handshake/reassembler.ts';
import { isMalformed } from '../src/malformed.ts';
import { namedGroupByName, namedGroupByNumber } from '../src/named-group-table.ts';
import { CONTENT_TYPES } from '../src/record/content-type-table.ts';
import { signatureAlgorithmByName } from '../src/signature-algorithm-table.ts';
import { Exchange, readMessages, ScriptedWire } from './scripted-exchange.ts';
import type { Prepared, ScriptedCredentials, Sighting } from './scripted-exchange.ts';

const EMPTY = new Uint8Array(0);
const ECDSA_SHA256 = signatureAlgorithmByName('ecdsa-sha256').number;

export type ClientMessage =
  | 'client_hello'
  /** With the cookie of the last HelloVerifyRequest. */
  | 'client_hello_with_cookie'
  | 'certificate'
  | 'empty_certificate'
  | 'client_key_exchange'
  | 'certificate_verify'
  | 'change_cipher_spec'
  | 'finished'
  /** Under the right keys, with verify_data that fits another transcript. */
  | 'wrong_finished'
  | 'application_data';

export interface ScriptedClientOptions {
  readonly crypto: DtlsCrypto;
  readonly credentials: ScriptedCredentials;
  readonly suite: CipherSuiteName;
  /** Beside those that the credentials need. */
  readonly extensions?: Extensions;
  readonly group?: 'secp256r1' | 'x25519';
}

export class ScriptedClient {
  readonly #options: ScriptedClientOptions;
  readonly #wire: ScriptedWire;
  #random: Uint8Array = EMPTY;
  #cookie: Uint8Array = EMPTY;
  /** The handshake that a HelloVerifyRequest was asked for, until a ServerHello answers it. */
  #greeting: Exchange;
  #unanswered: { readonly exchange: Exchange; readonly message: HandshakeMessage } | undefined;
  /** The handshake under way. */
  current: Exchange | undefined;
  /** Complete, while another is under way. */
  established: Exchange | undefined;

  constructor(options: ScriptedClientOptions) {
    this.#options = options;
    this.#wire = new ScriptedWire(options.extensions?.connectionId?.length ?? 0);
    this.#greeting = this.#newExchange();
  }

  get wire(): ScriptedWire {
    return this.#wire;
  }

  get isCertified(): boolean {
    return this.#options.credentials.kind !== 'psk';
  }

  /** Of the last HelloVerifyRequest. */
  get cookie(): Uint8Array {
    return this.#cookie;
  }

  /** @param protection for handshake messages other than Finished: 'protected' once keys are known. */
  prepare(name: ClientMessage, protection: 'plain' | 'protected' = 'plain'): Prepared {
    const { credentials, crypto } = this.#options;
    const exchange = this.current ?? this.#greeting;
    const message = (type: HandshakeTypeName, body: Uint8Array, after?: () => void): Prepared =>
      this.#wire.message(exchange, type, body, protection, after);
    switch (name) {
      case 'client_hello':
        return this.#hello('first', protection);
      case 'client_hello_with_cookie':
        return this.#hello('second', protection);
      case 'certificate':
        return message('certificate', credentials.kind === 'psk' ? Uint8Array.of(0, 0, 0) : credentials.certificate);
      case 'empty_certificate':
        return message('certificate', Uint8Array.of(0, 0, 0));
      case 'client_key_exchange':
        return message('client_key_exchange', this.#keyExchange(exchange), () => exchange.makeKeys());
      case 'certificate_verify':
        return message(
          'certificate_verify',
          encodeCertificateVerify({
            algorithm: ECDSA_SHA256,
            signature:
              credentials.kind === 'psk'
                ? Uint8Array.of(1)
                : crypto.sign(credentials.privateKey, exchange.transcript.bytes),
          }),
        );
      case 'change_cipher_spec':
        return this.#wire.changeCipherSpec();
      case 'finished':
        if (!exchange.hasKeys) exchange.makeKeys();
        return this.#wire.message(exchange, 'finished', exchange.verifyData(), 'protected');
      case 'wrong_finished':
        return this.#wire.message(exchange, 'finished', exchange.verifyData().fill(0, 0, 4), 'protected');
      case 'application_data':
        return this.#wire.applicationData(this.established ?? exchange, crypto.randomBytes(16));
    }
  }

  /** What the server sent. */
  receive(datagram: Uint8Array): readonly Sighting[] {
    return this.#wire.read(
      datagram,
      () => [this.current, this.established],
      (content, epoch, exchange) => this.#handshake(content, epoch, exchange),
    );
  }

  /** The handshake came to an end: what is sent from now on belongs to none, or to a new one. */
  forget(): void {
    this.current = undefined;
    this.#greeting = this.#newExchange();
  }

  /** The handshake is complete; a further one runs beside it. */
  establish(): void {
    this.established = this.current;
    this.current = undefined;
    this.#greeting = this.#newExchange();
  }

  #newExchange(): Exchange {
    const { crypto, credentials } = this.#options;
    return new Exchange(crypto, 'client', credentials);
  }

  #hello(which: 'first' | 'second', protection: 'plain' | 'protected'): Prepared {
    const { crypto } = this.#options;
    if (which === 'first') {
      this.#random = crypto.randomBytes(32);
      this.#cookie = EMPTY;
    }
    if (this.#random.length === 0) this.#random = crypto.randomBytes(32);
    // After a handshake that came to nothing the same cookie begins another.
    if (which === 'first' || this.current === undefined) this.#greeting = this.#newExchange();
    const exchange = this.#greeting;
    const messageSeq = which === 'first' ? 0 : 1;
    const body = encodeClientHello(this.hello(this.#cookie));
    const message = { type: HANDSHAKE_TYPES.client_hello, messageSeq, body };
    if (which === 'second' && exchange !== this.current) {
      skipHelloVerifyRequest(exchange);
      this.#unanswered = { exchange, message };
    }
    const sender = this.current ?? this.established;
    const content = encodeFragment(message, 0, body.length);
    const isProtected = protection === 'protected' && sender?.hasKeys === true;
    const datagram = isProtected
      ? this.#wire.sealed(sender, CONTENT_TYPES.handshake, content)
      : this.#wire.plain(CONTENT_TYPES.handshake, content);
    // It joins the transcript when a ServerHello answers it.
    return { datagram, isProtected, messageSeq, basis: exchange.counted, commit: () => {} };
  }

  hello(cookie: Uint8Array): Parameters<typeof encodeClientHello>[0] {
    const { credentials, suite, extensions, group = 'secp256r1' } = this.#options;
    const types = credentials.kind === 'rpk' ? [CERTIFICATE_TYPES.rpk] : undefined;
    return {
      version: DTLS_1_2,
      random: this.#random,
      sessionId: EMPTY,
      cookie,
      cipherSuites: [cipherSuiteByName(suite).number, 0x00ff],
      extensions: {
        ...(credentials.kind === 'psk'
          ? undefined
          : {
              // And the curve of the server's own key. RFC 8422 §5.1.1.
              supportedGroups: [...new Set([namedGroupByName(group).number, namedGroupByName('secp256r1').number])],
              ecPointFormats: [UNCOMPRESSED_POINT],
              signatureAlgorithms: [ECDSA_SHA256],
              clientCertificateTypes: types,
              serverCertificateTypes: types,
            }),
        ...extensions,
      },
    };
  }

  #keyExchange(exchange: Exchange): Uint8Array {
    const { credentials, crypto, group = 'secp256r1' } = this.#options;
    if (credentials.kind === 'psk') return encodePskClientKeyExchange(credentials.identity);
    exchange.ephemeral ??= crypto.generateEphemeral(group);
    return encodeEcdheClientKeyExchange(exchange.ephemeral.publicBytes);
  }

  #handshake(content: Uint8Array, epoch: 0 | 1, exchange: Exchange | undefined): readonly Sighting[] {
    const fragment = decodeFragment(content, 0);
    if (isMalformed(fragment)) return ['malformed'];
    if (fragment.type === HANDSHAKE_TYPES.hello_verify_request) {
      const request = decodeHelloVerifyRequest(fragment.bytes);
      if (!isMalformed(request)) this.#cookie = request.cookie.slice();
      return ['hello_verify_request'];
    }
    const unanswered = this.#unanswered;
    if (fragment.type === HANDSHAKE_TYPES.server_hello && unanswered !== undefined) {
      this.#unanswered = undefined;
      this.current = unanswered.exchange;
      this.current.count(unanswered.message);
      this.current.nextSeq = unanswered.message.messageSeq + 1;
    }
    const reader = exchange ?? this.current;
    if (reader === undefined) return ['stray'];
    return readMessages(reader, content, epoch, (name, message) => this.#look(reader, name, message));
  }

  #look(exchange: Exchange, name: HandshakeTypeName, message: ReceivedMessage): void {
    const { group = 'secp256r1' } = this.#options;
    exchange.count(message);
    if (name === 'server_hello') {
      const hello = decodeServerHello(message.body);
      if (isMalformed(hello)) throw new Error(hello.malformed);
      const { extensions } = hello;
      exchange.agreement = {
        suite: cipherSuiteByNumber(hello.cipherSuite)!,
        clientRandom: this.#random,
        serverRandom: hello.random.slice(),
        extendedMasterSecret: extensions.extendedMasterSecret === true,
        encryptThenMac: extensions.encryptThenMac === true,
        clientToServerId: extensions.connectionId?.slice(),
        serverToClientId: extensions.connectionId && this.#options.extensions?.connectionId,
        maxFragmentLength: extensions.maxFragmentLength,
      };
    } else if (name === 'server_key_exchange' && this.#options.credentials.kind !== 'psk') {
      const decoded = decodeEcdheServerKeyExchange(message.body);
      if (isMalformed(decoded)) throw new Error(decoded.malformed);
      exchange.peerPublicBytes = decoded.publicBytes.slice();
      exchange.ephemeral ??= this.#options.crypto.generateEphemeral(namedGroupByNumber(decoded.group)?.name ?? group);
    }
  }
}

/** It took the first number of the server. */
function skipHelloVerifyRequest(exchange: Exchange): void {
  const body = new Uint8Array(0);
  exchange.reassembler.addRecord(
    encodeFragment({ type: HANDSHAKE_TYPES.hello_verify_request, messageSeq: 0, body }, 0, 0),
    0,
  );
  exchange.reassembler.next();
}
