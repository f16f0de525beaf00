/** OMA ETS INT 306, 307 and 311: Send. OMA TS Core §6.4.6. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { CONTENT_FORMATS, OperationFailed } from '@lapwing/coap';
import { C1_ACCOUNT, device } from '../configurations.ts';
import { valuesOf, type Values } from '../operator.ts';
import { proves } from '../proves.ts';
import { Scene, type SceneOptions } from '../scene.ts';

const NAMES = ['SenML JSON', 'SenML CBOR'] as const;
const FORMATS = { 'SenML JSON': CONTENT_FORMATS.senmlJson, 'SenML CBOR': CONTENT_FORMATS.senmlCbor } as const;

async function inC1(version: SceneOptions['version']): Promise<{ readonly scene: Scene; readonly arrived: Values[] }> {
  const scene = await Scene.open({ version, objects: [device()], accounts: [C1_ACCOUNT] });
  const arrived: Values[] = [];
  scene.server.server.on('sent', (_registration, entries) => arrived.push(valuesOf(entries)));
  scene.sent();
  return { scene, arrived };
}

describe('OMA: Send', () => {
  for (const [id, paths, values] of [
    ['LightweightM2M-1.1-int-306', ['/3/0/0', '/3/0/16'], { '/3/0/0': 'Lapwing', '/3/0/16': 'U' }],
    ['LightweightM2M-1.1-int-311', ['/1/0/1', '/3/0/11/0'], { '/1/0/1': 86_400, '/3/0/11/0': 0 }],
  ] as const) {
    proves(id, NAMES, async (version, name) => {
      const { scene, arrived } = await inC1(version);
      await using _ = scene;
      const contentFormat = FORMATS[name].number;
      const results = await scene.settle(scene.client.send(paths, { contentFormat }));
      assert.deepEqual(
        results.map(({ ok }) => ok),
        [true],
      );
      const [request, response] = scene.sent();
      assert.deepEqual([request!.line, request!.contentFormat], ['POST /dp', contentFormat]);
      assert.equal(response!.line, '2.04');
      assert.deepEqual(arrived, [values]);
    });
  }

  proves('LightweightM2M-1.1-int-307', async (version) => {
    const { scene, arrived } = await inC1(version);
    await using _ = scene;
    assert.equal(await scene.server.write('/1/0/23', true), '2.04');
    scene.sent();
    await assert.rejects(
      scene.settle(scene.client.send(['/3/0/0'])),
      (error) => error instanceof OperationFailed && error.code === 'MUTED',
    );
    await scene.seconds(10);
    assert.deepEqual(scene.sent(), []);
    assert.equal(await scene.server.write('/1/0/23', false), '2.04');
    await scene.settle(scene.client.send(['/3/0/0']));
    assert.deepEqual(arrived, [{ '/3/0/0': 'Lapwing' }]);
  });
});
