import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { describe, it } from 'node:test';
import { formatCode } from '@lapwing/coap';
import type { Principal } from '@lapwing/dtls';
import { Admissions, type Admission } from './admission.ts';
import { MemorySecurityStore, type SecurityEntry } from './security-store.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const psk = (endpointClientName: string, identity = endpointClientName): SecurityEntry => ({
  kind: 'psk',
  endpointClientName,
  identity: bytes(identity),
  key: createSecretKey(new Uint8Array(16)),
});
const rpk = (endpointClientName: string): SecurityEntry => ({
  kind: 'rpk',
  endpointClientName,
  publicKey: bytes('key'),
});
const x509 = (endpointClientName: string, fill?: number): SecurityEntry => ({
  kind: 'x509',
  endpointClientName,
  fingerprint: fill === undefined ? undefined : new Uint8Array(32).fill(fill),
});
const certificate = (commonName: string | undefined, ...alternativeNames: string[]): Principal => ({
  kind: 'x509',
  publicKey: bytes('key'),
  commonName,
  alternativeNames,
  fingerprint: new Uint8Array(32).fill(1),
});
const identity = (text: string): Principal => ({ kind: 'psk', identity: bytes(text) });
const key = (text: string): Principal => ({ kind: 'rpk', publicKey: bytes(text) });

const PARAMETERS = { refuseDowngrade: true, acceptUnlistedCertificates: true };

/** "allowed name" or "4.00 reason". */
function verdict(admission: Admission | Promise<Admission>): string {
  assert.ok(!(admission instanceof Promise));
  return admission.kind === 'allowed'
    ? `allowed ${admission.endpointClientName}`
    : `${formatCode(admission.code)} ${admission.reason}`;
}

describe('who may register over coaps as whom', () => {
  const missing = '4.00 ep, the Endpoint Client Name, is missing';
  const rows: readonly (readonly [readonly SecurityEntry[], Principal, string | undefined, string])[] = [
    [[psk('a', 'i')], identity('i'), 'a', 'allowed a'],
    [[psk('a', 'i')], identity('i'), undefined, 'allowed a'],
    [[psk('a', 'i')], identity('i'), 'b', '4.00 identity "i" is known, endpoint "b" is not allowed: it belongs to "a"'],
    [[psk('a', 'i')], identity('I'), 'a', '4.03 identity "I" is not known any more'],
    [[], identity('i'), 'a', '4.03 identity "i" is not known any more'],
    [[rpk('a')], key('key'), 'a', 'allowed a'],
    [[rpk('a')], key('key'), undefined, 'allowed a'],
    [[rpk('a')], key('other'), 'a', '4.03'],
    // A certificate of the same key is no raw public key, and the other way round.
    [
      [rpk('a')],
      certificate('a'),
      'a',
      '4.03 endpoint "a" is not allowed: it proves itself with other credentials than a certificate',
    ],
    [[x509('a')], key('key'), 'a', '4.03'],
    [[x509('a')], certificate('a'), 'a', 'allowed a'],
    [[x509('a', 1)], certificate('a'), 'a', 'allowed a'],
    [[x509('a', 2)], certificate('a'), 'a', '4.03 endpoint "a" is not allowed: another certificate is pinned for it'],
    [[], certificate('a'), 'a', 'allowed a'],
    [[], certificate('a'), undefined, 'allowed a'],
    [[], certificate(undefined, 'a'), undefined, missing],
    [[], certificate(undefined, 'a'), 'a', 'allowed a'],
    [[], certificate('x', 'a', 'urn:imei:1'), 'urn:imei:1', 'allowed urn:imei:1'],
    [[], certificate('a'), 'A', '4.00 the certificate is valid, endpoint "A" is not allowed: it is for "a"'],
    [[], certificate('a'), 'b', '4.00 the certificate is valid, endpoint "b" is not allowed: it is for "a"'],
    [[], certificate(undefined), 'b', '4.00 the certificate is valid, endpoint "b" is not allowed: it is for nobody'],
    [[psk('b')], certificate('a', 'b'), 'b', '4.03'],
    [[], { kind: 'anonymous' }, 'a', '4.03 the client has not proven who it is'],
  ];
  for (const [entries, principal, name, expected] of rows)
    it(`${principal.kind} with ${entries.map(({ kind }) => kind).join() || 'no'} entry as ${name}: ${expected}`, () => {
      const admissions = new Admissions(new MemorySecurityStore(entries), PARAMETERS);
      const found = verdict(admissions.ofSecure(principal, name));
      assert.ok(expected === '4.03' ? found.startsWith(expected) : found === expected, found);
    });

  it('a certificate without an entry is turned away when those are asked for', () => {
    const strict = new Admissions(new MemorySecurityStore(), { ...PARAMETERS, acceptUnlistedCertificates: false });
    assert.match(verdict(strict.ofSecure(certificate('a'), 'a')), /^4\.03 .* no certificate is expected for it$/);
  });
});

describe('who may register over coap as whom', () => {
  const store = new MemorySecurityStore([x509('a')]);
  it('whoever has no credentials and is not registered over coaps', () => {
    const admissions = new Admissions(store, PARAMETERS);
    assert.equal(verdict(admissions.ofPlain('b', undefined)), 'allowed b');
    assert.equal(verdict(admissions.ofPlain('b', { kind: 'none' })), 'allowed b');
    assert.match(verdict(admissions.ofPlain('a', undefined)), /^4\.03/);
    assert.match(verdict(admissions.ofPlain('b', { kind: 'x509', identity: 'b' })), /^4\.03/);
    assert.match(verdict(admissions.ofPlain(undefined, undefined)), /^4\.00/);
  });
  it('everybody, with refuseDowngrade off', () => {
    const admissions = new Admissions(store, { ...PARAMETERS, refuseDowngrade: false });
    assert.equal(verdict(admissions.ofPlain('a', { kind: 'psk', identity: 'a' })), 'allowed a');
  });
});

describe('what a handshake is answered', () => {
  const store = new MemorySecurityStore([psk('a', 'i'), rpk('a'), x509('pinned', 9), psk('other')]);
  const admissions = new Admissions(store, { ...PARAMETERS, acceptUnlistedCertificates: false });
  const from = { host: '10.0.0.2', port: 1 };
  const serverName = undefined;

  it('the key of an identity, or unknown', () => {
    const answer = admissions.answer({ kind: 'psk', from, identity: bytes('i'), serverName });
    assert.ok(!(answer instanceof Promise) && answer.kind === 'key');
    assert.deepEqual(admissions.answer({ kind: 'psk', from, identity: bytes('j'), serverName }), { kind: 'unknown' });
  });
  it('whether a public key or one of the names in a certificate is known', () => {
    for (const [text, kind] of [
      ['key', 'accepted'],
      ['yek', 'unknown'],
    ] as const)
      assert.deepEqual(admissions.answer({ kind: 'rpk', from, publicKey: bytes(text), serverName }), { kind });
    const ask = (principal: Principal): unknown =>
      principal.kind === 'x509' && admissions.answer({ kind: 'x509', from, principal, serverName });
    assert.deepEqual(ask(certificate('pinned')), { kind: 'unknown' });
    assert.deepEqual(ask(certificate('stranger', 'other')), { kind: 'unknown' });
    store.add(x509('listed'));
    assert.deepEqual(ask(certificate('stranger', 'other', 'listed')), { kind: 'accepted' });
    assert.equal(admissions.isKnown(certificate('listed')), true);
    assert.equal(admissions.isKnown(certificate('pinned')), false);
    assert.equal(admissions.isKnown(identity('i')), true);
    assert.equal(admissions.isKnown(identity('j')), false);
    assert.equal(admissions.isKnown(key('key')), true);
  });
});
