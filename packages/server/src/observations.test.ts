import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, it } from 'node:test';
import { Codes, OperationFailed, type ObserveRelation } from '@lapwing/coap';
import { formatPath, objectInstancePath, resourcePath, stringValue, type NodeEntry } from '@lapwing/lwm2m';
import { setUp, type Setup } from '../test/setup.ts';
import { reply, type SimulatedDevice } from '../test/simulated-device.ts';
import type { Device, Notification, Observation } from './api.ts';
import { SERVER_ERROR_CHANNEL } from './diagnostics.ts';
import { unwrap } from './outcome.ts';

const LEVEL = resourcePath(3, 0, 9);
const content = (text: string): ReturnType<typeof reply> => reply(Codes.content, text, { contentFormat: 0 });
const observed = (text: string): ReturnType<typeof reply> => reply(Codes.content, text, { contentFormat: 0 }, true);

/** A registered device whose /3/0/9 is observed, and everything the server tells about observations. */
async function observing(setup: Setup): Promise<{
  readonly device: SimulatedDevice;
  readonly handle: Device;
  readonly observation: Observation;
  readonly told: string[];
}> {
  const told: string[] = [];
  const { server } = setup;
  server.on('observed', ({ path }) => told.push(`observed ${formatPath(path)}`));
  server.on('notified', ({ path }, notification) => told.push(`${formatPath(path)} is ${String(level(notification))}`));
  server.on('observationEnded', ({ path }, reason) => told.push(`${reason} ${formatPath(path)}`));
  const device = setup.device();
  await device.register(['ep=one', 'lt=86400', 'lwm2m=1.1']);
  device.onRequest = ({ observe }) => (observe === 'register' ? observed('100') : content('100'));
  const handle = server.device('one')!;
  const observation = unwrap(await setup.settle(handle.observe(LEVEL)));
  return { device, handle, observation, told };
}

function level({ entries }: { readonly entries: readonly NodeEntry[] }): unknown {
  const [entry] = entries;
  return entry?.kind === 'value' ? entry.value.value : undefined;
}

/** The levels of the next so many notifications. */
async function take(setup: Setup, iterator: AsyncIterator<Notification, undefined>, count: number): Promise<unknown[]> {
  const levels: unknown[] = [];
  for (let taken = 0; taken < count; taken++) {
    const { done, value } = await setup.settle(iterator.next());
    if (done === true) break;
    levels.push(level(value));
  }
  return levels;
}

describe('Observe (OMA TS Core §6.4.1, RFC 7641)', () => {
  it('answers the current value, and every notification arrives in order', async () => {
    await using setup = setUp();
    const { device, handle, observation, told } = await observing(setup);
    assert.equal(level(observation.initial), 100);
    assert.deepEqual(observation.path, LEVEL);
    const iterator = observation[Symbol.asyncIterator]();
    for (const value of [99, 98, 97]) {
      device.notify('/3/0/9', content(String(value)));
      await setup.network.run(1000);
    }
    const arrived = setup.network.unixTime() - 990;
    assert.deepEqual(await take(setup, iterator, 3), [99, 98, 97]);
    assert.deepEqual(told, ['observed /3/0/9', '/3/0/9 is 99', '/3/0/9 is 98', '/3/0/9 is 97']);
    assert.equal(level(observation.lastNotification!), 97);
    assert.equal(observation.lastNotification!.receivedAt, arrived);
    assert.deepEqual(
      handle.observations.map(({ path, observationId }) => [path, observationId]),
      [[LEVEL, observation.observationId]],
    );
  });

  it('Confirmable notifications are acknowledged and arrive once', async () => {
    await using setup = setUp({ network: { duplication: 1 } });
    const { device, told } = await observing(setup);
    device.notify('/3/0/9', content('50'), true);
    await setup.network.run(10_000);
    assert.deepEqual(told, ['observed /3/0/9', '/3/0/9 is 50']);
    assert.deepEqual(device.ended, []);
  });

  it('a notification larger than a block is fetched whole (RFC 7959 §2.6)', async () => {
    await using setup = setUp();
    const { device, handle } = await observing(setup);
    const path = resourcePath(3, 0, 0);
    device.onRequest = ({ observe }) =>
      observe === 'register' ? reply(Codes.content, 'small', { contentFormat: 0 }, true) : content('');
    const observation = unwrap(await setup.settle(handle.observe(path)));
    const iterator = observation[Symbol.asyncIterator]();
    const text = 'y'.repeat(3000);
    device.onRequest = () => reply(Codes.content, text, { contentFormat: 0 });
    device.notify('/3/0/0', reply(Codes.content, text, { contentFormat: 0 }));
    const [large] = await take(setup, iterator, 1);
    assert.equal(large, text);
    assert.equal(handle.observations.length, 2);
  });

  it('the timeout of the call is about the answer, not about the notifications', async () => {
    await using setup = setUp();
    const { device, handle } = await observing(setup);
    const path = resourcePath(3, 0, 10);
    const observation = unwrap(await setup.settle(handle.observe(path, { timeout: 5_000 })));
    const iterator = observation[Symbol.asyncIterator]();
    await setup.network.run(60_000);
    device.notify('/3/0/10', content('5'));
    assert.deepEqual(await take(setup, iterator, 1), [5]);
    assert.equal(observation.ended, false);
  });

  it('a refusal is a result, and nothing is observed', async () => {
    await using setup = setUp();
    const { device, handle } = await observing(setup);
    device.onRequest = () => reply(Codes.notFound);
    const outcome = await setup.settle(handle.observe(resourcePath(3, 0, 99)));
    assert.equal(outcome.ok, false);
    assert.equal(handle.observations.length, 1);
  });

  it('a device that answers the value but does not notify rejects', async () => {
    await using setup = setUp();
    const { device, handle } = await observing(setup);
    device.onRequest = () => content('1');
    await assert.rejects(
      setup.settle(handle.observe(resourcePath(3, 0, 10))),
      (error: unknown) => error instanceof OperationFailed && error.code === 'NOT_OBSERVABLE',
    );
    assert.equal(handle.observations.length, 1);
  });

  it('a first answer that cannot be read rejects, and the device is told to stop', async () => {
    await using setup = setUp();
    const { device, handle } = await observing(setup);
    const path = resourcePath(3, 0, 10);
    device.onRequest = () => observed('much');
    await assert.rejects(
      setup.settle(handle.observe(path)),
      (error: unknown) => error instanceof OperationFailed && error.code === 'BAD_RESPONSE',
    );
    assert.equal(handle.observations.length, 1);
    device.notify('/3/0/10', content('5'));
    await setup.network.run(1000);
    assert.deepEqual(device.ended, ['reset']);
  });

  it('a notification that cannot be read is counted and reported, and the next one is told', async () => {
    await using setup = setUp();
    const { device, told } = await observing(setup);
    const unread: string[] = [];
    setup.server.on('malformedNotification', ({ endpointClientName, path }, reason) =>
      unread.push(`${endpointClientName} ${formatPath(path)}: ${reason}`),
    );
    const errors: string[] = [];
    const report = (message: unknown): void => void errors.push((message as { error: Error }).error.message);
    subscribe(SERVER_ERROR_CHANNEL, report);
    device.notify('/3/0/9', content('much'));
    await setup.network.run(1000);
    device.notify('/3/0/9', content('42'));
    await setup.network.run(1000);
    unsubscribe(SERVER_ERROR_CHANNEL, report);
    assert.equal(errors.length, 1);
    assert.match(errors[0]!, /"one" answered with what it should not: .*\/3\/0\/9/);
    assert.deepEqual(told.slice(1), ['/3/0/9 is 42']);
    assert.equal(unread.length, 1);
    assert.match(unread[0]!, /^one \/3\/0\/9: "one" answered with what it should not: /);
    assert.deepEqual(setup.server.counters, { malformedNotifications: 1 });
  });
});

describe('several who observe one path', () => {
  it('share one observation, also when they begin at the same time', async () => {
    await using setup = setUp();
    const { device, handle, observation } = await observing(setup);
    const again = unwrap(await setup.settle(handle.observe(LEVEL)));
    assert.equal(again.observationId, observation.observationId);
    const path = resourcePath(3, 0, 10);
    const [first, second] = await setup.settle(Promise.all([handle.observe(path), handle.observe(path)]));
    assert.equal(unwrap(first).observationId, unwrap(second).observationId);
    assert.equal(device.asked.length, 2);
  });

  it('one whose signal aborts does not keep the other from observing', async () => {
    await using setup = setUp();
    const { handle, device } = await observing(setup);
    const path = resourcePath(3, 0, 10);
    const abort = new AbortController();
    const first = handle.observe(path, { signal: abort.signal });
    const second = handle.observe(path);
    const rejected = assert.rejects(first, OperationFailed);
    abort.abort();
    await rejected;
    assert.equal(unwrap(await setup.settle(second)).ended, false);
    assert.equal(handle.observations.length, 2);
    device.notify('/3/0/10', content('5'));
  });

  it('each heeds its own signal and timeout, also while the other is still asking', async () => {
    await using setup = setUp();
    const { handle, device } = await observing(setup);
    const path = resourcePath(3, 0, 10);
    device.onRequest = () => undefined;
    const abort = new AbortController();
    const rejected = (code: string) => (error: unknown) => error instanceof OperationFailed && error.code === code;
    const first = assert.rejects(handle.observe(path), rejected('TIMEOUT'));
    const cancelled = assert.rejects(handle.observe(path, { signal: abort.signal }), rejected('CANCELLED'));
    const late = assert.rejects(handle.observe(path, { timeout: 5_000 }), rejected('TIMEOUT'));
    await assert.rejects(handle.observe(path, { signal: AbortSignal.abort() }), rejected('CANCELLED'));
    await setup.network.run(1_000);
    abort.abort();
    await cancelled;
    const before = setup.network.now();
    await setup.settle(late);
    assert.ok(setup.network.now() - before < 5_000, 'the timeout was not heeded');
    await setup.settle(first);
    assert.equal(handle.observations.length, 1);
  });

  it('one who had to ask after all has what is left of its timeout', async () => {
    await using setup = setUp();
    const { handle, device } = await observing(setup);
    const path = resourcePath(3, 0, 10);
    device.onRequest = () => undefined;
    const began = setup.network.now();
    const first = assert.rejects(handle.observe(path, { timeout: 4_000 }), OperationFailed);
    const second = assert.rejects(handle.observe(path, { timeout: 6_000 }), { code: 'TIMEOUT' });
    await setup.settle(Promise.all([first, second]));
    assert.ok(setup.network.now() - began < 7_000, `${setup.network.now() - began} ms`);
  });

  it('whoever waits for the other when the server closes is told so', async () => {
    await using setup = setUp();
    const { handle, device } = await observing(setup);
    const path = resourcePath(3, 0, 10);
    device.onRequest = () => undefined;
    const both = [handle.observe(path), handle.observe(path)].map((each) => assert.rejects(each, { code: 'CLOSED' }));
    await setup.network.run(100);
    await setup.server.close();
    await setup.settle(Promise.all(both));
  });

  it('the last one who lets go cancels', async () => {
    await using setup = setUp();
    const { device, handle, observation, told } = await observing(setup);
    const again = unwrap(await setup.settle(handle.observe(LEVEL)));
    await observation[Symbol.asyncDispose]();
    await observation[Symbol.asyncDispose]();
    assert.equal(again.ended, false);
    await again[Symbol.asyncIterator]().return!();
    assert.equal(again.ended, true);
    assert.deepEqual(told, ['observed /3/0/9', 'cancelled /3/0/9']);
    device.notify('/3/0/9', content('1'));
    await setup.network.run(1000);
    assert.deepEqual(device.ended, ['reset']);
  });

  it('cancel ends it for all of them', async () => {
    await using setup = setUp();
    const { handle, observation } = await observing(setup);
    const again = unwrap(await setup.settle(handle.observe(LEVEL)));
    await observation.cancel();
    assert.equal(again.ended, true);
    assert.deepEqual(handle.observations, []);
  });

  it('can observe again what was cancelled', async () => {
    await using setup = setUp();
    const { handle, observation, device } = await observing(setup);
    await observation.cancel();
    const again = unwrap(await setup.settle(handle.observe(LEVEL)));
    assert.notEqual(again.observationId, observation.observationId);
    const iterator = again[Symbol.asyncIterator]();
    device.notify('/3/0/9', content('77'));
    assert.deepEqual(await take(setup, iterator, 1), [77]);
  });
});

describe('Cancel (OMA TS Core §6.4.4, RFC 7641 §3.6)', () => {
  it('passive: the next notification is answered with Reset', async () => {
    await using setup = setUp();
    const { device, observation, told } = await observing(setup);
    await observation.cancel();
    assert.equal(device.asked.length, 1);
    device.notify('/3/0/9', content('1'));
    await setup.network.run(1000);
    assert.deepEqual(device.ended, ['reset']);
    assert.deepEqual(told, ['observed /3/0/9', 'cancelled /3/0/9']);
  });

  it('active: the client is asked with Observe: 1 on the same path', async () => {
    await using setup = setUp();
    const { device, handle, told } = await observing(setup);
    assert.equal(await setup.settle(handle.cancelObservation(LEVEL, 'active')), true);
    assert.equal(device.asked[1]!.observe, 'deregister');
    assert.equal(device.asked[1]!.path, '/3/0/9');
    assert.deepEqual(device.ended, ['cancelled']);
    assert.deepEqual(told, ['observed /3/0/9', 'cancelled /3/0/9']);
    assert.equal(await handle.cancelObservation(LEVEL), false);
  });
});

describe('the end of an observation', () => {
  it('comes with a notification that is an error (RFC 7641 §4.2)', async () => {
    await using setup = setUp();
    const { device, observation, told } = await observing(setup);
    device.notify('/3/0/9', reply(Codes.notFound));
    await setup.network.run(1000);
    assert.equal(observation.ended, true);
    assert.deepEqual(told.slice(1), ['refused /3/0/9']);
  });

  it('comes when the device is removed, and when the server closes', async () => {
    const setup = setUp();
    const first = await observing(setup);
    const next = first.observation[Symbol.asyncIterator]().next();
    setup.server.remove('one');
    assert.deepEqual(await next, { done: true, value: undefined });
    assert.deepEqual(first.told.slice(1), ['registration-ended /3/0/9']);
    first.device.notify('/3/0/9', content('1'));
    await setup.network.run(1000);
    assert.deepEqual(first.device.ended, ['reset']);
    await setup.server.close();
    const other = setUp();
    const second = await observing(other);
    await other.server.close();
    assert.deepEqual(second.told.slice(1), ['server-closed /3/0/9']);
  });
});

describe('an observation is restored until it is cancelled (OMA TS Core §6.4)', () => {
  const anew = async ({ device }: { readonly device: SimulatedDevice }): Promise<void> => {
    device.onRequest = () => observed('55');
    await device.register(['ep=one', 'lt=86400', 'lwm2m=1.1']);
  };

  for (const [what, end] of [
    ['registers anew', async () => undefined],
    ['de-registers and registers again', async (device: SimulatedDevice) => device.deregister()],
    ['expires and registers again', async (_: SimulatedDevice, setup: Setup) => setup.network.run(86_402_000)],
  ] as const)
    it(`when the device ${what}: it is asked again, and the loop goes on`, async () => {
      await using setup = setUp();
      const { device, handle, observation, told } = await observing(setup);
      const iterator = observation[Symbol.asyncIterator]();
      await end(device, setup);
      if (what !== 'registers anew') {
        assert.equal(observation.waiting, true);
        assert.equal(setup.server.device('one'), undefined);
      }
      await anew({ device });
      await setup.network.run(1_000);
      device.notify('/3/0/9', content('54'));
      assert.deepEqual(await take(setup, iterator, 2), [55, 54]);
      assert.deepEqual(told, ['observed /3/0/9', '/3/0/9 is 55', '/3/0/9 is 54']);
      assert.deepEqual([observation.waiting, handle.observations.length], [false, 1]);
    });

  it('one that was cancelled while the device was away is not', async () => {
    await using setup = setUp();
    const { device, observation, told, handle } = await observing(setup);
    await device.deregister();
    assert.equal(await handle.cancelObservation(LEVEL), true);
    assert.equal(observation.ended, true);
    device.asked.length = 0;
    await anew({ device });
    await setup.network.run(1_000);
    assert.deepEqual(device.asked, []);
    assert.deepEqual(told, ['observed /3/0/9', 'cancelled /3/0/9']);
  });

  it('one that gets no answer, or a 5.03, waits for the next Update and is asked for again', async () => {
    await using setup = setUp();
    const { device, observation, told } = await observing(setup);
    device.onRequest = () => undefined;
    await device.register(['ep=one', 'lt=86400', 'lwm2m=1.1']);
    await setup.network.run(120_000);
    assert.deepEqual([observation.waiting, observation.ended], [true, false]);
    device.onRequest = () => reply(Codes.serviceUnavailable);
    await device.update();
    await setup.network.run(1_000);
    assert.equal(observation.waiting, true);
    device.onRequest = () => observed('55');
    await device.update();
    await setup.network.run(1_000);
    assert.equal(observation.waiting, false);
    assert.deepEqual(told, ['observed /3/0/9', '/3/0/9 is 55']);
    const before = device.asked.length;
    await device.update();
    await setup.network.run(1_000);
    assert.equal(device.asked.length, before);
  });

  it('one that the device refuses ends', async () => {
    await using setup = setUp();
    const { device, told } = await observing(setup);
    device.onRequest = () => reply(Codes.notFound);
    await device.register(['ep=one']);
    await setup.network.run(1_000);
    assert.deepEqual(told, ['observed /3/0/9', 'refused /3/0/9']);
  });

  it('of a sleeping device when it is awake, at its new address', async () => {
    await using setup = setUp();
    const { device, told } = await observing(setup);
    const moved = setup.device();
    moved.onRequest = () => observed('55');
    await moved.register(['ep=one', 'lt=86400', 'lwm2m=1.1', 'Q']);
    await setup.network.run(1_000);
    assert.deepEqual(told, ['observed /3/0/9', '/3/0/9 is 55']);
    await setup.network.run(100_000);
    assert.equal(setup.server.device('one')!.awake, false);
    device.notify('/3/0/9', content('1'));
    await setup.network.run(1_000);
    assert.deepEqual(device.ended, ['reset']);
  });

  it('for as many devices as there is room for; the one gone longest loses its own', async () => {
    await using setup = setUp({ parameters: { maxWaitingDevices: 1 } });
    const { device, told } = await observing(setup);
    const other = setup.device();
    await other.register(['ep=two', 'lwm2m=1.1']);
    other.onRequest = () => observed('7');
    unwrap(await setup.settle(setup.server.device('two')!.observe(LEVEL)));
    await device.deregister();
    await other.deregister();
    assert.deepEqual(told.slice(1), ['observed /3/0/9', 'registration-ended /3/0/9']);
    device.asked.length = 0;
    await anew({ device });
    await setup.network.run(1_000);
    assert.deepEqual(device.asked, []);
  });
});

describe('a client that moves to another address', () => {
  it('is asked to observe anew, and the observation goes on', async () => {
    await using setup = setUp();
    const { device, observation, told } = await observing(setup);
    const iterator = observation[Symbol.asyncIterator]();
    const moved = setup.device();
    moved.registrationId = device.registrationId;
    moved.onRequest = () => observed('55');
    await moved.update();
    await setup.network.run(1000);
    moved.notify('/3/0/9', content('54'));
    assert.deepEqual(await take(setup, iterator, 2), [55, 54]);
    assert.deepEqual(told, ['observed /3/0/9', '/3/0/9 is 55', '/3/0/9 is 54']);
    device.notify('/3/0/9', content('1'));
    await setup.network.run(1000);
    assert.deepEqual(device.ended, ['reset']);
  });

  it('that moves again before it has answered is observed where it is now, whatever the first address does', async () => {
    await using setup = setUp();
    const { device, handle, told } = await observing(setup);
    const silent = setup.device();
    silent.registrationId = device.registrationId;
    silent.onRequest = () => undefined;
    await silent.update();
    const moved = setup.device();
    moved.registrationId = device.registrationId;
    moved.onRequest = () => observed('55');
    await moved.update();
    // Long enough for the request to the address in between to be given up.
    await setup.network.run(300_000);
    assert.deepEqual(told, ['observed /3/0/9', '/3/0/9 is 55']);
    moved.notify('/3/0/9', content('54'));
    await setup.network.run(1000);
    assert.deepEqual(told.slice(2), ['/3/0/9 is 54']);
    assert.equal(handle.observations.length, 1);
  });

  it('a late answer from an address it has left is let go, and what it still sends is answered with Reset', async () => {
    await using setup = setUp();
    const { device, told } = await observing(setup);
    const late = setup.device();
    late.registrationId = device.registrationId;
    let answersLater: (() => void) | undefined;
    const { driver } = late;
    const relations: ObserveRelation[] = [];
    const answer = driver.onEvent;
    driver.onEvent = (event, now): void => {
      if (event.kind !== 'request') return answer(event, now);
      const { request } = event;
      answersLater = () => {
        const relation = driver.turn((at, out) => driver.endpoint.respond(at, request, observed('1'), out));
        if (relation !== undefined) relations.push(relation);
      };
    };
    await late.update();
    const moved = setup.device();
    moved.registrationId = device.registrationId;
    moved.onRequest = () => observed('55');
    await moved.update();
    await setup.network.run(1000);
    answersLater!();
    await setup.network.run(1000);
    driver.turn((now, out) => driver.endpoint.notify(now, relations[0]!, content('2'), out));
    moved.notify('/3/0/9', content('54'));
    await setup.network.run(1000);
    assert.deepEqual(told, ['observed /3/0/9', '/3/0/9 is 55', '/3/0/9 is 54']);
    assert.deepEqual(late.ended, ['reset']);
  });

  it('ends the observation when it refuses', async () => {
    await using setup = setUp();
    const { device, told } = await observing(setup);
    const moved = setup.device();
    moved.registrationId = device.registrationId;
    moved.onRequest = () => reply(Codes.notFound);
    await moved.update();
    await setup.network.run(1000);
    assert.deepEqual(told.slice(1), ['refused /3/0/9']);
  });
});

describe('a loop over notifications', () => {
  it('ends when it is left, which cancels', async () => {
    await using setup = setUp();
    const { device, observation } = await observing(setup);
    const seen: unknown[] = [];
    const loop = (async (): Promise<void> => {
      for await (const notification of observation) {
        seen.push(level(notification));
        if (seen.length === 2) break;
      }
    })();
    for (const value of ['1', '2', '3']) {
      device.notify('/3/0/9', content(value));
      await setup.network.run(500);
    }
    await loop;
    assert.deepEqual(seen, [1, 2]);
    assert.equal(observation.ended, true);
  });

  it('begins with the latest notification that came before it', async () => {
    await using setup = setUp();
    const { device, observation } = await observing(setup);
    for (const value of ['1', '2', '3']) {
      device.notify('/3/0/9', content(value));
      await setup.network.run(500);
    }
    const iterator = observation[Symbol.asyncIterator]();
    device.notify('/3/0/9', content('4'));
    assert.deepEqual(await take(setup, iterator, 2), [3, 4]);
  });

  it('that is too slow loses the oldest notifications, counted, and holds no more than its buffer', async () => {
    await using setup = setUp({ parameters: { notificationBuffer: 4 } });
    const { device, observation } = await observing(setup);
    const iterator = observation[Symbol.asyncIterator]();
    for (let value = 1; value <= 10; value++) {
      device.notify('/3/0/9', content(String(value)));
      await setup.network.run(500);
    }
    assert.equal(observation.missed, 6);
    assert.deepEqual(await take(setup, iterator, 4), [7, 8, 9, 10]);
  });

  it('an observation of an Object Instance brings all of its Resources', async () => {
    await using setup = setUp();
    const { device, handle } = await observing(setup);
    const payload = Uint8Array.of(0xc1, 0x09, 0x37, 0xc3, 0x0f, 0x55, 0x54, 0x43);
    device.onRequest = () => reply(Codes.content, payload, { contentFormat: 11542 }, true);
    const { initial } = unwrap(await setup.settle(handle.observe(objectInstancePath(3, 0))));
    assert.deepEqual(initial.entries, [
      { kind: 'value', path: LEVEL, value: { type: 'integer', value: 0x37 } },
      { kind: 'value', path: resourcePath(3, 0, 15), value: stringValue('UTC') },
    ]);
  });
});
