/** OMA ETS INT 201 to 237: Read, at each level and in each format. OMA TS Core §6.3.1. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { CONTENT_FORMATS } from '@lapwing/coap';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { C1_ACCOUNT, device } from '../configurations.ts';
import type { Values } from '../operator.ts';
import { proves } from '../proves.ts';
import { Scene } from '../scene.ts';

const { text, cbor, senmlJson, senmlCbor, tlv, lwm2mJson } = CONTENT_FORMATS;

const inC1 = (version: LwM2mVersion): Promise<Scene> =>
  Scene.open({ version, objects: [device()], accounts: [C1_ACCOUNT] });

/** What C.1 has in the Device Object. */
const DEVICE_VALUES: Values = {
  '/3/0/0': 'Lapwing',
  '/3/0/1': 'LW-1',
  '/3/0/2': '000123',
  '/3/0/3': '1.0.3',
  '/3/0/11/0': 0,
  '/3/0/16': 'U',
};

/** A Read that succeeds, in this format, with at least these values. */
async function reads(scene: Scene, path: string, accept: number | undefined, expected: Values): Promise<Values> {
  const { code, format, values } = await scene.server.read(path, accept);
  assert.equal(code, '2.05', path);
  if (accept !== undefined) assert.equal(format, accept, path);
  const found = Object.fromEntries(Object.keys(expected).map((each) => [each, values[each]]));
  assert.deepEqual(found, expected, path);
  return values;
}

describe('OMA: Read', () => {
  proves('LightweightM2M-1.1-int-201', async (version) => {
    await using scene = await inC1(version);
    for (const path of ['/3/0/0', '/3/0/1', '/3/0/2']) {
      scene.sent();
      await reads(scene, path, text.number, { [path]: DEVICE_VALUES[path]! });
      const [request, response] = scene.sent();
      assert.deepEqual([request!.line, request!.accept], [`GET ${path}`, text.number]);
      assert.equal(new TextDecoder().decode(response!.payload), DEVICE_VALUES[path]);
    }
  });

  proves('LightweightM2M-1.1-int-203', async (version) => {
    await using scene = await inC1(version);
    await reads(scene, '/3/0', tlv.number, DEVICE_VALUES);
  });

  proves('LightweightM2M-1.1-int-204', async (version) => {
    await using scene = await inC1(version);
    await reads(scene, '/3/0', lwm2mJson.number, DEVICE_VALUES);
  });

  proves('LightweightM2M-1.1-int-211', async (version) => {
    await using scene = await inC1(version);
    const encoded = { '/1/0/0': ['01', 1], '/1/0/6': ['f4', false], '/1/0/7': ['6155', 'U'] } as const;
    for (const [path, [bytes, value]] of Object.entries(encoded)) {
      scene.sent();
      await reads(scene, path, cbor.number, { [path]: value });
      assert.equal(Buffer.from(scene.sent()[1]!.payload).toString('hex'), bytes);
    }
  });

  proves('LightweightM2M-1.1-int-221', async (version) => {
    await using scene = await inC1(version);
    assert.equal((await scene.server.read('/0')).code, '4.01');
    assert.equal(await scene.server.write('/0/0/0', 'coap://10.0.0.9'), '4.01');
    assert.equal(await scene.server.writeAttributes('/0', { pmin: 30, pmax: 45 }), '4.01');
  });

  const whole = ['TLV', 'SenML JSON', 'SenML CBOR'] as const;
  const formats = { TLV: tlv, 'SenML JSON': senmlJson, 'SenML CBOR': senmlCbor } as const;

  proves('LightweightM2M-1.1-int-222', whole, async (version, name) => {
    await using scene = await inC1(version);
    const { number } = formats[name];
    await reads(scene, '/1', number, { '/1/0/0': 1, '/1/0/1': 86_400, '/1/0/6': false, '/1/0/7': 'U' });
    await reads(scene, '/3', number, DEVICE_VALUES);
  });

  proves('LightweightM2M-1.1-int-223', whole, async (version, name) => {
    await using scene = await inC1(version);
    const { number } = formats[name];
    await reads(scene, '/1/0', number, { '/1/0/0': 1, '/1/0/1': 86_400, '/1/0/6': false, '/1/0/7': 'U' });
    await reads(scene, '/3/0', number, DEVICE_VALUES);
  });

  const single = [...whole, 'plain text', 'CBOR'] as const;
  const singleFormats = { ...formats, 'plain text': text, CBOR: cbor } as const;

  proves('LightweightM2M-1.1-int-224', single, async (version, name) => {
    await using scene = await inC1(version);
    const { number } = singleFormats[name];
    const expected = { '/1/0/0': 1, '/1/0/1': 86_400, '/1/0/6': false, '/1/0/7': 'U', '/3/0/16': 'U' };
    for (const [path, value] of Object.entries(expected)) {
      assert.deepEqual(await reads(scene, path, number, { [path]: value }), { [path]: value });
    }
  });

  proves('LightweightM2M-1.1-int-225', single, async (version, name) => {
    await using scene = await inC1(version);
    const { number } = singleFormats[name];
    assert.deepEqual(await reads(scene, '/3/0/11/0', number, {}), { '/3/0/11/0': 0 });
  });

  for (const [id, { number }] of [
    ['LightweightM2M-1.1-int-231', senmlJson],
    ['LightweightM2M-1.1-int-232', senmlCbor],
  ] as const) {
    proves(id, async (version) => {
      await using scene = await inC1(version);
      await reads(scene, '/1', number, { '/1/0/0': 1, '/1/0/1': 86_400, '/1/0/6': false, '/1/0/7': 'U' });
      await reads(scene, '/3/0', number, DEVICE_VALUES);
      assert.deepEqual(await reads(scene, '/3/0/16', number, {}), { '/3/0/16': 'U' });
      assert.deepEqual(await reads(scene, '/3/0/11/0', number, {}), { '/3/0/11/0': 0 });
    });
  }

  proves('LightweightM2M-1.1-int-237', async (version) => {
    await using scene = await inC1(version);
    scene.sent();
    await reads(scene, '/1', undefined, { '/1/0/0': 1, '/1/0/1': 86_400, '/1/0/6': false, '/1/0/7': 'U' });
    await reads(scene, '/3', undefined, DEVICE_VALUES);
    const accepts = scene.sent().flatMap(({ line, accept }) => (line.startsWith('GET') ? [accept] : []));
    assert.deepEqual(accepts, [undefined, undefined]);
  });
});
