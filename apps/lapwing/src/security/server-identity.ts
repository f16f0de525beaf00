/**
 * What the server proves itself with: one P-256 key, shown as a raw public key and in a certificate. Both are made on the
 * first start and kept; who has a certificate of an authority puts it and its key in the place of ours.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  X509Certificate,
} from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type CertificateCredential, type RawPublicKeyCredential, writeCertificate } from '@lapwing/dtls';
import { nodeCrypto } from '@lapwing/transport';
import { StartFailure } from '../start-failure.ts';
import { readPrivate, writePrivate } from './private-files.ts';

export interface ServerIdentity {
  readonly certificate: CertificateCredential;
  readonly rawPublicKey: RawPublicKeyCredential;
  /** The end entity of `certificate`. */
  readonly x509: X509Certificate;
  /** The whole chain. */
  readonly certificatePem: string;
  readonly publicKeyPem: string;
  /** SHA-256 of the SubjectPublicKeyInfo, lower-case hex. */
  readonly publicKeyFingerprint: string;
}

export const KEY_FILE = 'server-key.pem';
export const CERTIFICATE_FILE = 'server-certificate.pem';
/** For people to hand to devices; never read here. */
export const PUBLIC_KEY_FILE = 'server-public-key.pem';

const DAY = 86_400_000;
/** Devices live long, and a device that has pinned a certificate is not easily told of another. */
const VALID = 20 * 365 * DAY;

/**
 * @param folder  undefined: made for this run only.
 * @param unixTime  ms since 1970.
 *
 * Rejects with StartFailure when a file is there that cannot be used: making another key would turn away every device
 * that knows this one.
 */
export async function loadServerIdentity(folder: string | undefined, unixTime: number): Promise<ServerIdentity> {
  const files = folder === undefined ? undefined : filesIn(folder);
  const keyPem = files === undefined ? undefined : await readPrivate(files.key);
  const kept = files === undefined ? undefined : await readPrivate(files.certificate);
  if (files !== undefined && keyPem === undefined && kept !== undefined) {
    throw new StartFailure(
      `There is the server's certificate ${files.certificate} and not its key ${files.key}. Bring the key back, or move the certificate away to have both made anew.`,
    );
  }
  const privateKey =
    keyPem === undefined
      ? generateKeyPairSync('ec', { namedCurve: P256 }).privateKey
      : privateKeyOf(keyPem, files?.key ?? '');
  const publicKey = createPublicKey(privateKey);
  const certificatePem = kept?.toString('latin1') ?? selfSigned(privateKey, publicKey, unixTime);
  const identity = identityOf(privateKey, publicKey, certificatePem, files?.certificate ?? '');
  if (files !== undefined) {
    // The key first: a certificate without its key stops the next start.
    if (keyPem === undefined) {
      await writePrivate(files.key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    }
    if (kept === undefined) await writePrivate(files.certificate, certificatePem);
    await writePrivate(files.publicKey, identity.publicKeyPem);
  }
  return identity;
}

const P256 = 'prime256v1';

const filesIn = (
  folder: string,
): { readonly key: string; readonly certificate: string; readonly publicKey: string } => ({
  key: join(folder, KEY_FILE),
  certificate: join(folder, CERTIFICATE_FILE),
  publicKey: join(folder, PUBLIC_KEY_FILE),
});

function privateKeyOf(pem: Buffer, file: string): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(pem);
  } catch {
    // What is wrong inside a key is nothing to repeat.
  }
  if (key?.asymmetricKeyDetails?.namedCurve === P256) return key;
  throw new StartFailure(
    `${file} holds no private key on P-256 (secp256r1) in PEM without a password. Correct it, or move it and the certificate away to have both made anew.`,
  );
}

function identityOf(privateKey: KeyObject, publicKey: KeyObject, certificatePem: string, file: string): ServerIdentity {
  const certificates = certificatesOf(certificatePem);
  const [x509] = certificates ?? [];
  if (certificates === undefined || x509 === undefined) {
    throw new StartFailure(
      `${file} holds no certificate in PEM that can be read. Correct it, or move it away to have one made for the same key.`,
    );
  }
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  if (!x509.publicKey.export({ type: 'spki', format: 'der' }).equals(spki)) {
    throw new StartFailure(
      `The first certificate of ${file} is not for the key ${KEY_FILE} beside it. Put the fitting one there, or move it away to have one made for this key.`,
    );
  }
  return {
    certificate: { chain: certificates.map(({ raw }) => new Uint8Array(raw)), privateKey },
    rawPublicKey: { publicKey: new Uint8Array(spki), privateKey },
    x509,
    certificatePem: certificates.map((certificate) => certificate.toString()).join(''),
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }) as string,
    publicKeyFingerprint: createHash('sha256').update(spki).digest('hex'),
  };
}

/** Undefined when one of them cannot be read. */
function certificatesOf(pem: string): readonly X509Certificate[] | undefined {
  try {
    return Array.from(pem.matchAll(CERTIFICATE_BLOCK), ([block]) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}
const CERTIFICATE_BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

function selfSigned(privateKey: KeyObject, publicKey: KeyObject, unixTime: number): string {
  const name = /^[A-Za-z0-9.-]{1,64}$/.test(hostname()) ? hostname() : 'lapwing';
  const der = writeCertificate(
    {
      subject: { commonName: name },
      subjectPublicKeyInfo: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
      // The clocks of devices may be behind.
      notBefore: unixTime - DAY,
      notAfter: unixTime + VALID,
      dnsNames: [...new Set([name, 'localhost'])],
      ipAddresses: ['127.0.0.1', '::1'],
      purposes: ['serverAuth'],
      issuer: { privateKey },
    },
    nodeCrypto,
  );
  return new X509Certificate(der).toString();
}
