export type { Association, AssociationState } from './association.ts';
export { ALERTS } from './alert-table.ts';
export type { AlertDescription, AlertLevel, AlertName, AlertRow } from './alert-table.ts';
export { CIPHER_SUITES, cipherSuiteByName, cipherSuiteByNumber } from './cipher-suite-table.ts';
export type { CipherSuite, CipherSuiteName } from './cipher-suite-table.ts';
export type { DropReason, DtlsCounters } from './counters.ts';
export type {
  CertificateCredential,
  CertificateUsage,
  ClientCredentials,
  Principal,
  RawPublicKeyCredential,
  ServerCertificatePolicy,
  ServerCredentials,
} from './credentials.ts';
export type {
  AeadName,
  DtlsCrypto,
  EphemeralKey,
  GroupName,
  HashName,
  PublicKey,
  PublicKeyKind,
  SecretKey,
  SignatureName,
} from './crypto.ts';
export type { ConnectOptions, DtlsEndpointApi, DtlsEndpointOptions, DtlsUsage } from './endpoint.ts';
export { UsageError } from './errors.ts';
export type {
  CertificateLookup,
  DtlsEvent,
  DtlsOutbox,
  Lookup,
  LookupAnswer,
  PskLookup,
  PublicKeyLookup,
  RemoteAddress,
} from './events.ts';
export { DEFAULT_DTLS_PARAMETERS } from './parameters.ts';
export type { DtlsParameters } from './parameters.ts';
export type { CloseReason, Refusal, RefusalReason } from './refusal.ts';
export type { SessionState } from './session/session.ts';
