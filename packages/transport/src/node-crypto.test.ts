import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import { type SecretKey, type SignatureName, UsageError } from '@lapwing/dtls';
import { nodeCrypto } from './node-crypto.ts';

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

function hexOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString('hex');
}

/** A plain Uint8Array: `slice` of a Buffer would share its memory. */
function assertPlain(bytes: Uint8Array | undefined): void {
  assert.ok(bytes !== undefined);
  assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype);
}

describe('secrets', () => {
  it('come back as the bytes they were, in a copy', () => {
    const key = nodeCrypto.importSecret(bytesOf('0102'));
    assertPlain(nodeCrypto.exportSecret(key));
    nodeCrypto.exportSecret(key).fill(0);
    assert.equal(hexOf(nodeCrypto.exportSecret(key)), '0102');
  });

  it('are copied when imported: wiping the bytes changes nothing', () => {
    const bytes = bytesOf('0102');
    const key = nodeCrypto.importSecret(bytes);
    bytes.fill(0);
    assert.equal(hexOf(nodeCrypto.exportSecret(key)), '0102');
  });

  it('of another implementation are the mistake of the caller', () => {
    const foreign: SecretKey = { type: 'secret' };
    assert.throws(() => nodeCrypto.hmac('sha256', foreign, new Uint8Array(0)), UsageError);
  });

  it('are compared over their whole length', () => {
    assert.equal(nodeCrypto.equal(bytesOf('0102'), bytesOf('0102')), true);
    assert.equal(nodeCrypto.equal(bytesOf('0102'), bytesOf('0103')), false);
    assert.equal(nodeCrypto.equal(bytesOf('0102'), bytesOf('010200')), false);
    assert.equal(nodeCrypto.equal(new Uint8Array(0), new Uint8Array(0)), true);
  });
});

describe('random bytes', () => {
  it("are never the same, over more than one pool, and the receiver's own", () => {
    const seen = new Set<string>();
    for (let i = 0; i < 2000; i++) {
      const bytes = nodeCrypto.randomBytes(16);
      assertPlain(bytes);
      seen.add(hexOf(bytes)!);
      bytes.fill(0);
    }
    assert.equal(seen.size, 2000);
  });

  it('come in any number', () => {
    for (const length of [0, 1, 1023, 1024, 1025, 4096, 70_000]) {
      const bytes = nodeCrypto.randomBytes(length);
      assert.equal(bytes.length, length);
      if (length > 1000) assert.ok(new Set(bytes).size > 200);
    }
  });
});

describe('hashes', () => {
  it('are those of FIPS 180-2 appendix B.1, RFC 4231 §4.3 and their kin', () => {
    const abc = bytesOf('616263');
    assert.equal(
      hexOf(nodeCrypto.hash('sha256', abc)),
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    assert.equal(nodeCrypto.hash('sha384', abc).length, 48);
    assert.equal(nodeCrypto.hash('sha512', abc).length, 64);
    const key = nodeCrypto.importSecret(Buffer.from('Jefe'));
    assert.equal(
      hexOf(nodeCrypto.hmac('sha256', key, Buffer.from('what do ya want for nothing?'))),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
    assertPlain(nodeCrypto.hash('sha256', abc));
    assertPlain(nodeCrypto.hmac('sha256', key, abc));
  });
});

describe('AES', () => {
  const key = nodeCrypto.importSecret(bytesOf('2b7e151628aed2a6abf7158809cf4f3c'));

  it('CBC encrypts as NIST SP 800-38A §F.2.1 and decrypts again, without padding of its own', () => {
    const iv = bytesOf('000102030405060708090a0b0c0d0e0f');
    const blocks = bytesOf('6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51');
    const encrypted = nodeCrypto.encryptCbc(key, iv, blocks);
    assert.equal(hexOf(encrypted), '7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2');
    assert.deepEqual(nodeCrypto.decryptCbc(key, iv, encrypted), blocks);
    assertPlain(nodeCrypto.decryptCbc(key, iv, encrypted));
  });

  it('CBC of no whole blocks is the mistake of the caller', () => {
    assert.throws(() => nodeCrypto.encryptCbc(key, new Uint8Array(16), new Uint8Array(17)), UsageError);
    assert.throws(() => nodeCrypto.decryptCbc(key, new Uint8Array(16), new Uint8Array(15)), UsageError);
  });

  it('GCM seals as test case 4 of its specification (McGrew and Viega)', () => {
    const gcm = nodeCrypto.importSecret(bytesOf('feffe9928665731c6d6a8f9467308308'));
    const nonce = bytesOf('cafebabefacedbaddecaf888');
    const aad = bytesOf('feedfacedeadbeeffeedfacedeadbeefabaddad2');
    const plaintext = bytesOf(
      'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
    );
    const sealed = new Uint8Array(plaintext.length + 16);
    nodeCrypto.sealAead('aes-128-gcm', gcm, nonce, aad, plaintext, sealed, 0);
    assert.equal(
      hexOf(sealed),
      '42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091' +
        '5bc94fbc3221a5db94fae95ae7121a47',
    );
    assert.deepEqual(nodeCrypto.openAead('aes-128-gcm', gcm, nonce, aad, sealed), plaintext);
  });

  for (const [name, tag] of [
    ['aes-128-ccm-8', 8],
    ['aes-128-gcm', 16],
  ] as const) {
    it(`${name}: an empty plaintext is a tag; less than a tag, or a wrong one, is undefined`, () => {
      const sealed = new Uint8Array(tag);
      nodeCrypto.sealAead(name, key, new Uint8Array(12), bytesOf('01'), new Uint8Array(0), sealed, 0);
      const opened = nodeCrypto.openAead(name, key, new Uint8Array(12), bytesOf('01'), sealed);
      assert.equal(opened?.length, 0);
      assertPlain(opened);
      for (let length = 0; length < tag; length++) {
        assert.equal(
          nodeCrypto.openAead(name, key, new Uint8Array(12), bytesOf('01'), sealed.subarray(0, length)),
          undefined,
        );
      }
      sealed[0]! ^= 1;
      assert.equal(nodeCrypto.openAead(name, key, new Uint8Array(12), bytesOf('01'), sealed), undefined);
    });
  }
});

describe('key agreement', () => {
  for (const [group, length] of [
    ['secp256r1', 65],
    ['x25519', 32],
  ] as const) {
    it(`${group}: both sides come to the same 32 bytes`, () => {
      const [a, b] = [nodeCrypto.generateEphemeral(group), nodeCrypto.generateEphemeral(group)];
      assert.equal(a.publicBytes.length, length);
      assertPlain(a.publicBytes);
      assert.notDeepEqual(a.publicBytes, b.publicBytes);
      const secret = nodeCrypto.agree(a, b.publicBytes);
      assertPlain(secret);
      assert.equal(secret!.length, 32);
      assert.deepEqual(nodeCrypto.agree(b, a.publicBytes), secret);
    });

    it(`${group}: any other length, the empty one too, is no point`, () => {
      const own = nodeCrypto.generateEphemeral(group);
      const peer = nodeCrypto.generateEphemeral(group).publicBytes;
      for (let cut = 0; cut < length; cut++) assert.equal(nodeCrypto.agree(own, peer.subarray(0, cut)), undefined);
      assert.equal(nodeCrypto.agree(own, Uint8Array.of(...peer, 0)), undefined);
    });
  }

  it('secp256r1: points off the curve, compressed ones and the point at infinity are none (RFC 8422 §5.4.1)', () => {
    const own = nodeCrypto.generateEphemeral('secp256r1');
    const peer = nodeCrypto.generateEphemeral('secp256r1').publicBytes;
    for (let bit = 0; bit < 8 * 65; bit++) {
      const off = peer.slice();
      off[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(nodeCrypto.agree(own, off), undefined, `bit ${bit}`);
    }
    assert.equal(nodeCrypto.agree(own, Uint8Array.of(2 + (peer[64]! & 1), ...peer.subarray(1, 33))), undefined);
    // The hybrid form of X9.62 says the same point in 65 bytes.
    assert.equal(nodeCrypto.agree(own, Uint8Array.of(6 + (peer[64]! & 1), ...peer.subarray(1))), undefined);
    assert.equal(nodeCrypto.agree(own, new Uint8Array(65)), undefined);
    assert.equal(nodeCrypto.agree(own, Uint8Array.of(4, ...new Uint8Array(64))), undefined);
    assert.equal(nodeCrypto.agree(own, Uint8Array.of(4, ...new Uint8Array(64).fill(255))), undefined);
  });

  it('x25519: points of small order give no secret (RFC 7748 §6.1, RFC 8422 §5.11)', () => {
    const own = nodeCrypto.generateEphemeral('x25519');
    const smallOrder = [
      '0000000000000000000000000000000000000000000000000000000000000000',
      '0100000000000000000000000000000000000000000000000000000000000000',
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    ];
    for (const point of smallOrder) assert.equal(nodeCrypto.agree(own, bytesOf(point)), undefined, point);
  });

  it('x25519: the secret is that of RFC 7748 §6.1', () => {
    // RFC 8410 §7 around Alice's private key.
    const pkcs8 = bytesOf(
      '302e020100300506032b656e0422042077076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a',
    );
    const privateKey = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
    const own = { group: 'x25519', privateKey, publicBytes: new Uint8Array(32) } as const;
    assert.equal(
      hexOf(nodeCrypto.agree(own, bytesOf('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f'))),
      '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
    );
  });
});

type Pair = ReturnType<typeof pairOf>;

function pairOf(type: 'p256' | 'p384' | 'p521' | 'ed25519' | 'rsa' | 'rsa1024'): {
  readonly privateKey: ReturnType<typeof createPrivateKey>;
  readonly der: Uint8Array;
  readonly pkcs8: Uint8Array;
} {
  const curves = { p256: 'prime256v1', p384: 'secp384r1', p521: 'secp521r1' } as const;
  const { publicKey, privateKey } =
    type === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : type === 'rsa' || type === 'rsa1024'
        ? generateKeyPairSync('rsa', { modulusLength: type === 'rsa' ? 2048 : 1024 })
        : generateKeyPairSync('ec', { namedCurve: curves[type] });
  return {
    privateKey,
    der: Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' })),
    pkcs8: Uint8Array.from(privateKey.export({ format: 'der', type: 'pkcs8' })),
  };
}

describe('public and private keys', () => {
  const pairs = new Map((['p256', 'p384', 'ed25519', 'rsa'] as const).map((type) => [type, pairOf(type)]));

  for (const [kind, { der, pkcs8 }] of pairs) {
    it(`of kind ${kind} are known as such, and the private one gives the public one`, () => {
      assert.equal(nodeCrypto.importPublicKey(der)?.kind, kind);
      const imported = nodeCrypto.importPrivateKey(pkcs8);
      assert.equal(imported?.kind, kind);
      assert.deepEqual(imported?.subjectPublicKeyInfo, der);
      assertPlain(imported?.subjectPublicKeyInfo);
    });
  }

  it('of other curves, and RSA below 2048 bits, are of no use', () => {
    for (const type of ['p521', 'rsa1024'] as const) {
      const { der, pkcs8 } = pairOf(type);
      assert.equal(nodeCrypto.importPublicKey(der)?.kind, 'other');
      assert.equal(nodeCrypto.importPrivateKey(pkcs8)?.kind, 'other');
    }
  });

  it('cut off, with bytes too many, off the curve, or of the other kind are none', () => {
    const { der, pkcs8 } = pairs.get('p256')!;
    for (let length = 0; length < der.length; length++) {
      assert.equal(nodeCrypto.importPublicKey(der.subarray(0, length)), undefined, `${length} bytes`);
    }
    assert.equal(nodeCrypto.importPublicKey(Uint8Array.of(...der, 0)), undefined);
    for (let at = 27; at < der.length; at++) {
      const off = der.slice();
      off[at]! ^= 1;
      assert.equal(nodeCrypto.importPublicKey(off), undefined, `byte ${at}`);
    }
    assert.equal(nodeCrypto.importPublicKey(pkcs8), undefined);
    assert.equal(nodeCrypto.importPrivateKey(der), undefined);
    for (let length = 0; length < pkcs8.length; length++) {
      assert.equal(nodeCrypto.importPrivateKey(pkcs8.subarray(0, length)), undefined, `${length} bytes`);
    }
  });
});

describe('signatures', () => {
  const message = Buffer.from('what is signed');
  const rows: readonly { name: SignatureName; pair: Pair; hash: string | null }[] = [
    { name: 'ecdsa-sha256', pair: pairOf('p256'), hash: 'sha256' },
    { name: 'ecdsa-sha384', pair: pairOf('p384'), hash: 'sha384' },
    { name: 'ecdsa-sha512', pair: pairOf('p384'), hash: 'sha512' },
    { name: 'rsa-sha256', pair: pairOf('rsa'), hash: 'sha256' },
    { name: 'rsa-sha384', pair: pairOf('rsa'), hash: 'sha384' },
    { name: 'rsa-sha512', pair: pairOf('rsa'), hash: 'sha512' },
    { name: 'ed25519', pair: pairOf('ed25519'), hash: null },
  ];

  for (const { name, pair, hash } of rows) {
    it(`${name} is verified; not over other bytes, not by another algorithm, not cut off`, () => {
      const key = nodeCrypto.importPublicKey(pair.der)!;
      const signature = Uint8Array.from(sign(hash, message, pair.privateKey));
      assert.equal(nodeCrypto.verify(name, key, message, signature), true);
      assert.equal(nodeCrypto.verify(name, key, Buffer.from('what is not'), signature), false);
      for (const other of rows) {
        if (other.name !== name)
          assert.equal(nodeCrypto.verify(other.name, key, message, signature), false, other.name);
      }
      for (let length = 0; length < signature.length; length++) {
        assert.equal(nodeCrypto.verify(name, key, message, signature.subarray(0, length)), false, `${length} bytes`);
      }
    });
  }

  it('of this side are ECDSA with SHA-256 in DER', () => {
    const pair = pairOf('p256');
    const own = nodeCrypto.importPrivateKey(pair.pkcs8)!;
    const signature = nodeCrypto.sign(own.key, message);
    assertPlain(signature);
    assert.equal(signature[0], 0x30);
    assert.equal(nodeCrypto.verify('ecdsa-sha256', nodeCrypto.importPublicKey(pair.der)!, message, signature), true);
  });

  it('that are garbage are not verified and do not throw', () => {
    const key = nodeCrypto.importPublicKey(pairOf('p256').der)!;
    for (const garbage of ['', '00', '3000', '30060201000201', '3006020100020100', 'ff'.repeat(300)]) {
      assert.equal(nodeCrypto.verify('ecdsa-sha256', key, message, bytesOf(garbage)), false, garbage);
    }
  });
});
