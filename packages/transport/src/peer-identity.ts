/**
 * What a peer has proven to be, as text that people read and that is compared: two identities are equal exactly when
 * their texts are.
 */
import { createHash } from 'node:crypto';
import type { PeerSecurity } from '@lapwing/coap';
import { identityText, type Principal } from '@lapwing/dtls';

/** SHA-256 of a SubjectPublicKeyInfo, "sha-256;" and hexadecimal as in RFC 6920 §7. */
export const publicKeyText = (publicKey: Uint8Array): string =>
  `sha-256;${createHash('sha256').update(publicKey).digest('hex')}`;

/** A certificate goes by its Common Name, else by its first alternative name, else by its fingerprint. */
export function securityOfPrincipal(principal: Principal): PeerSecurity {
  switch (principal.kind) {
    case 'psk':
      return { kind: 'psk', identity: identityText(principal.identity) };
    case 'rpk':
      return { kind: 'rpk', identity: publicKeyText(principal.publicKey) };
    case 'x509': {
      const { commonName, alternativeNames, fingerprint } = principal;
      return { kind: 'x509', identity: commonName ?? alternativeNames[0] ?? `sha-256;${hex(fingerprint)}` };
    }
    case 'anonymous':
      return { kind: 'none' };
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
