/**
 * What payloads carry: a flat list of entries with absolute paths (what SenML, composites and Send are made of), and the
 * tree that a reader of one path wants. Formats decode to and encode from entries; `nodeAt` builds the tree.
 */
import { UsageError } from '@lapwing/coap';
import type { ObjectId, ObjectInstanceId, ResourceId, ResourceInstanceId } from './identifiers.ts';
import { formatPath, isWithin, pathDepth, pathIds } from './path.ts';
import type { ObjectInstancePath, ObjectPath, Path, ResourceInstancePath, ResourcePath } from './path.ts';
import type { Value } from './value.ts';

export type NodeEntry =
  | {
      readonly kind: 'value';
      readonly path: ResourcePath | ResourceInstancePath;
      readonly value: Value;
      /** Seconds since 1970, fractions kept, when the payload gave a time. */
      readonly timestamp?: number;
    }
  /**
   * A node that exists with nothing in it: an Object without instances, an Object Instance without Resources, a
   * multiple-instance Resource without instances. An Object Instance ID of 65535 means "the client chooses" (Create).
   */
  | { readonly kind: 'empty'; readonly path: ObjectPath | ObjectInstancePath | ResourcePath }
  /** null in a Write-Composite: remove this Resource Instance. 1.2. */
  | { readonly kind: 'remove'; readonly path: ResourceInstancePath | ResourcePath };

export interface ResourceInstanceNode {
  readonly kind: 'resourceInstance';
  readonly resourceInstanceId: ResourceInstanceId;
  readonly value: Value;
}
export type ResourceNode =
  | { readonly kind: 'resource'; readonly resourceId: ResourceId; readonly value: Value }
  | {
      readonly kind: 'multipleResource';
      readonly resourceId: ResourceId;
      readonly instances: readonly ResourceInstanceNode[];
    };
export interface ObjectInstanceNode {
  readonly kind: 'objectInstance';
  readonly objectInstanceId: ObjectInstanceId;
  readonly resources: readonly ResourceNode[];
}
export interface ObjectNode {
  readonly kind: 'object';
  readonly objectId: ObjectId;
  readonly instances: readonly ObjectInstanceNode[];
}
export type Node = ObjectNode | ObjectInstanceNode | ResourceNode | ResourceInstanceNode;

/**
 * The tree at `path` that these entries make, children in ascending order of id. Entries elsewhere are left out. Where
 * a node has several values the newest timestamp wins: no timestamp means now, and of equal ones the last counts.
 *
 * Undefined when nothing is there and for the root, which is no node. A `remove` leaves no trace.
 */
export function nodeAt(entries: readonly NodeEntry[], path: Path): Node | undefined {
  if (path.kind === 'root') return undefined;
  const depth = pathDepth(path);
  const top = new Branch(pathIds(path)[depth - 1] as number);
  for (const entry of entries) {
    if (entry.kind === 'remove' || !isWithin(entry.path, path)) continue;
    let branch = top;
    const ids = pathIds(entry.path);
    for (let level = depth; level < ids.length; level++) branch = branch.child(ids[level] as number);
    branch.present = true;
    if (entry.kind !== 'value') continue;
    const timestamp = entry.timestamp ?? Infinity;
    if (branch.value !== undefined && branch.timestamp > timestamp) continue;
    branch.value = entry.value;
    branch.timestamp = timestamp;
  }
  if (!top.present && top.children === undefined) return undefined;
  switch (path.kind) {
    case 'object':
      return { kind: 'object', objectId: path.objectId, instances: top.ascending().map(objectInstanceNode) };
    case 'objectInstance':
      return objectInstanceNode(top);
    case 'resource':
      return resourceNode(top);
    case 'resourceInstance':
      return resourceInstanceNodes([top])[0];
  }
}

/** What is found on the way down, before its level says which kind of node it is. */
class Branch {
  readonly id: number;
  present = false;
  value: Value | undefined = undefined;
  timestamp = -Infinity;
  children: Map<number, Branch> | undefined = undefined;

  constructor(id: number) {
    this.id = id;
  }

  child(id: number): Branch {
    this.children ??= new Map();
    let child = this.children.get(id);
    if (child === undefined) this.children.set(id, (child = new Branch(id)));
    return child;
  }

  ascending(): readonly Branch[] {
    return this.children === undefined ? [] : [...this.children.values()].sort((a, b) => a.id - b.id);
  }
}

const objectInstanceNode = (branch: Branch): ObjectInstanceNode => ({
  kind: 'objectInstance',
  objectInstanceId: branch.id as ObjectInstanceId,
  resources: branch.ascending().map(resourceNode),
});

/** A payload that gives both a value and Resource Instances contradicts itself; the instances, being more specific, count. */
function resourceNode(branch: Branch): ResourceNode {
  const id = branch.id as ResourceId;
  return branch.value !== undefined && branch.children === undefined
    ? { kind: 'resource', resourceId: id, value: branch.value }
    : { kind: 'multipleResource', resourceId: id, instances: resourceInstanceNodes(branch.ascending()) };
}

const resourceInstanceNodes = (branches: readonly Branch[]): ResourceInstanceNode[] =>
  branches.flatMap(({ id, value }) =>
    value === undefined ? [] : [{ kind: 'resourceInstance', resourceInstanceId: id as ResourceInstanceId, value }],
  );

/**
 * The entries that make this node at `path`, in ascending order as the node has them; the inverse of `nodeAt`.
 *
 * @param path  where the node is: its last id is taken from here, not from the node.
 * @throws UsageError when the node is of another level than the path.
 */
export function entriesOf(node: Node, path: Path): readonly NodeEntry[] {
  if ((node.kind === 'multipleResource' ? 'resource' : node.kind) !== path.kind) {
    throw new UsageError(`a node of kind ${node.kind} cannot be at ${formatPath(path)}`);
  }
  const entries: NodeEntry[] = [];
  collect(node, path, entries);
  return entries;
}

function collect(node: Node, path: Path, into: NodeEntry[]): void {
  switch (node.kind) {
    case 'object': {
      const at = path as ObjectPath;
      if (node.instances.length === 0) into.push({ kind: 'empty', path: at });
      for (const child of node.instances) {
        const { objectInstanceId } = child;
        collect(child, { kind: 'objectInstance', objectId: at.objectId, objectInstanceId }, into);
      }
      return;
    }
    case 'objectInstance': {
      const at = path as ObjectInstancePath;
      if (node.resources.length === 0) into.push({ kind: 'empty', path: at });
      for (const child of node.resources) {
        collect(child, { ...at, kind: 'resource', resourceId: child.resourceId }, into);
      }
      return;
    }
    case 'multipleResource': {
      const at = path as ResourcePath;
      if (node.instances.length === 0) into.push({ kind: 'empty', path: at });
      for (const child of node.instances) {
        collect(child, { ...at, kind: 'resourceInstance', resourceInstanceId: child.resourceInstanceId }, into);
      }
      return;
    }
    case 'resource':
    case 'resourceInstance':
      into.push({ kind: 'value', path: path as ResourcePath | ResourceInstancePath, value: node.value });
  }
}
