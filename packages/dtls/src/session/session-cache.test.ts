import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeCrypto } from '@lapwing/transport';
import { ServerSessionCache } from './session-cache.ts';
import type { SessionState } from './session.ts';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 10, 22);
const MASTER = new Uint8Array(48).fill(7);

function cacheOf(maxSessions = 3): ServerSessionCache {
  return new ServerSessionCache({ maxSessions, sessionLifetime: 24 * HOUR }, nodeCrypto);
}

function sessionOf(id: number, change: Partial<SessionState> = {}): SessionState {
  return {
    id: new Uint8Array(32).fill(id),
    ticket: undefined,
    suite: 'TLS_PSK_WITH_AES_128_CCM_8',
    masterSecret: nodeCrypto.importSecret(MASTER),
    extendedMasterSecret: true,
    encryptThenMac: true,
    principal: { kind: 'psk', identity: Uint8Array.of(1, 2, 0, 255) },
    credentialCheck: new Uint8Array(16).fill(5),
    serverName: 'lwm2m.example',
    createdAt: START,
    ...change,
  };
}

describe('the sessions a server remembers (RFC 5246 §7.3)', () => {
  it('are found by their ID until their lifetime is over', () => {
    const cache = cacheOf();
    const session = sessionOf(1);
    cache.keep(session, START);
    assert.equal(cache.find(session.id.slice(), START + 24 * HOUR - 1), session);
    assert.equal(cache.find(session.id, START + 24 * HOUR), undefined);
    assert.equal(cache.size, 0);
  });

  it('are gone too when the clock was set back by more than their lifetime', () => {
    const cache = cacheOf();
    cache.keep(sessionOf(1), START);
    assert.equal(cache.find(sessionOf(1).id, START - 24 * HOUR), undefined);
  });

  it('are at most as many as the parameter says; the least recently used goes', () => {
    const cache = cacheOf(3);
    for (const id of [1, 2, 3]) cache.keep(sessionOf(id), START);
    cache.find(sessionOf(1).id, START);
    cache.keep(sessionOf(4), START);
    assert.equal(cache.size, 3);
    const left = [1, 2, 3, 4].filter((id) => cache.find(sessionOf(id).id, START) !== undefined);
    assert.deepEqual(left, [1, 3, 4]);
  });

  it('are replaced by one of the same ID, without another going for it', () => {
    const cache = cacheOf(2);
    for (const id of [1, 2]) cache.keep(sessionOf(id), START);
    const again = sessionOf(1);
    cache.keep(again, START);
    assert.equal(cache.size, 2);
    assert.equal(cache.find(again.id, START), again);
  });

  it('are forgotten on demand, and one without an ID is not kept', () => {
    const cache = cacheOf();
    cache.keep(sessionOf(1), START);
    cache.keep(sessionOf(2, { id: new Uint8Array(0) }), START);
    cache.forget(sessionOf(1).id);
    assert.equal(cache.size, 0);
  });

  it('whose lifetime is over make room without being asked for', () => {
    const cache = cacheOf(100);
    for (let id = 1; id <= 50; id++) cache.keep(sessionOf(id), START);
    for (let id = 51; id <= 90; id++) {
      cache.keep(sessionOf(id, { createdAt: START + 25 * HOUR }), START + 25 * HOUR);
    }
    assert.equal(cache.size, 40);
  });

  it('are none with a bound of 0', () => {
    const cache = cacheOf(0);
    cache.keep(sessionOf(1), START);
    assert.equal(cache.size, 0);
  });
});

describe('tickets (RFC 5077)', () => {
  it('give back the session without its ID, and with themselves', () => {
    const cache = cacheOf();
    const ticket = cache.sealTicket(sessionOf(1), START);
    const { masterSecret, ...found } = cache.openTicket(ticket, START + HOUR)!;
    const { masterSecret: _, ...session } = sessionOf(1);
    assert.deepEqual(found, { ...session, id: new Uint8Array(0), ticket });
    assert.deepEqual(nodeCrypto.exportSecret(masterSecret), MASTER);
    assert.equal(cache.size, 0);
  });

  it('show nothing of the session, and no two are alike', () => {
    const cache = cacheOf();
    const [a, b] = [cache.sealTicket(sessionOf(1), START), cache.sealTicket(sessionOf(1), START)];
    assert.notDeepEqual(a, b);
    for (const secret of [Buffer.from(MASTER.subarray(0, 8)), Buffer.from('lwm2m')]) {
      assert.equal(Buffer.from(a).includes(secret), false);
    }
  });

  it('open until the lifetime of the session is over, over a change of keys', () => {
    const cache = cacheOf();
    cache.sealTicket(sessionOf(1), START);
    const late = START + 23 * HOUR;
    const ticket = cache.sealTicket(sessionOf(1, { createdAt: late }), late);
    const next = cache.sealTicket(sessionOf(2, { createdAt: START + 25 * HOUR }), START + 25 * HOUR);
    assert.notDeepEqual(next.subarray(0, 9), ticket.subarray(0, 9), 'sealed with another key');
    assert.ok(cache.openTicket(ticket, late + 24 * HOUR - 1) !== undefined);
    assert.equal(cache.openTicket(ticket, late + 24 * HOUR), undefined);
  });

  it('do not open when the session began too long ago, whenever the ticket was made', () => {
    const cache = cacheOf();
    const ticket = cache.sealTicket(sessionOf(1), START + 23 * HOUR);
    assert.equal(cache.openTicket(ticket, START + 24 * HOUR), undefined);
  });

  it('do not open with the key of two changes ago', () => {
    const cache = cacheOf();
    const ticket = cache.sealTicket(sessionOf(1, { createdAt: START + 40 * HOUR }), START);
    assert.equal(cache.openTicket(ticket, START + 48 * HOUR), undefined);
    assert.ok(cache.openTicket(cache.sealTicket(sessionOf(1), START), START) !== undefined);
  });

  it('of another server do not open', () => {
    assert.equal(cacheOf().openTicket(cacheOf().sealTicket(sessionOf(1), START), START), undefined);
  });

  it('with any bit flipped, or cut off anywhere, do not open', () => {
    const cache = cacheOf();
    const ticket = cache.sealTicket(sessionOf(1), START);
    for (let bit = 0; bit < 8 * ticket.length; bit++) {
      const flipped = ticket.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(cache.openTicket(flipped, START), undefined, `bit ${bit}`);
    }
    for (let length = 0; length < ticket.length; length++) {
      assert.equal(cache.openTicket(ticket.subarray(0, length), START), undefined, `${length} bytes`);
    }
  });

  it('are empty where the session is too large for a ClientHello in one datagram (RFC 5077 §3.3)', () => {
    const names = Array.from({ length: 40 }, (_, i) => `device-${i}.factory.example`);
    const principal = {
      kind: 'x509',
      publicKey: new Uint8Array(91),
      commonName: 'device',
      alternativeNames: names,
      fingerprint: new Uint8Array(32),
    } as const;
    assert.equal(cacheOf().sealTicket(sessionOf(1, { principal }), START).length, 0);
    const small = cacheOf();
    const ticket = small.sealTicket(sessionOf(1, { principal: { ...principal, alternativeNames: ['a'] } }), START);
    assert.deepEqual(small.openTicket(ticket, START)?.principal, { ...principal, alternativeNames: ['a'] });
  });
});
