import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { certificateCrypto as crypto, ecKeyPair } from '../../test/certificate-crypto.ts';
import { writeCertificate } from './certificate-writer.ts';
import { judgeClientCertificate } from './path-validation.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 5, 1);

describe('the certificate of a client (RFC 5280 §6)', () => {
  it('is accepted when a trust anchor issued it', () => {
    const authority = ecKeyPair();
    const client = ecKeyPair();
    const validity = { notBefore: NOW - DAY, notAfter: NOW + DAY };
    const root = writeCertificate(
      { subject: { commonName: 'root' }, ...authority, ...validity, authority: {}, issuer: authority },
      crypto,
    );
    const leaf = writeCertificate(
      {
        subject: { commonName: 'sensor-4' },
        subjectPublicKeyInfo: client.subjectPublicKeyInfo,
        ...validity,
        issuer: { privateKey: authority.privateKey, certificate: root },
      },
      crypto,
    );
    const verdict = judgeClientCertificate([leaf], [root], { crypto, unixTime: NOW });
    assert.equal(verdict.kind, 'accepted', JSON.stringify(verdict));
    assert.equal(verdict.principal.commonName, 'sensor-4');
    const other = judgeClientCertificate([leaf], [], { crypto, unixTime: NOW });
    assert.equal(other.kind, 'refused');
  });
});
