/**
 * CoAP over DTLS with the client of the npm package node-dtls-client, another implementation in JavaScript: pre-shared
 * keys only, and no retransmission, so that whatever goes wrong shows at once.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, describe, it } from 'node:test';
import { Codes, MessageType, buildOptions, decodeMessage, encodeMessage, formatCode, messageId } from '@lapwing/coap';
import type { CipherSuiteName, Lookup, LookupAnswer } from '@lapwing/dtls';
import { nodeCrypto } from '@lapwing/transport';
import { dtls } from 'node-dtls-client';
import { CoapsPeer } from '../src/coaps-peer.ts';

const IDENTITY = 'device-4';
const KEY = 'sixteen letters!';
const SUITES = [
  'TLS_PSK_WITH_AES_128_CCM_8',
  'TLS_PSK_WITH_AES_128_GCM_SHA256',
  'TLS_PSK_WITH_AES_128_CBC_SHA256',
] as const satisfies readonly CipherSuiteName[];

const answer = (lookup: Lookup): LookupAnswer =>
  lookup.kind === 'psk' && Buffer.from(lookup.identity).toString() === IDENTITY
    ? { kind: 'key', key: nodeCrypto.importSecret(Buffer.from(KEY)) }
    : { kind: 'unknown' };

const ours = (): Promise<CoapsPeer> =>
  CoapsPeer.listen({
    server: { psk: {}, clientAuthentication: 'required', clientCertificateTypes: [], trustAnchors: [] },
    dtls: { cipherSuites: SUITES, handshakeTimeout: 2_000 },
    answer,
  });

/** Sockets that a test left open because it failed. */
const open = new Set<dtls.Socket>();
afterEach(() => open.forEach((socket) => socket.close()));

function theirs(
  { port }: CoapsPeer,
  psk: Readonly<Record<string, string>>,
  ciphers: readonly (typeof SUITES)[number][] = SUITES,
): dtls.Socket {
  const options: dtls.Options = {
    type: 'udp4',
    address: '127.0.0.1',
    port,
    psk,
    ciphers: [...ciphers],
    timeout: 10_000,
  };
  const socket = dtls.createSocket(options);
  open.add(socket);
  for (const end of ['close', 'error']) socket.on(end, () => open.delete(socket));
  return socket;
}

/** A Confirmable GET, and what the socket answers to it. */
async function get(socket: dtls.Socket, path: string, number: number): Promise<Uint8Array> {
  const message = once(socket, 'message');
  const request = {
    type: MessageType.confirmable,
    code: Codes.get,
    messageId: messageId(number),
    token: Uint8Array.of(number),
    options: buildOptions({ uriPath: [path] }),
    payload: new Uint8Array(0),
  };
  socket.send(Buffer.from(encodeMessage(request)));
  const [bytes] = (await message) as [Buffer];
  const answered = decodeMessage(Uint8Array.from(bytes));
  assert.ok(!('malformed' in answered));
  assert.equal(formatCode(answered.code), '2.05');
  assert.deepEqual([answered.messageId, answered.token], [request.messageId, request.token]);
  return answered.payload;
}

describe('node-dtls-client', () => {
  for (const suite of SUITES) {
    it(`${suite}: a handshake, two exchanges and a goodbye`, async () => {
      await using peer = await ours();
      peer.handle('small', (request, now, out) => {
        const response = { code: Codes.content, options: [], payload: new TextEncoder().encode('22.3 C') };
        peer.driver.endpoint.respond(now, request, response, out);
      });
      const socket = theirs(peer, { [IDENTITY]: KEY }, [suite]);
      await once(socket, 'connected');
      const outcome = await peer.outcomes.take();
      assert.ok(outcome.kind === 'opened');
      assert.equal(outcome.association.cipherSuite, suite);
      assert.equal(Buffer.from(await get(socket, 'small', 1)).toString(), '22.3 C');
      assert.equal(Buffer.from(await get(socket, 'small', 2)).toString(), '22.3 C');
      const closed = once(socket, 'close');
      socket.close();
      await closed;
      assert.equal(await peer.closed.take(), 'peer-closed');
      assert.equal(peer.driver.dtlsUsage.associations, 0);
    });
  }

  it('a wrong key: it does not connect, and the refusal says for whom', async () => {
    await using peer = await ours();
    const socket = theirs(peer, { [IDENTITY]: 'another key' });
    const failed = once(socket, 'error');
    const outcome = await peer.outcomes.take();
    assert.ok(outcome.kind === 'refused');
    assert.deepEqual([outcome.refusal.reason, outcome.refusal.claimedIdentity], ['wrong-key', IDENTITY]);
    await failed;
  });

  it('an identity that nobody knows is told so by an alert', async () => {
    await using peer = await ours();
    const socket = theirs(peer, { stranger: KEY });
    const failed = once(socket, 'error');
    const outcome = await peer.outcomes.take();
    assert.ok(outcome.kind === 'refused');
    assert.deepEqual([outcome.refusal.reason, outcome.refusal.claimedIdentity], ['unknown-identity', 'stranger']);
    await failed;
  });
});
