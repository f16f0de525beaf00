import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { Codes, formatCode, OperationFailed, UsageError, type OptionValues } from '@lapwing/coap';
import {
  booleanValue,
  Device,
  encodePayload,
  floatValue,
  isMalformed,
  objectInstancePath,
  ObjectDefinitions,
  objectPath,
  opaqueValue,
  parsePath,
  resourcePath,
  ROOT,
  stringValue,
  Temperature,
  timeValue,
  type NodeEntry,
  type Path,
} from '@lapwing/lwm2m';
import { setUp, type Setup } from '../test/setup.ts';
import { reply, type Asked, type SimulatedDevice } from '../test/simulated-device.ts';
import type { Device as DeviceApi } from './api.ts';
import { DeviceRefused, unwrap } from './outcome.ts';

const TEXT = 0;
const LINKS = 40;
const SENML_CBOR = 112;
const TLV = 11542;
const definitions = new ObjectDefinitions();

function encoded(format: number, path: Path, entries: readonly NodeEntry[]): Uint8Array {
  const payload = encodePayload(format, entries, { path, definitions });
  if (isMalformed(payload)) throw new Error(payload.malformed);
  return payload;
}

const at = (text: string): Path => {
  const path = parsePath(text);
  if (isMalformed(path)) throw new Error(path.malformed);
  return path;
};

const battery: NodeEntry = {
  kind: 'value',
  path: resourcePath(3, 0, 9),
  value: { type: 'integer', value: 87 },
};
const manufacturer: NodeEntry = { kind: 'value', path: resourcePath(3, 0, 0), value: stringValue('Lapwing') };

async function registered(
  setup: Setup,
  queries: readonly string[] = ['ep=one', 'lt=86400', 'lwm2m=1.1'],
  links = '</1/0>,</3/0>,</3303/0>',
): Promise<SimulatedDevice> {
  const device = setup.device();
  assert.equal((await device.register(queries, links)).code, '2.01');
  return device;
}

/** What an asked request looks like, on one line. */
const line = ({ code, path, queries, contentFormat, accept, payload }: Asked): string =>
  [
    formatCode(code),
    path + (queries.length > 0 ? `?${queries.join('&')}` : ''),
    contentFormat === undefined ? '' : `cf=${contentFormat}`,
    accept === undefined ? '' : `accept=${accept}`,
    Buffer.from(payload).toString(contentFormat === TEXT ? 'latin1' : 'hex'),
  ]
    .filter((part) => part !== '')
    .join(' ');

const failsWith =
  (code: string, text: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof OperationFailed, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, text);
    return true;
  };

describe('operations on a device go out as the specification maps them (OMA TS Transport §6.4)', () => {
  const rows: readonly {
    readonly what: string;
    readonly run: (device: DeviceApi) => Promise<unknown>;
    readonly asked: string;
  }[] = [
    { what: 'Read without Accept, so that the client chooses', run: (d) => d.read(at('/3/0')), asked: '0.01 /3/0' },
    {
      what: 'Read in a format asked for',
      run: (d) => d.read(at('/3/0'), { format: TLV }),
      asked: '0.01 /3/0 accept=11542',
    },
    {
      what: 'Write (Replace)',
      run: (d) =>
        d.write(resourcePath(3, 0, 15), [{ kind: 'value', path: resourcePath(3, 0, 15), value: stringValue('UTC') }]),
      asked: '0.03 /3/0/15 cf=11542 c30f555443',
    },
    {
      what: 'Write (Partial Update)',
      run: (d) =>
        d.write(
          objectInstancePath(3, 0),
          [{ kind: 'value', path: resourcePath(3, 0, 15), value: stringValue('UTC') }],
          {
            mode: 'update',
          },
        ),
      asked: '0.02 /3/0 cf=11542 c30f555443',
    },
    {
      what: 'Write in a format asked for',
      run: (d) =>
        d.write(resourcePath(3, 0, 15), [{ kind: 'value', path: resourcePath(3, 0, 15), value: stringValue('UTC') }], {
          format: TEXT,
        }),
      asked: '0.03 /3/0/15 cf=0 UTC',
    },
    {
      what: 'Write of a typed path',
      run: (d) => d.write(Device.path(0).timezone, 'UTC'),
      asked: '0.03 /3/0/15 cf=11542 c30f555443',
    },
    { what: 'Execute', run: (d) => d.execute(resourcePath(3, 0, 4)), asked: '0.02 /3/0/4' },
    {
      what: 'Execute with arguments',
      run: (d) => d.execute(resourcePath(3, 0, 4), "0,1='a'"),
      asked: "0.02 /3/0/4 cf=0 0,1='a'",
    },
    { what: 'Delete', run: (d) => d.delete(objectInstancePath(3303, 0)), asked: '0.04 /3303/0' },
    { what: 'Discover', run: (d) => d.discover(at('/3')), asked: '0.01 /3 accept=40' },
    {
      what: 'Write-Attributes: a value sets, null unsets, undefined leaves',
      run: (d) => d.writeAttributes(at('/3303/0/5700'), { pmin: 5, gt: -0.5, lt: null }),
      asked: '0.03 /3303/0/5700?pmin=5&gt=-0.5&lt',
    },
    {
      what: 'Create with an id',
      run: (d) =>
        d.create(objectInstancePath(3303, 5), [
          { kind: 'value', path: resourcePath(3303, 5, 5700), value: floatValue(1) },
        ]),
      asked: '0.02 /3303 cf=11542 0705e416443f800000',
    },
  ];
  for (const { what, run, asked } of rows) {
    it(what, async () => {
      await using setup = setUp();
      const device = await registered(setup);
      device.onRequest = () => reply(Codes.badRequest);
      await setup.settle(run(setup.server.device('one')!));
      assert.equal(line(device.asked[0]!), asked);
    });
  }

  it('with an alternate path every path is below it', async () => {
    await using setup = setUp();
    const device = await registered(setup, ['ep=one'], '</lwm2m>;rt="oma.lwm2m",</lwm2m/3/0>');
    await setup.settle(setup.server.device('one')!.read(at('/3/0/9')));
    assert.equal(device.asked[0]!.path, '/lwm2m/3/0/9');
  });
});

describe('what a device answers', () => {
  it('a Read gives entries, the tree and the format of the answer', async () => {
    await using setup = setUp();
    const device = await registered(setup);
    const payload = encoded(TLV, at('/3/0'), [manufacturer, battery]);
    device.onRequest = () => reply(Codes.content, payload, { contentFormat: TLV });
    const outcome = await setup.settle(setup.server.device('one')!.read(at('/3/0')));
    const result = unwrap(outcome);
    assert.deepEqual(result.entries, [manufacturer, battery]);
    assert.equal(result.contentFormat, TLV);
    assert.equal(result.node?.kind, 'objectInstance');
    assert.equal(outcome.code, Codes.content);
  });

  it('a Read of a typed path gives the value itself', async () => {
    await using setup = setUp();
    const device = await registered(setup);
    device.onRequest = ({ path }) =>
      path === '/3/0/9'
        ? reply(Codes.content, '87', { contentFormat: TEXT })
        : reply(Codes.content, '21.5', { contentFormat: TEXT });
    const handle = setup.server.device('one')!;
    const level: number = unwrap(await setup.settle(handle.read(Device.path(0).batteryLevel)));
    assert.equal(level, 87);
    const temperature: number = unwrap(await setup.settle(handle.read(Temperature.path(0).sensorValue)));
    assert.equal(temperature, 21.5);
  });

  it('a body in blocks is one answer (RFC 7959)', async () => {
    await using setup = setUp();
    const device = await registered(setup);
    const text = 'x'.repeat(5_000);
    device.onRequest = () => reply(Codes.content, text, { contentFormat: TEXT });
    const value = unwrap(await setup.settle(setup.server.device('one')!.read(Device.path(0).manufacturer)));
    assert.equal(value, text);
  });

  it('an answer that comes later than its Acknowledgement is the answer (RFC 7252 §5.2.2)', async () => {
    await using setup = setUp();
    const device = setup.device();
    await device.register(['ep=one']);
    device.driver.onEvent = (event): void => {
      if (event.kind !== 'request') return;
      const { request } = event;
      let due = device.driver.now() + 10_000;
      device.driver.attach({
        nextDeadline: () => due,
        handleTimeout: (now, out) => {
          due = Infinity;
          device.driver.endpoint.respond(now, request, reply(Codes.content, '5', { contentFormat: TEXT }), out);
        },
      });
    };
    assert.equal(unwrap(await setup.settle(setup.server.device('one')!.read(Device.path(0).batteryLevel))), 5);
  });

  it('a refusal is a result with its code and its diagnostic text', async () => {
    await using setup = setUp();
    const device = await registered(setup);
    device.onRequest = () => reply(Codes.notFound, 'no such\u0007 thing');
    const handle = setup.server.device('one')!;
    const outcome = await setup.settle(handle.read(at('/3/0/9')));
    assert.deepEqual(outcome, { ok: false, code: Codes.notFound, reason: '4.04 Not Found: no such thing' });
    assert.throws(() => unwrap(outcome), DeviceRefused);
    device.onRequest = () => reply(Codes.methodNotAllowed);
    const refused = await setup.settle(handle.execute(resourcePath(3, 0, 9)));
    assert.deepEqual(refused, { ok: false, code: Codes.methodNotAllowed, reason: '4.05 Method Not Allowed' });
  });

  it('Create answers the path from Location-Path, with and without the alternate path', async () => {
    await using setup = setUp();
    const device = await registered(setup, ['ep=one'], '</lwm2m>;rt="oma.lwm2m",</lwm2m/3303/0>');
    const handle = setup.server.device('one')!;
    const rows: readonly (readonly string[])[] = [
      ['3303', '7'],
      ['lwm2m', '3303', '7'],
    ];
    for (const locationPath of rows) {
      device.onRequest = () => reply(Codes.created, '', { locationPath });
      const outcome = await setup.settle(handle.create(objectPath(3303), []));
      assert.deepEqual(unwrap(outcome), objectInstancePath(3303, 7));
    }
  });

  it('Create with an id of ours needs no Location-Path; without one it is a bad response', async () => {
    await using setup = setUp();
    const device = await registered(setup);
    const handle = setup.server.device('one')!;
    device.onRequest = () => reply(Codes.created);
    assert.deepEqual(
      unwrap(await setup.settle(handle.create(objectInstancePath(3303, 5), []))),
      objectInstancePath(3303, 5),
    );
    await assert.rejects(setup.settle(handle.create(objectPath(3303), [])), failsWith('BAD_RESPONSE', /which/));
  });

  it('Discover answers paths, versions, dimensions and attributes, however the links are spaced', async () => {
    await using setup = setUp();
    const device = await registered(setup);
    device.onRequest = () =>
      reply(Codes.content, '</3>;ver=1.1;pmin=10, </3/0>;pmax=60,</3/0/7>;dim=2;lt=1;st=0.5;foo', {
        contentFormat: LINKS,
      });
    const nodes = unwrap(await setup.settle(setup.server.device('one')!.discover(at('/3'))));
    assert.deepEqual(
      nodes.map(({ path, version, dimension, attributes }) => ({ path, version, dimension, ...attributes })),
      [
        { path: at('/3'), version: '1.1', dimension: undefined, pmin: '10' },
        { path: at('/3/0'), version: undefined, dimension: undefined, pmax: '60' },
        { path: at('/3/0/7'), version: undefined, dimension: 2, lt: '1', st: '0.5', foo: '' },
      ],
    );
  });

  it('the root can be discovered and nothing else', async () => {
    await using setup = setUp();
    await registered(setup);
    const handle = setup.server.device('one')!;
    await assert.rejects(handle.read(ROOT), UsageError);
    await assert.rejects(handle.observe(ROOT), UsageError);
    await assert.rejects(handle.writeAttributes(ROOT, { pmin: 1 }), UsageError);
  });

  const bad: readonly (readonly [string, Uint8Array | string, OptionValues, keyof typeof Codes])[] = [
    ['text that is no number', 'full', { contentFormat: TEXT }, 'content'],
    ['bytes that are no TLV', Uint8Array.of(0xff, 0xff, 0xff), { contentFormat: TLV }, 'content'],
    ['bytes that are no CBOR', Uint8Array.of(0xff), { contentFormat: SENML_CBOR }, 'content'],
    ['a Content-Format nobody knows', 'x', { contentFormat: 9999 }, 'content'],
    ['links instead of a value', '</3>', { contentFormat: LINKS }, 'content'],
    ['a success that a Read cannot have', '', {}, 'changed'],
  ];
  for (const [what, payload, options, code] of bad) {
    it(`${what} rejects with BAD_RESPONSE, and the next Read is not disturbed`, async () => {
      await using setup = setUp();
      const device = await registered(setup);
      const handle = setup.server.device('one')!;
      device.onRequest = () => reply(Codes[code], payload, options);
      await assert.rejects(setup.settle(handle.read(at('/3/0/9'))), failsWith('BAD_RESPONSE', /^"one" answered/));
      device.onRequest = () => reply(Codes.content, '87', { contentFormat: TEXT });
      assert.equal(unwrap(await setup.settle(handle.read(Device.path(0).batteryLevel))), 87);
    });
  }

  it('an answer about another path rejects with BAD_RESPONSE', async () => {
    await using setup = setUp();
    const device = await registered(setup);
    const payload = encoded(SENML_CBOR, at('/'), [battery]);
    device.onRequest = () => reply(Codes.content, payload, { contentFormat: SENML_CBOR });
    const handle = setup.server.device('one')!;
    await assert.rejects(
      setup.settle(handle.read(at('/3303/0'))),
      failsWith('BAD_RESPONSE', /\/3\/0\/9 in an answer about \/3303\/0/),
    );
  });

  it('a missing Content-Format means text for one Resource and TLV for more', async () => {
    await using setup = setUp();
    const device = await registered(setup);
    const handle = setup.server.device('one')!;
    device.onRequest = ({ path }) =>
      path === '/3/0/9' ? reply(Codes.content, '87') : reply(Codes.content, encoded(TLV, at('/3/0'), [battery]));
    assert.equal(unwrap(await setup.settle(handle.read(Device.path(0).batteryLevel))), 87);
    assert.deepEqual(unwrap(await setup.settle(handle.read(at('/3/0')))).entries, [battery]);
  });
});

describe('the formats a Write goes out in', () => {
  const entry: NodeEntry = { kind: 'value', path: resourcePath(3, 0, 15), value: stringValue('UTC') };
  const bytes: NodeEntry = { kind: 'value', path: resourcePath(5, 0, 0), value: opaqueValue(Uint8Array.of(1, 2)) };
  const several: readonly NodeEntry[] = [entry, { kind: 'value', path: resourcePath(3, 0, 13), value: timeValue(1) }];
  const rows: readonly {
    readonly what: string;
    readonly queries: readonly string[];
    readonly ct?: string;
    readonly content: readonly NodeEntry[];
    readonly formats: readonly number[];
  }[] = [
    { what: '1.0 gets TLV, then plain text', queries: ['ep=one'], content: [entry], formats: [TLV, TEXT] },
    { what: '1.1 gets TLV, then plain text', queries: ['ep=one', 'lwm2m=1.1'], content: [entry], formats: [TLV, TEXT] },
    {
      what: '1.1 gets TLV, then SenML CBOR for more than a value',
      queries: ['ep=one', 'lwm2m=1.1'],
      content: several,
      formats: [TLV, SENML_CBOR],
    },
    {
      what: '1.2 gets SenML CBOR, then plain text',
      queries: ['ep=one', 'lwm2m=1.2'],
      content: [entry],
      formats: [SENML_CBOR, TEXT],
    },
    {
      what: 'what was announced comes first',
      queries: ['ep=one', 'lwm2m=1.1'],
      ct: '110',
      content: [entry],
      formats: [110, TLV],
    },
    {
      what: 'of what was announced the one we rather write',
      queries: ['ep=one'],
      ct: '"60 110 112 11542"',
      content: [entry],
      formats: [SENML_CBOR, TLV],
    },
    { what: 'bytes go as bytes when TLV is refused', queries: ['ep=one'], content: [bytes], formats: [TLV, 42] },
  ];
  for (const { what, queries, ct, content, formats } of rows) {
    it(what, async () => {
      await using setup = setUp();
      const device = await registered(setup, queries, ct === undefined ? '</3/0>' : `</>;ct=${ct},</3/0>`);
      device.onRequest = () => reply(Codes.unsupportedContentFormat);
      const path = content === several ? objectInstancePath(3, 0) : content[0]!.path;
      const outcome = await setup.settle(setup.server.device('one')!.write(path as never, content));
      assert.deepEqual(
        device.asked.map(({ contentFormat }) => contentFormat),
        formats,
      );
      assert.equal(outcome.ok, false);
    });
  }

  it('the second format is tried after 4.06 too, which one client answers for 4.15, and its answer counts', async () => {
    await using setup = setUp();
    const device = await registered(setup);
    device.onRequest = ({ contentFormat }) => reply(contentFormat === TEXT ? Codes.changed : Codes.notAcceptable);
    const outcome = await setup.settle(setup.server.device('one')!.write(resourcePath(3, 0, 15), [entry]));
    assert.equal(outcome.ok, true);
    assert.equal(device.asked.length, 2);
  });

  it('any other refusal is final, and so is a format of the caller', async () => {
    await using setup = setUp();
    const device = await registered(setup);
    device.onRequest = () => reply(Codes.badRequest);
    const handle = setup.server.device('one')!;
    await setup.settle(handle.write(resourcePath(3, 0, 15), [entry]));
    assert.equal(device.asked.length, 1);
    device.onRequest = () => reply(Codes.unsupportedContentFormat);
    await setup.settle(handle.write(resourcePath(3, 0, 15), [entry], { format: TEXT }));
    assert.equal(device.asked.length, 2);
  });

  it('content that no format carries, or that lies elsewhere, is the caller\u2019s mistake and sends nothing', async () => {
    await using setup = setUp();
    const device = await registered(setup);
    const handle = setup.server.device('one')!;
    await assert.rejects(handle.write(resourcePath(3, 0, 13), [entry]), UsageError);
    await assert.rejects(
      handle.write(resourcePath(3, 0, 15), [{ ...entry, value: booleanValue(true) }], { format: 9999 }),
      UsageError,
    );
    await assert.rejects(handle.write(Device.path(0).utcOffset, 1 as never), UsageError);
    await assert.rejects(handle.execute(resourcePath(3, 0, 4), '1,1'), UsageError);
    await assert.rejects(handle.execute(resourcePath(3, 0, 4), 'x'), UsageError);
    assert.equal(device.asked.length, 0);
  });
});

describe('an operation that cannot complete', () => {
  it('rejects with TIMEOUT after five transmissions (RFC 7252 §4.8)', async () => {
    await using setup = setUp();
    const device = await registered(setup);
    setup.network.conditions = { loss: 1, duplication: 0, delay: [10, 10] };
    await assert.rejects(
      setup.settle(setup.server.device('one')!.read(at('/3/0/9'))),
      failsWith('TIMEOUT', /^no answer from "one" after 5 transmissions$/),
    );
    assert.equal(device.asked.length, 0);
  });

  it('rejects with TIMEOUT after the timeout of the call', async () => {
    await using setup = setUp();
    const device = await registered(setup);
    device.onRequest = () => undefined;
    const start = setup.network.now();
    const reading = setup.server.device('one')!.read(at('/3/0/9'), { timeout: 3_000 });
    await assert.rejects(setup.settle(reading), failsWith('TIMEOUT', /no answer/));
    assert.ok(setup.network.now() - start < 3_200);
  });

  it('rejects with CANCELLED when the signal aborts, before or after sending', async () => {
    await using setup = setUp();
    const device = await registered(setup);
    device.onRequest = () => undefined;
    const handle = setup.server.device('one')!;
    await assert.rejects(
      handle.read(at('/3/0/9'), { signal: AbortSignal.abort() }),
      failsWith('CANCELLED', /cancelled/),
    );
    assert.equal(device.asked.length, 0);
    const abort = new AbortController();
    const reading = handle.read(at('/3/0/9'), { signal: abort.signal });
    await setup.network.run(1_000);
    abort.abort(new Error('enough'));
    await assert.rejects(reading, (error: unknown) => {
      failsWith('CANCELLED', /cancelled/)(error);
      assert.equal(((error as OperationFailed).cause as Error).message, 'enough');
      return true;
    });
    assert.equal(device.asked.length, 1);
  });

  it('a signal that outlives the call is not listened to any more', async () => {
    await using setup = setUp();
    const device = await registered(setup);
    device.onRequest = () => reply(Codes.changed);
    const { signal } = new AbortController();
    await setup.settle(setup.server.device('one')!.execute(resourcePath(3, 0, 4), '', { signal }));
    assert.deepEqual(getEventListeners(signal, 'abort'), []);
  });

  it('rejects with CANCELLED when the device registers anew meanwhile, and with NOT_REGISTERED when its registration ends', async () => {
    await using setup = setUp();
    const device = await registered(setup);
    device.onRequest = () => undefined;
    const handle = setup.server.device('one')!;
    for (const [end, code, text] of [
      [() => device.register(['ep=one', 'lt=60']), 'CANCELLED', /"one" was cancelled: it has registered anew/],
      [() => setup.network.run(62_000), 'NOT_REGISTERED', /"one" is not registered/],
    ] as readonly [() => Promise<unknown>, string, RegExp][]) {
      const reading = handle.read(at('/3/0/9'));
      const rejected = assert.rejects(reading, failsWith(code, text));
      await setup.network.run(100);
      await end();
      await rejected;
    }
    await assert.rejects(handle.read(at('/3/0/9')), failsWith('NOT_REGISTERED', /"one"/));
  });

  it('a handle works again when its device registers anew', async () => {
    await using setup = setUp();
    const device = await registered(setup);
    const handle = setup.server.device('one')!;
    await device.deregister();
    await assert.rejects(handle.read(at('/3/0/9')), failsWith('NOT_REGISTERED', /"one"/));
    await device.register(['ep=one', 'lwm2m=1.2']);
    device.onRequest = () => reply(Codes.content, '87', { contentFormat: TEXT });
    assert.equal(unwrap(await setup.settle(handle.read(Device.path(0).batteryLevel))), 87);
    assert.equal(handle.registration.lwm2mVersion, '1.2');
  });

  it('requests to one device wait for each other (NSTART, RFC 7252 §4.7), and too many are refused', async () => {
    await using setup = setUp({ coap: { maxQueuedPerPeer: 5 } });
    const device = await registered(setup);
    device.onRequest = () => reply(Codes.content, '1', { contentFormat: TEXT });
    const handle = setup.server.device('one')!;
    const reads = Array.from({ length: 10 }, () =>
      handle.read(Device.path(0).batteryLevel).then(unwrap, (error: OperationFailed) => error.code),
    );
    await setup.network.run(15);
    assert.equal(device.asked.length, 1);
    const results = await setup.settle(Promise.all(reads));
    assert.ok(results.includes('QUEUE_FULL'));
    assert.equal(results.filter((result) => result === 1).length, device.asked.length);
  });

  it('what the core finds wrong with a request stays a UsageError, not a full queue', async () => {
    await using setup = setUp();
    await registered(setup);
    const handle = setup.server.device('one')!;
    const { endpoint } = setup.server.drivers[0]!;
    endpoint.request = () => {
      throw new UsageError('notifications cannot be streamed');
    };
    await assert.rejects(handle.read(at('/3/0/9')), UsageError);
  });

  it('a body larger than allowed rejects with BODY_TOO_LARGE', async () => {
    await using setup = setUp({ coap: { maxBodyBytes: 4096 } });
    const device = await registered(setup);
    device.onRequest = () => reply(Codes.content, 'x'.repeat(10_000), { contentFormat: TEXT });
    await assert.rejects(
      setup.settle(setup.server.device('one')!.read(Device.path(0).manufacturer)),
      failsWith('BODY_TOO_LARGE', /larger/),
    );
  });
});

describe('definitions of a device', () => {
  it('come in the version the client announced, or the one its LwM2M version implies', async () => {
    await using setup = setUp();
    await registered(setup, ['ep=one', 'lwm2m=1.1'], '</1>;ver=1.2,</1/0>,</3/0>');
    const handle = setup.server.device('one')!;
    assert.equal(handle.definition(1)?.version, '1.2');
    assert.equal(handle.definition(3)?.version, '1.1');
    assert.equal(handle.definition(40_000), undefined);
  });
});
