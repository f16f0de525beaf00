/** Queue mode on virtual time. OMA TS Core §6.5: when a device is awake, and what happens to requests when it is not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Codes, OperationFailed, UsageError } from '@lapwing/coap';
import { encodePayload, integerValue, isMalformed, ObjectDefinitions, resourcePath, ROOT } from '@lapwing/lwm2m';
import { setUp, type Setup } from '../test/setup.ts';
import { reply, type SimulatedDevice } from '../test/simulated-device.ts';
import type { Device } from './api.ts';
import { unwrap } from './outcome.ts';

const QUEUE = ['ep=one', 'lt=86400', 'lwm2m=1.1', 'b=U', 'Q'];
const AWAKE = 93_000;
const value = (): ReturnType<typeof reply> => reply(Codes.content, '87', { contentFormat: 0 });
const path = (resource: number): ReturnType<typeof resourcePath> => resourcePath(3, 0, resource);
const failsWith =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof OperationFailed && error.code === code;

interface Scene {
  readonly device: SimulatedDevice;
  readonly handle: Device;
  /** What the server told: awake, asleep. */
  readonly told: string[];
}

async function registered(setup: Setup, queries: readonly string[] = QUEUE): Promise<Scene> {
  const told: string[] = [];
  setup.server.on('awake', () => told.push('awake'));
  setup.server.on('asleep', () => told.push('asleep'));
  const device = setup.device();
  device.onRequest = value;
  await device.register(queries);
  return { device, handle: setup.server.device('one')!, told };
}

async function asleep(setup: Setup, queries?: readonly string[]): Promise<Scene> {
  const scene = await registered(setup, queries);
  await setup.network.run(AWAKE + 1_000);
  assert.equal(scene.handle.awake, false);
  scene.told.length = 0;
  return scene;
}

const waiting = (handle: Device): readonly string[] =>
  handle.pendingOperations.map(({ operation, paths, state }) => {
    const [at] = paths;
    return `${state} ${operation} ${at?.kind === 'resource' ? at.resourceId : '?'}`;
  });
const paths = ({ asked }: SimulatedDevice): readonly string[] => asked.map((each) => each.path);

describe('a device in queue mode (OMA TS Core §6.5)', () => {
  it('is awake for MAX_TRANSMIT_WAIT after its Register, and asleep then', async () => {
    await using setup = setUp();
    const { handle, told } = await registered(setup);
    assert.equal(handle.awake, true);
    await setup.network.run(AWAKE - 1_000);
    assert.equal(handle.awake, true);
    assert.deepEqual(told, ['awake']);
    await setup.network.run(2_000);
    assert.equal(handle.awake, false);
    assert.deepEqual(told, ['awake', 'asleep']);
    assert.equal(setup.server.usage.awake, 0);
  });

  it('that answers stays awake from its answer on', async () => {
    await using setup = setUp();
    const { handle } = await registered(setup);
    await setup.network.run(60_000);
    unwrap(await setup.settle(handle.read(path(9))));
    await setup.network.run(60_000);
    assert.equal(handle.awake, true);
    await setup.network.run(40_000);
    assert.equal(handle.awake, false);
  });

  for (const [what, queries] of [
    ['of 1.0 says so with UQ', ['ep=one', 'b=UQ']],
    ['of 1.1 says so with Q', QUEUE],
    ['of 1.2 says so with Q', ['ep=one', 'lt=300', 'lwm2m=1.2', 'Q']],
  ] as const)
    it(`${what}: nothing is sent while it sleeps`, async () => {
      await using setup = setUp();
      const { device, handle } = await asleep(setup, queries);
      const read = handle.read(path(9));
      await setup.network.run(60_000);
      assert.deepEqual(device.asked, []);
      await device.update();
      assert.equal(unwrap(await setup.settle(read)).entries.length, 1);
    });

  it('one without queue mode is always awake, and is asked at once', async () => {
    await using setup = setUp();
    const { device, handle, told } = await registered(setup, ['ep=one', 'lt=86400', 'lwm2m=1.1']);
    await setup.network.run(2 * AWAKE);
    unwrap(await setup.settle(handle.read(path(9))));
    assert.deepEqual([handle.awake, device.asked.length, told], [true, 1, []]);
  });
});

describe('requests for a sleeping device', () => {
  it('go out in order and one at a time when it wakes', async () => {
    await using setup = setUp();
    const { device, handle } = await asleep(setup);
    const reads = [1, 2, 3].map((resource) => handle.read(path(resource)));
    assert.deepEqual(waiting(handle), ['waiting read 1', 'waiting read 2', 'waiting read 3']);
    device.onRequest = () => undefined;
    await device.update();
    await setup.network.run(1_000);
    assert.deepEqual(paths(device), ['/3/0/1']);
    assert.deepEqual(waiting(handle), ['sent read 1', 'waiting read 2', 'waiting read 3']);
    reads.push(handle.read(path(0)));
    assert.equal(waiting(handle).at(-1), 'waiting read 0');
    await setup.server.close();
    for (const read of reads) await assert.rejects(read, failsWith('CLOSED'));
  });

  for (const [what, wake] of [
    ['an Update', ({ device }: Scene) => device.update()],
    ['a Register in place of the registration', ({ device }: Scene) => device.register(QUEUE)],
    [
      'a Send',
      ({ device }: Scene) => {
        const entry = { kind: 'value', path: path(9), value: integerValue(5) } as const;
        const payload = encodePayload(112, [entry], { path: ROOT, definitions: new ObjectDefinitions() });
        assert.ok(!isMalformed(payload));
        return device.ask(Codes.post, '/dp', { contentFormat: 112 }, payload);
      },
    ],
    [
      'a notification',
      async ({ device }: Scene) => {
        device.notify('/3/0/9', value());
        await Promise.resolve();
      },
    ],
  ] as const)
    it(`all of them go out after ${what}`, async () => {
      await using setup = setUp();
      const scene = await registered(setup);
      const { device, handle, told } = scene;
      device.onRequest = ({ observe }) =>
        observe === 'register' ? reply(Codes.content, '1', { contentFormat: 0 }, true) : value();
      unwrap(await setup.settle(handle.observe(path(9))));
      await setup.network.run(AWAKE + 1_000);
      device.asked.length = 0;
      const reads = [1, 2, 3].map((resource) => handle.read(path(resource)));
      await wake(scene);
      for (const read of reads) assert.equal((await setup.settle(read)).ok, true);
      const asked = device.asked.filter(({ observe }) => observe === undefined);
      assert.deepEqual(
        asked.map((each) => each.path),
        ['/3/0/1', '/3/0/2', '/3/0/3'],
      );
      assert.deepEqual(told, ['awake', 'asleep', 'awake']);
      assert.deepEqual(handle.pendingOperations, []);
    });

  it('wait no longer than their timeout, and what is behind them is not touched', async () => {
    await using setup = setUp();
    const { device, handle } = await asleep(setup);
    const late = handle.read(path(1), { timeout: 5_000 });
    const patient = handle.read(path(2));
    const rejected = assert.rejects(late, failsWith('TIMEOUT'));
    await setup.network.run(4_900);
    assert.equal(handle.pendingOperations.length, 2);
    assert.equal(handle.pendingOperations[0]!.expiresAt, setup.network.unixTime() + 100);
    await setup.network.run(300);
    await rejected;
    assert.deepEqual(waiting(handle), ['waiting read 2']);
    await device.update();
    await setup.settle(patient);
    assert.deepEqual(paths(device), ['/3/0/2']);
    assert.equal(setup.server.usage.requestDeadlines, 0);
  });

  it('can be cancelled, by id and by signal, and put in another order', async () => {
    await using setup = setUp();
    const { device, handle } = await asleep(setup);
    let changes = 0;
    setup.server.on('pendingChanged', () => changes++);
    const abort = new AbortController();
    const reads = [0, 1, 2, 3].map((resource) =>
      handle.read(path(resource), resource === 1 ? { signal: abort.signal } : {}),
    );
    const ids = handle.pendingOperations.map(({ operationId }) => operationId);
    const cancelled = [reads[0]!, reads[1]!].map((read) => assert.rejects(read, failsWith('CANCELLED')));
    assert.equal(handle.cancelPendingOperation(ids[0]!), true);
    assert.equal(handle.cancelPendingOperation(ids[0]!), false);
    abort.abort();
    await Promise.all(cancelled);
    handle.reorderPendingOperations([ids[3]!, ids[0]!]);
    assert.deepEqual(waiting(handle), ['waiting read 3', 'waiting read 2']);
    assert.throws(() => handle.reorderPendingOperations(['1', '1']), UsageError);
    assert.equal(changes, 7);
    await device.update();
    await setup.settle(reads[2]!);
    assert.deepEqual(paths(device), ['/3/0/3', '/3/0/2']);
  });

  it('are bounded per device', async () => {
    await using setup = setUp({ parameters: { maxHeldRequests: 2 } });
    const { handle, device } = await asleep(setup);
    const reads = [1, 2].map((resource) => handle.read(path(resource)));
    await assert.rejects(handle.read(path(3)), failsWith('QUEUE_FULL'));
    assert.equal(handle.pendingOperations.length, 2);
    await device.update();
    for (const read of reads) await setup.settle(read);
  });

  it('one that is not answered rejects with TIMEOUT, and the others wait for the next time it is awake', async () => {
    await using setup = setUp();
    const { device, handle, told } = await asleep(setup);
    device.onRequest = () => undefined;
    const first = handle.read(path(1));
    const second = handle.read(path(2));
    const rejected = assert.rejects(first, failsWith('TIMEOUT'));
    await device.update();
    await setup.network.run(100_000);
    await rejected;
    assert.equal(handle.awake, false);
    assert.deepEqual(paths(device), ['/3/0/1']);
    assert.deepEqual(told, ['awake', 'asleep']);
    device.onRequest = value;
    await device.update();
    assert.equal((await setup.settle(second)).ok, true);
  });

  it('of a caller that waits only a moment say nothing about the device', async () => {
    await using setup = setUp();
    const { device, handle } = await registered(setup);
    device.onRequest = ({ path: at }) => (at === '/3/0/1' ? undefined : value());
    await assert.rejects(setup.settle(handle.read(path(1), { timeout: 3_000 })), failsWith('TIMEOUT'));
    assert.equal(handle.awake, true);
    assert.equal((await setup.settle(handle.read(path(2)))).ok, true);
  });

  it('go to where it is when it wakes at another address', async () => {
    await using setup = setUp();
    const { device, handle } = await asleep(setup);
    const moved = setup.device();
    moved.registrationId = device.registrationId;
    moved.onRequest = value;
    const read = handle.read(path(1));
    await moved.update();
    assert.equal((await setup.settle(read)).ok, true);
    assert.deepEqual([paths(device), paths(moved)], [[], ['/3/0/1']]);
  });

  it('do not wait for one that was sent to where it is no more', async () => {
    await using setup = setUp();
    const { device, handle } = await registered(setup);
    device.onRequest = () => undefined;
    const lost = assert.rejects(handle.read(path(0)), failsWith('TIMEOUT'));
    const next = handle.read(path(1));
    await setup.network.run(1_000);
    const moved = setup.device();
    moved.registrationId = device.registrationId;
    moved.onRequest = value;
    await moved.update();
    await setup.network.run(1_000);
    assert.deepEqual(paths(moved), ['/3/0/1']);
    await setup.settle(next);
    await setup.settle(lost);
  });

  it('wait when one is not answered, though the device was heard meanwhile', async () => {
    await using setup = setUp();
    const { device, handle } = await registered(setup);
    device.onRequest = () => undefined;
    const first = assert.rejects(handle.read(path(0)), failsWith('TIMEOUT'));
    const second = handle.read(path(1));
    await setup.network.run(40_000);
    await device.update();
    await setup.settle(first);
    await setup.network.run(1_000);
    assert.deepEqual([handle.awake, paths(device)], [false, ['/3/0/0']]);
    device.onRequest = value;
    await device.update();
    assert.equal((await setup.settle(second)).ok, true);
  });

  it('go out at once when it leaves queue mode', async () => {
    await using setup = setUp();
    const { device, handle } = await asleep(setup, ['ep=one', 'b=UQ']);
    const reads = [1, 2].map((resource) => handle.read(path(resource)));
    await device.update(['b=U']);
    for (const read of reads) assert.equal((await setup.settle(read)).ok, true);
    assert.deepEqual([handle.awake, handle.pendingOperations.length, setup.server.usage.awake], [true, 0, 0]);
  });

  it('reject with NOT_REGISTERED when the registration ends', async () => {
    await using setup = setUp();
    const { device, handle } = await asleep(setup);
    const reads = [1, 2].map((resource) => assert.rejects(handle.read(path(resource)), failsWith('NOT_REGISTERED')));
    await device.deregister();
    await Promise.all(reads);
    const { awake, requestDeadlines } = setup.server.usage;
    assert.deepEqual([awake, requestDeadlines], [0, 0]);
  });

  for (const seed of [1, 2, 3, 4, 5])
    it(`each is answered once at 30 % loss and duplication (seed ${seed})`, async () => {
      await using setup = setUp({ network: { seed, loss: 0.3, duplication: 0.3 } });
      const device = setup.device();
      device.onRequest = value;
      while (setup.server.device('one') === undefined) await device.register(QUEUE).catch(() => undefined);
      const handle = setup.server.device('one')!;
      let answered = 0;
      let failed = 0;
      for (let round = 0; round < 10; round++) {
        await setup.network.run(AWAKE + 100_000);
        for (let each = 0; each < 10; each++)
          void handle.read(path(each % 4)).then(
            () => answered++,
            () => failed++,
          );
        await device.update().catch(() => undefined);
      }
      for (let more = 0; more < 30 && handle.pendingOperations.length > 0; more++) {
        await device.update().catch(() => undefined);
        await setup.network.run(100_000);
      }
      assert.deepEqual(handle.pendingOperations, []);
      assert.equal(answered + failed, 100);
      assert.ok(answered > 85, `${answered} answered`);
      // A request goes out once; only what was not answered may have been asked in vain.
      assert.ok(device.asked.length >= answered && device.asked.length <= 100, `${device.asked.length} asked`);
    });
});

describe('what sleeping devices cost', () => {
  it('2,000 of them, with and without a request that waits, have neither timers nor windows', async () => {
    await using setup = setUp();
    const { server, network } = setup;
    const device = setup.device();
    device.onRequest = value;
    const count = 2_000;
    for (let each = 0; each < count; each++) await device.register([`ep=d${each}`, 'lt=86400', 'lwm2m=1.1', 'Q']);
    await network.run(AWAKE + 1_000);
    for (let each = 0; each < count; each += 2)
      server
        .device(`d${each}`)!
        .read(path(9))
        .catch(() => undefined);
    const { registrations, awake, requestDeadlines } = server.usage;
    assert.deepEqual([registrations, awake, requestDeadlines, device.asked.length], [count, 0, 0, 0]);
  });
});
