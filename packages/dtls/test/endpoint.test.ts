/** Handshakes from end to end, and what becomes of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CIPHER_SUITES } from '../src/cipher-suite-table.ts';
import type { CipherSuiteName } from '../src/cipher-suite-table.ts';
import { DtlsEndpoint } from '../src/endpoint.ts';
import type { ConnectOptions } from '../src/endpoint.ts';
import { UsageError } from '../src/errors.ts';
import { nodeCrypto } from '@lapwing/transport';
import { Fixture, leftovers, NOTHING_LEFT, PSK, RPK, SERVER, WRONG_KEY, X509 } from './endpoint-fixture.ts';
import { CLIENTS, EVERYTHING, rootCertificate, serverCertificate, serverPair } from './machine-credentials.ts';

const CREDENTIALS: Readonly<Record<string, ConnectOptions>> = { psk: PSK, rpk: RPK, x509: X509 };
const ALL_SUITES: readonly CipherSuiteName[] = CIPHER_SUITES.map(({ name }) => name);

describe('a handshake between two endpoints', () => {
  for (const [kind, options] of Object.entries(CREDENTIALS)) {
    for (const { name, keyExchange } of CIPHER_SUITES) {
      if ((keyExchange === 'psk') !== (kind === 'psk')) continue;
      for (const connectionIdLength of ['off', 0, 6] as const) {
        it(`${kind} with ${name}, Connection ID ${connectionIdLength}: opens, carries data both ways, closes`, () => {
          const fixture = new Fixture({
            server: { cipherSuites: ALL_SUITES, connectionIdLength },
            client: { cipherSuites: [name], connectionIdLength },
          });
          const { near, far } = fixture.open(fixture.client, options);
          assert.equal(near.cipherSuite, name);
          assert.equal(far.cipherSuite, name);
          assert.equal(far.principal?.kind, kind);
          assert.equal(near.principal?.kind, kind);
          const expected = connectionIdLength === 'off' ? undefined : connectionIdLength;
          for (const association of [near, far]) {
            assert.equal(association.localConnectionId?.length, expected);
            assert.equal(association.remoteConnectionId?.length, expected);
            assert.ok(association.extendedMasterSecret);
          }
          assert.deepEqual(near.localConnectionId, far.remoteConnectionId);
          assert.equal(far.serverName, options.serverName);

          fixture.client.send(near, 'up');
          fixture.server.send(far, 'down');
          fixture.network.run(1_000);
          assert.deepEqual(fixture.server.texts, ['up']);
          assert.deepEqual(fixture.client.texts, ['down']);

          fixture.client.close(near);
          fixture.network.settle();
          assert.equal(fixture.server.of('closed')[0]?.reason, 'peer-closed');
          assert.equal(far.state, 'closed');
          assert.deepEqual(leftovers(fixture.server), NOTHING_LEFT);
          assert.deepEqual(leftovers(fixture.client), NOTHING_LEFT);
          assert.deepEqual(fixture.server.endpoint.counters.dropped, {});
        });
      }
    }
  }

  for (const [kind, options] of Object.entries(CREDENTIALS)) {
    for (const client of [{ maxFragmentLength: 512, maxDatagramBytes: 1_200 }, { maxDatagramBytes: 400 }] as const) {
      it(`${kind}: a session whose ticket would have the ClientHello fragmented is not offered: ${JSON.stringify(client)}`, () => {
        // A fragmented ClientHello is given no cookie. RFC 6347 §4.2.1.
        const fixture = new Fixture({ client });
        const first = fixture.open(fixture.client, options);
        const session = fixture.client.endpoint.sessionOf(first.near);
        fixture.open(fixture.client, { ...options, ...(session !== undefined && { session }) });
        assert.equal(fixture.server.endpoint.counters.dropped['fragmented-hello'], undefined);
      });
    }

    it(`${kind}: a second one resumes the session of the first`, () => {
      const fixture = new Fixture();
      const { near } = fixture.open(fixture.client, options);
      const session = fixture.client.endpoint.sessionOf(near);
      assert.ok(session !== undefined);
      fixture.client.close(near);
      fixture.network.settle();
      const again = fixture.open(fixture.client, { ...options, session });
      assert.equal(fixture.client.of('opened').at(-1)?.resumed, true);
      assert.equal(fixture.server.of('opened').at(-1)?.resumed, true);
      assert.equal(fixture.server.endpoint.counters.handshakesResumed, 1);
      fixture.client.send(again.near, 'resumed');
      fixture.network.run(100);
      assert.deepEqual(fixture.server.texts, ['resumed']);
    });
  }

  it('with max_fragment_length 512 no record carries more (RFC 6066 §4)', () => {
    const fixture = new Fixture({ client: { maxFragmentLength: 512 } });
    const { near, far } = fixture.open(fixture.client, X509);
    assert.equal(fixture.client.endpoint.maxPlaintext(near), 512);
    assert.equal(fixture.server.endpoint.maxPlaintext(far), 512);
    assert.ok(fixture.server.send(far, 'x'.repeat(512)));
    assert.ok(!fixture.server.send(far, 'x'.repeat(513)));
    fixture.network.run(100);
    assert.deepEqual(fixture.client.texts, ['x'.repeat(512)]);
    assert.deepEqual(fixture.server.endpoint.counters.dropped, { 'too-large-to-send': 1 });
  });

  it('with max_fragment_length 512 the server’s flight is cut to it before there are keys', () => {
    const certificate = { chain: [serverCertificate, rootCertificate], privateKey: serverPair.privateKey };
    const fixture = new Fixture({
      credentials: { ...EVERYTHING, certificate },
      client: { maxFragmentLength: 512 },
    });
    fixture.open(fixture.client, X509);
    const flight = fixture.network.sent.filter(({ from, bytes }) => from.port === SERVER.port && bytes.length > 512);
    assert.ok(flight.length > 0, 'the certificate is longer');
    for (const { bytes } of flight) {
      for (let at = 0; at < bytes.length && bytes[at + 4] === 0;) {
        const length = (bytes[at + 11]! << 8) | bytes[at + 12]!;
        assert.ok(length <= 512, `${length}`);
        at += 13 + length;
      }
    }
  });

  it('a Connection ID that only the client wants is given back', () => {
    const fixture = new Fixture({ server: { connectionIdLength: 'off' }, client: { connectionIdLength: 6 } });
    const { near, far } = fixture.open();
    assert.equal(near.localConnectionId, undefined);
    assert.equal(near.remoteConnectionId, undefined);
    assert.equal(fixture.client.endpoint.usage.connectionIds, 0);
    fixture.server.send(far, 'hello');
    fixture.network.run(100);
    assert.deepEqual(fixture.client.texts, ['hello']);
  });

  it('maxPlaintext fills a datagram to the byte', () => {
    const fixture = new Fixture({ maxDatagramBytes: 1200 });
    const { near, far } = fixture.open();
    for (const [host, association] of [
      [fixture.client, near],
      [fixture.server, far],
    ] as const) {
      const most = host.endpoint.maxPlaintext(association);
      assert.ok(host.send(association, 'x'.repeat(most)));
      assert.equal(fixture.network.sent.at(-1)?.bytes.length, 1200);
      assert.ok(!host.send(association, 'x'.repeat(most + 1)));
    }
  });

  it('application data given before the end of it is sent then, within bounds', () => {
    const fixture = new Fixture({ client: { maxDeferredRecords: 3, maxDeferredBytes: 100 } });
    const near = fixture.connect();
    assert.ok(fixture.client.send(near, 'one'));
    assert.ok(!fixture.client.send(near, 'x'.repeat(98)), 'too many bytes');
    assert.ok(fixture.client.send(near, 'two'));
    assert.ok(fixture.client.send(near, 'three'));
    assert.ok(!fixture.client.send(near, 'four'), 'too many messages');
    assert.equal(fixture.client.endpoint.usage.deferredBytes, 11);
    fixture.network.run(1_000);
    assert.deepEqual(fixture.server.texts, ['one', 'two', 'three']);
    assert.deepEqual(fixture.client.endpoint.counters.dropped, { 'deferred-full': 2 });
  });

  it('an answer of the store that takes its time is waited for, and nothing is repeated meanwhile', () => {
    const fixture = new Fixture();
    fixture.server.onLookup = undefined;
    fixture.connect();
    fixture.network.run(4_000);
    const { lookup } = fixture.server.of('lookup')[0]!;
    assert.equal(fixture.server.endpoint.counters.flightsRetransmitted, 0);
    fixture.server.endpoint.answer(fixture.network.now, lookup, { kind: 'key', key: CLIENTS.psk.key }, fixture.server);
    fixture.network.run(1_000);
    assert.equal(fixture.client.of('opened').length, 1);
    fixture.server.endpoint.answer(fixture.network.now, lookup, { kind: 'unknown' }, fixture.server);
    assert.equal(fixture.server.of('opened').length, 1, 'a second answer changes nothing');
  });
});

describe('a handshake that fails', () => {
  const nobody = (fixture: Fixture): void => {
    fixture.network.settle();
    assert.deepEqual(leftovers(fixture.server), NOTHING_LEFT);
    assert.deepEqual(leftovers(fixture.client), NOTHING_LEFT);
    assert.equal(fixture.server.of('opened').length, 0);
    assert.equal(fixture.client.of('opened').length, 0);
  };

  it('an unknown identity is told by alert on one side and by name on the other', () => {
    const fixture = new Fixture();
    fixture.server.onLookup = () => ({ kind: 'unknown' });
    fixture.connect();
    nobody(fixture);
    const { refusal } = fixture.server.of('refused')[0]!;
    assert.equal(refusal.reason, 'unknown-identity');
    assert.equal(refusal.claimedIdentity, 'sensor-1');
    assert.deepEqual(
      fixture.client.of('refused').map(({ refusal: { reason, alert } }) => [reason, alert]),
      [['alert-received', 'unknown_psk_identity']],
    );
    assert.deepEqual(fixture.server.endpoint.counters.handshakesRefused, { 'unknown-identity': 1 });
  });

  it('a wrong key is dropped in silence, and called by its name when it comes again', () => {
    const fixture = new Fixture();
    fixture.connect(fixture.client, WRONG_KEY);
    fixture.network.run(1_000);
    assert.equal(fixture.server.endpoint.counters.dropped.forged, 1);
    assert.equal(fixture.server.of('refused').length, 0, 'one record may be anybody');
    nobody(fixture);
    assert.equal(fixture.server.of('refused')[0]?.refusal.reason, 'wrong-key');
    assert.equal(fixture.server.of('refused')[0]?.refusal.claimedIdentity, 'sensor-1');
    assert.equal(fixture.client.of('refused')[0]?.refusal.alert, 'decrypt_error');
  });

  it('a server that says nothing to a Finished: the client is told that the key may be wrong', () => {
    const fixture = new Fixture();
    fixture.network.filter = ({ from }) => from.port !== SERVER.port || fixture.network.sent.length < 5;
    fixture.connect(fixture.client, WRONG_KEY);
    nobody(fixture);
    const [refused] = fixture.client.of('refused');
    assert.equal(refused?.refusal.reason, 'timeout');
    assert.match(refused.refusal.text, /did not come; many servers say nothing when the key is wrong/);
  });

  it('a server that never answers is given up after 5 retransmissions or the deadline', () => {
    const fixture = new Fixture();
    fixture.network.filter = () => false;
    const association = fixture.connect();
    const began = fixture.network.now;
    fixture.network.run(600_000, () => fixture.client.of('refused').length > 0);
    const [refused] = fixture.client.of('refused');
    assert.equal(refused?.refusal.reason, 'timeout');
    assert.equal(refused?.association, association);
    assert.equal(association.state, 'closed');
    assert.equal(fixture.network.now - began, 120_000);
    assert.deepEqual(
      fixture.network.sent.map(({ at }) => at - began),
      [0, 2_000, 6_000, 14_000, 30_000, 62_000],
    );
    nobody(fixture);
  });

  it('a client that vanishes after its cookie costs no place for longer than the deadline', () => {
    const fixture = new Fixture();
    fixture.connect();
    fixture.network.filter = ({ from }) => from.port !== SERVER.port || fixture.network.sent.length < 4;
    fixture.network.run(100);
    assert.equal(fixture.server.endpoint.usage.handshakes, 1);
    fixture.network.detach(fixture.client);
    fixture.network.run(120_000);
    assert.equal(fixture.server.endpoint.usage.handshakes, 0);
    assert.deepEqual(leftovers(fixture.server), NOTHING_LEFT);
    assert.equal(fixture.server.of('refused')[0]?.refusal.reason, 'timeout');
  });

  it('a look-up without an answer ends it with internal_error', () => {
    const fixture = new Fixture();
    fixture.server.onLookup = undefined;
    fixture.connect();
    fixture.network.run(6_000);
    assert.equal(fixture.server.of('refused')[0]?.refusal.reason, 'lookup-timeout');
    assert.equal(fixture.client.of('refused')[0]?.refusal.alert, 'internal_error');
    nobody(fixture);
  });

  it('a store that fails ends it with internal_error', () => {
    const fixture = new Fixture();
    fixture.server.onLookup = () => ({ kind: 'failed', text: 'the disk is full' });
    fixture.connect();
    nobody(fixture);
    assert.equal(fixture.server.of('refused')[0]?.refusal.reason, 'lookup-failed');
    assert.equal(fixture.client.of('refused')[0]?.refusal.alert, 'internal_error');
  });

  it('another server key than the one expected is refused by the client', () => {
    const fixture = new Fixture({ credentials: { ...EVERYTHING, rawPublicKey: serverPair } });
    const serverPublicKey = CLIENTS.rpk.own.publicKey;
    fixture.connect(fixture.client, { credentials: { ...CLIENTS.rpk, serverPublicKey } });
    nobody(fixture);
    assert.equal(fixture.client.of('refused').length, 1);
    assert.equal(fixture.server.of('refused')[0]?.refusal.reason, 'alert-received');
  });

  it('no suite in common is refused with both lists', () => {
    const fixture = new Fixture({ server: { cipherSuites: ['TLS_PSK_WITH_AES_128_GCM_SHA256'] } });
    fixture.connect(fixture.client, { ...PSK, cipherSuites: ['TLS_PSK_WITH_AES_128_CCM_8'] });
    nobody(fixture);
    const { refusal } = fixture.server.of('refused')[0]!;
    assert.equal(refusal.reason, 'no-common-cipher-suite');
    assert.match(refusal.text, /TLS_PSK_WITH_AES_128_CCM_8.*TLS_PSK_WITH_AES_128_GCM_SHA256/);
  });

  it('one that is closed while under way ends on both sides, without an event here', () => {
    const fixture = new Fixture();
    const near = fixture.connect();
    fixture.network.run(1_000, () => fixture.server.endpoint.usage.handshakes === 1);
    fixture.client.close(near);
    fixture.network.run(200);
    assert.deepEqual(fixture.client.events, []);
    assert.equal(near.state, 'closed');
    assert.equal(fixture.client.endpoint.counters.handshakesRefused.cancelled, 1);
    assert.equal(fixture.server.of('refused')[0]?.refusal.alert, 'close_notify');
    nobody(fixture);
  });

  it('when nobody waits for a look-up any more it is closed, and its answer finds nothing', () => {
    const fixture = new Fixture({ server: { handshakeTimeout: 3_000 } });
    fixture.server.onLookup = undefined;
    fixture.connect();
    fixture.network.run(1_000);
    assert.equal(fixture.server.endpoint.usage.lookups, 1);
    fixture.network.run(2_200);
    assert.equal(fixture.server.endpoint.usage.lookups, 0);
    const { lookup } = fixture.server.of('lookup')[0]!;
    fixture.server.endpoint.answer(fixture.network.now, lookup, { kind: 'key', key: CLIENTS.psk.key }, fixture.server);
    nobody(fixture);
  });

  it('a client only drops every ClientHello', () => {
    const fixture = new Fixture();
    fixture.client.address = SERVER;
    const other = fixture.addClient({ host: '10.0.0.3', port: 1 });
    fixture.network.detach(fixture.server);
    fixture.connect(other);
    fixture.network.run(1_000);
    assert.deepEqual(fixture.client.endpoint.counters.dropped, { 'not-a-server': 1 });
    assert.equal(fixture.network.sent.length, 1);
  });
});

describe('parameters and arguments', () => {
  const make = (parameters: object): DtlsEndpoint =>
    new DtlsEndpoint({ crypto: nodeCrypto, unixTime: () => 0, parameters });
  for (const parameters of [
    { maxDatagramBytes: 100 },
    { replayWindow: 32 },
    { replayWindow: 65 },
    { maxHandshakes: 0 },
    { retransmissionTimeout: Number.NaN },
    { cipherSuites: [] },
    { connectionIdLength: 2, nodeId: Uint8Array.of(1, 2) },
  ]) {
    it(`refuses ${JSON.stringify(parameters)}`, () => assert.throws(() => make(parameters), UsageError));
  }

  it('an association of something else is the caller’s mistake', () => {
    const stranger = { ...new Fixture().connect() };
    const endpoint = make({});
    assert.throws(() => endpoint.maxPlaintext(stranger), UsageError);
  });

  it('suites that do not fit the credentials are the caller’s mistake, and leave nothing behind', () => {
    const fixture = new Fixture();
    assert.throws(
      () => fixture.connect(fixture.client, { ...PSK, cipherSuites: ['TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8'] }),
      UsageError,
    );
    assert.deepEqual(leftovers(fixture.client), NOTHING_LEFT);
  });
});
