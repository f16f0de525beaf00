/**
 * Chains of certificates, good and bad, made by the `openssl` command and (where it can write them) by this project,
 * judged by both: every verdict is that of `openssl verify -x509_strict`, or the row says why it is another.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { judgeClientCertificate, judgeServerCertificate, writeCertificate, type KeyUsageName } from '@lapwing/dtls';
import { nodeCrypto as crypto } from '@lapwing/transport';
import {
  OpensslCertificates,
  type OpensslCertificate,
  type OpensslCertificateOptions,
} from '../src/openssl-certificates.ts';
import { missingTool } from '../src/tool.ts';

const DAY = 86_400_000;
const NOW = Date.now();

/** What both makers can write. */
interface Wanted {
  readonly name: string;
  readonly issuer?: Made;
  readonly authority?: { readonly pathLength?: number };
  readonly purposes?: readonly ('serverAuth' | 'clientAuth')[];
  readonly keyUsage?: readonly KeyUsageName[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly days?: number;
  readonly privateKey?: KeyObject;
}
type Made = OpensslCertificate;

/** What only `openssl` writes. */
interface Special {
  /** Instead of the usual ones; undefined: version 1. */
  readonly extensions?: readonly string[] | undefined;
  readonly more?: readonly string[];
  readonly digest?: OpensslCertificateOptions['digest'];
}

type Make = (wanted: Wanted, special?: Special) => Promise<Made>;

interface Situation {
  readonly chain: readonly (Made | Uint8Array)[];
  readonly anchors: readonly (Made | Uint8Array)[];
  readonly purpose?: 'sslclient' | 'sslserver';
  readonly serverName?: string;
  readonly unixTime?: number;
}

interface Row {
  readonly name: string;
  readonly situation: (make: Make) => Promise<Situation>;
  readonly ours: 'accepted' | 'refused';
  /** Where OpenSSL decides otherwise: why. */
  readonly differs?: string;
  /** Needs what only `openssl` writes. */
  readonly special?: true;
}

const USUAL = ['subjectKeyIdentifier=hash', 'authorityKeyIdentifier=keyid'];
const CA = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign', ...USUAL];
const END = ['basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature', ...USUAL];

const root = (make: Make, special: Special = {}, wanted: Partial<Wanted> = {}): Promise<Made> =>
  make({ name: 'root', authority: {}, ...wanted }, special);

/** The root and the authority of most situations, one pair for each maker. */
const usualAuthorities = new WeakMap<Make, Promise<{ readonly top: Made; readonly middle: Made }>>();

function authoritiesOf(make: Make): Promise<{ readonly top: Made; readonly middle: Made }> {
  const known = usualAuthorities.get(make);
  if (known !== undefined) return known;
  const made = root(make).then(async (top) => ({
    top,
    middle: await make({ name: 'middle', issuer: top, authority: {} }),
  }));
  usualAuthorities.set(make, made);
  return made;
}

/** An end entity below an authority in the middle, below a root; fields of each can be set. */
async function three(
  make: Make,
  middle: Partial<Wanted> = {},
  end: Partial<Wanted> = {},
  special: { readonly root?: Special; readonly middle?: Special; readonly end?: Special } = {},
): Promise<{ readonly top: Made; readonly middle: Made; readonly end: Made } & Situation> {
  const usual = await authoritiesOf(make);
  const isUsual = special.root === undefined && special.middle === undefined && Object.keys(middle).length === 0;
  const top = special.root === undefined ? usual.top : await root(make, special.root);
  const between = isUsual
    ? usual.middle
    : await make({ name: 'middle', issuer: top, authority: {}, ...middle }, special.middle);
  const last = await make({ name: 'sensor', issuer: between, ...end }, special.end);
  return { top, middle: between, end: last, chain: [last, between], anchors: [top] };
}

/** An end entity below a root. */
async function two(
  make: Make,
  end: Partial<Wanted> = {},
  special: Special = {},
  topSpecial?: Special,
  topWanted: Partial<Wanted> = {},
): Promise<Situation> {
  const isUsual = topSpecial === undefined && Object.keys(topWanted).length === 0;
  const anchor = isUsual ? (await authoritiesOf(make)).top : await root(make, topSpecial, topWanted);
  return { chain: [await make({ name: 'sensor', issuer: anchor, ...end }, special)], anchors: [anchor] };
}

const flipped = (certificate: Made, fromEnd: number): Uint8Array => {
  const copy = certificate.der.slice();
  copy[copy.length - fromEnd]! ^= 1;
  return copy;
};

const keyOf = (curve: string): KeyObject => generateKeyPairSync('ec', { namedCurve: curve }).privateKey;
const rsaKey = (bits: number): KeyObject => generateKeyPairSync('rsa', { modulusLength: bits }).privateKey;

const STRICT_CONTENT =
  'RFC 5280 obliges authorities to write it; its path validation (§6.1.4) does without, and so do certificates in the field';
const OWN_KEYS = 'the cipher suites sign with ECDSA on P-256, so another key of an end entity is of no use';

const ROWS: readonly Row[] = [
  { name: 'three certificates', ours: 'accepted', situation: (make) => three(make) },
  { name: 'two certificates', ours: 'accepted', situation: (make) => two(make) },
  {
    name: 'the root sent too',
    ours: 'accepted',
    situation: async (make) => {
      const { top, middle, end } = await three(make);
      return { chain: [end, middle, top], anchors: [top] };
    },
  },
  {
    name: 'the authority in the middle is the anchor',
    ours: 'accepted',
    situation: async (make) => {
      const { middle, end } = await three(make);
      return { chain: [end], anchors: [middle] };
    },
  },
  {
    name: 'a server, for clients of the same authority',
    ours: 'accepted',
    situation: async (make) => ({ ...(await two(make, { purposes: ['serverAuth'] })), purpose: 'sslserver' }),
  },
  { name: 'clientAuth', ours: 'accepted', situation: (make) => two(make, { purposes: ['clientAuth'] }) },
  {
    name: 'both purposes',
    ours: 'accepted',
    situation: (make) => two(make, { purposes: ['serverAuth', 'clientAuth'] }),
  },
  {
    name: 'a self-signed end entity that is the anchor',
    ours: 'accepted',
    situation: async (make) => {
      const self = await make({ name: 'self' });
      return { chain: [self], anchors: [self] };
    },
  },
  {
    name: 'an issued end entity that is the anchor',
    ours: 'accepted',
    situation: async (make) => {
      const { end } = await three(make);
      return { chain: [end], anchors: [end] };
    },
  },
  {
    name: 'a path length of 0 that is enough',
    ours: 'accepted',
    situation: (make) => three(make, { authority: { pathLength: 0 } }),
  },
  {
    name: 'a P-384 root',
    ours: 'accepted',
    special: true,
    situation: (make) => two(make, {}, { digest: 'sha384' }, { digest: 'sha384' }, { privateKey: keyOf('P-384') }),
  },
  {
    name: 'an RSA root of 2,048 bits',
    ours: 'accepted',
    special: true,
    situation: (make) => two(make, {}, {}, {}, { privateKey: rsaKey(2048) }),
  },
  {
    name: 'an Ed25519 root',
    ours: 'accepted',
    special: true,
    situation: (make) =>
      two(make, {}, { digest: 'none' }, { digest: 'none' }, { privateKey: generateKeyPairSync('ed25519').privateKey }),
  },
  {
    name: 'an anchor of the same name with another key beside the right one',
    ours: 'accepted',
    situation: async (make) => {
      const { top, chain } = await three(make);
      return { chain, anchors: [await root(make), top] };
    },
  },
  {
    name: 'inside of DNS name constraints',
    ours: 'accepted',
    special: true,
    situation: (make) =>
      two(
        make,
        { dnsNames: ['a.good.example'] },
        {},
        { more: ['nameConstraints=critical,permitted;DNS:good.example'] },
      ),
  },
  {
    name: 'inside of IP name constraints',
    ours: 'accepted',
    special: true,
    situation: (make) =>
      two(
        make,
        { ipAddresses: ['10.1.2.3'] },
        {},
        { more: ['nameConstraints=critical,permitted;IP:10.0.0.0/255.0.0.0'] },
      ),
  },
  {
    name: 'an unknown extension that is not critical',
    ours: 'accepted',
    special: true,
    situation: (make) => two(make, {}, { more: ['1.2.3.4=DER:0500'] }),
  },
  {
    name: 'a renewed key of an authority, which the path length does not count',
    ours: 'accepted',
    situation: async (make) => {
      const old = await make({ name: 'root', authority: { pathLength: 0 } });
      const renewed = await make({ name: 'root', issuer: old, authority: {} });
      return { chain: [await make({ name: 'sensor', issuer: renewed }), renewed], anchors: [old] };
    },
  },

  {
    name: 'an expired end entity',
    ours: 'refused',
    situation: async (make) => ({ ...(await three(make, {}, { days: 2 })), unixTime: NOW + 3 * DAY }),
  },
  {
    name: 'an expired authority',
    ours: 'refused',
    situation: async (make) => ({ ...(await three(make, { days: 2 })), unixTime: NOW + 3 * DAY }),
  },
  {
    name: 'an expired root',
    ours: 'refused',
    situation: async (make) => ({ ...(await two(make, { days: 90 })), unixTime: NOW + 60 * DAY }),
  },
  {
    name: 'not valid yet',
    ours: 'refused',
    situation: async (make) => ({ ...(await three(make)), unixTime: NOW - 3 * DAY }),
  },
  {
    name: 'another root',
    ours: 'refused',
    situation: async (make) => ({ ...(await three(make)), anchors: [await make({ name: 'other', authority: {} })] }),
  },
  {
    name: 'another root of the same name',
    ours: 'refused',
    situation: async (make) => ({ ...(await three(make)), anchors: [await root(make)] }),
  },
  {
    name: 'an authority missing',
    ours: 'refused',
    situation: async (make) => {
      const { end, top } = await three(make);
      return { chain: [end], anchors: [top] };
    },
  },
  {
    name: 'the authorities in the wrong order',
    ours: 'refused',
    differs:
      'RFC 5246 §7.4.2: each certificate must directly certify the one before it; openssl verify looks for any that fits',
    situation: async (make) => {
      const { middle, top } = await three(make);
      const low = await make({ name: 'low', issuer: middle, authority: {} });
      return { chain: [await make({ name: 'sensor', issuer: low }), middle, low], anchors: [top] };
    },
  },
  {
    name: 'a self-signed end entity that is no anchor',
    ours: 'refused',
    situation: async (make) => ({ chain: [await make({ name: 'self' })], anchors: [await root(make)] }),
  },
  { name: 'a path length exceeded', ours: 'refused', situation: (make) => tooLong(make, 0) },
  {
    name: 'a path length that the root leaves open and the middle exceeds',
    ours: 'refused',
    situation: (make) => tooLong(make, undefined, 0),
  },
  { name: 'an end entity as authority', ours: 'refused', situation: (make) => endEntityIssues(make) },
  {
    name: 'an end entity as authority, with keyCertSign',
    ours: 'refused',
    situation: (make) => endEntityIssues(make, { keyUsage: ['keyCertSign', 'digitalSignature'] }),
  },
  {
    name: 'an authority without keyCertSign',
    ours: 'refused',
    situation: (make) => three(make, { keyUsage: ['cRLSign', 'digitalSignature'] }),
  },
  {
    name: 'a root without keyCertSign',
    ours: 'refused',
    situation: (make) => two(make, {}, {}, {}, { keyUsage: ['digitalSignature'] }),
  },
  {
    name: 'an authority without basicConstraints',
    ours: 'refused',
    special: true,
    situation: (make) => three(make, {}, {}, { middle: { extensions: ['keyUsage=critical,keyCertSign', ...USUAL] } }),
  },
  {
    name: 'an authority of version 1',
    ours: 'refused',
    special: true,
    situation: (make) =>
      three(make, {}, {}, { middle: { extensions: undefined }, end: { extensions: END.slice(0, -1) } }),
  },
  {
    name: 'a root of version 1',
    ours: 'refused',
    special: true,
    situation: (make) =>
      three(make, {}, {}, { root: { extensions: undefined }, middle: { extensions: CA.slice(0, -1) } }),
  },
  { name: 'serverAuth for a client', ours: 'refused', situation: (make) => two(make, { purposes: ['serverAuth'] }) },
  {
    name: 'clientAuth for a server',
    ours: 'refused',
    situation: async (make) => ({ ...(await two(make, { purposes: ['clientAuth'] })), purpose: 'sslserver' }),
  },
  {
    name: 'an authority for servers only, and a client',
    ours: 'refused',
    special: true,
    situation: (make) => three(make, {}, {}, { middle: { more: ['extendedKeyUsage=serverAuth'] } }),
  },
  {
    name: 'a key that must not sign',
    ours: 'refused',
    situation: (make) => two(make, { keyUsage: ['keyEncipherment'] }),
  },
  {
    name: 'an unknown critical extension',
    ours: 'refused',
    special: true,
    situation: (make) => two(make, {}, { more: ['1.2.3.4=critical,DER:0500'] }),
  },
  {
    name: 'an unknown critical extension of an authority',
    ours: 'refused',
    special: true,
    situation: (make) => three(make, {}, {}, { middle: { more: ['1.2.3.4=critical,DER:0500'] } }),
  },
  {
    name: 'a changed signature',
    ours: 'refused',
    situation: async (make) => {
      const { end, middle, top } = await three(make);
      return { chain: [flipped(end, 1), middle], anchors: [top] };
    },
  },
  {
    name: 'a changed name',
    ours: 'refused',
    situation: async (make) => {
      const { end, middle, top } = await three(make);
      const copy = end.der.slice();
      copy[Buffer.from(copy).indexOf('sensor')]! ^= 1;
      return { chain: [copy, middle], anchors: [top] };
    },
  },
  {
    name: 'a changed authority',
    ours: 'refused',
    situation: async (make) => {
      const { end, middle, top } = await three(make);
      return { chain: [end, flipped(middle, 1)], anchors: [top] };
    },
  },
  {
    name: 'SHA-1',
    ours: 'refused',
    special: true,
    differs:
      'openssl verify takes SHA-1 at the security level it runs at; TLS 1.2 with SHA-256 suites has no need of it',
    situation: (make) => two(make, {}, { digest: 'sha1' }),
  },
  {
    name: 'MD5 of an RSA root',
    ours: 'refused',
    special: true,
    differs: 'as with SHA-1',
    situation: (make) => two(make, {}, { digest: 'md5' }, {}, { privateKey: rsaKey(2048) }),
  },
  {
    name: 'an RSA root of 1,024 bits',
    ours: 'refused',
    special: true,
    differs: 'RFC 9325 §4.1: below 2,048 bits is not to be used; it is a matter of security levels with OpenSSL',
    situation: (make) => two(make, {}, {}, {}, { privateKey: rsaKey(1024) }),
  },
  {
    name: 'a P-521 root',
    ours: 'refused',
    special: true,
    differs: 'P-256, P-384, RSA and Ed25519 are what authorities may sign with here',
    situation: (make) => two(make, {}, {}, {}, { privateKey: keyOf('P-521') }),
  },
  {
    name: 'an RSA end entity',
    ours: 'refused',
    special: true,
    differs: OWN_KEYS,
    situation: (make) => two(make, { privateKey: rsaKey(2048) }),
  },
  {
    name: 'a P-384 end entity',
    ours: 'refused',
    special: true,
    differs: OWN_KEYS,
    situation: (make) => two(make, { privateKey: keyOf('P-384') }),
  },
  {
    name: 'outside of DNS name constraints',
    ours: 'refused',
    special: true,
    situation: (make) =>
      two(
        make,
        { dnsNames: ['a.evil.example'] },
        {},
        { more: ['nameConstraints=critical,permitted;DNS:good.example'] },
      ),
  },
  {
    name: 'an excluded DNS name',
    ours: 'refused',
    special: true,
    situation: (make) =>
      two(make, { dnsNames: ['a.evil.example'] }, {}, { more: ['nameConstraints=critical,excluded;DNS:evil.example'] }),
  },
  {
    name: 'outside of IP name constraints',
    ours: 'refused',
    special: true,
    situation: (make) =>
      two(
        make,
        { ipAddresses: ['11.1.2.3'] },
        {},
        { more: ['nameConstraints=critical,permitted;IP:10.0.0.0/255.0.0.0'] },
      ),
  },
  {
    name: 'a Common Name that looks like a DNS name, outside of name constraints',
    ours: 'refused',
    special: true,
    situation: (make) =>
      two(make, { name: 'a.evil.example' }, {}, { more: ['nameConstraints=critical,permitted;DNS:good.example'] }),
  },
  {
    name: 'name constraints of an authority above',
    ours: 'refused',
    special: true,
    situation: (make) =>
      three(
        make,
        {},
        { dnsNames: ['evil.example'] },
        { root: { more: ['nameConstraints=critical,permitted;DNS:good.example'] } },
      ),
  },
  {
    name: 'an e-mail address where e-mail addresses are constrained',
    ours: 'refused',
    special: true,
    differs: 'that form is not processed here, and RFC 5280 §4.2.1.10 then demands a refusal',
    situation: (make) =>
      two(
        make,
        {},
        { more: ['subjectAltName=email:a@good.example'] },
        { more: ['nameConstraints=critical,permitted;email:good.example'] },
      ),
  },
  {
    name: 'critical policies',
    ours: 'refused',
    special: true,
    differs:
      'policies are not processed here, so a certificate that makes them critical is refused (RFC 5280 §4.2.1.4)',
    situation: (make) => two(make, {}, { more: ['certificatePolicies=critical,1.2.3.4'] }),
  },
  {
    name: 'a path length of an end entity',
    ours: 'refused',
    special: true,
    situation: (make) =>
      two(
        make,
        {},
        {
          extensions: ['basicConstraints=critical,CA:FALSE,pathlen:0', 'keyUsage=critical,digitalSignature', ...USUAL],
        },
      ),
  },

  {
    name: 'an authority without key usage',
    ours: 'accepted',
    special: true,
    differs: STRICT_CONTENT,
    situation: (make) =>
      three(make, {}, {}, { middle: { extensions: ['basicConstraints=critical,CA:TRUE', ...USUAL] } }),
  },
  {
    name: 'an authority whose basicConstraints are not critical',
    ours: 'accepted',
    special: true,
    differs: STRICT_CONTENT,
    situation: (make) =>
      three(
        make,
        {},
        {},
        { middle: { extensions: ['basicConstraints=CA:TRUE', 'keyUsage=critical,keyCertSign', ...USUAL] } },
      ),
  },
  {
    name: 'any extended key usage',
    ours: 'accepted',
    special: true,
    differs: 'RFC 5280 §4.2.1.12 lets an application take anyExtendedKeyUsage; OpenSSL wants the purpose by its name',
    situation: (make) => two(make, {}, { more: ['extendedKeyUsage=anyExtendedKeyUsage'] }),
  },
  {
    name: 'a key for key agreement only',
    ours: 'refused',
    differs:
      'the key signs CertificateVerify or ServerKeyExchange (RFC 8422 §5); static ECDH, which agreement is for, is not offered',
    situation: (make) => two(make, { keyUsage: ['keyAgreement'] }),
  },
];

/** Names of servers, against `-verify_hostname` and `-verify_ip`. */
interface NameRow {
  readonly name: string;
  readonly commonName: string;
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly more?: readonly string[];
  readonly serverName: string;
  readonly ours: 'accepted' | 'refused';
  readonly differs?: string;
}

const NAME_ROWS: readonly NameRow[] = [
  { name: 'a dNSName', commonName: 'x', dnsNames: ['good.example'], serverName: 'good.example', ours: 'accepted' },
  { name: 'another dNSName', commonName: 'x', dnsNames: ['good.example'], serverName: 'evil.example', ours: 'refused' },
  { name: 'another case', commonName: 'x', dnsNames: ['GOOD.example'], serverName: 'good.EXAMPLE', ours: 'accepted' },
  { name: 'a wildcard', commonName: 'x', dnsNames: ['*.good.example'], serverName: 'a.good.example', ours: 'accepted' },
  {
    name: 'a wildcard for two labels',
    commonName: 'x',
    dnsNames: ['*.good.example'],
    serverName: 'a.b.good.example',
    ours: 'refused',
  },
  {
    name: 'a wildcard for none',
    commonName: 'x',
    dnsNames: ['*.good.example'],
    serverName: 'good.example',
    ours: 'refused',
  },
  {
    name: 'a wildcard over a top level',
    commonName: 'x',
    dnsNames: ['*.example'],
    serverName: 'a.example',
    ours: 'refused',
  },
  {
    name: 'a wildcard in part of a label',
    commonName: 'x',
    dnsNames: ['a*.good.example'],
    serverName: 'ab.good.example',
    ours: 'refused',
    differs: 'RFC 6125 §6.4.3 leaves it to the client, and RFC 9525 §6.3 has since forbidden it',
  },
  { name: 'the CN without subjectAltName', commonName: 'good.example', serverName: 'good.example', ours: 'accepted' },
  {
    name: 'the CN beside a dNSName',
    commonName: 'good.example',
    dnsNames: ['x.example'],
    serverName: 'good.example',
    ours: 'refused',
  },
  {
    name: 'the CN beside an iPAddress',
    commonName: 'good.example',
    ipAddresses: ['192.0.2.1'],
    serverName: 'good.example',
    ours: 'refused',
    differs:
      'RFC 6125 §6.4.4: a certificate that names what it is for in another form is not for its CN; OpenSSL looks for dNSName only',
  },
  {
    name: 'the CN beside a URI',
    commonName: 'good.example',
    more: ['subjectAltName=URI:coaps://x.example'],
    serverName: 'good.example',
    ours: 'refused',
    differs: 'as beside an iPAddress',
  },
  { name: 'an IPv4 address', commonName: 'x', ipAddresses: ['192.0.2.1'], serverName: '192.0.2.1', ours: 'accepted' },
  {
    name: 'an IPv6 address in another spelling',
    commonName: 'x',
    ipAddresses: ['2001:db8::1'],
    serverName: '2001:DB8:0::1',
    ours: 'accepted',
  },
  { name: 'another IP address', commonName: 'x', ipAddresses: ['192.0.2.1'], serverName: '192.0.2.2', ours: 'refused' },
  { name: 'an IP address in the CN', commonName: '192.0.2.1', serverName: '192.0.2.1', ours: 'refused' },
  {
    name: 'an IP address as dNSName',
    commonName: 'x',
    dnsNames: ['192.0.2.1'],
    serverName: '192.0.2.1',
    ours: 'refused',
  },
];

describe(
  'verdicts over certificates, beside those of openssl verify',
  { skip: missingTool('openssl', 'openssl') },
  () => {
    let openssl: OpensslCertificates;
    before(async () => {
      openssl = await OpensslCertificates.create();
    });
    after(() => openssl[Symbol.asyncDispose]());

    const byOpenssl: Make = (wanted, special = {}) => {
      const names = [
        ...(wanted.dnsNames ?? []).map((each) => `DNS:${each}`),
        ...(wanted.ipAddresses ?? []).map((each) => `IP:${each}`),
      ];
      const extensions =
        'extensions' in special
          ? special.extensions
          : [
              ...usual(wanted),
              ...(wanted.purposes === undefined ? [] : [`extendedKeyUsage=${wanted.purposes.join(',')}`]),
              ...(names.length === 0 ? [] : [`subjectAltName=${names.join(',')}`]),
              ...(special.more ?? []),
            ];
      return openssl.issue({
        commonName: wanted.name,
        extensions,
        ...(wanted.issuer === undefined ? {} : { issuer: wanted.issuer }),
        ...(wanted.privateKey === undefined ? {} : { privateKey: wanted.privateKey }),
        ...(wanted.days === undefined ? {} : { days: wanted.days }),
        ...(special.digest === undefined ? {} : { digest: special.digest }),
      });
    };

    const byUs: Make = async (wanted, special = {}) => {
      assert.deepEqual(special, {}, 'the row needs `special: true`');
      const { issuer, name, days, ...rest } = wanted;
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const der = writeCertificate(
        {
          ...rest,
          subject: { commonName: name },
          subjectPublicKeyInfo: new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' })),
          notBefore: NOW,
          notAfter: NOW + (days ?? 30) * DAY,
          issuer:
            issuer === undefined
              ? { privateKey: pair.privateKey }
              : { privateKey: issuer.privateKey, certificate: issuer.der },
        },
        crypto,
      );
      return { der, privateKey: pair.privateKey, certificateFile: '', keyFile: '' };
    };

    async function compare(situation: Situation, ours: Row['ours'], differs: string | undefined): Promise<void> {
      const { purpose = 'sslclient', serverName, unixTime = NOW + DAY } = situation;
      const ders = (all: Situation['chain']): Uint8Array[] => all.map((each) => ('der' in each ? each.der : each));
      const [chain, anchors] = [ders(situation.chain), ders(situation.anchors)];
      const context = { crypto, unixTime };
      const verdict =
        purpose === 'sslclient'
          ? judgeClientCertificate(chain, anchors, context)
          : judgeServerCertificate(
              chain,
              {
                usage: 2,
                certificate: anchors[0]!,
                matchingType: 0,
                trustAnchors: [],
                ...(serverName === undefined ? {} : { serverName }),
              },
              context,
            );
      assert.equal(verdict.kind, ours, verdict.kind === 'refused' ? verdict.text : 'accepted');

      const words = [
        '-x509_strict',
        '-partial_chain',
        '-purpose',
        purpose,
        '-attime',
        String(Math.floor(unixTime / 1000)),
      ];
      if (serverName !== undefined)
        words.push(/^[\d.]+$|:/.test(serverName) ? '-verify_ip' : '-verify_hostname', serverName);
      const theirs = await openssl.verify(chain, anchors, words);
      assert.equal(theirs.accepted, (ours === 'accepted') === (differs === undefined), theirs.text);
    }

    for (const row of ROWS) {
      const expected = `${row.ours}${row.differs === undefined ? '' : ` (OpenSSL decides otherwise: ${row.differs})`}`;
      it(`${row.name}: ${expected}`, async () => compare(await row.situation(byOpenssl), row.ours, row.differs));
      if (row.special !== true) {
        it(`${row.name}, in certificates of ours: ${row.ours}`, async () =>
          compare(await row.situation(byUs), row.ours, row.differs));
      }
    }

    for (const row of NAME_ROWS) {
      const expected = `${row.ours}${row.differs === undefined ? '' : ` (OpenSSL decides otherwise: ${row.differs})`}`;
      it(`${row.serverName} is asked for, and there is ${row.name}: ${expected}`, async () => {
        const { commonName, dnsNames, ipAddresses, serverName } = row;
        const end: Partial<Wanted> = {
          name: commonName,
          ...(dnsNames === undefined ? {} : { dnsNames }),
          ...(ipAddresses === undefined ? {} : { ipAddresses }),
        };
        const situation = await two(byOpenssl, end, row.more === undefined ? {} : { more: row.more });
        await compare({ ...situation, purpose: 'sslserver', serverName }, row.ours, row.differs);
      });
    }
  },
);

function usual({ authority, keyUsage }: Wanted): readonly string[] {
  const lines = authority === undefined ? END : CA;
  return lines.map((line) => {
    if (keyUsage !== undefined && line.startsWith('keyUsage=')) return `keyUsage=critical,${keyUsage.join(',')}`;
    const isConstraints = authority?.pathLength !== undefined && line.startsWith('basicConstraints=');
    return isConstraints ? `${line},pathlen:${authority.pathLength}` : line;
  });
}

async function tooLong(make: Make, rootLength: number | undefined, middleLength?: number): Promise<Situation> {
  const limit = (pathLength: number | undefined): Wanted['authority'] =>
    pathLength === undefined ? {} : { pathLength };
  const top = await make({ name: 'root', authority: limit(rootLength)! });
  const middle = await make({ name: 'middle', issuer: top, authority: limit(middleLength)! });
  const low = await make({ name: 'low', issuer: middle, authority: {} });
  return { chain: [await make({ name: 'sensor', issuer: low }), low, middle], anchors: [top] };
}

async function endEntityIssues(make: Make, wanted: Partial<Wanted> = {}): Promise<Situation> {
  const top = await root(make);
  const end = await make({ name: 'not-ca', issuer: top, ...wanted });
  return { chain: [await make({ name: 'sensor', issuer: end }), end], anchors: [top] };
}
