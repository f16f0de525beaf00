import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { certificateCrypto as crypto, ecKeyPair, rsaKeyPair } from '../../test/certificate-crypto.ts';
import { DAY, NOW, authority, hexBytes, issue, replaced } from '../../test/certificates.ts';
import { isMalformed } from '../malformed.ts';
import { writeCertificate } from './certificate-writer.ts';
import {
  MAX_CERTIFICATE_BYTES,
  describeCertificate,
  isSelfIssued,
  readCertificate,
  type Certificate,
} from './certificate.ts';
import { constructedContextTag, contextTag } from './der-reader.ts';
import { derBoolean, derElement, derSequence } from './der-writer.ts';
import type { Extension } from './certificate-extensions.ts';

const read = (der: Uint8Array): Certificate => {
  const certificate = readCertificate(der);
  assert.ok(!isMalformed(certificate), JSON.stringify(certificate));
  return certificate;
};
const malformed = (der: Uint8Array): string => {
  const certificate = readCertificate(der);
  assert.ok(isMalformed(certificate));
  return certificate.malformed;
};
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const extension = (oid: string, value: Uint8Array, critical = false): Extension => ({ oid, critical, value });
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const root = authority('root');

describe('the fields of a certificate (RFC 5280 §4.1), as Node reads them', () => {
  const keys = ecKeyPair();
  const der = writeCertificate(
    {
      subject: { commonName: 'sensor 4', organization: 'Example' },
      subjectPublicKeyInfo: keys.subjectPublicKeyInfo,
      notBefore: NOW,
      notAfter: NOW + DAY,
      dnsNames: ['a.example', '*.b.example'],
      ipAddresses: ['192.0.2.1', '2001:db8::1'],
      uris: ['urn:dev:mac:1'],
      purposes: ['clientAuth', 'serverAuth'],
      issuer: { privateKey: root.keys.privateKey, certificate: root.der },
    },
    crypto,
  );
  const theirs = new X509Certificate(der);
  const ours = read(der);

  it('serial number, names, validity and key', () => {
    assert.equal(toHex(ours.serialNumber), theirs.serialNumber.toLowerCase());
    assert.equal(describeCertificate(ours), 'CN=sensor 4,O=Example');
    assert.equal(theirs.subject, 'O=Example\nCN=sensor 4');
    assert.equal(ours.subject.commonName, 'sensor 4');
    assert.equal(ours.issuer.commonName, 'root');
    assert.equal(ours.notBefore, Date.parse(theirs.validFrom));
    assert.equal(ours.notAfter, Date.parse(theirs.validTo));
    assert.deepEqual(ours.subjectPublicKeyInfo, keys.subjectPublicKeyInfo);
    assert.equal(ours.version, 3);
    assert.equal(ours.signatureAlgorithm.name, 'ecdsa-sha256');
    assert.equal(isSelfIssued(ours), false);
    assert.equal(isSelfIssued(read(root.der)), true);
  });

  it('the signed bytes and the signature', () => {
    assert.ok(theirs.verify(new X509Certificate(root.der).publicKey));
    const key = crypto.importPublicKey(root.keys.subjectPublicKeyInfo)!;
    assert.ok(crypto.verify('ecdsa-sha256', key, ours.signedBytes, ours.signature));
  });

  it('the extensions', () => {
    assert.deepEqual(ours.basicConstraints, { ca: false, pathLength: undefined });
    assert.deepEqual(ours.keyUsage, ['digitalSignature']);
    assert.deepEqual(ours.extendedKeyUsage, theirs.keyUsage);
    assert.equal(
      theirs.subjectAltName,
      'DNS:a.example, DNS:*.b.example, URI:urn:dev:mac:1, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1',
    );
    assert.deepEqual(ours.subjectAltName, [
      { kind: 'dns', text: 'a.example' },
      { kind: 'dns', text: '*.b.example' },
      { kind: 'uri', text: 'urn:dev:mac:1' },
      { kind: 'ip', bytes: hexBytes('c0000201') },
      { kind: 'ip', bytes: hexBytes('20010db8000000000000000000000001') },
    ]);
    assert.equal(ours.subjectKeyIdentifier?.length, 20);
    assert.deepEqual(ours.unknownCritical, []);
  });

  it('an authority of the writer says so, with its path length', () => {
    const certificate = read(
      writeCertificate(
        {
          subject: { commonName: 'ca' },
          ...keys,
          notBefore: NOW,
          notAfter: NOW,
          authority: { pathLength: 0 },
          issuer: keys,
        },
        crypto,
      ),
    );
    assert.deepEqual(certificate.basicConstraints, { ca: true, pathLength: 0 });
    assert.deepEqual(certificate.keyUsage, ['keyCertSign', 'cRLSign']);
    assert.deepEqual(certificate.authorityKeyIdentifier, certificate.subjectKeyIdentifier);
    assert.ok(new X509Certificate(certificate.der).ca);
  });

  it('version 1, without extensions', () => {
    const certificate = read(issue({ name: 'old', version: 1, extensions: [] }).der);
    assert.equal(certificate.version, 1);
    assert.equal(certificate.basicConstraints, undefined);
  });

  it('each nameConstraints list, forms we do not know among them', () => {
    const subtree = (name: Uint8Array): Uint8Array => derSequence(name);
    const value = derSequence(
      derElement(constructedContextTag(0), subtree(derElement(contextTag(2), ascii('example.com')))),
      derElement(
        constructedContextTag(1),
        subtree(derElement(contextTag(7), hexBytes('0a000000ff000000'))),
        subtree(derElement(contextTag(8), hexBytes('2a03'))),
      ),
    );
    assert.deepEqual(read(authority('ca', { more: [extension('2.5.29.30', value, true)] }).der).nameConstraints, {
      permitted: [{ kind: 'dns', text: 'example.com' }],
      excluded: [
        { kind: 'ip', bytes: hexBytes('0a000000ff000000') },
        { kind: 'other', tag: 0x88 },
      ],
    });
  });

  it('critical extensions that are not understood are told by their identifiers (§4.2)', () => {
    const { der: bytes } = issue({
      name: 'x',
      more: [extension('1.2.3.4', hexBytes('0500'), true), extension('1.2.3.5', hexBytes('00'))],
    });
    assert.deepEqual(read(bytes).unknownCritical, ['1.2.3.4']);
  });

  it('an explicit FALSE, though DER leaves it out, is taken for what it says', () => {
    const value = derSequence(derBoolean(false));
    assert.deepEqual(read(issue({ name: 'x', extensions: [extension('2.5.29.19', value)] }).der).basicConstraints, {
      ca: false,
      pathLength: undefined,
    });
  });
});

describe('malformed certificates (RFC 5280 §4.1, §4.2)', () => {
  const BASIC = '2.5.29.19';
  const SAN = '2.5.29.17';
  const bad = (oid: string, hex: string): Uint8Array =>
    issue({ name: 'x', extensions: [extension(oid, hexBytes(hex))] }).der;
  const dnsNames = (count: number): Uint8Array =>
    derSequence(...Array.from({ length: count }, (_, index) => derElement(contextTag(2), ascii(`n${index}`))));
  const plain = issue({ name: 'x' }).der;

  const ROWS: readonly (readonly [name: string, der: Uint8Array, what: RegExp])[] = [
    ['nothing', new Uint8Array(0), /missing/],
    ['longer than is read', new Uint8Array(MAX_CERTIFICATE_BYTES + 1), /at most 16384/],
    ['bytes behind it', Uint8Array.of(...plain, 0), /the certificate goes on/],
    ['extensions in version 1', issue({ name: 'x', version: 1 }).der, /extensions in version 1/],
    ['extensions in version 2', issue({ name: 'x', version: 2 }).der, /extensions in version 2/],
    ['version 4', replaced(plain, hexBytes('a003020102'), hexBytes('a003020103')), /version is not between/],
    ['version 1 written down', replaced(plain, hexBytes('a003020102'), hexBytes('a003020100')), /the default/],
    [
      'a serial number of 21 bytes',
      issue({ name: 'x', serialNumber: new Uint8Array(21).fill(0x7f) }).der,
      /more than 20 bytes/,
    ],
    [
      'the same extension twice',
      issue({ name: 'x', more: [extension(BASIC, derSequence())] }).der,
      /two extensions 2.5.29.19/,
    ],
    [
      'the same unknown extension twice',
      issue({ name: 'x', more: [extension('1.2.3', derSequence()), extension('1.2.3', derSequence())] }).der,
      /two extensions 1.2.3/,
    ],
    ['basicConstraints with cA 0x01 (a forged CA bit)', bad(BASIC, '3003 010101'), /no BOOLEAN/],
    ['basicConstraints with an INTEGER for cA', bad(BASIC, '3003 0201ff'), /pathLenConstraint is not between/],
    ['basicConstraints with cA twice', bad(BASIC, '3006 0101ff 0101ff'), /0x01 instead of 0x02/],
    ['basicConstraints with pathLen before cA', bad(BASIC, '3006 020100 0101ff'), /basicConstraints goes on/],
    ['basicConstraints with bytes behind it', bad(BASIC, '3000 0101ff'), /goes on/],
    ['basicConstraints that is no sequence', bad(BASIC, '0101ff'), /0x01 instead of 0x30/],
    ['basicConstraints without content', bad(BASIC, ''), /basicConstraints is missing/],
    ['basicConstraints in a longer length', bad(BASIC, '308103 0101ff'), /shortest length/],
    ['pathLenConstraint without cA', bad(BASIC, '3003 020100'), /without cA/],
    ['a negative pathLenConstraint', bad(BASIC, '3006 0101ff 0201ff'), /not between/],
    ['an empty keyUsage', bad('2.5.29.15', '030100'), /without any usage/],
    ['an empty extKeyUsage', bad('2.5.29.37', '3000'), /without any purpose/],
    ['an empty subjectAltName', bad(SAN, '3000'), /without any name/],
    [
      '129 names in subjectAltName',
      issue({ name: 'x', more: [extension(SAN, dnsNames(129))] }).der,
      /more than 128 names/,
    ],
    ['a NUL in a dNSName', bad(SAN, '3005 8203 610062'), /printable ASCII/],
    ['a dNSName beyond ASCII', bad(SAN, '3004 8202 c3a4'), /printable ASCII/],
    ['an iPAddress of five bytes', bad(SAN, '3007 8705 c000020101'), /IP address of 5 bytes/],
    ['a name of no form', bad(SAN, '3002 8900'), /no name of a known form/],
    ['a dNSName longer than the extension', bad(SAN, '3003 8205 61'), /longer than what contains it/],
    ['empty nameConstraints', bad('2.5.29.30', '3000'), /without any subtree/],
    ['an empty list in nameConstraints', bad('2.5.29.30', '3002 a000'), /permittedSubtrees is empty/],
    [
      'an address without its mask in nameConstraints',
      bad('2.5.29.30', '300a a008 3006 8704 0a000000'),
      /IP address of 4 bytes/,
    ],
    [
      '65 extensions',
      issue({
        name: 'x',
        extensions: Array.from({ length: 65 }, (_, index) => extension(`1.2.3.${index}`, derSequence())),
      }).der,
      /more than 64 extensions/,
    ],
  ];
  for (const [name, der, what] of ROWS) {
    it(name, () => assert.match(malformed(der), what));
  }

  it('a NUL in a name, which cut names short once (CVE-2009-2408)', () => {
    const der = issue({ name: 'good.example', issuer: root }).der;
    assert.match(malformed(replaced(der, ascii('good.example'), ascii('good\0example'))), /contains a NUL/);
  });

  it('text that is no UTF-8 in a name', () => {
    const der = issue({ name: 'good.example', issuer: root }).der;
    const broken = Uint8Array.from(ascii('good.example'), (byte, index) => (index === 4 ? 0xff : byte));
    assert.match(malformed(replaced(der, ascii('good.example'), broken)), /not the text it says it is/);
  });

  it('another signature algorithm outside than inside (§4.1.1.2)', () => {
    const der = issue({ name: 'x' }).der.slice();
    const algorithm = Buffer.from('300a06082a8648ce3d040302', 'hex');
    const outer = Buffer.from(der).lastIndexOf(algorithm);
    der[outer + algorithm.length - 1] = 3;
    assert.match(malformed(der), /two different signature algorithms/);
  });

  it('every truncation', () => {
    for (const { der } of [root, issue({ name: 'x', issuer: root })]) {
      for (let length = 0; length < der.length; length++)
        assert.ok(isMalformed(readCertificate(der.subarray(0, length))), `${length}`);
    }
  });
});

describe('signature algorithms of certificates (RFC 4055, 5758, 8410)', () => {
  const rsa = rsaKeyPair(2048);
  it('RSA with SHA-256 and NULL, as OpenSSL writes it, and without', () => {
    const der = issue({ name: 'x', keys: rsa, algorithm: { oid: '1.2.840.113549.1.1.11', hash: 'sha256' } }).der;
    assert.equal(read(der).signatureAlgorithm.name, 'rsa-sha256');
  });
  it('RSA with SHA-1 is read, and has no name that could be verified', () => {
    const der = issue({ name: 'x', keys: rsa, algorithm: { oid: '1.2.840.113549.1.1.5', hash: 'sha1' } }).der;
    assert.deepEqual(read(der).signatureAlgorithm, { name: undefined, text: 'RSA with SHA-1' });
  });
  it('an unknown one is told by its identifier', () => {
    const der = issue({ name: 'x', algorithm: { oid: '1.2.3.4', hash: 'sha256' } }).der;
    assert.deepEqual(read(der).signatureAlgorithm, { name: undefined, text: 'algorithm 1.2.3.4' });
  });
});

describe('names for people', () => {
  it('are escaped, cannot forge a line, and are bounded', () => {
    const named = (name: string): string => describeCertificate(read(issue({ name, issuer: root }).der));
    assert.equal(named('a,b+c="d"'), 'CN=a\\,b\\+c=\\"d\\"');
    assert.equal(named('a\nGET /'), 'CN=a\\u{a}GET /');
    assert.equal(named('\u202eevil'), 'CN=\\u{202e}evil');
    assert.equal(named('ä'.repeat(64)).length, 67);
  });
  it('a certificate without a subject is told by its serial number', () => {
    const der = issue({ name: 'x', issuer: root }).der;
    assert.match(
      describeCertificate({ ...read(der), subject: { der, commonName: undefined, relativeNames: [] } }),
      /^serial number 01/,
    );
  });
});
