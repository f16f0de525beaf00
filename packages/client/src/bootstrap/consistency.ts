/**
 * Whether a Client may accept a Bootstrap-Finish: what the Bootstrap-Server left behind must be accounts that can be used.
 * OMA TS Core §6.1; a Bootstrap-Server may repair what is answered with 4.06 and finish again.
 */
import { formatPath, isMalformed, MAX_ID, resourcePath } from '@lapwing/lwm2m';
import type { ObjectTree, TreeObject } from '../object-tree.ts';
import { SERVER_RESOURCES } from '../objects/server.ts';
import { ascending } from '../operations/read.ts';
import { ACCOUNT_LINKS, ACCOUNT_OBJECTS, linksIn } from './account-objects.ts';
import type { GivenAccounts } from './given-accounts.ts';
import {
  bootstrapServerInstancesOf,
  SECURITY_OBJECT,
  securityAccountOf,
  SERVER_OBJECT,
  serverIdOfSecurity,
  serverIdOfServer,
} from './security-account.ts';

export interface ConsistencyContext {
  /** Of /0: the account of the Bootstrap-Server that wrote all this; undefined: there is none that has to be left. */
  readonly bootstrapAccount: number | undefined;
  /** For the usages 0 and 1 of /0/x/15. */
  readonly trustAnchors: readonly Uint8Array[];
  /** Accounts that need not be looked at. */
  readonly given: GivenAccounts;
}

/** One sentence each, with the path it is about; none when bootstrap may finish. Never a byte of a key. */
export function inconsistenciesOf(tree: ObjectTree, context: ConsistencyContext): readonly string[] {
  const found: string[] = [];
  const bootstrapServers = bootstrapServerInstancesOf(tree);
  if (bootstrapServers.length > 1) {
    found.push(`${bootstrapServers.map((id) => `/0/${id}`).join(' and ')} are accounts of a Bootstrap-Server.`);
  }
  if (bootstrapServers.length === 0 && context.bootstrapAccount !== undefined) {
    found.push(`/0/${context.bootstrapAccount} was the account of the Bootstrap-Server, and there is none now.`);
  }
  found.push(...unusable(tree, context), ...unpaired(tree));
  for (const objectId of ACCOUNT_OBJECTS) {
    const object = tree.objects.get(objectId);
    if (object === undefined) continue;
    // Which Resources a Security Object Instance needs depends on its mode, and has been looked at.
    if (objectId !== SECURITY_OBJECT) found.push(...missing(object));
    found.push(...dangling(tree, object));
  }
  return found;
}

/** Accounts that say nothing or too little of how a server is reached. */
function unusable(tree: ObjectTree, { trustAnchors, given }: ConsistencyContext): readonly string[] {
  return instancesOf(tree, SECURITY_OBJECT).flatMap((id) => {
    const account = given.has(tree, id) ? undefined : securityAccountOf(tree, id, trustAnchors);
    return account !== undefined && isMalformed(account) ? [`${account.malformed}.`] : [];
  });
}

/** Each server has one Object Instance of Security and one of Server, and at least one server has. */
function unpaired(tree: ObjectTree): readonly string[] {
  const found: string[] = [];
  const security = byShortServerId(tree, SECURITY_OBJECT, serverIdOfSecurity);
  const server = byShortServerId(tree, SERVER_OBJECT, serverIdOfServer);
  if (![...security.keys()].some((id) => server.has(id))) {
    found.push('/0 and /1 have no account of a server in common.');
  }
  for (const id of instancesOf(tree, SERVER_OBJECT)) {
    const { shortServerId } = SERVER_RESOURCES;
    const isThere = tree.resource(SERVER_OBJECT, id, shortServerId) !== undefined;
    if (isThere && serverIdOfServer(tree, id) === undefined) {
      found.push(`/1/${id}/${shortServerId} is no Short Server ID.`);
    }
  }
  const shortServerIds = [...new Set([...security.keys(), ...server.keys()])].sort((a, b) => a - b);
  for (const shortServerId of shortServerIds) {
    const [inSecurity = [], inServer = []] = [security.get(shortServerId), server.get(shortServerId)];
    for (const paths of [inSecurity, inServer]) {
      if (paths.length > 1) found.push(`${paths.join(' and ')} have the same Short Server ID, ${shortServerId}.`);
    }
    if (inServer.length === 0) found.push(`${inSecurity[0]} has no Object Instance of Server, ${shortServerId}.`);
    if (inSecurity.length === 0) found.push(`${inServer[0]} has no Object Instance of Security, ${shortServerId}.`);
  }
  return found;
}

function byShortServerId(
  tree: ObjectTree,
  objectId: number,
  shortServerIdOf: (tree: ObjectTree, objectInstanceId: number) => number | undefined,
): ReadonlyMap<number, readonly string[]> {
  const found = new Map<number, string[]>();
  for (const id of instancesOf(tree, objectId)) {
    const shortServerId = shortServerIdOf(tree, id);
    if (shortServerId === undefined) continue;
    const paths = found.get(shortServerId);
    if (paths === undefined) found.set(shortServerId, [`/${objectId}/${id}`]);
    else paths.push(`/${objectId}/${id}`);
  }
  return found;
}

const instancesOf = (tree: ObjectTree, objectId: number): readonly number[] =>
  ascending(tree.objects.get(objectId)?.instances ?? new Map<number, unknown>()).map(([id]) => id);

function missing({ objectId, definition, instances }: TreeObject): readonly string[] {
  const wanted = [...definition.resources.values()].filter(
    ({ mandatory, operations }) => mandatory && operations !== 'E',
  );
  return ascending(instances).flatMap(([id, { resources }]) =>
    wanted
      .filter((one) => !resources.has(one.id))
      .map((one) => `${formatPath(resourcePath(objectId, id, one.id))} (${one.name}) is missing.`),
  );
}

function dangling(tree: ObjectTree, { objectId, instances }: TreeObject): readonly string[] {
  return ascending(instances).flatMap(([id, { resources }]) =>
    ascending(resources).flatMap(([resourceId, resource]) => {
      const wanted = objectId === SECURITY_OBJECT ? ACCOUNT_LINKS.get(resourceId) : undefined;
      const path = formatPath(resourcePath(objectId, id, resourceId));
      return linksIn(resource).flatMap((link) => {
        const to = `${link.objectId}:${link.objectInstanceId}`;
        if (wanted !== undefined && (link.objectId !== wanted || link.objectInstanceId === MAX_ID)) {
          return [`${path} links ${to}, which is no Object Instance of Object ${wanted}.`];
        }
        return exists(tree, link.objectId, link.objectInstanceId) ? [] : [`${path} links ${to}, which does not exist.`];
      });
    }),
  );
}

function exists(tree: ObjectTree, objectId: number, objectInstanceId: number): boolean {
  const object = tree.objects.get(objectId);
  return object !== undefined && (objectInstanceId === MAX_ID || object.instances.has(objectInstanceId));
}
