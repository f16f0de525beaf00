/** How long a server waits for an answer, and what it makes of none. RFC 7252 §4.8.2. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { buildOptions, Codes, OperationFailed, type Message } from '@lapwing/coap';
import { at } from '../given.ts';
import { proves } from '../proves.ts';
import { ACK, CON, RawScene, RST } from '../raw-device.ts';

const LEVEL = '/3/0/9';
const MAX_TRANSMIT_WAIT = 93_000;
/** Without jitter: 2 s, doubled four times. ms. */
const SHORTEST_WAIT = 62_000;
const TIMEOUT = 3_000;

/** When the promise rejects with TIMEOUT, on the virtual clock. */
async function timesOut(scene: RawScene, promise: Promise<unknown>, text: RegExp): Promise<number> {
  let at = 0;
  promise.catch(() => (at = scene.network.now()));
  const failed = assert.rejects(
    promise,
    (error: unknown) => error instanceof OperationFailed && error.code === 'TIMEOUT' && text.test(error.message),
  );
  for (let waited = 0; at === 0 && waited < 2 * MAX_TRANSMIT_WAIT; waited += 100) await scene.network.run(100);
  await failed;
  return at;
}

const ids = (messages: readonly Message[]): ReadonlySet<number> => new Set(messages.map(({ messageId }) => messageId));

describe('scenarios: a device that does not answer', () => {
  proves('timeout-not-acknowledged', async (version) => {
    await using scene = new RawScene();
    await scene.register(version);
    const began = scene.network.now();
    const ended = await timesOut(scene, scene.device.read(at(LEVEL)), /no answer from "raw" after 5 transmissions/);
    assert.ok(ended - began >= SHORTEST_WAIT && ended - began <= MAX_TRANSMIT_WAIT, `after ${ended - began} ms`);
    const requests = scene.peer.takeAll();
    assert.deepEqual([requests.length, ids(requests).size], [5, 1]);
    assert.equal(scene.server.registrationCount, 1, 'the registration lasts as long as it said');
    await scene.network.run(MAX_TRANSMIT_WAIT);
    assert.deepEqual(scene.peer.takeAll(), []);
  });

  proves('timeout-acknowledged', async (version) => {
    await using scene = new RawScene();
    await scene.register(version);
    const began = scene.network.now();
    let answered = false;
    const reading = scene.device.read(at(LEVEL), { timeout: TIMEOUT });
    reading.then(
      () => (answered = true),
      () => {},
    );
    const failing = timesOut(scene, reading, /no answer from "raw" after 1 transmission/);
    await scene.network.run(50);
    const request = scene.peer.take();
    scene.peer.send(SERVER, { type: ACK, code: 0 as Message['code'], messageId: request.messageId });
    assert.equal((await failing) - began, TIMEOUT);
    assert.deepEqual(scene.peer.takeAll(), [], 'what is acknowledged is not sent again');
    // The answer comes after all.
    const { token } = request;
    const options = buildOptions({ contentFormat: 0 });
    const payload = new TextEncoder().encode('87');
    scene.peer.send(SERVER, { type: CON, code: Codes.content, messageId: 7, token, options, payload });
    await scene.network.run(100);
    assert.equal(scene.peer.take().type, RST);
    assert.equal(answered, false);
  });

  proves('timeout-asleep', async (version) => {
    await using scene = new RawScene();
    const events: string[] = [];
    scene.server.on('asleep', () => events.push('asleep'));
    await scene.register(version, version === '1.0' ? ['b=UQ'] : ['b=U', 'Q']);
    const registered = scene.network.now();
    const ended = await timesOut(scene, scene.device.read(at(LEVEL)), /5 transmissions/);
    assert.deepEqual([scene.device.awake, events], [false, ['asleep']]);
    assert.ok(ended < registered + MAX_TRANSMIT_WAIT - 1_000, 'it would be awake for longer');
    scene.peer.takeAll();
    // One of a caller that has lost its patience says nothing about the device.
    await scene.post(['rd', scene.device.registration.registrationId], []);
    await timesOut(scene, scene.device.read(at(LEVEL), { timeout: TIMEOUT }), /transmission/);
    assert.equal(scene.device.awake, true);
  });
});

const SERVER = { host: '10.0.0.1', port: 5683 };
