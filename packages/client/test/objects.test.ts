/** The Objects the library brings, as servers see them. ETS 651 to 2001. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OptionValues } from '@lapwing/coap';
import {
  binaryAppDataObject,
  connectivityMonitoringObject,
  connectivityStatisticsObject,
  deviceObject,
  EventLog,
  locationObject,
  LwM2mClient,
  portfolioObject,
  TrafficStatistics,
  type ClientObject,
  type ClientOptions,
} from '@lapwing/client';
import { SimulatedNetwork } from '@lapwing/testkit';
import { RawServer } from './raw-server.ts';

const OBSERVE = { observe: 0 } as OptionValues;
const TEXT = { contentFormat: 0 };
const JSON_WANTED = { accept: 110 };

interface World {
  readonly network: SimulatedNetwork;
  readonly server: RawServer;
  readonly client: LwM2mClient;
  /** The values of a Read by the names relative to its path. */
  readonly read: (path: string) => Promise<Readonly<Record<string, unknown>>>;
  readonly code: (line: string, options?: OptionValues, payload?: string) => Promise<string>;
}

async function world(
  objects: (network: SimulatedNetwork) => readonly ClientObject[],
  options: Partial<ClientOptions> = {},
): Promise<World> {
  const network = new SimulatedNetwork();
  const server = new RawServer(network);
  const client = new LwM2mClient(network.driver({ host: '10.0.0.2', port: 56830 }), {
    endpointClientName: 'objects',
    servers: [{ uri: 'coap://10.0.0.1' }],
    objects: objects(network),
    ...options,
  });
  client.register();
  await network.run(1000);
  const read = async (path: string): Promise<Readonly<Record<string, unknown>>> => {
    const { text } = await server.request(`GET ${path}`, JSON_WANTED);
    const values: Record<string, unknown> = {};
    let base = '';
    for (const record of JSON.parse(text) as {
      bn?: string;
      n?: string;
      v?: unknown;
      vs?: unknown;
      vd?: unknown;
      vlo?: unknown;
    }[]) {
      // prettier-ignore
      base = record.bn ?? base;
      const name = (base + (record.n ?? '')).slice(path.length).replace(/^\//, '');
      values[name] = record.v ?? record.vs ?? record.vd ?? record.vlo;
    }
    return values;
  };
  const code = async (line: string, given: OptionValues = {}, payload = ''): Promise<string> =>
    (await server.request(line, given, payload)).code;
  return { network, server, client, read, code };
}

describe('Device (3)', () => {
  it('has its power sources by Resource Instance, what is not measured left out', async () => {
    const { read } = await world(() => [
      deviceObject({
        manufacturer: 'Example',
        powerSources: [{ type: 1, voltage: 3800, current: 125 }, { type: 5 }, { type: 0, voltage: 12_000 }],
        batteryLevel: 80,
        batteryStatus: 0,
        errorCodes: [1, 6],
        extendedInformation: [{ objectId: 3, objectInstanceId: 0 }],
      }),
    ]);
    const values = await read('/3/0');
    assert.deepEqual(
      ['6/0', '6/1', '6/2', '7/0', '7/1', '7/2', '8/0', '8/2', '9', '20', '11/0', '11/1', '22/0'].map(
        (at) => values[at],
      ),
      [1, 5, 0, 3800, undefined, 12_000, 125, undefined, 80, 0, 1, 6, '3:0'],
    );
  });

  it('errors are told, and reset by Execute /3/0/12', async () => {
    const { network, server, client, code } = await world(() => [deviceObject()]);
    await server.request('GET /3/0/11', { ...OBSERVE, ...JSON_WANTED });
    client.set('/3/0/11', [2, 4]);
    await network.run(1000);
    assert.equal(await code('POST /3/0/12'), '2.04');
    await network.run(1000);
    assert.deepEqual(
      server.notifications.map(({ text }) => (JSON.parse(text) as { v: number }[]).map(({ v }) => v)),
      [[2, 4], [0]],
    );
  });

  it('its clock can be set and goes on; offset and time zone are written (ETS 651)', async () => {
    const { network, server, code } = await world(() => [
      deviceObject({ utcOffset: '+01:00', timezone: 'Europe/Paris' }),
    ]);
    assert.equal(await code('PUT /3/0/13', TEXT, '1367491215'), '2.04');
    await network.run(10_000);
    const time = Number((await server.request('GET /3/0/13')).text);
    assert.ok(time >= 1367491225 && time <= 1367491226, String(time));
    assert.equal(await code('PUT /3/0/14', TEXT, '+02:00'), '2.04');
    assert.equal((await server.request('GET /3/0/14')).text, '+02:00');
  });

  it('Reboot is answered first, then registers anew (ETS 655); Factory Reset only where there is one', async () => {
    const { network, server, code } = await world(() => [deviceObject()]);
    server.taken();
    assert.equal(await code('POST /3/0/4'), '2.04');
    await network.run(1000);
    assert.match(server.taken()[0] ?? '', /^POST \/rd\?/);
    assert.equal(await code('POST /3/0/5'), '4.04');
    let resets = 0;
    const other = await world(() => [deviceObject({ factoryReset: () => void resets++ })]);
    assert.equal(await other.code('POST /3/0/5'), '2.04');
    assert.equal(resets, 1);
  });

  it('is neither created nor deleted (ETS 680, 685)', async () => {
    const { code } = await world(() => [deviceObject()]);
    assert.equal(await code('POST /3', { contentFormat: 110 }, '[{"n":"/3/1/0","vs":"x"}]'), '4.05');
    assert.equal(await code('DELETE /3/0'), '4.05');
  });
});

describe('Connectivity Monitoring (4, ETS 701, 710)', () => {
  const state = {
    networkBearer: 21,
    radioSignalStrength: -61,
    linkQuality: 98,
    ipAddresses: ['192.168.0.100'],
    routerIpAddresses: ['192.168.0.1'],
    linkUtilization: 5,
    apn: ['internet'],
    cellId: 69696969,
    smnc: 33,
    smcc: 44,
    signalSnr: 12,
    lac: 7,
    coverageEnhancementLevel: 1,
  };

  it('has what it is given, in the version of the registration', async () => {
    const { read, client } = await world(() => [connectivityMonitoringObject(state)]);
    const all = { 0: 21, '1/0': 21, 2: -61, 3: 98, '4/0': '192.168.0.100', '5/0': '192.168.0.1', 6: 5, '7/0': 'internet', 8: 69696969, 9: 33, 10: 44, 11: 12, 12: 7, 13: 1 }; // prettier-ignore
    assert.deepEqual(await read('/4/0'), all);
    client.set('/4/0/2', -70);
    assert.equal((await read('/4/0'))[2], -70);
    const old = await world(() => [connectivityMonitoringObject(state)], { lwm2mVersion: '1.1' });
    assert.equal((await old.read('/4/0'))[13], undefined);
  });

  it('or finds out when it is read', async () => {
    let strength = -50;
    const { read } = await world(() => [
      connectivityMonitoringObject(async () => {
        await Promise.resolve();
        return { networkBearer: 41, availableBearers: [41, 21], radioSignalStrength: strength--, ipAddresses: ['::1'] };
      }),
    ]);
    const values = await read('/4/0');
    assert.deepEqual([values[0], values['1/1'], values['4/0'], values[8]], [41, 21, '::1', undefined]);
    assert.notEqual((await read('/4/0'))[2], values[2]);
  });
});

describe('Location (6, ETS 801, 810)', () => {
  it('the time of a measurement follows it, and both are told together', async () => {
    const { network, server, client } = await world(() => [
      locationObject({ latitude: 43.5723, longitude: 153.2176, timestamp: new Date(1000) }),
    ]);
    await server.request('GET /6/0', { ...OBSERVE, ...JSON_WANTED });
    await network.run(5000);
    client.batch(() => {
      client.set('/6/0/0', 44);
      client.set('/6/0/1', 154);
    });
    await network.run(1000);
    assert.equal(server.notifications.length, 1);
    assert.equal(client.get('/6/0/5'), Math.floor((network.unixTime() - 1000) / 1000));
  });
});

describe('Connectivity Statistics (7, ETS 901 to 910)', () => {
  async function counting(): Promise<World & { readonly statistics: TrafficStatistics }> {
    let statistics: TrafficStatistics | undefined;
    const all = await world((network) => {
      statistics = new TrafficStatistics(() => network.unixTime());
      return [connectivityStatisticsObject(statistics)];
    });
    return { ...all, statistics: statistics! };
  }

  it('counts from Start to Stop, and keeps what it counted', async () => {
    const { statistics, read, code } = await counting();
    statistics.sent(5000);
    assert.equal(await code('POST /7/0/6'), '2.04');
    statistics.sent(1500);
    statistics.sent(1200);
    statistics.received(300);
    statistics.smsSent();
    statistics.smsReceived();
    statistics.smsReceived();
    assert.equal(await code('POST /7/0/7'), '2.04');
    statistics.sent(9999);
    statistics.smsSent();
    assert.deepEqual(await read('/7/0'), { 0: 1, 1: 2, 2: 2, 3: 0, 4: 1500, 5: 1000, 8: 0 });
    await code('POST /7/0/6');
    assert.deepEqual(await read('/7/0'), { 0: 0, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 8: 0 });
  });

  it('or until the Collection Period is over', async () => {
    const { network, statistics, server, code } = await counting();
    assert.equal(await code('PUT /7/0/8', TEXT, '60'), '2.04');
    await code('POST /7/0/6');
    await network.run(59_000);
    statistics.sent(1000);
    await network.run(2000);
    assert.equal(statistics.isCounting, false);
    statistics.sent(1000);
    assert.equal((await server.request('GET /7/0/2')).text, '1');
    assert.equal((await server.request('GET /7/0/8')).text, '60');
  });
});

describe('Portfolio (16, ETS 1630, 1635)', () => {
  const identities = [{ hostDeviceId: 'id', hostDeviceModel: 'model' }];

  it('servers create and delete Object Instances', async () => {
    const { server, read, code } = await world(() => [portfolioObject({ identities })]);
    assert.deepEqual(await read('/16/0'), { '0/0': 'id', '0/2': 'model' });
    const body = '[{"n":"/16/1/0/0","vs":"Host Device ID #2"},{"n":"/16/1/0/1","vs":"Host Device Model #2"}]';
    assert.equal(await code('POST /16', { contentFormat: 110 }, body), '2.01');
    assert.equal((await server.request('GET /16/1', { accept: 40 })).text, '</16/1>,</16/1/0>;dim=2');
    assert.equal(await code('POST /16', { contentFormat: 110 }, body), '4.00');
    for (const id of [0, 1]) assert.equal(await code(`DELETE /16/${id}`), '2.02');
    assert.equal((await server.request('GET /16', { accept: 40 })).text, '</16>');
    assert.equal(await code('POST /16/1/1'), '4.04');
  });

  it('GetAuthData brings about AuthData, and AuthStatus tells when', async () => {
    let finish = (_data: readonly Uint8Array[]): void => assert.fail('not asked yet');
    const { network, server, code, read } = await world(() => [
      portfolioObject({
        identities,
        authenticate: (id, args) =>
          new Promise((resolve) => {
            assert.deepEqual([id, args.map(({ value }) => value)], [0, ['abc']]);
            finish = resolve;
          }),
      }),
    ]);
    assert.equal((await server.request('GET /16/0/3')).text, '0');
    assert.equal(await code('POST /16/0/1', TEXT, "0='abc'"), '2.04');
    assert.equal((await server.request('GET /16/0/3')).text, '1');
    finish([Uint8Array.of(1), Uint8Array.of(2)]);
    await network.run(10);
    assert.deepEqual(await read('/16/0'), { '0/0': 'id', '0/2': 'model', '2/0': 'AQ', '2/1': 'Ag', 3: 2 });
    assert.equal(await code('POST /16', { contentFormat: 110 }, '[{"n":"/16/1/0/0","vs":"x"}]'), '2.01');
    assert.equal((await server.request('GET /16/1/3')).text, '0', 'what a server creates can prove itself too');
  });
});

describe('BinaryAppDataContainer (19, ETS 1900, 1901)', () => {
  it('carries bytes both ways, with the time they are from', async () => {
    const { network, server, client, code } = await world(() => [
      binaryAppDataObject({ data: [Uint8Array.of(1)] }, { data: [], description: 'downlink', createdAt: new Date(0) }),
    ]);
    await server.request('GET /19/0/0', { ...OBSERVE, ...JSON_WANTED });
    client.set('/19/0/0', [Uint8Array.of(1, 2, 3)]);
    await network.run(1000);
    assert.match(server.notifications[0]?.text ?? '', /AQID/);
    await network.run(5000);
    assert.equal((await server.request('PUT /19/1/0/0', { contentFormat: 42 }, Uint8Array.of(9))).code, '2.04');
    assert.deepEqual(client.get('/19/1/0'), new Map([[0, Uint8Array.of(9)]]));
    assert.equal(client.get('/19/1/2'), Math.floor(network.unixTime() / 1000));
    assert.equal(await code('POST /19', { contentFormat: 110 }, '[{"n":"/19/7/0/0","vd":"AQ"}]'), '2.01');
    assert.equal(client.get('/19/7/2'), Math.floor(network.unixTime() / 1000));
    assert.equal(await code('DELETE /19/7'), '2.02');
  });
});

describe('Event Log (20, ETS 2000, 2001)', () => {
  it('is started, written, stopped and read', async () => {
    const log = new EventLog({ logClass: 1, format: 100 });
    const { network, server, code } = await world(() => [log.object]);
    const status = async (): Promise<string> => (await server.request('GET /20/0/4013')).text;
    assert.equal(await status(), '1');
    log.append('not yet');
    await server.request('GET /20/0/4014', OBSERVE);
    assert.equal(await code('POST /20/0/4011', TEXT, '0,1'), '2.04');
    log.append('one ');
    log.append(Uint8Array.of(50));
    await network.run(1000);
    assert.equal(await status(), '2');
    assert.equal((await server.request('GET /20/0/4014')).text, 'one 2');
    assert.equal(server.notifications.at(-1)?.text, 'one 2');
    assert.equal(await code('POST /20/0/4012'), '2.04');
    log.append('too late');
    assert.equal(await status(), '3');
    assert.equal((await server.request('GET /20/0/4014')).text, 'one 2');
    await code('POST /20/0/4011');
    assert.equal((await server.request('GET /20/0/4014')).text, '');
    assert.equal(await code('PUT /20/0/4015', TEXT, '2'), '2.04');
  });

  it('the oldest entries give way; one that is too long is an error', () => {
    const log = new EventLog({ maxBytes: 6, isRunning: true });
    for (const entry of ['aa', 'bb', 'cc', 'dd']) log.append(entry);
    assert.equal(Buffer.from(log.data).toString(), 'bbccdd');
    assert.equal(log.status, 2);
    log.append('1234567');
    assert.equal(log.status, 6);
    assert.equal(Buffer.from(log.data).toString(), 'bbccdd');
    assert.throws(() => new EventLog({ maxBytes: 0 }), /maxBytes/);
  });
});
