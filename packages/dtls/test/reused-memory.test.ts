/** A transport that writes each datagram into the same memory: what an endpoint keeps past a call, it keeps as a copy. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Association } from '../src/association.ts';
import type { ConnectOptions } from '../src/endpoint.ts';
import type { Host } from './datagram-network.ts';
import { Fixture, PSK, RPK, X509 } from './endpoint-fixture.ts';

const MEMORY_BYTES = 2_048;

/** Every datagram to this host comes in memory that is overwritten when the call has returned. */
function reuseMemory(host: Host, memory: Uint8Array): void {
  const { endpoint } = host;
  const handle = endpoint.handleDatagram.bind(endpoint);
  endpoint.handleDatagram = (now, from, datagram, out) => {
    memory.set(datagram);
    handle(now, from, memory.subarray(0, datagram.length), out);
    memory.fill(0xee);
  };
}

describe('a transport that reuses the memory of its datagrams', () => {
  for (const kind of ['Uint8Array', 'Buffer'] as const) {
    const memory = (): Uint8Array => (kind === 'Buffer' ? Buffer.alloc(MEMORY_BYTES) : new Uint8Array(MEMORY_BYTES));
    for (const [name, options] of Object.entries<ConnectOptions>({ psk: PSK, rpk: RPK, x509: X509 })) {
      it(`as ${kind}: a handshake with ${name}, data both ways, and a resumption`, () => {
        const plain = new Fixture();
        const expected = plain.open(plain.client, options);

        const fixture = new Fixture();
        reuseMemory(fixture.server, memory());
        reuseMemory(fixture.client, memory());
        const near = fixture.connect(fixture.client, options);
        const early = memory().subarray(0, 5);
        early.set(new TextEncoder().encode('early'));
        fixture.client.endpoint.send(fixture.network.now, near, early, fixture.client);
        early.fill(0xee);
        fixture.network.run(1_000);
        const far = fixture.server.of('opened').at(-1)!.association;
        const principals = ({ principal }: Association): unknown => principal;
        assert.deepEqual(principals(far), principals(expected.far));
        assert.deepEqual(principals(near), principals(expected.near));
        assert.equal(far.serverName, expected.far.serverName);

        fixture.client.send(near, 'up');
        fixture.server.send(far, 'down');
        fixture.network.run(1_000);
        assert.deepEqual(fixture.server.texts, ['early', 'up']);
        assert.deepEqual(fixture.client.texts, ['down']);

        const session = fixture.client.endpoint.sessionOf(near);
        assert.ok(session !== undefined);
        fixture.client.close(near);
        fixture.network.settle();
        const again = fixture.open(fixture.client, { ...options, session });
        assert.equal(fixture.client.of('opened').at(-1)?.resumed, true);
        assert.deepEqual(principals(again.far), principals(expected.far));
      });
    }
  }
});
