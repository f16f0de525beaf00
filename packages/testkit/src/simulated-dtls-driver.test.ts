/** The driver of CoAP over DTLS, on the simulated network: one peer per association, and nothing crosses. RFC 7252 §9. */
import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, it } from 'node:test';
import { buildOptions, Codes, type CoapEvent, type IncomingRequest, type Peer } from '@lapwing/coap';
import type { ClientCredentials, DtlsParameters } from '@lapwing/dtls';
import {
  DTLS_CLOSED_CHANNEL,
  DTLS_COUNTERS_CHANNEL,
  DTLS_FORGED_CHANNEL,
  DTLS_REFUSED_CHANNEL,
  type AssociationEvent,
  type PeerAddress,
} from '@lapwing/transport';
import { NatRelay } from './nat-relay.ts';
import type { SimulatedDtlsDriver } from './simulated-dtls-driver.ts';
import { SimulatedNetwork } from './simulated-network.ts';

const SERVER = { host: '10.0.0.1', port: 5684 };
const CLIENT = { host: '10.0.0.2', port: 40_000 };
const KEY = createSecretKey(new Uint8Array(16).fill(1));
const NO_BYTES = new Uint8Array(0);
const credentials = (identity: string): ClientCredentials => ({
  kind: 'psk',
  identity: new TextEncoder().encode(identity),
  key: KEY,
});

/** A server that knows every identity but "stranger", and keeps what happens in one list, in order. */
function serve(
  network: SimulatedNetwork,
  dtls: Partial<DtlsParameters> = {},
): {
  readonly server: SimulatedDtlsDriver;
  readonly log: string[];
  readonly requests: IncomingRequest[];
} {
  const server = network.secureDriver(SERVER, {
    server: { psk: {}, clientAuthentication: 'required', clientCertificateTypes: [], trustAnchors: [] },
    dtls,
  });
  const log: string[] = [];
  const requests: IncomingRequest[] = [];
  server.onAssociation = (event): void => {
    log.push(event.kind === 'closed' ? `closed ${event.reason}` : event.kind);
    if (event.kind !== 'lookup') return;
    const isStranger = event.lookup.kind === 'psk' && new TextDecoder().decode(event.lookup.identity) === 'stranger';
    server.answer(event.lookup, isStranger ? { kind: 'unknown' } : { kind: 'key', key: KEY });
  };
  server.onEvent = (event): void => {
    log.push(event.kind);
    if (event.kind === 'request') requests.push(event.request);
  };
  return { server, log, requests };
}

const respond = (driver: SimulatedDtlsDriver, request: IncomingRequest): unknown =>
  driver.turn((now, out) =>
    driver.endpoint.respond(now, request, { code: Codes.content, options: [], payload: NO_BYTES }, out),
  );

const ask = (driver: SimulatedDtlsDriver, peer: Peer): unknown =>
  driver.turn((now, out) =>
    driver.endpoint.request(
      now,
      peer,
      { code: Codes.get, options: buildOptions({ uriPath: ['a'] }), payload: NO_BYTES },
      out,
    ),
  );

function connect(
  network: SimulatedNetwork,
  identity: string,
  { at = CLIENT, to = SERVER }: { readonly at?: PeerAddress; readonly to?: PeerAddress } = {},
): {
  readonly client: SimulatedDtlsDriver;
  readonly peer: Peer<PeerAddress>;
  readonly events: CoapEvent[];
  readonly associations: AssociationEvent[];
} {
  const client = network.secureDriver(at);
  const events: CoapEvent[] = [];
  const associations: AssociationEvent[] = [];
  client.onEvent = (event) => events.push(event);
  client.onAssociation = (event) => associations.push(event);
  return { client, peer: client.connect(to, { credentials: credentials(identity) }), events, associations };
}

describe('CoAP over DTLS', () => {
  it('a request waits for the handshake, is answered, and both peers know what the other has proven', async () => {
    const network = new SimulatedNetwork();
    const { server, log, requests } = serve(network);
    const { client, peer, events } = connect(network, 'one');
    ask(client, peer);
    await network.run(1_000);
    assert.deepEqual(log, ['lookup', 'opened', 'request']);
    respond(server, requests[0]!);
    await network.run(1_000);
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['response'],
    );
    assert.deepEqual(requests[0]?.peer.security, { kind: 'psk', identity: 'one' });
    assert.equal(server.peer(CLIENT), requests[0]?.peer);
    assert.deepEqual([...server.associatedPeers()], [requests[0]?.peer]);
    client.disconnect(peer);
    await network.runUntilIdle();
    assert.equal(log.at(-1), 'closed peer-closed');
    assert.equal(server.dtlsUsage.associations + client.dtlsUsage.associations, 0);
  });

  it('the same seed is the same run, byte for byte', async () => {
    const run = async (seed: number): Promise<string> => {
      const network = new SimulatedNetwork({ seed, loss: 0.2, delay: [5, 300] });
      const lines: string[] = [];
      network.onDatagram = (from, _, datagram) => lines.push(`${from.host} ${Buffer.from(datagram).toString('hex')}`);
      const { server, requests } = serve(network);
      const { client, peer } = connect(network, 'one');
      ask(client, peer);
      await network.run(60_000);
      if (requests[0] !== undefined) respond(server, requests[0]);
      await network.run(60_000);
      return lines.join();
    };
    assert.equal(await run(5), await run(5));
    assert.notEqual(await run(5), await run(6));
  });

  it('a response to a request of an association that was replaced meanwhile goes nowhere, not to the one that follows', async () => {
    const network = new SimulatedNetwork();
    const { server, log, requests } = serve(network);
    const first = connect(network, 'one');
    ask(first.client, first.peer);
    await network.run(1_000);
    await first.client.close();
    const second = connect(network, 'one');
    await network.run(1_000);
    assert.deepEqual(log.slice(3), ['lookup', 'opened', 'closed replaced']);
    assert.notEqual(server.peer(CLIENT), requests[0]?.peer);
    const datagrams = network.traffic.datagrams;
    respond(server, requests[0]!);
    await network.run(5_000);
    assert.equal(network.traffic.datagrams, datagrams);
    assert.ok(server.counters.messagesWithoutAssociation > 0);
    assert.deepEqual(second.events, []);
  });

  it('nor to one of another identity that came to its address, where a Connection ID lets both live on', async () => {
    const network = new SimulatedNetwork();
    const { server, log, requests } = serve(network);
    const first = connect(network, 'one');
    ask(first.client, first.peer);
    await network.run(1_000);
    await first.client.close();
    const second = connect(network, 'two');
    await network.run(1_000);
    assert.deepEqual(log.slice(3), ['lookup', 'opened']);
    respond(server, requests[0]!);
    await network.run(5_000);
    assert.deepEqual(second.events, []);
    assert.equal(second.client.endpoint.counters.datagramsReceived, 0);
    assert.notEqual(server.peer(CLIENT), requests[0]?.peer);
  });

  it('an exchange fails with peer-closed when its association ends, after the event that says so', async () => {
    const network = new SimulatedNetwork();
    const { server, log } = serve(network);
    const { client } = connect(network, 'one');
    await network.run(1_000);
    ask(server, server.peer(CLIENT));
    client.disconnect([...client.associatedPeers()][0]!);
    await network.run(1_000);
    assert.deepEqual(log.slice(2), ['closed peer-closed', 'failed']);
  });

  it('a peer without an association is sent nothing, least of all plaintext', async () => {
    const network = new SimulatedNetwork();
    const { server } = serve(network);
    ask(server, server.peer(CLIENT));
    const { client, peer } = connect(network, 'one');
    await network.run(1_000);
    client.disconnect(peer);
    await network.run(1_000);
    const sent = network.traffic.datagrams;
    ask(client, peer);
    await network.run(1_000);
    assert.equal(network.traffic.datagrams, sent);
    assert.ok(server.counters.messagesWithoutAssociation > 0);
    assert.ok(client.counters.messagesWithoutAssociation > 0);
    assert.equal(client.association(peer), undefined);
    assert.equal(client.session(peer), undefined);
    assert.equal(client.exportAssociation(peer), undefined);
  });

  it('CoAP in plaintext is dropped, however well-formed', async () => {
    const network = new SimulatedNetwork();
    const { server, log } = serve(network);
    network.scriptedPeer(CLIENT).send(SERVER, { type: 0, code: Codes.get, messageId: 1 });
    await network.runUntilIdle();
    assert.deepEqual(log, []);
    assert.equal(server.counters.datagramsSent, 0);
  });

  it('a handshake that is refused is an event with its peer, and what waited for it fails', async () => {
    const network = new SimulatedNetwork();
    const { log } = serve(network);
    const { client, peer, events, associations } = connect(network, 'stranger');
    ask(client, peer);
    await network.run(1_000);
    assert.deepEqual(log, ['lookup', 'refused']);
    const [refused] = associations;
    assert.ok(refused?.kind === 'refused' && refused.peer === peer && refused.refusal.reason === 'alert-received');
    const [failed] = events;
    assert.ok(failed?.kind === 'failed' && failed.reason === 'peer-closed');
    assert.equal(client.dtlsUsage.associations + client.dtlsUsage.handshakes, 0);
  });

  it('the peer stays the same when its address changes, and answers go where it is now (RFC 9146 §6)', async () => {
    const network = new SimulatedNetwork();
    const { server, log, requests } = serve(network);
    const inside = { host: '10.0.9.9', port: 5684 };
    const relay = new NatRelay(network, inside, { host: '192.0.2.1', port: 1 }, SERVER);
    const { client, peer, events } = connect(network, 'one', { to: inside });
    ask(client, peer);
    await network.run(1_000);
    const known = requests[0]!.peer;
    relay.rebind({ host: '192.0.2.1', port: 2 });
    respond(server, requests[0]!);
    ask(client, peer);
    await network.run(20_000);
    assert.equal(requests[1]?.peer, known);
    assert.deepEqual(known.address, { host: '192.0.2.1', port: 2 });
    assert.equal(server.addressChanges(known), 1);
    assert.ok(log.includes('moved'));
    respond(server, requests[1]);
    await network.run(1_000);
    assert.ok(events.some(({ kind }) => kind === 'response'));
  });

  it('an association goes on at another driver, which takes its peer by what it has proven', async () => {
    const network = new SimulatedNetwork();
    const before = serve(network);
    const { client, peer, events } = connect(network, 'one');
    await network.run(1_000);
    const state = before.server.exportAssociation(before.server.peer(CLIENT))!;
    assert.equal(before.server.dtlsUsage.associations, 0);
    await before.server.close();
    const after = serve(network);
    const taken = after.server.importAssociation(state)!;
    assert.deepEqual(taken.security, { kind: 'psk', identity: 'one' });
    assert.deepEqual(taken.address, CLIENT);
    assert.equal(after.server.importAssociation(Uint8Array.of(1, 2, 3)), undefined);
    ask(client, peer);
    await network.run(1_000);
    assert.equal(after.requests[0]?.peer, taken);
    respond(after.server, after.requests[0]);
    await network.run(1_000);
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['response'],
    );
  });

  it('a message as large as RFC 7252 §4.6 has it fits into one datagram of 1,200 bytes, with a Connection ID', async () => {
    const network = new SimulatedNetwork();
    let largest = 0;
    network.onDatagram = (_from, _to, datagram) => (largest = Math.max(largest, datagram.length));
    const { requests } = serve(network);
    const { client, peer } = connect(network, 'one');
    const request = {
      code: Codes.post,
      options: buildOptions({ uriPath: ['rd'], uriQuery: ['e'.repeat(110)] }),
      payload: new Uint8Array(1_024),
    };
    client.turn((now, out) => client.endpoint.request(now, peer, request, out));
    await network.run(1_000);
    assert.equal(requests[0]?.payload.length, 1_024);
    assert.ok(largest > 1_152 && largest <= 1_200, String(largest));
  });

  it('a client that asked for records of 512 bytes is sent blocks that fit, and sends such blocks (RFC 6066 §4)', async () => {
    const network = new SimulatedNetwork();
    const { server, log, requests } = serve(network);
    const body = new Uint8Array(1_500).map((_, index) => index);
    const client = network.secureDriver(CLIENT, { dtls: { maxFragmentLength: 512 } });
    const answers: Uint8Array[] = [];
    client.onEvent = (event): void => {
      if (event.kind === 'response') answers.push(event.response.payload);
      if (event.kind !== 'request') return;
      const { request } = event;
      client.turn((now, out) =>
        client.endpoint.respond(now, request, { code: Codes.content, options: [], payload: request.payload }, out),
      );
    };
    const peer = client.connect(SERVER, { credentials: credentials('one') });
    const put = { code: Codes.put, options: buildOptions({ uriPath: ['a'] }), payload: body };
    // The first bytes wait for the handshake.
    client.turn((now, out) => client.endpoint.request(now, peer, put, out));
    await network.run(5_000);
    assert.deepEqual(requests[0]?.payload, body);
    const { peer: device } = requests[0];
    server.turn((now, out) =>
      server.endpoint.respond(now, requests[0]!, { code: Codes.content, options: [], payload: body }, out),
    );
    await network.run(5_000);
    assert.deepEqual(answers, [body]);
    server.turn((now, out) => server.endpoint.request(now, device, put, out));
    await network.run(5_000);
    assert.equal(log.at(-1), 'response');
    assert.equal(server.dtlsCounters.dropped['too-large-to-send'], undefined);
    assert.equal(client.dtlsCounters.dropped['too-large-to-send'], undefined);
  });

  it('what is refused, closed, forged and counted can be watched', async () => {
    const network = new SimulatedNetwork();
    const seen: string[] = [];
    const channels = [DTLS_REFUSED_CHANNEL, DTLS_CLOSED_CHANNEL, DTLS_FORGED_CHANNEL, DTLS_COUNTERS_CHANNEL];
    const listeners = channels.map((name) => (message: unknown) => {
      seen.push(`${name} ${String(Object.keys(message as object))}`);
    });
    channels.forEach((name, index) => subscribe(name, listeners[index]!));
    try {
      serve(network, { forgedRecordsReported: 1 });
      connect(network, 'stranger', { at: { ...CLIENT, port: 1 } });
      const { client, peer } = connect(network, 'one');
      let record: Uint8Array | undefined;
      network.onDatagram = (from, _to, datagram) => {
        if (from.port === CLIENT.port) record = datagram.slice();
      };
      await network.run(3_000);
      ask(client, peer);
      await network.run(1_000);
      record![record!.length - 1]! ^= 1;
      record![10]! ^= 0x40; // another sequence number, so that it is not taken for a replay
      network.send(CLIENT, SERVER, record!);
      await network.run(3_000);
      client.disconnect(peer);
      await network.run(3_000);
    } finally {
      channels.forEach((name, index) => unsubscribe(name, listeners[index]!));
    }
    assert.ok(seen.includes(`${DTLS_REFUSED_CHANNEL} local,from,refusal`));
    assert.ok(seen.includes(`${DTLS_CLOSED_CHANNEL} local,from,identity,reason`));
    assert.ok(seen.includes(`${DTLS_FORGED_CHANNEL} local,from,identity,count`), seen.join('\n'));
    assert.ok(seen.includes(`${DTLS_COUNTERS_CHANNEL} local,counters`));
  });
});
