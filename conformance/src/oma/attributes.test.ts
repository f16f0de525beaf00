/** OMA ETS INT 260 to 266: Discover and Write-Attributes. OMA TS Core §6.3.2 and §6.3.4. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { C1_ACCOUNT, C3_ACCOUNT, device, deviceWithPower } from '../configurations.ts';
import { proves } from '../proves.ts';
import { Scene } from '../scene.ts';

describe('OMA: Discover and Write-Attributes', () => {
  proves('LightweightM2M-1.1-int-260', async (version) => {
    await using scene = await Scene.open({ version, objects: [deviceWithPower()], accounts: [C3_ACCOUNT] });
    const { server } = scene;
    const before = await server.discover('/3');
    assert.deepEqual(
      before.slice(0, 2).map((link) => link.split(';')[0]),
      ['</3>', '</3/0>'],
    );
    for (const link of ['</3/0/0>', '</3/0/4>', '</3/0/6>;dim=2', '</3/0/7>;dim=2', '</3/0/8>;dim=2', '</3/0/16>']) {
      assert.ok(before.includes(link), `${link} in ${before.join()}`);
    }
    assert.equal(await server.writeAttributes('/3', { pmin: 10, pmax: 200 }), '2.04');
    const inherited = await server.discover('/3/0');
    assert.ok(inherited.includes('</3/0/7>;dim=2'), inherited.join());
    assert.equal(await server.writeAttributes('/3/0/7', { lt: 1, gt: 6, st: 1 }), '2.04');
    const own = await server.discover('/3/0');
    assert.ok(own.includes('</3/0/7>;dim=2;gt=6;lt=1;st=1'), own.join());
    // What is addressed shows what it inherits.
    const [addressed] = await server.discover('/3/0/7');
    assert.equal(addressed, '</3/0/7>;dim=2;gt=6;lt=1;pmax=200;pmin=10;st=1');
  });

  proves('LightweightM2M-1.1-int-261', async (version) => {
    await using scene = await Scene.open({ version, objects: [device()], accounts: [C1_ACCOUNT] });
    const { server } = scene;
    assert.deepEqual(await server.discover('/3/0/11'), ['</3/0/11>;dim=1', '</3/0/11/0>']);
    assert.equal(await server.writeAttributes('/3', { pmin: 10, pmax: 200 }), '2.04');
    assert.equal(await server.writeAttributes('/3/0', { pmax: 320 }), '2.04');
    assert.equal(await server.writeAttributes('/3/0/11/0', { pmax: 100, epmin: 1, epmax: 20 }), '2.04');
    assert.deepEqual(await server.discover('/3/0/11'), [
      '</3/0/11>;dim=1;pmax=320;pmin=10',
      '</3/0/11/0>;epmax=20;epmin=1;pmax=100',
    ]);
  });

  proves('LightweightM2M-1.2-int-264', async (version) => {
    await using scene = await Scene.open({ version, objects: [deviceWithPower()], accounts: [C3_ACCOUNT] });
    const { server } = scene;
    assert.deepEqual(await server.discover('/3', 1), ['</3>;pmax=10;pmin=1', '</3/0>']);
    assert.equal(await server.writeAttributes('/3/0', { pmax: 200 }), '2.04');
    assert.deepEqual(await server.discover('/3', 1), ['</3>;pmax=10;pmin=1', '</3/0>;pmax=200']);
  });

  proves('LightweightM2M-1.2-int-266', async (version) => {
    await using scene = await Scene.open({ version, objects: [deviceWithPower()], accounts: [C3_ACCOUNT] });
    const { server } = scene;
    const two = await server.discover('/3', 2);
    assert.ok(two.includes('</3/0/7>;dim=2') && !two.some((link) => /<\/3\/0\/7\/1>/.test(link)), two.join());
    assert.equal(await server.writeAttributes('/3', { pmin: 10, pmax: 60 }), '2.04');
    assert.equal(await server.writeAttributes('/3/0/7', { lt: 2000 }), '2.04');
    assert.equal(await server.writeAttributes('/3/0/7/1', { gt: 8 }), '2.04');
    const three = await server.discover('/3', 3);
    const power = three.filter((link) => link.startsWith('</3/0/7'));
    assert.deepEqual(power, ['</3/0/7>;dim=2;lt=2000', '</3/0/7/0>', '</3/0/7/1>;gt=8']);
    assert.match(three[0]!, /^<\/3>;pmax=60;pmin=10/);
  });
});
