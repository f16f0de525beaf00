/** One client socket for coap and coaps, IPv4 and IPv6, on this machine's own network. */
import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { describe, it } from 'node:test';
import { buildOptions, Codes, UsageError, type CoapEvent, type Peer } from '@lapwing/coap';
import type { Driver } from './driver.ts';
import { DtlsDriver } from './dtls-driver.ts';
import { UdpDriver } from './udp-driver.ts';

const NO_BYTES = new Uint8Array(0);
const KEY = createSecretKey(new Uint8Array(16).fill(1));
const CREDENTIALS = { kind: 'psk', identity: new TextEncoder().encode('one'), key: KEY } as const;
const NO_IPV6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'))
  ? false
  : 'this machine has no ::1';

/** Answers every request with its scheme. */
function answering<Served extends Driver>(driver: Served): Served {
  driver.onEvent = (event): void => {
    if (event.kind !== 'request') return;
    const { request } = event;
    const content = { code: Codes.content, options: [], payload: Buffer.from(driver.scheme) };
    driver.turn((now, out) => driver.endpoint.respond(now, request, content, out));
  };
  return driver;
}

async function secureServer(host: string): Promise<DtlsDriver> {
  const server = await DtlsDriver.bind({
    host,
    port: 0,
    server: { psk: {}, clientAuthentication: 'required', clientCertificateTypes: [], trustAnchors: [] },
  });
  server.onAssociation = (event): void => {
    if (event.kind === 'lookup') server.answer(event.lookup, { kind: 'key', key: KEY });
  };
  return answering(server);
}

/** What the peer answers to a GET. */
function ask(client: Driver, peer: Peer): Promise<string> {
  const request = { code: Codes.get, options: buildOptions({ uriPath: ['a'] }), payload: NO_BYTES };
  return new Promise((resolve, reject) => {
    client.onEvent = (event: CoapEvent): void => {
      if (event.kind === 'response') resolve(Buffer.from(event.response.payload).toString());
      else if (event.kind === 'failed') reject(new Error(event.reason));
    };
    client.turn((now, out) => client.endpoint.request(now, peer, request, out));
  });
}

describe('a client socket of coaps', () => {
  it('reaches a server of coap and one of coaps from one port', async () => {
    await using plain = answering(await UdpDriver.bind({ host: '127.0.0.1', port: 0 }));
    await using secure = await secureServer('127.0.0.1');
    await using client = await DtlsDriver.bind({ host: '127.0.0.1', port: 0, plaintext: true });
    const toPlain = client.plainPeer(plain.localAddress);
    const toSecure = client.connect(secure.localAddress, { credentials: CREDENTIALS });
    assert.equal(await ask(client, toPlain), 'coap');
    assert.equal(await ask(client, toSecure), 'coaps');
    assert.equal(await ask(client, toPlain), 'coap');
    answering(client);
    assert.equal(await ask(plain, plain.peer(client.localAddress)), 'coaps');
    assert.equal(await ask(secure, secure.peer(client.localAddress)), 'coaps');
  });

  it('drops and counts plaintext from the very address of its association', async () => {
    await using secure = await secureServer('127.0.0.1');
    await using client = await DtlsDriver.bind({ host: '127.0.0.1', port: 0, plaintext: true });
    const peer = client.connect(secure.localAddress, { credentials: CREDENTIALS });
    assert.equal(await ask(client, peer), 'coaps');
    await secure.close();
    const { host, port } = secure.localAddress;
    await using forger = await UdpDriver.bind({ host, port });
    const forged = ask(forger, forger.peer(client.localAddress));
    // A second one that is expected, so that the first is certain to have been handled.
    await using expected = answering(await UdpDriver.bind({ host, port: 0 }));
    assert.equal(await ask(client, client.plainPeer(expected.localAddress)), 'coap');
    assert.equal(client.counters.plaintextRefused, 1);
    assert.equal(client.endpoint.counters.datagramsReceived, 2);
    assert.equal(client.association(peer)?.state, 'open');
    forger.turn((now, out) => forger.endpoint.forgetPeer(now, forger.peer(client.localAddress), out));
    await assert.rejects(forged, /peer-closed/);
  });

  it('is refused plain peers when it serves', () =>
    assert.rejects(
      DtlsDriver.bind({
        host: '127.0.0.1',
        port: 0,
        plaintext: true,
        server: { psk: {}, clientAuthentication: 'required', clientCertificateTypes: [], trustAnchors: [] },
      }),
      UsageError,
    ));
});

describe('a socket of both families', () => {
  it('reaches servers of IPv4 and IPv6, whose addresses stay what they are', { skip: NO_IPV6 }, async () => {
    const drivers = [
      answering(await UdpDriver.bind({ host: '127.0.0.1', port: 0 })),
      answering(await UdpDriver.bind({ host: '::1', port: 0 })),
      await secureServer('127.0.0.1'),
      await secureServer('::1'),
    ];
    await using client = await DtlsDriver.bind({ host: '::', port: 0, dualStack: true, plaintext: true });
    for (const server of drivers) {
      const address = server.localAddress;
      const peer =
        server.scheme === 'coap' ? client.plainPeer(address) : client.connect(address, { credentials: CREDENTIALS });
      assert.equal(await ask(client, peer), server.scheme);
      assert.deepEqual(peer.address, address);
      await server.close();
    }
    await using udp = await UdpDriver.bind({ host: '::', port: 0, dualStack: true });
    await using ipv4 = await UdpDriver.bind({ host: '127.0.0.1', port: 0 });
    answering(udp);
    assert.equal(await ask(ipv4, ipv4.peer({ host: '127.0.0.1', port: udp.localAddress.port })), 'coap');
    assert.equal(udp.counters.peers, 1);
    assert.equal(udp.peer(ipv4.localAddress).lastActivity > 0, true);
    assert.equal(udp.counters.peers, 1);
  });

  it('is refused where the host is an address of one family', async () => {
    for (const host of ['0.0.0.0', '127.0.0.1', '::1'])
      await assert.rejects(UdpDriver.bind({ host, port: 0, dualStack: true }), UsageError);
  });
});
