/**
 * What a client makes of a server's certificate or raw public key, and of the key exchange signed with it.
 * RFC 5246 §7.4.2, §7.4.3; RFC 7250 §4.2; RFC 8422 §5.4.
 */
import type { ClientCredentials, Principal } from '../credentials.ts';
import type { DtlsCrypto, GroupName, PublicKey } from '../crypto.ts';
import { hexText } from '../identity-text.ts';
import { isMalformed } from '../malformed.ts';
import { namedGroupByNumber } from '../named-group-table.ts';
import type { DtlsParameters } from '../parameters.ts';
import { judgeServerCertificate } from '../x509/path-validation.ts';
import { isUnusableKey, publicKeyOf } from '../x509/public-key.ts';
import { decodeCertificateChain, decodeRawPublicKey } from './certificate-codec.ts';
import { failure, malformedMessage, numbersText } from './handshake-failure.ts';
import { handshakeSignature, signedKeyExchange, unofferedSignature, wrongSignature } from './handshake-signature.ts';
import type { HandshakeFailure } from './handshake.ts';
import { decodeEcdheServerKeyExchange } from './key-exchange-codec.ts';

/** A certificate that is the right one; that the server holds its key is proven by the ServerKeyExchange. */
export interface ServerIdentity {
  readonly publicKey: PublicKey;
  readonly principal: Principal;
}

/** The server's key for this handshake, signed with its identity's. */
export interface ServerKey {
  readonly group: GroupName;
  readonly publicBytes: Uint8Array;
}

export interface ServerAuthenticationContext {
  readonly crypto: DtlsCrypto;
  readonly parameters: DtlsParameters;
  /** ms since 1970. */
  readonly unixTime: () => number;
}

type CertificateCredentials = Exclude<ClientCredentials, { kind: 'psk' }>;

export function readServerCertificate(
  body: Uint8Array,
  credentials: CertificateCredentials,
  context: ServerAuthenticationContext,
): ServerIdentity | HandshakeFailure {
  return credentials.kind === 'rpk'
    ? readRawPublicKey(body, credentials.serverPublicKey, context.crypto)
    : readChain(body, credentials, context);
}

function readRawPublicKey(
  body: Uint8Array,
  expected: Uint8Array,
  crypto: DtlsCrypto,
): ServerIdentity | HandshakeFailure {
  const decoded = decodeRawPublicKey(body);
  if (isMalformed(decoded)) return malformedMessage('server', decoded);
  const publicKey = publicKeyOf(decoded, crypto);
  if (isUnusableKey(publicKey)) {
    return failure('certificate', publicKey.alert, `the server's raw public key ${publicKey.unusable}`);
  }
  if (crypto.equal(decoded, expected)) return { publicKey, principal: { kind: 'rpk', publicKey: decoded.slice() } };
  return failure(
    'unknown-public-key',
    'certificate_unknown',
    `the server shows the raw public key with SHA-256 ${hexText(crypto.hash('sha256', decoded))}, and the one with ${hexText(crypto.hash('sha256', expected))} is expected: renew the server's public key on the client`,
  );
}

function readChain(
  body: Uint8Array,
  credentials: Extract<CertificateCredentials, { kind: 'x509' }>,
  { crypto, unixTime }: ServerAuthenticationContext,
): ServerIdentity | HandshakeFailure {
  const chain = decodeCertificateChain(body);
  if (isMalformed(chain)) return malformedMessage('server', chain);
  const verdict = judgeServerCertificate(chain, credentials.server, { crypto, unixTime: unixTime() });
  if (verdict.kind === 'refused') {
    const refusal = failure('certificate', verdict.alert, verdict.text);
    return verdict.claimedIdentity === undefined ? refusal : { ...refusal, claimedIdentity: verdict.claimedIdentity };
  }
  const { publicKey, principal } = verdict;
  // The chain is a view of what was received, and the principal outlives it.
  return { publicKey, principal: { ...principal, publicKey: principal.publicKey.slice() } };
}

/** Signed over both randoms, so that it was made for this handshake. */
export function readSignedKeyExchange(
  body: Uint8Array,
  identity: ServerIdentity,
  randoms: { readonly clientRandom: Uint8Array; readonly serverRandom: Uint8Array },
  kind: 'x509' | 'rpk',
  { crypto, parameters }: ServerAuthenticationContext,
): ServerKey | HandshakeFailure {
  const decoded = decodeEcdheServerKeyExchange(body);
  if (isMalformed(decoded)) return malformedMessage('server', decoded);
  const group = namedGroupByNumber(decoded.group)?.name;
  if (group === undefined || !parameters.groups.includes(group)) {
    const names = numbersText([decoded.group], (number) => namedGroupByNumber(number)?.name);
    return failure(
      'no-common-group',
      'illegal_parameter',
      `the server chooses the group ${names}, which was not offered`,
    );
  }
  const algorithm = handshakeSignature(decoded.algorithm, kind);
  if (algorithm === undefined) return unofferedSignature('server', decoded.algorithm);
  const signed = signedKeyExchange(randoms.clientRandom, randoms.serverRandom, decoded.signedParameters);
  if (!crypto.verify(algorithm, identity.publicKey, signed, decoded.signature)) return wrongSignature('server');
  return { group, publicBytes: decoded.publicBytes.slice() };
}
