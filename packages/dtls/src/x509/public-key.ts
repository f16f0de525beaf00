/**
 * SubjectPublicKeyInfo: which key it is, before the key is given to the primitives. RFC 5480, RFC 3279 §2.3.1, RFC 8410.
 * Of certificates and, alone, as raw public key (RFC 7250).
 */
import type { AlertDescription } from '../alert-table.ts';
import type { DtlsCrypto, PublicKey, PublicKeyKind } from '../crypto.ts';
import { isMalformed, type Malformed } from '../malformed.ts';
import { DerReader, DerTag } from './der-reader.ts';
import { CURVES, EC_PUBLIC_KEY_OID, ED25519_OID, RSA_ENCRYPTION_OID } from './object-identifier-table.ts';

/** An RSA key of 8,192 bits has 1,062. */
const MAX_KEY_INFO_BYTES = 2_048;
/** RFC 9325 §4.1: RSA below 2,048 bits is not to be used. The upper bound is for the sake of time. */
const MIN_RSA_BITS = 2_048;
const MAX_RSA_BITS = 8_192;
const MAX_RSA_EXPONENT_BYTES = 4;
const ED25519_BYTES = 32;

/** Why a key is of no use. */
export interface UnusableKey {
  /** What is wrong, to follow the name of whose key it is: `is on P-384, …`. */
  readonly unusable: string;
  readonly alert: AlertDescription;
}

export function isUnusableKey(value: PublicKey | UnusableKey): value is UnusableKey {
  return 'unusable' in value;
}

/**
 * The key of an end entity, or a raw public key: P-256, because the cipher suites sign with ECDSA and SHA-256 and
 * LwM2M makes secp256r1 the one curve for it. Look at this before comparing a raw public key with the expected one.
 */
export function publicKeyOf(subjectPublicKeyInfo: Uint8Array, crypto: DtlsCrypto): PublicKey | UnusableKey {
  const key = certifyingKeyOf(subjectPublicKeyInfo, crypto);
  if (isUnusableKey(key) || key.kind === 'p256') return key;
  return { unusable: `is ${KIND_TEXTS[key.kind]}, and P-256 is needed`, alert: 'unsupported_certificate' };
}

/** The key of a certification authority: any kind that certificates may be signed with. */
export function certifyingKeyOf(subjectPublicKeyInfo: Uint8Array, crypto: DtlsCrypto): PublicKey | UnusableKey {
  const form = readKeyInfo(subjectPublicKeyInfo);
  if (isMalformed(form)) return { unusable: `is malformed: ${form.malformed}`, alert: 'bad_certificate' };
  if (form.unsupported !== undefined) return { unusable: form.unsupported, alert: 'unsupported_certificate' };
  const key = crypto.importPublicKey(subjectPublicKeyInfo);
  if (key?.kind !== form.kind) {
    return { unusable: `is no valid ${KIND_TEXTS[form.kind]} key`, alert: 'bad_certificate' };
  }
  return key;
}

interface KeyForm {
  readonly kind: PublicKeyKind;
  readonly unsupported: string | undefined;
}

const KIND_TEXTS: Readonly<Record<PublicKeyKind, string>> = {
  p256: 'P-256',
  p384: 'P-384',
  ed25519: 'Ed25519',
  rsa: 'RSA',
  other: 'of an unknown kind',
};

function readKeyInfo(subjectPublicKeyInfo: Uint8Array): KeyForm | Malformed {
  const reader = DerReader.over(subjectPublicKeyInfo, MAX_KEY_INFO_BYTES);
  const info = reader.enter(DerTag.sequence, 'the public key');
  reader.end('the public key');
  const algorithm = info.enter(DerTag.sequence, "the public key's algorithm");
  const oid = algorithm.objectIdentifier("the public key's algorithm");
  let form: KeyForm;
  if (oid === EC_PUBLIC_KEY_OID) form = readEcKey(algorithm, info);
  else if (oid === RSA_ENCRYPTION_OID) form = readRsaKey(algorithm, info);
  else if (oid === ED25519_OID) {
    algorithm.end("the public key's algorithm");
    const { length } = info.octetsOfBitString('the public key');
    if (length !== ED25519_BYTES) info.fail(`an Ed25519 key of ${length} bytes instead of ${ED25519_BYTES}`);
    form = { kind: 'ed25519', unsupported: undefined };
  } else {
    info.octetsOfBitString('the public key');
    form = { kind: 'other', unsupported: `has the unknown algorithm ${oid}` };
  }
  info.end('the public key');
  return reader.malformed ?? form;
}

function readEcKey(algorithm: DerReader, info: DerReader): KeyForm {
  const isNamed = algorithm.nextTag === DerTag.objectIdentifier;
  const oid = isNamed ? algorithm.objectIdentifier('the curve') : undefined;
  // Explicit curve parameters let whoever writes the key choose the group: never looked at. RFC 5480 §2.1.1.
  if (!isNamed) algorithm.any('the curve');
  algorithm.end('the curve');
  const point = info.octetsOfBitString('the public key');
  const curve = CURVES.find((each) => each.oid === oid);
  if (curve === undefined) {
    return { kind: 'other', unsupported: isNamed ? `is on the unknown curve ${oid}` : 'has a curve of its own' };
  }
  if (curve.kind === 'other') return { kind: 'other', unsupported: `is on ${curve.text}` };
  // RFC 8422 §5.1.2 leaves the uncompressed form only.
  if (point.length !== curve.pointBytes || point[0] !== 4) info.fail(`no uncompressed point of ${curve.text}`);
  return { kind: curve.kind, unsupported: undefined };
}

function readRsaKey(algorithm: DerReader, info: DerReader): KeyForm {
  algorithm.content(DerTag.null, 'the parameters of an RSA key');
  algorithm.end("the public key's algorithm");
  const octets = DerReader.over(info.octetsOfBitString('the public key'), MAX_KEY_INFO_BYTES);
  const pair = octets.enter(DerTag.sequence, 'the RSA key');
  const modulus = pair.integer('the modulus');
  const exponent = pair.integer('the exponent');
  pair.end('the RSA key');
  octets.end('the RSA key');
  if (octets.malformed !== undefined) info.fail(octets.malformed.malformed);
  const first = modulus.findIndex((byte) => byte !== 0);
  const bits = first < 0 ? 0 : (modulus.length - first) * 8 - (Math.clz32(modulus[first]!) - 24);
  const unsupported =
    bits < MIN_RSA_BITS || bits > MAX_RSA_BITS
      ? `is RSA with ${bits} bits, and ${MIN_RSA_BITS} to ${MAX_RSA_BITS} are accepted`
      : exponent.length > MAX_RSA_EXPONENT_BYTES
        ? `is RSA with an exponent of ${exponent.length} bytes, and ${MAX_RSA_EXPONENT_BYTES} are accepted`
        : undefined;
  return { kind: 'rsa', unsupported };
}
