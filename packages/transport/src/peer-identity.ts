/**
 * What a peer has proven to be, as text that people read and that is compared: two identities are equal exactly when
 * their texts are.
 */
import { createHash } from 'node:crypto';
import type { PeerSecurity } from '@lapwing/coap';
import type { Principal } from '@lapwing/dtls';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A PSK identity as text where it is printable UTF-8, else "0x" and its bytes in hexadecimal. */
export function identityText(identity: Uint8Array): string {
  try {
    const text = decoder.decode(identity);
    // What could be mistaken for hexadecimal is shown as such.
    if (text !== '' && !text.startsWith('0x') && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text)) return text;
  } catch {
    // Not UTF-8.
  }
  return `0x${hex(identity)}`;
}

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
