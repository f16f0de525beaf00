/** Records that come before their time, in pieces or in the wrong epoch, delivered one by one. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeAlert } from '../src/alert-codec.ts';
import { DtlsAssociation } from '../src/association.ts';
import type { Association } from '../src/association.ts';
import { CONTENT_TYPES } from '../src/record/content-type-table.ts';
import { encodePlaintextRecord } from '../src/record/record-header.ts';
import { CLIENT, Fixture, SERVER, WRONG_KEY } from './endpoint-fixture.ts';
import { CLIENTS } from './machine-credentials.ts';

/** A client that has sent its last flight, of which the server has received nothing. */
class Held extends Fixture {
  readonly near: Association;
  /** ClientKeyExchange, ChangeCipherSpec, Finished. */
  readonly flight: readonly [Uint8Array, Uint8Array, Uint8Array];

  constructor(connectionIdLength: 6 | 'off') {
    super({ server: { connectionIdLength } });
    let held: Uint8Array | undefined;
    this.network.filter = ({ from, bytes }) => {
      if (from.port === SERVER.port || this.server.endpoint.usage.handshakes === 0) return true;
      held = bytes;
      return false;
    };
    this.near = this.connect();
    this.network.run(300, () => held !== undefined);
    const [keyExchange, changeCipherSpec, finished] = recordsOf(held!);
    this.flight = [keyExchange!, changeCipherSpec!, finished!];
  }

  deliver(...records: readonly Uint8Array[]): void {
    for (const record of records) this.server.receive(CLIENT, record);
  }

  /** A record of the client under the keys it has already. */
  sealed(contentType: number, content: Uint8Array): Uint8Array {
    assert.ok(this.near instanceof DtlsAssociation);
    return this.near.write!.seal(contentType, 1, this.near.writeSequence++, content);
  }
}

function recordsOf(datagram: Uint8Array): readonly Uint8Array[] {
  const records: Uint8Array[] = [];
  for (let at = 0; at < datagram.length;) {
    const length = at + 11 + (datagram[at] === CONTENT_TYPES.tls12Cid ? 6 : 0);
    const end = length + 2 + ((datagram[length]! << 8) | datagram[length + 1]!);
    records.push(datagram.subarray(at, end));
    at = end;
  }
  return records;
}

const data = (text: string): Uint8Array => new TextEncoder().encode(text);

for (const connectionIdLength of [6, 'off'] as const) {
  describe(`records before their time, Connection ID ${connectionIdLength}`, () => {
    it('data under the right keys waits for the Finished, and is delivered once after it', () => {
      const held = new Held(connectionIdLength);
      const [keyExchange, changeCipherSpec, finished] = held.flight;
      const early = held.sealed(CONTENT_TYPES.applicationData, data('early'));
      held.deliver(keyExchange, changeCipherSpec, early);
      assert.deepEqual(held.server.texts, []);
      assert.equal(held.server.endpoint.usage.deferredBytes, early.length);
      held.deliver(finished);
      assert.deepEqual(held.server.events.at(-1)?.kind, 'opened');
      assert.deepEqual(held.server.texts, ['early']);
      held.deliver(early);
      assert.deepEqual(held.server.texts, ['early']);
      assert.equal(held.server.endpoint.usage.deferredBytes, 0);
    });

    it('data and the Finished before the ChangeCipherSpec, in the wrong order: both count after it', () => {
      const held = new Held(connectionIdLength);
      const [keyExchange, changeCipherSpec, finished] = held.flight;
      const early = held.sealed(CONTENT_TYPES.applicationData, data('early'));
      held.deliver(early, finished, keyExchange);
      assert.equal(held.server.of('opened').length, 0);
      held.deliver(changeCipherSpec);
      assert.equal(held.server.of('opened').length, 1);
      assert.deepEqual(held.server.texts, ['early']);
    });

    it('a plaintext alert after the ChangeCipherSpec is nobody’s', () => {
      const held = new Held(connectionIdLength);
      const [keyExchange, changeCipherSpec, finished] = held.flight;
      held.deliver(keyExchange, changeCipherSpec);
      held.deliver(encodePlaintextRecord(CONTENT_TYPES.alert, 9, encodeAlert('fatal', 'handshake_failure')));
      assert.deepEqual(held.server.endpoint.counters.dropped, { 'plaintext-alert': 1 });
      held.deliver(finished);
      assert.equal(held.server.of('opened').length, 1);
    });

    it('one under the keys ends the handshake', () => {
      const held = new Held(connectionIdLength);
      const [keyExchange, changeCipherSpec] = held.flight;
      held.deliver(keyExchange, changeCipherSpec);
      held.deliver(held.sealed(CONTENT_TYPES.alert, encodeAlert('fatal', 'internal_error')));
      assert.equal(held.server.of('refused')[0]?.refusal.alert, 'internal_error');
      assert.equal(held.server.endpoint.usage.handshakes, 0);
      assert.equal(held.server.endpoint.usage.connectionIds, 0);
    });

    it('a ChangeCipherSpec of another content, or twice, counts for nothing', () => {
      const held = new Held(connectionIdLength);
      const [keyExchange, changeCipherSpec, finished] = held.flight;
      const wrong = encodePlaintextRecord(CONTENT_TYPES.changeCipherSpec, 9, Uint8Array.of(2));
      held.deliver(keyExchange, wrong, changeCipherSpec, changeCipherSpec);
      assert.equal(held.server.endpoint.counters.dropped['unexpected-change-cipher-spec'], 2);
      held.deliver(finished);
      assert.equal(held.server.of('opened').length, 1);
    });

    it('forged Finished messages: three end the handshake, two do not', () => {
      const held = new Held(connectionIdLength);
      const [keyExchange, changeCipherSpec, finished] = held.flight;
      const forged = finished.slice();
      forged[forged.length - 1]! ^= 1;
      held.deliver(keyExchange, changeCipherSpec, forged, forged);
      assert.equal(held.server.endpoint.usage.handshakes, 1);
      held.deliver(finished);
      assert.equal(held.server.of('opened').length, 1);
      const again = new Held(connectionIdLength);
      const forgedAgain = again.flight[2].slice();
      forgedAgain[forgedAgain.length - 1]! ^= 1;
      again.deliver(again.flight[0], again.flight[1], forgedAgain, forgedAgain, forgedAgain);
      assert.equal(again.server.endpoint.usage.handshakes, 0);
    });

    it('a message that comes in the wrong place keeps out no true one', () => {
      const held = new Held(connectionIdLength);
      const [keyExchange, changeCipherSpec, finished] = held.flight;
      held.deliver(keyExchange, changeCipherSpec);
      // Where the Finished belongs, in plaintext: another ClientKeyExchange with the next number.
      const stray = keyExchange.slice();
      stray[18]! += 1;
      held.deliver(stray);
      assert.equal(held.server.endpoint.counters.dropped['unexpected-message'], 1);
      held.deliver(finished);
      assert.equal(held.server.of('opened').length, 1);
    });
  });
}

describe('our own flight', () => {
  it('is repeated again once a look-up is answered and the rest of the peer’s does not come', () => {
    const held = new Held(6);
    held.server.onLookup = undefined;
    held.deliver(held.flight[0]);
    held.network.run(4_000);
    const { lookup } = held.server.of('lookup')[0]!;
    assert.equal(held.server.endpoint.counters.flightsRetransmitted, 0);
    held.server.endpoint.answer(held.network.now, lookup, { kind: 'key', key: CLIENTS.psk.key }, held.server);
    held.network.run(2_000);
    assert.equal(held.server.endpoint.counters.flightsRetransmitted, 1);
  });

  it('has been sent: from then on our alerts are under its keys', () => {
    const held = new Held('off');
    held.client.close(held.near);
    const alert = held.network.sent.at(-1)!.bytes;
    assert.deepEqual([alert[0], alert[4]], [CONTENT_TYPES.alert, 1]);
  });
});

describe('a ClientHello', () => {
  it('that is fragmented is dropped before the cookie, with nothing kept', () => {
    const fixture = new Fixture();
    fixture.network.filter = () => false;
    fixture.connect();
    const hello = fixture.network.sent[0]!.bytes;
    const content = hello.slice(13, hello.length - 10);
    // fragment_length
    content[11]! -= 10;
    fixture.server.receive(CLIENT, encodePlaintextRecord(CONTENT_TYPES.handshake, 0, content));
    assert.deepEqual(fixture.server.endpoint.counters.dropped, { 'fragmented-hello': 1 });
    assert.equal(fixture.network.sent.length, 1);
  });

  it('gives its record’s sequence number to the answer, be it HelloVerifyRequest or ServerHello (RFC 6347 §4.2.1)', () => {
    const fixture = new Fixture();
    fixture.network.filter = () => false;
    fixture.connect();
    const numbered = (bytes: Uint8Array, sequence: number): Uint8Array =>
      Uint8Array.from([...bytes.subarray(0, 10), sequence, ...bytes.subarray(11)]);
    fixture.server.receive(CLIENT, numbered(fixture.network.sent[0]!.bytes, 77));
    assert.equal(fixture.network.sent.at(-1)!.bytes[10], 77);
    fixture.client.receive(SERVER, fixture.network.sent.at(-1)!.bytes);
    fixture.server.receive(CLIENT, numbered(fixture.network.sent.at(-1)!.bytes, 99));
    assert.equal(fixture.network.sent.at(-1)!.bytes[10], 99);
  });

  it('comes many times in one datagram and is answered once: a forged source address is sent no more packets than came', () => {
    const fixture = new Fixture();
    fixture.network.filter = () => false;
    fixture.connect();
    const { bytes } = fixture.network.sent[0]!;
    const before = fixture.network.sent.length;
    fixture.server.receive(CLIENT, Uint8Array.from([...bytes, ...bytes, ...bytes]));
    assert.equal(fixture.network.sent.length, before + 1);
    assert.equal(fixture.server.endpoint.counters.helloVerifyRequests, 1);
  });

  it('whose cookie was made for another address gets another one, and no more', () => {
    const fixture = new Fixture();
    fixture.open();
    const hello = fixture.network.sent.filter(({ from }) => from.port === CLIENT.port)[1]!.bytes;
    fixture.server.receive({ host: '10.3.3.3', port: 3 }, hello);
    assert.equal(fixture.server.endpoint.counters.dropped['bad-cookie'], 1);
    assert.equal(fixture.server.endpoint.usage.handshakes, 0);
    const answer = fixture.network.sent.at(-1)!;
    assert.equal(answer.to.host, '10.3.3.3');
    assert.ok(answer.bytes.length <= hello.length);
  });

  it('whose cookie has expired begins a handshake with the next one (RFC 6347 §4.2.1)', () => {
    const fixture = new Fixture({ server: { cookieLifetime: 100 } });
    let fromClient = 0;
    // The ClientHello with the cookie is lost, and comes again when the cookie is old.
    fixture.network.filter = ({ from }) => from.port !== CLIENT.port || ++fromClient !== 2;
    const near = fixture.connect();
    fixture.network.run(10_000, () => near.state === 'open');
    assert.equal(near.state, 'open');
    assert.ok(fixture.server.endpoint.counters.helloVerifyRequests >= 2);
  });
});

describe('a look-up that several handshakes share', () => {
  it('goes on for the others when one of them ends', () => {
    const fixture = new Fixture();
    fixture.server.onLookup = undefined;
    const [one, two] = [1, 2].map((number) => fixture.addClient({ host: `10.4.0.${number}`, port: 4 }));
    const first = fixture.connect(one);
    const second = fixture.connect(two);
    fixture.network.run(300);
    assert.equal(fixture.server.endpoint.usage.lookups, 1);
    one!.endpoint.forget(first);
    // The first device begins anew, which ends its handshake here.
    fixture.connect(one, WRONG_KEY);
    fixture.network.run(300);
    const { lookup } = fixture.server.of('lookup')[0]!;
    fixture.server.endpoint.answer(fixture.network.now, lookup, { kind: 'key', key: CLIENTS.psk.key }, fixture.server);
    fixture.network.run(300);
    assert.equal(second.state, 'open');
    assert.equal(fixture.server.of('lookup').length, 1);
  });
});
