/**
 * What a client remembers across a restart: what servers attached by Write-Attributes, what they wrote to the Server
 * Object, and the Access Control Objects. OMA TS Core §5.1.2 (attributes persist), §8.
 *
 * A state is plain JSON, so that a store needs to know nothing about it. One that cannot be read in part is used in part:
 * a path that no longer exists is left out, not an error.
 */
import { CONTENT_FORMATS, decodeUtf8, encodeUtf8, UsageError } from '@lapwing/coap';
import {
  checkAttributes,
  checkAttributeLevels,
  checkAttributeValues,
  decodePayload,
  encodePayload,
  formatPath,
  isMalformed,
  parsePath,
  resourceInstancePath,
  resourcePath,
  ROOT,
} from '@lapwing/lwm2m';
import type { NodeEntry, NotificationAttributes, Path, ResourcePath, Value } from '@lapwing/lwm2m';
import type { AttributeStore } from './attribute-store.ts';
import type { MaybePromise } from './maybe-promise.ts';
import type { ObjectTree, TreeResource } from './object-tree.ts';
import { SERVER_RESOURCES } from './objects/server.ts';

export interface ClientState {
  /** Of this shape. */
  readonly version: 1;
  readonly attributes: readonly AttachedAttributes[];
  /** SenML JSON: the values of Server (1) and Access Control (2). */
  readonly objects: string;
}

export interface AttachedAttributes {
  readonly shortServerId: number;
  readonly path: string;
  readonly attributes: NotificationAttributes;
}

/** Where a client keeps its state: any place that can hold some JSON. docs/client-library.md has one in a file. */
export interface ClientStateStore {
  /** Undefined when nothing was saved yet. */
  load(): MaybePromise<ClientState | undefined>;
  /** Called one at a time; a state that came while one was being saved is saved next. */
  save(state: ClientState): MaybePromise<void>;
}

/** For tests, and for a client that is to forget everything when its process ends. */
export class MemoryStateStore implements ClientStateStore {
  #state: ClientState | undefined;

  load(): ClientState | undefined {
    return this.#state;
  }

  save(state: ClientState): void {
    this.#state = state;
  }
}

const SERVER = 1;
const ACCESS_CONTROL = 2;
const SENML_JSON = CONTENT_FORMATS.senmlJson.number;

/** Whether a change at this path is one of the state. */
export const isOfState = (path: Path): boolean =>
  'objectId' in path && (path.objectId === SERVER || path.objectId === ACCESS_CONTROL);

export function captureState(tree: ObjectTree, attributes: AttributeStore): ClientState {
  const entries: NodeEntry[] = [];
  for (const objectId of [SERVER, ACCESS_CONTROL]) {
    for (const [objectInstanceId, { resources }] of tree.objects.get(objectId)?.instances ?? []) {
      for (const [id, resource] of resources) {
        entries.push(...entriesOf(resourcePath(objectId, objectInstanceId, id), resource));
      }
    }
  }
  const encoded = encodePayload(SENML_JSON, entries, { path: ROOT, definitions: tree.definitions, alternatePath: '' });
  return {
    version: 1,
    attributes: attributes.all().map(({ shortServerId, path, attributes: attached }) => ({
      shortServerId,
      path: formatPath(path),
      attributes: attached,
    })),
    objects: isMalformed(encoded) ? '[]' : (decodeUtf8(encoded) ?? '[]'),
  };
}

/**
 * Put what was saved into a tree that was just built.
 *
 * @throws UsageError when it is no state of a client, or one that this version cannot read.
 */
export function restoreState(state: ClientState, tree: ObjectTree, attributes: AttributeStore): void {
  if (!isState(state)) throw new UsageError('this is no state of a client that this version can read');
  for (const { shortServerId, path: text, attributes: attached } of state.attributes) {
    const path = parsePath(text);
    if (isMalformed(path) || !exists(tree, path)) continue;
    const isSound =
      checkAttributeValues(attached) === undefined &&
      checkAttributeLevels(attached, path) === undefined &&
      checkAttributes(attached) === undefined;
    if (isSound) attributes.write(shortServerId, path, attached);
  }
  const entries = decodePayload(SENML_JSON, encodeUtf8(state.objects), {
    path: ROOT,
    definitions: tree.definitions,
    alternatePath: '',
  });
  if (isMalformed(entries)) return;
  restoreServers(tree, entries);
  restoreAccessControl(tree, entries);
}

/** A Server Object Instance is found again by its Short Server ID: accounts may have been reordered. */
function restoreServers(tree: ObjectTree, entries: readonly NodeEntry[]): void {
  const byShortServerId = new Map<unknown, number>();
  for (const id of tree.objects.get(SERVER)?.instances.keys() ?? []) {
    byShortServerId.set(tree.get(resourcePath(SERVER, id, SERVER_RESOURCES.shortServerId)), id);
  }
  const instanceIds = new Map<number, number>();
  for (const entry of entries) {
    if (entry.kind !== 'value' || entry.path.objectId !== SERVER) continue;
    if (entry.path.resourceId !== SERVER_RESOURCES.shortServerId) continue;
    const now = byShortServerId.get(Number(entry.value.value));
    if (now !== undefined) instanceIds.set(entry.path.objectInstanceId, now);
  }
  for (const entry of entries) {
    if (entry.kind !== 'value' || entry.path.objectId !== SERVER) continue;
    const objectInstanceId = instanceIds.get(entry.path.objectInstanceId);
    const definition = tree.definitions.resource(SERVER, entry.path.resourceId);
    if (objectInstanceId === undefined || definition?.operations !== 'RW' || definition.multiple) continue;
    if (entry.value.type !== definition.type) continue;
    const path = resourcePath(SERVER, objectInstanceId, entry.path.resourceId);
    if (tree.resource(SERVER, objectInstanceId, path.resourceId)?.kind !== 'handler') {
      tree.store(path, { kind: 'single', definition, value: entry.value });
    }
  }
}

/** The Access Control Object Instances are those of the state, all of them. */
function restoreAccessControl(tree: ObjectTree, entries: readonly NodeEntry[]): void {
  const object = tree.objects.get(ACCESS_CONTROL);
  const saved = entries.filter((entry) => entry.kind === 'value' && entry.path.objectId === ACCESS_CONTROL);
  if (object === undefined || saved.length === 0) return;
  object.instances.clear();
  for (const entry of saved) {
    if (entry.kind !== 'value') continue;
    const { objectInstanceId, resourceId } = entry.path;
    const definition = object.definition.resources.get(resourceId);
    if (definition === undefined || definition.type !== entry.value.type) continue;
    let instance = object.instances.get(objectInstanceId);
    if (instance === undefined) object.instances.set(objectInstanceId, (instance = { resources: new Map() }));
    if (entry.path.kind === 'resourceInstance') {
      const before = instance.resources.get(resourceId);
      const values = new Map<number, Value>(before?.kind === 'multiple' ? before.values : []);
      values.set(entry.path.resourceInstanceId, entry.value);
      instance.resources.set(resourceId, { kind: 'multiple', definition, values });
    } else {
      instance.resources.set(resourceId, { kind: 'single', definition, value: entry.value });
    }
  }
}

function exists(tree: ObjectTree, path: Path): boolean {
  switch (path.kind) {
    case 'root':
      return false;
    case 'object':
      return tree.objects.has(path.objectId);
    case 'objectInstance':
      return tree.objectInstance(path.objectId, path.objectInstanceId) !== undefined;
    case 'resource':
    case 'resourceInstance':
      return tree.resource(path.objectId, path.objectInstanceId, path.resourceId) !== undefined;
  }
}

function entriesOf(path: ResourcePath, resource: TreeResource): readonly NodeEntry[] {
  switch (resource.kind) {
    case 'single':
      return [{ kind: 'value', path, value: resource.value }];
    case 'multiple':
      return [...resource.values].map(([id, value]) => ({
        kind: 'value',
        path: resourceInstancePath(path.objectId, path.objectInstanceId, path.resourceId, id),
        value,
      }));
    case 'handler':
      return [];
  }
}

function isState(state: unknown): state is ClientState {
  if (typeof state !== 'object' || state === null) return false;
  const { version, attributes, objects } = state as Partial<ClientState>;
  return version === 1 && typeof objects === 'string' && Array.isArray(attributes) && attributes.every(isAttached);
}

function isAttached(one: unknown): one is AttachedAttributes {
  if (typeof one !== 'object' || one === null) return false;
  const { shortServerId, path, attributes } = one as Partial<AttachedAttributes>;
  return (
    typeof shortServerId === 'number' &&
    typeof path === 'string' &&
    typeof attributes === 'object' &&
    (attributes as unknown) !== null
  );
}
