/** The client and the server of this project, over a simulated network and over real sockets. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OperationFailed } from '@lapwing/coap';
import { deviceObject, LwM2mClient, objectFromDefinition, sensorObject, temperatureObject } from '@lapwing/client';
import {
  Device,
  LightControl,
  ObjectDefinitions,
  objectInstancePath,
  objectPath,
  resourceInstancePath,
  resourcePath,
  Temperature,
} from '@lapwing/lwm2m';
import { LwM2mServer, type Outcome } from '@lapwing/server';
import { SimulatedNetwork, type SimulatedDriver } from '@lapwing/testkit';

const SERVER = { host: '10.0.0.1', port: 5683 };
const DAY = 24 * 3_600_000;
const definitions = new ObjectDefinitions();

interface Fleet {
  readonly network: SimulatedNetwork;
  readonly driver: SimulatedDriver;
  readonly server: LwM2mServer;
  readonly clients: readonly LwM2mClient[];
}

function startClient(network: SimulatedNetwork, index: number, lifetimeSeconds: number): LwM2mClient {
  const client = new LwM2mClient(network.driver({ host: `10.0.1.${index}`, port: 56830 }), {
    endpointClientName: `device-${index}`,
    servers: [{ uri: 'coap://10.0.0.1', lifetimeSeconds, confirmableNotifications: true, retry: { timerSeconds: 5 } }],
    objects: [
      deviceObject({ manufacturer: 'Lapwing', batteryLevel: 50 }),
      temperatureObject({ value: 0 }),
      objectFromDefinition(definitions.object(3311)!, [{ 5850: false, 5851: 100 }], { create: true, delete: true }),
    ],
  });
  client.register();
  return client;
}

function fleet(count: number, options: { seed?: number; loss?: number; lifetimeSeconds?: number } = {}): Fleet {
  const { seed = 1, loss = 0, lifetimeSeconds = 600 } = options;
  const network = new SimulatedNetwork({ seed, loss, duplication: loss / 3, delay: loss > 0 ? [5, 800] : [10, 10] });
  const driver = network.driver(SERVER);
  const server = new LwM2mServer({ drivers: [driver] });
  const clients = Array.from({ length: count }, (_, index) => startClient(network, index, lifetimeSeconds));
  return { network, driver, server, clients };
}

/** Let virtual time pass until the promise has settled. */
async function settled<T>(network: SimulatedNetwork, promise: Promise<T>): Promise<T> {
  let done = false;
  const end = (): void => void (done = true);
  promise.then(end, end);
  for (let waited = 0; !done && waited < 1_000_000; waited += 100) await network.run(100);
  return promise;
}

describe('a client and a server', () => {
  it('register, read, write, execute, create, delete, discover, observe, de-register', async () => {
    const { network, driver, server, clients } = fleet(1);
    const [client] = clients as [LwM2mClient];
    await network.run(1000);
    const device = server.device('device-0')!;
    const value = async <T>(outcome: Promise<Outcome<T>>): Promise<T> => {
      const result = await settled(network, outcome);
      assert.ok(result.ok, result.ok ? '' : result.reason);
      return result.value;
    };
    assert.equal(await value(device.read(Device.path(0).batteryLevel)), 50);
    await value(device.write(LightControl.path(0).dimmer, 40));
    assert.equal(client.get('/3311/0/5851'), 40);

    const created = await value(
      device.create(objectPath(3311), [
        { kind: 'value', path: resourcePath(3311, 65535, 5850), value: { type: 'boolean', value: true } },
      ]),
    );
    assert.deepEqual(created, objectInstancePath(3311, 1));
    await network.run(1000);
    assert.deepEqual(server.device('device-0')?.registration.objects.at(-1)?.objectInstanceIds, [0, 1]);
    await value(device.delete(objectInstancePath(3311, 0)));
    await network.run(1000);
    assert.deepEqual(server.device('device-0')?.registration.objects.at(-1)?.objectInstanceIds, [1]);

    await value(device.writeAttributes(Temperature.path(0).sensorValue, { pmin: 2, gt: 25 }));
    const links = await value(device.discover(resourcePath(3303, 0, 5700)));
    assert.deepEqual({ ...links[0]?.attributes }, { pmin: '2', gt: '25' });

    const observation = await value(device.observe(Temperature.path(0).sensorValue));
    const seen: unknown[] = [];
    const reading = (async (): Promise<void> => {
      for await (const { node } of observation) seen.push(node?.kind === 'resource' ? node.value.value : node);
    })();
    for (const temperature of [10, 26, 30, 24]) {
      client.set(Temperature.path(0).sensorValue, temperature);
      await network.run(3000);
    }
    assert.deepEqual(seen, [26, 24]);
    await settled(network, observation.cancel('active'));
    await reading;
    assert.equal(client.observationCount, 0, 'Observe: 1 has ended it on the side of the client');
    await value(device.execute(Temperature.path(0).resetMinAndMaxMeasuredValues));
    assert.equal(client.get('/3303/0/5602'), 24);

    await settled(network, client.close());
    assert.equal(server.device('device-0'), undefined);
    await server.close();
    await network.runUntilIdle();
    assert.equal(driver.endpoint.usage.relations + driver.endpoint.usage.tokens, 0);
  });

  it('a month of keep-alive: always registered, one small datagram each way per lifetime', async () => {
    const { network, server, clients } = fleet(3, { lifetimeSeconds: 3600 });
    await network.run(1000);
    const unregistered: unknown[] = [];
    server.on('unregistered', (...event) => unregistered.push(event));
    const before = network.traffic.datagrams;
    await network.run(30 * DAY);
    assert.deepEqual(unregistered, []);
    assert.equal(server.registrationCount, 3);
    // 3600 s less 93 s between two Updates.
    assert.equal(network.traffic.datagrams - before, 3 * 2 * Math.floor((30 * DAY) / 3_507_000));
    await settled(network, Promise.all(clients.map((client) => client.close())));
    assert.equal(server.registrationCount, 0);
  });

  it('a server that restarts and remembers nothing has its devices back within a lifetime', async () => {
    const { network, server, clients } = fleet(5);
    await network.run(1000);
    assert.equal(server.registrationCount, 5);
    await server.close();
    const after = new LwM2mServer({ drivers: [network.driver(SERVER)] });
    await network.run(600_000);
    assert.equal(after.registrationCount, 5);
    await settled(network, Promise.all(clients.map((client) => client.close())));
    await settled(network, after.close());
  });

  it('a server that is away for a day has its devices back by their retries', async () => {
    const { network, server, clients } = fleet(3);
    await network.run(1000);
    await server.close();
    await network.run(DAY);
    const after = new LwM2mServer({ drivers: [network.driver(SERVER)] });
    await network.run(2 * DAY);
    assert.equal(after.registrationCount, 3);
    await settled(network, Promise.all(clients.map((client) => client.close())));
    await settled(network, after.close());
  });

  it('a write that is as large as it may be goes through, both ways', async () => {
    const { network, server } = fleet(0);
    const client = new LwM2mClient(network.driver({ host: '10.0.2.1', port: 1 }), {
      endpointClientName: 'large',
      servers: [{ uri: 'coap://10.0.0.1' }],
      objects: [objectFromDefinition(definitions.object(19)!, [{ 0: [new Uint8Array(0)] }])],
    });
    client.register();
    await network.run(1000);
    const body = new Uint8Array(200_000).map((_, index) => index % 253);
    const path = resourceInstancePath(19, 0, 0, 0);
    const device = server.device('large')!;
    const written = await settled(
      network,
      device.write(path, [{ kind: 'value', path, value: { type: 'opaque', value: body } }]),
    );
    assert.ok(written.ok, written.ok ? '' : written.reason);
    assert.deepEqual(client.get(path), body);
    const read = await settled(network, device.read(path));
    assert.ok(read.ok && read.value.node?.kind === 'resourceInstance');
    assert.deepEqual(read.value.node.value.value, body);
  });

  for (const seed of [1, 2, 3]) {
    it(`20 clients at 30 % loss, duplicated and reordered: what is answered is right, and in the end all is told (seed ${seed})`, async () => {
      const { network, driver, server, clients } = fleet(20, { seed, loss: 0.3 });
      let now = 0;
      while (server.registrationCount < clients.length && now < 3_600_000) {
        await network.run(1000);
        now += 1000;
      }
      assert.equal(server.registrationCount, clients.length, 'all have registered');
      await network.run(5000);

      let answered = 0;
      let unanswered = 0;
      const ask = async <T>(promise: Promise<Outcome<T>>): Promise<T | undefined> => {
        try {
          const outcome = await promise;
          assert.ok(outcome.ok, outcome.ok ? '' : `${outcome.code}: ${outcome.reason}`);
          answered++;
          return outcome.value;
        } catch (error) {
          assert.ok(error instanceof OperationFailed && error.code === 'TIMEOUT', String(error));
          unanswered++;
          return undefined;
        }
      };
      const work = clients.map(async (client, index) => {
        const device = server.device(`device-${index}`)!;
        for (let round = 1; round <= 5; round++) {
          const dimmer = (index * 5 + round) % 100;
          const path = LightControl.path(0).dimmer;
          const wrote = await ask(
            device.write(path, dimmer).then((outcome) => (outcome.ok ? { ...outcome, value: true } : outcome)),
          );
          if (wrote === true) assert.equal(client.get('/3311/0/5851'), dimmer);
          const read = await ask(device.read(path));
          if (read !== undefined) assert.equal(read, client.get('/3311/0/5851'));
        }
        for (let attempt = 0; attempt < 5; attempt++) {
          if ((await ask(device.observe(Temperature.path(0).sensorValue))) !== undefined) return;
        }
      });
      await settled(network, Promise.all(work));
      assert.ok(answered > 0.9 * (answered + unanswered), `${answered} answered, ${unanswered} not`);

      const last = new Map<string, unknown>();
      server.on('notified', ({ endpointClientName }, { node }) => {
        last.set(endpointClientName, node?.kind === 'resource' ? node.value.value : node);
      });
      const observed = clients.filter(({ observationCount }) => observationCount > 0);
      assert.ok(observed.length >= 18, `${observed.length} are observed`);
      for (let step = 1; step <= 20; step++) {
        for (const client of clients) client.set(Temperature.path(0).sensorValue, step);
        await network.run(2000);
      }
      // The network heals: Confirmable notifications bring the last value to everybody who still observes.
      network.conditions = { loss: 0, duplication: 0, delay: [10, 10] };
      await network.run(200_000);
      for (const client of observed) {
        if (client.observationCount > 0) assert.equal(last.get(client.endpointClientName), 20);
      }
      assert.equal(server.registrationCount, clients.length);

      await settled(network, Promise.all(clients.map((client) => client.close())));
      assert.equal(server.registrationCount, 0);
      await settled(network, server.close());
      await network.runUntilIdle();
      assert.equal(driver.endpoint.usage.relations + driver.endpoint.usage.tokens, 0, 'nothing is left over');
    });
  }
});

describe('over UDP on loopback', () => {
  it('many clients in one process register, are read and de-register; nothing keeps the process alive', async () => {
    await using server = await LwM2mServer.start({ coap: [{ host: '127.0.0.1', port: 0 }] });
    const { port } = server.drivers[0]!.localAddress;
    const clients = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        LwM2mClient.start({
          endpointClientName: `udp-${index}`,
          servers: [{ uri: `coap://localhost:${port}`, lifetimeSeconds: 60 }],
          objects: [sensorObject(3304, { value: index, units: '%RH' })],
          host: '127.0.0.1',
        }),
      ),
    );
    await Promise.all(clients.map((client) => client.whenRegistered()));
    assert.equal(server.registrationCount, 50);
    const read = await server.device('udp-7')!.read(resourcePath(3304, 0, 5700));
    assert.ok(read.ok && read.value.node?.kind === 'resource');
    assert.equal(read.value.node.value.value, 7);
    await Promise.all(clients.map((client) => client.close()));
    assert.equal(server.registrationCount, 0);
    clients[0]?.set('/3304/0/5700', 99);
    clients[0]?.changed('/3304');
    assert.equal(clients[0]?.get('/3304/0/5700'), 99, 'values live on after the end of the registration');
  });

  it('a name that is not found is one clear failure', async () => {
    await assert.rejects(
      LwM2mClient.start({ endpointClientName: 'a', servers: [{ uri: 'coap://no-such-host.invalid' }], objects: [] }),
      (error) => error instanceof OperationFailed && error.code === 'NAME_NOT_FOUND',
    );
  });
});
