import assert from 'node:assert/strict';
import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, it } from 'node:test';
import { cipherSuiteByName, formatPem, writeCertificate, type ClientCredentials } from '@lapwing/dtls';
import { isMalformed, ObjectDefinitions } from '@lapwing/lwm2m';
import { nodeCrypto } from '@lapwing/transport';
import type { ServerAccount } from '../api.ts';
import type { ObjectInstanceContent } from '../client-object.ts';
import { ObjectTree } from '../object-tree.ts';
import { securityObject } from '../objects/security.ts';
import { resolveAccounts } from '../server-account.ts';
import {
  bootstrapServerInstancesOf,
  securityAccountOf,
  serverIdOfSecurity,
  serverInstanceOf,
  serverInstancesOf,
  type SecurityAccount,
} from './security-account.ts';

const definitions = new ObjectDefinitions();
const LISTENER = {
  changed: () => undefined,
  removed: () => undefined,
  instancesChanged: () => undefined,
  hookFailed: () => undefined,
  unixTime: () => 0,
};
const treeOf = (
  security: ObjectInstanceContent,
  server?: Readonly<Record<number, ObjectInstanceContent>>,
): ObjectTree =>
  new ObjectTree(
    [
      { objectId: 0, instances: { 0: security } },
      { objectId: 1, instances: server ?? {} },
    ],
    definitions,
    '1.2',
    LISTENER,
  );

const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Pair {
  readonly publicKey: Uint8Array;
  readonly privateKey: KeyObject;
  readonly pkcs8: Uint8Array;
}
function pair(namedCurve = 'P-256'): Pair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve });
  return {
    publicKey: plain(publicKey.export({ format: 'der', type: 'spki' })),
    privateKey,
    pkcs8: plain(privateKey.export({ format: 'der', type: 'pkcs8' })),
  };
}
const certificateOfPair = ({ publicKey }: Pair, issuer: Pair): Uint8Array =>
  writeCertificate(
    {
      subject: { commonName: 'one' },
      subjectPublicKeyInfo: publicKey,
      notBefore: 0,
      notAfter: 4_000_000_000_000,
      issuer: { privateKey: issuer.privateKey },
    },
    nodeCrypto,
  );

const OWN = pair();
const OTHER = pair();
const P384 = pair('P-384');
const OWN_CERTIFICATE = certificateOfPair(OWN, OTHER);
const SERVER_CERTIFICATE = certificateOfPair(OTHER, OTHER);
/** Self-signed, of our own making; its private key is lost. */
const P384_CERTIFICATE = plain(
  Buffer.from(
    'MIIBqjCCATCgAwIBAgIUSXkzmY2ua9DZpRugKSmROm7CQ0EwCgYIKoZIzj0EAwIwDjEMMAoGA1UEAwwDb25lMCAXDTI2MTEy' +
      'ODE1MjkzNVoYDzIwODEwODMxMTUyOTM1WjAOMQwwCgYDVQQDDANvbmUwdjAQBgcqhkjOPQIBBgUrgQQAIgNiAASBDgFcGvht' +
      'EEjkS7j32L/96TA6N+9T641kA/cVuPrC5EUg+R3cD78KoBAh6aWcwZemTRKcPoZfhC5B+lDwwnGqPZMcmgTm02OxGDSa6h7x' +
      'ukg8XwAT9SwuuYRtzHjA+zKjTTBLMB0GA1UdDgQWBBQ1KzWoS/nlLyb7bsZgWDTl3b7AqTAfBgNVHSMEGDAWgBQ1KzWoS/nl' +
      'Lyb7bsZgWDTl3b7AqTAJBgNVHRMEAjAAMAoGCCqGSM49BAMCA2gAMGUCMQD0VRFqiVikBwCscL3qEzSgscUaRiP1RF0bpzhY' +
      'zLArwHvPL93BC8xPuQVKqNIEmi0CMDRVmDqvWkdVZqZHIFoFX6UVJ633Ys00u7GUpCrsmT7dLNou3qQ8bj1c0s7D4hx6/Q==',
    'base64',
  ),
);
const PSK_BYTES = bytes('a secret of 16 b');
const NONE = new Uint8Array(0);

const noSec: ObjectInstanceContent = { 0: 'coap://10.0.0.1', 1: false, 2: 3, 3: NONE, 4: NONE, 5: NONE, 10: 7 };
const psk: ObjectInstanceContent = { ...noSec, 0: 'coaps://s.example/a/b', 2: 0, 3: bytes('me'), 5: PSK_BYTES };
const rpk: ObjectInstanceContent = { ...psk, 2: 1, 3: OWN.publicKey, 4: OTHER.publicKey, 5: OWN.pkcs8 };
const x509: ObjectInstanceContent = { ...psk, 2: 2, 3: OWN_CERTIFICATE, 4: SERVER_CERTIFICATE, 5: OWN.pkcs8 };

const read = (
  content: ObjectInstanceContent,
  trustAnchors: readonly Uint8Array[] = [],
): ReturnType<typeof securityAccountOf> => securityAccountOf(treeOf(content), 0, trustAnchors);
function sound(content: ObjectInstanceContent, trustAnchors: readonly Uint8Array[] = []): SecurityAccount {
  const account = read(content, trustAnchors);
  assert.ok(!isMalformed(account), JSON.stringify(account));
  return account;
}
const refused = (content: ObjectInstanceContent): string => {
  const account = read(content);
  assert.ok(isMalformed(account), 'refused');
  return account.malformed;
};
/** Keys by what they are, not by handle. */
const comparable = (credentials: ClientCredentials | undefined): unknown => {
  switch (credentials?.kind) {
    case undefined:
      return undefined;
    case 'psk':
      return { ...credentials, key: (credentials.key as KeyObject).export().toString('hex') };
    case 'rpk':
      return { ...credentials, own: { ...credentials.own, privateKey: exported(credentials.own.privateKey) } };
    case 'x509':
      return {
        ...credentials,
        own: credentials.own && { ...credentials.own, privateKey: exported(credentials.own.privateKey) },
      };
  }
};
const exported = (key: unknown): string => (key as KeyObject).export({ format: 'der', type: 'pkcs8' }).toString('hex');

describe('a Security Object Instance as the account of a server (Core, Object 0)', () => {
  it('NoSec over coap', () => {
    assert.deepEqual(sound(noSec), {
      objectInstanceId: 0,
      isBootstrapServer: false,
      uri: 'coap://10.0.0.1',
      parsedUri: { scheme: 'coap', host: '10.0.0.1', port: 5683, pathSegments: [] },
      shortServerId: 7,
      credentials: undefined,
      serverName: undefined,
      cipherSuites: undefined,
      holdOffSeconds: 0,
      accountTimeoutSeconds: 0,
    });
  });

  it('of a Bootstrap-Server: no Short Server ID, with its hold-off time and the timeout of its account', () => {
    const account = sound({ ...noSec, 1: true, 10: 7, 11: 5, 12: 60 });
    assert.equal(account.isBootstrapServer, true);
    assert.equal(account.shortServerId, undefined);
    assert.equal(account.holdOffSeconds, 5);
    assert.equal(account.accountTimeoutSeconds, 60);
  });

  it('a time below zero is none', () => {
    const account = sound({ ...noSec, 11: -5, 12: -1 });
    assert.deepEqual([account.holdOffSeconds, account.accountTimeoutSeconds], [0, 0]);
  });

  it('PSK', () => {
    const { credentials, parsedUri } = sound(psk);
    assert.deepEqual(comparable(credentials), {
      kind: 'psk',
      identity: bytes('me'),
      key: Buffer.from(PSK_BYTES).toString('hex'),
    });
    assert.deepEqual(parsedUri, { scheme: 'coaps', host: 's.example', port: 5684, pathSegments: ['a', 'b'] });
  });

  const FORMS: readonly (readonly [string, Uint8Array])[] = [
    ['OneAsymmetricKey in DER (RFC 5958)', OWN.pkcs8],
    ['ECPrivateKey in DER (RFC 5915)', plain(OWN.privateKey.export({ format: 'der', type: 'sec1' }))],
    ['OneAsymmetricKey in PEM', bytes(OWN.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string)],
    ['ECPrivateKey in PEM', bytes(OWN.privateKey.export({ format: 'pem', type: 'sec1' }) as string)],
  ];
  for (const [form, secret] of FORMS) {
    it(`RPK and X.509 with the private key as ${form}`, () => {
      const expected = { kind: 'rpk', own: { publicKey: OWN.publicKey, privateKey: OWN.privateKey }, serverPublicKey: OTHER.publicKey } as const; // prettier-ignore
      assert.deepEqual(comparable(sound({ ...rpk, 5: secret }).credentials), comparable(expected));
      const { credentials } = sound({ ...x509, 5: secret });
      assert.equal(credentials?.kind === 'x509' && exported(credentials.own?.privateKey), exported(OWN.privateKey));
    });
  }

  it('X.509: without more said it is the very certificate (usage 3, exact)', () => {
    assert.deepEqual(
      comparable(sound(x509).credentials),
      comparable({
        kind: 'x509',
        own: { chain: [OWN_CERTIFICATE], privateKey: OWN.privateKey },
        server: {
          usage: 3,
          certificate: SERVER_CERTIFICATE,
          matchingType: 0,
          trustAnchors: [],
          serverName: 's.example',
        },
      }),
    );
  });

  it('X.509 certificates in PEM, the own one with those of its authorities (1.2.1)', () => {
    const pem = (...ders: readonly Uint8Array[]): Uint8Array =>
      bytes(ders.map((der) => formatPem({ label: 'CERTIFICATE', der })).join('text between\n'));
    const { credentials } = sound({ ...x509, 3: pem(OWN_CERTIFICATE, SERVER_CERTIFICATE), 4: pem(SERVER_CERTIFICATE) });
    assert.ok(credentials?.kind === 'x509');
    assert.deepEqual(credentials.own?.chain, [OWN_CERTIFICATE, SERVER_CERTIFICATE]);
    assert.deepEqual(credentials.server.certificate, SERVER_CERTIFICATE);
  });

  for (const usage of [0, 1, 2, 3] as const) {
    for (const [matchingType, length] of [
      [1, 32],
      [2, 48],
      [3, 64],
    ] as const) {
      it(`X.509, usage ${usage}, by a hash of matching type ${matchingType}`, () => {
        const hash = new Uint8Array(length).fill(usage);
        const { credentials } = sound({ ...x509, 4: hash, 13: matchingType, 15: usage }, [SERVER_CERTIFICATE]);
        assert.ok(credentials?.kind === 'x509');
        assert.deepEqual(credentials.server, {
          usage,
          certificate: hash,
          matchingType,
          trustAnchors: [SERVER_CERTIFICATE],
          serverName: 's.example',
        });
      });
    }
  }

  it('SNI is the name that is asked for and the one the certificate must be for', () => {
    const { serverName, credentials } = sound({ ...x509, 0: 'coaps://10.0.0.1', 14: 'name.example' });
    assert.equal(serverName, 'name.example');
    assert.equal(credentials?.kind === 'x509' && credentials.server.serverName, 'name.example');
  });

  it('cipher suites in the order of their Resource Instances; unknown ones are passed over', () => {
    const suites = { 16: new Map([[5, 0xc02b], [2, 0x1301], [1, 0xc0ae], [9, 0xc02b]]) }; // prettier-ignore
    assert.deepEqual(sound({ ...rpk, ...suites }).cipherSuites, [
      'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8',
      'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
    ]);
    assert.equal(sound({ ...rpk, 16: [] }).cipherSuites, undefined);
    assert.equal(sound({ ...noSec, 16: [0xc0ae] }).cipherSuites, undefined, 'of no use with coap');
  });

  it('an Objlnk that is null does not ask for OSCORE', () => {
    assert.equal(sound({ ...noSec, 17: { objectId: 65535, objectInstanceId: 65535 } }).shortServerId, 7);
  });

  const flipped = (der: Uint8Array, at: number): Uint8Array => der.with(at, der.at(at)! ^ 0xff);
  const long = (length: number): Uint8Array => new Uint8Array(length).fill(1);
  // 30 39 30 13 … 03 22 00 02|03 X: half of the uncompressed one, with the parity of Y.
  const compressed = Uint8Array.of(
    ...[0x30, 0x39],
    ...OWN.publicKey.subarray(2, 23),
    ...[0x03, 0x22, 0x00, 0x02 + (OWN.publicKey.at(-1)! & 1)],
    ...OWN.publicKey.subarray(27, 59),
  );
  const REFUSED: readonly (readonly [string, ObjectInstanceContent, RegExp])[] = [
    ['no URI', { ...noSec, 0: undefined }, /^\/0\/0: it has no URI$/],
    ['an empty URI', { ...noSec, 0: '' }, /no URI/],
    ['a URI that is none', { ...noSec, 0: 'coap:somewhere' }, /is no coap/],
    ['a URI with a query', { ...noSec, 0: 'coap://h?x' }, /no query/],
    ['a URI with broken percent-encoding', { ...noSec, 0: 'coap://h/%ff' }, /percent-encoded/],
    ['port 0', { ...noSec, 0: 'coap://h:0' }, /port 0/],
    ['coap+tcp', { ...noSec, 0: 'coap+tcp://h' }, /scheme coap\+tcp is not supported/],
    ['coaps+ws', { ...noSec, 0: 'coaps+ws://h' }, /scheme coaps\+ws is not supported/],
    ['tel', { ...noSec, 0: 'tel:+123' }, /scheme tel is not supported/],
    ['mqtt', { ...noSec, 0: 'MQTT://h' }, /scheme mqtt is not supported/],
    ['nothing about a Bootstrap-Server', { ...noSec, 1: undefined }, /whether it is of a Bootstrap-Server/],
    ['a server without Short Server ID', { ...noSec, 10: undefined }, /Short Server ID/],
    ['no security mode', { ...noSec, 2: undefined }, /no security mode/],
    ['EST', { ...psk, 2: 4 }, /EST is not supported/],
    ['OSCORE', { ...noSec, 17: { objectId: 21, objectInstanceId: 0 } }, /OSCORE is not supported/],
    ['coap with a key', { ...psk, 0: 'coap://h' }, /coap URI goes with NoSec/],
    ['coaps with NoSec', { ...noSec, 0: 'coaps://h' }, /coaps URI does not go with NoSec/],
    ['an SNI with a blank', { ...psk, 14: 'a b' }, /SNI/],
    ['no usable cipher suite', { ...psk, 16: [0xc0ae, 0x1301] }, /none of its cipher suites can be used with psk/],
    ['no usable cipher suite of RPK', { ...rpk, 16: [0xc0a8] }, /none of its cipher suites can be used with rpk/],

    ['PSK without identity', { ...psk, 3: NONE }, /needs an identity/],
    ['PSK with a long identity', { ...psk, 3: long(1025) }, /identity of 1025 bytes/],
    ['PSK without key', { ...psk, 5: undefined }, /pre-shared key is empty/],
    ['PSK with a long key', { ...psk, 5: long(257) }, /pre-shared key of 257 bytes/],

    ['RPK without own public key', { ...rpk, 3: NONE }, /client's public key is missing/],
    ['RPK with own bytes that are no key', { ...rpk, 3: long(91) }, /client's public key is neither DER nor PEM/],
    [
      'RPK with the point off the curve',
      { ...rpk, 3: flipped(OWN.publicKey, -1) },
      /client's public key is no Subject/,
    ],
    ['RPK with a compressed point', { ...rpk, 3: compressed }, /client's public key is no Subject/],
    ['RPK with a private key labelled as a certificate', { ...rpk, 5: bytes(formatPem({ label: 'CERTIFICATE', der: OWN.pkcs8 })) }, /private key is neither DER nor PEM/], // prettier-ignore
    ['RPK on P-384', { ...rpk, 3: P384.publicKey, 5: P384.pkcs8 }, /client's public key is no Subject.*P-256/],
    ['RPK without private key', { ...rpk, 5: NONE }, /private key is missing/],
    ['RPK with the private key of another', { ...rpk, 5: OTHER.pkcs8 }, /private key is not the one/],
    ['RPK with a private key on P-384', { ...rpk, 5: P384.pkcs8 }, /private key is not on P-256/],
    ['RPK with a private key and a byte', { ...rpk, 5: Uint8Array.of(...OWN.pkcs8, 0) }, /no OneAsymmetricKey/],
    ['RPK with a pre-shared key', { ...rpk, 5: PSK_BYTES }, /private key is neither DER nor PEM/],
    ['RPK without the server', { ...rpk, 4: undefined }, /server's public key is missing/],
    ['RPK with a certificate of the server', { ...rpk, 4: SERVER_CERTIFICATE }, /server's public key is no Subject/],

    ['X.509 without own certificate', { ...x509, 3: NONE }, /client's certificate is missing/],
    ['X.509 with a public key', { ...x509, 3: OWN.publicKey }, /client's certificate is no X.509 certificate/],
    ['X.509 with a byte after it', { ...x509, 3: Uint8Array.of(...OWN_CERTIFICATE, 0) }, /is no X.509 certificate/],
    ['X.509 on P-384', { ...x509, 3: P384_CERTIFICATE, 5: P384.pkcs8 }, /private key is not on P-256/],
    ['X.509 on P-384, key on P-256', { ...x509, 3: P384_CERTIFICATE }, /not one of a key on P-256/],
    ['X.509 without private key', { ...x509, 5: NONE }, /private key is missing/],
    ['X.509 with the private key of another', { ...x509, 5: OTHER.pkcs8 }, /not the one of the client's certificate/],
    ['X.509 without the server', { ...x509, 4: NONE }, /server's certificate is missing/],
    ['X.509 with a hash where a certificate is said', { ...x509, 4: long(32) }, /server's certificate is neither/],
    ['X.509 with a certificate where a hash is said', { ...x509, 13: 1 }, /needs a hash of 32 bytes/],
    ['usage 0 without trust anchors', { ...x509, 15: 0 }, /usage 0 needs trust anchors/],
    ['usage 1 without trust anchors', { ...x509, 15: 1 }, /usage 1 needs trust anchors/],
    ['a bag of certificates', { ...x509, 3: bytes(formatPem({ label: 'CERTIFICATE', der: OWN_CERTIFICATE }).repeat(9)) }, /more than 8/], // prettier-ignore
    ['very many bytes', { ...x509, 3: long(65_537) }, /has 65537 bytes/],
  ];
  for (const [what, content, reason] of REFUSED) it(`refused: ${what}`, () => assert.match(refused(content), reason));

  it('refused: numbers that no definition allows, should a tree hold them', () => {
    // With a definition of the application's own the ranges of the registry do not hold.
    const definition = definitions.object(0, '1.2')!;
    const resources = new Map([...definition.resources].map(([id, one]) => [id, { ...one, range: '' }]));
    const tree = (content: ObjectInstanceContent): ObjectTree =>
      new ObjectTree(
        [{ objectId: 0, definition: { ...definition, resources }, instances: { 0: content } }],
        definitions,
        '1.2',
        LISTENER,
      );
    const reason = (content: ObjectInstanceContent): string => {
      const account = securityAccountOf(tree(content), 0, []);
      return isMalformed(account) ? account.malformed : 'sound';
    };
    assert.match(reason({ ...noSec, 2: 9 }), /no security mode 9/);
    assert.match(reason({ ...noSec, 10: 65535 }), /Short Server ID/);
    assert.match(reason({ ...noSec, 10: 0 }), /Short Server ID/);
    assert.match(reason({ ...x509, 13: 4 }), /no matching type 4/);
    assert.match(reason({ ...x509, 15: 2n ** 63n }), /no certificate usage/);
  });

  it('an Object Instance that does not exist', () => {
    assert.deepEqual(securityAccountOf(treeOf(noSec), 3, []), { malformed: '/0/3 does not exist' });
  });

  it('neither every truncation of keys and certificates nor random bytes throw, and no reason shows a byte of a key', () => {
    const secrets = [OWN.pkcs8, OTHER.pkcs8, PSK_BYTES].map((one) => Buffer.from(one).toString('latin1'));
    for (const content of [rpk, x509]) {
      for (const id of [3, 4, 5]) {
        const whole = content[id] as Uint8Array;
        for (let length = 0; length < whole.length; length++) {
          const reason = refused({ ...content, [id]: whole.slice(0, length) });
          assert.ok(secrets.every((secret) => !reason.includes(secret.slice(0, 8))));
        }
      }
    }
    const random = nodeCrypto.randomBytes(4096);
    for (let at = 0; at < 4000; at += 40) {
      for (const content of [rpk, x509]) refused({ ...content, 5: random.subarray(at, at + (at % 90)) });
    }
    assert.ok(!refused({ ...rpk, 5: bytes(`-----BEGIN PRIVATE KEY-----\nTOPSECRET!\n-----END PRIVATE KEY-----\n`) }).includes('TOP')); // prettier-ignore
  });

  it('what it returns does not change with the tree', () => {
    const identity = bytes('me');
    const tree = treeOf({ ...psk, 3: identity });
    const account = securityAccountOf(tree, 0, []);
    identity.fill(0);
    assert.ok(!isMalformed(account) && account.credentials?.kind === 'psk');
    assert.deepEqual(account.credentials.identity, bytes('me'));
  });
});

describe('credentials become Resources and credentials again', () => {
  const own = { publicKey: OWN.publicKey, privateKey: OWN.privateKey };
  const server = { usage: 3, certificate: SERVER_CERTIFICATE, matchingType: 0, trustAnchors: [], serverName: 's.example' } as const; // prettier-ignore
  const chain = [OWN_CERTIFICATE];
  const KINDS: readonly (readonly [string, Partial<ServerAccount>])[] = [
    ['none', { uri: 'coap://s.example' }],
    ['PSK', { credentials: { kind: 'psk', identity: bytes('me'), key: createSecretKey(PSK_BYTES) } }],
    ['RPK', { credentials: { kind: 'rpk', own, serverPublicKey: OTHER.publicKey } }],
    ['X.509', { credentials: { kind: 'x509', own: { chain, privateKey: OWN.privateKey }, server } }],
    ['X.509 without own certificate', { credentials: { kind: 'x509', server } }],
    ['X.509 by hash', { credentials: { kind: 'x509', server: { ...server, usage: 2, matchingType: 1, certificate: new Uint8Array(32) } } }], // prettier-ignore
    [
      'cipher suites and a name',
      {
        credentials: { kind: 'psk', identity: bytes('me'), key: createSecretKey(PSK_BYTES) },
        cipherSuites: ['TLS_PSK_WITH_AES_128_GCM_SHA256', 'TLS_PSK_WITH_AES_128_CCM_8'],
        serverName: 's.example',
      },
    ],
  ];
  for (const [kind, given] of KINDS) {
    it(kind, () => {
      const account: ServerAccount = { uri: 'coaps://s.example:1/x', shortServerId: 9, ...given };
      const tree = new ObjectTree([securityObject(resolveAccounts([account]))], definitions, '1.2', LISTENER);
      const back = securityAccountOf(tree, 0, []);
      assert.ok(!isMalformed(back), JSON.stringify(back));
      assert.equal(back.uri, account.uri);
      assert.equal(back.shortServerId, 9);
      assert.equal(back.serverName, account.serverName);
      assert.deepEqual(back.cipherSuites, account.cipherSuites);
      assert.deepEqual(comparable(back.credentials), comparable(account.credentials));
    });
  }

  it('the numbers of the suites are those of IANA', () => {
    assert.equal(cipherSuiteByName('TLS_PSK_WITH_AES_128_CCM_8').number, 49320);
  });
});

describe('the Object Instances of an account', () => {
  const tree = treeOf(noSec, { 4: { 0: 7 }, 2: { 0: 7 }, 1: { 0: 8 }, 0: { 1: 60 } });

  it('Server (1) is found by its Short Server ID, the lowest first', () => {
    assert.equal(serverInstanceOf(tree, 7), 2);
    assert.deepEqual(serverInstancesOf(tree, 7), [2, 4]);
    assert.equal(serverInstanceOf(tree, 9), undefined);
  });

  it('Security (0) says whose it is and which is of a Bootstrap-Server', () => {
    assert.equal(serverIdOfSecurity(tree, 0), 7);
    assert.deepEqual(bootstrapServerInstancesOf(tree), []);
    const bootstrap = treeOf({ ...noSec, 1: true });
    assert.equal(serverIdOfSecurity(bootstrap, 0), undefined);
    assert.deepEqual(bootstrapServerInstancesOf(bootstrap), [0]);
  });
});
