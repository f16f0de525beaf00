/** A server that sends what it is told; see `scripted-exchange.ts`. */
import { CERTIFICATE_TYPES, ECDSA_SIGN } from '../src/certificate-type-table.ts';
import { cipherSuiteByName } from '../src/cipher-suite-table.ts';
import type { CipherSuiteName } from '../src/cipher-suite-table.ts';
import type { DtlsCrypto } from '../src/crypto.ts';
import { encodeCertificateRequest } from '../src/handshake/certificate-codec.ts';
import type { Extensions } from '../src/handshake/extension-codec.ts';
import { signedKeyExchange } from '../src/handshake/handshake-signature.ts';
import type { HandshakeMessage } from '../src/handshake/handshake.ts';
import type { HandshakeTypeName } from '../src/handshake/handshake-type-table.ts';
import {
  DTLS_1_0,
  DTLS_1_2,
  decodeClientHello,
  encodeHelloVerifyRequest,
  encodeServerHello,
} from '../src/handshake/hello-codec.ts';
import type { DecodedClientHello } from '../src/handshake/hello-codec.ts';
import {
  decodeEcdheClientKeyExchange,
  encodeEcdheParameters,
  encodeEcdheServerKeyExchange,
  encodePskServerKeyExchange,
} from '../src/handshake/key-exchange-codec.ts';
import type { ReceivedMessage } from '../src/handshake/reassembler.ts';
import { isMalformed } from '../src/malformed.ts';
import { namedGroupByName } from '../src/named-group-table.ts';
import { signatureAlgorithmByName } from '../src/signature-algorithm-table.ts';
import { Exchange, readMessages, ScriptedWire } from './scripted-exchange.ts';
import type { Prepared, ScriptedCredentials, Sighting } from './scripted-exchange.ts';

const EMPTY = new Uint8Array(0);
const ECDSA_SHA256 = signatureAlgorithmByName('ecdsa-sha256').number;

export type ServerMessage =
  | 'hello_request'
  | 'hello_verify_request'
  | 'server_hello'
  | 'certificate'
  | 'server_key_exchange'
  | 'certificate_request'
  | 'server_hello_done'
  | 'change_cipher_spec'
  | 'finished'
  /** Under the right keys, with verify_data that fits another transcript. */
  | 'wrong_finished'
  | 'application_data';

export interface ScriptedServerOptions {
  readonly crypto: DtlsCrypto;
  readonly credentials: ScriptedCredentials;
  readonly suite: CipherSuiteName;
  /** Answered where the client offers them. */
  readonly extensions?: Pick<Extensions, 'extendedMasterSecret' | 'connectionId' | 'encryptThenMac'>;
  readonly group?: 'secp256r1' | 'x25519';
}

export class ScriptedServer {
  readonly exchange: Exchange;
  readonly #options: ScriptedServerOptions;
  readonly #wire: ScriptedWire;
  readonly #serverRandom: Uint8Array;
  #hello: { readonly message: HandshakeMessage; readonly decoded: DecodedClientHello } | undefined;

  constructor(options: ScriptedServerOptions) {
    const { crypto, credentials, extensions } = options;
    this.#options = options;
    this.#wire = new ScriptedWire(extensions?.connectionId?.length ?? 0);
    this.#serverRandom = crypto.randomBytes(32);
    this.exchange = new Exchange(crypto, 'server', credentials);
  }

  get wire(): ScriptedWire {
    return this.#wire;
  }

  /** @param protection for handshake messages other than Finished: 'protected' once keys are known. */
  prepare(name: ServerMessage, protection: 'plain' | 'protected' = 'plain'): Prepared {
    const { crypto, credentials } = this.#options;
    const { exchange } = this;
    const message = (type: HandshakeTypeName, body: Uint8Array): Prepared =>
      this.#wire.message(exchange, type, body, protection);
    switch (name) {
      case 'hello_request':
        return message('hello_request', EMPTY);
      case 'hello_verify_request': {
        const body = encodeHelloVerifyRequest({ version: DTLS_1_0, cookie: crypto.randomBytes(20) });
        // It is in no transcript.
        return { ...message('hello_verify_request', body), commit: () => void exchange.nextSeq++ };
      }
      case 'server_hello':
        return this.#serverHello(protection);
      case 'certificate':
        return message('certificate', credentials.kind === 'psk' ? Uint8Array.of(0, 0, 0) : credentials.certificate);
      case 'server_key_exchange':
        return message('server_key_exchange', this.#keyExchange());
      case 'certificate_request':
        return message(
          'certificate_request',
          encodeCertificateRequest({
            certificateTypes: [ECDSA_SIGN],
            signatureAlgorithms: [ECDSA_SHA256],
            certificateAuthorities: [],
          }),
        );
      case 'server_hello_done':
        return message('server_hello_done', EMPTY);
      case 'change_cipher_spec':
        return this.#wire.changeCipherSpec();
      case 'finished':
        return this.#wire.message(exchange, 'finished', exchange.verifyData(), 'protected');
      case 'wrong_finished':
        return this.#wire.message(exchange, 'finished', exchange.verifyData().fill(0, 0, 4), 'protected');
      case 'application_data':
        return this.#wire.applicationData(exchange, crypto.randomBytes(16));
    }
  }

  /** What the client sent. */
  receive(datagram: Uint8Array): readonly Sighting[] {
    const { exchange } = this;
    return this.#wire.read(
      datagram,
      () => [exchange],
      (content, epoch) => readMessages(exchange, content, epoch, (name, message) => this.#look(name, message)),
    );
  }

  #serverHello(protection: 'plain' | 'protected'): Prepared {
    const { suite, extensions, credentials } = this.#options;
    const hello = this.#hello!;
    const offered = hello.decoded.extensions;
    const types = credentials.kind === 'rpk' ? [CERTIFICATE_TYPES.rpk] : undefined;
    const agreed: Extensions = {
      extendedMasterSecret: offered.extendedMasterSecret && extensions?.extendedMasterSecret,
      connectionId: offered.connectionId && extensions?.connectionId,
      encryptThenMac: offered.encryptThenMac && extensions?.encryptThenMac,
      clientCertificateTypes: offered.clientCertificateTypes && types,
      serverCertificateTypes: offered.serverCertificateTypes && types,
    };
    const body = encodeServerHello({
      version: DTLS_1_2,
      random: this.#serverRandom,
      sessionId: EMPTY,
      cipherSuite: cipherSuiteByName(suite).number,
      extensions: { ...agreed, renegotiationInfo: EMPTY },
    });
    const { exchange } = this;
    const prepared = this.#wire.message(exchange, 'server_hello', body, protection);
    return {
      ...prepared,
      commit: () => {
        exchange.count(hello.message);
        prepared.commit();
        exchange.agreement = {
          suite: cipherSuiteByName(suite),
          clientRandom: hello.decoded.random.slice(),
          serverRandom: this.#serverRandom,
          extendedMasterSecret: agreed.extendedMasterSecret === true,
          encryptThenMac: agreed.encryptThenMac === true,
          clientToServerId: agreed.connectionId,
          serverToClientId: agreed.connectionId && offered.connectionId?.slice(),
          maxFragmentLength: undefined,
        };
      },
    };
  }

  #keyExchange(): Uint8Array {
    const { crypto, credentials, group = 'secp256r1' } = this.#options;
    if (credentials.kind === 'psk') return encodePskServerKeyExchange(new TextEncoder().encode('hint'));
    const ephemeral = (this.exchange.ephemeral ??= crypto.generateEphemeral(group));
    const parameters = { group: namedGroupByName(group).number, publicBytes: ephemeral.publicBytes };
    const clientRandom = this.#hello!.decoded.random;
    const signed = signedKeyExchange(clientRandom, this.#serverRandom, encodeEcdheParameters(parameters));
    const signature = crypto.sign(credentials.privateKey, signed);
    return encodeEcdheServerKeyExchange({ ...parameters, algorithm: ECDSA_SHA256, signature });
  }

  #look(name: HandshakeTypeName, message: ReceivedMessage): void {
    const { exchange } = this;
    if (name === 'client_hello') {
      const decoded = decodeClientHello(message.body);
      if (isMalformed(decoded)) throw new Error(decoded.malformed);
      this.#hello = { message, decoded };
      return;
    }
    exchange.count(message);
    if (name !== 'client_key_exchange') return;
    if (this.#options.credentials.kind !== 'psk') {
      const decoded = decodeEcdheClientKeyExchange(message.body);
      if (isMalformed(decoded)) throw new Error(decoded.malformed);
      exchange.peerPublicBytes = decoded.slice();
    }
    exchange.makeKeys();
  }
}
