/**
 * Discover: links of what is instantiated, with the attributes of the asking server. Attributes that the target inherits
 * stand on its own link; below it only what is attached there. OMA TS Core §6.3.2.
 */
import { formatPath, objectInstancePath, objectPath, resourceInstancePath, resourcePath } from '@lapwing/lwm2m';
import type { DiscoverableNode, LwM2mVersion, NotificationAttributes, Path } from '@lapwing/lwm2m';
import { impliedObjectVersion } from '@lapwing/lwm2m';
import type { AttributeStore } from '../attribute-store.ts';
import type { ObjectTree, TreeObject, TreeResource } from '../object-tree.ts';
import { notAllowed, notFound, unauthorized } from '../refusal.ts';
import type { Refusal } from '../refusal.ts';
import { ascending } from './read.ts';
import type { MayRead } from './read.ts';

export interface DiscoverRequest {
  readonly path: Path;
  /** Levels below the path; default 2 for an Object, 1 below that. */
  readonly depth: number | undefined;
  readonly shortServerId: number;
  /** Of the registration: implies the versions that need not be said. */
  readonly lwm2mVersion: LwM2mVersion;
  /** The server's /1/x/2 and /1/x/3. */
  readonly defaults: NotificationAttributes;
  /** The links of Object Instances are for every server, what is in them needs the right to read. */
  readonly mayRead: MayRead;
}

export function discover(
  tree: ObjectTree,
  attributes: AttributeStore,
  request: DiscoverRequest,
): readonly DiscoverableNode[] | Refusal {
  const { path, shortServerId } = request;
  if (path.kind === 'root') return notAllowed('Discover on the root is for a Bootstrap-Server');
  const object = tree.objects.get(path.objectId);
  if (object === undefined) return notFound(`Object ${path.objectId}`);
  const nodes: DiscoverableNode[] = [];
  const add = (at: Path, more: Omit<DiscoverableNode, 'path' | 'attributes'> = {}): void => {
    const isTarget = at.kind === path.kind;
    const held = isTarget
      ? attributes.effective(shortServerId, at, request.defaults)
      : attributes.attachedTo(shortServerId, at);
    nodes.push({ path: at, ...more, ...(held !== undefined && { attributes: held }) });
  };
  const addResource = (id: readonly [number, number, number], resource: TreeResource, depth: number): void => {
    const { definition } = resource;
    const dimension = resource.kind === 'multiple' ? { dimension: resource.values.size } : {};
    add(resourcePath(...id), dimension);
    if (depth < 1 || !definition.multiple || resource.kind !== 'multiple') return;
    for (const [instanceId] of ascending(resource.values)) add(resourceInstancePath(...id, instanceId));
  };
  const addInstance = (objectInstanceId: number, depth: number, version: Version): void => {
    add(objectInstancePath(object.objectId, objectInstanceId), version);
    if (depth < 1 || !request.mayRead(object.objectId, objectInstanceId)) return;
    const instance = object.instances.get(objectInstanceId);
    for (const [id, resource] of ascending(instance?.resources ?? new Map<number, TreeResource>())) {
      addResource([object.objectId, objectInstanceId, id], resource, depth - 1);
    }
  };
  const version = versionOf(object, request.lwm2mVersion);
  if (path.kind === 'object') {
    const depth = request.depth ?? 2;
    add(objectPath(object.objectId), version);
    if (depth >= 1) for (const [id] of ascending(object.instances)) addInstance(id, depth - 1, {});
    return nodes;
  }
  const instance = object.instances.get(path.objectInstanceId);
  if (instance === undefined) return notFound(formatPath(path));
  if (!request.mayRead(path.objectId, path.objectInstanceId)) return unauthorized(path);
  const depth = request.depth ?? 1;
  if (path.kind === 'objectInstance') {
    addInstance(path.objectInstanceId, depth, version);
    return nodes;
  }
  const resource = instance.resources.get(path.resourceId);
  if (resource === undefined) return notFound(formatPath(path));
  if (path.kind === 'resource') {
    addResource([path.objectId, path.objectInstanceId, path.resourceId], resource, depth);
    return nodes;
  }
  return notAllowed('Discover ends at Resources');
}

type Version = Pick<DiscoverableNode, 'version'>;
const versionOf = ({ objectId, definition }: TreeObject, lwm2mVersion: LwM2mVersion): Version =>
  definition.version === impliedObjectVersion(lwm2mVersion, objectId) ? {} : { version: definition.version };
