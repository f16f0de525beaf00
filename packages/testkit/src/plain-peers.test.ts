/** One client socket that speaks coap and coaps, on the simulated network: neither crosses into the other. */
import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { describe, it } from 'node:test';
import { buildOptions, Codes, OperationFailed, UsageError, type CoapEvent, type Peer } from '@lapwing/coap';
import type { Driver, PeerAddress } from '@lapwing/transport';
import type { SimulatedDtlsDriver, SimulatedDtlsOptions } from './simulated-dtls-driver.ts';
import { SimulatedNetwork } from './simulated-network.ts';

const SECURE_SERVER = { host: '10.0.0.1', port: 5684 };
const PLAIN_SERVER = { host: '10.0.0.1', port: 5683 };
const CLIENT = { host: '10.0.0.2', port: 40_000 };
const KEY = createSecretKey(new Uint8Array(16).fill(1));
const CREDENTIALS = { kind: 'psk', identity: new TextEncoder().encode('one'), key: KEY } as const;
const NO_BYTES = new Uint8Array(0);
const get = { code: Codes.get, options: buildOptions({ uriPath: ['a'] }), payload: NO_BYTES };
/** A Confirmable GET without a token. */
const GET_DATAGRAM = { type: 0 as const, code: Codes.get, messageId: 7 };

const ask = (driver: Driver, peer: Peer): unknown =>
  driver.turn((now, out) => driver.endpoint.request(now, peer, get, out));

/** What happens to a driver, in order; requests are answered with their scheme. */
function watch(driver: Driver): string[] {
  const log: string[] = [];
  driver.onEvent = (event: CoapEvent): void => {
    log.push(event.kind === 'response' ? Buffer.from(event.response.payload).toString() : event.kind);
    if (event.kind !== 'request') return;
    const { request } = event;
    const content = { code: Codes.content, options: [], payload: Buffer.from(driver.scheme) };
    driver.turn((now, out) => driver.endpoint.respond(now, request, content, out));
  };
  return log;
}

function serveSecurely(
  network: SimulatedNetwork,
  at: PeerAddress = SECURE_SERVER,
): { readonly server: SimulatedDtlsDriver; readonly log: string[] } {
  const server = network.secureDriver(at, {
    server: { psk: {}, clientAuthentication: 'required', clientCertificateTypes: [], trustAnchors: [] },
  });
  server.onAssociation = (event): void => {
    if (event.kind === 'lookup') server.answer(event.lookup, { kind: 'key', key: KEY });
  };
  return { server, log: watch(server) };
}

function start(
  network: SimulatedNetwork,
  options: SimulatedDtlsOptions = { plaintext: true },
): { readonly client: SimulatedDtlsDriver; readonly log: string[] } {
  const client = network.secureDriver(CLIENT, options);
  return { client, log: watch(client) };
}

/** The first bytes of all datagrams, each with the port it was sent to. */
function watchWire(network: SimulatedNetwork): { readonly to: number; readonly isCoap: boolean }[] {
  const seen: { to: number; isCoap: boolean }[] = [];
  network.onDatagram = (_from, to, datagram) => seen.push({ to: to.port, isCoap: datagram[0]! >> 6 === 1 });
  return seen;
}

describe('a client socket of coaps with plain peers', () => {
  it('asks and is asked by a server of coap and one of coaps, each in its own way', async () => {
    const network = new SimulatedNetwork();
    const plain = network.driver(PLAIN_SERVER);
    const plainLog = watch(plain);
    const secure = serveSecurely(network);
    const { client, log } = start(network);
    const wire = watchWire(network);
    const plainPeer = client.plainPeer(PLAIN_SERVER);
    ask(client, plainPeer);
    ask(client, client.connect(SECURE_SERVER, { credentials: CREDENTIALS }));
    await network.run(1_000);
    assert.deepEqual(log, ['coap', 'coaps']);
    assert.ok(plainPeer.lastActivity > 0);
    ask(plain, plain.peer(CLIENT));
    ask(secure.server, secure.server.peer(CLIENT));
    await network.run(1_000);
    assert.deepEqual(plainLog, ['request', 'coaps']);
    assert.deepEqual(secure.log, ['request', 'coaps']);
    assert.ok(wire.filter(({ to }) => to === PLAIN_SERVER.port).every(({ isCoap }) => isCoap));
    assert.ok(wire.filter(({ to }) => to === SECURE_SERVER.port).every(({ isCoap }) => !isCoap));
    assert.equal(client.scheme, 'coaps');
    assert.deepEqual(plainPeer.security, { kind: 'none' });
    assert.equal(client.counters.plainPeers, 1);
  });

  it('drops and counts plaintext of an address that has only an association', async () => {
    const network = new SimulatedNetwork();
    const { server } = serveSecurely(network);
    const { client, log } = start(network);
    ask(client, client.connect(SECURE_SERVER, { credentials: CREDENTIALS }));
    await network.run(1_000);
    await server.close();
    const forger = network.scriptedPeer(SECURE_SERVER);
    forger.send(CLIENT, GET_DATAGRAM);
    await network.run(1_000);
    assert.deepEqual(log, ['coaps']);
    assert.equal(client.counters.plaintextRefused, 1);
    assert.equal(client.dtlsUsage.associations, 1);
  });

  it('drops and counts plaintext of a stranger, of another port, and of everybody when it has no plain peers', async () => {
    for (const [plaintext, refused] of [
      [true, 2],
      [false, 0],
    ] as const) {
      const network = new SimulatedNetwork();
      const { client, log } = start(network, { plaintext });
      if (plaintext) client.plainPeer(PLAIN_SERVER);
      network.scriptedPeer({ host: '10.6.6.6', port: PLAIN_SERVER.port }).send(CLIENT, GET_DATAGRAM);
      network.scriptedPeer({ host: PLAIN_SERVER.host, port: 6 }).send(CLIENT, GET_DATAGRAM);
      await network.run(1_000);
      assert.deepEqual(log, []);
      assert.equal(client.counters.plaintextRefused, refused);
      assert.equal(client.counters.datagramsSent, 0);
    }
  });

  it('hands what is no CoAP of version 1 to DTLS, even from a plain peer', async () => {
    const network = new SimulatedNetwork();
    const { client, log } = start(network);
    client.plainPeer(PLAIN_SERVER);
    for (let first = 0; first < 256; first++)
      network.send(PLAIN_SERVER, CLIENT, Uint8Array.of(first, Codes.get, 0, first));
    network.send(PLAIN_SERVER, CLIENT, NO_BYTES);
    await network.run(1_000);
    assert.equal(client.endpoint.counters.datagramsReceived, 64);
    assert.equal(client.dtlsCounters.datagramsReceived, 193);
    assert.ok(log.every((event) => event === 'request'));
  });

  it('keeps a plain peer and an association with one address apart', async () => {
    const network = new SimulatedNetwork();
    const { server, log: served } = serveSecurely(network);
    const { client, log } = start(network);
    const secure = client.connect(SECURE_SERVER, { credentials: CREDENTIALS });
    const plain = client.plainPeer(SECURE_SERVER);
    await network.run(1_000);
    assert.notEqual(plain, secure);
    assert.equal(client.peer(SECURE_SERVER), secure);
    assert.equal(client.association(plain), undefined);
    ask(client, secure);
    await network.run(1_000);
    assert.deepEqual(log, ['coaps']);
    // The server of coaps does not take it.
    ask(client, plain);
    await network.run(1_000);
    assert.deepEqual(served, ['request']);
    // A request in plaintext comes from the plain peer and is answered in plaintext; the association goes on.
    await server.close();
    const forger = network.scriptedPeer(SECURE_SERVER);
    forger.send(CLIENT, GET_DATAGRAM);
    await network.run(100);
    assert.equal(log[1], 'request');
    client.disconnect(plain);
    client.forgetPlainPeer(secure);
    assert.equal(client.plainPeer(SECURE_SERVER), plain);
    assert.equal(client.association(secure)?.state, 'open');
    client.forgetPlainPeer(plain);
    assert.equal(client.association(secure)?.state, 'open');
    assert.equal(client.peer(SECURE_SERVER), secure);
  });

  it('sends nothing of what waits for a handshake or an acknowledgement in plaintext when the association ends', async () => {
    for (const end of ['before the handshake', 'after it', 'the handshake fails'] as const) {
      const network = new SimulatedNetwork();
      const { server } = serveSecurely(network);
      const { client, log } = start(network);
      client.plainPeer(SECURE_SERVER);
      const wire = watchWire(network);
      if (end === 'the handshake fails')
        server.onAssociation = (event): void => {
          if (event.kind === 'lookup') server.answer(event.lookup, { kind: 'unknown' });
        };
      const peer = client.connect(SECURE_SERVER, { credentials: CREDENTIALS });
      if (end === 'after it') {
        await network.run(1_000);
        await server.close();
      }
      // More than may be under way at once (NSTART), so that some wait in CoAP and some in DTLS.
      for (let count = 0; count < 4; count++) ask(client, peer);
      if (end !== 'the handshake fails') client.disconnect(peer);
      await network.run(300_000);
      ask(client, peer);
      await network.run(300_000);
      assert.deepEqual(log.slice(0, 4), ['failed', 'failed', 'failed', 'failed'], end);
      assert.ok(wire.length > 0 && wire.every(({ isCoap }) => !isCoap), end);
      assert.ok(client.counters.messagesWithoutAssociation > 0, end);
    }
  });

  it('is deaf and dumb to a plain peer that was forgotten, and the next one for the address begins anew', async () => {
    const network = new SimulatedNetwork();
    const { client, log } = start(network);
    const server = network.scriptedPeer(PLAIN_SERVER);
    const before = client.plainPeer(PLAIN_SERVER);
    await network.run(100);
    ask(client, before);
    assert.equal(before.lastActivity, client.now());
    await network.run(100);
    const received = server.received.length;
    client.forgetPlainPeer(before);
    client.forgetPlainPeer(before);
    assert.deepEqual(log, ['failed']);
    ask(client, before);
    server.send(CLIENT, GET_DATAGRAM);
    await network.run(1_000);
    assert.equal(server.received.length, received);
    assert.equal(client.counters.plaintextRefused, 1);
    const after = client.plainPeer({ host: '::ffff:10.0.0.1', port: PLAIN_SERVER.port });
    assert.notEqual(after, before);
    const dropped = client.counters.messagesWithoutAssociation;
    client.turn((_now, out) => out.transmit(before, Uint8Array.of(0x40, 0, 0, 1)));
    assert.equal(client.counters.messagesWithoutAssociation, dropped + 1);
    server.send(CLIENT, GET_DATAGRAM);
    await network.run(1_000);
    assert.equal(log.filter((event) => event === 'request').length, 1);
  });

  it('has a bound on plain peers, a typed refusal beyond it, and room again for what is forgotten', () => {
    const { client } = start(new SimulatedNetwork(), { plaintext: true, maxPlainPeers: 2 });
    const [first] = [1, 2].map((port) => client.plainPeer({ host: '10.0.0.1', port }));
    assert.throws(
      () => client.plainPeer({ host: '10.0.0.1', port: 3 }),
      (error: unknown) => error instanceof OperationFailed && error.code === 'TOO_MANY_PEERS',
    );
    assert.equal(client.plainPeer({ host: '10.0.0.1', port: 1 }), first);
    client.forgetPlainPeer(first!);
    client.plainPeer({ host: '10.0.0.1', port: 3 });
    assert.throws(() => start(new SimulatedNetwork(), { plaintext: true, maxPlainPeers: 0 }), UsageError);
  });

  it('refuses what is no address, and a driver that was not opened for it', () => {
    const { client } = start(new SimulatedNetwork());
    assert.equal(client.plaintext, true);
    assert.throws(() => client.plainPeer({ host: 'example.com', port: 1 }), UsageError);
    assert.throws(() => client.plainPeer({ host: '10.0.0.1', port: 0 }), UsageError);
    const { client: secureOnly } = start(new SimulatedNetwork(), {});
    assert.equal(secureOnly.plaintext, false);
    assert.throws(() => secureOnly.plainPeer(PLAIN_SERVER), UsageError);
  });
});
