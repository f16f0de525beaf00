/**
 * The algorithms a side accepts, and what a handshake may be signed with. RFC 5246 §7.4.1.4.1, RFC 8422 §5.10.
 */
import type { SignatureName } from '../crypto.ts';
import {
  SIGNATURE_ALGORITHMS,
  signatureAlgorithmByName,
  signatureAlgorithmByNumber,
} from '../signature-algorithm-table.ts';
import { failure, numbersText } from './handshake-failure.ts';
import type { HandshakeFailure } from './handshake.ts';
import type { CertificateKind } from './server-negotiation.ts';

/** What a key on P-256 may sign a handshake with. We sign with the first. */
const HANDSHAKE_SIGNATURES: readonly SignatureName[] = ['ecdsa-sha256', 'ecdsa-sha384', 'ecdsa-sha512'];

const EVERY_SIGNATURE: readonly number[] = SIGNATURE_ALGORITHMS.map((algorithm) => algorithm.number);

/** `ecdsa_secp256r1_sha256`: what LwM2M requires, and what we sign with. */
export const OUR_SIGNATURE: number = signatureAlgorithmByName('ecdsa-sha256').number;

const OUR_SIGNATURE_ALONE: readonly number[] = [OUR_SIGNATURE];

/** What either side accepts, its preference first. With certificates the list names the signatures inside them too. */
export function acceptedSignatures(kind: CertificateKind): readonly number[] {
  return kind === 'rpk' ? OUR_SIGNATURE_ALONE : EVERY_SIGNATURE;
}

/** The name of an algorithm a handshake may be signed with, if it was among the accepted ones. */
export function handshakeSignature(number: number, kind: CertificateKind): SignatureName | undefined {
  const name = acceptedSignatures(kind).includes(number) ? signatureAlgorithmByNumber(number)?.name : undefined;
  return name !== undefined && HANDSHAKE_SIGNATURES.includes(name) ? name : undefined;
}

/** What the signature of a ServerKeyExchange covers. RFC 8422 §5.4. */
export function signedKeyExchange(
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
  parameters: Uint8Array,
): Uint8Array {
  const signed = new Uint8Array(clientRandom.length + serverRandom.length + parameters.length);
  signed.set(clientRandom);
  signed.set(serverRandom, clientRandom.length);
  signed.set(parameters, clientRandom.length + serverRandom.length);
  return signed;
}

export function unofferedSignature(peer: 'client' | 'server', number: number): HandshakeFailure {
  const name = numbersText([number], (each) => signatureAlgorithmByNumber(each)?.name);
  return failure('bad-signature', 'illegal_parameter', `the ${peer} signs with ${name}, which was not offered for it`);
}

export function wrongSignature(peer: 'client' | 'server'): HandshakeFailure {
  return failure(
    'bad-signature',
    'decrypt_error',
    `the ${peer}'s signature does not fit its key: its private key is another one, or the handshake was changed on the way`,
  );
}
