/** Certificates good and bad for tests: every field can be set to what no authority would issue. */
import { sign, type KeyObject } from 'node:crypto';
import type { Extension } from '../src/x509/certificate-extensions.ts';
import { assembleCertificate, basicConstraints, keyUsage, writeName } from '../src/x509/certificate-writer.ts';
import { derObjectIdentifier, derSequence } from '../src/x509/der-writer.ts';
import { ecKeyPair, type KeyPair } from './certificate-crypto.ts';

export const DAY = 86_400_000;
export const NOW: number = Date.UTC(2026, 5, 1);

export interface TestCertificate {
  readonly der: Uint8Array;
  readonly keys: KeyPair;
  readonly subject: Uint8Array;
}

export interface TestCertificateOptions {
  readonly name: string;
  /** Default: itself. */
  readonly issuer?: TestCertificate;
  readonly keys?: KeyPair;
  /** Default: those of an authority when `authority` is set, else of an end entity. */
  readonly extensions?: readonly Extension[];
  readonly more?: readonly Extension[];
  readonly authority?: { readonly pathLength?: number };
  readonly version?: 1 | 2 | 3;
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly algorithm?: { readonly oid: string; readonly hash: string | null };
  readonly issuerName?: Uint8Array;
  readonly serialNumber?: Uint8Array;
}

const ECDSA_SHA256 = { oid: '1.2.840.10045.4.3.2', hash: 'sha256' };

let serial = 0;

export function issue(options: TestCertificateOptions): TestCertificate {
  const keys = options.keys ?? ecKeyPair();
  const subject = writeName({ commonName: options.name });
  const signer: KeyObject = (options.issuer?.keys ?? keys).privateKey;
  const { hash, oid } = options.algorithm ?? ECDSA_SHA256;
  const usual = [
    basicConstraints(options.authority),
    keyUsage(options.authority === undefined ? ['digitalSignature'] : ['keyCertSign', 'cRLSign']),
  ];
  const der = assembleCertificate(
    {
      version: options.version ?? 3,
      serialNumber: options.serialNumber ?? Uint8Array.of(1, ++serial >> 8, serial),
      signatureAlgorithm: derSequence(derObjectIdentifier(oid)),
      issuer: options.issuerName ?? options.issuer?.subject ?? subject,
      notBefore: options.notBefore ?? NOW - DAY,
      notAfter: options.notAfter ?? NOW + DAY,
      subject,
      subjectPublicKeyInfo: keys.subjectPublicKeyInfo,
      extensions: [...(options.extensions ?? usual), ...(options.more ?? [])],
    },
    (bytes) => new Uint8Array(sign(hash, bytes, signer)),
  );
  return { der, keys, subject };
}

export const authority = (name: string, options: Partial<TestCertificateOptions> = {}): TestCertificate =>
  issue({ name, authority: {}, ...options });

export const hexBytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replace(/\s/g, ''), 'hex'));

/** A copy with one byte changed. */
export function withByte(bytes: Uint8Array, index: number, change: (byte: number) => number): Uint8Array {
  const copy = bytes.slice();
  copy[index] = change(copy[index]!);
  return copy;
}

/** A copy where the one occurrence of `find` is `replacement` instead; both of one length. */
export function replaced(bytes: Uint8Array, find: Uint8Array, replacement: Uint8Array): Uint8Array {
  const copy = Buffer.from(bytes);
  const at = copy.indexOf(find);
  if (at < 0 || copy.indexOf(find, at + 1) >= 0 || find.length !== replacement.length)
    throw new Error('not once in it');
  copy.set(replacement, at);
  return new Uint8Array(copy);
}
