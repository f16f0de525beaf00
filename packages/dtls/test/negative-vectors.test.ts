/** The negative vectors N1 to N12 of `vectors.json`, against an endpoint. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fragmentsOf } from './fragments.ts';
import { encodeFragment } from '../src/handshake/fragment-codec.ts';
import type { HandshakeMessage } from '../src/handshake/handshake.ts';
import { HANDSHAKE_TYPES } from '../src/handshake/handshake-type-table.ts';
import { encodeClientHello } from '../src/handshake/hello-codec.ts';
import { CONTENT_TYPES } from '../src/record/content-type-table.ts';
import { encodePlaintextRecord, writeHeader } from '../src/record/record-header.ts';
import { leftovers, NOTHING_LEFT } from './endpoint-fixture.ts';
import { OTHER, PEER, ServerMeeting } from './scripted-meeting.ts';
import { fromHex, NEGATIVE_VECTORS } from './transcripts.ts';

const vector = (id: string): { readonly id: string; readonly what: string; readonly datagram?: string } =>
  NEGATIVE_VECTORS.find((candidate) => candidate.id === id)!;
const datagramOf = (id: string): Uint8Array => fromHex(vector(id).datagram!);

/** A record of epoch 1 with this content, which nobody has sealed. */
function forged(contentType: number, sequence: number, content: Uint8Array, connectionId?: Uint8Array): Uint8Array {
  const record = new Uint8Array(13 + (connectionId?.length ?? 0) + content.length);
  record.set(content, writeHeader(record, contentType, 1, sequence, connectionId));
  return record;
}

function plainHandshake(meeting: ServerMeeting, ...fragments: readonly Uint8Array[]): Uint8Array {
  const content = Uint8Array.from(fragments.flatMap((fragment) => [...fragment]));
  return meeting.peer.wire.plain(CONTENT_TYPES.handshake, content);
}

describe('negative vectors', () => {
  it(`N1: ${vector('N1').what} (CVE-2026-75806)`, () => {
    for (const connectionIdLength of ['off', 6] as const) {
      const extensions = { extendedMasterSecret: true as const, connectionId: new Uint8Array(0) };
      const meeting = new ServerMeeting({ kind: 'psk', extensions, parameters: { connectionIdLength } }).open();
      const id = meeting.opened[0]!.localConnectionId;
      const contentType = id === undefined ? CONTENT_TYPES.applicationData : CONTENT_TYPES.tls12Cid;
      for (let length = 0; length < 16; length++) {
        const content = new Uint8Array(length).fill(length);
        assert.deepEqual(meeting.sendBytes(forged(contentType, 1000 + length, content, id)), []);
      }
      assert.deepEqual(meeting.delivered, []);
      meeting.assertOpen();
    }
  });

  for (const id of ['N2', 'N3', 'N4']) {
    it(`${id}: ${vector(id).what}`, () => {
      const meeting = new ServerMeeting({ kind: 'psk' });
      assert.deepEqual(meeting.sendBytes(datagramOf(id)), []);
      assert.deepEqual(meeting.events, []);
      assert.deepEqual(leftovers(meeting), NOTHING_LEFT);
      // Nor in the middle of a handshake, nor after it.
      meeting.greet();
      assert.deepEqual(meeting.sendBytes(datagramOf(id)), []);
      meeting.send('client_key_exchange');
      if (id !== 'N3') assert.deepEqual(meeting.sendBytes(datagramOf(id)), []);
      meeting.send('change_cipher_spec', 'finished');
      meeting.peer.establish();
      assert.deepEqual(meeting.sendBytes(datagramOf(id)), []);
      meeting.assertOpen();
    });
  }

  it(`N5: ${vector('N5').what} (CVE-2019-20786, CVE-2020-24585)`, () => {
    const meeting = new ServerMeeting({ kind: 'psk' });
    const arrives = (): void => assert.deepEqual(meeting.sendBytes(datagramOf('N5')), []);
    arrives();
    meeting.greet();
    arrives();
    meeting.send('client_key_exchange');
    arrives();
    meeting.send('change_cipher_spec');
    arrives();
    meeting.send('finished');
    meeting.peer.establish();
    arrives();
    assert.deepEqual(meeting.delivered, []);
    assert.equal(meeting.dropped['plaintext-application-data'], 5);
    meeting.assertOpen();
  });

  it(`N6: ${vector('N6').what} (CVE-2026-59646, CVE-2026-63566)`, () => {
    const meeting = new ServerMeeting({ kind: 'rpk' }).greet();
    const { nextSeq } = meeting.peer.current!;
    const empty = (messageSeq: number): Uint8Array =>
      Uint8Array.of(HANDSHAKE_TYPES.certificate, 0xff, 0xff, 0xff, 0, messageSeq, 0, 0, 0, 0, 0, 0);
    const fragments = Array.from({ length: 16 }, (_, i) => empty(nextSeq + i));
    assert.deepEqual(meeting.sendBytes(plainHandshake(meeting, ...fragments)), []);
    assert.equal(meeting.dropped['malformed-fragment'], 1);
    // With a byte each, too.
    const oneByte = (messageSeq: number): Uint8Array => {
      const fragment = new Uint8Array(13);
      fragment.set(empty(messageSeq));
      fragment[11] = 1;
      return fragment;
    };
    meeting.sendBytes(plainHandshake(meeting, ...fragments.map((_, i) => oneByte(nextSeq + i))));
    assert.equal(meeting.dropped['message-too-long'], 1);
    assert.equal(meeting.endpoint.usage.fragmentBytes, 0);
    meeting.send('certificate', 'client_key_exchange', 'certificate_verify', 'change_cipher_spec', 'finished');
    assert.equal(meeting.opened.length, 1);
  });

  it(`N7: ${vector('N7').what} (CVE-2026-33846)`, () => {
    const meeting = new ServerMeeting({ kind: 'rpk' }).greet();
    const prepared = meeting.prepare('certificate');
    const body = prepared.datagram.subarray(25);
    const message: HandshakeMessage = { type: HANDSHAKE_TYPES.certificate, messageSeq: prepared.messageSeq!, body };
    meeting.sendBytes(plainHandshake(meeting, encodeFragment(message, 0, 10)));
    const longer = { ...message, body: new Uint8Array(body.length + 1) };
    const other = { ...message, type: HANDSHAKE_TYPES.certificate_verify };
    meeting.sendBytes(plainHandshake(meeting, encodeFragment(longer, 10, body.length - 9)));
    meeting.sendBytes(plainHandshake(meeting, encodeFragment(other, 10, body.length - 10)));
    assert.equal(meeting.dropped['conflicting-fragment'], 2);
    assert.equal(meeting.endpoint.usage.fragmentBytes, 10);
    meeting.sendBytes(plainHandshake(meeting, encodeFragment(message, 10, body.length - 10)));
    prepared.commit();
    meeting.send('client_key_exchange', 'certificate_verify', 'change_cipher_spec', 'finished');
    assert.equal(meeting.opened.length, 1);
  });

  it(`N8: ${vector('N8').what} (CVE-2026-33845)`, () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).greet();
    const { nextSeq } = meeting.peer.current!;
    for (const [length, offset] of [
      [18, 5],
      [18, 18],
      [18, 0],
      [0, 1],
    ] as const) {
      const fragment = Uint8Array.of(16, 0, 0, length, 0, nextSeq, 0, 0, offset, 0, 0, 0);
      assert.deepEqual(meeting.sendBytes(plainHandshake(meeting, fragment)), []);
    }
    assert.equal(meeting.dropped['malformed-fragment'], 4);
    assert.equal(meeting.endpoint.usage.fragmentBytes, 0);
    meeting.send('client_key_exchange', 'change_cipher_spec', 'finished');
    assert.equal(meeting.opened.length, 1);
  });

  it(`N9: ${vector('N9').what} (CVE-2026-55950, RFC 6347 §4.2.8)`, () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).open();
    const [before] = meeting.opened;
    // Of the new handshake, and of many that never bring a cookie, in turn.
    const burst = (): void => {
      for (let i = 0; i < 50; i++) {
        const stranger = new ServerMeeting({ kind: 'psk' });
        meeting.arrive(stranger.prepare('client_hello').datagram);
        meeting.sent.length = 0;
      }
    };
    meeting.send('client_hello');
    burst();
    meeting.send('client_hello_with_cookie');
    burst();
    meeting.send('client_key_exchange');
    burst();
    assert.equal(before!.state, 'open');
    assert.equal(meeting.endpoint.usage.handshakes, 1);
    meeting.send('change_cipher_spec', 'finished');
    assert.equal(meeting.opened.length, 2);
    meeting.peer.establish();
    burst();
    meeting.assertOpen();
    assert.equal(meeting.endpoint.usage.handshakes, 0);
  });

  it(`N10: ${vector('N10').what} (CVE-2022-2576)`, () => {
    const meeting = new ServerMeeting({ kind: 'rpk', parameters: { tickets: true } });
    meeting.prepare('client_hello');
    const hello = meeting.peer.hello(new Uint8Array(0));
    const resuming = [
      { ...hello, sessionId: new Uint8Array(32).fill(1) },
      { ...hello, extensions: { ...hello.extensions, sessionTicket: new Uint8Array(120).fill(2) } },
      { ...hello, sessionId: new Uint8Array(32), extensions: { ...hello.extensions, extendedMasterSecret: undefined } },
    ];
    for (const each of resuming) {
      const body = encodeClientHello(each);
      const message = { type: HANDSHAKE_TYPES.client_hello, messageSeq: 0, body };
      const datagram = plainHandshake(meeting, encodeFragment(message, 0, body.length));
      meeting.arrive(datagram);
      assert.equal(meeting.sent.length, 1);
      assert.equal(meeting.sent[0]![13], HANDSHAKE_TYPES.hello_verify_request);
      assert.ok(meeting.sent[0]!.length <= datagram.length);
      meeting.sent.length = 0;
    }
    assert.deepEqual(leftovers(meeting), NOTHING_LEFT);
  });

  it(`N11: ${vector('N11').what} (CVE-2016-2181)`, () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).open();
    for (const sequence of [1_000, 2 ** 32, 2 ** 48 - 1]) {
      const record = forged(CONTENT_TYPES.applicationData, sequence, new Uint8Array(40));
      assert.deepEqual(meeting.sendBytes(record), []);
    }
    assert.equal(meeting.dropped['forged'], 3);
    meeting.assertOpen();
  });

  it(`N12: ${vector('N12').what} (CVE-2020-27222, CVE-2021-34433)`, () => {
    const orders = [
      ['empty_certificate', 'client_key_exchange', 'change_cipher_spec', 'finished'],
      ['empty_certificate', 'client_key_exchange', 'certificate_verify', 'change_cipher_spec', 'finished'],
      ['client_key_exchange', 'certificate_verify', 'change_cipher_spec', 'finished'],
      ['certificate_verify', 'client_key_exchange', 'change_cipher_spec', 'finished'],
      ['certificate', 'client_key_exchange', 'change_cipher_spec', 'finished'],
    ] as const;
    for (const kind of ['rpk', 'x509'] as const) {
      for (const order of orders) {
        const meeting = new ServerMeeting({ kind }).greet();
        meeting.send(...order, 'application_data');
        meeting.assertNothingCameOfIt();
      }
    }
  });

  it('a plain alert from another address ends nothing, and one from the same address ends no open association', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).open();
    const alert = encodePlaintextRecord(CONTENT_TYPES.alert, 9, Uint8Array.of(2, 40));
    for (const from of [PEER, OTHER]) assert.deepEqual(meeting.sendBytes(alert, from), []);
    meeting.assertOpen();
  });

  it('a ClientHello in fragments is refused before the cookie, with a valid one too', () => {
    const meeting = new ServerMeeting({ kind: 'psk' });
    meeting.send('client_hello');
    const prepared = meeting.prepare('client_hello_with_cookie');
    const body = prepared.datagram.subarray(25);
    const message = { type: HANDSHAKE_TYPES.client_hello, messageSeq: 1, body };
    for (const fragment of fragmentsOf(message, 60)) {
      assert.deepEqual(meeting.sendBytes(plainHandshake(meeting, fragment)), []);
    }
    assert.equal(meeting.dropped['fragmented-hello'], fragmentsOf(message, 60).length);
    assert.deepEqual(leftovers(meeting), NOTHING_LEFT);
  });
});
