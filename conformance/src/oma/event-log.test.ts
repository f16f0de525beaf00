/** OMA ETS INT 2000 and 2001: Event Log. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { EventLog } from '@lapwing/client';
import { CONTENT_FORMATS } from '@lapwing/coap';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { C3_ACCOUNT, device } from '../configurations.ts';
import { proves } from '../proves.ts';
import { Scene } from '../scene.ts';

async function inC16(version: LwM2mVersion): Promise<{ readonly scene: Scene; readonly log: EventLog; args: string }> {
  const state = { args: '' };
  const log = new EventLog({
    started: (args) => (state.args = args.map(({ digit, value }) => `${digit}=${value ?? ''}`).join()),
  });
  const scene = await Scene.open({ version, objects: [device(), log.object], accounts: [C3_ACCOUNT] });
  return {
    scene,
    log,
    get args() {
      return state.args;
    },
  };
}

describe('OMA: Event Log', () => {
  // LogStart (4011) is executed: there is nothing to write or read back, as the procedure would have it.
  proves('LightweightM2M-1.1-int-2000', async (version) => {
    const c16 = await inC16(version);
    await using scene = c16.scene;
    assert.equal(c16.log.isRunning, false);
    assert.equal(await scene.server.execute('/20/0/4011', "0='100'"), '2.04');
    assert.equal(c16.log.isRunning, true);
    assert.equal(c16.args, '0=100');
    assert.deepEqual((await scene.server.read('/20/0/4013')).values, { '/20/0/4013': 0 });
  });

  proves('LightweightM2M-1.1-int-2001', async (version) => {
    const { scene, log } = await inC16(version);
    await using _ = scene;
    assert.equal(await scene.server.execute('/20/0/4011'), '2.04');
    log.append('boot ok');
    assert.equal(await scene.server.execute('/20/0/4012'), '2.04');
    const { code, format, values } = await scene.server.read('/20/0', CONTENT_FORMATS.tlv.number);
    assert.deepEqual([code, format], ['2.05', CONTENT_FORMATS.tlv.number]);
    assert.equal(new TextDecoder().decode(values['/20/0/4014'] as Uint8Array), 'boot ok');
    assert.deepEqual([values['/20/0/4010'], values['/20/0/4013']], [0, 3]);
  });
});
