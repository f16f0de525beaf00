export { AddressTable } from './address-table.ts';
export type { Association, AssociationState } from './association.ts';
export { ALERTS } from './alert-table.ts';
export type { AlertDescription, AlertLevel, AlertName, AlertRow } from './alert-table.ts';
export { CIPHER_SUITES, cipherSuiteByName, cipherSuiteByNumber } from './cipher-suite-table.ts';
export type { CipherSuite, CipherSuiteName } from './cipher-suite-table.ts';
export { TAG_LENGTHS } from './crypto.ts';
export type { DropReason, DtlsCounters } from './counters.ts';
export type {
  CertificateCredential,
  CertificateUsage,
  ClientCredentials,
  Principal,
  RawPublicKeyCredential,
  ServerCertificatePolicy,
  ServerCredentials,
  ShownCredentials,
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
export { DtlsEndpoint } from './endpoint.ts';
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
export { identityText } from './identity-text.ts';
export { DEFAULT_DTLS_PARAMETERS } from './parameters.ts';
export type { DtlsParameters } from './parameters.ts';
export type { CloseReason, Refusal, RefusalReason } from './refusal.ts';
export type { SessionState } from './session/session.ts';
export { judgeClientCertificate, judgeServerCertificate } from './x509/path-validation.ts';
export type {
  CertificateVerdict,
  JudgeClientCertificate,
  JudgeServerCertificate,
  VerdictContext,
} from './x509/path-validation.ts';
export { writeCertificate } from './x509/certificate-writer.ts';
export type { CertificateOptions } from './x509/certificate-writer.ts';
export { formatPem, parsePem } from './x509/pem.ts';
export type { PemBlock } from './x509/pem.ts';
export { isMalformed } from './malformed.ts';
export type { Malformed } from './malformed.ts';
export type { KeyUsageName } from './x509/object-identifier-table.ts';
export { openSnapshot, sealSnapshot } from './session/snapshot.ts';
export type { Snapshot, SnapshotMeta } from './session/snapshot.ts';
