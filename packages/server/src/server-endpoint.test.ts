/** Which endpoint takes the place of one that was there before a restart. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PeerSecurity } from '@lapwing/coap';
import { SimulatedNetwork } from '@lapwing/testkit';
import type { PeerAddress } from '@lapwing/transport';
import type { Registration } from './api.ts';
import { driverOf, successorOf } from './server-endpoint.ts';

const network = new SimulatedNetwork();
const first = network.driver({ host: '10.0.0.1', port: 5683 });
const second = network.driver({ host: '10.0.0.1', port: 5693 });
const third = network.driver({ host: '10.0.0.2', port: 5683 });
const ipv6 = network.driver({ host: '::', port: 5683 });
const secure = network.secureDriver({ host: '10.0.0.1', port: 5684 });
const drivers = [secure, first, second, third, ipv6];

describe('the endpoint in the place of another', () => {
  it('is that of the same address, else of the same port, else the first of the scheme and the family, else none', () => {
    const find = (host: string, port: number): unknown => successorOf('coap', { host, port }, drivers);
    assert.equal(find('10.0.0.1', 5693), second);
    assert.equal(find('10.0.0.2', 5683), third);
    assert.equal(find('0.0.0.0', 5693), second);
    assert.equal(find('10.0.0.2', 1), first);
    assert.equal(find('::1', 1), ipv6);
    assert.equal(successorOf('coaps', { host: '10.0.0.1', port: 5683 }, drivers), secure);
    assert.equal(successorOf('coaps', { host: '::', port: 5684 }, drivers), undefined);
    assert.equal(successorOf('coap', { host: '::', port: 5683 }, [first, secure]), undefined);
  });

  it('of a stored registration is found by its scheme and where it was received, or the family of its client', () => {
    const of = (address: PeerAddress, kind: PeerSecurity['kind'] | undefined, serverAddress?: PeerAddress): unknown =>
      driverOf(
        {
          address,
          ...(serverAddress && { serverAddress }),
          ...(kind && { security: { kind } }),
        } as Registration,
        drivers,
      );
    const client = { host: '192.0.2.1', port: 5693 };
    assert.equal(of(client, 'none', second.localAddress), second);
    assert.equal(of(client, 'psk', second.localAddress), secure);
    assert.equal(of(client, 'none'), first);
    assert.equal(of(client, undefined), first);
    // A socket of both families has clients of both.
    assert.equal(of(client, 'none', ipv6.localAddress), ipv6);
    assert.equal(of({ host: '2001:db8::1', port: 1 }, 'none'), ipv6);
  });
});
