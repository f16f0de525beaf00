/**
 * What a client offers, and whether the ServerHello stays within it. RFC 5246 §7.4.1, 5746 §3.4, 7627 §5.2, 7366 §2,
 * 6066 §4, 7250 §4, 9146 §3, 5077 §3.4.
 */
import { CERTIFICATE_TYPES, UNCOMPRESSED_POINT } from '../certificate-type-table.ts';
import { cipherSuiteByName, cipherSuiteByNumber } from '../cipher-suite-table.ts';
import type { CipherSuite } from '../cipher-suite-table.ts';
import type { ClientCredentials } from '../credentials.ts';
import type { DtlsCrypto } from '../crypto.ts';
import { UsageError } from '../errors.ts';
import { EMPTY_RENEGOTIATION_INFO_SCSV, EXTENSIONS, extensionByNumber } from '../extension-table.ts';
import { namedGroupByName } from '../named-group-table.ts';
import type { DtlsParameters } from '../parameters.ts';
import { RECORD_HEADER_LENGTH } from '../record/record-header.ts';
import type { SessionState } from '../session/session.ts';
import type { Extensions } from './extension-codec.ts';
import { FRAGMENT_HEADER_BYTES } from './fragment-codec.ts';
import { cipherSuitesText, failure, namesText } from './handshake-failure.ts';
import { acceptedSignatures } from './handshake-signature.ts';
import type { HandshakeFailure } from './handshake.ts';
import { DTLS_1_2, RANDOM_BYTES, encodeClientHello } from './hello-codec.ts';
import type { ClientHello, DecodedServerHello } from './hello-codec.ts';
import type { HelloAgreement } from './key-agreement.ts';
import { isOfferable } from './resumption.ts';

const EMPTY = new Uint8Array(0);
/** Made up beside a ticket, so that its echo tells that the ticket was taken. RFC 5077 §3.4. */
const SESSION_ID_BYTES = 32;
/** Of the cookie to come: servers have one or two hashes there. */
const COOKIE_BYTES = 64;

export interface OfferOptions {
  readonly crypto: DtlsCrypto;
  readonly credentials: ClientCredentials;
  readonly parameters: DtlsParameters;
  /** ms since 1970. */
  readonly unixTime: () => number;
  /** SNI. */
  readonly serverName: string | undefined;
  /** Undefined: the parameters'. */
  readonly cipherSuites: DtlsParameters['cipherSuites'] | undefined;
  /** Resumed where it fits the rest. */
  readonly session: SessionState | undefined;
  /** What the server is to put on its records, may be empty; undefined: not negotiated. RFC 9146. */
  readonly connectionId: Uint8Array | undefined;
}

export interface Offer {
  /** Without a cookie. */
  readonly hello: ClientHello;
  readonly session: SessionState | undefined;
}

/** What the ServerHello settles. */
export interface ServerSelection extends HelloAgreement {
  readonly sessionId: Uint8Array;
  readonly resumed: boolean;
  readonly promisesTicket: boolean;
  /** What the server takes for a certificate of ours, if it asks for one. */
  readonly clientCertificate: 'x509' | 'rpk';
}

/** @throws UsageError when none of the suites or groups fits the credentials. */
export function makeOffer(options: OfferOptions): Offer {
  const { crypto, credentials, parameters, serverName } = options;
  const wanted = options.cipherSuites ?? parameters.cipherSuites;
  const keyExchange = credentials.kind === 'psk' ? 'psk' : 'ecdhe-ecdsa';
  const suites = wanted.map(cipherSuiteByName).filter((suite) => suite.keyExchange === keyExchange);
  if (suites.length === 0) {
    const kind = keyExchange === 'psk' ? 'a pre-shared key' : 'certificates or raw public keys';
    throw new UsageError(`none of the cipher suites ${namesText(wanted)} works with ${kind}`);
  }
  // The list is also of the curves that keys in certificates may be on, and those are on this one. RFC 8422 §5.1.1.
  if (keyExchange === 'ecdhe-ecdsa' && !parameters.groups.includes('secp256r1')) {
    throw new UsageError('certificates and raw public keys need the group secp256r1, because their keys are on it');
  }
  const names = suites.map((suite) => suite.name);
  const age = { unixTime: options.unixTime(), sessionLifetime: parameters.sessionLifetime };
  const { session } = options;
  const offered =
    session !== undefined && isOfferable(session, credentials, names, serverName, age, crypto) ? session : undefined;
  if (offered !== undefined) {
    const hello = helloWith(offered, suites, options);
    if (isUnfragmented(hello, parameters)) return { session: offered, hello };
  }
  return { session: undefined, hello: helloWith(undefined, suites, options) };
}

function helloWith(
  session: SessionState | undefined,
  suites: readonly CipherSuite[],
  { crypto, credentials, parameters, serverName, connectionId }: OfferOptions,
): ClientHello {
  const ticket = parameters.tickets ? session?.ticket : undefined;
  return {
    version: DTLS_1_2,
    random: crypto.randomBytes(RANDOM_BYTES),
    sessionId: ticket === undefined ? (session?.id ?? EMPTY) : crypto.randomBytes(SESSION_ID_BYTES),
    cookie: EMPTY,
    cipherSuites: [...suites.map((suite) => suite.number), EMPTY_RENEGOTIATION_INFO_SCSV],
    extensions: {
      serverName,
      maxFragmentLength: parameters.maxFragmentLength,
      ...(credentials.kind === 'psk' ? undefined : certificateExtensions(credentials.kind, parameters)),
      // RFC 7366 §3: it says nothing about AEAD suites.
      encryptThenMac: suites.some((suite) => suite.cipher === 'aes-128-cbc-sha256') ? true : undefined,
      extendedMasterSecret: true,
      sessionTicket: parameters.tickets ? (ticket ?? EMPTY) : undefined,
      connectionId,
    },
  };
}

/** Many servers give a fragmented ClientHello no cookie, so a ticket that is too long would keep the client out. */
function isUnfragmented(hello: ClientHello, { maxDatagramBytes, maxFragmentLength }: DtlsParameters): boolean {
  const bytes = FRAGMENT_HEADER_BYTES + encodeClientHello(hello).length + COOKIE_BYTES;
  return bytes <= Math.min(maxDatagramBytes - RECORD_HEADER_LENGTH, maxFragmentLength ?? Infinity);
}

function certificateExtensions(kind: 'x509' | 'rpk', parameters: DtlsParameters): Extensions {
  // Without the extensions it is X.509 both ways. RFC 7250 §4.1.
  const types = kind === 'rpk' ? [CERTIFICATE_TYPES.rpk] : undefined;
  return {
    supportedGroups: parameters.groups.map((name) => namedGroupByName(name).number),
    ecPointFormats: [UNCOMPRESSED_POINT],
    signatureAlgorithms: acceptedSignatures(kind),
    clientCertificateTypes: types,
    serverCertificateTypes: types,
  };
}

/** Everything the server chose must have been offered. The randoms and Connection IDs are copied. */
export function judgeServerHello(
  hello: DecodedServerHello,
  offer: Offer,
  { credentials, parameters, crypto }: OfferOptions,
): ServerSelection | HandshakeFailure {
  if (hello.version !== DTLS_1_2) {
    return failure(
      'no-common-version',
      'protocol_version',
      `the server chooses version 0x${hello.version.toString(16).padStart(4, '0')}; this client supports DTLS 1.2 (0xfefd)`,
    );
  }
  const suite = offer.hello.cipherSuites.includes(hello.cipherSuite)
    ? cipherSuiteByNumber(hello.cipherSuite)
    : undefined;
  if (suite === undefined) {
    return failure(
      'no-common-cipher-suite',
      'illegal_parameter',
      `the server chooses ${cipherSuitesText([hello.cipherSuite])}, and was offered ${cipherSuitesText(offer.hello.cipherSuites)}`,
    );
  }
  const problem =
    judgeExtensions(hello, suite, offer.hello.extensions, parameters) ??
    (hello.compressionMethod === 0 ? undefined : illegal('the server chooses a compression that was not offered'));
  if (problem !== undefined) return problem;
  const { session } = offer;
  const resumed =
    session !== undefined && hello.sessionId.length > 0 && crypto.equal(hello.sessionId, offer.hello.sessionId);
  const further = resumed ? judgeResumption(hello, suite, session) : judgeCertificateTypes(hello, credentials);
  if (further !== undefined) return further;
  const { extensions } = hello;
  const own = offer.hello.extensions.connectionId;
  return {
    suite,
    clientRandom: offer.hello.random,
    serverRandom: hello.random.slice(),
    sessionId: hello.sessionId.slice(),
    resumed,
    extendedMasterSecret: extensions.extendedMasterSecret === true,
    encryptThenMac: extensions.encryptThenMac === true,
    clientToServerId: extensions.connectionId?.slice(),
    serverToClientId: extensions.connectionId === undefined ? undefined : own,
    maxFragmentLength: extensions.maxFragmentLength,
    promisesTicket: extensions.sessionTicket !== undefined,
    clientCertificate: extensions.clientCertificateTypes?.[0] === CERTIFICATE_TYPES.rpk ? 'rpk' : 'x509',
  };
}

function judgeExtensions(
  { extensions, extensionTypes }: DecodedServerHello,
  suite: CipherSuite,
  offered: Extensions,
  parameters: DtlsParameters,
): HandshakeFailure | undefined {
  for (const type of extensionTypes) {
    const extension = extensionByNumber(type);
    if (extension !== undefined && offered[extension.field] !== undefined) continue;
    // The signalling suite offers it. RFC 5746 §3.4.
    if (extension === RENEGOTIATION_INFO) continue;
    return failure(
      'malformed-message',
      'unsupported_extension',
      `the server answers with the extension ${extension?.name ?? type}, which was not offered`,
    );
  }
  if (extensions.renegotiationInfo !== undefined && extensions.renegotiationInfo.length > 0) {
    return failure(
      'renegotiation',
      'handshake_failure',
      'the server renegotiates in a first handshake (RFC 5746 §3.4)',
    );
  }
  if (parameters.requireExtendedMasterSecret && extensions.extendedMasterSecret !== true) {
    return failure(
      'no-extended-master-secret',
      'handshake_failure',
      'the server does not take part in Extended Master Secret, which this client requires (RFC 7627): update the server, or set requireExtendedMasterSecret to false',
    );
  }
  if (extensions.encryptThenMac === true && suite.cipher !== 'aes-128-cbc-sha256') {
    return illegal(`the server chooses encrypt-then-MAC with ${suite.name}, which has no MAC of its own (RFC 7366 §3)`);
  }
  if (extensions.maxFragmentLength !== undefined && extensions.maxFragmentLength !== offered.maxFragmentLength) {
    return illegal('the server answers with another max_fragment_length than was asked for (RFC 6066 §4)');
  }
  if (extensions.ecPointFormats?.includes(UNCOMPRESSED_POINT) === false) {
    return illegal('the server does not take uncompressed points (RFC 8422 §5.1.2)');
  }
  return undefined;
}

function judgeResumption(
  { extensions }: DecodedServerHello,
  suite: CipherSuite,
  session: SessionState,
): HandshakeFailure | undefined {
  if (suite.name !== session.suite) {
    return illegal(`the server resumes a session of ${session.suite} with ${suite.name}`);
  }
  if (extensions.extendedMasterSecret !== true) {
    return failure(
      'insecure-resumption',
      'handshake_failure',
      'the server resumes a session that began with Extended Master Secret and leaves it out now (RFC 7627 §5.3)',
    );
  }
  if ((extensions.encryptThenMac === true) !== session.encryptThenMac) {
    return illegal('the server resumes a session with another order of encryption and MAC (RFC 7366 §3.1)');
  }
  return undefined;
}

/** The client's type may be missing: then the server does not mean to ask. */
function judgeCertificateTypes(
  { extensions }: DecodedServerHello,
  credentials: ClientCredentials,
): HandshakeFailure | undefined {
  if (credentials.kind !== 'rpk') return undefined;
  const server = extensions.serverCertificateTypes?.[0] ?? CERTIFICATE_TYPES.x509;
  const client = extensions.clientCertificateTypes?.[0] ?? CERTIFICATE_TYPES.rpk;
  if (server === CERTIFICATE_TYPES.rpk && client === CERTIFICATE_TYPES.rpk) return undefined;
  return failure(
    'no-common-certificate-type',
    'unsupported_certificate',
    'the server does not take part in raw public keys (RFC 7250): give it one and let it accept those of clients, or use certificates',
  );
}

function illegal(text: string): HandshakeFailure {
  return failure('malformed-message', 'illegal_parameter', text);
}

const RENEGOTIATION_INFO = EXTENSIONS.find((extension) => extension.field === 'renegotiationInfo');
