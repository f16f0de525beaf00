/**
 * The primitives the engine is given: synchronous, and always with key objects, because a key given as bytes costs Node
 * five times as much per call. `@lapwing/transport` implements them on `node:crypto`.
 */

/** A secret or a private key that the implementation holds; Node's `KeyObject`. Never its bytes. */
export interface SecretKey {
  readonly type: 'secret' | 'private' | 'public';
}

/** A public key the implementation has imported and checked: on its curve, not the point at infinity. */
export interface PublicKey {
  readonly handle: SecretKey;
  readonly kind: PublicKeyKind;
}

/** 'other': a key of no use here; for EC keys on other curves than P-256 too. RSA is for certificate signatures only. */
export type PublicKeyKind = 'p256' | 'p384' | 'ed25519' | 'rsa' | 'other';

export type HashName = 'sha256' | 'sha384' | 'sha512';
export type AeadName = 'aes-128-ccm-8' | 'aes-128-gcm';
export const TAG_LENGTHS: Readonly<Record<AeadName, number>> = { 'aes-128-ccm-8': 8, 'aes-128-gcm': 16 };
/** `namedGroup` of RFC 8422. */
export type GroupName = 'secp256r1' | 'x25519';
/** What certificates may be signed with; the handshake itself uses 'ecdsa-sha256' on P-256 alone. */
export type SignatureName =
  'ecdsa-sha256' | 'ecdsa-sha384' | 'ecdsa-sha512' | 'rsa-sha256' | 'rsa-sha384' | 'rsa-sha512' | 'ed25519';

export interface EphemeralKey {
  readonly group: GroupName;
  readonly privateKey: SecretKey;
  /** Uncompressed point (65 bytes) or the 32 bytes of x25519. */
  readonly publicBytes: Uint8Array;
}

export interface DtlsCrypto {
  randomBytes(length: number): Uint8Array;
  /** Constant time for equal lengths; false for different ones. */
  equal(a: Uint8Array, b: Uint8Array): boolean;

  importSecret(bytes: Uint8Array): SecretKey;
  /** A copy of the bytes: for the premaster secret of PSK, and for what is kept encrypted (tickets, exported associations). */
  exportSecret(key: SecretKey): Uint8Array;
  hash(name: HashName, bytes: Uint8Array): Uint8Array;
  hmac(name: HashName, key: SecretKey, bytes: Uint8Array): Uint8Array;

  /** Writes ciphertext and tag into `target` from `offset` on. Nonce: 12 bytes. */
  sealAead(
    name: AeadName,
    key: SecretKey,
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
    target: Uint8Array,
    offset: number,
  ): void;
  /** Undefined when the tag is wrong or the input is shorter than a tag. */
  openAead(
    name: AeadName,
    key: SecretKey,
    nonce: Uint8Array,
    aad: Uint8Array,
    ciphertextAndTag: Uint8Array,
  ): Uint8Array | undefined;
  /** AES-128-CBC without padding of its own: whole blocks in, whole blocks out. */
  encryptCbc(key: SecretKey, iv: Uint8Array, blocks: Uint8Array): Uint8Array;
  decryptCbc(key: SecretKey, iv: Uint8Array, blocks: Uint8Array): Uint8Array;

  generateEphemeral(group: GroupName): EphemeralKey;
  /** The shared secret, or undefined when the peer's bytes are no point of the group (or give the all-zero secret). */
  agree(own: EphemeralKey, peerPublicBytes: Uint8Array): Uint8Array | undefined;

  /** A SubjectPublicKeyInfo in DER (RFC 5280 §4.1.2.7); undefined when it is none. */
  importPublicKey(subjectPublicKeyInfo: Uint8Array): PublicKey | undefined;
  /** PKCS #8 / OneAsymmetricKey (RFC 5958) in DER. Undefined when it is none. */
  importPrivateKey(
    der: Uint8Array,
  ): { readonly key: SecretKey; readonly kind: PublicKeyKind; readonly subjectPublicKeyInfo: Uint8Array } | undefined;
  /** ECDSA with SHA-256, DER signature. */
  sign(privateKey: SecretKey, bytes: Uint8Array): Uint8Array;
  /** False also when the key's kind does not fit the algorithm. */
  verify(name: SignatureName, key: PublicKey, bytes: Uint8Array, signature: Uint8Array): boolean;
}
