/**
 * What a Security Object Instance (/0/x) says, as the account of a server that can be reached: the inverse of
 * `objects/security.ts`. OMA TS Core, Object LwM2M Security; Transport §5.2.8 (modes), §5.2.9 (credentials).
 *
 * | /0/x/2  | URI   | 3               | 4                          | 5                |
 * |---------|-------|-----------------|----------------------------|------------------|
 * | 0 PSK   | coaps | identity        |                            | the key          |
 * | 1 RPK   | coaps | own public key  | the server's               | own private key  |
 * | 2 X.509 | coaps | own certificate | by 13 and 15: certificate, hash | own private key |
 * | 3 NoSec | coap  |                 |                            |                  |
 *
 * What a Bootstrap-Server wrote may be anything: an account that cannot be used is a value that says why, never with a
 * byte of a key.
 */
import { cipherSuiteByNumber } from '@lapwing/dtls';
import type { CertificateUsage, CipherSuiteName, ClientCredentials, ServerCertificatePolicy } from '@lapwing/dtls';
import { formatPath, isMalformed, malformed, MAX_ID, objectInstancePath, resourcePath } from '@lapwing/lwm2m';
import type { Malformed, ObjectLink } from '@lapwing/lwm2m';
import type { ObjectTree } from '../object-tree.ts';
import { SECURITY_MODES, SECURITY_RESOURCES } from '../objects/security.ts';
import { SERVER_RESOURCES } from '../objects/server.ts';
import { parseServerUri } from '../server-account.ts';
import type { ServerUri } from '../server-account.ts';
import { certificateOf, certificatesOf, pskOf, rawPublicKeyOf, rawPublicKeyPairOf } from './security-keys.ts';

export const SECURITY_OBJECT = 0;
export const SERVER_OBJECT = 1;

export interface SecurityAccount {
  /** Of /0. */
  readonly objectInstanceId: number;
  /** /0/x/1. */
  readonly isBootstrapServer: boolean;
  readonly uri: string;
  readonly parsedUri: ServerUri;
  /** /0/x/10; undefined for a Bootstrap-Server. */
  readonly shortServerId: number | undefined;
  /** Undefined for coap. */
  readonly credentials: ClientCredentials | undefined;
  /** /0/x/14. */
  readonly serverName: string | undefined;
  /** /0/x/16, those that are known, in order of preference; undefined: it does not say. */
  readonly cipherSuites: readonly CipherSuiteName[] | undefined;
  /** /0/x/11. */
  readonly holdOffSeconds: number;
  /** /0/x/12; 0: the account stays. */
  readonly accountTimeoutSeconds: number;
}

/** @param trustAnchors  certificates in DER that a server's path may end at, for the usages 0 and 1 of /0/x/15. */
export function securityAccountOf(
  tree: ObjectTree,
  objectInstanceId: number,
  trustAnchors: readonly Uint8Array[],
): SecurityAccount | Malformed {
  const path = formatPath(objectInstancePath(SECURITY_OBJECT, objectInstanceId));
  if (tree.objectInstance(SECURITY_OBJECT, objectInstanceId) === undefined) return malformed(`${path} does not exist`);
  const kept = new SecurityResources(tree, objectInstanceId);
  const account = read(kept, objectInstanceId, trustAnchors);
  return isMalformed(account) ? malformed(`${path}: ${account.malformed}`) : account;
}

/** The Object Instance of Server (1) that belongs to the account with this Short Server ID; the lowest of several. */
export function serverInstanceOf(tree: ObjectTree, shortServerId: number): number | undefined {
  return serverInstancesOf(tree, shortServerId)[0];
}

/** All Object Instances of Server (1) with this Short Server ID, ascending: a sound configuration has one. */
export function serverInstancesOf(tree: ObjectTree, shortServerId: number): readonly number[] {
  const ids = [...(tree.objects.get(SERVER_OBJECT)?.instances.keys() ?? [])];
  return ids.filter((id) => serverIdOfServer(tree, id) === shortServerId).sort((a, b) => a - b);
}

/** /1/x/0. */
export const serverIdOfServer = (tree: ObjectTree, objectInstanceId: number): number | undefined =>
  shortServerIdIn(tree.get(resourcePath(SERVER_OBJECT, objectInstanceId, SERVER_RESOURCES.shortServerId)));

/** /0/x/10; undefined for a Bootstrap-Server. */
export function serverIdOfSecurity(tree: ObjectTree, objectInstanceId: number): number | undefined {
  const kept = new SecurityResources(tree, objectInstanceId);
  return kept.boolean('bootstrapServer') === true ? undefined : kept.shortServerId;
}

/** The Object Instances of Security (0) with /0/x/1 true, ascending. */
export const bootstrapServerInstancesOf = (tree: ObjectTree): readonly number[] =>
  [...(tree.objects.get(SECURITY_OBJECT)?.instances.keys() ?? [])]
    .filter((id) => new SecurityResources(tree, id).boolean('bootstrapServer') === true)
    .sort((a, b) => a - b);

const shortServerIdIn = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value < MAX_ID ? value : undefined;

type ResourceName = keyof typeof SECURITY_RESOURCES;
const NO_BYTES = new Uint8Array(0);

/** The kept values of one Object Instance by name; undefined for what is absent or of another type. */
class SecurityResources {
  readonly #tree: ObjectTree;
  readonly #objectInstanceId: number;

  constructor(tree: ObjectTree, objectInstanceId: number) {
    this.#tree = tree;
    this.#objectInstanceId = objectInstanceId;
  }

  #value(name: ResourceName): unknown {
    return this.#tree.get(resourcePath(SECURITY_OBJECT, this.#objectInstanceId, SECURITY_RESOURCES[name]));
  }
  boolean(name: ResourceName): boolean | undefined {
    const value = this.#value(name);
    return typeof value === 'boolean' ? value : undefined;
  }
  text(name: ResourceName): string | undefined {
    const value = this.#value(name);
    return typeof value === 'string' && value !== '' ? value : undefined;
  }
  integer(name: ResourceName): number | undefined {
    const value = this.#value(name);
    return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
  }
  /** Absent is the same as empty. */
  bytes(name: ResourceName): Uint8Array {
    const value = this.#value(name);
    return value instanceof Uint8Array ? value : NO_BYTES;
  }
  /** In the order of the Resource Instance IDs; undefined when there are none. */
  integers(name: ResourceName): readonly number[] | undefined {
    const value = this.#value(name);
    if (!(value instanceof Map) || value.size === 0) return undefined;
    const byId = [...(value as ReadonlyMap<number, unknown>)].sort(([a], [b]) => a - b);
    return byId.map(([, one]) => Number(one));
  }
  get shortServerId(): number | undefined {
    return shortServerIdIn(this.#value('shortServerId'));
  }
  get linksOscore(): boolean {
    const link = this.#value('oscore') as ObjectLink | undefined;
    return link !== undefined && !(link.objectId === MAX_ID && link.objectInstanceId === MAX_ID);
  }
}

function read(
  kept: SecurityResources,
  objectInstanceId: number,
  trustAnchors: readonly Uint8Array[],
): SecurityAccount | Malformed {
  const isBootstrapServer = kept.boolean('bootstrapServer');
  if (isBootstrapServer === undefined) return malformed('it does not say whether it is of a Bootstrap-Server');
  const shortServerId = isBootstrapServer ? undefined : kept.shortServerId;
  if (!isBootstrapServer && shortServerId === undefined) return malformed('a server needs a Short Server ID');

  const uri = kept.text('uri');
  if (uri === undefined) return malformed('it has no URI');
  const parsedUri = readUri(uri);
  if (isMalformed(parsedUri)) return parsedUri;
  const serverName = kept.text('serverName');
  // What else there is cannot be asked for in a handshake. RFC 6066 §3.
  if (serverName !== undefined && !/^[\x21-\x7e]{1,255}$/.test(serverName)) {
    return malformed('the SNI is no name in ASCII');
  }
  if (kept.linksOscore) return malformed('OSCORE is not supported');

  const credentials = readCredentials(kept, serverName ?? parsedUri.host, trustAnchors);
  if (isMalformed(credentials)) return credentials;
  if (parsedUri.scheme === 'coap' && credentials !== undefined) {
    return malformed('a coap URI goes with NoSec, security mode 3, only');
  }
  if (parsedUri.scheme === 'coaps' && credentials === undefined) {
    return malformed('a coaps URI does not go with NoSec, security mode 3');
  }
  const cipherSuites = credentials === undefined ? undefined : readCipherSuites(kept, credentials);
  if (isMalformed(cipherSuites)) return cipherSuites;
  return {
    objectInstanceId,
    isBootstrapServer,
    uri,
    parsedUri,
    shortServerId,
    credentials,
    serverName,
    cipherSuites,
    holdOffSeconds: Math.max(0, kept.integer('clientHoldOffTime') ?? 0),
    accountTimeoutSeconds: Math.max(0, kept.integer('bootstrapServerAccountTimeout') ?? 0),
  };
}

function readUri(uri: string): ServerUri | Malformed {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'coap' && scheme !== 'coaps') {
    return malformed(`a URI of the scheme ${scheme} is not supported`);
  }
  try {
    const parsed = parseServerUri(uri);
    return parsed.port === 0 ? malformed(`"${uri}" names port 0`) : parsed;
  } catch (error) {
    // The one thing it throws: UsageError, whose message is about the text.
    return malformed((error as Error).message);
  }
}

function readCredentials(
  kept: SecurityResources,
  name: string,
  trustAnchors: readonly Uint8Array[],
): ClientCredentials | undefined | Malformed {
  const [own, secret] = [kept.bytes('publicKeyOrIdentity'), kept.bytes('secretKey')];
  const mode = kept.integer('securityMode');
  switch (mode) {
    case SECURITY_MODES.psk: {
      const psk = pskOf(own, secret);
      return isMalformed(psk) ? psk : { kind: 'psk', ...psk };
    }
    case SECURITY_MODES.rpk: {
      const pair = rawPublicKeyPairOf(own, secret);
      if (isMalformed(pair)) return pair;
      const serverPublicKey = rawPublicKeyOf(kept.bytes('serverPublicKey'), "the server's public key");
      return isMalformed(serverPublicKey) ? serverPublicKey : { kind: 'rpk', own: pair, serverPublicKey };
    }
    case SECURITY_MODES.x509: {
      const server = readPolicy(kept, name, trustAnchors);
      if (isMalformed(server)) return server;
      if (own.length === 0 && secret.length === 0) return { kind: 'x509', server };
      const certificate = certificateOf(own, secret);
      return isMalformed(certificate) ? certificate : { kind: 'x509', own: certificate, server };
    }
    case SECURITY_MODES.none:
      return undefined;
    case SECURITY_MODES.est:
      return malformed('EST is not supported');
    default:
      return malformed(mode === undefined ? 'it has no security mode' : `there is no security mode ${mode}`);
  }
}

/** Lengths of the hashes of /0/x/13 1 to 3. */
const HASH_BYTES: Readonly<Record<1 | 2 | 3, number>> = { 1: 32, 2: 48, 3: 64 };

function readPolicy(
  kept: SecurityResources,
  serverName: string,
  trustAnchors: readonly Uint8Array[],
): ServerCertificatePolicy | Malformed {
  const usage = kept.integer('certificateUsage') ?? 3;
  const matchingType = kept.integer('matchingType') ?? 0;
  if (!isUpTo3(usage)) return malformed(`there is no certificate usage ${usage}`);
  if (!isUpTo3(matchingType)) return malformed(`there is no matching type ${matchingType}`);
  // Usages 0 and 1 need a path to an anchor: without any no server could ever be accepted. RFC 6698 §2.1.1.
  if ((usage === 0 || usage === 1) && trustAnchors.length === 0) {
    return malformed(`certificate usage ${usage} needs trust anchors, and this client has none`);
  }
  const bytes = kept.bytes('serverPublicKey');
  if (matchingType !== 0) {
    return bytes.length === HASH_BYTES[matchingType]
      ? { usage, certificate: bytes.slice(), matchingType, trustAnchors, serverName }
      : malformed(
          `matching type ${matchingType} needs a hash of ${HASH_BYTES[matchingType]} bytes, not ${bytes.length}`,
        );
  }
  const certificates = certificatesOf(bytes, "the server's certificate");
  if (isMalformed(certificates)) return certificates;
  return { usage, certificate: certificates[0]!, matchingType, trustAnchors, serverName };
}

const isUpTo3 = (value: number): value is CertificateUsage => value === 0 || value === 1 || value === 2 || value === 3;

function readCipherSuites(
  kept: SecurityResources,
  { kind }: ClientCredentials,
): readonly CipherSuiteName[] | undefined | Malformed {
  const numbers = kept.integers('cipherSuites');
  if (numbers === undefined) return undefined;
  const wanted = kind === 'psk' ? 'psk' : 'ecdhe-ecdsa';
  const usable = numbers
    .map(cipherSuiteByNumber)
    .filter((suite) => suite !== undefined)
    .filter(({ keyExchange }) => keyExchange === wanted);
  if (usable.length === 0) return malformed(`none of its cipher suites can be used with ${kind}`);
  return [...new Set(usable.map(({ name }) => name))];
}
