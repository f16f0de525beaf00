/** What the cases about DTLS begin with: a server at server.example.com, and a device with credentials for it. */
import { createPrivateKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { LwM2mClient } from '@lapwing/client';
import { writeCertificate, type ClientCredentials, type ServerCredentials } from '@lapwing/dtls';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { LwM2mServer, MemorySecurityStore, type SecurityEntry } from '@lapwing/server';
import { SimulatedNetwork } from '@lapwing/testkit';
import { nodeCrypto } from '@lapwing/transport';
import { C1_ACCOUNT, device } from '../configurations.ts';
import { ENDPOINT_CLIENT_NAME } from '../scene.ts';

const SERVER = { host: '10.0.0.1', port: 5684 };
const SERVER_NAME = 'server.example.com';
const BIRTH = Date.UTC(2025, 0, 1);
const YEAR = 365 * 24 * 3_600_000;
const IDENTITY = new TextEncoder().encode('device of the case');

export interface Identity {
  readonly certificate: Uint8Array;
  readonly privateKey: KeyObject;
}

function keyPair(): { readonly publicKey: Uint8Array; readonly privateKey: KeyObject } {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    publicKey: new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' })),
    privateKey: createPrivateKey(pair.privateKey.export({ format: 'pem', type: 'pkcs8' })),
  };
}

const authorityKey = keyPair();
const AUTHORITY = writeCertificate(
  {
    subject: { commonName: 'Authority of the cases' },
    subjectPublicKeyInfo: authorityKey.publicKey,
    notBefore: BIRTH,
    notAfter: BIRTH + 10 * YEAR,
    authority: {},
    issuer: { privateKey: authorityKey.privateKey },
  },
  nodeCrypto,
);

function identity(commonName: string, dnsNames: readonly string[]): Identity {
  const { publicKey, privateKey } = keyPair();
  const certificate = writeCertificate(
    {
      subject: { commonName },
      subjectPublicKeyInfo: publicKey,
      notBefore: BIRTH,
      notAfter: BIRTH + 10 * YEAR,
      dnsNames,
      issuer: { privateKey: authorityKey.privateKey, certificate: AUTHORITY },
    },
    nodeCrypto,
  );
  return { certificate, privateKey };
}

const SERVER_IDENTITY = identity(SERVER_NAME, [SERVER_NAME]);
const CLIENT_IDENTITY = identity(ENDPOINT_CLIENT_NAME, []);

const SERVER_CREDENTIALS: ServerCredentials = {
  psk: {},
  certificate: { chain: [SERVER_IDENTITY.certificate], privateKey: SERVER_IDENTITY.privateKey },
  clientAuthentication: 'required',
  clientCertificateTypes: ['x509'],
  trustAnchors: [AUTHORITY],
};

const key = createSecretKey(new Uint8Array(16).fill(7));

/** C.1. */
export const PSK: { readonly client: ClientCredentials; readonly entry: SecurityEntry } = {
  client: { kind: 'psk', identity: IDENTITY, key },
  entry: { kind: 'psk', endpointClientName: ENDPOINT_CLIENT_NAME, identity: IDENTITY, key },
};

/** C.17: what /0/0/4 holds, by its usage (/0/0/15). */
export const CERTIFICATES = {
  'certificate of an authority on the way': { usage: 0, certificate: AUTHORITY, trustAnchors: [AUTHORITY] },
  'certificate of the server, on a valid way': {
    usage: 1,
    certificate: SERVER_IDENTITY.certificate,
    trustAnchors: [AUTHORITY],
  },
  'certificate of the authority': { usage: 2, certificate: AUTHORITY, trustAnchors: [] },
  'certificate of the server': { usage: 3, certificate: SERVER_IDENTITY.certificate, trustAnchors: [] },
} as const;

export const withCertificate = (
  held: keyof typeof CERTIFICATES,
): { readonly client: ClientCredentials; readonly entry?: SecurityEntry } => ({
  client: {
    kind: 'x509',
    own: { chain: [CLIENT_IDENTITY.certificate], privateKey: CLIENT_IDENTITY.privateKey },
    server: { ...CERTIFICATES[held], matchingType: 0 },
  },
});

export interface SecureScene extends AsyncDisposable {
  readonly network: SimulatedNetwork;
  readonly server: LwM2mServer;
  readonly client: LwM2mClient;
  /** Why the client has not registered. */
  readonly failures: string[];
  readonly settle: <T>(promise: Promise<T>) => Promise<T>;
}

export async function secureScene(
  version: LwM2mVersion,
  { client: credentials, entry }: { readonly client: ClientCredentials; readonly entry?: SecurityEntry },
  hostName: string = SERVER_NAME,
): Promise<SecureScene> {
  const network = new SimulatedNetwork();
  const server = new LwM2mServer({
    drivers: [network.secureDriver(SERVER, { server: SERVER_CREDENTIALS })],
    securityStore: new MemorySecurityStore(entry === undefined ? [] : [entry]),
  });
  const client = new LwM2mClient(network.secureDriver({ host: '10.1.0.1', port: 56_830 }), {
    endpointClientName: ENDPOINT_CLIENT_NAME,
    lwm2mVersion: version,
    servers: [{ ...C1_ACCOUNT, uri: `coaps://${hostName}`, address: SERVER, credentials }],
    objects: [device()],
  });
  const failures: string[] = [];
  client.on('registrationFailed', ({ reason }) => failures.push(reason));
  client.register();
  await network.run(20_000);
  const settle = async <T>(promise: Promise<T>): Promise<T> => {
    let done = false;
    const mark = (): void => void (done = true);
    promise.then(mark, mark);
    for (let waited = 0; !done && waited < 400_000; waited += 100) await network.run(100);
    return promise;
  };
  return {
    network,
    server,
    client,
    failures,
    settle,
    async [Symbol.asyncDispose]() {
      await settle(client.close());
      await settle(server.close());
    },
  };
}
