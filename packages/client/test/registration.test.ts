import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Codes, OperationFailed, UsageError } from '@lapwing/coap';
import { LwM2mClient, temperatureObject, type ClientOptions, type ServerAccount } from '@lapwing/client';
import { SimulatedNetwork } from '@lapwing/testkit';
import { RawServer, type Answer, type RegistrationAnswer } from './raw-server.ts';

const DAY = 24 * 3_600_000;

function begin(options: Partial<ClientOptions> & { readonly account?: Partial<ServerAccount> } = {}): {
  network: SimulatedNetwork;
  server: RawServer;
  client: LwM2mClient;
  events: string[];
} {
  const network = new SimulatedNetwork();
  const server = new RawServer(network);
  const { account, ...rest } = options;
  const client = new LwM2mClient(network.driver({ host: '10.0.0.2', port: 56830 }), {
    endpointClientName: 'urn:dev:os:32473-1',
    servers: [{ uri: 'coap://10.0.0.1', lifetimeSeconds: 300, ...account }],
    objects: [temperatureObject({ value: 20 })],
    ...rest,
  });
  const events: string[] = [];
  for (const name of ['registered', 'updated', 'lost', 'deregistered'] as const)
    client.on(name, () => events.push(name));
  client.on('registrationFailed', ({ reason, retryIn, final }) => {
    events.push(`failed: ${reason}, again in ${retryIn / 1000} s${final ? ', final' : ''}`);
  });
  client.register();
  return { network, server, client, events };
}

describe('Register (Core §6.2.1)', () => {
  it('says name, lifetime, version and binding, name first, and lists the Objects without Security', async () => {
    const { network, server } = begin();
    await network.run(1000);
    assert.deepEqual(
      server.arrivals.map(({ line, payload }) => [line, payload]),
      [['POST /rd?ep=urn:dev:os:32473-1&lt=300&lwm2m=1.2&b=U', '</1/0>,</3/0>,</3303/0>']],
    );
  });

  it('queue mode is a flag of its own since 1.1, and part of the binding in 1.0', async () => {
    const modern = begin({ lwm2mVersion: '1.1', queueMode: true });
    await modern.network.run(1000);
    assert.deepEqual(modern.server.taken(), ['POST /rd?ep=urn:dev:os:32473-1&lt=300&lwm2m=1.1&b=U&Q']);
    const old = begin({ lwm2mVersion: '1.0', queueMode: true });
    await old.network.run(1000);
    assert.deepEqual(old.server.taken(), ['POST /rd?ep=urn:dev:os:32473-1&lt=300&lwm2m=1.0&b=UQ']);
  });

  it('a path in the URI of the server, a phone number, a format and an alternate path are announced', async () => {
    const { network, server } = begin({
      account: { uri: 'coap://10.0.0.1:5683/some%20where/' },
      smsNumber: '491711234567',
      contentFormat: 110,
      alternatePath: '/lwm2m',
    });
    await network.run(1000);
    const [arrival] = server.arrivals;
    assert.equal(arrival?.line, 'POST /some where/rd?ep=urn:dev:os:32473-1&lt=300&lwm2m=1.2&b=U&sms=491711234567');
    assert.equal(arrival?.payload, '</lwm2m>;rt="oma.lwm2m";ct=110,</lwm2m/1/0>,</lwm2m/3/0>,</lwm2m/3303/0>');
    assert.equal((await server.request('GET /lwm2m/3303/0/5700')).text, '20');
    assert.equal((await server.request('GET /3303/0/5700')).text, '20');
  });

  it('additional parameters follow those of LwM2M, and are checked when the client is made', async () => {
    const { network, server } = begin({ additionalParameters: { et: 'sensor', site: 'north' } });
    await network.run(1000);
    assert.deepEqual(server.taken(), ['POST /rd?ep=urn:dev:os:32473-1&lt=300&lwm2m=1.2&b=U&et=sensor&site=north']);
    assert.throws(() => begin({ additionalParameters: { ep: 'other' } }), /"ep" is no additional parameter/);
  });

  it('an Object whose version is not the implied one is announced with it', async () => {
    const { network, server } = begin({
      objects: [{ ...temperatureObject({ value: 20 }), version: '1.1' }],
      lwm2mVersion: '1.1',
    });
    await network.run(1000);
    assert.equal(server.arrivals[0]?.payload, '</1/0>,</3/0>,</3303>;ver=1.1,</3303/0>');
  });

  it('4.12 makes it offer 1.1, then 1.0, and the versions of the Objects are said where they then differ', async () => {
    const { network, server, client } = begin();
    server.answer = (request, line) =>
      line.includes('lwm2m=1.0') ? server.accept(request) : { code: Codes.preconditionFailed };
    await network.run(1000);
    assert.deepEqual(
      server.arrivals.map(({ line }) => /lwm2m=(...)/.exec(line)?.[1]),
      ['1.2', '1.1', '1.0'],
    );
    assert.equal(server.arrivals[1]?.payload, '</1>;ver=1.2,</1/0>,</3>;ver=1.2,</3/0>,</3303/0>');
    assert.equal(client.registrations[0]?.lwm2mVersion, '1.0');
  });

  it('an acceptance without a location is a failure', async () => {
    const { network, server, events } = begin();
    server.answer = () => ({ code: Codes.created });
    await network.run(1000);
    assert.deepEqual(events, ['failed: the server accepted with 2.01 and no location, again in 60 s']);
  });
});

describe('keeping a registration alive (Core §6.2.2)', () => {
  it('an Update without parameters goes out 93 s before the lifetime ends, for days', async () => {
    const { network, server, events } = begin();
    await network.run(10 * DAY);
    const updates = server.arrivals.filter(({ line }) => line === 'POST /rd/r1');
    assert.equal(server.arrivals.length, updates.length + 1);
    assert.equal(server.arrivals[1]?.at, 207_010);
    // Never more than a lifetime between two of them, and one per 207 s and a bit.
    for (let i = 1; i < server.arrivals.length; i++) {
      assert.ok(server.arrivals[i]!.at - server.arrivals[i - 1]!.at < 300_000);
    }
    assert.equal(updates.length, Math.floor((10 * DAY - 10) / 207_000));
    assert.deepEqual([...new Set(events)], ['registered', 'updated']);
  });

  it('a lifetime of 0 is for ever: no Update', async () => {
    const { network, server } = begin({ account: { lifetimeSeconds: 0 } });
    await network.run(10 * DAY);
    assert.equal(server.arrivals.length, 1);
  });

  it('a changed lifetime is told at once, and counts from then on', async () => {
    const { network, server, client } = begin();
    await network.run(1000);
    server.taken();
    assert.equal((await server.request('PUT /1/0/1', { contentFormat: 0 }, '60')).code, '2.04');
    await network.run(1000);
    assert.deepEqual(server.taken(), ['POST /rd/r1?lt=60']);
    await network.run(31_000);
    assert.deepEqual(server.taken(), ['POST /rd/r1']);
    client.set('/1/0/1', 120);
    await network.run(1000);
    assert.deepEqual(server.taken(), ['POST /rd/r1?lt=120']);
  });

  it('a changed binding is told at once', async () => {
    const { network, server } = begin();
    await network.run(1000);
    server.taken();
    await server.request('PUT /1/0/7', { contentFormat: 0 }, 'UT');
    await network.run(1000);
    assert.deepEqual(server.taken(), ['POST /rd/r1?b=UT']);
  });

  it('a new Object Instance is told at once, with the whole list; several at once in at most two Updates', async () => {
    const { network, server, client } = begin();
    await network.run(1000);
    server.arrivals.length = 0;
    for (const id of [1, 2, 3]) client.addObjectInstance(3303, id, { 5700: 1 });
    await network.run(1000);
    assert.deepEqual(
      server.arrivals.map(({ line, payload }) => [line, payload]),
      [
        ['POST /rd/r1', '</1/0>,</3/0>,</3303/0>,</3303/1>'],
        ['POST /rd/r1', '</1/0>,</3/0>,</3303/0>,</3303/1>,</3303/2>,</3303/3>'],
      ],
    );
    server.arrivals.length = 0;
    assert.equal(client.removeObjectInstance(3303, 2), true);
    assert.equal(client.removeObjectInstance(3303, 2), false);
    await network.run(1000);
    assert.deepEqual(
      server.arrivals.map(({ payload }) => payload),
      ['</1/0>,</3/0>,</3303/0>,</3303/1>,</3303/3>'],
    );
  });

  it('Execute /1/x/8 is answered first and then brings an Update', async () => {
    const { network, server } = begin();
    await network.run(1000);
    server.taken();
    const order: string[] = [];
    network.onDatagram = (from, _to, datagram) => {
      if (from.host === '10.0.0.2') order.push((datagram[0]! & 0x30) === 0x20 ? 'answer' : 'request');
    };
    assert.equal((await server.request('POST /1/0/8')).code, '2.04');
    await network.run(1000);
    assert.deepEqual(order, ['answer', 'request']);
    assert.deepEqual(server.taken(), ['POST /rd/r1']);
  });

  it('a server that forgot the registration (4.04 on Update) gets a new one', async () => {
    const { network, server, client, events } = begin();
    await network.run(1000);
    server.taken();
    server.answer = (request, line) => (line === 'POST /rd/r1' ? { code: Codes.notFound } : server.accept(request));
    client.update();
    await network.run(1000);
    assert.deepEqual(server.taken(), ['POST /rd/r1', 'POST /rd?ep=urn:dev:os:32473-1&lt=300&lwm2m=1.2&b=U']);
    assert.deepEqual(events, ['registered', 'lost', 'registered']);
    assert.equal(client.registrations[0]?.location, '/rd/r2');
  });

  it('a server that does not answer an Update gets a new Register', async () => {
    const { network, server, client, events } = begin();
    await network.run(1000);
    server.taken();
    server.answer = (request, line) => (line === 'POST /rd/r1' ? undefined : server.accept(request));
    client.update();
    await network.run(100_000);
    assert.deepEqual(server.taken(), ['POST /rd/r1', 'POST /rd?ep=urn:dev:os:32473-1&lt=300&lwm2m=1.2&b=U']);
    assert.deepEqual(events, ['registered', 'lost', 'registered']);
  });
});

describe('trying again (/1/x/17 to /1/x/20)', () => {
  it('refused: five attempts with doubling pauses, then the sequence delay, then anew', async () => {
    const { network, server, events } = begin();
    server.answer = () => ({ code: Codes.forbidden });
    await network.run(2 * DAY);
    const starts = server.arrivals.map(({ at }) => Math.round(at / 1000));
    assert.deepEqual(starts.slice(0, 7), [0, 60, 180, 420, 900, 87_300, 87_360]);
    assert.equal(events[0], 'failed: 4.03 Forbidden, again in 60 s');
    assert.equal(events[4], 'failed: 4.03 Forbidden, again in 86400 s, final');
  });

  it('the account and the Server Object say how often', async () => {
    const { network, server } = begin({ account: { retry: { count: 2, timerSeconds: 5, sequenceDelaySeconds: 100 } } });
    server.answer = () => ({ code: Codes.internalServerError });
    await network.run(400_000);
    assert.deepEqual(server.arrivals.map(({ at }) => Math.round(at / 1000)).slice(0, 5), [0, 5, 105, 110, 210]);
  });

  it('no answer at all is tried again too, and the server that comes up is registered with', async () => {
    const { network, server, events } = begin();
    server.answer = () => undefined;
    await network.run(100_000);
    server.answer = (request) => server.accept(request);
    await network.run(100_000);
    assert.equal(events.length, 2);
    assert.match(events[0]!, /^failed: no answer from the server, again in 60 s$/);
    assert.equal(events[1], 'registered');
  });

  it('register() ends the waiting', async () => {
    const { network, server, client, events } = begin();
    server.answer = () => ({ code: Codes.serviceUnavailable });
    await network.run(1000);
    server.answer = (request) => server.accept(request);
    client.register();
    await network.run(1000);
    assert.equal(events.at(-1), 'registered');
  });
});

describe('the end of a registration', () => {
  it('close de-registers, closes the driver and leaves nothing over', async () => {
    const { network, server, client, events } = begin();
    await network.run(1000);
    await server.request('GET /3303/0/5700', { observe: 0 });
    server.taken();
    let closed = false;
    void client.close().then(() => (closed = true));
    await network.run(1000);
    assert.equal(closed, true);
    assert.deepEqual(server.taken(), ['DELETE /rd/r1']);
    assert.deepEqual(events, ['registered', 'deregistered']);
    assert.equal(client.observationCount, 0);
    assert.equal(client.registrations[0]?.state, 'closed');
    await network.runUntilIdle();
    assert.equal(network.inFlight, 0);
    assert.throws(() => client.register(), OperationFailed);
    await client.close();
  });

  it('close does not wait for ever for a server that is gone', async () => {
    const { network, server, client } = begin();
    await network.run(1000);
    server.answer = () => undefined;
    let closed = false;
    void client.close().then(() => (closed = true));
    await network.run(9_000);
    assert.equal(closed, false);
    await network.run(2_000);
    assert.equal(closed, true);
  });

  it('close in the middle of a Register ends at once', async () => {
    const { network, server, client } = begin();
    server.answer = () => undefined;
    await network.run(1000);
    let closed = false;
    void client.close().then(() => (closed = true));
    await network.run(1);
    assert.equal(closed, true);
  });

  it('Disable: answered, de-registered, silent for the Disable Timeout, registered again', async () => {
    const { network, server, events } = begin({ account: { disableTimeoutSeconds: 600 } });
    await network.run(1000);
    server.taken();
    assert.equal((await server.request('POST /1/0/4')).code, '2.04');
    await network.run(1000);
    assert.deepEqual(server.taken(), ['DELETE /rd/r1']);
    const asked = server.start('GET /3/0/16');
    await network.run(500_000);
    assert.equal((await asked).code, 'failed: timeout', 'a disabled server is not answered');
    await network.run(110_000);
    assert.deepEqual(server.taken(), ['POST /rd?ep=urn:dev:os:32473-1&lt=300&lwm2m=1.2&b=U']);
    assert.deepEqual(events, ['registered', 'deregistered', 'registered']);
  });

  it('reboot (Execute /3/0/4) is answered and brings a new Register', async () => {
    const { network, server } = begin();
    await network.run(1000);
    server.taken();
    assert.equal((await server.request('POST /3/0/4')).code, '2.04');
    await network.run(1000);
    assert.deepEqual(server.taken(), ['POST /rd?ep=urn:dev:os:32473-1&lt=300&lwm2m=1.2&b=U']);
  });
});

describe('who is answered', () => {
  it('strangers get nothing, not even an Acknowledgement', async () => {
    const { network, client } = begin();
    await network.run(1000);
    const stranger = new RawServer(network, { host: '10.9.9.9', port: 5683 });
    stranger.peer = stranger.driver.peer({ host: '10.0.0.2', port: 56830 });
    let answered = 0;
    network.onDatagram = (_from, to) => {
      if (to.host === '10.9.9.9') answered++;
    };
    assert.equal((await stranger.request('GET /3/0')).code, 'failed: timeout');
    assert.equal(answered, 0);
    assert.deepEqual(client.counters, { strangers: 1, beforeRegistration: 0, unheard: 0 });
  });

  it('a request that overtakes the acceptance of the Register is answered after it', async () => {
    const { network, server, client } = begin();
    let early: Promise<Answer> | undefined;
    server.answer = (request): RegistrationAnswer => {
      early ??= server.start('GET /3303/0/5700');
      return server.accept(request);
    };
    await network.run(5000);
    assert.equal((await early)?.text, '20');
    assert.equal(client.counters.beforeRegistration, 1);
    assert.equal(client.registrations[0]?.state, 'registered');
  });

  it('two servers are registered with and served each on its own', async () => {
    const network = new SimulatedNetwork();
    const first = new RawServer(network);
    const second = new RawServer(network, { host: '10.0.0.3', port: 5683 });
    const client = new LwM2mClient(network.driver({ host: '10.0.0.2', port: 56830 }), {
      endpointClientName: 'two',
      servers: [
        { uri: 'coap://10.0.0.1', shortServerId: 101, lifetimeSeconds: 300 },
        { uri: 'coap://10.0.0.3', shortServerId: 102, lifetimeSeconds: 600 },
      ],
      objects: [temperatureObject({ value: 20 })],
    });
    client.register();
    await network.run(1000);
    assert.deepEqual(first.taken(), ['POST /rd?ep=two&lt=300&lwm2m=1.2&b=U']);
    assert.deepEqual(second.taken(), ['POST /rd?ep=two&lt=600&lwm2m=1.2&b=U']);
    assert.equal((await first.request('GET /1/0/0')).text, '101');
    assert.equal((await second.request('GET /1/1/0')).text, '102');
    assert.equal((await first.request('PUT /3303/0/5700?pmin=60')).code, '2.04');
    await first.request('GET /3303/0/5700', { observe: 0 });
    await second.request('GET /3303/0/5700', { observe: 0 });
    client.set('/3303/0/5700', 21);
    await network.run(1000);
    assert.equal(first.notifications.length, 0, 'the attribute is of the first server only');
    assert.deepEqual(
      second.notifications.map(({ text }) => text),
      ['21'],
    );
    assert.equal((await first.request('POST /1/1/8')).code, '2.04');
    await network.run(1000);
    assert.deepEqual([first.taken(), second.taken()], [[], ['POST /rd/r1']]);
  });
});

describe('whenRegistered', () => {
  it('resolves with the last server, rejects when closed or aborted', async () => {
    const { network, client } = begin();
    let done = false;
    void client.whenRegistered().then(() => (done = true));
    const controller = new AbortController();
    const aborted = assert.rejects(client.whenRegistered({ signal: controller.signal }), /enough/);
    controller.abort(new Error('enough'));
    await aborted;
    await network.run(1000);
    assert.equal(done, true);
    await client.whenRegistered({ shortServerId: 1 });
    await assert.rejects(client.whenRegistered({ shortServerId: 9 }), UsageError);
  });

  it('rejects with CLOSED when the client is closed first', async () => {
    const { network, server, client } = begin();
    server.answer = () => undefined;
    const waiting = assert.rejects(client.whenRegistered(), { code: 'CLOSED' });
    await network.run(1000);
    void client.close();
    await waiting;
  });
});

describe('options that make no sense', () => {
  const network = new SimulatedNetwork();
  const driver = network.driver({ host: '10.0.0.2', port: 1 });
  const server = { uri: 'coap://10.0.0.1' };
  const rows: readonly (readonly [string, ClientOptions, RegExp])[] = [
    ['no name', { endpointClientName: '', servers: [server], objects: [] }, /Endpoint Client Name/],
    ['no server', { endpointClientName: 'a', servers: [], objects: [] }, /needs a server/],
    ['another scheme', { endpointClientName: 'a', servers: [{ uri: 'http://10.0.0.1' }], objects: [] }, /no coap/],
    ['a host name', { endpointClientName: 'a', servers: [{ uri: 'coap://example' }], objects: [] }, /host name/],
    [
      'a path that cannot be decoded',
      { endpointClientName: 'a', servers: [{ uri: 'coap://10.0.0.1/%zz' }], objects: [] },
      /percent/,
    ],
    ['a query', { endpointClientName: 'a', servers: [{ uri: 'coap://10.0.0.1/?x' }], objects: [] }, /query/],
    [
      'one id twice',
      {
        endpointClientName: 'a',
        servers: [
          { ...server, shortServerId: 7 },
          { uri: 'coap://10.0.0.9', shortServerId: 7 },
        ],
        objects: [],
      },
      /Short Server ID 7/,
    ],
    ['one address twice', { endpointClientName: 'a', servers: [server, server], objects: [] }, /address/],
    [
      'Security given',
      { endpointClientName: 'a', servers: [server], objects: [{ objectId: 0, instances: {} }] },
      /Object 0/,
    ],
    [
      'an Object twice',
      { endpointClientName: 'a', servers: [server], objects: [temperatureObject(), temperatureObject()] },
      /twice/,
    ],
    [
      'an unknown Object',
      { endpointClientName: 'a', servers: [server], objects: [{ objectId: 42_800, instances: {} }] },
      /definition/,
    ],
    [
      'an unknown Resource',
      { endpointClientName: 'a', servers: [server], objects: [{ objectId: 3303, instances: { 0: { 1: 1 } } }] },
      /no such Resource/,
    ],
    [
      'a value of the wrong type',
      { endpointClientName: 'a', servers: [server], objects: [{ objectId: 3303, instances: { 0: { 5700: 'warm' } } }] },
      /a number/,
    ],
    [
      'two Devices',
      { endpointClientName: 'a', servers: [server], objects: [{ objectId: 3, instances: { 1: {} } }] },
      /one Object Instance/,
    ],
  ];
  for (const [name, options, message] of rows) {
    it(`${name}: UsageError`, () => {
      assert.throws(
        () => new LwM2mClient(driver, options),
        (error) => error instanceof UsageError && message.test(error.message),
      );
    });
  }

  it('servers of both address families and one address to reach them from: UsageError', async () => {
    const servers = [{ uri: 'coap://127.0.0.1' }, { uri: 'coap://[::1]' }];
    await assert.rejects(
      LwM2mClient.start({ endpointClientName: 'a', servers, objects: [], host: '127.0.0.1' }),
      (error) => error instanceof UsageError && /leave the host out/.test(error.message),
    );
  });
});
