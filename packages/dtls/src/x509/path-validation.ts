/**
 * Is this chain of certificates a valid path to one of the trust anchors, for this purpose? RFC 5280 §6, RFC 7925 §4.4.
 */
import type { AlertDescription } from '../alert-table.ts';
import type { DtlsCrypto, PublicKey } from '../crypto.ts';
import type { Principal, ServerCertificatePolicy } from '../credentials.ts';

/** The certificate of the peer, judged. */
export type CertificateVerdict =
  | {
      readonly kind: 'accepted';
      readonly publicKey: PublicKey;
      readonly principal: Extract<Principal, { kind: 'x509' }>;
    }
  | {
      readonly kind: 'refused';
      /** One sentence: which certificate (by subject), what is wrong, what to do. */
      readonly text: string;
      readonly alert: AlertDescription;
      readonly claimedIdentity?: string;
    };

export interface VerdictContext {
  readonly crypto: DtlsCrypto;
  /** ms since 1970. */
  readonly unixTime: number;
}

/** For a server: the chain of a client (DER, end entity first) up to the trust anchors. */
export type JudgeClientCertificate = (
  chain: readonly Uint8Array[],
  trustAnchors: readonly Uint8Array[],
  context: VerdictContext,
) => CertificateVerdict;

/** For a client: the chain of the server against its policy. LwM2M certificate usages 0 to 3. */
export type JudgeServerCertificate = (
  chain: readonly Uint8Array[],
  policy: ServerCertificatePolicy,
  context: VerdictContext,
) => CertificateVerdict;
