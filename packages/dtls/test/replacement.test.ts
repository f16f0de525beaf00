/** A client that begins anew from the address of an open association. RFC 6347 §4.2.8. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CLIENT, Fixture, leftovers, NOTHING_LEFT, PSK, SERVER, WRONG_KEY } from './endpoint-fixture.ts';
import type { FixtureOptions } from './endpoint-fixture.ts';
import type { Host } from './datagram-network.ts';
import { CLIENTS } from './machine-credentials.ts';

/** The device lost its state: another endpoint at the same address. */
function reboot(fixture: Fixture): Host {
  fixture.network.detach(fixture.client);
  return fixture.addClient(CLIENT);
}

for (const connectionIdLength of [6, 'off'] as const) {
  const options: FixtureOptions = { server: { connectionIdLength } };
  describe(`a new handshake from the address of an open association, Connection ID ${connectionIdLength}`, () => {
    it('replaces it once the new Finished is there, and not before', () => {
      const fixture = new Fixture(options);
      const { far: old } = fixture.open();
      const again = reboot(fixture);
      let openBefore = 0;
      fixture.network.filter = () => {
        if (fixture.server.of('opened').length === 1) openBefore = old.state === 'open' ? openBefore + 1 : -1;
        return true;
      };
      const { far } = fixture.open(again);
      assert.ok(openBefore > 3, 'the old one was open during the whole handshake');
      assert.notEqual(far, old);
      assert.equal(old.state, 'closed');
      assert.equal(fixture.server.of('opened')[1]?.replaces, old);
      assert.equal(fixture.server.endpoint.associationAt(CLIENT), far);
      assert.equal(fixture.server.endpoint.usage.associations, 1);
      assert.equal(fixture.server.endpoint.usage.connectionIds, connectionIdLength === 6 ? 1 : 0);
      assert.equal(fixture.server.endpoint.counters.closed.replaced, 1);
      fixture.server.send(far, 'hello');
      fixture.network.run(100);
      assert.deepEqual(again.texts, ['hello']);
    });

    it('that fails leaves it as it was', () => {
      const fixture = new Fixture(options);
      const { near, far } = fixture.open();
      const stranger = fixture.addClient(CLIENT);
      fixture.connect(stranger, WRONG_KEY);
      fixture.network.run(200_000);
      fixture.network.detach(stranger);
      assert.equal(fixture.server.of('refused').length, 1);
      assert.equal(far.state, 'open');
      fixture.client.send(near, 'still here');
      fixture.network.run(100);
      assert.deepEqual(fixture.server.texts, ['still here']);
    });

    it('data of the old one is still delivered while the new one is under way', () => {
      const fixture = new Fixture(options);
      const { near, far } = fixture.open();
      fixture.server.onLookup = undefined;
      const again = fixture.addClient(CLIENT);
      fixture.connect(again);
      fixture.network.run(300);
      assert.equal(fixture.server.endpoint.usage.handshakes, 1);
      fixture.client.send(near, 'from before');
      fixture.network.run(100);
      assert.deepEqual(fixture.server.texts, ['from before']);
      assert.equal(far.state, 'open');
    });

    it('without a cookie changes nothing at all, however many come (CVE-2026-55950)', () => {
      const fixture = new Fixture(options);
      const { near, far } = fixture.open();
      const hello = fixture.network.sent[0]!.bytes;
      for (let i = 0; i < 1_000; i++) {
        const burst = hello.slice();
        burst[40]! ^= i;
        burst[41]! ^= i >>> 8;
        fixture.network.inject(CLIENT, SERVER, burst);
      }
      fixture.network.run(100);
      assert.equal(fixture.server.endpoint.usage.handshakes, 0);
      assert.equal(far.state, 'open');
      assert.equal(fixture.server.endpoint.counters.helloVerifyRequests, 1_001);
      fixture.client.send(near, 'still here');
      fixture.network.run(100);
      assert.deepEqual(fixture.server.texts, ['still here']);
    });
  });
}

describe('an address that somebody else has now', () => {
  it('with a Connection ID the association before lives on: the NAT gave its port away', () => {
    const fixture = new Fixture();
    const first = fixture.open();
    fixture.client.address = { host: '10.0.0.99', port: 9 };
    const other = fixture.addClient(CLIENT);
    const second = fixture.open(other, {
      credentials: { ...CLIENTS.psk, identity: new TextEncoder().encode('sensor-2') },
    });
    assert.equal(fixture.server.of('opened')[1]?.replaces, undefined);
    assert.equal(first.far.state, 'open');
    fixture.client.send(first.near, 'first');
    other.send(second.near, 'second');
    fixture.network.run(100);
    assert.deepEqual(fixture.server.texts, ['first', 'second']);
  });
});

describe('a handshake under way', () => {
  it('is given up when the client begins another with a fresh cookie', () => {
    const fixture = new Fixture();
    fixture.server.onLookup = undefined;
    fixture.connect();
    fixture.network.run(300);
    const again = reboot(fixture);
    fixture.connect(again);
    fixture.network.run(300);
    assert.equal(fixture.server.endpoint.usage.handshakes, 1);
    assert.deepEqual(
      fixture.server.of('refused').map(({ refusal }) => refusal.reason),
      ['cancelled'],
    );
    fixture.server.onLookup = () => ({ kind: 'key', key: CLIENTS.psk.key });
    const { lookup } = fixture.server.of('lookup').at(-1)!;
    fixture.server.endpoint.answer(fixture.network.now, lookup, { kind: 'key', key: CLIENTS.psk.key }, fixture.server);
    fixture.network.run(1_000);
    assert.equal(again.of('opened').length, 1);
  });

  it('of a client is given up when it begins another with that address', () => {
    const fixture = new Fixture();
    const first = fixture.connect();
    const second = fixture.connect();
    fixture.network.run(1_000);
    assert.equal(first.state, 'closed');
    assert.equal(second.state, 'open');
    assert.deepEqual(
      fixture.client.of('refused').map(({ association, refusal }) => [association, refusal.reason]),
      [[first, 'cancelled']],
    );
  });

  it('a late copy of its ClientHello begins no second one', () => {
    const fixture = new Fixture();
    fixture.open();
    const hello = fixture.network.sent.filter(({ from }) => from.port === CLIENT.port)[1]!.bytes;
    fixture.network.inject(CLIENT, SERVER, hello);
    fixture.network.run(100);
    assert.equal(fixture.server.endpoint.usage.handshakes, 0);
    assert.deepEqual(fixture.server.endpoint.counters.dropped, { 'unexpected-message': 1 });
    fixture.closeAll();
    assert.deepEqual(leftovers(fixture.server), NOTHING_LEFT);
  });

  it('a client replaces its own association with a server only when the new one is complete', () => {
    const fixture = new Fixture();
    const { near } = fixture.open();
    const next = fixture.connect(fixture.client, PSK);
    fixture.client.send(near, 'old');
    fixture.network.run(30);
    assert.equal(near.state, 'open');
    fixture.network.run(1_000);
    assert.equal(near.state, 'closed');
    assert.equal(next.state, 'open');
    assert.equal(fixture.client.of('opened')[1]?.replaces, near);
    assert.deepEqual(fixture.server.texts, ['old']);
  });
});
