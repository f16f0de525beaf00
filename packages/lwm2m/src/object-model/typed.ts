/**
 * Object definitions as TypeScript types, so that a path knows what it leads to: `Device.path(0).batteryLevel` is the
 * path /3/0/9, and reading it gives a number.
 *
 * | data type               | in TypeScript                                                        |
 * |-------------------------|----------------------------------------------------------------------|
 * | string, corelnk         | string                                                               |
 * | integer, unsigned, time | number (bigint with `bigint: true`); a time in seconds since 1970    |
 * | float                   | number                                                               |
 * | boolean                 | boolean                                                              |
 * | opaque                  | Uint8Array                                                           |
 * | objlnk                  | ObjectLink                                                           |
 * | none                    | null                                                                 |
 *
 * A `number` is exact up to 2^53 and rounded beyond; where more counts, declare `bigint: true` or read an untyped path.
 * A multiple-instance Resource gives a ReadonlyMap by Resource Instance ID.
 */
import { UsageError } from '@lapwing/coap';
import { objectId, objectInstanceId, resourceId, resourceInstanceId } from '../identifiers.ts';
import type { ObjectId, ObjectInstanceId } from '../identifiers.ts';
import { isMalformed } from '../malformed.ts';
import type { Malformed } from '../malformed.ts';
import type { Node, NodeEntry } from '../node.ts';
import type { ObjectInstancePath, ObjectPath, Path, ResourceInstancePath, ResourcePath } from '../path.ts';
import { valueFromJs } from '../value-conversion.ts';
import type { DataType, ObjectLink, Value } from '../value.ts';

/** What must be known of a Resource to type it. */
export interface ResourceShape {
  readonly id: number;
  readonly type: DataType;
  /** Has Resource Instances. */
  readonly multiple?: true;
  /** integer, unsigned and time: always a bigint, exact in all 64 bits. */
  readonly bigint?: true;
}

export interface ObjectShape {
  readonly id: number;
  readonly version: string;
  /** By the name the path's property has. */
  readonly resources: Readonly<Record<string, ResourceShape>>;
}

interface JsTypes {
  readonly string: string;
  readonly corelnk: string;
  readonly integer: number;
  readonly unsigned: number;
  readonly time: number;
  readonly float: number;
  readonly boolean: boolean;
  readonly opaque: Uint8Array;
  readonly objlnk: ObjectLink;
  readonly none: null;
}
type IntegerType = 'integer' | 'unsigned' | 'time';

/** The TypeScript type of one value of a Resource. */
export type SingleValueOf<Shape extends ResourceShape> = Shape extends {
  readonly bigint: true;
  readonly type: IntegerType;
}
  ? bigint
  : JsTypes[Shape['type']];
/** The TypeScript type of a Resource: see the table. */
export type ValueOf<Shape extends ResourceShape> = Shape extends { readonly multiple: true }
  ? ReadonlyMap<number, SingleValueOf<Shape>>
  : SingleValueOf<Shape>;

declare const valueType: unique symbol;

/** A Resource's path that knows the type `T` of what is there. */
export interface TypedPath<T> extends ResourcePath {
  readonly shape: ResourceShape;
  /** Only a type: nothing is there at run time. */
  readonly [valueType]: T;
}
/** A Resource Instance's path that knows the type `T` of what is there. */
export interface TypedResourceInstancePath<T> extends ResourceInstancePath {
  readonly shape: ResourceShape;
  readonly [valueType]: T;
}

/** The path of an Object Instance, with the paths of its Resources by name. */
export type TypedObjectInstancePath<Resources extends ObjectShape['resources']> = ObjectInstancePath & {
  readonly [Name in keyof Resources]: TypedPath<ValueOf<Resources[Name]>>;
};

export interface TypedObject<Resources extends ObjectShape['resources']> {
  readonly objectId: ObjectId;
  readonly version: string;
  readonly resources: Resources;
  /** The path of the Object. */
  readonly objectPath: ObjectPath;
  /** @throws UsageError when the Object Instance ID is out of range. */
  path(objectInstanceId: number): TypedObjectInstancePath<Resources>;
}

/**
 * An Object with typed paths, from literals: ids, types and names must be known to the compiler.
 *
 * @throws UsageError for an id out of range, or a Resource named like a member of a path.
 */
export function defineObject<const Shape extends ObjectShape>(shape: Shape): TypedObject<Shape['resources']> {
  const id = objectId(shape.id);
  for (const [name, resource] of Object.entries(shape.resources)) {
    resourceId(resource.id);
    if (RESERVED.has(name)) throw new UsageError(`a Resource cannot be called ${name}, which every path has`);
  }
  let prototype: object | undefined;
  return {
    objectId: id,
    version: shape.version,
    resources: shape.resources,
    objectPath: Object.freeze({ kind: 'object', objectId: id }),
    path(instance) {
      prototype ??= resourceGetters(id, shape.resources);
      const path = Object.create(prototype) as { -readonly [Key in keyof ObjectInstancePath]: ObjectInstancePath[Key] };
      path.kind = 'objectInstance';
      path.objectId = id;
      path.objectInstanceId = objectInstanceId(instance);
      return path as TypedObjectInstancePath<Shape['resources']>;
    },
  };
}
const RESERVED: ReadonlySet<string> = new Set(['kind', 'objectId', 'objectInstanceId', '__proto__']);

/** Getters, so that asking for one Resource's path does not make all of them. */
function resourceGetters(id: ObjectId, resources: ObjectShape['resources']): object {
  const prototype = {};
  for (const [name, shape] of Object.entries(resources)) {
    const resource = resourceId(shape.id);
    Object.defineProperty(prototype, name, {
      enumerable: true,
      get(this: { readonly objectInstanceId: ObjectInstanceId }) {
        const { objectInstanceId } = this;
        return { kind: 'resource', objectId: id, objectInstanceId, resourceId: resource, shape };
      },
    });
  }
  return prototype;
}

/** One Resource Instance of a multiple-instance Resource. @throws UsageError when the id is out of range. */
export const resourceInstanceOf = <T>(
  path: TypedPath<ReadonlyMap<number, T>>,
  instance: number,
): TypedResourceInstancePath<T> =>
  ({
    kind: 'resourceInstance',
    objectId: path.objectId,
    objectInstanceId: path.objectInstanceId,
    resourceId: path.resourceId,
    resourceInstanceId: resourceInstanceId(instance),
    shape: path.shape,
  }) as TypedResourceInstancePath<T>;

/** Whether a path was made by `defineObject`, so that `typedValue` applies. */
export const isTypedPath = (path: Path): path is TypedPath<unknown> | TypedResourceInstancePath<unknown> =>
  'shape' in path;

/**
 * What was read at a typed path, as its type says. Undefined when there is no node, or when what is there is of another
 * type: a number where the definition says text.
 */
export function typedValue<T>(
  path: TypedPath<T> | TypedResourceInstancePath<T>,
  node: Node | undefined,
): T | undefined {
  const { shape } = path;
  if (node === undefined) return undefined;
  if (path.kind === 'resource' && shape.multiple === true) {
    if (node.kind !== 'multipleResource') return undefined;
    const values = new Map<number, unknown>();
    for (const { resourceInstanceId: id, value } of node.instances) {
      const single = singleValue(shape, value);
      if (single === undefined) return undefined;
      values.set(id, single);
    }
    return values as T;
  }
  return node.kind === 'resource' || node.kind === 'resourceInstance'
    ? (singleValue(shape, node.value) as T | undefined)
    : undefined;
}

function singleValue({ type, bigint }: ResourceShape, value: Value): unknown {
  const wanted: unknown = value.type === type ? value.value : compatible(type, value);
  if (bigint === true && typeof wanted === 'number') return BigInt(wanted);
  return bigint !== true && typeof wanted === 'bigint' ? Number(wanted) : wanted;
}

/** Self-describing formats do not tell the number types apart, nor text from links. */
function compatible(type: DataType, value: Value): unknown {
  if (value.type === 'string' || value.type === 'corelnk')
    return type === 'string' || type === 'corelnk' ? value.value : undefined;
  if (typeof value.value !== 'number' && typeof value.value !== 'bigint') return undefined;
  switch (type) {
    case 'float':
      return Number(value.value);
    case 'integer':
    case 'unsigned':
    case 'time':
      return typeof value.value === 'bigint' || Number.isInteger(value.value) ? value.value : undefined;
    default:
      return undefined;
  }
}

/** The entries that write a typed value at its path. Malformed when it does not fit the data type (an integer of 1.5). */
export function typedEntries<T>(
  path: TypedPath<T> | TypedResourceInstancePath<T>,
  value: T,
): readonly NodeEntry[] | Malformed {
  const { shape, ...plain } = path;
  if (plain.kind === 'resource' && shape.multiple === true) {
    const entries: NodeEntry[] = [];
    for (const [instance, single] of value as unknown as ReadonlyMap<number, unknown>) {
      const converted = valueFromJs(shape.type, single);
      if (isMalformed(converted)) return converted;
      const { objectId, objectInstanceId, resourceId } = plain;
      const at = { objectId, objectInstanceId, resourceId, resourceInstanceId: resourceInstanceId(instance) };
      entries.push({ kind: 'value', path: { kind: 'resourceInstance', ...at }, value: converted });
    }
    return entries.length > 0 ? entries : [{ kind: 'empty', path: plain }];
  }
  const converted = valueFromJs(shape.type, value);
  return isMalformed(converted) ? converted : [{ kind: 'value', path: plain, value: converted }];
}
