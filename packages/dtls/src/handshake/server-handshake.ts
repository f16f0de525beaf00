/**
 * The server's side of a handshake, from a ClientHello with a valid cookie on. RFC 5246 §7.3, 6347 §4.2, 4279 §2,
 * 8422 §2, 7250 §4, 5077 §3.
 *
 *   ClientHello ─► ServerHello [Certificate] [ServerKeyExchange] [CertificateRequest] ServerHelloDone
 *     [Certificate] ClientKeyExchange [CertificateVerify] (CCS) Finished ─► [NewSessionTicket] (CCS) Finished ─► complete
 *   ClientHello with a session ─► ServerHello (CCS) Finished
 *     (CCS) Finished ─► complete
 *
 * Which message may come is decided in `expected-messages.ts`; here is what is done with it. Nobody is authenticated
 * before the client's Finished: a key found and a signature checked are steps to it.
 */
import { cipherSuiteByName } from '../cipher-suite-table.ts';
import type { Principal, ServerCredentials } from '../credentials.ts';
import type { DtlsCrypto, EphemeralKey, SecretKey } from '../crypto.ts';
import { UsageError } from '../errors.ts';
import type { LookupAnswer } from '../events.ts';
import { identityText } from '../identity-text.ts';
import { pskPremaster, verifyData } from '../key-schedule.ts';
import { isMalformed } from '../malformed.ts';
import type { DtlsParameters } from '../parameters.ts';
import type { SecurityParameters } from '../record/protection.ts';
import type { SessionCache, SessionState } from '../session/session.ts';
import {
  certificateRequest,
  checkCertificateVerify,
  noCertificate,
  readClientCertificate,
} from './client-authentication.ts';
import type { CertificateClaim } from './client-authentication.ts';
import { isBegunWith, keyCheck, trustAnchorsCheck } from './credential-check.ts';
import { NOTHING, after, expectedFromClient, isNext, judge, namesOf } from './expected-messages.ts';
import type { Expected } from './expected-messages.ts';
import { FlightWriter } from './flight-writer.ts';
import {
  badPoint,
  isFailure,
  lookupFailed,
  malformedMessage,
  unexpectedMessage,
  unknownClient,
  unknownIdentity,
  wrongFinished,
} from './handshake-failure.ts';
import { handshakeTypeByNumber } from './handshake-type-table.ts';
import type { HandshakeFailure, HandshakeMachine, HandshakeMessage, HandshakeOutput } from './handshake.ts';
import { RANDOM_BYTES } from './hello-codec.ts';
import type { DecodedClientHello } from './hello-codec.ts';
import { agreedMasterSecret, ecdhePremaster, securityParameters } from './key-agreement.ts';
import {
  decodeEcdheClientKeyExchange,
  decodePskClientKeyExchange,
  encodePskServerKeyExchange,
} from './key-exchange-codec.ts';
import { decodeFinished, encodeNewSessionTicket } from './message-codec.ts';
import { lookupOf } from './peer-lookup.ts';
import type { KnownPrincipal } from './peer-lookup.ts';
import { resumableSession } from './resumption.ts';
import { certificateMessage, serverHello, signedServerKeyExchange } from './server-flight.ts';
import type { Agreement } from './server-flight.ts';
import { credentialsFor, selectCommon, selectSuite } from './server-negotiation.ts';
import type { CommonSelection, SuiteSelection } from './server-negotiation.ts';
import { Transcript } from './transcript.ts';

const EMPTY = new Uint8Array(0);
const SESSION_ID_BYTES = 32;
/** Of the key nobody has, for an identity nobody has. */
const UNKNOWN_KEY_BYTES = 32;

export interface ServerHandshakeOptions {
  readonly crypto: DtlsCrypto;
  readonly credentials: ServerCredentials;
  readonly parameters: DtlsParameters;
  /** ms since 1970. */
  readonly unixTime: () => number;
  /** Undefined: no session is resumed or kept. */
  readonly sessions: SessionCache | undefined;
  /** What the client is to put on its records if it takes part; undefined: not negotiated. RFC 9146. */
  readonly connectionId: Uint8Array | undefined;
  readonly output: HandshakeOutput;
}

/** The ClientHello, and what follows from it whether or not a session is resumed. */
interface Opening {
  readonly hello: DecodedClientHello;
  readonly common: CommonSelection;
  readonly clientRandom: Uint8Array;
  readonly clientSessionId: Uint8Array;
}

/** Begun with `start`. While a look-up is open it takes nothing else: `#question` says what it is about. */
export class ServerHandshake implements HandshakeMachine {
  readonly role = 'server';
  readonly #options: ServerHandshakeOptions;
  readonly #transcript: Transcript;
  #writer: FlightWriter;
  #expected: Expected = NOTHING;
  #question: 'session' | 'psk' | 'client' | undefined;

  /** Between `start` and the ServerHello. */
  #opening: Opening | undefined;
  #agreement: Agreement | undefined;
  #ephemeral: EphemeralKey | undefined;
  #claim: CertificateClaim | undefined;
  #claimedIdentity: string | undefined;
  /** What will be proven when the handshake is complete. */
  #principal: Principal = { kind: 'anonymous' };
  #credentialCheck: Uint8Array | undefined;
  #masterSecret: SecretKey | undefined;
  #security: SecurityParameters | undefined;
  /** The one that is resumed. */
  #resumed: SessionState | undefined;

  constructor(options: ServerHandshakeOptions) {
    this.#options = options;
    this.#transcript = new Transcript(options.crypto);
    this.#writer = new FlightWriter(this.#transcript, 0);
  }

  get isWaitingForLookup(): boolean {
    return this.#question !== undefined;
  }

  get expects(): readonly string[] {
    return namesOf(this.#expected);
  }

  get claimedIdentity(): string | undefined {
    return this.#claimedIdentity;
  }

  get claimedPrincipal(): Principal | undefined {
    return this.#principal.kind === 'anonymous' ? undefined : this.#principal;
  }

  /** @param message the ClientHello that brought a valid cookie; our ServerHello takes its `message_seq`. */
  start(message: HandshakeMessage, hello: DecodedClientHello): void {
    const { crypto, credentials, parameters, sessions, unixTime } = this.#options;
    this.#transcript.append(message);
    this.#writer = new FlightWriter(this.#transcript, message.messageSeq);
    const common = selectCommon(hello, parameters);
    if (isFailure(common)) return this.#fail(common);
    this.#opening = { hello, common, clientRandom: hello.random.slice(), clientSessionId: hello.sessionId.slice() };
    const session = sessions && resumableSession(hello, credentials, parameters, sessions, unixTime(), crypto);
    if (session === undefined) return this.#beginFull(this.#opening);
    if (isFailure(session)) return this.#fail(session);
    this.#resumed = session;
    // The credential may have been removed since, and the session is worth no more than it is.
    if (session.principal.kind === 'anonymous') this.#beginResumed(this.#opening, session);
    else this.#ask('session', session.principal, common.serverName);
  }

  handleMessage(message: HandshakeMessage, epoch: 0 | 1): boolean {
    if (this.#question !== undefined) return false;
    const name = handshakeTypeByNumber(message.type);
    const judgement = judge('server', this.#expected, name, epoch);
    if (judgement === 'dropped') return false;
    if (judgement === 'refused') {
      this.#fail(unexpectedMessage('client', message.type, this.#expected));
      return true;
    }
    this.#expected = after(this.#expected, name!);
    switch (name) {
      case 'certificate':
        this.#handleCertificate(message);
        break;
      case 'client_key_exchange':
        this.#handleClientKeyExchange(message);
        break;
      case 'certificate_verify':
        this.#handleCertificateVerify(message);
        break;
      case 'finished':
        this.#handleFinished(message);
        break;
      default:
        // Nothing else is ever expected.
        break;
    }
    return true;
  }

  handleChangeCipherSpec(): boolean {
    if (this.#question !== undefined || !isNext(this.#expected, 'change_cipher_spec')) return false;
    this.#expected = after(this.#expected, 'change_cipher_spec');
    return true;
  }

  /** Ignored when nothing was asked, or no longer. */
  answer(answer: LookupAnswer): void {
    const question = this.#question;
    if (question === undefined) return;
    const known = this.#principal.kind === 'psk' ? 'key' : 'accepted';
    if (answer.kind !== known && answer.kind !== 'unknown' && answer.kind !== 'failed') {
      throw new UsageError(`a look-up for '${known}' or 'unknown' was answered with '${answer.kind}'`);
    }
    this.#question = undefined;
    if (answer.kind === 'failed') return this.#fail(lookupFailed(answer.text));
    switch (question) {
      case 'session':
        if (this.#isStillKnown(this.#resumed!, answer)) return this.#beginResumed(this.#opening!, this.#resumed!);
        this.#resumed = undefined;
        this.#principal = { kind: 'anonymous' };
        return this.#beginFull(this.#opening!);
      case 'psk':
        return this.#usePreSharedKey(answer.kind === 'key' ? answer.key : undefined);
      case 'client':
        if (answer.kind === 'unknown') this.#fail(unknownClient(this.#claim!.principal.kind, this.#claimedIdentity!));
    }
  }

  #isStillKnown(session: SessionState, answer: LookupAnswer): boolean {
    const { crypto } = this.#options;
    return answer.kind === 'key'
      ? isBegunWith(session, keyCheck(answer.key, crypto), crypto)
      : answer.kind === 'accepted';
  }

  #beginFull(opening: Opening): void {
    const { crypto, parameters, sessions } = this.#options;
    const credentials = credentialsFor(this.#options.credentials, opening.common.serverName);
    const selection = selectSuite(opening.hello, credentials, parameters);
    if (isFailure(selection)) return this.#fail(selection);
    const keepsSession = sessions !== undefined && opening.common.extendedMasterSecret;
    const promisesTicket = keepsSession && parameters.tickets && opening.hello.extensions.sessionTicket !== undefined;
    const agreement = this.#agree(opening, selection, {
      // What is remembered by a ticket needs no memory here.
      sessionId: keepsSession && !promisesTicket ? crypto.randomBytes(SESSION_ID_BYTES) : EMPTY,
      promisesTicket,
    });
    const { certificates } = selection;
    if (certificates === undefined) this.#writePskMessages(credentials);
    else {
      this.#ephemeral = crypto.generateEphemeral(certificates.group);
      this.#writer.message('certificate', certificateMessage(certificates.server, credentials));
      this.#writer.message(
        'server_key_exchange',
        signedServerKeyExchange(this.#ephemeral, certificates.server, credentials, agreement, crypto),
      );
      if (certificates.client !== undefined) {
        this.#writer.message('certificate_request', certificateRequest(certificates.client));
      }
    }
    this.#writer.message('server_hello_done', EMPTY);
    this.#expected = expectedFromClient(certificates?.client === undefined ? 'full' : 'full-with-certificate');
    this.#options.output.sendFlight(this.#writer.take(), false);
  }

  #writePskMessages(credentials: ServerCredentials): void {
    const hint = credentials.psk?.identityHint;
    if (hint !== undefined) this.#writer.message('server_key_exchange', encodePskServerKeyExchange(hint));
  }

  #beginResumed(opening: Opening, session: SessionState): void {
    this.#principal = session.principal;
    this.#agree(
      opening,
      { suite: cipherSuiteByName(session.suite), encryptThenMac: session.encryptThenMac, certificates: undefined },
      // Both the ID of a session and the one that came with a ticket are echoed. RFC 5246 §7.4.1.3, 5077 §3.4.
      { sessionId: opening.clientSessionId, promisesTicket: false },
    );
    this.#useMasterSecret(session.masterSecret);
    this.#writer.changeCipherSpec();
    this.#writer.message('finished', this.#verifyData('server'));
    this.#expected = expectedFromClient('resumed');
    this.#options.output.sendFlight(this.#writer.take(), false);
  }

  #agree(
    { common, clientRandom }: Opening,
    selection: SuiteSelection,
    resumable: Pick<Agreement, 'sessionId' | 'promisesTicket'>,
  ): Agreement {
    const { crypto, connectionId } = this.#options;
    const { clientConnectionId, ...rest } = common;
    const usesConnectionIds = clientConnectionId !== undefined && connectionId !== undefined;
    const agreement: Agreement = {
      ...rest,
      ...selection,
      ...resumable,
      clientRandom,
      serverRandom: crypto.randomBytes(RANDOM_BYTES),
      clientToServerId: usesConnectionIds ? connectionId : undefined,
      serverToClientId: usesConnectionIds ? clientConnectionId.slice() : undefined,
    };
    this.#writer.message('server_hello', serverHello(agreement, this.#resumed === undefined ? 'full' : 'resumed'));
    this.#agreement = agreement;
    this.#opening = undefined;
    return agreement;
  }

  #handleCertificate(message: HandshakeMessage): void {
    const kind = this.#agreement!.certificates!.client!;
    this.#transcript.append(message);
    const claim = readClientCertificate(message.body, kind, this.#options);
    if (claim === undefined) return this.#fail(noCertificate(kind));
    if (isFailure(claim)) return this.#fail(claim);
    if (kind === 'x509') {
      const { crypto, credentials } = this.#options;
      this.#credentialCheck = trustAnchorsCheck(credentials.trustAnchors, crypto);
    }
    this.#claim = claim;
    this.#claimedIdentity = claim.claimedIdentity;
  }

  #handleClientKeyExchange(message: HandshakeMessage): void {
    this.#transcript.append(message);
    if (this.#ephemeral === undefined) this.#handlePskIdentity(message.body);
    else this.#agreeOnSecret(message.body, this.#ephemeral);
  }

  #handlePskIdentity(body: Uint8Array): void {
    const decoded = decodePskClientKeyExchange(body);
    if (isMalformed(decoded)) return this.#fail(malformedMessage('client', decoded));
    const identity = decoded.slice();
    this.#claimedIdentity = identityText(identity);
    this.#ask('psk', { kind: 'psk', identity }, this.#agreement!.serverName);
  }

  /** @param key undefined: nobody has this identity. */
  #usePreSharedKey(key: SecretKey | undefined): void {
    const { crypto, parameters } = this.#options;
    if (key === undefined && parameters.unknownIdentityAlert)
      return this.#fail(unknownIdentity(this.#claimedIdentity!));
    // A key that nobody has: the client's Finished will not decrypt, as with a wrong key. RFC 4279 §2.
    const used = key ?? crypto.importSecret(crypto.randomBytes(UNKNOWN_KEY_BYTES));
    if (isResumable(this.#agreement!)) this.#credentialCheck = keyCheck(used, crypto);
    this.#makeKeys(pskPremaster(used, crypto));
  }

  #agreeOnSecret(body: Uint8Array, ephemeral: EphemeralKey): void {
    const { crypto } = this.#options;
    const peer = decodeEcdheClientKeyExchange(body);
    if (isMalformed(peer)) return this.#fail(malformedMessage('client', peer));
    this.#ephemeral = undefined;
    const premaster = ecdhePremaster(ephemeral, peer, crypto);
    if (premaster === undefined) return this.#fail(badPoint('client', ephemeral.group));
    this.#makeKeys(premaster);
  }

  #handleCertificateVerify(message: HandshakeMessage): void {
    const { certificates, serverName } = this.#agreement!;
    const claim = this.#claim!;
    const { crypto } = this.#options;
    const kind = certificates!.client!;
    const problem = checkCertificateVerify(message.body, claim, kind, this.#transcript.bytes, crypto);
    if (problem !== undefined) return this.#fail(problem);
    this.#transcript.append(message);
    // Only now: the store is asked about nobody who does not hold the private key.
    this.#ask('client', claim.principal, serverName);
  }

  #handleFinished(message: HandshakeMessage): void {
    const { crypto, sessions, unixTime, output } = this.#options;
    const verifyData = decodeFinished(message.body);
    if (isMalformed(verifyData)) return this.#fail(malformedMessage('client', verifyData));
    if (!crypto.equal(verifyData, this.#verifyData('client'))) {
      if (this.#resumed !== undefined && this.#resumed.id.length > 0) sessions?.forget(this.#resumed.id);
      return this.#fail(wrongFinished('client'));
    }
    this.#transcript.append(message);
    const agreement = this.#agreement!;
    const session = this.#resumed ?? this.#newSession(agreement, unixTime());
    if (this.#resumed === undefined) this.#sendLastFlight(agreement, session);
    if (session !== undefined && session.id.length > 0) sessions?.keep(session, unixTime());
    output.complete({
      principal: this.#principal,
      parameters: this.#security!,
      extendedMasterSecret: agreement.extendedMasterSecret,
      resumed: this.#resumed !== undefined,
      serverName: agreement.serverName,
      session,
    });
    this.#end();
  }

  #sendLastFlight(agreement: Agreement, session: SessionState | undefined): void {
    const { sessions, parameters, unixTime, output } = this.#options;
    if (agreement.promisesTicket) {
      const ticket = sessions!.sealTicket(session!, unixTime());
      const lifetimeHintSeconds = Math.floor(parameters.sessionLifetime / 1000);
      this.#writer.message('new_session_ticket', encodeNewSessionTicket({ lifetimeHintSeconds, ticket }));
    }
    this.#writer.changeCipherSpec();
    this.#writer.message('finished', this.#verifyData('server'));
    output.sendFlight(this.#writer.take(), true);
  }

  #newSession(agreement: Agreement, unixTime: number): SessionState | undefined {
    if (!isResumable(agreement)) return undefined;
    return {
      id: agreement.sessionId,
      ticket: undefined,
      suite: agreement.suite.name,
      masterSecret: this.#masterSecret!,
      extendedMasterSecret: agreement.extendedMasterSecret,
      encryptThenMac: agreement.encryptThenMac,
      principal: this.#principal,
      credentialCheck: this.#credentialCheck,
      serverName: agreement.serverName,
      createdAt: Math.floor(unixTime),
    };
  }

  #makeKeys(premaster: SecretKey): void {
    const { crypto } = this.#options;
    this.#useMasterSecret(agreedMasterSecret(premaster, this.#agreement!, this.#transcript, crypto));
  }

  #useMasterSecret(masterSecret: SecretKey): void {
    const { crypto, output } = this.#options;
    this.#masterSecret = masterSecret;
    this.#security = securityParameters(masterSecret, this.#agreement!, crypto);
    output.keysReady(this.#security);
  }

  #verifyData(side: 'client' | 'server'): Uint8Array {
    return verifyData(this.#masterSecret!, side, this.#transcript.hash(), this.#options.crypto);
  }

  #ask(question: 'session' | 'psk' | 'client', principal: KnownPrincipal, serverName: string | undefined): void {
    this.#question = question;
    this.#principal = principal;
    this.#options.output.lookup(lookupOf(principal, serverName));
  }

  #fail(problem: HandshakeFailure): void {
    const claimedIdentity = problem.claimedIdentity ?? this.#claimedIdentity;
    this.#end();
    this.#options.output.fail(claimedIdentity === undefined ? problem : { ...problem, claimedIdentity });
  }

  /** Nothing more is expected, and no secret is kept. */
  #end(): void {
    this.#expected = NOTHING;
    this.#question = undefined;
    this.#opening = undefined;
    this.#ephemeral = undefined;
    this.#masterSecret = undefined;
    this.#security = undefined;
    this.#resumed = undefined;
  }
}

function isResumable(agreement: Agreement): boolean {
  return agreement.sessionId.length > 0 || agreement.promisesTicket;
}
