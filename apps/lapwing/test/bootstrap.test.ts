/** `/bootstrap` of the REST API: configurations and their secrets, previews, and devices that bootstrap over real sockets. */
import assert from 'node:assert/strict';
import { createSecretKey, X509Certificate } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  accessControlObject,
  FileStateStore,
  LwM2mClient,
  temperatureObject,
  type ClientOptions,
} from '@lapwing/client';
import type { BootstrapSession } from '@lapwing/bootstrap-server';
import type { ConfigurationJson } from '../src/rest/bootstrap-configuration-schema.ts';
import type {
  BootstrapInfoJson,
  BootstrapRefusalsJson,
  BootstrapTriggeredJson,
  ConfigurationListJson,
  DefaultConfigurationJson,
  DeviceConfigurationJson,
  PreviewJson,
  SessionJson,
  SessionListJson,
} from '../src/rest/bootstrap-schemas.ts';
import type { DeviceJson } from '../src/rest/schemas.ts';
import type { AddedCredentialJson, CredentialListJson, ImportJson } from '../src/rest/security-schemas.ts';
import { RunningApp } from './running-app.ts';

const CONFIGURATIONS = '/bootstrap/configurations';
const KEY = '5ec2e70102030405060708090a0b0c0d';
/** PSK with this server, made for each Bootstrap. */
const OURS: ConfigurationJson = { servers: [{ shortServerId: 1, security: { mode: 'psk', generate: true } }] };
const THEIRS: ConfigurationJson = {
  servers: [
    { shortServerId: 9, uri: 'coap://192.0.2.9:5683', security: { mode: 'none' } },
    {
      shortServerId: 7,
      uri: 'coaps://192.0.2.7:5684',
      security: { mode: 'psk', identity: 'seven', key: { hex: KEY } },
    },
  ],
  objects: [{ path: '/3/0/15', value: 'Europe/Berlin' }],
};

let api: RunningApp;
let dataDir: string;
before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'lapwing-rest-bootstrap-'));
  api = await RunningApp.start({ dataDir });
});
after(async () => {
  await api.close();
  await rm(dataDir, { recursive: true });
});

const put = (name: string, body: unknown): ReturnType<typeof api.call<DeviceConfigurationJson>> =>
  api.call('PUT', `${CONFIGURATIONS}/${encodeURIComponent(name)}`, body);

describe('a configuration', () => {
  it('is set, read, listed page by page, replaced and removed, and its secrets never come back', async () => {
    const made = await put('urn:dev/1', THEIRS);
    assert.equal(made.status, 201);
    assert.equal(made.headers.get('location'), `/api/v1${CONFIGURATIONS}/urn%3Adev%2F1`);
    assert.deepEqual(made.body.configuration.servers?.[1]?.security, {
      mode: 'psk',
      identity: 'seven',
      key: { hidden: true },
    });
    assert.equal((await put('lamp', OURS)).status, 201);
    const { servers, ...others } = THEIRS;
    const one = await api.call<DeviceConfigurationJson>('GET', `${CONFIGURATIONS}/urn%3Adev%2F1`);
    assert.deepEqual(one.body, made.body);
    assert.deepEqual(one.body.configuration, {
      ...others,
      servers: [servers?.[0], { ...servers?.[1], security: { mode: 'psk', identity: 'seven', key: { hidden: true } } }],
    });
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`;
      const page = await api.call<ConfigurationListJson>('GET', `${CONFIGURATIONS}?limit=1${query}`);
      assert.doesNotMatch(JSON.stringify(page.body), /5ec2e7|XsLnAQ/);
      assert.equal(page.body.total, 2);
      seen.push(...page.body.items.map(({ device }) => device));
      cursor = page.body.nextCursor;
    } while (cursor !== null);
    assert.deepEqual(seen, ['lamp', 'urn:dev/1']);
    const found = await api.call<ConfigurationListJson>('GET', `${CONFIGURATIONS}?search=LAM`);
    assert.equal(found.body.items.length, 1);
    for (const query of ['limit=0', 'cursor=!', 'colour=red'])
      assert.equal((await api.call('GET', `${CONFIGURATIONS}?${query}`)).status, 400, query);
    assert.equal((await put('lamp', { ...OURS, secureOnly: true })).status, 200);
    assert.equal((await api.call('DELETE', `${CONFIGURATIONS}/lamp`)).status, 204);
    for (const method of ['GET', 'DELETE']) {
      const gone = await api.call(method, `${CONFIGURATIONS}/lamp`);
      assert.deepEqual([gone.status, gone.body.type], [404, 'urn:lapwing:problem:unknown-configuration']);
    }
  });

  it('with a hidden secret keeps the one that is there, wherever its account has moved to', async () => {
    await put('keeps', THEIRS);
    const [plain, secured] = THEIRS.servers!;
    const hidden = { ...secured!, security: { mode: 'psk', identity: 'renamed', key: { hidden: true } } };
    assert.equal((await put('keeps', { servers: [hidden, plain] })).status, 200);
    const kept = api.app.bootstrap.configurations.find('keeps')?.servers?.[0]?.security;
    assert.ok(kept?.mode === 'psk' && 'key' in kept);
    assert.deepEqual([kept.identity, Buffer.from(kept.key).toString('hex')], ['renamed', KEY]);
    const other = { ...hidden, shortServerId: 8 };
    const refused = await api.call('PUT', `${CONFIGURATIONS}/keeps`, { servers: [other] });
    assert.deepEqual([refused.status, refused.body.field], [400, '/servers/0/security/key']);
    await api.call('DELETE', `${CONFIGURATIONS}/keeps`);
  });

  it('that is wrong is refused with the place, and no key is repeated', async () => {
    const server = { shortServerId: 1, uri: 'coaps://192.0.2.1:5684' };
    const psk = { mode: 'psk', identity: 'a', key: { hex: KEY } };
    for (const [body, field] of [
      [{ server: [] }, '/server'],
      [{ servers: [{ shortServerId: 0, security: { mode: 'none' } }] }, '/servers/0/shortServerId'],
      [{ servers: [{ shortServerId: 1 }] }, '/servers/0'],
      [{ servers: [{ ...server, security: { mode: 'oscore' } }] }, '/servers/0/security/mode'],
      [{ servers: [{ ...server, security: { mode: 'psk' } }] }, '/servers/0/security/identity'],
      [{ servers: [{ ...server, security: { ...psk, privateKey: { hex: '00' } } }] }, '/servers/0/security/privateKey'],
      [{ servers: [{ ...server, security: { ...psk, generate: true } }] }, '/servers/0/security/key'],
      [{ servers: [{ ...server, security: { mode: 'none', generate: true } }] }, '/servers/0/security/generate'],
      [{ servers: [{ ...server, security: { ...psk, key: { hex: `${KEY}0` } } }] }, '/servers/0/security/key/hex'],
      [{ servers: [{ ...server, security: { ...psk, key: { hex: '' } } }] }, '/servers/0'],
      [{ servers: [{ ...server, security: { mode: 'none' } }] }, '/servers/0'],
      [{ servers: [{ ...server, security: psk, server: { fly: 1 } }] }, '/servers/0'],
      [
        {
          servers: [
            { ...server, security: psk },
            { ...server, security: psk },
          ],
        },
        undefined,
      ],
      [
        {
          objects: [
            { path: '/3/0/15', value: 'ok' },
            { path: '/3/0/13', value: 'noon' },
          ],
        },
        '/objects/1',
      ],
      [{ objects: [{ path: '/3/0/15', value: { hidden: true } }] }, '/objects/0/value'],
      [{ delete: ['/', '/3/0/1'] }, '/delete/1'],
      [{ read: ['/3'] }, '/read/0'],
      [{ accessControl: [{ objectId: 3, objectInstanceId: 0, owner: 1, rights: { 1: 'fly' } }] }, '/accessControl/0'],
      [{ contentFormat: 40 }, undefined],
    ] as const) {
      const { status, body: problem } = await api.call('PUT', `${CONFIGURATIONS}/wrong`, body);
      assert.deepEqual([status, problem.field], [400, field], `${JSON.stringify(body)}: ${problem.detail}`);
      assert.doesNotMatch(problem.detail, /5ec2e7/);
    }
    assert.equal((await api.call('PUT', `${CONFIGURATIONS}/${'n'.repeat(256)}`, OURS)).body.field, 'name');
    assert.equal((await api.call('GET', `${CONFIGURATIONS}/wrong`)).status, 404);
  });

  it('is previewed, kept or not, as a device would be asked', async () => {
    await put('previewed', THEIRS);
    const at = `${CONFIGURATIONS}/previewed/preview`;
    const { body } = await api.call<PreviewJson>('GET', at);
    assert.deepEqual(
      body.operations.map(({ operation, path }) => `${operation} ${path}`),
      [
        'discover /',
        'delete /0',
        'delete /1',
        'write /0/10',
        'write /0/11',
        'write /1/0',
        'write /1/1',
        'write /3/0/15',
        'finish /bs',
      ],
    );
    assert.deepEqual([body.device, body.isDefault], ['previewed', false]);
    const secret = body.operations[4]?.values.find(({ path }) => path === '/0/11/5');
    assert.deepEqual(secret, { path: '/0/11/5', hidden: 'secret' });
    const discovered = encodeURIComponent('</>;lwm2m=1.2,</0/0>,</3/0>');
    const known = await api.call<PreviewJson>('GET', `${at}?discovered=${discovered}`);
    assert.deepEqual(
      known.body.operations.slice(0, 2).map(({ operation, path, contentFormat }) => [operation, path, contentFormat]),
      [
        ['discover', '/', null],
        ['write', '/0/1', 112],
      ],
    );
    const preferred = await api.call<PreviewJson>('GET', `${at}?contentFormat=110`);
    assert.equal(preferred.body.operations[3]?.contentFormat, 110);
    const pack = await api.call<PreviewJson>('GET', `${at}?pack=112`);
    assert.deepEqual(
      pack.body.operations.map(({ operation, path }) => `${operation} ${path}`),
      ['pack /bspack'],
    );
    const unkept = await api.call<PreviewJson>('POST', at, OURS);
    const write = unkept.body.operations.find(({ operation }) => operation === 'write');
    assert.equal(write?.values.find(({ path }) => path === '/0/10/5')?.hidden, 'generated');
    const uri = write.values.find(({ path }) => path === '/0/10/0')?.value;
    assert.equal(uri, `coaps://127.0.0.1:${api.app.coapsPort}`);
    for (const query of ['discovered=no+links', 'pack=40', 'pack=x', 'colour=red'])
      assert.equal((await api.call('GET', `${at}?${query}`)).status, 400, query);
    assert.equal((await api.call('POST', at, { servers: 1 })).body.field, '/servers');
    assert.equal((await api.call('GET', `${CONFIGURATIONS}/nobody/preview`)).status, 404);
    await api.call('DELETE', `${CONFIGURATIONS}/previewed`);
  });

  it('of all devices without one of their own can be switched on and off', async () => {
    const read = (): Promise<unknown> =>
      api.call<DefaultConfigurationJson>('GET', '/bootstrap/default').then(({ body }) => body.configuration);
    assert.equal(await read(), null);
    assert.equal((await api.call('PUT', '/bootstrap/default', { servers: [{}] })).status, 400);
    assert.equal((await api.call('PUT', '/bootstrap/default', OURS)).status, 200);
    assert.deepEqual(await read(), OURS);
    const preview = await api.call<PreviewJson>('GET', `${CONFIGURATIONS}/anybody/preview`);
    assert.equal(preview.body.isDefault, true);
    // What an answer says of it can be previewed, secrets that are kept included.
    await api.call('PUT', '/bootstrap/default', THEIRS);
    const again = await api.call<PreviewJson>('POST', `${CONFIGURATIONS}/anybody/preview`, await read());
    assert.equal(again.status, 200);
    for (let time = 0; time < 2; time++) assert.equal((await api.call('DELETE', '/bootstrap/default')).status, 204);
    assert.equal(await read(), null);
  });
});

/** Knows the Bootstrap-Server only; the caller closes it. */
async function bootstrapping(name: string, key: string, options: Partial<ClientOptions> = {}): Promise<LwM2mClient> {
  const { body } = await api.call<BootstrapInfoJson>('GET', '/bootstrap');
  return LwM2mClient.start({
    endpointClientName: name,
    servers: [],
    bootstrapServer: {
      uri: body.thisBootstrapServer.coaps!,
      credentials: { kind: 'psk', identity: new TextEncoder().encode(name), key: createSecretKey(key, 'hex') },
    },
    objects: [temperatureObject({ value: 20.5 })],
    host: '127.0.0.1',
    ...options,
  });
}

const credential = async (name: string): Promise<string> => {
  const body = { device: name, kind: 'psk', replace: true };
  return (await api.call<AddedCredentialJson>('POST', '/bootstrap/credentials', body)).body.key!;
};

const sessionsOf = (name: string): Promise<SessionListJson> =>
  api.call<SessionListJson>('GET', `/bootstrap/sessions?device=${name}`).then(({ body }) => body);

describe('a device', () => {
  for (const mode of ['psk', 'rpk', 'x509'] as const)
    it(`is given ${mode} credentials made for it over coaps and registers with them; its session tells all of it`, async () => {
      const name = `fresh-${mode}`;
      const key = await credential(name);
      const wanted = { servers: [{ shortServerId: 1, lifetimeSeconds: 300, security: { mode, generate: true } }] };
      assert.equal((await put(name, wanted)).status, 201);
      await using client = await bootstrapping(name, key);
      await client.whenRegistered();
      const device = await api.call<DeviceJson>('GET', `/devices/${name}`);
      assert.deepEqual([device.body.security.kind, device.body.lifetimeSeconds], [mode, 300]);
      const { items } = await sessionsOf(name);
      const pack = items.find(({ origin }) => origin === 'pack') ?? items[0]!;
      const { body: session } = await api.call<SessionJson>('GET', `/bootstrap/sessions/${pack.sessionId}`);
      assert.deepEqual([session.device, session.security], [name, { kind: 'psk', identity: name }]);
      assert.equal(session.stage, 'ended');
      assert.doesNotMatch(JSON.stringify([items, session]), /"key"|privateKey/);
    });

  it('of LwM2M 1.1 is written to step by step, again when it is told to, and keeps no more than one key', async () => {
    const name = 'steps';
    await put(name, { ...OURS, read: ['/1'], objects: [] });
    const client = await bootstrapping(name, await credential(name), { lwm2mVersion: '1.1' });
    await client.whenRegistered();
    const [first] = (await sessionsOf(name)).items;
    const { body: session } = await api.call<SessionJson>('GET', `/bootstrap/sessions/${first!.sessionId}`);
    assert.deepEqual(
      session.timeline.map(({ operation, path, result }) => `${operation} ${path} ${result}`),
      ['request /bs 2.04', 'discover / 2.05', 'read /1 2.05', 'write /0/1 2.04', 'write /1/0 2.04', 'finish /bs 2.04'],
    );
    assert.equal(session.outcome?.kind, 'finished');
    assert.deepEqual([session.origin, session.lwm2mVersion, session.repairs], ['request', '1.1', 0]);
    assert.deepEqual(session.discovered[0], { path: '/0/0' });
    const { body: late } = await api.call('DELETE', `/bootstrap/sessions/${first!.sessionId}`);
    assert.equal(late.type, 'urn:lapwing:problem:session-ended');

    const before = api.app.security.store.findByName(name);
    const ended = once(api.app.bootstrap.server, 'sessionEnded');
    const again = once(api.app.server, 'registered');
    const triggered = await api.call<BootstrapTriggeredJson>('POST', `/devices/${name}/bootstrap`);
    assert.deepEqual(triggered.body, { code: '2.04', path: '/1/0/9' });
    const [{ outcome }] = (await ended) as [BootstrapSession];
    assert.equal(outcome?.kind, 'finished');
    await again;
    assert.equal((await sessionsOf(name)).items.length, 2);
    const now = api.app.security.store.findByName(name);
    assert.deepEqual([before.length, now.length], [1, 1]);
    assert.notDeepEqual(now, before);
    await client.close();
  });

  it('of several servers is told at the Server Object Instance that lets us (/1/x/9)', async () => {
    const name = 'shared';
    await using other = await RunningApp.start();
    const mine = (objectInstanceId: number, owner: number): object => ({
      objectId: 1,
      objectInstanceId,
      owner,
      rights: { [owner]: 'rwe' },
    });
    await put(name, {
      servers: [
        { shortServerId: 1, uri: `coap://127.0.0.1:${other.app.coapPort}`, security: { mode: 'none' } },
        { shortServerId: 2, security: { mode: 'none' } },
      ],
      accessControl: [mine(0, 1), mine(1, 2)],
    });
    const objects = [accessControlObject(), temperatureObject({ value: 20.5 })];
    const client = await bootstrapping(name, await credential(name), { objects });
    while (api.app.server.device(name) === undefined) await once(api.app.server, 'registered');
    const ended = once(api.app.bootstrap.server, 'sessionEnded');
    const { body } = await api.call<BootstrapTriggeredJson>('POST', `/devices/${name}/bootstrap`);
    assert.deepEqual(body, { code: '2.04', path: '/1/1/9' });
    await ended;
    await client.close();
  });

  it('without a Bootstrap-Server refuses to be told, with its own words', async () => {
    const client = await api.device('settled');
    const refused = await api.call('POST', '/devices/settled/bootstrap');
    assert.deepEqual([refused.status, refused.body.coapCode], [405, '4.05']);
    await client.close();
    assert.equal((await api.call('POST', '/devices/settled/bootstrap')).status, 404);
  });

  it('that nobody knows, or that is not who it says, is refused and listed', async () => {
    const failures: string[] = [];
    const stranger = await bootstrapping('stranger', KEY);
    const failed = once(stranger, 'bootstrapFailed');
    await failed;
    await stranger.close();
    const unconfigured = await bootstrapping('unconfigured', await credential('unconfigured'));
    unconfigured.on('bootstrapFailed', ({ reason }) => failures.push(reason));
    await once(unconfigured, 'bootstrapFailed');
    await unconfigured.close();
    const { body } = await api.call<BootstrapRefusalsJson>('GET', '/bootstrap/refusals');
    assert.deepEqual(
      [body.handshakes.items[0]?.claimedIdentity, body.handshakes.items[0]?.reason],
      ['stranger', 'unknown-identity'],
    );
    assert.deepEqual(
      [body.requests.items[0]?.device, body.requests.items[0]?.kind, body.requests.items[0]?.code],
      ['unconfigured', 'unknown-endpoint', '4.00'],
    );
    assert.ok(body.requests.total >= 1 && body.handshakes.total >= 1);
    assert.match(failures[0] ?? '', /4\.00/);
  });

  it('keeps its configuration over its own restart, and is bootstrapped no second time', async () => {
    const name = 'lasting';
    await put(name, OURS);
    const key = await credential(name);
    const stateStore = new FileStateStore(join(dataDir, 'lasting.state'));
    const first = await bootstrapping(name, key, { stateStore });
    await first.whenRegistered();
    await first.close();
    const { items } = await sessionsOf(name);
    const second = await bootstrapping(name, key, { stateStore });
    await second.whenRegistered();
    assert.deepEqual((await sessionsOf(name)).items, items);
    await second.close();
  });
});

describe('sessions', () => {
  it('are listed in number, by device and by whether they run', async () => {
    const list = async (query: string): Promise<SessionListJson> =>
      (await api.call<SessionListJson>('GET', `/bootstrap/sessions?${query}`)).body;
    assert.equal((await list('limit=1')).items.length, 1);
    assert.deepEqual(await list('running=true'), { items: [], running: 0 });
    assert.ok((await list('running=false')).items.length >= 5);
    for (const query of ['limit=0', 'running=maybe'])
      assert.equal((await api.call('GET', `/bootstrap/sessions?${query}`)).status, 400, query);
    for (const method of ['GET', 'DELETE'])
      assert.equal((await api.call(method, '/bootstrap/sessions/none')).status, 404);
  });

  it('that run can be cancelled', async () => {
    await put('mute', OURS);
    // A Bootstrap-Request of a device that answers nothing, so that its session waits.
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    const request = Uint8Array.of(0x40, 0x02, 0x12, 0x34, 0xb2, ...Buffer.from('bs'), 0x47, ...Buffer.from('ep=mute'));
    const started = once(api.app.bootstrap.server, 'sessionStarted');
    socket.send(request, Number(new URL(api.app.bootstrapUrls[0]!).port), '127.0.0.1');
    const [{ sessionId }] = (await started) as [BootstrapSession];
    const running = await api.call<SessionListJson>('GET', '/bootstrap/sessions?running=true');
    assert.deepEqual([running.body.running, running.body.items[0]?.sessionId], [1, sessionId]);
    assert.deepEqual([running.body.items[0]?.stage, running.body.items[0]?.outcome], ['discovering', null]);
    assert.equal((await api.call('DELETE', `/bootstrap/sessions/${sessionId}`)).status, 204);
    const { body } = await api.call<SessionJson>('GET', `/bootstrap/sessions/${sessionId}`);
    assert.deepEqual(body.outcome, { kind: 'cancelled', text: 'It was cancelled.' });
    socket.close();
  });
});

describe('what happens', () => {
  it('is told by events without secrets', async () => {
    const types = new Set<string>();
    const all: string[] = [];
    for (let event = api.app.events.next(0); event !== undefined; event = api.app.events.next(event.id)) {
      types.add(event.type);
      all.push(event.data);
    }
    for (const type of [
      'bootstrap-session-started',
      'bootstrap-session-progress',
      'bootstrap-session-ended',
      'bootstrap-content-read',
      'bootstrap-refused',
      'bootstrap-configurations-changed',
      'bootstrap-credentials-changed',
    ])
      assert.ok(types.has(type), type);
    assert.doesNotMatch(all.join('\n'), /5ec2e7|"key"/);
    const { body } = await api.call<BootstrapInfoJson>('GET', '/bootstrap');
    assert.equal(body.enabled, true);
    assert.deepEqual(
      body.endpoints.map(({ url }) => url),
      api.app.bootstrapUrls,
    );
    assert.ok((body.counters['endedFinished'] ?? 0) >= 2);
  });
});

describe('credentials with the Bootstrap-Server', () => {
  it('are a set of their own, imported, listed, read and removed as those of the LwM2M Server', async () => {
    const text = `device,identity,key\nimported,,${KEY}\nsteps,,00\n`;
    const path = '/bootstrap/credentials/import';
    const headers = { 'content-type': 'text/csv' };
    const response = await fetch(`${api.app.httpUrl}/api/v1${path}`, { method: 'POST', headers, body: text });
    const imported = await api.checked<ImportJson>('POST', path, response);
    assert.deepEqual([imported.body.added, imported.body.failedTotal], [1, 1]);
    const wrong = await fetch(`${api.app.httpUrl}/api/v1${path}`, { method: 'POST', headers, body: '' });
    assert.equal((await api.checked('POST', path, wrong)).status, 400);
    const listed = await api.call<CredentialListJson>('GET', '/bootstrap/credentials?search=imported');
    assert.deepEqual(listed.body.items, [{ device: 'imported', kind: 'psk', identity: 'imported' }]);
    assert.equal((await api.call('GET', '/security/credentials/imported/psk')).status, 404);
    assert.equal((await api.call('GET', '/bootstrap/credentials?limit=0')).status, 400);
    assert.equal((await api.call('POST', '/bootstrap/credentials', { device: '', kind: 'psk' })).status, 400);
    for (const [method, status] of [
      ['GET', 200],
      ['DELETE', 204],
      ['GET', 404],
      ['DELETE', 404],
    ] as const)
      assert.equal((await api.call(method, '/bootstrap/credentials/imported/psk')).status, status);
  });
});

describe('a new start', () => {
  it('has the configurations and credentials of the one before, in files of the owner alone', async () => {
    await put('urn:dev/1', THEIRS);
    const files = ['configurations.json', 'credentials.json'].map((name) => join(dataDir, 'bootstrap', name));
    for (const file of files) assert.equal((await stat(file)).mode & 0o777, 0o600, file);
    assert.ok((await readFile(files[0]!, 'utf8')).includes(Buffer.from(KEY, 'hex').toString('base64')));
    const authority = new X509Certificate(await readFile(join(dataDir, 'bootstrap', 'device-authority.pem'), 'utf8'));
    assert.equal(authority.ca, true);
    const before = await api.call<ConfigurationListJson>('GET', CONFIGURATIONS);
    const { called } = api;
    await api.close();
    api = await RunningApp.start({ dataDir });
    for (const [operation, statuses] of called) api.called.set(operation, statuses);
    const now = await api.call<ConfigurationListJson>('GET', CONFIGURATIONS);
    assert.deepEqual(now.body, before.body);
    assert.equal((await api.call('GET', '/bootstrap/credentials/steps/psk')).status, 200);
  });

  it('without the Bootstrap-Server listens nowhere for it, and configurations can be prepared', async () => {
    await using without = await RunningApp.start({ bootstrap: false });
    const { body } = await without.call<BootstrapInfoJson>('GET', '/bootstrap');
    assert.deepEqual([body.enabled, body.endpoints], [false, []]);
    assert.deepEqual(body.thisBootstrapServer, { coap: null, coaps: null });
    assert.equal((await without.call('PUT', `${CONFIGURATIONS}/lamp`, OURS)).status, 201);
    const self = { bootstrapServers: [{ security: { mode: 'psk', generate: true } }] };
    const refused = await without.call('PUT', `${CONFIGURATIONS}/lamp`, self);
    assert.deepEqual([refused.status, refused.body.field], [400, '/bootstrapServers/0']);
  });
});

it('every operation of /bootstrap was called with good input, and with bad where there is any', () => {
  const operations = Object.entries(api.openApi.paths)
    .filter(([path]) => path.startsWith('/api/v1/bootstrap'))
    .flatMap(([, methods]) => Object.values(methods));
  assert.ok(operations.length >= 19);
  const without = ['readBootstrapServer', 'readDefaultBootstrapConfiguration', 'removeDefaultBootstrapConfiguration'];
  for (const { operationId } of operations) {
    const statuses = [...(api.called.get(operationId) ?? [])];
    assert.ok(
      statuses.some((status) => status < 300),
      `${operationId} never succeeded`,
    );
    if ([...without, 'listBootstrapRefusals'].includes(operationId)) continue;
    assert.ok(
      statuses.some((status) => status >= 400),
      `${operationId} never failed`,
    );
  }
});
