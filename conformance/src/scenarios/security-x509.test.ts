/**
 * Certificates on both sides: 12 ways to set a device and a server up that end in a registration, and 22 that end in a
 * refusal with its reason. OMA TS Transport §5.2.8.7, RFC 6698 §2.1.1.
 */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { CertificateUsage, ServerCredentials } from '@lapwing/dtls';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import type { ServerOptions } from '@lapwing/server';
import { authority, issue, type Identity } from '../certificates.ts';
import { at } from '../given.ts';
import { valuesOf } from '../operator.ts';
import { proves } from '../proves.ts';
import { register } from '../raw-register.ts';
import { ENDPOINT_CLIENT_NAME } from '../scene.ts';
import { SecureScene, SERVER as ADDRESS, SERVER_NAME } from '../secure-scene.ts';

const ROOT = authority('Root of the servers');
const MIDDLE = authority('Authority of the servers', ROOT);
const SERVER = issue({ commonName: SERVER_NAME, dnsNames: [SERVER_NAME] }, MIDDLE);
/** For the same name, by the same authority. */
const TWIN = issue({ commonName: SERVER_NAME, dnsNames: [SERVER_NAME] }, MIDDLE);
const SELF_SIGNED = issue({ commonName: SERVER_NAME, dnsNames: [SERVER_NAME] });
const OTHER_SELF_SIGNED = issue({ commonName: SERVER_NAME, dnsNames: [SERVER_NAME] });

const DEVICES = authority('Authority of the devices');
const DEVICE = issue({ commonName: ENDPOINT_CLIENT_NAME }, DEVICES);
const OTHER_NAME = issue({ commonName: 'somebody else' }, DEVICES);
const UNTRUSTED_DEVICE = issue({ commonName: ENDPOINT_CLIENT_NAME }, authority('Authority of strangers'));
const SELF_SIGNED_DEVICE = issue({ commonName: ENDPOINT_CLIENT_NAME });

/** What the server shows: its key is that of the first. */
const FULL_CHAIN = [SERVER, MIDDLE, ROOT];
const CHAIN = [SERVER, MIDDLE];
const LEAF = [SERVER];
const ITSELF = [SELF_SIGNED];

interface Setting {
  readonly shows?: readonly Identity[];
  /** /0/0/15 and /0/0/4. Default: the certificate of the server itself (3). */
  readonly usage?: CertificateUsage;
  readonly holds?: Identity;
  /** What the device trusts besides; of use with 0 and 1. */
  readonly trusts?: readonly Identity[];
  /** What the device shows. */
  readonly device?: { readonly certificate: Identity; readonly privateKey?: Identity };
  readonly endpointClientName?: string;
}

interface Refusal extends Setting {
  /** Who turns the other away, and the alert it sends or the code it answers. */
  readonly by: 'device' | 'server';
  /** As the server sees it. */
  readonly refused: string;
  /** As the device sees it. */
  readonly failure: RegExp;
}

const open = (version: LwM2mVersion, setting: Setting, serverOptions: ServerOptions = {}): Promise<SecureScene> => {
  const { shows = CHAIN, usage = 3, holds = shows[0]!, trusts = [ROOT], device = { certificate: DEVICE } } = setting;
  const { endpointClientName = ENDPOINT_CLIENT_NAME } = setting;
  return SecureScene.open({
    version,
    server: serverShowing(shows),
    client: {
      kind: 'x509',
      own: {
        chain: [device.certificate.certificate],
        privateKey: (device.privateKey ?? device.certificate).privateKey,
      },
      server: {
        usage,
        certificate: holds.certificate,
        matchingType: 0,
        trustAnchors: trusts.map(({ certificate }) => certificate),
      },
    },
    entries: [{ kind: 'x509', endpointClientName: ENDPOINT_CLIENT_NAME, fingerprint: undefined }],
    endpointClientName,
    serverOptions,
  });
};

const serverShowing = (chain: readonly Identity[]): ServerCredentials => ({
  certificate: { chain: chain.map(({ certificate }) => certificate), privateKey: chain[0]!.privateKey },
  clientAuthentication: 'required',
  clientCertificateTypes: ['x509'],
  trustAnchors: [DEVICES.certificate],
});

/** Registered as itself, and it answers a Read. */
async function isServed(scene: SecureScene): Promise<void> {
  assert.deepEqual([scene.failures, scene.refused], [[], []]);
  const device = scene.server.device(ENDPOINT_CLIENT_NAME);
  assert.deepEqual(device?.registration.security, { kind: 'x509', identity: ENDPOINT_CLIENT_NAME });
  const outcome = await scene.settle(device.read(at('/3/0/0')));
  assert.ok(outcome.ok);
  assert.deepEqual(valuesOf(outcome.value.entries), { '/3/0/0': 'Lapwing' });
}

const ACCEPTED = {
  'both signed by an authority': {},
  'a server certificate that signed itself and is expected': { shows: ITSELF, trusts: [] },
  'usage 0, an authority in the middle': { usage: 0, holds: MIDDLE },
  'usage 0, the root': { usage: 0, holds: ROOT },
  'usage 1, the certificate of the server on a valid path': { usage: 1, holds: SERVER },
  'usage 2, an authority in the middle': { usage: 2, holds: MIDDLE, trusts: [] },
  'usage 2, the root': { usage: 2, holds: ROOT, trusts: [] },
  'usage 3, the server shows the full chain': { usage: 3, shows: FULL_CHAIN, trusts: [] },
  'usage 3, the server shows its certificate alone': { usage: 3, shows: LEAF, trusts: [] },
  'usage 3, a certificate that signed itself and is the one': { usage: 3, shows: ITSELF, trusts: [] },
} as const satisfies Readonly<Record<string, Setting>>;

const NOT_THE_AUTHORITY = { by: 'device', refused: 'alert-received unknown_ca' } as const;
const NOT_THE_ONE = {
  by: 'device',
  refused: 'alert-received certificate_unknown',
  failure: /is not the one in the security object/,
} as const;
const OTHER_WAY = /is valid, but not by way of the authority in the security object/;
const BY_ITSELF = /is signed by itself and is not among the one trust anchor/;
const NO_AUTHORITY = /is the one in the security object as an authority, and is none/;
const WRONG_NAME = { by: 'server', failure: /^4\.00 Bad Request/ } as const;
const NOT_FOR_NAME = (endpoint: string, owner: string): string =>
  `4.00 the certificate is valid, endpoint "${endpoint}" is not allowed: it is for "${owner}"`;

const REFUSED = {
  'the device registers under another name': {
    ...WRONG_NAME,
    endpointClientName: 'another name',
    refused: NOT_FOR_NAME('another name', ENDPOINT_CLIENT_NAME),
  },
  'the certificate of the device is for another name': {
    ...WRONG_NAME,
    device: { certificate: OTHER_NAME },
    refused: NOT_FOR_NAME(ENDPOINT_CLIENT_NAME, 'somebody else'),
  },
  'the device has another private key': {
    by: 'server',
    device: { certificate: DEVICE, privateKey: OTHER_NAME },
    refused: 'bad-signature',
    failure: /decrypt_error/,
  },
  'nobody the server trusts signed the device': {
    by: 'server',
    device: { certificate: UNTRUSTED_DEVICE },
    refused: 'certificate',
    failure: /unknown_ca/,
  },
  'the device signed itself': {
    by: 'server',
    device: { certificate: SELF_SIGNED_DEVICE },
    refused: 'certificate',
    failure: /unknown_ca/,
  },
  'usage 0, the certificate of the server, trusted directly': {
    ...NOT_THE_AUTHORITY,
    usage: 0,
    holds: SERVER,
    trusts: [SERVER],
    failure: OTHER_WAY,
  },
  'usage 0, an authority that is held but not trusted': {
    ...NOT_THE_AUTHORITY,
    usage: 0,
    holds: MIDDLE,
    trusts: [],
    failure: /was issued by .*, which is not among the 0 trust anchors/,
  },
  'usage 0, a certificate that signed itself and is not in the chain': {
    ...NOT_THE_AUTHORITY,
    usage: 0,
    holds: SELF_SIGNED,
    failure: OTHER_WAY,
  },
  'usage 0, the certificate of the server, which signed itself': {
    ...NOT_THE_AUTHORITY,
    usage: 0,
    shows: ITSELF,
    failure: BY_ITSELF,
  },
  'usage 1, the root': { ...NOT_THE_ONE, usage: 1, holds: ROOT },
  'usage 1, another certificate of the same authority': { ...NOT_THE_ONE, usage: 1, holds: TWIN },
  'usage 1, a certificate that signed itself and is not in the chain': { ...NOT_THE_ONE, usage: 1, holds: SELF_SIGNED },
  'usage 1, the certificate of the server, which signed itself': {
    ...NOT_THE_AUTHORITY,
    usage: 1,
    shows: ITSELF,
    failure: BY_ITSELF,
  },
  'usage 1, an authority is missing in the chain': {
    ...NOT_THE_AUTHORITY,
    usage: 1,
    shows: LEAF,
    failure: /was issued by CN=Authority of the servers, which is not among the one trust anchor and was not sent/,
  },
  'usage 2, the certificate of the server, trusted directly': {
    ...NOT_THE_AUTHORITY,
    usage: 2,
    holds: SERVER,
    trusts: [SERVER],
    failure: NO_AUTHORITY,
  },
  'usage 2, the certificate of the server, shown alone': {
    ...NOT_THE_AUTHORITY,
    usage: 2,
    shows: LEAF,
    trusts: [],
    failure: NO_AUTHORITY,
  },
  'usage 2, the certificate of the server, which signed itself and is trusted directly': {
    ...NOT_THE_AUTHORITY,
    usage: 2,
    shows: ITSELF,
    trusts: [SELF_SIGNED],
    failure: NO_AUTHORITY,
  },
  'usage 2, the certificate of the server, which signed itself': {
    ...NOT_THE_AUTHORITY,
    usage: 2,
    shows: ITSELF,
    trusts: [],
    failure: NO_AUTHORITY,
  },
  'usage 2, an authority that is not in the chain': {
    ...NOT_THE_AUTHORITY,
    usage: 2,
    holds: DEVICES,
    failure: /was issued by CN=Root of the servers, which is not among the one trust anchor/,
  },
  'usage 3, an authority in the middle': { ...NOT_THE_ONE, usage: 3, holds: MIDDLE },
  'usage 3, another certificate of the same authority': { ...NOT_THE_ONE, usage: 3, holds: TWIN },
  'usage 3, another certificate that signed itself': {
    ...NOT_THE_ONE,
    usage: 3,
    shows: ITSELF,
    holds: OTHER_SELF_SIGNED,
  },
} as const satisfies Readonly<Record<string, Refusal>>;

describe('scenarios: certificates', () => {
  const accepted = Object.keys(ACCEPTED) as (keyof typeof ACCEPTED)[];
  proves('x509-accepted', accepted, async (version, row) => {
    await using scene = await open(version, ACCEPTED[row]);
    await isServed(scene);
  });

  proves('x509-without-name', async (version) => {
    await using scene = await open(version, {});
    const answer = await register(scene.network, ADDRESS, ['lt=60', `lwm2m=${version}`], {
      kind: 'x509',
      own: { chain: [OTHER_NAME.certificate], privateKey: OTHER_NAME.privateKey },
      server: { usage: 3, certificate: SERVER.certificate, matchingType: 0, trustAnchors: [] },
    });
    assert.equal(answer.code, '2.01');
    assert.ok(scene.server.device('somebody else') !== undefined, 'its Common Name is its name');
  });

  proves('x509-removed', async (version) => {
    await using scene = await open(version, {}, { parameters: { acceptUnlistedCertificates: false } });
    await isServed(scene);
    assert.ok(await scene.server.security.remove(ENDPOINT_CLIENT_NAME));
    assert.deepEqual(scene.history, ['registered', 'removed']);
    assert.equal(scene.driver.dtlsUsage.associations, 0);
    scene.client.update();
    await scene.seconds(30);
    assert.equal(scene.refused[0], 'certificate', 'it comes back, and is not known any more');
    assert.match(scene.failures[0]!, /access_denied/);
    assert.equal(scene.server.registrationCount, 0);
  });

  const refused = Object.keys(REFUSED) as (keyof typeof REFUSED)[];
  proves('x509-refused', refused, async (version, row) => {
    const expected: Refusal = REFUSED[row];
    await using scene = await open(version, expected);
    assert.equal(scene.server.registrationCount, 0);
    assert.equal(scene.refused[0], expected.refused);
    assert.match(scene.failures[0] ?? '', expected.failure);
  });
});
