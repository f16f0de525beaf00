/** `SignatureAndHashAlgorithm` as one number: hash, then signature. RFC 5246 §7.4.1.4.1, 8422 §5.1.3. */
import type { SignatureName } from './crypto.ts';

export interface SignatureAlgorithm {
  readonly name: SignatureName;
  readonly number: number;
}

export const SIGNATURE_ALGORITHMS: readonly SignatureAlgorithm[] = [
  { name: 'ecdsa-sha256', number: 0x0403 },
  { name: 'ecdsa-sha384', number: 0x0503 },
  { name: 'ecdsa-sha512', number: 0x0603 },
  { name: 'rsa-sha256', number: 0x0401 },
  { name: 'rsa-sha384', number: 0x0501 },
  { name: 'rsa-sha512', number: 0x0601 },
  { name: 'ed25519', number: 0x0807 },
];

export function signatureAlgorithmByNumber(number: number): SignatureAlgorithm | undefined {
  return SIGNATURE_ALGORITHMS.find((algorithm) => algorithm.number === number);
}

export function signatureAlgorithmByName(name: SignatureName): SignatureAlgorithm {
  return SIGNATURE_ALGORITHMS.find((algorithm) => algorithm.name === name)!;
}
