/** A Bootstrap-Server that means harm, or is mistaken: the Client stays bounded and keeps a configuration that can be used. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Codes } from '@lapwing/coap';
import { LwM2mClient, temperatureObject } from '@lapwing/client';
import type { ClientOptions } from '@lapwing/client';
import { SimulatedNetwork } from '@lapwing/testkit';
import {
  ask,
  BOOTSTRAP_URI,
  configure,
  eventsOf,
  HOUR,
  security,
  senml,
  SENML_JSON,
  serverInstance,
  startScene,
  WatchedStore,
} from './bootstrap-scene.ts';
import type { Scene } from './bootstrap-scene.ts';
import { RawServer } from './raw-server.ts';

const FACTORY: Partial<ClientOptions> = {
  servers: [{ uri: 'coap://10.0.0.1', lifetimeSeconds: 300 }],
  bootstrap: { pack: false },
};

/** Registered with the server from the factory, and configuring. */
async function configuring(options: Partial<ClientOptions> = {}): Promise<Scene> {
  const scene = startScene({ ...FACTORY, ...options });
  await scene.network.run(1_000);
  scene.client.bootstrap();
  await scene.network.run(1_000);
  assert.ok(scene.client.isBootstrapping);
  scene.server.taken();
  scene.bootstrapServer.taken();
  return scene;
}

/** The Bootstrap-Server says no more: the old configuration serves as before. */
async function assertOldServes({ network, server, client }: Scene): Promise<void> {
  await network.run(400_000);
  assert.ok(!client.isBootstrapping);
  assert.equal(client.registrations[0]?.state, 'registered');
  assert.equal(client.registrations[0].shortServerId, 1);
  assert.equal((await server.request('GET /1/0/0')).text, '1');
}

const NOTHING = new Uint8Array(0);
const account = (more: readonly (readonly [number, string | number | boolean | Uint8Array])[]): string =>
  senml([...new Map<number, string | number | boolean | Uint8Array>([[0, 'coap://10.0.0.1'], [1, false], [2, 3], [3, NOTHING], [4, NOTHING], [5, NOTHING], [10, 101], ...more])].map(([id, value]) => [`/0/7/${id}`, value] as const)); // prettier-ignore

describe('writes that are refused, with the old configuration left as it was', () => {
  const deep = (depth: number): Uint8Array => new Uint8Array([...new Array<number>(depth).fill(0x81), 0x00]);
  const huge = new Uint8Array([0x9b, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff]);
  const instances = (count: number): string =>
    senml(Array.from({ length: count }, (_, id) => [`/0/${id + 1}/0`, 'coap://x'] as const));
  const rows: readonly (readonly [what: string, line: string, format: number, payload: string | Uint8Array, codes: RegExp])[] = [
    ['10,000 Object Instances', 'PUT /0', 110, instances(10_000), /^(4\.13|5\.03)$/],
    ['more accounts than there is room for', 'PUT /0', 110, instances(65), /^5\.03$/],
    ['10,000 Resource Instances', 'PUT /1/0', 110, senml(Array.from({ length: 10_000 }, (_, id) => [`/1/0/25/${id}`, '1.1'] as const)), /^(4\.00|4\.13|5\.03)$/],
    ['text for a number', 'PUT /1/0', 110, senml([['/1/0/1', 'long']]), /^4\.00$/],
    ['a number for text', 'PUT /0/7', 110, senml([['/0/7/0', 7]]), /^4\.00$/],
    ['a URI beyond 255 characters', 'PUT /0/7', 110, account([[0, `coap://${'a'.repeat(300)}`]]), /^4\.00$/],
    ['a Short Server ID of 70000', 'PUT /1/0', 110, senml([['/1/0/0', 70_000]]), /^4\.00$/],
    ['JSON that is none', 'PUT /0/7', 110, '[{"n":', /^4\.00$/],
    ['bytes that are no UTF-8', 'PUT /0/7', 110, new Uint8Array([0x5b, 0xff, 0xfe, 0x5d]), /^4\.00$/],
    ['a name that is no UTF-8', 'PUT /0/7/0', 0, new Uint8Array([0xc3, 0x28]), /^4\.00$/],
    ['SenML CBOR 10,000 deep', 'PUT /0/7', 112, deep(10_000), /^4\.00$/],
    ['SenML CBOR that announces four milliard records', 'PUT /0/7', 112, huge, /^4\.00$/],
    ['LwM2M CBOR 10,000 deep', 'PUT /0/7', 11_544, deep(10_000), /^4\.00$/],
    ['TLV with lengths beyond its end', 'PUT /0/7', 11_542, new Uint8Array([0xd8, 0xff, 0xff, 0xff]), /^4\.00$/],
    ['a Content-Format that nobody knows', 'PUT /0/7', 65_000, 'x', /^4\.15$/],
    ['another Object than the one named', 'PUT /0/7', 110, serverInstance(3, 101), /^4\.00$/],
    ['an Object this client has not', 'PUT /19/0', 110, senml([['/19/0/1', 1]]), /^4\.00$/],
    ['the Object Instance 65535', 'PUT /0', 110, senml([['/0/65535/0', 'coap://x']]), /^4\.00$/],
    ['the deletion of its own account', 'DELETE /0/1', 0, '', /^4\.00$/],
    ['a composite Read', 'FETCH /', 110, senml([['/0/0/5', 0]]), /^4\.0[05]$/],
    ['a Read of keys', 'GET /0/1', 110, '', /^4\.01$/],
    ['an Execute', 'POST /1/0/8', 0, '', /^4\.0[05]$/],
  ]; // prettier-ignore
  for (const [what, line, contentFormat, payload, codes] of rows) {
    it(what, async () => {
      const scene = await configuring();
      const { code } = await scene.bootstrapServer.request(line, payload === '' ? {} : { contentFormat }, payload);
      assert.match(code, codes);
      // Nothing of it is there: what is, is consistent.
      await ask(scene.bootstrapServer, 'POST /bs', '2.04');
      await scene.network.run(1_000);
      assert.equal(scene.client.registrations[0]?.shortServerId, 1);
      assert.deepEqual(scene.client.objectInstanceIds(0), [0, 1]);
      assert.equal((await scene.server.request('GET /1/0/0')).text, '1');
    });
  }

  it('a body in blocks that is longer than may be: 4.13, and nothing of it is held', async () => {
    const scene = await configuring();
    const { code } = await scene.bootstrapServer.request('PUT /0/7', { contentFormat: 110 }, 'x'.repeat(3_000_000));
    assert.match(code, /^(4\.13|failed: body-too-large)$/);
    await assertOldServes(scene);
    await scene.network.run(300_000);
  });
});

describe('configurations that may not be finished', () => {
  const key = new Uint8Array([1, 2, 3]);
  const psk = [[2, 0], [3, key], [5, new Uint8Array(16)]] as const; // prettier-ignore
  const rows: readonly (readonly [what: string, security: string, reason: RegExp])[] = [
    ['coaps without credentials', account([[0, 'coaps://10.0.0.1']]), /coaps/],
    ['coap with credentials', account([...psk]), /coap/],
    ['an empty key', account([[0, 'coaps://10.0.0.1'], [2, 0], [3, key]]), /empty/],
    ['keys that are no keys', account([[0, 'coaps://10.0.0.1'], [2, 1], [3, key], [4, key], [5, key]]), /key/],
    ['certificates that are none', account([[0, 'coaps://10.0.0.1'], [2, 2], [3, key], [4, key], [5, key]]), /certificate/],
    ['a mode that is not supported', account([[0, 'coaps://10.0.0.1'], [2, 4]]), /EST/],
    ['port 0', account([[0, 'coap://10.0.0.1:0']]), /port 0/],
    ['port 65536', account([[0, 'coap://10.0.0.1:65536']]), /URI/],
    ['no host', account([[0, 'coap://']]), /URI/],
    ['a URI of another scheme', account([[0, 'http://10.0.0.1']]), /scheme http/],
    ['coaps that this client does not speak', account([[0, 'coaps://10.0.0.1'], ...psk]), /speaks coap alone/],
    ['a name that this client cannot look up', account([[0, 'coap://server.example']]), /host name/],
    ['a Short Server ID of another server', account([[10, 102]]), /102/],
    ['a second Bootstrap-Server', account([[1, true]]), /are accounts of a Bootstrap-Server/],
    ['a link to OSCORE that does not exist', account([]).replace(/\]$/, ',{"n":"/0/7/17","vlo":"21:9"}]'), /21:9|OSCORE/],
  ]; // prettier-ignore
  for (const [what, written, reason] of rows) {
    it(what, async () => {
      const scene = await configuring();
      const { bootstrapServer } = scene;
      await ask(bootstrapServer, 'DELETE /0', '2.02');
      await ask(bootstrapServer, 'DELETE /1', '2.02');
      await ask(bootstrapServer, 'PUT /0/7', '2.04', written);
      await ask(bootstrapServer, 'PUT /1/3', '2.04', serverInstance(3, 101));
      const said = await ask(bootstrapServer, 'POST /bs', '4.06');
      assert.match(said, reason);
      // Never a byte of a key.
      assert.doesNotMatch(said, /010203|AQID/i);
      await assertOldServes(scene);
    });
  }
});

describe('a session that does not end', () => {
  it('is given up after an hour, however busy the Bootstrap-Server is', async () => {
    const { network, bootstrapServer, client, events } = await configuring();
    for (let minutes = 0; minutes < 59; minutes += 2) {
      assert.equal((await bootstrapServer.request('GET /', { accept: 40 })).code, '2.05');
      await network.run(120_000 - 100);
    }
    assert.equal(events.at(-1), 'failed: the Bootstrap-Server came to no end, again in Infinity s');
    assert.equal(client.registrations[0]?.state, 'registered');
  });

  it('because Finish is refused again and again is one as well', async () => {
    const { network, bootstrapServer, client, server, events } = await configuring();
    await ask(bootstrapServer, 'DELETE /1', '2.02');
    for (let times = 0; times < 40 && client.isBootstrapping; times++) {
      await ask(bootstrapServer, 'POST /bs', '4.06');
      await network.run(100_000);
    }
    assert.match(events.at(-1) ?? '', /came to no end/);
    assert.equal((await server.request('GET /1/0/0')).text, '1');
  });
});

describe('many operations at once', () => {
  /** Temperature whose application type is written when the test says so. */
  const slow = (calls: (() => void)[]): ClientOptions['objects'][number] => {
    const object = temperatureObject({ value: 20 });
    const write = (): Promise<void> => new Promise((resolve) => calls.push(resolve));
    const type = { read: (): string => 'app', write };
    return { ...object, version: '1.1', instances: { 0: { ...object.instances[0], 5750: type } } };
  };
  interface Busy {
    readonly network: SimulatedNetwork;
    readonly bootstrapServer: RawServer;
    readonly client: LwM2mClient;
    readonly calls: (() => void)[];
    readonly events: readonly string[];
  }
  /** With a Bootstrap-Server that does not keep to NSTART, whose first operation takes its time. */
  async function busy(): Promise<Busy> {
    const calls: (() => void)[] = [];
    const network = new SimulatedNetwork();
    const bootstrapServer = new RawServer(network, { host: '10.0.0.3', port: 5683 }, { nstart: 1_000 });
    void new RawServer(network);
    const client = new LwM2mClient(network.driver({ host: '10.0.0.2', port: 56830 }), {
      endpointClientName: 'dev',
      servers: [],
      bootstrapServer: { uri: BOOTSTRAP_URI },
      bootstrap: { pack: false },
      objects: [slow(calls)],
      stateStore: new WatchedStore(),
    });
    const events = eventsOf(client);
    client.register();
    await network.run(1_000);
    void bootstrapServer.start('PUT /3303/0/5750', { contentFormat: 0 }, 'x');
    await network.run(100);
    assert.equal(calls.length, 1);
    return { network, bootstrapServer, client, calls, events };
  }

  it('what stands behind one that is refused is carried out, and what stands behind a Finish is not', async () => {
    const { network, bootstrapServer, client, calls, events } = await busy();
    const codes: string[] = [];
    const asked: readonly (readonly [line: string, payload: string])[] = [
      ['POST /1/0/8', ''],
      ['DELETE /0', ''],
      ['DELETE /1', ''],
      ['POST /bs', ''],
      ['PUT /0/7', security(7, 'coap://10.0.0.1', 101)],
      ['PUT /1/3', serverInstance(3, 101)],
      ['POST /bs', ''],
      ['DELETE /1', ''],
    ];
    for (const [index, [line, payload]] of asked.entries()) {
      const options = payload === '' ? {} : { contentFormat: SENML_JSON };
      void bootstrapServer.start(line, options, payload).then(({ code }) => (codes[index] = code));
      await network.run(20);
    }
    await network.run(1_000);
    calls.shift()?.();
    await network.run(10_000);
    assert.deepEqual(codes.slice(0, 7), ['4.05', '2.02', '2.02', '4.06', '2.04', '2.04', '2.04']);
    await network.run(HOUR);
    assert.match(codes[7] ?? '', /^5\.03$|^failed/);
    assert.equal(client.registrations[0]?.shortServerId, 101);
    assert.deepEqual(client.objectInstanceIds(1), [3]);
    assert.ok(events.includes('finished'));
    // Nothing of it is left for the next one.
    client.bootstrap();
    await network.run(1_000);
    assert.equal((await bootstrapServer.request('GET /', { accept: 40 })).code, '2.05');
    assert.deepEqual(client.objectInstanceIds(1), [3]);
  });

  it('beyond sixteen that wait are answered 5.03, and the rest in order', async () => {
    const { network, bootstrapServer, calls } = await busy();
    const codes: string[] = [];
    const send = (line: string): void => void bootstrapServer.start(line, { contentFormat: 0 }, 'x').then(({ code }) => codes.push(code)); // prettier-ignore
    for (let count = 0; count < 300; count++) send('PUT /3303/0/5750');
    for (let turns = 0; turns < 400; turns++) {
      await network.run(100);
      assert.ok(calls.length <= 1);
      calls.shift()?.();
    }
    await network.run(1_000);
    assert.equal(codes.length, 300);
    assert.ok(codes.filter((code) => code === '2.04').length >= 16);
    assert.ok(
      codes.every((code) => code === '2.04' || code === '5.03'),
      [...new Set(codes)].join(),
    );
    await configure(bootstrapServer);
  });
});

describe('operations from elsewhere than the Bootstrap-Server', () => {
  for (const [what, at] of [
    ['another address', { host: '10.0.0.7', port: 5683 }],
    ['another port', { host: '10.0.0.3', port: 5684 }],
    ['a server', { host: '10.0.0.1', port: 5683 }],
  ] as const) {
    it(`are not carried out: ${what}`, async () => {
      const scene = await configuring();
      const stranger = at.host === '10.0.0.1' ? scene.server : new RawServer(scene.network, at);
      stranger.peer = stranger.driver.peer({ host: '10.0.0.2', port: 56830 });
      const deleted = stranger.start('DELETE /1');
      const finished = stranger.start('POST /bs');
      await scene.network.run(1_000);
      assert.ok(scene.client.isBootstrapping);
      assert.deepEqual(scene.client.objectInstanceIds(1), [0]);
      await assertOldServes(scene);
      assert.match((await deleted).code, /^failed|4\.0/);
      assert.match((await finished).code, /^failed|4\.0/);
    });
  }
});

describe('times that make no sense', () => {
  it('an account of the Bootstrap-Server that goes after a second goes after the bootstrap that is under way', async () => {
    const { network, bootstrapServer, client } = startScene({
      bootstrap: { pack: false },
      bootstrapServer: { uri: BOOTSTRAP_URI, accountTimeoutSeconds: 1 },
    });
    await network.run(100);
    await configure(bootstrapServer);
    client.bootstrap();
    await network.run(5_000);
    assert.deepEqual(client.objectInstanceIds(0), [0, 7]);
    await network.run(HOUR);
    assert.deepEqual(client.objectInstanceIds(0), [7]);
    assert.equal(client.registrations[0]?.state, 'registered');
  });

  for (const seconds of [2 ** 31, 2 ** 31 - 1, 4_294_967_295, -5]) {
    it(`a lifetime, hold-off time and retry timers of ${seconds} s`, async () => {
      const { network, bootstrapServer, client, server } = await configuring();
      await ask(bootstrapServer, 'PUT /0/1', '2.04', senml([['/0/1/0', BOOTSTRAP_URI], ['/0/1/1', true], ['/0/1/2', 3], ['/0/1/3', NOTHING], ['/0/1/4', NOTHING], ['/0/1/5', NOTHING], ['/0/1/11', seconds], ['/0/1/12', seconds]])); // prettier-ignore
      for (const [id, value] of [
        [1, seconds],
        [2, seconds],
        [3, seconds],
      ] as const) {
        await bootstrapServer.request(`PUT /1/0/${id}`, { contentFormat: SENML_JSON }, senml([[`/1/0/${id}`, value]]));
      }
      for (const id of [13, 14, 17, 18, 19, 20]) {
        await bootstrapServer.request(`PUT /1/0/${id}`, { contentFormat: SENML_JSON }, senml([[`/1/0/${id}`, Math.min(1, seconds)]])); // prettier-ignore
      }
      await ask(bootstrapServer, 'POST /bs', '2.04');
      await network.run(HOUR);
      assert.equal(client.registrations[0]?.state, 'registered');
      assert.ok(network.traffic.datagrams < 500, `${network.traffic.datagrams} datagrams`);
      assert.equal((await server.request('GET /3303/0/5700')).text, '20');
      client.bootstrap();
      await network.run(1_000);
      assert.ok(client.isBootstrapping);
    });
  }

  it('a configuration that leads nowhere is not asked for again and again at the speed of the network', async () => {
    const { network, bootstrapServer, server, client } = startScene({ bootstrap: { pack: false } });
    server.answer = () => ({ code: Codes.badRequest });
    await network.run(100);
    const serve = async (): Promise<void> => {
      if (!client.isBootstrapping) return;
      await ask(bootstrapServer, 'DELETE /0', '2.02');
      await ask(bootstrapServer, 'DELETE /1', '2.02');
      await ask(bootstrapServer, 'PUT /0/7', '2.04', security(7, 'coap://10.0.0.1', 101));
      await ask(bootstrapServer, 'PUT /1/3', '2.04', JSON.stringify([...(JSON.parse(serverInstance(3, 101)) as object[]), { n: '/1/3/17', v: 1 }])); // prettier-ignore
      await ask(bootstrapServer, 'POST /bs', '2.04');
    };
    const begin = network.now();
    let bootstraps = 0;
    client.on('bootstrapFinished', () => bootstraps++);
    while (network.now() < begin + HOUR) {
      await serve();
      await network.run(1_000);
    }
    // After 1, 2, 4, 8 and 16 minutes.
    assert.ok(bootstraps >= 5 && bootstraps <= 7, String(bootstraps));
    server.answer = (request) => server.accept(request);
    for (let minutes = 0; minutes < 40; minutes++) {
      await serve();
      await network.run(60_000);
    }
    assert.equal(client.registrations[0]?.state, 'registered');
  });
});

describe('names', () => {
  it('a Bootstrap-Server whose name is never found is as one that does not answer', async () => {
    const { network, events } = startScene({
      bootstrapServer: { uri: 'coap://bootstrap.example' },
      lookUp: () => new Promise(() => undefined),
    });
    await network.run(1_000);
    assert.equal(events.length, 1);
    await network.run(100_000);
    assert.deepEqual(events, [
      'started: no-server',
      'failed: the name of the Bootstrap-Server was not found in time, again in 60 s',
    ]);
  });

  it('a server whose name is never found is one that cannot be registered with: bootstrap follows, and closing ends', async () => {
    const names: string[] = [];
    const { network, bootstrapServer, client, events } = startScene({
      bootstrap: { pack: false },
      lookUp: (name) => {
        names.push(name);
        return new Promise(() => undefined);
      },
    });
    await network.run(1_000);
    await configure(bootstrapServer, 'coap://nowhere.example', 101);
    await ask(bootstrapServer, 'GET /', 'failed: timeout').catch(() => undefined);
    await network.run(2 * HOUR);
    assert.ok(names.length >= 5);
    assert.ok(events.filter((event) => event.startsWith('started')).length >= 2, events.join('\n'));
    let isClosed = false;
    void client.close().then(() => (isClosed = true));
    await network.run(20_000);
    assert.ok(isClosed);
  });

  for (const lwm2mVersion of ['1.0', '1.2'] as const) {
    it(`a server at the address of the Bootstrap-Server is served like any other, also long after (LwM2M ${lwm2mVersion})`, async () => {
      const { network, bootstrapServer, client, events } = startScene({
        bootstrap: { pack: false },
        lwm2mVersion,
        lookUp: () => Promise.resolve('10.0.0.3'),
      });
      await network.run(1_000);
      await configure(bootstrapServer, 'coap://same.example', 101);
      await network.run(1_000);
      assert.deepEqual(events, ['started: no-server', 'finished', 'registered 101']);
      assert.equal((await bootstrapServer.request('GET /3303/0/5700', { observe: 0 })).code, '2.05');
      await network.run(200_000);
      assert.equal((await bootstrapServer.request('GET /3303/0/5700')).code, '2.05');
      await network.run(100_000);
      client.set('/3303/0/5700', 44);
      await network.run(1_000);
      assert.equal(bootstrapServer.notifications.length, 1);
      // And again, by that same server.
      assert.equal((await bootstrapServer.request('POST /1/3/9')).code, lwm2mVersion === '1.0' ? '4.04' : '2.04');
      if (lwm2mVersion === '1.0') return;
      await network.run(1_000);
      await configure(bootstrapServer, 'coap://10.0.0.3', 102);
      await network.run(1_000);
      assert.equal(events.at(-1), 'registered 102');
      assert.equal((await bootstrapServer.request('GET /3303/0/5700')).code, '2.05');
      const closed = client.close();
      await network.run(20_000);
      await closed;
    });
  }

  it('accounts that this client could not be started with are told as of no use, and one that can be used is', async () => {
    const network = new SimulatedNetwork();
    const bootstrapServer = new RawServer(network, { host: '10.0.0.3', port: 5683 });
    const server = new RawServer(network);
    const client = new LwM2mClient(network.secureDriver({ host: '10.0.0.2', port: 56830 }, { plaintext: true }), {
      endpointClientName: 'dev',
      servers: [],
      bootstrapServer: { uri: BOOTSTRAP_URI },
      bootstrap: { pack: false },
      objects: [temperatureObject({ value: 20 })],
    });
    const events = eventsOf(client);
    client.register();
    await network.run(1_000);
    const psk = (id: number, uri: string, shortServerId: number): string =>
      senml([[`/0/${id}/0`, uri], [`/0/${id}/1`, false], [`/0/${id}/2`, 0], [`/0/${id}/3`, new Uint8Array([1])], [`/0/${id}/4`, NOTHING], [`/0/${id}/5`, new Uint8Array(16)], [`/0/${id}/10`, shortServerId]]); // prettier-ignore
    await ask(bootstrapServer, 'PUT /0/5', '2.04', security(5, 'coap://server.example', 105));
    // The same address and port, over coaps and over coap: two servers.
    await ask(bootstrapServer, 'PUT /0/6', '2.04', psk(6, 'coaps://10.0.0.1:5683', 106));
    await ask(bootstrapServer, 'PUT /0/7', '2.04', security(7, 'coap://10.0.0.1:5683', 107));
    for (const id of [5, 6, 7]) await ask(bootstrapServer, `PUT /1/${id}`, '2.04', serverInstance(id, 100 + id));
    await ask(bootstrapServer, 'POST /bs', '2.04');
    await network.run(1_000);
    assert.match(events[1] ?? '', /^finished; \/0\/5: .*host name/);
    assert.deepEqual(events.slice(2), ['registered 107']);
    assert.equal(client.registrations.length, 2);
    assert.equal(server.taken().length, 1);
  });
});

it('a client whose state has an account that cannot be located starts all the same', async () => {
  const { network, bootstrapServer, client, store } = startScene({
    bootstrap: { pack: false },
    lookUp: () => Promise.resolve('10.0.0.1'),
  });
  await network.run(1_000);
  await configure(bootstrapServer, 'coap://server.example', 101);
  await network.run(1_000);
  assert.equal(client.registrations[0]?.state, 'registered');
  const again = new LwM2mClient(network.driver({ host: '10.0.0.2', port: 56831 }), {
    endpointClientName: 'dev',
    servers: [],
    bootstrapServer: { uri: BOOTSTRAP_URI },
    objects: [temperatureObject({ value: 20 })],
    state: store.load()!,
  });
  const events = eventsOf(again);
  again.register();
  await network.run(1_000);
  assert.deepEqual(events, ['started: no-server']);
});
