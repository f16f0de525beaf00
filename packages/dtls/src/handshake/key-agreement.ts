/**
 * Both roles' way from what the ServerHello agreed on and a shared secret to the keys of epoch 1.
 * RFC 4279 §2, 5246 §8.1, 7627 §4, 8422 §5.10.
 */
import type { CipherSuite } from '../cipher-suite-table.ts';
import type { DtlsCrypto, EphemeralKey, SecretKey } from '../crypto.ts';
import { deriveKeys, extendedMasterSecret, masterSecret } from '../key-schedule.ts';
import type { SecurityParameters } from '../record/protection.ts';
import type { Transcript } from './transcript.ts';

/** Of a record without RFC 6066 §4. */
const MAX_FRAGMENT_LENGTH = 2 ** 14;

/** What the hellos agreed on, as far as keys and records go. */
export interface HelloAgreement {
  readonly suite: CipherSuite;
  readonly clientRandom: Uint8Array;
  readonly serverRandom: Uint8Array;
  readonly extendedMasterSecret: boolean;
  readonly encryptThenMac: boolean;
  readonly clientToServerId: Uint8Array | undefined;
  readonly serverToClientId: Uint8Array | undefined;
  readonly maxFragmentLength: number | undefined;
}

/** @returns undefined when the peer's bytes are no point of the group. */
export function ecdhePremaster(own: EphemeralKey, peer: Uint8Array, crypto: DtlsCrypto): SecretKey | undefined {
  const secret = crypto.agree(own, peer);
  if (secret === undefined) return undefined;
  const premaster = crypto.importSecret(secret);
  secret.fill(0);
  return premaster;
}

/** @param transcript up to and including ClientKeyExchange, which is the session hash of RFC 7627 §3. */
export function agreedMasterSecret(
  premaster: SecretKey,
  agreement: HelloAgreement,
  transcript: Transcript,
  crypto: DtlsCrypto,
): SecretKey {
  return agreement.extendedMasterSecret
    ? extendedMasterSecret(premaster, transcript.hash(), crypto)
    : masterSecret(premaster, agreement.clientRandom, agreement.serverRandom, crypto);
}

export function securityParameters(
  master: SecretKey,
  agreement: HelloAgreement,
  crypto: DtlsCrypto,
): SecurityParameters {
  const { client, server } = deriveKeys(
    master,
    agreement.clientRandom,
    agreement.serverRandom,
    agreement.suite,
    crypto,
  );
  return {
    suite: agreement.suite,
    client,
    server,
    encryptThenMac: agreement.encryptThenMac,
    clientToServerId: agreement.clientToServerId,
    serverToClientId: agreement.serverToClientId,
    maxFragmentLength: agreement.maxFragmentLength ?? MAX_FRAGMENT_LENGTH,
  };
}
