/**
 * What the simulated devices prove themselves with: made on the first start and let in like those of any device. They are
 * in the store and the list of trusted certificates for everybody to see.
 */
import { createPrivateKey, createSecretKey, generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import type { CertificateCredential, ClientCredentials } from '@lapwing/dtls';
import { writeCertificate } from '@lapwing/dtls';
import { isMalformed } from '@lapwing/lwm2m';
import type { PskEntry } from '@lapwing/server';
import { nodeCrypto } from '@lapwing/transport';
import { readPrivate, writePrivate } from '../security/private-files.ts';
import type { FileSecurityStore } from '../security/file-security-store.ts';
import type { Security } from '../security/security.ts';

const DAY = 86_400_000;
const VALID = 10 * 365 * DAY;

/**
 * @param isServed  whether there is coaps at all; without it the device comes over plain CoAP, and must not have
 *   credentials that keep it from there.
 */
export async function demoCredentials(
  endpointClientName: string,
  kind: 'psk' | 'x509',
  security: Security,
  isServed: boolean,
  unixTime: number,
): Promise<ClientCredentials | undefined> {
  if (!isServed) {
    await security.store.remove(endpointClientName, kind);
    return undefined;
  }
  return kind === 'psk'
    ? preSharedKey(endpointClientName, security.store)
    : certificate(endpointClientName, security, unixTime);
}

/** The one in the store, made when there is none. */
export async function preSharedKey(endpointClientName: string, store: FileSecurityStore): Promise<ClientCredentials> {
  let entry = store.findByName(endpointClientName).find((each): each is PskEntry => each.kind === 'psk');
  if (entry === undefined) {
    const identity = new TextEncoder().encode(endpointClientName);
    entry = { kind: 'psk', endpointClientName, identity, key: createSecretKey(randomBytes(16)) };
    await store.add(entry);
  }
  return { kind: 'psk', identity: entry.identity, key: entry.key };
}

/** A certificate that signs itself is trusted by being a trust anchor, and pinned so that it is good for this device alone. */
async function certificate(
  endpointClientName: string,
  { folder, store, trustAnchors, identity }: Security,
  unixTime: number,
): Promise<ClientCredentials> {
  const file = folder === undefined ? undefined : join(folder, `${endpointClientName}.pem`);
  const kept = file === undefined ? undefined : (await readPrivate(file))?.toString('latin1');
  const pem = (kept === undefined ? undefined : usable(kept, unixTime)) ?? newCertificate(endpointClientName, unixTime);
  if (file !== undefined && pem !== kept) await writePrivate(file, pem);
  const x509 = new X509Certificate(pem);
  const trusted = await trustAnchors.add(x509.toString());
  if (isMalformed(trusted)) throw new Error(`its certificate cannot be trusted: ${trusted.malformed}`);
  const fingerprint = new Uint8Array(Buffer.from(trusted.anchor.fingerprint, 'hex'));
  await store.add({ kind: 'x509', endpointClientName, fingerprint });
  const own: CertificateCredential = { chain: [new Uint8Array(x509.raw)], privateKey: createPrivateKey(pem) };
  return {
    kind: 'x509',
    own,
    // Domain-issued: the server's certificate itself, whoever signed it. RFC 6698 §2.1.1.
    server: { usage: 3, certificate: new Uint8Array(identity.x509.raw), matchingType: 0, trustAnchors: [] },
  };
}

/** Undefined when it is damaged or soon over: then another is made, for nobody else knows it. */
function usable(pem: string, unixTime: number): string | undefined {
  try {
    const x509 = new X509Certificate(pem);
    const isSound = x509.checkPrivateKey(createPrivateKey(pem)) && Date.parse(x509.validTo) > unixTime + DAY;
    return isSound ? pem : undefined;
  } catch {
    return undefined;
  }
}

/** Certificate and private key in one PEM text. */
function newCertificate(endpointClientName: string, unixTime: number): string {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const der = writeCertificate(
    {
      subject: { commonName: endpointClientName },
      subjectPublicKeyInfo: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
      notBefore: unixTime - DAY,
      notAfter: unixTime + VALID,
      purposes: ['clientAuth'],
      issuer: { privateKey },
    },
    nodeCrypto,
  );
  return new X509Certificate(der).toString() + (privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
}
