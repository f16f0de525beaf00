/**
 * Object Instances as plain JSON, and back into a tree: what a client's state has of its Objects.
 *
 * - Access Control (2): all of it is saved; restored, there are these Object Instances and no others.
 * - Accounts, which are Security (0), Server (1) and OSCORE (21), of a client that was bootstrapped: likewise.
 * - Server (1) of accounts that the options give: what servers may write is restored, by Short Server ID.
 * - Objects that are `persistent`, by default those that servers may create or delete Object Instances of: all but
 *   the Object Instances that the application adds itself; restored over what the application describes.
 *
 * Resources with handlers are not saved. They come back from the description: of an Object Instance that is described,
 * from there; of one that a server created, from the `create` function, which is called again with what is kept; of an
 * account, from who restores it.
 *
 * What servers may write is as it was saved. What they may only read is the description's to say, where it does: it
 * tells what the device is now.
 */
import { checkRange, MAX_ID, objectInstancePath, objectPath, resourcePath } from '@lapwing/lwm2m';
import type { ObjectInstancePath, Path, ResourceDefinition, Value } from '@lapwing/lwm2m';
import { ACCESS_CONTROL_OBJECT } from './access-rights.ts';
import type { HandlerContext, ObjectInstanceContent, PlainValue } from './client-object.ts';
import { buildInstance, plainValue, plainValues } from './object-tree.ts';
import type { ObjectTree, TreeObject, TreeObjectInstance, TreeResource } from './object-tree.ts';
import { SERVER_RESOURCES } from './objects/server.ts';
import { restoreValue, saveValue } from './saved-value.ts';
import type { SavedValue } from './saved-value.ts';

/** A single value, or the Resource Instances by id. */
export type SavedResource = SavedValue | { readonly [resourceInstanceId: string]: SavedValue };
/** By Resource ID. */
export type SavedObjectInstance = { readonly [resourceId: string]: SavedResource };
export interface SavedObject {
  /** Every Object Instance by its id, also those without a value. */
  readonly instances: { readonly [objectInstanceId: string]: SavedObjectInstance };
  /** Those of them that the application does not describe: servers created them. */
  readonly created: readonly number[];
  /** Object Instances that the application describes and servers have deleted. */
  readonly deleted: readonly number[];
}
/** By Object ID. */
export type SavedObjects = { readonly [objectId: string]: SavedObject };

const SECURITY = 0;
const SERVER = 1;
const OSCORE = 21;

/** What says how servers are reached, and who they are: in this order. */
export const ACCOUNT_OBJECTS: readonly number[] = [SECURITY, SERVER, OSCORE];

/** Whether the Object Instances of this Object are part of a client's state without being asked for. */
const isPersistent = ({ spec }: TreeObject): boolean =>
  spec.persistent ?? ((spec.create ?? false) !== false || (spec.delete ?? false) !== false);

const isWritable = ({ operations }: ResourceDefinition): boolean => operations === 'RW' || operations === 'W';

/**
 * How soon a change at this path is to be saved: 'later' for what servers do not write, which may change often.
 * Undefined: it is not part of the state.
 */
export function urgencyOf(tree: ObjectTree, path: Path): 'now' | 'later' | undefined {
  if (path.kind === 'root') return undefined;
  const { objectId } = path;
  if (objectId === ACCESS_CONTROL_OBJECT || ACCOUNT_OBJECTS.includes(objectId)) return 'now';
  const object = tree.objects.get(objectId);
  if (object === undefined || !isPersistent(object)) return undefined;
  if (path.kind === 'object' || path.kind === 'objectInstance') return 'now';
  const definition = object.definition.resources.get(path.resourceId);
  return definition !== undefined && isWritable(definition) ? 'now' : 'later';
}

/** Security, Server and OSCORE, whole: keys are among them. */
export function captureAccounts(tree: ObjectTree): SavedObjects {
  return capture(tree, (objectId) => ACCOUNT_OBJECTS.includes(objectId));
}

/** What else is part of the state. */
export function captureObjects(tree: ObjectTree): SavedObjects {
  return capture(
    tree,
    (objectId, object) => objectId === SERVER || objectId === ACCESS_CONTROL_OBJECT || isPersistent(object),
  );
}

function capture(tree: ObjectTree, isWanted: (objectId: number, object: TreeObject) => boolean): SavedObjects {
  const saved: { [objectId: string]: SavedObject } = {};
  for (const [objectId, object] of tree.objects) {
    if (!isWanted(objectId, object)) continue;
    const isExact = objectId === ACCESS_CONTROL_OBJECT || ACCOUNT_OBJECTS.includes(objectId);
    const described = new Set(Object.keys(object.spec.instances).map(Number));
    const kept = [...object.instances].filter(([, { isOfApplication }]) => isExact || isOfApplication !== true);
    saved[objectId] = {
      instances: Object.fromEntries(kept.map(([id, instance]) => [id, saveInstance(instance)])),
      created: kept.map(([id]) => id).filter((id) => !described.has(id)),
      deleted: [...described].filter((id) => !object.instances.has(id)),
    };
  }
  return saved;
}

function saveInstance({ resources }: TreeObjectInstance): SavedObjectInstance {
  const saved: { [resourceId: string]: SavedResource } = {};
  for (const [id, resource] of resources) {
    if (resource.kind === 'single') saved[id] = saveValue(resource.value);
    else if (resource.kind === 'multiple') {
      saved[id] = Object.fromEntries([...resource.values].map(([at, value]) => [at, saveValue(value)]));
    }
  }
  return saved;
}

/**
 * Put accounts that were captured into a tree, instead of those it has. Nobody is told: for a tree that no server works
 * with.
 *
 * @param complete  of what is not saved: handlers, which are set, and values for Resources that have none.
 * @returns false, with nothing changed, when these are not accounts: Security is not among them.
 * @throws UsageError when what `complete` answers does not fit the definition.
 */
export function restoreAccounts(
  tree: ObjectTree,
  saved: SavedObjects,
  complete: (objectId: number, objectInstanceId: number) => ObjectInstanceContent,
): boolean {
  if (!hasAccounts(saved)) return false;
  for (const objectId of ACCOUNT_OBJECTS) {
    const object = tree.objects.get(objectId);
    if (object === undefined) continue;
    object.instances.clear();
    for (const [id, kept] of instancesOf(saved[objectId], object)) {
      const content = buildInstance(object.definition, objectId, id, complete(objectId, id), 'skip');
      const resources = resourcesOf(object, kept);
      for (const [resourceId, resource] of content.resources) {
        if (resource.kind === 'handler' || !resources.has(resourceId)) resources.set(resourceId, resource);
      }
      object.instances.set(id, { resources });
    }
  }
  return true;
}

/** Whether whole accounts were saved, rather than what servers wrote to those that the options give. */
export const hasAccounts = (saved: SavedObjects): boolean => saved[SECURITY] !== undefined;

export interface RestoringObjects {
  readonly tree: ObjectTree;
  /** What a `create` function is given that is called again. */
  contextOf(path: Path): HandlerContext;
  /** A `create` function refused or failed: this Object Instance, which a server had created, does not come back. */
  notRestored(path: ObjectInstancePath, cause: unknown): void;
}

/** Everything but accounts: into a tree as the application described it. */
export function restoreObjects(saved: SavedObjects, restoring: RestoringObjects): void {
  const { tree } = restoring;
  const accessControl = tree.objects.get(ACCESS_CONTROL_OBJECT);
  const entries = saved[ACCESS_CONTROL_OBJECT];
  if (accessControl !== undefined && entries !== undefined) {
    accessControl.instances.clear();
    for (const [id, kept] of instancesOf(entries, accessControl)) {
      accessControl.instances.set(id, { resources: resourcesOf(accessControl, kept) });
    }
  }
  for (const [objectId, object] of tree.objects) {
    if (objectId === ACCESS_CONTROL_OBJECT || ACCOUNT_OBJECTS.includes(objectId) || !isPersistent(object)) continue;
    restorePersistent(object, saved[objectId], restoring);
  }
}

/**
 * What servers wrote to Server Object Instances of accounts that the options give. Each is found again by its Short
 * Server ID: they may be in another order now.
 */
export function restoreServers(saved: SavedObjects, tree: ObjectTree): void {
  const object = tree.objects.get(SERVER);
  if (object === undefined) return;
  const byShortServerId = new Map<unknown, number>();
  for (const id of object.instances.keys()) {
    byShortServerId.set(tree.get(resourcePath(SERVER, id, SERVER_RESOURCES.shortServerId)), id);
  }
  for (const [, kept] of instancesOf(saved[SERVER], object)) {
    const resources = resourcesOf(object, kept);
    const shortServerId = resources.get(SERVER_RESOURCES.shortServerId);
    if (shortServerId?.kind !== 'single') continue;
    const id = byShortServerId.get(plainValue(shortServerId.value));
    if (id === undefined) continue;
    for (const [resourceId, resource] of resources) {
      const { definition } = resource;
      if (definition.operations !== 'RW' || definition.multiple) continue;
      if (tree.resource(SERVER, id, resourceId)?.kind === 'handler') continue;
      tree.store(resourcePath(SERVER, id, resourceId), resource);
    }
  }
}

function restorePersistent(object: TreeObject, saved: SavedObject | undefined, restoring: RestoringObjects): void {
  if (saved === undefined) return;
  for (const id of numbersOf(saved.deleted)) object.instances.delete(id);
  const created = new Set(numbersOf(saved.created));
  for (const [id, kept] of instancesOf(saved, object)) {
    const instance = object.instances.get(id);
    if (instance !== undefined) overlay(instance.resources, resourcesOf(object, kept));
    // One that was described then and is not any more is the application's to leave out.
    else if (created.has(id)) recreate(object, id, resourcesOf(object, kept), restoring);
  }
}

/** Saved over described. */
function overlay(described: Map<number, TreeResource>, saved: ReadonlyMap<number, TreeResource>): void {
  for (const [id, resource] of saved) {
    const before = described.get(id);
    if (before === undefined || (before.kind !== 'handler' && isWritable(resource.definition))) {
      described.set(id, resource);
    }
  }
}

/**
 * An Object Instance that a server created. It is there at once; when the `create` function answers later, so do its
 * handlers come later, and when it refuses the Object Instance goes again.
 */
function recreate(
  object: TreeObject,
  objectInstanceId: number,
  saved: Map<number, TreeResource>,
  restoring: RestoringObjects,
): void {
  const { tree } = restoring;
  const { objectId, definition, spec } = object;
  const instance: TreeObjectInstance = { resources: new Map(saved) };
  object.instances.set(objectInstanceId, instance);
  const { create } = spec;
  if (typeof create !== 'function') return;
  const path = objectInstancePath(objectId, objectInstanceId);
  const isThere = (): boolean => object.instances.get(objectInstanceId) === instance;
  const failed = (cause: unknown): void => {
    if (!isThere()) return;
    tree.removeObjectInstance(objectId, objectInstanceId);
    restoring.notRestored(path, cause);
  };
  const add = (content: ObjectInstanceContent | undefined): void => {
    const { resources } = buildInstance(definition, objectId, objectInstanceId, content ?? {});
    for (const [id, resource] of resources) {
      const kept = instance.resources.get(id);
      if (kept === undefined || resource.kind === 'handler' || !isWritable(resource.definition)) {
        instance.resources.set(id, resource);
      }
    }
  };
  try {
    const answer = create(objectInstanceId, givenBy(saved), restoring.contextOf(objectPath(objectId)));
    if (!(answer instanceof Promise)) return add(answer);
    answer
      .then((content) => {
        if (!isThere()) return;
        add(content);
        tree.changed(path);
      })
      .catch(failed);
  } catch (cause) {
    failed(cause);
  }
}

/** What a server could have given with a Create. */
function givenBy(
  resources: ReadonlyMap<number, TreeResource>,
): ReadonlyMap<number, PlainValue | ReadonlyMap<number, PlainValue>> {
  const given = new Map<number, PlainValue | ReadonlyMap<number, PlainValue>>();
  for (const [id, resource] of resources) {
    if (!isWritable(resource.definition)) continue;
    if (resource.kind === 'single') given.set(id, plainValue(resource.value));
    else if (resource.kind === 'multiple') given.set(id, plainValues(resource.values));
  }
  return given;
}

/** Object Instances that the definition allows. */
function* instancesOf(
  saved: SavedObject | undefined,
  { definition }: TreeObject,
): Generator<readonly [number, SavedObjectInstance]> {
  for (const [key, kept] of recordOf<SavedObjectInstance>(saved?.instances)) {
    if (key < MAX_ID && (definition.multiple || key === 0)) yield [key, kept];
  }
}

/** What can still be read, of the type that the definition wants. */
function resourcesOf({ definition }: TreeObject, saved: SavedObjectInstance): Map<number, TreeResource> {
  const resources = new Map<number, TreeResource>();
  for (const [id, kept] of recordOf<SavedResource>(saved)) {
    const resource = definition.resources.get(id);
    if (resource === undefined || resource.operations === 'E') continue;
    if (!resource.multiple) {
      const value = fitting(resource, kept);
      if (value !== undefined) resources.set(id, { kind: 'single', definition: resource, value });
    } else if (!Array.isArray(kept)) {
      const values = new Map<number, Value>();
      for (const [at, one] of recordOf<SavedValue>(kept)) {
        const value = fitting(resource, one);
        if (value !== undefined) values.set(at, value);
      }
      resources.set(id, { kind: 'multiple', definition: resource, values });
    }
  }
  return resources;
}

function fitting(definition: ResourceDefinition, saved: unknown): Value | undefined {
  const value = restoreValue(saved);
  if (value === undefined || value.type !== definition.type) return undefined;
  return checkRange(definition, value) === undefined ? value : undefined;
}

/** The entries of what should be a record with numbers as keys. */
function* recordOf<Entry>(record: unknown): Generator<readonly [number, Entry]> {
  if (typeof record !== 'object' || record === null) return;
  for (const [key, entry] of Object.entries(record)) {
    if (/^\d{1,5}$/.test(key)) yield [Number(key), entry as Entry];
  }
}

const numbersOf = (list: unknown): readonly number[] =>
  Array.isArray(list) ? list.filter((each) => typeof each === 'number') : [];
