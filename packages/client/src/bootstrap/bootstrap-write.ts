/**
 * Bootstrap-Write and Bootstrap-Pack: a Bootstrap-Server writes whatever the definitions allow, whoever else may write
 * it and whether or not it exists. First everything is checked, then everything is written. OMA TS Core §6.1.
 *
 * | path   | what it does                                                                                      |
 * |--------|---------------------------------------------------------------------------------------------------|
 * | /o     | each Object Instance of the payload as with /o/i; those it does not name stay                     |
 * | /o/i   | the Object Instance is made, or replaced                                                          |
 * | /o/i/r | the Resource is replaced; the Object Instance is made when there is none                          |
 * | pack   | each Object of the payload has the Object Instances of the payload, and its others go             |
 *
 * Of an account Object (Security, Server, Access Control, OSCORE, COSE, MQTT Server) a replaced Object Instance has what
 * was written and the handlers of this client. Of any other it keeps what servers cannot write and what has a handler;
 * its other values go back to their default, or go. A handler is given what is written to it, if it takes values.
 *
 * Which Object Instances of other Objects can be made is as with Create (`ClientObject.create`); those that the
 * application itself described come back after a Bootstrap-Delete. Links are looked at when bootstrap finishes.
 */
import { Codes } from '@lapwing/coap';
import { checkRange, formatPath, isWithin, MAX_ID, objectInstancePath, resourcePath, ROOT } from '@lapwing/lwm2m';
import type { BootstrapWriteOperation, NodeEntry, ObjectInstancePath, ResourcePath, Value } from '@lapwing/lwm2m';
import { andThen, eachInOrder } from '../maybe-promise.ts';
import type { MaybePromise } from '../maybe-promise.ts';
import { buildInstance, buildValue } from '../object-tree.ts';
import type { TreeObject, TreeResource } from '../object-tree.ts';
import { callCreate, callDelete } from '../operations/instances.ts';
import { ascending } from '../operations/read.ts';
import { isTooMany, noRoom, writeToHandlers } from '../operations/write.ts';
import type { ResourceWrite } from '../operations/write.ts';
import { badRequest, isRefusal, refusal } from '../refusal.ts';
import type { Refusal } from '../refusal.ts';
import { ACCOUNT_OBJECTS } from './account-objects.ts';
import { DEFAULT_BOOTSTRAP_LIMITS, JUST_CHANGE } from './bootstrap-context.ts';
import type { BootstrapAnswer, BootstrapContext } from './bootstrap-context.ts';
import { isSpared } from './bootstrap-delete.ts';

/** One Object Instance as it will be. */
interface Planned {
  readonly object: TreeObject;
  readonly path: ObjectInstancePath;
  /** It does not exist, and the application is asked for it. */
  readonly isCreated: boolean;
  readonly resources: Map<number, TreeResource>;
  /** What handlers are given. */
  readonly handled: readonly ResourceWrite[];
}
type Resources = Map<number, TreeResource>;

const SECURITY = 0;
const ACCESS_CONTROL = 2;
const CHANGED: BootstrapAnswer = { code: Codes.changed };
/** SenML JSON, SenML CBOR, LwM2M CBOR. OMA TS Core §6.1. */
const PACK_FORMATS: ReadonlySet<number> = new Set([110, 112, 11544]);

/** @returns 4.00, 4.15, 5.03, or what a handler refused with; then nothing of it is written. */
export function bootstrapWrite(
  context: BootstrapContext,
  { path, contentFormat, payload }: BootstrapWriteOperation,
): MaybePromise<BootstrapAnswer | Refusal> {
  const object = context.tree.objects.get(path.objectId);
  if (object === undefined) return noSuchObject(path.objectId);
  if (path.kind === 'resource' && !isKnown(object, path)) return badRequest(`${formatPath(path)} is not supported`);
  const entries = context.formats.decode(path, contentFormat, payload);
  if (isRefusal(entries)) return withoutTexts(entries);
  if (entries.some((entry) => !isWithin(entry.path, path))) {
    return badRequest(`the payload is not all about ${formatPath(path)}`);
  }
  const groups = groupByInstance(entries);
  if (path.kind === 'objectInstance' && groups.size === 0) groups.set(path.objectInstanceId, []);
  if (groups.size === 0) return badRequest('the payload holds nothing to write');
  const whole = path.kind === 'resource' ? path : undefined;
  const planned = planObject(context, object, groups, object.instances.size, whole);
  return isRefusal(planned) ? planned : apply(context, planned, []);
}

/**
 * Carry out a Bootstrap-Pack. What the account of the Bootstrap-Server consists of stays unless it is written, and so
 * does /3/0.
 *
 * @returns 4.00, 4.15, 5.03, or what a handler refused with; then nothing of it is written.
 */
export function bootstrapPack(
  context: BootstrapContext,
  contentFormat: number,
  payload: Uint8Array,
): MaybePromise<BootstrapAnswer | Refusal> {
  if (!PACK_FORMATS.has(contentFormat)) {
    return refusal(Codes.unsupportedContentFormat, `Content-Format ${contentFormat} is none of a pack`);
  }
  const entries = context.formats.decode(ROOT, contentFormat, payload);
  if (isRefusal(entries)) return withoutTexts(entries);
  const byObject = new Map<number, NodeEntry[]>();
  for (const entry of entries) {
    const group = byObject.get(entry.path.objectId);
    if (group === undefined) byObject.set(entry.path.objectId, [entry]);
    else group.push(entry);
  }
  const planned: Planned[] = [];
  const removed: ObjectInstancePath[] = [];
  for (const [objectId, ofObject] of ascending(byObject)) {
    const object = context.tree.objects.get(objectId);
    if (object === undefined) return noSuchObject(objectId);
    const groups = groupByInstance(ofObject);
    const gone = [...object.instances.keys()]
      .filter((id) => !groups.has(id))
      .map((id) => objectInstancePath(objectId, id))
      .filter((path) => !isSpared(context, path));
    const plans = planObject(context, object, groups, object.instances.size - gone.length);
    if (isRefusal(plans)) return plans;
    planned.push(...plans);
    removed.push(...gone);
  }
  return apply(context, planned, removed);
}

/** What cannot be read may be a key, written as text: the reason is told, and may be logged, without what it quotes. */
const withoutTexts = ({ refused, reason }: Refusal): Refusal =>
  refusal(refused, reason.replaceAll(/"(?:[^"\\]|\\.)*"/gs, '"…"'));

const noSuchObject = (objectId: number): Refusal => badRequest(`this client has no Object ${objectId}`);

/** Of Objects that are not of accounts, what the application supports. */
const isKnown = (object: TreeObject, { objectInstanceId, resourceId }: ResourcePath): boolean =>
  object.definition.resources.has(resourceId) &&
  (ACCOUNT_OBJECTS.has(object.objectId) ||
    object.supported.has(resourceId) ||
    object.instances.get(objectInstanceId)?.resources.has(resourceId) === true);

function groupByInstance(entries: readonly NodeEntry[]): Map<number, NodeEntry[]> {
  const groups = new Map<number, NodeEntry[]>();
  for (const entry of entries) {
    if (entry.path.kind === 'object') continue;
    const group = groups.get(entry.path.objectInstanceId);
    if (group === undefined) groups.set(entry.path.objectInstanceId, [entry]);
    else group.push(entry);
  }
  return groups;
}

/**
 * @param stay  how many Object Instances there are that are not removed.
 * @param resource  of a Write to one Resource.
 */
function planObject(
  context: BootstrapContext,
  object: TreeObject,
  groups: ReadonlyMap<number, readonly NodeEntry[]>,
  stay: number,
  resource?: ResourcePath,
): readonly Planned[] | Refusal {
  const { objectId } = object;
  const added = [...groups.keys()].filter((id) => !object.instances.has(id)).length;
  // Counted before anything is built: ten thousand Object Instances cost no more than their decoding.
  if (added > 0 && stay + added > maxInstances(context, objectId)) {
    return refusal(Codes.serviceUnavailable, `Object ${objectId}: no room for more Object Instances`);
  }
  const planned: Planned[] = [];
  for (const [id, entries] of ascending(groups)) {
    if (id === MAX_ID) return badRequest('a Bootstrap-Server chooses the Object Instance IDs');
    if (!object.definition.multiple && id !== 0) return badRequest(`Object ${objectId} has one Object Instance, 0`);
    const plan = planInstance(context, object, objectInstancePath(objectId, id), entries, resource);
    if (isRefusal(plan)) return plan;
    planned.push(plan);
  }
  return planned;
}

function maxInstances({ limits }: BootstrapContext, objectId: number): number {
  const { maxAccountInstances, maxObjectInstances } = { ...DEFAULT_BOOTSTRAP_LIMITS, ...limits };
  return ACCOUNT_OBJECTS.has(objectId) && objectId !== ACCESS_CONTROL ? maxAccountInstances : maxObjectInstances;
}

/** What the payload says about one Resource; neither: a multiple-instance Resource without Resource Instances. */
interface Given {
  single: Value | undefined;
  readonly instances: Map<number, Value>;
}

function planInstance(
  context: BootstrapContext,
  object: TreeObject,
  path: ObjectInstancePath,
  entries: readonly NodeEntry[],
  resource: ResourcePath | undefined,
): Planned | Refusal {
  const given = groupByResource(entries);
  if (isRefusal(given)) return given;
  const before = object.instances.get(path.objectInstanceId)?.resources;
  const isCreated = before === undefined && isCreatable(object);
  const resources =
    resource !== undefined && before !== undefined ? new Map(before) : baseOf(context, object, path, before, given);
  if (isRefusal(resources)) return resources;
  const handled: ResourceWrite[] = [];
  for (const [resourceId, values] of given) {
    const at = resourcePath(path.objectId, path.objectInstanceId, resourceId);
    // Optional Resources this client does not know or support are ignored.
    if (!isKnown(object, at)) continue;
    if (saysNone(object, at, values)) {
      resources.delete(resourceId);
      continue;
    }
    const after = checkedResource(object, at, values);
    if (isRefusal(after)) return after;
    const kept = resources.get(resourceId);
    if (kept?.kind !== 'handler') resources.set(resourceId, after);
    else if (kept.handler.write !== undefined) {
      handled.push({ path: at, definition: after.definition, before: kept, after, mode: 'replace' });
    }
  }
  const missing = isCreated ? missingResource(object, path, resources) : undefined;
  return missing ?? { object, path, isCreated, resources, handled };
}

/** Server and Bootstrap-Server may bring about Object Instances of it, and the application learns of each. */
const isCreatable = ({ objectId, spec }: TreeObject): boolean =>
  !ACCOUNT_OBJECTS.has(objectId) && spec.create !== undefined && spec.create !== false;

/** What an Object Instance has before the values are put into it. */
function baseOf(
  { complete }: BootstrapContext,
  object: TreeObject,
  path: ObjectInstancePath,
  before: ReadonlyMap<number, TreeResource> | undefined,
  given: ReadonlyMap<number, Given>,
): Resources | Refusal {
  const { objectId, objectInstanceId } = path;
  const build = (content: Parameters<typeof buildInstance>[3]): Resources =>
    buildInstance(object.definition, objectId, objectInstanceId, content, 'skip').resources;
  if (ACCOUNT_OBJECTS.has(objectId)) return build(complete(objectId, objectInstanceId));
  if (before !== undefined) return remaining(object, path, before, given);
  if (isCreatable(object)) return new Map();
  const described = object.spec.instances[objectInstanceId];
  return described === undefined
    ? badRequest(`${formatPath(path)} does not exist, and this client makes none`)
    : remaining(object, path, build(described), given);
}

/** What a replaced Object Instance keeps of itself; 4.00, as with Write, when a mandatory value would just vanish. */
function remaining(
  object: TreeObject,
  path: ObjectInstancePath,
  before: ReadonlyMap<number, TreeResource>,
  given: ReadonlyMap<number, Given>,
): Resources | Refusal {
  const kept: Resources = new Map();
  for (const [id, resource] of before) {
    const { definition } = resource;
    const { operations } = definition;
    if (resource.kind === 'handler' || operations === 'R') kept.set(id, resource);
    if (kept.has(id) || given.has(id)) continue;
    const at = resourcePath(path.objectId, path.objectInstanceId, id);
    const byDefault = object.spec.defaults?.[id];
    if (byDefault !== undefined) kept.set(id, buildValue(at, definition, byDefault));
    else if (definition.mandatory) return badRequest(`${formatPath(at)} (${definition.name}) is mandatory`);
  }
  return kept;
}

/** As with Create. */
function missingResource(object: TreeObject, path: ObjectInstancePath, resources: Resources): Refusal | undefined {
  for (const { id, name, mandatory, operations } of object.definition.resources.values()) {
    if (mandatory && (operations === 'RW' || operations === 'W') && !resources.has(id)) {
      return badRequest(`${formatPath(path)}/${id} (${name}) is mandatory`);
    }
  }
  return undefined;
}

function groupByResource(entries: readonly NodeEntry[]): ReadonlyMap<number, Given> | Refusal {
  const groups = new Map<number, Given>();
  for (const entry of entries) {
    const { path } = entry;
    if (entry.kind === 'remove') return badRequest(`${formatPath(path)}: nothing can be removed here`);
    if (path.kind === 'object' || path.kind === 'objectInstance') continue;
    let group = groups.get(path.resourceId);
    if (group === undefined) groups.set(path.resourceId, (group = { single: undefined, instances: new Map() }));
    if (entry.kind === 'empty') continue;
    if (path.kind === 'resourceInstance') group.instances.set(path.resourceInstanceId, entry.value);
    else group.single = entry.value;
  }
  return groups;
}

/** An optional key of Security that is no bytes long is no key: some Bootstrap-Servers leave no Resource out. */
function saysNone({ definition }: TreeObject, { objectId, resourceId }: ResourcePath, { single }: Given): boolean {
  const { mandatory } = definition.resources.get(resourceId)!;
  return objectId === SECURITY && !mandatory && single?.type === 'opaque' && single.value.length === 0;
}

function checkedResource(
  object: TreeObject,
  path: ResourcePath,
  { single, instances }: Given,
): (TreeResource & { readonly kind: 'single' | 'multiple' }) | Refusal {
  const definition = object.definition.resources.get(path.resourceId)!;
  if (definition.operations === 'E') return badRequest(`${formatPath(path)} is executable`);
  if (isTooMany(instances.size)) return noRoom(path);
  for (const value of single === undefined ? instances.values() : [single, ...instances.values()]) {
    if (value.type !== definition.type) {
      return badRequest(`${formatPath(path)}: ${definition.type} expected, ${value.type} found`);
    }
    const outOfRange = checkRange(definition, value);
    if (outOfRange !== undefined) return badRequest(`${formatPath(path)}: ${outOfRange.malformed}`);
  }
  if (definition.multiple) {
    return single === undefined
      ? { kind: 'multiple', definition, values: instances }
      : badRequest(`${formatPath(path)}: Resource Instances expected`);
  }
  return single === undefined || instances.size > 0
    ? badRequest(`${formatPath(path)}: a single value expected`)
    : { kind: 'single', definition, value: single };
}

/** The application first, because it may refuse; handlers of values can be given back what they had. */
function apply(
  { tree, attributes, contextOf, change = JUST_CHANGE }: BootstrapContext,
  planned: readonly Planned[],
  removed: readonly ObjectInstancePath[],
): MaybePromise<BootstrapAnswer> {
  const created = planned.filter(({ isCreated }) => isCreated);
  const handled = planned.flatMap((plan) => plan.handled);
  const write = (): void => {
    for (const path of removed) {
      tree.removeObjectInstance(path.objectId, path.objectInstanceId);
      attributes?.forget(path);
    }
    for (const plan of planned) keepInstance(tree, plan);
    for (const { path } of handled) tree.changed(path);
  };
  const keep = (): BootstrapAnswer => {
    change(() => tree.batch(write));
    return CHANGED;
  };
  return andThen(
    eachInOrder(created, ({ object, ...plan }) => callCreate(object, plan, contextOf)),
    () =>
      andThen(writeToHandlers(handled, contextOf), () =>
        andThen(
          eachInOrder(removed, (path) => callDelete(tree.objects.get(path.objectId)!, path, contextOf)),
          keep,
        ),
      ),
  );
}

function keepInstance(tree: BootstrapContext['tree'], { path, resources }: Planned): void {
  const instance = tree.objectInstance(path.objectId, path.objectInstanceId);
  if (instance === undefined) return tree.insert(path, { resources });
  const changes: (readonly [ResourcePath, TreeResource | undefined])[] = [];
  const ids = new Set([...instance.resources.keys(), ...resources.keys()]);
  for (const id of ids) {
    const after = resources.get(id);
    // Handlers have no value that is kept: nobody has to hear of another one.
    if (after?.kind === 'handler') instance.resources.set(id, after);
    else if (after !== instance.resources.get(id)) {
      changes.push([resourcePath(path.objectId, path.objectInstanceId, id), after]);
    }
  }
  tree.storeAll(changes);
}
