/** What must not disturb a device: a NAT that gives it another address, and a server that is stopped and started. */
import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { describe, it } from 'node:test';
import { UsageError } from '@lapwing/coap';
import { deviceObject, LwM2mClient, temperatureObject } from '@lapwing/client';
import { resourcePath, Temperature } from '@lapwing/lwm2m';
import type { LwM2mServer, Observation } from '@lapwing/server';
import { NatRelay, type SimulatedNetwork } from '@lapwing/testkit';
import {
  DEVICE,
  psk,
  pskEntry,
  rpk,
  keyPair,
  scene,
  SERVER,
  settled,
  startClient,
  type Scene,
} from './secure-scene.ts';

const VALUE = Temperature.path(0).sensorValue;
const INSIDE = { host: '10.0.9.1', port: 5684 };
const OUTSIDE = { host: '192.0.2.1', port: 40_000 };
const REBOUND = { host: '192.0.2.1', port: 40_001 };
const SNAPSHOT_KEY = createSecretKey(new Uint8Array(32).fill(5));

const valuesOf = (server: LwM2mServer): unknown[] => {
  const seen: unknown[] = [];
  server.on('notified', (_, { node }) => seen.push(node?.kind === 'resource' && node.value.value));
  return seen;
};

async function observe({ network, server }: Pick<Scene, 'network' | 'server'>): Promise<Observation> {
  const outcome = await settled(network, server.device('one')!.observe(VALUE));
  assert.ok(outcome.ok);
  return outcome.value;
}

/** What the device sees: every event but the notifications it sends. */
function disturbances(client: LwM2mClient): string[] {
  const seen: string[] = [];
  for (const name of ['registered', 'updated', 'lost', 'registrationFailed', 'observationEnded'] as const)
    client.on(name, () => seen.push(name));
  return seen;
}

describe('a device behind a NAT that gives it another address', () => {
  it('with a Connection ID: registration and observation go on, and requests reach it where it is (RFC 9146 §6)', async () => {
    const { network, server, driver } = scene([pskEntry('one')]);
    const relay = new NatRelay(network, INSIDE, OUTSIDE, SERVER);
    const client = startClient(network, 'one', psk('one'), { address: INSIDE });
    await network.run(3_000);
    await observe({ network, server });
    const seen = valuesOf(server);
    const moved: unknown[] = [];
    server.on('addressChanged', ({ address }, from) => moved.push([from.port, address.port]));
    const disturbed = disturbances(client);
    const { registrationId } = server.device('one')!.registration;

    relay.rebind(REBOUND);
    client.set(VALUE, 22);
    await network.run(3_000);
    assert.deepEqual(seen, [22]);
    assert.deepEqual(moved, [[40_000, 40_001]]);
    assert.equal(server.device('one')?.registration.registrationId, registrationId);
    assert.deepEqual(server.device('one')?.registration.address, REBOUND);
    assert.equal(server.device('one')?.security?.association?.addressChanges, 1);
    const outcome = await settled(network, server.device('one')!.read(VALUE));
    assert.ok(outcome.ok && outcome.value === 22);
    assert.equal(driver.dtlsCounters.handshakesStarted, 1);
    assert.deepEqual(disturbed, []);
    await settled(network, client.close());
    await server.close();
  });

  it('without: nothing from there is taken for it, and it has to open an association anew', async () => {
    const { network, server, driver } = scene([pskEntry('one')], { dtls: { connectionIdLength: 'off' } });
    const relay = new NatRelay(network, INSIDE, OUTSIDE, SERVER);
    const client = startClient(network, 'one', psk('one'), { address: INSIDE });
    await network.run(3_000);
    await observe({ network, server });
    const seen = valuesOf(server);
    assert.equal(server.device('one')?.security?.association?.connectionId, false);

    relay.rebind(REBOUND);
    client.set(VALUE, 22);
    await network.run(60_000);
    assert.deepEqual(seen, []);
    assert.ok((driver.dtlsCounters.dropped['unknown-address'] ?? 0) > 0);
    assert.deepEqual(server.device('one')?.registration.address, OUTSIDE);
    // Its Update is not answered either; then it begins anew.
    const lost = new Promise((resolve) => client.once('registered', resolve));
    await settled(network, lost);
    assert.deepEqual(server.device('one')?.registration.address, REBOUND);
    assert.equal(driver.dtlsCounters.handshakesCompleted, 2);
    await settled(network, client.close());
    await server.close();
  });
});

/** Stop the server in the middle of everything, let it be away, and start another one in its place. */
async function restart(
  first: Scene,
  entries: Parameters<typeof scene>[0],
  options: { readonly away?: number; readonly plain?: boolean } = {},
): Promise<{ readonly next: Scene; readonly snapshot: Uint8Array }> {
  const { network } = first;
  const snapshot = await first.server.suspend(SNAPSHOT_KEY);
  await network.run(options.away ?? 5_000);
  return { next: scene(entries, { network, plain: options.plain === true }), snapshot };
}

describe('a server that is stopped and started', () => {
  const own = keyPair();
  for (const [kind, credentials, entry] of [
    ['psk', psk('one'), pskEntry('one')],
    ['rpk', rpk(own), { kind: 'rpk', endpointClientName: 'one', publicKey: own.publicKey }],
  ] as const) {
    it(`keeps associations, registrations and observations between two notifications: the device notices nothing (${kind})`, async () => {
      const before = scene([entry]);
      const { network } = before;
      const client = startClient(network, 'one', credentials);
      await network.run(3_000);
      const observation = await observe(before);
      client.set(VALUE, 21);
      await network.run(3_000);
      const reading = (async (): Promise<void> => {
        for await (const _ of observation);
      })();
      const { registrationId, registeredAt } = before.server.device('one')!.registration;
      const disturbed = disturbances(client);

      const nextMessageId = before.driver.endpoint.nextMessageId(before.driver.peer(DEVICE));
      const { next, snapshot } = await restart(before, [entry]);
      await reading;
      const resumption = await next.server.resume({ bytes: snapshot, key: SNAPSHOT_KEY });
      assert.deepEqual(
        { ...resumption, id: '' },
        { kind: 'resumed', id: '', associations: 1, registrations: 1, observations: 1, operations: 0, ended: [] },
      );
      assert.equal(next.driver.endpoint.nextMessageId(next.driver.peer(DEVICE)), nextMessageId);
      const device = next.server.device('one')!;
      assert.equal(device.registration.registrationId, registrationId);
      assert.equal(device.registration.registeredAt, registeredAt);
      assert.equal(device.security?.kind, kind);
      const [info] = device.observations;
      assert.equal(info?.lastNotification?.node?.kind === 'resource' && info.lastNotification.node.value.value, 21);
      const seen = valuesOf(next.server);
      client.set(VALUE, 22);
      await network.run(3_000);
      assert.deepEqual(seen, [22]);
      const outcome = await settled(network, device.read(VALUE));
      assert.ok(outcome.ok && outcome.value === 22);
      assert.equal(next.driver.dtlsCounters.handshakesStarted, 0);
      assert.deepEqual(disturbed, []);

      // Whoever observes the path now shares what was taken over.
      const shared = await observe(next);
      assert.equal(shared.observationId, info?.observationId);
      await settled(network, shared.cancel('active'));
      assert.equal(client.observationCount, 0);
      await settled(network, client.close());
      assert.equal(next.server.registrationCount, 0);
      await next.server.close();
    });
  }

  it('a Confirmable notification that is sent while it is away arrives when it is back', async () => {
    const before = scene([pskEntry('one')]);
    const { network } = before;
    const client = startClient(network, 'one', psk('one'));
    await network.run(3_000);
    await observe(before);
    const snapshot = await before.server.suspend(SNAPSHOT_KEY);
    client.set(VALUE, 30);
    await network.run(5_000);
    const next = scene([pskEntry('one')], { network });
    const seen = valuesOf(next.server);
    await next.server.resume({ bytes: snapshot, key: SNAPSHOT_KEY });
    await network.run(60_000);
    assert.deepEqual(seen, [30]);
    assert.equal(client.observationCount, 1);
    await settled(network, client.close());
    await next.server.close();
  });

  it('keeps registrations and observations over coap too', async () => {
    const before = scene([], { plain: true });
    const { network } = before;
    const client = new LwM2mClient(network.driver({ host: '10.0.0.3', port: 56_830 }), {
      endpointClientName: 'one',
      servers: [{ uri: 'coap://10.0.0.1', confirmableNotifications: true }],
      objects: [temperatureObject({ value: 20 })],
    });
    client.register();
    await network.run(3_000);
    await observe(before);
    const disturbed = disturbances(client);
    const { next, snapshot } = await restart(before, [], { plain: true });
    const seen = valuesOf(next.server);
    await next.server.resume({ bytes: snapshot, key: SNAPSHOT_KEY });
    client.set(VALUE, 22);
    await network.run(3_000);
    assert.deepEqual(seen, [22]);
    assert.deepEqual(disturbed, []);
    await settled(network, client.close());
    await next.server.close();
  });

  it('an operation that waits for a device asleep goes out over the association that was kept, when it wakes', async () => {
    const before = scene([pskEntry('one')], { server: { parameters: { clientAwakeTime: 10_000 } } });
    const { network } = before;
    let resets = 0;
    const client = new LwM2mClient(network.secureDriver(DEVICE, {}), {
      endpointClientName: 'one',
      servers: [{ uri: 'coaps://10.0.0.1', credentials: psk('one'), lifetimeSeconds: 600 }],
      objects: [temperatureObject({ value: 20 }), deviceObject({ reboot: () => void resets++ })],
      queueMode: { awakeTime: 10_000 },
    });
    client.register();
    await network.run(30_000);
    const kept = assert.rejects(before.server.device('one')!.execute(resourcePath(3, 0, 4)), { code: 'SUSPENDED' });
    const { next, snapshot } = await restart(before, [pskEntry('one')]);
    await kept;
    const completed: unknown[] = [];
    next.server.on('operationCompleted', (_registration, { operation }, { kind }) => completed.push([operation, kind]));
    const resumption = await next.server.resume({ bytes: snapshot, key: SNAPSHOT_KEY });
    assert.equal(resumption.kind === 'resumed' && resumption.operations, 1);
    client.update();
    await network.run(3_000);
    assert.deepEqual([resets, completed], [1, [['execute', 'answered']]]);
    assert.equal(next.driver.dtlsCounters.handshakesStarted, 0);
    await settled(network, client.close());
    await next.server.close();
  });

  it('an observation whose association was gone is asked for again when the device comes back', async () => {
    const before = scene([pskEntry('one')]);
    const { network } = before;
    const client = startClient(network, 'one', psk('one'));
    await network.run(3_000);
    await observe(before);
    client.goOffline();
    for (const peer of [...before.driver.associatedPeers()]) before.driver.disconnect(peer);
    await network.run(1_000);
    const { next, snapshot } = await restart(before, [pskEntry('one')]);
    const resumption = await next.server.resume({ bytes: snapshot, key: SNAPSHOT_KEY });
    assert.deepEqual(
      { ...resumption, id: '' },
      { kind: 'resumed', id: '', associations: 0, registrations: 1, observations: 1, operations: 0, ended: [] },
    );
    client.goOnline();
    await network.run(3_000);
    const seen = valuesOf(next.server);
    client.set(VALUE, 23);
    await network.run(3_000);
    assert.deepEqual(seen, [23]);
    await settled(network, client.close());
    await next.server.close();
  });

  it('whose credentials were taken away in between is out', async () => {
    const before = scene([pskEntry('one')]);
    const { network } = before;
    startClient(network, 'one', psk('one'));
    await network.run(3_000);
    const { next, snapshot } = await restart(before, []);
    await next.server.resume({ bytes: snapshot, key: SNAPSHOT_KEY });
    assert.equal(next.server.registrationCount, 0);
    assert.equal(next.driver.dtlsUsage.associations, 0);
    await next.server.close();
  });

  it('with a key too short to protect it nothing is stopped: the server goes on', async () => {
    const { network, server, driver } = scene([pskEntry('one')]);
    const client = startClient(network, 'one', psk('one'));
    await network.run(3_000);
    await assert.rejects(server.suspend(createSecretKey(new Uint8Array(15))), UsageError);
    assert.deepEqual([driver.dtlsUsage.associations, server.registrationCount], [1, 1]);
    await settled(network, client.close());
    await server.close();
  });

  it('a suspended server is closed: it answers nothing more, and cannot be suspended again', async () => {
    const before = scene([pskEntry('one')]);
    startClient(before.network, 'one', psk('one'));
    await before.network.run(3_000);
    const device = before.server.device('one')!;
    await before.server.suspend(SNAPSHOT_KEY);
    await assert.rejects(device.read(VALUE), { code: 'CLOSED' });
    await assert.rejects(before.server.suspend(SNAPSHOT_KEY), { code: 'CLOSED' });
    await before.server.close();
    assert.equal(before.driver.dtlsUsage.associations, 0);
  });
});

describe('a snapshot that cannot be used is refused with a sentence, and the server serves without it', () => {
  /** A snapshot of a server with one device, and the network it was made on. */
  async function made(): Promise<{ readonly network: SimulatedNetwork; readonly snapshot: Uint8Array }> {
    const before = scene([pskEntry('one')]);
    startClient(before.network, 'one', psk('one'));
    await before.network.run(3_000);
    return { network: before.network, snapshot: await before.server.suspend(SNAPSHOT_KEY) };
  }

  it('torn, tampered with anywhere, of another key or version, stale, or used before', async () => {
    const { network, snapshot } = await made();
    const changed = (at: number): Uint8Array => {
      const bytes = snapshot.slice();
      bytes[at]! ^= 1;
      return bytes;
    };
    const cases: readonly (readonly [Parameters<LwM2mServer['resume']>[0], RegExp])[] = [
      [{ bytes: snapshot.subarray(0, snapshot.length - 1), key: SNAPSHOT_KEY }, /cut off/],
      [{ bytes: snapshot.subarray(0, 10), key: SNAPSHOT_KEY }, /cut off/],
      [{ bytes: new Uint8Array(0), key: SNAPSHOT_KEY }, /cut off/],
      [
        { bytes: new TextEncoder().encode('{"registrations": [], "this is": "some other file"}'), key: SNAPSHOT_KEY },
        /not a snapshot/,
      ],
      [{ bytes: changed(snapshot.length - 1), key: SNAPSHOT_KEY }, /does not authenticate/],
      [{ bytes: changed(6), key: SNAPSHOT_KEY }, /version/],
      [{ bytes: snapshot, key: createSecretKey(new Uint8Array(32).fill(6)) }, /another key/],
      [{ bytes: snapshot, key: SNAPSHOT_KEY, isConsumed: () => true }, /was used before/],
      [{ bytes: snapshot, key: SNAPSHOT_KEY, maxAge: -1 }, /old/],
    ];
    for (const [index, [options, sentence]] of cases.entries()) {
      const { server } = scene([pskEntry('one')], { network });
      const resumption = await server.resume(options);
      assert.equal(resumption.kind, 'refused', `case ${index}`);
      assert.match(resumption.kind === 'refused' ? resumption.reason : '', sentence, `case ${index}`);
      assert.deepEqual(server.resumption, resumption);
      assert.equal(server.registrationCount, 0);
      await server.close();
    }
  });

  it('every single byte of it is authenticated', async () => {
    const { network, snapshot } = await made();
    const { server } = scene([pskEntry('one')], { network });
    for (let at = 0; at < snapshot.length; at += 7) {
      const bytes = snapshot.slice();
      bytes[at]! ^= 0x80;
      const resumption = await server.resume({ bytes, key: SNAPSHOT_KEY });
      assert.equal(resumption.kind, 'refused', `byte ${at}`);
    }
    await server.close();
  });
});
