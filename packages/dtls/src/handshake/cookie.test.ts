import assert from 'node:assert/strict';
import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { describe, it } from 'node:test';
import { certificateCrypto } from '../../test/certificate-crypto.ts';
import { toHex } from '../../test/transcripts.ts';
import type { DtlsCrypto } from '../crypto.ts';
import { isMalformed } from '../malformed.ts';
import { CookieExchange } from './cookie.ts';
import { decodeFragment } from './fragment-codec.ts';
import { HANDSHAKE_TYPES } from './handshake-type-table.ts';
import { decodeClientHello, decodeHelloVerifyRequest, encodeClientHello } from './hello-codec.ts';
import type { ClientHello, DecodedClientHello } from './hello-codec.ts';

let compared = 0;
const crypto: DtlsCrypto = {
  ...certificateCrypto,
  equal(a, b) {
    compared++;
    return a.length === b.length && timingSafeEqual(a, b);
  },
  importSecret: (bytes) => createSecretKey(bytes),
  hmac: (name, key, bytes) =>
    new Uint8Array(
      createHmac(name, key as KeyObject)
        .update(bytes)
        .digest(),
    ),
};

const LIFETIME = 60_000;
const FROM = { host: '192.0.2.1', port: 40_000 };
/** A record as it came: epoch 0, sequence 0x050607. */
const RECORD = Uint8Array.of(22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 5, 6, 7, 0, 0);

const HELLO: ClientHello = {
  version: 0xfefd,
  random: new Uint8Array(32).fill(1),
  sessionId: new Uint8Array(0),
  cookie: new Uint8Array(0),
  cipherSuites: [0xc0a8, 0x00ff],
  extensions: { extendedMasterSecret: true },
};

function decoded(part: Partial<ClientHello> = {}): DecodedClientHello {
  const hello = decodeClientHello(encodeClientHello({ ...HELLO, ...part }));
  assert.ok(!isMalformed(hello));
  return hello;
}

function cookieIn(datagram: Uint8Array): Uint8Array {
  const fragment = decodeFragment(datagram.subarray(13), 0);
  assert.ok(!isMalformed(fragment));
  const request = decodeHelloVerifyRequest(fragment.bytes);
  assert.ok(!isMalformed(request));
  return request.cookie;
}

function ask(exchange: CookieExchange, now: number, from = FROM, part: Partial<ClientHello> = {}): Uint8Array {
  return cookieIn(exchange.helloVerifyRequest(now, from, decoded(part), { messageSeq: 0 }, RECORD));
}

describe('the cookie exchange (RFC 6347 §4.2.1)', () => {
  it('accepts the cookie it gave, as often as it comes, and compares in constant time', () => {
    const exchange = new CookieExchange(0, crypto, LIFETIME);
    const cookie = ask(exchange, 10);
    assert.equal(cookie.length, 32);
    compared = 0;
    for (const now of [10, 11, 500]) assert.equal(exchange.isValid(now, FROM, decoded({ cookie })), true);
    assert.equal(compared, 3);
  });

  const OTHER: readonly (readonly [what: string, from: typeof FROM, part: Partial<ClientHello>])[] = [
    ['another IP address', { ...FROM, host: '192.0.2.2' }, {}],
    ['another port', { ...FROM, port: 40_001 }, {}],
    ['a port with another high byte', { ...FROM, port: 40_256 }, {}],
    ['another version', FROM, { version: 0xfeff }],
    ['another random', FROM, { random: new Uint8Array(32).fill(2) }],
    ['another session ID', FROM, { sessionId: Uint8Array.of(1) }],
    ['other cipher suites', FROM, { cipherSuites: [0xc0a8] }],
  ];
  for (const [what, from, part] of OTHER) {
    it(`refuses it from ${what}`, () => {
      const exchange = new CookieExchange(0, crypto, LIFETIME);
      const cookie = ask(exchange, 0);
      assert.equal(exchange.isValid(0, from, decoded({ ...part, cookie })), false);
    });
  }

  it('accepts it with other extensions, which a client may change', () => {
    const exchange = new CookieExchange(0, crypto, LIFETIME);
    const cookie = ask(exchange, 0);
    assert.equal(exchange.isValid(0, FROM, decoded({ cookie, extensions: { encryptThenMac: true } })), true);
  });

  it('refuses none, one that is too short or too long, and one with a bit flipped', () => {
    const exchange = new CookieExchange(0, crypto, LIFETIME);
    const cookie = ask(exchange, 0);
    for (const wrong of [new Uint8Array(0), cookie.subarray(1), Uint8Array.of(...cookie, 0)]) {
      assert.equal(exchange.isValid(0, FROM, decoded({ cookie: wrong })), false);
    }
    for (let bit = 0; bit < 256; bit++) {
      const wrong = cookie.slice();
      wrong[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(exchange.isValid(0, FROM, decoded({ cookie: wrong })), false);
    }
  });

  it('accepts one for a lifetime at least and two at most', () => {
    for (const askedAt of [0, 1, 30_000, 59_999]) {
      for (const { at, valid } of [
        { at: askedAt + LIFETIME, valid: true },
        { at: 119_999, valid: true },
        { at: 120_000, valid: false },
        { at: 1_000_000, valid: false },
      ]) {
        const exchange = new CookieExchange(0, crypto, LIFETIME);
        const cookie = ask(exchange, askedAt);
        assert.equal(exchange.isValid(at, FROM, decoded({ cookie })), valid, `asked at ${askedAt}, shown at ${at}`);
      }
    }
    // Also when the secrets are replaced late, by whatever comes next.
    const exchange = new CookieExchange(0, crypto, LIFETIME);
    const cookie = ask(exchange, 0);
    assert.equal(exchange.isValid(119_000, FROM, decoded({ cookie })), true);
    assert.equal(exchange.isValid(120_000, FROM, decoded({ cookie })), false);
  });

  it('is never accepted by another endpoint: secrets are random', () => {
    const cookie = ask(new CookieExchange(0, crypto, LIFETIME), 0);
    assert.equal(new CookieExchange(0, crypto, LIFETIME).isValid(0, FROM, decoded({ cookie })), false);
  });
});

describe('HelloVerifyRequest (RFC 6347 §4.2.1)', () => {
  it('carries the record sequence and message_seq of the ClientHello, and is one record in epoch 0', () => {
    const exchange = new CookieExchange(0, crypto, LIFETIME);
    const datagram = exchange.helloVerifyRequest(0, FROM, decoded(), { messageSeq: 3 }, RECORD);
    assert.equal(toHex(datagram.subarray(0, 28)), '16feff0000000000050607002f' + '030000230003000000000023' + 'feff20');
    const fragment = decodeFragment(datagram.subarray(13), 0);
    assert.ok(!isMalformed(fragment));
    assert.equal(fragment.type, HANDSHAKE_TYPES.hello_verify_request);
  });

  it('is smaller than the smallest ClientHello there is', () => {
    const exchange = new CookieExchange(0, crypto, LIFETIME);
    const smallest = encodeClientHello({ ...HELLO, cipherSuites: [0xc0a8], extensions: {} });
    const datagram = exchange.helloVerifyRequest(0, FROM, decoded(), { messageSeq: 0 }, RECORD);
    assert.ok(datagram.length <= 13 + 12 + smallest.length);
  });
});
