/**
 * What the Resources 3 to 5 of a Security Object Instance hold, as handles of keys and bytes of certificates: DER, or PEM
 * (1.2.1). OMA TS Transport §5.2.8, §5.2.9.
 *
 * The bytes come from a Bootstrap-Server or a smartcard: what is wrong with them is said without them.
 */
import { createPrivateKey, createPublicKey, createSecretKey, sign, verify, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { parsePem } from '@lapwing/dtls';
import type { CertificateCredential, RawPublicKeyCredential } from '@lapwing/dtls';
import { isMalformed, malformed } from '@lapwing/lwm2m';
import type { Malformed } from '@lapwing/lwm2m';

/** Longer ones are not used. RFC 4279 §5.3 asks for 128 and 64 at least. */
const MAX_PSK_IDENTITY_BYTES = 1024;
const MAX_PSK_BYTES = 256;
/** An X.509 certificate of `dtls` is not longer; of PEM a third is encoding. */
const MAX_KEY_BYTES = 65_536;
const MAX_CHAIN = 8;
/** SubjectPublicKeyInfo of an uncompressed point on P-256. RFC 5480. */
const P256_PUBLIC_KEY_BYTES = 91;
const PROBE = new TextEncoder().encode('whether two keys are a pair');

export function pskOf(
  identity: Uint8Array,
  key: Uint8Array,
): { readonly identity: Uint8Array; readonly key: KeyObject } | Malformed {
  if (identity.length === 0) return malformed('a pre-shared key needs an identity');
  if (identity.length > MAX_PSK_IDENTITY_BYTES) return malformed(`an identity of ${identity.length} bytes`);
  if (key.length === 0) return malformed('the pre-shared key is empty');
  if (key.length > MAX_PSK_BYTES) return malformed(`a pre-shared key of ${key.length} bytes`);
  return { identity: identity.slice(), key: createSecretKey(key) };
}

/** @param what  whose key it is, for the message. @returns SubjectPublicKeyInfo, checked to be one of P-256. */
export function rawPublicKeyOf(bytes: Uint8Array, what: string): Uint8Array | Malformed {
  const der = derOf(bytes, ['PUBLIC KEY'], what);
  if (isMalformed(der)) return der;
  const [first] = der;
  if (first === undefined) return malformed(`${what} is missing`);
  return readPublicKey(first) !== undefined ? first : malformed(`${what} is no SubjectPublicKeyInfo of a key on P-256`);
}

export function rawPublicKeyPairOf(own: Uint8Array, secret: Uint8Array): RawPublicKeyCredential | Malformed {
  const publicKey = rawPublicKeyOf(own, "the client's public key");
  if (isMalformed(publicKey)) return publicKey;
  const privateKey = privateKeyOf(secret);
  if (isMalformed(privateKey)) return privateKey;
  return isPair(readPublicKey(publicKey)!, privateKey)
    ? { publicKey, privateKey }
    : malformed("the private key is not the one of the client's public key");
}

/** The end entity first; DER holds one certificate, PEM may hold those of the authorities as well. */
export function certificateOf(own: Uint8Array, secret: Uint8Array): CertificateCredential | Malformed {
  const chain = certificatesOf(own, "the client's certificate");
  if (isMalformed(chain)) return chain;
  const privateKey = privateKeyOf(secret);
  if (isMalformed(privateKey)) return privateKey;
  const publicKey = publicKeyOfCertificate(chain[0]!);
  if (publicKey === undefined) return malformed("the client's certificate is not one of a key on P-256");
  return isPair(publicKey, privateKey)
    ? { chain, privateKey }
    : malformed("the private key is not the one of the client's certificate");
}

/** Certificates in DER; at least one. */
export function certificatesOf(bytes: Uint8Array, what: string): readonly Uint8Array[] | Malformed {
  const ders = derOf(bytes, ['CERTIFICATE'], what);
  if (isMalformed(ders)) return ders;
  if (ders.length === 0) return malformed(`${what} is missing`);
  if (ders.length > MAX_CHAIN) return malformed(`${what} has more than ${MAX_CHAIN} certificates`);
  return ders.every(isCertificate) ? ders : malformed(`${what} is no X.509 certificate`);
}

/** OneAsymmetricKey (RFC 5958) or, as older tools write it, ECPrivateKey (RFC 5915). */
function privateKeyOf(bytes: Uint8Array): KeyObject | Malformed {
  const ders = derOf(bytes, ['PRIVATE KEY', 'EC PRIVATE KEY'], 'the private key');
  if (isMalformed(ders)) return ders;
  const [der] = ders;
  if (der === undefined) return malformed('the private key is missing');
  const key = readPrivateKey(der, 'pkcs8') ?? readPrivateKey(der, 'sec1');
  if (key === undefined) return malformed('the private key is no OneAsymmetricKey or ECPrivateKey');
  return isP256(key) ? key : malformed('the private key is not on P-256');
}

/** What the bytes hold, each in DER; nothing when there are none. */
function derOf(bytes: Uint8Array, labels: readonly string[], what: string): readonly Uint8Array[] | Malformed {
  if (bytes.length > MAX_KEY_BYTES) return malformed(`${what} has ${bytes.length} bytes`);
  if (!isPem(bytes)) return bytes.length === 0 ? [] : [bytes.slice()];
  const blocks = parsePem(latin1.decode(bytes));
  if (isMalformed(blocks)) return malformed(`${what}: ${blocks.malformed}`);
  const ders = blocks.filter(({ label }) => labels.includes(label)).map(({ der }) => der);
  return ders.length > 0 ? ders : malformed(`${what} is neither DER nor PEM of ${labels.join(' or ')}`);
}

/** DER begins with a SEQUENCE. */
const isPem = (bytes: Uint8Array): boolean => bytes.length > 0 && bytes[0] !== 0x30;
const latin1 = new TextDecoder('latin1');

const isP256 = (key: KeyObject): boolean =>
  key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';

function readPrivateKey(der: Uint8Array, type: 'pkcs8' | 'sec1'): KeyObject | undefined {
  if (!isWholeSequence(der)) return undefined;
  try {
    return createPrivateKey({ key: der as Buffer, format: 'der', type });
  } catch {
    return undefined;
  }
}

function readPublicKey(der: Uint8Array): KeyObject | undefined {
  if (der.length !== P256_PUBLIC_KEY_BYTES) return undefined;
  try {
    const key = createPublicKey({ key: der as Buffer, format: 'der', type: 'spki' });
    return isP256(key) ? key : undefined;
  } catch {
    return undefined;
  }
}

function isCertificate(der: Uint8Array): boolean {
  try {
    // OpenSSL reads past trailing bytes.
    return new X509Certificate(der).raw.length === der.length;
  } catch {
    return false;
  }
}

function publicKeyOfCertificate(der: Uint8Array): KeyObject | undefined {
  try {
    const { publicKey } = new X509Certificate(der);
    return isP256(publicKey) ? publicKey : undefined;
  } catch {
    return undefined;
  }
}

/** A private key may come with a public key that is not its own, so what it can do is looked at. */
function isPair(publicKey: KeyObject, privateKey: KeyObject): boolean {
  try {
    return verify('sha256', PROBE, publicKey, sign('sha256', PROBE, privateKey));
  } catch {
    return false;
  }
}

function isWholeSequence(der: Uint8Array): boolean {
  if (der[0] !== 0x30) return false;
  const first = der[1] ?? 0;
  if (first < 0x80) return der.length === 2 + first;
  if (first === 0x81) return der.length === 3 + (der[2] ?? 0);
  return first === 0x82 && der.length === 4 + (der[2] ?? 0) * 256 + (der[3] ?? 0);
}
