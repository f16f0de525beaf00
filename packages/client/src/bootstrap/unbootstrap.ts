/**
 * A server is no longer one of this Client's: what belonged to it alone goes, what others may use as well becomes theirs.
 * OMA TS Core §6.1, §8.
 *
 * | an Access Control Object Instance                    | what becomes of it                                     |
 * |------------------------------------------------------|--------------------------------------------------------|
 * | names the server in its ACL                          | that entry goes                                        |
 * | belongs to the server, others have rights by name    | it belongs to the one with the most of Write, Delete   |
 * | belongs to the server, the default entry gives some  | it belongs to nobody (65535)                           |
 * | belongs to the server, nobody else has rights        | it goes, with the Object Instance it is about          |
 *
 * An Object Instance that servers cannot bring back (see `bootstrap-delete.ts`), that is part of the account of another
 * server or that the application does not let go stays, and belongs to nobody.
 */
import { MAX_ID, objectInstancePath, resourcePath } from '@lapwing/lwm2m';
import type { ObjectInstancePath, Path } from '@lapwing/lwm2m';
import { ACCESS_CONTROL_OBJECT, ACCESS_CONTROL_RESOURCES, ACCESS_RIGHTS } from '../access-rights.ts';
import type { HandlerContext } from '../client-object.ts';
import { andThen, eachInOrder } from '../maybe-promise.ts';
import type { MaybePromise } from '../maybe-promise.ts';
import type { ObjectTree } from '../object-tree.ts';
import { callDelete } from '../operations/instances.ts';
import { ascending } from '../operations/read.ts';
import { HandlerFailed, OperationRefused } from '../refusal.ts';
import { ACCOUNT_OBJECTS, accountInstances, DEVICE_OBJECT } from './account-objects.ts';
import { JUST_CHANGE } from './bootstrap-context.ts';
import type { ChangeTree } from './bootstrap-context.ts';
import { isProvisioned } from './bootstrap-delete.ts';
import { SECURITY_OBJECT, serverIdOfSecurity, serverInstancesOf } from './security-account.ts';

export interface Unbootstrapped {
  /** Object Instances that went: observations and attributes of them end. Those of the server end altogether. */
  readonly removed: readonly ObjectInstancePath[];
  /** `delete` functions of the application that failed; their Object Instances stayed. */
  readonly failures: readonly HandlerFailed[];
}

export function unbootstrap(
  tree: ObjectTree,
  shortServerId: number,
  contextOf: (path: Path) => HandlerContext,
  change: ChangeTree = JUST_CHANGE,
): MaybePromise<Unbootstrapped> {
  const removed: ObjectInstancePath[] = [];
  const failures: HandlerFailed[] = [];
  const remove = (path: ObjectInstancePath): void => {
    if (tree.removeObjectInstance(path.objectId, path.objectInstanceId)) removed.push(path);
  };
  change(() =>
    tree.batch(() => {
      for (const path of accountOf(tree, shortServerId)) remove(path);
    }),
  );
  const entries = ascending(tree.objects.get(ACCESS_CONTROL_OBJECT)?.instances ?? new Map<number, unknown>());
  const settle = ([id]: readonly [number, unknown]): MaybePromise<void> => {
    let orphan: ReturnType<typeof disown>;
    change(() => (orphan = disown(tree, id, shortServerId)));
    if (orphan === undefined) return;
    const { objectId, objectInstanceId } = orphan;
    const control = objectInstancePath(ACCESS_CONTROL_OBJECT, id);
    const object = tree.objects.get(objectId);
    const instance = tree.objectInstance(objectId, objectInstanceId);
    if (object === undefined || instance === undefined) return change(() => remove(control));
    // Other accounts are not the server's to take along, whoever owned the entry about them.
    const stays = !isProvisioned(object) || ACCOUNT_OBJECTS.has(objectId) || objectId === DEVICE_OBJECT;
    if (stays) return change(() => own(tree, id, MAX_ID));
    const path = objectInstancePath(objectId, objectInstanceId);
    const gone = (): void =>
      change(() => {
        remove(path);
        remove(control);
      });
    const kept = (error: unknown): void => {
      if (error instanceof HandlerFailed) failures.push(error);
      else if (!(error instanceof OperationRefused)) throw error;
      change(() => own(tree, id, MAX_ID));
    };
    try {
      const done = callDelete(object, path, contextOf);
      return done instanceof Promise ? done.then(gone, kept) : gone();
    } catch (error) {
      kept(error);
    }
  };
  return andThen(eachInOrder(entries, settle), () => ({ removed, failures }));
}

/** What the account consists of, but for what another account links as well. */
function accountOf(tree: ObjectTree, shortServerId: number): readonly ObjectInstancePath[] {
  const ids = [...(tree.objects.get(SECURITY_OBJECT)?.instances.keys() ?? [])];
  const isOwn = (id: number): boolean => serverIdOfSecurity(tree, id) === shortServerId;
  const keyOf = ({ objectId, objectInstanceId }: ObjectInstancePath): string => `${objectId}/${objectInstanceId}`;
  const shared = new Set(ids.filter((id) => !isOwn(id)).flatMap((id) => accountInstances(tree, id).map(keyOf)));
  return [
    ...ids
      .filter(isOwn)
      .flatMap((id) => accountInstances(tree, id))
      .filter((path) => !shared.has(keyOf(path))),
    ...serverInstancesOf(tree, shortServerId).map((id) => objectInstancePath(1, id)),
  ];
}

/** Take the server out of an Access Control Object Instance. @returns what it is about when nobody else has rights. */
function disown(
  tree: ObjectTree,
  id: number,
  shortServerId: number,
): { readonly objectId: number; readonly objectInstanceId: number } | undefined {
  const at = (resourceId: number): ReturnType<typeof resourcePath> =>
    resourcePath(ACCESS_CONTROL_OBJECT, id, resourceId);
  const { acl: aclId, owner: ownerId, objectId, objectInstanceId } = ACCESS_CONTROL_RESOURCES;
  const resource = tree.resource(ACCESS_CONTROL_OBJECT, id, aclId);
  const acl = new Map<number, number>();
  if (resource?.kind === 'multiple') {
    for (const [server, { value }] of resource.values) acl.set(server, Number(value));
    if (acl.delete(shortServerId)) {
      const values = new Map(resource.values);
      values.delete(shortServerId);
      tree.store(at(aclId), { ...resource, values });
    }
  }
  if (tree.get(at(ownerId)) !== shortServerId) return undefined;
  const others = [...acl].filter(([, rights]) => rights !== 0);
  if (others.length === 0) {
    return { objectId: Number(tree.get(at(objectId))), objectInstanceId: Number(tree.get(at(objectInstanceId))) };
  }
  const [heir] = others
    .filter(([server]) => server !== 0)
    .sort(([a, ofA], [b, ofB]) => weight(ofB) - weight(ofA) || a - b);
  own(tree, id, heir?.[0] ?? MAX_ID);
  return undefined;
}

/** Write and Delete count one each. */
const weight = (rights: number): number =>
  (rights & ACCESS_RIGHTS.write ? 1 : 0) + (rights & ACCESS_RIGHTS.delete ? 1 : 0);

const own = (tree: ObjectTree, id: number, owner: number): void =>
  tree.set(resourcePath(ACCESS_CONTROL_OBJECT, id, ACCESS_CONTROL_RESOURCES.owner), owner);
