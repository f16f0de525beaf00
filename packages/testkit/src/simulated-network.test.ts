import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildOptions, Codes, type CoapEvent, type Exchange } from '@lapwing/coap';
import { SimulatedNetwork } from './simulated-network.ts';

const SERVER = { host: '10.0.0.1', port: 5683 };
const CLIENT = { host: '10.0.0.2', port: 40_000 };

describe('simulated network', () => {
  it('carries a request and its response between two drivers in virtual time', async () => {
    const network = new SimulatedNetwork({ delay: [20, 20] });
    const server = network.driver(SERVER);
    const client = network.driver(CLIENT);
    server.onEvent = (event) => {
      if (event.kind !== 'request') return;
      const payload = new TextEncoder().encode('21.5');
      server.turn((now, out) =>
        server.endpoint.respond(now, event.request, { code: Codes.content, options: [], payload }, out),
      );
    };
    const events: CoapEvent[] = [];
    client.onEvent = (event) => events.push(event);
    const options = buildOptions({ uriPath: ['3303', '0', '5700'] });
    client.turn((now, out) =>
      client.endpoint.request(now, client.peer(SERVER), { code: Codes.get, options, payload: new Uint8Array(0) }, out),
    );
    assert.equal(await network.runUntilIdle(), 40);
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['response'],
    );
    assert.equal(network.traffic.datagrams, 2);
    assert.equal(client.endpoint.isIdle(client.peer(SERVER)), true);
  });

  it('is the same run, byte for byte, with the same seed', () => {
    const run = (seed: number): string[] => {
      const network = new SimulatedNetwork({ seed, loss: 0.3, duplication: 0.2, delay: [5, 500] });
      const log: string[] = [];
      network.onDatagram = (from, _, datagram) =>
        log.push(`${network.now()} ${from.host} ${Buffer.from(datagram).toString('hex')}`);
      const server = network.driver(SERVER);
      server.onEvent = (event) => {
        if (event.kind !== 'request') return;
        server.turn((now, out) =>
          server.endpoint.respond(
            now,
            event.request,
            { code: Codes.changed, options: [], payload: new Uint8Array(0) },
            out,
          ),
        );
      };
      const client = network.driver(CLIENT);
      const exchanges: Exchange[] = [];
      for (let i = 0; i < 20; i++) {
        exchanges.push(
          client.turn((now, out) =>
            client.endpoint.request(
              now,
              client.peer(SERVER),
              { code: Codes.post, options: [], payload: Uint8Array.of(i) },
              out,
            ),
          ),
        );
      }
      network.runUntilIdleSynchronously();
      assert.ok(exchanges.every(({ state }) => state === 'done'));
      return log;
    };
    assert.deepEqual(run(7), run(7));
    assert.notDeepEqual(run(7), run(8));
  });

  it('throws from run what an event handler threw', async () => {
    const network = new SimulatedNetwork();
    const driver = network.driver(SERVER);
    driver.onEvent = () => {
      throw new Error('from the handler');
    };
    network.scriptedPeer(CLIENT).send(SERVER, { type: 0, code: Codes.get, messageId: 1 });
    await assert.rejects(network.run(1_000), /from the handler/);
  });
});
