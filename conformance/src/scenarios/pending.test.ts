/** What becomes of requests without an answer when the registration that they were asked of ends. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { Codes, OperationFailed, type Message } from '@lapwing/coap';
import { at } from '../given.ts';
import { proves } from '../proves.ts';
import { RawScene } from '../raw-device.ts';

const COUNT = 4;
/** Longer than a device in queue mode is awake. ms. */
const ASLEEP = 100_000;

/** Ask for several values at once, and how each of them ended. */
function reads(scene: RawScene): string[] {
  const { device } = scene;
  const ends: string[] = Array.from({ length: COUNT }, () => '');
  for (let each = 0; each < COUNT; each++) {
    device.read(at(`/3/0/${each}`)).then(
      () => (ends[each] += 'answered'),
      (error: unknown) => (ends[each] += error instanceof OperationFailed ? error.code : String(error)),
    );
  }
  return ends;
}

const all = (end: string): readonly string[] => Array.from({ length: COUNT }, () => end);

/** The device answers after all: no callback may fire. */
async function answersLate(scene: RawScene, request: Message): Promise<void> {
  await scene.answer(request, { contentFormat: 0, payload: '1' });
  assert.deepEqual(scene.peer.takeAll(), [], 'nothing more is asked');
}

describe('scenarios: requests without an answer', () => {
  proves('pending-register-again', ['awake', 'asleep'], async (version, state) => {
    await using scene = new RawScene();
    await scene.register(version, state === 'asleep' ? queueMode(version) : []);
    if (state === 'awake') {
      const ends = reads(scene);
      const request = await scene.arrived();
      await scene.register(version);
      assert.deepEqual(ends, all('CANCELLED'));
      await answersLate(scene, request);
      assert.deepEqual(ends, all('CANCELLED'), 'each has ended once');
      return;
    }
    await scene.network.run(ASLEEP);
    const ends = reads(scene);
    assert.equal(scene.device.pendingOperations.length, COUNT);
    const before = scene.device.registration.registrationId;
    await scene.register(version, queueMode(version));
    assert.notEqual(scene.device.registration.registrationId, before);
    for (let each = 0; each < COUNT; each++) {
      const request = await scene.arrived();
      await scene.answer(request, { contentFormat: 0, payload: '1' });
    }
    assert.deepEqual(ends, all('answered'));
  });

  proves('pending-deregister', ['awake', 'asleep'], async (version, state) => {
    await using scene = new RawScene();
    const location = await scene.register(version, state === 'asleep' ? queueMode(version) : []);
    if (state === 'asleep') await scene.network.run(ASLEEP);
    const ends = reads(scene);
    const request = state === 'awake' ? await scene.arrived() : undefined;
    assert.equal((await scene.request(Codes.delete, location)).code, '2.02');
    assert.deepEqual(ends, all('NOT_REGISTERED'));
    if (request !== undefined) await answersLate(scene, request);
    await scene.network.run(ASLEEP);
    assert.deepEqual(scene.peer.takeAll(), []);
    assert.deepEqual(ends, all('NOT_REGISTERED'), 'each has ended once');
    assert.equal(scene.server.usage.requestDeadlines, 0);
  });

  proves('pending-registration-over', ['expired', 'removed'], async (version, how) => {
    await using scene = new RawScene();
    await scene.register(version, queueMode(version));
    await scene.network.run(ASLEEP);
    const ends = reads(scene);
    if (how === 'removed') scene.server.remove('raw');
    else await scene.network.run(700_000);
    await scene.network.run(1_000);
    assert.deepEqual(ends, all('NOT_REGISTERED'));
    assert.equal(scene.server.registrationCount, 0);
    assert.deepEqual(scene.peer.takeAll(), []);
  });
});

const queueMode = (version: string): readonly string[] => (version === '1.0' ? ['b=UQ'] : ['b=U', 'Q']);
