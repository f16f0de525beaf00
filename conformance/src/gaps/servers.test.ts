/** Several servers at once, each by itself. OMA TS Core §6.2, §6.4, §7.3. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { temperatureObject } from '@lapwing/client';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { device } from '../configurations.ts';
import { valuesOf, type Operator } from '../operator.ts';
import { proves } from '../proves.ts';
import { Scene, type SceneOptions } from '../scene.ts';

const VALUE = '/3303/0/5700';

const open = (version: LwM2mVersion, accounts: NonNullable<SceneOptions['accounts']>): Promise<Scene> =>
  Scene.open({ version, accounts, objects: [device(), temperatureObject({ value: 20 })] });

describe('gaps: several servers', () => {
  proves('servers-order', async (version) => {
    await using scene = await Scene.open({
      version,
      accounts: [{ priority: 2 }, { priority: 1 }, {}],
      objects: [device()],
      registered: false,
    });
    const order: number[] = [];
    scene.client.on('registered', ({ shortServerId }) => order.push(shortServerId));
    await scene.until(() => order.length === 3);
    assert.ok(order.indexOf(2) < order.indexOf(1), order.join());
  });

  proves('servers-observe', async (version) => {
    await using scene = await open(version, [{}, {}]);
    const [one, two] = scene.servers as [Operator, Operator];
    assert.equal(await one.writeAttributes(VALUE, { pmin: 5 }), '2.04');
    assert.equal(await two.writeAttributes(VALUE, { pmin: 20 }), '2.04');
    assert.deepEqual(
      [await one.discover(VALUE), await two.discover(VALUE)],
      [[`<${VALUE}>;pmin=5`], [`<${VALUE}>;pmin=20`]],
    );
    const first = await one.observe(VALUE);
    await two.observe(VALUE);
    for (let second = 0; second < 40; second++) {
      scene.client.set(VALUE, 100 + second);
      await scene.seconds(1);
    }
    assert.deepEqual([one.told().length, two.told().length], [8, 2]);
    // The end of one is not the end of the other.
    await one.cancel(first, 'active');
    scene.client.set(VALUE, 1);
    await scene.seconds(30);
    assert.deepEqual([one.told().length, two.told().length], [0, 1]);
  });

  proves('servers-one-is-away', async (version) => {
    await using scene = await open(version, [{ lifetimeSeconds: 60 }, { lifetimeSeconds: 60 }]);
    const [one, two] = scene.servers as [Operator, Operator];
    await two.observe(VALUE);
    await scene.settle(one.server.close());
    for (let minute = 0; minute < 10; minute++) {
      scene.client.set(VALUE, minute);
      await scene.seconds(60);
    }
    assert.equal(two.server.registrationCount, 1);
    assert.equal(two.told().length, 10);
    assert.equal((await two.read(VALUE)).values[VALUE], 9);
  });

  proves('servers-disable-one', async (version) => {
    await using scene = await open(version, [{ disableTimeoutSeconds: 120 }, {}]);
    const [one, two] = scene.servers as [Operator, Operator];
    assert.equal(await one.execute('/1/0/4'), '2.04');
    await scene.seconds(5);
    assert.deepEqual([one.server.registrationCount, two.server.registrationCount], [0, 1]);
    await scene.seconds(100);
    assert.equal(one.server.registrationCount, 0);
    assert.equal((await two.read(VALUE)).code, '2.05');
    await scene.seconds(30);
    assert.equal(one.server.registrationCount, 1);
  });

  proves('servers-lifetimes', async (version) => {
    await using scene = await open(version, [{ lifetimeSeconds: 300 }, { lifetimeSeconds: 600 }]);
    const [one, two] = scene.servers as [Operator, Operator];
    assert.equal(await one.write('/1/0/1', 120), '2.04');
    await scene.seconds(2);
    assert.equal(one.device.registration.lifetimeSeconds, 120);
    assert.equal(two.device.registration.lifetimeSeconds, 600);
  });

  proves('servers-send', async (version) => {
    await using scene = await open(version, [{}, { muteSend: true }, {}]);
    const got: string[] = [];
    scene.servers.forEach(({ server }, index) => {
      server.on('sent', (_registration, entries) => got.push(`${index + 1}: ${JSON.stringify(valuesOf(entries))}`));
    });
    const results = await scene.settle(scene.client.send([VALUE]));
    assert.deepEqual(
      results.map(({ shortServerId, ok }) => [shortServerId, ok]),
      [
        [1, true],
        [3, true],
      ],
    );
    assert.deepEqual(got.sort(), [`1: {"${VALUE}":20}`, `3: {"${VALUE}":20}`]);
  });
});
