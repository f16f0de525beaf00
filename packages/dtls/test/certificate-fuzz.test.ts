/**
 * Certificates with bytes changed, inserted, removed and swapped, 20,000 of them from one seed: nothing throws, and what
 * is not the certificate that was issued is never accepted.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { derElement, derSequence } from '../src/x509/der-writer.ts';
import { contextTag } from '../src/x509/der-reader.ts';
import { extendedKeyUsage } from '../src/x509/certificate-writer.ts';
import { judgeClientCertificate, judgeServerCertificate } from '../src/x509/path-validation.ts';
import { readCertificate } from '../src/x509/certificate.ts';
import { isMalformed } from '../src/malformed.ts';
import { certificateCrypto as crypto } from './certificate-crypto.ts';
import { NOW, authority, issue } from './certificates.ts';

const MUTATIONS = 20_000;
const SEED = 0x5090;

/** Mulberry32. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const dns = (text: string): Uint8Array => derElement(contextTag(2), new TextEncoder().encode(text));
const constraints = derSequence(
  derElement(0xa0, derSequence(dns('example')), derSequence(derElement(contextTag(7), new Uint8Array(8)))),
);
const root = authority('root', { more: [{ oid: '2.5.29.30', critical: true, value: constraints }] });
const middle = authority('middle', { issuer: root, authority: { pathLength: 0 } });
const leaf = issue({
  name: 'sensor',
  issuer: middle,
  more: [
    extendedKeyUsage(['clientAuth', 'serverAuth']),
    {
      oid: '2.5.29.17',
      critical: false,
      value: derSequence(dns('a.example'), derElement(contextTag(7), Uint8Array.of(10, 0, 0, 1))),
    },
  ],
});

/** One to three changes of a kind that breaks parsers. */
function mutated(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  let copy = Array.from(bytes);
  for (let changes = 1 + random(3); changes > 0; changes--) {
    const at = random(copy.length);
    switch (random(6)) {
      case 0:
        copy[at] = random(256);
        break;
      case 1:
        copy[at]! ^= 1 << random(8);
        break;
      case 2:
        copy.splice(at, 0, random(256));
        break;
      case 3:
        copy.splice(at, 1 + random(4));
        break;
      case 4:
        copy[at] = [0, 0x7f, 0x80, 0x81, 0x84, 0xff][random(6)]!;
        break;
      case 5: {
        const piece = copy.slice(at, at + random(40));
        copy = [...copy.slice(0, at), ...piece, ...copy.slice(at)];
      }
    }
    if (copy.length === 0) return new Uint8Array(0);
  }
  return Uint8Array.from(copy);
}

it(`${MUTATIONS} changed certificates never throw and are never accepted (seed ${SEED})`, () => {
  const random = seeded(SEED);
  const context = { crypto, unixTime: NOW };
  const policy = {
    usage: 0,
    certificate: middle.der,
    matchingType: 0,
    trustAnchors: [root.der],
    serverName: 'a.example',
  } as const;
  assert.equal(judgeClientCertificate([leaf.der, middle.der], [root.der], context).kind, 'accepted');
  assert.equal(judgeServerCertificate([leaf.der, middle.der], policy, context).kind, 'accepted');

  const reasons = new Map<string, number>();
  let readable = 0;
  for (let round = 0; round < MUTATIONS; round++) {
    const place = random(2);
    const chain = [leaf.der, middle.der];
    const changed = mutated(chain[place]!, random);
    if (Buffer.compare(changed, chain[place]!) === 0) continue;
    chain[place] = changed;
    if (!isMalformed(readCertificate(changed))) readable++;
    const verdict =
      random(2) === 0
        ? judgeClientCertificate(chain, [root.der], context)
        : judgeServerCertificate(chain, policy, context);
    assert.equal(verdict.kind, 'refused', `round ${round}: ${Buffer.from(changed).toString('hex')}`);
    assert.ok(verdict.text.length < 1000, verdict.text);
    assert.doesNotMatch(verdict.text, /[\n\r\0]/);
    reasons.set(verdict.alert, (reasons.get(verdict.alert) ?? 0) + 1);
  }
  // It reached further than the first length byte.
  assert.ok(readable > MUTATIONS / 20, `${readable} were readable`);
  for (const alert of ['bad_certificate', 'unknown_ca', 'unsupported_certificate', 'certificate_expired']) {
    assert.ok(reasons.has(alert), alert);
  }
});
