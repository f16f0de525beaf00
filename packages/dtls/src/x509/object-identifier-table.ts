/** The object identifiers of certificates: RFC 5280 §4.2 and Appendix A, RFC 4055, 5480, 5758 and 8410. */
import type { PublicKeyKind, SignatureName } from '../crypto.ts';

/** Extensions this package acts on. Any other that is critical makes a certificate invalid. */
export const EXTENSION_OIDS = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

/** Names for people, of extensions that are not acted on. */
export const OTHER_EXTENSION_NAMES: Readonly<Record<string, string>> = {
  '2.5.29.9': 'subjectDirectoryAttributes',
  '2.5.29.18': 'issuerAltName',
  '2.5.29.31': 'cRLDistributionPoints',
  '2.5.29.32': 'certificatePolicies',
  '2.5.29.33': 'policyMappings',
  '2.5.29.36': 'policyConstraints',
  '2.5.29.46': 'freshestCRL',
  '2.5.29.54': 'inhibitAnyPolicy',
  '1.3.6.1.5.5.7.1.1': 'authorityInfoAccess',
  '1.3.6.1.5.5.7.1.3': 'qcStatements',
  '1.3.6.1.5.5.7.1.14': 'proxyCertInfo',
  '1.3.6.1.5.5.7.1.24': 'tlsfeature',
};

/** RFC 5280 §4.2.1.12. */
export const EXTENDED_KEY_USAGE_OIDS = {
  any: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

/** RFC 5280 §4.2.1.3, in the order of their bits. */
export const KEY_USAGES = [
  'digitalSignature',
  'contentCommitment',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;
export type KeyUsageName = (typeof KEY_USAGES)[number];

export const COMMON_NAME_OID = '2.5.4.3';
export const ORGANIZATION_OID = '2.5.4.10';
export const EMAIL_ADDRESS_OID = '1.2.840.113549.1.9.1';

/** RFC 4514 §3 and what is widely used besides. */
export const ATTRIBUTE_NAMES: Readonly<Record<string, string>> = {
  [COMMON_NAME_OID]: 'CN',
  '2.5.4.4': 'SN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  [ORGANIZATION_OID]: 'O',
  '2.5.4.11': 'OU',
  '2.5.4.12': 'title',
  '2.5.4.42': 'GN',
  '2.5.4.46': 'dnQualifier',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
  [EMAIL_ADDRESS_OID]: 'emailAddress',
};

export interface SignatureAlgorithmRow {
  readonly oid: string;
  /** Undefined: known and refused. */
  readonly name: SignatureName | undefined;
  readonly text: string;
  /** RFC 4055 §5 wants NULL, the others no parameters at all. */
  readonly parameters: 'null' | 'absent';
}

export const SIGNATURE_ALGORITHMS: readonly SignatureAlgorithmRow[] = [
  { oid: '1.2.840.10045.4.3.2', name: 'ecdsa-sha256', text: 'ECDSA with SHA-256', parameters: 'absent' },
  { oid: '1.2.840.10045.4.3.3', name: 'ecdsa-sha384', text: 'ECDSA with SHA-384', parameters: 'absent' },
  { oid: '1.2.840.10045.4.3.4', name: 'ecdsa-sha512', text: 'ECDSA with SHA-512', parameters: 'absent' },
  { oid: '1.2.840.113549.1.1.11', name: 'rsa-sha256', text: 'RSA with SHA-256', parameters: 'null' },
  { oid: '1.2.840.113549.1.1.12', name: 'rsa-sha384', text: 'RSA with SHA-384', parameters: 'null' },
  { oid: '1.2.840.113549.1.1.13', name: 'rsa-sha512', text: 'RSA with SHA-512', parameters: 'null' },
  { oid: '1.3.101.112', name: 'ed25519', text: 'Ed25519', parameters: 'absent' },
  { oid: '1.2.840.10045.4.1', name: undefined, text: 'ECDSA with SHA-1', parameters: 'absent' },
  { oid: '1.2.840.10045.4.3.1', name: undefined, text: 'ECDSA with SHA-224', parameters: 'absent' },
  { oid: '1.2.840.113549.1.1.2', name: undefined, text: 'RSA with MD2', parameters: 'null' },
  { oid: '1.2.840.113549.1.1.4', name: undefined, text: 'RSA with MD5', parameters: 'null' },
  { oid: '1.2.840.113549.1.1.5', name: undefined, text: 'RSA with SHA-1', parameters: 'null' },
  { oid: '1.2.840.113549.1.1.10', name: undefined, text: 'RSASSA-PSS', parameters: 'null' },
  { oid: '1.2.840.113549.1.1.14', name: undefined, text: 'RSA with SHA-224', parameters: 'null' },
  { oid: '1.3.101.113', name: undefined, text: 'Ed448', parameters: 'absent' },
];

export const EC_PUBLIC_KEY_OID = '1.2.840.10045.2.1';
export const RSA_ENCRYPTION_OID = '1.2.840.113549.1.1.1';
export const ED25519_OID = '1.3.101.112';

/** RFC 5480 §2.1.1.1. */
export const CURVES: readonly {
  readonly oid: string;
  readonly text: string;
  readonly kind: PublicKeyKind;
  readonly pointBytes: number;
}[] = [
  { oid: '1.2.840.10045.3.1.7', text: 'P-256', kind: 'p256', pointBytes: 65 },
  { oid: '1.3.132.0.34', text: 'P-384', kind: 'p384', pointBytes: 97 },
  { oid: '1.3.132.0.35', text: 'P-521', kind: 'other', pointBytes: 133 },
  { oid: '1.2.840.10045.3.1.1', text: 'P-192', kind: 'other', pointBytes: 49 },
  { oid: '1.3.132.0.33', text: 'P-224', kind: 'other', pointBytes: 57 },
  { oid: '1.3.132.0.10', text: 'secp256k1', kind: 'other', pointBytes: 65 },
];
