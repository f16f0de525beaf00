/**
 * The client's side of a handshake. RFC 5246 §7.3, 6347 §4.2, 4279 §2, 8422 §2, 7250 §4, 5077 §3.
 *
 *   ClientHello ─► {HelloVerifyRequest} ─► ClientHello with the cookie
 *     ServerHello [Certificate] [ServerKeyExchange] [CertificateRequest] ServerHelloDone
 *       ─► [Certificate] ClientKeyExchange [CertificateVerify] (CCS) Finished
 *     [NewSessionTicket] (CCS) Finished ─► complete
 *   ClientHello with a session ─► ServerHello [NewSessionTicket] (CCS) Finished ─► (CCS) Finished, complete
 *
 * Which message may come is decided in `expected-messages.ts`; here is what is done with it. Nothing the ServerHello
 * settled changes afterwards: there is no way back to a HelloVerifyRequest or another suite.
 */
import { ECDSA_SIGN } from '../certificate-type-table.ts';
import type { ClientCredentials, Principal } from '../credentials.ts';
import type { SecretKey } from '../crypto.ts';
import type { LookupAnswer } from '../events.ts';
import { pskPremaster, verifyData } from '../key-schedule.ts';
import { isMalformed } from '../malformed.ts';
import type { SecurityParameters } from '../record/protection.ts';
import type { SessionState } from '../session/session.ts';
import {
  decodeCertificateRequest,
  encodeCertificateChain,
  encodeCertificateVerify,
  encodeRawPublicKey,
} from './certificate-codec.ts';
import { clientCheck } from './credential-check.ts';
import { judgeServerHello, makeOffer } from './client-offer.ts';
import type { Offer, OfferOptions, ServerSelection } from './client-offer.ts';
import {
  NOTHING,
  after,
  expectedAtTheEnd,
  expectedFromServer,
  expectedHello,
  isNext,
  judge,
  namesOf,
} from './expected-messages.ts';
import type { Expected } from './expected-messages.ts';
import { FlightWriter } from './flight-writer.ts';
import {
  badPoint,
  failure,
  isFailure,
  malformedMessage,
  unexpectedMessage,
  wrongFinished,
} from './handshake-failure.ts';
import { OUR_SIGNATURE } from './handshake-signature.ts';
import { handshakeTypeByNumber } from './handshake-type-table.ts';
import type { HandshakeTypeName } from './handshake-type-table.ts';
import type { HandshakeFailure, HandshakeMachine, HandshakeMessage, HandshakeOutput } from './handshake.ts';
import { decodeHelloVerifyRequest, decodeServerHello, encodeClientHello } from './hello-codec.ts';
import { agreedMasterSecret, ecdhePremaster, securityParameters } from './key-agreement.ts';
import {
  decodePskServerKeyExchange,
  encodeEcdheClientKeyExchange,
  encodePskClientKeyExchange,
} from './key-exchange-codec.ts';
import { checkEmptyBody, decodeFinished, decodeNewSessionTicket } from './message-codec.ts';
import { readServerCertificate, readSignedKeyExchange } from './server-authentication.ts';
import type { ServerIdentity, ServerKey } from './server-authentication.ts';
import { Transcript } from './transcript.ts';

const EMPTY = new Uint8Array(0);
/** A cookie may have run out by the time it comes back; a server that asks for ever is none. */
const MAX_COOKIES = 3;
/** With a longer one the ClientHello would not go into a datagram of 1,200 bytes. */
const MAX_TICKET_BYTES = 900;

export interface ClientHandshakeOptions extends OfferOptions {
  readonly output: HandshakeOutput;
}

/** Begun with `start`. */
export class ClientHandshake implements HandshakeMachine {
  readonly role = 'client';
  /** A client's machine has everything it needs. */
  readonly isWaitingForLookup = false;
  readonly #options: ClientHandshakeOptions;
  readonly #offer: Offer;
  readonly #transcript: Transcript;
  readonly #writer: FlightWriter;
  #expected: Expected = NOTHING;
  #cookies = 0;
  /** The last ClientHello, in the transcript once a ServerHello answers it. */
  #hello: HandshakeMessage | undefined;
  #selection: ServerSelection | undefined;
  #server: ServerIdentity | undefined;
  #serverKey: ServerKey | undefined;
  #isCertificateRequested = false;
  #ticket: Uint8Array | undefined;
  #masterSecret: SecretKey | undefined;
  #security: SecurityParameters | undefined;

  /** @throws UsageError when none of the cipher suites or groups fits the credentials. */
  constructor(options: ClientHandshakeOptions) {
    this.#options = options;
    this.#offer = makeOffer(options);
    this.#transcript = new Transcript(options.crypto);
    this.#writer = new FlightWriter(this.#transcript, 0);
  }

  get expects(): readonly string[] {
    return namesOf(this.#expected);
  }

  /** A client asks nothing. */
  get claimedPrincipal(): undefined {
    return undefined;
  }

  /** Servers are named by address and by what the client expects of them. */
  get claimedIdentity(): undefined {
    return undefined;
  }

  start(): void {
    this.#sendHello(EMPTY);
  }

  handleMessage(message: HandshakeMessage, epoch: 0 | 1): boolean {
    const name = handshakeTypeByNumber(message.type);
    const judgement = judge('client', this.#expected, name, epoch);
    if (judgement === 'dropped') return false;
    if (judgement === 'refused') {
      this.#fail(unexpectedMessage('server', message.type, this.#expected));
      return true;
    }
    this.#expected = after(this.#expected, name!);
    const problem = this.#handle(name!, message);
    if (problem !== undefined) this.#fail(problem);
    return true;
  }

  handleChangeCipherSpec(): boolean {
    if (!isNext(this.#expected, 'change_cipher_spec')) return false;
    this.#expected = after(this.#expected, 'change_cipher_spec');
    return true;
  }

  /** A client asks nothing. */
  answer(_answer: LookupAnswer): void {}

  #handle(name: HandshakeTypeName, message: HandshakeMessage): HandshakeFailure | undefined {
    // These have their own place in the transcript, or none.
    if (name === 'hello_verify_request') return this.#handleHelloVerifyRequest(message.body);
    if (name === 'server_hello') return this.#handleServerHello(message);
    if (name === 'finished') return this.#handleFinished(message);
    this.#transcript.append(message);
    const { body } = message;
    switch (name) {
      case 'certificate':
        return this.#handleCertificate(body);
      case 'server_key_exchange':
        return this.#handleServerKeyExchange(body);
      case 'certificate_request':
        return this.#handleCertificateRequest(body);
      case 'server_hello_done':
        return this.#handleServerHelloDone(body);
      case 'new_session_ticket':
        return this.#handleNewSessionTicket(body);
      default:
        // Nothing else is ever expected.
        return undefined;
    }
  }

  #sendHello(cookie: Uint8Array): void {
    this.#hello = this.#writer.provisionalHello(encodeClientHello({ ...this.#offer.hello, cookie }));
    this.#expected = expectedHello(this.#cookies < MAX_COOKIES ? 'cookie-or-hello' : 'hello');
    this.#options.output.sendFlight(this.#writer.take(), false);
  }

  /** Its version says nothing about the one that will be chosen. RFC 6347 §4.2.1. */
  #handleHelloVerifyRequest(body: Uint8Array): HandshakeFailure | undefined {
    const request = decodeHelloVerifyRequest(body);
    if (isMalformed(request)) return malformedMessage('server', request);
    this.#cookies++;
    this.#sendHello(request.cookie.slice());
    return undefined;
  }

  #handleServerHello(message: HandshakeMessage): HandshakeFailure | undefined {
    this.#transcript.append(this.#hello!);
    this.#transcript.append(message);
    this.#hello = undefined;
    const hello = decodeServerHello(message.body);
    if (isMalformed(hello)) return malformedMessage('server', hello);
    const selection = judgeServerHello(hello, this.#offer, this.#options);
    if (isFailure(selection)) return selection;
    this.#selection = selection;
    if (selection.resumed) {
      this.#useMasterSecret(this.#offer.session!.masterSecret);
      this.#expectTheEnd();
    } else {
      this.#expected = expectedFromServer(selection.suite.keyExchange);
    }
    return undefined;
  }

  #handleCertificate(body: Uint8Array): HandshakeFailure | undefined {
    const server = readServerCertificate(body, this.#certificateCredentials(), this.#options);
    if (isFailure(server)) return server;
    this.#server = server;
    return undefined;
  }

  #handleServerKeyExchange(body: Uint8Array): HandshakeFailure | undefined {
    if (this.#server === undefined) {
      // A hint for clients with several identities; ours is chosen. RFC 4279 §5.2.
      const hint = decodePskServerKeyExchange(body);
      return isMalformed(hint) ? malformedMessage('server', hint) : undefined;
    }
    const { kind } = this.#certificateCredentials();
    const key = readSignedKeyExchange(body, this.#server, this.#selection!, kind, this.#options);
    if (isFailure(key)) return key;
    this.#serverKey = key;
    return undefined;
  }

  #handleCertificateRequest(body: Uint8Array): HandshakeFailure | undefined {
    const request = decodeCertificateRequest(body);
    if (isMalformed(request)) return malformedMessage('server', request);
    this.#isCertificateRequested = true;
    const { own, kind } = this.#certificateCredentials();
    if (own === undefined) return undefined;
    if (kind !== this.#selection!.clientCertificate) {
      return failure(
        'no-common-certificate-type',
        'unsupported_certificate',
        'the server asks for a certificate, and this client has a raw public key: let the server accept those, or use certificates',
      );
    }
    if (request.certificateTypes.includes(ECDSA_SIGN) && request.signatureAlgorithms.includes(OUR_SIGNATURE)) {
      return undefined;
    }
    return failure(
      'no-common-signature-algorithm',
      'handshake_failure',
      'the server does not accept clients that sign with ecdsa-sha256 (0x0403), which is what this client does',
    );
  }

  #handleServerHelloDone(body: Uint8Array): HandshakeFailure | undefined {
    const problem = checkEmptyBody(body, 'ServerHelloDone');
    if (problem !== undefined) return malformedMessage('server', problem);
    const { crypto, credentials, output } = this.#options;
    const own = credentials.kind === 'psk' ? undefined : credentials.own;
    if (this.#isCertificateRequested) this.#writer.message('certificate', this.#ownCertificate());
    const premaster = this.#exchangeKeys();
    if (isFailure(premaster)) return premaster;
    this.#useMasterSecret(agreedMasterSecret(premaster, this.#selection!, this.#transcript, crypto));
    if (this.#isCertificateRequested && own !== undefined) {
      const signature = crypto.sign(own.privateKey, this.#transcript.bytes);
      this.#writer.message('certificate_verify', encodeCertificateVerify({ algorithm: OUR_SIGNATURE, signature }));
    }
    this.#writeEnd();
    this.#expectTheEnd();
    output.sendFlight(this.#writer.take(), false);
    return undefined;
  }

  /** Writes ClientKeyExchange. */
  #exchangeKeys(): SecretKey | HandshakeFailure {
    const { crypto, credentials } = this.#options;
    if (credentials.kind === 'psk') {
      this.#writer.message('client_key_exchange', encodePskClientKeyExchange(credentials.identity));
      return pskPremaster(credentials.key, crypto);
    }
    const { group, publicBytes } = this.#serverKey!;
    const ephemeral = crypto.generateEphemeral(group);
    this.#writer.message('client_key_exchange', encodeEcdheClientKeyExchange(ephemeral.publicBytes));
    return ecdhePremaster(ephemeral, publicBytes, crypto) ?? badPoint('server', group);
  }

  /** Empty where there is none to show. RFC 5246 §7.4.6. */
  #ownCertificate(): Uint8Array {
    const credentials = this.#certificateCredentials();
    return credentials.kind === 'rpk'
      ? encodeRawPublicKey(credentials.own.publicKey)
      : encodeCertificateChain(credentials.own?.chain ?? []);
  }

  #handleNewSessionTicket(body: Uint8Array): HandshakeFailure | undefined {
    const decoded = decodeNewSessionTicket(body);
    if (isMalformed(decoded)) return malformedMessage('server', decoded);
    const { length } = decoded.ticket;
    if (length > 0 && length <= MAX_TICKET_BYTES) this.#ticket = decoded.ticket.slice();
    return undefined;
  }

  #handleFinished(message: HandshakeMessage): HandshakeFailure | undefined {
    const { crypto, output } = this.#options;
    const received = decodeFinished(message.body);
    if (isMalformed(received)) return malformedMessage('server', received);
    if (!crypto.equal(received, this.#verifyData('server'))) return wrongFinished('server');
    this.#transcript.append(message);
    const selection = this.#selection!;
    if (selection.resumed) {
      this.#writeEnd();
      output.sendFlight(this.#writer.take(), true);
    }
    output.complete({
      principal: this.#principal(),
      parameters: this.#security!,
      extendedMasterSecret: selection.extendedMasterSecret,
      resumed: selection.resumed,
      serverName: this.#options.serverName,
      session: this.#session(selection),
    });
    this.#end();
    return undefined;
  }

  /** What a later handshake may resume; only with Extended Master Secret. */
  #session(selection: ServerSelection): SessionState | undefined {
    const ticket = this.#ticket;
    if (selection.resumed) {
      const session = this.#offer.session!;
      return ticket === undefined ? session : { ...session, id: EMPTY, ticket };
    }
    const { credentials, crypto } = this.#options;
    if (!selection.extendedMasterSecret || (selection.sessionId.length === 0 && ticket === undefined)) return undefined;
    return {
      id: ticket === undefined ? selection.sessionId : EMPTY,
      ticket,
      suite: selection.suite.name,
      masterSecret: this.#masterSecret!,
      extendedMasterSecret: true,
      encryptThenMac: selection.encryptThenMac,
      principal: this.#principal(),
      credentialCheck: clientCheck(credentials, crypto),
      serverName: this.#options.serverName,
      createdAt: Math.floor(this.#options.unixTime()),
    };
  }

  /** What the server has proven with its Finished: the same key, or that of its certificate. */
  #principal(): Principal {
    const { credentials } = this.#options;
    if (this.#selection!.resumed) return this.#offer.session!.principal;
    return credentials.kind === 'psk' ? { kind: 'psk', identity: credentials.identity } : this.#server!.principal;
  }

  #expectTheEnd(): void {
    this.#expected = expectedAtTheEnd(this.#selection!.promisesTicket ? 'ticket-promised' : 'no-ticket');
  }

  #writeEnd(): void {
    this.#writer.changeCipherSpec();
    this.#writer.message('finished', this.#verifyData('client'));
  }

  #useMasterSecret(masterSecret: SecretKey): void {
    const { crypto, output } = this.#options;
    this.#masterSecret = masterSecret;
    this.#security = securityParameters(masterSecret, this.#selection!, crypto);
    output.keysReady(this.#security);
  }

  #verifyData(sender: 'client' | 'server'): Uint8Array {
    return verifyData(this.#masterSecret!, sender, this.#transcript.hash(), this.#options.crypto);
  }

  /** Suites for certificates are offered with such credentials only. */
  #certificateCredentials(): Exclude<ClientCredentials, { kind: 'psk' }> {
    return this.#options.credentials as Exclude<ClientCredentials, { kind: 'psk' }>;
  }

  #fail(problem: HandshakeFailure): void {
    this.#end();
    this.#options.output.fail(problem);
  }

  /** Nothing more is expected, and no secret is kept. */
  #end(): void {
    this.#expected = NOTHING;
    this.#hello = undefined;
    this.#serverKey = undefined;
    this.#masterSecret = undefined;
    this.#security = undefined;
  }
}
