/** From what a handshake agreed on to the protection of one direction. */
import type { DtlsCrypto } from '../crypto.ts';
import { AeadProtection } from './aead-protection.ts';
import { CbcProtection } from './cbc-protection.ts';
import type { Protection, SecurityParameters } from './protection.ts';

const NONE = new Uint8Array(0);

/**
 * @param sender  whose records these are: own ones to seal, the peer's to open.
 * @param paddingMultiple  records with a Connection ID are filled up to a multiple of it, to hide the length of what is
 *   inside. RFC 9146 §4. 1: not.
 */
export function createProtection(
  parameters: SecurityParameters,
  sender: 'client' | 'server',
  crypto: DtlsCrypto,
  paddingMultiple = 1,
): Protection {
  const { suite, encryptThenMac, maxFragmentLength } = parameters;
  const keys = sender === 'client' ? parameters.client : parameters.server;
  const id = (sender === 'client' ? parameters.clientToServerId : parameters.serverToClientId) ?? NONE;
  return suite.cipher === 'aes-128-cbc-sha256'
    ? new CbcProtection(crypto, keys, encryptThenMac, id, maxFragmentLength, paddingMultiple)
    : new AeadProtection(crypto, suite.cipher, keys, id, maxFragmentLength, paddingMultiple);
}
