/** OMA ETS INT 205 to 256: Write, at each level and in each format. OMA TS Core §6.3.3. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { CONTENT_FORMATS } from '@lapwing/coap';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { C1_ACCOUNT, C3_ACCOUNT, device, portfolio } from '../configurations.ts';
import { proves } from '../proves.ts';
import { Scene } from '../scene.ts';

const { text, cbor, senmlJson, senmlCbor, tlv, lwm2mJson } = CONTENT_FORMATS;

const inC1 = (version: LwM2mVersion, more: Parameters<typeof Scene.open>[0]['objects'] = []): Promise<Scene> =>
  Scene.open({ version, objects: [device(), ...more], accounts: [C1_ACCOUNT] });
const inC3 = (version: LwM2mVersion): Promise<Scene> =>
  Scene.open({ version, objects: [device()], accounts: [C3_ACCOUNT] });

/** The Server Object Instance, by the number of its Resource. */
async function serverResources(scene: Scene, ...ids: readonly number[]): Promise<readonly unknown[]> {
  const { code, values } = await scene.server.read('/1/0', tlv.number);
  assert.equal(code, '2.05');
  return ids.map((id) => values[`/1/0/${id}`]);
}

/** The payload of the last request with one. */
const written = (scene: Scene): string =>
  Buffer.from(
    scene
      .sent()
      .filter(({ from, payload }) => from === 'server' && payload.length > 0)
      .at(-1)!.payload,
  ).toString('hex');

describe('OMA: Write', () => {
  proves('LightweightM2M-1.1-int-205', async (version) => {
    await using scene = await inC3(version);
    scene.sent();
    for (const [path, value] of Object.entries({ '/1/0/2': 101, '/1/0/3': 1010, '/1/0/5': 2000 })) {
      assert.equal(await scene.server.write(path, value, { format: text.number }), '2.04');
      assert.equal(written(scene), Buffer.from(String(value)).toString('hex'));
    }
    assert.deepEqual(await serverResources(scene, 2, 3, 5), [101, 1010, 2000]);
    for (const [path, value] of Object.entries({ '/1/0/2': 1, '/1/0/3': 10, '/1/0/5': 86_400 })) {
      assert.equal(await scene.server.write(path, value, { format: text.number }), '2.04');
    }
    assert.deepEqual(await serverResources(scene, 2, 3, 5), [1, 10, 86_400]);
  });

  proves('LightweightM2M-1.1-int-212', async (version) => {
    await using scene = await inC3(version);
    const values = { '/1/0/2': [101, '1865'], '/1/0/3': [1010, '1903f2'], '/1/0/6': [true, 'f5'] } as const;
    scene.sent();
    for (const [path, [value, bytes]] of Object.entries(values)) {
      assert.equal(await scene.server.write(path, value, { format: cbor.number }), '2.04');
      assert.equal(written(scene), bytes);
    }
    assert.deepEqual(await serverResources(scene, 2, 3, 6), [101, 1010, true]);
  });

  for (const [id, { number }, bytes] of [
    ['LightweightM2M-1.1-int-215', tlv, 'c10265c20303f2c20507d0c10601c10755'],
    ['LightweightM2M-1.1-int-220', lwm2mJson, undefined],
  ] as const) {
    proves(id, async (version) => {
      await using scene = await inC3(version);
      const saved = await serverResources(scene, 2, 3, 5, 6, 7);
      scene.sent();
      const given = { '/1/0/2': 101, '/1/0/3': 1010, '/1/0/5': 2000, '/1/0/6': true, '/1/0/7': 'U' };
      assert.equal(await scene.server.write('/1/0', given, { mode: 'update', format: number }), '2.04');
      const [request] = scene.sent().filter(({ from }) => from === 'server');
      assert.deepEqual([request!.line, request!.contentFormat], ['POST /1/0', number]);
      if (bytes !== undefined) assert.equal(Buffer.from(request!.payload).toString('hex'), bytes);
      assert.deepEqual(await serverResources(scene, 0, 1, 2, 3, 5, 6, 7), [1, 86_400, 101, 1010, 2000, true, 'U']);
      // Without the Short Server ID: nobody writes that.
      const back = { '/1/0/1': 86_400, ...restored(saved) };
      scene.sent();
      assert.equal(await scene.server.write('/1/0', back, { format: number }), '2.04');
      assert.equal(scene.sent().find(({ from }) => from === 'server')!.line, 'PUT /1/0');
      assert.deepEqual(await serverResources(scene, 0, 1, 2, 3, 5, 6, 7), [1, 86_400, ...saved]);
    });
  }

  const restored = (saved: readonly unknown[]): Record<string, unknown> =>
    Object.fromEntries([2, 3, 5, 6, 7].map((id, index) => [`/1/0/${id}`, saved[index]]));

  const whole = ['TLV', 'SenML JSON', 'SenML CBOR'] as const;
  const formats = { TLV: tlv, 'SenML JSON': senmlJson, 'SenML CBOR': senmlCbor } as const;
  const single = [...whole, 'plain text', 'CBOR'] as const;
  const singleFormats = { ...formats, 'plain text': text, CBOR: cbor } as const;

  proves('LightweightM2M-1.1-int-226', whole, async (version, name) => {
    await using scene = await inC1(version);
    const { number } = formats[name];
    scene.sent();
    const given = { '/1/0/1': 61, '/1/0/6': true };
    assert.equal(await scene.server.write('/1/0', given, { mode: 'update', format: number }), '2.04');
    await scene.seconds(1);
    const requests = scene.sent().filter(({ line }) => line.includes(' '));
    assert.deepEqual(
      requests.map(({ line }) => line.replace(/rd\/\w+/, 'rd/x')),
      ['POST /1/0', 'POST /rd/x?lt=61'],
    );
    assert.equal(scene.registration.lifetimeSeconds, 61);
    assert.deepEqual(await serverResources(scene, 0, 1, 6, 7), [1, 61, true, 'U']);
    const back = { '/1/0/1': 86_400, '/1/0/6': false };
    assert.equal(await scene.server.write('/1/0', back, { mode: 'update', format: number }), '2.04');
  });

  proves('LightweightM2M-1.1-int-227', single, async (version, name) => {
    await using scene = await inC1(version);
    scene.sent();
    assert.equal(await scene.server.write('/1/0/1', 63, { format: singleFormats[name].number }), '2.04');
    await scene.seconds(1);
    const requests = scene.sent().filter(({ line }) => line.includes(' '));
    assert.deepEqual(
      requests.map(({ line }) => line.replace(/rd\/\w+/, 'rd/x')),
      ['PUT /1/0/1', 'POST /rd/x?lt=63'],
    );
    assert.deepEqual(await serverResources(scene, 0, 1), [1, 63]);
  });

  proves('LightweightM2M-1.1-int-228', single, async (version, name) => {
    await using scene = await inC1(version, [portfolio()]);
    const { number } = singleFormats[name];
    assert.equal(await scene.server.write('/16/0/0/2', 'test', { format: number }), '2.04');
    assert.deepEqual((await scene.server.read('/16/0/0/2')).values, { '/16/0/0/2': 'test' });
    assert.equal((await scene.server.read('/16/0/0/0')).values['/16/0/0/0'], 'Host Device ID #1');
  });

  for (const [id, { number }] of [
    ['LightweightM2M-1.1-int-233', senmlCbor],
    ['LightweightM2M-1.1-int-234', senmlJson],
  ] as const) {
    proves(id, async (version) => {
      await using scene = await inC1(version, [portfolio()]);
      const { server } = scene;
      const given = { '/1/0/1': 61, '/1/0/6': true };
      assert.equal(await server.write('/1/0', given, { mode: 'update', format: number }), '2.04');
      await scene.seconds(1);
      assert.equal(scene.registration.lifetimeSeconds, 61);
      assert.deepEqual(await serverResources(scene, 1, 6), [61, true]);
      assert.equal(await server.write('/16/0/0/0', 'test_value', { format: number }), '2.04');
      assert.deepEqual((await server.read('/16/0/0/0', number)).values, { '/16/0/0/0': 'test_value' });
      assert.equal(await server.write('/1/0/1', 63, { format: number }), '2.04');
      await scene.seconds(1);
      assert.equal(scene.registration.lifetimeSeconds, 63);
      assert.deepEqual((await server.read('/1/0/1', number)).values, { '/1/0/1': 63 });
    });
  }

  proves('LightweightM2M-1.1-int-256', single, async (version, name) => {
    await using scene = await inC1(version);
    assert.equal(await scene.server.write('/1/0/0', 123, { format: singleFormats[name].number }), '4.05');
    assert.deepEqual(await serverResources(scene, 0), [1]);
  });
});
