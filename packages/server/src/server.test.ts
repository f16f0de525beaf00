import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { networkInterfaces } from 'node:os';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Codes, OperationFailed, type CoapEndpoint } from '@lapwing/coap';
import { Device, resourcePath } from '@lapwing/lwm2m';
import { SimulatedNetwork } from '@lapwing/testkit';
import { UdpDriver } from '@lapwing/transport';
import { SERVER, setUp } from '../test/setup.ts';
import { reply } from '../test/simulated-device.ts';
import { SERVER_ERROR_CHANNEL, SERVER_REFUSED_CHANNEL } from './diagnostics.ts';
import { unwrap } from './outcome.ts';
import { LwM2mServer } from './server.ts';

const hasIpv6Loopback = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

describe('the list of devices', () => {
  it('is in order of name, in pages that go on where the last one ended', async () => {
    await using setup = setUp();
    const gateway = setup.device();
    for (const name of ['delta', 'alpha', 'echo', 'bravo', 'charlie']) await gateway.register([`ep=${name}`]);
    const names = (query: Parameters<LwM2mServer['devices']>[0]): [string[], string | undefined] => {
      const { items, next } = setup.server.devices(query);
      return [items.map(({ registration }) => registration.endpointClientName), next];
    };
    assert.deepEqual(names({}), [['alpha', 'bravo', 'charlie', 'delta', 'echo'], undefined]);
    assert.deepEqual(names({ limit: 2 }), [['alpha', 'bravo'], 'bravo']);
    assert.deepEqual(names({ limit: 2, after: 'bravo' }), [['charlie', 'delta'], 'delta']);
    assert.deepEqual(names({ limit: 2, after: 'delta' }), [['echo'], undefined]);
    setup.server.remove('delta');
    assert.deepEqual(names({ limit: 2, after: 'delta' }), [['echo'], undefined]);
    assert.deepEqual(names({ search: 'LPH' }), [['alpha'], undefined]);
    assert.deepEqual(names({ search: 'o', limit: 1, after: 'bravo' }), [['echo'], undefined]);
    assert.deepEqual(names({ search: 'nobody' }), [[], undefined]);
    assert.equal(setup.server.registrationCount, 4);
  });

  it('gives the same handle for the same device', async () => {
    await using setup = setUp();
    await setup.device().register(['ep=one']);
    assert.equal(setup.server.device('one'), setup.server.devices().items[0]);
    assert.equal(setup.server.device('two'), undefined);
  });
});

describe('listeners', () => {
  it('that throw or reject are reported, and neither the others nor the client notice', async () => {
    await using setup = setUp();
    const errors: string[] = [];
    const report = (message: unknown): void => void errors.push((message as { error: Error }).error.message);
    subscribe(SERVER_ERROR_CHANNEL, report);
    let told = 0;
    setup.server.on('registered', () => {
      throw new Error('first');
    });
    const rejecting = (): unknown => Promise.reject(new Error('second'));
    setup.server.on('registered', rejecting);
    setup.server.on('registered', () => told++);
    assert.equal((await setup.device().register(['ep=one'])).code, '2.01');
    unsubscribe(SERVER_ERROR_CHANNEL, report);
    assert.equal(told, 1);
    assert.deepEqual(errors, ['first', 'second']);
  });

  it('may ask the device at once: the request leaves after the 2.01 (OMA TS Core §6.2)', async () => {
    await using setup = setUp();
    const codes: string[] = [];
    setup.network.onDatagram = (from, _, datagram) => {
      if (from.host === SERVER.host) codes.push(datagram[1]!.toString(16));
    };
    const reads: Promise<unknown>[] = [];
    setup.server.on('registered', ({ endpointClientName }) => {
      reads.push(setup.server.device(endpointClientName)!.read(resourcePath(3, 0, 0)));
    });
    await setup.device().register(['ep=one']);
    await setup.settle(Promise.all(reads));
    assert.deepEqual(codes, ['41', '1']);
  });

  it('for once are called once', async () => {
    await using setup = setUp();
    let told = 0;
    setup.server.once('registered', () => told++);
    await setup.device().register(['ep=one']);
    await setup.device().register(['ep=two']);
    assert.equal(told, 1);
  });

  it('on the diagnostics channel hear every refusal', async () => {
    await using setup = setUp();
    const refusals: string[] = [];
    const hear = (message: unknown): void => void refusals.push((message as { code: string }).code);
    subscribe(SERVER_REFUSED_CHANNEL, hear);
    await setup.device().register(['lt=60']);
    unsubscribe(SERVER_REFUSED_CHANNEL, hear);
    assert.deepEqual(refusals, ['4.00']);
  });
});

describe('close', () => {
  it('rejects what waits for an answer with CLOSED, and can be called again', async () => {
    const setup = setUp();
    const device = setup.device();
    await device.register(['ep=one']);
    device.onRequest = () => undefined;
    const reading = setup.server.device('one')!.read(resourcePath(3, 0, 9));
    const rejected = assert.rejects(
      reading,
      (error: unknown) => error instanceof OperationFailed && error.code === 'CLOSED',
    );
    await setup.network.run(1000);
    await setup.server.close();
    await setup.server.close();
    await rejected;
  });

  it('rejects what is asked afterwards with CLOSED instead of leaving it without an end', async () => {
    const setup = setUp();
    await setup.device().register(['ep=one']);
    const device = setup.server.device('one')!;
    await setup.server.close();
    const path = resourcePath(3, 0, 9);
    const calls = [
      () => device.read(path),
      () => device.write(path, []),
      () => device.execute(path),
      () => device.discover(path),
      () => device.observe(path),
      () => device.writeAttributes(path, { pmin: 1 }),
    ];
    for (const call of calls)
      await assert.rejects(call(), (error: unknown) => error instanceof OperationFailed && error.code === 'CLOSED');
    assert.equal(device.registration.endpointClientName, 'one');
  });
});

describe('nothing a client repeats makes the server grow', () => {
  it('registering in a loop leaves one registration, one timer entry, one object list', async () => {
    await using setup = setUp({ coap: { recentMessageBytes: 64 * 1024 } });
    const { server } = setup;
    const device = setup.device();
    for (let times = 0; times < 2_000; times++) {
      const answer = await device.register(['ep=one', 'lt=86400'], `</3/0>,</3303/${times % 7}>`);
      assert.equal(answer.code, '2.01');
    }
    assert.equal(server.registrationCount, 1);
    assert.deepEqual(server.usage, {
      registrations: 1,
      lifetimes: 1,
      awake: 0,
      requestDeadlines: 0,
      objectLists: 1,
      offers: 0,
    });
    await device.deregister();
    assert.deepEqual(server.usage, {
      registrations: 0,
      lifetimes: 0,
      awake: 0,
      requestDeadlines: 0,
      objectLists: 0,
      offers: 0,
    });
  });

  it('every end of a registration gives back everything it held', async () => {
    await using setup = setUp();
    const { server } = setup;
    const a = setup.device();
    const b = setup.device();
    const c = setup.device();
    await a.register(['ep=a', 'lt=60'], '</3/0>');
    await b.register(['ep=b', 'lt=60'], '</3/1>');
    await c.register(['ep=c', 'lt=600'], '</3/2>');
    await c.update([], '</3/3>');
    for (const device of [a, b, c]) {
      device.onRequest = () => reply(Codes.content, '1', { contentFormat: 0 }, true);
    }
    for (const name of ['a', 'b', 'c']) await setup.settle(server.device(name)!.observe(resourcePath(3, 0, 9)));
    assert.deepEqual(server.usage, {
      registrations: 3,
      lifetimes: 3,
      awake: 0,
      requestDeadlines: 0,
      objectLists: 3,
      offers: 0,
    });
    await a.deregister();
    await setup.network.run(62_000);
    server.remove('c');
    assert.deepEqual(server.usage, {
      registrations: 0,
      lifetimes: 0,
      awake: 0,
      requestDeadlines: 0,
      objectLists: 0,
      offers: 0,
    });
    const endpoint = server.drivers[0]!.endpoint as CoapEndpoint;
    await setup.network.run(300_000);
    assert.equal(endpoint.usage.tokens, 0);
    assert.equal(endpoint.nextDeadline(), Infinity);
    for (const device of [a, b, c]) {
      const peer = server.drivers[0]!.peer(device.driver.localAddress);
      assert.equal(peer.context, undefined);
      assert.equal(endpoint.isIdle(peer), true);
    }
  });
});

describe('memory', () => {
  it('100,000 idle devices with ten links each take at most 1 KiB of heap per device', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const network = new SimulatedNetwork();
    const driver = network.driver(SERVER, { recentMessageBytes: 64 * 1024 });
    await using server = new LwM2mServer({ drivers: [driver] });
    const links = '</1/0>,</3/0>,</4/0>,</5/0>,</6/0>,</3303/0>,</3303/1>,</3304/0>,</3311/0>,</3315/0>';
    const payload = new TextEncoder().encode(links);
    const head = [0x40, 0x02];
    const datagram = (index: number): Uint8Array => {
      const query = (text: string, delta: number): number[] => [
        (delta << 4) | 13,
        text.length - 13,
        ...new TextEncoder().encode(text),
      ];
      const name = `ep=urn:dev:os:32473-${String(index).padStart(6, '0')}`;
      const options = [0xb2, 0x72, 0x64, 0x11, 40, ...query(name, 3), 0x08, ...new TextEncoder().encode('lt=86400')];
      return Uint8Array.from([...head, (index >> 8) & 0xff, index & 0xff, ...options, 0xff, ...payload]);
    };
    const count = 100_000;
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let index = 0; index < count; index++) {
      const host = `10.${(index >> 16) & 0xff}.${(index >> 8) & 0xff}.${index & 0xff}`;
      // Arrivals spread over a day, as in a fleet.
      const from = { host, port: 1024 + (index % 60_000) };
      driver.handleDatagram(index, from, datagram(index));
    }
    network.runSynchronously(300_000);
    collect();
    const perDevice = (process.memoryUsage().heapUsed - before) / count;
    assert.equal(server.registrationCount, count);
    assert.ok(perDevice <= 1024, `${Math.round(perDevice)} bytes per device`);
  });
});

async function overLoopback(host: string): Promise<void> {
  await using server = await LwM2mServer.start({ coap: [{ host, port: 0 }] });
  await using device = await UdpDriver.bind({ host, port: 0 });
  device.onEvent = (event): void => {
    if (event.kind !== 'request') return;
    const response = reply(Codes.content, '87', { contentFormat: 0 });
    device.turn((now, out) => device.endpoint.respond(now, event.request, response, out));
  };
  const registered = new Promise<string>((resolve) =>
    server.on('registered', ({ endpointClientName }) => resolve(endpointClientName)),
  );
  const { options } = reply(Codes.post, '', { uriPath: ['rd'], uriQuery: ['ep=one', 'lt=60'], contentFormat: 40 });
  const request = { code: Codes.post, options, payload: new TextEncoder().encode('</3/0>') };
  const peer = device.peer(server.drivers[0]!.localAddress);
  device.turn((now, out) => device.endpoint.request(now, peer, request, out));
  assert.equal(await registered, 'one');
  assert.equal(unwrap(await server.device('one')!.read(Device.path(0).batteryLevel)), 87);
}

describe('over UDP on this machine', () => {
  it('a device registers and is read, over IPv4', () => overLoopback('127.0.0.1'));

  it('a device registers and is read, over IPv6', { skip: hasIpv6Loopback ? false : 'this machine has no ::1' }, () =>
    overLoopback('::1'),
  );

  it('a taken port is one clear error, and the sockets that were bound already are closed', async () => {
    await using first = await LwM2mServer.start({ coap: [{ host: '127.0.0.1', port: 0 }] });
    const { port } = first.drivers[0]!.localAddress;
    const free = await UdpDriver.bind({ host: '127.0.0.1', port: 0 });
    const freePort = free.localAddress.port;
    await free.close();
    await assert.rejects(
      LwM2mServer.start({
        coap: [
          { host: '127.0.0.1', port: freePort },
          { host: '127.0.0.1', port },
        ],
      }),
      (error: unknown) =>
        error instanceof OperationFailed && error.code === 'PORT_IN_USE' && error.message.includes(String(port)),
    );
    await using again = await UdpDriver.bind({ host: '127.0.0.1', port: freePort });
    assert.equal(again.localAddress.port, freePort);
  });
});
