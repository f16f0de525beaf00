/** Object 2, Access Control: which server may do what with which Object Instance. OMA TS Core §8; the rules are in `access-rights.ts`. */
import { UsageError } from '@lapwing/coap';
import { MAX_ID } from '@lapwing/lwm2m';
import {
  ACCESS_CONTROL_OBJECT,
  ACCESS_CONTROL_RESOURCES,
  ACCESS_RIGHTS,
  accessControlContent,
  ALL_RIGHTS,
} from '../access-rights.ts';
import type { AccessRight } from '../access-rights.ts';
import type { ClientObject, ObjectInstanceContent } from '../client-object.ts';
import type { ResolvedAccount } from '../server-account.ts';

/** Who may do what with one Object Instance, or create Object Instances of an Object. */
export interface AccessControlOptions {
  readonly objectId: number;
  /** Absent: about the Object, where only 'create' counts. */
  readonly objectInstanceId?: number;
  /** Short Server ID of whom it belongs to: may do everything unless `servers` says otherwise. Absent: nobody. */
  readonly owner?: number;
  /** By Short Server ID. */
  readonly servers?: { readonly [shortServerId: number]: readonly AccessRight[] };
  /** What servers may do that are not in `servers`. Default: nothing. */
  readonly others?: readonly AccessRight[];
}

/**
 * With this Object among those of a client, servers may do only what it allows; the Server Object Instance of each server
 * is its own unless something is said about it. Without it every server may do everything.
 *
 * @throws UsageError for a Short Server ID that is none, or when two entries are about the same.
 */
export function accessControlObject(...entries: readonly AccessControlOptions[]): ClientObject {
  const seen = new Set<string>();
  const instances = entries.map(({ objectId, objectInstanceId = MAX_ID, owner = MAX_ID, servers = {}, others }) => {
    const about = `/${objectId}/${objectInstanceId}`;
    if (seen.has(about)) throw new UsageError(`access to ${about} is described twice`);
    seen.add(about);
    const acl = new Map<number, number>();
    if (others !== undefined) acl.set(0, bitsOf(others));
    for (const [key, rights] of Object.entries(servers)) {
      const shortServerId = Number(key);
      if (!(shortServerId >= 1 && shortServerId < MAX_ID)) {
        throw new UsageError(`a Short Server ID is an integer from 1 to 65534, not ${key}`);
      }
      acl.set(shortServerId, bitsOf(rights));
    }
    return accessControlContent(objectId, objectInstanceId, { owner, acl });
  });
  return { objectId: ACCESS_CONTROL_OBJECT, resources: [0, 1, 2, 3], instances: { ...instances } };
}

/** The Object with an entry for the Server Object Instance of each server that has none: it is its own. */
export function withServers(object: ClientObject, accounts: readonly ResolvedAccount[]): ClientObject {
  const { objectId: about, objectInstanceId: aboutInstance } = ACCESS_CONTROL_RESOURCES;
  const instances: { [id: number]: ObjectInstanceContent } = { ...object.instances };
  let id = 0;
  for (const { objectInstanceId, shortServerId } of accounts) {
    const isKnown = Object.values(instances).some(
      (content) => content[about] === SERVER_OBJECT && content[aboutInstance] === objectInstanceId,
    );
    if (isKnown) continue;
    while (instances[id] !== undefined) id++;
    const entry = { owner: shortServerId, acl: new Map([[shortServerId, ALL_RIGHTS]]) };
    instances[id] = accessControlContent(SERVER_OBJECT, objectInstanceId, entry);
  }
  return { ...object, instances };
}

const SERVER_OBJECT = 1;

const bitsOf = (rights: readonly AccessRight[]): number =>
  rights.reduce((bits, right) => bits | ACCESS_RIGHTS[right], 0);
