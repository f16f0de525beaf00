export * from './api.ts';
export { DeviceRefused, unwrap } from './outcome.ts';
export type { Accepted, Outcome, Refused } from './outcome.ts';
export { SERVER_ERROR_CHANNEL, SERVER_REFUSED_CHANNEL } from './diagnostics.ts';
export { DEFAULT_SERVER_PARAMETERS } from './parameters.ts';
export type { ServerParameters } from './parameters.ts';
export { MemoryRegistrationStore } from './registration-store.ts';
export type { MaybePromise, RegistrationStore } from './registration-store.ts';
export { LwM2mServer } from './server.ts';
export { serveOver } from './serve-over.ts';
export type { CoapsOptions, ListeningOptions } from './serve-over.ts';
export type { ServerCounters, ServerOptions, ServerStartOptions, ServerUsage } from './server.ts';
export type { Offer } from './offered-resources.ts';
export { copyRegistration } from './registration-record.ts';
export { MemorySecurityStore, securityInfo } from './security-store.ts';
export type {
  CertificateEntry,
  MemorySecurityStoreOptions,
  PskEntry,
  RawPublicKeyEntry,
  SecurityEntry,
  SecurityInfo,
  SecurityKind,
  SecurityStore,
} from './security-store.ts';
export { SecurityAdministration } from './security-administration.ts';
export type { SecurityListener, SecurityPage, SecurityQuery } from './security-administration.ts';
export { Admissions } from './admission.ts';
export type { Admission, AdmissionParameters } from './admission.ts';
export { AssociationControl } from './association-control.ts';
export type { AssociationListener } from './association-control.ts';
export type { Resumption, SnapshotOptions } from './snapshot.ts';
export { FirmwareUpdates } from './firmware-update/firmware-updates.ts';
export type { FirmwareUpdateEvents, FirmwareUpdateParameters } from './firmware-update/firmware-updates.ts';
export type { FirmwareUpdate, FirmwareUpdateRequest } from './firmware-update/firmware-update.ts';
export { FIRMWARE_OUTCOMES } from './firmware-update/update-outcome.ts';
export type { FirmwareUpdateOutcome } from './firmware-update/update-outcome.ts';
export type { FirmwareUpdateStage } from './firmware-update/update-state.ts';
