/** A server that serves coaps and devices that come to it, on the simulated network, with credentials of every kind. */
import { createPrivateKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { LwM2mClient, temperatureObject, type ServerAccount } from '@lapwing/client';
import {
  writeCertificate,
  type ClientCredentials,
  type DtlsParameters,
  type RawPublicKeyCredential,
  type ServerCredentials,
} from '@lapwing/dtls';
import {
  LwM2mServer,
  MemorySecurityStore,
  type SecurityEntry,
  type SecurityStore,
  type ServerOptions,
} from '@lapwing/server';
import { SimulatedNetwork, type SimulatedDtlsDriver, type SimulatedNetworkOptions } from '@lapwing/testkit';
import { nodeCrypto, type PeerAddress } from '@lapwing/transport';

export const SERVER: PeerAddress = { host: '10.0.0.1', port: 5684 };
export const DEVICE: PeerAddress = { host: '10.0.0.2', port: 56_830 };

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const secretKey = (fill: number): KeyObject => createSecretKey(new Uint8Array(16).fill(fill));

export const pskEntry = (endpointClientName: string, fill = 1): SecurityEntry => ({
  kind: 'psk',
  endpointClientName,
  identity: bytes(`identity of ${endpointClientName}`),
  key: secretKey(fill),
});
export const psk = (name: string, fill = 1): ClientCredentials => ({
  kind: 'psk',
  identity: bytes(`identity of ${name}`),
  key: secretKey(fill),
});

/** A key pair on P-256. */
export function keyPair(): RawPublicKeyCredential & { readonly privateKey: KeyObject } {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    publicKey: new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' })),
    privateKey: createPrivateKey(pair.privateKey.export({ format: 'pem', type: 'pkcs8' })),
  };
}

const YEAR = 365 * 24 * 3_600_000;
const BIRTH = Date.UTC(2025, 6, 1);

const authorityKey = keyPair();
export const AUTHORITY: Uint8Array = writeCertificate(
  {
    subject: { commonName: 'Authority of the tests' },
    subjectPublicKeyInfo: authorityKey.publicKey,
    notBefore: BIRTH,
    notAfter: BIRTH + 10 * YEAR,
    authority: {},
    issuer: { privateKey: authorityKey.privateKey },
  },
  nodeCrypto,
);

export interface Identity {
  readonly certificate: Uint8Array;
  readonly privateKey: KeyObject;
}

/** A certificate of the authority. */
export function identity(
  commonName: string,
  names: { readonly dnsNames?: readonly string[]; readonly uris?: readonly string[] } = {},
): Identity {
  const { publicKey, privateKey } = keyPair();
  const certificate = writeCertificate(
    {
      subject: { commonName },
      subjectPublicKeyInfo: publicKey,
      notBefore: BIRTH,
      notAfter: BIRTH + 10 * YEAR,
      ...names,
      issuer: { privateKey: authorityKey.privateKey, certificate: AUTHORITY },
    },
    nodeCrypto,
  );
  return { certificate, privateKey };
}

export const serverKey: ReturnType<typeof keyPair> = keyPair();
export const serverIdentity: Identity = identity('lapwing.example', { dnsNames: ['lapwing.example'] });

export const SERVER_CREDENTIALS: ServerCredentials = {
  psk: {},
  rawPublicKey: serverKey,
  certificate: { chain: [serverIdentity.certificate], privateKey: serverIdentity.privateKey },
  clientAuthentication: 'required',
  clientCertificateTypes: ['x509', 'rpk'],
  trustAnchors: [AUTHORITY],
};

export const rpk = (own: RawPublicKeyCredential): ClientCredentials => ({
  kind: 'rpk',
  own,
  serverPublicKey: serverKey.publicKey,
});

export const x509 = ({ certificate, privateKey }: Identity): ClientCredentials => ({
  kind: 'x509',
  own: { chain: [certificate], privateKey },
  server: { usage: 3, certificate: serverIdentity.certificate, matchingType: 0, trustAnchors: [] },
});

export interface Scene {
  readonly network: SimulatedNetwork;
  readonly server: LwM2mServer;
  readonly driver: SimulatedDtlsDriver;
  readonly store: SecurityStore;
  /** Refusals of requests and handshakes, and how registrations ended. */
  readonly said: string[];
}

export interface SceneOptions {
  readonly network?: SimulatedNetwork | SimulatedNetworkOptions;
  readonly dtls?: Partial<DtlsParameters>;
  readonly store?: SecurityStore;
  readonly server?: ServerOptions;
  /** Serve coap at the port before, too. */
  readonly plain?: boolean;
}

export function scene(entries: readonly SecurityEntry[], options: SceneOptions = {}): Scene {
  const network = options.network instanceof SimulatedNetwork ? options.network : new SimulatedNetwork(options.network);
  const driver = network.secureDriver(SERVER, { server: SERVER_CREDENTIALS, dtls: options.dtls ?? {} });
  const plain = options.plain === true ? [network.driver({ ...SERVER, port: 5683 })] : [];
  const store = options.store ?? new MemorySecurityStore(entries);
  const server = new LwM2mServer({ drivers: [driver, ...plain], securityStore: store, ...options.server });
  const said: string[] = [];
  server.on('refused', ({ code, reason }) => said.push(`${code} ${reason}`));
  server.on('handshakeRefused', ({ refusal }) => said.push(refusal.reason));
  server.on('unregistered', ({ endpointClientName }, reason) => said.push(`${endpointClientName} ${reason}`));
  return { network, server, driver, store, said };
}

export function startClient(
  network: SimulatedNetwork,
  name: string,
  credentials: ClientCredentials,
  account: Partial<ServerAccount> & { readonly dtls?: Partial<DtlsParameters>; readonly at?: PeerAddress } = {},
): LwM2mClient {
  const { dtls, at = DEVICE, ...rest } = account;
  const driver = network.secureDriver(at, { dtls: dtls ?? {} });
  const client = new LwM2mClient(driver, {
    endpointClientName: name,
    servers: [
      {
        uri: 'coaps://10.0.0.1',
        credentials,
        lifetimeSeconds: 600,
        confirmableNotifications: true,
        retry: { timerSeconds: 5, count: 3, sequenceDelaySeconds: 300 },
        ...rest,
      },
    ],
    objects: [temperatureObject({ value: 20 })],
  });
  client.register();
  return client;
}

/** Let virtual time pass until the promise has settled. */
export async function settled<T>(network: SimulatedNetwork, promise: Promise<T>): Promise<T> {
  let done = false;
  const end = (): void => void (done = true);
  promise.then(end, end);
  for (let waited = 0; !done && waited < 2_000_000; waited += 100) await network.run(100);
  return promise;
}
