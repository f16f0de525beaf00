/**
 * The Server and ordinary Clients over the simulated network: everything a person does with a device, on good and on
 * bad networks, in virtual time. OMA TS Core §6.2 to §6.4.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OperationFailed, type CoapEndpoint } from '@lapwing/coap';
import { deviceObject, LwM2mClient, temperatureObject } from '@lapwing/client';
import { Device, formatPath, objectInstancePath, resourcePath, Temperature, type NodeEntry } from '@lapwing/lwm2m';
import { LwM2mServer, unwrap, type Device as RegisteredDevice } from '@lapwing/server';
import { SimulatedNetwork } from '@lapwing/testkit';

const SERVER = { host: '10.0.0.1', port: 5683 };
const SENSOR = '/3303/0/5700';

interface Fleet extends AsyncDisposable {
  readonly network: SimulatedNetwork;
  readonly server: LwM2mServer;
  readonly clients: readonly LwM2mClient[];
  readonly settle: <T>(promise: Promise<T>) => Promise<T>;
}

async function fleet(count: number, conditions: ConstructorParameters<typeof SimulatedNetwork>[0]): Promise<Fleet> {
  const network = new SimulatedNetwork(conditions);
  const server = new LwM2mServer({ drivers: [network.driver(SERVER)] });
  const clients = Array.from({ length: count }, (_, index) => {
    const driver = network.driver({ host: `10.1.0.${index + 1}`, port: 40_000 });
    return new LwM2mClient(driver, {
      endpointClientName: `device-${index}`,
      servers: [
        {
          uri: `coap://${SERVER.host}:${SERVER.port}`,
          lifetimeSeconds: 3600,
          retry: { count: 20, timerSeconds: 5, sequenceCount: 5, sequenceDelaySeconds: 60 },
        },
      ],
      objects: [deviceObject({ manufacturer: 'Lapwing', timezone: 'UTC' }), temperatureObject({ value: 20 })],
    });
  });
  const settle = async <T>(promise: Promise<T>): Promise<T> => {
    let done = false;
    const mark = (): void => {
      done = true;
    };
    promise.then(mark, mark);
    for (let waited = 0; !done && waited < 3_600_000; waited += 100) await network.run(100);
    assert.ok(done, 'not settled after an hour of virtual time');
    return promise;
  };
  for (const client of clients) client.register();
  for (let waited = 0; server.registrationCount < count && waited < 3_600_000; waited += 1000) await network.run(1000);
  assert.equal(server.registrationCount, count, 'not every client registered within an hour');
  return {
    network,
    server,
    clients,
    settle,
    async [Symbol.asyncDispose]() {
      await settle(Promise.all(clients.map((client) => client.close())));
      await server.close();
    },
  };
}

describe('a client and the server', () => {
  it('register, read, write, execute, discover and observe each other', async () => {
    await using all = await fleet(1, {});
    const { server, settle, clients, network } = all;
    const [client] = clients;
    const device = server.device('device-0')!;
    assert.equal(device.registration.lwm2mVersion, '1.2');
    assert.ok(device.registration.objects.some(({ objectId }) => objectId === 3303));

    const celsius: number = unwrap(await settle(device.read(Temperature.path(0).sensorValue)));
    assert.equal(celsius, 20);
    const whole = unwrap(await settle(device.read(objectInstancePath(3303, 0))));
    assert.ok(whole.entries.some((entry) => formatPath(entry.path) === SENSOR));

    unwrap(await settle(device.write(Device.path(0).timezone, 'Europe/Berlin')));
    assert.equal(unwrap(await settle(device.read(Device.path(0).timezone))), 'Europe/Berlin');
    const refused = await settle(
      device.write(resourcePath(3, 0, 0), [
        { kind: 'value', path: resourcePath(3, 0, 0), value: { type: 'string', value: 'x' } },
      ]),
    );
    assert.equal(refused.ok, false);

    unwrap(await settle(device.execute(resourcePath(3303, 0, 5605))));
    const links = unwrap(await settle(device.discover(objectInstancePath(3303, 0))));
    assert.ok(links.some(({ path }) => formatPath(path) === SENSOR));

    unwrap(await settle(device.writeAttributes(resourcePath(3303, 0, 5700), { pmin: 0, gt: 25 })));
    const observation = unwrap(await settle(device.observe(Temperature.path(0).sensorValue)));
    const seen: unknown[] = [];
    server.on('notified', (_, { entries }) => seen.push(...entries.map(numberOf)));
    for (const value of [22, 26, 27, 24]) {
      client!.set(SENSOR, value);
      await network.run(5_000);
    }
    // Crossing 25 either way is what was asked for.
    assert.deepEqual(seen, [26, 24]);
    await settle(observation.cancel('active'));
    assert.equal(client!.observationCount, 0);

    const sent: NodeEntry[] = [];
    server.on('sent', (_, entries) => sent.push(...entries));
    await settle(client!.send([SENSOR]));
    assert.deepEqual(sent.map(numberOf), [24]);
  });

  it('de-register when the client closes', async () => {
    const all = await fleet(1, {});
    const reasons: string[] = [];
    all.server.on('unregistered', (_, reason) => reasons.push(reason));
    await all[Symbol.asyncDispose]();
    assert.deepEqual(reasons, ['deregistered']);
  });

  it('find each other again after the server has lost its registrations', async () => {
    await using all = await fleet(3, {});
    for (let index = 0; index < 3; index++) all.server.remove(`device-${index}`);
    assert.equal(all.server.registrationCount, 0);
    await all.network.run(3_600_000);
    assert.equal(all.server.registrationCount, 3);
  });
});

const numberOf = (entry: NodeEntry): unknown => (entry.kind === 'value' ? entry.value.value : undefined);

describe('fleets on bad networks', () => {
  const CLIENTS = 20;
  const ROUNDS = 10;
  // One exchange of five transmissions, each needing both directions: 1 - (1 - (1 - loss)²)⁵ get through.
  for (const { loss, completedAtLeast } of [
    { loss: 0, completedAtLeast: 1 },
    { loss: 0.1, completedAtLeast: 0.99 },
    { loss: 0.3, completedAtLeast: 0.9 },
  ]) {
    it(`at ${loss * 100} % loss every operation completes or fails with TIMEOUT, and nothing is left over`, async () => {
      const seed = 11;
      const all = await fleet(CLIENTS, { seed, loss, duplication: 0.1, delay: [5, 400] });
      const { server, settle, clients, network } = all;
      let completed = 0;
      let asked = 0;
      const attempt = async (operation: Promise<unknown>): Promise<void> => {
        asked++;
        try {
          await operation;
          completed++;
        } catch (error) {
          // An Update that got no answer makes the client register anew, which ends what is under way.
          assert.ok(
            error instanceof OperationFailed && ['TIMEOUT', 'NOT_REGISTERED'].includes(error.code),
            `seed ${seed}: ${String(error)}`,
          );
        }
      };
      const round = (device: RegisteredDevice, index: number): Promise<unknown> =>
        Promise.all([
          attempt(device.read(objectInstancePath(3, 0)).then(unwrap)),
          attempt(device.write(Device.path(0).timezone, `zone ${index}`).then(unwrap)),
          attempt(device.execute(resourcePath(3303, 0, 5605)).then(unwrap)),
          attempt(device.discover(objectInstancePath(3, 0)).then(unwrap)),
        ]);
      for (let index = 0; index < ROUNDS; index++)
        await settle(Promise.all(clients.map((_, each) => round(server.device(`device-${each}`)!, index))));
      assert.equal(asked, CLIENTS * ROUNDS * 4);
      assert.ok(completed >= asked * completedAtLeast, `seed ${seed}: only ${completed} of ${asked} completed`);

      // A value that was accepted is the value the device holds, once it can be asked.
      const last: number[] = clients.map(() => -1);
      server.on('notified', ({ endpointClientName }, { entries }) => {
        const value = numberOf(entries[0]!) as number;
        const each = Number(endpointClientName.slice('device-'.length));
        assert.ok(value >= last[each]!, `seed ${seed}: ${endpointClientName} went back from ${last[each]} to ${value}`);
        last[each] = value;
      });
      const observed = await settle(
        Promise.allSettled(
          clients.map((_, each) => server.device(`device-${each}`)!.observe(resourcePath(3303, 0, 5700))),
        ),
      );
      for (let value = 21; value <= 60; value++) {
        for (const client of clients) client.set(SENSOR, value);
        await network.run(2_000);
      }
      const observing = observed.filter((each) => each.status === 'fulfilled' && each.value.ok).length;
      const arrived = last.filter((value) => value > 40).length;
      assert.ok(observing >= CLIENTS * completedAtLeast * 0.9, `seed ${seed}: ${observing} observe`);
      assert.ok(arrived >= observing * 0.9, `seed ${seed}: only ${arrived} of ${observing} were told`);

      network.conditions = { loss: 0, duplication: 0, delay: [5, 10] };
      await network.run(200_000);
      await all[Symbol.asyncDispose]();
      const endpoint = server.drivers[0]!.endpoint as CoapEndpoint;
      assert.deepEqual(
        server.usage,
        { registrations: 0, lifetimes: 0, awake: 0, requestDeadlines: 0, objectLists: 0, offers: 0 },
        `seed ${seed}`,
      );
      await network.run(300_000);
      assert.equal(endpoint.usage.tokens, 0, `seed ${seed}`);
    });
  }

  it('keeps 50 registrations alive through three days at 30 % loss', async () => {
    const all = await fleet(50, { seed: 5, loss: 0.3, delay: [5, 2_000] });
    const losses: string[] = [];
    all.server.on('unregistered', ({ endpointClientName }, reason) => losses.push(`${endpointClientName} ${reason}`));
    await all.network.run(3 * 86_400_000);
    assert.equal(all.server.registrationCount, 50, losses.join(', '));
    all.network.conditions = { loss: 0, duplication: 0, delay: [5, 10] };
    await all.network.run(300_000);
    await all[Symbol.asyncDispose]();
    assert.equal(all.server.registrationCount, 0);
  });
});
