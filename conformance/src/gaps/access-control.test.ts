/** Access Control (2) decided end to end, between two servers that do not know of each other. OMA TS Core §8.1, §8.2. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import {
  accessControlObject,
  portfolioObject,
  temperatureObject,
  type AccessControlOptions,
  type AccessRight,
} from '@lapwing/client';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { device } from '../configurations.ts';
import type { Operator } from '../operator.ts';
import { proves } from '../proves.ts';
import { Scene } from '../scene.ts';

const shared = (version: LwM2mVersion, ...entries: readonly AccessControlOptions[]): Promise<Scene> =>
  Scene.open({
    version,
    accounts: [{}, {}],
    objects: [
      device(),
      temperatureObject({ value: 20 }, { value: 30 }),
      portfolioObject({ identities: [{ hostDeviceId: 'a' }, { hostDeviceId: 'b' }] }),
      accessControlObject(...entries),
    ],
  });

/** What is tried with each right, on /16/0 or, to execute, on /3303/0. */
const OPERATIONS: readonly (readonly [right: AccessRight, operation: (server: Operator) => Promise<string>])[] = [
  ['read', async (server) => (await server.read('/16/0')).code],
  ['read', async (server) => (await server.read('/16/0/0')).code],
  ['read', (server) => server.writeAttributes('/16/0/0', { pmin: 1 })],
  ['write', (server) => server.write('/16/0/0', { 0: 'x' })],
  ['write', (server) => server.write('/16/0', { '/16/0/0': { 0: 'y' } }, { mode: 'update' })],
  ['execute', (server) => server.execute('/3303/0/5605')],
  ['delete', (server) => server.delete('/16/0')],
];

describe('gaps: access control', () => {
  proves('access-rights', ['read', 'write', 'execute', 'delete'], async (version, right) => {
    const servers = { 2: [right] };
    await using scene = await shared(
      version,
      { objectId: 16, objectInstanceId: 0, owner: 1, servers },
      { objectId: 3303, objectInstanceId: 0, owner: 1, servers },
    );
    const [owner, other] = scene.servers as [Operator, Operator];
    for (const [needed, operation] of OPERATIONS) {
      const code = await operation(other);
      if (needed === right) assert.match(code, /^2\./, needed);
      else assert.equal(code, '4.01', needed);
    }
    assert.equal((await owner.read('/3303/0')).code, '2.05', 'the owner may do everything where nothing is said of it');
    assert.equal(await owner.execute('/3303/0/5605'), '2.04');
  });

  proves('access-own-entry-before-owner', async (version) => {
    await using scene = await shared(version, {
      objectId: 16,
      objectInstanceId: 0,
      owner: 1,
      servers: { 1: ['read'] },
    });
    assert.equal((await scene.server.read('/16/0')).code, '2.05');
    assert.equal(await scene.server.write('/16/0/0', { 0: 'x' }), '4.01');
  });

  proves('access-default-entry', async (version) => {
    await using scene = await shared(version, {
      objectId: 16,
      objectInstanceId: 0,
      owner: 9,
      servers: { 1: ['write'] },
      others: ['read'],
    });
    const [one, two] = scene.servers as [Operator, Operator];
    assert.deepEqual([(await one.read('/16/0')).code, await one.write('/16/0/0', { 0: 'x' })], ['4.01', '2.04']);
    assert.deepEqual([(await two.read('/16/0')).code, await two.write('/16/0/0', { 0: 'z' })], ['2.05', '4.01']);
    assert.deepEqual((await two.read('/16/0/0')).values, { '/16/0/0/0': 'x' });
  });

  proves('access-create-and-own', async (version) => {
    await using scene = await shared(version, { objectId: 16, servers: { 1: ['create'] } });
    const [one, two] = scene.servers as [Operator, Operator];
    assert.equal(await two.create('/16/5', { 0: { 0: 'new' } }), '4.01');
    assert.equal(await two.create('/3303/5', { 5700: 1 }), '4.01', 'no entry for the Object: nobody creates');
    assert.equal(await one.create('/16/5', { 0: { 0: 'new' } }), '2.01 /16/5');
    assert.deepEqual([(await one.read('/16/5')).code, (await two.read('/16/5')).code], ['2.05', '4.01']);
    const { values } = await one.read('/2');
    const entry = Object.keys(values)
      .find((path) => path.endsWith('/1') && values[path] === 5)
      ?.slice(0, -2);
    assert.ok(entry !== undefined, 'an Access Control Object Instance came with it');
    assert.equal(values[`${entry}/3`], 1);
    // The owner lets the other in.
    assert.equal(await two.write(`${entry}/2`, { 1: 15, 2: 15 }), '4.01');
    assert.equal(await one.write(`${entry}/2`, { 1: 15, 2: 1 }), '2.04');
    assert.equal((await two.read('/16/5')).code, '2.05');
    assert.equal(await two.delete('/16/5'), '4.01');
    assert.equal(await one.delete('/16/5'), '2.02');
    assert.ok(!Object.keys((await one.read('/2')).values).some((path) => path.startsWith(`${entry}/`)), 'it goes too');
  });

  proves('access-object-is-filtered', async (version) => {
    await using scene = await shared(
      version,
      { objectId: 3303, objectInstanceId: 0, owner: 1, others: ['read'] },
      { objectId: 3303, objectInstanceId: 1, owner: 1 },
    );
    const [one, two] = scene.servers as [Operator, Operator];
    const instances = async (server: Operator): Promise<readonly string[]> =>
      Object.keys((await server.read('/3303')).values).filter((path) => path.endsWith('/5700'));
    assert.deepEqual(await instances(one), ['/3303/0/5700', '/3303/1/5700']);
    assert.deepEqual(await instances(two), ['/3303/0/5700']);
    // A change it may not see is not told.
    await two.observe('/3303');
    scene.client.set('/3303/1/5700', 31);
    await scene.seconds(5);
    assert.deepEqual(two.told(), []);
    scene.client.set('/3303/0/5700', 21);
    await scene.seconds(5);
    assert.deepEqual(
      two.told().map(({ values }) => [values['/3303/0/5700'], values['/3303/1/5700']]),
      [[21, undefined]],
    );
  });

  proves('access-composite', async (version) => {
    await using scene = await shared(
      version,
      { objectId: 3303, objectInstanceId: 0, owner: 1, others: ['read'] },
      { objectId: 3303, objectInstanceId: 1, owner: 1 },
      { objectId: 16, objectInstanceId: 0, owner: 1, others: ['write'] },
      { objectId: 16, objectInstanceId: 1, owner: 1 },
    );
    const [one, two] = scene.servers as [Operator, Operator];
    assert.deepEqual((await two.readComposite(['/3303/0/5700', '/3303/1/5700'])).values, { '/3303/0/5700': 20 });
    assert.equal((await two.readComposite(['/3303/1/5700'])).code, '4.01', 'when nothing is left');
    assert.equal(await two.writeComposite({ '/16/0/0': { 0: 'x' }, '/16/1/0': { 0: 'x' } }), '4.01', 'all or nothing');
    assert.deepEqual((await one.readComposite(['/16/0/0', '/16/1/0'])).values, { '/16/0/0/0': 'a', '/16/1/0/0': 'b' });
    assert.equal(await two.writeComposite({ '/16/0/0': { 0: 'x' } }), '2.04');
  });

  proves('access-taken-away', async (version) => {
    await using scene = await shared(version, {
      objectId: 3303,
      objectInstanceId: 0,
      owner: 1,
      servers: { 2: ['read'] },
    });
    const [one, two] = scene.servers as [Operator, Operator];
    const observation = await two.observe('/3303/0/5700');
    scene.client.set('/3303/0/5700', 21);
    await scene.seconds(5);
    assert.equal(two.told().length, 1);
    const { values } = await one.read('/2');
    const entry = Object.keys(values)
      .find((path) => path.endsWith('/0') && values[path] === 3303)
      ?.slice(0, -2);
    assert.equal(await one.write(`${entry}/2`, { 2: 0 }), '2.04');
    scene.client.set('/3303/0/5700', 22);
    await scene.seconds(5);
    assert.deepEqual(two.told(), []);
    assert.ok(observation.ended || observation.waiting);
    assert.equal((await two.read('/3303/0/5700')).code, '4.01');
  });

  proves('access-single-server', async (version) => {
    await using scene = await Scene.open({ version, objects: [device(), temperatureObject({ value: 20 })] });
    assert.equal((await scene.server.read('/3303/0')).code, '2.05');
    assert.equal((await scene.server.read('/2')).code, '4.04');
    assert.equal(await scene.server.execute('/3303/0/5605'), '2.04');
  });
});
