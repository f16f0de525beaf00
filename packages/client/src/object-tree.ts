/**
 * The Objects, Object Instances and Resources a client has: what the application described, as a mutable tree typed by
 * definitions. Operations of servers on it are in `operations/`; here is what exists, and the application's own access.
 * OMA TS Core §7 (resource model).
 */
import { UsageError } from '@lapwing/coap';
import {
  checkRange,
  formatPath,
  impliedObjectVersion,
  isMalformed,
  isTypedPath,
  objectInstancePath,
  parsePath,
  resourceInstancePath,
  resourcePath,
  valueFromJs,
  valueToJs,
} from '@lapwing/lwm2m';
import type {
  DefinitionLookup,
  LwM2mVersion,
  ObjectDefinition,
  Path,
  ResourceDefinition,
  ResourceInstancePath,
  ResourcePath,
  ResourceShape,
  Value,
} from '@lapwing/lwm2m';
import type {
  ClientObject,
  KeptAt,
  ObjectInstanceContent,
  PlainValue,
  ResourceContent,
  ResourceHandler,
  SettableAt,
  TreeAccess,
} from './client-object.ts';
import { HandlerFailed } from './refusal.ts';

export type TreeResource =
  | { readonly kind: 'single'; readonly definition: ResourceDefinition; readonly value: Value }
  | {
      readonly kind: 'multiple';
      readonly definition: ResourceDefinition;
      /** By Resource Instance ID. */
      readonly values: ReadonlyMap<number, Value>;
    }
  | { readonly kind: 'handler'; readonly definition: ResourceDefinition; readonly handler: ResourceHandler };

export interface TreeObjectInstance {
  /** Ascending by Resource ID is not promised; readers sort. */
  readonly resources: Map<number, TreeResource>;
  /** Added by the application while the client runs: it is the application's to add again after a restart. */
  readonly isOfApplication?: boolean;
}

export interface TreeObject {
  readonly objectId: number;
  readonly definition: ObjectDefinition;
  readonly spec: ClientObject;
  /** Resource IDs this client supports. */
  readonly supported: ReadonlySet<number>;
  readonly instances: Map<number, TreeObjectInstance>;
}

export interface TreeListener {
  /** Kept values changed, or handlers' values were said to have. */
  changed(paths: readonly Path[]): void;
  /** A Resource or Resource Instance vanished. */
  removed(path: Path): void;
  /** An Object Instance appeared or vanished. */
  instancesChanged(path: Path): void;
  /** A `changed` function of the application failed. */
  hookFailed(failure: HandlerFailed): void;
  /** ms since 1970. */
  unixTime(): number;
}

export class ObjectTree implements TreeAccess {
  readonly objects: ReadonlyMap<number, TreeObject>;
  /** Definitions of this tree's Objects in the version it has, then those of the registry. */
  readonly definitions: DefinitionLookup;
  readonly #listener: TreeListener;
  /** Depth of `batch`. */
  #batches = 0;
  /** Paths changed in the batch that is running. */
  #changed: Path[] = [];

  /** @throws UsageError when an Object is described twice, has no definition, or content that does not fit it. */
  constructor(
    specs: readonly ClientObject[],
    registry: DefinitionLookup,
    lwm2mVersion: LwM2mVersion,
    listener: TreeListener,
  ) {
    this.#listener = listener;
    const objects = new Map<number, TreeObject>();
    for (const spec of specs) {
      if (objects.has(spec.objectId)) throw new UsageError(`Object ${spec.objectId} is described twice`);
      objects.set(spec.objectId, buildObject(spec, registry, lwm2mVersion));
    }
    this.objects = objects;
    this.definitions = {
      object: (objectId, version) => objects.get(objectId)?.definition ?? registry.object(objectId, version),
      resource: (objectId, resourceId, version) => {
        const own = objects.get(objectId);
        return own === undefined
          ? registry.resource(objectId, resourceId, version)
          : own.definition.resources.get(resourceId);
      },
    };
  }

  objectInstance(objectId: number, objectInstanceId: number): TreeObjectInstance | undefined {
    return this.objects.get(objectId)?.instances.get(objectInstanceId);
  }

  /** Whether there is something at this path; a Resource Instance of a handler is taken to be there. */
  has(path: Path): boolean {
    switch (path.kind) {
      case 'root':
        return true;
      case 'object':
        return this.objects.has(path.objectId);
      case 'objectInstance':
        return this.objectInstance(path.objectId, path.objectInstanceId) !== undefined;
      case 'resource':
        return this.resource(path.objectId, path.objectInstanceId, path.resourceId) !== undefined;
      case 'resourceInstance': {
        const resource = this.resource(path.objectId, path.objectInstanceId, path.resourceId);
        return resource?.kind === 'multiple' ? resource.values.has(path.resourceInstanceId) : resource !== undefined;
      }
    }
  }

  resource(objectId: number, objectInstanceId: number, resourceId: number): TreeResource | undefined {
    return this.objectInstance(objectId, objectInstanceId)?.resources.get(resourceId);
  }

  get<At extends Path | string>(path: At): KeptAt<At> | undefined {
    const at = resourceAddress(path);
    const kept = this.#kept(at);
    return (isTypedPath(at) ? asTyped(at.shape, kept) : kept) as KeptAt<At> | undefined;
  }

  set<At extends Path | string>(path: At, value: SettableAt<At>): void {
    const at = resourceAddress(path);
    const object = this.objects.get(at.objectId);
    const instance = object?.instances.get(at.objectInstanceId);
    if (object === undefined || instance === undefined) {
      throw new UsageError(`${formatPath(at)}: this client has no such Object Instance`);
    }
    const definition = object.definition.resources.get(at.resourceId);
    if (definition === undefined) throw new UsageError(`${formatPath(at)}: the Object has no such Resource`);
    const before = instance.resources.get(at.resourceId);
    if (before?.kind === 'handler') {
      throw new UsageError(`${formatPath(at)}: a handler has this Resource; call changed() when its value has`);
    }
    const resource = resourcePath(at.objectId, at.objectInstanceId, at.resourceId);
    if (at.kind === 'resource') {
      this.store(resource, buildValue(resource, definition, value));
      return;
    }
    if (!definition.multiple) throw new UsageError(`${formatPath(at)}: the Resource has no Resource Instances`);
    const values = new Map(before?.kind === 'multiple' ? before.values : []);
    values.set(at.resourceInstanceId, checkedValue(at, definition, value));
    this.store(resource, { kind: 'multiple', definition, values });
  }

  #kept(at: ResourcePath | ResourceInstancePath): PlainValue | ReadonlyMap<number, PlainValue> | undefined {
    const resource = this.resource(at.objectId, at.objectInstanceId, at.resourceId);
    if (resource === undefined || resource.kind === 'handler') return undefined;
    if (resource.kind === 'single') return at.kind === 'resource' ? plainValue(resource.value) : undefined;
    if (at.kind === 'resource') return plainValues(resource.values);
    const value = resource.values.get(at.resourceInstanceId);
    return value === undefined ? undefined : plainValue(value);
  }

  changed(path: Path | string): void {
    const at = typeof path === 'string' ? parsePath(path) : path;
    if (isMalformed(at)) throw new UsageError(at.malformed);
    this.batch(() => this.#changed.push(at));
  }

  /** Keep a resource (undefined: remove it) and tell who wants to know. The Object Instance must exist. */
  store(path: ResourcePath, resource: TreeResource | undefined): void {
    this.storeAll([[path, resource]]);
  }

  /** As `store`, for several at once: observers hear of them together. */
  storeAll(changes: readonly (readonly [ResourcePath, TreeResource | undefined])[]): void {
    this.batch(() => {
      for (const [path, resource] of changes) {
        const instance = this.objectInstance(path.objectId, path.objectInstanceId);
        if (instance === undefined) continue;
        this.#announceRemoved(path, instance.resources.get(path.resourceId), resource);
        if (resource === undefined) instance.resources.delete(path.resourceId);
        else instance.resources.set(path.resourceId, resource);
        this.#changed.push(path);
      }
      for (const [path] of changes) this.#followUp(path);
    });
  }

  #announceRemoved(path: ResourcePath, before: TreeResource | undefined, after: TreeResource | undefined): void {
    if (before !== undefined && after === undefined) this.#listener.removed(path);
    if (before?.kind !== 'multiple' || after?.kind !== 'multiple') return;
    for (const id of before.values.keys()) {
      if (after.values.has(id)) continue;
      this.#listener.removed(resourceInstancePath(path.objectId, path.objectInstanceId, path.resourceId, id));
    }
  }

  batch(changes: () => void): void {
    this.#batches++;
    try {
      changes();
    } finally {
      this.#batches--;
      if (this.#batches === 0 && this.#changed.length > 0) {
        const paths = this.#changed;
        this.#changed = [];
        this.#listener.changed(paths);
      }
    }
  }

  /** Let the application's description set values that follow from the one at `path`. */
  #followUp(path: ResourcePath): void {
    const hook = this.objects.get(path.objectId)?.spec.changed;
    if (hook === undefined) return;
    try {
      hook(path, { tree: this, unixTime: this.#listener.unixTime() });
    } catch (cause) {
      // The value has changed all the same; what failed to follow is the application's to know.
      this.#listener.hookFailed(new HandlerFailed(path, 'changed', cause));
    }
  }

  /**
   * Add an Object Instance; servers are told by an Update.
   *
   * @throws UsageError if it exists, the client does not have the Object, or the content does not fit the definition.
   */
  addObjectInstance(objectId: number, objectInstanceId: number, content: ObjectInstanceContent): void {
    const object = this.objects.get(objectId);
    if (object === undefined) throw new UsageError(`this client has no Object ${objectId}`);
    const path = objectInstancePath(objectId, objectInstanceId);
    if (object.instances.has(objectInstanceId)) throw new UsageError(`${formatPath(path)} exists already`);
    const { resources } = buildInstance(
      object.definition,
      objectId,
      objectInstanceId,
      content,
      object.spec.unknownResources,
    );
    this.insert(path, { resources, isOfApplication: true });
  }

  /** Remove an Object Instance, if it is there; servers are told by an Update. */
  removeObjectInstance(objectId: number, objectInstanceId: number): boolean {
    const removed = this.objects.get(objectId)?.instances.delete(objectInstanceId) ?? false;
    if (removed) {
      const path = objectInstancePath(objectId, objectInstanceId);
      this.#listener.instancesChanged(path);
      this.changed(path);
    }
    return removed;
  }

  insert(path: Path & { readonly kind: 'objectInstance' }, instance: TreeObjectInstance): void {
    this.objects.get(path.objectId)?.instances.set(path.objectInstanceId, instance);
    this.#listener.instancesChanged(path);
    this.changed(path);
  }
}

function buildObject(spec: ClientObject, registry: DefinitionLookup, lwm2mVersion: LwM2mVersion): TreeObject {
  const { objectId } = spec;
  const version = spec.version ?? impliedObjectVersion(lwm2mVersion, objectId);
  const definition = spec.definition ?? registry.object(objectId, version);
  if (definition === undefined) {
    throw new UsageError(`Object ${objectId} has no known definition: give one with it`);
  }
  const ids = Object.keys(spec.instances).map(Number);
  if (!definition.multiple && ids.some((id) => id !== 0)) {
    throw new UsageError(`Object ${objectId} (${definition.name}) has one Object Instance, with id 0`);
  }
  for (const [id, value] of Object.entries(spec.defaults ?? {})) {
    const resource = definition.resources.get(Number(id));
    // Checked here, so that it fits when a Write falls back on it.
    if (resource !== undefined) buildValue(resourcePath(objectId, 0, resource.id), resource, value);
  }
  const instances = new Map<number, TreeObjectInstance>();
  const used = new Set<number>();
  for (const id of ids) {
    const instance = buildInstance(definition, objectId, id, spec.instances[id] ?? {}, spec.unknownResources);
    for (const resourceId of instance.resources.keys()) used.add(resourceId);
    instances.set(id, instance);
  }
  const supported = new Set(spec.resources ?? (ids.length > 0 ? used : definition.resources.keys()));
  return { objectId, definition, spec, supported, instances };
}

/** @throws UsageError when something in `content` does not fit the definition. */
export function buildInstance(
  definition: ObjectDefinition,
  objectId: number,
  objectInstanceId: number,
  content: ObjectInstanceContent,
  unknown: 'refuse' | 'skip' = 'refuse',
): TreeObjectInstance {
  const resources = new Map<number, TreeResource>();
  for (const key of Object.keys(content)) {
    const given = content[Number(key)];
    if (given === undefined) continue;
    const path = resourcePath(objectId, objectInstanceId, Number(key));
    const resource = definition.resources.get(path.resourceId);
    if (resource === undefined && unknown === 'skip') continue;
    if (resource === undefined) {
      throw new UsageError(`${formatPath(path)}: ${definition.name} ${definition.version} has no such Resource`);
    }
    resources.set(path.resourceId, buildResource(path, resource, given));
  }
  return { resources };
}

function buildResource(path: ResourcePath, definition: ResourceDefinition, given: ResourceContent): TreeResource {
  if (isHandler(given)) return { kind: 'handler', definition, handler: given };
  if (definition.operations === 'E') {
    throw new UsageError(`${formatPath(path)}: ${definition.name} is executable; give it an execute handler`);
  }
  return buildValue(path, definition, given);
}

/** @throws UsageError when the value does not fit the definition. */
export function buildValue(
  path: ResourcePath,
  definition: ResourceDefinition,
  given: unknown,
): TreeResource & { readonly kind: 'single' | 'multiple' } {
  if (!definition.multiple) return { kind: 'single', definition, value: checkedValue(path, definition, given) };
  return { kind: 'multiple', definition, values: checkedValues(path, definition, given) };
}

/** @throws UsageError for values that the definition does not allow. */
export function checkedValues(
  path: ResourcePath,
  definition: ResourceDefinition,
  given: unknown,
): ReadonlyMap<number, Value> {
  const values = new Map<number, Value>();
  for (const [id, value] of entriesOfValues(path, given)) values.set(id, checkedValue(path, definition, value));
  return values;
}

function entriesOfValues(path: Path, given: unknown): readonly (readonly [number, unknown])[] {
  if (Array.isArray(given)) return given.map((value, index) => [index, value]);
  if (given instanceof Map) return [...given];
  const isRecord =
    typeof given === 'object' && given !== null && !ArrayBuffer.isView(given) && !(given instanceof Date);
  if (isRecord && Object.keys(given).every((key) => /^\d+$/.test(key))) {
    return Object.entries(given).map(([key, value]) => [Number(key), value]);
  }
  throw new UsageError(`${formatPath(path)}: this Resource wants its Resource Instances, as a list or by id`);
}

/** @throws UsageError for a value of the wrong type or out of range. */
export function checkedValue(path: Path, definition: ResourceDefinition, given: unknown): Value {
  const value = valueFromJs(definition.type, given);
  if (isMalformed(value)) throw new UsageError(`${formatPath(path)} (${definition.name}): ${value.malformed}`);
  const outOfRange = checkRange(definition, value);
  if (outOfRange !== undefined) {
    throw new UsageError(`${formatPath(path)} (${definition.name}): ${outOfRange.malformed}`);
  }
  return value;
}

export function plainValues(values: ReadonlyMap<number, Value>): ReadonlyMap<number, PlainValue> {
  const plain = new Map<number, PlainValue>();
  for (const [id, value] of values) plain.set(id, plainValue(value));
  return plain;
}

export const plainValue = (value: Value): PlainValue => valueToJs(value) as PlainValue;

function isHandler(content: ResourceContent): content is ResourceHandler {
  // A Buffer has `read` and `write` methods too, and is a value.
  if (typeof content !== 'object' || ArrayBuffer.isView(content)) return false;
  const { read, write, execute, receive } = content as ResourceHandler;
  return [read, write, execute, receive].some((handler) => typeof handler === 'function');
}

/** Integers are kept as numbers when they are safe, while a typed path has one type whatever the value. */
function asTyped(shape: ResourceShape, kept: unknown): unknown {
  if (kept instanceof Map)
    return new Map([...kept].map(([id, value]: [number, unknown]) => [id, asTyped(shape, value)]));
  if (shape.bigint === true && typeof kept === 'number') return BigInt(kept);
  return shape.bigint !== true && typeof kept === 'bigint' ? Number(kept) : kept;
}

/** @throws UsageError unless it names a Resource or Resource Instance. */
export function resourceAddress(path: Path | string): ResourcePath | ResourceInstancePath {
  const parsed = typeof path === 'string' ? parsePath(path) : path;
  if (isMalformed(parsed)) throw new UsageError(parsed.malformed);
  if (parsed.kind === 'resource' || parsed.kind === 'resourceInstance') return parsed;
  throw new UsageError(`${formatPath(parsed)} is not the path of a Resource`);
}
