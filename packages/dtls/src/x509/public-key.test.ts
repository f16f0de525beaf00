import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { certificateCrypto as crypto, ecKeyPair, ed25519KeyPair, rsaKeyPair } from '../../test/certificate-crypto.ts';
import { hexBytes, withByte } from '../../test/certificates.ts';
import { certifyingKeyOf, isUnusableKey, publicKeyOf } from './public-key.ts';

const good = ecKeyPair().subjectPublicKeyInfo;
const point = good.subarray(good.length - 65);

describe('a public key that signs the handshake (RFC 5480, RFC 8422 §5.1.1)', () => {
  it('is P-256, and becomes a handle', () => {
    const key = publicKeyOf(good, crypto);
    assert.ok(!isUnusableKey(key));
    assert.equal(key.kind, 'p256');
  });

  const P256 = '301306072a8648ce3d020106082a8648ce3d030107';
  const bits = (bytes: Uint8Array): string =>
    `03${(bytes.length + 1).toString(16).padStart(2, '0')}00${Buffer.from(bytes).toString('hex')}`;
  const info = (algorithm: string, key: string): Uint8Array => {
    const length = (algorithm.length + key.length) / 2;
    return hexBytes(`30${length < 0x80 ? '' : '81'}${length.toString(16).padStart(2, '0')}${algorithm}${key}`);
  };
  const explicit = generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }).publicKey;
  const compressed = createPublicKey({ key: Buffer.from(good), format: 'der', type: 'spki' });
  const x = Buffer.from(compressed.export({ format: 'jwk' }).x!, 'base64url');

  const ROWS: readonly (readonly [string, Uint8Array, 'bad_certificate' | 'unsupported_certificate', RegExp])[] = [
    ['nothing', new Uint8Array(0), 'bad_certificate', /is malformed: the public key is missing/],
    ['bytes behind it', Uint8Array.of(...good, 0), 'bad_certificate', /the public key goes on/],
    [
      'a point that is not on the curve',
      withByte(good, good.length - 1, (byte) => byte ^ 1),
      'bad_certificate',
      /no valid P-256 key/,
    ],
    ['the point at infinity', info(P256, bits(Uint8Array.of(0))), 'bad_certificate', /no uncompressed point/],
    ['a compressed point', info(P256, bits(Uint8Array.of(2, ...x))), 'bad_certificate', /no uncompressed point/],
    ['a hybrid point', info(P256, bits(withByte(point, 0, () => 6))), 'bad_certificate', /no uncompressed point/],
    [
      'parameters behind the curve',
      info('301506072a8648ce3d020106082a8648ce3d0301070500', bits(point)),
      'bad_certificate',
      /the curve goes on/,
    ],
    ['no curve', info('300906072a8648ce3d0201', bits(point)), 'bad_certificate', /the curve is missing/],
    [
      'an unknown curve',
      info('300d06072a8648ce3d020106022a03', bits(point)),
      'unsupported_certificate',
      /unknown curve 1.2.3/,
    ],
    [
      'a curve of its own (CVE-2020-0601)',
      new Uint8Array(explicit.export({ format: 'der', type: 'spki' })),
      'unsupported_certificate',
      /a curve of its own/,
    ],
    ['an unknown algorithm', info('300406022a03', bits(point)), 'unsupported_certificate', /unknown algorithm 1.2.3/],
    ['secp256k1', ecKeyPair('secp256k1').subjectPublicKeyInfo, 'unsupported_certificate', /is on secp256k1/],
    ['P-384', ecKeyPair('P-384').subjectPublicKeyInfo, 'unsupported_certificate', /is P-384, and P-256 is needed/],
    [
      'P-192 (groups under 255 bits)',
      ecKeyPair('prime192v1').subjectPublicKeyInfo,
      'unsupported_certificate',
      /is on P-192/,
    ],
    ['Ed25519', ed25519KeyPair().subjectPublicKeyInfo, 'unsupported_certificate', /is Ed25519/],
    [
      'an Ed25519 key of 31 bytes',
      info('300506032b6570', bits(new Uint8Array(31))),
      'bad_certificate',
      /31 bytes instead of 32/,
    ],
    ['more bytes than any key has', new Uint8Array(2049), 'bad_certificate', /at most 2048/],
  ];
  for (const [name, spki, alert, text] of ROWS) {
    it(`${name}: refused`, () => {
      const key = publicKeyOf(spki, crypto);
      assert.ok(isUnusableKey(key));
      assert.match(key.unusable, text);
      assert.equal(key.alert, alert);
    });
  }

  it('every truncation and every changed byte gives a key or a reason', () => {
    for (let index = 0; index < good.length; index++) {
      assert.ok(isUnusableKey(publicKeyOf(good.subarray(0, index), crypto)));
      for (let bit = 0; bit < 8; bit++)
        publicKeyOf(
          withByte(good, index, (byte) => byte ^ (1 << bit)),
          crypto,
        );
    }
  });
});

describe('a public key that signs certificates', () => {
  it('may be P-384, Ed25519 and RSA of 2,048 bits and more', () => {
    for (const [pair, kind] of [
      [ecKeyPair('P-384'), 'p384'],
      [ed25519KeyPair(), 'ed25519'],
      [rsaKeyPair(2048), 'rsa'],
    ] as const) {
      const key = certifyingKeyOf(pair.subjectPublicKeyInfo, crypto);
      assert.ok(!isUnusableKey(key));
      assert.equal(key.kind, kind);
    }
  });

  it('may not be RSA of fewer bits, nor one with an exponent that takes long', () => {
    const short = certifyingKeyOf(rsaKeyPair(1024).subjectPublicKeyInfo, crypto);
    assert.ok(isUnusableKey(short));
    assert.match(short.unusable, /1024 bits, and 2048 to 8192 are accepted/);
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 2 ** 31 + 11 });
    const long = certifyingKeyOf(new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })), crypto);
    assert.ok(isUnusableKey(long));
    assert.match(long.unusable, /exponent of 5 bytes/);
  });
});
