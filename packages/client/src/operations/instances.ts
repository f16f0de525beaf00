/**
 * Create and Delete of Object Instances. OMA TS Core §6.3.6, §6.3.7.
 *
 * What may be created and deleted is for the application to say (`ClientObject.create`, `.delete`); otherwise 4.05.
 * A Create of several Object Instances creates all of them or none.
 */
import { Codes } from '@lapwing/coap';
import { formatPath, MAX_ID, objectInstancePath, objectPath, resourcePath } from '@lapwing/lwm2m';
import type { NodeEntry, ObjectInstancePath, ObjectPath, Path, Value } from '@lapwing/lwm2m';
import type { HandlerContext, ObjectInstanceContent, PlainValue } from '../client-object.ts';
import { andThen, eachInOrder } from '../maybe-promise.ts';
import type { MaybePromise } from '../maybe-promise.ts';
import { buildInstance, plainValue, plainValues } from '../object-tree.ts';
import type { ObjectTree, TreeObject, TreeObjectInstance, TreeResource } from '../object-tree.ts';
import { badRequest, HandlerFailed, isRefusal, notAllowed, notFound, OperationRefused, refusal } from '../refusal.ts';
import type { Refusal } from '../refusal.ts';
import { isTooMany, noRoom, valueProblem } from './write.ts';

export interface Created {
  readonly paths: readonly ObjectInstancePath[];
  /** The Object Instance whose id this client chose: goes into Location-Path. */
  readonly chosen: ObjectInstancePath | undefined;
}

/** Object Instances of one Object that servers may bring about, unless the application's description has more. */
export const MAX_OBJECT_INSTANCES = 256;

export interface NewInstance {
  readonly path: ObjectInstancePath;
  readonly resources: Map<number, TreeResource>;
}

/**
 * Create the Object Instances that `entries` describe, with Object Instance ID 65535 for "choose one".
 *
 * @returns 4.00 for an id that exists, a value that does not fit or a mandatory writable Resource that is missing;
 * 4.04 for an Object this client does not have; 4.05 where Create is not for servers.
 */
export function createInstances(
  tree: ObjectTree,
  target: ObjectPath,
  entries: readonly NodeEntry[],
  contextOf: (path: Path) => HandlerContext,
): MaybePromise<Created | Refusal> {
  const object = tree.objects.get(target.objectId);
  if (object === undefined) return notFound(`Object ${target.objectId}`);
  const { create } = object.spec;
  if (create === undefined || create === false) return notAllowed(`Object ${target.objectId} does not take Create`);

  const groups = groupByInstance(target, entries);
  if (isRefusal(groups)) return groups;
  const taken = new Set(object.instances.keys());
  const news: NewInstance[] = [];
  let chosen: ObjectInstancePath | undefined;
  for (const [givenId, group] of [...groups].sort(([a], [b]) => a - b)) {
    const id = givenId === MAX_ID ? lowestFree(taken, groups) : givenId;
    if (taken.has(id)) return badRequest(`/${target.objectId}/${id} exists already`);
    if (!object.definition.multiple && id !== 0)
      return badRequest(`Object ${target.objectId} has one Object Instance, 0`);
    if (taken.size >= MAX_OBJECT_INSTANCES) return refusal(Codes.serviceUnavailable, 'no room for another one');
    taken.add(id);
    const path = objectInstancePath(target.objectId, id);
    if (givenId === MAX_ID) chosen = path;
    const resources = planInstance(tree, object, path, group);
    if (isRefusal(resources)) return resources;
    news.push({ path, resources });
  }
  return andThen(
    eachInOrder(news, (created) => callCreate(object, created, contextOf)),
    () => {
      for (const { path, resources } of news) tree.insert(path, { resources });
      return { paths: news.map(({ path }) => path), chosen };
    },
  );
}

/** @returns undefined when done; 4.04, or 4.05 where Delete is not for servers. */
export function deleteInstance(
  tree: ObjectTree,
  path: ObjectInstancePath,
  contextOf: (path: Path) => HandlerContext,
): MaybePromise<Refusal | undefined> {
  const object = tree.objects.get(path.objectId);
  if (object === undefined) return notFound(`Object ${path.objectId}`);
  if (!object.instances.has(path.objectInstanceId)) return notFound(formatPath(path));
  const allowed = object.spec.delete;
  if (allowed === undefined || allowed === false) return notAllowed(`Object ${path.objectId} does not take Delete`);
  return andThen(callDelete(object, path, contextOf), () => {
    tree.removeObjectInstance(path.objectId, path.objectInstanceId);
    return undefined;
  });
}

/** Tell the application that an Object Instance is going to be removed. */
export function callDelete(
  object: TreeObject,
  path: ObjectInstancePath,
  contextOf: (path: Path) => HandlerContext,
): MaybePromise<void> {
  const { delete: allowed } = object.spec;
  if (typeof allowed !== 'function') return;
  const failed = (cause: unknown): never => {
    throw cause instanceof OperationRefused ? cause : new HandlerFailed(path, 'delete', cause);
  };
  try {
    const done = allowed(path.objectInstanceId, contextOf(path));
    return done instanceof Promise ? done.catch(failed) : done;
  } catch (cause) {
    failed(cause);
  }
}

function groupByInstance(
  target: ObjectPath,
  entries: readonly NodeEntry[],
): ReadonlyMap<number, readonly NodeEntry[]> | Refusal {
  const groups = new Map<number, NodeEntry[]>();
  for (const entry of entries) {
    const { path } = entry;
    if (path.objectId !== target.objectId)
      return badRequest(`${formatPath(path)} is not part of ${formatPath(target)}`);
    if (path.kind === 'object') continue;
    const group = groups.get(path.objectInstanceId);
    if (group === undefined) groups.set(path.objectInstanceId, [entry]);
    else group.push(entry);
  }
  // An empty payload asks for an Object Instance without values.
  if (groups.size === 0) groups.set(MAX_ID, []);
  return groups;
}

function lowestFree(taken: ReadonlySet<number>, given: ReadonlyMap<number, unknown>): number {
  let id = 0;
  while (taken.has(id) || given.has(id)) id++;
  return id;
}

function planInstance(
  tree: ObjectTree,
  object: TreeObject,
  path: ObjectInstancePath,
  entries: readonly NodeEntry[],
): Map<number, TreeResource> | Refusal {
  const resources = new Map<number, TreeResource>();
  const multiples = new Map<number, Map<number, Value>>();
  for (const entry of entries) {
    if (entry.kind === 'remove') return badRequest('nothing can be removed from what does not exist yet');
    if (entry.path.kind === 'object' || entry.path.kind === 'objectInstance') continue;
    const { resourceId } = entry.path;
    const definition = object.definition.resources.get(resourceId);
    // Unknown Resources and read-only values are ignored in a Create.
    if (definition === undefined || !(definition.operations === 'RW' || definition.operations === 'W')) continue;
    if (!object.supported.has(resourceId)) continue;
    const at = resourcePath(path.objectId, path.objectInstanceId, resourceId);
    if (definition.multiple !== (entry.kind === 'empty' || entry.path.kind === 'resourceInstance')) {
      return badRequest(`${formatPath(at)}: ${definition.multiple ? 'Resource Instances' : 'a single value'} expected`);
    }
    const values = multiples.get(resourceId) ?? new Map<number, Value>();
    if (definition.multiple) {
      multiples.set(resourceId, values);
      resources.set(resourceId, { kind: 'multiple', definition, values });
    }
    if (entry.kind === 'empty') continue;
    const problem = valueProblem(tree, at, definition, entry.value);
    if (problem !== undefined) return problem;
    if (entry.path.kind === 'resourceInstance') {
      values.set(entry.path.resourceInstanceId, entry.value);
      if (isTooMany(values.size)) return noRoom(at);
    } else resources.set(resourceId, { kind: 'single', definition, value: entry.value });
  }
  for (const definition of object.definition.resources.values()) {
    const writable = definition.operations === 'RW' || definition.operations === 'W';
    if (definition.mandatory && writable && !resources.has(definition.id)) {
      return badRequest(`${formatPath(path)}/${definition.id} (${definition.name}) is mandatory`);
    }
  }
  return resources;
}

/** Ask the application for an Object Instance; what it adds comes to `resources`. */
export function callCreate(
  object: TreeObject,
  { path, resources }: NewInstance,
  contextOf: (path: Path) => HandlerContext,
): MaybePromise<void> {
  const { create } = object.spec;
  if (typeof create !== 'function') return;
  const given = new Map<number, PlainValue | ReadonlyMap<number, PlainValue>>();
  for (const [id, resource] of resources) {
    if (resource.kind === 'single') given.set(id, plainValue(resource.value));
    else if (resource.kind === 'multiple') given.set(id, plainValues(resource.values));
  }
  const failed = (cause: unknown): never => {
    throw cause instanceof OperationRefused ? cause : new HandlerFailed(path, 'create', cause);
  };
  const add = (content: ObjectInstanceContent | undefined): void => {
    if (content === undefined) return;
    try {
      const built: TreeObjectInstance = buildInstance(object.definition, path.objectId, path.objectInstanceId, content);
      for (const [id, resource] of built.resources) resources.set(id, resource);
    } catch (cause) {
      failed(cause);
    }
  };
  try {
    const answer = create(path.objectInstanceId, given, contextOf(objectPath(path.objectId)));
    return answer instanceof Promise ? answer.then(add, failed) : add(answer);
  } catch (cause) {
    failed(cause);
  }
}
