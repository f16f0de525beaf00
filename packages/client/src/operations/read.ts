/**
 * Reading the tree: the entries below a path, as a Read, a notification and a Send need them. OMA TS Core §6.3.1:
 * an Object or Object Instance gives what is readable and present; a single Resource must be both.
 */
import { Codes } from '@lapwing/coap';
import { formatPath, objectInstancePath, objectPath, resourceInstancePath, resourcePath } from '@lapwing/lwm2m';
import type { NodeEntry, Path, ResourceDefinition, ResourcePath, Value } from '@lapwing/lwm2m';
import type { HandlerContext, ResourceHandler } from '../client-object.ts';
import { all, andThen } from '../maybe-promise.ts';
import type { MaybePromise } from '../maybe-promise.ts';
import { checkedValue, checkedValues } from '../object-tree.ts';
import type { ObjectTree, TreeObject, TreeObjectInstance, TreeResource } from '../object-tree.ts';
import { HandlerFailed, isRefusal, notAllowed, notFound, OperationRefused, refusal, unauthorized } from '../refusal.ts';
import type { Refusal } from '../refusal.ts';

export type Entries = readonly NodeEntry[];
export type ContextOf = (path: Path) => HandlerContext;
/** Whether who asks has the right R on an Object Instance. */
export type MayRead = (objectId: number, objectInstanceId: number) => boolean;

const NOTHING: Entries = [];

/**
 * The readable entries at and below `path`, ascending. An Object or Object Instance without any is one `empty` entry.
 *
 * @returns 4.04 for what does not exist, 4.05 for what cannot be read, 4.01 for what may not; of an Object the Object
 * Instances that may not be read are left out.
 * @throws HandlerFailed when a `read` handler failed or answered something its definition does not allow.
 */
export function readEntries(
  tree: ObjectTree,
  path: Path,
  contextOf: ContextOf,
  mayRead: MayRead,
): MaybePromise<Entries | Refusal> {
  if (path.kind === 'root') return notAllowed('the root cannot be read');
  const object = tree.objects.get(path.objectId);
  if (object === undefined) return notFound(`Object ${path.objectId}`);
  if (path.kind === 'object') return readObject(object, contextOf, mayRead);
  const instance = object.instances.get(path.objectInstanceId);
  if (instance === undefined) return notFound(`/${path.objectId}/${path.objectInstanceId}`);
  if (!mayRead(path.objectId, path.objectInstanceId)) return unauthorized(path);
  if (path.kind === 'objectInstance') {
    return readInstance(object, path.objectInstanceId, instance, contextOf);
  }
  const definition = object.definition.resources.get(path.resourceId);
  const resource = instance.resources.get(path.resourceId);
  // Presence first, as for all operations: a Resource that is not there is 4.04 whatever its definition allows.
  if (definition === undefined || resource === undefined) return notFound(formatPath(path));
  if (!isReadable(resource)) return notAllowed(`${formatPath(path)} is not readable`);
  if (path.kind === 'resource') {
    return andThen(readResource(path, resource, contextOf), (entries) => entries ?? notFound(formatPath(path)));
  }
  if (!definition.multiple) return notAllowed(`${formatPath(path)}: the Resource has a single value`);
  const parent = resourcePath(path.objectId, path.objectInstanceId, path.resourceId);
  return andThen(readResource(parent, resource, contextOf), (entries) => {
    const found = entries?.find(
      (entry) => entry.path.kind === 'resourceInstance' && entry.path.resourceInstanceId === path.resourceInstanceId,
    );
    return found === undefined ? notFound(formatPath(path)) : [found];
  });
}

/**
 * The entries of all paths together, as composites and Send want them: what is missing or unreadable is left out.
 * OMA TS Core §6.3.10. The root stands for everything readable.
 *
 * @returns 4.01 when nothing is left because of missing rights.
 */
export function readAll(
  tree: ObjectTree,
  paths: readonly Path[],
  contextOf: ContextOf,
  mayRead: MayRead,
): MaybePromise<Entries | Refusal> {
  let isDenied = false;
  const check: MayRead = (objectId, objectInstanceId) => {
    const may = mayRead(objectId, objectInstanceId);
    isDenied ||= !may;
    return may;
  };
  const wanted = paths
    .flatMap((path) => (path.kind === 'root' ? [...tree.objects.keys()].map((id) => objectPath(id)) : [path]))
    .filter(({ objectId }) => !HIDDEN.has(objectId));
  const parts = wanted.map((path) => readEntries(tree, path, contextOf, check));
  return andThen(all(parts), (results) => {
    const seen = new Set<string>();
    const entries = results.flatMap((result) =>
      isRefusal(result)
        ? []
        : result.filter((entry) => {
            const key = formatPath(entry.path);
            if (entry.kind !== 'value' || seen.has(key)) return false;
            seen.add(key);
            return true;
          }),
    );
    return entries.length === 0 && isDenied ? refusal(Codes.unauthorized, 'none of this may be read') : entries;
  });
}

/** Objects that servers never see: Security, OSCORE and COSE hold secrets. OMA TS Core §6.3. */
export const HIDDEN: ReadonlySet<number> = new Set([0, 21, 23]);

export const isReadable = (resource: TreeResource): boolean =>
  (resource.definition.operations === 'R' || resource.definition.operations === 'RW') &&
  (resource.kind !== 'handler' || resource.handler.read !== undefined);

function readObject(object: TreeObject, contextOf: ContextOf, mayRead: MayRead): MaybePromise<Entries> {
  const readable = ascending(object.instances).filter(([id]) => mayRead(object.objectId, id));
  if (readable.length === 0) return [{ kind: 'empty', path: objectPath(object.objectId) }];
  const parts = readable.map(([id, instance]) => readInstance(object, id, instance, contextOf));
  return andThen(all(parts), (entries) => entries.flat());
}

function readInstance(
  object: TreeObject,
  objectInstanceId: number,
  instance: TreeObjectInstance,
  contextOf: ContextOf,
): MaybePromise<Entries> {
  const parts: MaybePromise<Entries | undefined>[] = [];
  for (const [id, resource] of ascending(instance.resources)) {
    if (isReadable(resource)) {
      parts.push(readResource(resourcePath(object.objectId, objectInstanceId, id), resource, contextOf));
    }
  }
  return andThen(all(parts), (results) => {
    const entries = results.flatMap((part) => part ?? NOTHING);
    return entries.length > 0
      ? entries
      : [{ kind: 'empty', path: objectInstancePath(object.objectId, objectInstanceId) }];
  });
}

/** Undefined when a handler says that the Resource does not exist just now. */
function readResource(
  path: ResourcePath,
  resource: TreeResource,
  contextOf: ContextOf,
): MaybePromise<Entries | undefined> {
  switch (resource.kind) {
    case 'single':
      return [{ kind: 'value', path, value: resource.value }];
    case 'multiple':
      return entriesOfInstances(path, resource.values);
    case 'handler':
      return readHandler(path, resource.definition, resource.handler, contextOf);
  }
}

function readHandler(
  path: ResourcePath,
  definition: ResourceDefinition,
  handler: ResourceHandler,
  contextOf: ContextOf,
): MaybePromise<Entries | undefined> {
  const failed = (cause: unknown): never => {
    throw cause instanceof OperationRefused ? cause : new HandlerFailed(path, 'read', cause);
  };
  const entries = (answer: unknown): Entries | undefined => {
    if (answer === undefined) return undefined;
    try {
      return definition.multiple
        ? entriesOfInstances(path, checkedValues(path, definition, answer))
        : [{ kind: 'value', path, value: checkedValue(path, definition, answer) }];
    } catch (cause) {
      return failed(cause);
    }
  };
  try {
    const answer: unknown = handler.read?.(contextOf(path));
    return answer instanceof Promise ? answer.then(entries, failed) : entries(answer);
  } catch (cause) {
    return failed(cause);
  }
}

function entriesOfInstances(path: ResourcePath, values: ReadonlyMap<number, Value>): Entries {
  if (values.size === 0) return [{ kind: 'empty', path }];
  return ascending(values).map(([id, value]) => ({
    kind: 'value',
    path: resourceInstancePath(path.objectId, path.objectInstanceId, path.resourceId, id),
    value,
  }));
}

export const ascending = <T>(map: ReadonlyMap<number, T>): readonly (readonly [number, T])[] =>
  [...map].sort(([a], [b]) => a - b);
