/**
 * The Bootstrap-Server of this program: its stores in the data folder, its sockets, and how it and the LwM2M Server know
 * each other.
 */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { LwM2mBootstrapServer, type CredentialTarget } from '@lapwing/bootstrap-server';
import type { LwM2mServer } from '@lapwing/server';
import type { Driver } from '@lapwing/transport';
import type { Configuration } from '../configuration.ts';
import { bindBootstrap, type DeviceDriver } from '../listening.ts';
import { addressText } from '../rest/registration-json.ts';
import { FileSecurityStore } from '../security/file-security-store.ts';
import { privateFolder } from '../security/private-files.ts';
import { RefusalLog } from '../security/refusal-log.ts';
import type { Security } from '../security/security.ts';
import { KEY_FILE, loadServerIdentity, type ServerIdentity } from '../security/server-identity.ts';
import { DeviceAuthority } from './device-authority.ts';
import { FileConfigurationStore } from './file-configuration-store.ts';
import { OwnUris } from './own-uris.ts';

export interface Bootstrap {
  readonly server: LwM2mBootstrapServer;
  readonly drivers: readonly DeviceDriver[];
  readonly configurations: FileConfigurationStore;
  /** What devices prove themselves with to the Bootstrap-Server. */
  readonly credentials: FileSecurityStore;
  readonly identity: ServerIdentity;
  readonly handshakes: RefusalLog;
  /** Of the LwM2M Server. */
  readonly serverUris: OwnUris;
  readonly ownUris: OwnUris;
  /** "coap://0.0.0.0:5783", one per socket. */
  readonly urls: readonly string[];
}

/**
 * @param dataDir  must exist; undefined: nothing is kept.
 * @param server  that credentials are made for.
 *
 * Rejects with StartFailure when something is there that cannot be used, or a port is taken; nothing is left open then.
 */
export async function startBootstrap(
  dataDir: string | undefined,
  configuration: Omit<Configuration, 'dataDir'>,
  security: Security,
  server: LwM2mServer,
  serverDrivers: readonly Driver[],
): Promise<Bootstrap> {
  const folder = dataDir === undefined ? undefined : join(dataDir, 'bootstrap');
  if (folder !== undefined) await privateFolder(folder);
  const file = (name: string): string | undefined => (folder === undefined ? undefined : join(folder, name));
  const configurations = await FileConfigurationStore.open(
    file('configurations.json'),
    configuration.maxBootstrapConfigurations,
  );
  const credentials = await FileSecurityStore.open(file('credentials.json'), configuration.maxCredentials);
  const certificateIssuer = await DeviceAuthority.open(folder, security.trustAnchors);
  const identity = await identityIn(folder, security);
  const drivers = await bindBootstrap(configuration, { identity, trustAnchors: security.trustAnchors });
  const serverUris = new OwnUris(serverDrivers, configuration.publicHost);
  const ownUris = new OwnUris(drivers, configuration.publicHost);
  return {
    server: new LwM2mBootstrapServer({
      drivers,
      configurationStore: configurations,
      securityStore: credentials,
      lwm2mServers: [{ ...shownBy(security.identity, serverUris), security: server.security }],
      own: shownBy(identity, ownUris),
      certificateIssuer,
      definitions: server.definitions,
    }),
    drivers,
    configurations,
    credentials,
    identity,
    handshakes: new RefusalLog(),
    serverUris,
    ownUris,
    urls: drivers.map(({ scheme, localAddress }) => `${scheme}://${addressText(localAddress)}`),
  };
}

/** That of the LwM2M Server, unless somebody has put another key there. */
async function identityIn(folder: string | undefined, security: Security): Promise<ServerIdentity> {
  if (folder === undefined) return security.identity;
  const isThere = await access(join(folder, KEY_FILE)).then(
    () => true,
    () => false,
  );
  return isThere ? loadServerIdentity(folder, Date.now()) : security.identity;
}

const shownBy = (
  identity: ServerIdentity,
  uris: OwnUris,
): Required<Pick<CredentialTarget, 'publicKey' | 'certificate' | 'uri'>> => ({
  publicKey: identity.rawPublicKey.publicKey,
  certificate: new Uint8Array(identity.x509.raw),
  uri: (scheme, device) => uris.of(scheme, device),
});
