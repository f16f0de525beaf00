export * from './api.ts';
export * from './configuration.ts';
export { LwM2mBootstrapServer } from './bootstrap-server.ts';
export type {
  BootstrapServerCounters,
  BootstrapServerOptions,
  BootstrapServerStartOptions,
  BootstrapServerUsage,
} from './bootstrap-server.ts';
export { configurationFromJson, configurationToJson } from './configuration-json.ts';
export type { ConfigurationJson } from './configuration-json.ts';
export { MemoryConfigurationStore } from './configuration-store.ts';
export type {
  ConfigurationStore,
  MemoryConfigurationStoreOptions,
  StoredConfiguration,
} from './configuration-store.ts';
export type {
  ConfigurationAdministration,
  ConfigurationPage,
  ConfigurationQuery,
} from './configuration-administration.ts';
export { certificateAuthority } from './credentials.ts';
export type { CertificateIssuer, CredentialReceiver, CredentialTarget } from './credentials.ts';
export { BOOTSTRAP_ERROR_CHANNEL, BOOTSTRAP_REFUSED_CHANNEL } from './diagnostics.ts';
export { DEFAULT_BOOTSTRAP_SERVER_PARAMETERS } from './parameters.ts';
export type { BootstrapServerParameters } from './parameters.ts';
export type { ShownRefusal } from './refusals.ts';
