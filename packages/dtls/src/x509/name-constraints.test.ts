import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { authority, hexBytes, issue } from '../../test/certificates.ts';
import { isMalformed } from '../malformed.ts';
import type { NameConstraints } from './certificate-extensions.ts';
import { readCertificate, type Certificate } from './certificate.ts';
import { writeName } from './certificate-writer.ts';
import { constructedContextTag, contextTag } from './der-reader.ts';
import { derElement, derSequence } from './der-writer.ts';
import { nameOutside } from './name-constraints.ts';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const dns = (text: string): Uint8Array => derElement(contextTag(2), ascii(text));
const uri = (text: string): Uint8Array => derElement(contextTag(6), ascii(text));
const email = (text: string): Uint8Array => derElement(contextTag(1), ascii(text));
const ip = (hex: string): Uint8Array => derElement(contextTag(7), hexBytes(hex));
const directory = (commonName: string, organization?: string): Uint8Array =>
  derElement(
    constructedContextTag(4),
    writeName(organization === undefined ? { commonName } : { commonName, organization }),
  );

function read(der: Uint8Array): Certificate {
  const certificate = readCertificate(der);
  assert.ok(!isMalformed(certificate), JSON.stringify(certificate));
  return certificate;
}

function constraints(permitted: readonly Uint8Array[], excluded: readonly Uint8Array[] = []): NameConstraints {
  const list = (number: number, names: readonly Uint8Array[]): Uint8Array[] =>
    names.length === 0 ? [] : [derElement(constructedContextTag(number), ...names.map((name) => derSequence(name)))];
  const value = derSequence(...list(0, permitted), ...list(1, excluded));
  return read(authority('ca', { more: [{ oid: '2.5.29.30', critical: true, value }] }).der).nameConstraints!;
}

function named(commonName: string, ...names: readonly Uint8Array[]): Certificate {
  const more = names.length === 0 ? [] : [{ oid: '2.5.29.17', critical: false, value: derSequence(...names) }];
  return read(issue({ name: commonName, more }).der);
}

const none: readonly Uint8Array[] = [];

describe('name constraints (RFC 5280 §4.2.1.10)', () => {
  const TEN = '0a000000ff000000';
  const V6 = `20010db8${'0'.repeat(24)}ffffffff${'0'.repeat(24)}`;
  const ROWS: readonly (readonly [string, NameConstraints, Certificate, outside: string | undefined])[] = [
    ['a DNS name itself', constraints([dns('example.com')]), named('x', dns('example.com')), undefined],
    ['a DNS name below', constraints([dns('example.com')]), named('x', dns('a.b.example.com')), undefined],
    ['in another case', constraints([dns('Example.COM')]), named('x', dns('a.eXample.com')), undefined],
    ['another DNS name', constraints([dns('example.com')]), named('x', dns('example.org')), 'example.org'],
    ['one that ends alike', constraints([dns('example.com')]), named('x', dns('notexample.com')), 'notexample.com'],
    ['one of two outside', constraints([dns('a.x')]), named('x', dns('a.x'), dns('b.x')), 'b.x'],
    ['inside one of two', constraints([dns('a.x'), dns('b.x')]), named('x', dns('b.x')), undefined],
    ['a leading dot: below', constraints([dns('.example.com')]), named('x', dns('a.example.com')), undefined],
    ['a leading dot: not itself', constraints([dns('.example.com')]), named('x', dns('example.com')), 'example.com'],
    ['the empty constraint permits all', constraints([dns('')]), named('x', dns('example.com')), undefined],
    ['the empty constraint excludes all', constraints(none, [dns('')]), named('x', dns('a.x')), 'a.x'],
    [
      'an excluded name below',
      constraints(none, [dns('example.com')]),
      named('x', dns('a.example.com')),
      'a.example.com',
    ],
    ['not excluded', constraints(none, [dns('example.com')]), named('x', dns('example.org')), undefined],
    ['excluded inside of permitted', constraints([dns('x')], [dns('b.x')]), named('x', dns('a.b.x')), 'a.b.x'],
    ['a wildcard inside', constraints([dns('example.com')]), named('x', dns('*.example.com')), undefined],
    ['a wildcard inside of a dot', constraints([dns('.example.com')]), named('x', dns('*.example.com')), undefined],
    [
      'a wildcard wider than permitted',
      constraints([dns('a.example.com')]),
      named('x', dns('*.example.com')),
      '*.example.com',
    ],
    ['a wildcard that reaches what is excluded', constraints(none, [dns('a.b.x')]), named('x', dns('*.b.x')), '*.b.x'],
    ['an unreadable DNS name where some are excluded', constraints(none, [dns('x')]), named('x', dns('a b')), 'a b'],
    ['an unreadable DNS name where some are permitted', constraints([dns('x')]), named('x', dns('a..x')), 'a..x'],

    ['a CN that stands in for a DNS name', constraints([dns('good.x')]), named('evil.x'), 'evil.x'],
    ['a CN inside', constraints([dns('good.x')]), named('a.good.x'), undefined],
    ['a CN that is no DNS name', constraints([dns('good.x')]), named('sensor 4'), undefined],
    ['a CN that subjectAltName overrides', constraints([dns('good.x')]), named('evil.x', dns('good.x')), undefined],
    ['a CN beside an IP address alone', constraints([dns('good.x')]), named('evil.x', ip('0a000001')), undefined],

    ['an IP address inside', constraints([ip(TEN)]), named('x', ip('0a010203')), undefined],
    ['an IP address outside', constraints([ip(TEN)]), named('x', ip('0b010203')), '11.1.2.3'],
    ['an excluded IP address', constraints(none, [ip(TEN)]), named('x', ip('0affffff')), '10.255.255.255'],
    ['an IPv6 address inside', constraints([ip(V6)]), named('x', ip(`20010db8${'1'.repeat(24)}`)), undefined],
    ['an IPv6 address where IPv4 is permitted', constraints([ip(TEN)]), named('x', ip(`${'0'.repeat(31)}1`)), '::1'],

    ['a directory name inside', constraints([directoryOf('Example')]), organized('Example'), undefined],
    ['a directory name outside', constraints([directoryOf('Example')]), organized('Other'), 'CN=x,O=Other'],
    ['an excluded directory name', constraints(none, [directoryOf('Example')]), organized('EXAMPLE'), 'CN=x,O=EXAMPLE'],
    ['a directory name in subjectAltName', constraints([directory('a')]), named('a', directory('b')), 'CN=b'],

    ['another form than the constrained one', constraints([ip(TEN)]), named('x', dns('a.x')), undefined],
    ['a form that is not processed', constraints([uri('x')]), named('x', uri('coaps://x')), 'coaps://x'],
    ['a form that is not processed, excluded', constraints(none, [email('x')]), named('x', email('a@b')), 'a@b'],
    ['a form that is not processed and does not occur', constraints([uri('x')]), named('x', dns('a.x')), undefined],
    // The lesson of CVE-2026-42011: a permitted list counts whether or not something is excluded as well.
    ['permitted beside excluded', constraints([dns('a.x')], [dns('b.a.x')]), named('x', dns('c.x')), 'c.x'],
  ];
  for (const [situation, limits, certificate, outside] of ROWS) {
    it(`${situation}: ${outside === undefined ? 'permitted' : 'not permitted'}`, () =>
      assert.equal(nameOutside(certificate, limits, 'always'), outside));
  }

  it('the Common Name of a client is bound where it looks like a DNS name, that of an authority never', () => {
    const limits = constraints([dns('good.x')]);
    assert.equal(nameOutside(named('evil.x'), limits, 'with-dot'), 'evil.x');
    assert.equal(nameOutside(named('sensor-4'), limits, 'with-dot'), undefined);
    assert.equal(nameOutside(named('sensor-4'), limits, 'always'), 'sensor-4');
    assert.equal(nameOutside(named('evil.x'), limits, 'never'), undefined);
  });

  it('128 names against 256 constraints take no time to speak of (as CVE-2025-14831)', () => {
    const names = Array.from({ length: 128 }, (_, index) => dns(`n${index}.example`));
    const limits = constraints(
      [...names.slice(1), dns('example')],
      Array.from({ length: 128 }, (_, index) => dns(`m${index}.example`)),
    );
    assert.equal(nameOutside(named('x', ...names), limits, 'always'), undefined);
  });
});

/** A base of an organization alone, and a subject in it. */
function directoryOf(organization: string): Uint8Array {
  const whole = writeName({ commonName: 'x', organization });
  const first = whole.subarray(2, 4 + whole[3]!);
  return derElement(constructedContextTag(4), derSequence(first));
}

function organized(organization: string): Certificate {
  const certificate = named('x', directory('x', organization));
  return { ...certificate, subject: { ...certificate.subject, relativeNames: [] } };
}
