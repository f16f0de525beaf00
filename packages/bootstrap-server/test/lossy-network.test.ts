/** Bootstraps on a network that loses, doubles and reorders: every one ends, the most of them well, and nothing is left. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { BootstrapDevice } from './bootstrap-device.ts';
import { ONE_SERVER, setUp } from './setup.ts';

const DEVICES = 20;
const SEEDS = Array.from({ length: 25 }, (_, index) => index + 1);

for (const seed of SEEDS)
  it(`seed ${seed}: with a third lost, a fifth doubled and all reordered`, async () => {
    const names = Array.from({ length: DEVICES }, (_, index) => `device-${index}`);
    const configuration = {
      ...ONE_SERVER,
      objects: [{ path: '/19/0', resources: { 0: { 0: new Uint8Array(3_000) } } }],
    };
    await using setup = setUp(Object.fromEntries(names.map((name) => [name, configuration])), {
      network: { seed, loss: seed % 4 === 0 ? 0.6 : 0.33, duplication: 0.2, delay: [5, 3_000] },
    });
    const devices = new Map<string, BootstrapDevice>();
    const answers: Promise<unknown>[] = [];
    for (const name of names) {
      const device = setup.device();
      devices.set(name, device);
      answers.push(device.request(`ep=${name}`));
    }
    await setup.network.runUntilIdle();
    await Promise.all(answers);

    const { started } = setup.server.counters;
    assert.equal(setup.ended.length, started, 'every session has ended');
    for (const { session, outcome } of setup.ended) {
      const device = devices.get(session.endpointClientName)!;
      if (outcome.kind === 'finished') {
        assert.equal(device.finished, 1, 'told once that it is over');
        assert.equal(device.values.get('/1/0/0'), 123);
        assert.deepEqual(device.values.get('/19/0/0/0'), new Uint8Array(3_000));
        assert.equal(device.values.get('/0/0/1'), true, 'the account with the Bootstrap-Server is there');
      } else assert.equal(outcome.kind, 'timeout');
    }
    if (seed % 4 !== 0) {
      const finished = setup.ended.filter(({ outcome }) => outcome.kind === 'finished').length;
      assert.ok(finished >= DEVICES * 0.6, `${finished} of ${DEVICES} finished`);
    }
    assert.deepEqual(setup.server.usage, {
      sessions: 0,
      endedSessions: started,
      deadlines: 0,
      pendingRequests: 0,
    });
    for (const driver of setup.server.drivers) assert.equal(driver.endpoint.nextDeadline(), Infinity);
  });

it('a lost answer to the request makes no second session, nor does a doubled request', async () => {
  await using setup = setUp(undefined, { network: { duplication: 1, delay: [10, 200], seed: 7 } });
  const device = setup.device();
  const answer = device.request('ep=one');
  await setup.network.runUntilIdle();
  assert.ok((await answer) !== undefined);
  assert.equal(setup.server.counters.started, 1);
  assert.equal(device.finished, 1);
});
