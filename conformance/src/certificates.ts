/** Key pairs, authorities and certificates for the cases about DTLS: made for each run, on P-256. */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeCertificate, type RawPublicKeyCredential } from '@lapwing/dtls';
import { nodeCrypto } from '@lapwing/transport';

/** A certificate in DER, and the key that it is for. */
export interface Identity {
  readonly certificate: Uint8Array;
  readonly privateKey: KeyObject;
}

export interface KeyPair extends RawPublicKeyCredential {
  readonly privateKey: KeyObject;
}

export interface Names {
  readonly commonName: string;
  readonly dnsNames?: readonly string[];
}

/** The virtual time of a network begins in 2026. */
const BIRTH = Date.UTC(2025, 0, 1);
const YEAR = 365 * 24 * 3_600_000;

export function keyPair(): KeyPair {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    publicKey: new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' })),
    privateKey: createPrivateKey(pair.privateKey.export({ format: 'pem', type: 'pkcs8' })),
  };
}

/** @param issuer  default: itself. */
export const authority = (commonName: string, issuer?: Identity): Identity => write({ commonName }, true, issuer);

/** Of a server or a device. @param issuer  default: itself. @param keys  default: new ones. */
export const issue = (names: Names, issuer?: Identity, keys?: KeyPair): Identity => write(names, false, issuer, keys);

function write(
  { commonName, dnsNames = [] }: Names,
  isAuthority: boolean,
  issuer: Identity | undefined,
  { publicKey, privateKey } = keyPair(),
): Identity {
  const certificate = writeCertificate(
    {
      subject: { commonName },
      subjectPublicKeyInfo: publicKey,
      notBefore: BIRTH,
      notAfter: BIRTH + 10 * YEAR,
      dnsNames,
      ...(isAuthority && { authority: {} }),
      issuer: issuer ?? { privateKey },
    },
    nodeCrypto,
  );
  return { certificate, privateKey };
}
