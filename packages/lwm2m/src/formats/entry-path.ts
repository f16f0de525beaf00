/**
 * Paths built from ids a payload gave. The caller has checked their range: 0 to 65534, and 65535 also for an Object
 * Instance, where it means "the client chooses" (OMA TS Core 1.2.1 §7.5.4, Create).
 */
import { MAX_ID } from '../identifiers.ts';
import type { ObjectId, ObjectInstanceId, ResourceId, ResourceInstanceId } from '../identifiers.ts';
import type { ObjectInstancePath, ObjectPath, Path, ResourceInstancePath, ResourcePath } from '../path.ts';

export const objectAt = (objectId: number): ObjectPath => ({ kind: 'object', objectId: objectId as ObjectId });

export const objectInstanceAt = (objectId: number, objectInstanceId: number): ObjectInstancePath => ({
  kind: 'objectInstance',
  objectId: objectId as ObjectId,
  objectInstanceId: objectInstanceId as ObjectInstanceId,
});

export const resourceAt = (objectId: number, objectInstanceId: number, resourceId: number): ResourcePath => ({
  kind: 'resource',
  objectId: objectId as ObjectId,
  objectInstanceId: objectInstanceId as ObjectInstanceId,
  resourceId: resourceId as ResourceId,
});

export const resourceInstanceAt = (
  objectId: number,
  objectInstanceId: number,
  resourceId: number,
  resourceInstanceId: number,
): ResourceInstancePath => ({
  kind: 'resourceInstance',
  objectId: objectId as ObjectId,
  objectInstanceId: objectInstanceId as ObjectInstanceId,
  resourceId: resourceId as ResourceId,
  resourceInstanceId: resourceInstanceId as ResourceInstanceId,
});

/** The highest id that may stand at each level of a path, from the Object down. */
export const HIGHEST_ID_AT_LEVEL: readonly number[] = [MAX_ID - 1, MAX_ID, MAX_ID - 1, MAX_ID - 1];

/** A Resource or a Resource Instance: the only paths that hold one value. */
export const holdsOneValue = (path: Path): path is ResourcePath | ResourceInstancePath =>
  path.kind === 'resource' || path.kind === 'resourceInstance';
