/**
 * What devices have in the cases about Bootstrap to prove themselves with, one of each kind for each server: as a client
 * is given it, as a Bootstrap-Server writes it, and as the server it is for knows it.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import type { AccountSecurity } from '@lapwing/bootstrap-server';
import type { CertificateUsage, ClientCredentials, ServerCredentials } from '@lapwing/dtls';
import type { SecurityEntry } from '@lapwing/server';
import { authority, issue, keyPair, type Identity } from './certificates.ts';
import { ENDPOINT_CLIENT_NAME } from './scene.ts';

export type Kind = 'psk' | 'rpk' | 'x509';
export const KINDS: readonly Kind[] = ['psk', 'rpk', 'x509'];

/** Of every device and server, and of the certificates that a Bootstrap-Server makes. */
export const AUTHORITY: Identity = authority('Authority of the cases');

/** One way for a device to prove itself to one server. */
export interface Way {
  readonly client: ClientCredentials;
  readonly account: AccountSecurity;
  readonly entry: SecurityEntry;
}

/** A server of coaps by name. */
export interface SecureServer {
  readonly hostName: string;
  readonly credentials: ServerCredentials;
  /** SubjectPublicKeyInfo, and the certificate for it. */
  readonly publicKey: Uint8Array;
  readonly certificate: Uint8Array;
  /** The pre-shared key of the device. */
  readonly key: KeyObject;
  readonly ways: Readonly<Record<Kind, Way>>;
  /** The same certificates, with what /0/x/4 and /0/x/15 can say of the server. */
  readonly byUsage: Readonly<Record<CertificateUsage, Way>>;
}

export function secureServer(hostName: string, endpointClientName: string = ENDPOINT_CLIENT_NAME): SecureServer {
  const own = keyPair();
  const { certificate } = issue({ commonName: hostName, dnsNames: [hostName] }, AUTHORITY, own);
  const { publicKey } = own;
  const credentials: ServerCredentials = {
    psk: {},
    certificate: { chain: [certificate], privateKey: own.privateKey },
    rawPublicKey: own,
    clientAuthentication: 'required',
    clientCertificateTypes: ['x509', 'rpk'],
    trustAnchors: [AUTHORITY.certificate],
  };

  const device = keyPair();
  const deviceCertificate = issue({ commonName: endpointClientName }, AUTHORITY, device).certificate;
  const privateKey = new Uint8Array(device.privateKey.export({ format: 'der', type: 'pkcs8' }));
  const identity = `a device, to ${hostName}`;
  const keyBytes = new TextEncoder().encode(`key for ${hostName}`);
  const key = createSecretKey(keyBytes);

  const withUsage = (usage: CertificateUsage): Way => {
    const serverCertificate = usage === 0 || usage === 2 ? AUTHORITY.certificate : certificate;
    return {
      client: {
        kind: 'x509',
        own: { chain: [deviceCertificate], privateKey: device.privateKey },
        server: {
          usage,
          certificate: serverCertificate,
          matchingType: 0,
          trustAnchors: usage > 1 ? [] : [AUTHORITY.certificate],
        },
      },
      account: {
        mode: 'x509',
        certificate: deviceCertificate,
        privateKey,
        serverCertificate,
        certificateUsage: usage,
      },
      entry: { kind: 'x509', endpointClientName, fingerprint: undefined },
    };
  };
  const byUsage = { 0: withUsage(0), 1: withUsage(1), 2: withUsage(2), 3: withUsage(3) };
  const bytes = new TextEncoder().encode(identity);
  return {
    hostName,
    credentials,
    publicKey,
    certificate,
    key,
    byUsage,
    ways: {
      psk: {
        client: { kind: 'psk', identity: bytes, key },
        account: { mode: 'psk', identity, key: keyBytes },
        entry: { kind: 'psk', endpointClientName, identity: bytes, key },
      },
      rpk: {
        client: { kind: 'rpk', own: device, serverPublicKey: publicKey },
        account: { mode: 'rpk', publicKey: device.publicKey, privateKey, serverPublicKey: publicKey },
        entry: { kind: 'rpk', endpointClientName, publicKey: device.publicKey },
      },
      x509: byUsage[3],
    },
  };
}

/** The Bootstrap-Server, and the LwM2M Servers, of a scene. */
export const BOOTSTRAP: SecureServer = secureServer('bootstrap.example.com');
export const MANAGEMENT: readonly SecureServer[] = [
  secureServer('server.example.com'),
  secureServer('other.example.com'),
];
