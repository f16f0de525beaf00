/** What a Certificate message may carry (RFC 7250 §3), and what a server may ask for (`ClientCertificateType`, RFC 8422 §5.5). */
export const CERTIFICATE_TYPES = { x509: 0, rpk: 2 } as const;

/** Keys on a curve, signing with ECDSA. The others of the registry are of no use here. */
export const ECDSA_SIGN = 64;

/** `uncompressed`, the only point format there is. RFC 8422 §5.1.2. */
export const UNCOMPRESSED_POINT = 0;
