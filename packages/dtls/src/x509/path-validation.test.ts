import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { certificateCrypto as crypto, ecKeyPair, ed25519KeyPair, rsaKeyPair } from '../../test/certificate-crypto.ts';
import { DAY, NOW, authority, issue, withByte, type TestCertificate } from '../../test/certificates.ts';
import type { AlertDescription } from '../alert-table.ts';
import type { CertificateUsage, ServerCertificatePolicy } from '../credentials.ts';
import type { Extension } from './certificate-extensions.ts';
import { basicConstraints, extendedKeyUsage, keyUsage } from './certificate-writer.ts';
import { contextTag } from './der-reader.ts';
import { derElement, derOctetString, derSequence } from './der-writer.ts';
import { judgeClientCertificate, judgeServerCertificate, type CertificateVerdict } from './path-validation.ts';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const extension = (oid: string, value: Uint8Array, critical = false): Extension => ({ oid, critical, value });
const dnsNames = (...names: readonly string[]): Extension =>
  extension('2.5.29.17', derSequence(...names.map((name) => derElement(contextTag(2), ascii(name)))));
const permittedDns = (name: string): Extension =>
  extension('2.5.29.30', derSequence(derElement(0xa0, derSequence(derElement(contextTag(2), ascii(name))))), true);
const ders = (chain: readonly TestCertificate[]): readonly Uint8Array[] => chain.map(({ der }) => der);

const judge = (chain: readonly Uint8Array[], anchors: readonly Uint8Array[], unixTime = NOW): CertificateVerdict =>
  judgeClientCertificate(chain, anchors, { crypto, unixTime });

function assertVerdict(verdict: CertificateVerdict, expected: 'accepted' | readonly [AlertDescription, RegExp]): void {
  if (expected === 'accepted') {
    assert.equal(verdict.kind, 'accepted', verdict.kind === 'refused' ? verdict.text : undefined);
    return;
  }
  assert.equal(verdict.kind, 'refused');
  assert.match(verdict.text, expected[1]);
  assert.equal(verdict.alert, expected[0]);
}

const root = authority('root');
const middle = authority('middle', { issuer: root });
const leaf = issue({ name: 'sensor', issuer: middle });
const rsa = rsaKeyPair(2048);
const ECDSA_SHA384 = { oid: '1.2.840.10045.4.3.3', hash: 'sha384' };
const RSA_SHA256 = { oid: '1.2.840.113549.1.1.11', hash: 'sha256' };

describe('the certificate of a client: accepted (RFC 5280 §6.1)', () => {
  const ROWS: readonly (readonly [string, readonly TestCertificate[], readonly TestCertificate[]])[] = [
    ['issued by the anchor', [issue({ name: 'x', issuer: root })], [root]],
    ['by way of an authority that is sent', [leaf, middle], [root]],
    ['with the root sent too', [leaf, middle, root], [root]],
    ['with an authority in the middle as anchor', [leaf], [middle]],
    ['with an authority in the middle as anchor, and more sent than needed', [leaf, middle, root], [middle]],
    ['with something unrelated behind the path', [leaf, middle, authority('unrelated')], [root]],
    ['with anchors that have nothing to do with it', [leaf, middle], [authority('a'), authority('b'), root]],
    ['when the end entity is itself the anchor', [leaf], [leaf]],
    ['when it is signed by itself and is the anchor', [issue({ name: 'self' })], []],
    ['through six certificates', chainOf(5), [root]],
    ['with a path length that is just enough', pathLengthChain(1, 1), []],
    [
      'when an authority issued itself a new key, which does not count in the path length (§4.2.1.9)',
      selfIssuedChain(),
      [],
    ],
    ['from a P-384 authority', ...byAuthority({ keys: ecKeyPair('P-384'), algorithm: ECDSA_SHA384 })],
    ['from an RSA authority', ...byAuthority({ keys: rsa, algorithm: RSA_SHA256 })],
    [
      'from an Ed25519 authority',
      ...byAuthority({ keys: ed25519KeyPair(), algorithm: { oid: '1.3.101.112', hash: null } }),
    ],
    ['with clientAuth', [issue({ name: 'x', issuer: root, more: [extendedKeyUsage(['clientAuth'])] })], [root]],
    ['with any extended key usage', [issue({ name: 'x', issuer: root, more: [extendedKeyUsage(['any'])] })], [root]],
    ['without key usage', [issue({ name: 'x', issuer: root, extensions: [basicConstraints(undefined)] })], [root]],
    ['of version 1', [issue({ name: 'x', issuer: root, version: 1, extensions: [] })], [root]],
    ['without key usage of the authority', ...byAuthority({ extensions: [basicConstraints({})] })],
    [
      'with an unknown extension that is not critical',
      [issue({ name: 'x', issuer: root, more: [extension('1.2.3', derSequence())] })],
      [root],
    ],
    [
      'inside of name constraints',
      ...byAuthority({ more: [permittedDns('x.example')] }, { more: [dnsNames('a.x.example')] }),
    ],
    ['when another anchor has the same name and another key', [leaf, middle], [authority('root'), root]],
    [
      'when an old anchor with the same name and key has expired',
      [leaf, middle],
      [authority('root', { keys: root.keys, notAfter: NOW - 2000 }), root],
    ],
  ];
  for (const [name, chain, anchors] of ROWS) {
    it(name, () => {
      const trusted = anchors.length > 0 ? anchors : [chain[chain.length - 1]!];
      assertVerdict(judge(ders(chain), ders(trusted)), 'accepted');
    });
  }

  it('tells who it is: common name, alternative names, key and fingerprint', () => {
    const names = extension(
      '2.5.29.17',
      derSequence(
        derElement(contextTag(2), ascii('a.example')),
        derElement(contextTag(6), ascii('urn:dev:1')),
        derElement(contextTag(7), Uint8Array.of(192, 0, 2, 1)),
        derElement(contextTag(1), ascii('a@b.example')),
      ),
    );
    const device = issue({ name: 'sensor', issuer: root, more: [names] });
    const verdict = judge([device.der], [root.der]);
    assert.equal(verdict.kind, 'accepted');
    assert.deepEqual(verdict.principal, {
      kind: 'x509',
      publicKey: device.keys.subjectPublicKeyInfo,
      commonName: 'sensor',
      alternativeNames: ['a.example', 'urn:dev:1', '192.0.2.1'],
      fingerprint: new Uint8Array(createHash('sha256').update(device.der).digest()),
    });
    assert.equal(verdict.publicKey.kind, 'p256');
  });
});

describe('the certificate of a client: refused, with a sentence and an alert (RFC 5280 §6.1, RFC 5246 §7.2.2)', () => {
  const noAuthority = issue({ name: 'not-ca', issuer: root });
  const ROWS: readonly (readonly [
    string,
    readonly TestCertificate[],
    readonly TestCertificate[],
    AlertDescription,
    RegExp,
  ])[] = [
    [
      'no anchor',
      [leaf, middle],
      [],
      'unknown_ca',
      /CN=middle was issued by CN=root, which is not among the 0 trust anchors/,
    ],
    ['another anchor', [leaf, middle], [authority('other')], 'unknown_ca', /not among the one trust anchor /],
    [
      'an authority missing',
      [leaf],
      [root],
      'unknown_ca',
      /CN=sensor was issued by CN=middle, .* send the whole chain in order/,
    ],
    ['the wrong order', [leaf, root, middle], [root], 'unknown_ca', /CN=sensor was issued by CN=middle/],
    ['the end entity last', [middle, leaf], [authority('other')], 'unknown_ca', /CN=middle was issued by CN=root/],
    [
      'signed by itself, not trusted',
      [issue({ name: 'self' })],
      [root],
      'unknown_ca',
      /CN=self is signed by itself and is not among/,
    ],
    [
      'an anchor of the same name only',
      [leaf, middle],
      [authority('root')],
      'bad_certificate',
      /CN=middle was not signed by the key of CN=root/,
    ],
    [
      'an expired anchor of the same name and another key',
      [leaf, middle],
      [authority('root', { notAfter: NOW - 2000 })],
      'bad_certificate',
      /CN=middle was not signed by the key of CN=root/,
    ],
    [
      'an authority of the same name in between',
      [leaf, authority('middle', { issuer: root })],
      [root],
      'bad_certificate',
      /CN=sensor was not signed by the key of CN=middle/,
    ],
    [
      'an end entity as issuer',
      [issue({ name: 'x', issuer: noAuthority }), noAuthority],
      [root],
      'unknown_ca',
      /CN=not-ca issued another although it is no authority/,
    ],
    [
      'an end entity as issuer and as anchor',
      [issue({ name: 'x', issuer: noAuthority })],
      [noAuthority],
      'unknown_ca',
      /CN=not-ca issued another/,
    ],
    [
      'an authority without basicConstraints',
      ...byAuthority({ extensions: [keyUsage(['keyCertSign'])] }),
      'unknown_ca',
      /no authority \(basicConstraints/,
    ],
    [
      'an authority of version 1',
      ...byAuthority({ version: 1, extensions: [] }),
      'unknown_ca',
      /no authority \(is of version 1/,
    ],
    [
      'an authority without keyCertSign',
      ...byAuthority({ extensions: [basicConstraints({}), keyUsage(['cRLSign', 'digitalSignature'])] }),
      'unknown_ca',
      /key usage of authority CN=ca does not contain keyCertSign/,
    ],
    [
      'path length exceeded',
      pathLengthChain(0, 1),
      [],
      'unknown_ca',
      /CN=ca allows 0 more authorities below it, and there are 1/,
    ],
    [
      'path length of the one in the middle exceeded',
      pathLengthChain(1, 2),
      [],
      'unknown_ca',
      /allows 1 more authorities below it, and there are 2/,
    ],
    [
      'a P-384 key',
      [issue({ name: 'x', issuer: root, keys: ecKeyPair('P-384') })],
      [root],
      'unsupported_certificate',
      /key of certificate CN=x is P-384, and P-256 is needed/,
    ],
    [
      'an RSA key',
      [issue({ name: 'x', issuer: root, keys: rsa })],
      [root],
      'unsupported_certificate',
      /is RSA, and P-256/,
    ],
    [
      'an RSA authority of 1024 bits',
      ...byAuthority({ keys: rsaKeyPair(1024), algorithm: RSA_SHA256 }),
      'unsupported_certificate',
      /key of certificate CN=ca is RSA with 1024 bits/,
    ],
    [
      'a P-521 authority',
      ...byAuthority({ keys: ecKeyPair('P-521'), algorithm: ECDSA_SHA384 }),
      'unsupported_certificate',
      /key of certificate CN=ca is on P-521/,
    ],
    [
      'a P-224 key (groups under 255 bits)',
      [issue({ name: 'x', issuer: root, keys: ecKeyPair('P-224') })],
      [root],
      'unsupported_certificate',
      /CN=x is on P-224/,
    ],
    [
      'an algorithm that does not fit the key',
      [issue({ name: 'x', issuer: root, algorithm: { ...RSA_SHA256, hash: 'sha256' } })],
      [root],
      'bad_certificate',
      /was not signed by the key of CN=root/,
    ],
    [
      'SHA-1',
      [issue({ name: 'x', issuer: root, algorithm: { oid: '1.2.840.10045.4.1', hash: 'sha1' } })],
      [root],
      'unsupported_certificate',
      /signed with ECDSA with SHA-1/,
    ],
    [
      'MD5',
      [issue({ name: 'x', issuer: root, algorithm: { oid: '1.2.840.113549.1.1.4', hash: 'md5' } })],
      [root],
      'unsupported_certificate',
      /signed with RSA with MD5/,
    ],
    [
      'serverAuth only',
      [issue({ name: 'x', issuer: root, more: [extendedKeyUsage(['serverAuth'])] })],
      [root],
      'unsupported_certificate',
      /CN=x does not contain clientAuth/,
    ],
    [
      'an authority for serverAuth only',
      ...byAuthority({ more: [extendedKeyUsage(['serverAuth'])] }),
      'unsupported_certificate',
      /CN=ca does not contain clientAuth/,
    ],
    [
      'a key that must not sign',
      [issue({ name: 'x', issuer: root, extensions: [keyUsage(['keyAgreement'])] })],
      [root],
      'unsupported_certificate',
      /CN=x does not contain digitalSignature/,
    ],
    [
      'an unknown critical extension',
      [issue({ name: 'x', issuer: root, more: [extension('1.2.3', derSequence(), true)] })],
      [root],
      'unsupported_certificate',
      /critical extension 1.2.3,/,
    ],
    [
      'an unknown critical extension of an authority',
      ...byAuthority({ more: [extension('2.5.29.36', derSequence(), true)] }),
      'unsupported_certificate',
      /CN=ca has the critical extension policyConstraints/,
    ],
    [
      'outside of name constraints',
      ...byAuthority({ more: [permittedDns('x.example')] }, { more: [dnsNames('a.y.example')] }),
      'bad_certificate',
      /CN=leaf is for a.y.example, which the name constraints of CN=ca do not permit/,
    ],
    [
      'an end entity as anchor with a key that must not sign',
      [issue({ name: 'x', extensions: [keyUsage(['keyAgreement'])] })],
      [],
      'unsupported_certificate',
      /digitalSignature/,
    ],
  ];
  for (const [name, chain, anchors, alert, text] of ROWS) {
    it(name, () => {
      const isOwnAnchor = anchors.length === 0 && name !== 'no anchor';
      const trusted = isOwnAnchor ? [chain[chain.length - 1]!] : anchors;
      assertVerdict(judge(ders(chain), ders(trusted)), [alert, text]);
    });
  }

  it('an expired anchor, authority or end entity, and one that is not valid yet (§4.1.2.5)', () => {
    const short = { notBefore: NOW - 1000, notAfter: NOW };
    const end = issue({ name: 'short', issuer: root, ...short });
    const at = (time: number): CertificateVerdict => judge([end.der], [root.der], time);
    assertVerdict(at(NOW - 1000), 'accepted');
    assertVerdict(at(NOW + 999), 'accepted');
    assertVerdict(at(NOW - 1001), [
      'certificate_expired',
      /CN=short is not valid before 2026-05-31T23:59:59Z, and the clock here says 2026-05-31T23:59:58.999Z/,
    ]);
    assertVerdict(at(NOW + 1000), ['certificate_expired', /CN=short expired at 2026-06-01T00:00:00Z: renew it/]);
    const ca = authority('short', short);
    const below = issue({ name: 'x', issuer: ca });
    assertVerdict(judge([below.der], [ca.der], NOW + 1000), ['certificate_expired', /CN=short expired/]);
    const self = issue({ name: 'short', ...short });
    assertVerdict(judge([self.der], [self.der], NOW), 'accepted');
    assertVerdict(judge([self.der], [self.der], NOW + 1000), ['certificate_expired', /CN=short expired/]);
  });

  it('key identifiers that do not fit tell that an authority is not the issuer (§4.2.1.1)', () => {
    const identified = (bytes: number): Extension =>
      extension('2.5.29.14', derOctetString(new Uint8Array(20).fill(bytes)));
    const ca = authority('ca', { more: [identified(1)] });
    const named = (bytes: number): TestCertificate =>
      issue({
        name: 'x',
        issuer: ca,
        more: [extension('2.5.29.35', derSequence(derElement(contextTag(0), new Uint8Array(20).fill(bytes))))],
      });
    assertVerdict(judge([named(1).der], [ca.der]), 'accepted');
    assertVerdict(judge([named(2).der], [ca.der]), [
      'unknown_ca',
      /was issued by CN=ca, which is not among the one trust anchor/,
    ]);
  });

  it('no certificate, and more certificates than are read', () => {
    assertVerdict(judge([], [root.der]), ['bad_certificate', /no certificate was sent/]);
    assertVerdict(
      judge(
        Array.from({ length: 7 }, () => leaf.der),
        [root.der],
      ),
      ['bad_certificate', /7 certificates were sent, and at most 6/],
    );
  });

  it('bytes that are no certificate, first or further up', () => {
    assertVerdict(judge([new Uint8Array(5)], [root.der]), ['bad_certificate', /the end entity cannot be read/]);
    const verdict = judge([leaf.der, new Uint8Array(5)], [root.der]);
    assertVerdict(verdict, ['bad_certificate', /authority 1, below CN=sensor, cannot be read/]);
    assert.equal(verdict.kind === 'refused' && verdict.claimedIdentity, 'sensor');
  });

  it('an anchor that cannot be read is passed over, and told of when nothing else fits', () => {
    assertVerdict(judge([leaf.der, middle.der], [new Uint8Array(3), root.der]), 'accepted');
    assertVerdict(judge([leaf.der], [new Uint8Array(3), authority('a').der]), [
      'unknown_ca',
      /the one trust anchor \(1 more cannot be read\)/,
    ]);
  });

  it('every signature byte and the signed bytes count', () => {
    for (let index = 0; index < leaf.der.length; index++) {
      const verdict = judge([withByte(leaf.der, index, (byte) => byte ^ 1), middle.der], [root.der]);
      assert.equal(verdict.kind, 'refused', `byte ${index}`);
    }
  });

  it('a forged CA bit does not make an end entity an authority (malformed basicConstraints)', () => {
    // basicConstraints without cA, and keyUsage with every bit: nothing but cA TRUE makes an authority.
    for (const value of [derSequence(), derSequence(Uint8Array.of(1, 1, 0))]) {
      const forged = issue({
        name: 'forged',
        issuer: root,
        extensions: [extension('2.5.29.19', value, true), keyUsage(['keyCertSign', 'digitalSignature'])],
      });
      assertVerdict(judge(ders([issue({ name: 'x', issuer: forged }), forged]), [root.der]), [
        'unknown_ca',
        /no authority/,
      ]);
    }
    for (const hex of [
      '3003010101',
      '30030101',
      '3006010100020100',
      '30060101ff0201ff',
      '310301 01ff',
      '30030101ff00',
      '020101',
    ]) {
      const value = new Uint8Array(Buffer.from(hex.replace(' ', ''), 'hex'));
      const forged = issue({ name: 'forged', issuer: root, extensions: [extension('2.5.29.19', value, true)] });
      assertVerdict(judge(ders([issue({ name: 'x', issuer: forged }), forged]), [root.der]), [
        'bad_certificate',
        /cannot be read/,
      ]);
    }
  });

  it('two hundred anchors of one name cost two hundred signature checks, not more', () => {
    let verified = 0;
    const counting = {
      ...crypto,
      verify: (...parameters: Parameters<typeof crypto.verify>): boolean => {
        verified++;
        return crypto.verify(...parameters);
      },
    };
    const anchors = Array.from({ length: 200 }, () => authority('root').der);
    const verdict = judgeClientCertificate([leaf.der, middle.der], anchors, { crypto: counting, unixTime: NOW });
    assertVerdict(verdict, ['bad_certificate', /another authority of that name/]);
    assert.equal(verified, 200);
  });
});

describe('the certificate of a server, by LwM2M certificate usage (RFC 6698 §2.1.1, RFC 6125)', () => {
  const server = issue({ name: 'server', issuer: middle, more: [dnsNames('good.example')] });
  const chain = [server, middle];
  const other = authority('other');
  const twin = issue({ name: 'server', issuer: middle, keys: server.keys, more: [dnsNames('good.example')] });
  const selfSigned = issue({ name: 'good.example' });
  const hashed = (der: Uint8Array, algorithm: string): Uint8Array =>
    new Uint8Array(createHash(algorithm).update(der).digest());
  const policy = (
    usage: CertificateUsage,
    certificate: Uint8Array,
    rest: Partial<ServerCertificatePolicy> = {},
  ): ServerCertificatePolicy => ({
    usage,
    certificate,
    matchingType: 0,
    trustAnchors: [root.der],
    serverName: 'good.example',
    ...rest,
  });
  const judgeServer = (
    sent: readonly TestCertificate[],
    by: ServerCertificatePolicy,
    unixTime = NOW,
  ): CertificateVerdict => judgeServerCertificate(ders(sent), by, { crypto, unixTime });

  const nothing = { trustAnchors: [] };
  const elsewhere = { serverName: 'evil.example' };
  const ROWS: readonly (readonly [
    string,
    readonly TestCertificate[],
    ServerCertificatePolicy,
    'accepted' | readonly [AlertDescription, RegExp],
  ])[] = [
    ['0: the path goes through the authority', chain, policy(0, middle.der), 'accepted'],
    ['0: the authority is the anchor', chain, policy(0, root.der), 'accepted'],
    [
      '0: the path goes by another authority',
      chain,
      policy(0, other.der),
      ['unknown_ca', /not by way of the authority in the security object/],
    ],
    ['0: the authority is the end entity', chain, policy(0, server.der), ['unknown_ca', /not by way of/]],
    [
      '0: without a path to an anchor',
      chain,
      policy(0, middle.der, nothing),
      ['unknown_ca', /not among the 0 trust anchors/],
    ],
    [
      '0: another server name',
      chain,
      policy(0, middle.der, elsewhere),
      ['bad_certificate', /is for good.example, not for evil.example/],
    ],
    ['0: no server name to check', chain, policy(0, middle.der, { serverName: undefined } as object), 'accepted'],
    ['0: SHA-256 of the authority', chain, policy(0, hashed(middle.der, 'sha256'), { matchingType: 1 }), 'accepted'],

    ['1: the path is valid and the end entity the one', chain, policy(1, server.der), 'accepted'],
    ['1: pinned, so the name is not compared', chain, policy(1, server.der, elsewhere), 'accepted'],
    [
      '1: another certificate for the same key',
      chain,
      policy(1, twin.der),
      ['certificate_unknown', /is not the one in the security object/],
    ],
    ['1: the authority is not the end entity', chain, policy(1, middle.der), ['certificate_unknown', /is not the one/]],
    ['1: without a path to an anchor', chain, policy(1, server.der, nothing), ['unknown_ca', /0 trust anchors/]],
    ['1: SHA-384', chain, policy(1, hashed(server.der, 'sha384'), { matchingType: 2 }), 'accepted'],

    ['2: the path ends at the authority, which nobody else trusts', chain, policy(2, middle.der, nothing), 'accepted'],
    ['2: the path ends at the root, which is not sent', chain, policy(2, root.der, nothing), 'accepted'],
    ['2: another authority', chain, policy(2, other.der), ['unknown_ca', /not among the one trust anchor/]],
    ['2: another server name', chain, policy(2, root.der, elsewhere), ['bad_certificate', /not for evil.example/]],
    [
      '2: SHA-256 of an authority that is sent',
      [...chain, root],
      policy(2, hashed(root.der, 'sha256'), { matchingType: 1 }),
      'accepted',
    ],
    [
      '2: SHA-256 of an authority that is not sent',
      chain,
      policy(2, hashed(root.der, 'sha256'), { matchingType: 1 }),
      ['unknown_ca', /not by way of/],
    ],
    ['2: the end entity itself', chain, policy(2, server.der), ['unknown_ca', /as an authority, and is none/]],
    [
      '2: SHA-256 of it',
      chain,
      policy(2, hashed(server.der, 'sha256'), { matchingType: 1 }),
      ['unknown_ca', /is none/],
    ],
    ['2: signed by itself', [selfSigned], policy(2, selfSigned.der), ['unknown_ca', /as an authority, and is none/]],
    ['2: what is no certificate', chain, policy(2, new Uint8Array(3)), ['unknown_ca', /1 more cannot be read/]],

    ['3: the end entity, whoever issued it', chain, policy(3, server.der, nothing), 'accepted'],
    ['3: signed by itself', [selfSigned], policy(3, selfSigned.der, nothing), 'accepted'],
    ['3: another certificate for the same key', chain, policy(3, twin.der), ['certificate_unknown', /is not the one/]],
    ['3: SHA-512', chain, policy(3, hashed(server.der, 'sha512'), { matchingType: 3 }), 'accepted'],
    [
      '3: SHA-512 of another',
      chain,
      policy(3, hashed(twin.der, 'sha512'), { matchingType: 3 }),
      ['certificate_unknown', /is not the one/],
    ],
    [
      '3: a hash of another length',
      chain,
      policy(3, hashed(server.der, 'sha512'), { matchingType: 1 }),
      ['certificate_unknown', /is not the one/],
    ],
    [
      '3: an empty certificate pins nothing',
      chain,
      policy(3, new Uint8Array(0)),
      ['certificate_unknown', /is not the one/],
    ],
  ];
  for (const [name, sent, by, expected] of ROWS) it(name, () => assertVerdict(judgeServer(sent, by), expected));

  it('3: dates say nothing about a certificate that is pinned (RFC 7671 §5.1), with 1 they do', () => {
    assertVerdict(judgeServer(chain, policy(3, server.der), NOW + 9 * DAY), 'accepted');
    assertVerdict(judgeServer(chain, policy(1, server.der), NOW + 9 * DAY), ['certificate_expired', /expired/]);
  });

  it('3: a key that cannot sign the handshake is refused all the same', () => {
    const weak = issue({ name: 'x', keys: rsa, algorithm: RSA_SHA256 });
    assertVerdict(judgeServer([weak], policy(3, weak.der)), ['unsupported_certificate', /is RSA, and P-256 is needed/]);
  });

  it('a certificate for clients only is no server', () => {
    const client = issue({ name: 'good.example', issuer: root, more: [extendedKeyUsage(['clientAuth'])] });
    assertVerdict(judgeServer([client], policy(2, root.der)), [
      'unsupported_certificate',
      /does not contain serverAuth/,
    ]);
  });
});

/** An end entity below so many authorities, the top one issued by `root`. */
function chainOf(authorities: number): readonly TestCertificate[] {
  let issuer = root;
  const chain: TestCertificate[] = [];
  for (let index = 0; index < authorities; index++) {
    issuer = authority(`level ${index}`, { issuer });
    chain.unshift(issuer);
  }
  return [issue({ name: 'deep', issuer }), ...chain];
}

/** An anchor with this path length, so many authorities below it, and an end entity; the anchor is sent too. */
function pathLengthChain(pathLength: number, authorities: number): readonly TestCertificate[] {
  let issuer = authority('ca', { authority: { pathLength } });
  const chain = [issuer];
  for (let index = 0; index < authorities; index++) {
    issuer = authority(`level ${index}`, { issuer });
    chain.unshift(issuer);
  }
  return [issue({ name: 'leaf', issuer }), ...chain];
}

function selfIssuedChain(): readonly TestCertificate[] {
  const old = authority('ca', { authority: { pathLength: 0 } });
  const renewed = authority('ca', { issuer: old });
  return [issue({ name: 'leaf', issuer: renewed }), renewed, old];
}

/** An end entity below an anchor with these fields, and the anchor. */
function byAuthority(
  options: Parameters<typeof authority>[1],
  below: Partial<Parameters<typeof issue>[0]> = {},
): [readonly TestCertificate[], readonly TestCertificate[]] {
  const ca = authority('ca', options);
  const { algorithm } = options ?? {};
  return [[issue({ name: 'leaf', issuer: ca, ...(algorithm === undefined ? {} : { algorithm }), ...below })], [ca]];
}
