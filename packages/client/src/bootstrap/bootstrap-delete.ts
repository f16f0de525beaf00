/**
 * Bootstrap-Delete. The account of the Bootstrap-Server (/0/x and what it links) and /3/0 are never deleted.
 * OMA TS Core §6.1.
 *
 * | path | what goes                                                                                             |
 * |------|-------------------------------------------------------------------------------------------------------|
 * | /    | all Object Instances of the account Objects and of Objects that servers may create or delete them of  |
 * | /o   | all Object Instances of the Object                                                                    |
 * | /o/i | the Object Instance; 4.00 when it is one that never goes                                              |
 *
 * Object Instances that the application described and servers cannot bring back, such as a sensor, are deleted when they
 * are named and stay when everything is: a device without them is not a device that can be set up anew. What is not there
 * need not be deleted: 2.02.
 */
import { Codes } from '@lapwing/coap';
import { formatPath, objectInstancePath } from '@lapwing/lwm2m';
import type { BootstrapDeleteOperation, ObjectInstancePath } from '@lapwing/lwm2m';
import { andThen, eachInOrder } from '../maybe-promise.ts';
import type { MaybePromise } from '../maybe-promise.ts';
import type { TreeObject } from '../object-tree.ts';
import { callDelete } from '../operations/instances.ts';
import { ascending } from '../operations/read.ts';
import { badRequest } from '../refusal.ts';
import type { Refusal } from '../refusal.ts';
import { ACCOUNT_OBJECTS, accountInstances, DEVICE_OBJECT } from './account-objects.ts';
import { JUST_CHANGE } from './bootstrap-context.ts';
import type { BootstrapAnswer, BootstrapContext } from './bootstrap-context.ts';

/** True for what no Bootstrap-Delete and no Bootstrap-Pack removes. */
export function isSpared({ tree, bootstrapAccount }: BootstrapContext, path: ObjectInstancePath): boolean {
  if (path.objectId === DEVICE_OBJECT && path.objectInstanceId === 0) return true;
  if (bootstrapAccount === undefined) return false;
  return accountInstances(tree, bootstrapAccount).some(
    ({ objectId, objectInstanceId }) => objectId === path.objectId && objectInstanceId === path.objectInstanceId,
  );
}

/** Without Object Instances of its own making: servers can bring them back. */
export const isProvisioned = ({ objectId, spec }: TreeObject): boolean =>
  ACCOUNT_OBJECTS.has(objectId) || isAllowed(spec.create) || isAllowed(spec.delete);
const isAllowed = (allowed: unknown): boolean => allowed !== undefined && allowed !== false;

/**
 * @returns 4.00, or what the `delete` of the application refused with: then the Object Instances before that one are
 * gone, and it and those after it are not.
 */
export function bootstrapDelete(
  context: BootstrapContext,
  { path }: BootstrapDeleteOperation,
): MaybePromise<BootstrapAnswer | Refusal> {
  const { tree, attributes, contextOf, change = JUST_CHANGE } = context;
  const doomed: ObjectInstancePath[] = [];
  if (path.kind === 'objectInstance') {
    if (isSpared(context, path)) return badRequest(`${formatPath(path)} is never deleted`);
    doomed.push(path);
  } else {
    const objects = ascending(tree.objects).filter(([objectId, object]) =>
      path.kind === 'root' ? isProvisioned(object) : objectId === path.objectId,
    );
    for (const [objectId, { instances }] of objects) {
      for (const [id] of ascending(instances)) doomed.push(objectInstancePath(objectId, id));
    }
  }
  const existing = doomed.filter((one) => tree.objectInstance(one.objectId, one.objectInstanceId) !== undefined);
  // Seen before anything goes: what links the rest of an account goes with it.
  const going = existing.filter((one) => !isSpared(context, one));
  return andThen(
    eachInOrder(going, (one) =>
      andThen(callDelete(tree.objects.get(one.objectId)!, one, contextOf), () => {
        change(() => void tree.removeObjectInstance(one.objectId, one.objectInstanceId));
        attributes?.forget(one);
      }),
    ),
    () => ({ code: Codes.deleted }),
  );
}
