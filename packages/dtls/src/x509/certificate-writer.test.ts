import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { certificateCrypto as crypto, ecKeyPair } from '../../test/certificate-crypto.ts';
import { DAY, NOW } from '../../test/certificates.ts';
import { UsageError } from '../errors.ts';
import { writeCertificate, type CertificateOptions } from './certificate-writer.ts';
import { judgeServerCertificate } from './path-validation.ts';

const keys = ecKeyPair();
const options = (rest: Partial<CertificateOptions> = {}): CertificateOptions => ({
  subject: { commonName: 'server.example' },
  subjectPublicKeyInfo: keys.subjectPublicKeyInfo,
  notBefore: NOW,
  notAfter: NOW + DAY,
  issuer: keys,
  ...rest,
});

describe('a certificate that signs itself, as a server makes one on its first start', () => {
  it('is what Node and this package read, and what a client that has it accepts', () => {
    const der = writeCertificate(
      options({
        dnsNames: ['server.example', 'localhost'],
        ipAddresses: ['127.0.0.1', '::1'],
        purposes: ['serverAuth'],
      }),
      crypto,
    );
    const theirs = new X509Certificate(der);
    assert.ok(theirs.verify(theirs.publicKey));
    assert.equal(theirs.ca, false);
    assert.equal(theirs.checkHost('server.example'), 'server.example');
    assert.equal(theirs.checkIP('::1'), '::1');
    assert.ok(theirs.checkPrivateKey(keys.privateKey));
    for (const usage of [1, 3] as const) {
      const policy = { usage, certificate: der, matchingType: 0, trustAnchors: [der] } as const;
      assert.equal(judgeServerCertificate([der], policy, { crypto, unixTime: NOW }).kind, 'accepted');
    }
  });

  it('has another serial number each time: positive, 16 bytes', () => {
    const serials = new Set(
      Array.from({ length: 20 }, () => new X509Certificate(writeCertificate(options(), crypto)).serialNumber),
    );
    assert.equal(serials.size, 20);
    for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/);
  });

  it('keeps text of any script in its subject', () => {
    const der = writeCertificate(options({ subject: { commonName: 'Gerät 4', organization: '株式会社' } }), crypto);
    assert.equal(new X509Certificate(der).subject, 'O=株式会社\nCN=Gerät 4');
  });

  it('ends after 2049 where it is told to (GeneralizedTime, RFC 5280 §4.1.2.5)', () => {
    const der = writeCertificate(options({ notAfter: Date.UTC(9999, 11, 31, 23, 59, 59) }), crypto);
    assert.equal(new X509Certificate(der).validTo, 'Dec 31 23:59:59 9999 GMT');
  });
});

describe('options that no certificate can have are the caller’s mistake', () => {
  const ROWS: readonly (readonly [string, Partial<CertificateOptions>, RegExp])[] = [
    ['an empty name', { subject: { commonName: '' } }, /1 to 64 characters/],
    ['a name of 65 characters', { subject: { commonName: 'x'.repeat(65) } }, /not 65/],
    ['a NUL in a name', { subject: { commonName: 'a\0b' } }, /1 to 64/],
    ['an end before the beginning', { notAfter: NOW - 1 }, /valid from/],
    ['no moment', { notAfter: NaN }, /valid from/],
    ['no IP address', { ipAddresses: ['localhost'] }, /no IP address: localhost/],
    ['a DNS name beyond ASCII', { dnsNames: ['bücher.example'] }, /printable ASCII/],
    ['a key of another curve', { subjectPublicKeyInfo: ecKeyPair('P-384').subjectPublicKeyInfo }, /P-256 is needed/],
    [
      'an issuer that is no certificate',
      { issuer: { privateKey: keys.privateKey, certificate: new Uint8Array(2) } },
      /issuer's certificate/,
    ],
  ];
  for (const [name, rest, text] of ROWS) {
    it(name, () =>
      assert.throws(
        () => writeCertificate(options(rest), crypto),
        (error) => error instanceof UsageError && text.test(error.message),
      ),
    );
  }
});
