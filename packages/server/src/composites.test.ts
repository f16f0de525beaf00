/** Read-Composite, Write-Composite, Observe-Composite, Create of several, and attributes with Observe. OMA TS Core §6.3, §6.4. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Codes, OperationFailed, UsageError } from '@lapwing/coap';
import {
  decodePathList,
  decodePayload,
  Device,
  encodePayload,
  formatPath,
  integerValue,
  isMalformed,
  ObjectDefinitions,
  objectInstancePath,
  objectPath,
  resourceInstancePath,
  resourcePath,
  ROOT,
  stringValue,
  typedEntries,
  type NodeEntry,
  type Path,
} from '@lapwing/lwm2m';
import { setUp, type Setup } from '../test/setup.ts';
import { reply, type Asked, type SimulatedDevice } from '../test/simulated-device.ts';
import type { Device as DeviceApi, WriteAttributes } from './api.ts';
import { unwrap } from './outcome.ts';

const SENML_JSON = 110;
const SENML_CBOR = 112;
const ETCH_JSON = 320;
const ETCH_CBOR = 322;
const TLV = 11542;
const LWM2M_CBOR = 11544;
const definitions = new ObjectDefinitions();
const context = { path: ROOT, definitions };

const battery: NodeEntry = { kind: 'value', path: resourcePath(3, 0, 9), value: integerValue(87) };
const manufacturer: NodeEntry = { kind: 'value', path: resourcePath(3, 0, 0), value: stringValue('Lapwing') };
const PATHS = [resourcePath(3, 0, 9), objectInstancePath(1, 0)];

function packed(format: number, entries: readonly NodeEntry[]): Uint8Array {
  const payload = encodePayload(format, entries, context);
  if (isMalformed(payload)) throw new Error(payload.malformed);
  return payload;
}

function listIn({ contentFormat, payload }: Asked): readonly string[] {
  const paths = decodePathList(contentFormat!, payload, context);
  if (isMalformed(paths)) throw new Error(paths.malformed);
  return paths.map(formatPath);
}

async function registered(
  setup: Setup,
  version: string,
  links = '</1/0>,</3/0>',
): Promise<readonly [SimulatedDevice, DeviceApi]> {
  const device = setup.device();
  assert.equal((await device.register(['ep=one', 'lt=86400', `lwm2m=${version}`], links)).code, '2.01');
  return [device, setup.server.device('one')!];
}

const content = (entries: readonly NodeEntry[], observe = false): ReturnType<typeof reply> =>
  reply(Codes.content, packed(SENML_CBOR, entries), { contentFormat: SENML_CBOR }, observe);

const failsWith =
  (code: string, text: RegExp) =>
  (error: unknown): boolean =>
    error instanceof OperationFailed && error.code === code && text.test(error.message);

describe('Read-Composite (OMA TS Core §6.3.9)', () => {
  for (const [version, links, format] of [
    ['1.1', '</3/0>', SENML_CBOR],
    ['1.1', '</>;ct=110,</3/0>', SENML_JSON],
    ['1.2', '</3/0>', ETCH_CBOR],
    ['1.2', '</>;ct="320 11544",</3/0>', ETCH_JSON],
  ] as const)
    it(`sends the list to a client of ${version} that announces ${links} in Content-Format ${format}`, async () => {
      await using setup = setUp();
      const [device, handle] = await registered(setup, version, links);
      device.onRequest = () => content([battery]);
      const result = unwrap(await setup.settle(handle.readComposite(PATHS, { format: SENML_CBOR })));
      const [asked] = device.asked;
      assert.deepEqual(
        [asked!.code, asked!.path, asked!.contentFormat, asked!.accept],
        [Codes.fetch, '/', format, SENML_CBOR],
      );
      assert.deepEqual(listIn(asked!), ['/3/0/9', '/1/0']);
      assert.deepEqual(result.entries, [battery]);
      assert.deepEqual(
        result.nodes.map((node) => node?.kind),
        ['resource', undefined],
      );
    });

  it('gives the values of typed paths, undefined for what the client left out', async () => {
    await using setup = setUp();
    const [device, handle] = await registered(setup, '1.1');
    device.onRequest = () => content([battery]);
    const { batteryLevel, manufacturer: maker } = Device.path(0);
    const [level, name] = unwrap(await setup.settle(handle.readComposite([batteryLevel, maker])));
    const typed: readonly [number | undefined, string | undefined] = [level, name];
    assert.deepEqual(typed, [87, undefined]);
  });

  it('tries the second format when the first is refused', async () => {
    await using setup = setUp();
    const [device, handle] = await registered(setup, '1.1');
    device.onRequest = ({ contentFormat }) =>
      contentFormat === SENML_JSON ? content([battery]) : reply(Codes.unsupportedContentFormat);
    const result = unwrap(await setup.settle(handle.readComposite(PATHS)));
    assert.equal(result.entries.length, 1);
    assert.equal(device.asked.length, 2);
  });

  it('an answer with nothing in it is an answer', async () => {
    await using setup = setUp();
    const [device, handle] = await registered(setup, '1.1');
    device.onRequest = () => reply(Codes.content);
    assert.deepEqual(unwrap(await setup.settle(handle.readComposite(PATHS))).entries, []);
  });

  it('an answer about another path rejects with BAD_RESPONSE', async () => {
    await using setup = setUp();
    const [device, handle] = await registered(setup, '1.1');
    device.onRequest = () => content([battery, manufacturer]);
    await assert.rejects(
      setup.settle(handle.readComposite(PATHS)),
      failsWith('BAD_RESPONSE', /\/3\/0\/0 in an answer about \/3\/0\/9, \/1\/0/),
    );
  });

  it('a list without paths is a UsageError, and nothing is sent', async () => {
    await using setup = setUp();
    const [device, handle] = await registered(setup, '1.1');
    await assert.rejects(setup.settle(handle.readComposite([] as readonly Path[])), UsageError);
    assert.equal(device.asked.length, 0);
  });
});

describe('Write-Composite (OMA TS Core §6.3.10)', () => {
  it('sends values of several Objects in one iPATCH', async () => {
    await using setup = setUp();
    const [device, handle] = await registered(setup, '1.1');
    device.onRequest = () => reply(Codes.changed);
    const utc = typedEntries(Device.path(0).timezone, 'UTC');
    assert.ok(!isMalformed(utc));
    const lifetime: NodeEntry = { kind: 'value', path: resourcePath(1, 0, 1), value: integerValue(60) };
    assert.equal((await setup.settle(handle.writeComposite([...utc, lifetime]))).ok, true);
    const { code, path, contentFormat, payload } = device.asked[0]!;
    assert.deepEqual([code, path, contentFormat], [Codes.ipatch, '/', SENML_CBOR]);
    assert.deepEqual(decodePayload(SENML_CBOR, payload, context), [...utc, lifetime]);
  });

  it('removes a Resource Instance of a client of 1.2 with null', async () => {
    await using setup = setUp();
    const [device, handle] = await registered(setup, '1.2');
    device.onRequest = () => reply(Codes.changed);
    const gone: NodeEntry = { kind: 'remove', path: resourceInstancePath(3, 0, 6, 1) };
    unwrap(await setup.settle(handle.writeComposite([gone])));
    const { contentFormat, payload } = device.asked[0]!;
    assert.equal(contentFormat, ETCH_CBOR);
    assert.deepEqual(decodePayload(ETCH_CBOR, payload, context), [gone]);
  });

  it('in LwM2M CBOR when it is asked for', async () => {
    await using setup = setUp();
    const [device, handle] = await registered(setup, '1.2');
    device.onRequest = () => reply(Codes.changed);
    unwrap(await setup.settle(handle.writeComposite([battery], { format: LWM2M_CBOR })));
    assert.equal(device.asked[0]!.contentFormat, LWM2M_CBOR);
  });

  it('a removal that no format of the client can say is a UsageError, as is writing nothing', async () => {
    await using setup = setUp();
    const [, handle] = await registered(setup, '1.1');
    const gone: NodeEntry = { kind: 'remove', path: resourceInstancePath(3, 0, 6, 1) };
    await assert.rejects(setup.settle(handle.writeComposite([gone])), UsageError);
    await assert.rejects(setup.settle(handle.writeComposite([])), UsageError);
  });
});

describe('Observe-Composite (OMA TS Core §6.4.3)', () => {
  const observing = async (setup: Setup, version = '1.1'): Promise<readonly [SimulatedDevice, DeviceApi]> => {
    const [device, handle] = await registered(setup, version);
    device.onRequest = ({ observe }) => content([battery], observe === 'register');
    return [device, handle];
  };

  it('notifies with all paths, and is one observation with its list', async () => {
    await using setup = setUp();
    const [device, handle] = await observing(setup);
    const observation = unwrap(await setup.settle(handle.observeComposite(PATHS)));
    assert.deepEqual(observation.initial.entries, [battery]);
    assert.deepEqual([observation.path, observation.paths], [ROOT, PATHS]);
    const iterator = observation[Symbol.asyncIterator]();
    const later: NodeEntry = { ...battery, kind: 'value', path: resourcePath(3, 0, 9), value: integerValue(86) };
    device.notify('/', content([later]));
    const { value } = await setup.settle(iterator.next());
    assert.deepEqual(value?.entries, [later]);
    assert.equal(handle.observations.length, 1);
  });

  it('the same list shares the observation, another list has its own', async () => {
    await using setup = setUp();
    const [device, handle] = await observing(setup);
    const first = unwrap(await setup.settle(handle.observeComposite(PATHS)));
    const second = unwrap(await setup.settle(handle.observeComposite(PATHS)));
    const other = unwrap(await setup.settle(handle.observeComposite([resourcePath(3, 0, 9)])));
    assert.equal(first.observationId, second.observationId);
    assert.notEqual(first.observationId, other.observationId);
    assert.equal(device.asked.length, 2);
  });

  it('is cancelled actively with a FETCH of the identical list', async () => {
    await using setup = setUp();
    const [device, handle] = await observing(setup, '1.2');
    const observation = unwrap(await setup.settle(handle.observeComposite(PATHS, { attributes: { pmin: 5, con: 1 } })));
    assert.equal(await setup.settle(handle.cancelObservation(PATHS, 'active')), true);
    assert.equal(observation.ended, true);
    const [asked, cancelled] = device.asked;
    assert.equal(cancelled!.observe, 'deregister');
    assert.deepEqual({ ...cancelled, observe: '' }, { ...asked, observe: '' });
    assert.deepEqual(asked!.queries, ['pmin=5', 'con=1']);
    assert.equal(await setup.settle(handle.cancelObservation(PATHS)), false);
  });

  it('a cancelled one is reset at its next notification', async () => {
    await using setup = setUp();
    const [device, handle] = await observing(setup);
    const observation = unwrap(await setup.settle(handle.observeComposite(PATHS)));
    await observation.cancel();
    device.notify('/', content([battery]));
    await setup.network.run(5_000);
    assert.deepEqual(device.ended, ['reset']);
  });

  it('gt, hqmax and attributes for a client before 1.2 are UsageErrors', async () => {
    await using setup = setUp();
    const [device, handle] = await observing(setup, '1.2');
    for (const attributes of [{ gt: 5 }, { hqmax: 5 }, { pmin: 1.5 }, { epmin: 9, epmax: 3 }])
      await assert.rejects(setup.settle(handle.observeComposite(PATHS, { attributes })), UsageError);
    await device.register(['ep=one', 'lt=86400', 'lwm2m=1.1']);
    const older = setup.server.device('one')!;
    await assert.rejects(setup.settle(older.observeComposite(PATHS, { attributes: { pmin: 5 } })), UsageError);
    await assert.rejects(setup.settle(older.observe(PATHS[0]!, { attributes: { pmin: 5 } })), UsageError);
    assert.equal(device.asked.length, 0);
  });
});

describe('attributes with Observe (OMA TS Core 1.2 §6.4.1)', () => {
  it('go along as queries, make an observation of its own, and are repeated when it is cancelled', async () => {
    await using setup = setUp();
    const [device, handle] = await registered(setup, '1.2');
    const path = resourcePath(3, 0, 9);
    device.onRequest = ({ observe }) => reply(Codes.content, '87', { contentFormat: 0 }, observe === 'register');
    const attributes = { pmin: 1, pmax: 60, gt: 90, lt: 10.5, st: 2, epmin: 1, epmax: 5, con: 1, hqmax: 4 } as const;
    const strict = unwrap(await setup.settle(handle.observe(path, { attributes })));
    const plain = unwrap(await setup.settle(handle.observe(path)));
    assert.notEqual(strict.observationId, plain.observationId);
    assert.deepEqual(strict.attributes, attributes);
    await setup.settle(strict.cancel('active'));
    assert.deepEqual(device.asked[0]!.queries, [
      'pmin=1',
      'pmax=60',
      'gt=90',
      'lt=10.5',
      'st=2',
      'epmin=1',
      'epmax=5',
      'con=1',
      'hqmax=4',
    ]);
    assert.deepEqual(device.asked[2]!.queries, device.asked[0]!.queries);
    assert.equal(plain.ended, false);
  });
});

describe('Write-Attributes (OMA TS Core §6.3.4)', () => {
  it('sets every attribute and unsets every attribute', async () => {
    await using setup = setUp();
    const [device, handle] = await registered(setup, '1.2');
    device.onRequest = () => reply(Codes.changed);
    const set = { pmin: 1, pmax: 60, gt: 90, lt: 10, st: 2, epmin: 1, epmax: 5, edge: 1, con: 0, hqmax: 4 } as const;
    unwrap(await setup.settle(handle.writeAttributes(resourcePath(3, 0, 9), set)));
    const unset = Object.fromEntries(Object.keys(set).map((name) => [name, null])) as WriteAttributes;
    unwrap(await setup.settle(handle.writeAttributes(resourcePath(3, 0, 9), unset)));
    assert.deepEqual(
      device.asked[0]!.queries,
      Object.entries(set).map(([name, value]) => `${name}=${value}`),
    );
    assert.deepEqual(device.asked[1]!.queries, Object.keys(set));
  });

  for (const [what, path, attributes] of [
    ['a fraction of a second', resourcePath(3, 0, 9), { pmin: 0.5 }],
    ['a negative step', resourcePath(3, 0, 9), { st: -1 }],
    ['lt above gt', resourcePath(3, 0, 9), { lt: 5, gt: 4 }],
    ['steps that overlap', resourcePath(3, 0, 9), { lt: 1, gt: 5, st: 2 }],
    ['epmin above epmax', resourcePath(3, 0, 9), { epmin: 5, epmax: 4 }],
    ['gt on an Object', objectPath(3), { gt: 4 }],
    ['an attribute of the root', ROOT, { pmin: 4 }],
  ] as const)
    it(`${what} is a UsageError, and nothing is sent`, async () => {
      await using setup = setUp();
      const [device, handle] = await registered(setup, '1.2');
      await assert.rejects(setup.settle(handle.writeAttributes(path, attributes)), UsageError);
      assert.equal(device.asked.length, 0);
    });
});

describe('Create (OMA TS Core §6.3.6) and Discover (§6.3.2)', () => {
  const temperature = (instance: number): NodeEntry => ({
    kind: 'value',
    path: resourcePath(3303, instance, 5750),
    value: stringValue(`sensor ${instance}`),
  });

  it('makes several Object Instances with one request', async () => {
    await using setup = setUp();
    const [device, handle] = await registered(setup, '1.1', '</3303>');
    device.onRequest = () => reply(Codes.created);
    const entries = [temperature(4), temperature(7)];
    const created = unwrap(await setup.settle(handle.createInstances(objectPath(3303), entries)));
    assert.deepEqual(created, [objectInstancePath(3303, 4), objectInstancePath(3303, 7)]);
    const { code, path, contentFormat, payload } = device.asked[0]!;
    assert.deepEqual([code, path, contentFormat], [Codes.post, '/3303', TLV]);
    assert.deepEqual(decodePayload(TLV, payload, { path: objectPath(3303), definitions }), entries);
  });

  it('several without ids, or none at all, is a UsageError', async () => {
    await using setup = setUp();
    const [, handle] = await registered(setup, '1.1', '</3303>');
    for (const entries of [[], [temperature(65535)]])
      await assert.rejects(async () => setup.settle(handle.createInstances(objectPath(3303), entries)), UsageError);
  });

  it('Discover goes as deep as it is told', async () => {
    await using setup = setUp();
    const [device, handle] = await registered(setup, '1.2');
    device.onRequest = () => reply(Codes.content, '</3/0>, </3/0/6>;dim=2,</3/0/6/0>', { contentFormat: 40 });
    const found = unwrap(await setup.settle(handle.discover(objectInstancePath(3, 0), { depth: 3 })));
    assert.deepEqual(device.asked[0]!.queries, ['depth=3']);
    assert.deepEqual(
      found.map(({ path }) => formatPath(path)),
      ['/3/0', '/3/0/6', '/3/0/6/0'],
    );
  });
});
