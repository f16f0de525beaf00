/**
 * From a configuration and what is known of a device to the operations that give it to the device, in their order:
 * Reads, Deletes, then Writes of Security, Server, Access Control and the rest. Bootstrap-Finish follows. OMA TS Core §6.1.7.
 */
import {
  comparePaths,
  isMalformed,
  objectInstancePath,
  parsePath,
  pathOf,
  type BootstrapNode,
  type DefinitionLookup,
  type LwM2mVersion,
  type Malformed,
  type NodeEntry,
  type ObjectInstancePath,
  type ObjectPath,
  type ResourcePath,
  type RootPath,
} from '@lapwing/lwm2m';
import { accessControlEntries, securityEntries, serverEntries, settingEntries, type AccountProof } from './content.ts';
import type { BootstrapConfiguration } from './configuration.ts';
import { InstanceIds } from './instance-ids.ts';

export type PlannedOperation =
  | { readonly kind: 'discover'; readonly path: RootPath | ObjectPath }
  | { readonly kind: 'read'; readonly path: ObjectPath | ObjectInstancePath }
  | {
      readonly kind: 'delete';
      readonly path: RootPath | ObjectPath | ObjectInstancePath;
      /** The configuration names it: a device that refuses has not been configured as wanted. */
      readonly required: boolean;
    }
  | {
      readonly kind: 'write';
      readonly path: ObjectPath | ObjectInstancePath | ResourcePath;
      readonly entries: readonly NodeEntry[];
    }
  | { readonly kind: 'finish' };

export type PlannedWrite = Extract<PlannedOperation, { kind: 'write' }>;

/** What is known of the device. */
export interface Knowledge {
  /** Undefined when it did not answer a Bootstrap-Discover of the root. */
  readonly nodes: readonly BootstrapNode[] | undefined;
  readonly lwm2mVersion: LwM2mVersion | undefined;
  /** Object Instances that belong to the account with this Bootstrap-Server, when it said so. */
  readonly account?: readonly ObjectInstancePath[];
}

export interface Plan {
  readonly reads: readonly PlannedOperation[];
  readonly deletes: readonly PlannedOperation[];
  readonly writes: readonly PlannedWrite[];
}

/** A Bootstrap-Delete or Bootstrap-Discover path that the configuration was checked to have. */
const trusted = <P>(text: string): P => parsePath(text) as P;

export const discoversOf = ({ discover = ['/'] }: BootstrapConfiguration): readonly PlannedOperation[] =>
  discover.map((text) => ({ kind: 'discover', path: trusted<RootPath | ObjectPath>(text) }));

/**
 * @param proofs  what each account proves itself with, in the order of `servers`, then `bootstrapServers`.
 * @returns Malformed when a value does not fit its definition, or no id is free.
 */
export function planOf(
  configuration: BootstrapConfiguration,
  proofs: readonly AccountProof[],
  knowledge: Knowledge,
  definitions: DefinitionLookup,
): Plan | Malformed {
  const { servers = [], bootstrapServers = [], accessControl = [], objects = [], read = [] } = configuration;
  const deletes = deletesOf(configuration, knowledge);
  const ids = new InstanceIds(knowledge, deletes, [
    ...servers.map(({ securityObjectInstanceId: id }) => [SECURITY, id] as const),
    ...bootstrapServers.map(({ securityObjectInstanceId: id }) => [SECURITY, id] as const),
    ...servers.map(({ serverObjectInstanceId: id }) => [SERVER, id] as const),
    ...accessControl.map(({ accessControlObjectInstanceId: id }) => [ACCESS_CONTROL, id] as const),
    ...objects.map(({ path }) => reservedBy(path)),
  ]);
  const writes: PlannedWrite[] = [];
  const wrong: Malformed[] = [];
  const write = (path: PlannedWrite['path'], entries: readonly NodeEntry[] | Malformed): void => {
    if (isMalformed(entries)) wrong.push(entries);
    else writes.push({ kind: 'write', path, entries });
  };
  const instance = (objectId: number, chosen: number | undefined): ObjectInstancePath =>
    objectInstancePath(objectId, chosen ?? ids.next(objectId));

  for (const [index, account] of servers.entries()) {
    const chosen = account.securityObjectInstanceId ?? ids.ofServer(SECURITY, account.shortServerId);
    const path = instance(SECURITY, chosen);
    write(path, securityEntries(path, account, proofs[index]!, definitions));
  }
  for (const [index, account] of bootstrapServers.entries()) {
    const path = instance(SECURITY, account.securityObjectInstanceId ?? ids.ofBootstrapServer());
    write(path, securityEntries(path, account, proofs[servers.length + index]!, definitions));
  }
  for (const account of servers) {
    const path = instance(SERVER, account.serverObjectInstanceId ?? ids.ofServer(SERVER, account.shortServerId));
    write(path, serverEntries(path, account, definitions));
  }
  for (const setting of accessControl) {
    const path = instance(ACCESS_CONTROL, setting.accessControlObjectInstanceId);
    write(path, accessControlEntries(path, setting));
  }
  for (const setting of objects) {
    const path = trusted<PlannedWrite['path']>(setting.path);
    write(path, settingEntries(path, setting, definitions));
  }
  if (wrong.length > 0) return wrong[0]!;
  if (ids.exhausted) return { malformed: 'no Object Instance ID is free' };
  return { reads: read.map((text) => ({ kind: 'read', path: trusted(text) })), deletes, writes };
}

/**
 * Whether it is known which Security Object Instance a new account with the Bootstrap-Server is to replace. A device that is
 * given a second one in a pack refuses the pack, and may then be left with two for good.
 */
export const knowsOwnAccount = (
  { bootstrapServers = [] }: BootstrapConfiguration,
  account: readonly ObjectInstancePath[],
): boolean =>
  bootstrapServers.every(({ securityObjectInstanceId: id }) => id !== undefined) ||
  account.some(({ objectId }) => objectId === SECURITY);

const SECURITY = 0;
const SERVER = 1;
const ACCESS_CONTROL = 2;

function reservedBy(text: string): readonly [objectId: number, objectInstanceId: number | undefined] {
  const path = trusted<PlannedWrite['path']>(text);
  return [path.objectId, path.kind === 'object' ? undefined : path.objectInstanceId];
}

/** `DELETE /0` spares the account with the Bootstrap-Server. OMA TS Core §6.1.7.5. */
function deletesOf(
  { delete: paths, accessControl }: BootstrapConfiguration,
  { nodes, lwm2mVersion }: Knowledge,
): readonly Extract<PlannedOperation, { kind: 'delete' }>[] {
  if (paths !== undefined) return paths.map((text) => ({ kind: 'delete', path: trusted(text), required: true }));
  const objects = accessControl === undefined ? [SECURITY, SERVER] : [SECURITY, SERVER, ACCESS_CONTROL];
  if (lwm2mVersion !== '1.0' || nodes === undefined)
    return objects
      .filter((objectId) => nodes === undefined || hasToDelete(nodes, objectId))
      .map((objectId) => ({ kind: 'delete', path: pathOf(objectId), required: false }));
  // LwM2M 1.0 knows no Bootstrap-Delete of an Object.
  return nodes
    .filter(({ path, shortServerId }) =>
      objects.some(
        (objectId) => isInstanceOf(path, objectId) && (objectId !== SECURITY || shortServerId !== undefined),
      ),
    )
    .map(({ path }) => path)
    .sort(comparePaths)
    .map((path) => ({ kind: 'delete', path, required: false }));
}

/** The one Security Object Instance without a Short Server ID is the account with the Bootstrap-Server. */
function hasToDelete(nodes: readonly BootstrapNode[], objectId: number): boolean {
  const instances = nodes.filter(({ path }) => isInstanceOf(path, objectId));
  if (objectId !== SECURITY) return instances.length > 0;
  return instances.length > 1 || instances.some(({ shortServerId }) => shortServerId !== undefined);
}

const isInstanceOf = (path: BootstrapNode['path'], objectId: number): boolean =>
  path.kind === 'objectInstance' && path.objectId === objectId;
