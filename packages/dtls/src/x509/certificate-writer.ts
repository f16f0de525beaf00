/**
 * Writes X.509 v3 certificates on P-256, signed by themselves or by an authority: what a server makes on its first
 * start, and what tests make their authorities of. RFC 5280 §4.
 */
import type { DtlsCrypto, SecretKey } from '../crypto.ts';
import { UsageError } from '../errors.ts';
import { isMalformed } from '../malformed.ts';
import { readCertificate } from './certificate.ts';
import type { Extension } from './certificate-extensions.ts';
import { DerReader, DerTag, constructedContextTag, contextTag } from './der-reader.ts';
import {
  derBitString,
  derBoolean,
  derElement,
  derNamedBits,
  derObjectIdentifier,
  derOctetString,
  derSequence,
  derSmallInteger,
  derTime,
  derUnsigned,
  derUtf8String,
} from './der-writer.ts';
import { parseIpAddress } from './ip-address.ts';
import {
  COMMON_NAME_OID,
  EXTENDED_KEY_USAGE_OIDS,
  EXTENSION_OIDS,
  KEY_USAGES,
  ORGANIZATION_OID,
  type KeyUsageName,
} from './object-identifier-table.ts';
import { isUnusableKey, publicKeyOf } from './public-key.ts';

export interface CertificateOptions {
  /** RFC 5280 Appendix A bounds both to 64 characters. */
  readonly subject: { readonly commonName: string; readonly organization?: string };
  /** P-256, DER. */
  readonly subjectPublicKeyInfo: Uint8Array;
  /** ms since 1970, cut to seconds; both inclusive. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** subjectAltName; A-labels where a name is international. */
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly uris?: readonly string[];
  /** Extended key usage; absent: any purpose. */
  readonly purposes?: readonly ('serverAuth' | 'clientAuth')[];
  /** Absent: an end entity. */
  readonly authority?: {
    /** Authorities that may follow below; absent: any number. */
    readonly pathLength?: number;
  };
  /** Default: keyCertSign and cRLSign of an authority, digitalSignature of an end entity. */
  readonly keyUsage?: readonly KeyUsageName[];
  /** Who signs. Without a certificate it is the subject itself. */
  readonly issuer: { readonly privateKey: SecretKey; readonly certificate?: Uint8Array };
}

/** One certificate in DER, with a random serial number. @throws UsageError for options no certificate can have. */
export function writeCertificate(options: CertificateOptions, crypto: DtlsCrypto): Uint8Array {
  const { issuer, notAfter, notBefore, subjectPublicKeyInfo } = options;
  const subject = writeName(options.subject);
  const key = publicKeyOf(subjectPublicKeyInfo, crypto);
  if (isUnusableKey(key)) throw new UsageError(`the subject's key ${key.unusable}`);
  if (!(notBefore <= notAfter)) throw new UsageError(`valid from ${notBefore} to ${notAfter}`);
  const own = keyIdentifierOf(subjectPublicKeyInfo, crypto);
  const authority = issuer.certificate === undefined ? undefined : readCertificate(issuer.certificate);
  if (authority !== undefined && isMalformed(authority)) {
    throw new UsageError(`the issuer's certificate cannot be read: ${authority.malformed}`);
  }

  const authorityKey =
    authority === undefined
      ? own
      : (authority.subjectKeyIdentifier ?? keyIdentifierOf(authority.subjectPublicKeyInfo, crypto));
  const extensions: Extension[] = [
    basicConstraints(options.authority),
    keyUsage(options.keyUsage ?? (options.authority === undefined ? ['digitalSignature'] : ['keyCertSign', 'cRLSign'])),
    { oid: EXTENSION_OIDS.subjectKeyIdentifier, critical: false, value: derOctetString(own) },
    {
      oid: EXTENSION_OIDS.authorityKeyIdentifier,
      critical: false,
      value: derSequence(derElement(contextTag(0), authorityKey)),
    },
  ];
  if (options.purposes !== undefined) extensions.push(extendedKeyUsage(options.purposes));
  const names = alternativeNames(options);
  if (names.length > 0) {
    extensions.push({ oid: EXTENSION_OIDS.subjectAltName, critical: false, value: derSequence(...names) });
  }

  return assembleCertificate(
    {
      version: 3,
      serialNumber: randomSerialNumber(crypto),
      signatureAlgorithm: ECDSA_SHA256,
      issuer: authority?.subject.der ?? subject,
      notBefore,
      notAfter,
      subject,
      subjectPublicKeyInfo,
      extensions,
    },
    (bytes) => crypto.sign(issuer.privateKey, bytes),
  );
}

/** What a certificate is made of; each name and algorithm in DER. Nothing is checked. */
export interface CertificateFields {
  readonly version: 1 | 2 | 3;
  readonly serialNumber: Uint8Array;
  readonly signatureAlgorithm: Uint8Array;
  readonly issuer: Uint8Array;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly subject: Uint8Array;
  readonly subjectPublicKeyInfo: Uint8Array;
  readonly extensions: readonly Extension[];
}

/** @param sign  gives the signature over these bytes. */
export function assembleCertificate(fields: CertificateFields, sign: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  const { extensions, version } = fields;
  const signedBytes = derSequence(
    ...(version === 1 ? [] : [derElement(constructedContextTag(0), derSmallInteger(version - 1))]),
    derUnsigned(fields.serialNumber),
    fields.signatureAlgorithm,
    fields.issuer,
    derSequence(derTime(fields.notBefore), derTime(fields.notAfter)),
    fields.subject,
    fields.subjectPublicKeyInfo,
    ...(extensions.length === 0
      ? []
      : [derElement(constructedContextTag(3), derSequence(...extensions.map(writeExtension)))]),
  );
  return derSequence(signedBytes, fields.signatureAlgorithm, derBitString(sign(signedBytes)));
}

/** A Name of these attributes, in order of the hierarchy. @throws UsageError for text that is empty or too long. */
export function writeName({ commonName, organization }: CertificateOptions['subject']): Uint8Array {
  const attributes: readonly (readonly [oid: string, text: string | undefined])[] = [
    [ORGANIZATION_OID, organization],
    [COMMON_NAME_OID, commonName],
  ];
  return derSequence(
    ...attributes.flatMap(([oid, text]) => {
      if (text === undefined) return [];
      if (text.length === 0 || text.length > MAX_ATTRIBUTE_CHARACTERS || text.includes('\0')) {
        throw new UsageError(`a name of 1 to ${MAX_ATTRIBUTE_CHARACTERS} characters is needed, not ${text.length}`);
      }
      return [derElement(DerTag.set, derSequence(derObjectIdentifier(oid), derUtf8String(text)))];
    }),
  );
}

export function basicConstraints(authority: CertificateOptions['authority']): Extension {
  const pathLength = authority?.pathLength;
  const fields = authority === undefined ? [] : [derBoolean(true)];
  if (pathLength !== undefined) fields.push(derSmallInteger(pathLength));
  return { oid: EXTENSION_OIDS.basicConstraints, critical: true, value: derSequence(...fields) };
}

export function keyUsage(usages: readonly KeyUsageName[]): Extension {
  const bits = usages.reduce((sum, usage) => sum | (1 << KEY_USAGES.indexOf(usage)), 0);
  return { oid: EXTENSION_OIDS.keyUsage, critical: true, value: derNamedBits(bits) };
}

export function extendedKeyUsage(purposes: readonly (keyof typeof EXTENDED_KEY_USAGE_OIDS)[]): Extension {
  const oids = purposes.map((purpose) => derObjectIdentifier(EXTENDED_KEY_USAGE_OIDS[purpose]));
  return { oid: EXTENSION_OIDS.extendedKeyUsage, critical: false, value: derSequence(...oids) };
}

/** RFC 5280 wants a positive number of at most 20 bytes. */
const SERIAL_NUMBER_BYTES = 16;
const KEY_IDENTIFIER_BYTES = 20;
const MAX_ATTRIBUTE_CHARACTERS = 64;
const ECDSA_SHA256 = derSequence(derObjectIdentifier('1.2.840.10045.4.3.2'));

function randomSerialNumber(crypto: DtlsCrypto): Uint8Array {
  const bytes = crypto.randomBytes(SERIAL_NUMBER_BYTES);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes;
}

/** The left 160 bits of the SHA-256 of the key. RFC 7093 §2 (1). */
function keyIdentifierOf(subjectPublicKeyInfo: Uint8Array, crypto: DtlsCrypto): Uint8Array {
  const info = DerReader.over(subjectPublicKeyInfo, subjectPublicKeyInfo.length).enter(DerTag.sequence, 'the key');
  info.any('the algorithm');
  return crypto.hash('sha256', info.octetsOfBitString('the key')).subarray(0, KEY_IDENTIFIER_BYTES);
}

function alternativeNames({ dnsNames, ipAddresses, uris }: CertificateOptions): readonly Uint8Array[] {
  return [
    ...(dnsNames ?? []).map((text) => derElement(contextTag(2), asciiBytes(text))),
    ...(uris ?? []).map((text) => derElement(contextTag(6), asciiBytes(text))),
    ...(ipAddresses ?? []).map((text) => {
      const bytes = parseIpAddress(text);
      if (bytes === undefined) throw new UsageError(`no IP address: ${text}`);
      return derElement(contextTag(7), bytes);
    }),
  ];
}

function asciiBytes(text: string): Uint8Array {
  if (!/^[\x21-\x7e]+$/.test(text)) throw new UsageError(`a name for subjectAltName is printable ASCII, not ${text}`);
  return new TextEncoder().encode(text);
}

function writeExtension({ critical, oid, value }: Extension): Uint8Array {
  return derSequence(derObjectIdentifier(oid), ...(critical ? [derBoolean(true)] : []), derOctetString(value));
}
