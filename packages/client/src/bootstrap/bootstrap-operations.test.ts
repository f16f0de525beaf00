import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Codes, CONTENT_FORMATS, decodeUtf8, formatCode } from '@lapwing/coap';
import { decodePayload, isMalformed, parseBootstrapDiscover, parsePath } from '@lapwing/lwm2m';
import type { BootstrapOperation, LwM2mVersion } from '@lapwing/lwm2m';
import {
  BOOTSTRAP_SERVER,
  bytes,
  definitions,
  dump,
  path,
  security,
  server,
  textOf,
  world,
  type World,
} from '../../test/bootstrap-tree.ts';
import type { ClientObject, ObjectInstanceContent } from '../client-object.ts';
import { temperatureObject } from '../objects/sensor.ts';
import { HandlerFailed, isRefusal, OperationRefused } from '../refusal.ts';
import { performBootstrapOperation } from './bootstrap-operations.ts';
import type { BootstrapAnswer } from './bootstrap-context.ts';

type Operation = Parameters<typeof performBootstrapOperation>[1];
const operation = (kind: BootstrapOperation['kind'], at: string, more: object = {}): Operation =>
  ({ kind, path: parsePath(at), ...more }) as Operation;

/** `2.05 text`, or `4.00 the reason`. */
async function perform({ context }: World, ...of: Parameters<typeof operation>): Promise<string> {
  const answer = await performBootstrapOperation(context, operation(...of));
  if (isRefusal(answer)) return `${formatCode(answer.refused)} ${answer.reason}`;
  return answer.payload === undefined ? formatCode(answer.code) : `${formatCode(answer.code)} ${decodeUtf8(answer.payload)}`; // prettier-ignore
}
const discover = async (one: World, at: string): Promise<string> => {
  const answer = (await performBootstrapOperation(one.context, operation('bootstrapDiscover', at))) as BootstrapAnswer;
  assert.equal(answer.contentFormat, CONTENT_FORMATS.linkFormat.number);
  return perform(one, 'bootstrapDiscover', at);
};
const ids = ({ tree }: World, objectId: number): readonly number[] =>
  [...tree.objects.get(objectId)!.instances.keys()].sort((a, b) => a - b);

const link = (objectId: number, objectInstanceId = 0): ObjectInstanceContent[number] => ({
  objectId,
  objectInstanceId,
});
const key: ObjectInstanceContent = { 0: bytes('m'), 1: bytes('s'), 2: bytes('r') };
const oscore: ClientObject = { objectId: 21, version: '2.0', instances: { 0: key, 1: key, 2: key } };
const cose: ClientObject = { objectId: 23, instances: { 0: { 0: 'k', 1: 10, 2: 'x' }, 1: { 0: 'k', 1: 10, 2: 'x' } } };
const mqtt: ClientObject = { objectId: 24, instances: { 0: { 6: 'a' }, 1: { 6: 'b' } } };
const firmware: ClientObject = { objectId: 5, instances: {} };

describe('Bootstrap-Discover (Core §6.1.7.3)', () => {
  const accounts = (version: LwM2mVersion): World =>
    world({
      version,
      security: { 0: security(101), 1: BOOTSTRAP_SERVER },
      servers: { 0: server(101), 4: {} },
      objects: [firmware, { objectId: 4, instances: { 0: {} } }],
    });
  const ROWS: readonly (readonly [LwM2mVersion, string])[] = [
    ['1.0', '</>;lwm2m=1.0,</0/0>;ssid=101,</0/1>,</1/0>;ssid=101,</1/4>,</2>,</3/0>,</4/0>,</5>'],
    ['1.1', '</>;lwm2m=1.1,</0/0>;ssid=101;uri="coap://s101.example",</0/1>,</1/0>;ssid=101,</1/4>,</2>,</3/0>,</4/0>,</5>'], // prettier-ignore
    ['1.2', '</>;lwm2m=1.2,</0/0>;ssid=101;uri="coap://s101.example",</0/1>,</1/0>;ssid=101,</1/4>,</2>,</3/0>,</4/0>,</5>'], // prettier-ignore
  ];
  for (const [version, links] of ROWS) {
    it(`the whole of a Client of ${version}; the Bootstrap-Server's account says neither whose it is nor where`, async () =>
      assert.equal(await discover(accounts(version), '/'), `2.05 ${links}`));
  }

  it('one Object: without the version of LwM2M', async () => {
    const one = accounts('1.2');
    assert.equal(await discover(one, '/0'), '2.05 </0/0>;ssid=101;uri="coap://s101.example",</0/1>');
    assert.equal(await discover(one, '/5'), '2.05 </5>');
    assert.equal(await discover(one, '/3'), '2.05 </3/0>');
  });

  it('what accounts link says whose it is, unless it is the Bootstrap-Server or nobody', async () => {
    const one = world({
      security: {
        0: security(101, { 17: link(21, 0), 26: link(24, 1), 27: [link(23, 1)!] as ObjectInstanceContent[number] }),
        1: { ...BOOTSTRAP_SERVER, 17: link(21, 1) },
        2: security(102, { 17: link(3, 2), 26: link(24, 65535) }),
      },
      objects: [mqtt, cose, oscore],
    });
    assert.equal(await discover(one, '/21'), '2.05 </21/0>;ssid=101,</21/1>,</21/2>');
    assert.equal(await discover(one, '/23'), '2.05 </23/0>,</23/1>;ssid=101');
    assert.equal(await discover(one, '/24'), '2.05 </24/0>,</24/1>;ssid=101');
    one.tree.set('/0/2/17', { objectId: 21, objectInstanceId: 1 });
    assert.equal(await discover(one, '/21'), '2.05 </21/0>;ssid=101,</21/1>;ssid=102,</21/2>', 'shared');
    one.tree.set('/0/2/17', { objectId: 21, objectInstanceId: 0 });
    assert.equal(await discover(one, '/21'), '2.05 </21/0>;ssid=101,</21/1>,</21/2>', 'shared');
    const all = parseBootstrapDiscover((await discover(one, '/')).slice(5));
    assert.ok(!isMalformed(all));
    const order = [...new Set(all.nodes.map((node) => node.path.objectId as number))];
    assert.deepEqual(order, [0, 1, 21, 23, 24, 2, 3], 'the accounts first');
  });

  it('a version that is not implied stands on the Object', async () => {
    const one = world({ objects: [{ ...temperatureObject({ value: 1 }), version: '1.1' }, { objectId: 5, version: '1.0', instances: {} }] }); // prettier-ignore
    assert.equal(await discover(one, '/3303'), '2.05 </3303>;ver=1.1,</3303/0>');
    assert.equal(await discover(one, '/5'), '2.05 </5>;ver=1.0');
  });

  it('an Object the Client does not have is 4.04', async () =>
    assert.match(await perform(accounts('1.2'), 'bootstrapDiscover', '/99'), /^4\.04/));
});

describe('Bootstrap-Read (Core §6.1)', () => {
  const one = (version: LwM2mVersion = '1.2'): World =>
    world({
      version,
      servers: { 0: server(101, { 8: { execute: () => undefined } }) },
      objects: [{ objectId: 2, instances: { 3: { 0: 3, 1: 0, 2: { 1: 15 }, 3: 1 } } }],
    });

  for (const format of [110, 112, 11542, 11544]) {
    it(`Server and Access Control, Objects and Object Instances, in Content-Format ${format}`, async () => {
      for (const [at, values] of [
        ['/1', '/1/0/0 101 /1/0/1 300 /1/0/6 false /1/0/7 "U"'],
        ['/1/0', '/1/0/0 101 /1/0/1 300 /1/0/6 false /1/0/7 "U"'],
        ['/2', '/2/3/0 3 /2/3/1 0 /2/3/2/1 15 /2/3/3 1'],
        ['/2/3', '/2/3/0 3 /2/3/1 0 /2/3/2/1 15 /2/3/3 1'],
      ] as const) {
        const answer = await performBootstrapOperation(one().context, operation('bootstrapRead', at, { accept: format })); // prettier-ignore
        assert.ok(!isRefusal(answer));
        assert.deepEqual([answer.code, answer.contentFormat], [Codes.content, format]);
        const decoded = decodePayload(format, answer.payload!, { path: parsePath(at) as never, definitions });
        assert.ok(!isMalformed(decoded));
        const read = decoded.map((entry) => (entry.kind === 'value' ? `${textOf(entry.path)} ${JSON.stringify(entry.value.value)}` : '')); // prettier-ignore
        assert.equal(read.join(' '), values);
      }
    });
  }

  it('without a wish in SenML CBOR; a Client without Object Instances answers an empty one', async () => {
    const answer = (await performBootstrapOperation(one().context, operation('bootstrapRead', '/1'))) as BootstrapAnswer; // prettier-ignore
    assert.equal(answer.contentFormat, 112);
    const empty = (await performBootstrapOperation(world().context, operation('bootstrapRead', '/2', { accept: 110 }))) as BootstrapAnswer; // prettier-ignore
    assert.equal(formatCode(empty.code), '2.05');
  });

  const REFUSED: readonly (readonly [string, string, object?])[] = [
    ['/0', '4.01'],
    ['/0/1', '4.01'],
    ['/21', '4.01'],
    ['/23/0', '4.01'],
    ['/3', '4.05'],
    ['/3/0', '4.05'],
    ['/99', '4.05'],
    ['/1/7', '4.04'],
    ['/2/0', '4.04'],
    ['/1', '4.06', { accept: 60 }],
    ['/1', '4.06', { accept: 0 }],
  ];
  for (const [at, code, more] of REFUSED) {
    it(`${at} is ${code}${more === undefined ? '' : ` with ${JSON.stringify(more)}`}`, async () => {
      const answer = await perform(one(), 'bootstrapRead', at, more);
      assert.ok(answer.startsWith(code), answer);
    });
  }

  it('LwM2M 1.0 has none', async () => assert.match(await perform(one('1.0'), 'bootstrapRead', '/1'), /^4\.05/));
});

describe('Bootstrap-Delete (Core §6.1)', () => {
  const provisioned: ClientObject = { objectId: 16, instances: { 0: {}, 3: {} }, create: true };
  const deletable: ClientObject = { objectId: 3304, instances: { 0: {} }, delete: true };
  const full = (): World =>
    world({
      security: {
        0: security(101, { 17: link(21, 0) }),
        1: { ...BOOTSTRAP_SERVER, 17: link(21, 1), 26: link(24, 1), 27: [link(23, 0)!] as ObjectInstanceContent[number] }, // prettier-ignore
        2: security(102),
      },
      servers: { 0: server(101), 2: server(102) },
      objects: [
        { objectId: 2, instances: { 0: { 0: 3, 1: 0, 3: 101 } } },
        oscore,
        cose,
        mqtt,
        provisioned,
        deletable,
        temperatureObject({ value: 1 }),
        { objectId: 7, instances: { 0: { 2: 0 } } },
      ],
    });
  const state = (one: World): Readonly<Record<number, readonly number[]>> =>
    Object.fromEntries([...one.tree.objects.keys()].map((id) => [id, ids(one, id)]));
  const before = { 0: [0, 1, 2], 1: [0, 2], 2: [0], 3: [0], 7: [0], 16: [0, 3], 21: [0, 1, 2], 23: [0, 1], 24: [0, 1], 3303: [0], 3304: [0] }; // prettier-ignore

  const ROWS: readonly (readonly [string, string, Readonly<Record<number, readonly number[]>>])[] = [
    ['everything: the Bootstrap-Server and what it links stay, and what the device itself has', '/', { 0: [1], 1: [], 2: [], 16: [], 21: [1], 23: [0], 24: [1], 3304: [] }], // prettier-ignore
    ['Security: the account of the Bootstrap-Server stays', '/0', { 0: [1] }],
    ['Server', '/1', { 1: [] }],
    ['OSCORE: what the Bootstrap-Server links stays', '/21', { 21: [1] }],
    ['COSE', '/23', { 23: [0] }],
    ['MQTT Server', '/24', { 24: [1] }],
    ['Device stays', '/3', {}],
    ['what the device itself has, when it is named', '/7', { 7: [] }],
    ['one Object Instance', '/16/3', { 16: [0] }],
    ['a sensor, when it is named', '/3303/0', { 3303: [] }],
    ['an account', '/0/0', { 0: [1, 2] }],
    ['what is not there', '/16/9', {}],
    ['an Object that is not there', '/99', {}],
    ['an Object Instance of an Object that is not there', '/99/0', {}],
  ];
  for (const [what, at, after] of ROWS) {
    it(`${at} ${what}`, async () => {
      const one = full();
      assert.deepEqual(state(one), before);
      assert.equal(await perform(one, 'bootstrapDelete', at), '2.02');
      assert.deepEqual(state(one), { ...before, ...after });
    });
  }

  for (const at of ['/0/1', '/3/0', '/21/1', '/23/0', '/24/1']) {
    it(`refused: ${at}`, async () => {
      const one = full();
      assert.match(await perform(one, 'bootstrapDelete', at), /^4\.00 .* is never deleted$/);
      assert.deepEqual(state(one), before);
    });
  }

  it('what the Bootstrap-Server links by mistake is not part of its account', async () => {
    const one = world({ security: { 1: { ...BOOTSTRAP_SERVER, 17: link(16, 0) } }, objects: [provisioned] });
    assert.equal(await perform(one, 'bootstrapDelete', '/16/0'), '2.02');
    assert.deepEqual(ids(one, 16), [3]);
  });

  it('without a Bootstrap-Server to be spared, all accounts go', async () => {
    const one = world({ context: { bootstrapAccount: undefined } });
    await perform(one, 'bootstrapDelete', '/');
    assert.deepEqual(ids(one, 0), []);
  });

  it('Device stays even where the application lets servers delete it', async () => {
    const one = world({ objects: [{ objectId: 3, instances: { 0: { 0: 'Example' } }, delete: true }] });
    await perform(one, 'bootstrapDelete', '/');
    assert.deepEqual(ids(one, 3), [0]);
  });

  it('attributes of what is deleted go', async () => {
    const one = full();
    one.attributes.write(101, path('/1/0/1', 'resource'), { pmin: 1 });
    one.attributes.write(101, path('/1/2/1', 'resource'), { pmin: 1 });
    await perform(one, 'bootstrapDelete', '/1/0');
    assert.deepEqual(
      one.attributes.all().map((each) => textOf(each.path)),
      ['/1/2/1'],
    );
    assert.deepEqual(one.told, ['instances /1/0', 'changed /1/0']);
  });

  it('the application is told, and what it refuses stays with what comes after it', async () => {
    const told: number[] = [];
    const remove = (id: number): Promise<void> => {
      told.push(id);
      return id === 3 ? Promise.reject(new OperationRefused(Codes.methodNotAllowed, 'in use')) : Promise.resolve();
    };
    const one = world({ objects: [{ objectId: 16, instances: { 0: {}, 3: {}, 4: {} }, delete: remove }] });
    assert.equal(await perform(one, 'bootstrapDelete', '/16'), '4.05 in use');
    assert.deepEqual(told, [0, 3]);
    assert.deepEqual(ids(one, 16), [3, 4]);
    assert.equal(await perform(one, 'bootstrapDelete', '/16/0'), '2.02');
    assert.deepEqual(told, [0, 3], 'not of what is gone');
  });

  it('a `delete` of the application that fails is an error, not an answer', async () => {
    const fails = (): never => {
      throw new Error('of the application');
    };
    const one = world({ objects: [{ objectId: 16, instances: { 0: {} }, delete: fails }] });
    await assert.rejects(async () => perform(one, 'bootstrapDelete', '/16'), HandlerFailed);
    assert.ok(dump(one.tree).includes('/16/0'));
  });
});
