/**
 * Operations on a device as CoAP requests: `encodeOperation` with the checks that are the caller's business. Every path
 * is prefixed with the alternate path of the registration, when there is one. OMA TS Core §6.3 and §6.4.
 */
import { UsageError, type OutgoingRequest } from '@lapwing/coap';
import {
  encodeOperation,
  formatExecuteArguments,
  isMalformed,
  parseExecuteArguments,
  type NodePath,
  type ObjectInstancePath,
  type ObjectPath,
  type Operation,
  type Path,
  type ResourceInstancePath,
  type ResourcePath,
} from '@lapwing/lwm2m';
import type { ReadOptions, WriteAttributes } from './api.ts';
import type { RegistrationRecord } from './registration-record.ts';

/** Content and the format it is encoded in. */
export interface EncodedContent {
  readonly contentFormat: number;
  readonly payload: Uint8Array;
}

/** Without a format the client chooses one. OMA TS Core §7.4. */
export const readPath = (record: RegistrationRecord, path: Path, { format }: ReadOptions): OutgoingRequest =>
  encode(record, { kind: 'read', path: nodePath(path), accept: format });

export const observePath = (record: RegistrationRecord, path: Path, { format }: ReadOptions): OutgoingRequest =>
  encode(record, { kind: 'observe', path: nodePath(path), accept: format });

/** The path and options of the Observe it cancels; the endpoint adds its token. RFC 7641 §3.6. */
export const cancelPath = (record: RegistrationRecord, path: Path, { format }: ReadOptions): OutgoingRequest =>
  encode(record, { kind: 'cancelObserve', path: nodePath(path), accept: format });

export const discoverPath = (record: RegistrationRecord, path: Path): OutgoingRequest =>
  encode(record, { kind: 'discover', path });

export const writePath = (
  record: RegistrationRecord,
  path: ObjectInstancePath | ResourcePath | ResourceInstancePath,
  mode: 'replace' | 'update',
  content: EncodedContent,
): OutgoingRequest => encode(record, { kind: 'write', mode, path, ...content });

/** Create goes to the Object: the id of the new Object Instance, chosen or not, is in the content. */
export const createAt = (
  record: RegistrationRecord,
  { objectId }: ObjectPath | ObjectInstancePath,
  content: EncodedContent,
): OutgoingRequest => encode(record, { kind: 'create', path: { kind: 'object', objectId }, ...content });

export const deletePath = (
  record: RegistrationRecord,
  path: ObjectInstancePath | ResourceInstancePath,
): OutgoingRequest => encode(record, { kind: 'delete', path });

/** @throws UsageError when the arguments do not obey the grammar of OMA TS Core §6.3.5. */
export function executePath(record: RegistrationRecord, path: ResourcePath, args: string): OutgoingRequest {
  const parsed = parseExecuteArguments(args);
  if (isMalformed(parsed)) throw new UsageError(parsed.malformed);
  return encode(record, { kind: 'execute', path, args: formatExecuteArguments(parsed) });
}

/** @throws UsageError when an attribute is not the number it should be. */
export const writeAttributesAt = (
  record: RegistrationRecord,
  path: Path,
  attributes: WriteAttributes,
): OutgoingRequest => encode(record, { kind: 'writeAttributes', path: nodePath(path), attributes: attributes });

const encode = (record: RegistrationRecord, operation: Operation): OutgoingRequest =>
  encodeOperation(operation, record.objectList.alternatePath);

function nodePath(path: Path): NodePath {
  if (path.kind === 'root') throw new UsageError('the root can only be discovered');
  return path;
}
