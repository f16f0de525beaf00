/**
 * A digest of the credentials that a session began with, kept with it: where they are others now, the next handshake is a
 * full one. Of a pre-shared key it lets whoever gets hold of it try keys, so it is kept where the master secret is.
 */
import type { ClientCredentials, ServerCertificatePolicy } from '../credentials.ts';
import type { DtlsCrypto, SecretKey } from '../crypto.ts';
import { encodeSections } from '../session/sections.ts';
import type { SessionState } from '../session/session.ts';

const KEY_LABEL = new TextEncoder().encode('key of the session');
const CHECK_BYTES = 16;
const NO_BYTES = new Uint8Array(0);

export function keyCheck(key: SecretKey, crypto: DtlsCrypto): Uint8Array {
  return crypto.hmac('sha256', key, KEY_LABEL).slice(0, CHECK_BYTES);
}

/** Of the certificates a client's must lead up to: one that is trusted no longer vouches for no session either. */
export function trustAnchorsCheck(trustAnchors: readonly Uint8Array[], crypto: DtlsCrypto): Uint8Array {
  return digest(fingerprints(trustAnchors, crypto), crypto);
}

/** Of what a client shows, and of what it demands of the server. */
export function clientCheck(credentials: ClientCredentials, crypto: DtlsCrypto): Uint8Array {
  switch (credentials.kind) {
    case 'psk':
      return keyCheck(credentials.key, crypto);
    case 'rpk':
      return digest([credentials.own.publicKey, credentials.serverPublicKey], crypto);
    case 'x509':
      return digest([credentials.own?.chain[0] ?? NO_BYTES, ...policyParts(credentials.server, crypto)], crypto);
  }
}

export function isBegunWith(session: SessionState, check: Uint8Array, crypto: DtlsCrypto): boolean {
  return session.credentialCheck !== undefined && crypto.equal(session.credentialCheck, check);
}

function policyParts(
  { usage, certificate, matchingType, trustAnchors, serverName }: ServerCertificatePolicy,
  crypto: DtlsCrypto,
): readonly Uint8Array[] {
  const name = serverName === undefined ? NO_BYTES : new TextEncoder().encode(serverName);
  return [Uint8Array.of(usage, matchingType), certificate, name, ...fingerprints(trustAnchors, crypto)];
}

function digest(parts: readonly Uint8Array[], crypto: DtlsCrypto): Uint8Array {
  return crypto.hash('sha256', encodeSections(parts)).slice(0, CHECK_BYTES);
}

/** Anchors are configuration and come with every handshake: their bytes do not change. */
const known = new WeakMap<Uint8Array, Uint8Array>();

function fingerprints(certificates: readonly Uint8Array[], crypto: DtlsCrypto): readonly Uint8Array[] {
  return certificates.map((der) => {
    let fingerprint = known.get(der);
    if (fingerprint === undefined) known.set(der, (fingerprint = crypto.hash('sha256', der)));
    return fingerprint;
  });
}
