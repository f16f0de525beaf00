/** The options of a client, checked and completed: what makes no sense is refused before anything is opened. */
import { isIP } from 'node:net';
import { OperationFailed, UsageError } from '@lapwing/coap';
import type { CipherSuiteName, ClientCredentials, ConnectOptions } from '@lapwing/dtls';
import { formatRegisterQueries, isProfileId } from '@lapwing/lwm2m';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { isSecure } from '@lapwing/transport';
import type { Driver } from '@lapwing/transport';
import type { ClientOptions } from './api.ts';
import type { ResolvedAccount, ServerUri } from './server-account.ts';
import type { ServerLocation } from './server-peer.ts';

const VERSIONS: readonly LwM2mVersion[] = ['1.0', '1.1', '1.2'];

/** The highest version both speak; without knowledge of the server, the client's. */
export function commonVersion(serverVersions: readonly unknown[], highest: LwM2mVersion): LwM2mVersion {
  const known = VERSIONS.filter((version) => version <= highest && serverVersions.includes(version));
  return known.at(-1) ?? highest;
}

export function checkOptions({
  endpointClientName,
  objects,
  servers,
  profile,
  queueMode,
  additionalParameters,
  bootstrapServer,
  smartcard,
}: ClientOptions): void {
  // Throws for what no registration can say.
  formatRegisterQueries({ lwm2mVersion: '1.2', lifetimeSeconds: 0, additionalParameters });
  const wrong = profile?.ids.find((id) => !isProfileId(id));
  if (wrong !== undefined) throw new UsageError(`"${wrong}" is no Profile ID`);
  if (typeof queueMode === 'object' && !((queueMode.awakeTime ?? 1) > 0)) {
    throw new UsageError('the awake time is a number of ms above 0');
  }
  if (endpointClientName === '') throw new UsageError('an Endpoint Client Name is needed');
  if (servers.length === 0 && bootstrapServer === undefined && smartcard === undefined) {
    throw new UsageError('a client needs a server to register with, a Bootstrap-Server or a smartcard');
  }
  for (const { objectId } of objects) {
    if (objectId === 0 || objectId === 1) {
      throw new UsageError(`Object ${objectId} is made from the servers, and not given with the objects`);
    }
  }
}

/** How a server of coaps is met. */
export interface Connecting {
  readonly credentials?: ClientCredentials | undefined;
  readonly serverName?: string | undefined;
  readonly cipherSuites?: readonly CipherSuiteName[] | undefined;
  readonly parsedUri: ServerUri;
}

export function connectOptions({
  credentials,
  serverName,
  cipherSuites,
  parsedUri,
}: Connecting): ConnectOptions | undefined {
  if (credentials === undefined) return undefined;
  const name = serverName ?? (isIP(parsedUri.host) === 0 ? parsedUri.host : undefined);
  return {
    credentials: expecting(credentials, name ?? parsedUri.host),
    ...(name !== undefined && { serverName: name }),
    ...(cipherSuites !== undefined && { cipherSuites }),
  };
}

/** The certificate of a server has to be for the name or address that it is reached by. RFC 6125, RFC 7925 §4.4.1. */
function expecting(credentials: ClientCredentials, serverName: string): ClientCredentials {
  if (credentials.kind !== 'x509' || credentials.server.serverName !== undefined) return credentials;
  return { ...credentials, server: { ...credentials.server, serverName } };
}

/** Finds the IP address of a host. Rejects when there is none. */
export type HostLookUp = (host: string) => Promise<string>;

/** Where the server of an account is. @throws UsageError for a host name and nothing that could find it. */
export function locationOf(
  { address, parsedUri, uri }: Pick<ResolvedAccount, 'address' | 'parsedUri' | 'uri'>,
  lookUp: HostLookUp | undefined,
): ServerLocation {
  const { host, port } = parsedUri;
  if (address !== undefined) return { address };
  if (isIP(host) !== 0) return { address: { host, port } };
  if (lookUp === undefined)
    throw new UsageError(`"${uri}" has a host name: use LwM2mClient.start, or give an address or a lookUp`);
  return {
    address: undefined,
    lookUp: async () => {
      try {
        return { host: await lookUp(host), port };
      } catch (cause) {
        throw new OperationFailed('NAME_NOT_FOUND', `the host of ${uri} is not found`, { retryable: true, cause });
      }
    },
  };
}

/** Why the server of an account cannot be reached over this driver's socket; undefined: it can. */
export function schemeProblem({ parsedUri }: Pick<ResolvedAccount, 'parsedUri'>, driver: Driver): string | undefined {
  if (parsedUri.scheme === driver.scheme || (isSecure(driver) && driver.plaintext)) return undefined;
  return `this client's driver speaks ${driver.scheme} alone: servers of coap and coaps share a socket opened with plaintext`;
}

/** @throws UsageError for servers that cannot be reached over this driver's socket. */
export function checkSchemes(accounts: readonly Pick<ResolvedAccount, 'parsedUri'>[], driver: Driver): void {
  for (const account of accounts) {
    const problem = schemeProblem(account, driver);
    if (problem !== undefined) throw new UsageError(problem);
  }
}
