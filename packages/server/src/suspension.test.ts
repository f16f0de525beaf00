/** What is kept over a planned stop for devices that sleep or are not registered at that moment. */
import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { describe, it } from 'node:test';
import { Codes, OperationFailed, type Code } from '@lapwing/coap';
import { formatPath, objectInstancePath, objectPath, resourcePath, stringValue, type NodeEntry } from '@lapwing/lwm2m';
import type { SimulatedNetwork } from '@lapwing/testkit';
import { setUp, type Setup } from '../test/setup.ts';
import { reply, type Asked, type Reply, type SimulatedDevice } from '../test/simulated-device.ts';
import type { Device, ServerEvents } from './api.ts';
import { unwrap } from './outcome.ts';
import type { Resumption } from './snapshot.ts';

const KEY = createSecretKey(new Uint8Array(32).fill(7));
const SLEEPER = ['ep=one', 'lt=86400', 'lwm2m=1.1', 'Q'];
const AWAKE = 93_000;
const path = (resource: number): ReturnType<typeof resourcePath> => resourcePath(3, 0, resource);
const timezone: NodeEntry = { kind: 'value', path: path(15), value: stringValue('Europe/Berlin') };

/** Observes what can be read, and does what it is told. */
const willing = ({ code, path: at, observe }: Asked): Reply => {
  switch (code) {
    case Codes.get:
      return at === '/3'
        ? reply(Codes.content, '</3>,</3/0>', { contentFormat: 40 })
        : reply(Codes.content, '87', { contentFormat: 0 }, observe === 'register');
    case Codes.post:
      return at === '/3303' ? reply(Codes.created, '', { locationPath: ['3303', '4'] }) : reply(Codes.changed);
    case Codes.delete:
      return reply(Codes.deleted);
    default:
      return reply(Codes.changed);
  }
};

async function asleep(setup: Setup, queries = SLEEPER): Promise<{ device: SimulatedDevice; handle: Device }> {
  const device = setup.device();
  device.onRequest = willing;
  await device.register(queries);
  await setup.network.run(AWAKE + 1_000);
  device.asked.length = 0;
  return { device, handle: setup.server.device('one')! };
}

const failsWith =
  (code: string, text = /./) =>
  (error: unknown): boolean =>
    error instanceof OperationFailed && error.code === code && text.test(error.message) && !error.retryable;

/** Stop the server, let it be away, and start another one in its place. */
async function restart(
  { network, server }: Setup,
  options: Omit<Parameters<typeof setUp>[0] & object, 'network'> & { readonly away?: number } = {},
): Promise<Setup & { readonly resumption: Extract<Resumption, { kind: 'resumed' }>; readonly completed: Completed[] }> {
  const { away = 5_000, ...serverOptions } = options;
  const bytes = await server.suspend(KEY);
  assert.equal(server.usage.requestDeadlines, 0);
  await network.run(away);
  const next = setUp({ network: network, ...serverOptions });
  const completed: Completed[] = [];
  next.server.on('operationCompleted', (...event) => completed.push(event));
  const resumption = await next.server.resume({ bytes, key: KEY });
  assert.ok(resumption.kind === 'resumed');
  return { ...next, resumption, completed, [Symbol.asyncDispose]: () => next.server.close() };
}

type Completed = ServerEvents['operationCompleted'];
const told = (completed: readonly Completed[]): readonly string[] =>
  completed.map(([{ endpointClientName }, { operationId, operation, paths }, outcome]) => {
    const end =
      outcome.kind === 'failed' ? outcome.error.code : outcome.answer.ok ? outcome.answer.code : outcome.answer.reason;
    return `${endpointClientName} ${operationId} ${operation} ${paths.map(formatPath).join()}: ${typeof end === 'number' ? codeText(end) : end}`;
  });
const codeText = (code: Code): string => `${code >> 5}.${String(code & 31).padStart(2, '0')}`;
const pending = (handle: Device): readonly string[] =>
  handle.pendingOperations.map(({ operationId, operation, state }) => `${operationId} ${state} ${operation}`);

async function nothingLeft({ server, network }: Setup, device: SimulatedDevice): Promise<void> {
  await device.deregister();
  await network.run(200_000);
  assert.deepEqual(server.usage, {
    registrations: 0,
    lifetimes: 0,
    awake: 0,
    requestDeadlines: 0,
    objectLists: 0,
    offers: 0,
  });
}

describe('requests that wait for a sleeping device when the server is stopped', () => {
  it('of every kind reject with SUSPENDED, go out in order when it wakes after the start, and their outcome is told', async () => {
    const before = setUp();
    const { device, handle } = await asleep(before);
    const calls: readonly Promise<unknown>[] = [
      handle.read(path(9)),
      handle.write(path(15), [timezone]),
      handle.execute(path(4), "0='now'"),
      handle.create(objectPath(3303), []),
      handle.delete(objectInstancePath(3303, 1)),
      handle.discover(objectPath(3)),
      handle.writeAttributes(path(9), { pmin: 5, gt: null }),
      handle.readComposite([path(9), path(0)]),
      handle.writeComposite([timezone]),
      handle.observe(path(9)),
    ];
    const rejected = calls.map((call, index) =>
      assert.rejects(call, failsWith('SUSPENDED', new RegExp(`operation ${index + 1} is kept`))),
    );
    const { createdAt } = handle.pendingOperations[0]!;
    const listed = pending(handle);
    const next = await restart(before);
    await Promise.all(rejected);
    await using _ = next;
    assert.deepEqual([next.resumption.operations, next.resumption.ended], [10, []]);
    const again = next.server.device('one')!;
    assert.deepEqual(pending(again), listed);
    assert.equal(again.pendingOperations[0]!.createdAt, createdAt);
    assert.equal(device.asked.length, 0);
    const observed: string[] = [];
    next.server.on('observed', (observation) => observed.push(formatPath(observation.path)));

    await device.update();
    await next.network.run(5_000);
    assert.deepEqual(
      device.asked.map(({ code, path: at, queries, observe }) => [code, [at, ...queries].join('?'), observe]),
      [
        [Codes.get, '/3/0/9', undefined],
        [Codes.put, '/3/0/15', undefined],
        [Codes.post, '/3/0/4', undefined],
        [Codes.post, '/3303', undefined],
        [Codes.delete, '/3303/1', undefined],
        [Codes.get, '/3', undefined],
        [Codes.put, '/3/0/9?pmin=5?gt', undefined],
        [Codes.fetch, '/', undefined],
        [Codes.ipatch, '/', undefined],
        [Codes.get, '/3/0/9', 'register'],
      ],
    );
    assert.equal(new TextDecoder().decode(device.asked[2]!.payload), "0='now'");
    assert.deepEqual(told(next.completed), [
      'one 1 read /3/0/9: 2.05',
      'one 2 write /3/0/15: 2.04',
      'one 3 execute /3/0/4: 2.04',
      'one 4 create /3303: 2.01',
      'one 5 delete /3303/1: 2.02',
      'one 6 discover /3: 2.05',
      'one 7 writeAttributes /3/0/9: 2.04',
      'one 8 readComposite /3/0/9,/3/0/0: BAD_RESPONSE',
      'one 9 writeComposite /3/0/15: 2.04',
      'one 10 observe /3/0/9: 2.05',
    ]);
    const results = next.completed.map(([, , outcome]) =>
      outcome.kind === 'answered' && outcome.answer.ok ? outcome.answer.value : undefined,
    );
    const [entry] = results[0]!.content!.entries;
    assert.equal(entry?.kind === 'value' && entry.value.value, 87);
    assert.deepEqual(results[3]!.created, objectInstancePath(3303, 4));
    assert.deepEqual(
      results[5]!.nodes!.map((node) => formatPath(node.path)),
      ['/3', '/3/0'],
    );
    assert.deepEqual(observed, ['/3/0/9']);
    assert.deepEqual(
      again.observations.map((observation) => formatPath(observation.path)),
      ['/3/0/9'],
    );
    // Ids go on where they were.
    const later = again.read(path(1));
    assert.equal(again.pendingOperations[0]?.operationId, '11');
    unwrap(await next.settle(later));
    await nothingLeft(next, device);
  });

  it('bring what a composite brought, and the second format when the device refuses the first', async () => {
    const before = setUp();
    const { device, handle } = await asleep(before);
    const formats: (number | undefined)[] = [];
    device.onRequest = ({ code, contentFormat }) => {
      formats.push(contentFormat);
      if (contentFormat === 11542 || contentFormat === 112) return reply(Codes.unsupportedContentFormat);
      return code === Codes.fetch
        ? reply(Codes.content, '[{"n":"/3/0/9","v":87}]', { contentFormat: 110 })
        : reply(Codes.changed);
    };
    const calls = [handle.readComposite([path(9)]), handle.write(path(15), [timezone])];
    const rejected = calls.map((call) => assert.rejects(call, failsWith('SUSPENDED')));
    const next = await restart(before);
    await using _ = next;
    await Promise.all(rejected);
    await device.update();
    await next.network.run(5_000);
    assert.deepEqual(told(next.completed), ['one 1 readComposite /3/0/9: 2.05', 'one 2 write /3/0/15: 2.04']);
    assert.deepEqual(formats, [112, 11542, 110, 0]);
    const outcome = next.completed[0]![2];
    assert.equal(outcome.kind === 'answered' && outcome.answer.ok && outcome.answer.value.content?.entries.length, 1);
    await nothingLeft(next, device);
  });

  it('keep the order they were put in, can be put in another one and be given up, and outlive a second stop', async () => {
    const before = setUp();
    const { device, handle } = await asleep(before);
    const rejected = [0, 1, 2, 3].map((resource) =>
      assert.rejects(handle.read(path(resource)), failsWith('SUSPENDED')),
    );
    handle.reorderPendingOperations(['3', '1']);
    const second = await restart(before);
    await Promise.all(rejected);
    const there = second.server.device('one')!;
    assert.deepEqual(pending(there), ['3 waiting read', '1 waiting read', '2 waiting read', '4 waiting read']);
    there.reorderPendingOperations(['4']);
    assert.equal(there.cancelPendingOperation('2'), true);
    await second.network.run(100);
    assert.deepEqual(told(second.completed), ['one 2 read /3/0/1: CANCELLED']);
    const third = await restart(second);
    await using _ = third;
    assert.equal(second.completed.length, 1, 'what is kept once more is not over');
    await device.register(SLEEPER);
    await third.network.run(5_000);
    assert.deepEqual(
      device.asked.map((asked) => asked.path),
      ['/3/0/3', '/3/0/2', '/3/0/0'],
    );
    assert.equal(third.completed.length, 3);
    assert.equal(third.completed[0]![0].registrationId, device.registrationId);
    await nothingLeft(third, device);
  });

  it('wait no longer than their callers would have: over meanwhile, or after the start', async () => {
    const before = setUp();
    const { device, handle } = await asleep(before);
    const rejected = [3_000, 10_000, 20_000].map((timeout, resource) =>
      assert.rejects(handle.read(path(resource), { timeout }), failsWith('SUSPENDED')),
    );
    const expiresAt = handle.pendingOperations[1]!.expiresAt;
    const next = await restart(before, { away: 5_000 });
    await using _ = next;
    await Promise.all(rejected);
    assert.deepEqual(told(next.resumption.ended), ['one 1 read /3/0/0: TIMEOUT']);
    assert.deepEqual(next.completed, [], 'told once');
    const again = next.server.device('one')!;
    assert.equal(again.pendingOperations[0]!.expiresAt, expiresAt);
    await next.network.run(5_500);
    assert.deepEqual(told(next.completed), ['one 2 read /3/0/1: TIMEOUT']);
    await device.update();
    await next.network.run(5_000);
    assert.deepEqual(told(next.completed).at(-1), 'one 3 read /3/0/2: 2.05');
    await nothingLeft(next, device);
  });

  it('are over with their registration: expired meanwhile, de-registered later, or the device is removed', async () => {
    for (const [what, lifetime, away, end] of [
      ['expired', 200, 300_000, async () => {}],
      ['de-registered', 86_400, 5_000, async (device) => void (await device.deregister())],
      ['removed', 86_400, 5_000, async (_device, { server }) => void server.remove('one')],
    ] as readonly [string, number, number, (device: SimulatedDevice, next: Setup) => Promise<void>][]) {
      const before = setUp();
      const { device, handle } = await asleep(before, ['ep=one', `lt=${lifetime}`, 'lwm2m=1.1', 'Q']);
      const rejected = assert.rejects(handle.read(path(1)), failsWith('SUSPENDED'));
      const next = await restart(before, { away });
      await using _ = next;
      await rejected;
      await end(device, next);
      await next.network.run(1_000);
      const ended = [...next.resumption.ended, ...next.completed];
      assert.deepEqual(told(ended), ['one 1 read /3/0/1: NOT_REGISTERED'], what);
      assert.equal(ended[0]![0].registrationId, device.registrationId);
      assert.equal(next.server.registrationCount, 0);
      assert.deepEqual(device.asked, []);
      assert.equal(next.server.usage.requestDeadlines, 0);
    }
  });

  it('beyond the bound of the new server are refused, and no id is given twice to a server that has given some', async () => {
    const before = setUp();
    const { handle } = await asleep(before);
    const rejected = [0, 1, 2].map((resource) => assert.rejects(handle.read(path(resource)), failsWith('SUSPENDED')));
    const bytes = await before.server.suspend(KEY);
    await Promise.all(rejected);
    const next = setUp({ network: before.network, parameters: { maxHeldRequests: 2 } });
    await using _ = next;
    const other = next.device('10.0.9.9');
    other.onRequest = willing;
    await other.register(['ep=other', 'lwm2m=1.1']);
    unwrap(await next.settle(next.server.device('other')!.read(path(9))));
    const resumption = await next.server.resume({ bytes, key: KEY });
    assert.ok(resumption.kind === 'resumed');
    assert.deepEqual(told(resumption.ended), ['one 4 read /3/0/2: QUEUE_FULL']);
    assert.deepEqual(pending(next.server.device('one')!), ['2 waiting read', '3 waiting read']);
  });

  it('that were sent, have progress to report, or say so are not kept, and nothing is sent while the server stops', async () => {
    const before = setUp();
    const { device, handle } = await asleep(before);
    device.onRequest = () => undefined;
    const closed = [
      handle.read(path(1)),
      handle.write(path(15), [timezone], { onProgress: () => {} }),
      handle.execute(path(4), '', { keepOverStop: false }),
    ].map((call) => assert.rejects(call, failsWith('CLOSED')));
    const kept = assert.rejects(handle.read(path(2)), failsWith('SUSPENDED'));
    await device.update();
    await before.network.run(1_000);
    const next = await restart(before);
    await using _ = next;
    await Promise.all([...closed, kept]);
    await next.network.run(60_000);
    assert.deepEqual(
      device.asked.map((asked) => asked.path),
      ['/3/0/1'],
    );
    assert.deepEqual(pending(next.server.device('one')!), ['4 waiting read']);
  });

  it('reject with CLOSED when the server is closed for good, and none of them is sent while it closes', async () => {
    const setup = setUp();
    const { device, handle } = await asleep(setup);
    device.onRequest = () => undefined;
    const calls = [1, 2, 3].map((resource) => assert.rejects(handle.read(path(resource)), failsWith('CLOSED')));
    handle.reorderPendingOperations(['3']);
    await device.update();
    await setup.network.run(1_000);
    await setup.server.close();
    await Promise.all(calls);
    await setup.network.run(1_000);
    assert.deepEqual(
      device.asked.map((asked) => asked.path),
      ['/3/0/3'],
    );
  });
});

describe('stops and starts at any moment', () => {
  for (const seed of [1, 2, 3, 4, 5, 6])
    it(`every operation is over once, is done by the device at most once, and nothing is left (seed ${seed})`, async () => {
      let current: Setup = setUp({ network: { seed, loss: 0.1, duplication: 0.1 } });
      const { network } = current;
      const device = current.device('10.0.9.9');
      const done: string[] = [];
      device.onRequest = ({ payload }) => {
        done.push(new TextDecoder().decode(payload));
        return reply(Codes.changed);
      };
      const draw = randomOf(seed);
      const fates = new Map<string, string[]>();
      const fate = (operation: string, what: string): void => void fates.get(operation)!.push(what);
      const completed = ([, { operationId }, { kind }]: Completed): void => fate(argumentOf.get(operationId)!, kind);
      /** By operation id, which is one name over all servers. */
      const argumentOf = new Map<string, string>();
      while (current.server.registrationCount === 0) await device.register(SLEEPER).catch(() => undefined);
      for (let step = 0; step < 60; step++) {
        const choice = draw(10);
        const handle = current.server.device('one')!;
        if (choice < 5) {
          const argument = `0='${step}'`;
          fates.set(argument, []);
          const known = new Set(handle.pendingOperations.map(({ operationId }) => operationId));
          handle.execute(path(4), argument, draw(4) === 0 ? { timeout: 400_000 } : {}).then(
            () => fate(argument, 'answered'),
            (error: unknown) => {
              if (!(error instanceof OperationFailed && error.code === 'SUSPENDED')) fate(argument, 'failed');
            },
          );
          for (const { operationId } of handle.pendingOperations)
            if (!known.has(operationId)) argumentOf.set(operationId, argument);
        } else if (choice < 7) {
          await device.update().catch(() => undefined);
        } else if (choice < 9) {
          await network.run(draw(150_000));
        } else {
          const next = await restart(current, { away: draw(20_000) });
          next.resumption.ended.forEach(completed);
          next.server.on('operationCompleted', (...event) => completed(event));
          current = next;
        }
      }
      for (let round = 0; round < 100 && current.server.device('one')!.pendingOperations.length > 0; round++) {
        await device.update().catch(() => undefined);
        await network.run(100_000);
      }
      assert.equal(current.server.device('one')!.pendingOperations.length, 0, 'liveness');
      for (const [operation, what] of fates) assert.equal(what.length, 1, `${operation}: ${what.join()}`);
      assert.equal(new Set(done).size, done.length, 'no operation is done twice');
      assert.ok([...fates.values()].filter(([what]) => what === 'answered').length > 10);
      await device.deregister();
      await network.run(200_000);
      const { registrations, awake, requestDeadlines } = current.server.usage;
      assert.deepEqual([registrations, awake, requestDeadlines], [0, 0, 0]);
      await current.server.close();
    });
});

/** Integers below the bound. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('observations of a device that is not registered when the server is stopped', () => {
  const observing = async (setup: Setup, queries: readonly string[]): Promise<SimulatedDevice> => {
    const device = setup.device();
    device.onRequest = willing;
    await device.register(queries);
    unwrap(await setup.settle(setup.server.device('one')!.observe(path(9))));
    device.asked.length = 0;
    return device;
  };
  const seen = ({ server }: Setup): string[] => {
    const events: string[] = [];
    server.on('notified', (observation) => events.push(`notified ${formatPath(observation.path)}`));
    server.on('observationEnded', (_, reason) => events.push(reason));
    return events;
  };
  const registerAgain = async (next: Setup, device: SimulatedDevice): Promise<readonly string[]> => {
    const events = seen(next);
    await device.register(['ep=one', 'lt=300', 'lwm2m=1.1']);
    await next.network.run(1_000);
    assert.deepEqual(
      device.asked.map(({ path: at, observe }) => [at, observe]),
      [['/3/0/9', 'register']],
    );
    device.notify('/3/0/9', reply(Codes.content, '88', { contentFormat: 0 }));
    await next.network.run(1_000);
    return events;
  };

  for (const [what, leave] of [
    ['it had de-registered', async (device: SimulatedDevice) => void (await device.deregister())],
    ['its lifetime was over', (_: SimulatedDevice, network: SimulatedNetwork) => network.run(400_000)],
  ] as const)
    it(`are restored when it registers again, over two stops (${what})`, async () => {
      const before = setUp();
      const device = await observing(before, ['ep=one', 'lt=300', 'lwm2m=1.1']);
      await leave(device, before.network);
      assert.equal(before.server.registrationCount, 0);
      const second = await restart(before);
      assert.deepEqual([second.resumption.registrations, second.resumption.observations], [0, 1]);
      assert.equal(second.server.usage.objectLists, 0);
      const third = await restart(second);
      await using _ = third;
      assert.deepEqual(await registerAgain(third, device), ['notified /3/0/9', 'notified /3/0/9']);
      const [observation] = third.server.device('one')!.observations;
      assert.equal(observation?.waiting, false);
      await device.deregister();
      assert.equal(third.server.usage.objectLists, 0);
    });

  it('are restored when its registration ends while the server is away', async () => {
    const before = setUp();
    const device = await observing(before, ['ep=one', 'lt=300', 'lwm2m=1.1']);
    const next = await restart(before, { away: 400_000 });
    await using _ = next;
    assert.deepEqual([next.resumption.registrations, next.resumption.observations], [0, 1]);
    assert.deepEqual(await registerAgain(next, device), ['notified /3/0/9', 'notified /3/0/9']);
  });

  it('of one that is asked anew at that moment are kept as observations, not as operations', async () => {
    const before = setUp();
    const queries = ['ep=one', 'lt=300', 'lwm2m=1.1', 'Q'];
    const device = await observing(before, queries);
    unwrap(await before.settle(before.server.device('one')!.observe(path(0))));
    device.onRequest = () => undefined;
    await device.register(queries);
    assert.deepEqual(pending(before.server.device('one')!), ['3 sent observe', '4 waiting observe']);
    const next = await restart(before);
    await using _ = next;
    assert.deepEqual([next.resumption.observations, next.resumption.operations], [2, 0]);
    device.onRequest = willing;
    device.asked.length = 0;
    await device.update();
    await next.network.run(1_000);
    assert.deepEqual(
      device.asked.map((asked) => asked.path),
      ['/3/0/9', '/3/0/0'],
    );
  });

  it('are not when they were cancelled or the device was removed, and are bounded in the new server too', async () => {
    const before = setUp();
    const device = await observing(before, ['ep=one', 'lt=300', 'lwm2m=1.1']);
    const other = before.device();
    other.onRequest = willing;
    await other.register(['ep=two', 'lt=300', 'lwm2m=1.1']);
    unwrap(await before.settle(before.server.device('two')!.observe(path(9))));
    const third = before.device();
    third.onRequest = willing;
    await third.register(['ep=three', 'lt=300', 'lwm2m=1.1']);
    unwrap(await before.settle(before.server.device('three')!.observe(path(9))));
    before.server.remove('three');
    await device.deregister();
    await other.deregister();
    const bytes = await before.server.suspend(KEY);
    const next = setUp({ network: before.network, parameters: { maxWaitingDevices: 1 } });
    await using _ = next;
    const events = seen(next);
    await next.server.resume({ bytes, key: KEY });
    assert.deepEqual(events, ['registration-ended'], 'of the one gone longest');
    for (const [each, name] of [
      [device, 'one'],
      [other, 'two'],
      [third, 'three'],
    ] as const) {
      each.asked.length = 0;
      await each.register([`ep=${name}`, 'lt=300', 'lwm2m=1.1']);
      await next.network.run(1_000);
      assert.equal(each.asked.length, name === 'two' ? 1 : 0, name);
    }
  });
});
