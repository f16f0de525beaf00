/** What the captures of `test/transcripts.test.ts` do not show: costs, lengths, order. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeCrypto } from '@lapwing/transport';
import { CIPHER_SUITES } from './cipher-suite-table.ts';
import type { DtlsCrypto } from './crypto.ts';
import { deriveKeys, extendedMasterSecret, masterSecret, pskPremaster, verifyData } from './key-schedule.ts';

const CLIENT_RANDOM = new Uint8Array(32).fill(1);
const SERVER_RANDOM = new Uint8Array(32).fill(2);
const SESSION_HASH = new Uint8Array(32).fill(3);
const SUITE = CIPHER_SUITES[0]!;

function secretOf(...bytes: number[]): ReturnType<DtlsCrypto['importSecret']> {
  return nodeCrypto.importSecret(Uint8Array.from(bytes));
}

function hexOf(key: Parameters<DtlsCrypto['exportSecret']>[0]): string {
  return Buffer.from(nodeCrypto.exportSecret(key)).toString('hex');
}

describe('the premaster secret of plain PSK (RFC 4279 §2)', () => {
  it('is as many zeros as the key has bytes, then the key, each with its length', () => {
    assert.equal(hexOf(pskPremaster(secretOf(0xaa, 0xbb, 0xcc), nodeCrypto)), '00030000000003aabbcc');
  });

  it('of 64 bytes of key has 132', () => {
    const premaster = hexOf(pskPremaster(nodeCrypto.importSecret(new Uint8Array(64).fill(0xff)), nodeCrypto));
    assert.equal(premaster, `0040${'00'.repeat(64)}0040${'ff'.repeat(64)}`);
  });
});

describe('the key schedule', () => {
  const premaster = pskPremaster(secretOf(1, 2, 3, 4), nodeCrypto);

  it('master secrets of both kinds have 48 bytes and differ', () => {
    const plain = hexOf(masterSecret(premaster, CLIENT_RANDOM, SERVER_RANDOM, nodeCrypto));
    const extended = hexOf(extendedMasterSecret(premaster, SESSION_HASH, nodeCrypto));
    assert.deepEqual([plain.length, extended.length], [96, 96]);
    assert.notEqual(plain, extended);
  });

  it('Finished has 12 bytes, other ones for each side', () => {
    const master = extendedMasterSecret(premaster, SESSION_HASH, nodeCrypto);
    const [client, server] = [
      verifyData(master, 'client', SESSION_HASH, nodeCrypto),
      verifyData(master, 'server', SESSION_HASH, nodeCrypto),
    ];
    assert.deepEqual([client.length, server.length], [12, 12]);
    assert.notDeepEqual(client, server);
  });

  for (const suite of CIPHER_SUITES) {
    it(`${suite.name}: all keys of both directions differ`, () => {
      const { client, server } = deriveKeys(premaster, CLIENT_RANDOM, SERVER_RANDOM, suite, nodeCrypto);
      const isCbc = suite.cipher === 'aes-128-cbc-sha256';
      for (const { macKey, key, iv } of [client, server]) {
        assert.equal(macKey === undefined ? 0 : hexOf(macKey).length / 2, isCbc ? 32 : 0);
        assert.equal(hexOf(key).length / 2, 16);
        assert.equal(iv.length, isCbc ? 0 : 4);
      }
      assert.notEqual(hexOf(client.key), hexOf(server.key));
      if (isCbc) assert.notEqual(hexOf(client.macKey!), hexOf(server.macKey!));
      else assert.notDeepEqual(client.iv, server.iv);
    });
  }

  it('of a PSK handshake with an AEAD suite takes 12 HMACs and four imports of keys', () => {
    let hmacs = 0;
    let imports = 0;
    const counting: DtlsCrypto = {
      ...nodeCrypto,
      hmac: (...rest) => {
        hmacs++;
        return nodeCrypto.hmac(...rest);
      },
      importSecret: (bytes) => {
        imports++;
        return nodeCrypto.importSecret(bytes);
      },
    };
    const master = extendedMasterSecret(pskPremaster(secretOf(1), counting), SESSION_HASH, counting);
    deriveKeys(master, CLIENT_RANDOM, SERVER_RANDOM, SUITE, counting);
    verifyData(master, 'client', SESSION_HASH, counting);
    verifyData(master, 'server', SESSION_HASH, counting);
    assert.deepEqual([hmacs, imports], [12, 4]);
  });
});
