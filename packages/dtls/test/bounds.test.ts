/** Every bound of an endpoint is reached once, holds, and gives its places back. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Association } from '../src/association.ts';
import type { Host } from './datagram-network.ts';
import { CLIENT, ELSEWHERE, Fixture, leftovers, NOTHING_LEFT, PSK, RPK, WRONG_KEY, X509 } from './endpoint-fixture.ts';
import { CLIENTS } from './machine-credentials.ts';

const client = (fixture: Fixture, number: number, host = `10.1.0.${number}`): Host =>
  fixture.addClient({ host, port: 1_000 + number });

describe('the bounds of a server', () => {
  it('maxHandshakes: further clients wait without being told, and come in when there is room', () => {
    const fixture = new Fixture({ server: { maxHandshakes: 2 } });
    fixture.server.onLookup = undefined;
    const all = [1, 2, 3].map((number) => client(fixture, number));
    for (const host of all) fixture.connect(host);
    fixture.network.run(500);
    assert.equal(fixture.server.endpoint.usage.handshakes, 2);
    assert.equal(fixture.server.endpoint.counters.dropped['too-many-handshakes'], 1);
    const { lookup } = fixture.server.of('lookup')[0]!;
    fixture.server.onLookup = () => ({ kind: 'key', key: CLIENTS.psk.key });
    fixture.server.endpoint.answer(fixture.network.now, lookup, { kind: 'key', key: CLIENTS.psk.key }, fixture.server);
    fixture.network.run(10_000);
    for (const host of all) assert.equal(host.of('opened').length, 1);
    assert.equal(fixture.server.endpoint.usage.handshakes, 0);
  });

  it('maxHandshakes: a client that goes silent makes room for another, one that goes on does not', () => {
    const fixture = new Fixture({ server: { maxHandshakes: 2, handshakeStaleAfter: 15_000, lookupTimeout: 60_000 } });
    const { server, network } = fixture;
    server.onLookup = undefined;
    const all = [1, 2, 3, 4].map((number) => client(fixture, number)) as [Host, Host, Host, Host];
    const [slow, silent, newcomer, another] = all;
    // Both get as far as the cookie; the slow one goes on when it sends its flight for the fourth time, after 14 s.
    let isThrough = false;
    network.filter = ({ from, bytes }) => isThrough || from.port !== server.address.port || bytes.length < 80;
    fixture.connect(slow);
    fixture.connect(silent);
    network.run(100);
    network.detach(silent);
    network.run(10_000);
    isThrough = true;
    network.run(4_200);
    assert.equal(server.of('lookup').length, 1);
    assert.equal(server.endpoint.usage.handshakes, 2);

    fixture.connect(newcomer);
    network.run(500);
    assert.equal(server.endpoint.counters.dropped['too-many-handshakes'], 1, 'not silent for long enough');
    network.run(5_000);
    const refusals = (): unknown[] => server.of('refused').map(({ from, refusal }) => [from.port, refusal.reason]);
    assert.deepEqual(refusals(), [[silent.address.port, 'too-many-handshakes']]);
    assert.equal(server.endpoint.usage.handshakes, 2);

    fixture.connect(another);
    network.run(1_000);
    assert.equal(refusals().length, 1, 'both of them go on');
    network.settle();
    assert.deepEqual(leftovers(server), NOTHING_LEFT);
  });

  it('maxHandshakeMessageBytes: at the end of its time a handshake with a longer message is refused with both numbers', () => {
    const fixture = new Fixture({ server: { maxHandshakeMessageBytes: 256 } });
    fixture.connect(fixture.client, X509);
    fixture.network.settle();
    const [refused] = fixture.server.of('refused');
    assert.equal(refused?.refusal.reason, 'message-too-long');
    assert.match(refused.refusal.text, /the client's certificate has \d{3} bytes, and at most 256 are read/);
    assert.deepEqual(leftovers(fixture.server), NOTHING_LEFT);
  });

  it('maxHandshakesPerHost: one host takes no more than its share', () => {
    const fixture = new Fixture({ server: { maxHandshakesPerHost: 2 } });
    fixture.server.onLookup = undefined;
    for (const number of [1, 2, 3]) fixture.connect(client(fixture, number, '10.1.0.1'));
    fixture.connect(client(fixture, 4, '10.1.0.2'));
    fixture.network.run(500);
    assert.equal(fixture.server.endpoint.usage.handshakes, 3);
    assert.equal(fixture.server.endpoint.usage.hosts, 2);
    fixture.network.settle();
    assert.deepEqual(leftovers(fixture.server), NOTHING_LEFT);
  });

  it('maxAssociations: a full table refuses those without a place, and lets one in when one ends', () => {
    const fixture = new Fixture({ server: { maxAssociations: 2 } });
    const first = fixture.open(client(fixture, 1));
    fixture.open(client(fixture, 2));
    const third = client(fixture, 3);
    const near = fixture.connect(third);
    fixture.network.run(1_000);
    assert.equal(near.state, 'handshaking');
    assert.equal(fixture.server.endpoint.counters.dropped['too-many-associations'], 1);
    fixture.server.close(first.far);
    fixture.network.run(5_000);
    assert.equal(near.state, 'open');
    assert.equal(fixture.server.endpoint.usage.associations, 2);
  });

  it('maxAssociations: who is in a full table may begin anew from the same address', () => {
    const fixture = new Fixture({ server: { maxAssociations: 1 } });
    const first = fixture.open();
    const again = fixture.addClient(CLIENT);
    fixture.network.detach(fixture.client);
    const second = fixture.open(again);
    assert.equal(first.far.state, 'closed');
    assert.equal(second.far.state, 'open');
    assert.equal(fixture.server.endpoint.usage.associations, 1);
  });

  it('staleAfter: in a full table the one silent for longest makes room, when the newcomer has proven itself', () => {
    const fixture = new Fixture({ server: { maxAssociations: 2, staleAfter: 60_000 } });
    const first = fixture.open(client(fixture, 1));
    const second = fixture.open(client(fixture, 2));
    fixture.network.run(61_000);
    fixture.connect(client(fixture, 3), WRONG_KEY);
    fixture.network.run(10_000);
    assert.equal(first.far.state, 'open', 'nobody who proves nothing ends it');
    const fourth = fixture.open(client(fixture, 4));
    assert.equal(first.far.state, 'closed');
    assert.equal(second.far.state, 'open');
    assert.equal(fourth.far.state, 'open');
    assert.deepEqual(
      fixture.server.of('closed').map(({ association, reason }) => [association, reason]),
      [[first.far, 'evicted']],
    );
    assert.equal(fixture.server.endpoint.usage.associations, 2);
  });

  it('staleAfter: of two that come for the place of one silent association, one gets it, and nobody else makes room', () => {
    const fixture = new Fixture({ server: { maxAssociations: 2, staleAfter: 60_000 } });
    const silent = fixture.open(client(fixture, 1));
    const lively = fixture.open(client(fixture, 2));
    fixture.network.run(59_000);
    fixture.server.send(lively.far, 'still here');
    fixture.network.run(2_000);
    const both = [client(fixture, 3), client(fixture, 4)];
    const [third, fourth] = both.map((host) => fixture.connect(host)) as [Association, Association];
    fixture.network.run(5_000);
    assert.deepEqual([silent.far.state, lively.far.state], ['closed', 'open']);
    assert.deepEqual([third.state, fourth.state].sort(), ['closed', 'open']);
    assert.equal(fixture.server.of('refused')[0]?.refusal.reason, 'too-many-associations');
    assert.equal(fixture.server.endpoint.usage.associations, 2);
  });

  it('maxLookups: further handshakes fail, those that ask the same share one', () => {
    const fixture = new Fixture({ server: { maxLookups: 1 } });
    fixture.server.onLookup = undefined;
    const [one, two, other] = [1, 2, 3].map((number) => client(fixture, number)) as [Host, Host, Host];
    fixture.connect(one);
    fixture.connect(two);
    fixture.network.run(500);
    fixture.connect(other, { credentials: { ...CLIENTS.psk, identity: new TextEncoder().encode('sensor-2') } });
    fixture.network.run(500);
    assert.equal(fixture.server.of('lookup').length, 1);
    assert.equal(fixture.server.endpoint.usage.lookups, 1);
    assert.equal(fixture.server.of('refused')[0]?.refusal.reason, 'lookup-failed');
    assert.equal(other.of('refused')[0]?.refusal.alert, 'internal_error');
    const { lookup } = fixture.server.of('lookup')[0]!;
    fixture.server.endpoint.answer(fixture.network.now, lookup, { kind: 'key', key: CLIENTS.psk.key }, fixture.server);
    fixture.network.run(1_000);
    assert.equal(one.of('opened').length + two.of('opened').length, 2);
    assert.equal(fixture.server.endpoint.usage.lookups, 0);
  });

  it('the client’s own bounds refuse at once', () => {
    const fixture = new Fixture({ client: { maxHandshakes: 1 } });
    fixture.connect();
    const second = fixture.client.endpoint.connect(fixture.network.now, ELSEWHERE, PSK, fixture.client);
    assert.equal(second.state, 'closed');
    assert.deepEqual(
      fixture.client.of('refused').map(({ association, refusal }) => [association, refusal.reason]),
      [[second, 'too-many-handshakes']],
    );
    assert.equal(fixture.client.endpoint.usage.handshakes, 1);
  });
});

describe('records that do not authenticate', () => {
  function forger(options: object): {
    fixture: Fixture;
    near: Association;
    far: Association;
    forge: (count: number) => void;
  } {
    const fixture = new Fixture({ server: options });
    const { near, far } = fixture.open();
    fixture.network.filter = () => false;
    fixture.client.send(near, 'x');
    fixture.network.filter = () => true;
    const record = fixture.network.sent.at(-1)!.bytes;
    const forge = (count: number): void => {
      for (let i = 0; i < count; i++) {
        const forged = record.slice();
        // Far ahead of what was sent: the window must not follow (CVE-2016-2181).
        forged[6] = 0xff;
        forged[forged.length - 1]! ^= 1 + (i & 0x7f);
        fixture.server.receive(CLIENT, forged);
      }
    };
    return { fixture, near, far, forge };
  }

  it('beyond so many per second are dropped unopened, and the next second is a new one', () => {
    const { fixture, far, forge } = forger({ forgedRecordsPerSecond: 10 });
    forge(25);
    assert.deepEqual(fixture.server.endpoint.counters.dropped, { forged: 10, 'forged-too-often': 15 });
    fixture.network.run(1_000);
    forge(5);
    assert.equal(fixture.server.endpoint.counters.dropped.forged, 15);
    assert.equal(far.forgedRecords, 15);
  });

  it('500 a second, as anybody who has seen its Connection ID can send, keep out nothing that is true', () => {
    const { fixture, near, forge } = forger({});
    forge(500);
    fixture.client.send(near, 'still here');
    fixture.network.run(100);
    assert.deepEqual(fixture.server.texts, ['still here']);
  });

  it('are reported at the first bound and at each doubling, and the association ends at the last', () => {
    const { fixture, far, forge } = forger({
      forgedRecordsPerSecond: 1_000,
      forgedRecordsReported: 10,
      forgedRecordsClosed: 50,
    });
    forge(49);
    assert.deepEqual(
      fixture.server.of('forgedRecords').map(({ count }) => count),
      [10, 20, 40],
    );
    assert.equal(far.state, 'open');
    forge(1);
    assert.equal(far.state, 'closed');
    assert.equal(fixture.server.of('closed')[0]?.reason, 'forged-records');
    assert.equal(fixture.server.endpoint.counters.closed['forged-records'], 1);
  });

  it('do not move the window: what was really sent still arrives (CVE-2016-2181)', () => {
    const fixture = new Fixture();
    const { near } = fixture.open();
    fixture.client.send(near, 'one');
    const forged = fixture.network.sent.at(-1)!.bytes.slice();
    forged[5] = 0x7f;
    fixture.server.receive(CLIENT, forged);
    fixture.network.run(100);
    assert.deepEqual(fixture.server.texts, ['one']);
  });
});

describe('sequence numbers', () => {
  it('an association whose numbers are used up ends instead of using one twice', () => {
    const fixture = new Fixture();
    const { near } = fixture.open();
    const endpoint = fixture.client.endpoint;
    const last = sequenced(endpoint.exportAssociation(fixture.network.now, near, 'move'), 2 ** 48 - 2);
    const moved = endpoint.importAssociation(fixture.network.now, last)!;
    assert.ok(fixture.client.send(moved, 'one'));
    assert.ok(fixture.client.send(moved, 'two'));
    assert.ok(!fixture.client.send(moved, 'three'));
    assert.equal(moved.state, 'closed');
    assert.equal(fixture.client.of('closed')[0]?.reason, 'exhausted');
    fixture.network.run(100);
    assert.deepEqual(fixture.server.texts, ['one', 'two']);
    assert.deepEqual(leftovers(fixture.client), NOTHING_LEFT);
  });
});

/** The same exported state with another write sequence. Its head: role, suite, flags, epoch, write sequence. */
function sequenced(state: Uint8Array, sequence: number): Uint8Array {
  const changed = state.slice();
  const suite = changed.findIndex((byte, index) => byte === 0xc0 && changed[index + 1] === 0xa8);
  new DataView(changed.buffer).setBigUint64(suite + 5, BigInt(sequence));
  return changed;
}

describe('after 5,000 handshakes of all kinds and ends', () => {
  it('nothing is left on either side (CVE-2022-39368)', () => {
    const fixture = new Fixture({
      latency: 1,
      server: {
        maxHandshakesPerHost: 100,
        handshakeTimeout: 20_000,
        cookieLifetime: 10_000,
        lookupTimeout: 10,
        maxSessions: 100,
      },
      client: { handshakeTimeout: 20_000 },
    });
    const { server, client: host, network } = fixture;
    let answers = 0;
    server.onLookup = (lookup) => {
      answers++;
      if (answers % 11 === 0) return { kind: 'unknown' };
      if (answers % 13 === 0) return { kind: 'failed', text: 'no' };
      if (answers % 17 === 0) return undefined;
      return lookup.kind === 'psk' ? { kind: 'key', key: CLIENTS.psk.key } : { kind: 'accepted' };
    };
    const open: Association[] = [];
    for (let i = 0; i < 5_000; i++) {
      host.address = { host: `10.2.${(i >>> 8) & 0xff}.${i & 0xff}`, port: 1_000 + (i % 3) };
      const how = i % 20 === 0 ? RPK : i % 50 === 1 ? X509 : i % 7 === 0 ? WRONG_KEY : PSK;
      const near = fixture.connect(host, how);
      network.run(i % 9 === 0 ? 3 : 10);
      if (i % 9 === 0) host.close(near);
      else if (near.state === 'open' && i % 2 === 0) host.close(near);
      else if (near.state === 'open') open.push(near);
      network.run(3);
      if (i % 23 === 0) network.filter = ({ bytes }) => bytes.length < 80;
      else network.filter = () => true;
    }
    network.filter = () => true;
    const { counters } = server.endpoint;
    assert.ok(counters.handshakesStarted > 3_500, `${counters.handshakesStarted}`);
    assert.ok(counters.handshakesCompleted > 2_000, `${counters.handshakesCompleted}`);
    assert.ok(Object.keys(counters.handshakesRefused).length >= 5, JSON.stringify(counters.handshakesRefused));
    for (const association of open) host.close(association);
    network.run(100);
    for (const { association } of server.of('opened')) server.close(association);
    network.settle();
    assert.deepEqual(leftovers(server), NOTHING_LEFT);
    assert.deepEqual(leftovers(host), NOTHING_LEFT);
    assert.ok(server.endpoint.usage.sessions <= 100);
    const started = counters.handshakesStarted;
    const refused = Object.values(counters.handshakesRefused).reduce((sum, count) => sum + count, 0);
    assert.equal(started, counters.handshakesCompleted + refused, 'every handshake has one end');
  });
});
