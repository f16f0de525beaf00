/** The primitives that certificates need, on `node:crypto`, and key pairs; the rest throws. For tests of this package. */
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
  type KeyObject,
  type SigningOptions,
} from 'node:crypto';
import type { DtlsCrypto, PublicKey, PublicKeyKind, SecretKey, SignatureName } from '../src/crypto.ts';

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly subjectPublicKeyInfo: Uint8Array;
}

const spkiOf = (publicKey: KeyObject): Uint8Array => new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));

export function ecKeyPair(namedCurve = 'P-256'): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
  return { privateKey, subjectPublicKeyInfo: spkiOf(publicKey) };
}

export function rsaKeyPair(modulusLength: number): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength });
  return { privateKey, subjectPublicKeyInfo: spkiOf(publicKey) };
}

export function ed25519KeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { privateKey, subjectPublicKeyInfo: spkiOf(publicKey) };
}

const CURVE_KINDS: Readonly<Record<string, PublicKeyKind>> = { prime256v1: 'p256', secp384r1: 'p384' };

function kindOf(key: KeyObject): PublicKeyKind {
  if (key.asymmetricKeyType === 'ec') return CURVE_KINDS[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? 'other';
  return key.asymmetricKeyType === 'rsa' || key.asymmetricKeyType === 'ed25519' ? key.asymmetricKeyType : 'other';
}

/** Which kinds of keys fit a signature. */
const fits = (name: SignatureName, kind: PublicKeyKind): boolean =>
  name.startsWith('ecdsa-') ? kind === 'p256' || kind === 'p384' : name.startsWith(kind);

const unavailable = (): never => {
  throw new Error('not needed for certificates');
};

export const certificateCrypto: DtlsCrypto = {
  randomBytes: (length) => new Uint8Array(randomBytes(length)),
  equal: (a, b) => Buffer.compare(a, b) === 0,
  hash: (name, bytes) => new Uint8Array(createHash(name).update(bytes).digest()),
  importPublicKey(der): PublicKey | undefined {
    try {
      const handle = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
      return { handle, kind: kindOf(handle) };
    } catch {
      return undefined;
    }
  },
  sign: (key: SecretKey, bytes) => new Uint8Array(sign('sha256', bytes, key as KeyObject)),
  verify(name, key, bytes, signature) {
    if (!fits(name, key.kind)) return false;
    const [, hash] = name.split('-');
    return verify(hash, bytes, key.handle as KeyObject & SigningOptions, signature);
  },
  importSecret: unavailable,
  exportSecret: unavailable,
  hmac: unavailable,
  sealAead: unavailable,
  openAead: unavailable,
  encryptCbc: unavailable,
  decryptCbc: unavailable,
  generateEphemeral: unavailable,
  agree: unavailable,
  importPrivateKey: unavailable,
};
