/**
 * From a shared secret to the keys of an epoch: the pseudo-random function of TLS 1.2 (RFC 5246 §5), the premaster secret
 * of plain PSK (RFC 4279 §2), the master secret (RFC 5246 §8.1, RFC 7627 §4), the key block (§6.3) and the verify_data of
 * Finished (§7.4.9).
 *
 *     PSK ─► premaster ─► master ─► key block ─► client and server write keys
 *     (EC)DHE ┘             └─► verify_data
 *
 * The HMACs here are most of what a PSK handshake costs: 12 with an AEAD suite, and four key imports.
 */
import type { CipherSuite } from './cipher-suite-table.ts';
import type { DtlsCrypto, HashName, SecretKey } from './crypto.ts';
import type { DirectionKeys } from './record/protection.ts';

/** Every suite of the table uses P_SHA256. RFC 5246 §5, 6655 §3, 5487 §3.1, 5289 §3.1. */
const PRF_HASH: HashName = 'sha256';

export const MASTER_SECRET_LENGTH = 48;
export const VERIFY_DATA_LENGTH = 12;

const AES_128_KEY = 16;
const SALT = 4;
const HMAC_SHA256_KEY = 32;

/** What each cipher takes from the key block, in this order for both sides. RFC 5246 §6.3. */
export const KEY_BLOCK_PARTS: Readonly<
  Record<CipherSuite['cipher'], { readonly mac: number; readonly key: number; readonly iv: number }>
> = {
  'aes-128-ccm-8': { mac: 0, key: AES_128_KEY, iv: SALT },
  'aes-128-gcm': { mac: 0, key: AES_128_KEY, iv: SALT },
  // The IV of each record is explicit since TLS 1.1 and not derived.
  'aes-128-cbc-sha256': { mac: HMAC_SHA256_KEY, key: AES_128_KEY, iv: 0 },
};

const LABELS = {
  masterSecret: ascii('master secret'),
  extendedMasterSecret: ascii('extended master secret'),
  keyExpansion: ascii('key expansion'),
  clientFinished: ascii('client finished'),
  serverFinished: ascii('server finished'),
} as const;

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Zeros in place of the other secret, then the pre-shared key, each with its length. RFC 4279 §2. */
export function pskPremaster(psk: SecretKey, crypto: DtlsCrypto): SecretKey {
  const key = crypto.exportSecret(psk);
  const bytes = new Uint8Array(4 + 2 * key.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, key.length);
  view.setUint16(2 + key.length, key.length);
  bytes.set(key, 4 + key.length);
  key.fill(0);
  return imported(bytes, crypto);
}

/** RFC 5246 §8.1, for peers without the extended one. */
export function masterSecret(
  premaster: SecretKey,
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
  crypto: DtlsCrypto,
): SecretKey {
  const seed = joined(clientRandom, serverRandom);
  return imported(prf(PRF_HASH, premaster, LABELS.masterSecret, seed, MASTER_SECRET_LENGTH, crypto), crypto);
}

/** @param sessionHash  of the handshake messages up to and including ClientKeyExchange. RFC 7627 §3 and §4. */
export function extendedMasterSecret(premaster: SecretKey, sessionHash: Uint8Array, crypto: DtlsCrypto): SecretKey {
  const { extendedMasterSecret: label } = LABELS;
  return imported(prf(PRF_HASH, premaster, label, sessionHash, MASTER_SECRET_LENGTH, crypto), crypto);
}

/** The keys of both directions. RFC 5246 §6.3. */
export function deriveKeys(
  master: SecretKey,
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
  suite: CipherSuite,
  crypto: DtlsCrypto,
): { readonly client: DirectionKeys; readonly server: DirectionKeys } {
  const { mac, key, iv } = KEY_BLOCK_PARTS[suite.cipher];
  const block = prf(
    PRF_HASH,
    master,
    LABELS.keyExpansion,
    joined(serverRandom, clientRandom),
    2 * (mac + key + iv),
    crypto,
  );
  const keysAt = (macAt: number, keyAt: number, ivAt: number): DirectionKeys => ({
    macKey: mac === 0 ? undefined : crypto.importSecret(block.subarray(macAt, macAt + mac)),
    key: crypto.importSecret(block.subarray(keyAt, keyAt + key)),
    iv: block.slice(ivAt, ivAt + iv),
  });
  const keys = 2 * mac;
  const ivs = keys + 2 * key;
  const both = { client: keysAt(0, keys, ivs), server: keysAt(mac, keys + key, ivs + iv) };
  block.fill(0);
  return both;
}

/**
 * What Finished of this side says, 12 bytes; compare with `crypto.equal`.
 *
 * @param transcriptHash  SHA-256 of all handshake messages before this Finished. RFC 5246 §7.4.9, 6347 §4.2.6.
 */
export function verifyData(
  master: SecretKey,
  sender: 'client' | 'server',
  transcriptHash: Uint8Array,
  crypto: DtlsCrypto,
): Uint8Array {
  const label = sender === 'client' ? LABELS.clientFinished : LABELS.serverFinished;
  return prf(PRF_HASH, master, label, transcriptHash, VERIFY_DATA_LENGTH, crypto);
}

/** P_hash over label and seed, cut to `length`. RFC 5246 §5. */
export function prf(
  hash: HashName,
  secret: SecretKey,
  label: Uint8Array,
  seed: Uint8Array,
  length: number,
  crypto: DtlsCrypto,
): Uint8Array {
  const output = new Uint8Array(length);
  // A(0) is label and seed; every further input is A(i), then label and seed.
  const hashLength = HASH_LENGTHS[hash];
  const input = new Uint8Array(hashLength + label.length + seed.length);
  const labelAndSeed = input.subarray(hashLength);
  labelAndSeed.set(label);
  labelAndSeed.set(seed, label.length);
  let a = crypto.hmac(hash, secret, labelAndSeed);
  for (let offset = 0; ; a = crypto.hmac(hash, secret, a)) {
    input.set(a);
    const block = crypto.hmac(hash, secret, input);
    const left = length - offset;
    if (left <= block.length) {
      output.set(block.subarray(0, left), offset);
      return output;
    }
    output.set(block, offset);
    offset += block.length;
  }
}

const HASH_LENGTHS: Readonly<Record<HashName, number>> = { sha256: 32, sha384: 48, sha512: 64 };

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}

/** A handle instead of the bytes, which are wiped. */
function imported(bytes: Uint8Array, crypto: DtlsCrypto): SecretKey {
  const key = crypto.importSecret(bytes);
  bytes.fill(0);
  return key;
}
