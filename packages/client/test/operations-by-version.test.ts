/** Operations in the formats of each version, Discover as the OMA test suite wants it, and Writes that are whole or not at all. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Codes, UsageError, type OptionValues } from '@lapwing/coap';
import {
  deviceObject,
  LwM2mClient,
  OperationRefused,
  portfolioObject,
  temperatureObject,
  type ClientObject,
  type ClientOptions,
  type ServerAccount,
} from '@lapwing/client';
import {
  decodePayload,
  encodePayload,
  formatPath,
  formatValueText,
  isMalformed,
  ObjectDefinitions,
  parsePath,
  resourceInstancePath,
  ROOT,
  type LwM2mVersion,
  type NodeEntry,
} from '@lapwing/lwm2m';
import { SimulatedNetwork } from '@lapwing/testkit';
import { RawServer, type Answer } from './raw-server.ts';

const TEXT = { contentFormat: 0 };
const [SENML_JSON, SENML_CBOR, ETCH_JSON, ETCH_CBOR, TLV, LWM2M_CBOR] = [110, 112, 320, 322, 11542, 11544] as const;
/** An Object Instance whose id the client chooses. */
const CHOSEN = '/16/65535/0/0';
const definitions = new ObjectDefinitions();

interface World {
  readonly network: SimulatedNetwork;
  readonly server: RawServer;
  readonly client: LwM2mClient;
}

async function world(
  version: LwM2mVersion,
  objects: readonly ClientObject[] = [],
  account: Partial<ServerAccount> = {},
  options: Partial<ClientOptions> = {},
): Promise<World> {
  const network = new SimulatedNetwork();
  const server = new RawServer(network);
  const client = new LwM2mClient(network.driver({ host: '10.0.0.2', port: 56830 }), {
    endpointClientName: 'versions',
    servers: [{ uri: 'coap://10.0.0.1', ...account }],
    lwm2mVersion: version,
    objects: [
      deviceObject({
        manufacturer: 'Example',
        powerSources: [
          { type: 1, voltage: 3800, current: 10 },
          { type: 5, voltage: 5000, current: 20 },
        ],
        batteryLevel: 80,
      }),
      temperatureObject({ value: 20.5 }),
      portfolioObject({ identities: [{ hostDeviceId: 'a', hostDeviceManufacturer: 'b' }] }),
      ...objects,
    ],
    ...options,
  });
  client.register();
  await network.run(1000);
  return { network, server, client };
}

const at = (text: string): NodeEntry['path'] => {
  if (text === CHOSEN) return resourceInstancePath(16, 65535, 0, 0);
  const path = parsePath(text);
  if (isMalformed(path) || path.kind === 'root') throw new Error(text);
  return path;
};

const value = (path: string, type: 'integer' | 'string' | 'boolean', given: unknown): NodeEntry =>
  ({ kind: 'value', path: at(path), value: { type, value: given } }) as NodeEntry;

function body(contentFormat: number, path: string, entries: readonly NodeEntry[]): Uint8Array {
  const bytes = encodePayload(contentFormat, entries, { path: path === '/' ? ROOT : at(path), definitions });
  if (isMalformed(bytes)) throw new Error(bytes.malformed);
  return bytes;
}

function show({ code, text, bytes, format }: Answer, path: string): readonly string[] {
  if (code !== '2.05') return [code, text];
  const entries = decodePayload(format ?? 0, bytes, { path: path === '/' ? ROOT : at(path), definitions });
  if (isMalformed(entries)) throw new Error(entries.malformed);
  return entries.map((entry) => `${formatPath(entry.path)}=${entry.kind === 'value' ? formatValueText(entry.value) : entry.kind}`); // prettier-ignore
}

describe('the format a client chooses', () => {
  for (const [version, object, single] of [
    ['1.0', TLV, TLV],
    ['1.1', SENML_CBOR, 0],
    ['1.2', SENML_CBOR, 0],
  ] as const) {
    it(`in ${version}: ${object} for an Object Instance, ${single} for a value`, async () => {
      const { server } = await world(version);
      assert.equal((await server.request('GET /3/0')).format, object);
      assert.equal((await server.request('GET /3/0/0')).format, single);
      assert.deepEqual(show(await server.request('GET /3/0/0'), '/3/0/0'), ['/3/0/0=Example']);
    });
  }
});

describe('1.2: LwM2M CBOR and SenML-ETCH', () => {
  it('every level is read in LwM2M CBOR', async () => {
    const { server } = await world('1.2');
    const options = { accept: LWM2M_CBOR };
    assert.deepEqual(show(await server.request('GET /3/0/6/1', options), '/3/0/6/1'), ['/3/0/6/1=5']);
    assert.deepEqual(show(await server.request('GET /3/0/6', options), '/3/0/6'), ['/3/0/6/0=1', '/3/0/6/1=5']);
    assert.deepEqual(show(await server.request('GET /16/0', options), '/16/0'), ['/16/0/0/0=a', '/16/0/0/1=b']);
    assert.deepEqual(show(await server.request('GET /16', options), '/16'), ['/16/0/0/0=a', '/16/0/0/1=b']);
  });

  for (const format of [SENML_JSON, SENML_CBOR, ETCH_JSON, ETCH_CBOR, LWM2M_CBOR]) {
    it(`a Write-Composite in ${format}`, async () => {
      const { server, client } = await world('1.2');
      const entries = [value('/1/0/2', 'integer', 101), value('/1/0/6', 'boolean', true), value('/16/0/0/1', 'string', 'B')]; // prettier-ignore
      const options = { contentFormat: format };
      assert.equal((await server.request('iPATCH /', options, body(format, '/', entries))).code, '2.04');
      assert.deepEqual([client.get('/1/0/2'), client.get('/1/0/6'), client.get('/16/0/0/1')], [101, true, 'B']);
    });
  }

  for (const format of [ETCH_JSON, ETCH_CBOR, LWM2M_CBOR]) {
    it(`null in ${format} removes a Resource Instance, with all or nothing`, async () => {
      const { server, client } = await world('1.2');
      const remove: NodeEntry = { kind: 'remove', path: at('/16/0/0/1') as never };
      const options = { contentFormat: format };
      const bad = body(format, '/', [remove, value('/1/0/0', 'integer', 5)]);
      assert.equal((await server.request('iPATCH /', options, bad)).code, '4.05');
      assert.equal(client.get('/16/0/0/1'), 'b');
      assert.equal((await server.request('iPATCH /', options, body(format, '/', [remove]))).code, '2.04');
      assert.deepEqual(client.get('/16/0/0'), new Map([[0, 'a']]));
    });
  }

  for (const [format, accept] of [
    [ETCH_JSON, LWM2M_CBOR],
    [ETCH_CBOR, SENML_JSON],
    [SENML_JSON, SENML_CBOR],
    [SENML_CBOR, undefined],
  ] as const) {
    it(`a Read-Composite in ${format}, answered in ${accept ?? 'any'}`, async () => {
      const { server } = await world('1.2');
      const names = format === ETCH_CBOR || format === SENML_CBOR ? cborNames('/1/0/1', '/16') : '[{"n":"/1/0/1"},{"n":"/16"}]'; // prettier-ignore
      const answer = await server.request('FETCH /', { contentFormat: format, accept }, names);
      if (accept !== undefined) assert.equal(answer.format, accept);
      assert.deepEqual(show(answer, '/'), ['/1/0/1=86400', '/16/0/0/0=a', '/16/0/0/1=b']);
    });
  }

  it('LwM2M CBOR carries no list of paths: 4.15; and what is not spoken is 4.06', async () => {
    const { server } = await world('1.2');
    assert.equal((await server.request('FETCH /', { contentFormat: LWM2M_CBOR }, Uint8Array.of(0xa0))).code, '4.15');
    const list = '[{"n":"/3"}]';
    assert.equal((await server.request('FETCH /', { contentFormat: ETCH_JSON, accept: 50 }, list)).code, '4.06');
    assert.equal(
      (await server.request('FETCH /', { contentFormat: ETCH_JSON }, '[{"n":"/3/0/0","vs":"x"}]')).code,
      '4.00',
    );
    assert.equal((await server.request('FETCH /', { contentFormat: ETCH_JSON }, '{')).code, '4.00');
    assert.equal((await server.request('FETCH /', {}, list)).code, '4.15');
    assert.equal((await server.request('FETCH /3', { contentFormat: ETCH_JSON }, list)).code, '4.05');
  });

  it('the root is everything but Security (ETS 235)', async () => {
    const { server } = await world('1.2');
    const answer = await server.request('FETCH /', { contentFormat: ETCH_JSON, accept: SENML_CBOR }, '[{"n":"/"}]');
    const objects = new Set(show(answer, '/').map((line) => line.split('/')[1]));
    assert.deepEqual([...objects], ['1', '3', '3303', '16']);
  });

  it('a Create in LwM2M CBOR: 65535 leaves the id to the client; two at once', async () => {
    const { server, client } = await world('1.2');
    const options = { contentFormat: LWM2M_CBOR };
    const chosen = await server.request('POST /16', options, body(LWM2M_CBOR, '/16', [value(CHOSEN, 'string', 'x')]));
    assert.deepEqual([chosen.code, chosen.location], ['2.01', '16/1']);
    const two = [value('/16/7/0/0', 'string', 'y'), value('/16/8/0/0', 'string', 'z')];
    assert.equal((await server.request('POST /16', options, body(LWM2M_CBOR, '/16', two))).code, '2.01');
    assert.deepEqual(client.objectInstanceIds(16), [0, 1, 7, 8]);
    const one = [value('/16/8/0/0', 'string', 'y'), value('/16/9/0/0', 'string', 'z')];
    assert.equal((await server.request('POST /16', options, body(LWM2M_CBOR, '/16', one))).code, '4.00');
    assert.deepEqual(client.objectInstanceIds(16), [0, 1, 7, 8]);
  });

  it('a Resource Instance is deleted; a Resource is not', async () => {
    const { server, client } = await world('1.2');
    assert.equal((await server.request('DELETE /16/0/0/0')).code, '2.02');
    assert.deepEqual(client.get('/16/0/0'), new Map([[1, 'b']]));
    assert.equal((await server.request('DELETE /16/0/0/0')).code, '4.04');
    assert.equal((await server.request('DELETE /16/0/0')).code, '4.05');
  });
});

/** A pack of names in SenML CBOR. */
function cborNames(...names: readonly string[]): Uint8Array {
  const bytes = [0x80 + names.length];
  for (const name of names) bytes.push(0xa1, 0x00, 0x60 + name.length, ...new TextEncoder().encode(name));
  return Uint8Array.from(bytes);
}

describe('Discover as the OMA test suite wants it', () => {
  const DISCOVER = { accept: 40 };

  it('ETS 260: the target shows what it inherits', async () => {
    const { server } = await world('1.1');
    const discover = async (path: string): Promise<string> => (await server.request(`GET ${path}`, DISCOVER)).text;
    assert.match(await discover('/3'), /<\/3\/0\/6>;dim=2,.*<\/3\/0\/7>;dim=2,.*<\/3\/0\/8>;dim=2/);
    await server.request('PUT /3?pmin=10&pmax=200');
    await server.request('PUT /3/0/7?lt=1&gt=6&st=1');
    const instance = await discover('/3/0');
    assert.match(instance, /^<\/3\/0>;pmin=10;pmax=200,/);
    assert.match(instance, /<\/3\/0\/7>;dim=2;gt=6;lt=1;st=1,/);
    assert.match(await discover('/3/0/7'), /^<\/3\/0\/7>;dim=2;pmin=10;pmax=200;gt=6;lt=1;st=1,/);
  });

  it('ETS 261: attributes of a Resource Instance stand on it', async () => {
    const { server } = await world('1.1');
    assert.equal((await server.request('GET /3/0/11', DISCOVER)).text, '</3/0/11>;dim=1,</3/0/11/0>');
    await server.request('PUT /3?pmin=10&pmax=200');
    await server.request('PUT /3/0?pmax=320');
    await server.request('PUT /3/0/11/0?pmax=100&epmin=1&epmax=20');
    assert.equal(
      (await server.request('GET /3/0/11', DISCOVER)).text,
      '</3/0/11>;dim=1;pmin=10;pmax=320,</3/0/11/0>;pmax=100;epmin=1;epmax=20',
    );
  });

  it('ETS 264: the defaults of the Server Object are inherited too; depth=1', async () => {
    const account = { defaultMinimumPeriodSeconds: 1, defaultMaximumPeriodSeconds: 10 };
    const { server } = await world('1.2', [], account);
    const discover = async (): Promise<string> => (await server.request('GET /3?depth=1', DISCOVER)).text;
    assert.equal(await discover(), '</3>;pmin=1;pmax=10,</3/0>');
    await server.request('PUT /3/0?pmax=200');
    assert.equal(await discover(), '</3>;pmin=1;pmax=10,</3/0>;pmax=200');
  });

  it('ETS 266: depth=3 reaches the Resource Instances', async () => {
    const { server } = await world('1.2');
    await server.request('PUT /3/0/7/1?gt=8');
    assert.doesNotMatch((await server.request('GET /3?depth=2', DISCOVER)).text, /\/3\/0\/7\/1/);
    assert.match((await server.request('GET /3?depth=3', DISCOVER)).text, /<\/3\/0\/7\/1>;gt=8/);
    assert.equal((await server.request('GET /3?depth=0', DISCOVER)).text, '</3>');
    assert.equal((await server.request('GET /3?depth=4', DISCOVER)).code, '4.00');
  });

  it('ETS 951: each server sees its own attributes', async () => {
    const network = new SimulatedNetwork();
    const servers = ['10.0.1.1', '10.0.1.2'].map((host) => new RawServer(network, { host, port: 5683 }));
    const client = new LwM2mClient(network.driver({ host: '10.0.0.2', port: 56830 }), {
      endpointClientName: 'two',
      servers: [{ uri: 'coap://10.0.1.1' }, { uri: 'coap://10.0.1.2' }],
      objects: [],
    });
    client.register();
    await network.run(1000);
    const [one, two] = servers as [RawServer, RawServer];
    await one.request('PUT /3/0?pmin=2&pmax=10');
    await two.request('PUT /3/0?pmin=15&pmax=50');
    const shown = async (server: RawServer): Promise<string> =>
      (await server.request('GET /3/0?depth=0', DISCOVER)).text;
    assert.deepEqual([await shown(one), await shown(two)], ['</3/0>;pmin=2;pmax=10', '</3/0>;pmin=15;pmax=50']);
  });
});

describe('a Write over several handlers', () => {
  /** Two settings of a machine; the second one refuses 13. */
  function machine(): {
    readonly object: ClientObject;
    readonly state: { a: number; b: string[] };
    readonly log: string[];
  } {
    // prettier-ignore
    const state = { a: 1, b: ['x', 'y'] };
    const log: string[] = [];
    const object: ClientObject = {
      objectId: 3306,
      instances: {
        0: {
          5850: {
            read: () => state.a === 1,
            write: (on) => {
              log.push(on === true ? 'a true' : 'a false');
              state.a = on === true ? 1 : 0;
            },
          },
          5851: {
            read: () => 50,
            write: (percent) => {
              log.push(`b ${Number(percent)}`);
              if (percent === 13) throw new OperationRefused(Codes.conflict, 'not 13');
            },
          },
          5750: 'kept',
        },
      },
    };
    return { object, state, log };
  }

  const entries = (percent: number): string =>
    `[{"bn":"/3306/0/","n":"5850","vb":false},{"n":"5851","v":${percent}},{"n":"5750","vs":"new"}]`;

  it('is whole when all take it', async () => {
    const { object, state, log } = machine();
    const { server, client } = await world('1.1', [object]);
    assert.equal((await server.request('iPATCH /', { contentFormat: SENML_JSON }, entries(20))).code, '2.04');
    assert.deepEqual([state.a, log, client.get('/3306/0/5750')], [0, ['a false', 'b 20'], 'new']);
  });

  for (const line of ['iPATCH /', 'POST /3306/0']) {
    it(`${line}: when one refuses, those before it get back what they had`, async () => {
      const { object, state, log } = machine();
      const { server, client } = await world('1.1', [object]);
      assert.equal((await server.request(line, { contentFormat: SENML_JSON }, entries(13))).code, '4.09');
      assert.deepEqual([state.a, log, client.get('/3306/0/5750')], [1, ['a false', 'b 13', 'a true'], 'kept']);
    });
  }
});

describe('Send by version', () => {
  it('in the format that is wanted and known to the server (ETS 306, 311)', async () => {
    for (const [version, contentFormat, expected] of [
      ['1.1', undefined, SENML_CBOR],
      ['1.1', SENML_JSON, SENML_JSON],
      ['1.1', LWM2M_CBOR, SENML_CBOR],
      ['1.2', LWM2M_CBOR, LWM2M_CBOR],
    ] as const) {
      const { network, server, client } = await world(version);
      const formats: (number | undefined)[] = [];
      server.answer = ({ options }) => {
        formats.push(options.find(({ number }) => number === 12)?.value.reduce((sum, byte) => sum * 256 + byte, 0));
        return { code: Codes.changed };
      };
      const sent = client.send(['/3303/0/5700'], contentFormat === undefined ? {} : { contentFormat });
      await network.run(1000);
      assert.equal((await sent)[0]?.ok, true);
      assert.deepEqual(formats, [expected]);
      await assert.rejects(client.send(['/3303/0/5700'], { contentFormat: 0 }), UsageError);
    }
  });

  it('not to a server of 1.0', async () => {
    const { client } = await world('1.0');
    await assert.rejects(client.send(['/3303/0/5700']), { code: 'NOT_REGISTERED' });
  });

  it('muted and unmuted by the server (ETS 307)', async () => {
    const { network, server, client } = await world('1.1');
    assert.equal((await server.request('PUT /1/0/23', TEXT, '1')).code, '2.04');
    await assert.rejects(client.send(['/3303/0/5700']), { code: 'MUTED' });
    assert.equal((await server.request('PUT /1/0/23', TEXT, '0')).code, '2.04');
    const sent = client.send(['/3303/0/5700']);
    await network.run(1000);
    assert.equal((await sent)[0]?.ok, true);
  });
});

describe('Cancel of a composite observation (ETS 305)', () => {
  it('is answered with the values, and then there is silence', async () => {
    const { network, server, client } = await world('1.2');
    const options = { contentFormat: SENML_JSON, accept: SENML_JSON };
    const list = '[{"n":"/3303/0/5700"},{"n":"/3/0/9"}]';
    const observe = { ...options, observe: 0 } as OptionValues;
    assert.equal((await server.request('FETCH /', observe, list)).code, '2.05');
    assert.equal(client.observationCount, 1);
    const CANCEL = { ...options, observe: 1 } as OptionValues;
    const cancelled = await server.request('FETCH /', CANCEL, list);
    assert.deepEqual(show(cancelled, '/'), ['/3303/0/5700=20.5', '/3/0/9=80']);
    client.set('/3303/0/5700', 33);
    await network.run(1000);
    client.set('/3303/0/5700', 34);
    await network.run(1000);
    assert.equal(client.observationCount, 0);
    assert.equal(server.notifications.length, 0);
  });
});
