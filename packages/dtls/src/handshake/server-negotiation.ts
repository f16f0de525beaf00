/**
 * What a server makes of a ClientHello: the cipher suite by its own preference, and with it the group, the kinds of
 * certificates and the extensions. RFC 5246 §7.4.1.3, 8422 §5, 7250 §4.2, 5746 §3.6, 7627 §5.2, 7366 §2, 9146 §3.
 */
import { CERTIFICATE_TYPES, UNCOMPRESSED_POINT } from '../certificate-type-table.ts';
import { cipherSuiteByName, cipherSuiteByNumber } from '../cipher-suite-table.ts';
import type { CipherSuite } from '../cipher-suite-table.ts';
import type { ServerCredentials } from '../credentials.ts';
import type { GroupName } from '../crypto.ts';
import { EMPTY_RENEGOTIATION_INFO_SCSV } from '../extension-table.ts';
import { namedGroupByName, namedGroupByNumber } from '../named-group-table.ts';
import type { DtlsParameters } from '../parameters.ts';
import { signatureAlgorithmByName, signatureAlgorithmByNumber } from '../signature-algorithm-table.ts';
import type { Extensions, MaxFragmentLength } from './extension-codec.ts';
import { cipherSuitesText, failure, isFailure, listed, namesText, numbersText } from './handshake-failure.ts';
import type { HandshakeFailure } from './handshake.ts';
import { DTLS_1_0 } from './hello-codec.ts';
import type { DecodedClientHello } from './hello-codec.ts';

export type CertificateKind = 'x509' | 'rpk';

/** How both sides prove themselves with a certificate suite. */
export interface CertificateSelection {
  readonly group: GroupName;
  /** What we show. */
  readonly server: CertificateKind;
  /** What we ask the client for; undefined: nothing. */
  readonly client: CertificateKind | undefined;
  /** Our answer to the extensions that have to do with it. */
  readonly extensions: Extensions;
}

/** What is agreed whether or not a session is resumed. */
export interface CommonSelection {
  readonly extendedMasterSecret: boolean;
  readonly answersRenegotiationInfo: boolean;
  readonly maxFragmentLength: MaxFragmentLength | undefined;
  /** What the client wants on the records it receives. */
  readonly clientConnectionId: Uint8Array | undefined;
  readonly serverName: string | undefined;
}

export interface SuiteSelection {
  readonly suite: CipherSuite;
  readonly encryptThenMac: boolean;
  /** Undefined with a PSK suite. */
  readonly certificates: CertificateSelection | undefined;
}

const SECP256R1 = namedGroupByName('secp256r1').number;
const DTLS_MAJOR = 0xfe;
/** Minor versions count downwards: what is at most this is 1.2 or later. */
const DTLS_1_2_MINOR = 0xfd;

/** What has nothing to do with the suite. */
export function selectCommon(
  hello: DecodedClientHello,
  parameters: DtlsParameters,
): CommonSelection | HandshakeFailure {
  const { extensions } = hello;
  if (hello.version >>> 8 !== DTLS_MAJOR || (hello.version & 0xff) > DTLS_1_2_MINOR) {
    return failure(
      'no-common-version',
      'protocol_version',
      `the client offers ${versionText(hello.version)}; this server supports DTLS 1.2: update the client`,
    );
  }
  if (extensions.renegotiationInfo !== undefined && extensions.renegotiationInfo.length > 0) {
    return failure(
      'renegotiation',
      'handshake_failure',
      'the client renegotiates in a first handshake (RFC 5746 §3.6)',
    );
  }
  const extendedMasterSecret = extensions.extendedMasterSecret === true;
  if (parameters.requireExtendedMasterSecret && !extendedMasterSecret) {
    return failure(
      'no-extended-master-secret',
      'handshake_failure',
      'the client does not offer Extended Master Secret, which this server requires (RFC 7627): update the client, or set requireExtendedMasterSecret to false',
    );
  }
  return {
    extendedMasterSecret,
    answersRenegotiationInfo:
      extensions.renegotiationInfo !== undefined || hello.cipherSuites.includes(EMPTY_RENEGOTIATION_INFO_SCSV),
    maxFragmentLength: extensions.maxFragmentLength,
    clientConnectionId: extensions.connectionId,
    serverName: extensions.serverName,
  };
}

/** What is shown to a client that asks for this name. RFC 6066 §3. */
export function credentialsFor(credentials: ServerCredentials, serverName: string | undefined): ServerCredentials {
  const host = serverName === undefined ? undefined : credentials.virtualHosts?.get(serverName.toLowerCase());
  return host === undefined
    ? credentials
    : { ...credentials, certificate: undefined, rawPublicKey: undefined, ...host };
}

/** The first suite of ours that the client offers and both can carry out; else why none. */
export function selectSuite(
  hello: DecodedClientHello,
  credentials: ServerCredentials,
  parameters: DtlsParameters,
): SuiteSelection | HandshakeFailure {
  // A suite both know that fails for another reason says more than "none in common".
  let reason: HandshakeFailure | undefined;
  let certificates: CertificateSelection | HandshakeFailure | undefined;
  for (const name of parameters.cipherSuites) {
    const suite = cipherSuiteByName(name);
    if (!hello.cipherSuites.includes(suite.number) || !hasCredentialsFor(suite, credentials)) continue;
    const encryptThenMac = encryptsThenMacs(suite, hello.extensions);
    if (suite.keyExchange === 'psk') return { suite, encryptThenMac, certificates: undefined };
    certificates ??= selectCertificates(hello.extensions, credentials, parameters);
    if (!isFailure(certificates)) return { suite, encryptThenMac, certificates };
    reason = certificates;
  }
  return reason ?? noCommonSuite(hello, credentials, parameters);
}

export function hasCredentialsFor(suite: CipherSuite, credentials: ServerCredentials): boolean {
  if (suite.keyExchange === 'psk') return credentials.psk !== undefined;
  return credentials.certificate !== undefined || credentials.rawPublicKey !== undefined;
}

/** RFC 7366 §3: with CBC suites only, and then whenever it is offered. */
export function encryptsThenMacs(suite: CipherSuite, offered: Extensions): boolean {
  return suite.cipher === 'aes-128-cbc-sha256' && offered.encryptThenMac === true;
}

function selectCertificates(
  offered: Extensions,
  credentials: ServerCredentials,
  parameters: DtlsParameters,
): CertificateSelection | HandshakeFailure {
  const group = selectGroup(offered, parameters);
  if (isFailureOf(group)) return group;
  const signatures = offered.signatureAlgorithms;
  // Without the extension RFC 5246 would have SHA-1, which nobody who implements these suites means: RFC 7925 §4.4.
  if (signatures !== undefined && !signatures.includes(signatureAlgorithmByName('ecdsa-sha256').number)) {
    const names = numbersText(signatures, (number) => signatureAlgorithmByNumber(number)?.name);
    return failure(
      'no-common-signature-algorithm',
      'handshake_failure',
      `the client accepts signatures with ${names}; this server signs with ecdsa-sha256 (0x0403)`,
    );
  }
  const server = selectServerCertificate(offered, credentials);
  if (isFailureOf(server)) return server;
  const client =
    credentials.clientAuthentication === 'none' ? undefined : selectClientCertificate(offered, credentials);
  if (client !== undefined && isFailureOf(client)) return client;
  return {
    group,
    server,
    client,
    extensions: {
      ecPointFormats: offered.ecPointFormats && [UNCOMPRESSED_POINT],
      serverCertificateTypes: offered.serverCertificateTypes && [CERTIFICATE_TYPES[server]],
      // Left out where no certificate is asked for. RFC 7250 §4.2.
      clientCertificateTypes: offered.clientCertificateTypes && client && [CERTIFICATE_TYPES[client]],
    },
  };
}

function selectGroup(offered: Extensions, parameters: DtlsParameters): GroupName | HandshakeFailure {
  // RFC 8422 §4: a client without the extension takes any group. secp256r1 is the one all of them have.
  const groups = offered.supportedGroups ?? [SECP256R1];
  const takesPoints = offered.ecPointFormats === undefined || offered.ecPointFormats.includes(UNCOMPRESSED_POINT);
  const chosen = parameters.groups.find(
    (name) => groups.includes(namedGroupByName(name).number) && (name === 'x25519' || takesPoints),
  );
  // The list is also of the curves that keys in certificates may be on. RFC 8422 §5.1.1.
  if (chosen !== undefined && groups.includes(SECP256R1)) return chosen;
  const names = numbersText(groups, (number) => namedGroupByNumber(number)?.name);
  const formats = takesPoints ? '' : ' and does not take uncompressed points';
  return failure(
    'no-common-group',
    'handshake_failure',
    `the client offers the groups ${names}${formats}; this server supports ${listed(parameters.groups)}, and its own key is on secp256r1: enable secp256r1 on both sides`,
  );
}

/** The client's list is in its order of preference. RFC 7250 §4.2. */
function selectServerCertificate(
  offered: Extensions,
  credentials: ServerCredentials,
): CertificateKind | HandshakeFailure {
  const types = offered.serverCertificateTypes ?? [CERTIFICATE_TYPES.x509];
  for (const type of types) {
    if (type === CERTIFICATE_TYPES.x509 && credentials.certificate !== undefined) return 'x509';
    if (type === CERTIFICATE_TYPES.rpk && credentials.rawPublicKey !== undefined) return 'rpk';
  }
  const shown: CertificateKind[] = [];
  if (credentials.certificate !== undefined) shown.push('x509');
  if (credentials.rawPublicKey !== undefined) shown.push('rpk');
  return failure(
    'no-common-certificate-type',
    'unsupported_certificate',
    `the client accepts ${certificateTypesText(types)} of the server; this server has ${kindsText(shown)}: add the other kind to the server, or set up the client for this one`,
  );
}

function selectClientCertificate(
  offered: Extensions,
  credentials: ServerCredentials,
): CertificateKind | HandshakeFailure {
  const types = offered.clientCertificateTypes ?? [CERTIFICATE_TYPES.x509];
  const kind = credentials.clientCertificateTypes.find((candidate) => types.includes(CERTIFICATE_TYPES[candidate]));
  return (
    kind ??
    failure(
      'no-common-certificate-type',
      'unsupported_certificate',
      `the client can show ${certificateTypesText(types)}; this server accepts ${kindsText(credentials.clientCertificateTypes)} of clients: allow the other kind on the server, or set up the client for this one`,
    )
  );
}

function noCommonSuite(
  hello: DecodedClientHello,
  credentials: ServerCredentials,
  parameters: DtlsParameters,
): HandshakeFailure {
  const usable = parameters.cipherSuites.filter((name) => hasCredentialsFor(cipherSuiteByName(name), credentials));
  const known = hello.cipherSuites.map(cipherSuiteByNumber).filter((suite) => suite !== undefined);
  const disabled = known.filter(
    (suite) => hasCredentialsFor(suite, credentials) && !parameters.cipherSuites.includes(suite.name),
  );
  let advice = 'add a suite in common';
  if (disabled.length > 0) advice = `enable ${namesText(disabled.map((suite) => suite.name))} on the server`;
  else if (known.some((suite) => suite.keyExchange === 'psk')) advice = 'give the server pre-shared keys';
  else if (known.length > 0) advice = 'give the server a certificate or a raw public key';
  const supported = usable.length === 0 ? 'none, for lack of credentials' : namesText(usable);
  return failure(
    'no-common-cipher-suite',
    'handshake_failure',
    `the client offers ${cipherSuitesText(hello.cipherSuites)}; this server supports ${supported}: ${advice}`,
  );
}

function isFailureOf(value: string | HandshakeFailure): value is HandshakeFailure {
  return typeof value !== 'string';
}

function certificateTypesText(types: readonly number[]): string {
  return numbersText(types, (type) => {
    if (type === CERTIFICATE_TYPES.x509) return KIND_TEXT.x509;
    return type === CERTIFICATE_TYPES.rpk ? KIND_TEXT.rpk : `certificates of type ${type}`;
  });
}

function kindsText(kinds: readonly CertificateKind[]): string {
  return listed(kinds.map((kind) => KIND_TEXT[kind]));
}

const KIND_TEXT: Readonly<Record<CertificateKind, string>> = { x509: 'X.509 certificates', rpk: 'raw public keys' };

function versionText(version: number): string {
  if (version === DTLS_1_0) return 'DTLS 1.0';
  return `version 0x${version.toString(16).padStart(4, '0')}`;
}
