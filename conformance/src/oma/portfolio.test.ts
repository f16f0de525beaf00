/** OMA ETS INT 1630 and 1635: Object Instances of Portfolio come and go. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { CONTENT_FORMATS } from '@lapwing/coap';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { C3_ACCOUNT, device, portfolio } from '../configurations.ts';
import { proves } from '../proves.ts';
import { Scene } from '../scene.ts';

const { tlv } = CONTENT_FORMATS;

const inC12 = (version: LwM2mVersion): Promise<Scene> =>
  Scene.open({ version, objects: [device(), portfolio()], accounts: [C3_ACCOUNT] });

describe('OMA: Portfolio', () => {
  proves('LightweightM2M-1.1-int-1630', async (version) => {
    await using scene = await inC12(version);
    const { server } = scene;
    assert.ok((await server.discover('/16/0')).includes('</16/0/0>;dim=4'));
    scene.sent();
    const identity = ['Host Device ID #2', 'Host Device Model #2'];
    assert.equal(await server.create('/16/1', { 0: identity }, tlv.number), '2.01 /16/1');
    const [request] = scene.sent();
    assert.equal(request!.line, 'POST /16');
    const header = Buffer.from(request!.payload).toString('latin1');
    assert.equal(header, `\x08\x01\x2e\x88\x00\x2b\x48\x00\x11${identity[0]}\x48\x01\x14${identity[1]}`);
    assert.ok((await server.discover('/16/1')).includes('</16/1/0>;dim=2'));
    const { values } = await server.read('/16');
    assert.equal(Object.keys(values).length, 6);
    assert.deepEqual([values['/16/0/0/0'], values['/16/1/0/1']], ['Host Device ID #1', 'Host Device Model #2']);
  });

  proves('LightweightM2M-1.1-int-1635', async (version) => {
    await using scene = await inC12(version);
    const { server } = scene;
    assert.match(await server.create('/16', { 0: ['Host Device ID #2'] }), /^2\.01 \/16\/1$/);
    for (const path of ['/16/0', '/16/1']) assert.equal(await server.delete(path), '2.02');
    const links = await server.discover('/16');
    assert.deepEqual(
      links.map((link) => link.split(';')[0]),
      ['</16>'],
    );
  });
});
