/**
 * What a Bootstrap-Server asks of a Client, as CoAP requests and back. OMA TS Core §6.1, Transport §6.4.2.
 *
 * | operation          | request                                              |
 * |--------------------|------------------------------------------------------|
 * | Bootstrap-Discover | GET / or /o with Accept 40                           |
 * | Bootstrap-Read     | GET /o, /o/i; 1.1                                    |
 * | Bootstrap-Write    | PUT /o, /o/i, /o/i/r with a Content-Format           |
 * | Bootstrap-Delete   | DELETE /, /o, /o/i                                   |
 * | Bootstrap-Finish   | POST /bs                                             |
 *
 * An alternate path is never part of these.
 */
import { buildOptions, Codes, CONTENT_FORMATS, formatCode, readOption, readOptions } from '@lapwing/coap';
import type { Code, IncomingRequest } from '@lapwing/coap';
import { isMalformed } from '../malformed.ts';
import { formatPath, pathFromUriSegments, uriSegments } from '../path.ts';
import type { ObjectInstancePath, ObjectPath, ResourcePath, RootPath } from '../path.ts';
import { BOOTSTRAP_PATH } from './bootstrap-request.ts';
import type { OperationRefusal } from './operation.ts';
import type { EncodedOperation } from './operation-codec.ts';

export interface BootstrapDiscoverOperation {
  readonly kind: 'bootstrapDiscover';
  readonly path: RootPath | ObjectPath;
}
/** 1.1. A Client answers it for Server (1) and Access Control (2) only. */
export interface BootstrapReadOperation {
  readonly kind: 'bootstrapRead';
  readonly path: ObjectPath | ObjectInstancePath;
  /** Content-Format number wanted; absent: the Client chooses. */
  readonly accept?: number | undefined;
}
export interface BootstrapWriteOperation {
  readonly kind: 'bootstrapWrite';
  /** Of an Object: the payload names its Object Instances. */
  readonly path: ObjectPath | ObjectInstancePath | ResourcePath;
  readonly contentFormat: number;
  readonly payload: Uint8Array;
}
export interface BootstrapDeleteOperation {
  readonly kind: 'bootstrapDelete';
  /** The root: everything but the account of the Bootstrap-Server and Device. */
  readonly path: RootPath | ObjectPath | ObjectInstancePath;
}
export interface BootstrapFinishOperation {
  readonly kind: 'bootstrapFinish';
}
export type BootstrapOperation =
  | BootstrapDiscoverOperation
  | BootstrapReadOperation
  | BootstrapWriteOperation
  | BootstrapDeleteOperation
  | BootstrapFinishOperation;

const EMPTY: Uint8Array = new Uint8Array(0);

export function encodeBootstrapOperation(operation: BootstrapOperation): EncodedOperation {
  switch (operation.kind) {
    case 'bootstrapDiscover': {
      const options = buildOptions({ uriPath: uriSegments(operation.path), accept: CONTENT_FORMATS.linkFormat.number });
      return { code: Codes.get, options, payload: EMPTY };
    }
    case 'bootstrapRead': {
      const options = buildOptions({ uriPath: uriSegments(operation.path), accept: operation.accept });
      return { code: Codes.get, options, payload: EMPTY };
    }
    case 'bootstrapWrite': {
      const { path, contentFormat, payload } = operation;
      return { code: Codes.put, options: buildOptions({ uriPath: uriSegments(path), contentFormat }), payload };
    }
    case 'bootstrapDelete':
      return { code: Codes.delete, options: buildOptions({ uriPath: uriSegments(operation.path) }), payload: EMPTY };
    case 'bootstrapFinish':
      return { code: Codes.post, options: buildOptions({ uriPath: BOOTSTRAP_PATH }), payload: EMPTY };
  }
}

type RequestParts = Pick<IncomingRequest, 'code' | 'options' | 'payload'>;

/**
 * The operation a request of a Bootstrap-Server asks for, or the code to refuse it with. Whether the path exists and may
 * be read is for the caller to find out.
 */
export function decodeBootstrapOperation({
  code,
  options,
  payload,
}: RequestParts): BootstrapOperation | OperationRefusal {
  const segments = readOptions(options, 'uriPath');
  if (segments.length === 1 && segments[0] === BOOTSTRAP_PATH[0]) {
    return code === Codes.post ? { kind: 'bootstrapFinish' } : notAllowed(code, '/bs');
  }
  const path = pathFromUriSegments(segments);
  if (isMalformed(path)) return refusal(Codes.notFound, path.malformed);
  switch (code) {
    case Codes.get: {
      const accept = readOption(options, 'accept');
      if (accept === CONTENT_FORMATS.linkFormat.number && (path.kind === 'root' || path.kind === 'object')) {
        return { kind: 'bootstrapDiscover', path };
      }
      if (accept !== CONTENT_FORMATS.linkFormat.number && (path.kind === 'object' || path.kind === 'objectInstance')) {
        return { kind: 'bootstrapRead', path, accept };
      }
      break;
    }
    case Codes.put: {
      if (path.kind !== 'object' && path.kind !== 'objectInstance' && path.kind !== 'resource') break;
      const contentFormat = readOption(options, 'contentFormat');
      if (contentFormat === undefined) {
        return refusal(Codes.unsupportedContentFormat, 'a Bootstrap-Write needs a Content-Format');
      }
      return { kind: 'bootstrapWrite', path, contentFormat, payload };
    }
    case Codes.delete:
      if (path.kind === 'root' || path.kind === 'object' || path.kind === 'objectInstance') {
        return { kind: 'bootstrapDelete', path };
      }
  }
  return notAllowed(code, formatPath(path));
}

const refusal = (code: Code, reason: string): OperationRefusal => ({ kind: 'refusal', code, reason });
const METHODS: ReadonlyMap<Code, string> = new Map([
  [Codes.get, 'GET'],
  [Codes.put, 'PUT'],
  [Codes.post, 'POST'],
  [Codes.delete, 'DELETE'],
]);
const notAllowed = (code: Code, path: string): OperationRefusal =>
  refusal(Codes.methodNotAllowed, `${METHODS.get(code) ?? formatCode(code)} on ${path} is no bootstrap operation`);
