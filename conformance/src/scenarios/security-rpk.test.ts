/** Raw public keys, and devices and servers of which one has a certificate and the other has not. RFC 7250. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { ClientCredentials, ServerCredentials } from '@lapwing/dtls';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { authority, issue, keyPair, type KeyPair } from '../certificates.ts';
import { at } from '../given.ts';
import { proves } from '../proves.ts';
import { register } from '../raw-register.ts';
import { ENDPOINT_CLIENT_NAME } from '../scene.ts';
import { SecureScene, SERVER, SERVER_NAME, type SecureSceneOptions } from '../secure-scene.ts';

const DEVICE = keyPair();
const OTHER = keyPair();
const DEVICES = authority('Authority of the devices');
const CERTIFIED = issue({ commonName: ENDPOINT_CLIENT_NAME }, DEVICES);
/** One key, shown bare or in a certificate. */
const SERVER_KEY = keyPair();
const SERVER_IDENTITY = issue({ commonName: SERVER_NAME, dnsNames: [SERVER_NAME] }, undefined, SERVER_KEY);

const KEYS_ONLY: ServerCredentials = {
  rawPublicKey: SERVER_KEY,
  clientAuthentication: 'required',
  clientCertificateTypes: ['rpk'],
  trustAnchors: [],
};
const BOTH: ServerCredentials = {
  ...KEYS_ONLY,
  certificate: { chain: [SERVER_IDENTITY.certificate], privateKey: SERVER_IDENTITY.privateKey },
  clientCertificateTypes: ['x509', 'rpk'],
  trustAnchors: [DEVICES.certificate],
};

const showing = (own: KeyPair, serverPublicKey: Uint8Array = SERVER_KEY.publicKey): ClientCredentials => ({
  kind: 'rpk',
  own,
  serverPublicKey,
});

const open = (version: LwM2mVersion, options: Partial<SecureSceneOptions> = {}): Promise<SecureScene> =>
  SecureScene.open({
    version,
    server: KEYS_ONLY,
    client: showing(DEVICE),
    entries: [{ kind: 'rpk', endpointClientName: ENDPOINT_CLIENT_NAME, publicKey: DEVICE.publicKey }],
    ...options,
  });

async function isServed(scene: SecureScene): Promise<void> {
  assert.deepEqual([scene.failures, scene.refused], [[], []]);
  const device = scene.server.device(ENDPOINT_CLIENT_NAME);
  assert.equal(device?.registration.security.kind, 'rpk');
  assert.match(device.registration.security.identity!, /^sha-256;[0-9a-f]{64}$/);
  assert.ok((await scene.settle(device.read(at('/3/0/0')))).ok);
}

describe('scenarios: raw public keys', () => {
  proves('rpk-registered', async (version) => {
    await using scene = await open(version);
    await isServed(scene);
  });

  proves('rpk-without-name', async (version) => {
    const other = { kind: 'rpk', endpointClientName: 'another device', publicKey: OTHER.publicKey } as const;
    await using scene = await open(version, { entries: [other] });
    const answer = await register(scene.network, SERVER, ['lt=60', `lwm2m=${version}`], showing(OTHER));
    assert.equal(answer.code, '2.01', 'the key belongs to one name');
    assert.equal(scene.server.device('another device')?.registration.security.kind, 'rpk');
  });

  proves('rpk-refused', ['another key', 'another name', 'another key of the server'], async (version, what) => {
    const [options, refused, failure] = {
      'another key': [{ client: showing(OTHER) }, 'unknown-public-key', /certificate_unknown/],
      'another name': [
        { endpointClientName: 'another name' },
        /^4\.00 public key sha-256;[0-9a-f]+ is known, endpoint "another name" is not allowed: it belongs to "/,
        /^4\.00 Bad Request/,
      ],
      'another key of the server': [
        { client: showing(DEVICE, OTHER.publicKey) },
        'alert-received certificate_unknown',
        /^the server shows the raw public key with SHA-256 [0-9a-f]+, and the one with [0-9a-f]+ is expected/,
      ],
    }[what] as [Partial<SecureSceneOptions>, string | RegExp, RegExp];
    await using scene = await open(version, options);
    assert.equal(scene.server.registrationCount, 0);
    if (typeof refused === 'string') assert.equal(scene.refused[0], refused);
    else assert.match(scene.refused[0]!, refused);
    assert.match(scene.failures[0]!, failure);
  });

  proves('rpk-removed', async (version) => {
    await using scene = await open(version);
    assert.ok(await scene.server.security.remove(ENDPOINT_CLIENT_NAME, 'rpk'));
    assert.deepEqual(scene.history, ['registered', 'removed']);
    assert.equal(scene.driver.dtlsUsage.associations, 0);
    scene.client.update();
    await scene.seconds(30);
    assert.equal(scene.refused[0], 'unknown-public-key');
    assert.match(scene.failures[0]!, /certificate_unknown/);
    assert.equal(scene.server.registrationCount, 0);
  });

  proves('rpk-with-certificate-server', async (version) => {
    await using scene = await open(version, { server: BOTH });
    await isServed(scene);
  });

  proves('certificate-with-rpk-server', async (version) => {
    await using scene = await open(version, {
      client: {
        kind: 'x509',
        own: { chain: [CERTIFIED.certificate], privateKey: CERTIFIED.privateKey },
        server: { usage: 3, certificate: SERVER_IDENTITY.certificate, matchingType: 0, trustAnchors: [] },
      },
      entries: [],
    });
    assert.equal(scene.server.registrationCount, 0);
    assert.equal(scene.refused[0], 'no-common-certificate-type');
    assert.match(scene.failures[0]!, /unsupported_certificate/);
  });
});
