/** What the Server offers to one device, over coaps: who may fetch it, and how it is asked. RFC 7252 §5.8.1. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  buildOptions,
  Codes,
  formatCode,
  OperationFailed,
  parseUri,
  UsageError,
  type Code,
  type OptionValues,
  type Peer,
} from '@lapwing/coap';
import { LwM2mClient, temperatureObject } from '@lapwing/client';
import { LwM2mServer } from '@lapwing/server';
import { SimulatedNetwork } from '@lapwing/testkit';
import type { Driver, PeerAddress } from '@lapwing/transport';
import { psk, pskEntry, scene, SERVER, startClient } from './secure-scene.ts';

const IMAGE = Uint8Array.from({ length: 5000 }, (_, index) => (index * 7 + 1) & 0xff);
const OCTET_STREAM = 42;

it('an offer over coaps is for whoever proves the identity of the device, and is not there for anybody else', async () => {
  const { network, server } = scene([pskEntry('one'), pskEntry('two', 2)], {
    plain: true,
    server: { parameters: { maxOffers: 1 } },
  });
  startClient(network, 'one', psk('one'));
  await network.run(5000);
  const offer = { endpointClientName: 'one', bytes: IMAGE, contentFormat: OCTET_STREAM };
  const { uri, withdraw } = server.offer(offer);
  const parsed = parseUri(uri);
  assert.ok(!('malformed' in parsed));
  const { scheme, host, port, uriPath } = parsed;
  assert.deepEqual([scheme, host, port], ['coaps', SERVER.host, SERVER.port]);

  const ask = async (
    driver: Driver,
    peer: Peer,
    options: OptionValues = {},
    code: Code = Codes.get,
  ): Promise<string> => {
    let answer = 'none';
    driver.onEvent = (event) => {
      if (event.kind !== 'response') return;
      const { code: answered, payload } = event.response;
      answer = formatCode(answered);
      if (answered === Codes.content) assert.equal(Buffer.compare(payload, IMAGE), 0);
    };
    const request = { code, options: buildOptions({ uriPath, ...options }), payload: new Uint8Array(0) };
    driver.turn((now, out) => driver.endpoint.request(now, peer, request, out));
    await network.run(60_000);
    return answer;
  };
  const secure = (at: PeerAddress, name: string, fill: number): readonly [Driver, Peer] => {
    const driver = network.secureDriver(at, {});
    return [driver, driver.connect(SERVER, { credentials: psk(name, fill) })];
  };
  const own = secure({ host: '10.0.0.77', port: 40_001 }, 'one', 1);
  const other = secure({ host: '10.0.0.2', port: 40_002 }, 'two', 2);
  const plain = network.driver({ host: '10.0.0.2', port: 40_003 });

  assert.equal(await ask(...own), '2.05');
  assert.equal(await ask(...own, { accept: OCTET_STREAM }), '2.05');
  assert.equal(await ask(...own, { accept: 0 }), '4.06');
  assert.equal(await ask(...own, { uriPath: [...uriPath, 'more'] }), '4.04');
  assert.equal(await ask(...own, {}, Codes.post), '4.05');
  assert.equal(await ask(...other), '4.04');
  assert.equal(await ask(plain, plain.peer({ host: SERVER.host, port: 5683 })), '4.04');

  assert.throws(() => server.offer(offer), OperationFailed, 'no more than maxOffers');
  withdraw();
  assert.equal(server.usage.offers, 0);
  assert.equal(await ask(...own), '4.04');
  assert.throws(() => server.offer({ ...offer, endpointClientName: 'nobody' }), OperationFailed);
  await server.close();
});

it('a server that listens on every address has to be told by which host it is reached', async () => {
  const network = new SimulatedNetwork();
  const driver = network.driver({ host: '10.0.0.9', port: 5683 });
  const anywhere = new LwM2mServer({ drivers: [driver] });
  // The simulated network has no wildcard addresses.
  Object.defineProperty(driver, 'localAddress', { value: { host: '0.0.0.0', port: 5683 } });
  const client = new LwM2mClient(network.driver({ host: '10.0.0.2', port: 40_000 }), {
    endpointClientName: 'one',
    servers: [{ uri: 'coap://10.0.0.9' }],
    objects: [temperatureObject({ value: 20 })],
  });
  client.register();
  for (let waited = 0; anywhere.registrationCount === 0 && waited < 5000; waited += 100) await network.run(100);
  const offer = { endpointClientName: 'one', bytes: IMAGE, contentFormat: OCTET_STREAM };
  assert.throws(() => anywhere.offer(offer), UsageError);
  assert.equal(anywhere.usage.offers, 0);
  assert.match(anywhere.offer(offer, '2001:db8::1').uri, /^coap:\/\/\[2001:db8::1\]\/get\//);
});
