/**
 * Certificate in both its forms (RFC 5246 §7.4.2, RFC 7250 §3), CertificateRequest (§7.4.4) and CertificateVerify (§7.4.8).
 * Decoded fields are views of the body.
 */
import type { Malformed } from '../malformed.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';

export interface CertificateRequest {
  /** `ClientCertificateType`; see `ECDSA_SIGN`. */
  readonly certificateTypes: readonly number[];
  readonly signatureAlgorithms: readonly number[];
  /** DER of distinguished names; empty: any. */
  readonly certificateAuthorities: readonly Uint8Array[];
}

/** A signature over the handshake, with its algorithm. RFC 5246 §4.7. */
export interface DigitallySigned {
  /** See `SIGNATURE_ALGORITHMS`. */
  readonly algorithm: number;
  readonly signature: Uint8Array;
}

/** X.509, DER, the end entity first; empty when a client has none. The length of a chain is bounded by that of the message. */
export function decodeCertificateChain(body: Uint8Array): readonly Uint8Array[] | Malformed {
  const reader = new ByteReader(body, 'Certificate');
  const list = new ByteReader(reader.vector24('the list'), 'Certificate');
  const chain: Uint8Array[] = [];
  while (list.remaining > 0) {
    const certificate = list.vector24('a certificate');
    if (certificate.length === 0) list.fail('an empty certificate');
    chain.push(certificate);
  }
  return reader.finish() ?? list.finish() ?? chain;
}

export function encodeCertificateChain(chain: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter(chain.reduce((sum, certificate) => sum + 3 + certificate.length, 3));
  const list = writer.begin(3);
  for (const certificate of chain) writer.vector24(certificate);
  writer.end(list, 3);
  return writer.finish();
}

/** SubjectPublicKeyInfo in DER; empty when a client has none. */
export function decodeRawPublicKey(body: Uint8Array): Uint8Array | Malformed {
  const reader = new ByteReader(body, 'Certificate');
  const subjectPublicKeyInfo = reader.vector24('the raw public key');
  return reader.finish() ?? subjectPublicKeyInfo;
}

export function encodeRawPublicKey(subjectPublicKeyInfo: Uint8Array): Uint8Array {
  const writer = new ByteWriter(3 + subjectPublicKeyInfo.length);
  writer.vector24(subjectPublicKeyInfo);
  return writer.finish();
}

export function decodeCertificateRequest(body: Uint8Array): CertificateRequest | Malformed {
  const reader = new ByteReader(body, 'CertificateRequest');
  const certificateTypes = reader.vector8('certificate_types');
  if (!reader.failed && certificateTypes.length === 0) reader.fail('no certificate_types');
  const signatureAlgorithms = reader.uint16s('supported_signature_algorithms');
  const names = new ByteReader(reader.vector16('certificate_authorities'), 'CertificateRequest');
  const certificateAuthorities: Uint8Array[] = [];
  while (names.remaining > 0) {
    const name = names.vector16('a certificate authority');
    if (name.length === 0) names.fail('an empty certificate authority');
    certificateAuthorities.push(name);
  }
  return (
    reader.finish() ??
    names.finish() ?? { certificateTypes: Array.from(certificateTypes), signatureAlgorithms, certificateAuthorities }
  );
}

export function encodeCertificateRequest(request: CertificateRequest): Uint8Array {
  const writer = new ByteWriter(64);
  writer.vector8(Uint8Array.from(request.certificateTypes));
  writer.uint16s(request.signatureAlgorithms);
  const names = writer.begin(2);
  for (const name of request.certificateAuthorities) writer.vector16(name);
  writer.end(names, 2);
  return writer.finish();
}

export function decodeCertificateVerify(body: Uint8Array): DigitallySigned | Malformed {
  const reader = new ByteReader(body, 'CertificateVerify');
  const signed = readSigned(reader);
  return reader.finish() ?? signed;
}

export function encodeCertificateVerify(signed: DigitallySigned): Uint8Array {
  const writer = new ByteWriter(4 + signed.signature.length);
  writeSigned(writer, signed);
  return writer.finish();
}

export function readSigned(reader: ByteReader): DigitallySigned {
  const algorithm = reader.uint16('the signature algorithm');
  const signature = reader.vector16('the signature');
  if (!reader.failed && signature.length === 0) reader.fail('an empty signature');
  return { algorithm, signature };
}

export function writeSigned(writer: ByteWriter, signed: DigitallySigned): void {
  writer.uint16(signed.algorithm);
  writer.vector16(signed.signature);
}
