/** What a peer has proven to be, as bytes: in tickets and exported associations. */
import type { Principal } from '../credentials.ts';
import { isMalformed, type Malformed } from '../malformed.ts';
import { decodeSections, encodeSections } from './sections.ts';

const KINDS: Readonly<Record<Principal['kind'], number>> = { anonymous: 0, psk: 1, rpk: 2, x509: 3 };
const WITHOUT_COMMON_NAME = 0;
const WITH_COMMON_NAME = 1;
const FINGERPRINT = 32;
const WHAT = 'principal';

export function encodePrincipal(principal: Principal): Uint8Array {
  const kind = KINDS[principal.kind];
  switch (principal.kind) {
    case 'anonymous':
      return encodeSections([Uint8Array.of(kind)]);
    case 'psk':
      return encodeSections([Uint8Array.of(kind), principal.identity]);
    case 'rpk':
      return encodeSections([Uint8Array.of(kind), principal.publicKey]);
    case 'x509': {
      const { publicKey, commonName, alternativeNames, fingerprint } = principal;
      return encodeSections([
        Uint8Array.of(kind, commonName === undefined ? WITHOUT_COMMON_NAME : WITH_COMMON_NAME),
        publicKey,
        fingerprint,
        encodeText(commonName ?? ''),
        ...alternativeNames.map(encodeText),
      ]);
    }
  }
}

/** Copies: the bytes may go. */
export function decodePrincipal(bytes: Uint8Array): Principal | Malformed {
  const sections = decodeSections(bytes, WHAT);
  if (isMalformed(sections)) return sections;
  const [head, first, fingerprint, commonName, ...names] = sections;
  if (head === undefined || head.length === 0) return { malformed: `${WHAT}: without a kind` };
  const isX509 = head[0] === KINDS.x509;
  if (head.length !== (isX509 ? 2 : 1)) return { malformed: `${WHAT}: a head of ${head.length} bytes` };
  if (head[0] === KINDS.anonymous && first === undefined) return { kind: 'anonymous' };
  if (first !== undefined && fingerprint === undefined) {
    if (head[0] === KINDS.psk) return { kind: 'psk', identity: first.slice() };
    if (head[0] === KINDS.rpk) return { kind: 'rpk', publicKey: first.slice() };
  }
  if (!isX509 || first === undefined || commonName === undefined || fingerprint?.length !== FINGERPRINT) {
    return { malformed: `${WHAT}: kind ${head[0]} with ${sections.length} sections` };
  }
  const hasCommonName = head[1] === WITH_COMMON_NAME;
  if (!hasCommonName && (head[1] !== WITHOUT_COMMON_NAME || commonName.length > 0)) {
    return { malformed: `${WHAT}: a Common Name that is not announced` };
  }
  return {
    kind: 'x509',
    publicKey: first.slice(),
    commonName: hasCommonName ? decodeText(commonName) : undefined,
    alternativeNames: names.map(decodeText),
    fingerprint: fingerprint.slice(),
  };
}

export function encodeText(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function decodeText(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}
