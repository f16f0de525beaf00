/** What is stored for a server (/1/x/6) outlasts the client that stored it. Core §6.4.5. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OptionValues } from '@lapwing/coap';
import {
  LwM2mClient,
  MemoryStateStore,
  temperatureObject,
  type ClientOptions,
  type ClientState,
} from '@lapwing/client';
import { SimulatedNetwork, type SimulatedDriver } from '@lapwing/testkit';
import { RawServer } from './raw-server.ts';

const OBSERVE = { observe: 0, accept: 110 } as OptionValues;
const VALUE = '/3303/0/5700';

/** A device that can be stopped, lose its power, and be started again, as often as a test wants. */
class Device {
  readonly network = new SimulatedNetwork();
  readonly server = new RawServer(this.network);
  readonly store = new MemoryStateStore();
  /** When a state was saved, ms. */
  readonly saves: number[] = [];
  readonly #options: Partial<ClientOptions>;
  #driver: SimulatedDriver | undefined;
  #client: LwM2mClient | undefined;

  constructor(options: Partial<ClientOptions> = {}) {
    this.#options = options;
    const save = this.store.save.bind(this.store);
    this.store.save = (state): void => {
      this.saves.push(this.network.now());
      // As a store on a disk: nothing in it is shared with the client.
      save(JSON.parse(JSON.stringify(state)) as ClientState);
    };
  }

  get client(): LwM2mClient {
    assert.ok(this.#client !== undefined);
    return this.#client;
  }

  async start(options: Partial<ClientOptions> = {}): Promise<void> {
    const state = this.store.load();
    this.#driver = this.network.driver({ host: '10.0.0.2', port: 56830 });
    this.#client = new LwM2mClient(this.#driver, {
      endpointClientName: 'restarting',
      servers: [{ uri: 'coap://10.0.0.1', notificationStoring: true, disableTimeoutSeconds: 3600 }],
      objects: [temperatureObject({ value: 20 })],
      stateStore: this.store,
      ...(state !== undefined && { state }),
      ...this.#options,
      ...options,
    });
    this.#client.register();
    await this.network.run(1000);
  }

  async stop(): Promise<void> {
    const closing = this.client.close();
    await this.network.run(11_000);
    await closing;
  }

  async losePower(): Promise<void> {
    await this.#driver?.close();
  }

  /** One after the other, 10 s apart. */
  async measure(...values: readonly number[]): Promise<void> {
    for (const value of values) {
      this.client.set(VALUE, value);
      await this.network.run(10_000);
    }
  }

  /** What the server is told from now on: values and how many seconds ago they were. */
  async told(ms = 1000): Promise<readonly (readonly (readonly [value: number, secondsAgo: number])[])[]> {
    await this.network.run(ms);
    return this.server.notifications.splice(0).map(({ text }) => {
      let base = 0;
      return (JSON.parse(text) as { bt?: number; t?: number; v: number }[]).map(({ bt, t, v }) => {
        base = bt ?? base;
        return [v, Math.round(this.network.unixTime() / 1000 - base - (t ?? 0))] as const;
      });
    });
  }
}

const valuesOf = (told: readonly (readonly (readonly [number, number])[])[]): readonly (readonly number[])[] =>
  told.map((notification) => notification.map(([value]) => value));

/** Observed, then the account is disabled for an hour. */
async function disabled(options: Partial<ClientOptions> = {}): Promise<Device> {
  const device = new Device(options);
  await device.start();
  await device.server.request(`GET ${VALUE}`, OBSERVE);
  assert.equal((await device.server.request('POST /1/0/4')).code, '2.04');
  await device.network.run(1000);
  return device;
}

describe('notifications stored when the client is stopped', () => {
  it('are told with their times when the server observes the same again after the start, and only then', async () => {
    const device = await disabled();
    await device.measure(21, 22);
    await device.stop();
    assert.equal(device.client.storedValueCount, 0);
    await device.network.run(100_000);
    await device.start();
    assert.equal(device.client.storedValueCount, 2);
    assert.deepEqual(await device.told(), []);
    await device.server.request('GET /3303/0/5701', OBSERVE);
    assert.deepEqual(await device.told(), []);
    await device.server.request(`GET ${VALUE}`, OBSERVE);
    const [first, ...more] = await device.told();
    assert.deepEqual(
      first?.map(([value]) => value),
      [21, 22, 20],
    );
    const [a = 0, b = 0, now] = first?.map(([, ago]) => ago) ?? [];
    assert.equal(a - b, 10);
    assert.ok(b > 100, 'measured before the client was stopped');
    assert.equal(now, 1);
    assert.deepEqual(more, []);
    assert.equal(device.client.storedValueCount, 0);
  });

  it('are not told again after another restart', async () => {
    const device = await disabled();
    await device.measure(21);
    await device.stop();
    await device.start();
    await device.server.request(`GET ${VALUE}`, OBSERVE);
    assert.deepEqual(valuesOf(await device.told()), [[21, 20]]);
    await device.stop();
    await device.start();
    await device.server.request(`GET ${VALUE}`, OBSERVE);
    assert.deepEqual(await device.told(), []);
  });

  it('grow until the server observes again: the next change counts from what was stored last', async () => {
    const device = await disabled();
    await device.measure(21, 22);
    await device.stop();
    await device.start({ objects: [temperatureObject({ value: 22 })] });
    await device.measure(22, 23, 24);
    await device.server.request(`GET ${VALUE}`, OBSERVE);
    assert.deepEqual(valuesOf(await device.told()), [[21, 22, 23, 24, 24]]);
  });

  it('of an observation that nothing was stored for, what changes before the server observes again is stored', async () => {
    const device = new Device();
    await device.start();
    await device.server.request(`GET ${VALUE}`, OBSERVE);
    await device.stop();
    await device.start();
    await device.measure(30);
    await device.server.request(`GET ${VALUE}`, OBSERVE);
    assert.deepEqual(valuesOf(await device.told()), [[30, 30]]);
  });

  it('of a client that was offline', async () => {
    const device = new Device();
    await device.start();
    await device.server.request(`GET ${VALUE}`, OBSERVE);
    device.client.goOffline();
    await device.measure(21, 22);
    await device.stop();
    await device.start();
    await device.server.request(`GET ${VALUE}`, OBSERVE);
    assert.deepEqual(valuesOf(await device.told()), [[21, 22, 20]]);
  });

  it('with attributes given with the Observe, which go on to hold', async () => {
    const device = new Device();
    await device.start();
    await device.server.request(`GET ${VALUE}?gt=25`, OBSERVE);
    device.client.goOffline();
    await device.measure(21, 26);
    await device.stop();
    await device.start({ objects: [temperatureObject({ value: 26 })] });
    await device.measure(27, 24);
    await device.server.request(`GET ${VALUE}?gt=25`, OBSERVE);
    assert.deepEqual(valuesOf(await device.told()), [[26, 24, 24]]);
  });

  it('of an Observe-Composite, for its paths together', async () => {
    const device = new Device();
    await device.start();
    const paths = `[{"n":"${VALUE}"},{"n":"/3303/0/5602"}]`;
    const observe = (): Promise<unknown> =>
      device.server.request('FETCH /', { observe: 0, accept: 110, contentFormat: 110 }, paths);
    await observe();
    device.client.goOffline();
    await device.measure(21);
    await device.stop();
    await device.start();
    await device.server.request(`GET ${VALUE}`, OBSERVE);
    assert.deepEqual(await device.told(), []);
    await observe();
    const [told = []] = valuesOf(await device.told());
    // Both paths, when the one changed and now.
    assert.deepEqual([...told].sort(), [20, 20, 21, 21]);
  });

  it('a Confirmable notification that nobody had acknowledged is among them', async () => {
    const device = new Device();
    await device.start();
    await device.server.request(`PUT ${VALUE}?con=1`);
    await device.server.request(`GET ${VALUE}`, OBSERVE);
    device.network.conditions = { ...device.network.conditions, loss: 1 };
    await device.measure(33);
    await device.stop();
    device.network.conditions = { ...device.network.conditions, loss: 0 };
    await device.start();
    await device.server.request(`GET ${VALUE}`, OBSERVE);
    assert.deepEqual(valuesOf(await device.told()), [[33, 20]]);
  });

  it('keep to the bounds of the client that reads them, and to hqmax', async () => {
    const device = await disabled();
    await device.measure(21, 22, 23, 24);
    await device.stop();
    const objects = [temperatureObject({ value: 24 })];
    await device.start({ objects, notificationStorage: { values: 3 } });
    assert.equal(device.client.storedValueCount, 3);
    await device.stop();
    await device.start({ objects });
    await device.server.request(`PUT ${VALUE}?hqmax=2`);
    await device.stop();
    await device.start({ objects });
    await device.server.request(`GET ${VALUE}`, OBSERVE);
    assert.deepEqual(valuesOf(await device.told()), [[23, 24, 24]]);
  });

  it('are not kept for a server that does not want that', async () => {
    const device = await disabled();
    await device.measure(21);
    assert.equal(device.client.storedValueCount, 1);
    device.client.set('/1/0/6', false);
    await device.stop();
    assert.deepEqual(device.store.load()?.notifications, []);
  });

  it('are not told to another server that has the Short Server ID of none of them', async () => {
    const device = await disabled();
    await device.measure(21);
    await device.stop();
    await device.start({ servers: [{ uri: 'coap://10.0.0.1', shortServerId: 9, notificationStoring: true }] });
    assert.equal(device.client.storedValueCount, 0);
  });

  it('what cannot be read of them is left out', async () => {
    const device = await disabled();
    await device.measure(21);
    await device.stop();
    const state = device.store.load()!;
    const [sound] = state.notifications;
    assert.ok(sound !== undefined);
    const [[sample = []] = []] = sound.stored;
    const broken = [
      {},
      { ...sound, paths: [] },
      { ...sound, paths: ['nonsense'] },
      { ...sound, paths: [VALUE, 5] },
      { ...sound, contentFormat: '110' },
      { ...sound, composite: 1 },
      { ...sound, attributes: { pmin: -1 } },
      { ...sound, attributes: [] },
    ];
    const partly = {
      ...sound,
      told: { [VALUE]: ['float'] },
      stored: [[null, [null, { ...sample[0], path: '/3303' }, { ...sample[0], timestamp: 'x' }, { ...sample[0], value: 1 }], sample]], // prettier-ignore
    };
    await device.start({ state: { ...state, notifications: [...broken, partly] as never } });
    assert.equal(device.client.storedValueCount, 1);
    await device.server.request(`GET ${VALUE}`, OBSERVE);
    assert.deepEqual(valuesOf(await device.told()), [[21, 20]]);
  });
});

describe('notifications stored when the power fails', () => {
  it('are there as far as they were saved, which is at once and then at most every `saveInterval`', async () => {
    const device = await disabled({ notificationStorage: { saveInterval: 30_000 } });
    await device.network.run(60_000);
    device.saves.length = 0;
    const from = device.network.now();
    for (let second = 0; second < 100; second++) {
      device.client.set(VALUE, 30 + second / 100);
      await device.network.run(1000);
    }
    assert.deepEqual(
      device.saves.map((at) => at - from),
      [0, 30_000, 60_000, 90_000],
    );
    await device.losePower();
    await device.start();
    assert.equal(device.client.storedValueCount, 90);
    await device.server.request(`GET ${VALUE}`, OBSERVE);
    const [first = []] = valuesOf(await device.told());
    assert.deepEqual([first[0], first.at(-2)], [30, 30.89]);
  });

  it('of an observation that nothing was stored for by then, what changes after the start is stored', async () => {
    const device = new Device();
    await device.start();
    await device.server.request(`GET ${VALUE}`, OBSERVE);
    await device.network.run(60_000);
    await device.losePower();
    await device.start();
    await device.measure(30);
    await device.server.request(`GET ${VALUE}`, OBSERVE);
    assert.deepEqual(valuesOf(await device.told()), [[30, 30]]);
  });

  it('of an observation that the server had cancelled, nothing is stored after the start', async () => {
    const device = new Device();
    await device.start();
    await device.server.request(`GET ${VALUE}`, OBSERVE);
    await device.network.run(61_000);
    await device.server.request(`GET ${VALUE}`, { ...OBSERVE, observe: 1 });
    await device.network.run(61_000);
    await device.losePower();
    await device.start();
    await device.measure(30);
    assert.equal(device.client.storedValueCount, 0);
  });

  it('a value that servers may only read is no reason to save', async () => {
    const device = new Device();
    await device.start();
    device.saves.length = 0;
    await device.measure(1, 2, 3);
    await device.network.run(200_000);
    assert.deepEqual(device.saves, []);
  });

  it('what changed in passing is saved together with what is saved at once', async () => {
    const device = await disabled();
    await device.measure(21);
    device.saves.length = 0;
    await device.measure(22);
    device.client.set('/1/0/2', 5);
    await device.network.run(0);
    assert.equal(device.saves.length, 1);
    await device.network.run(59_000);
    assert.equal(device.saves.length, 1);
    await device.losePower();
    await device.start();
    assert.equal(device.client.storedValueCount, 2);
  });
});
