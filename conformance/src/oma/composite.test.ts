/** OMA ETS INT 230 to 281: Read-Composite and Write-Composite. OMA TS Core §6.3.9 and §6.3.10. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { CONTENT_FORMATS } from '@lapwing/coap';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { C1_ACCOUNT, C3_ACCOUNT, device, deviceWithEverything, portfolio } from '../configurations.ts';
import { proves } from '../proves.ts';
import { Scene } from '../scene.ts';

const { senmlJson, senmlCbor } = CONTENT_FORMATS;
const FORMATS = { 'SenML JSON': senmlJson, 'SenML CBOR': senmlCbor } as const;
const NAMES = ['SenML JSON', 'SenML CBOR'] as const;

const inC1 = (version: LwM2mVersion): Promise<Scene> =>
  Scene.open({ version, objects: [device(), portfolio()], accounts: [C1_ACCOUNT] });

const formatOf = (name: (typeof NAMES)[number]): { readonly listFormat: number; readonly accept: number } => ({
  listFormat: FORMATS[name].number,
  accept: FORMATS[name].number,
});

describe('OMA: composites', () => {
  proves('LightweightM2M-1.1-int-230', NAMES, async (version, name) => {
    await using scene = await inC1(version);
    const given = {
      '/1/0/1': 61,
      '/1/0/6': true,
      '/16/0/0/0': 'aa',
      '/16/0/0/1': 'bb',
      '/16/0/0/2': 'cc',
      '/16/0/0/3': 'dd',
    };
    scene.sent();
    assert.equal(await scene.server.writeComposite(given, FORMATS[name].number), '2.04');
    await scene.seconds(1);
    const requests = scene.requests('server');
    assert.deepEqual(requests, ['iPATCH /'], 'one request');
    assert.equal(scene.registration.lifetimeSeconds, 61);
    const { values } = await scene.server.readComposite(Object.keys(given), formatOf(name));
    assert.deepEqual(values, given);
  });

  proves('LightweightM2M-1.1-int-235', NAMES, async (version, name) => {
    await using scene = await inC1(version);
    const { code, values } = await scene.server.readComposite(['/'], formatOf(name));
    assert.equal(code, '2.05');
    const objects = new Set(Object.keys(values).map((path) => path.split('/')[1]));
    assert.deepEqual([...objects].sort(), ['1', '16', '3'], 'neither 0 nor 21 nor 23');
    const alone = await Promise.all(['/1', '/3', '/16'].map((path) => scene.server.read(path)));
    const apart = Object.assign({}, ...alone.map((each) => each.values)) as typeof values;
    assert.deepEqual(Object.keys(values).sort(), Object.keys(apart).sort(), 'everything that can be read');
  });

  proves('LightweightM2M-1.1-int-236', NAMES, async (version, name) => {
    await using scene = await inC1(version);
    const paths = ['/3/0/16', '/3339/0/5522', '/3353/0/6030'];
    const { code, values } = await scene.server.readComposite(paths, formatOf(name));
    assert.equal(code, '2.05');
    assert.deepEqual(values, { '/3/0/16': 'U' });
  });

  proves('LightweightM2M-1.1-int-257', NAMES, async (version, name) => {
    await using scene = await Scene.open({ version, objects: [deviceWithEverything()], accounts: [C3_ACCOUNT] });
    scene.sent();
    const given = { '/1/0/2': 101, '/1/0/6': true, '/3/0/13': 0 };
    assert.equal(await scene.server.writeComposite(given, FORMATS[name].number), '2.04');
    const { values } = await scene.server.readComposite(Object.keys(given), formatOf(name));
    assert.deepEqual({ ...values, '/3/0/13': undefined }, { ...given, '/3/0/13': undefined });
    // The clock runs.
    const clock = Number(values['/3/0/13']);
    assert.ok(clock >= 0 && clock <= 1, String(clock));
  });

  proves('LightweightM2M-1.1-int-280', NAMES, async (version, name) => {
    await using scene = await inC1(version);
    scene.sent();
    const { code, format, values } = await scene.server.readComposite(['/3/0/16', '/3/0/11/0', '/1/0'], formatOf(name));
    assert.deepEqual([code, format], ['2.05', FORMATS[name].number]);
    assert.deepEqual(scene.requests('server'), ['FETCH /']);
    assert.deepEqual(
      [values['/3/0/16'], values['/3/0/11/0'], values['/1/0/0'], values['/1/0/1'], values['/1/0/6'], values['/1/0/7']],
      ['U', 0, 1, 86_400, false, 'U'],
    );
    assert.deepEqual(
      Object.keys(values).filter((path) => !/^\/(1\/0\/\d+|3\/0\/16|3\/0\/11\/0)$/.test(path)),
      [],
    );
  });

  proves('LightweightM2M-1.1-int-281', NAMES, async (version, name) => {
    await using scene = await inC1(version);
    const { code, values } = await scene.server.readComposite(['/1/0/1', '/1/0/7', '/1/0/8'], formatOf(name));
    assert.equal(code, '2.05');
    assert.deepEqual(values, { '/1/0/1': 86_400, '/1/0/7': 'U' });
  });
});
