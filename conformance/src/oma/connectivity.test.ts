/** OMA ETS INT 701 to 710 and 901 to 910: Connectivity Monitoring and Connectivity Statistics. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import {
  connectivityMonitoringObject,
  connectivityStatisticsObject,
  TrafficStatistics,
  type ConnectivityState,
} from '@lapwing/client';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { C3_ACCOUNT, deviceWithPower } from '../configurations.ts';
import { proves } from '../proves.ts';
import { Scene } from '../scene.ts';
import { changeWhileObserved } from './observing.ts';

const STATE: ConnectivityState = {
  networkBearer: 6,
  availableBearers: [6, 21],
  radioSignalStrength: -92,
  linkQuality: 2,
  ipAddresses: ['192.0.2.1', '2001:db8::1'],
  routerIpAddresses: ['192.0.2.254', '2001:db8::fe'],
  linkUtilization: 5,
  apn: ['internet'],
  cellId: 69_635,
  smnc: 33,
  smcc: 234,
};

const inC5 = (version: LwM2mVersion): Promise<Scene> =>
  Scene.open({
    version,
    objects: [deviceWithPower(), connectivityMonitoringObject(STATE)],
    accounts: [C3_ACCOUNT],
  });

describe('OMA: Connectivity Monitoring', () => {
  proves('LightweightM2M-1.1-int-701', async (version) => {
    await using scene = await inC5(version);
    const { code, values } = await scene.server.read('/4/0');
    assert.equal(code, '2.05');
    assert.deepEqual(values, {
      '/4/0/0': 6,
      '/4/0/1/0': 6,
      '/4/0/1/1': 21,
      '/4/0/2': -92,
      '/4/0/3': 2,
      '/4/0/4/0': '192.0.2.1',
      '/4/0/4/1': '2001:db8::1',
      '/4/0/5/0': '192.0.2.254',
      '/4/0/5/1': '2001:db8::fe',
      '/4/0/6': 5,
      '/4/0/7/0': 'internet',
      '/4/0/8': 69_635,
      '/4/0/9': 33,
      '/4/0/10': 234,
    });
  });

  proves('LightweightM2M-1.1-int-710', async (version) => {
    await using scene = await inC5(version);
    const told = await changeWhileObserved(scene, '/4/0', { pmin: 2, pmax: 10 }, () =>
      scene.client.set('/4/0/2', -101),
    );
    for (const { values } of told) assert.deepEqual([values['/4/0/2'], values['/4/0/10']], [-101, 234]);
  });
});

async function inC9(version: LwM2mVersion): Promise<{ readonly scene: Scene; readonly traffic: TrafficStatistics }> {
  const traffic = new TrafficStatistics(() => scene.network.unixTime());
  const scene: Scene = await Scene.open({
    version,
    objects: [deviceWithPower(), connectivityStatisticsObject(traffic)],
    accounts: [C3_ACCOUNT],
  });
  return { scene, traffic };
}

describe('OMA: Connectivity Statistics', () => {
  proves('LightweightM2M-1.1-int-901', async (version) => {
    const { scene, traffic } = await inC9(version);
    await using _ = scene;
    traffic.sent(9000);
    assert.equal(await scene.server.execute('/7/0/6'), '2.04');
    traffic.sent(1500);
    traffic.sent(500);
    traffic.received(4000);
    traffic.smsSent();
    assert.equal(await scene.server.execute('/7/0/7'), '2.04');
    traffic.received(9000);
    const { code, values } = await scene.server.read('/7/0');
    assert.equal(code, '2.05');
    assert.deepEqual(values, {
      '/7/0/0': 1,
      '/7/0/1': 0,
      '/7/0/2': 2,
      '/7/0/3': 4,
      '/7/0/4': 4000,
      '/7/0/5': 2000,
      '/7/0/8': 0,
    });
  });

  proves('LightweightM2M-1.1-int-905', async (version) => {
    const { scene } = await inC9(version);
    await using _ = scene;
    assert.equal(await scene.server.write('/7/0/8', 20), '2.04');
    assert.deepEqual((await scene.server.read('/7/0/8')).values, { '/7/0/8': 20 });
  });

  proves('LightweightM2M-1.1-int-910', async (version) => {
    const { scene, traffic } = await inC9(version);
    await using _ = scene;
    const { client, server } = scene;
    assert.equal(await server.writeAttributes('/7/0', { pmin: 2, pmax: 10 }), '2.04');
    assert.equal(await server.write('/7/0/8', 0), '2.04');
    const observation = await server.observe('/7/0');
    server.told();
    assert.equal(await server.execute('/7/0/6'), '2.04');
    traffic.sent(3000);
    client.changed('/7/0');
    await scene.seconds(30);
    const told = server.told('/7/0');
    assert.ok(told.length >= 3, `${told.length} notifications in 30 s`);
    assert.equal(told.at(-1)!.values['/7/0/2'], 3);
    assert.equal(await server.execute('/7/0/7'), '2.04');
    await server.cancel(observation, 'active');
    server.told();
    await scene.seconds(30);
    assert.deepEqual(server.told(), []);
  });
});
