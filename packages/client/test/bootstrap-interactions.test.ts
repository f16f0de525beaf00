/** What a Client does beside a bootstrap, and what a bootstrap finds it at: every call in every state. OMA TS Core §6.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Codes } from '@lapwing/coap';
import {
  accessControlObject,
  firmwareUpdateObject,
  LwM2mClient,
  streamedRequests,
  temperatureObject,
} from '@lapwing/client';
import type { ClientOptions, ClientState } from '@lapwing/client';
import { SimulatedNetwork } from '@lapwing/testkit';
import { ask, configure, HOUR, security, senml, serverInstance, startScene, WatchedStore } from './bootstrap-scene.ts';
import type { Scene } from './bootstrap-scene.ts';
import { RawServer } from './raw-server.ts';

const FACTORY: Partial<ClientOptions> = {
  servers: [{ uri: 'coap://10.0.0.1', lifetimeSeconds: 300, muteSend: false }],
  bootstrap: { pack: false },
};

type MaybePromise<T> = T | Promise<T>;

/** A store that is done when a test says so. */
class SlowStore extends WatchedStore {
  isHeld = false;
  release: () => void = () => undefined;

  override save(state: ClientState): MaybePromise<void> {
    if (!this.isHeld) return super.save(state);
    return new Promise((resolve) => {
      this.release = (): void => {
        void super.save(state);
        resolve();
      };
    });
  }
}

interface Held {
  /** Operations under way. */
  readonly calls: (() => void)[];
}

/** Temperature whose units (5701) are written, and whose value is read, when a test says so. */
function slowTemperature(held: Held): ReturnType<typeof temperatureObject> {
  const object = temperatureObject({ value: 20 });
  const wait = (): Promise<void> => new Promise((resolve) => held.calls.push(resolve));
  return {
    ...object,
    version: '1.1',
    instances: {
      0: {
        ...object.instances[0],
        5605: { execute: wait },
        5750: { read: () => 'app', write: wait },
        5603: { read: () => wait().then(() => 1) },
      },
    },
  };
}

interface Registered extends Scene {
  readonly store: SlowStore;
  readonly held: Held;
}

async function registered(options: Partial<ClientOptions> = {}): Promise<Registered> {
  const held: Held = { calls: [] };
  const store = new SlowStore();
  const scene = startScene({ ...FACTORY, objects: [slowTemperature(held)], ...options }, store);
  await scene.network.run(1_000);
  assert.deepEqual(scene.events.splice(0), ['registered 1']);
  scene.server.taken();
  return { ...scene, store, held };
}

/** Ways into each state that a bootstrap may be in, from registered with one server. */
const WAYS: Readonly<Record<string, (scene: Registered) => Promise<void>>> = {
  'asking a Bootstrap-Server that does not answer': async ({ bootstrapServer, client, network }) => {
    bootstrapServer.answer = () => undefined;
    client.bootstrap();
    await network.run(1_000);
  },
  configuring: async ({ bootstrapServer, client, network }) => {
    client.bootstrap();
    await network.run(1_000);
    await ask(bootstrapServer, 'DELETE /1', '2.02');
  },
  'in the middle of an operation': async ({ bootstrapServer, client, network, held }) => {
    client.bootstrap();
    await network.run(1_000);
    await ask(bootstrapServer, 'DELETE /1', '2.02');
    void bootstrapServer.start('PUT /3303/0/5750', { contentFormat: 0 }, 'x');
    await network.run(1_000);
    assert.equal(held.calls.length, 1);
  },
  saving: async ({ bootstrapServer, client, network, store }) => {
    client.bootstrap();
    await network.run(1_000);
    await ask(bootstrapServer, 'PUT /0/0', '2.04', security(0, 'coap://10.0.0.1', 101));
    await ask(bootstrapServer, 'PUT /1/0', '2.04', serverInstance(0, 101));
    store.isHeld = true;
    void bootstrapServer.start('POST /bs');
    await network.run(1_000);
  },
};

/** Lets go of what the scene holds back. */
function release({ held, store }: Registered): void {
  store.isHeld = false;
  store.release();
  for (const settle of held.calls.splice(0)) settle();
}

describe('while a bootstrap is', () => {
  for (const [state, enter] of Object.entries(WAYS)) {
    describe(state, () => {
      it('servers are told nothing, whatever the application calls, and are told afterwards', async () => {
        const scene = await registered();
        const { network, server, client } = scene;
        assert.equal((await server.request('GET /3303/0/5700', { observe: 0 })).code, '2.05');
        await enter(scene);
        assert.ok(client.isBootstrapping);
        server.taken();
        const before = network.traffic.datagrams;
        let toServer = 0;
        network.onDatagram = (_from, to) => void (to.host === '10.0.0.1' && toServer++);
        client.register();
        client.register(1);
        client.update();
        await assert.rejects(client.send(['/3303/0/5700']), { code: 'BOOTSTRAPPING', retryable: true });
        client.set('/3303/0/5700', 30);
        client.bootstrap();
        const read = server.start('GET /3303/0/5700');
        await network.run(1_000);
        assert.equal(toServer, 0);
        assert.ok(network.traffic.datagrams > before);
        assert.equal(client.get('/3303/0/5700'), 30);
        release(scene);
        await network.run(HOUR);
        assert.equal(client.get('/3303/0/5700'), 30);
        assert.ok(toServer > 0);
        assert.equal(client.registrations[0]?.state, 'registered');
        void read;
      });

      for (const isBackSoon of [true, false]) {
        it(`offline ${isBackSoon ? 'for a moment' : 'for long'}: nothing is sent meanwhile, and the client is registered when it is back`, async () => {
          const scene = await registered();
          const { network, client } = scene;
          await enter(scene);
          client.goOffline();
          await network.run(isBackSoon ? 100 : 1_000);
          let sent = 0;
          network.onDatagram = (from) => void (from.host === '10.0.0.2' && sent++);
          if (!isBackSoon) {
            release(scene);
            await network.run(2 * HOUR);
          }
          assert.equal(sent, 0);
          client.goOnline();
          await network.run(1_000);
          release(scene);
          await network.run(60_000);
          assert.equal(client.registrations.length, 1);
          assert.equal(client.registrations[0]?.state, 'registered');
          assert.ok(!client.isBootstrapping);
        });
      }

      it('closing ends, leaves nothing over, and what is kept is one configuration', async () => {
        const scene = await registered();
        const { network, client, store } = scene;
        await enter(scene);
        let isClosed = false;
        void client.close().then(() => (isClosed = true));
        await network.run(100);
        release(scene);
        await network.run(20_000);
        assert.ok(isClosed);
        let sent = 0;
        network.onDatagram = (from) => void (from.host === '10.0.0.2' && sent++);
        await network.run(HOUR);
        assert.equal(sent, 0);
        const { objects } = store.load()!;
        const idOf = (objectId: number, resourceId: number): unknown =>
          JSON.stringify(objects[objectId]?.instances['0']?.[resourceId]);
        assert.equal(idOf(0, 10), idOf(1, 0));
      });

      it('a Finish that is answered 2.04 is one whose configuration is there after a restart', async () => {
        const scene = await registered();
        const { network, client, store, bootstrapServer } = scene;
        await enter(scene);
        const codes: string[] = [];
        void bootstrapServer.start('POST /bs').then(({ code }) => codes.push(code));
        void client.close();
        await network.run(100);
        release(scene);
        await network.run(HOUR);
        const { objects } = store.load()!;
        const isNew = JSON.stringify(objects[0]?.instances['0']?.['10']).includes('101');
        assert.ok(isNew || !codes.includes('2.04'), `${codes.join()} and ${JSON.stringify(objects[0])}`);
      });
    });
  }
});

describe('a bootstrap begins', () => {
  it('while a server waits for a slow handler: the server is answered nothing, and what it observed is not observed', async () => {
    const scene = await registered();
    const { network, server, bootstrapServer, client, held } = scene;
    const answers: string[] = [];
    for (const asked of [
      server.start('GET /3303/0/5603', { observe: 0 }),
      server.start('POST /3303/0/5605'),
      server.start('PUT /3303/0/5750', { contentFormat: 0 }, 'x'),
    ]) {
      void asked.then(({ code }) => answers.push(code));
    }
    await network.run(1_000);
    assert.equal(held.calls.length, 2);
    client.bootstrap();
    await network.run(1_000);
    let toServer = 0;
    network.onDatagram = (_from, to) => void (to.host === '10.0.0.1' && toServer++);
    for (const settle of held.calls.splice(0)) settle();
    await network.run(1_000);
    // The one that waited for its turn does not get it.
    assert.equal(held.calls.length, 0);
    assert.equal(toServer, 0);
    await ask(bootstrapServer, 'PUT /1/0/1', '2.04', senml([['/1/0/1', 500]]));
    await ask(bootstrapServer, 'POST /bs', '2.04');
    await network.run(1_000);
    assert.equal(client.registrations[0]?.state, 'registered');
    assert.equal(client.observationCount, 0);
    // Device Management works as before, when the server has given up waiting.
    await network.run(HOUR);
    const again = server.start('PUT /3303/0/5750', { contentFormat: 0 }, 'y');
    // The one that waited has been sent again, and heard.
    for (let turns = 0; turns < 3; turns++) {
      await network.run(1_000);
      for (const settle of held.calls.splice(0)) settle();
    }
    await network.run(1_000);
    assert.equal((await again).code, '2.04');
    assert.ok(!answers.some((code) => code.startsWith('2.')), answers.join());
  });

  it('and ends before that handler does: no observation is left of a server account that is gone', async () => {
    const scene = await registered();
    const { network, server, bootstrapServer, client, held } = scene;
    void server.start('GET /3303/0/5603', { observe: 0 });
    await network.run(1_000);
    client.bootstrap();
    await network.run(1_000);
    await configure(bootstrapServer);
    await network.run(1_000);
    for (const settle of held.calls.splice(0)) settle();
    await network.run(1_000);
    assert.equal(client.registrations[0]?.shortServerId, 101);
    assert.equal(client.observationCount, 0);
  });

  for (const isHeld of [false, true]) {
    it(`while an image is uploaded${isHeld ? ', which the flash is slow to take' : ''}: not a block more is asked for, and it can be uploaded afterwards`, async () => {
      const network = new SimulatedNetwork();
      const bootstrapServer = new RawServer(network, { host: '10.0.0.3', port: 5683 });
      const server = new RawServer(network);
      const written: number[] = [];
      const holds: (() => void)[] = [];
      let holdsBack = false;
      const object = firmwareUpdateObject({
        receive: () => ({
          write: (block) => {
            written.push(block.length);
            return holdsBack ? new Promise<void>((resolve) => holds.push(resolve)) : undefined;
          },
          end: () => undefined,
          discard: () => void (written.length = 0),
        }),
        install: () => ({ firmwareVersion: '2.0' }),
      });
      const driver = network.driver({ host: '10.0.0.2', port: 56830 }, { streamedRequest: streamedRequests([object]) });
      const client = new LwM2mClient(driver, {
        endpointClientName: 'dev',
        ...FACTORY,
        servers: FACTORY.servers!,
        bootstrapServer: { uri: 'coap://10.0.0.3' },
        objects: [object],
      });
      client.register();
      await network.run(1_000);
      const image = new Uint8Array(20_000);
      let code = '';
      void server.start('PUT /5/0/0', { contentFormat: 42 }, image).then((answer) => (code = answer.code));
      await network.run(100);
      holdsBack = isHeld;
      await network.run(50);
      assert.ok(written.length > 0 && code === '');
      client.bootstrap();
      let toServer = 0;
      // But for empty Acknowledgements, which are the message layer's.
      network.onDatagram = (_from, to, { length }) => void (to.host === '10.0.0.1' && length > 4 && toServer++);
      await network.run(1_000);
      holdsBack = false;
      for (const release of holds.splice(0)) release();
      await ask(bootstrapServer, 'PUT /1/0/1', '2.04', senml([['/1/0/1', 500]]));
      await network.run(1_000);
      assert.equal(toServer, 0);
      await ask(bootstrapServer, 'POST /bs', '2.04');
      await network.run(HOUR);
      assert.ok(!code.startsWith('2.'), code);
      assert.equal((await server.request('PUT /5/0/0', { contentFormat: 42 }, image)).code, '2.04');
      assert.equal((await server.request('GET /5/0/3', { accept: 0 })).text, '2');
    });
  }

  it('by two triggers at once: there is one bootstrap', async () => {
    const { network, server, bootstrapServer, client, events } = await registered();
    const both = [server.start('POST /1/0/9'), server.start('POST /1/0/9')];
    client.bootstrap();
    await network.run(1_000);
    assert.deepEqual(events, ['started: application']);
    assert.deepEqual(bootstrapServer.taken(), ['POST /bs?ep=dev&pct=112']);
    await configure(bootstrapServer);
    await network.run(HOUR);
    void both;
    assert.deepEqual(events, ['started: application', 'finished', 'registered 101']);
  });

  it('after a Disable (/1/x/4), and fails: the server is left alone until its time', async () => {
    const { network, server, bootstrapServer, client } = await registered();
    await server.request('PUT /1/0/5', { contentFormat: 0 }, '600');
    await server.request('POST /1/0/4');
    await network.run(1_000);
    server.taken();
    bootstrapServer.answer = () => ({ code: Codes.badRequest });
    client.bootstrap();
    await network.run(500_000);
    assert.deepEqual(server.taken(), []);
    await network.run(110_000);
    assert.equal(client.registrations[0]?.state, 'registered');
  });

  it('in queue mode: the client stays awake while the Bootstrap-Server thinks, and sleeps afterwards', async () => {
    const { network, bootstrapServer, client } = await registered({ queueMode: { awakeTime: 5_000 } });
    client.bootstrap();
    await network.run(1_000);
    await network.run(100_000);
    assert.ok(client.isAwake);
    await configure(bootstrapServer);
    await network.run(20_000);
    assert.equal(client.registrations[0]?.state, 'registered');
    assert.ok(!client.isAwake);
  });

  it('that changes Access Control: rights are the new ones at once', async () => {
    const { network, server, bootstrapServer, client } = await registered({
      objects: [
        temperatureObject({ value: 20 }),
        accessControlObject({ objectId: 3303, objectInstanceId: 0, owner: 1 }),
      ],
      servers: [
        { uri: 'coap://10.0.0.1', lifetimeSeconds: 300 },
        { uri: 'coap://10.0.0.8', lifetimeSeconds: 300 },
      ],
    });
    assert.equal((await server.request('GET /3303/0/5700')).code, '2.05');
    client.bootstrap();
    await network.run(1_000);
    const control = senml([
      ['/2/0/0', 3303],
      ['/2/0/1', 0],
      ['/2/0/2/2', 1],
      ['/2/0/3', 2],
    ]);
    await ask(bootstrapServer, 'PUT /2/0', '2.04', control);
    await ask(bootstrapServer, 'POST /bs', '2.04');
    await network.run(1_000);
    assert.equal((await server.request('GET /3303/0/5700')).code, '4.01');
  });
});

describe('after a bootstrap that failed', () => {
  it('what the device measured meanwhile is kept, told, and saved', async () => {
    const { network, server, bootstrapServer, client, store } = await registered({
      objects: [{ ...temperatureObject({ value: 20 }), persistent: true }],
    });
    assert.equal((await server.request('GET /3303/0/5700', { observe: 0 })).code, '2.05');
    client.bootstrap();
    await network.run(1_000);
    await ask(bootstrapServer, 'DELETE /1', '2.02');
    client.set('/3303/0/5700', 33);
    await network.run(250_000);
    assert.equal(client.get('/3303/0/5700'), 33);
    assert.deepEqual(
      server.notifications.map(({ text }) => text),
      ['33'],
    );
    await network.run(HOUR);
    assert.match(JSON.stringify(store.load()), /33/);
  });

  it('a server that answers again ends the retries', async () => {
    const { network, bootstrapServer, events, client } = await registered();
    bootstrapServer.answer = () => ({ code: Codes.badRequest });
    events.splice(0);
    // As with a server that did not answer for all its retries.
    client.bootstrap();
    await network.run(1_000);
    client.register(1);
    await network.run(HOUR);
    assert.equal(bootstrapServer.taken().length, 1);
  });
});

describe('a client without servers whose Bootstrap-Server is away', () => {
  it('goes on trying, also after the application has asked for a bootstrap by itself', async () => {
    const { network, bootstrapServer, client, events } = startScene({ bootstrap: { pack: false } });
    bootstrapServer.answer = () => ({ code: Codes.serviceUnavailable });
    await network.run(1_000);
    client.bootstrap();
    await network.run(1_000);
    assert.equal(bootstrapServer.taken().length, 2);
    bootstrapServer.answer = (request) => bootstrapServer.accept(request);
    await network.run(HOUR);
    assert.ok(bootstrapServer.taken().length > 0, events.join('\n'));
    client.register();
    client.update();
    assert.throws(() => client.register(7), /Short Server ID/);
    await assert.rejects(client.send(['/3303/0/5700']), { code: 'NOT_REGISTERED' });
  });
});
