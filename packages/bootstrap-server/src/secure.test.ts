/** Bootstrap over coaps, and credentials that are made for a device. */
import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, it } from 'node:test';
import { Codes, type Peer } from '@lapwing/coap';
import { writeCertificate, type ClientCredentials, type ServerCredentials } from '@lapwing/dtls';
import { LwM2mServer, MemorySecurityStore, type SecurityEntry } from '@lapwing/server';
import { SimulatedNetwork } from '@lapwing/testkit';
import { nodeCrypto, type PeerAddress } from '@lapwing/transport';
import { BootstrapDevice, reply } from '../test/bootstrap-device.ts';
import { settle } from '../test/setup.ts';
import type { BootstrapOutcome, BootstrapRefusal } from './api.ts';
import { LwM2mBootstrapServer, type BootstrapServerOptions } from './bootstrap-server.ts';
import type { BootstrapConfiguration, GeneratedSecurity } from './configuration.ts';
import { MemoryConfigurationStore } from './configuration-store.ts';
import { certificateAuthority } from './credentials.ts';

const BOOTSTRAP_SERVER = { host: '10.0.0.1', port: 5684 };
const PLAIN = { host: '10.0.0.1', port: 5683 };
const LWM2M_SERVER = { host: '10.0.0.2', port: 5684 };
const URI = 'coaps://10.0.0.2:5684';

interface Keys {
  readonly publicKey: Uint8Array;
  readonly privateKey: KeyObject;
}

function newKeys(): Keys {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { publicKey: publicKey.export({ type: 'spki', format: 'der' }), privateKey };
}

const now = Date.UTC(2026, 0, 1);
const AUTHORITY = newKeys();
const certificateOf = (commonName: string, { publicKey }: Keys, authority = false): Uint8Array =>
  writeCertificate(
    {
      subject: { commonName },
      subjectPublicKeyInfo: publicKey,
      notBefore: now - 86_400_000,
      notAfter: now + 86_400_000 * 365,
      issuer: {
        privateKey: AUTHORITY.privateKey,
        ...(authority ? {} : { certificate: AUTHORITY_CERTIFICATE }),
      },
      ...(authority ? { authority: {} } : {}),
    },
    nodeCrypto,
  );
const AUTHORITY_CERTIFICATE: Uint8Array = certificateOf('Authority', AUTHORITY, true);
const SERVER_KEYS = newKeys();
const SERVER_CERTIFICATE = certificateOf('server', SERVER_KEYS);
const CREDENTIALS: ServerCredentials = {
  psk: {},
  certificate: { chain: [SERVER_CERTIFICATE], privateKey: SERVER_KEYS.privateKey },
  rawPublicKey: { publicKey: SERVER_KEYS.publicKey, privateKey: SERVER_KEYS.privateKey },
  clientAuthentication: 'required',
  clientCertificateTypes: ['x509', 'rpk'],
  trustAnchors: [AUTHORITY_CERTIFICATE],
};

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const secretKey = (text: string): KeyObject => createSecretKey(Buffer.from(text));
const PSK: ClientCredentials = { kind: 'psk', identity: bytes('identity of one'), key: secretKey('0123456789abcdef') };
const PSK_ENTRY: SecurityEntry = { ...PSK, kind: 'psk', endpointClientName: 'one' } as SecurityEntry;

interface Scene extends AsyncDisposable {
  readonly network: SimulatedNetwork;
  readonly server: LwM2mBootstrapServer;
  readonly lwm2mServer: LwM2mServer;
  readonly outcomes: BootstrapOutcome[];
  readonly refused: BootstrapRefusal[];
  readonly handshakesRefused: string[];
  device(credentials?: ClientCredentials): BootstrapDevice;
  /** Ask with these queries, and run to the end. */
  bootstrap(device: BootstrapDevice, ...queries: string[]): Promise<string>;
}

function setUp(configuration: BootstrapConfiguration, options: BootstrapServerOptions = {}): Scene {
  const network = new SimulatedNetwork({ unixTime: now });
  const lwm2mServer = new LwM2mServer({
    drivers: [network.secureDriver(LWM2M_SERVER, { server: CREDENTIALS })],
    securityStore: new MemorySecurityStore(),
  });
  const server = new LwM2mBootstrapServer({
    drivers: [network.driver(PLAIN), network.secureDriver(BOOTSTRAP_SERVER, { server: CREDENTIALS })],
    configurationStore: new MemoryConfigurationStore(
      ['one', 'two'].map((endpointClientName) => ({ endpointClientName, configuration })),
    ),
    securityStore: new MemorySecurityStore([PSK_ENTRY]),
    lwm2mServers: [
      { security: lwm2mServer.security, publicKey: SERVER_KEYS.publicKey, certificate: SERVER_CERTIFICATE },
    ],
    certificateIssuer: certificateAuthority({
      certificate: AUTHORITY_CERTIFICATE,
      privateKey: AUTHORITY.privateKey,
      unixTime: () => network.unixTime(),
    }),
    ...options,
  });
  const outcomes: BootstrapOutcome[] = [];
  const refused: BootstrapRefusal[] = [];
  const handshakesRefused: string[] = [];
  server.on('sessionEnded', (_, outcome) => outcomes.push(outcome));
  server.on('refused', (refusal) => refused.push(refusal));
  server.on('handshakeRefused', ({ refusal }) => handshakesRefused.push(refusal.reason));
  let devices = 0;
  return {
    network,
    server,
    lwm2mServer,
    outcomes,
    refused,
    handshakesRefused,
    device(credentials) {
      const address = { host: '10.1.0.1', port: 40_000 + devices++ };
      if (credentials === undefined) {
        const driver = network.driver(address);
        return new BootstrapDevice(driver, () => driver.peer(PLAIN));
      }
      const driver = network.secureDriver(address);
      let peer: Peer<PeerAddress> | undefined;
      return new BootstrapDevice(driver, () => (peer ??= driver.connect(BOOTSTRAP_SERVER, { credentials })));
    },
    async bootstrap(device, ...queries) {
      const answer = await settle(network, device.request(...queries));
      await network.run(60_000);
      return answer?.code ?? 'silence';
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      await lwm2mServer.close();
    },
  };
}

/** Whether a device with what it was given can register with the LwM2M Server. */
async function registers({ network, lwm2mServer }: Scene, credentials: ClientCredentials): Promise<boolean> {
  const driver = network.secureDriver({ host: '10.9.0.1', port: 1 + (((network.now() * 7) % 60_000) | 0) });
  let peer: Peer<PeerAddress> | undefined;
  const device = new BootstrapDevice(driver, () => (peer ??= driver.connect(LWM2M_SERVER, { credentials })));
  const options = { uriQuery: ['ep=one', 'lt=86400', 'lwm2m=1.1'], contentFormat: 40 };
  const answer = device.ask(Codes.post, '/rd', options, bytes('</3/0>'));
  await network.run(120_000);
  await driver.close();
  return (await answer)?.code === '2.01' && lwm2mServer.device('one') !== undefined;
}

const generated = (mode: 'psk' | 'rpk' | 'x509'): BootstrapConfiguration => ({
  servers: [{ shortServerId: 1, uri: URI, security: { mode, generate: true } as GeneratedSecurity }],
});

/** What a device was given, as its next handshake uses it. */
function given(device: BootstrapDevice): ClientCredentials {
  const value = (id: number): Uint8Array => {
    const found = [...device.values].find(([path]) => path.endsWith(`/${id}`) && /^\/0\/[1-9]\d*\/\d+$/.test(path));
    return found![1] as Uint8Array;
  };
  const mode = [...device.values].find(([path]) => /^\/0\/[1-9]\d*\/2$/.test(path))![1];
  if (mode === 0) return { kind: 'psk', identity: value(3), key: createSecretKey(value(5)) };
  const privateKey = createPrivateKey({ key: Buffer.from(value(5)), format: 'der', type: 'pkcs8' });
  if (mode === 1) return { kind: 'rpk', own: { publicKey: value(3), privateKey }, serverPublicKey: value(4) };
  return {
    kind: 'x509',
    own: { chain: [value(3)], privateKey },
    server: { usage: 3, certificate: value(4), matchingType: 0, trustAnchors: [] },
  };
}

describe('a Bootstrap over coaps', () => {
  const deviceKeys = newKeys();
  const ways: readonly (readonly [string, ClientCredentials, SecurityEntry])[] = [
    ['a pre-shared key (OMA 1.1-int-1)', PSK, PSK_ENTRY],
    [
      'a raw public key',
      { kind: 'rpk', own: deviceKeys, serverPublicKey: SERVER_KEYS.publicKey },
      { kind: 'rpk', endpointClientName: 'one', publicKey: deviceKeys.publicKey },
    ],
    [
      'a certificate (OMA 1.1-int-2)',
      {
        kind: 'x509',
        own: { chain: [certificateOf('one', deviceKeys)], privateKey: deviceKeys.privateKey },
        server: { usage: 3, certificate: SERVER_CERTIFICATE, matchingType: 0, trustAnchors: [] },
      },
      { kind: 'x509', endpointClientName: 'one', fingerprint: undefined },
    ],
  ];
  for (const [name, credentials, entry] of ways) {
    it(`with ${name} is finished, with and without ep`, async () => {
      await using scene = setUp(generated('psk'), { securityStore: new MemorySecurityStore([entry]) });
      const device = scene.device(credentials);
      assert.equal(await scene.bootstrap(device, 'ep=one'), '2.04');
      assert.equal(await scene.bootstrap(device), '2.04');
      assert.deepEqual(
        scene.outcomes.map(({ kind }) => kind),
        ['finished', 'finished'],
      );
      const [session] = scene.server.sessions();
      assert.equal(session?.endpointClientName, 'one');
      assert.equal(session.security.kind, entry.kind);
    });

    it(`with ${name} is refused under another name (OMA TS Transport §5.2)`, async () => {
      await using scene = setUp(generated('psk'), { securityStore: new MemorySecurityStore([entry]) });
      assert.equal(await scene.bootstrap(scene.device(credentials), 'ep=two'), '4.00');
      assert.equal(scene.refused[0]!.kind, 'identity');
    });
  }

  it('with a wrong key fails in the handshake, and is told', async () => {
    await using scene = setUp(generated('psk'));
    const device = scene.device({ ...PSK, kind: 'psk', key: secretKey('fedcba9876543210') });
    const asked = device.request('ep=one');
    await scene.network.run(300_000);
    assert.equal(await asked, undefined);
    assert.ok(scene.handshakesRefused.length > 0);
    assert.deepEqual(scene.outcomes, []);
  });

  it('takes the place of one under way over coap, but not the other way round', async () => {
    await using scene = setUp(generated('psk'), { securityStore: new MemorySecurityStore() });
    const plain = scene.device();
    plain.onRequest = () => 'silence';
    assert.equal((await settle(scene.network, plain.request('ep=one')))?.code, '2.04');
    await scene.server.security.add(PSK_ENTRY);
    assert.deepEqual(scene.outcomes, [{ kind: 'cancelled' }]);
    assert.equal(await scene.bootstrap(plain, 'ep=one'), '4.00');
    assert.equal(await scene.bootstrap(scene.device(PSK), 'ep=one'), '2.04');
    assert.equal(scene.outcomes.at(-1)?.kind, 'finished');
  });

  it('is not replaced over coap, also of a name that only has a certificate', async () => {
    const keys = newKeys();
    await using scene = setUp(generated('psk'), { securityStore: new MemorySecurityStore() });
    const device = scene.device({
      kind: 'x509',
      own: { chain: [certificateOf('one', keys)], privateKey: keys.privateKey },
      server: { usage: 3, certificate: SERVER_CERTIFICATE, matchingType: 0, trustAnchors: [] },
    });
    device.onRequest = () => 'silence';
    assert.equal((await settle(scene.network, device.request('ep=one')))?.code, '2.04');
    assert.equal((await settle(scene.network, scene.device().request('ep=one')))?.code, '4.00');
    assert.equal(scene.server.session('one')?.security.kind, 'x509');
  });

  it('ends connection-closed when its credentials are taken away', async () => {
    await using scene = setUp(generated('psk'));
    const device = scene.device(PSK);
    device.onRequest = () => 'silence';
    await settle(scene.network, device.request('ep=one'));
    await scene.network.run(100);
    await scene.server.security.remove('one');
    await scene.network.run(1_000);
    assert.deepEqual(scene.outcomes, [{ kind: 'connection-closed' }]);
  });
});

describe('credentials that are made for a device', () => {
  for (const mode of ['psk', 'rpk', 'x509'] as const)
    it(`of mode ${mode} let it register, and are others each time`, async () => {
      await using scene = setUp(generated(mode));
      const device = scene.device(PSK);
      await scene.bootstrap(device, 'ep=one');
      const first = given(device);
      assert.equal(await registers(scene, first), true);
      await scene.bootstrap(device, 'ep=one');
      assert.equal(scene.lwm2mServer.device('one'), undefined, 'what the old credentials opened has ended');
      assert.equal(await registers(scene, first), false);
      assert.equal(await registers(scene, given(device)), true);
      assert.deepEqual(
        scene.outcomes.map(({ kind }) => kind),
        ['finished', 'finished'],
      );
    });

  it('of a name longer than a Common Name are in an alternative name', async () => {
    const name = `urn:dev:ops:${'0123456789'.repeat(8)}`;
    const issuer = certificateAuthority({ certificate: AUTHORITY_CERTIFICATE, privateKey: AUTHORITY.privateKey });
    const certificate = await issuer.issue(name, newKeys().publicKey);
    assert.ok(Buffer.from(certificate).includes(name));
  });

  it('are known before Bootstrap-Finish and not earlier; when it is refused for good, the old ones are valid again', async () => {
    await using scene = setUp(generated('psk'));
    const device = scene.device(PSK);
    await scene.bootstrap(device, 'ep=one');
    const old = given(device);
    const known: string[] = [];
    const infos = async (): Promise<string> => {
      const { items } = await scene.lwm2mServer.security.list();
      return items.map(({ endpointClientName, kind }) => `${endpointClientName} ${kind}`).join();
    };
    assert.equal(await infos(), 'one psk');
    await scene.lwm2mServer.security.remove('one');
    device.onRequest = ({ operation }) => {
      void infos().then((text) => known.push(`${operation.kind} ${text}`));
      return undefined;
    };
    await scene.bootstrap(device, 'ep=one');
    assert.ok(known.includes('bootstrapWrite '));
    assert.equal(known.at(-1), 'bootstrapFinish one psk');

    const taken = given(device);
    device.onRequest = ({ operation }) =>
      operation.kind === 'bootstrapFinish' ? reply(Codes.notAcceptable) : undefined;
    await scene.bootstrap(device, 'ep=one');
    assert.equal(scene.outcomes.at(-1)?.kind, 'finish-refused');
    assert.equal(await registers(scene, old), false);
    assert.equal(await registers(scene, taken), true);
    assert.equal(await registers(scene, given(device)), false);
  });

  it('stay valid when the answer to Bootstrap-Finish is lost: the device may have them', async () => {
    await using scene = setUp(generated('psk'), { parameters: { operationTimeout: 10_000 } });
    const device = scene.device(PSK);
    device.onRequest = ({ operation }) => (operation.kind === 'bootstrapFinish' ? 'silence' : undefined);
    await scene.bootstrap(device, 'ep=one');
    assert.deepEqual(scene.outcomes, [{ kind: 'timeout', operation: 'finish', path: '/bs' }]);
    assert.equal(await registers(scene, given(device)), true);
  });

  it('are the same after a repair', async () => {
    await using scene = setUp(generated('psk'));
    const device = scene.device(PSK);
    const keys = new Set<string>();
    let refusals = 1;
    device.onRequest = (asked) => {
      if (asked.operation.kind === 'bootstrapFinish' && refusals-- > 0) return reply(Codes.notAcceptable);
      const response = device.obey(asked);
      if (asked.what.startsWith('PUT /0')) {
        const { key } = given(device) as Extract<ClientCredentials, { kind: 'psk' }>;
        keys.add((key as KeyObject).export().toString('hex'));
      }
      return response;
    };
    await scene.bootstrap(device, 'ep=one');
    assert.equal(scene.outcomes[0]?.kind, 'finished');
    assert.equal(scene.server.sessions()[0]?.repairs, 1);
    assert.equal(keys.size, 1);
    assert.equal(await registers(scene, given(device)), true);
  });

  it('that nobody takes end the Bootstrap, and what was taken before is put back', async () => {
    const undone: string[] = [];
    const receiver = (name: string, refuses: boolean) => ({
      exchange() {
        if (refuses) throw new Error('no room');
        return () => void undone.push(name);
      },
    });
    await using scene = setUp(
      {
        servers: [1, 2].map((shortServerId) => ({
          shortServerId,
          uri: URI,
          security: { mode: 'psk', generate: true },
        })),
      },
      {
        lwm2mServers: [
          { security: receiver('first', false), shortServerIds: [1] },
          { security: receiver('second', true) },
        ],
      },
    );
    const device = scene.device(PSK);
    await scene.bootstrap(device, 'ep=one');
    assert.deepEqual(scene.outcomes, [
      { kind: 'configuration-unusable', reason: 'the new credentials were not taken: no room' },
    ]);
    assert.deepEqual(undone, ['first']);
    assert.equal(device.finished, 0);
  });

  it('are stored while the association ends: connection-closed', async () => {
    const gate = Promise.withResolvers<void>();
    const security = { exchange: () => gate.promise.then(() => () => undefined) };
    await using scene = setUp(generated('psk'), { lwm2mServers: [{ security }] });
    await scene.bootstrap(scene.device(PSK), 'ep=one');
    await scene.server.security.remove('one');
    gate.resolve();
    await scene.network.run(100);
    assert.deepEqual(scene.outcomes, [{ kind: 'connection-closed' }]);
  });

  it('are put back when the Bootstrap is cancelled while they are stored', async () => {
    const gate = Promise.withResolvers<void>();
    const undone: string[] = [];
    const security = { exchange: () => gate.promise.then(() => () => void undone.push('undone')) };
    await using scene = setUp(generated('psk'), { lwm2mServers: [{ security }] });
    const device = scene.device(PSK);
    await scene.bootstrap(device, 'ep=one');
    assert.equal(scene.server.session('one')?.stage, 'storing');
    scene.server.cancel('one');
    gate.resolve();
    await scene.network.run(100);
    assert.deepEqual(undone, ['undone']);
    assert.equal(device.finished, 0);
  });

  it('of the account with the Bootstrap-Server are valid afterwards, and the association goes on to the end', async () => {
    await using scene = setUp({
      ...generated('psk'),
      bootstrapServers: [{ uri: 'coaps://10.0.0.1:5684', security: { mode: 'psk', generate: true } }],
    });
    const device = scene.device(PSK);
    assert.equal(await scene.bootstrap(device, 'ep=one'), '2.04');
    assert.deepEqual(scene.outcomes, [{ kind: 'finished' }]);
    assert.deepEqual(device.values.get('/0/0/3'), bytes('one'));
    const renewed = scene.device({
      kind: 'psk',
      identity: device.values.get('/0/0/3') as Uint8Array,
      key: createSecretKey(device.values.get('/0/0/5') as Uint8Array),
    });
    assert.equal(await scene.bootstrap(renewed, 'ep=one'), '2.04');
    assert.equal(scene.outcomes.length, 2);
  });
});

describe('credentials of an account', () => {
  it('as configured: PSK, raw public key, certificate with usage and a hash of the server certificate', async () => {
    const keys = newKeys();
    const privateKey = keys.privateKey.export({ type: 'pkcs8', format: 'der' });
    const certificate = certificateOf('one', keys);
    await using scene = setUp({
      servers: [
        { shortServerId: 1, uri: URI, security: { mode: 'psk', identity: 'a', key: bytes('k') } },
        { shortServerId: 2, uri: URI, security: { mode: 'rpk', publicKey: keys.publicKey, privateKey } },
        {
          shortServerId: 3,
          uri: URI,
          security: { mode: 'x509', certificate, privateKey, certificateUsage: 1, matchingType: 1 },
          securityObject: { sni: 'server' },
        },
      ],
    });
    const device = scene.device(PSK);
    await scene.bootstrap(device, 'ep=one');
    assert.equal(scene.outcomes[0]?.kind, 'finished');
    const account = (id: number): readonly unknown[] =>
      [2, 3, 4, 5].map((each) => device.values.get(`/0/${id}/${each}`));
    const none = new Uint8Array(0);
    assert.deepEqual(account(1), [0, bytes('a'), none, bytes('k')]);
    assert.deepEqual(account(2), [1, keys.publicKey, SERVER_KEYS.publicKey, privateKey].map(plain));
    const hash = createHash('sha256').update(SERVER_CERTIFICATE).digest();
    assert.deepEqual(account(3), [2, certificate, hash, privateKey].map(plain));
    assert.deepEqual(
      [13, 14, 15].map((each) => device.values.get(`/0/3/${each}`)),
      [1, 'server', 1],
    );
  });
});

const plain = (value: unknown): unknown => (value instanceof Uint8Array ? new Uint8Array(value) : value);
