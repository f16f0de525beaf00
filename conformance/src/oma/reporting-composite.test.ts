/** OMA ETS INT 304 to 310: Observe-Composite. OMA TS Core §6.4.2. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { portfolioObject } from '@lapwing/client';
import { C1_ACCOUNT, device, portfolio } from '../configurations.ts';
import { proves } from '../proves.ts';
import { Scene, type SceneOptions } from '../scene.ts';

const inC1 = (version: SceneOptions['version'], objects: SceneOptions['objects'] = []): Promise<Scene> =>
  Scene.open({ version, objects: [device(), ...objects], accounts: [C1_ACCOUNT] });

const PATHS = ['/1/0/1', '/3/0/11/0', '/3/0/16'] as const;
const VALUES = { '/1/0/1': 86_400, '/3/0/11/0': 0, '/3/0/16': 'U' };

describe('OMA: Observe-Composite', () => {
  proves('LightweightM2M-1.1-int-304', async (version) => {
    await using scene = await inC1(version);
    assert.equal(await scene.server.writeAttributes('/1/0/1', { pmin: 30, pmax: 45 }), '2.04');
    scene.sent();
    const { initial } = await scene.server.observeComposite(PATHS);
    const since = scene.network.now();
    const [request] = scene.sent();
    assert.deepEqual([request!.line, request!.observe], ['FETCH /', 0]);
    assert.equal(initial.entries.length, 3);
    await scene.seconds(50);
    const [first, ...more] = scene.server.told();
    assert.deepEqual(more, []);
    assert.deepEqual(first!.values, VALUES);
    const waited = (first!.at - since) / 1000;
    assert.ok(waited >= 30 && waited <= 45.5, String(waited));
  });

  proves('LightweightM2M-1.1-int-305', async (version) => {
    await using scene = await inC1(version);
    assert.equal(await scene.server.writeAttributes('/1/0/1', { pmin: 1, pmax: 5 }), '2.04');
    const observation = await scene.server.observeComposite(PATHS);
    await scene.seconds(6);
    assert.equal(scene.server.told().length, 1);
    scene.sent();
    await scene.server.cancel(observation, 'active');
    const [request, response] = scene.sent();
    assert.deepEqual([request!.line, request!.observe], ['FETCH /', 1]);
    assert.equal(response!.line, '2.05');
    assert.ok(response!.payload.length > 0);
    await scene.seconds(60);
    assert.deepEqual(scene.server.told(), []);
    assert.equal(scene.client.observationCount, 0);
  });

  const empty = portfolioObject({ identities: [] });

  proves('LightweightM2M-1.1-int-308', async (version) => {
    await using scene = await inC1(version, [empty]);
    const { server } = scene;
    assert.equal(await server.create('/16/0', { 0: ['one', 'maker'] }), '2.01 /16/0');
    assert.equal(await server.writeAttributes('/16/0', { pmin: 30, pmax: 45 }), '2.04');
    const { initial } = await server.observeComposite(['/16/0', '/16/1']);
    assert.equal(initial.entries.length, 2);
    await scene.seconds(46);
    const [first] = server.told();
    assert.deepEqual(first!.values, { '/16/0/0/0': 'one', '/16/0/0/1': 'maker' });
    assert.equal(await server.create('/16/1', { 0: ['two'] }), '2.01 /16/1');
    await scene.seconds(46);
    assert.deepEqual(server.told()[0]!.values, { '/16/0/0/0': 'one', '/16/0/0/1': 'maker', '/16/1/0/0': 'two' });
  });

  proves('LightweightM2M-1.1-int-309', async (version) => {
    await using scene = await inC1(version, [portfolio()]);
    const { server } = scene;
    assert.equal(await server.create('/16/1', { 0: ['two'] }), '2.01 /16/1');
    assert.equal(await server.writeAttributes('/16/0', { pmin: 30, pmax: 45 }), '2.04');
    const { initial } = await server.observeComposite(['/16/0', '/16/1']);
    assert.equal(initial.entries.length, 5);
    assert.equal(await server.delete('/16/1'), '2.02');
    await scene.seconds(46);
    const objectInstances = Object.keys(server.told()[0]!.values).map((path) => path.split('/')[2]);
    assert.deepEqual([...new Set(objectInstances)], ['0']);
  });

  proves('LightweightM2M-1.1-int-310', async (version) => {
    await using scene = await inC1(version);
    const { server } = scene;
    await server.observeComposite(['/1/0/3', '/3/0']);
    await scene.seconds(20);
    server.told();
    assert.equal(await server.writeAttributes('/3', { pmax: 5 }), '2.04');
    await scene.seconds(1);
    server.told();
    await scene.seconds(20);
    const told = server.told();
    assert.deepEqual(
      told.slice(1).map(({ at }, index) => Math.round((at - told[index]!.at) / 1000)),
      [5, 5, 5],
    );
    for (const { values } of told) assert.equal(values['/3/0/0'], 'Lapwing');
  });
});
