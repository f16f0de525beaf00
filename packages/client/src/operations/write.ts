/**
 * Writing: first everything is checked, then everything is written, so that a refused Write leaves nothing behind.
 * OMA TS Core §6.3.3 (Replace, Partial Update), §6.3.11 (Write-Composite).
 *
 * Replace on an Object Instance removes optional kept values that are not in the payload, or puts back their default; those
 * with handlers stay as they are. A mandatory one that has no default refuses the whole when it is not in the payload. The `write` handlers run before kept values change: one that refuses keeps the rest undone,
 * and those before it are given back the values they had.
 */
import { Codes } from '@lapwing/coap';
import { checkRange, formatPath, isWithin, resourcePath } from '@lapwing/lwm2m';
import type {
  NodeEntry,
  ObjectInstancePath,
  Path,
  ResourceDefinition,
  ResourceInstancePath,
  ResourcePath,
  Value,
} from '@lapwing/lwm2m';
import { MAX_ID } from '@lapwing/lwm2m';
import type { HandlerContext, PlainValue, WriteContext } from '../client-object.ts';
import { reportClientError } from '../diagnostics.ts';
import { andThen, eachInOrder } from '../maybe-promise.ts';
import type { MaybePromise } from '../maybe-promise.ts';
import { buildValue, checkedValue, checkedValues, plainValue, plainValues } from '../object-tree.ts';
import type { ObjectTree, TreeObject, TreeObjectInstance, TreeResource } from '../object-tree.ts';
import { badRequest, HandlerFailed, isRefusal, notAllowed, notFound, OperationRefused, refusal } from '../refusal.ts';
import type { Refusal } from '../refusal.ts';

/** Resource Instances that servers may bring about in one Resource. */
const MAX_RESOURCE_INSTANCES = 1024;
export const noRoom = (path: Path): Refusal =>
  refusal(Codes.serviceUnavailable, `${formatPath(path)}: no room for more Resource Instances`);
export const isTooMany = (resourceInstances: number): boolean => resourceInstances > MAX_RESOURCE_INSTANCES;

export type WriteMode = 'replace' | 'update';
export type WriteTarget = ObjectInstancePath | ResourcePath | ResourceInstancePath;

/** What will be written to one Resource. */
export interface ResourceWrite {
  readonly path: ResourcePath;
  readonly definition: ResourceDefinition;
  readonly before: TreeResource | undefined;
  /** The kept Resource afterwards (undefined: removed), or what its handler is given. */
  readonly after: (TreeResource & { readonly kind: 'single' | 'multiple' }) | undefined;
  readonly mode: WriteMode;
}

/**
 * Write `entries` (absolute paths at or below `target`).
 *
 * @returns the Resources written, or 4.00, 4.04, 4.05 with nothing changed.
 * @throws HandlerFailed when a `write` handler failed.
 */
export function writeEntries(
  tree: ObjectTree,
  target: WriteTarget,
  mode: WriteMode,
  entries: readonly NodeEntry[],
  contextOf: (path: Path) => HandlerContext,
): MaybePromise<readonly ResourcePath[] | Refusal> {
  const plan = planWrite(tree, target, mode, entries);
  return isRefusal(plan) ? plan : apply(tree, plan, contextOf);
}

/** As `writeEntries`, for entries all over the tree; `remove` entries delete a Resource Instance. All or nothing. */
export function writeComposite(
  tree: ObjectTree,
  entries: readonly NodeEntry[],
  contextOf: (path: Path) => HandlerContext,
): MaybePromise<readonly ResourcePath[] | Refusal> {
  const byResource = new Map<string, { path: ResourcePath; entries: NodeEntry[] }>();
  for (const entry of entries) {
    const { path } = entry;
    if (path.kind !== 'resource' && path.kind !== 'resourceInstance') {
      return badRequest(`${formatPath(path)}: only Resources can be written`);
    }
    const parent = resourcePath(path.objectId, path.objectInstanceId, path.resourceId);
    const key = formatPath(parent);
    const group = byResource.get(key);
    if (group === undefined) byResource.set(key, { path: parent, entries: [entry] });
    else group.entries.push(entry);
  }
  const writes: ResourceWrite[] = [];
  for (const group of byResource.values()) {
    const plan = planWrite(tree, group.path, 'update', group.entries);
    if (isRefusal(plan)) return plan;
    writes.push(...plan);
  }
  return apply(tree, writes, contextOf);
}

/** Remove one Resource Instance. 1.2, OMA TS Core §6.3.6. */
export function deleteResourceInstance(
  tree: ObjectTree,
  path: ResourceInstancePath,
  contextOf: (path: Path) => HandlerContext,
): MaybePromise<readonly ResourcePath[] | Refusal> {
  const parent = resourcePath(path.objectId, path.objectInstanceId, path.resourceId);
  const plan = planWrite(tree, parent, 'update', [{ kind: 'remove', path }]);
  return isRefusal(plan) ? plan : apply(tree, plan, contextOf);
}

/** A server may write it: the definition says so, and a handler, when there is one, can. */
export const isWritable = (definition: ResourceDefinition, resource: TreeResource | undefined): boolean =>
  (definition.operations === 'W' || definition.operations === 'RW') &&
  (resource?.kind !== 'handler' || resource.handler.write !== undefined);

/** Why a value may not stand in this Resource, or undefined. */
export function valueProblem(
  tree: ObjectTree,
  path: Path,
  definition: ResourceDefinition,
  value: Value,
): Refusal | undefined {
  if (value.type !== definition.type) {
    return badRequest(`${formatPath(path)}: ${definition.type} expected, ${value.type} found`);
  }
  const outOfRange = checkRange(definition, value);
  if (outOfRange !== undefined) return badRequest(`${formatPath(path)}: ${outOfRange.malformed}`);
  if (value.type === 'objlnk') {
    const { objectId, objectInstanceId } = value.value;
    if (objectId === MAX_ID && objectInstanceId === MAX_ID) return undefined;
    const object = tree.objects.get(objectId);
    if (object === undefined || (objectInstanceId !== MAX_ID && !object.instances.has(objectInstanceId))) {
      return badRequest(`${formatPath(path)}: ${objectId}:${objectInstanceId} does not exist`);
    }
  }
  return undefined;
}

function planWrite(
  tree: ObjectTree,
  target: WriteTarget,
  mode: WriteMode,
  entries: readonly NodeEntry[],
): readonly ResourceWrite[] | Refusal {
  const object = tree.objects.get(target.objectId);
  if (object === undefined) return notFound(`Object ${target.objectId}`);
  const instance = object.instances.get(target.objectInstanceId);
  if (instance === undefined) return notFound(`/${target.objectId}/${target.objectInstanceId}`);
  const targetProblem = checkTarget(object, instance, target);
  if (targetProblem !== undefined) return targetProblem;

  const groups = groupByResource(target, entries);
  if (isRefusal(groups)) return groups;
  const writes: ResourceWrite[] = [];
  for (const [resourceId, group] of groups) {
    const write = planResource(tree, object, instance, target, resourceId, group, mode);
    if (isRefusal(write)) return write;
    if (write !== undefined) writes.push(write);
  }
  if (target.kind !== 'objectInstance' && writes.length === 0) return badRequest('the payload holds no value');
  if (target.kind === 'objectInstance' && mode === 'replace') {
    const left = removals(target, object, instance, groups);
    if (isRefusal(left)) return left;
    writes.push(...left);
  }
  return writes;
}

/** Of a Write to one Resource: it must be known, writable, and multiple when a Resource Instance is named. */
function checkTarget(object: TreeObject, instance: TreeObjectInstance, target: WriteTarget): Refusal | undefined {
  if (target.kind === 'objectInstance') return undefined;
  const definition = object.definition.resources.get(target.resourceId);
  const resource = instance.resources.get(target.resourceId);
  if (definition === undefined || (resource === undefined && !object.supported.has(target.resourceId))) {
    return notFound(formatPath(target));
  }
  if (!isWritable(definition, resource)) return notAllowed(`${formatPath(target)} is not writable`);
  if (target.kind === 'resourceInstance' && !definition.multiple) {
    return notAllowed(`${formatPath(target)}: the Resource has a single value`);
  }
  return undefined;
}

/** What the payload says about one Resource. */
interface Group {
  single: Value | undefined;
  readonly instances: Map<number, Value>;
  readonly removed: Set<number>;
}

function groupByResource(target: WriteTarget, entries: readonly NodeEntry[]): ReadonlyMap<number, Group> | Refusal {
  const groups = new Map<number, Group>();
  for (const entry of entries) {
    const { path } = entry;
    if (!isWithin(path, target)) return badRequest(`${formatPath(path)} is not part of ${formatPath(target)}`);
    if (path.kind === 'object' || path.kind === 'objectInstance') continue;
    let group = groups.get(path.resourceId);
    if (group === undefined) {
      groups.set(path.resourceId, (group = { single: undefined, instances: new Map(), removed: new Set() }));
    }
    if (path.kind === 'resourceInstance') {
      if (entry.kind === 'remove') group.removed.add(path.resourceInstanceId);
      else if (entry.kind === 'value') group.instances.set(path.resourceInstanceId, entry.value);
    } else if (entry.kind === 'value') {
      group.single = entry.value;
    } else if (entry.kind === 'remove') {
      return notAllowed(`${formatPath(path)}: only Resource Instances can be removed`);
    }
  }
  return groups;
}

function planResource(
  tree: ObjectTree,
  object: TreeObject,
  instance: TreeObjectInstance,
  target: WriteTarget,
  resourceId: number,
  group: Group,
  mode: WriteMode,
): ResourceWrite | Refusal | undefined {
  const path = resourcePath(target.objectId, target.objectInstanceId, resourceId);
  const definition = object.definition.resources.get(resourceId);
  // Optional Resources this client does not know or support are ignored in a larger Write.
  if (definition === undefined) return undefined;
  const before = instance.resources.get(resourceId);
  if (!isWritable(definition, before)) return notAllowed(`${formatPath(path)} is not writable`);
  if (before === undefined && !object.supported.has(resourceId)) return undefined;

  const changes = [...group.instances.values(), ...(group.single === undefined ? [] : [group.single])];
  for (const value of changes) {
    const problem = valueProblem(tree, path, definition, value);
    if (problem !== undefined) return problem;
  }
  if (!definition.multiple) {
    if (group.removed.size > 0) return notAllowed(`${formatPath(path)}: the Resource has a single value`);
    if (group.single === undefined || group.instances.size > 0) {
      return badRequest(`${formatPath(path)}: a single value expected`);
    }
    return { path, definition, before, after: { kind: 'single', definition, value: group.single }, mode };
  }
  if (group.single !== undefined) return badRequest(`${formatPath(path)}: Resource Instances expected`);
  const kept = before?.kind === 'multiple' ? before.values : NO_VALUES;
  if (group.removed.size > 0) {
    if (before?.kind === 'handler') return notAllowed(`${formatPath(path)}: its Resource Instances cannot be removed`);
    for (const id of group.removed) if (!kept.has(id)) return notFound(`${formatPath(path)}/${id}`);
  }
  // One Resource Instance named in the path: the others stay, whatever the mode.
  const merge = mode === 'update' || target.kind === 'resourceInstance';
  const values = new Map(merge && before?.kind !== 'handler' ? kept : NO_VALUES);
  for (const [id, value] of group.instances) values.set(id, value);
  for (const id of group.removed) values.delete(id);
  if (values.size > kept.size && isTooMany(values.size)) return noRoom(path);
  return { path, definition, before, after: { kind: 'multiple', definition, values }, mode: merge ? 'update' : mode };
}

const NO_VALUES: ReadonlyMap<number, Value> = new Map();

/** What a Replace of an Object Instance does to what it does not give: back to the default, or gone; 4.00 when neither can be. */
function removals(
  target: WriteTarget,
  object: TreeObject,
  instance: TreeObjectInstance,
  groups: ReadonlyMap<number, unknown>,
): readonly ResourceWrite[] | Refusal {
  const writes: ResourceWrite[] = [];
  for (const [id, before] of instance.resources) {
    const { definition } = before;
    if (groups.has(id) || !isWritable(definition, before)) continue;
    const path = resourcePath(target.objectId, target.objectInstanceId, id);
    const byDefault = object.spec.defaults?.[id];
    if (definition.mandatory && byDefault === undefined) {
      return badRequest(`${formatPath(path)} (${definition.name}) is mandatory`);
    }
    if (before.kind === 'handler') continue;
    const after = byDefault === undefined ? undefined : buildValue(path, definition, byDefault);
    writes.push({ path, definition, before, after, mode: 'replace' });
  }
  return writes;
}

function apply(
  tree: ObjectTree,
  writes: readonly ResourceWrite[],
  contextOf: (path: Path) => HandlerContext,
): MaybePromise<readonly ResourcePath[]> {
  const handled = writes.filter(({ before }) => before?.kind === 'handler');
  const kept = writes.filter(({ before }) => before?.kind !== 'handler');
  const written = (): readonly ResourcePath[] => {
    tree.storeAll(kept.map(({ path, after }) => [path, after] as const));
    for (const { path } of handled) tree.changed(path);
    return writes.map(({ path }) => path);
  };
  return andThen(writeToHandlers(handled, contextOf), written);
}

/** Give each of these handlers its value; when one of several refuses, those before it get back what they had. */
export function writeToHandlers(
  handled: readonly ResourceWrite[],
  contextOf: (path: Path) => HandlerContext,
): MaybePromise<void> {
  // The usual case: nothing has to be taken back when it fails.
  if (handled.length <= 1) return eachInOrder(handled, (write) => callWrite(write, contextOf));
  return applyWhole(handled, contextOf);
}

/** Several handlers as one: when one of them refuses, those before it get back what they had, as far as they can be read. */
async function applyWhole(handled: readonly ResourceWrite[], contextOf: (path: Path) => HandlerContext): Promise<void> {
  const done: { readonly write: ResourceWrite; readonly previous: PlainValue | ReadonlyMap<number, PlainValue> }[] = [];
  for (const write of handled) {
    const previous = await valueBefore(write, contextOf);
    try {
      await callWrite(write, contextOf);
    } catch (error) {
      for (const { write: earlier, previous: value } of done.reverse()) {
        try {
          await callHandler(earlier, value, { ...contextOf(earlier.path), mode: 'replace' });
        } catch (cause) {
          // What the server is told is why it was refused; this is for the device to know.
          reportClientError(cause);
        }
      }
      throw error;
    }
    if (previous !== undefined) done.push({ write, previous });
  }
}

/** What a handler has before it is written to; undefined when it cannot say. */
async function valueBefore(
  { path, before, definition }: ResourceWrite,
  contextOf: (path: Path) => HandlerContext,
): Promise<PlainValue | ReadonlyMap<number, PlainValue> | undefined> {
  const read = before?.kind === 'handler' ? before.handler.read : undefined;
  if (read === undefined) return undefined;
  try {
    const value = await read(contextOf(path));
    if (value === undefined) return undefined;
    return definition.multiple
      ? plainValues(checkedValues(path, definition, value))
      : plainValue(checkedValue(path, definition, value));
  } catch {
    // A handler that cannot be read now is none that can be put back; the Write itself may still work.
    return undefined;
  }
}

function callWrite(
  { path, before, after, mode }: ResourceWrite,
  contextOf: (path: Path) => HandlerContext,
): MaybePromise<void> {
  if (after === undefined) return;
  const value = after.kind === 'single' ? plainValue(after.value) : plainValues(after.values);
  return callHandler({ path, before }, value, { ...contextOf(path), mode });
}

function callHandler(
  { path, before }: Pick<ResourceWrite, 'path' | 'before'>,
  value: PlainValue | ReadonlyMap<number, PlainValue>,
  context: WriteContext,
): MaybePromise<void> {
  const write = before?.kind === 'handler' ? before.handler.write : undefined;
  if (write === undefined) return;
  const failed = (cause: unknown): never => {
    throw cause instanceof OperationRefused ? cause : new HandlerFailed(path, 'write', cause);
  };
  try {
    const done = write(value, context);
    return done instanceof Promise ? done.catch(failed) : done;
  } catch (cause) {
    failed(cause);
  }
}
