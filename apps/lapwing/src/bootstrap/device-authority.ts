/**
 * The authority that signs the certificates of devices that are made at a Bootstrap. It comes into being, and is trusted
 * by the LwM2M Server, with the first of them.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { certificateAuthority, type CertificateIssuer } from '@lapwing/bootstrap-server';
import { writeCertificate } from '@lapwing/dtls';
import { isMalformed } from '@lapwing/lwm2m';
import { nodeCrypto } from '@lapwing/transport';
import { readPrivate, writePrivate } from '../security/private-files.ts';
import type { TrustAnchors } from '../security/trust-anchors.ts';
import { StartFailure } from '../start-failure.ts';

/** Certificate and key in one PEM text. */
export const AUTHORITY_FILE = 'device-authority.pem';

const DAY = 86_400_000;
const VALID = 30 * 365 * DAY;

export class DeviceAuthority implements CertificateIssuer {
  readonly #file: string | undefined;
  readonly #trustAnchors: TrustAnchors;
  #pem: string | undefined;
  #issuer: Promise<CertificateIssuer> | undefined;

  private constructor(file: string | undefined, trustAnchors: TrustAnchors, pem: string | undefined) {
    this.#file = file;
    this.#trustAnchors = trustAnchors;
    this.#pem = pem;
  }

  /**
   * @param folder  undefined: made for this run only.
   *
   * Rejects with StartFailure when the file is there and is damaged: devices that have a certificate of it would be
   * turned away by another.
   */
  static async open(folder: string | undefined, trustAnchors: TrustAnchors): Promise<DeviceAuthority> {
    const file = folder === undefined ? undefined : join(folder, AUTHORITY_FILE);
    const pem = file === undefined ? undefined : (await readPrivate(file))?.toString('latin1');
    if (pem !== undefined && partsOf(pem) === undefined) {
      throw new StartFailure(
        `${file} does not hold a certificate and its private key in PEM. Restore it from a copy, or move it away to have another authority made.`,
      );
    }
    return new DeviceAuthority(file, trustAnchors, pem);
  }

  async issue(endpointClientName: string, publicKey: Uint8Array): Promise<Uint8Array> {
    this.#issuer ??= this.#prepare();
    try {
      return await (await this.#issuer).issue(endpointClientName, publicKey);
    } catch (error) {
      // It may work the next time, when the disk is not full any more.
      this.#issuer = undefined;
      throw error;
    }
  }

  async #prepare(): Promise<CertificateIssuer> {
    const pem = this.#pem ?? newAuthority(Date.now());
    if (this.#pem === undefined && this.#file !== undefined) await writePrivate(this.#file, pem);
    this.#pem = pem;
    const { x509, privateKey } = partsOf(pem)!;
    const trusted = await this.#trustAnchors.add(x509.toString());
    if (isMalformed(trusted)) throw new Error(`the authority cannot be trusted: ${trusted.malformed}`);
    return certificateAuthority({ certificate: new Uint8Array(x509.raw), privateKey });
  }
}

function partsOf(pem: string): { readonly x509: X509Certificate; readonly privateKey: KeyObject } | undefined {
  try {
    const x509 = new X509Certificate(pem);
    const privateKey = createPrivateKey(pem);
    return x509.checkPrivateKey(privateKey) ? { x509, privateKey } : undefined;
  } catch {
    return undefined;
  }
}

function newAuthority(unixTime: number): string {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const der = writeCertificate(
    {
      subject: { commonName: 'Lapwing devices' },
      subjectPublicKeyInfo: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
      notBefore: unixTime - DAY,
      notAfter: unixTime + VALID,
      authority: { pathLength: 0 },
      issuer: { privateKey },
    },
    nodeCrypto,
  );
  return new X509Certificate(der).toString() + (privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
}
