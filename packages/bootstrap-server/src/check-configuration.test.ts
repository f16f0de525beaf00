import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { UsageError } from '@lapwing/coap';
import { setUp } from '../test/setup.ts';
import type { BootstrapConfiguration } from './configuration.ts';
import { configurationFromJson, configurationToJson } from './configuration-json.ts';

const setup = setUp({}, { lwm2mServers: [{ security: { exchange: () => () => undefined } }] });
const check = (configuration: unknown): void =>
  setup.server.configurations.check(configuration as BootstrapConfiguration);

const KEY = new Uint8Array(16).fill(0xa5);
const account = { shortServerId: 1, uri: 'coap://lwm2m.example', security: { mode: 'none' } } as const;
const secure = (security: unknown): unknown => ({ servers: [{ ...account, uri: 'coaps://lwm2m.example', security }] });
const psk = { mode: 'psk', identity: 'it', key: KEY } as const;
const FULL: BootstrapConfiguration = {
  servers: [{ ...account, uri: 'coaps://lwm2m.example:5684', security: psk, server: { defaultMinimumPeriod: 1 } }],
  bootstrapServers: [{ uri: 'coap://bootstrap.example', security: { mode: 'none' }, holdOffSeconds: 1 }],
  accessControl: [{ objectId: 3, objectInstanceId: 'create', owner: 65535, rights: { 0: 'r', 1: 31 } }],
  objects: [
    { path: '/3/0/15', value: 'Europe/Berlin' },
    { path: '/3/0/13', value: new Date(0) },
    { path: '/24/0', resources: { 0: false, 8: KEY, 7: 'user' } },
    { path: '/21', objectInstances: { 5: { 0: KEY, 1: Uint8Array.of(1) } } },
    { path: '/24/0/8', value: KEY },
  ],
  delete: ['/', '/0', '/3303/1'],
  discover: ['/', '/3'],
  read: ['/1', '/2/0'],
  contentFormat: 112,
  lwm2mVersion: '1.2',
  pack: false,
  secureOnly: true,
};

describe('a configuration', () => {
  it('is taken with everything that it can have, and with nothing', () => {
    check(FULL);
    check({});
  });

  const { privateKey } = generateKeyPairSync('ed25519');
  const otherKey = privateKey.export({ type: 'pkcs8', format: 'der' });
  const wrong: readonly (readonly [name: string, configuration: unknown, reason: RegExp])[] = [
    ['that is none', null, /is an object/],
    ['that is a list', [], /is an object/],
    ['with a member nobody knows', { server: [] }, /no "server"/],
    ['with something else than a list', { servers: {} }, /"servers" is a list/],
    ['with an account that is none', { servers: [null] }, /lists objects/],
    ['with an account without security', { servers: [{ ...account, security: undefined }] }, /"security"/],
    ['with Short Server ID 0', { servers: [{ ...account, shortServerId: 0 }] }, /1 to 65534/],
    ['with a Short Server ID twice', { servers: [account, account] }, /used twice/],
    [
      'with an Object Instance ID twice',
      {
        servers: [{ ...account, securityObjectInstanceId: 4 }],
        bootstrapServers: [{ ...account, securityObjectInstanceId: 4 }],
      },
      /Security Object Instance ID 4 is used twice/,
    ],
    ['with an id out of range', { servers: [{ ...account, serverObjectInstanceId: 65_535 }] }, /0 to 65534/],
    ['with a URI that is none', { servers: [{ ...account, uri: 'lwm2m' }] }, /has a URI/],
    ['with a URI that is too long', { servers: [{ ...account, uri: `coap://${'a'.repeat(250)}` }] }, /255/],
    ['with coaps and no credentials', secure({ mode: 'none' }), /needs credentials/],
    ['with credentials and coap', { servers: [{ ...account, security: psk }] }, /use coaps/],
    ['with a mode that is none', secure({ mode: 'est' }), /not "est"/],
    ['with a key that is text', secure({ ...psk, key: 'secret' }), /pre-shared key has 1 to 64 bytes/],
    ['with a key that is too long', secure({ ...psk, key: new Uint8Array(65) }), /1 to 64 bytes/],
    ['with an identity that is too long', secure({ ...psk, identity: 'x'.repeat(129) }), /1 to 128 bytes/],
    ['without an identity', secure({ mode: 'psk', key: KEY }), /has an identity/],
    ['with a generated key that is too short', secure({ mode: 'psk', generate: true, keyBytes: 8 }), /16 to 64/],
    ['with a private key that is none', secure({ mode: 'rpk', publicKey: KEY, privateKey: KEY }), /PKCS #8/],
    ['with a private key of another curve', secure({ mode: 'rpk', publicKey: KEY, privateKey: otherKey }), /ed25519/],
    ['with no public key of the server', secure({ mode: 'rpk', generate: true }), /public key of the server/],
    ['with a usage that is none', secure({ mode: 'x509', generate: true, certificateUsage: 4 }), /0, 1, 2 or 3/],
    [
      'with a certificate to generate and nobody who signs it',
      secure({ mode: 'x509', generate: true, serverCertificate: KEY }),
      /nobody signs/,
    ],
    [
      'with two generated credentials of a kind at one server',
      {
        servers: [1, 2].map((shortServerId) => ({
          shortServerId,
          uri: 'coaps://lwm2m.example',
          security: { mode: 'psk', generate: true },
        })),
      },
      /two accounts with the same server/,
    ],
    ['that deletes a Resource', { delete: ['/3/0/1'] }, /cannot be deleted/],
    ['that deletes what is no path', { delete: [3] }, /a path is text/],
    ['that discovers an Object Instance', { discover: ['/3/0'] }, /cannot be discovered/],
    ['that reads keys', { read: ['/0'] }, /Objects 1 and 2/],
    ['with a value for an Object Instance', { objects: [{ path: '/3/0', value: 1 }] }, /cannot be given a value/],
    ['with Resources by name', { objects: [{ path: '/3/0', resources: { name: 1 } }] }, /Resource ID/],
    ['with a setting without a value', { objects: [{ path: '/3/0' }] }, /"objectInstances"/],
    [
      'with one Object Instance twice',
      { objects: [1, 2].map(() => ({ path: '/3/0', resources: { 15: 'x' } })) },
      /\/3\/0 is written twice/,
    ],
    ['with a value out of range', { objects: [{ path: '/3/0/9', value: 101 }] }, /0\.\.100/],
    ['with a format for single values', { contentFormat: 0 }, /Content-Format 0/],
    ['with a version that is none', { lwm2mVersion: '2.0' }, /"2.0"/],
    ['with a flag that is none', { pack: 'no' }, /true or false/],
    ['with rights that are none', { accessControl: [{ objectId: 1, objectInstanceId: 0, owner: 1 }] }, /"rights"/],
    [
      'with more bytes than allowed',
      { objects: [{ path: '/19/0', resources: { 0: { 0: new Uint8Array(70_000) } } }] },
      /65536 are allowed/,
    ],
    [
      'with more operations than allowed',
      { objects: Array.from({ length: 1_001 }, (_, id) => ({ path: `/9/${id}`, resources: {} })) },
      /1000 are allowed/,
    ],
  ];
  for (const [name, configuration, reason] of wrong)
    it(`is refused ${name}`, () =>
      assert.throws(
        () => check(configuration),
        (error: unknown) => error instanceof UsageError && reason.test(error.message),
      ));

  it('is not kept when it is refused, and is kept, listed and removed by name', async () => {
    await using own = setUp({});
    const { configurations } = own.server;
    await assert.rejects(configurations.set('a', { contentFormat: 0 }), UsageError);
    await assert.rejects(configurations.setDefault({ contentFormat: 0 }), UsageError);
    for (const name of ['c', 'Alpha', 'b']) await configurations.set(name, { servers: [account] });
    assert.deepEqual(await configurations.get('b'), { servers: [account] });
    const names = async (query: Parameters<typeof configurations.list>[0]): Promise<unknown> => {
      const { items, next } = await configurations.list(query);
      return [items.map(({ endpointClientName }) => endpointClientName), next];
    };
    assert.deepEqual(await names({}), [['Alpha', 'b', 'c'], undefined]);
    assert.deepEqual(await names({ limit: 2 }), [['Alpha', 'b'], 'b']);
    assert.deepEqual(await names({ after: 'b' }), [['c'], undefined]);
    assert.deepEqual(await names({ search: 'ALP' }), [['Alpha'], undefined]);
    assert.equal(await configurations.remove('b'), true);
    assert.equal(await configurations.remove('b'), false);
    assert.equal(await configurations.getDefault(), undefined);
  });
});

describe('a configuration as JSON', () => {
  it('comes back as it was', () => {
    const text = JSON.stringify(configurationToJson(FULL, { secrets: 'shown' }));
    const read = configurationFromJson(JSON.parse(text));
    check(read);
    assert.equal(JSON.stringify(configurationToJson(read, { secrets: 'shown' })), text);
    const [server] = read.servers!;
    assert.deepEqual(server!.security, psk);
    assert.deepEqual(read.accessControl, FULL.accessControl);
  });

  it('takes bytes in hexadecimal and base64, and nothing else for them', () => {
    const { objects } = configurationFromJson({
      objects: [
        { path: '/19/0/0', value: { 0: { hex: 'a5A5' }, 1: { base64: 'paU=' }, 2: { base64: 'paU' } } },
        { path: '/19/0/1', value: { hex: '' } },
      ],
    });
    const bytes = Uint8Array.of(0xa5, 0xa5);
    assert.deepEqual(objects, [
      { path: '/19/0/0', value: { 0: bytes, 1: bytes, 2: bytes } },
      { path: '/19/0/1', value: new Uint8Array(0) },
    ]);
    for (const wrong of [{ hex: 'a' }, { hex: 'zz' }, { base64: '*' }, { hex: 5 }, { hidden: true }])
      assert.throws(() => configurationFromJson({ servers: [{ security: wrong }] }), UsageError);
    let deep: unknown = {};
    for (let depth = 0; depth < 100; depth++) deep = [deep];
    assert.throws(() => configurationFromJson({ servers: deep }), UsageError);
  });

  it('shows no secret when secrets are hidden, wherever it is', () => {
    const text = JSON.stringify(configurationToJson(FULL, { secrets: 'hidden' }));
    assert.equal(text.includes(Buffer.from(KEY).toString('base64')), false);
    assert.equal(text.match(/\{"hidden":true\}/g)?.length, 4);
    assert.match(text, /"identity":"it"/);
    assert.match(text, /"7":"user"/);
  });
});
