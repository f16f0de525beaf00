/** Alerts, handshake messages and other records of an association that is open. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeAlert } from '../src/alert-codec.ts';
import type { Association } from '../src/association.ts';
import { DtlsAssociation } from '../src/association.ts';
import { HANDSHAKE_TYPES } from '../src/handshake/handshake-type-table.ts';
import { CONTENT_TYPES } from '../src/record/content-type-table.ts';
import { encodePlaintextRecord } from '../src/record/record-header.ts';
import { CLIENT, ELSEWHERE, Fixture, leftovers, NOTHING_LEFT, PSK, SERVER } from './endpoint-fixture.ts';

interface Open {
  readonly fixture: Fixture;
  readonly near: Association;
  readonly far: Association;
  /** A record of the client, under its keys, with any content. */
  readonly say: (contentType: number, content: Uint8Array) => void;
}

function open(): Open {
  const fixture = new Fixture();
  const { near, far } = fixture.open();
  return {
    fixture,
    near,
    far,
    say: (contentType, content) => {
      assert.ok(near instanceof DtlsAssociation);
      fixture.network.carry(CLIENT, SERVER, near.write!.seal(contentType, 1, near.writeSequence++, content));
      fixture.network.run(30);
    },
  };
}

const helloRequest = Uint8Array.of(HANDSHAKE_TYPES.hello_request, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0);
const clientHello = Uint8Array.of(HANDSHAKE_TYPES.client_hello, 0, 0, 4, 0, 9, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4);

describe('an open association', () => {
  it('answers close_notify with its own and is gone', () => {
    const { fixture, near, far, say } = open();
    say(CONTENT_TYPES.alert, encodeAlert('warning', 'close_notify'));
    assert.equal(far.state, 'closed');
    assert.equal(fixture.server.of('closed')[0]?.reason, 'peer-closed');
    assert.deepEqual(leftovers(fixture.server), NOTHING_LEFT);
    fixture.network.run(30);
    assert.equal(near.state, 'closed', 'the answer ends the other side');
    assert.ok(!fixture.server.send(far, 'too late'));
    assert.equal(fixture.server.endpoint.counters.dropped.closed, 1);
  });

  it('goes with its session when the peer sends a fatal alert (RFC 5246 §7.2.2)', () => {
    const fixture = new Fixture({ server: { tickets: false }, client: { tickets: false } });
    const { near } = fixture.open();
    const session = fixture.client.endpoint.sessionOf(near)!;
    assert.equal(fixture.server.endpoint.usage.sessions, 1);
    assert.ok(near instanceof DtlsAssociation);
    const alert = encodeAlert('fatal', 'internal_error');
    fixture.network.carry(CLIENT, SERVER, near.write!.seal(CONTENT_TYPES.alert, 1, near.writeSequence++, alert));
    fixture.network.run(100);
    assert.equal(fixture.server.of('closed')[0]?.reason, 'peer-alert');
    assert.equal(fixture.server.endpoint.usage.sessions, 0);
    fixture.open(fixture.client, { ...PSK, session });
    assert.equal(fixture.client.of('opened')[1]?.resumed, false);
  });

  it('goes on after a warning', () => {
    const { fixture, near, far, say } = open();
    say(CONTENT_TYPES.alert, encodeAlert('warning', 'user_canceled'));
    say(CONTENT_TYPES.alert, Uint8Array.of(1));
    assert.equal(far.state, 'open');
    assert.deepEqual(fixture.server.endpoint.counters.dropped, { 'malformed-alert': 1 });
    fixture.client.send(near, 'still here');
    fixture.network.run(100);
    assert.deepEqual(fixture.server.texts, ['still here']);
  });

  for (const [name, message] of Object.entries({ HelloRequest: helloRequest, ClientHello: clientHello })) {
    it(`answers ${name} with no_renegotiation, not more than once per interval, and goes on (RFC 5746 §4.5)`, () => {
      const { fixture, near, far, say } = open();
      const before = fixture.network.sent.length;
      for (let i = 0; i < 10; i++) say(CONTENT_TYPES.handshake, message);
      const answers = (): number =>
        fixture.network.sent.slice(before).filter(({ from }) => from.port === SERVER.port).length;
      assert.equal(answers(), 1);
      assert.equal(fixture.server.endpoint.counters.dropped.renegotiation, 10);
      fixture.network.run(2_000);
      say(CONTENT_TYPES.handshake, message);
      assert.equal(answers(), 2);
      assert.equal(far.state, 'open');
      assert.equal(near.state, 'open');
      fixture.client.send(near, 'still here');
      fixture.network.run(100);
      assert.deepEqual(fixture.server.texts, ['still here']);
    });
  }

  it('drops what nobody authenticated: plaintext alerts, data and ChangeCipherSpec (CVE-2019-20786)', () => {
    const { fixture, near, far } = open();
    const inject = (contentType: number, content: Uint8Array): void =>
      fixture.network.inject(CLIENT, SERVER, encodePlaintextRecord(contentType, 77, content));
    inject(CONTENT_TYPES.alert, encodeAlert('fatal', 'handshake_failure'));
    inject(CONTENT_TYPES.alert, encodeAlert('warning', 'close_notify'));
    inject(CONTENT_TYPES.applicationData, new TextEncoder().encode('hello'));
    inject(CONTENT_TYPES.changeCipherSpec, Uint8Array.of(1));
    inject(CONTENT_TYPES.handshake, helloRequest);
    fixture.network.run(100);
    assert.equal(far.state, 'open');
    assert.deepEqual(fixture.server.texts, []);
    assert.deepEqual(fixture.server.endpoint.counters.dropped, {
      'plaintext-alert': 2,
      'plaintext-application-data': 1,
      'unexpected-change-cipher-spec': 1,
      'unexpected-message': 1,
    });
    fixture.client.send(near, 'still here');
    fixture.network.run(100);
    assert.deepEqual(fixture.server.texts, ['still here']);
  });

  it('answers a repeated Finished with its last flight, but not one that is different (OpenSSL #15289)', () => {
    const { fixture, say, far } = open();
    assert.ok(far instanceof DtlsAssociation);
    const { messageSeq, body } = far.lastFlight!.peerFinished;
    const header = Uint8Array.of(20, 0, 0, 12, messageSeq >>> 8, messageSeq, 0, 0, 0, 0, 0, 12);
    const finished = Uint8Array.from([...header, ...body]);
    const wrong = finished.slice();
    wrong[wrong.length - 1]! ^= 1;
    say(CONTENT_TYPES.handshake, wrong);
    assert.equal(fixture.server.endpoint.counters.flightsRetransmitted, 0);
    say(CONTENT_TYPES.handshake, finished);
    say(CONTENT_TYPES.handshake, finished);
    assert.equal(fixture.server.endpoint.counters.flightsRetransmitted, 1, 'once per interval');
    fixture.network.run(2_000);
    say(CONTENT_TYPES.handshake, finished);
    assert.equal(fixture.server.endpoint.counters.flightsRetransmitted, 2);
    say(CONTENT_TYPES.applicationData, new TextEncoder().encode('data'));
    assert.equal(far.lastFlight, undefined, 'the peer is done');
    fixture.network.run(2_000);
    say(CONTENT_TYPES.handshake, finished);
    assert.equal(fixture.server.endpoint.counters.flightsRetransmitted, 2);
  });

  it('keeps nothing of the handshake longer than it may last', () => {
    const { fixture, far } = open();
    assert.ok(far instanceof DtlsAssociation);
    assert.equal(far.progress, undefined);
    assert.equal(fixture.server.endpoint.usage.deadlines, 1);
    fixture.network.run(120_000);
    assert.equal(far.lastFlight, undefined);
    assert.equal(far.cookie, undefined);
    assert.equal(fixture.server.endpoint.nextDeadline(), Infinity);
    assert.equal(far.state, 'open');
  });

  it('that is forgotten is silent, and the peer keeps its side', () => {
    const { fixture, near, far } = open();
    const before = fixture.network.sent.length;
    fixture.server.endpoint.forget(far);
    assert.equal(fixture.network.sent.length, before);
    assert.equal(far.state, 'closed');
    assert.equal(near.state, 'open');
    assert.deepEqual(leftovers(fixture.server), NOTHING_LEFT);
    fixture.client.send(near, 'hello?');
    fixture.network.run(100);
    assert.deepEqual(fixture.server.endpoint.counters.dropped, { 'unknown-connection-id': 1 });
  });

  it('records of a stranger in epoch 1, 2 or of no known kind are counted by reason', () => {
    const { fixture } = open();
    const record = encodePlaintextRecord(CONTENT_TYPES.applicationData, 1, Uint8Array.of(1, 2, 3));
    const inject = (change: (bytes: Uint8Array) => void): void => {
      const bytes = record.slice();
      change(bytes);
      fixture.network.inject(ELSEWHERE, SERVER, bytes);
    };
    inject((bytes) => (bytes[4] = 1));
    inject((bytes) => (bytes[4] = 2));
    inject((bytes) => (bytes[0] = 24));
    inject((bytes) => (bytes[1] = 3));
    inject((bytes) => (bytes[12] = 4));
    inject((bytes) => (bytes[0] = CONTENT_TYPES.alert));
    fixture.network.inject(ELSEWHERE, SERVER, record.subarray(0, 12));
    fixture.network.run(100);
    assert.deepEqual(fixture.server.endpoint.counters.dropped, {
      'unknown-address': 2,
      'unknown-epoch': 1,
      'unknown-content-type': 1,
      'unknown-version': 1,
      'record-length': 1,
      'short-record': 1,
    });
  });
});
