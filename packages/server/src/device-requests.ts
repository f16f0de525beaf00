/**
 * Operations on a device as CoAP requests: `encodeOperation` with the checks that are the caller's business. Every path
 * is prefixed with the alternate path of the registration, when there is one. OMA TS Core §6.3 and §6.4.
 */
import { UsageError, type OutgoingRequest } from '@lapwing/coap';
import {
  checkAttributeLevels,
  checkAttributes,
  checkAttributeValues,
  encodeOperation,
  formatExecuteArguments,
  isMalformed,
  objectId,
  parseExecuteArguments,
  type AttributeChanges,
  type NodePath,
  type NotificationAttributes,
  type ObjectInstancePath,
  type ObjectPath,
  type Operation,
  type Path,
  type ResourceInstancePath,
  type ResourcePath,
} from '@lapwing/lwm2m';
import type { DiscoverOptions, ReadOptions, WriteAttributes } from './api.ts';
import type { RegistrationRecord } from './registration-record.ts';

/** A request, and what it is for those who look at what is pending. */
export interface DeviceRequest extends OutgoingRequest {
  readonly operation: Operation['kind'];
  readonly paths: readonly Path[];
  /** Of an Observe: what it was made of. */
  readonly observed?: ObserveRequest;
  /** The same in another format, for a client that does not read this one. */
  readonly alternative?: () => DeviceRequest;
}

/** Content and the format it is encoded in. */
export interface EncodedContent {
  readonly contentFormat: number;
  readonly payload: Uint8Array;
}

/** Without a format the client chooses one. OMA TS Core §7.4. */
export const readPath = (record: RegistrationRecord, path: Path, { format }: ReadOptions): DeviceRequest =>
  encode(record, { kind: 'read', path: nodePath(path), accept: format });

/** What is observed: one path, or for an Observe-Composite the list in the payload. */
export interface ObserveRequest {
  readonly path: Path;
  readonly paths: readonly Path[] | undefined;
  readonly list: EncodedContent | undefined;
  readonly accept: number | undefined;
  readonly attributes: NotificationAttributes | undefined;
}

export function observePath(record: RegistrationRecord, observed: ObserveRequest): DeviceRequest {
  const { path, paths, list, ...rest } = observed;
  const request = encode(
    record,
    list === undefined
      ? { kind: 'observe', path: nodePath(path), ...rest }
      : { kind: 'observeComposite', ...list, ...rest },
    paths,
  );
  return { ...request, observed };
}

/** The same path, payload and options as of the Observe it cancels; the endpoint adds its token. RFC 7641 §3.6. */
export const cancelPath = (record: RegistrationRecord, { path, paths, list, ...rest }: ObserveRequest): DeviceRequest =>
  encode(
    record,
    list === undefined
      ? { kind: 'cancelObserve', path: nodePath(path), ...rest }
      : { kind: 'cancelObserveComposite', ...list, ...rest },
    paths,
  );

export const discoverPath = (record: RegistrationRecord, path: Path, { depth }: DiscoverOptions): DeviceRequest =>
  encode(record, { kind: 'discover', path, depth });

export const readPaths = (
  record: RegistrationRecord,
  paths: readonly Path[],
  list: EncodedContent,
  accept: number | undefined,
): DeviceRequest => encode(record, { kind: 'readComposite', ...list, accept }, paths);

export const writePaths = (
  record: RegistrationRecord,
  paths: readonly Path[],
  content: EncodedContent,
): DeviceRequest => encode(record, { kind: 'writeComposite', ...content }, paths);

export const writePath = (
  record: RegistrationRecord,
  path: ObjectInstancePath | ResourcePath | ResourceInstancePath,
  mode: 'replace' | 'update',
  content: EncodedContent,
): DeviceRequest => encode(record, { kind: 'write', mode, path, ...content });

/** Create goes to the Object: the id of the new Object Instance, chosen or not, is in the content. */
export const createAt = (
  record: RegistrationRecord,
  { objectId }: ObjectPath | ObjectInstancePath,
  content: EncodedContent,
): DeviceRequest => encode(record, { kind: 'create', path: { kind: 'object', objectId }, ...content });

export const deletePath = (
  record: RegistrationRecord,
  path: ObjectInstancePath | ResourceInstancePath,
): DeviceRequest => encode(record, { kind: 'delete', path });

/** @throws UsageError when the arguments do not obey the grammar of OMA TS Core §6.3.5. */
export function executePath(record: RegistrationRecord, path: ResourcePath, args: string): DeviceRequest {
  const parsed = parseExecuteArguments(args);
  if (isMalformed(parsed)) throw new UsageError(parsed.malformed);
  return encode(record, { kind: 'execute', path, args: formatExecuteArguments(parsed) });
}

/** @throws UsageError when an attribute has a wrong value or place, or what is set contradicts itself. */
export function writeAttributesAt(record: RegistrationRecord, path: Path, attributes: WriteAttributes): DeviceRequest {
  const node = nodePath(path);
  checkChanges(attributes, node);
  return encode(record, { kind: 'writeAttributes', path: node, attributes });
}

/**
 * @param path  undefined for an Observe-Composite, which takes fewer attributes. OMA TS Core 1.2 §6.4.2.
 * @throws UsageError when the client is too old for attributes with Observe, or they are wrong.
 */
export function checkObserveAttributes(
  { lwm2mVersion, endpointClientName }: RegistrationRecord,
  path: Path | undefined,
  attributes: NotificationAttributes,
): void {
  if (lwm2mVersion !== '1.2')
    throw new UsageError(
      `"${endpointClientName}" speaks LwM2M ${lwm2mVersion}, which has no attributes with Observe: use writeAttributes`,
    );
  // What goes to an Object goes to every path of a list, except the length of a queue, which each path has of its own.
  checkChanges(attributes, path === undefined ? { kind: 'object', objectId: objectId(0) } : nodePath(path));
  if (path === undefined && attributes.hqmax !== undefined)
    throw new UsageError('hqmax goes to one path, not to a list of paths');
}

function checkChanges(changes: AttributeChanges, path: NodePath): void {
  const set = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== null));
  const wrong = checkAttributeValues(changes) ?? checkAttributeLevels(changes, path) ?? checkAttributes(set);
  if (wrong !== undefined) throw new UsageError(wrong.malformed);
}

function encode(record: RegistrationRecord, operation: Operation, paths?: readonly Path[]): DeviceRequest {
  const request = encodeOperation(operation, record.objectList.alternatePath);
  return { ...request, operation: operation.kind, paths: paths ?? ('path' in operation ? [operation.path] : []) };
}

function nodePath(path: Path): NodePath {
  if (path.kind === 'root') throw new UsageError('the root can only be discovered');
  return path;
}
