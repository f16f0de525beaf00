import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hexBytes, issue } from '../../test/certificates.ts';
import { isMalformed } from '../malformed.ts';
import { readCertificate, type Certificate } from './certificate.ts';
import { constructedContextTag, contextTag } from './der-reader.ts';
import { derElement, derObjectIdentifier, derSequence, derUtf8String } from './der-writer.ts';
import { describeServerNames, isForServer } from './server-name.ts';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const dns = (text: string): Uint8Array => derElement(contextTag(2), ascii(text));
const uri = (text: string): Uint8Array => derElement(contextTag(6), ascii(text));
const email = (text: string): Uint8Array => derElement(contextTag(1), ascii(text));
const ip = (hex: string): Uint8Array => derElement(contextTag(7), hexBytes(hex));
/** SRVName, RFC 4985. */
const srv = derElement(
  constructedContextTag(0),
  derObjectIdentifier('1.3.6.1.5.5.7.8.7'),
  derElement(constructedContextTag(0), derUtf8String('_coaps.good.example')),
);

function certificate(commonName: string, ...names: readonly Uint8Array[]): Certificate {
  const more = names.length === 0 ? [] : [{ oid: '2.5.29.17', critical: false, value: derSequence(...names) }];
  const read = readCertificate(issue({ name: commonName, more }).der);
  assert.ok(!isMalformed(read), JSON.stringify(read));
  return read;
}

describe('the name of a server (RFC 6125 §6.4)', () => {
  const ROWS: readonly (readonly [situation: string, of: Certificate, reference: string, isFor: boolean])[] = [
    ['a dNSName, exactly', certificate('x', dns('good.example')), 'good.example', true],
    ['the second of two', certificate('x', dns('a.example'), dns('good.example')), 'good.example', true],
    ['whatever the case of letters', certificate('x', dns('GOOD.example')), 'good.EXAMPLE', true],
    ['a reference with the dot of the root', certificate('x', dns('good.example')), 'good.example.', true],
    ['another name', certificate('x', dns('good.example')), 'evil.example', false],
    ['a name below', certificate('x', dns('good.example')), 'a.good.example', false],
    ['a name above', certificate('x', dns('a.good.example')), 'good.example', false],
    ['a name that only ends alike', certificate('x', dns('good.example')), 'notgood.example', false],
    ['an A-label, as it is', certificate('x', dns('xn--bcher-kva.example')), 'xn--bcher-kva.example', true],
    ['a U-label is no DNS name', certificate('x', dns('xn--bcher-kva.example')), 'bücher.example', false],
    ['an empty reference', certificate('x', dns('good.example')), '', false],
    ['a reference that is a dot', certificate('x', dns('good.example')), '.', false],
    ['the wildcard is no reference', certificate('x', dns('*.good.example')), '*.good.example', false],

    ['a wildcard for one label', certificate('x', dns('*.good.example')), 'a.good.example', true],
    ['a wildcard, whatever the case', certificate('x', dns('*.GOOD.example')), 'A.good.EXAMPLE', true],
    ['a wildcard for an A-label', certificate('x', dns('*.good.example')), 'xn--bcher-kva.good.example', true],
    ['a wildcard for two labels', certificate('x', dns('*.good.example')), 'a.b.good.example', false],
    ['a wildcard for no label', certificate('x', dns('*.good.example')), 'good.example', false],
    ['a wildcard in part of a label', certificate('x', dns('a*.good.example')), 'ab.good.example', false],
    ['a wildcard further right', certificate('x', dns('a.*.example')), 'a.b.example', false],
    ['two wildcards', certificate('x', dns('*.*.example')), 'a.b.example', false],
    ['a wildcard over a whole top level', certificate('x', dns('*.example')), 'good.example', false],
    ['a wildcard alone', certificate('x', dns('*')), 'example', false],

    ['the CN when there is no subjectAltName', certificate('good.example'), 'good.example', true],
    ['a wildcard in the CN', certificate('*.good.example'), 'a.good.example', true],
    ['a CN of another case', certificate('Good.Example'), 'good.example', true],
    ['a CN that is no DNS name', certificate('good example'), 'good example', false],
    ['the CN beside a dNSName (SAN wins)', certificate('good.example', dns('other.example')), 'good.example', false],
    ['the CN beside an iPAddress', certificate('good.example', ip('c0000201')), 'good.example', false],
    ['the CN beside a URI (as CVE-2026-42012)', certificate('good.example', uri('coaps://x')), 'good.example', false],
    ['the CN beside an SRVName (as CVE-2026-42012)', certificate('good.example', srv), 'good.example', false],
    [
      'the CN beside an e-mail address, which names no server',
      certificate('good.example', email('a@b')),
      'good.example',
      true,
    ],
    ['a URI is no DNS name', certificate('x', uri('coaps://good.example')), 'good.example', false],

    ['an IPv4 address by its bytes', certificate('x', ip('c0000201')), '192.0.2.1', true],
    [
      'an IPv6 address in any spelling',
      certificate('x', ip('20010db8000000000000000000000001')),
      '2001:DB8:0::1',
      true,
    ],
    ['another IP address', certificate('x', ip('c0000201')), '192.0.2.2', false],
    ['an IPv4 address is not its mapped IPv6 one', certificate('x', ip('c0000201')), '::ffff:192.0.2.1', false],
    ['an IP address as dNSName is none', certificate('x', dns('192.0.2.1')), '192.0.2.1', false],
    ['an IP address in the CN is none', certificate('192.0.2.1'), '192.0.2.1', false],
    ['a wildcard for an octet', certificate('x', dns('*.0.2.1')), '192.0.2.1', false],
  ];
  for (const [situation, of, reference, isFor] of ROWS) {
    it(`${situation}: ${isFor ? 'is it' : 'is it not'}`, () => assert.equal(isForServer(of, reference), isFor));
  }

  it('subjectAltName too long to be read does not make room for the CN (as CVE-2026-42013)', () => {
    const names = Array.from({ length: 129 }, (_, index) => dns(`n${index}.example`));
    const more = [{ oid: '2.5.29.17', critical: false, value: derSequence(...names) }];
    assert.ok(isMalformed(readCertificate(issue({ name: 'good.example', more }).der)));
  });

  it('the names of a certificate, for people', () => {
    assert.equal(describeServerNames(certificate('x', dns('a.b'), ip('c0000201'))), 'a.b, 192.0.2.1');
    assert.equal(describeServerNames(certificate('a.b')), 'a.b');
    assert.equal(describeServerNames(certificate('no name')), 'no name at all');
    assert.equal(
      describeServerNames(certificate('x', ...['a', 'b', 'c', 'd', 'e', 'f'].map((each) => dns(`${each}.x`)))),
      'a.x, b.x, c.x, d.x and 2 more',
    );
  });
});
