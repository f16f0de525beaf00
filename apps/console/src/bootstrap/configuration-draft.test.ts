import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BootstrapConfiguration } from '../api/bootstrap-shapes.ts';
import type { ObjectDefinition, ResourceDefinition } from '../api/shapes.ts';
import { newBootstrapServer, newServer } from './account-draft.ts';
import {
  configurationDraftOf,
  configurationJson,
  EMPTY_CONFIGURATION,
  freeShortServerId,
  objectIdsOf,
  rightsLetters,
  type ConfigurationDraft,
} from './configuration-draft.ts';
import { emptyResource } from './resource-draft.ts';

const resource = (resourceId: number, type: ResourceDefinition['type'], multiple = false): ResourceDefinition => ({
  resourceId,
  name: `Resource ${resourceId}`,
  operations: 'RW',
  multiple,
  mandatory: false,
  type,
  range: '',
  units: '',
});
const object = (objectId: number, ...resources: readonly ResourceDefinition[]): ObjectDefinition => ({
  objectId,
  name: `Object ${objectId}`,
  version: '1.0',
  urn: '',
  multiple: true,
  mandatory: false,
  resources,
});
const DEFINITIONS = new Map(
  [
    object(0, resource(14, 'string'), resource(16, 'unsigned', true)),
    object(1, resource(13, 'unsigned'), resource(23, 'boolean')),
    object(9, resource(2, 'opaque'), resource(6, 'time'), resource(7, 'objlnk'), resource(8, 'integer', true)),
    object(21, resource(0, 'opaque')),
  ].map((each) => [each.objectId, each] as const),
);

/** One of everything, as the server answers it. */
const EVERYTHING: BootstrapConfiguration = {
  servers: [
    {
      shortServerId: 1,
      security: { mode: 'psk', generate: true, identity: 'a', keyBytes: 32 },
      lifetimeSeconds: 300,
      binding: 'UQ',
      server: { registrationPriorityOrder: 1, muteSend: true },
      securityObject: { sni: 'lwm2m.example', dtlsTlsCiphersuite: { 0: 49320 }, somethingNew: 7 },
      securityObjectInstanceId: 4,
      serverObjectInstanceId: 5,
    },
    {
      uri: 'coaps://other.example:5684',
      shortServerId: 102,
      security: { mode: 'psk', identity: { hex: '00ff' }, key: { hidden: true } },
    },
    {
      uri: 'coaps://third.example',
      shortServerId: 103,
      security: {
        mode: 'x509',
        certificate: { base64: 'MAA=' },
        privateKey: { hidden: true },
        serverCertificate: { base64: 'MAE=' },
        certificateUsage: 2,
        matchingType: 0,
      },
    },
    { uri: 'coap://plain.example', shortServerId: 104, security: { mode: 'none' } },
  ],
  bootstrapServers: [
    {
      security: { mode: 'rpk', publicKey: { base64: 'MAA=' }, privateKey: { base64: 'MAE=' } },
      holdOffSeconds: 10,
      accountTimeoutSeconds: 0,
    },
  ],
  accessControl: [
    { objectId: 3, objectInstanceId: 0, owner: 1, rights: { 0: 'r', 102: 'rwe' }, accessControlObjectInstanceId: 2 },
    { objectId: 9, objectInstanceId: 'create', owner: 65_535, rights: { 1: 'c' } },
  ],
  objects: [
    { path: '/3/0/15', value: 'Europe/Berlin' },
    {
      path: '/9/0',
      resources: {
        2: { base64: 'AAE=' },
        7: '3:0',
        8: { 0: 1, 7: '9223372036854775807' },
      },
    },
    { path: '/21', objectInstances: { 0: { 0: { hidden: true } }, 5: {} } },
    { path: '/40000/1/2', value: { 0: 1.5, 3: 2.5 } },
  ],
  delete: ['/'],
  discover: [],
  read: ['/1'],
  contentFormat: 112,
  lwm2mVersion: '1.1',
  pack: false,
  secureOnly: true,
};

describe('a bootstrap configuration in the editor', () => {
  it('comes out as it went in, secrets that are not told included', () => {
    const { configuration, mistakes } = configurationJson(configurationDraftOf(EVERYTHING, DEFINITIONS));
    assert.deepEqual(mistakes.all(), []);
    assert.deepEqual(configuration, EVERYTHING);
  });

  it('leaves out what is empty, so that the server chooses', () => {
    assert.deepEqual(configurationJson(EMPTY_CONFIGURATION).configuration, {});
    assert.deepEqual(
      configurationJson({ ...EMPTY_CONFIGURATION, servers: [newServer(undefined, 1, true)] }).configuration,
      {
        servers: [{ shortServerId: 1, security: { mode: 'psk', generate: true } }],
      },
    );
    assert.deepEqual(configurationJson({ ...EMPTY_CONFIGURATION, bootstrapServers: [newBootstrapServer(false)] }), {
      ...configurationJson(EMPTY_CONFIGURATION),
      configuration: { bootstrapServers: [{ security: { mode: 'none' } }] },
    });
  });

  it('reads the types of Resources off definitions, and guesses where there is none', () => {
    const draft = configurationDraftOf(EVERYTHING, DEFINITIONS);
    const [timezone, software, , unknown] = draft.objects;
    assert.equal(timezone?.objectInstances[0]?.resources[0]?.type, 'string');
    assert.deepEqual(
      software?.objectInstances[0]?.resources.map(({ type, multiple }) => [type, multiple]),
      [
        ['opaque', false],
        ['objlnk', false],
        ['integer', true],
      ],
    );
    assert.equal(unknown?.objectInstances[0]?.resources[0]?.type, 'float');
    assert.equal(unknown?.objectInstances[0]?.resources[0]?.multiple, true);
    assert.deepEqual(objectIdsOf(EVERYTHING), [3, 9, 21, 40_000]);
  });

  it('takes a link and a moment in any form the server may have them', () => {
    const { configuration } = configurationJson(
      configurationDraftOf(
        {
          objects: [
            { path: '/9/0/7', value: { objectId: 3, objectInstanceId: 0 } },
            { path: '/9/0/6', value: '2026-01-31T12:00:00Z' },
            { path: '/9/0/2', value: { hex: '0001' } },
          ],
        },
        DEFINITIONS,
      ),
    );
    assert.deepEqual(configuration.objects, [
      { path: '/9/0/7', value: '3:0' },
      { path: '/9/0/6', value: '2026-01-31T12:00:00Z' },
      { path: '/9/0/2', value: { base64: 'AAE=' } },
    ]);
  });

  const wrong = (changed: Partial<ConfigurationDraft>): readonly string[] =>
    configurationJson({ ...EMPTY_CONFIGURATION, ...changed })
      .mistakes.all()
      .map(([pointer]) => pointer);
  const server = newServer(undefined, 1, true);

  it('says what is wrong with an account, at its place', () => {
    assert.deepEqual(
      wrong({
        servers: [
          server,
          {
            ...server,
            uri: 'http://x',
            shortServerId: '70000',
            lifetimeSeconds: '-1',
            securityObjectInstanceId: '65535',
          },
        ],
      }),
      [
        '/servers/1/shortServerId',
        '/servers/1/uri',
        '/servers/1/lifetimeSeconds',
        '/servers/1/securityObjectInstanceId',
      ],
    );
    assert.deepEqual(wrong({ servers: [server, { ...server }] }), ['/servers/1/shortServerId']);
    const security = { ...server.security, generate: false };
    assert.deepEqual(wrong({ servers: [{ ...server, security }] }), [
      '/servers/0/security/identity',
      '/servers/0/security/key',
    ]);
    assert.deepEqual(wrong({ servers: [{ ...server, security: { ...security, identity: '0xz', key: 'zz!' } }] }), [
      '/servers/0/security/identity',
      '/servers/0/security/key',
    ]);
    assert.deepEqual(wrong({ servers: [{ ...server, security: { ...security, mode: 'rpk' } }] }), [
      '/servers/0/security/publicKey',
      '/servers/0/security/privateKey',
    ]);
    assert.deepEqual(wrong({ servers: [{ ...server, security: { ...security, mode: 'x509', matchingType: '4' } }] }), [
      '/servers/0/security/certificate',
      '/servers/0/security/privateKey',
      '/servers/0/security/matchingType',
    ]);
  });

  it('says what is wrong with access rights and values, at their places', () => {
    const rights = { key: '1', shortServerId: '0', letters: 'r' };
    assert.deepEqual(
      wrong({
        accessControl: [
          {
            key: '1',
            objectId: '',
            objectInstanceId: '0',
            owner: 'x',
            rights: [rights, rights],
            accessControlObjectInstanceId: '',
          },
        ],
      }),
      ['/accessControl/0/rights', '/accessControl/0/objectId', '/accessControl/0/owner'],
    );
    const integer = emptyResource(8, { type: 'integer', multiple: true });
    const instance = { key: '1', id: '0', resources: [integer] };
    assert.deepEqual(
      wrong({
        objects: [
          { key: '1', as: 'objectInstance', objectId: 9, objectInstances: [instance] },
          { key: '2', as: 'object', objectId: 9, objectInstances: [instance, { ...instance, id: '0' }] },
          { key: '3', as: 'resource', objectId: 9, objectInstances: [{ ...instance, resources: [] }] },
        ],
      }),
      ['/objects/0/resources/8/0', '/objects/1/objectInstances/0', '/objects/1/objectInstances/0/8/0', '/objects/2'],
    );
  });

  it('offers the first Short Server ID that is free', () => {
    const servers = [newServer(undefined, 1, true), newServer(undefined, 3, true)];
    assert.equal(freeShortServerId({ ...EMPTY_CONFIGURATION, servers }), 2);
  });

  it('knows access rights as letters and as their sum (OMA TS Core §8.2)', () => {
    assert.equal(rightsLetters(0), '');
    assert.equal(rightsLetters(1), 'r');
    assert.equal(rightsLetters(31), 'rwedc');
    assert.equal(rightsLetters('CR'), 'rc');
  });
});
