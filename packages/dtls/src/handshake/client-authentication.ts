/**
 * How a server asks a client for its certificate or raw public key, and what it makes of the answer.
 * RFC 5246 §7.4.4, §7.4.6, §7.4.8; RFC 7250 §4.4. Nothing here authenticates: a certificate is a claim until the
 * CertificateVerify behind it has been checked with its key.
 */
import { ECDSA_SIGN } from '../certificate-type-table.ts';
import type { ServerCredentials } from '../credentials.ts';
import type { DtlsCrypto, PublicKey } from '../crypto.ts';
import type { CertificateLookup, PublicKeyLookup } from '../events.ts';
import { hexText } from '../identity-text.ts';
import { isMalformed } from '../malformed.ts';
import { formatText } from '../x509/distinguished-name.ts';
import { judgeClientCertificate } from '../x509/path-validation.ts';
import { isUnusableKey, publicKeyOf } from '../x509/public-key.ts';
import {
  decodeCertificateChain,
  decodeCertificateVerify,
  decodeRawPublicKey,
  encodeCertificateRequest,
} from './certificate-codec.ts';
import { failure, malformedMessage } from './handshake-failure.ts';
import type { HandshakeFailure } from './handshake.ts';
import { acceptedSignatures, handshakeSignature, unofferedSignature, wrongSignature } from './handshake-signature.ts';
import type { CertificateKind } from './server-negotiation.ts';

/** What a client says it is. */
export interface CertificateClaim {
  readonly publicKey: PublicKey;
  readonly principal: PublicKeyLookupPrincipal | CertificateLookup['principal'];
  readonly claimedIdentity: string;
}

interface PublicKeyLookupPrincipal {
  readonly kind: 'rpk';
  readonly publicKey: PublicKeyLookup['publicKey'];
}

export interface AuthenticationContext {
  readonly crypto: DtlsCrypto;
  readonly credentials: ServerCredentials;
  /** ms since 1970. */
  readonly unixTime: () => number;
}

/**
 * With certificates the list names the signatures inside them too. No authorities are named: that tells a client with
 * several certificates less, and keeps the flight small.
 */
export function certificateRequest(kind: CertificateKind): Uint8Array {
  return encodeCertificateRequest({
    certificateTypes: [ECDSA_SIGN],
    signatureAlgorithms: acceptedSignatures(kind),
    certificateAuthorities: [],
  });
}

/** The client's Certificate; undefined when it is empty. */
export function readClientCertificate(
  body: Uint8Array,
  kind: CertificateKind,
  context: AuthenticationContext,
): CertificateClaim | HandshakeFailure | undefined {
  return kind === 'rpk' ? readRawPublicKey(body, context.crypto) : readChain(body, context);
}

function readRawPublicKey(body: Uint8Array, crypto: DtlsCrypto): CertificateClaim | HandshakeFailure | undefined {
  const decoded = decodeRawPublicKey(body);
  if (isMalformed(decoded)) return malformedMessage('client', decoded);
  if (decoded.length === 0) return undefined;
  const publicKey = publicKeyOf(decoded, crypto);
  if (isUnusableKey(publicKey)) {
    return failure('certificate', publicKey.alert, `the client's raw public key ${publicKey.unusable}`);
  }
  // A view of what was received.
  const own = decoded.slice();
  const claimedIdentity = `raw public key with SHA-256 ${hexText(crypto.hash('sha256', own))}`;
  return { publicKey, principal: { kind: 'rpk', publicKey: own }, claimedIdentity };
}

function readChain(
  body: Uint8Array,
  { crypto, credentials, unixTime }: AuthenticationContext,
): CertificateClaim | HandshakeFailure | undefined {
  const chain = decodeCertificateChain(body);
  if (isMalformed(chain)) return malformedMessage('client', chain);
  if (chain.length === 0) return undefined;
  const verdict = judgeClientCertificate(chain, credentials.trustAnchors, { crypto, unixTime: unixTime() });
  if (verdict.kind === 'refused') {
    const refusal = failure('certificate', verdict.alert, verdict.text);
    return verdict.claimedIdentity === undefined ? refusal : { ...refusal, claimedIdentity: verdict.claimedIdentity };
  }
  const { principal, publicKey } = verdict;
  const name = principal.commonName ?? principal.alternativeNames[0];
  const claimedIdentity =
    name === undefined ? `certificate with SHA-256 ${hexText(principal.fingerprint)}` : formatText(name);
  // The chain is a view of what was received, and the principal outlives it.
  return { publicKey, principal: { ...principal, publicKey: principal.publicKey.slice() }, claimedIdentity };
}

export function noCertificate(kind: CertificateKind): HandshakeFailure {
  const shown = kind === 'rpk' ? 'raw public key' : 'certificate';
  return failure(
    'no-certificate',
    'handshake_failure',
    `the client shows no ${shown}, and this server requires one: set up the client with its ${shown} and private key`,
  );
}

/** @param signed every handshake message before the CertificateVerify. */
export function checkCertificateVerify(
  body: Uint8Array,
  claim: CertificateClaim,
  kind: CertificateKind,
  signed: Uint8Array,
  crypto: DtlsCrypto,
): HandshakeFailure | undefined {
  const decoded = decodeCertificateVerify(body);
  if (isMalformed(decoded)) return malformedMessage('client', decoded);
  const algorithm = handshakeSignature(decoded.algorithm, kind);
  if (algorithm === undefined) return unofferedSignature('client', decoded.algorithm);
  return crypto.verify(algorithm, claim.publicKey, signed, decoded.signature) ? undefined : wrongSignature('client');
}
