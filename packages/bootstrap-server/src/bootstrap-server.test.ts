import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, it } from 'node:test';
import { Codes, formatCode, OperationFailed, UsageError } from '@lapwing/coap';
import { pathOf, type BootstrapOperation, type NodeEntry } from '@lapwing/lwm2m';
import type { BootstrapDevice } from '../test/bootstrap-device.ts';
import { reply, type Asked } from '../test/bootstrap-device.ts';
import { ONE_SERVER, SERVER, setUp, type Setup } from '../test/setup.ts';
import type { BootstrapSession, TimelineEntry } from './api.ts';
import type { BootstrapConfiguration } from './configuration.ts';
import { MemoryConfigurationStore } from './configuration-store.ts';
import { BOOTSTRAP_ERROR_CHANNEL, BOOTSTRAP_REFUSED_CHANNEL } from './diagnostics.ts';

/** Answers of a device to operations of one kind. */
const answering =
  (kind: BootstrapOperation['kind'], ...answers: ReturnType<BootstrapDevice['onRequest']>[]) =>
  ({ operation }: Asked): ReturnType<BootstrapDevice['onRequest']> =>
    operation.kind === kind ? answers.shift() : undefined;

async function bootstrap(setup: Setup, device: BootstrapDevice, ...queries: readonly string[]): Promise<string> {
  const answer = await setup.settle(device.request(...queries));
  await setup.network.runUntilIdle();
  return answer === undefined ? 'silence' : `${answer.code}${answer.text === '' ? '' : ` ${answer.text}`}`;
}

const results = ({ timeline }: BootstrapSession): readonly string[] =>
  timeline.map(({ operation, path, result }) => `${operation} ${path} ${result}`);

const nothingLeft = ({ server }: Setup): void => {
  const { sessions, deadlines, pendingRequests } = server.usage;
  assert.deepEqual({ sessions, deadlines, pendingRequests }, { sessions: 0, deadlines: 0, pendingRequests: 0 });
  for (const driver of server.drivers) assert.equal(driver.endpoint.nextDeadline(), Infinity);
};

describe('a Bootstrap', () => {
  it('is request, Discover, Delete, Write of Security and Server, Finish (OMA 1.1-int-0)', async () => {
    await using setup = setUp();
    const device = setup.device();
    assert.equal(await bootstrap(setup, device, 'ep=one'), '2.04');
    assert.deepEqual(device.operations, ['GET /', 'PUT /0/1', 'PUT /1/0', 'POST /bs']);
    assert.equal(device.finished, 1);
    assert.deepEqual(setup.ended[0]?.outcome, { kind: 'finished' });
    assert.deepEqual(device.below('/0/1'), {
      '/0/1/0': 'coap://10.0.9.9:5683',
      '/0/1/1': false,
      '/0/1/10': 123,
      '/0/1/2': 3,
      '/0/1/3': new Uint8Array(0),
      '/0/1/4': new Uint8Array(0),
      '/0/1/5': new Uint8Array(0),
    });
    assert.deepEqual(device.below('/1/0'), { '/1/0/0': 123, '/1/0/1': 300, '/1/0/6': false, '/1/0/7': 'U' });
    assert.equal(device.values.get('/0/0/0'), 'coap://bootstrap.example');
    nothingLeft(setup);
  });

  it('tells what happens, in order and without secrets', async () => {
    const key = new TextEncoder().encode('never to be seen');
    await using setup = setUp({
      one: { servers: [{ ...SECURE, security: { mode: 'psk', identity: 'it', key } }] },
    });
    const said: string[] = [];
    const entries: TimelineEntry[] = [];
    setup.server.on('sessionStarted', ({ endpointClientName, stage }) => said.push(`${endpointClientName} ${stage}`));
    setup.server.on('sessionProgress', ({ stage, progress }, entry) => {
      entries.push(entry);
      const { answered, planned } = progress;
      said.push(`${stage} ${answered}/${planned} ${entry.operation} ${entry.path} ${entry.result}`);
    });
    setup.server.on('sessionEnded', ({ stage }, { kind }) => said.push(`${stage} ${kind}`));
    const device = setup.device();
    await bootstrap(setup, device, 'ep=one', 'pct=112', 'color=green');
    assert.deepEqual(said, [
      'one discovering',
      'discovering 0/2 request /bs 2.04',
      'discovering 1/2 discover / 2.05',
      'configuring 2/4 write /0/1 2.04',
      'configuring 3/4 write /1/0 2.04',
      'finishing 4/4 finish /bs 2.04',
      'ended finished',
    ]);
    const [session] = setup.server.sessions();
    assert.equal(session, setup.ended[0]!.session);
    assert.deepEqual(session.timeline, entries);
    assert.deepEqual({ ...session.additional }, { color: 'green' });
    assert.equal(session.preferredContentFormat, 112);
    assert.equal(session.lwm2mVersion, '1.1');
    assert.deepEqual(session.address, device.driver.localAddress);
    assert.equal(session.discovered.length, 2);
    assert.deepEqual(
      entries.map(({ contentFormat, bytes }) => [contentFormat, bytes > 0]),
      [
        [undefined, false],
        [undefined, true],
        [112, true],
        [112, true],
        [undefined, false],
      ],
    );
    assert.equal(entries[1]!.duration, 20);
    assert.deepEqual(device.values.get('/0/1/5'), key);
    const told = JSON.stringify([setup.ended, said, setup.server.sessions()]);
    assert.ok(told.length < 10_000);
    assert.doesNotMatch(told, /never to be seen|bmV2ZXIgdG8gYmUgc2Vlbg|110,101,118,101,114/);
  });

  it('writes in the Content-Format the device prefers, else by its version (OMA TS Core §6.1.7.2)', async () => {
    const format = async (
      version: string | undefined,
      pct?: number,
      forced?: number,
    ): Promise<(number | undefined)[]> => {
      await using setup = setUp({ one: { ...ONE_SERVER, ...(forced === undefined ? {} : { contentFormat: forced }) } });
      const device = setup.device();
      device.version = version;
      await bootstrap(setup, device, ...(pct === undefined ? [] : [`pct=${pct}`]), 'ep=one');
      assert.equal(device.finished, 1);
      const formats = device.asked.flatMap(({ contentFormat }) => contentFormat ?? []);
      return [...new Set(formats)];
    };
    assert.deepEqual(await format('1.0'), [11542]);
    assert.deepEqual(await format('1.1'), [11542]);
    assert.deepEqual(await format('1.2'), [112]);
    assert.deepEqual(await format(undefined), [11542]);
    for (const pct of [11542, 110, 112, 11544, 11543]) assert.deepEqual(await format('1.1', pct), [pct]);
    assert.deepEqual(await format('1.2', 112, 11544), [11544]);
  });

  for (const code of [Codes.unsupportedContentFormat, Codes.notAcceptable])
    it(`is written in another format after ${formatCode(code)}, and goes on in that`, async () => {
      await using setup = setUp();
      const device = setup.device();
      device.onRequest = ({ contentFormat }) => (contentFormat === 11542 ? reply(code) : undefined);
      await bootstrap(setup, device, 'ep=one');
      assert.deepEqual(device.operations, ['GET /', 'PUT /0/1', 'PUT /0/1', 'PUT /1/0', 'POST /bs']);
      assert.deepEqual(
        device.asked.map(({ contentFormat }) => contentFormat),
        [undefined, 11542, 112, 112, undefined],
      );
      assert.equal(setup.ended[0]!.outcome.kind, 'finished');
    });

  it('is written in the usual format when the device does not read what it prefers', async () => {
    await using setup = setUp();
    const device = setup.device();
    device.onRequest = ({ contentFormat }) =>
      contentFormat === 11542 ? reply(Codes.unsupportedContentFormat) : undefined;
    await bootstrap(setup, device, 'ep=one', 'pct=11542');
    assert.deepEqual(
      device.asked.map(({ contentFormat }) => contentFormat),
      [undefined, 11542, 112, 112, undefined],
    );
  });

  it('of a device that has accounts deletes them first and writes to the ids that are free then', async () => {
    await using setup = setUp();
    const device = setup.device();
    await bootstrap(setup, device, 'ep=one');
    device.asked.length = 0;
    device.values.set('/0/7/0', 'coap://old.example');
    device.values.set('/0/7/10', 9);
    await bootstrap(setup, device, 'ep=one');
    assert.deepEqual(device.operations, ['GET /', 'DELETE /0', 'DELETE /1', 'PUT /0/1', 'PUT /1/0', 'POST /bs']);
    assert.deepEqual(device.below('/0/7'), {});
    assert.equal(device.values.get('/0/0/1'), true);
  });

  it('of LwM2M 1.0 deletes Object Instances, never the account with the Bootstrap-Server', async () => {
    await using setup = setUp();
    const device = setup.device();
    device.version = '1.0';
    for (const [path, value] of [
      ['/0/3/10', 5],
      ['/1/2/0', 5],
      ['/0/3/0', 'coap://old.example'],
    ] as const)
      device.values.set(path, value);
    await bootstrap(setup, device, 'ep=one');
    assert.deepEqual(device.operations, ['GET /', 'DELETE /0/3', 'DELETE /1/2', 'PUT /0/1', 'PUT /1/0', 'POST /bs']);
  });

  for (const [title, answer] of [
    ['refuses Discover', reply(Codes.methodNotAllowed)],
    ['answers Discover with nonsense', reply(Codes.content, '<<<', { contentFormat: 40 })],
    [
      'answers Discover with more than 16 KiB',
      reply(Codes.content, `${'</3/0>,'.repeat(3000)}</4/0>`, { contentFormat: 40 }),
    ],
    ['does not answer Discover', 'silence'],
  ] as const)
    it(`of a device that ${title} goes on with ids that no account of a Bootstrap-Server has`, async () => {
      await using setup = setUp();
      const device = setup.device();
      device.onRequest = answering('bootstrapDiscover', answer);
      await bootstrap(setup, device, 'ep=one');
      assert.deepEqual(device.operations.slice(1), ['DELETE /0', 'DELETE /1', 'PUT /0/10', 'PUT /1/0', 'POST /bs']);
      assert.equal(setup.ended[0]!.outcome.kind, 'finished');
    });

  it('of a device that refuses the Deletes it does not know goes on', async () => {
    await using setup = setUp();
    const device = setup.device();
    device.onRequest = ({ operation }) =>
      operation.kind === 'bootstrapDiscover' || operation.kind === 'bootstrapDelete'
        ? reply(Codes.badRequest)
        : undefined;
    await bootstrap(setup, device, 'ep=one');
    assert.equal(setup.ended[0]!.outcome.kind, 'finished');
  });

  it('reads what the configuration wants read, and goes on when it may not (OMA 1.1-int-8)', async () => {
    await using setup = setUp({ one: { ...ONE_SERVER, read: ['/1', '/2'] } });
    const read: [string, readonly NodeEntry[]][] = [];
    setup.server.on('contentRead', (_, path, entries) => read.push([JSON.stringify(path), entries]));
    const device = setup.device();
    device.onRequest = answering(
      'bootstrapRead',
      reply(Codes.content, Uint8Array.of(0x03, 0x00, 0xc1, 0x00, 0x05), { contentFormat: 11542 }),
    );
    await bootstrap(setup, device, 'ep=one');
    assert.deepEqual(device.operations, ['GET /', 'GET /1', 'GET /2', 'PUT /0/1', 'PUT /1/0', 'POST /bs']);
    assert.deepEqual(results(setup.ended[0]!.session).slice(2, 4), ['read /1 2.05', 'read /2 4.05']);
    assert.equal(read.length, 1);
    assert.deepEqual(read[0]![1], [{ kind: 'value', path: pathOf(1, 0, 0), value: { type: 'integer', value: 5 } }]);
  });

  it('carries Access Control, other Object Instances, Resources and whole Objects', async () => {
    await using setup = setUp({
      one: {
        ...ONE_SERVER,
        accessControl: [
          { objectId: 1, objectInstanceId: 0, owner: 123, rights: { 0: 'r', 123: 'rwedc' } },
          { objectId: 3303, objectInstanceId: 'create', owner: 65535, rights: { 123: 16 } },
        ],
        objects: [
          { path: '/3/0/15', value: 'Europe/Berlin' },
          { path: '/16/0', resources: { 0: { 1: 'host', 2: 'maker' } } },
          { path: '/7', objectInstances: { 0: { 8: 60 } } },
        ],
      },
    });
    const device = setup.device();
    await bootstrap(setup, device, 'ep=one');
    assert.deepEqual(device.operations, [
      'GET /',
      'PUT /0/1',
      'PUT /1/0',
      'PUT /2/0',
      'PUT /2/1',
      'PUT /3/0/15',
      'PUT /16/0',
      'PUT /7',
      'POST /bs',
    ]);
    assert.deepEqual(device.below('/2/0'), {
      '/2/0/0': 1,
      '/2/0/1': 0,
      '/2/0/2/0': 1,
      '/2/0/2/123': 31,
      '/2/0/3': 123,
    });
    assert.deepEqual(device.below('/2/1'), { '/2/1/0': 3303, '/2/1/1': 65535, '/2/1/2/123': 16, '/2/1/3': 65535 });
    assert.deepEqual(device.below('/16'), { '/16/0/0/1': 'host', '/16/0/0/2': 'maker' });
    assert.deepEqual(device.below('/7'), { '/7/0/8': 60 });
    assert.equal(device.values.get('/3/0/15'), 'Europe/Berlin');
    assert.equal(device.values.get('/3/0/0'), 'Lapwing');
  });

  it('deletes what the configuration names and nothing else', async () => {
    await using setup = setUp({ one: { ...ONE_SERVER, delete: ['/3303/0', '/5'] } });
    const device = setup.device();
    device.onRequest = answering('bootstrapDelete', reply(Codes.notFound));
    await bootstrap(setup, device, 'ep=one');
    assert.deepEqual(device.operations.slice(0, 3), ['GET /', 'DELETE /3303/0', 'DELETE /5']);
    assert.equal(setup.ended[0]!.outcome.kind, 'finished');
  });

  it('writes the account with the Bootstrap-Server over the one that the device has', async () => {
    const uri = 'coap://new.example:5683';
    await using setup = setUp({
      one: {
        ...ONE_SERVER,
        bootstrapServers: [{ uri, security: { mode: 'none' }, holdOffSeconds: 5, accountTimeoutSeconds: 0 }],
      },
    });
    const device = setup.device();
    await bootstrap(setup, device, 'ep=one');
    assert.deepEqual(device.operations, ['GET /', 'PUT /0/1', 'PUT /0/0', 'PUT /1/0', 'POST /bs']);
    const {
      '/0/0/0': written,
      '/0/0/1': isBootstrapServer,
      '/0/0/11': holdOff,
      '/0/0/12': timeout,
    } = device.below('/0/0');
    assert.deepEqual([written, isBootstrapServer, holdOff, timeout], [uri, true, 5, 0]);
  });

  it('gives payloads of many blocks', async () => {
    await using setup = setUp({
      one: { ...ONE_SERVER, objects: [{ path: '/19/0', resources: { 0: { 0: new Uint8Array(20_000).fill(7) } } }] },
    });
    const device = setup.device();
    await bootstrap(setup, device, 'ep=one');
    assert.deepEqual(device.values.get('/19/0/0/0'), new Uint8Array(20_000).fill(7));
    assert.equal(setup.ended[0]!.outcome.kind, 'finished');
  });

  it('gives them over a slow network for longer than one operation may take', async () => {
    await using setup = setUp(
      { one: { ...ONE_SERVER, objects: [{ path: '/19/0', resources: { 0: { 0: new Uint8Array(60_000) } } }] } },
      { network: { delay: [850, 900] } },
    );
    const device = setup.device();
    await bootstrap(setup, device, 'ep=one');
    assert.equal(setup.ended[0]!.outcome.kind, 'finished');
    assert.ok(setup.ended[0]!.session.timeline.at(-2)!.duration > 93_000);
  });
});

const SECURE = { shortServerId: 123, uri: 'coaps://10.0.9.9:5684' } as const;

describe('a Bootstrap ends', () => {
  const cases: readonly {
    readonly name: string;
    readonly onRequest: () => BootstrapDevice['onRequest'];
    readonly outcome: unknown;
  }[] = [
    {
      name: 'finish-refused, after one repair, when the device finds it inconsistent (OMA 1.1-int-9)',
      onRequest: () =>
        answering('bootstrapFinish', ...Array.from({ length: 5 }, () => reply(Codes.notAcceptable, 'no /1'))),
      outcome: { kind: 'finish-refused', code: Codes.notAcceptable, reason: '4.06 Not Acceptable: no /1' },
    },
    {
      name: 'finish-refused at once with another code',
      onRequest: () => answering('bootstrapFinish', reply(Codes.badRequest)),
      outcome: { kind: 'finish-refused', code: Codes.badRequest, reason: '4.00 Bad Request' },
    },
    {
      name: 'operation-refused, with the operation and its code',
      onRequest: () => answering('bootstrapWrite', reply(Codes.badRequest, 'bad\n value')),
      outcome: {
        kind: 'operation-refused',
        operation: 'write',
        path: '/0/1',
        code: Codes.badRequest,
        reason: '4.00 Bad Request: bad value',
      },
    },
    {
      name: 'timeout, with the operation that was not answered',
      onRequest: () => answering('bootstrapWrite', undefined, 'silence'),
      outcome: { kind: 'timeout', operation: 'write', path: '/1/0' },
    },
    {
      name: 'timeout when Bootstrap-Finish is not answered',
      onRequest: () => answering('bootstrapFinish', 'silence'),
      outcome: { kind: 'timeout', operation: 'finish', path: '/bs' },
    },
  ];
  for (const { name, onRequest, outcome } of cases)
    it(name, async () => {
      await using setup = setUp();
      const device = setup.device();
      device.onRequest = onRequest();
      await bootstrap(setup, device, 'ep=one');
      assert.deepEqual(
        setup.ended.map((each) => each.outcome),
        [outcome],
      );
      nothingLeft(setup);
    });

  it('finished after a repair: everything is asked, deleted and written anew', async () => {
    await using setup = setUp();
    const device = setup.device();
    device.onRequest = answering('bootstrapFinish', reply(Codes.notAcceptable, 'not yet'));
    await bootstrap(setup, device, 'ep=one');
    const [{ session, outcome } = assert.fail()] = setup.ended;
    assert.equal(outcome.kind, 'finished');
    assert.equal(session.repairs, 1);
    assert.deepEqual(device.operations, [
      ...['GET /', 'PUT /0/1', 'PUT /1/0', 'POST /bs'],
      ...['GET /', 'DELETE /0', 'DELETE /1', 'PUT /0/1', 'PUT /1/0', 'POST /bs'],
    ]);
    assert.equal(session.timeline.find(({ result }) => result === '4.06')?.diagnostic, 'not yet');
  });

  it('operation-failed when the device answers with Reset', async () => {
    await using setup = setUp();
    const device = setup.network.scriptedPeer({ host: '10.2.0.1', port: 40_000 });
    device.send(SERVER, Uint8Array.of(0x40, 0x02, 0, 1, 0xb2, 0x62, 0x73, 0x46, 0x65, 0x70, 0x3d, 0x6f, 0x6e, 0x65));
    await setup.network.run(100);
    // The answer, then Discover: a Reset to it, and to the Delete that follows.
    assert.equal(formatCode(device.take().code), '2.04');
    for (let request = 0; request < 2; request++) {
      const { messageId } = device.take();
      device.send(SERVER, Uint8Array.of(0x70, 0, messageId >> 8, messageId & 0xff));
      await setup.network.run(100);
    }
    await setup.network.runUntilIdle();
    assert.deepEqual(setup.ended[0]!.outcome, {
      kind: 'operation-failed',
      operation: 'delete',
      path: '/0',
      reason: 'reset',
    });
  });

  it('timeout without an operation when everything takes too long', async () => {
    await using setup = setUp(undefined, { parameters: { sessionTimeout: 5_000 } });
    const device = setup.device();
    device.onRequest = answering('bootstrapWrite', 'silence');
    await bootstrap(setup, device, 'ep=one');
    const [{ session, outcome } = assert.fail()] = setup.ended;
    assert.deepEqual(outcome, { kind: 'timeout', operation: undefined, path: undefined });
    assert.equal(session.endedAt! - session.startedAt, 5_000);
    assert.equal(session.timeline.at(-1)?.result, 'cancelled');
    // What is not wanted any more is not sent any more.
    assert.ok(setup.network.now() < 20_000, `busy until ${setup.network.now()}`);
    nothingLeft(setup);
  });

  it('replaced when the device begins anew, also from another address', async () => {
    await using setup = setUp();
    const device = setup.device();
    device.onRequest = answering('bootstrapWrite', 'silence');
    await setup.settle(device.request('ep=one'));
    await setup.network.run(200);
    const moved = setup.device();
    await bootstrap(setup, moved, 'ep=one');
    assert.deepEqual(
      setup.ended.map(({ outcome }) => outcome.kind),
      ['replaced', 'finished'],
    );
    assert.equal(moved.finished, 1);
    nothingLeft(setup);
  });

  it('replaced when the address begins anew under another name', async () => {
    await using setup = setUp({ one: ONE_SERVER, two: ONE_SERVER });
    const device = setup.device();
    device.onRequest = answering('bootstrapWrite', 'silence');
    await setup.settle(device.request('ep=one'));
    await setup.network.run(200);
    await bootstrap(setup, device, 'ep=two');
    assert.deepEqual(
      setup.ended.map(({ session, outcome }) => `${session.endpointClientName} ${outcome.kind}`),
      ['one replaced', 'two finished'],
    );
  });

  it('cancelled by the operator, also in the moment it begins', async () => {
    await using setup = setUp();
    const device = setup.device();
    device.onRequest = answering('bootstrapWrite', 'silence');
    await setup.settle(device.request('ep=one'));
    assert.equal(setup.server.session('one')?.endpointClientName, 'one');
    assert.equal(setup.server.cancel('one'), true);
    assert.equal(setup.server.cancel('one'), false);
    setup.server.once('sessionStarted', () => setup.server.cancel('one'));
    await bootstrap(setup, device, 'ep=one');
    assert.deepEqual(
      setup.ended.map(({ outcome }) => outcome.kind),
      ['cancelled', 'cancelled'],
    );
    nothingLeft(setup);
  });

  it('server-closed', async () => {
    const setup = setUp();
    const device = setup.device();
    device.onRequest = answering('bootstrapWrite', 'silence');
    await setup.settle(device.request('ep=one'));
    await setup.server.close();
    assert.deepEqual(setup.ended[0]!.outcome, { kind: 'server-closed' });
    assert.equal(setup.server.usage.sessions, 0);
  });

  it('configuration-unusable when a value does not fit, and says nothing of a secret', async () => {
    const unusable = async (configuration: BootstrapConfiguration): Promise<string> => {
      await using setup = setUp({ one: configuration });
      await bootstrap(setup, setup.device(), 'ep=one');
      const outcome = setup.ended[0]!.outcome;
      return outcome.kind === 'configuration-unusable' ? outcome.reason : outcome.kind;
    };
    assert.match(await unusable({ objects: [{ path: '/3/0/9', value: 'many' }] }), /^\/3\/0\/9: .*"many"/);
    const secret = await unusable({ objects: [{ path: '/24/0/8', value: '!hunter2!' }] });
    assert.equal(secret, '/24/0/8: what it takes is opaque');
    const generated = { mode: 'psk', generate: true } as const;
    assert.match(await unusable({ servers: [{ ...SECURE, security: generated }] }), /no server takes them/);
    const large = { path: '/19/0', resources: { 0: { 0: new Uint8Array(70_000) } } };
    assert.match(await unusable({ objects: [large] }), /^\/19\/0 takes 700\d\d bytes; 65536 are allowed$/);
  });
});

describe('a request is refused', () => {
  it('of a name without a configuration, unless there is a default', async () => {
    await using setup = setUp();
    const device = setup.device();
    assert.equal(await bootstrap(setup, device, 'ep=two'), '4.00 there is no configuration for "two"');
    const refused = setup.refused.map(({ kind, code, endpointClientName }) => [kind, code, endpointClientName]);
    assert.deepEqual(refused, [['unknown-endpoint', '4.00', 'two']]);
    const [shown] = setup.server.refusals();
    assert.equal(shown?.kind, 'unknown-endpoint');
    assert.equal(shown?.host, device.driver.localAddress.host);
    assert.equal('peer' in shown, false);

    await setup.server.configurations.setDefault(ONE_SERVER);
    assert.equal(await bootstrap(setup, device, 'ep=two'), '2.04');
    assert.equal(setup.ended[0]!.session.isDefaultConfiguration, true);
    assert.equal(await bootstrap(setup, device, 'ep=one'), '2.04');
    assert.equal(setup.ended[1]!.session.isDefaultConfiguration, false);
    await setup.server.configurations.setDefault(undefined);
    assert.match(await bootstrap(setup, device, 'ep=two'), /^4\.00/);
    nothingLeft(setup);
  });

  it('without a name over coap, with a parameter twice, with a format nothing can be written in', async () => {
    await using setup = setUp();
    const device = setup.device();
    assert.match(await bootstrap(setup, device), /^4\.00 ep, /);
    assert.match(await bootstrap(setup, device, 'ep=one', 'ep=two'), /^4\.00 ep is given twice/);
    assert.match(await bootstrap(setup, device, 'ep=one', 'pct=60'), /^4\.15 .*60/);
    assert.match(await bootstrap(setup, device, 'ep=one', 'pct=x'), /^4\.00 pct/);
    assert.deepEqual(
      setup.refused.map(({ kind }) => kind),
      ['identity', 'malformed', 'content-format', 'malformed'],
    );
  });

  it('over coap of a name that has credentials, or whose configuration is for coaps only', async () => {
    await using setup = setUp({ one: ONE_SERVER, two: { ...ONE_SERVER, secureOnly: true } });
    await setup.server.security.add({ kind: 'x509', endpointClientName: 'one', fingerprint: undefined });
    const device = setup.device();
    assert.match(await bootstrap(setup, device, 'ep=one'), /^4\.00 .*must come over coaps/);
    assert.match(await bootstrap(setup, device, 'ep=two'), /^4\.00 "two" must come over coaps/);
  });

  it('with 5.03 when as many sessions as allowed are running, altogether or with one address', async () => {
    for (const parameters of [{ maxSessions: 1 }, { maxSessionsPerAddress: 1 }]) {
      await using setup = setUp({ one: ONE_SERVER, two: ONE_SERVER }, { parameters });
      const first = setup.device('10.3.0.1', 1);
      const second = setup.device('10.3.0.1', 2);
      first.onRequest = answering('bootstrapWrite', 'silence');
      await setup.settle(first.request('ep=one'));
      assert.match((await setup.settle(second.request('ep=two')))!.code, /^5\.03/);
      // Whoever takes its own place needs no more room.
      assert.equal((await setup.settle(second.request('ep=one')))!.code, '2.04');
      await setup.network.runUntilIdle();
      assert.equal(await bootstrap(setup, second, 'ep=two'), '2.04');
      nothingLeft(setup);
    }
  });

  it('with 5.03 also where a session has ended: that makes no room for another one', async () => {
    await using setup = setUp(
      { one: ONE_SERVER, two: ONE_SERVER, three: ONE_SERVER },
      { parameters: { maxSessions: 1 } },
    );
    const first = setup.device();
    await bootstrap(setup, first, 'ep=one');
    const second = setup.device();
    second.onRequest = answering('bootstrapWrite', 'silence');
    await setup.settle(second.request('ep=two'));
    assert.equal((await setup.settle(first.request('ep=three')))?.code, '5.03');
  });

  it('without an answer when too many are refused', async () => {
    await using setup = setUp({}, { parameters: { maxRefusalsPerSecond: 2 } });
    const asked = Array.from({ length: 6 }, () => setup.device().request('ep=unknown'));
    await setup.network.run(1_000);
    assert.equal(setup.refused.length, 2);
    assert.equal(setup.server.counters.unanswered, 4);
    // They ask again, and are answered as time allows.
    await setup.network.runUntilIdle();
    assert.deepEqual(
      (await Promise.all(asked)).map((answer) => answer?.code),
      Array.from({ length: 6 }, () => '4.00'),
    );
  });

  it('with 5.00 when the store fails', async () => {
    const configurationStore = new MemoryConfigurationStore();
    configurationStore.find = () => {
      throw new Error('disk');
    };
    await using setup = setUp({}, { configurationStore });
    const errors: string[] = [];
    const refusals: string[] = [];
    const report = (message: unknown): void => void errors.push((message as { error: Error }).error.message);
    const hear = (message: unknown): void => void refusals.push((message as { kind: string }).kind);
    subscribe(BOOTSTRAP_ERROR_CHANNEL, report);
    subscribe(BOOTSTRAP_REFUSED_CHANNEL, hear);
    assert.match(await bootstrap(setup, setup.device(), 'ep=one'), /^5\.00/);
    unsubscribe(BOOTSTRAP_ERROR_CHANNEL, report);
    unsubscribe(BOOTSTRAP_REFUSED_CHANNEL, hear);
    assert.deepEqual(errors, ['disk']);
    assert.deepEqual(refusals, ['unusable']);
    nothingLeft(setup);
  });

  it('that is none: other paths and methods', async () => {
    await using setup = setUp();
    const device = setup.device();
    const ask = async (...args: Parameters<BootstrapDevice['ask']>): Promise<string | undefined> =>
      (await setup.settle(device.ask(...args)))?.code;
    assert.equal(await ask(Codes.get, '/bs'), '4.05');
    assert.equal(await ask(Codes.post, '/bspack'), '4.05');
    assert.equal(await ask(Codes.post, '/rd'), '4.04');
    assert.equal(await ask(Codes.post, '/bs/1'), '4.04');
    assert.equal(await ask(Codes.put, '/.well-known/core'), '4.05');
    assert.equal(await ask(Codes.get, '/.well-known/core', { accept: 0 }), '4.06');
    const links = await setup.settle(device.ask(Codes.get, '/.well-known/core'));
    assert.equal(links?.text, '</bs>,</bspack>');
    // A trailing slash is passed over.
    assert.equal(await ask(Codes.post, '/bs/', { uriQuery: ['ep=one'] }), '2.04');
  });
});

describe('a slow store', () => {
  it('delays the answer, and the device is configured all the same', async () => {
    const configurationStore = new MemoryConfigurationStore([{ endpointClientName: 'one', configuration: ONE_SERVER }]);
    const gate = Promise.withResolvers<void>();
    const find = configurationStore.find.bind(configurationStore);
    const slow = { find: (name: string) => gate.promise.then(() => find(name)) };
    await using setup = setUp({}, { configurationStore: Object.assign(configurationStore, slow) });
    const device = setup.device();
    const answer = device.request('ep=one');
    await setup.network.run(5_000);
    assert.equal(setup.server.usage.pendingRequests, 1);
    assert.equal(device.asked.length, 0);
    gate.resolve();
    assert.equal((await setup.settle(answer))?.code, '2.04');
    await setup.network.runUntilIdle();
    assert.equal(device.finished, 1);
    nothingLeft(setup);
  });

  it('that answers after the server was closed begins nothing', async () => {
    const configurationStore = new MemoryConfigurationStore();
    const gate = Promise.withResolvers<undefined>();
    Object.assign(configurationStore, { find: () => gate.promise });
    const setup = setUp({}, { configurationStore });
    void setup.device().request('ep=one');
    await setup.network.run(100);
    await setup.server.close();
    gate.resolve(undefined);
    await setup.network.run(100);
    assert.deepEqual([setup.ended.length, setup.refused.length], [0, 0]);
  });
});

describe('a device that has not asked', () => {
  it('is configured at its address (LwM2M 1.0 §5.1.2.4)', async () => {
    await using setup = setUp();
    const device = setup.device();
    const session = await setup.server.bootstrapNow('one', device.driver.localAddress);
    await setup.network.runUntilIdle();
    assert.equal(session.origin, 'server');
    assert.deepEqual(session.outcome, { kind: 'finished' });
    assert.deepEqual(device.operations, ['GET /', 'PUT /0/1', 'PUT /1/0', 'POST /bs']);
  });

  it('is not configured without a configuration, over coaps, or beyond the bounds', async () => {
    await using setup = setUp({ one: ONE_SERVER, two: { secureOnly: true } }, { parameters: { maxSessions: 0 } });
    const address = { host: '10.4.0.1', port: 5683 };
    const failed = (code: string) => (error: unknown) => error instanceof OperationFailed && error.code === code;
    await assert.rejects(setup.server.bootstrapNow('three', address), failed('NO_CONFIGURATION'));
    await assert.rejects(setup.server.bootstrapNow('two', address), failed('NO_CONFIGURATION'));
    await assert.rejects(setup.server.bootstrapNow('one', address), failed('TOO_MANY'));
    await assert.rejects(setup.server.bootstrapNow('one', { host: 'fd00::1', port: 5683 }), UsageError);
    await setup.server.close();
    await assert.rejects(setup.server.bootstrapNow('one', address), failed('CLOSED'));
  });
});

describe('what is kept', () => {
  it('is bounded: sessions that have ended, refusals, timelines', async () => {
    await using setup = setUp(undefined, {
      parameters: { maxEndedSessions: 2, maxShownRefusals: 1, maxTimelineEntries: 3 },
    });
    const device = setup.device();
    for (let times = 0; times < 3; times++) {
      await bootstrap(setup, device, 'ep=one');
      await bootstrap(setup, device, `ep=unknown-${times}`);
    }
    assert.equal(setup.server.usage.endedSessions, 2);
    const sessions = setup.server.sessions();
    assert.equal(sessions.length, 2);
    assert.deepEqual([sessions[0]!.sessionId > sessions[1]!.sessionId], [true]);
    assert.deepEqual(
      setup.server.refusals().map(({ endpointClientName }) => endpointClientName),
      ['unknown-2'],
    );
    assert.equal(sessions[0]!.timeline.length, 3);
    assert.ok(sessions[0]!.timelineOmitted > 0);
    assert.deepEqual(setup.server.counters, { started: 3, ended: { finished: 3 }, refused: 3, unanswered: 0 });
  });

  it('is listed, running sessions first, by name and in number', async () => {
    await using setup = setUp({ one: ONE_SERVER, two: ONE_SERVER });
    await bootstrap(setup, setup.device(), 'ep=one');
    const device = setup.device();
    device.onRequest = answering('bootstrapWrite', 'silence');
    await setup.settle(device.request('ep=two'));
    const names = (query: Parameters<typeof setup.server.sessions>[0]): readonly string[] =>
      setup.server.sessions(query).map(({ endpointClientName }) => endpointClientName);
    assert.deepEqual(names({}), ['two', 'one']);
    assert.deepEqual(names({ limit: 1 }), ['two']);
    assert.deepEqual(names({ running: true }), ['two']);
    assert.deepEqual(names({ running: false }), ['one']);
    assert.deepEqual(names({ endpointClientName: 'one' }), ['one']);
  });
});

describe('listeners', () => {
  it('that throw or reject are reported and stop nothing', async () => {
    await using setup = setUp();
    const errors: string[] = [];
    const report = (message: unknown): void => void errors.push((message as { error: Error }).error.message);
    subscribe(BOOTSTRAP_ERROR_CHANNEL, report);
    setup.server.on('sessionStarted', () => {
      throw new Error('first');
    });
    const rejecting = (): unknown => Promise.reject(new Error('second'));
    setup.server.on('sessionEnded', rejecting);
    const device = setup.device();
    await bootstrap(setup, device, 'ep=one');
    unsubscribe(BOOTSTRAP_ERROR_CHANNEL, report);
    assert.equal(device.finished, 1);
    assert.deepEqual(errors, ['first', 'second']);
  });
});
