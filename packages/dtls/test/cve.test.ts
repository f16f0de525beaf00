/**
 * What other implementations had to learn, as tests of this one: each CVE (or advisory) by its number and its lesson. Those
 * that come down to a negative vector are in `negative-vectors.test.ts` as well, in more detail.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fragmentsOf } from './fragments.ts';
import { nodeCrypto } from '@lapwing/transport';
import type { DtlsCrypto } from '../src/crypto.ts';
import { DtlsEndpoint } from '../src/endpoint.ts';
import { encodeFragment } from '../src/handshake/fragment-codec.ts';
import { HANDSHAKE_TYPES } from '../src/handshake/handshake-type-table.ts';
import { encodeClientHello } from '../src/handshake/hello-codec.ts';
import { isMalformed } from '../src/malformed.ts';
import { CONTENT_TYPES } from '../src/record/content-type-table.ts';
import { encodePlaintextRecord, RecordCursor, writeHeader } from '../src/record/record-header.ts';
import { openSnapshot, sealSnapshot } from '../src/session/snapshot.ts';
import { readCertificate } from '../src/x509/certificate.ts';
import { Fixture, leftovers, NOTHING_LEFT, PSK, X509 } from './endpoint-fixture.ts';
import { NOW } from './handshake-pair.ts';
import { certificate, CLIENTS, EVERYTHING, keyPair, rootCertificate, serverPair } from './machine-credentials.ts';
import { CLIENT_PROOFS, ClientMeeting, OTHER, PEER, ServerMeeting } from './scripted-meeting.ts';
import type { ClientMessage } from './scripted-client.ts';
import { seededRandom } from './seeded.ts';
import { fromHex, NEGATIVE_VECTORS } from './transcripts.ts';

const REST_OF_A_CERTIFICATE_HANDSHAKE = [
  'certificate',
  'client_key_exchange',
  'certificate_verify',
  'change_cipher_spec',
  'finished',
] as const;

const negative = (id: string): Uint8Array => fromHex(NEGATIVE_VECTORS.find((each) => each.id === id)!.datagram!);

function forged(contentType: number, epoch: number, sequence: number, length: number): Uint8Array {
  const record = new Uint8Array(13 + length).fill(5);
  writeHeader(record, contentType, epoch, sequence, undefined);
  return record;
}

function plainHandshake(meeting: ServerMeeting, content: Uint8Array): Uint8Array {
  return meeting.peer.wire.plain(CONTENT_TYPES.handshake, content);
}

/** Handshake numbers and sequence numbers of the protected records in datagrams of an endpoint without Connection IDs. */
function protectedSequences(datagrams: readonly Uint8Array[]): readonly { sequence: number; nonce: string }[] {
  const cursor = new RecordCursor();
  const found: { sequence: number; nonce: string }[] = [];
  for (const datagram of datagrams) {
    cursor.enter(datagram, 0);
    while (cursor.next()) {
      if (cursor.epoch === 0) continue;
      found.push({ sequence: cursor.sequence, nonce: Buffer.from(cursor.fragment().subarray(0, 8)).toString('hex') });
    }
  }
  return found;
}

describe('Californium', () => {
  it('CVE-2022-39368: failed handshakes of every kind give back what they took', () => {
    const fixture = new ServerMeeting({ kind: 'psk', parameters: { maxHandshakes: 2, maxHandshakesPerHost: 2 } });
    for (let round = 0; round < 10; round++) {
      const failing: readonly (readonly ClientMessage[])[] = [
        ['client_key_exchange', 'change_cipher_spec', 'wrong_finished'],
        ['certificate'],
        ['client_key_exchange'],
        [],
      ];
      for (const messages of failing) {
        fixture.greet();
        fixture.send(...messages);
        fixture.pass(600_000);
        fixture.peer.forget();
        assert.deepEqual(leftovers(fixture), NOTHING_LEFT);
      }
    }
    assert.equal(fixture.refusals.length, 40);
    fixture.open();
  });

  it('CVE-2022-2576: a resumption that cannot be is no way around the cookie', () => {
    const meeting = new ServerMeeting({ kind: 'rpk' });
    meeting.prepare('client_hello');
    const body = encodeClientHello({ ...meeting.peer.hello(new Uint8Array(0)), sessionId: new Uint8Array(32).fill(3) });
    const message = { type: HANDSHAKE_TYPES.client_hello, messageSeq: 0, body };
    assert.deepEqual(meeting.sendBytes(plainHandshake(meeting, encodeFragment(message, 0, body.length))), [
      'hello_verify_request',
    ]);
    assert.deepEqual(leftovers(meeting), NOTHING_LEFT);
  });

  it('CVE-2021-34433: a certificate without the proof of its key authenticates nobody', () => {
    for (const kind of ['rpk', 'x509'] as const) {
      const proof = { ...CLIENT_PROOFS[kind], privateKey: keyPair().privateKey } as (typeof CLIENT_PROOFS)[typeof kind];
      const meeting = new ServerMeeting({ kind, proof }).greet();
      meeting.send(...REST_OF_A_CERTIFICATE_HANDSHAKE, 'application_data');
      assert.deepEqual(meeting.refusals, ['bad-signature']);
      meeting.assertNothingCameOfIt();
    }
  });

  it('CVE-2020-27222: a failed verification neither sticks nor helps the next handshake', () => {
    const meeting = new ServerMeeting({ kind: 'rpk' });
    for (let round = 0; round < 3; round++) {
      meeting.greet().send('certificate', 'client_key_exchange', 'client_key_exchange');
      meeting.peer.forget();
      meeting.greet().send('client_key_exchange', 'change_cipher_spec', 'finished');
      meeting.peer.forget();
    }
    assert.equal(meeting.refusals.length, 6);
    assert.deepEqual(meeting.opened, []);
    meeting.greet().send(...REST_OF_A_CERTIFICATE_HANDSHAKE);
    assert.equal(meeting.opened.length, 1);
  });
});

describe('pion', () => {
  it('CVE-2019-20786: application data of epoch 0 never reaches the application, on either side', () => {
    const server = new ServerMeeting({ kind: 'psk' });
    const client = new ClientMeeting({ kind: 'psk' });
    const plain = encodePlaintextRecord(CONTENT_TYPES.applicationData, 77, new TextEncoder().encode('hello'));
    for (const meeting of [server, client]) meeting.sendBytes(plain);
    server.greet();
    client.greet();
    for (const meeting of [server, client]) meeting.sendBytes(plain);
    server.send('client_key_exchange', 'change_cipher_spec', 'finished');
    client.send('server_hello_done', 'change_cipher_spec', 'finished');
    for (const meeting of [server, client]) {
      meeting.sendBytes(plain);
      assert.equal(meeting.opened.length, 1);
      assert.deepEqual(meeting.delivered, []);
    }
  });

  it('CVE-2022-29189: what is kept of a handshake has a bound, whatever arrives', () => {
    const meeting = new ServerMeeting({ kind: 'rpk' }).greet();
    const random = seededRandom(1);
    const { nextSeq } = meeting.peer.current!;
    for (let i = 0; i < 5_000; i++) {
      const body = new Uint8Array(1 + random.integer(9_000));
      const message = { type: random.integer(30), messageSeq: nextSeq + 1 + random.integer(40), body };
      const offset = random.integer(body.length);
      const length = Math.min(body.length - offset, 1 + random.integer(1_000));
      meeting.arrive(plainHandshake(meeting, encodeFragment(message, offset, length)));
      meeting.arrive(forged(CONTENT_TYPES.handshake, 1, i, 1 + random.integer(1_000)));
    }
    const { fragmentBytes, deferredBytes } = meeting.endpoint.usage;
    assert.ok(fragmentBytes <= 2 * 8_192, `${fragmentBytes}`);
    assert.ok(deferredBytes <= 8_192, `${deferredBytes}`);
    meeting.assertNothingCameOfIt();
  });

  it('CVE-2022-29190: a record of nothing but headers is read once and to its end', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).greet();
    meeting.sendBytes(plainHandshake(meeting, new Uint8Array(12 * 1_000)));
    meeting.sendBytes(plainHandshake(meeting, new Uint8Array(0)));
    const manyRecords = new Uint8Array(13 * 1_000);
    for (let at = 0; at < manyRecords.length; at += 13) manyRecords.set([22, 0xfe, 0xfd], at);
    meeting.sendBytes(manyRecords);
    assert.ok(meeting.dropped['malformed-fragment']! >= 1_000);
    meeting.send('client_key_exchange', 'change_cipher_spec', 'finished');
    assert.equal(meeting.opened.length, 1);
  });

  it('CVE-2022-29222: the certificate of another, without its private key, opens nothing', () => {
    const thief = keyPair();
    for (const kind of ['rpk', 'x509'] as const) {
      const proof = { ...CLIENT_PROOFS[kind], privateKey: thief.privateKey } as (typeof CLIENT_PROOFS)[typeof kind];
      const meeting = new ServerMeeting({ kind, proof }).greet();
      meeting.send('certificate', 'client_key_exchange', 'change_cipher_spec', 'finished', 'certificate_verify');
      meeting.assertNothingCameOfIt();
    }
  });

  it('GO-2026-4479: the explicit nonce is epoch and sequence number, and comes once', () => {
    const meeting = new ServerMeeting({ kind: 'psk', suite: 'TLS_PSK_WITH_AES_128_GCM_SHA256' }).open();
    for (let i = 0; i < 300; i++) meeting.endpoint.send(0, meeting.opened[0]!, Uint8Array.of(i), meeting);
    const seen = protectedSequences(meeting.sent);
    assert.equal(seen.length, 300);
    for (const { sequence, nonce } of seen) assert.equal(nonce, `0001${sequence.toString(16).padStart(12, '0')}`);
    assert.equal(new Set(seen.map(({ nonce }) => nonce)).size, 300);
  });
});

describe('tinydtls', () => {
  it('CVE-2017-7243: a ChangeCipherSpec as first datagram crashes nothing', () => {
    const meeting = new ServerMeeting({ kind: 'psk' });
    assert.deepEqual(meeting.sendBytes(negative('N3')), []);
    meeting.open();
  });

  it('CVE-2021-34430: every random byte comes from the injected source', () => {
    const drawn: string[] = [];
    const crypto: DtlsCrypto = {
      ...nodeCrypto,
      randomBytes(length) {
        const bytes = nodeCrypto.randomBytes(length);
        drawn.push(Buffer.from(bytes).toString('hex'));
        return bytes;
      },
    };
    const sent: Uint8Array[] = [];
    const endpoint = new DtlsEndpoint({ crypto, unixTime: () => NOW });
    const out = { transmit: (_to: unknown, bytes: Uint8Array) => void sent.push(bytes), deliver() {}, emit() {} };
    endpoint.connect(0, PEER, PSK, out);
    const random = Buffer.from(sent[0]!.subarray(27, 59)).toString('hex');
    assert.ok(drawn.includes(random));
  });

  it('CVE-2021-42141: a ClientHello in epoch 1 is none, and no epoch but the two is read', () => {
    const meeting = new ServerMeeting({ kind: 'psk' });
    assert.deepEqual(meeting.sendBytes(negative('N4')), []);
    meeting.greet();
    const { datagram } = meeting.prepare('client_key_exchange');
    for (const epoch of [1, 2, 0xffff]) {
      const wrong = datagram.slice();
      wrong.set([epoch >> 8, epoch & 0xff], 3);
      assert.deepEqual(meeting.sendBytes(wrong), []);
    }
    assert.deepEqual(meeting.opened, []);
    meeting.send('client_key_exchange', 'change_cipher_spec', 'finished');
    assert.equal(meeting.opened.length, 1);
  });

  it('CVE-2021-42142: a large epoch early on does not shut out the true ones', () => {
    const meeting = new ServerMeeting({ kind: 'psk' });
    const flood = (): void => {
      for (const epoch of [2, 3, 0x7fff, 0xffff]) {
        for (const contentType of [20, 21, 22, 23]) {
          assert.deepEqual(meeting.sendBytes(forged(contentType, epoch, 2 ** 48 - 1, 40)), []);
        }
      }
    };
    flood();
    meeting.greet();
    flood();
    meeting.send('client_key_exchange', 'change_cipher_spec', 'finished');
    flood();
    assert.equal(meeting.dropped['unknown-epoch'], 48);
    meeting.peer.establish();
    meeting.assertOpen();
  });

  it('CVE-2021-42143: an odd length of cipher suites ends in a count, not in a loop', () => {
    const meeting = new ServerMeeting({ kind: 'psk' });
    assert.deepEqual(meeting.sendBytes(negative('N2')), []);
    assert.equal(meeting.dropped['malformed-hello'], 1);
    assert.deepEqual(leftovers(meeting), NOTHING_LEFT);
  });

  it('CVE-2021-42146: records of an association are nothing to the one that took its place', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).open();
    const captured = [0, 1, 2].map(() => meeting.prepare('application_data').datagram);
    meeting.sendBytes(captured[0]!);
    assert.equal(meeting.delivered.length, 1);
    meeting.greet().send('client_key_exchange', 'change_cipher_spec', 'finished');
    meeting.peer.establish();
    for (const record of captured) assert.deepEqual(meeting.sendBytes(record), []);
    assert.equal(meeting.delivered.length, 1);
    assert.equal(meeting.dropped['forged'], 3);
    meeting.assertOpen();
  });
});

describe('Mbed TLS', () => {
  it('CVE-2022-46393: Connection IDs of every length are taken whole, and a record that ends within one is dropped', () => {
    for (const length of [0, 1, 32, 254, 255]) {
      const connectionId = new Uint8Array(length).fill(9);
      const extensions = { extendedMasterSecret: true as const, connectionId };
      const meeting = new ServerMeeting({ kind: 'psk', extensions, parameters: { connectionIdLength: 6 } }).open();
      assert.deepEqual(meeting.opened[0]!.remoteConnectionId, connectionId);
      const { datagram } = meeting.prepare('application_data');
      for (let end = 1; end < datagram.length; end++) {
        assert.deepEqual(meeting.sendBytes(datagram.subarray(0, end)), []);
      }
      assert.deepEqual(meeting.delivered, []);
      meeting.assertOpen();
    }
  });

  it('CVE-2022-35409: a ClientHello cut short, from the address of an open association, is not read beyond its end', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).open();
    const { datagram } = meeting.prepare('client_hello');
    const body = datagram.subarray(25);
    for (let length = 0; length < body.length; length++) {
      const message = { type: HANDSHAKE_TYPES.client_hello, messageSeq: 0, body: body.subarray(0, length) };
      meeting.arrive(plainHandshake(meeting, encodeFragment(message, 0, length)));
    }
    meeting.sent.length = 0;
    assert.equal(meeting.endpoint.usage.handshakes, 0);
    meeting.assertOpen();
  });

  it('CVE-2025-27809: a client that names its server takes no certificate for another name', () => {
    const server = { ...CLIENTS.x509.server, serverName: 'other.example' };
    const connect = { credentials: { ...CLIENTS.x509, server } };
    const meeting = new ClientMeeting({ kind: 'x509', connect });
    meeting.send('hello_verify_request', 'server_hello', 'certificate');
    assert.deepEqual(meeting.refusals, ['certificate']);
    meeting.assertNothingCameOfIt();
  });

  it('CVE-2025-27810: a Finished is compared with one that was computed, of that handshake, whole', () => {
    const server = new ServerMeeting({ kind: 'psk' }).greet();
    server.send('client_key_exchange', 'change_cipher_spec', 'wrong_finished', 'application_data');
    server.assertNothingCameOfIt();
    const client = new ClientMeeting({ kind: 'psk' }).greet();
    client.send('server_hello_done', 'change_cipher_spec', 'wrong_finished', 'application_data');
    client.assertNothingCameOfIt();
  });

  it('CVE-2026-34877: a snapshot with any bit changed is refused', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).open();
    const state = meeting.endpoint.exportAssociation(0, meeting.opened[0]!, 'move');
    const key = nodeCrypto.importSecret(new Uint8Array(32).fill(4));
    const sealed = sealSnapshot([state], key, nodeCrypto, { createdAt: NOW });
    assert.ok(!isMalformed(openSnapshot(sealed, key, nodeCrypto)));
    for (let bit = 0; bit < 8 * sealed.length; bit += 3) {
      sealed[bit >> 3]! ^= 1 << (bit & 7);
      assert.ok(isMalformed(openSnapshot(sealed, key, nodeCrypto)), `bit ${bit}`);
      sealed[bit >> 3]! ^= 1 << (bit & 7);
    }
  });

  it('4.1.1, Extended Master Secret: a peer without it is refused where it is required', () => {
    const parameters = { requireExtendedMasterSecret: true };
    const server = new ServerMeeting({ kind: 'psk', parameters, extensions: { extendedMasterSecret: undefined } });
    server.greet();
    assert.deepEqual(server.refusals, ['no-extended-master-secret']);
    server.assertNothingCameOfIt();
    const client = new ClientMeeting({ kind: 'psk', parameters, extensions: { extendedMasterSecret: undefined } });
    client.send('hello_verify_request', 'server_hello');
    assert.deepEqual(client.refusals, ['no-extended-master-secret']);
    client.assertNothingCameOfIt();
  });

  it('4.1.1, CA bit: basicConstraints with a cA that is no DER BOOLEAN make no authority', () => {
    const at = Buffer.from(rootCertificate).indexOf('551d13', 'hex');
    const value = Buffer.from(rootCertificate).indexOf('0101ff', at + 6, 'hex');
    assert.ok(
      at > 0 &&
        Buffer.from(rootCertificate)
          .subarray(value, value + 3)
          .toString('hex') === '0101ff',
    );
    // The BOOLEAN before it is `critical`; the last one is `cA`.
    const last = Buffer.from(rootCertificate).lastIndexOf('0101ff', undefined, 'hex');
    const changed = rootCertificate.slice();
    changed[last + 2] = 1;
    assert.ok(isMalformed(readCertificate(changed)));
  });

  it('4.1.1, session reset: nothing of a handshake that failed is in the next', () => {
    const meeting = new ServerMeeting({ kind: 'rpk' }).greet();
    meeting.send('certificate', 'client_key_exchange', 'certificate');
    assert.deepEqual(meeting.refusals, ['unexpected-message']);
    meeting.peer.forget();
    meeting.greet();
    assert.deepEqual(meeting.send('certificate_verify'), ['alert 10']);
    meeting.peer.forget();
    meeting.greet().send(...REST_OF_A_CERTIFICATE_HANDSHAKE);
    assert.equal(meeting.opened.length, 1);
  });

  it('CVE-2018-0497 (Lucky 13): wrong padding, wrong MAC and short records of the CBC suites look the same from outside', () => {
    for (const encryptThenMac of [true, undefined] as const) {
      const suite = 'TLS_PSK_WITH_AES_128_CBC_SHA256';
      const extensions = { extendedMasterSecret: true as const, encryptThenMac };
      const parameters = { cipherSuites: [suite] as const };
      const meeting = new ServerMeeting({ kind: 'psk', suite, extensions, parameters }).open();
      for (let at = 13; at < 13 + 64; at++) {
        const { datagram } = meeting.prepare('application_data');
        datagram[at]! ^= 0x40;
        assert.deepEqual(meeting.sendBytes(datagram), []);
      }
      assert.deepEqual(Object.keys(meeting.dropped), ['forged']);
      assert.deepEqual(meeting.delivered, []);
      meeting.assertOpen();
    }
  });
});

describe('GnuTLS', () => {
  it('CVE-2026-33845: a fragment without bytes is dropped', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).greet();
    const { nextSeq } = meeting.peer.current!;
    meeting.sendBytes(plainHandshake(meeting, Uint8Array.of(16, 0, 0, 9, 0, nextSeq, 0, 0, 9, 0, 0, 0)));
    assert.equal(meeting.dropped['malformed-fragment'], 1);
    meeting.send('client_key_exchange', 'change_cipher_spec', 'finished');
    assert.equal(meeting.opened.length, 1);
  });

  it('CVE-2026-33846: fragments that disagree on the length of their message are not put together', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).greet();
    const { nextSeq: messageSeq } = meeting.peer.current!;
    const part = (length: number, offset: number): Uint8Array =>
      encodeFragment(
        { type: HANDSHAKE_TYPES.client_key_exchange, messageSeq, body: new Uint8Array(length) },
        offset,
        4,
      );
    meeting.sendBytes(plainHandshake(meeting, part(8, 0)));
    meeting.sendBytes(plainHandshake(meeting, part(4_000, 3_996)));
    assert.equal(meeting.dropped['conflicting-fragment'], 1);
    assert.equal(meeting.endpoint.usage.fragmentBytes, 4);
    meeting.assertNothingCameOfIt();
  });

  it('CVE-2026-42009: duplicates in any order are taken once', () => {
    const meeting = new ServerMeeting({ kind: 'rpk' }).greet();
    for (const name of REST_OF_A_CERTIFICATE_HANDSHAKE) {
      const prepared = meeting.prepare(name);
      for (let copy = 0; copy < 3; copy++) meeting.arrive(prepared.datagram);
      prepared.commit();
      meeting.read();
    }
    assert.equal(meeting.opened.length, 1);
    meeting.peer.establish();
    const records = Array.from({ length: 20 }, () => meeting.prepare('application_data').datagram);
    for (const record of [...records.toReversed(), ...records]) meeting.arrive(record);
    assert.equal(meeting.delivered.length, 20);
    assert.equal(meeting.dropped['replayed']! >= 20, true);
  });

  it('CVE-2026-42012: a Common Name stands for no server whose certificate has alternative names', () => {
    const fixture = new Fixture({
      credentials: {
        ...EVERYTHING,
        certificate: {
          chain: [certificate('lwm2m.example', serverPair, { dnsNames: ['other.example'] })],
          privateKey: serverPair.privateKey,
        },
      },
    });
    fixture.connect(fixture.client, X509);
    fixture.network.run(1_000);
    assert.deepEqual(fixture.client.of('refused')[0]?.refusal.reason, 'certificate');
    assert.deepEqual(fixture.client.of('opened'), []);
  });

  it('CVE-2026-42013: nor where an alternative name merely begins or ends like it', () => {
    for (const dnsName of ['lwm2m.example.org', 'not-lwm2m.example', 'lwm2m.exampl', '*.lwm2m.example']) {
      const fixture = new Fixture({
        credentials: {
          ...EVERYTHING,
          certificate: {
            chain: [certificate('lwm2m.example', serverPair, { dnsNames: [dnsName] })],
            privateKey: serverPair.privateKey,
          },
        },
      });
      fixture.connect(fixture.client, X509);
      fixture.network.run(1_000);
      assert.deepEqual(fixture.client.of('opened'), [], dnsName);
    }
  });
});

describe('OpenSSL', () => {
  it('CVE-2009-1377: records of an epoch to come are kept to a bound', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).greet();
    for (let i = 0; i < 1_000; i++) meeting.arrive(forged(CONTENT_TYPES.applicationData, 1, i, 500));
    assert.ok(meeting.endpoint.usage.deferredBytes <= 8_192);
    assert.ok(meeting.dropped['deferred-full']! >= 980);
    meeting.assertNothingCameOfIt();
  });

  it('CVE-2009-1378: handshake messages that come twice, or far too early, are kept to a bound', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).greet();
    for (let i = 0; i < 1_000; i++) {
      const message = { type: HANDSHAKE_TYPES.certificate, messageSeq: 4 + (i % 500), body: new Uint8Array(700) };
      meeting.arrive(plainHandshake(meeting, encodeFragment(message, 0, 700)));
    }
    assert.ok(meeting.endpoint.usage.fragmentBytes <= 8_192);
    meeting.assertNothingCameOfIt();
  });

  it('CVE-2009-1379: a fragment of a server that ends beyond its message is dropped', () => {
    const meeting = new ClientMeeting({ kind: 'rpk' });
    meeting.send('hello_verify_request', 'server_hello');
    const { nextSeq } = meeting.peer.exchange;
    const beyond = Uint8Array.of(11, 0, 0, 4, 0, nextSeq, 0, 0, 2, 0, 0, 4, 1, 2, 3, 4);
    meeting.sendBytes(meeting.peer.wire.plain(CONTENT_TYPES.handshake, beyond));
    assert.equal(meeting.dropped['malformed-fragment'], 1);
    meeting.send('certificate', 'server_key_exchange', 'server_hello_done', 'change_cipher_spec', 'finished');
    assert.equal(meeting.opened.length, 1);
  });

  it('CVE-2009-1386: a ChangeCipherSpec before the ClientHello crashes nothing', () => {
    const meeting = new ServerMeeting({ kind: 'rpk' });
    meeting.send('change_cipher_spec');
    meeting.open();
  });

  it('CVE-2009-1387: messages with a gap before them wait for it', () => {
    const meeting = new ServerMeeting({ kind: 'rpk' }).greet();
    const prepared = REST_OF_A_CERTIFICATE_HANDSHAKE.slice(0, 3).map((name) => {
      const each = meeting.prepare(name);
      each.commit();
      return each;
    });
    for (const { datagram } of prepared.toReversed()) meeting.arrive(datagram);
    meeting.send('change_cipher_spec', 'finished');
    assert.equal(meeting.opened.length, 1);
  });

  it('CVE-2011-4108: neither alert nor counter tells a wrong padding from a wrong MAC', () => {
    const suite = 'TLS_PSK_WITH_AES_128_CBC_SHA256';
    const parameters = { cipherSuites: [suite] as const };
    const meeting = new ServerMeeting({ kind: 'psk', suite, parameters }).open();
    const outcomes = new Set<string>();
    for (let byte = 0; byte < 90; byte++) {
      const { datagram } = meeting.prepare('application_data');
      const before = JSON.stringify(meeting.dropped);
      datagram[datagram.length - 1 - (byte % 64)]! ^= 1 + byte;
      outcomes.add(JSON.stringify(meeting.sendBytes(datagram)));
      assert.notEqual(JSON.stringify(meeting.dropped), before);
    }
    assert.deepEqual([...outcomes], ['[]']);
    assert.deepEqual(Object.keys(meeting.dropped), ['forged']);
  });

  it('CVE-2013-6450: a repeated flight goes out in the epochs it was made in, and can be read', () => {
    const meeting = new ClientMeeting({ kind: 'psk' }).greet();
    const flight = ['client_key_exchange', 'change_cipher_spec', 'finished'];
    assert.deepEqual(meeting.send('server_hello_done'), flight);
    for (let repetition = 0; repetition < 3; repetition++) {
      meeting.now = meeting.endpoint.nextDeadline();
      meeting.endpoint.handleTimeout(meeting.now, meeting);
      const repeated = meeting.sent.splice(0);
      const epochs = repeated.flatMap((datagram) => {
        const cursor = new RecordCursor();
        cursor.enter(datagram, 0);
        const found: number[] = [];
        while (cursor.next()) found.push(cursor.epoch);
        return found;
      });
      assert.deepEqual(epochs, [0, 0, 1]);
    }
    meeting.send('change_cipher_spec', 'finished');
    assert.equal(meeting.opened.length, 1);
  });

  it('CVE-2014-3507: fragments without bytes leave nothing behind', () => {
    const meeting = new ServerMeeting({ kind: 'rpk' }).greet();
    const { nextSeq } = meeting.peer.current!;
    for (let i = 0; i < 1_000; i++) {
      const fragment = Uint8Array.of(11, 0, 1, 0, 0, nextSeq + (i % 8), 0, 0, i % 200, 0, 0, 0);
      meeting.arrive(plainHandshake(meeting, fragment));
    }
    assert.equal(meeting.endpoint.usage.fragmentBytes, 0);
    meeting.assertNothingCameOfIt();
  });

  it('CVE-2014-8176: application data between ChangeCipherSpec and Finished waits for the Finished, or goes with the handshake', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).greet();
    meeting.send('client_key_exchange', 'change_cipher_spec', 'application_data');
    assert.deepEqual(meeting.delivered, []);
    meeting.send('finished');
    assert.equal(meeting.delivered.length, 1);
    const failing = new ServerMeeting({ kind: 'psk' }).greet();
    failing.send('client_key_exchange', 'change_cipher_spec', 'application_data', 'wrong_finished');
    assert.deepEqual(failing.refusals, ['bad-key-exchange']);
    failing.assertNothingCameOfIt();
  });

  it('CVE-2016-2179: messages that were kept are gone when the handshake is complete', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).greet();
    for (let i = 0; i < 5; i++) {
      const message = { type: HANDSHAKE_TYPES.certificate, messageSeq: 5 + i, body: new Uint8Array(900) };
      meeting.arrive(plainHandshake(meeting, encodeFragment(message, 0, 900)));
    }
    assert.equal(meeting.endpoint.usage.fragmentBytes, 4_500);
    meeting.send('client_key_exchange', 'change_cipher_spec', 'finished');
    assert.equal(meeting.opened.length, 1);
    assert.equal(meeting.endpoint.usage.fragmentBytes, 0);
  });

  it('CVE-2016-2181: a record that does not authenticate moves no window', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).open();
    meeting.sendBytes(forged(CONTENT_TYPES.applicationData, 1, 2 ** 48 - 1, 64));
    meeting.assertOpen();
  });

  it('CVE-2016-6308: a declared length allocates nothing', () => {
    const meeting = new ServerMeeting({ kind: 'rpk' }).greet();
    const { nextSeq } = meeting.peer.current!;
    meeting.sendBytes(plainHandshake(meeting, Uint8Array.of(11, 0xff, 0xff, 0xff, 0, nextSeq, 0, 0, 0, 0, 0, 1, 0)));
    meeting.sendBytes(plainHandshake(meeting, Uint8Array.of(11, 0, 0x20, 0, 0, nextSeq, 0, 0, 0, 0, 0, 1, 0)));
    assert.equal(meeting.dropped['message-too-long'], 1);
    assert.equal(meeting.endpoint.usage.fragmentBytes, 1);
    meeting.assertNothingCameOfIt();
  });

  it('CVE-2026-75806: a record shorter than nonce and tag ends nothing', () => {
    for (const suite of [
      'TLS_PSK_WITH_AES_128_CCM_8',
      'TLS_PSK_WITH_AES_128_GCM_SHA256',
      'TLS_PSK_WITH_AES_128_CBC_SHA256',
    ] as const) {
      const meeting = new ServerMeeting({ kind: 'psk', suite, parameters: { cipherSuites: [suite] } }).open();
      for (let length = 0; length < 64; length++) {
        for (const contentType of [20, 21, 22, 23]) {
          assert.deepEqual(meeting.sendBytes(forged(contentType, 1, 500 + length, length)), []);
        }
        meeting.now += 1_000;
      }
      meeting.assertOpen();
    }
  });
});

describe('Bouncy Castle', () => {
  for (const [cve, fragmentBytes] of [
    ['CVE-2026-59646', 0],
    ['CVE-2026-63566', 1],
  ] as const) {
    it(`${cve}: sixteen messages that declare 16 MB each, with ${fragmentBytes} bytes, in one datagram, hold nothing`, () => {
      const meeting = new ServerMeeting({ kind: 'rpk' }).greet();
      const { nextSeq } = meeting.peer.current!;
      const content = Array.from({ length: 16 }, (_, i) => [
        ...[11, 0xff, 0xff, 0xff, 0, nextSeq + i, 0, 0, 0, 0, 0, fragmentBytes],
        ...new Array<number>(fragmentBytes).fill(0),
      ]).flat();
      meeting.sendBytes(plainHandshake(meeting, Uint8Array.from(content)));
      assert.equal(meeting.endpoint.usage.fragmentBytes, 0);
      meeting.assertNothingCameOfIt();
    });
  }
});

describe('wolfSSL', () => {
  it('CVE-2015-6925: ClientHellos without a cookie cost no memory, however many', () => {
    const meeting = new ServerMeeting({ kind: 'psk' });
    for (let port = 1; port <= 3_000; port++) {
      meeting.arrive(meeting.prepare('client_hello').datagram, { host: '203.0.113.1', port });
      meeting.sent.length = 0;
    }
    assert.equal(meeting.endpoint.counters.helloVerifyRequests, 3_000);
    assert.equal(meeting.endpoint.nextDeadline(), Infinity);
    assert.deepEqual(leftovers(meeting), NOTHING_LEFT);
    meeting.open();
  });

  it('CVE-2020-24585: no application data before the handshake is complete, for a client neither', () => {
    const meeting = new ClientMeeting({ kind: 'psk' }).greet();
    meeting.send('application_data', 'server_hello_done', 'application_data', 'change_cipher_spec', 'application_data');
    assert.deepEqual(meeting.delivered, []);
    meeting.send('finished');
    // What was protected was kept for this moment; what was not is gone.
    assert.equal(meeting.delivered.length, 2);
    assert.equal(meeting.dropped['plaintext-application-data'], 1);
  });

  it('CVE-2023-6937: no message is put together over a change of keys', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).greet();
    meeting.send('client_key_exchange');
    const current = meeting.peer.current!;
    const message = { type: HANDSHAKE_TYPES.finished, messageSeq: current.nextSeq, body: current.verifyData() };
    const [first, second] = fragmentsOf(message, 18);
    meeting.sendBytes(plainHandshake(meeting, first!));
    meeting.send('change_cipher_spec');
    meeting.sendBytes(meeting.peer.wire.sealed(current, CONTENT_TYPES.handshake, second!));
    assert.deepEqual(meeting.opened, []);
    // The first part again, under the keys, and it is complete.
    meeting.sendBytes(meeting.peer.wire.sealed(current, CONTENT_TYPES.handshake, first!));
    assert.equal(meeting.opened.length, 1);
  });

  it('CVE-2026-5446: no sequence number is used twice, through repeated flights and a move to another endpoint', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).greet();
    const sent: Uint8Array[] = [];
    meeting.send('client_key_exchange', 'change_cipher_spec');
    const finished = meeting.prepare('finished');
    const repeat = (): void => {
      meeting.arrive(finished.datagram);
      sent.push(...meeting.sent.splice(0));
    };
    repeat();
    meeting.now += 10_000;
    const established = meeting.peer.current!;
    const seq = finished.messageSeq!;
    const body = established.verifyData();
    const again = encodeFragment({ type: HANDSHAKE_TYPES.finished, messageSeq: seq, body }, 0, body.length);
    for (let copy = 0; copy < 3; copy++) {
      meeting.arrive(meeting.peer.wire.sealed(established, CONTENT_TYPES.handshake, again));
      meeting.now += 10_000;
    }
    sent.push(...meeting.sent.splice(0));
    assert.equal(meeting.endpoint.counters.flightsRetransmitted, 3);
    for (let i = 0; i < 50; i++) meeting.endpoint.send(meeting.now, meeting.opened[0]!, Uint8Array.of(i), meeting);
    sent.push(...meeting.sent.splice(0));
    const state = meeting.endpoint.exportAssociation(meeting.now, meeting.opened[0]!, 'move');
    const next = new ServerMeeting({ kind: 'psk' });
    const moved = next.endpoint.importAssociation(0, state)!;
    for (let i = 0; i < 50; i++) next.endpoint.send(0, moved, Uint8Array.of(i), next);
    sent.push(...next.sent);
    const sequences = protectedSequences(sent).map(({ sequence }) => sequence);
    assert.equal(sequences.length, 4 + 50 + 50);
    assert.equal(new Set(sequences).size, sequences.length);
  });
});

describe('Erlang/OTP', () => {
  it('CVE-2026-55950: a burst of ClientHellos leaves the others what they have', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).open();
    const random = seededRandom(7);
    for (let i = 0; i < 2_000; i++) {
      const { datagram } = meeting.prepare('client_hello');
      if (random.chance(0.3)) datagram[random.integer(datagram.length)]! ^= 1 << random.integer(8);
      meeting.arrive(datagram, random.pick([PEER, OTHER]));
      meeting.sent.length = 0;
    }
    assert.equal(meeting.endpoint.usage.handshakes, 0);
    meeting.assertOpen();
  });
});
