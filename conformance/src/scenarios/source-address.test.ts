/** A client whose address changes under its registration, as behind a NAT that forgot it. OMA TS Transport §6.4, RFC 9146 §6. */
import assert from 'node:assert/strict';
import { createPrivateKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe } from 'node:test';
import { formatCode } from '@lapwing/coap';
import { LwM2mClient, temperatureObject } from '@lapwing/client';
import {
  writeCertificate,
  type CertificateCredential,
  type ClientCredentials,
  type RawPublicKeyCredential,
} from '@lapwing/dtls';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { copyRegistration, LwM2mServer, MemorySecurityStore, type SecurityEntry } from '@lapwing/server';
import { NatRelay, SimulatedNetwork } from '@lapwing/testkit';
import { nodeCrypto, type PeerAddress } from '@lapwing/transport';
import { device } from '../configurations.ts';
import { Operator } from '../operator.ts';
import { proves } from '../proves.ts';
import { ENDPOINT_CLIENT_NAME, Scene } from '../scene.ts';

const VALUE = '/3303/0/5700';

describe('scenarios: another source address without security', () => {
  const open = (version: LwM2mVersion): Promise<Scene> =>
    Scene.open({ version, objects: [device(), temperatureObject({ value: 20 })], nat: true });

  proves('source-address-notification', async (version) => {
    await using scene = await open(version);
    await scene.server.observe(VALUE);
    const registration = copyRegistration(scene.registration);
    scene.sent();
    scene.move();
    scene.client.set(VALUE, 21);
    await scene.seconds(60);
    assert.ok(
      scene.sent().some(({ from, observe }) => from === 'client' && observe !== undefined),
      'a notification was sent',
    );
    assert.deepEqual(scene.server.told(), []);
    assert.deepEqual(copyRegistration(scene.registration), registration);
    // The registration id of an Update is what nobody else knows.
    scene.client.update();
    await scene.seconds(10);
    assert.deepEqual(scene.history, ['registered', 'updated']);
    assert.notDeepEqual(scene.registration.address, registration.address);
    assert.deepEqual(
      scene.server.told(VALUE).map(({ values }) => values[VALUE]),
      [21],
      'it is observed anew',
    );
    scene.client.set(VALUE, 22);
    await scene.seconds(10);
    assert.equal(scene.server.told(VALUE).at(-1)?.values[VALUE], 22);
  });

  proves('source-address-send', async (version) => {
    await using scene = await open(version);
    let sends = 0;
    scene.server.server.on('sent', () => sends++);
    const registration = copyRegistration(scene.registration);
    const send = async (): Promise<string> => {
      const [result] = await scene.settle(scene.client.send([VALUE]));
      return formatCode(result!.code);
    };
    scene.move();
    assert.equal(await send(), '4.00');
    assert.equal(sends, 0);
    assert.deepEqual(copyRegistration(scene.registration), registration);
    scene.client.update();
    await scene.seconds(10);
    assert.notDeepEqual(scene.registration.address, registration.address);
    assert.equal(await send(), '2.04');
    assert.equal(sends, 1);
  });
});

// ── With security ────────────────────────────────────────────────────────────────────────────────────────────────────

const SERVER = { host: '10.0.0.1', port: 5684 };
const INSIDE = { host: '10.1.0.254', port: 5684 };
const outside = (moves: number): PeerAddress => ({ host: `10.2.0.${moves}`, port: 40_000 });
const KINDS = ['PSK', 'raw public keys', 'certificates'] as const;
type Kind = (typeof KINDS)[number];

function keyPair(): RawPublicKeyCredential & { readonly privateKey: KeyObject } {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    publicKey: new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' })),
    privateKey: createPrivateKey(pair.privateKey.export({ format: 'pem', type: 'pkcs8' })),
  };
}

const authorityKey = keyPair();
const serverKey = keyPair();
const clientKey = keyPair();
const LIFE = { notBefore: Date.UTC(2025, 0, 1), notAfter: Date.UTC(2035, 0, 1) };
const AUTHORITY = writeCertificate(
  {
    ...LIFE,
    subject: { commonName: 'Authority of the cases' },
    subjectPublicKeyInfo: authorityKey.publicKey,
    authority: {},
    issuer: { privateKey: authorityKey.privateKey },
  },
  nodeCrypto,
);
const certified = (
  commonName: string,
  { publicKey, privateKey }: ReturnType<typeof keyPair>,
): CertificateCredential => ({
  chain: [
    writeCertificate(
      {
        ...LIFE,
        subject: { commonName },
        subjectPublicKeyInfo: publicKey,
        issuer: { privateKey: authorityKey.privateKey, certificate: AUTHORITY },
      },
      nodeCrypto,
    ),
  ],
  privateKey,
});
const SERVER_CERTIFICATE = certified('server.example.com', serverKey);

const psk = {
  kind: 'psk',
  identity: new TextEncoder().encode('device of the case'),
  key: createSecretKey(new Uint8Array(16).fill(5)),
} as const;

const CREDENTIALS: Readonly<Record<Kind, { readonly client: ClientCredentials; readonly entry?: SecurityEntry }>> = {
  PSK: { client: psk, entry: { ...psk, endpointClientName: ENDPOINT_CLIENT_NAME } },
  'raw public keys': {
    client: { kind: 'rpk', own: clientKey, serverPublicKey: serverKey.publicKey },
    entry: { kind: 'rpk', endpointClientName: ENDPOINT_CLIENT_NAME, publicKey: clientKey.publicKey },
  },
  certificates: {
    client: {
      kind: 'x509',
      own: certified(ENDPOINT_CLIENT_NAME, clientKey),
      server: { usage: 3, certificate: SERVER_CERTIFICATE.chain[0]!, matchingType: 0, trustAnchors: [] },
    },
  },
};

class Secured implements AsyncDisposable {
  readonly network = new SimulatedNetwork();
  readonly server: LwM2mServer;
  readonly client: LwM2mClient;
  readonly operator: Operator;
  /** "registered", "updated", "sent", "at 10.2.0.2". */
  readonly history: string[] = [];
  readonly #nat: NatRelay;

  static async open(version: LwM2mVersion, kind: Kind): Promise<Secured> {
    const scene = new Secured(version, kind);
    scene.client.register();
    await scene.network.run(20_000);
    assert.deepEqual(scene.history, ['registered']);
    return scene;
  }

  private constructor(version: LwM2mVersion, kind: Kind) {
    const { network } = this;
    const { client: credentials, entry } = CREDENTIALS[kind];
    this.server = new LwM2mServer({
      drivers: [
        network.secureDriver(SERVER, {
          server: {
            psk: {},
            rawPublicKey: serverKey,
            certificate: SERVER_CERTIFICATE,
            clientAuthentication: 'required',
            clientCertificateTypes: ['x509', 'rpk'],
            trustAnchors: [AUTHORITY],
          },
        }),
      ],
      securityStore: new MemorySecurityStore(entry === undefined ? [] : [entry]),
    });
    this.server.on('registered', () => this.history.push('registered'));
    this.server.on('updated', () => this.history.push('updated'));
    this.server.on('sent', () => this.history.push('sent'));
    this.server.on('addressChanged', ({ address }) => this.history.push(`at ${address.host}`));
    this.#nat = new NatRelay(network, INSIDE, outside(1), SERVER);
    this.client = new LwM2mClient(network.secureDriver({ host: '10.1.0.1', port: 56_830 }), {
      endpointClientName: ENDPOINT_CLIENT_NAME,
      lwm2mVersion: version,
      servers: [{ uri: 'coaps://server.example.com', address: INSIDE, credentials }],
      objects: [device(), temperatureObject({ value: 20 })],
    });
    this.operator = new Operator(
      this.server,
      ENDPOINT_CLIENT_NAME,
      (promise) => this.settle(promise),
      () => network.now(),
    );
  }

  move(): void {
    this.#nat.rebind(outside(2));
  }

  async settle<T>(promise: Promise<T>): Promise<T> {
    let done = false;
    const mark = (): void => void (done = true);
    promise.then(mark, mark);
    for (let waited = 0; !done && waited < 400_000; waited += 100) await this.network.run(100);
    return promise;
  }

  /** The registration went on over the same association, at the new address, where the client is reached. */
  async assertMoved(): Promise<void> {
    const { registration, security } = this.server.device(ENDPOINT_CLIENT_NAME)!;
    assert.deepEqual(registration.address, outside(2));
    assert.deepEqual([security?.association?.connectionId, security?.association?.addressChanges], [true, 1]);
    assert.equal((await this.operator.read(VALUE)).code, '2.05');
    assert.equal(this.history[0], 'registered');
    assert.deepEqual(
      this.history.filter((line) => line.startsWith('at ')),
      ['at 10.2.0.2'],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.settle(this.client.close());
    await this.settle(this.server.close());
  }
}

describe('scenarios: another source address, with a Connection ID', () => {
  proves('source-address-secured-notification', KINDS, async (version, kind) => {
    await using scene = await Secured.open(version, kind);
    await scene.operator.observe(VALUE);
    scene.move();
    scene.client.set(VALUE, 21);
    await scene.network.run(10_000);
    assert.deepEqual(
      scene.operator.told(VALUE).map(({ values }) => values[VALUE]),
      [21],
    );
    await scene.assertMoved();
    assert.deepEqual(scene.history, ['registered', 'at 10.2.0.2'], 'no Update was needed');
  });

  proves('source-address-secured-send', KINDS, async (version, kind) => {
    await using scene = await Secured.open(version, kind);
    scene.move();
    const [result] = await scene.settle(scene.client.send([VALUE]));
    assert.ok(result?.ok);
    await scene.assertMoved();
    assert.deepEqual(scene.history, ['registered', 'at 10.2.0.2', 'sent'], 'no Update was needed');
  });
});
