/** Peers whose address changes, with and without a Connection ID, and those who only pretend. RFC 9146 §6. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Association } from '../src/association.ts';
import { CLIENT, ELSEWHERE, Fixture, SERVER } from './endpoint-fixture.ts';
import type { FixtureOptions } from './endpoint-fixture.ts';

class Moving extends Fixture {
  readonly near: Association;
  readonly far: Association;
  constructor(options: FixtureOptions = {}) {
    super(options);
    ({ near: this.near, far: this.far } = this.open());
  }

  /** The NAT gives the client another address. */
  rebind(): void {
    this.client.address = ELSEWHERE;
  }

  up(text: string): void {
    this.client.send(this.near, text);
    this.network.run(100);
  }

  down(text: string): boolean {
    const sent = this.server.send(this.far, text);
    this.network.run(100);
    return sent;
  }

  /** The datagram the client sends, which the network keeps. */
  held(text: string): Uint8Array {
    this.network.filter = () => false;
    this.client.send(this.near, text);
    this.network.filter = () => true;
    return this.network.sent.at(-1)!.bytes;
  }
}

describe('a peer whose address changes', () => {
  it('with a Connection ID goes on from there, and is answered there', () => {
    const moving = new Moving();
    moving.rebind();
    moving.up('from elsewhere');
    assert.deepEqual(moving.server.texts, ['from elsewhere']);
    assert.deepEqual(moving.far.address, ELSEWHERE);
    const [moved] = moving.server.of('moved');
    assert.equal(moved?.association, moving.far);
    assert.deepEqual(moved?.from, CLIENT);
    moving.down('answer');
    assert.deepEqual(moving.client.texts, ['answer']);
    assert.equal(moving.server.endpoint.associationAt(ELSEWHERE), moving.far);
    assert.equal(moving.server.endpoint.associationAt(CLIENT), undefined);
    assert.equal(moving.server.endpoint.usage.addresses, 1);
    assert.equal(moving.server.endpoint.counters.addressChanges, 1);
  });

  it('without one it is a stranger, and the association stays where it was', () => {
    const moving = new Moving({ server: { connectionIdLength: 'off' } });
    moving.rebind();
    moving.up('from elsewhere');
    assert.deepEqual(moving.server.texts, []);
    assert.deepEqual(moving.far.address, CLIENT);
    assert.deepEqual(moving.server.endpoint.counters.dropped, { 'unknown-address': 1 });
  });

  it('a replayed record from another address neither is delivered nor moves anything', () => {
    const moving = new Moving();
    moving.up('one');
    const { bytes } = moving.network.sent.at(-1)!;
    moving.network.inject(ELSEWHERE, SERVER, bytes);
    moving.network.run(100);
    assert.deepEqual(moving.server.texts, ['one']);
    assert.deepEqual(moving.far.address, CLIENT);
    assert.equal(moving.server.endpoint.counters.dropped.replayed, 1);
  });

  it('a record that was held back is delivered, but does not move: it is not the newest', () => {
    const moving = new Moving();
    const old = moving.held('held back');
    moving.up('newer');
    moving.network.inject(ELSEWHERE, SERVER, old);
    moving.network.run(100);
    assert.deepEqual(moving.server.texts, ['newer', 'held back']);
    assert.deepEqual(moving.far.address, CLIENT);
    assert.equal(moving.server.endpoint.counters.addressChanges, 0);
  });

  it('a forged record from another address does not move', () => {
    const moving = new Moving();
    const forged = moving.held('x').slice();
    forged[forged.length - 1]! ^= 1;
    moving.network.inject(ELSEWHERE, SERVER, forged);
    moving.network.run(100);
    assert.deepEqual(moving.far.address, CLIENT);
    assert.equal(moving.server.endpoint.counters.dropped.forged, 1);
    assert.equal(moving.far.forgedRecords, 1);
  });

  it('is sent at most three times what it sent, until it has answered once', () => {
    const moving = new Moving();
    moving.rebind();
    moving.up('x'.repeat(100));
    const budget = 3 * moving.network.sent.at(-1)!.bytes.length;
    let sent = 0;
    while (moving.down('y'.repeat(60))) sent += moving.network.sent.at(-1)!.bytes.length;
    assert.ok(sent > 0 && sent <= budget, `${sent} of ${budget}`);
    assert.equal(moving.server.endpoint.counters.dropped.amplification, 1);
    moving.up('I am here');
    for (let i = 0; i < 20; i++) assert.ok(moving.down('y'.repeat(60)));
  });

  it('has not answered by merely going on: before anything was sent to it the bound stays', () => {
    const moving = new Moving();
    moving.rebind();
    const sent = moving.network.sent.length;
    for (let i = 0; i < 3; i++) moving.up('x');
    const received = moving.network.sent.slice(sent).reduce((sum, { bytes }) => sum + bytes.length, 0);
    let bytes = 0;
    while (bytes < 10_000 && moving.down('y'.repeat(20))) bytes += moving.network.sent.at(-1)!.bytes.length;
    assert.ok(bytes > received && bytes <= 3 * received, `${bytes} for ${received}`);
  });

  it('a captured record sent from a victim’s address brings it no more than that', () => {
    const moving = new Moving();
    const captured = moving.held('captured');
    moving.network.inject(ELSEWHERE, SERVER, captured);
    moving.network.run(100);
    assert.deepEqual(moving.far.address, ELSEWHERE, 'RFC 9146 §6 cannot tell');
    const before = moving.network.sent.length;
    for (let i = 0; i < 50; i++) moving.down('z'.repeat(50));
    const bytes = moving.network.sent.slice(before).reduce((sum, datagram) => sum + datagram.bytes.length, 0);
    assert.ok(bytes <= 3 * captured.length);
    moving.up('the true one speaks');
    assert.deepEqual(moving.far.address, CLIENT, 'and has it back');
  });

  it('cannot take the address of an association that is found by its address alone', () => {
    const moving = new Moving();
    const other = moving.addClient(ELSEWHERE, { connectionIdLength: 'off' });
    const plain = moving.open(other);
    moving.rebind();
    moving.up('from there');
    assert.deepEqual(moving.far.address, ELSEWHERE);
    assert.equal(moving.server.endpoint.associationAt(ELSEWHERE), plain.far);
    other.send(plain.near, 'still heard');
    moving.network.run(100);
    assert.deepEqual(moving.server.texts, ['from there', 'still heard']);
  });

  it('with the address of another that has a Connection ID: both go on', () => {
    const fixture = new Fixture();
    const first = fixture.open();
    const other = fixture.addClient(ELSEWHERE);
    const second = fixture.open(other);
    fixture.client.address = { host: ELSEWHERE.host, port: ELSEWHERE.port };
    other.address = CLIENT;
    for (let round = 0; round < 3; round++) {
      fixture.client.send(first.near, `first ${round}`);
      other.send(second.near, `second ${round}`);
      fixture.network.run(100);
    }
    assert.deepEqual(first.far.address, ELSEWHERE);
    assert.deepEqual(second.far.address, CLIENT);
    assert.equal(fixture.server.texts.length, 6);
    assert.equal(fixture.server.endpoint.usage.addresses, 2);
    assert.equal(fixture.server.endpoint.usage.connectionIds, 2);
  });

  it('during the handshake is not followed before the Finished is there', () => {
    const fixture = new Fixture();
    fixture.server.onLookup = undefined;
    const near = fixture.connect();
    fixture.network.run(200);
    fixture.client.address = ELSEWHERE;
    fixture.network.run(2_500);
    assert.equal(fixture.server.of('moved').length, 0);
    assert.equal(fixture.server.of('opened').length, 0);
    assert.equal(near.state, 'handshaking');
  });
});

describe('records that do not belong', () => {
  it('with an unknown Connection ID never fall back to the address', () => {
    const moving = new Moving();
    const record = moving.held('x').slice();
    record[11]! ^= 0xff;
    moving.network.inject(CLIENT, SERVER, record);
    moving.network.run(100);
    assert.deepEqual(moving.server.endpoint.counters.dropped, { 'unknown-connection-id': 1 });
    assert.deepEqual(moving.server.texts, []);
  });

  it('without the Connection ID that was negotiated are dropped', () => {
    const moving = new Moving();
    const record = moving.held('x');
    const without = Uint8Array.from([23, ...record.subarray(1, 11), ...record.subarray(17)]);
    moving.network.inject(CLIENT, SERVER, without);
    moving.network.run(100);
    assert.deepEqual(moving.server.endpoint.counters.dropped, { 'connection-id-expected': 1 });
  });

  it('keepalives of one byte are tolerated and counted apart', () => {
    const moving = new Moving();
    moving.network.inject(CLIENT, SERVER, Uint8Array.of(0));
    moving.network.inject(ELSEWHERE, SERVER, Uint8Array.of(0xff));
    moving.network.run(100);
    assert.deepEqual(moving.server.endpoint.counters.dropped, {});
    assert.equal(moving.server.endpoint.counters.keepalivesReceived, 2);
  });

  it('several records in one datagram are all read', () => {
    const moving = new Moving();
    const [one, two] = [moving.held('one'), moving.held('two')];
    moving.network.inject(CLIENT, SERVER, Uint8Array.from([...one, ...two]));
    moving.network.run(100);
    assert.deepEqual(moving.server.texts, ['one', 'two']);
  });
});
