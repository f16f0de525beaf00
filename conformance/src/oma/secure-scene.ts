/** What the OMA cases about DTLS begin with: a server at server.example.com, and a device with credentials for it. */
import { createSecretKey } from 'node:crypto';
import type { ClientCredentials, ServerCredentials } from '@lapwing/dtls';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import type { SecurityEntry } from '@lapwing/server';
import { authority, issue } from '../certificates.ts';
import { ENDPOINT_CLIENT_NAME } from '../scene.ts';
import { SecureScene, SERVER_NAME } from '../secure-scene.ts';

const IDENTITY = new TextEncoder().encode('device of the case');

const AUTHORITY = authority('Authority of the cases');
const SERVER_IDENTITY = issue({ commonName: SERVER_NAME, dnsNames: [SERVER_NAME] }, AUTHORITY);
const CLIENT_IDENTITY = issue({ commonName: ENDPOINT_CLIENT_NAME }, AUTHORITY);

const SERVER_CREDENTIALS: ServerCredentials = {
  psk: {},
  certificate: { chain: [SERVER_IDENTITY.certificate], privateKey: SERVER_IDENTITY.privateKey },
  clientAuthentication: 'required',
  clientCertificateTypes: ['x509'],
  trustAnchors: [AUTHORITY.certificate],
};

const key = createSecretKey(new Uint8Array(16).fill(7));

/** C.1. */
export const PSK: { readonly client: ClientCredentials; readonly entry: SecurityEntry } = {
  client: { kind: 'psk', identity: IDENTITY, key },
  entry: { kind: 'psk', endpointClientName: ENDPOINT_CLIENT_NAME, identity: IDENTITY, key },
};

/** C.17: what /0/0/4 holds, by its usage (/0/0/15). */
export const CERTIFICATES = {
  'certificate of an authority on the way': {
    usage: 0,
    certificate: AUTHORITY.certificate,
    trustAnchors: [AUTHORITY.certificate],
  },
  'certificate of the server, on a valid way': {
    usage: 1,
    certificate: SERVER_IDENTITY.certificate,
    trustAnchors: [AUTHORITY.certificate],
  },
  'certificate of the authority': { usage: 2, certificate: AUTHORITY.certificate, trustAnchors: [] },
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

export const secureScene = (
  version: LwM2mVersion,
  { client, entry }: { readonly client: ClientCredentials; readonly entry?: SecurityEntry },
  hostName: string = SERVER_NAME,
): Promise<SecureScene> =>
  SecureScene.open({
    version,
    server: SERVER_CREDENTIALS,
    client,
    entries: entry === undefined ? [] : [entry],
    hostName,
  });
