export { LwM2mClient } from './client.ts';
export { CLIENT_COAP_PARAMETERS, CLIENT_DTLS_PARAMETERS } from './open-driver.ts';
export type { HostLookUp } from './client-options.ts';
export type { SendOptions, WaitOptions } from './client.ts';
export type {
  BootstrapFailure,
  BootstrapOptions,
  BootstrapReason,
  BootstrapServerAccount,
  ClientCounters,
  ClientEvents,
  ClientOptions,
  ProfileOptions,
  QueueModeOptions,
  RegistrationFailure,
  RetryOptions,
  SendResult,
  ServerAccount,
  ServerRegistration,
  SmartcardContent,
  SmartcardSource,
  StartOptions,
} from './api.ts';
export type { BootstrapLimits } from './bootstrap/bootstrap-context.ts';
export { streamedRequests } from './body-streams.ts';
export type {
  BodyReceiver,
  ChangeContext,
  ClientObject,
  HandlerContext,
  KeptAt,
  ObjectInstanceContent,
  PlainValue,
  PlainValues,
  ResourceContent,
  ResourceHandler,
  SettableAt,
  TreeAccess,
  WriteContext,
} from './client-object.ts';
export { MemoryStateStore } from './client-state.ts';
export type { AttachedAttributes, ClientState, ClientStateStore } from './client-state.ts';
export { CLIENT_ERROR_CHANNEL } from './diagnostics.ts';
export { FileStateStore } from './file-state-store.ts';
export type { MaybePromise } from './maybe-promise.ts';
export type { AccessRight } from './access-rights.ts';
export { accessControlObject } from './objects/access-control.ts';
export type { AccessControlOptions } from './objects/access-control.ts';
export { binaryAppDataObject } from './objects/binary-app-data.ts';
export type { AppDataOptions } from './objects/binary-app-data.ts';
export { connectivityMonitoringObject } from './objects/connectivity-monitoring.ts';
export type { ConnectivityState } from './objects/connectivity-monitoring.ts';
export { connectivityStatisticsObject, TrafficStatistics } from './objects/connectivity-statistics.ts';
export { deviceObject } from './objects/device.ts';
export type { DeviceOptions, PowerSource } from './objects/device.ts';
export { EventLog } from './objects/event-log.ts';
export type { EventLogOptions } from './objects/event-log.ts';
export { FirmwareRefused, firmwareUpdateObject } from './objects/firmware-update.ts';
export type {
  FirmwareUpdateOptions,
  InstallContext,
  InstallOutcome,
  PackageFetcher,
  PackageInformation,
  PackageSink,
  PullScheme,
} from './objects/firmware-update.ts';
export type { FirmwareProblem, FirmwareResult } from './objects/firmware-update-state.ts';
export { objectFromDefinition } from './objects/from-definition.ts';
export { locationObject } from './objects/location.ts';
export type { LocationOptions } from './objects/location.ts';
export { portfolioObject } from './objects/portfolio.ts';
export type { PortfolioIdentity, PortfolioOptions } from './objects/portfolio.ts';
export { sensorObject, temperatureObject } from './objects/sensor.ts';
export type { SensorOptions } from './objects/sensor.ts';
export { typedObject } from './objects/typed.ts';
export type { TypedContent, TypedExecutable, TypedHandler, TypedInstance } from './objects/typed.ts';
export type { SavedObject, SavedObjectInstance, SavedObjects, SavedResource } from './saved-objects.ts';
export type { SavedEntry, SavedNotifications } from './saved-notifications.ts';
export type { SavedValue } from './saved-value.ts';
export type { NotificationStorage } from './stored-notifications.ts';
export { OperationRefused } from './refusal.ts';
export type { HandlerOperation } from './refusal.ts';
