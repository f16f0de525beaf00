import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { Codes, encodeUtf8, type OptionValues } from '@lapwing/coap';
import {
  deviceObject,
  LwM2mClient,
  locationObject,
  objectFromDefinition,
  OperationRefused,
  temperatureObject,
  type ClientEvents,
  type ClientOptions,
} from '@lapwing/client';
import {
  decodePayload,
  encodePathList,
  encodePayload,
  formatPath,
  formatValueText,
  isMalformed,
  ObjectDefinitions,
  objectPath,
  parsePath,
  parseValueText,
  ROOT,
  type NodeEntry,
  type ObjectDefinition,
  type Path,
  type ResourceDefinition,
  type ResourceId,
  type ResourceOperations,
} from '@lapwing/lwm2m';
import { SimulatedNetwork } from '@lapwing/testkit';
import { RawServer, type Answer } from './raw-server.ts';

const TLV = 11542;
const SENML_JSON = 110;
const SENML_CBOR = 112;
const ETCH_CBOR = 322;
const TEXT = 0;

const definitions = new ObjectDefinitions();

function resource(
  id: number,
  operations: ResourceOperations,
  more: Partial<ResourceDefinition> = {},
): ResourceDefinition {
  return {
    id: id as ResourceId,
    name: `R${id}`,
    operations,
    multiple: false,
    mandatory: false,
    type: 'integer',
    range: '',
    units: '',
    ...more,
  };
}

/** One Resource of each kind that the rules tell apart. */
const TEST_OBJECT: ObjectDefinition = {
  ...definitions.object(3303)!,
  id: objectPath(42_769).objectId,
  name: 'Test',
  version: '1.0',
  multiple: true,
  resources: new Map(
    [
      resource(0, 'RW', { mandatory: true, range: '0..100' }),
      resource(1, 'RW', { type: 'string', range: '0..10' }),
      resource(2, 'R'),
      resource(3, 'W', { type: 'string' }),
      resource(4, 'E', { type: 'none' }),
      resource(5, 'RW', { multiple: true }),
      resource(6, 'RW', { type: 'objlnk' }),
      resource(7, 'RW', { type: 'opaque' }),
      resource(8, 'RW', { type: 'boolean' }),
      resource(9, 'R', { multiple: true, type: 'string' }),
      resource(10, 'RW'),
      resource(11, 'RW'),
      resource(12, 'RW', { type: 'unsigned' }),
    ].map((definition) => [definition.id, definition]),
  ),
};
definitions.add(TEST_OBJECT);
const T = TEST_OBJECT.id;

interface World {
  readonly network: SimulatedNetwork;
  readonly server: RawServer;
  readonly client: LwM2mClient;
  readonly events: { readonly name: keyof ClientEvents; readonly detail: unknown }[];
  readonly given: string[];
  slow: number;
}

async function world(options: Partial<ClientOptions> = {}): Promise<World> {
  const network = new SimulatedNetwork();
  const server = new RawServer(network);
  const given: string[] = [];
  const driver = network.driver({ host: '10.0.0.2', port: 56830 });
  let current = 7;
  // A wait in virtual time: the CoAP endpoint of the test's own driver wakes it.
  const later = (): Promise<void> =>
    new Promise((resolve) => void wakeUps.push({ at: network.now() + state.slow, resolve }));
  const wakeUps: { readonly at: number; readonly resolve: () => void }[] = [];
  driver.attach({
    nextDeadline: () => Math.min(...wakeUps.map(({ at }) => at)),
    handleTimeout: (now) => {
      for (const wakeUp of wakeUps.splice(0)) {
        if (wakeUp.at <= now) wakeUp.resolve();
        else wakeUps.push(wakeUp);
      }
    },
  });
  const client = new LwM2mClient(driver, {
    endpointClientName: 'test',
    servers: [{ uri: 'coap://10.0.0.1', lifetimeSeconds: 86_400 }],
    definitions,
    lwm2mVersion: '1.1',
    objects: [
      deviceObject({ manufacturer: 'Lapwing', batteryLevel: 80, factoryReset: () => void given.push('factory reset') }),
      locationObject({ latitude: 52.5, longitude: 13.4, timestamp: new Date(0) }),
      temperatureObject({ value: 20.5 }),
      objectFromDefinition(
        TEST_OBJECT,
        {
          0: {
            0: 1,
            1: 'one',
            2: 2,
            3: 'secret',
            4: {
              execute: (args, context) => {
                given.push(`execute ${JSON.stringify(args)} by ${context.shortServerId}`);
                if (args[0]?.value === 'fail') throw new Error('the inside of the device');
                if (args[0]?.value === 'refuse') throw new OperationRefused(Codes.conflict, 'not now');
                return args[0]?.value === 'slow' ? later() : undefined;
              },
            },
            5: [10, 11],
            6: { objectId: 3, objectInstanceId: 0 },
            7: Uint8Array.of(1, 2, 3),
            8: true,
            9: ['a', 'b'],
            10: {
              read: () => later().then(() => current),
              write: (value) =>
                later().then(() => {
                  if (value === 13) throw new Error('unlucky');
                  current = Number(value);
                  given.push(`set ${current}`);
                }),
            },
            11: {
              read: () => {
                throw new Error('the inside of the device');
              },
            },
          },
          1: { 0: 5 },
        },
        {
          resources: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
          create: (id, values) => {
            given.push(`create ${id} with ${[...values.keys()].join()}`);
            if (values.get(0) === 99) throw new OperationRefused(Codes.forbidden, 'not 99');
            return { 2: 100 + id };
          },
          delete: (id) => {
            if (id === 1) throw new OperationRefused(Codes.methodNotAllowed, 'the last one stays');
          },
        },
      ),
    ],
    ...options,
  });
  const events: World['events'] = [];
  for (const name of [
    'written',
    'executed',
    'created',
    'deleted',
    'observed',
    'observationEnded',
    'handlerError',
  ] as const) {
    client.on(name, (detail: unknown) => void events.push({ name, detail }));
  }
  const state: World = { network, server, client, events, given, slow: 10 };
  client.register();
  await network.run(1000);
  return state;
}

const at = (path: string): Path => {
  const parsed = parsePath(path);
  if (isMalformed(parsed)) throw new Error(parsed.malformed);
  return parsed;
};

/** "/3/0/0=Lapwing" for each entry; what has no value stands with its kind. */
function show(answer: Answer, path: string): readonly string[] {
  assert.equal(answer.code, '2.05', answer.text);
  const entries = decodePayload(answer.format ?? 0, answer.bytes, { path: at(path), definitions });
  if (isMalformed(entries)) throw new Error(entries.malformed);
  return entries.map(
    (entry) =>
      `${formatPath(entry.path)}${entry.kind === 'value' ? `=${formatValueText(entry.value)}` : ` ${entry.kind}`}`,
  );
}

/** A payload from "/42769/0/0=5", "/42769/0/5/1 remove", "/42769/0 empty". */
function payloadOf(format: number, path: string, ...lines: readonly string[]): Uint8Array {
  const entries = lines.map((line): NodeEntry => {
    const [target = '', text] = line.split('=');
    if (text === undefined) {
      const [where = '', kind] = target.split(' ');
      return { kind, path: at(where) } as NodeEntry;
    }
    const to = at(target);
    if (to.kind !== 'resource' && to.kind !== 'resourceInstance') throw new Error(target);
    const type = definitions.resource(to.objectId, to.resourceId)?.type ?? 'string';
    const value = parseValueText(type, text);
    if (isMalformed(value)) throw new Error(value.malformed);
    return { kind: 'value', path: to, value };
  });
  const payload = encodePayload(format, entries, { path: at(path), definitions });
  if (isMalformed(payload)) throw new Error(payload.malformed);
  return payload;
}

describe('Read (Core §6.3.1)', () => {
  let w: World;
  before(async () => (w = await world()));
  const read = (path: string, options: OptionValues = {}): Promise<Answer> => w.server.request(`GET ${path}`, options);

  it('an Object Instance gives what is readable and present, ascending', async () => {
    w.slow = 10;
    const answer = await read(`/3/0`);
    assert.equal(answer.format, SENML_CBOR);
    assert.deepEqual(show(answer, '/3/0'), [
      '/3/0/0=Lapwing',
      '/3/0/9=80',
      '/3/0/11/0=0',
      `/3/0/13=${new Date(Math.floor((w.network.unixTime() - 90) / 1000) * 1000).toISOString()}`,
      '/3/0/16=U',
    ]);
  });

  it('an Object gives all its Object Instances', async () => {
    assert.deepEqual(show(await read('/3303'), '/3303'), [
      '/3303/0/5601=20.5',
      '/3303/0/5602=20.5',
      '/3303/0/5700=20.5',
      '/3303/0/5701=Cel',
    ]);
  });

  it('a single value is text, bytes are opaque, several values SenML CBOR; in 1.0 all is TLV', async () => {
    assert.deepEqual([(await read(`/${T}/0/1`)).text, (await read(`/${T}/0/1`)).format], ['one', TEXT]);
    const bytes = await read(`/${T}/0/7`);
    assert.deepEqual([bytes.format, [...bytes.bytes]], [42, [1, 2, 3]]);
    const several = await read(`/${T}/0/5`);
    assert.equal(several.format, SENML_CBOR);
    assert.deepEqual(show(several, `/${T}/0/5`), [`/${T}/0/5/0=10`, `/${T}/0/5/1=11`]);
    assert.deepEqual([(await read(`/${T}/0/5/1`)).text, (await read(`/${T}/0/5/1`)).format], ['11', TEXT]);
    const old = await world({ lwm2mVersion: '1.0' });
    assert.equal((await old.server.request(`GET /${T}/0/1`)).format, TLV);
  });

  for (const format of [TLV, 1542, SENML_JSON, SENML_CBOR, 11543, 11544]) {
    it(`Accept ${format} is answered in it`, async () => {
      const answer = await read('/3303/0', { accept: format });
      assert.equal(answer.format, format);
      assert.equal(show(answer, '/3303/0').length, 4);
    });
  }

  it('a slow handler delays its own answer only, which comes separately', async () => {
    w.slow = 5000;
    const slow = w.server.start(`GET /${T}/0/10`);
    await w.network.run(6000);
    assert.equal((await slow).text, '7');
    w.slow = 10;
    assert.equal((await read(`/${T}/0/10`)).text, '7');
  });

  it('a handler that fails is a 5.00 that tells nothing, and an event that tells all', async () => {
    w.events.length = 0;
    const answer = await read(`/${T}/0/11`);
    assert.deepEqual([answer.code, answer.text], ['5.00', '']);
    assert.equal(w.events[0]?.name, 'handlerError');
    assert.match(String((w.events[0]?.detail as { cause: unknown }).cause), /inside of the device/);
    assert.equal((await read(`/${T}/0`)).code, '5.00', 'also within its Object Instance');
  });

  const refusals: readonly (readonly [line: string, options: OptionValues, code: string, why: string])[] = [
    ['GET /0', {}, '4.01', 'Security is not for servers'],
    ['GET /0/0/0', {}, '4.01', 'Security is not for servers'],
    ['GET /21', {}, '4.01', 'nor is OSCORE, present or not'],
    ['GET /9', {}, '4.04', 'an Object it does not have'],
    ['GET /3303/7', {}, '4.04', 'an Object Instance it does not have'],
    ['GET /3303/0/5602/0', {}, '4.05', 'a Resource Instance of a single-instance Resource'],
    ['GET /3303/0/9999', {}, '4.04', 'a Resource unknown to the definition'],
    ['GET /3/0/1', {}, '4.04', 'a Resource that is not present'],
    [`GET /${T}/0/3`, {}, '4.05', 'a Resource that cannot be read'],
    [`GET /${T}/0/4`, {}, '4.05', 'a Resource that is executable'],
    [`GET /${T}/0/5/9`, {}, '4.04', 'a Resource Instance that is not there'],
    ['GET /', {}, '4.05', 'the root'],
    ['GET /3303/0', { accept: 0 }, '4.06', 'text for several values'],
    ['GET /3303/0', { accept: 50 }, '4.06', 'a format it does not speak'],
    ['GET /nonsense', {}, '4.04', 'a path that is none'],
    ['GET /3303/0/5700', { observe: 1 }, '2.05', 'cancelling what was never observed is a Read'],
  ];
  for (const [line, options, code, why] of refusals) {
    it(`${line} ${JSON.stringify(options)} → ${code}: ${why}`, async () => {
      assert.equal((await w.server.request(line, options)).code, code);
    });
  }
});

describe('Discover (Core §6.3.2)', () => {
  let w: World;
  before(async () => {
    w = await world();
    await w.server.request('PUT /3303?pmin=10');
    await w.server.request('PUT /3303/0?pmax=60');
    await w.server.request('PUT /3303/0/5700?gt=25.5&lt=-3');
  });
  const discover = async (target: string): Promise<string> =>
    (await w.server.request(`GET ${target}`, { accept: 40 })).text;

  it('of an Object: two levels, attributes where they are attached', async () => {
    assert.equal(
      await discover('/3303'),
      '</3303>;pmin=10,</3303/0>;pmax=60,</3303/0/5601>,</3303/0/5602>,</3303/0/5605>,</3303/0/5700>;gt=25.5;lt=-3,</3303/0/5701>',
    );
  });
  it('of an Object Instance: one level, inherited attributes on the target', async () => {
    assert.equal(
      await discover('/3303/0'),
      '</3303/0>;pmin=10;pmax=60,</3303/0/5601>,</3303/0/5602>,</3303/0/5605>,</3303/0/5700>;gt=25.5;lt=-3,</3303/0/5701>',
    );
  });
  it('of a Resource: inherited ones too, and its Resource Instances', async () => {
    assert.equal(await discover('/3303/0/5700'), '</3303/0/5700>;pmin=10;pmax=60;gt=25.5;lt=-3');
    assert.equal(await discover('/3/0/11'), '</3/0/11>;dim=1,</3/0/11/0>');
  });
  it('depth says how far to go', async () => {
    assert.equal(await discover('/3303?depth=0'), '</3303>;pmin=10');
    assert.equal(await discover('/3303?depth=1'), '</3303>;pmin=10,</3303/0>;pmax=60');
    assert.match(await discover('/3?depth=3'), /<\/3\/0\/11>;dim=1,<\/3\/0\/11\/0>/);
    assert.equal((await w.server.request('GET /3303?depth=4', { accept: 40 })).code, '4.00');
  });
  it('the version stands where it is not the implied one', async () => {
    const other = await world({ objects: [{ ...temperatureObject({ value: 1 }), version: '1.1' }] });
    assert.match((await other.server.request('GET /3303?depth=0', { accept: 40 })).text, /<\/3303>;ver=1.1/);
  });
  for (const [target, code] of [
    ['/0', '4.01'],
    ['/9', '4.04'],
    ['/3303/1', '4.04'],
    ['/3303/0/1', '4.04'],
    ['/', '4.05'],
  ] as const) {
    it(`${target} → ${code}`, async () =>
      assert.equal((await w.server.request(`GET ${target}`, { accept: 40 })).code, code));
  }
});

describe('Write (Core §6.3.3)', () => {
  let w: World;
  before(async () => (w = await world()));
  const write = (line: string, format: number | undefined, payload: Uint8Array | string): Promise<Answer> =>
    w.server.request(line, { contentFormat: format }, payload);

  it('a Resource: text, and the application hears of it', async () => {
    w.events.length = 0;
    assert.equal((await write(`PUT /${T}/0/1`, TEXT, 'two')).code, '2.04');
    assert.equal(w.client.get(`/${T}/0/1`), 'two');
    assert.deepEqual(w.events, [{ name: 'written', detail: { shortServerId: 1, paths: [at(`/${T}/0/1`)] } }]);
  });

  for (const format of [TLV, SENML_JSON, SENML_CBOR, 11543, 11544]) {
    it(`Partial Update of an Object Instance in ${format} changes what is listed and nothing else`, async () => {
      w.client.set(`/${T}/0/0`, 1);
      w.client.set(`/${T}/0/5`, [10, 11]);
      const payload = payloadOf(format, `/${T}/0`, `/${T}/0/0=33`, `/${T}/0/5/1=21`, `/${T}/0/5/7=27`);
      assert.equal((await write(`POST /${T}/0`, format, payload)).code, '2.04');
      assert.equal(w.client.get(`/${T}/0/0`), 33);
      assert.deepEqual(
        w.client.get(`/${T}/0/5`),
        new Map([
          [0, 10],
          [1, 21],
          [7, 27],
        ]),
      );
      assert.equal(w.client.get(`/${T}/0/8`), true);
    });
  }

  it('Replace of an Object Instance removes optional values that are not given; read-only ones stay', async () => {
    const incomplete = payloadOf(TLV, `/${T}/0`, `/${T}/0/1=new`, `/${T}/0/5/3=3`);
    assert.equal((await write(`PUT /${T}/0`, TLV, incomplete)).code, '4.00', 'a mandatory value is missing');
    assert.notEqual(w.client.get(`/${T}/0/1`), 'new');
    const payload = payloadOf(TLV, `/${T}/0`, `/${T}/0/0=44`, `/${T}/0/1=new`, `/${T}/0/5/3=3`);
    assert.equal((await write(`PUT /${T}/0`, TLV, payload)).code, '2.04');
    assert.deepEqual(
      [0, 1, 2, 5, 7, 8, 9].map((id) => w.client.get(`/${T}/0/${id}`)),
      [
        44,
        'new',
        2,
        new Map([[3, 3]]),
        undefined,
        undefined,
        new Map([
          [0, 'a'],
          [1, 'b'],
        ]),
      ],
    );
    assert.equal((await w.server.request(`GET /${T}/0/8`)).code, '4.04');
    assert.equal((await write(`PUT /${T}/0/8`, TEXT, '1')).code, '2.04', 'a supported Resource can be written back');
    assert.equal(w.client.get(`/${T}/0/8`), true);
  });

  it('Replace of the Server Object Instance puts back the defaults of mandatory values (ETS 215)', async () => {
    const other = await world();
    other.client.set('/1/0/1', 500);
    const put = { contentFormat: TLV };
    const body = payloadOf(TLV, '/1/0', '/1/0/2=101', '/1/0/3=1010', '/1/0/5=2000', '/1/0/6=1');
    assert.equal((await other.server.request('PUT /1/0', put, body)).code, '2.04');
    assert.deepEqual(
      [1, 2, 3, 5, 6, 7].map((id) => other.client.get(`/1/0/${id}`)),
      [86_400, 101, 1010, 2000, true, 'U'],
    );
  });

  it('of a multiple-instance Resource: Replace replaces all, Partial Update merges, one Resource Instance is itself', async () => {
    w.client.set(`/${T}/0/5`, [1, 2, 3]);
    await write(`PUT /${T}/0/5`, TLV, payloadOf(TLV, `/${T}/0/5`, `/${T}/0/5/1=12`));
    assert.deepEqual(w.client.get(`/${T}/0/5`), new Map([[1, 12]]));
    await write(`POST /${T}/0/5`, TLV, payloadOf(TLV, `/${T}/0/5`, `/${T}/0/5/2=13`));
    assert.deepEqual(
      w.client.get(`/${T}/0/5`),
      new Map([
        [1, 12],
        [2, 13],
      ]),
    );
    assert.equal((await write(`PUT /${T}/0/5/2`, TEXT, '99')).code, '2.04');
    assert.deepEqual(
      w.client.get(`/${T}/0/5`),
      new Map([
        [1, 12],
        [2, 99],
      ]),
    );
    assert.equal((await w.server.request(`DELETE /${T}/0/5/1`)).code, '2.02');
    assert.deepEqual(w.client.get(`/${T}/0/5`), new Map([[2, 99]]));
  });

  it('a set handler gets the value; one that fails is 5.00 and changes nothing', async () => {
    w.given.length = 0;
    assert.equal((await write(`PUT /${T}/0/10`, TEXT, '42')).code, '2.04');
    assert.deepEqual(w.given, ['set 42']);
    w.client.set(`/${T}/0/0`, 1);
    const payload = payloadOf(TLV, `/${T}/0`, `/${T}/0/0=2`, `/${T}/0/10=13`);
    assert.equal((await write(`POST /${T}/0`, TLV, payload)).code, '5.00');
    assert.equal(w.client.get(`/${T}/0/0`), 1);
    assert.equal((await w.server.request(`GET /${T}/0/10`)).text, '42');
  });

  it('one thing that cannot be written refuses the whole', async () => {
    w.client.set(`/${T}/0/0`, 1);
    for (const [bad, code] of [
      [`/${T}/0/2=5`, '4.05'],
      [`/${T}/0/1=much too long`, '4.00'],
      [`/${T}/0/4=x`, '4.05'],
    ] as const) {
      const payload = payloadOf(SENML_JSON, `/${T}/0`, `/${T}/0/0=2`, bad.replace('/4=x', '/2=5'));
      assert.equal((await write(`POST /${T}/0`, SENML_JSON, payload)).code, code, bad);
      assert.equal(w.client.get(`/${T}/0/0`), 1);
    }
  });

  it('unknown and unsupported optional Resources within an Object Instance are ignored', async () => {
    const payload = encodeUtf8(`[{"bn":"/${T}/0/","n":"0","v":9},{"n":"12","v":5},{"n":"4711","vs":"x"}]`);
    assert.equal((await write(`POST /${T}/0`, SENML_JSON, payload)).code, '2.04');
    assert.equal(w.client.get(`/${T}/0/0`), 9);
    assert.equal(w.client.get(`/${T}/0/12`), undefined);
  });

  it('an Object link must lead somewhere, to an Object, or be null', async () => {
    for (const [link, code] of [
      ['3:0', '2.04'],
      ['3303:65535', '2.04'],
      ['65535:65535', '2.04'],
      ['3:1', '4.00'],
      ['9:65535', '4.00'],
    ] as const) {
      assert.equal((await write(`PUT /${T}/0/6`, TEXT, link)).code, code, link);
    }
  });

  it('a large value arrives in blocks and is written once', async () => {
    w.events.length = 0;
    const big = new Uint8Array(100_000).map((_, index) => index % 251);
    assert.equal((await write(`PUT /${T}/0/7`, 42, big)).code, '2.04');
    assert.deepEqual(w.client.get(`/${T}/0/7`), big);
    assert.equal(w.events.length, 1);
    assert.deepEqual((await w.server.request(`GET /${T}/0/7`)).bytes, big);
  });

  const refusals: readonly (readonly [
    line: string,
    format: number | undefined,
    payload: string,
    code: string,
    why: string,
  ])[] = [
    ['PUT /0/0/0', TEXT, 'coap://evil', '4.01', 'Security'],
    ['PUT /9/0', TLV, '', '4.04', 'an Object it does not have'],
    [`PUT /${T}/5`, TLV, '', '4.04', 'an Object Instance it does not have'],
    [`PUT /${T}/0/4711`, TEXT, '1', '4.04', 'an unknown Resource'],
    [`PUT /${T}/0/12`, TEXT, '1', '4.04', 'a Resource that is not supported'],
    [`PUT /${T}/0/2`, TEXT, '1', '4.05', 'a read-only Resource'],
    [`PUT /${T}/0/11`, TEXT, '1', '4.05', 'a handler without set'],
    [`PUT /${T}/0/0/0`, TEXT, '1', '4.05', 'a Resource Instance of a single-instance Resource'],
    [`PUT /${T}`, TLV, '', '4.05', 'an Object'],
    [`PUT /${T}/0/0`, undefined, '1', '4.15', 'no Content-Format'],
    [`PUT /${T}/0/0`, 50, '1', '4.15', 'a format it does not speak'],
    [`PUT /${T}/0`, TEXT, '1', '4.15', 'text for an Object Instance'],
    [`PUT /${T}/0/0`, TEXT, 'five', '4.00', 'text that is no integer'],
    [`PUT /${T}/0/0`, TEXT, '101', '4.00', 'a value out of range'],
    [`PUT /${T}/0`, SENML_JSON, '[{"n":"/3/0/13","v":1}]', '4.00', 'another Object Instance'],
    [`PUT /${T}/0`, SENML_JSON, '[{', '4.00', 'a broken payload'],
    [`PUT /${T}/0/1`, SENML_JSON, '[]', '4.00', 'no value'],
    [`PUT /${T}/0/5`, TEXT, '1', '4.00', 'a single value for a multiple-instance Resource'],
    ['PUT /1/0/0', TEXT, '5', '4.05', 'the Short Server ID'],
  ];
  for (const [line, format, payload, code, why] of refusals) {
    it(`${line} → ${code}: ${why}`, async () => {
      const answer = await write(line, format, payload);
      assert.equal(answer.code, code, answer.text);
    });
  }
});

describe('Execute (Core §6.3.5)', () => {
  let w: World;
  before(async () => (w = await world()));

  it('arguments reach the handler, and the application hears of it', async () => {
    w.events.length = 0;
    const answer = await w.server.request(`POST /${T}/0/4`, { contentFormat: TEXT }, "0,2='10.3'");
    assert.equal(answer.code, '2.04');
    assert.deepEqual(w.given.splice(0), ['execute [{"digit":0},{"digit":2,"value":"10.3"}] by 1']);
    assert.deepEqual(w.events, [
      { name: 'executed', detail: { shortServerId: 1, path: at(`/${T}/0/4`), args: "0,2='10.3'" } },
    ]);
  });

  const rows: readonly (readonly [line: string, args: string, code: string, why: string])[] = [
    [`POST /${T}/0/4`, "0='fail'", '5.00', 'the handler throws'],
    [`POST /${T}/0/4`, "0='refuse'", '4.09', 'the handler refuses with a code of its own'],
    [`POST /${T}/0/4`, '0,0', '4.00', 'a digit twice'],
    [`POST /${T}/0/4`, 'x', '4.00', 'no argument list'],
    [`POST /${T}/0/0`, '', '4.05', 'not executable'],
    ['POST /3/0/1', '', '4.04', 'not present'],
    ['POST /3/0/5', '', '2.04', 'factory reset'],
    ['POST /0/0/4', '', '4.01', 'Security'],
  ];
  for (const [line, args, code, why] of rows) {
    it(`${line} ${args} → ${code}: ${why}`, async () => {
      const answer = await w.server.request(line, args === '' ? {} : { contentFormat: TEXT }, args);
      assert.equal(answer.code, code);
      if (code === '5.00') assert.equal(answer.text, '');
      if (code === '4.09') assert.equal(answer.text, 'not now');
    });
  }

  it('while a slow one runs, what changes something waits for it, and reading does not', async () => {
    w.slow = 3000;
    w.given.length = 0;
    const other = new RawServer(w.network, { host: '10.0.0.7', port: 5683 });
    const order: string[] = [];
    void w.server.start(`POST /${T}/0/4`, { contentFormat: TEXT }, "0='slow'").then(() => order.push('slow'));
    await w.network.run(600);
    // The empty Acknowledgement has made room for the next request (NSTART).
    void w.server.start(`GET /${T}/0/0`).then(() => order.push('read'));
    await w.network.run(600);
    void w.server.start(`PUT /${T}/0/0`, { contentFormat: TEXT }, '77').then(() => order.push('written'));
    await w.network.run(600);
    assert.equal(w.client.get(`/${T}/0/0`), 1);
    await w.network.run(10_000);
    assert.equal(w.client.get(`/${T}/0/0`), 77);
    assert.equal(order.at(-1), 'written');
    await other.driver.close();
  });

  it('resets: the least and greatest temperature, and the error codes', async () => {
    for (const value of [10, 30, 20]) w.client.set('/3303/0/5700', value);
    assert.deepEqual([w.client.get('/3303/0/5601'), w.client.get('/3303/0/5602')], [10, 30]);
    assert.equal((await w.server.request('POST /3303/0/5605')).code, '2.04');
    assert.deepEqual([w.client.get('/3303/0/5601'), w.client.get('/3303/0/5602')], [20, 20]);
    w.client.set('/3/0/11', [1, 2]);
    assert.equal((await w.server.request('POST /3/0/12')).code, '2.04');
    assert.deepEqual(w.client.get('/3/0/11'), new Map([[0, 0]]));
  });

  it('the clock of the Device can be set and goes on from there', async () => {
    assert.equal((await w.server.request('PUT /3/0/13', { contentFormat: TEXT }, '1000000')).code, '2.04');
    await w.network.run(60_000);
    const now = Number((await w.server.request('GET /3/0/13')).text);
    assert.ok(now >= 1_000_060 && now <= 1_000_062, String(now));
  });

  it('a new position is stamped with the time', async () => {
    w.client.batch(() => {
      w.client.set('/6/0/0', 48.1);
      w.client.set('/6/0/1', 11.5);
    });
    assert.equal(w.client.get('/6/0/5'), Math.floor(w.network.unixTime() / 1000));
  });
});

describe('Create and Delete (Core §6.3.6, §6.3.7)', () => {
  let w: World;
  before(async () => (w = await world()));
  const create = (target: string, format: number, payload: Uint8Array | string): Promise<Answer> =>
    w.server.request(`POST ${target}`, { contentFormat: format }, payload);

  it('with an id, in any format; read-only values are ignored, the application adds its own', async () => {
    let id = 10;
    for (const format of [TLV, SENML_JSON, SENML_CBOR, 11544]) {
      const payload = payloadOf(format, `/${T}`, `/${T}/${id}/0=7`, `/${T}/${id}/1=x`, `/${T}/${id}/2=1`);
      const answer = await create(`/${T}`, format, payload);
      assert.deepEqual([answer.code, answer.location], ['2.01', ''], String(format));
      assert.deepEqual(
        [0, 1, 2].map((resourceId) => w.client.get(`/${T}/${id}/${resourceId}`)),
        [7, 'x', 100 + id],
      );
      id++;
    }
    assert.deepEqual(w.given.splice(0).slice(0, 1), ['create 10 with 0,1']);
  });

  it('without an id the client chooses the lowest free one and says so', async () => {
    // TLV without Object Instance: Resource 0 = 9.
    const answer = await create(`/${T}`, TLV, Uint8Array.of(0xc1, 0, 9));
    assert.deepEqual([answer.code, answer.location], ['2.01', `${T}/2`]);
    assert.equal(w.client.get(`/${T}/2/0`), 9);
  });

  it('is told to servers by an Update, after the answer', async () => {
    await w.network.run(1000);
    w.server.arrivals.length = 0;
    await create(`/${T}`, TLV, Uint8Array.of(0xc1, 0, 9));
    await w.network.run(1000);
    assert.match(w.server.arrivals[0]?.payload ?? '', new RegExp(`</${T}/3>`));
  });

  it('of several at once is all or nothing', async () => {
    const payload = payloadOf(TLV, `/${T}`, `/${T}/50/0=1`, `/${T}/0/0=1`);
    assert.equal((await create(`/${T}`, TLV, payload)).code, '4.00');
    assert.equal(w.client.objectInstanceIds(T).includes(50), false);
  });

  const refusals: readonly (readonly [
    target: string,
    format: number,
    payload: Uint8Array,
    code: string,
    why: string,
  ])[] = [
    [`/${T}`, TLV, payloadOf(TLV, `/${T}`, `/${T}/0/0=1`), '4.00', 'an id that exists'],
    [`/${T}`, TLV, payloadOf(TLV, `/${T}`, `/${T}/60/1=x`), '4.00', 'a mandatory Resource is missing'],
    [`/${T}`, TLV, payloadOf(TLV, `/${T}`, `/${T}/60/0=101`), '4.00', 'a value out of range'],
    [`/${T}`, TLV, payloadOf(TLV, `/${T}`, `/${T}/60/0=99`), '4.03', 'the application refuses'],
    [`/${T}`, TLV, Uint8Array.of(0xff), '4.00', 'a broken payload'],
    [`/${T}`, 50, new Uint8Array(0), '4.15', 'a format it does not speak'],
    ['/3', TLV, Uint8Array.of(0xc1, 0, 65), '4.05', 'an Object whose instances are not for servers to create'],
    ['/1', TLV, Uint8Array.of(0xc1, 0, 65), '4.05', 'nor are server accounts'],
    ['/0', TLV, Uint8Array.of(0xc1, 0, 65), '4.01', 'Security'],
    ['/9', TLV, Uint8Array.of(0xc1, 0, 65), '4.04', 'an Object it does not have'],
  ];
  for (const [target, format, payload, code, why] of refusals) {
    it(`POST ${target} → ${code}: ${why}`, async () => {
      const answer = await create(target, format, payload);
      assert.equal(answer.code, code, answer.text);
    });
  }

  it('there is an end to what servers can create', async () => {
    let answer = await create(`/${T}`, TLV, Uint8Array.of(0xc1, 0, 9));
    for (let i = 0; i < 300 && answer.code === '2.01'; i++)
      answer = await create(`/${T}`, TLV, Uint8Array.of(0xc1, 0, 9));
    assert.equal(answer.code, '5.03');
    assert.equal(w.client.objectInstanceIds(T).length, 256);
  });

  it('Delete removes the Object Instance, its attributes and observations', async () => {
    await w.server.request(`PUT /${T}/10?pmin=5`);
    await w.server.request(`GET /${T}/10/0`, { observe: 0 });
    w.events.length = 0;
    assert.equal((await w.server.request(`DELETE /${T}/10`)).code, '2.02');
    await w.network.run(1000);
    assert.equal(w.client.objectInstanceIds(T).includes(10), false);
    assert.equal(w.server.notifications.at(-1)?.code, '4.04');
    assert.deepEqual(
      w.events.map(({ name }) => name),
      ['deleted', 'observationEnded'],
    );
    await create(`/${T}`, TLV, payloadOf(TLV, `/${T}`, `/${T}/10/0=7`));
    assert.doesNotMatch((await w.server.request(`GET /${T}/10`, { accept: 40 })).text, /pmin/);
  });

  for (const [line, code] of [
    [`DELETE /${T}/1`, '4.05'],
    [`DELETE /${T}/999`, '4.04'],
    ['DELETE /3/0', '4.05'],
    ['DELETE /3303/0', '4.05'],
    ['DELETE /0/0', '4.01'],
    ['DELETE /9/0', '4.04'],
    [`DELETE /${T}`, '4.05'],
    ['DELETE /', '4.05'],
    [`DELETE /${T}/0/0`, '4.05'],
    [`DELETE /${T}/0/9/0`, '4.05'],
    [`DELETE /${T}/0/5/9`, '4.04'],
  ] as const) {
    it(`${line} → ${code}`, async () => assert.equal((await w.server.request(line)).code, code));
  }
});

describe('Write-Attributes (Core §6.3.4)', () => {
  let w: World;
  before(async () => (w = await world()));
  for (const [line, code, why] of [
    ['PUT /3303?pmin=10&pmax=20', '2.04', 'an Object'],
    ['PUT /3303/0?epmin=1&epmax=5', '2.04', 'an Object Instance'],
    ['PUT /3303/0/5700?gt=30&lt=10&st=2.5', '2.04', 'a Resource'],
    ['PUT /3/0/11/0?pmin=3', '2.04', 'a Resource Instance'],
    ['PUT /3303/0/5700?gt=5', '4.00', 'lt must stay below gt, with what is attached already'],
    ['PUT /3303/0/5700?st=12', '4.00', 'lt + 2 st must stay below gt'],
    ['PUT /3303/0/5700?gt', '2.04', 'unset'],
    ['PUT /3303/0/5700?st=12', '2.04', 'now it may'],
    ['PUT /3303/0?gt=5', '4.00', 'gt is for Resources'],
    ['PUT /3303/0/5700?st=-1', '4.00', 'a negative step'],
    ['PUT /3303/0/5700?pmin=1.5', '4.00', 'no whole seconds'],
    ['PUT /3303/0/5700?colour=red', '4.00', 'no attribute'],
    ['PUT /3303/0/5700?dim=3', '4.00', 'a property'],
    ['PUT /3303/7?pmin=1', '4.04', 'not there'],
    ['PUT /3303/0/4711?pmin=1', '4.04', 'not there'],
    ['PUT /3/0/11/5?pmin=1', '4.04', 'not there'],
    ['PUT /3303/0/5700/0?pmin=1', '4.05', 'a Resource Instance of a single-instance Resource'],
    ['PUT /9?pmin=1', '4.04', 'not there'],
    ['PUT /0?pmin=1', '4.01', 'Security'],
    ['PUT /?pmin=1', '4.05', 'the root'],
  ] as const) {
    it(`${line} → ${code}: ${why}`, async () => assert.equal((await w.server.request(line)).code, code));
  }
});

describe('composites (Core §6.3.10, §6.3.11)', () => {
  let w: World;
  before(async () => (w = await world({ lwm2mVersion: '1.2' })));
  const paths = (...texts: string[]): Uint8Array => {
    const payload = encodePathList(ETCH_CBOR, texts.map(at), { path: ROOT, definitions });
    if (isMalformed(payload)) throw new Error(payload.malformed);
    return payload;
  };

  it('Read-Composite leaves out what is missing, hidden or unreadable', async () => {
    const body = paths('/3/0/0', '/3/0/1', '/9/9', `/${T}/0/3`, '/0/0/0', '/3303/0/5700', '/3303/0/5700');
    const answer = await w.server.request('FETCH /', { contentFormat: ETCH_CBOR, accept: SENML_CBOR }, body);
    assert.deepEqual(show(answer, '/'), ['/3/0/0=Lapwing', '/3303/0/5700=20.5']);
  });

  it('a list of very many paths is refused, and one that names the same over and over is read once', async () => {
    const many = Array.from({ length: 1025 }, (_, id) => `/3303/${id}`);
    const options = { contentFormat: ETCH_CBOR, accept: SENML_CBOR };
    assert.equal((await w.server.request('FETCH /', options, paths(...many))).code, '4.13');
    const answer = await w.server.request('FETCH /', options, paths(...many.fill('/3303/0/5700')));
    assert.deepEqual(show(answer, '/'), ['/3303/0/5700=20.5']);
  });

  it('a server cannot bring about Resource Instances without end', async () => {
    const many = Array.from({ length: 1025 }, (_, id) => ({ n: `/${T}/0/5/${id}`, v: 1 }));
    const write = (list: unknown): Promise<Answer> =>
      w.server.request(`POST /${T}/0/5`, { contentFormat: SENML_JSON }, JSON.stringify(list));
    assert.equal((await write(many)).code, '5.03');
    assert.equal((await w.server.request(`GET /${T}/0/5/9`)).code, '4.04');
  });

  it('Write-Composite is all or nothing', async () => {
    const good = payloadOf(ETCH_CBOR, '/', `/${T}/0/0=50`, `/${T}/1/0=51`, `/${T}/0/5/1 remove`);
    assert.equal((await w.server.request('iPATCH /', { contentFormat: ETCH_CBOR }, good)).code, '2.04');
    assert.deepEqual(
      [w.client.get(`/${T}/0/0`), w.client.get(`/${T}/1/0`), w.client.get(`/${T}/0/5`)],
      [50, 51, new Map([[0, 10]])],
    );
    for (const [bad, code] of [
      [`/${T}/0/2=1`, '4.05'],
      [`/${T}/7/0=1`, '4.04'],
      ['/0/0/10=1', '4.01'],
      [`/${T}/0/5/9 remove`, '4.04'],
    ] as const) {
      const payload = payloadOf(ETCH_CBOR, '/', `/${T}/0/0=60`, bad);
      assert.equal((await w.server.request('iPATCH /', { contentFormat: ETCH_CBOR }, payload)).code, code, bad);
      assert.equal(w.client.get(`/${T}/0/0`), 50);
    }
    assert.equal((await w.server.request('iPATCH /', { contentFormat: 50 }, good)).code, '4.15');
  });

  it('Observe-Composite notifies with all paths when one of them changes', async () => {
    const body = paths('/3303/0/5700', '/3/0/9');
    const options = { contentFormat: ETCH_CBOR, accept: SENML_JSON, observe: 0 } as OptionValues;
    assert.equal((await w.server.request('FETCH /?pmin=2', options, body)).code, '2.05');
    w.client.set('/3303/0/5700', 23);
    w.client.set('/3/0/9', 79);
    await w.network.run(3000);
    assert.equal(w.server.notifications.length, 1);
    assert.match(w.server.notifications[0]?.text ?? '', /23.*79/);
  });
});
