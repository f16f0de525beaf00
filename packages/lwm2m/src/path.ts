/**
 * Where a node is: `/3/0/9`. A union by level, so that below the edge a `ResourcePath` is a type and not a check.
 */
import { UsageError } from '@lapwing/coap';
import {
  MAX_ID,
  objectId,
  objectInstanceId,
  parseId,
  parseIdAt,
  resourceId,
  resourceInstanceId,
} from './identifiers.ts';
import type { ObjectId, ObjectInstanceId, ResourceId, ResourceInstanceId } from './identifiers.ts';
import { malformed } from './malformed.ts';
import type { Malformed } from './malformed.ts';

export interface RootPath {
  readonly kind: 'root';
}
export interface ObjectPath {
  readonly kind: 'object';
  readonly objectId: ObjectId;
}
export interface ObjectInstancePath {
  readonly kind: 'objectInstance';
  readonly objectId: ObjectId;
  readonly objectInstanceId: ObjectInstanceId;
}
export interface ResourcePath {
  readonly kind: 'resource';
  readonly objectId: ObjectId;
  readonly objectInstanceId: ObjectInstanceId;
  readonly resourceId: ResourceId;
}
export interface ResourceInstancePath {
  readonly kind: 'resourceInstance';
  readonly objectId: ObjectId;
  readonly objectInstanceId: ObjectInstanceId;
  readonly resourceId: ResourceId;
  readonly resourceInstanceId: ResourceInstanceId;
}
export type Path = RootPath | ObjectPath | ObjectInstancePath | ResourcePath | ResourceInstancePath;

/** How many ids each level has. */
const DEPTHS = { root: 0, object: 1, objectInstance: 2, resource: 3, resourceInstance: 4 } as const;
const MAX_DEPTH = 4;

export const ROOT: RootPath = Object.freeze({ kind: 'root' });

/** @throws UsageError when the id is out of range; so do the other constructors. */
export const objectPath = (object: number): ObjectPath => ({ kind: 'object', objectId: objectId(object) });

export const objectInstancePath = (object: number, objectInstance: number): ObjectInstancePath => ({
  kind: 'objectInstance',
  objectId: objectId(object),
  objectInstanceId: objectInstanceId(objectInstance),
});

export const resourcePath = (object: number, objectInstance: number, resource: number): ResourcePath => ({
  kind: 'resource',
  objectId: objectId(object),
  objectInstanceId: objectInstanceId(objectInstance),
  resourceId: resourceId(resource),
});

export const resourceInstancePath = (
  object: number,
  objectInstance: number,
  resource: number,
  resourceInstance: number,
): ResourceInstancePath => ({
  kind: 'resourceInstance',
  objectId: objectId(object),
  objectInstanceId: objectInstanceId(objectInstance),
  resourceId: resourceId(resource),
  resourceInstanceId: resourceInstanceId(resourceInstance),
});

export function pathOf(): RootPath;
export function pathOf(object: number): ObjectPath;
export function pathOf(object: number, objectInstance: number): ObjectInstancePath;
export function pathOf(object: number, objectInstance: number, resource: number): ResourcePath;
export function pathOf(
  object: number,
  objectInstance: number,
  resource: number,
  resourceInstance: number,
): ResourceInstancePath;
export function pathOf(...ids: readonly number[]): Path;
/** The path with these ids, none to four. An Object Instance ID of 65535 stands for "the client chooses" in a Create. */
export function pathOf(...ids: readonly number[]): Path {
  if (ids.length > MAX_DEPTH) throw new UsageError(`a path has at most ${MAX_DEPTH} ids, not ${ids.length}`);
  const [object, objectInstance, resource, resourceInstance] = ids;
  if (object === undefined) return ROOT;
  if (objectInstance === undefined) return objectPath(object);
  if (resource === undefined) return objectInstancePath(object, objectInstance);
  if (resourceInstance === undefined) return resourcePath(object, objectInstance, resource);
  return resourceInstancePath(object, objectInstance, resource, resourceInstance);
}

/**
 * "/3/0/9", "3/0/9" or "/". Ids are decimal without sign or leading zeros, 0 to 65534, four at most; no empty segments,
 * so no trailing slash either.
 */
export function parsePath(text: string): Path | Malformed {
  if (text === '/') return ROOT;
  const ids: number[] = [];
  for (let start = text.charCodeAt(0) === SLASH ? 1 : 0; start <= text.length;) {
    const slash = text.indexOf('/', start);
    const end = slash < 0 ? text.length : slash;
    const id = parseIdAt(text, start, end);
    if (id === undefined)
      return malformed(`"${shorten(text)}" is no path: "${shorten(text.slice(start, end))}" is no id`);
    if (ids.length === MAX_DEPTH) return malformed(`"${shorten(text)}" is no path: more than ${MAX_DEPTH} levels`);
    ids.push(id);
    start = end + 1;
  }
  return trusted(ids);
}

/** The path in a request's Uri-Path segments. No segments, or a single empty one, are the root. */
export function pathFromUriSegments(segments: readonly string[]): Path | Malformed {
  if (segments.length === 0 || (segments.length === 1 && segments[0] === '')) return ROOT;
  if (segments.length > MAX_DEPTH) {
    return malformed(`a path has at most ${MAX_DEPTH} levels, not ${segments.length}`);
  }
  const ids: number[] = [];
  for (const segment of segments) {
    const id = parseId(segment);
    if (id === undefined) return malformed(`"${shorten(segment)}" is no id`);
    ids.push(id);
  }
  return trusted(ids);
}

const SLASH = 0x2f;
/** Reasons go into logs and diagnostic payloads, so what a stranger sent is cut in them. */
const shorten = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);

/** From ids that are known to be in range. */
function trusted(ids: readonly number[]): Path {
  const object = ids[0] as ObjectId;
  const objectInstance = ids[1] as ObjectInstanceId;
  const resource = ids[2] as ResourceId;
  switch (ids.length) {
    case 1:
      return { kind: 'object', objectId: object };
    case 2:
      return { kind: 'objectInstance', objectId: object, objectInstanceId: objectInstance };
    case 3:
      return { kind: 'resource', objectId: object, objectInstanceId: objectInstance, resourceId: resource };
    default:
      return {
        kind: 'resourceInstance',
        objectId: object,
        objectInstanceId: objectInstance,
        resourceId: resource,
        resourceInstanceId: ids[3] as ResourceInstanceId,
      };
  }
}

/** "/3/0/9"; the root is "/". */
export function formatPath(path: Path): string {
  switch (path.kind) {
    case 'root':
      return '/';
    case 'object':
      return `/${path.objectId}`;
    case 'objectInstance':
      return `/${path.objectId}/${path.objectInstanceId}`;
    case 'resource':
      return `/${path.objectId}/${path.objectInstanceId}/${path.resourceId}`;
    case 'resourceInstance':
      return `/${path.objectId}/${path.objectInstanceId}/${path.resourceId}/${path.resourceInstanceId}`;
  }
}

/** The ids from the Object down; none for the root. */
export function pathIds(path: Path): readonly number[] {
  switch (path.kind) {
    case 'root':
      return [];
    case 'object':
      return [path.objectId];
    case 'objectInstance':
      return [path.objectId, path.objectInstanceId];
    case 'resource':
      return [path.objectId, path.objectInstanceId, path.resourceId];
    case 'resourceInstance':
      return [path.objectId, path.objectInstanceId, path.resourceId, path.resourceInstanceId];
  }
}

/** The Uri-Path segments; none for the root. */
export const uriSegments = (path: Path): readonly string[] => pathIds(path).map(String);

/** 0 for the root, 4 for a Resource Instance. */
export const pathDepth = (path: Path): 0 | 1 | 2 | 3 | 4 => DEPTHS[path.kind];

/** One level up; the root has none. */
export function parentOf(path: Path): Path | undefined {
  switch (path.kind) {
    case 'root':
      return undefined;
    case 'object':
      return ROOT;
    case 'objectInstance':
      return { kind: 'object', objectId: path.objectId };
    case 'resource':
      return { kind: 'objectInstance', objectId: path.objectId, objectInstanceId: path.objectInstanceId };
    case 'resourceInstance':
      return {
        kind: 'resource',
        objectId: path.objectId,
        objectInstanceId: path.objectInstanceId,
        resourceId: path.resourceId,
      };
  }
}

/** True when `path` is `ancestor` or lies below it. */
export function isWithin(path: Path, ancestor: Path): boolean {
  const a = ancestor as Partial<ResourceInstancePath>;
  const p = path as Partial<ResourceInstancePath>;
  return (
    (a.objectId === undefined || a.objectId === p.objectId) &&
    (a.objectInstanceId === undefined || a.objectInstanceId === p.objectInstanceId) &&
    (a.resourceId === undefined || a.resourceId === p.resourceId) &&
    (a.resourceInstanceId === undefined || a.resourceInstanceId === p.resourceInstanceId)
  );
}

export const samePath = (a: Path, b: Path): boolean => a.kind === b.kind && isWithin(a, b);

/** Order by ids, an ancestor before what is below it: for `sort`. */
export function comparePaths(a: Path, b: Path): number {
  const left = a as Partial<ResourceInstancePath>;
  const right = b as Partial<ResourceInstancePath>;
  return (
    compareIds(left.objectId, right.objectId) ||
    compareIds(left.objectInstanceId, right.objectInstanceId) ||
    compareIds(left.resourceId, right.resourceId) ||
    compareIds(left.resourceInstanceId, right.resourceInstanceId)
  );
}
const compareIds = (a: number | undefined, b: number | undefined): number => (a ?? -1) - (b ?? -1);

/** True for /o/65535…: the place in a Create's content of an Object Instance whose id the client is to choose. */
export const isUnassigned = (path: Path): boolean =>
  path.kind !== 'root' && path.kind !== 'object' && path.objectInstanceId === MAX_ID;
