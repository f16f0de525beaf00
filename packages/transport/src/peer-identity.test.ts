import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { publicKeyText, securityOfPrincipal } from './peer-identity.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

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
