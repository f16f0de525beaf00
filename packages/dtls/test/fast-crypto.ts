/**
 * Primitives that behave like the real ones and protect nothing: deterministic from a seed, and some thirty times as fast,
 * for tests that run a hundred thousand handshakes. Different keys give different results; that is all that is promised.
 */
import type { AeadName, DtlsCrypto, EphemeralKey, SecretKey } from '../src/crypto.ts';

interface FastKey extends SecretKey {
  readonly bytes: Uint8Array;
}

const TAG_BYTES: Readonly<Record<AeadName, number>> = { 'aes-128-ccm-8': 8, 'aes-128-gcm': 16 };
/** A field small enough that products are exact integers. */
const PRIME = 46_337;
const GENERATOR = 3;
/** SubjectPublicKeyInfo of P-256 up to the point, RFC 5480 §2. The point is a number. */
const SPKI_PREFIX = Uint8Array.from('3059301306072a8648ce3d020106082a8648ce3d030107034200'.match(/../g)!, (byte) =>
  parseInt(byte, 16),
);
const SPKI_BYTES = 91;

const keyOf = (key: SecretKey): Uint8Array => (key as FastKey).bytes;

/** Two running sums over everything, drawn out to `length` bytes. */
function mix(length: number, ...parts: readonly Uint8Array[]): Uint8Array {
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  for (const part of parts) {
    for (let i = 0; i < part.length; i++) {
      a = Math.imul(a ^ part[i]!, 0x01000193);
      b = (Math.imul(b, 31) + part[i]!) | 0;
    }
    a = Math.imul(a ^ part.length, 0x85ebca6b);
    b = Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  }
  const output = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    a = Math.imul(a ^ (b >>> 15), 0x2c1b3c6d);
    b = (Math.imul(b ^ (a >>> 12), 0x297a2d39) + i) | 0;
    output[i] = (a ^ b) >>> 11;
  }
  return output;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function power(base: number, exponent: number): number {
  let result = 1;
  for (let square = base, rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = (result * square) % PRIME;
    square = (square * square) % PRIME;
  }
  return result;
}

const numberIn = (bytes: Uint8Array): number => (bytes[bytes.length - 2]! << 8) | bytes[bytes.length - 1]!;

function asBytes(length: number, value: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes[length - 2] = value >>> 8;
  bytes[length - 1] = value;
  return bytes;
}

/** The stream is the same for all sizes: nothing here is meant to be secret. */
function streamed(key: SecretKey, nonce: Uint8Array, text: Uint8Array): Uint8Array {
  const stream = mix(text.length, keyOf(key), nonce);
  for (let i = 0; i < stream.length; i++) stream[i]! ^= text[i]!;
  return stream;
}

export interface FastIdentity {
  readonly privateKey: SecretKey;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array;
}

/** The key pair with this number, below 65536. */
export function fastIdentity(number: number): FastIdentity {
  const publicKey = new Uint8Array(SPKI_BYTES);
  publicKey.set(SPKI_PREFIX);
  publicKey[SPKI_PREFIX.length] = 4;
  publicKey.set(asBytes(2, number), SPKI_BYTES - 2);
  return { privateKey: secretOf(asBytes(2, number), 'private'), publicKey };
}

function secretOf(bytes: Uint8Array, type: SecretKey['type'] = 'secret'): FastKey {
  return { type, bytes };
}

/** @param uint32 uniform from 0 to 2^32 - 1. */
export function fastCrypto(uint32: () => number): DtlsCrypto {
  const randomBytes = (length: number): Uint8Array => {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = uint32() >>> 16;
    return bytes;
  };
  return {
    randomBytes,
    equal,
    importSecret: (bytes) => secretOf(bytes.slice()),
    exportSecret: (key) => keyOf(key).slice(),
    hash: (_name, bytes) => mix(32, bytes),
    hmac: (_name, key, bytes) => mix(32, keyOf(key), bytes),
    sealAead(name, key, nonce, aad, plaintext, target, offset) {
      target.set(streamed(key, nonce, plaintext), offset);
      target.set(mix(TAG_BYTES[name], keyOf(key), nonce, aad, plaintext), offset + plaintext.length);
    },
    openAead(name, key, nonce, aad, ciphertextAndTag) {
      const length = ciphertextAndTag.length - TAG_BYTES[name];
      if (length < 0) return undefined;
      const plaintext = streamed(key, nonce, ciphertextAndTag.subarray(0, length));
      const tag = mix(TAG_BYTES[name], keyOf(key), nonce, aad, plaintext);
      return equal(tag, ciphertextAndTag.subarray(length)) ? plaintext : undefined;
    },
    encryptCbc: streamed,
    decryptCbc: streamed,
    generateEphemeral(group): EphemeralKey {
      const exponent = 2 + (uint32() % (PRIME - 3));
      const publicBytes = asBytes(group === 'x25519' ? 32 : 65, power(GENERATOR, exponent));
      if (group !== 'x25519') publicBytes[0] = 4;
      return { group, privateKey: secretOf(asBytes(2, exponent), 'private'), publicBytes };
    },
    agree(own, peerPublicBytes) {
      if (peerPublicBytes.length !== own.publicBytes.length || numberIn(peerPublicBytes) === 0) return undefined;
      return asBytes(32, power(numberIn(peerPublicBytes), numberIn(keyOf(own.privateKey))));
    },
    importPublicKey(der) {
      if (der.length !== SPKI_BYTES || !equal(der.subarray(0, SPKI_PREFIX.length), SPKI_PREFIX)) return undefined;
      return { handle: secretOf(der.subarray(SPKI_BYTES - 2), 'public'), kind: 'p256' };
    },
    importPrivateKey: () => undefined,
    sign: (privateKey, bytes) => mix(32, keyOf(privateKey), bytes),
    verify: (_name, key, bytes, signature) => equal(mix(32, keyOf(key.handle), bytes), signature),
  };
}
