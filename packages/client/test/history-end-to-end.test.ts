/** Stored notifications from the client of this project to its server: every value with its time. /1/x/6, OMA TS Core §6.4.5. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LwM2mClient, temperatureObject } from '@lapwing/client';
import { resourcePath } from '@lapwing/lwm2m';
import { LwM2mServer } from '@lapwing/server';
import { SimulatedNetwork } from '@lapwing/testkit';

const VALUE = resourcePath(3303, 0, 5700);

describe('a device that was offline for an hour', () => {
  it('tells the server what it would have told meanwhile, oldest first', async () => {
    const network = new SimulatedNetwork();
    const server = new LwM2mServer({ drivers: [network.driver({ host: '10.0.0.1', port: 5683 })] });
    const client = new LwM2mClient(network.driver({ host: '10.0.0.2', port: 56830 }), {
      endpointClientName: 'traveller',
      servers: [{ uri: 'coap://10.0.0.1', lifetimeSeconds: 86_400, notificationStoring: true }],
      objects: [temperatureObject({ value: 20 })],
    });
    client.register();
    await network.run(1000);
    const told: (readonly [unknown, number | undefined])[] = [];
    server.on('notified', (_observation, { entries }) => {
      for (const entry of entries) if (entry.kind === 'value') told.push([entry.value.value, entry.timestamp]);
    });
    const observing = server.device('traveller')!.observe(VALUE);
    await network.run(1000);
    assert.ok((await observing).ok);
    client.goOffline();
    const written: (readonly [unknown, number])[] = [];
    for (let value = 21; value < 27; value++) {
      client.set(VALUE, value);
      written.push([value, Math.round(network.unixTime() / 1000)]);
      await network.run(600_000);
    }
    assert.equal(told.length, 0);
    client.goOnline();
    await network.run(1000);
    assert.deepEqual(
      told.slice(0, -1).map(([value, timestamp]) => [value, Math.round(timestamp ?? 0)]),
      written,
    );
    assert.equal(told.at(-1)?.[0], 26, 'and what it is now');
    assert.equal(client.storedValueCount, 0);
  });
});
