/**
 * The primitives of DTLS on `node:crypto`: synchronous, every key a `KeyObject` (a key given as bytes costs five times as
 * much per call on Node 24), every result a plain `Uint8Array`, because `Buffer.slice` does not copy.
 */
import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  type ECDH,
  generateKeyPairSync,
  hash,
  KeyObject,
  randomFillSync,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import {
  type AeadName,
  type DtlsCrypto,
  type EphemeralKey,
  type GroupName,
  type PublicKey,
  type PublicKeyKind,
  type SecretKey,
  type SignatureName,
  TAG_LENGTHS,
  UsageError,
} from '@lapwing/dtls';

const CCM_8 = { authTagLength: TAG_LENGTHS['aes-128-ccm-8'] };
const GCM = { authTagLength: TAG_LENGTHS['aes-128-gcm'] };

/** SubjectPublicKeyInfo of a P-256 key up to its uncompressed point. RFC 5480 §2. */
const P256_PREFIX = Uint8Array.from([
  0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
  0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
]);
const P256_BYTES = 91;
const POINT_BYTES = 65;
const UNCOMPRESSED = 4;
/** SubjectPublicKeyInfo of an x25519 key up to its 32 bytes. RFC 8410 §4. */
const X25519_PREFIX = Uint8Array.from([0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00]);
const X25519_BYTES = 32;

/** RSA outside of these bounds is too weak, or costs more to verify than a stranger's certificate may. */
const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 8192;

const CURVE_KINDS: Readonly<Record<string, PublicKeyKind>> = { prime256v1: 'p256', secp384r1: 'p384' };

const SIGNATURES: Readonly<Record<SignatureName, { readonly hash: string | null; readonly kinds: PublicKeyKind[] }>> = {
  'ecdsa-sha256': { hash: 'sha256', kinds: ['p256', 'p384'] },
  'ecdsa-sha384': { hash: 'sha384', kinds: ['p256', 'p384'] },
  'ecdsa-sha512': { hash: 'sha512', kinds: ['p256', 'p384'] },
  'rsa-sha256': { hash: 'sha256', kinds: ['rsa'] },
  'rsa-sha384': { hash: 'sha384', kinds: ['rsa'] },
  'rsa-sha512': { hash: 'sha512', kinds: ['rsa'] },
  ed25519: { hash: null, kinds: ['ed25519'] },
};

/**
 * An ephemeral P-256 key. Node's ECDH object takes the peer's point as it comes: 131 µs for generation and agreement,
 * where a key pair of `KeyObject`s takes more than twice that, most of it for the way through DER. The way through JWK is
 * no way out: Node 24.21 hangs for good after some thousand exports of generated keys.
 */
class EphemeralEcdh implements SecretKey {
  readonly type = 'private';
  readonly ecdh: ECDH;
  constructor(ecdh: ECDH) {
    this.ecdh = ecdh;
  }
}

/** Random bytes come from a pool: filling 4 KiB costs as much as asking for 32 bytes. What was handed out is wiped. */
const pool = new Uint8Array(4096);
let poolOffset = pool.length;

function randomBytes(length: number): Uint8Array {
  if (length > pool.length / 4) return randomFillSync(new Uint8Array(length));
  if (poolOffset + length > pool.length) {
    randomFillSync(pool);
    poolOffset = 0;
  }
  const end = poolOffset + length;
  const bytes = pool.slice(poolOffset, end);
  pool.fill(0, poolOffset, end);
  poolOffset = end;
  return bytes;
}

/** The same bytes without the methods of Buffer. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
}

function keyObject(key: SecretKey): KeyObject {
  if (key instanceof KeyObject) return key;
  throw new UsageError('this key was not made by nodeCrypto');
}

function sealAead(
  name: AeadName,
  key: SecretKey,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
  target: Uint8Array,
  offset: number,
): void {
  if (name === 'aes-128-ccm-8') {
    const cipher = createCipheriv('aes-128-ccm', keyObject(key), nonce, CCM_8);
    cipher.setAAD(aad, { plaintextLength: plaintext.length });
    // CCM wants exactly one update.
    target.set(cipher.update(plaintext), offset);
    cipher.final();
    target.set(cipher.getAuthTag(), offset + plaintext.length);
    return;
  }
  const cipher = createCipheriv('aes-128-gcm', keyObject(key), nonce, GCM);
  cipher.setAAD(aad);
  target.set(cipher.update(plaintext), offset);
  cipher.final();
  target.set(cipher.getAuthTag(), offset + plaintext.length);
}

function openAead(
  name: AeadName,
  key: SecretKey,
  nonce: Uint8Array,
  aad: Uint8Array,
  ciphertextAndTag: Uint8Array,
): Uint8Array | undefined {
  const length = ciphertextAndTag.length - TAG_LENGTHS[name];
  if (length < 0) return undefined;
  const ciphertext = ciphertextAndTag.subarray(0, length);
  const tag = ciphertextAndTag.subarray(length);
  if (name === 'aes-128-ccm-8') {
    const decipher = createDecipheriv('aes-128-ccm', keyObject(key), nonce, CCM_8);
    decipher.setAuthTag(tag);
    decipher.setAAD(aad, { plaintextLength: length });
    return authenticated(decipher, ciphertext);
  }
  const decipher = createDecipheriv('aes-128-gcm', keyObject(key), nonce, GCM);
  decipher.setAuthTag(tag);
  decipher.setAAD(aad);
  return authenticated(decipher, ciphertext);
}

function authenticated(
  decipher: { update(bytes: Uint8Array): Uint8Array; final(): Uint8Array },
  ciphertext: Uint8Array,
): Uint8Array | undefined {
  const plaintext = decipher.update(ciphertext);
  try {
    decipher.final();
  } catch {
    // All that is left to fail here is the tag.
    return undefined;
  }
  return plain(plaintext);
}

function wholeBlocks(blocks: Uint8Array, bytes: Uint8Array): Uint8Array {
  if (bytes.length !== blocks.length) throw new UsageError(`${blocks.length} bytes are no whole blocks of AES`);
  return plain(bytes);
}

function generateEphemeral(group: GroupName): EphemeralKey {
  if (group === 'secp256r1') {
    const ecdh = createECDH('prime256v1');
    return { group, privateKey: new EphemeralEcdh(ecdh), publicBytes: plain(ecdh.generateKeys()) };
  }
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const der = publicKey.export({ format: 'der', type: 'spki' });
  return { group, privateKey, publicBytes: plain(der.subarray(X25519_PREFIX.length)) };
}

function agree(own: EphemeralKey, peerPublicBytes: Uint8Array): Uint8Array | undefined {
  try {
    if (own.privateKey instanceof EphemeralEcdh) {
      // The uncompressed form is the only one, RFC 8422 §5.1.2. That the point is on the curve OpenSSL checks.
      if (peerPublicBytes.length !== POINT_BYTES || peerPublicBytes[0] !== UNCOMPRESSED) return undefined;
      return plain(own.privateKey.ecdh.computeSecret(peerPublicBytes));
    }
    if (peerPublicBytes.length !== X25519_BYTES) return undefined;
    const key = Buffer.concat([X25519_PREFIX, peerPublicBytes]);
    const publicKey = createPublicKey({ key, format: 'der', type: 'spki' });
    // Throws for the all-zero secret, RFC 8422 §5.11.
    return plain(diffieHellman({ privateKey: keyObject(own.privateKey), publicKey }));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    return undefined;
  }
}

/** OpenSSL reads past trailing bytes: the outermost SEQUENCE must be all there is. */
function isOneSequence(der: Uint8Array): boolean {
  if (der[0] !== 0x30) return false;
  const first = der[1];
  if (first === undefined) return false;
  if (first < 0x80) return der.length === 2 + first;
  if (first === 0x81) return der.length === 3 + (der[2] ?? 0);
  return first === 0x82 && der.length === 4 + (der[2] ?? 0) * 256 + (der[3] ?? 0);
}

function kindOf(key: KeyObject): PublicKeyKind {
  switch (key.asymmetricKeyType) {
    case 'ec':
      return CURVE_KINDS[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? 'other';
    case 'ed25519':
      return 'ed25519';
    case 'rsa': {
      const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
      return bits >= MIN_RSA_BITS && bits <= MAX_RSA_BITS ? 'rsa' : 'other';
    }
    default:
      return 'other';
  }
}

function isP256(subjectPublicKeyInfo: Uint8Array): boolean {
  if (subjectPublicKeyInfo.length !== P256_BYTES) return false;
  for (let i = 0; i < P256_PREFIX.length; i++) if (subjectPublicKeyInfo[i] !== P256_PREFIX[i]) return false;
  return true;
}

function importPublicKey(subjectPublicKeyInfo: Uint8Array): PublicKey | undefined {
  if (!isOneSequence(subjectPublicKeyInfo)) return undefined;
  let handle: KeyObject;
  try {
    handle = createPublicKey({ key: subjectPublicKeyInfo as Buffer, format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
  // Asking OpenSSL for the curve costs 17 µs, half as much as the import itself.
  return { handle, kind: isP256(subjectPublicKeyInfo) ? 'p256' : kindOf(handle) };
}

function importPrivateKey(der: Uint8Array): ReturnType<DtlsCrypto['importPrivateKey']> {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: der as Buffer, format: 'der', type: 'pkcs8' });
  } catch {
    return undefined;
  }
  const subjectPublicKeyInfo = plain(createPublicKey(key).export({ format: 'der', type: 'spki' }));
  return { key, kind: kindOf(key), subjectPublicKeyInfo };
}

export const nodeCrypto: DtlsCrypto = {
  randomBytes,
  equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  importSecret: (bytes) => createSecretKey(bytes),
  exportSecret: (key) => plain(keyObject(key).export()),
  hash: (name, bytes) => plain(hash(name, bytes, 'buffer')),
  hmac: (name, key, bytes) => plain(createHmac(name, keyObject(key)).update(bytes).digest()),
  sealAead,
  openAead,
  encryptCbc: (key, iv, blocks) =>
    wholeBlocks(blocks, createCipheriv('aes-128-cbc', keyObject(key), iv).setAutoPadding(false).update(blocks)),
  decryptCbc: (key, iv, blocks) =>
    wholeBlocks(blocks, createDecipheriv('aes-128-cbc', keyObject(key), iv).setAutoPadding(false).update(blocks)),
  generateEphemeral,
  agree,
  importPublicKey,
  importPrivateKey,
  sign: (privateKey, bytes) => plain(sign('sha256', bytes, keyObject(privateKey))),
  verify: (name, key, bytes, signature) => {
    const algorithm = SIGNATURES[name];
    return algorithm.kinds.includes(key.kind) && verify(algorithm.hash, bytes, keyObject(key.handle), signature);
  },
};
