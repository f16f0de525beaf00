/**
 * What either side proves itself with, and what it takes as proof. Keys are handles; see `DtlsCrypto`.
 */
import type { SecretKey } from './crypto.ts';

/** A certificate and its private key, on P-256. */
export interface CertificateCredential {
  /** DER, the end entity first. RFC 5246 §7.4.2. */
  readonly chain: readonly Uint8Array[];
  readonly privateKey: SecretKey;
}

/** A raw public key (RFC 7250) and its private key, on P-256. */
export interface RawPublicKeyCredential {
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array;
  readonly privateKey: SecretKey;
}

/** What a server shows; what is absent is not offered. */
export interface ShownCredentials {
  readonly certificate?: CertificateCredential | undefined;
  readonly rawPublicKey?: RawPublicKeyCredential | undefined;
}

/** What a server accepts and shows. What is absent is not offered. */
export interface ServerCredentials extends ShownCredentials {
  /** Accept pre-shared keys; each identity is asked for with a `PskLookup`. */
  readonly psk?: { readonly identityHint?: Uint8Array };
  /**
   * By DNS name in lower case: what is shown to a client that asks for this name, in place of `certificate` and
   * `rawPublicKey`. Who asks for none of these, or for none at all, is shown those. RFC 6066 §3.
   */
  readonly virtualHosts?: ReadonlyMap<string, ShownCredentials>;
  /**
   * How clients prove themselves with a certificate suite. LwM2M servers must authenticate the client: 'required'.
   * Raw public keys are asked for with a `PublicKeyLookup`; certificates are validated up to `trustAnchors` and then
   * asked for with a `CertificateLookup`.
   */
  readonly clientAuthentication: 'required' | 'none';
  /** Which kinds of the client's proof are accepted, in order of preference. */
  readonly clientCertificateTypes: readonly ('x509' | 'rpk')[];
  /** DER certificates that a client's path may end at. */
  readonly trustAnchors: readonly Uint8Array[];
}

/** `/0/x/15`, RFC 6698 §2.1.1 in the order LwM2M gives them. */
export type CertificateUsage =
  /** CA constraint: the path must validate to a trust anchor and contain this certificate as a CA. */
  | 0
  /** Service certificate constraint: the path must validate and the end entity must be this certificate. */
  | 1
  /** Trust anchor assertion: the path must end at this certificate, which is not that of the server itself. */
  | 2
  /** Domain-issued certificate: the end entity must be this certificate; no path validation. */
  | 3;

/** What a client demands of the server's certificate. */
export interface ServerCertificatePolicy {
  readonly usage: CertificateUsage;
  /** What `/0/x/4` holds: a certificate or, with a matching type above 0, the hash of one. */
  readonly certificate: Uint8Array;
  /** `/0/x/13`: 0 exact, 1 SHA-256, 2 SHA-384, 3 SHA-512 of the certificate. */
  readonly matchingType: 0 | 1 | 2 | 3;
  /** For usages 0 and 1. */
  readonly trustAnchors: readonly Uint8Array[];
  /**
   * The name or IP address the certificate must be for (RFC 6125); undefined: not checked. Not checked either where
   * `certificate` is the very certificate of the server, as with usages 1 and 3 it must be.
   */
  readonly serverName?: string;
}

/** How a client proves itself, and what it expects of the server. */
export type ClientCredentials =
  | { readonly kind: 'psk'; readonly identity: Uint8Array; readonly key: SecretKey }
  | {
      readonly kind: 'rpk';
      readonly own: RawPublicKeyCredential;
      /** The server's SubjectPublicKeyInfo, exactly. */
      readonly serverPublicKey: Uint8Array;
    }
  | { readonly kind: 'x509'; readonly own?: CertificateCredential; readonly server: ServerCertificatePolicy };

/** What the peer has proven to be. */
export type Principal =
  | { readonly kind: 'psk'; readonly identity: Uint8Array }
  /** SubjectPublicKeyInfo in DER. */
  | { readonly kind: 'rpk'; readonly publicKey: Uint8Array }
  | {
      readonly kind: 'x509';
      /** SubjectPublicKeyInfo of the end entity. */
      readonly publicKey: Uint8Array;
      /** Common Name of the subject; undefined without one. */
      readonly commonName: string | undefined;
      /** dNSName, uniformResourceIdentifier and iPAddress of the SAN extension, as text. */
      readonly alternativeNames: readonly string[];
      /** SHA-256 of the certificate. */
      readonly fingerprint: Uint8Array;
    }
  /** A server with `clientAuthentication: 'none'`. */
  | { readonly kind: 'anonymous' };
