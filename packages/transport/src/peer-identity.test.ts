import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { identityText, publicKeyText, securityOfPrincipal } from './peer-identity.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a PSK identity as text', () => {
  it('is the text it holds, where that is printable UTF-8 that cannot be mistaken for hexadecimal', () => {
    for (const text of ['urn:imei:350000000000001', 'Gerät Ω', 'with space'])
      assert.equal(identityText(bytes(text)), text);
  });

  it('is hexadecimal otherwise', () => {
    for (const [identity, text] of [
      [bytes(''), '0x'],
      [Uint8Array.of(0xff, 0x00), '0xff00'],
      [bytes('a\nb'), '0x610a62'],
      [bytes('0xff00'), '0x307866663030'],
      // Marks that turn the text around would show another identity than it is.
      [bytes('a\u202eb'), '0x61e280ae62'],
      [Uint8Array.of(0xef, 0xbb, 0xbf, 0x61), '0xefbbbf61'],
    ] as const)
      assert.equal(identityText(identity), text);
  });

  it('tells any two identities apart', () => {
    const texts = new Map<string, string>();
    for (let a = 0; a < 256; a++)
      for (const identity of [Uint8Array.of(a), Uint8Array.of(a, 0x61), bytes(`0x${a.toString(16)}`)]) {
        const text = identityText(identity);
        const hex = Buffer.from(identity).toString('hex');
        assert.equal(texts.get(text) ?? hex, hex, text);
        texts.set(text, hex);
      }
  });
});

describe('what a peer has proven', () => {
  const fingerprint = new Uint8Array(32).fill(0xab);
  const certificate = { kind: 'x509', publicKey: bytes(''), alternativeNames: [], fingerprint } as const;
  it('of a certificate is its Common Name, else an alternative name, else its fingerprint', () => {
    assert.deepEqual(securityOfPrincipal({ ...certificate, commonName: 'a', alternativeNames: ['b'] }).identity, 'a');
    assert.deepEqual(
      securityOfPrincipal({ ...certificate, commonName: undefined, alternativeNames: ['b'] }).identity,
      'b',
    );
    assert.deepEqual(
      securityOfPrincipal({ ...certificate, commonName: undefined }).identity,
      `sha-256;${'ab'.repeat(32)}`,
    );
  });
  it('of a raw public key is its SHA-256; of nobody is nothing', () => {
    assert.match(publicKeyText(bytes('')), /^sha-256;e3b0c442/);
    assert.deepEqual(securityOfPrincipal({ kind: 'rpk', publicKey: bytes('') }), {
      kind: 'rpk',
      identity: publicKeyText(bytes('')),
    });
    assert.deepEqual(securityOfPrincipal({ kind: 'anonymous' }), { kind: 'none' });
  });
});
