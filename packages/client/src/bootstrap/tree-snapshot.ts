/**
 * A tree as it was before a bootstrap, to go back to when that fails: which Object Instances existed, and the values they
 * kept. OMA TS Core §6.1.6: what there was before stays in force.
 *
 * What a handler was given meanwhile is not kept here and cannot be put back.
 */
import { objectInstancePath, resourcePath } from '@lapwing/lwm2m';
import type { Path, ResourcePath } from '@lapwing/lwm2m';
import type { ObjectTree, TreeResource } from '../object-tree.ts';

/** By Object Instance ID, Resource ID. */
export type ObjectSnapshot = Map<number, Map<number, TreeResource>>;
/** By Object ID. */
export type TreeSnapshot = Map<number, ObjectSnapshot>;

/** Of these Objects. A `TreeResource` never changes, so that the snapshot is one of references. */
export const snapshotTree = (tree: ObjectTree, objectIds: Iterable<number> = tree.objects.keys()): TreeSnapshot =>
  new Map(
    [...objectIds].flatMap((objectId) => {
      const instances = tree.objects.get(objectId)?.instances;
      if (instances === undefined) return [];
      return [[objectId, new Map([...instances].map(([id, { resources }]) => [id, new Map(resources)]))] as const];
    }),
  );

/** What is at this path has changed otherwise than by what is to be undone: the snapshot is to be with it. */
export function adoptChange(tree: ObjectTree, snapshot: TreeSnapshot, path: Path): void {
  if (path.kind === 'root' || path.kind === 'object') return;
  const { objectId, objectInstanceId } = path;
  const instances = snapshot.get(objectId);
  if (instances === undefined) return;
  const instance = tree.objectInstance(objectId, objectInstanceId);
  const kept = instances.get(objectInstanceId);
  if (path.kind === 'objectInstance') {
    if (instance === undefined) instances.delete(objectInstanceId);
    else if (kept === undefined) instances.set(objectInstanceId, new Map(instance.resources));
    return;
  }
  const resource = instance?.resources.get(path.resourceId);
  if (resource === undefined) kept?.delete(path.resourceId);
  else kept?.set(path.resourceId, resource);
}

/** Objects that the snapshot is not of stay as they are. Who listens to the tree hears of what differs. */
export function restoreTree(tree: ObjectTree, snapshot: ReadonlyMap<number, ObjectSnapshot>): void {
  tree.batch(() => {
    const changes: (readonly [ResourcePath, TreeResource | undefined])[] = [];
    for (const [objectId, before] of snapshot) {
      const instances = tree.objects.get(objectId)?.instances;
      if (instances === undefined) continue;
      for (const id of [...instances.keys()]) if (!before.has(id)) tree.removeObjectInstance(objectId, id);
      for (const [id, resources] of before) {
        const instance = instances.get(id);
        if (instance === undefined) {
          tree.insert(objectInstancePath(objectId, id), { resources: new Map(resources) });
          continue;
        }
        for (const resourceId of new Set([...instance.resources.keys(), ...resources.keys()])) {
          const after = resources.get(resourceId);
          if (instance.resources.get(resourceId) === after) continue;
          changes.push([resourcePath(objectId, id, resourceId), after]);
        }
      }
    }
    tree.storeAll(changes);
    // Values that follow from others (`ClientObject.changed`) have been set anew; they are to be the old ones, too. Who
    // listens has been told of them, and hears it when the batch ends.
    for (const [objectId, before] of snapshot) {
      for (const [id, { resources }] of tree.objects.get(objectId)?.instances ?? []) {
        const ofInstance = before.get(id);
        for (const resourceId of new Set([...resources.keys(), ...(ofInstance?.keys() ?? [])])) {
          const after = ofInstance?.get(resourceId);
          if (resources.get(resourceId) === after) continue;
          if (after === undefined) resources.delete(resourceId);
          else resources.set(resourceId, after);
        }
      }
    }
  });
}
