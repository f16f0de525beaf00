/**
 * The body of a Write or Create, read against the definition of its Object:
 *
 *   a Resource           {value} · {values: {"0": …}} when it has multiple instances
 *   a Resource Instance  {value}
 *   an Object Instance   {resources: {"5700": …}}, each a value, {value} or {values} as above, or the values alone: {"0": …}
 *
 * The type comes from the definition. For a Resource that no definition knows, `type` beside the value says it, else it
 * is guessed: text, Boolean, Integer for whole numbers, Float for others.
 */
import {
  type DataType,
  formatPath,
  isMalformed,
  malformed,
  type Malformed,
  type NodeEntry,
  type ObjectDefinition,
  type ObjectId,
  type ObjectInstancePath,
  objectInstancePath,
  parseId,
  type ResourceInstancePath,
  resourceInstancePath,
  type ResourcePath,
  resourcePath,
} from '@lapwing/lwm2m';
import { guessedType, type ScalarJson, valueFromJson } from './value-json.ts';

/** Values by Resource Instance ID. */
export type ValuesJson = Readonly<Record<string, ScalarJson>>;

/** A Resource in a body. */
export interface ResourceJson {
  readonly value?: ScalarJson;
  readonly values?: ValuesJson;
  /** Only used when no definition tells the type. */
  readonly type?: DataType;
}

export interface NodeBodyJson extends ResourceJson {
  /** By Resource ID. */
  readonly resources?: Readonly<Record<string, ScalarJson | ResourceJson | ValuesJson>>;
}

/** One Object Instance, or several by their IDs. */
export interface CreateBodyJson {
  readonly resources?: NonNullable<NodeBodyJson['resources']>;
  readonly instances?: Readonly<Record<string, { readonly resources: NonNullable<NodeBodyJson['resources']> }>>;
}

/** The entries below `path`; Malformed names the field that is wrong, as a JSON Pointer. */
export function contentFromBody(
  path: ObjectInstancePath | ResourcePath | ResourceInstancePath,
  body: NodeBodyJson,
  definition: ObjectDefinition | undefined,
): readonly NodeEntry[] | Malformed {
  const { resources, ...resource } = body;
  if (path.kind === 'objectInstance') {
    if (resources === undefined || Object.keys(resource).length > 0) {
      return malformed('an Object Instance is written with {"resources": {"<Resource ID>": <value>, …}}');
    }
    return objectInstanceContent(path, resources, definition);
  }
  if (resources !== undefined) {
    return malformed(`/resources: ${formatPath(path)} is a Resource; write it with {"value": …}`);
  }
  if (path.kind === 'resourceInstance') {
    if (resource.value === undefined || resource.values !== undefined) {
      return malformed('a Resource Instance is written with {"value": …}');
    }
    const type = typeOf(path.resourceId, resource, resource.value, definition);
    const value = valueFromJson(type, resource.value, '/value');
    return isMalformed(value) ? value : [{ kind: 'value', path, value }];
  }
  return resourceContent(path, resource, definition, '');
}

/** Entries with the paths of an Object Instance whose ID the device may still have to choose (65535). */
export function objectInstanceContent(
  path: ObjectInstancePath,
  resources: NonNullable<NodeBodyJson['resources']>,
  definition: ObjectDefinition | undefined,
): readonly NodeEntry[] | Malformed {
  const entries: NodeEntry[] = [];
  for (const [key, json] of Object.entries(resources)) {
    const field = `/resources/${key}`;
    const id = idOf(key);
    if (id === undefined) return malformed(`${field}: expected a Resource ID from 0 to 65534`);
    const short = typeof json !== 'object' || json === null;
    const resource = short ? { value: json } : isValuesJson(json) ? { values: json } : json;
    const content = resourceContent(
      resourcePath(path.objectId, path.objectInstanceId, id),
      resource,
      definition,
      field,
      short ? field : `${field}/value`,
    );
    if (isMalformed(content)) return content;
    entries.push(...content);
  }
  return entries;
}

/** Entries of several Object Instances, each under its ID; one without Resources is an entry of kind 'empty'. */
export function objectInstancesContent(
  objectId: ObjectId,
  instances: NonNullable<CreateBodyJson['instances']>,
  definition: ObjectDefinition | undefined,
): readonly NodeEntry[] | Malformed {
  const entries: NodeEntry[] = [];
  for (const [key, { resources }] of Object.entries(instances)) {
    const id = idOf(key);
    if (id === undefined) return malformed(`/instances/${key}: expected an Object Instance ID from 0 to 65534`);
    const path = objectInstancePath(objectId, id);
    const content = objectInstanceContent(path, resources, definition);
    // What is wrong begins with a field below this one.
    if (isMalformed(content)) return malformed(`/instances/${key}${content.malformed}`);
    entries.push(...(content.length > 0 ? content : [{ kind: 'empty' as const, path }]));
  }
  return entries.length > 0 ? entries : malformed('/instances: expected at least one Object Instance');
}

function resourceContent(
  path: ResourcePath,
  resource: ResourceJson,
  definition: ObjectDefinition | undefined,
  field: string,
  valueField: string = `${field}/value`,
): readonly NodeEntry[] | Malformed {
  const known = definition?.resources.get(path.resourceId);
  const { value, values } = resource;
  if ((value === undefined) === (values === undefined)) {
    return malformed(`${field || '/'}: expected either "value" or "values"`);
  }
  if (values === undefined) {
    if (known?.multiple === true) {
      return malformed(`${valueField}: ${known.name} has multiple instances; write {"values": {"0": …}}`);
    }
    const parsed = valueFromJson(typeOf(path.resourceId, resource, value, definition), value, valueField);
    return isMalformed(parsed) ? parsed : [{ kind: 'value', path, value: parsed }];
  }
  if (known?.multiple === false) {
    return malformed(`${field}/values: ${known.name} has a single instance; write {"value": …}`);
  }
  const instances = Object.entries(values);
  if (instances.length === 0) return [{ kind: 'empty', path }];
  const entries: NodeEntry[] = [];
  for (const [key, json] of instances) {
    const instanceField = `${field}/values/${key}`;
    const id = idOf(key);
    if (id === undefined) return malformed(`${instanceField}: expected a Resource Instance ID from 0 to 65534`);
    const parsed = valueFromJson(typeOf(path.resourceId, resource, json, definition), json, instanceField);
    if (isMalformed(parsed)) return parsed;
    const { objectId, objectInstanceId, resourceId } = path;
    entries.push({
      kind: 'value',
      path: resourceInstancePath(objectId, objectInstanceId, resourceId, id),
      value: parsed,
    });
  }
  return entries;
}

/** Ids instead of words: the values of a multiple Resource, without the wrapping. */
export const isValuesJson = (json: ResourceJson | ValuesJson): json is ValuesJson =>
  Object.keys(json).length > 0 && Object.keys(json).every((key) => /^\d+$/.test(key));

const typeOf = (
  resourceId: number,
  resource: ResourceJson,
  json: unknown,
  definition: ObjectDefinition | undefined,
): DataType => definition?.resources.get(resourceId)?.type ?? resource.type ?? guessedType(json);

function idOf(text: string): number | undefined {
  const id = parseId(text);
  return typeof id === 'number' && id < 65535 ? id : undefined;
}
