/** Associations that leave one endpoint and go on in another, and the nonces they must never use twice. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Association } from '../src/association.ts';
import { UsageError } from '../src/errors.ts';
import type { DtlsParameters } from '../src/parameters.ts';
import { Random } from './datagram-network.ts';
import type { Host } from './datagram-network.ts';
import { CLIENT, ELSEWHERE, Fixture, leftovers, NOTHING_LEFT, PSK, RPK, SERVER, X509 } from './endpoint-fixture.ts';
import { CIPHER_SUITES } from '../src/cipher-suite-table.ts';

/** The server stops and another takes its address. */
function restart(fixture: Fixture, before: Host, parameters: Partial<DtlsParameters> = {}): Host {
  fixture.network.detach(before);
  return fixture.addServer(SERVER, parameters);
}

const exported = (host: Host, association: Association, mode: 'move' | 'reserve'): Uint8Array =>
  host.endpoint.exportAssociation(host.now, association, mode);

describe('an association that is moved', () => {
  for (const { name, keyExchange } of CIPHER_SUITES) {
    const kinds = keyExchange === 'psk' ? { psk: PSK } : { rpk: RPK, x509: X509 };
    for (const [kind, options] of Object.entries(kinds)) {
      for (const connectionIdLength of [6, 'off'] as const) {
        it(`${kind} with ${name}, Connection ID ${connectionIdLength}: the peer notices nothing`, () => {
          const fixture = new Fixture({
            server: { cipherSuites: [name], connectionIdLength },
            client: { cipherSuites: [name] },
          });
          const { near, far } = fixture.open(fixture.client, options);
          fixture.client.send(near, 'before');
          fixture.network.run(100);
          const state = exported(fixture.server, far, 'move');
          assert.equal(far.state, 'closed');
          assert.deepEqual(leftovers(fixture.server), NOTHING_LEFT);
          if (kind === 'psk') assert.ok(state.length <= 240, `${state.length} bytes`);

          const server = restart(fixture, fixture.server);
          const again = server.endpoint.importAssociation(fixture.network.now, state)!;
          assert.deepEqual(again.principal, far.principal);
          assert.equal(again.cipherSuite, name);
          assert.equal(again.serverName, far.serverName);
          assert.equal(again.openedAt, far.openedAt);
          fixture.client.send(near, 'after');
          server.send(again, 'answer');
          fixture.network.run(100);
          assert.deepEqual(server.texts, ['after']);
          assert.deepEqual(fixture.client.texts, ['answer']);
          assert.equal(server.endpoint.counters.associationsImported, 1);
          server.close(again);
          fixture.network.run(100);
          assert.equal(near.state, 'closed');
          assert.deepEqual(leftovers(server), NOTHING_LEFT);
        });
      }
    }
  }

  it('knows what was received before: a record is not taken twice', () => {
    const fixture = new Fixture();
    const { near, far } = fixture.open();
    fixture.client.send(near, 'once');
    const record = fixture.network.sent.at(-1)!.bytes;
    fixture.network.run(100);
    const server = restart(fixture, fixture.server);
    server.endpoint.importAssociation(fixture.network.now, exported(fixture.server, far, 'move'));
    fixture.network.inject(CLIENT, SERVER, record);
    fixture.network.run(100);
    assert.deepEqual(server.texts, []);
    assert.deepEqual(server.endpoint.counters.dropped, { replayed: 1 });
  });

  it('follows its peer to another address, and is replaced like any other', () => {
    const fixture = new Fixture();
    const { near, far } = fixture.open();
    const server = restart(fixture, fixture.server);
    const again = server.endpoint.importAssociation(fixture.network.now, exported(fixture.server, far, 'move'))!;
    fixture.client.address = ELSEWHERE;
    fixture.client.send(near, 'moved');
    fixture.network.run(100);
    assert.deepEqual(again.address, ELSEWHERE);
    const other = fixture.addClient(ELSEWHERE);
    fixture.connect(other);
    fixture.network.run(1_000);
    assert.equal(server.of('opened')[0]?.replaces, again);
  });

  it('a client’s goes on too, and can be resumed', () => {
    const fixture = new Fixture();
    const { near, far } = fixture.open();
    const state = exported(fixture.client, near, 'move');
    fixture.network.detach(fixture.client);
    const client = fixture.addClient(CLIENT);
    const again = client.endpoint.importAssociation(fixture.network.now, state)!;
    client.send(again, 'hello');
    fixture.server.send(far, 'and back');
    fixture.network.run(100);
    assert.deepEqual(fixture.server.texts, ['hello']);
    assert.deepEqual(client.texts, ['and back']);
    const session = client.endpoint.sessionOf(again);
    assert.ok(session !== undefined);
    fixture.connect(client, { ...PSK, session });
    fixture.network.run(1_000);
    assert.equal(client.of('opened')[0]?.resumed, true);
  });
});

describe('importing', () => {
  function state(): { fixture: Fixture; bytes: Uint8Array } {
    const fixture = new Fixture({ server: { nodeId: Uint8Array.of(7) } });
    const { far } = fixture.open();
    return { fixture, bytes: exported(fixture.server, far, 'reserve') };
  }
  const imported = (host: Host, bytes: Uint8Array): Association | undefined =>
    host.endpoint.importAssociation(host.now, bytes);

  it('takes an association once: there is one owner', () => {
    const { fixture, bytes } = state();
    assert.equal(imported(fixture.server, bytes), undefined, 'it is open here');
    const server = restart(fixture, fixture.server);
    assert.notEqual(imported(server, bytes), undefined);
    assert.equal(imported(server, bytes), undefined);
    assert.equal(server.endpoint.usage.associations, 1);
  });

  it('refuses the Connection ID of another node, or of another length', () => {
    const { fixture, bytes } = state();
    assert.equal(imported(restart(fixture, fixture.server, { nodeId: Uint8Array.of(8) }), bytes), undefined);
    assert.equal(imported(fixture.addServer(ELSEWHERE, { connectionIdLength: 8 }), bytes), undefined);
  });

  it('refuses when the table is full', () => {
    const { fixture, bytes } = state();
    const server = restart(fixture, fixture.server, { maxAssociations: 1 });
    fixture.connect(fixture.addClient(ELSEWHERE));
    fixture.network.run(1_000);
    assert.equal(server.endpoint.usage.associations, 1);
    assert.equal(imported(server, bytes), undefined);
  });

  it('refuses every truncation, and leaves nothing behind', () => {
    const { fixture, bytes } = state();
    const server = restart(fixture, fixture.server);
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(imported(server, bytes.subarray(0, length)), undefined);
    }
    assert.deepEqual(leftovers(server), NOTHING_LEFT);
  });

  it('exporting what is not open is the caller’s mistake', () => {
    const fixture = new Fixture();
    const near = fixture.connect();
    assert.throws(() => exported(fixture.client, near, 'move'), UsageError);
    fixture.client.close(near);
    assert.throws(() => exported(fixture.client, near, 'reserve'), UsageError);
  });
});

describe('an association with sequence numbers in reserve', () => {
  it('tells when half are used, refuses when all are, and goes on after the next export', () => {
    const fixture = new Fixture({ server: { sequenceReservation: 10 } });
    const { far } = fixture.open();
    exported(fixture.server, far, 'reserve');
    for (let i = 0; i < 10; i++) {
      assert.equal(fixture.server.of('reservationLow').length, i < 5 ? 0 : 1, `after ${i}`);
      assert.ok(fixture.server.send(far, `${i}`));
    }
    assert.ok(!fixture.server.send(far, 'one too many'));
    assert.deepEqual(fixture.server.endpoint.counters.dropped, { 'reservation-used': 1 });
    assert.equal(far.state, 'open');
    exported(fixture.server, far, 'reserve');
    assert.ok(fixture.server.send(far, 'again'));
    fixture.network.run(100);
    assert.equal(fixture.client.texts.length, 11);
  });

  it('never uses a nonce twice, wherever it crashes (N sequence numbers over 300 lives)', () => {
    const random = new Random(4);
    const fixture = new Fixture({ server: { sequenceReservation: 8 } });
    const { near, far } = fixture.open();
    let server = fixture.server;
    let association = far;
    let saved = exported(server, association, 'reserve');
    let sent = 0;
    for (let life = 0; life < 300; life++) {
      // Some life: data, new snapshots when asked for or not, and then a crash at any point of it.
      const steps = random.integer(30);
      for (let step = 0; step < steps; step++) {
        if (server.send(association, 'x')) sent++;
        const wantsExport = server.of('reservationLow').length > 0 && random.integer(3) > 0;
        if (wantsExport || random.integer(20) === 0) {
          saved = exported(server, association, 'reserve');
          server.events.length = 0;
        }
        if (random.integer(10) === 0) fixture.client.send(near, 'up');
        if (random.integer(5) === 0) fixture.network.run(50);
      }
      if (random.integer(4) === 0) saved = exported(server, association, 'move');
      server = restart(fixture, server);
      association = server.endpoint.importAssociation(server.now, saved)!;
      // The one who goes on reserves before it sends, as a server that may crash again must.
      saved = exported(server, association, 'reserve');
    }
    fixture.network.run(1_000);
    const nonces = fixture.network.sent
      .filter(({ from, bytes }) => from.port === SERVER.port && bytes[0] === 23)
      .map(({ bytes }) => bytes.subarray(3, 11).join());
    assert.ok(nonces.length > 1_000 && nonces.length === sent, `${nonces.length} of ${sent}`);
    assert.equal(new Set(nonces).size, nonces.length);
    assert.equal(fixture.client.texts.length, sent, 'and the peer took all of them');
  });
});
