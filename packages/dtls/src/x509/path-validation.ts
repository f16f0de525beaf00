/**
 * Is this chain of certificates a valid path to one of the trust anchors, for this purpose? RFC 5280 §6, RFC 7925 §4.4;
 * of servers by the certificate usages of LwM2M, which are those of RFC 6698 §2.1.1.
 */
import type { AlertDescription } from '../alert-table.ts';
import type { DtlsCrypto, HashName, PublicKey } from '../crypto.ts';
import type { Principal, ServerCertificatePolicy } from '../credentials.ts';
import { isMalformed } from '../malformed.ts';
import {
  MAX_CHAIN_CERTIFICATES,
  endEntityKey,
  findPath,
  refuse,
  type PathFound,
  type PathRefusal,
} from './certificate-path.ts';
import { describeCertificate, readCertificate, type Certificate } from './certificate.ts';
import { formatText, isSameBytes } from './distinguished-name.ts';
import { alternativeNameTexts, describeServerNames, isForServer } from './server-name.ts';

/** The certificate of the peer, judged. */
export type CertificateVerdict =
  | {
      readonly kind: 'accepted';
      readonly publicKey: PublicKey;
      readonly principal: Extract<Principal, { kind: 'x509' }>;
    }
  | {
      readonly kind: 'refused';
      /** One sentence: which certificate (by subject), what is wrong, what to do. */
      readonly text: string;
      readonly alert: AlertDescription;
      readonly claimedIdentity?: string;
    };

export interface VerdictContext {
  readonly crypto: DtlsCrypto;
  /** ms since 1970. */
  readonly unixTime: number;
}

/** For a server: the chain of a client (DER, end entity first) up to the trust anchors. */
export type JudgeClientCertificate = (
  chain: readonly Uint8Array[],
  trustAnchors: readonly Uint8Array[],
  context: VerdictContext,
) => CertificateVerdict;

/** For a client: the chain of the server against its policy. LwM2M certificate usages 0 to 3. */
export type JudgeServerCertificate = (
  chain: readonly Uint8Array[],
  policy: ServerCertificatePolicy,
  context: VerdictContext,
) => CertificateVerdict;

export const judgeClientCertificate: JudgeClientCertificate = (chain, trustAnchors, context) => {
  const certificates = readChain(chain);
  if ('kind' in certificates) return certificates;
  const found = findPath(certificates, trustAnchors, 'clientAuth', context.unixTime, context.crypto);
  return verdictOf(certificates[0]!, found, context.crypto);
};

export const judgeServerCertificate: JudgeServerCertificate = (chain, policy, context) => {
  const certificates = readChain(chain);
  if ('kind' in certificates) return certificates;
  return verdictOf(certificates[0]!, findServerPath(certificates, policy, context), context.crypto);
};

function findServerPath(
  chain: readonly Certificate[],
  policy: ServerCertificatePolicy,
  { crypto, unixTime }: VerdictContext,
): PathFound | PathRefusal {
  const endEntity = chain[0]!;
  const isMeant = (certificate: Certificate): boolean => matches(certificate, policy, crypto);
  const isPinned = isMeant(endEntity);
  const find = (anchors: readonly Uint8Array[]): PathFound | PathRefusal =>
    findPath(chain, anchors, 'serverAuth', unixTime, crypto);
  let found: PathFound | PathRefusal;
  switch (policy.usage) {
    case 0:
      found = find(policy.trustAnchors);
      if (found.kind === 'found' && !found.path.slice(1).some(isMeant)) return otherAuthority(endEntity);
      break;
    case 1:
      if (!isPinned) return otherCertificate(endEntity);
      found = find(policy.trustAnchors);
      break;
    case 2: {
      // Nobody is the authority that vouches for itself: for that there is usage 3. RFC 7671 §5.2.
      if (isPinned) return noAuthority(endEntity);
      // A hash cannot be an anchor; the certificate it is of has to be sent.
      const anchors = policy.matchingType === 0 ? [policy.certificate] : chain.filter(isMeant).map(({ der }) => der);
      if (anchors.length === 0) return otherAuthority(endEntity);
      found = find(anchors);
      break;
    }
    case 3: {
      // Whoever gave us this very certificate vouched for it: dates, issuer and purpose say no more. RFC 7671 §5.1.
      if (!isPinned) return otherCertificate(endEntity);
      const publicKey = endEntityKey(endEntity, crypto);
      return publicKey.kind === 'refused' ? publicKey : { kind: 'found', path: [endEntity], publicKey };
    }
  }
  if (found.kind === 'refused' || isPinned || policy.serverName === undefined) return found;
  if (isForServer(endEntity, policy.serverName)) return found;
  return refuse(
    'bad_certificate',
    `certificate ${describeCertificate(endEntity)} is for ${describeServerNames(endEntity)}, not for ${policy.serverName}: connect to a name it has, or issue it for this one`,
  );
}

const HASHES: Readonly<Record<1 | 2 | 3, HashName>> = { 1: 'sha256', 2: 'sha384', 3: 'sha512' };

function matches(certificate: Certificate, policy: ServerCertificatePolicy, crypto: DtlsCrypto): boolean {
  const bytes = policy.matchingType === 0 ? certificate.der : crypto.hash(HASHES[policy.matchingType], certificate.der);
  return isSameBytes(bytes, policy.certificate);
}

const otherAuthority = (endEntity: Certificate): PathRefusal =>
  refuse(
    'unknown_ca',
    `certificate ${describeCertificate(endEntity)} is valid, but not by way of the authority in the security object: let that authority issue it and send its chain, or renew the security object`,
  );
const otherCertificate = (endEntity: Certificate): PathRefusal =>
  refuse(
    'certificate_unknown',
    `certificate ${describeCertificate(endEntity)} is not the one in the security object: renew the security object, or install the certificate it has`,
  );

const noAuthority = (endEntity: Certificate): PathRefusal =>
  refuse(
    'unknown_ca',
    `certificate ${describeCertificate(endEntity)} is the one in the security object as an authority, and is none: say usage 3 there, or put the authority that issued it`,
  );

/** At least one certificate. */
function readChain(
  chain: readonly Uint8Array[],
): readonly Certificate[] | Extract<CertificateVerdict, { kind: 'refused' }> {
  if (chain.length === 0) return refuse('bad_certificate', 'no certificate was sent: send the end entity first');
  if (chain.length > MAX_CHAIN_CERTIFICATES) {
    return refuse(
      'bad_certificate',
      `${chain.length} certificates were sent, and at most ${MAX_CHAIN_CERTIFICATES} are read: send only those of the path`,
    );
  }
  const certificates: Certificate[] = [];
  for (const [index, der] of chain.entries()) {
    const certificate = readCertificate(der);
    if (isMalformed(certificate)) {
      const which =
        index === 0 ? 'the end entity' : `authority ${index}, below ${describeCertificate(certificates[index - 1]!)},`;
      const refusal = refuse(
        'bad_certificate',
        `the certificate of ${which} cannot be read (${certificate.malformed}): issue it anew`,
      );
      const endEntity = certificates[0];
      return endEntity === undefined ? refusal : { ...refusal, claimedIdentity: identityOf(endEntity) };
    }
    certificates.push(certificate);
  }
  return certificates;
}

function verdictOf(endEntity: Certificate, found: PathFound | PathRefusal, crypto: DtlsCrypto): CertificateVerdict {
  if (found.kind === 'refused') return { ...found, claimedIdentity: identityOf(endEntity) };
  return {
    kind: 'accepted',
    publicKey: found.publicKey,
    principal: {
      kind: 'x509',
      publicKey: endEntity.subjectPublicKeyInfo,
      commonName: endEntity.subject.commonName,
      alternativeNames: alternativeNameTexts(endEntity.subjectAltName),
      fingerprint: crypto.hash('sha256', endEntity.der),
    },
  };
}

/** What the certificate says it is for, unproven. */
function identityOf(certificate: Certificate): string {
  const { commonName } = certificate.subject;
  return commonName === undefined ? describeCertificate(certificate) : formatText(commonName);
}
