/**
 * What a Bootstrap-Server asks for, carried out on the tree: all but Finish, which is about the procedure.
 * OMA TS Core §6.1.7, Transport §6.4.2. One at a time: the caller waits for the answer before the next.
 *
 * | operation | success | refusals                                                       |
 * |-----------|---------|----------------------------------------------------------------|
 * | Discover  | 2.05    | 4.04                                                           |
 * | Read      | 2.05    | 4.01 Objects with secrets · 4.04 · 4.05 but /1 and /2 · 4.06   |
 * | Write     | 2.04    | 4.00 · 4.15 · 5.03 no room                                     |
 * | Delete    | 2.02    | 4.00                                                           |
 *
 * A handler may refuse with a code of its choice.
 */
import { Codes, CONTENT_FORMATS, encodeUtf8 } from '@lapwing/coap';
import { formatBootstrapDiscover, impliedObjectVersion, objectInstancePath, objectPath } from '@lapwing/lwm2m';
import type {
  BootstrapDiscoverOperation,
  BootstrapFinishOperation,
  BootstrapNode,
  BootstrapOperation,
  BootstrapReadOperation,
  LwM2mVersion,
} from '@lapwing/lwm2m';
import { andThen } from '../maybe-promise.ts';
import type { MaybePromise } from '../maybe-promise.ts';
import type { ObjectTree, TreeObject } from '../object-tree.ts';
import { SECURITY_RESOURCES } from '../objects/security.ts';
import { ascending, HIDDEN, readEntries } from '../operations/read.ts';
import { isRefusal, notAllowed, notFound, OperationRefused, refusal } from '../refusal.ts';
import type { Refusal } from '../refusal.ts';
import { serverIdOfLinked } from './account-objects.ts';
import type { BootstrapAnswer, BootstrapContext } from './bootstrap-context.ts';
import { bootstrapDelete } from './bootstrap-delete.ts';
import { bootstrapPack, bootstrapWrite } from './bootstrap-write.ts';
import { SECURITY_OBJECT, SERVER_OBJECT, serverIdOfSecurity, serverIdOfServer } from './security-account.ts';

const LINK_FORMAT = CONTENT_FORMATS.linkFormat.number;
/** Server and Access Control. OMA TS Core §6.1. */
const READABLE: ReadonlySet<number> = new Set([1, 2]);
/** In a Bootstrap-Discover the accounts stand first. */
const DISCOVER_FIRST: readonly number[] = [0, 1, 21, 23, 24];

/** @throws HandlerFailed, at once or later, when a handler failed otherwise than by refusing. */
export function performBootstrapOperation(
  context: BootstrapContext,
  operation: Exclude<BootstrapOperation, BootstrapFinishOperation>,
): MaybePromise<BootstrapAnswer | Refusal> {
  return refusing(() => {
    switch (operation.kind) {
      case 'bootstrapDiscover':
        return bootstrapDiscover(context, operation);
      case 'bootstrapRead':
        return bootstrapRead(context, operation);
      case 'bootstrapWrite':
        return bootstrapWrite(context, operation);
      case 'bootstrapDelete':
        return bootstrapDelete(context, operation);
    }
  });
}

/**
 * Carry out the answer to a Bootstrap-Pack-Request; see `bootstrapPack`.
 *
 * @throws HandlerFailed as `performBootstrapOperation` does.
 */
export const applyPack = (
  context: BootstrapContext,
  contentFormat: number,
  payload: Uint8Array,
): MaybePromise<BootstrapAnswer | Refusal> => refusing(() => bootstrapPack(context, contentFormat, payload));

/** What a handler throws to refuse, as a value. */
function refusing<T>(perform: () => MaybePromise<T | Refusal>): MaybePromise<T | Refusal> {
  const refused = (error: unknown): Refusal => {
    if (error instanceof OperationRefused) return refusal(error.refusedWith, error.message);
    throw error;
  };
  try {
    const done = perform();
    return done instanceof Promise ? done.catch(refused) : done;
  } catch (error) {
    return refused(error);
  }
}

function bootstrapRead(
  { tree, formats, lwm2mVersion, contextOf }: BootstrapContext,
  { path, accept }: BootstrapReadOperation,
): MaybePromise<BootstrapAnswer | Refusal> {
  if (lwm2mVersion === '1.0') return notAllowed('there is no Bootstrap-Read in LwM2M 1.0');
  if (HIDDEN.has(path.objectId)) return refusal(Codes.unauthorized, `Object ${path.objectId} cannot be read`);
  if (!READABLE.has(path.objectId)) return notAllowed('a Bootstrap-Server reads the Objects 1 and 2');
  return andThen(
    readEntries(tree, path, contextOf, () => true),
    (entries) => {
      if (isRefusal(entries)) return entries;
      const encoded = formats.encodeAnswer(path, entries, accept, lwm2mVersion);
      return isRefusal(encoded) ? encoded : { code: Codes.content, ...encoded };
    },
  );
}

function bootstrapDiscover(
  { tree, lwm2mVersion }: BootstrapContext,
  { path }: BootstrapDiscoverOperation,
): BootstrapAnswer | Refusal {
  const object = path.kind === 'root' ? undefined : tree.objects.get(path.objectId);
  if (path.kind !== 'root' && object === undefined) return notFound(`Object ${path.objectId}`);
  const objects = object === undefined ? inDiscoverOrder(tree) : [object];
  const nodes = objects.flatMap((one) => nodesOf(tree, one, lwm2mVersion));
  const text = formatBootstrapDiscover(nodes, path.kind === 'root' ? lwm2mVersion : undefined);
  return { code: Codes.content, contentFormat: LINK_FORMAT, payload: encodeUtf8(text) };
}

const inDiscoverOrder = (tree: ObjectTree): readonly TreeObject[] => [
  ...DISCOVER_FIRST.flatMap((id) => tree.objects.get(id) ?? []),
  ...ascending(tree.objects)
    .filter(([id]) => !DISCOVER_FIRST.includes(id))
    .map(([, object]) => object),
];

/** The Object itself where it has no Object Instance, or a version to tell. */
function nodesOf(tree: ObjectTree, object: TreeObject, lwm2mVersion: LwM2mVersion): readonly BootstrapNode[] {
  const { objectId, definition, instances } = object;
  const version = definition.version === impliedObjectVersion(lwm2mVersion, objectId) ? undefined : definition.version;
  const ofInstances = ascending(instances).map(([id]): BootstrapNode => ({
    path: objectInstancePath(objectId, id),
    ...accountParameters(tree, objectId, id, lwm2mVersion),
  }));
  return version === undefined && ofInstances.length > 0
    ? ofInstances
    : [{ path: objectPath(objectId), version }, ...ofInstances];
}

/** Whose account it is part of; of a Security Object Instance also where the server is, since 1.1. */
function accountParameters(
  tree: ObjectTree,
  objectId: number,
  objectInstanceId: number,
  lwm2mVersion: LwM2mVersion,
): Pick<BootstrapNode, 'shortServerId' | 'uri'> {
  switch (objectId) {
    case SECURITY_OBJECT: {
      const shortServerId = serverIdOfSecurity(tree, objectInstanceId);
      const uri = tree.get(`/${SECURITY_OBJECT}/${objectInstanceId}/${SECURITY_RESOURCES.uri}`);
      const isTold = lwm2mVersion !== '1.0' && shortServerId !== undefined && typeof uri === 'string';
      return { shortServerId, uri: isTold ? uri : undefined };
    }
    case SERVER_OBJECT:
      return { shortServerId: serverIdOfServer(tree, objectInstanceId) };
    case 21:
    case 23:
    case 24:
      return { shortServerId: serverIdOfLinked(tree, objectId, objectInstanceId) };
    default:
      return {};
  }
}
