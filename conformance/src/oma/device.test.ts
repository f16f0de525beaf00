/** OMA ETS INT 241 and 651 to 685: the Device Object. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { CONTENT_FORMATS } from '@lapwing/coap';
import { C1_ACCOUNT, C3_ACCOUNT, device, deviceWithEverything } from '../configurations.ts';
import { proves } from '../proves.ts';
import { Scene } from '../scene.ts';

const { tlv } = CONTENT_FORMATS;

describe('OMA: Device', () => {
  proves('LightweightM2M-1.1-int-241', async (version) => {
    await using scene = await Scene.open({ version, objects: [device()], accounts: [C1_ACCOUNT] });
    const { registrationId } = scene.registration;
    scene.sent();
    assert.equal(await scene.server.execute('/3/0/4'), '2.04');
    await scene.until(() => scene.history.length >= 3);
    const requests = scene.requests('client');
    assert.match(requests[0]!, /^POST \/rd\?/);
    assert.deepEqual(scene.history, ['registered', 'replaced', 'registered']);
    assert.notEqual(scene.registration.registrationId, registrationId);
    assert.equal(scene.server.server.registrationCount, 1);
  });

  proves('LightweightM2M-1.1-int-651', async (version) => {
    await using scene = await Scene.open({ version, objects: [deviceWithEverything()], accounts: [C3_ACCOUNT] });
    const { server } = scene;
    const write = async (clock: number, offset: string, zone: string, mode: 'update' | 'replace'): Promise<string> => {
      const given = { '/3/0/13': clock, '/3/0/14': offset, '/3/0/15': zone };
      const code = await server.write('/3/0', given, { mode, format: tlv.number });
      const { values } = await server.read('/3/0', tlv.number);
      assert.ok(Math.abs(Number(values['/3/0/13']) - clock) <= 1, JSON.stringify(values['/3/0/13']));
      assert.deepEqual([values['/3/0/14'], values['/3/0/15']], [offset, zone]);
      assert.equal(values['/3/0/0'], 'Lapwing');
      return code;
    };
    scene.sent();
    assert.equal(await write(1_367_491_215, '+02:00', 'Europe/Paris', 'update'), '2.04');
    const [request] = scene.sent();
    assert.deepEqual([request!.line, request!.contentFormat], ['POST /3/0', tlv.number]);
    assert.equal(
      Buffer.from(request!.payload).toString('hex'),
      'c40d5182428fc60e2b30323a3030c80f0c4575726f70652f5061726973',
    );
    assert.equal(await write(1_767_225_600, '+01:00', 'Europe/Berlin', 'replace'), '2.04');
  });

  proves('LightweightM2M-1.1-int-652', async (version) => {
    await using scene = await Scene.open({ version, objects: [deviceWithEverything()], accounts: [C3_ACCOUNT] });
    const { code, values } = await scene.server.read('/3/0/3');
    assert.equal(code, '2.05');
    assert.deepEqual(values, { '/3/0/3': '1.0.3' });
  });

  proves('LightweightM2M-1.1-int-680', async (version) => {
    await using scene = await Scene.open({ version, objects: [device()], accounts: [C1_ACCOUNT] });
    assert.equal(await scene.server.create('/3', { 14: '+02:00' }), '4.05');
    assert.equal(await scene.server.create('/3/1', { 14: '+02:00' }), '4.05');
    assert.equal((await scene.server.read('/3/1')).code, '4.04');
  });

  proves('LightweightM2M-1.1-int-685', async (version) => {
    await using scene = await Scene.open({ version, objects: [device()], accounts: [C1_ACCOUNT] });
    assert.equal(await scene.server.delete('/3/0'), '4.05');
    assert.equal((await scene.server.read('/3/0/0')).code, '2.05');
  });
});
