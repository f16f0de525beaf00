/** Keys, certificates and stores for tests of the two machines. */
import { generateKeyPairSync } from 'node:crypto';
import { nodeCrypto } from '@lapwing/transport';
import type { ClientCredentials, ServerCredentials } from '../src/credentials.ts';
import type { DtlsCrypto, SecretKey } from '../src/crypto.ts';
import type { LookupAnswer } from '../src/events.ts';
import type { SessionCache, SessionState } from '../src/session/session.ts';
import { writeCertificate } from '../src/x509/certificate-writer.ts';
import { NOW } from './handshake-pair.ts';
import type { MachineLookup } from './handshake-pair.ts';

const DAY = 86_400_000;

export interface KeyPair {
  readonly privateKey: SecretKey;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array;
}

export function keyPair(namedCurve: 'prime256v1' | 'secp384r1' = 'prime256v1'): KeyPair {
  const pair = generateKeyPairSync('ec', { namedCurve });
  const imported = nodeCrypto.importPrivateKey(
    new Uint8Array(pair.privateKey.export({ format: 'der', type: 'pkcs8' })),
  );
  if (imported === undefined) throw new Error('the key does not import');
  return { privateKey: imported.key, publicKey: imported.subjectPublicKeyInfo };
}

export const authority: KeyPair = keyPair();
export const rootCertificate: Uint8Array = certificate('root', authority, { authority: {} });

/** Issued by `root`; for `root` by itself. */
export function certificate(
  commonName: string,
  pair: KeyPair,
  options: {
    readonly authority?: { readonly pathLength?: number };
    readonly dnsNames?: readonly string[];
    readonly notAfter?: number;
  } = {},
): Uint8Array {
  return writeCertificate(
    {
      subject: { commonName },
      subjectPublicKeyInfo: pair.publicKey,
      notBefore: NOW - 2 * DAY,
      notAfter: NOW + DAY,
      issuer: {
        privateKey: authority.privateKey,
        ...(options.authority === undefined ? { certificate: rootCertificate } : undefined),
      },
      ...options,
    },
    nodeCrypto,
  );
}

export const clientPair: KeyPair = keyPair();
export const serverPair: KeyPair = keyPair();
export const clientCertificate: Uint8Array = certificate('sensor-1', clientPair);
export const serverCertificate: Uint8Array = certificate('server', serverPair, { dnsNames: ['lwm2m.example'] });

export const IDENTITY: Uint8Array = new TextEncoder().encode('sensor-1');
export const KEY: SecretKey = nodeCrypto.importSecret(new TextEncoder().encode('0123456789abcdef'));

export const CLIENTS = {
  psk: { kind: 'psk', identity: IDENTITY, key: KEY },
  rpk: { kind: 'rpk', own: clientPair, serverPublicKey: serverPair.publicKey },
  x509: {
    kind: 'x509',
    own: { chain: [clientCertificate], privateKey: clientPair.privateKey },
    server: {
      usage: 2,
      certificate: rootCertificate,
      matchingType: 0,
      trustAnchors: [],
      serverName: 'lwm2m.example',
    },
  },
} as const satisfies Record<string, ClientCredentials>;

/** A server that takes everybody. */
export const EVERYTHING: ServerCredentials = {
  psk: {},
  certificate: { chain: [serverCertificate], privateKey: serverPair.privateKey },
  rawPublicKey: serverPair,
  clientAuthentication: 'required',
  clientCertificateTypes: ['rpk', 'x509'],
  trustAnchors: [rootCertificate],
};

/** A store that knows all three clients. */
export function knowsEveryone(lookup: MachineLookup): LookupAnswer {
  return lookup.kind === 'psk' ? { kind: 'key', key: KEY } : { kind: 'accepted' };
}

/** Sessions in a map, tickets that are the number of one: the real thing has tests of its own. */
export class SessionsInMemory implements SessionCache {
  readonly sessions = new Map<string, SessionState>();
  readonly #tickets: SessionState[] = [];
  get size(): number {
    return this.sessions.size;
  }
  find(id: Uint8Array): SessionState | undefined {
    return this.sessions.get(id.join());
  }
  keep(session: SessionState): void {
    this.sessions.set(session.id.join(), session);
  }
  forget(id: Uint8Array): void {
    this.sessions.delete(id.join());
  }
  sealTicket(session: SessionState): Uint8Array {
    return Uint8Array.of(0xaa, this.#tickets.push(session));
  }
  openTicket(ticket: Uint8Array): SessionState | undefined {
    return this.#tickets[ticket[1]! - 1];
  }
}

/** As `nodeCrypto`, and counts what is called. */
export function countingCrypto(): { readonly crypto: DtlsCrypto; readonly calls: Map<string, number> } {
  const calls = new Map<string, number>();
  const crypto = Object.fromEntries(
    Object.entries(nodeCrypto).map(([name, method]) => [
      name,
      (...given: unknown[]): unknown => {
        calls.set(name, (calls.get(name) ?? 0) + 1);
        return (method as (...given: unknown[]) => unknown)(...given);
      },
    ]),
  ) as unknown as DtlsCrypto;
  return { crypto, calls };
}
