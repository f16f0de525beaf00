/** X.509 certificates: read from DER, nothing judged. RFC 5280 §4.1. */
import type { SignatureName } from '../crypto.ts';
import { isMalformed, type Malformed } from '../malformed.ts';
import { readExtensions, type CertificateExtensions } from './certificate-extensions.ts';
import { DerReader, DerTag, constructedContextTag, contextTag } from './der-reader.ts';
import { formatName, isSameBytes, isSameName, readName, type DistinguishedName } from './distinguished-name.ts';
import { SIGNATURE_ALGORITHMS } from './object-identifier-table.ts';

/** A certificate longer than that is not read. A handshake message is bounded by `maxHandshakeMessageBytes` besides. */
export const MAX_CERTIFICATE_BYTES = 16_384;
/** RFC 5280 §4.1.2.2. */
const MAX_SERIAL_NUMBER_BYTES = 20;

export interface Certificate extends CertificateExtensions {
  readonly der: Uint8Array;
  /** What the signature is over. */
  readonly signedBytes: Uint8Array;
  readonly version: 1 | 2 | 3;
  /** Two's complement, as encoded. */
  readonly serialNumber: Uint8Array;
  readonly signatureAlgorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  /** ms since 1970, both inclusive. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly subjectPublicKeyInfo: Uint8Array;
}

export interface SignatureAlgorithm {
  /** Undefined: nothing that is accepted. */
  readonly name: SignatureName | undefined;
  /** For people: `RSA with SHA-1`, or the object identifier. */
  readonly text: string;
}

/** Read one certificate. The bytes are kept, not copied. Never throws. */
export function readCertificate(der: Uint8Array): Certificate | Malformed {
  const reader = DerReader.over(der, MAX_CERTIFICATE_BYTES);
  const certificate = reader.enter(DerTag.sequence, 'the certificate');
  reader.end('the certificate');
  const { whole: signedBytes, inside: tbs } = certificate.enterWhole(DerTag.sequence, 'the signed part');

  const version = readVersion(tbs);
  const serialNumber = tbs.integer('the serial number');
  if (serialNumber.length > MAX_SERIAL_NUMBER_BYTES) tbs.fail('the serial number has more than 20 bytes');
  const innerAlgorithm = tbs.whole(DerTag.sequence, 'the signature algorithm');
  const issuer = readName(tbs, 'the issuer');
  const validity = tbs.enter(DerTag.sequence, 'the validity');
  const notBefore = validity.time('notBefore');
  const notAfter = validity.time('notAfter');
  validity.end('the validity');
  const subject = readName(tbs, 'the subject');
  const subjectPublicKeyInfo = tbs.whole(DerTag.sequence, 'the public key');
  // Unique identifiers are of version 2 and nobody uses them. RFC 5280 §4.1.2.8.
  for (const tag of [contextTag(1), contextTag(2)]) {
    if (tbs.nextTag !== tag) continue;
    tbs.any('a unique identifier');
    if (version === 1) tbs.fail('a unique identifier in version 1');
  }
  const extensions = tbs.enterOptional(constructedContextTag(3), 'the extensions');
  if (extensions !== undefined && version !== 3) tbs.fail(`extensions in version ${version}`);
  const known = readExtensions(extensions);
  tbs.end('the signed part');

  const outerAlgorithm = certificate.whole(DerTag.sequence, 'the signature algorithm');
  const signature = certificate.octetsOfBitString('the signature');
  certificate.end('the certificate');
  // Else the unsigned one could say how the signed bytes are to be understood. RFC 5280 §4.1.1.2.
  if (!isSameBytes(innerAlgorithm, outerAlgorithm)) certificate.fail('two different signature algorithms');
  const signatureAlgorithm = readSignatureAlgorithm(innerAlgorithm);
  if (isMalformed(signatureAlgorithm)) certificate.fail(signatureAlgorithm.malformed);

  const malformed = reader.malformed;
  if (malformed !== undefined || isMalformed(signatureAlgorithm)) return malformed ?? { malformed: 'no certificate' };
  return {
    der,
    signedBytes,
    version,
    serialNumber,
    signatureAlgorithm,
    signature,
    issuer,
    subject,
    notBefore,
    notAfter,
    subjectPublicKeyInfo,
    ...known,
  };
}

/** Its subject is its issuer: on a path to itself, or a renewal of its own key. RFC 5280 §6.1. */
export function isSelfIssued(certificate: Certificate): boolean {
  return isSameName(certificate.subject, certificate.issuer);
}

/** For people: the subject, or the serial number where there is none. */
export function describeCertificate(certificate: Certificate): string {
  return certificate.subject.relativeNames.length > 0
    ? formatName(certificate.subject)
    : `serial number ${hexOf(certificate.serialNumber)}`;
}

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

function readVersion(tbs: DerReader): 1 | 2 | 3 {
  const explicit = tbs.enterOptional(constructedContextTag(0), 'the version');
  if (explicit === undefined) return 1;
  const version = explicit.smallInteger('the version', 2) + 1;
  explicit.end('the version');
  if (version === 1) explicit.fail('version 1 is written down although it is the default');
  return version === 3 ? 3 : 2;
}

function readSignatureAlgorithm(der: Uint8Array): SignatureAlgorithm | Malformed {
  const reader = DerReader.over(der, MAX_CERTIFICATE_BYTES);
  const algorithm = reader.enter(DerTag.sequence, 'the signature algorithm');
  const oid = algorithm.objectIdentifier('the signature algorithm');
  const row = SIGNATURE_ALGORITHMS.find((each) => each.oid === oid);
  if (row?.name !== undefined) {
    // RFC 4055 §5 wants NULL with RSA; where it is left out nothing else can be meant.
    if (row.parameters === 'null' && algorithm.hasMore) {
      const parameters = algorithm.content(DerTag.null, 'the parameters of the signature algorithm');
      if (parameters.length > 0) algorithm.fail('a NULL with content');
    }
    algorithm.end('the signature algorithm');
  }
  return reader.malformed ?? { name: row?.name, text: row?.text ?? `algorithm ${oid}` };
}
