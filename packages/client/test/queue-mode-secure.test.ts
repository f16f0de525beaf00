/** Queue mode over coaps with a Connection ID: nothing is closed while the device sleeps. OMA TS Core §6.5, RFC 9146. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LwM2mClient, temperatureObject } from '@lapwing/client';
import { Temperature } from '@lapwing/lwm2m';
import { DEVICE, psk, pskEntry, scene, settled } from './secure-scene.ts';

describe('a device that sleeps for hours', () => {
  it('wakes without a new handshake, is heard at once, and then hears what waited for it', async () => {
    const { network, server, driver } = scene([pskEntry('sleeper')]);
    const client = new LwM2mClient(network.secureDriver(DEVICE, {}), {
      endpointClientName: 'sleeper',
      servers: [{ uri: 'coaps://10.0.0.1', credentials: psk('sleeper'), lifetimeSeconds: 7200 }],
      objects: [temperatureObject({ value: 20 })],
      queueMode: { awakeTime: 30_000 },
    });
    const events: string[] = [];
    for (const name of ['registered', 'updated', 'lost', 'asleep', 'awake'] as const)
      client.on(name, () => events.push(name));
    client.register();
    await network.run(60_000);
    assert.deepEqual(events, ['registered', 'asleep']);
    let sent = 0;
    network.onDatagram = (from) => void (from.host === DEVICE.host && sent++);
    await network.run(3_600_000);
    assert.equal(sent, 0, 'nothing is sent while it sleeps');
    client.update();
    await network.run(1000);
    assert.deepEqual(events.slice(2), ['awake', 'updated']);
    assert.equal(sent, 1, 'the Update and nothing else');
    assert.equal(driver.dtlsCounters.handshakesStarted, 1);
    const outcome = await settled(network, server.device('sleeper')!.read(Temperature.path(0).sensorValue));
    assert.ok(outcome.ok && outcome.value === 20);
  });
});
