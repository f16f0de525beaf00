/**
 * What is known about Objects: the OMA registry as data, and on top of it whatever a user adds (vendors' Objects, newer
 * versions). Looked up by id and version, and by name.
 *
 * Facts from OpenMobileAlliance/lwm2m-registry, see NOTICE. They are kept as rows; the definition of an Object is made
 * the first time somebody asks for it.
 */
import { UsageError } from '@lapwing/coap';
import type { ObjectId, ResourceId } from '../identifiers.ts';
import { parseId } from '../identifiers.ts';
import type { DataType } from '../value.ts';
import facts from './data/oma-objects.json' with { type: 'json' };
import type { DefinitionLookup, ObjectDefinition, ResourceDefinition, ResourceOperations } from './definition.ts';

/** Where a Resource is defined: what a name like "device.battery-level" stands for. */
export interface NamedResource {
  readonly object: ObjectDefinition;
  readonly resource: ResourceDefinition;
}

/** A Resource ID whose meaning is the same in every Object that uses it, such as 5700 Sensor Value. */
export interface ReusableResource {
  readonly id: ResourceId;
  readonly name: string;
  readonly operations: ResourceOperations;
  readonly type: DataType;
  readonly range: string;
  readonly units: string;
}

/**
 * The definitions one server or client works with: the registry's, below those that were added.
 *
 * A version that is not known is answered with the nearest known one of the same major version, because a minor step only
 * adds optional things: the highest minor below it, else the lowest above. A major version that is not known has no
 * definition. No version, or text that is no version, means the latest.
 */
export class ObjectDefinitions implements DefinitionLookup {
  readonly #added: Map<number, Versions> = new Map();
  readonly #maxAdded: number;
  #addedCount = 0;

  /** @param options.maxAdded  Object versions that may be added on top of the registry; 4096. */
  constructor(options: { readonly maxAdded?: number } = {}) {
    this.#maxAdded = options.maxAdded ?? 4096;
  }

  object(objectId: number, version?: string): ObjectDefinition | undefined {
    const added = this.#added.get(objectId);
    const registered = registry().get(objectId);
    if (added === undefined) return registered?.find(version);
    if (registered === undefined) return added.find(version);
    return nearer(added.find(version), registered.find(version), version);
  }

  resource(objectId: number, resourceId: number, version?: string): ResourceDefinition | undefined {
    return this.object(objectId, version)?.resources.get(resourceId);
  }

  /** The known versions of an Object, ascending; empty when there is none. */
  versions(objectId: number): readonly string[] {
    const all = new Set([...(registry().get(objectId)?.known() ?? []), ...(this.#added.get(objectId)?.known() ?? [])]);
    return [...all].sort(compareObjectVersions);
  }

  /**
   * Know this Object from now on; the same id and version replaces what was known.
   *
   * @throws UsageError when its version is not of the form "1.0", or when `maxAdded` are there already.
   */
  add(definition: ObjectDefinition): void {
    if (parseObjectVersion(definition.version) === undefined) {
      throw new UsageError(`Object ${definition.id} has no version like "1.0": "${definition.version}"`);
    }
    let versions = this.#added.get(definition.id);
    const replaces = versions?.known().includes(definition.version) === true;
    if (!replaces && this.#addedCount >= this.#maxAdded) {
      throw new UsageError(`${this.#maxAdded} Object definitions have been added, which is the limit`);
    }
    if (versions === undefined) this.#added.set(definition.id, (versions = new Versions()));
    versions.set(definition);
    if (!replaces) this.#addedCount++;
  }

  /** The latest version of every known Object, ascending by Object ID. */
  *objects(): Generator<ObjectDefinition> {
    const ids = new Set([...registry().keys(), ...this.#added.keys()]);
    for (const id of [...ids].sort((a, b) => a - b)) yield this.object(id) as ObjectDefinition;
  }

  /**
   * The Object of this name ("Device", "LwM2M Server", "server"), in its latest version: letters and digits count, case
   * does not, nor a leading "LwM2M". Where several have one name, what was added wins, then the lowest Object ID.
   */
  byName(name: string): ObjectDefinition | undefined {
    const wanted = squeeze(name);
    if (wanted === '') return undefined;
    const added = [...this.#added.keys()].sort((a, b) => a - b).map((id) => this.object(id));
    const found = added.find((definition) => definition !== undefined && squeeze(definition.name) === wanted);
    if (found !== undefined) return found;
    const id = registeredNames().get(wanted);
    return id === undefined ? undefined : this.object(id);
  }

  /** What "device.battery-level", "Temperature.Sensor Value" or "3303.5700" names; ids and names mix freely. */
  resourceByName(name: string): NamedResource | undefined {
    const dot = name.lastIndexOf('.');
    if (dot < 0) return undefined;
    const objectName = name.slice(0, dot);
    const resourceName = name.slice(dot + 1);
    const objectNumber = parseId(objectName);
    const object = objectNumber === undefined ? this.byName(objectName) : this.object(objectNumber);
    if (object === undefined) return undefined;
    const resourceNumber = parseId(resourceName);
    const wanted = squeeze(resourceName);
    const resource =
      resourceNumber === undefined
        ? [...object.resources.values()].find((candidate) => squeeze(candidate.name) === wanted)
        : object.resources.get(resourceNumber);
    return resource === undefined ? undefined : { object, resource };
  }

  /** What a Resource ID means in Objects that are not known, when it is one of the registry's reusable ones. */
  reusableResource(resourceId: number): ReusableResource | undefined {
    return reusableResources().get(resourceId);
  }
}

/** Letters and digits in lower case, without a leading "LwM2M": what names are compared by. */
const squeeze = (name: string): string => {
  const letters = name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
  return letters.startsWith('lwm2m') && letters.length > 5 ? letters.slice(5) : letters;
};

/** "1.2" as its two numbers; undefined for text that is no Object version. */
export function parseObjectVersion(text: string): { readonly major: number; readonly minor: number } | undefined {
  const match = /^(\d{1,5})\.(\d{1,5})$/.exec(text);
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]) };
}

/** For `sort`: by major, then by minor version. Text that is no version comes first. */
export function compareObjectVersions(a: string, b: string): number {
  const left = parseObjectVersion(a) ?? NO_VERSION;
  const right = parseObjectVersion(b) ?? NO_VERSION;
  return left.major - right.major || left.minor - right.minor;
}
const NO_VERSION = { major: -1, minor: -1 };

/** Of the best that two layers have, the better one. On equal terms the added layer's, which is `a`. */
function nearer(
  a: ObjectDefinition | undefined,
  b: ObjectDefinition | undefined,
  version: string | undefined,
): ObjectDefinition | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return nearestVersion([b.version, a.version].sort(compareObjectVersions), version) === a.version ? a : b;
}

/** See ObjectDefinitions for the rule. `known` is ascending. */
function nearestVersion(known: readonly string[], version: string | undefined): string | undefined {
  const wanted = version === undefined ? undefined : parseObjectVersion(version);
  if (wanted === undefined) return known.at(-1);
  const sameMajor = known.filter((candidate) => parseObjectVersion(candidate)?.major === wanted.major);
  const below = sameMajor.filter((candidate) => compareObjectVersions(candidate, version as string) <= 0);
  return below.at(-1) ?? sameMajor[0];
}

type ObjectRow = readonly [
  id: number,
  name: string,
  version: string,
  urn: string,
  lwm2mVersion: string,
  multiple: number,
  mandatory: number,
  resources: readonly ResourceRow[],
];
type ResourceRow = readonly [
  id: number,
  name: string,
  operations: string,
  multiple: number,
  mandatory: number,
  type: string,
  range: string,
  units: string,
];
type ReusableRow = readonly [id: number, name: string, operations: string, type: string, range: string, units: string];

/** One Object in all its versions: rows until somebody asks, definitions from then on. */
class Versions {
  readonly #byVersion: Map<string, ObjectRow | ObjectDefinition> = new Map();
  /** Ascending. */
  #known: readonly string[] = [];

  set(definition: ObjectRow | ObjectDefinition): void {
    this.#byVersion.set('resources' in definition ? definition.version : definition[2], definition);
    this.#known = [...this.#byVersion.keys()].sort(compareObjectVersions);
  }

  known(): readonly string[] {
    return this.#known;
  }

  /** The name the latest version has, without making its definition. */
  latestName(): string {
    const latest = this.#byVersion.get(this.#known.at(-1) ?? '');
    return latest === undefined ? '' : 'resources' in latest ? latest.name : latest[1];
  }

  find(version: string | undefined): ObjectDefinition | undefined {
    const exact =
      version !== undefined && this.#byVersion.has(version) ? version : nearestVersion(this.#known, version);
    if (exact === undefined) return undefined;
    const found = this.#byVersion.get(exact) as ObjectRow | ObjectDefinition;
    if ('resources' in found) return found;
    const definition = objectDefinition(found);
    this.#byVersion.set(exact, definition);
    return definition;
  }
}

function objectDefinition([
  id,
  name,
  version,
  urn,
  lwm2mVersion,
  multiple,
  mandatory,
  rows,
]: ObjectRow): ObjectDefinition {
  return Object.freeze({
    id: id as ObjectId,
    name,
    version,
    urn,
    lwm2mVersion,
    multiple: multiple === 1,
    mandatory: mandatory === 1,
    resources: new Map(rows.map((row) => [row[0], resourceDefinition(row)])),
  });
}

const resourceDefinition = ([
  id,
  name,
  operations,
  multiple,
  mandatory,
  type,
  range,
  units,
]: ResourceRow): ResourceDefinition =>
  Object.freeze({
    id: id as ResourceId,
    name,
    operations: operations as ResourceOperations,
    multiple: multiple === 1,
    mandatory: mandatory === 1,
    // One file of the registry gives an executable Resource a type all the same.
    type: operations === 'E' ? 'none' : dataType(type),
    range,
    units,
  });

/** The registry writes "Integer"; a Resource without a type has no value (it is executable). */
const dataType = (registered: string): DataType => (registered === '' ? 'none' : registered.toLowerCase()) as DataType;

let registryIndex: ReadonlyMap<number, Versions> | undefined;
function registry(): ReadonlyMap<number, Versions> {
  if (registryIndex !== undefined) return registryIndex;
  const index = new Map<number, Versions>();
  for (const row of facts.objects as unknown as readonly ObjectRow[]) {
    let versions = index.get(row[0]);
    if (versions === undefined) index.set(row[0], (versions = new Versions()));
    versions.set(row);
  }
  return (registryIndex = index);
}

let nameIndex: ReadonlyMap<string, number> | undefined;
function registeredNames(): ReadonlyMap<string, number> {
  if (nameIndex !== undefined) return nameIndex;
  const index = new Map<string, number>();
  for (const [id, versions] of registry()) {
    const name = squeeze(versions.latestName());
    if ((index.get(name) ?? Infinity) > id) index.set(name, id);
  }
  return (nameIndex = index);
}

let reusableIndex: ReadonlyMap<number, ReusableResource> | undefined;
function reusableResources(): ReadonlyMap<number, ReusableResource> {
  return (reusableIndex ??= new Map(
    (facts.reusableResources as unknown as readonly ReusableRow[]).map(([id, name, operations, type, range, units]) => [
      id,
      Object.freeze({
        id: id as ResourceId,
        name,
        operations: operations as ResourceOperations,
        type: dataType(type),
        range,
        units,
      }),
    ]),
  ));
}
