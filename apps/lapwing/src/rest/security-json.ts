/** What belongs to `/security`, as the REST API and the events show it. Nothing here is a secret. */
import type { SecurityInfo } from '@lapwing/server';
import type { RefusedHandshake } from '../security/refusal-log.ts';
import type { ServerIdentity } from '../security/server-identity.ts';
import { fingerprintOf, subjectOf, type TrustAnchor } from '../security/trust-anchors.ts';
import { sentence } from './sentence.ts';
import type { CredentialJson, RefusedHandshakeJson, ServerIdentityJson, TrustAnchorJson } from './security-schemas.ts';

export const credentialJson = ({ endpointClientName, kind, identity }: SecurityInfo): CredentialJson => ({
  device: endpointClientName,
  kind,
  identity: identity ?? null,
});

export function serverIdentityJson(identity: ServerIdentity): ServerIdentityJson {
  const { x509, rawPublicKey, publicKeyPem, publicKeyFingerprint, certificatePem } = identity;
  return {
    publicKey: {
      pem: publicKeyPem,
      der: Buffer.from(rawPublicKey.publicKey).toString('base64'),
      fingerprint: publicKeyFingerprint,
    },
    certificate: {
      pem: certificatePem,
      fingerprint: fingerprintOf(x509),
      subject: subjectOf(x509),
      issuer: x509.issuer.split('\n').join(', '),
      names: x509.subjectAltName?.split(', ').map((name) => name.replace(/^(?:DNS|IP Address):/, '')) ?? [],
      validFrom: new Date(x509.validFrom).toISOString(),
      validTo: new Date(x509.validTo).toISOString(),
    },
  };
}

export const trustAnchorJson = ({ fingerprint, subject, validFrom, validTo, pem }: TrustAnchor): TrustAnchorJson => ({
  id: fingerprint,
  subject,
  validFrom: new Date(validFrom).toISOString(),
  validTo: new Date(validTo).toISOString(),
  certificate: pem,
});

export function refusedHandshakeJson(refused: RefusedHandshake): RefusedHandshakeJson {
  const { address, reason, text, alert, claimedIdentity, firstAt, lastAt, count } = refused;
  return {
    address,
    reason,
    text: sentence(text),
    alert: alert ?? null,
    claimedIdentity: claimedIdentity ?? null,
    firstAt: new Date(firstAt).toISOString(),
    lastAt: new Date(lastAt).toISOString(),
    count,
  };
}
