/**
 * What must not disturb a device over coaps, with everything real: the `lapwing` command as a process, sockets, a NAT
 * that gives the device another port, a stop and a start, and somebody who watches the device over the REST API.
 */
import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { LwM2mClient, temperatureObject, type StartOptions } from '@lapwing/client';
import { LapwingProcess } from '../src/lapwing-process.ts';
import { NatRelay } from '../src/nat-relay.ts';
import { freeUdpPort } from '../src/tool.ts';

const NAME = 'lamp';
const TEMPERATURE = '/3303/0/5700';

interface DeviceAnswer {
  readonly registrationId: string;
  readonly address: string;
  readonly security: {
    readonly association: { readonly connectionId: boolean; readonly addressChanges: number } | null;
  };
}

let dataDir: string;
let coapsPort: number;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'lapwing-nat-'));
  coapsPort = await freeUdpPort();
});
afterEach(() => rm(dataDir, { recursive: true }));

const serve = (): Promise<LapwingProcess> => LapwingProcess.start({ dataDir, coapsPort });
const device = (server: LapwingProcess): Promise<DeviceAnswer> => server.call('GET', `/devices/${NAME}`);
const read = async (server: LapwingProcess): Promise<string> =>
  (await server.call<{ readonly code: string }>('GET', `/devices/${NAME}/nodes${TEMPERATURE}`)).code;

/** A device behind the NAT, registered and observed. */
async function observedDevice(
  server: LapwingProcess,
  nat: NatRelay,
  more: Partial<StartOptions> = {},
): Promise<LwM2mClient> {
  const credential = { device: NAME, kind: 'psk' };
  const { key } = await server.call<{ readonly key: string }>('POST', '/security/credentials', credential);
  const client = await LwM2mClient.start({
    endpointClientName: NAME,
    servers: [
      {
        uri: `coaps://127.0.0.1:${nat.port}`,
        lifetimeSeconds: 3600,
        credentials: { kind: 'psk', identity: Buffer.from(NAME), key: createSecretKey(key, 'hex') },
      },
    ],
    objects: [temperatureObject({ value: 20 })],
    host: '127.0.0.1',
    ...more,
  });
  await client.whenRegistered();
  await server.call('PUT', `/devices/${NAME}/observations${TEMPERATURE}`);
  return client;
}

/** Every event by which the device would know that something happened. */
function disturbances(client: LwM2mClient): readonly string[] {
  const seen: string[] = [];
  for (const name of ['registered', 'updated', 'lost', 'registrationFailed', 'observationEnded']) {
    (client as EventEmitter).on(name, () => seen.push(name));
  }
  return seen;
}

describe('a device behind a NAT that gives it another port', () => {
  it('with a Connection ID: registration and observation go on where it is now (RFC 9146 §6)', async () => {
    await using server = await serve();
    await using nat = await NatRelay.open(coapsPort);
    await using client = await observedDevice(server, nat);
    const disturbed = disturbances(client);
    const { registrationId } = await device(server);
    const values = await server.notifiedValues(NAME);

    for (const [value, changes] of [
      [21, 1],
      [22, 2],
    ] as const) {
      await nat.rebind();
      client.set(TEMPERATURE, value);
      assert.equal((await values.next()).value, value);
      const now = await device(server);
      assert.equal(now.registrationId, registrationId);
      assert.equal(now.address, `127.0.0.1:${nat.outsidePort}`);
      assert.deepEqual(
        [now.security.association?.connectionId, now.security.association?.addressChanges],
        [true, changes],
      );
      assert.equal(await read(server), '2.05');
    }
    assert.equal((await server.counters())['dtlsHandshakesStarted'], 1);
    assert.deepEqual(disturbed, []);
    await values.return();
  });

  it('without one: nothing from there is taken for it, and it has to prove itself anew', async () => {
    await using server = await serve();
    await using nat = await NatRelay.open(coapsPort);
    await using client = await observedDevice(server, nat, {
      dtls: { connectionIdLength: 'off' },
      // So that it gives up in less than a second.
      coap: { ackTimeout: 50, maxRetransmit: 2 },
    });
    const { registrationId, security } = await device(server);
    assert.equal(security.association?.connectionId, false);

    await nat.rebind();
    const registered = new Promise((resolve) => client.once('registered', resolve));
    void client.update();
    await registered;
    const counters = await server.counters();
    assert.ok((counters['dtlsDroppedUnknownAddress'] ?? 0) > 0);
    assert.equal(counters['dtlsHandshakesCompleted'], 2);
    assert.notEqual((await device(server)).registrationId, registrationId);
    assert.equal(await read(server), '2.05');
  });
});

describe('a server that is stopped and started', () => {
  it('and a NAT that forgets in between: neither the device nor who watches it notices', async () => {
    await using nat = await NatRelay.open(coapsPort);
    await using first = await serve();
    await using client = await observedDevice(first, nat);
    const disturbed = disturbances(client);
    const before = await device(first);
    const values = await first.notifiedValues(NAME);
    client.set(TEMPERATURE, 21);
    assert.equal((await values.next()).value, 21);
    assert.equal(await first.stop(), 0);

    await nat.rebind();
    await using second = await serve();
    const after = await device(second);
    assert.equal(after.registrationId, before.registrationId);
    const continued = await second.notifiedValues(NAME);
    client.set(TEMPERATURE, 22);
    assert.equal((await continued.next()).value, 22);
    assert.equal((await device(second)).security.association?.addressChanges, 1);
    assert.equal(await read(second), '2.05');
    const counters = await second.counters();
    assert.equal(counters['dtlsAssociationsImported'], 1);
    assert.equal(counters['dtlsHandshakesStarted'], 0);
    assert.deepEqual(disturbed, []);
    await continued.return();
    // While the server is there to say goodbye to.
    await client.close();
  });
});
