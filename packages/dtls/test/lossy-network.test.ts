/**
 * Handshakes over a network that loses, doubles, delays and reorders, with small datagrams: they complete, within bounds,
 * and leave nothing behind. Every run is a seed; the seed is in the message of what fails.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConnectOptions } from '../src/endpoint.ts';
import { Fixture, leftovers, NOTHING_LEFT, PSK, RPK, X509 } from './endpoint-fixture.ts';
import type { FixtureOptions } from './endpoint-fixture.ts';
import { toHex } from './transcripts.ts';

interface Outcome {
  readonly opened: number;
  /** ms of virtual time, of those that opened. */
  readonly slowest: number;
}

/** Runs a handshake per seed and says how they went. What did not open must have been refused on the client's side. */
function handshakes(seeds: number, options: FixtureOptions, connect: ConnectOptions): Outcome {
  let opened = 0;
  let slowest = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const fixture = new Fixture({ ...options, seed });
    const { client, server, network } = fixture;
    const near = fixture.connect(client, connect);
    const began = network.now;
    client.send(near, 'first');
    network.run(300_000, () => client.events.some(({ kind }) => kind === 'opened' || kind === 'refused'));
    if (near.state === 'open') {
      opened++;
      slowest = Math.max(slowest, network.now - began);
      assert.ok(server.of('opened').length <= 1, `seed ${seed}`);
    } else {
      assert.equal(client.of('refused').length, 1, `seed ${seed}`);
    }
    network.run(5_000);
    assert.ok(server.texts.length <= 1, `seed ${seed}: application data is delivered at most once`);
    fixture.closeAll();
    assert.deepEqual(leftovers(client), NOTHING_LEFT, `seed ${seed}`);
    assert.deepEqual(leftovers(server), NOTHING_LEFT, `seed ${seed}`);
  }
  return { opened, slowest };
}

const KINDS: Readonly<Record<string, ConnectOptions>> = { psk: PSK, rpk: RPK, x509: X509 };

describe('a handshake over a bad network', () => {
  for (const [kind, connect] of Object.entries(KINDS)) {
    const seeds = kind === 'psk' ? 200 : 60;

    it(`${kind}: reordering and duplication alone never cost a handshake, nor more than two rounds`, () => {
      const outcome = handshakes(seeds, { duplication: 0.3, latency: 20, jitter: 200 }, connect);
      assert.equal(outcome.opened, seeds);
      assert.ok(outcome.slowest <= 8_000, `${outcome.slowest} ms`);
    });

    for (const bytes of [256, 512, 1200]) {
      it(`${kind}: at 10 % loss with datagrams of ${bytes} bytes all complete`, () => {
        const parameters = { maxDatagramBytes: bytes };
        const outcome = handshakes(
          seeds,
          { loss: 0.1, jitter: 30, maxDatagramBytes: bytes, server: parameters, client: parameters },
          connect,
        );
        assert.equal(outcome.opened, seeds);
        assert.ok(outcome.slowest <= 62_000, `${outcome.slowest} ms`);
      });
    }

    it(`${kind}: at 30 % loss, duplication and reordering 97 of 100 complete before the deadline`, () => {
      const outcome = handshakes(seeds, { loss: 0.3, duplication: 0.1, jitter: 300 }, connect);
      assert.ok(outcome.opened >= 0.97 * seeds, `${outcome.opened} of ${seeds}`);
      assert.ok(outcome.slowest <= 120_000, `${outcome.slowest} ms`);
    });
  }

  it('x509 at 30 % loss in datagrams of 256 bytes: 5 of 6 complete before the deadline', () => {
    const parameters = { maxDatagramBytes: 256 };
    const outcome = handshakes(
      60,
      { loss: 0.3, jitter: 100, maxDatagramBytes: 256, server: parameters, client: parameters },
      X509,
    );
    assert.ok(outcome.opened >= 50, `${outcome.opened} of 60`);
  });

  it('when only the server’s last flight is lost, the repeated Finished brings it again (RFC 6347 §4.2.4)', () => {
    const fixture = new Fixture();
    let lost = 0;
    fixture.network.filter = ({ from, bytes }) => {
      // Only the server's last flight has a ChangeCipherSpec.
      if (from.port === 5684 && toHex(bytes).includes('14fefd0000') && lost < 3) {
        lost++;
        return false;
      }
      return true;
    };
    const near = fixture.connect();
    fixture.network.run(200);
    assert.equal(fixture.server.of('opened').length, 1);
    assert.equal(near.state, 'handshaking');
    fixture.network.run(60_000, () => near.state === 'open');
    assert.equal(near.state, 'open');
    assert.equal(lost, 3);
    assert.equal(fixture.server.endpoint.counters.flightsRetransmitted, 3);
    assert.equal(fixture.server.of('opened').length, 1);
  });

  it('data that overtakes the Finished waits for it, within bounds', () => {
    const fixture = new Fixture({ server: { maxDeferredRecords: 2 } });
    const held: Uint8Array[] = [];
    let hold = false;
    fixture.network.filter = ({ from, bytes }) => {
      if (!hold || from.port === 5684) return true;
      held.push(bytes);
      return false;
    };
    const near = fixture.connect();
    // The last flight of the client, and what it sends after it, are held back.
    fixture.network.run(1_000, () => fixture.server.endpoint.usage.handshakes === 1);
    hold = true;
    fixture.network.run(30);
    assert.equal(held.length, 1);
    // The client cannot be open yet; its flight is delivered in pieces, the Finished first.
    const flight = held[0]!;
    const records: Uint8Array[] = [];
    for (let at = 0; at < flight.length;) {
      const cid = flight[at] === 25 ? 6 : 0;
      const end = at + 13 + cid + ((flight[at + 11 + cid]! << 8) | flight[at + 12 + cid]!);
      records.push(flight.subarray(at, end));
      at = end;
    }
    const [keyExchange, changeCipherSpec, finished] = records;
    const deliver = (bytes: Uint8Array): void => fixture.server.receive({ host: '10.0.0.2', port: 40_000 }, bytes);
    deliver(finished!);
    deliver(finished!);
    deliver(finished!);
    assert.equal(fixture.server.endpoint.counters.dropped['deferred-full'], 1);
    assert.equal(fixture.server.endpoint.usage.deferredBytes, 2 * finished!.length);
    deliver(changeCipherSpec!);
    assert.equal(fixture.server.endpoint.counters.dropped['unexpected-change-cipher-spec'], 1, 'not its place');
    deliver(keyExchange!);
    assert.equal(fixture.server.of('opened').length, 0);
    deliver(changeCipherSpec!);
    assert.equal(fixture.server.of('opened').length, 1);
    assert.equal(fixture.server.endpoint.counters.dropped.replayed, 1, 'the second copy of the Finished');
    assert.equal(fixture.server.endpoint.usage.deferredBytes, 0);
    hold = false;
    fixture.network.run(1_000);
    assert.equal(near.state, 'open');
  });
});
