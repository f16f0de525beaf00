/** Bootstrap as a Client does it, message by message. OMA TS Core §6.1. */
import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { describe, it } from 'node:test';
import { Codes, UsageError } from '@lapwing/coap';
import { accessControlObject, LwM2mClient, temperatureObject } from '@lapwing/client';
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
  startClient,
  startScene,
  WatchedStore,
} from './bootstrap-scene.ts';
import type { Scene } from './bootstrap-scene.ts';
import { RawServer } from './raw-server.ts';

const FACTORY: Partial<ClientOptions> = { servers: [{ uri: 'coap://10.0.0.1', lifetimeSeconds: 300 }] };

/** Registered with the server it has from the factory. */
async function registered(options: Partial<ClientOptions> = {}): Promise<Scene> {
  const scene = startScene({ ...FACTORY, ...options });
  await scene.network.run(1_000);
  assert.deepEqual(scene.events.splice(0), ['registered 1']);
  scene.server.taken();
  return scene;
}

describe('a client without servers', () => {
  it('asks the Bootstrap-Server, is configured, and registers with the server that it was given (§6.1.3)', async () => {
    const { network, bootstrapServer, server, client, events } = startScene();
    await network.run(1_000);
    assert.deepEqual(bootstrapServer.taken(), ['GET /bspack?ep=dev&acc=</0/0>', 'POST /bs?ep=dev&pct=112']);
    assert.ok(client.isBootstrapping);
    const before = await bootstrapServer.request('GET /', { accept: 40 });
    assert.equal(before.text, '</>;lwm2m=1.2,</0/0>,</1>,</3/0>,</3303/0>');
    await configure(bootstrapServer);
    await network.run(1_000);
    assert.deepEqual(events, ['started: no-server', 'finished', 'registered 101']);
    assert.deepEqual(server.taken(), ['POST /rd?ep=dev&lt=300&lwm2m=1.2&b=U']);
    assert.ok(!client.isBootstrapping);
    assert.equal((await server.request('GET /1/3/0')).text, '101');
    assert.equal((await server.request('GET /1/3/12')).text, String(Math.floor(network.unixTime() / 1000) - 1));
    const closed = client.close();
    await network.run(1_000);
    await closed;
  });

  const requests: readonly (readonly [what: string, options: Partial<ClientOptions>, lines: readonly string[]])[] = [
    ['1.0', { lwm2mVersion: '1.0' }, ['POST /bs?ep=dev']],
    ['1.1', { lwm2mVersion: '1.1' }, ['POST /bs?ep=dev&pct=112']],
    ['1.1 that wants TLV', { lwm2mVersion: '1.1', bootstrap: { preferredContentFormat: 11542 } }, ['POST /bs?ep=dev&pct=11542']], // prettier-ignore
    ['1.2 that says more', { bootstrap: { additionalParameters: { et: 'sensor' } } }, ['GET /bspack?ep=dev&acc=</0/0>&et=sensor', 'POST /bs?ep=dev&pct=112&et=sensor']], // prettier-ignore
    ['1.2 without packs', { bootstrap: { pack: false } }, ['POST /bs?ep=dev&pct=112']],
    ['1.1 that leaves its name out', { lwm2mVersion: '1.1', nameFromCredentials: true }, ['POST /bs?pct=112']],
    [
      '1.1, with a path in the URI',
      { lwm2mVersion: '1.1', bootstrapServer: { uri: `${BOOTSTRAP_URI}/some/where` } },
      ['POST /some/where/bs?ep=dev&pct=112'],
    ],
  ];
  for (const [what, options, lines] of requests) {
    it(`of LwM2M ${what} asks ${lines.join()}`, async () => {
      const { network, bootstrapServer } = startScene(options);
      await network.run(1_000);
      assert.deepEqual(bootstrapServer.taken(), lines);
    });
  }

  it('waits for the hold-off time first (/0/x/11)', async () => {
    const { network, bootstrapServer } = startScene({ bootstrapServer: { uri: BOOTSTRAP_URI, holdOffSeconds: 10 } });
    await network.run(9_900);
    assert.deepEqual(bootstrapServer.taken(), []);
    await network.run(200);
    assert.equal(bootstrapServer.taken().length, 2);
  });

  it('Finish is refused while the configuration is inconsistent, and accepted when that is repaired (§6.1.7.6)', async () => {
    const { network, bootstrapServer, events } = startScene();
    await network.run(1_000);
    assert.match(await ask(bootstrapServer, 'POST /bs', '4.06'), /server/);
    await configure(bootstrapServer);
    await network.run(1_000);
    assert.deepEqual(events, ['started: no-server', 'finished', 'registered 101']);
  });

  it('tries again after a minute, two, four … when it is refused', async () => {
    const { network, bootstrapServer, events } = startScene({ bootstrap: { pack: false, maxRetrySeconds: 200 } });
    bootstrapServer.answer = () => ({ code: Codes.badRequest });
    await network.run(12 * 60_000);
    assert.deepEqual(
      bootstrapServer.arrivals.map(({ at }) => Math.round(at / 1000)),
      [0, 60, 180, 380, 580],
    );
    assert.equal(events[1], 'failed: 4.00 Bad Request, again in 60 s');
  });

  it('tries again when nobody answers, and when the Bootstrap-Server falls silent for 247 s (§6.1.4)', async () => {
    const { network, bootstrapServer, client, events } = startScene({ bootstrap: { pack: false } });
    bootstrapServer.answer = () => undefined;
    await network.run(94_000);
    assert.deepEqual(events.splice(0), ['started: no-server', 'failed: no answer from the server, again in 60 s']);
    bootstrapServer.answer = (request) => bootstrapServer.accept(request);
    await network.run(66_000);
    await ask(bootstrapServer, 'PUT /1/3', '2.04', serverInstance(3, 101));
    await network.run(246_000);
    assert.ok(client.isBootstrapping);
    assert.deepEqual(client.objectInstanceIds(1), [3]);
    await network.run(2_000);
    assert.deepEqual(events.splice(0), [
      'started: no-server',
      'failed: the Bootstrap-Server fell silent, again in 120 s',
    ]);
    assert.deepEqual(client.objectInstanceIds(1), []);
  });

  it('has nothing to do with anybody who asks for operations before or after', async () => {
    const { network, bootstrapServer, client } = startScene({
      bootstrapServer: { uri: BOOTSTRAP_URI, holdOffSeconds: 60 },
    });
    bootstrapServer.peer = bootstrapServer.driver.peer({ host: '10.0.0.2', port: 56830 });
    const early = bootstrapServer.start('DELETE /1');
    await network.run(110_000);
    assert.equal((await early).code, 'failed: timeout');
    await configure(bootstrapServer);
    await network.run(1_000);
    const late = bootstrapServer.start('DELETE /1');
    await network.run(100_000);
    assert.equal((await late).code, 'failed: timeout');
    assert.deepEqual(client.objectInstanceIds(1), [3]);
  });

  it('cannot be without a Bootstrap-Server, nor bootstrap when it has none', async () => {
    const driver = new SimulatedNetwork().driver({ host: '10.0.0.2', port: 1 });
    const make = (options: Partial<ClientOptions>) => () =>
      new LwM2mClient(driver, { endpointClientName: 'a', servers: [], objects: [], ...options });
    assert.throws(make({}), /Bootstrap-Server/);
    assert.throws(make({ bootstrapServer: { uri: 'coaps://10.0.0.3' } }), /needs credentials/);
    assert.throws(make({ bootstrapServer: { uri: BOOTSTRAP_URI, holdOffSeconds: -1 } }), /whole seconds/);
    assert.throws(make({ bootstrapServer: { uri: BOOTSTRAP_URI }, bootstrap: { retryTimerSeconds: 0 } }), /above 0/);
    assert.throws(make({ bootstrapServer: { uri: BOOTSTRAP_URI }, bootstrap: { additionalParameters: { ep: 'b' } } }), /"ep" is no additional parameter of a Bootstrap-Request/); // prettier-ignore
    const { client, network } = await registered();
    assert.throws(() => make(FACTORY)().bootstrap(), UsageError);
    client.goOffline();
    assert.throws(() => client.bootstrap(), UsageError);
    const closed = client.close();
    await network.run(1_000);
    await closed;
  });
});

describe('a client with servers', () => {
  it('registers with those it has from the factory, and bootstraps not at all', async () => {
    const { network, bootstrapServer } = await registered();
    await network.run(HOUR);
    assert.deepEqual(bootstrapServer.taken(), []);
  });

  it('bootstraps when its only server has not answered for all retries (/1/x/16)', async () => {
    const { network, bootstrapServer, server, events } = startScene({
      servers: [{ uri: 'coap://10.0.0.9', retry: { count: 2, timerSeconds: 10 } }],
    });
    await network.run(5 * 60_000);
    assert.deepEqual(events.splice(0), ['started: unreachable']);
    await configure(bootstrapServer);
    await network.run(1_000);
    assert.deepEqual(events.splice(0), ['finished', 'registered 101']);
    assert.equal(server.taken().length, 1);
  });

  it('does not when that server says so', async () => {
    const { network, bootstrapServer } = startScene({
      servers: [{ uri: 'coap://10.0.0.9', bootstrapOnFailure: false, retry: { count: 1 } }],
    });
    await network.run(HOUR);
    assert.deepEqual(bootstrapServer.taken(), []);
  });

  it('does not while another server answers, or may yet', async () => {
    const { network, bootstrapServer, client } = startScene({
      servers: [
        { uri: 'coap://10.0.0.9', retry: { count: 1 } },
        { uri: 'coap://10.0.0.1', lifetimeSeconds: 300, initialDelaySeconds: 1_000 },
      ],
    });
    await network.run(HOUR);
    assert.deepEqual(bootstrapServer.taken(), []);
    assert.equal(client.registrations[1]?.state, 'registered');
  });

  it('does when a server that failed blocks those after it (/1/x/15)', async () => {
    const { network, events } = startScene({
      servers: [
        { uri: 'coap://10.0.0.9', priority: 1, failureBlock: true, retry: { count: 1 } },
        { uri: 'coap://10.0.0.1', priority: 2 },
      ],
    });
    await network.run(3 * 60_000);
    assert.equal(events[0], 'started: unreachable');
  });

  it('bootstraps after a minute, two, four … while what it is given leads to no registration', async () => {
    const { network, bootstrapServer, client } = startScene();
    const refusing = new RawServer(network, { host: '10.0.0.9', port: 5683 });
    refusing.answer = () => ({ code: Codes.forbidden });
    const pauses: number[] = [];
    let finishedAt = 0;
    client.on('bootstrapFinished', () => (finishedAt = network.now()));
    client.on('bootstrapStarted', () => pauses.push(Math.round((network.now() - finishedAt) / 1000)));
    const server = JSON.parse(serverInstance(3, 101)) as unknown[];
    for (let round = 0; round < 4; round++) {
      bootstrapServer.taken();
      while (bootstrapServer.arrivals.at(-1)?.line.startsWith('POST') !== true) await network.run(1_000);
      await ask(bootstrapServer, 'PUT /0/7', '2.04', security(7, 'coap://10.0.0.9', 101));
      await ask(bootstrapServer, 'PUT /1/3', '2.04', JSON.stringify([...server, { n: '/1/3/17', v: 1 }]));
      await ask(bootstrapServer, 'POST /bs', '2.04');
    }
    assert.deepEqual(pauses, [60, 120, 240]);
    // A registration makes up for all of them.
    refusing.answer = (request) => refusing.accept(request);
    client.register();
    await network.run(1_000);
    assert.equal(client.registrations[0]?.state, 'registered');
    refusing.answer = () => undefined;
    client.update();
    await network.run(4 * 60_000);
    assert.equal(pauses.length, 4);
  });

  it('that waits to bootstrap again goes on doing so when a call of the application failed', async () => {
    const { network, bootstrapServer, client, events } = startScene({ bootstrap: { pack: false } });
    bootstrapServer.answer = () => ({ code: Codes.badRequest });
    await network.run(10_000);
    client.bootstrap();
    await network.run(1_000);
    assert.equal(events.at(-1), 'failed: 4.00 Bad Request, again in 120 s');
    await network.run(120_000);
    assert.equal(bootstrapServer.taken().length, 3);
  });

  it('gives up waiting for a bootstrap when a server can be registered with after all', async () => {
    const { network, bootstrapServer, client, events } = startScene({
      servers: [{ uri: 'coap://10.0.0.1', retry: { count: 1, sequenceDelaySeconds: 100 } }],
      bootstrapServer: { uri: BOOTSTRAP_URI, holdOffSeconds: 200 },
    }, new WatchedStore()); // prettier-ignore
    await network.run(500);
    events.splice(0);
    client.register(1);
    await network.run(HOUR);
    assert.deepEqual(bootstrapServer.taken(), []);
    assert.equal(client.registrations[0]?.state, 'registered');
  });

  it('bootstraps when a server executes /1/x/9, and registers anew', async () => {
    const { network, bootstrapServer, server, client, events } = await registered();
    const trigger = server.start('POST /1/0/9');
    await network.run(1_000);
    assert.equal((await trigger).code, '2.04');
    assert.equal(bootstrapServer.taken().at(-1), 'POST /bs?ep=dev&pct=112');
    await configure(bootstrapServer, 'coap://10.0.0.1', 7);
    await network.run(1_000);
    assert.deepEqual(events, ['started: server-trigger', 'finished', 'registered 7']);
    assert.deepEqual(server.taken(), ['POST /rd?ep=dev&lt=300&lwm2m=1.2&b=U']);
    // The trigger works for what a Bootstrap-Server wrote, too.
    assert.equal((await server.request('POST /1/3/9')).code, '2.04');
    assert.ok(client.isBootstrapping);
  });

  it('without a Bootstrap-Server /1/x/9 is 4.05', async () => {
    const { server } = await registered({ bootstrapServer: undefined } as object);
    assert.equal((await server.request('POST /1/0/9')).code, '4.05');
  });

  it('is not heard of by its servers while it bootstraps, and hears nothing', async () => {
    const { network, bootstrapServer, server, client } = await registered();
    assert.equal((await server.request('GET /3303/0/5700', { observe: 0 })).code, '2.05');
    client.bootstrap();
    await network.run(1_000);
    const read = server.start('GET /3303/0/5700');
    client.set('/3303/0/5700', 30);
    await network.run(1_000);
    await ask(bootstrapServer, 'DELETE /1', '2.02');
    await network.run(200_000);
    assert.equal((await read).code, 'failed: timeout');
    assert.deepEqual(server.notifications, []);
    assert.deepEqual(server.taken(), []);
  });

  it('a bootstrap that fails leaves everything as it was: the registration is confirmed, observations go on', async () => {
    const { network, bootstrapServer, server, client, events, store } = await registered();
    await server.request('PUT /3303/0/5700?pmin=1');
    await server.request('GET /3303/0/5700', { observe: 0 });
    const saved = JSON.stringify(store.load());
    client.bootstrap();
    await network.run(1_000);
    await ask(bootstrapServer, 'DELETE /0', '2.02');
    await ask(bootstrapServer, 'DELETE /1', '2.02');
    await ask(bootstrapServer, 'PUT /1/3', '2.04', serverInstance(3, 9));
    client.set('/3303/0/5700', 30);
    await network.run(250_000);
    assert.deepEqual(events, ['started: application', 'failed: the Bootstrap-Server fell silent, again in Infinity s']);
    assert.deepEqual(server.taken(), ['POST /rd/r1']);
    assert.deepEqual(
      server.notifications.map(({ text }) => text),
      ['30'],
    );
    assert.equal((await server.request('GET /1/0/0')).text, '1');
    assert.equal((await server.request('GET /3303/0/5700', { accept: 40 })).text, '</3303/0/5700>;pmin=1');
    assert.equal(JSON.stringify(store.load()), saved);
  });

  it('a bootstrap is not begun again by the server that asked for one that failed', async () => {
    const { network, bootstrapServer, server, events } = await registered({ bootstrap: { pack: false } });
    bootstrapServer.answer = () => ({ code: Codes.internalServerError });
    await server.request('POST /1/0/9');
    await network.run(HOUR);
    assert.equal(bootstrapServer.taken().length, 1);
    assert.deepEqual(events, ['started: server-trigger', 'failed: 5.00 Internal Server Error, again in Infinity s']);
  });

  it('going offline gives up the bootstrap; back online it is as before', async () => {
    const { network, bootstrapServer, server, client, events } = await registered();
    client.bootstrap();
    await network.run(1_000);
    await ask(bootstrapServer, 'DELETE /1', '2.02');
    client.goOffline();
    assert.deepEqual(events.splice(0).length, 2);
    assert.deepEqual(client.objectInstanceIds(1), [0]);
    await network.run(HOUR);
    client.goOnline();
    await network.run(1_000);
    assert.ok(server.taken().length > 0);
    assert.equal(client.registrations[0]?.state, 'registered');
  });

  it('a client without servers that was offline bootstraps when it is back', async () => {
    const { network, bootstrapServer, client } = startScene();
    client.goOffline();
    await network.run(HOUR);
    assert.ok(!bootstrapServer.taken().some((line) => line.startsWith('POST')));
    client.goOnline();
    await network.run(1_000);
    assert.equal(bootstrapServer.taken().at(-1), 'POST /bs?ep=dev&pct=112');
  });
});

describe('what a bootstrap changes', () => {
  it('ends observations, and the attributes of servers whose accounts were written anew', async () => {
    const { network, bootstrapServer, server, client } = await registered();
    for (const path of ['/3303', '/3303/0', '/3303/0/5700']) await server.request(`PUT ${path}?pmax=10`);
    for (const path of ['/3303', '/3303/0', '/3303/0/5700']) {
      assert.equal((await server.request(`GET ${path}`, { observe: 0 })).code, '2.05');
    }
    client.bootstrap();
    await network.run(1_000);
    await configure(bootstrapServer, 'coap://10.0.0.1', 1);
    server.notifications.length = 0;
    await network.run(60_000);
    assert.deepEqual(server.notifications, []);
    assert.equal(client.observationCount, 0);
    assert.equal((await server.request('GET /3303', { accept: 40 })).text, '</3303>,</3303/0>,</3303/0/5601>,</3303/0/5602>,</3303/0/5605>,</3303/0/5700>,</3303/0/5701>'); // prettier-ignore
  });

  it('keeps the attributes of a server whose account was not touched', async () => {
    const { network, bootstrapServer, server, client } = await registered();
    await server.request('PUT /3303/0/5700?pmax=10');
    client.bootstrap();
    await network.run(1_000);
    await ask(bootstrapServer, 'PUT /1/0/1', '2.04', senml([['/1/0/1', 500]]));
    await ask(bootstrapServer, 'POST /bs', '2.04');
    await network.run(1_000);
    assert.deepEqual(server.taken(), ['POST /rd?ep=dev&lt=500&lwm2m=1.2&b=U']);
    assert.equal((await server.request('GET /3303/0/5700', { accept: 40 })).text, '</3303/0/5700>;pmax=10');
  });

  it('a server whose account is gone loses what it owned; Access Control goes by what was written (§8.1.3)', async () => {
    const { network, bootstrapServer, server, client } = await registered({
      objects: [
        { ...temperatureObject({ value: 20 }), create: true, delete: true },
        accessControlObject({ objectId: 3303, objectInstanceId: 0, owner: 1 }),
      ],
    });
    client.bootstrap();
    await network.run(1_000);
    await ask(bootstrapServer, 'DELETE /0', '2.02');
    await ask(bootstrapServer, 'DELETE /1', '2.02');
    await ask(bootstrapServer, 'PUT /0/7', '2.04', security(7, 'coap://10.0.0.1', 101));
    await ask(bootstrapServer, 'PUT /1/3', '2.04', serverInstance(3, 101));
    const control = senml([
      ['/2/5/0', 1],
      ['/2/5/1', 3],
      ['/2/5/2/101', 3],
      ['/2/5/3', 101],
    ]);
    await ask(bootstrapServer, 'PUT /2/5', '2.04', control);
    await ask(bootstrapServer, 'POST /bs', '2.04');
    await network.run(1_000);
    assert.deepEqual(client.objectInstanceIds(3303), []);
    assert.equal((await server.request('GET /1/3/1')).text, '300');
    assert.equal((await server.request('POST /1/3/8')).code, '4.01');
  });

  it('accounts that this client can do nothing with make it inconsistent, and the reason is told', async () => {
    const { network, bootstrapServer, client } = startScene();
    await network.run(1_000);
    await ask(bootstrapServer, 'PUT /0/8', '2.04', security(8, 'coap+tcp://10.0.0.1', 102));
    await ask(bootstrapServer, 'PUT /1/8', '2.04', serverInstance(8, 102));
    await ask(bootstrapServer, 'PUT /0/7', '2.04', security(7, 'coap://10.0.0.1', 101));
    await ask(bootstrapServer, 'PUT /1/3', '2.04', serverInstance(3, 101));
    assert.match(await ask(bootstrapServer, 'POST /bs', '4.06'), /\/0\/8: .*coap\+tcp is not supported/);
    assert.ok(client.isBootstrapping);
  });

  it('of two servers with one address one is told to be of no use, and the other registered with', async () => {
    const { network, bootstrapServer, events } = startScene();
    await network.run(1_000);
    for (const id of [1, 2]) {
      await ask(bootstrapServer, `PUT /0/${id}`, '2.04', security(id, 'coap://10.0.0.1', 100 + id));
      await ask(bootstrapServer, `PUT /1/${id}`, '2.04', serverInstance(id, 100 + id));
    }
    await ask(bootstrapServer, 'POST /bs', '2.04');
    await network.run(1_000);
    assert.deepEqual(events.slice(1), ['finished; /0/2: another server has the address of coap://10.0.0.1', 'registered 101']); // prettier-ignore
  });

  it('the account of the Bootstrap-Server goes when its time is over (/0/x/12), and /1/x/9 with it', async () => {
    const { network, bootstrapServer, server, client } = startScene({
      bootstrapServer: { uri: BOOTSTRAP_URI, accountTimeoutSeconds: 600 },
    });
    await network.run(1_000);
    await configure(bootstrapServer);
    await network.run(590_000);
    assert.deepEqual(client.objectInstanceIds(0), [0, 7]);
    await network.run(10_000);
    assert.deepEqual(client.objectInstanceIds(0), [7]);
    assert.equal((await server.request('POST /1/3/9')).code, '4.05');
  });

  it('the account of the Bootstrap-Server may be another afterwards', async () => {
    const { network, bootstrapServer, client } = startScene();
    await network.run(1_000);
    await ask(bootstrapServer, 'PUT /0/0', '2.04', security(0, 'coap://10.0.0.4', 'bootstrap'));
    await configure(bootstrapServer);
    await network.run(1_000);
    bootstrapServer.taken();
    const other = new RawServer(network, { host: '10.0.0.4', port: 5683 });
    client.bootstrap();
    await network.run(1_000);
    assert.deepEqual(bootstrapServer.taken(), []);
    assert.match(other.taken().at(-1) ?? '', /^(GET|POST) \/bs/);
  });
});

describe('Bootstrap-Pack (LwM2M 1.2)', () => {
  const both = (shortServerId: number): string =>
    JSON.stringify([
      ...(JSON.parse(security(7, 'coap://10.0.0.1', shortServerId)) as unknown[]),
      ...(JSON.parse(serverInstance(3, shortServerId)) as unknown[]),
    ]);

  it('brings everything in one answer, and no Finish follows (§6.1.7.2)', async () => {
    const { network, bootstrapServer, server, events } = startScene();
    bootstrapServer.answer = () => ({ code: Codes.content, contentFormat: SENML_JSON, payload: both(101) });
    await network.run(1_000);
    assert.deepEqual(bootstrapServer.taken(), ['GET /bspack?ep=dev&acc=</0/0>']);
    assert.deepEqual(events, ['started: no-server', 'finished', 'registered 101']);
    assert.equal(server.taken().length, 1);
  });

  for (const [what, answer] of [
    ['cannot be read', { code: Codes.content, contentFormat: SENML_JSON, payload: '[{' }],
    ['comes in a format that no pack has', { code: Codes.content, contentFormat: 11542, payload: '' }],
    ['is inconsistent', { code: Codes.content, contentFormat: SENML_JSON, payload: serverInstance(3, 101) }],
    ['is refused', { code: Codes.methodNotAllowed }],
    ['is something else', { code: Codes.changed }],
  ] as const) {
    it(`that ${what} is followed by a Bootstrap-Request, with nothing of it left`, async () => {
      const { network, bootstrapServer, client } = startScene();
      bootstrapServer.answer = (request, line) => (line.includes('/bspack') ? answer : bootstrapServer.accept(request));
      await network.run(1_000);
      assert.equal(bootstrapServer.taken().at(-1), 'POST /bs?ep=dev&pct=112');
      assert.deepEqual(client.objectInstanceIds(1), []);
      await configure(bootstrapServer);
    });
  }
});

describe('a Bootstrap-Server that begins by itself (LwM2M 1.0)', () => {
  it('configures a client of 1.0 whenever it wants', async () => {
    const { network, bootstrapServer, server, events } = await registered({ lwm2mVersion: '1.0' });
    bootstrapServer.peer = bootstrapServer.driver.peer({ host: '10.0.0.2', port: 56830 });
    await configure(bootstrapServer, 'coap://10.0.0.1', 5);
    await network.run(1_000);
    assert.deepEqual(events, ['started: unsolicited', 'finished', 'registered 5']);
    assert.equal(server.taken().length, 1);
    await configure(bootstrapServer, 'coap://10.0.0.1', 6);
    await network.run(1_000);
    assert.equal(events.at(-1), 'registered 6');
  });

  it('over coaps the association goes on for a while after Finish, so that its answer arrives', async () => {
    const key = createSecretKey(Buffer.alloc(16, 7));
    const network = new SimulatedNetwork();
    const server = { psk: {}, clientAuthentication: 'required', clientCertificateTypes: [], trustAnchors: [] } as const;
    const driver = network.secureDriver({ host: '10.0.0.3', port: 5684 }, { server });
    driver.onAssociation = (event): void => {
      if (event.kind === 'lookup') driver.answer(event.lookup, { kind: 'key', key });
    };
    const bootstrapServer = new RawServer(network, driver);
    new RawServer(network);
    const client = new LwM2mClient(network.secureDriver({ host: '10.0.0.2', port: 56830 }, { plaintext: true }), {
      endpointClientName: 'dev',
      lwm2mVersion: '1.0',
      servers: [],
      bootstrapServer: { uri: 'coaps://10.0.0.3', credentials: { kind: 'psk', identity: Uint8Array.of(1), key } },
      objects: [],
    });
    client.register();
    await network.run(1_000);
    await configure(bootstrapServer);
    await network.run(200_000);
    assert.equal(driver.dtlsUsage.associations, 1);
    await network.run(50_000);
    assert.equal(driver.dtlsUsage.associations, 0);
  });

  it('is ignored by a client of 1.1', async () => {
    const { network, bootstrapServer } = await registered({ lwm2mVersion: '1.1' });
    bootstrapServer.peer = bootstrapServer.driver.peer({ host: '10.0.0.2', port: 56830 });
    const answer = bootstrapServer.start('DELETE /1');
    await network.run(100_000);
    assert.equal((await answer).code, 'failed: timeout');
  });
});

describe('a restart', () => {
  it('finds the configuration that the bootstrap left, and what servers wrote to it', async () => {
    const { network, bootstrapServer, server, client, store } = startScene();
    await network.run(1_000);
    await configure(bootstrapServer);
    await network.run(1_000);
    await server.request('PUT /1/3/1', { contentFormat: 0 }, '600');
    const closed = client.close();
    await network.run(1_000);
    await closed;
    server.taken();
    bootstrapServer.taken();
    const again = startClient(network, store, {}, 56831);
    again.register();
    await network.run(1_000);
    assert.deepEqual(bootstrapServer.taken(), []);
    assert.deepEqual(server.taken(), ['POST /rd?ep=dev&lt=600&lwm2m=1.2&b=U']);
    assert.equal((await server.request('POST /1/3/9')).code, '2.04');
    assert.deepEqual(bootstrapServer.taken(), ['GET /bspack?ep=dev&acc=</0/0>', 'POST /bs?ep=dev&pct=112'].slice(0, 2));
  });

  it('in the middle of a bootstrap finds what was before it', async () => {
    const { network, bootstrapServer, server, client, store } = await registered();
    client.bootstrap();
    await network.run(1_000);
    await ask(bootstrapServer, 'DELETE /0', '2.02');
    await ask(bootstrapServer, 'DELETE /1', '2.02');
    const again = startClient(network, store, FACTORY, 56831);
    again.register();
    await network.run(1_000);
    assert.match(server.taken().at(-1) ?? '', /POST \/rd\?ep=dev/);
    assert.deepEqual(again.objectInstanceIds(0), [0, 1]);
  });

  it('counts the time of the account of the Bootstrap-Server anew (/0/x/12)', async () => {
    const bootstrapServer = { uri: BOOTSTRAP_URI, accountTimeoutSeconds: 600 };
    const scene = startScene({ bootstrapServer });
    await scene.network.run(1_000);
    await configure(scene.bootstrapServer);
    const again = startClient(scene.network, scene.store, { bootstrapServer }, 56831);
    again.register();
    await scene.network.run(601_000);
    assert.deepEqual(again.objectInstanceIds(0), [7]);
  });

  it('a configuration that cannot be saved is not taken: Finish is 5.00 and the old one goes on', async () => {
    const { network, bootstrapServer, client, events, store } = await registered();
    const failures: unknown[] = [];
    client.on('handlerError', ({ cause }) => failures.push(cause));
    client.bootstrap();
    await network.run(1_000);
    await ask(bootstrapServer, 'DELETE /0', '2.02');
    await ask(bootstrapServer, 'DELETE /1', '2.02');
    await ask(bootstrapServer, 'PUT /0/7', '2.04', security(7, 'coap://10.0.0.1', 101));
    await ask(bootstrapServer, 'PUT /1/3', '2.04', serverInstance(3, 101));
    store.failure = new Error('disk full');
    await ask(bootstrapServer, 'POST /bs', '5.00');
    store.failure = undefined;
    await network.run(1_000);
    assert.deepEqual(events, ['started: application', 'failed: the configuration could not be saved, again in Infinity s']); // prettier-ignore
    assert.deepEqual(failures, [new Error('disk full')]);
    assert.deepEqual(client.objectInstanceIds(1), [0]);
    const again = startClient(network, store, FACTORY, 56831);
    assert.deepEqual(again.objectInstanceIds(1), [0]);
  });
});

it('whenRegistered waits for the servers of the bootstrap', async () => {
  const { network, bootstrapServer, client } = startScene();
  let isRegistered = false;
  void client.whenRegistered().then(() => (isRegistered = true));
  await network.run(1_000);
  assert.ok(!isRegistered);
  await configure(bootstrapServer);
  await network.run(1_000);
  assert.ok(isRegistered);
});

it('a client that is closed while it bootstraps leaves nothing over, and keeps the old configuration', async () => {
  const { network, bootstrapServer, client, store } = await registered();
  client.bootstrap();
  await network.run(1_000);
  await ask(bootstrapServer, 'DELETE /1', '2.02');
  const closed = client.close();
  await network.run(20_000);
  await closed;
  const again = startClient(network, store, FACTORY, 56831);
  assert.deepEqual(again.objectInstanceIds(1), [0]);
  assert.deepEqual(eventsOf(again), []);
});
