/**
 * The bugs that model learning has found in DTLS implementations, each as a test: the patterns of the DTLS-Fuzzer project
 * (Fiterău-Broştean et al., "Analysis of DTLS Implementations Using Protocol State Fuzzing", USENIX Security 2020, and
 * "Automata-Based Automated Detection of State Machine Bugs in Protocol Implementations", NDSS 2023).
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeCrypto } from '@lapwing/transport';
import { encodeFragment } from '../src/handshake/fragment-codec.ts';
import { HANDSHAKE_TYPES } from '../src/handshake/handshake-type-table.ts';
import { decodeClientHello, encodeClientHello } from '../src/handshake/hello-codec.ts';
import { isMalformed } from '../src/malformed.ts';
import { CONTENT_TYPES } from '../src/record/content-type-table.ts';
import { OTHER_KEY } from './endpoint-fixture.ts';
import { IDENTITY } from './machine-credentials.ts';
import { ClientMeeting, ServerMeeting } from './scripted-meeting.ts';
import type { ClientMessage } from './scripted-client.ts';
import type { ServerMessage } from './scripted-server.ts';

const UNEXPECTED_MESSAGE = 'alert 10';
const HANDSHAKE_FAILURE = 'alert 40';
const NO_RENEGOTIATION = 'alert 100';
const CLOSE_NOTIFY = Uint8Array.of(1, 0);
const FATAL_ALERT = Uint8Array.of(2, 80);

describe('a server', () => {
  it('early Finished: drops one in place of ClientKeyExchange, and takes the true one (tinydtls #79)', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).greet();
    const early = meeting.prepare('finished');
    meeting.arrive(early.datagram);
    assert.deepEqual(meeting.read(), []);
    meeting.send('client_key_exchange', 'change_cipher_spec', 'finished');
    assert.equal(meeting.opened.length, 1);
  });

  it('Finished before ChangeCipherSpec: is not complete before both are there', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).greet();
    assert.deepEqual(meeting.send('client_key_exchange', 'finished'), []);
    assert.deepEqual(meeting.opened, []);
    meeting.assertNothingCameOfIt();
  });

  it('Finished before ChangeCipherSpec: a plain one never counts', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).greet();
    meeting.send('client_key_exchange');
    const { current } = meeting.peer;
    const message = { type: HANDSHAKE_TYPES.finished, messageSeq: current!.nextSeq, body: current!.verifyData() };
    meeting.sendBytes(meeting.peer.wire.plain(CONTENT_TYPES.handshake, encodeFragment(message, 0, 12)));
    meeting.send('change_cipher_spec');
    meeting.sendBytes(meeting.peer.wire.plain(CONTENT_TYPES.handshake, encodeFragment(message, 0, 12)));
    assert.equal(meeting.dropped['unexpected-message'], 2);
    meeting.assertNothingCameOfIt();
  });

  for (const kind of ['rpk', 'x509'] as const) {
    it(`CertificateVerify-less client authentication: authenticates nobody by ${kind} without it`, () => {
      const meeting = new ServerMeeting({ kind }).greet();
      meeting.send('certificate', 'client_key_exchange', 'change_cipher_spec', 'finished', 'application_data');
      meeting.assertNothingCameOfIt();
    });

    it(`Certificate-less client authentication: refuses a ClientKeyExchange without Certificate (${kind})`, () => {
      const meeting = new ServerMeeting({ kind }).greet();
      assert.deepEqual(meeting.send('client_key_exchange'), [UNEXPECTED_MESSAGE]);
      meeting.send('change_cipher_spec', 'finished', 'application_data');
      assert.deepEqual(meeting.refusals, ['unexpected-message']);
      meeting.assertNothingCameOfIt();
    });

    it(`empty Certificate: refuses it where one is required (${kind})`, () => {
      const meeting = new ServerMeeting({ kind }).greet();
      assert.deepEqual(meeting.send('empty_certificate'), [HANDSHAKE_FAILURE]);
      meeting.send('client_key_exchange', 'change_cipher_spec', 'finished', 'application_data');
      assert.deepEqual(meeting.refusals, ['no-certificate']);
      meeting.assertNothingCameOfIt();
    });

    it(`ClientKeyExchange before Certificate: refuses the order (${kind}; Californium #186)`, () => {
      const meeting = new ServerMeeting({ kind }).greet();
      meeting.send('client_key_exchange', 'certificate', 'certificate_verify', 'change_cipher_spec', 'finished');
      assert.deepEqual(meeting.refusals, ['unexpected-message']);
      meeting.assertNothingCameOfIt();
    });

    it(`unauthenticated ClientKeyExchange: with CertificateVerify and without Certificate, refuses it (${kind})`, () => {
      const meeting = new ServerMeeting({ kind }).greet();
      meeting.send('client_key_exchange', 'certificate_verify', 'change_cipher_spec', 'finished');
      assert.deepEqual(meeting.refusals, ['unexpected-message']);
      meeting.assertNothingCameOfIt();
    });

    it(`multiple Certificate: refuses the second (${kind})`, () => {
      const meeting = new ServerMeeting({ kind }).greet();
      assert.deepEqual(meeting.send('certificate', 'certificate'), [UNEXPECTED_MESSAGE]);
      meeting.assertNothingCameOfIt();
    });

    it(`ChangeCipherSpec before CertificateVerify: it counts for nothing (${kind}; OpenSSL #4929)`, () => {
      const meeting = new ServerMeeting({ kind }).greet();
      meeting.send('certificate', 'client_key_exchange', 'change_cipher_spec', 'certificate_verify');
      assert.deepEqual(meeting.send('finished'), [], 'epoch 1 is not open yet');
      assert.deepEqual(meeting.opened, []);
      assert.equal(meeting.dropped['unexpected-change-cipher-spec'], 1);
      assert.deepEqual(meeting.send('change_cipher_spec'), ['change_cipher_spec', 'finished']);
      assert.equal(meeting.opened.length, 1);
    });
  }

  it('multiple ChangeCipherSpec: ignores all but the one in its place', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).greet();
    meeting.send('change_cipher_spec', 'change_cipher_spec', 'client_key_exchange');
    meeting.send('change_cipher_spec', 'change_cipher_spec', 'change_cipher_spec', 'finished');
    assert.equal(meeting.dropped['unexpected-change-cipher-spec'], 4);
    meeting.send('change_cipher_spec');
    assert.equal(meeting.opened.length, 1);
    meeting.peer.establish();
    meeting.assertOpen();
  });

  it('crash on ChangeCipherSpec: in every state and shape it changes nothing (tinydtls #12)', () => {
    const shapes = [[], [0], [2], [1, 1], new Array<number>(300).fill(1)].map((content) => Uint8Array.from(content));
    const meeting = new ServerMeeting({ kind: 'rpk' });
    const steps: readonly ClientMessage[] = [
      'client_hello',
      'client_hello_with_cookie',
      'certificate',
      'client_key_exchange',
      'certificate_verify',
      'change_cipher_spec',
      'finished',
    ];
    for (const step of steps) {
      for (const shape of shapes) {
        assert.deepEqual(meeting.sendBytes(meeting.peer.wire.plain(CONTENT_TYPES.changeCipherSpec, shape)), []);
      }
      meeting.send(step);
    }
    assert.equal(meeting.opened.length, 1);
  });

  it('handshake restarted: a new ClientHello without cookie changes nothing, with one it begins anew (contiki-ng #998)', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).greet();
    meeting.send('client_key_exchange');
    assert.deepEqual(meeting.send('client_hello'), ['hello_verify_request']);
    assert.deepEqual(meeting.refusals, []);
    assert.equal(meeting.endpoint.usage.handshakes, 1);
    // The keys agreed on before are worth nothing to the handshake that takes its place.
    const stale = meeting.prepare('finished');
    assert.deepEqual(meeting.send('client_hello_with_cookie'), ['server_hello', 'server_hello_done']);
    assert.deepEqual(meeting.refusals, ['cancelled']);
    meeting.send('client_key_exchange', 'change_cipher_spec');
    meeting.arrive(stale.datagram);
    assert.deepEqual(meeting.opened, []);
    meeting.send('finished');
    assert.equal(meeting.opened.length, 1);
  });

  it('handshake restarted: an open association stays until the new Finished is there', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).open();
    const first = meeting.opened[0]!;
    meeting.greet();
    meeting.send('client_key_exchange');
    assert.equal(first.state, 'open');
    meeting.send('application_data');
    assert.equal(meeting.delivered[0]!.association, first);
    meeting.send('change_cipher_spec', 'finished');
    assert.deepEqual([meeting.opened.length, first.state], [2, 'closed']);
  });

  it('invalid handshake start: drops everything but a ClientHello, in silence', () => {
    const others: readonly ClientMessage[] = [
      'certificate',
      'empty_certificate',
      'client_key_exchange',
      'certificate_verify',
      'change_cipher_spec',
      'finished',
      'application_data',
    ];
    for (const first of others) {
      const meeting = new ServerMeeting({ kind: 'rpk' });
      for (const second of others) assert.deepEqual(meeting.send(first, second), []);
      assert.equal(meeting.endpoint.usage.handshakes, 0);
      assert.deepEqual(meeting.refusals, []);
      meeting.assertNothingCameOfIt();
    }
  });

  it('invalid Finished treated as retransmission: one with the same number and other content asks for nothing (OpenSSL #15289)', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).open();
    const { established } = meeting.peer;
    const finishedSeq = established!.nextSeq - 1;
    const finished = (body: Uint8Array): Uint8Array =>
      meeting.peer.wire.sealed(
        established!,
        CONTENT_TYPES.handshake,
        encodeFragment({ type: HANDSHAKE_TYPES.finished, messageSeq: finishedSeq, body }, 0, body.length),
      );
    assert.deepEqual(meeting.sendBytes(finished(new Uint8Array(12))), []);
    assert.equal(meeting.endpoint.counters.flightsRetransmitted, 0);
    assert.equal(meeting.dropped['unexpected-message'], 1);
    meeting.assertOpen();
  });

  it('internal error on Finished: refuses one of any wrong length', () => {
    for (const length of [0, 1, 11, 13, 4000]) {
      const meeting = new ServerMeeting({ kind: 'psk' }).greet();
      meeting.send('client_key_exchange', 'change_cipher_spec');
      const current = meeting.peer.current!;
      const message = { type: HANDSHAKE_TYPES.finished, messageSeq: current.nextSeq, body: new Uint8Array(length) };
      meeting.sendBytes(meeting.peer.wire.sealed(current, CONTENT_TYPES.handshake, encodeFragment(message, 0, length)));
      assert.deepEqual(meeting.refusals, ['malformed-message'], `${length} bytes`);
      meeting.assertNothingCameOfIt();
    }
  });

  it('internal error on Finished: refuses right keys with verify_data of another handshake', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).greet();
    meeting.send('client_key_exchange', 'change_cipher_spec', 'wrong_finished');
    assert.deepEqual(meeting.refusals, ['bad-key-exchange']);
    meeting.assertNothingCameOfIt();
  });

  it('invalid decrypt_error alert: a record that does not decrypt is dropped in silence (tinydtls #79)', () => {
    const proof = { kind: 'psk', identity: IDENTITY, key: OTHER_KEY } as const;
    const meeting = new ServerMeeting({ kind: 'psk', proof }).greet();
    assert.deepEqual(meeting.send('client_key_exchange', 'change_cipher_spec', 'finished'), []);
    assert.equal(meeting.dropped['forged'], 1);
    assert.deepEqual(meeting.refusals, []);
    meeting.assertNothingCameOfIt();
  });

  it('non-conforming cookie: any but its own is answered with its own, and keeps nothing', () => {
    for (const length of [1, 16, 31, 32, 33, 255]) {
      const meeting = new ServerMeeting({ kind: 'psk' });
      meeting.prepare('client_hello');
      const body = encodeClientHello(meeting.peer.hello(new Uint8Array(length).fill(7)));
      const message = { type: HANDSHAKE_TYPES.client_hello, messageSeq: 1, body };
      meeting.arrive(meeting.peer.wire.plain(CONTENT_TYPES.handshake, encodeFragment(message, 0, body.length)));
      assert.deepEqual(meeting.read(), ['hello_verify_request']);
      assert.equal(meeting.endpoint.usage.handshakes, 0);
    }
  });

  it('invalid HelloVerifyRequest response: the cookie counts with the ClientHello it was made for only', () => {
    const meeting = new ServerMeeting({ kind: 'psk' });
    meeting.send('client_hello');
    const hello = meeting.peer.hello(meeting.peer.cookie);
    const changed = [
      { ...hello, random: nodeCrypto.randomBytes(32) },
      { ...hello, sessionId: Uint8Array.of(1) },
      { ...hello, version: 0xfeff },
      { ...hello, cipherSuites: [...hello.cipherSuites, 0x00a8] },
    ];
    for (const other of changed) {
      const body = encodeClientHello(other);
      const message = { type: HANDSHAKE_TYPES.client_hello, messageSeq: 1, body };
      const datagram = meeting.peer.wire.plain(CONTENT_TYPES.handshake, encodeFragment(message, 0, body.length));
      meeting.arrive(datagram);
      assert.deepEqual(
        meeting.sent.splice(0).map((answer) => answer[13]),
        [HANDSHAKE_TYPES.hello_verify_request],
      );
    }
    assert.equal(meeting.dropped['bad-cookie'], changed.length);
    assert.equal(meeting.endpoint.usage.handshakes, 0);
    assert.deepEqual(meeting.send('client_hello_with_cookie'), ['server_hello', 'server_hello_done']);
  });

  it('version of the record: a ClientHello of 1.2 counts, whatever its record says (RFC 5246 §E.1)', () => {
    const meeting = new ServerMeeting({ kind: 'psk' });
    for (const [step, answer] of [
      ['client_hello', ['hello_verify_request']],
      ['client_hello_with_cookie', ['server_hello', 'server_hello_done']],
    ] as const) {
      const prepared = meeting.prepare(step);
      // fe00, as Mbed TLS 2.28.3 says it in Anjay 3.14.
      prepared.datagram[2] = 0x00;
      assert.deepEqual(meeting.sendPrepared(prepared), answer);
    }
  });

  it('HelloVerifyRequest retransmission: has no timer for it', () => {
    const meeting = new ServerMeeting({ kind: 'psk' });
    meeting.send('client_hello');
    assert.equal(meeting.endpoint.nextDeadline(), Infinity);
    assert.deepEqual(meeting.pass(3_600_000), []);
  });

  it('insecure renegotiation: refuses a ClientHello inside the association with a warning, and goes on (tinydtls #99)', () => {
    const meeting = new ServerMeeting({ kind: 'psk' }).open();
    assert.deepEqual(meeting.sendProtected('client_hello'), [NO_RENEGOTIATION]);
    assert.deepEqual(meeting.sendProtected('client_hello_with_cookie'), [], 'once per interval');
    assert.equal(meeting.dropped['renegotiation'], 2);
    assert.equal(meeting.endpoint.usage.handshakes, 0);
    meeting.assertOpen();
  });

  for (const [what, alert] of [
    ['close_notify', CLOSE_NOTIFY],
    ['a fatal alert', FATAL_ALERT],
  ] as const) {
    it(`continue after ${what}: the association is gone`, () => {
      const meeting = new ServerMeeting({ kind: 'psk' }).open();
      const established = meeting.peer.established!;
      meeting.sendBytes(meeting.peer.wire.sealed(established, CONTENT_TYPES.alert, alert));
      assert.equal(meeting.opened[0]!.state, 'closed');
      assert.deepEqual(meeting.send('application_data'), []);
      assert.deepEqual(meeting.delivered, []);
      assert.equal(meeting.endpoint.send(meeting.now, meeting.opened[0]!, Uint8Array.of(1), meeting), false);
    });

    it(`continue after ${what}: neither does a handshake go on`, () => {
      const meeting = new ServerMeeting({ kind: 'psk' }).greet();
      meeting.send('client_key_exchange');
      meeting.sendBytes(meeting.peer.wire.plain(CONTENT_TYPES.alert, alert));
      meeting.send('change_cipher_spec', 'finished', 'application_data');
      assert.deepEqual(meeting.refusals, ['alert-received']);
      meeting.assertNothingCameOfIt();
    });
  }

  it('unrequested certificate: refuses one that it did not ask for', () => {
    const meeting = new ServerMeeting({ kind: 'rpk', credentials: { clientAuthentication: 'none' } }).greet();
    assert.deepEqual(meeting.send('certificate'), [UNEXPECTED_MESSAGE]);
    const psk = new ServerMeeting({ kind: 'psk' }).greet();
    assert.deepEqual(psk.send('certificate'), [UNEXPECTED_MESSAGE]);
  });

  it('takes no ClientHello in epoch 1 for the beginning of anything (tinydtls #13)', () => {
    const meeting = new ServerMeeting({ kind: 'psk' });
    const { datagram } = meeting.prepare('client_hello');
    datagram[4] = 1;
    assert.deepEqual(meeting.sendBytes(datagram), []);
    assert.equal(meeting.endpoint.counters.helloVerifyRequests, 0);
  });
});

describe('a client', () => {
  it('Finished with wrong message_seq: neither a later nor an earlier number completes', () => {
    for (const offset of [1, 2, -1, -2]) {
      const meeting = new ClientMeeting({ kind: 'psk' }).greet();
      meeting.send('server_hello_done', 'change_cipher_spec');
      meeting.peer.exchange.nextSeq += offset;
      meeting.send('finished');
      assert.deepEqual(meeting.opened, [], `${offset}`);
      meeting.assertNothingCameOfIt();
    }
  });

  it('incorrect CertificateRequest: refuses it with a pre-shared key, and before the ServerKeyExchange', () => {
    const psk = new ClientMeeting({ kind: 'psk' });
    assert.deepEqual(psk.send('hello_verify_request', 'server_hello', 'certificate_request').slice(-1), [
      UNEXPECTED_MESSAGE,
    ]);
    psk.assertNothingCameOfIt();
    const rpk = new ClientMeeting({ kind: 'rpk' });
    rpk.send('hello_verify_request', 'server_hello', 'certificate');
    assert.deepEqual(rpk.send('certificate_request'), [UNEXPECTED_MESSAGE]);
    rpk.assertNothingCameOfIt();
  });

  it('multiple CertificateRequest: refuses the second', () => {
    const meeting = new ClientMeeting({ kind: 'rpk' }).greet();
    assert.deepEqual(meeting.send('certificate_request'), [UNEXPECTED_MESSAGE]);
    meeting.assertNothingCameOfIt();
  });

  it('multiple Certificate: refuses the second', () => {
    const meeting = new ClientMeeting({ kind: 'rpk' });
    meeting.send('hello_verify_request', 'server_hello', 'certificate');
    assert.deepEqual(meeting.send('certificate'), [UNEXPECTED_MESSAGE]);
    meeting.assertNothingCameOfIt();
  });

  for (const kind of ['psk', 'rpk'] as const) {
    it(`multiple ServerKeyExchange: refuses the second (${kind})`, () => {
      const meeting = new ClientMeeting({ kind });
      meeting.send('hello_verify_request', 'server_hello');
      if (kind === 'rpk') meeting.send('certificate');
      meeting.send('server_key_exchange');
      assert.deepEqual(meeting.send('server_key_exchange'), [UNEXPECTED_MESSAGE]);
      meeting.assertNothingCameOfIt();
    });
  }

  it('ECDHE without ServerKeyExchange: refuses ServerHelloDone and CertificateRequest in its place', () => {
    for (const next of ['server_hello_done', 'certificate_request'] as const) {
      const meeting = new ClientMeeting({ kind: 'rpk' });
      meeting.send('hello_verify_request', 'server_hello', 'certificate');
      assert.deepEqual(meeting.send(next), [UNEXPECTED_MESSAGE]);
      meeting.assertNothingCameOfIt();
    }
  });

  it('premature HelloRequest: ignores it in every state', () => {
    const meeting = new ClientMeeting({ kind: 'rpk' });
    const steps: readonly ServerMessage[] = [
      'hello_verify_request',
      'server_hello',
      'certificate',
      'server_key_exchange',
      'certificate_request',
      'server_hello_done',
      'change_cipher_spec',
      'finished',
    ];
    for (const step of steps) {
      meeting.arrive(meeting.prepare('hello_request').datagram);
      assert.deepEqual(meeting.read(), []);
      meeting.send(step);
    }
    assert.equal(meeting.opened.length, 1);
  });

  it('reordered Certificate and CertificateRequest: refuses the order', () => {
    const meeting = new ClientMeeting({ kind: 'rpk' });
    meeting.send('hello_verify_request', 'server_hello');
    assert.deepEqual(meeting.send('certificate_request', 'certificate'), [UNEXPECTED_MESSAGE]);
    meeting.assertNothingCameOfIt();
  });

  it('retransmitted flight 5: is sent again when the server repeats its flight, once per interval, and completes once', () => {
    const meeting = new ClientMeeting({ kind: 'psk' }).greet();
    const done = meeting.prepare('server_hello_done');
    assert.deepEqual(meeting.sendPrepared(done), ['client_key_exchange', 'change_cipher_spec', 'finished']);
    for (let copy = 0; copy < 5; copy++) meeting.arrive(done.datagram);
    assert.equal(meeting.endpoint.counters.flightsRetransmitted, 1);
    meeting.read();
    meeting.send('change_cipher_spec', 'finished');
    assert.equal(meeting.opened.length, 1);
    meeting.assertOpen(meeting.association);
  });

  it('ServerHello flight restart: refuses a second ServerHello at any time', () => {
    const before: readonly (readonly ServerMessage[])[] = [
      ['server_hello'],
      ['server_hello', 'certificate'],
      ['server_hello', 'certificate', 'server_key_exchange', 'certificate_request'],
      ['server_hello', 'certificate', 'server_key_exchange', 'certificate_request', 'server_hello_done'],
    ];
    for (const messages of before) {
      const meeting = new ClientMeeting({ kind: 'rpk' });
      meeting.send('hello_verify_request', ...messages);
      const seen = meeting.send('server_hello');
      assert.deepEqual(meeting.refusals, ['unexpected-message'], messages.join());
      assert.equal(seen.length, 1);
      meeting.assertNothingCameOfIt();
    }
  });

  it('switching cipher suite: no HelloVerifyRequest after a ServerHello (OpenSSL #15488)', () => {
    const meeting = new ClientMeeting({ kind: 'psk' });
    meeting.send('server_hello');
    assert.deepEqual(meeting.send('hello_verify_request'), [UNEXPECTED_MESSAGE]);
    meeting.assertNothingCameOfIt();
  });

  it('unexpected ClientHello response: is no server, and drops it', () => {
    const meeting = new ClientMeeting({ kind: 'psk' });
    const client = new ServerMeeting({ kind: 'psk' }).prepare('client_hello');
    assert.deepEqual(meeting.sendBytes(client.datagram), []);
    assert.equal(meeting.dropped['not-a-server'], 1);
    meeting.open();
  });

  it('unrequested certificate: refuses a Certificate with a pre-shared key, and shows none that was not asked for', () => {
    const psk = new ClientMeeting({ kind: 'psk' });
    psk.send('hello_verify_request', 'server_hello');
    assert.deepEqual(psk.send('certificate'), [UNEXPECTED_MESSAGE]);
    const rpk = new ClientMeeting({ kind: 'rpk' });
    rpk.send('hello_verify_request', 'server_hello', 'certificate', 'server_key_exchange');
    assert.deepEqual(rpk.send('server_hello_done'), ['client_key_exchange', 'change_cipher_spec', 'finished']);
  });

  it('Finished before ChangeCipherSpec: is not complete before both are there (wolfSSL #2330)', () => {
    const meeting = new ClientMeeting({ kind: 'psk' }).greet();
    meeting.send('server_hello_done', 'finished');
    assert.deepEqual(meeting.opened, []);
    meeting.assertNothingCameOfIt();
  });

  it('early Finished: right after the ServerHello it completes nothing (OpenSSL #9219)', () => {
    const meeting = new ClientMeeting({ kind: 'psk' });
    meeting.send('server_hello', 'change_cipher_spec', 'finished', 'application_data');
    meeting.assertNothingCameOfIt();
  });

  it('renegotiation: refuses a HelloRequest inside the association with a warning, and goes on', () => {
    const meeting = new ClientMeeting({ kind: 'psk' }).open();
    assert.deepEqual(meeting.sendProtected('hello_request'), [NO_RENEGOTIATION]);
    meeting.assertOpen(meeting.association);
  });

  for (const [what, alert] of [
    ['close_notify', CLOSE_NOTIFY],
    ['a fatal alert', FATAL_ALERT],
  ] as const) {
    it(`continue after ${what}: the association is gone`, () => {
      const meeting = new ClientMeeting({ kind: 'psk' }).open();
      meeting.sendBytes(meeting.peer.wire.sealed(meeting.peer.exchange, CONTENT_TYPES.alert, alert));
      assert.equal(meeting.association.state, 'closed');
      meeting.send('application_data');
      assert.deepEqual(meeting.delivered, []);
    });
  }

  it('sends the ClientHello it was asked to send again with the cookie alone changed (RFC 6347 §4.2.1)', () => {
    const meeting = new ClientMeeting({ kind: 'psk' });
    const hellos: Uint8Array[] = [];
    meeting.endpoint.handleTimeout(meeting.endpoint.nextDeadline(), meeting);
    hellos.push(...meeting.sent);
    meeting.arrive(meeting.prepare('hello_verify_request').datagram);
    hellos.push(meeting.sent.at(-1)!);
    const [first, second] = hellos.map((datagram) => decodeClientHello(datagram.subarray(25)));
    assert.ok(first !== undefined && second !== undefined && !isMalformed(first) && !isMalformed(second));
    assert.deepEqual(second.beforeCookie, first.beforeCookie);
    assert.deepEqual(second.afterCookie, first.afterCookie);
    assert.deepEqual(second.extensions, first.extensions);
    assert.equal(second.cookie.length, 20);
  });
});
