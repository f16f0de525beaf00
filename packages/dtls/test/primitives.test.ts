/** The injected primitives against published vectors, through the contract that the engine uses. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeCrypto } from '@lapwing/transport';
import { prf } from '../src/key-schedule.ts';
import { fromHex, toHex } from './transcripts.ts';
import { CCM_VECTORS, PRF_VECTORS } from './vectors.ts';

describe('AES-128-CCM with a tag of 8 bytes', () => {
  for (const vector of CCM_VECTORS) {
    const key = nodeCrypto.importSecret(fromHex(vector.key));
    const [nonce, aad, plaintext] = [fromHex(vector.nonce), fromHex(vector.aad), fromHex(vector.pt)];

    it(`${vector.source}: seals to the published bytes, in their place`, () => {
      assert.equal(vector.taglen, 8);
      const target = new Uint8Array(3 + vector.ct_tag.length / 2 + 1).fill(0xee);
      nodeCrypto.sealAead('aes-128-ccm-8', key, nonce, aad, plaintext, target, 3);
      assert.equal(toHex(target), `eeeeee${vector.ct_tag}ee`);
    });

    it(`${vector.source}: opens, and with any bit changed does not`, () => {
      const sealed = fromHex(vector.ct_tag);
      const opened = nodeCrypto.openAead('aes-128-ccm-8', key, nonce, aad, sealed);
      assert.deepEqual(opened, plaintext);
      for (let bit = 0; bit < 8 * sealed.length; bit++) {
        const changed = sealed.slice();
        changed[bit >> 3]! ^= 1 << (bit & 7);
        assert.equal(nodeCrypto.openAead('aes-128-ccm-8', key, nonce, aad, changed), undefined);
      }
      const otherAad = aad.slice();
      otherAad[0]! ^= 1;
      assert.equal(nodeCrypto.openAead('aes-128-ccm-8', key, nonce, otherAad, sealed), undefined);
    });
  }

  it('there are vectors, one of the nonce length of DTLS', () =>
    assert.ok(CCM_VECTORS.some(({ nonce }) => nonce.length === 24)));
});

describe('the pseudo-random function of TLS 1.2 (RFC 5246 §5)', () => {
  for (const { source, hash, secret, label, seed, out } of PRF_VECTORS) {
    it(`${source}, ${out.length / 2} bytes`, () => {
      const output = prf(
        hash,
        nodeCrypto.importSecret(fromHex(secret)),
        new TextEncoder().encode(label),
        fromHex(seed),
        out.length / 2,
        nodeCrypto,
      );
      assert.equal(toHex(output), out);
    });
  }

  it('gives the beginning of the same bytes for every shorter length', () => {
    const key = nodeCrypto.importSecret(Uint8Array.of(1));
    const [label, seed] = [Uint8Array.of(2), Uint8Array.of(3)];
    const longest = toHex(prf('sha256', key, label, seed, 100, nodeCrypto));
    for (let length = 0; length <= 100; length++) {
      assert.equal(toHex(prf('sha256', key, label, seed, length, nodeCrypto)), longest.slice(0, 2 * length));
    }
  });
});
