/**
 * Operations as CoAP requests and back. OMA TS Transport §6.4, "Operation to method and URI mapping".
 *
 * | method | path                    | is                                                                          |
 * |--------|-------------------------|-----------------------------------------------------------------------------|
 * | GET    | any node                | Read; Observe or its cancellation with the Observe option; Discover with Accept 40 |
 * | PUT    | /o/i and below          | Write (Replace) with a Content-Format                                       |
 * | PUT    | any node                | Write-Attributes with queries and no Content-Format                         |
 * | POST   | /o                      | Create                                                                      |
 * | POST   | /o/i                    | Write (Partial Update)                                                      |
 * | POST   | /o/i/r                  | Execute without Content-Format or with plain text, else Write (Partial Update) |
 * | DELETE | /o/i, /o/i/r/ri         | Delete                                                                      |
 * | FETCH  | /                       | Read-Composite; Observe-Composite or its cancellation with the Observe option |
 * | iPATCH | /                       | Write-Composite                                                             |
 */
import {
  buildOptions,
  Codes,
  CONTENT_FORMATS,
  decodeUtf8,
  encodeUtf8,
  formatCode,
  readOption,
  readOptions,
} from '@lapwing/coap';
import type { Code, IncomingRequest, OutgoingRequest } from '@lapwing/coap';
import { formatAttributeQueries, NOTIFICATION_ATTRIBUTES, parseAttributeQueries } from '../attributes.ts';
import type { AttributeChanges, NotificationAttributeName, NotificationAttributes } from '../attributes.ts';
import { isMalformed } from '../malformed.ts';
import type { Malformed } from '../malformed.ts';
import { formatPath, pathFromUriSegments, uriSegments } from '../path.ts';
import type { Path } from '../path.ts';
import { pathSegments } from './alternate-path.ts';
import type { DiscoverOperation, Operation, OperationRefusal } from './operation.ts';

/** Ready to be spread into an OutgoingRequest. A cancellation still needs its `cancelObservation` exchange. */
export type EncodedOperation = Pick<OutgoingRequest, 'code' | 'options' | 'payload' | 'observe'>;

const EMPTY: Uint8Array = new Uint8Array(0);

/** @param alternatePath  the Client's, "" or "/lwm2m": it goes before every path. */
export function encodeOperation(operation: Operation, alternatePath = ''): EncodedOperation {
  const uriPath = [...pathSegments(alternatePath), ...('path' in operation ? uriSegments(operation.path) : [])];
  switch (operation.kind) {
    case 'read':
      return { code: Codes.get, options: buildOptions({ uriPath, accept: operation.accept }), payload: EMPTY };
    case 'observe':
    case 'cancelObserve': {
      const { accept, attributes } = operation;
      const options = buildOptions({ uriPath, uriQuery: queriesOf(attributes), accept });
      return { code: Codes.get, options, payload: EMPTY, ...(operation.kind === 'observe' && { observe: true }) };
    }
    case 'discover': {
      const uriQuery = operation.depth === undefined ? [] : [`depth=${operation.depth}`];
      const options = buildOptions({ uriPath, uriQuery, accept: CONTENT_FORMATS.linkFormat.number });
      return { code: Codes.get, options, payload: EMPTY };
    }
    case 'write':
    case 'create': {
      const { contentFormat, payload } = operation;
      const code = operation.kind === 'write' && operation.mode === 'replace' ? Codes.put : Codes.post;
      return { code, options: buildOptions({ uriPath, contentFormat }), payload };
    }
    case 'writeAttributes':
      return {
        code: Codes.put,
        options: buildOptions({ uriPath, uriQuery: queriesOf(operation.attributes) }),
        payload: EMPTY,
      };
    case 'execute': {
      const contentFormat = operation.args === '' ? undefined : CONTENT_FORMATS.text.number;
      const options = buildOptions({ uriPath, contentFormat });
      return { code: Codes.post, options, payload: encodeUtf8(operation.args) };
    }
    case 'delete':
      return { code: Codes.delete, options: buildOptions({ uriPath }), payload: EMPTY };
    case 'readComposite': {
      const { contentFormat, accept, payload } = operation;
      return { code: Codes.fetch, options: buildOptions({ uriPath, contentFormat, accept }), payload };
    }
    case 'observeComposite':
    case 'cancelObserveComposite': {
      const { contentFormat, accept, attributes, payload } = operation;
      const options = buildOptions({ uriPath, contentFormat, uriQuery: queriesOf(attributes), accept });
      return { code: Codes.fetch, options, payload, ...(operation.kind === 'observeComposite' && { observe: true }) };
    }
    case 'writeComposite': {
      const { contentFormat, payload } = operation;
      return { code: Codes.ipatch, options: buildOptions({ uriPath, contentFormat }), payload };
    }
  }
}

const queriesOf = (attributes: AttributeChanges | undefined): readonly string[] =>
  attributes === undefined ? [] : formatAttributeQueries(attributes);

type RequestParts = Pick<IncomingRequest, 'code' | 'options' | 'payload' | 'observe'>;

/**
 * The operation a request asks for, or the code to refuse it with. Whether the path exists, may be accessed and fits its
 * definition is for the caller to find out: unknown nodes are 4.04, what they do not allow is 4.05.
 *
 * @param alternatePath  this Client's own, "" or "/lwm2m". Requests without it are understood too.
 */
export function decodeOperation(request: RequestParts, alternatePath = ''): Operation | OperationRefusal {
  const segments = withoutPrefix(readOptions(request.options, 'uriPath'), pathSegments(alternatePath));
  const path = pathFromUriSegments(segments);
  if (isMalformed(path)) return refusal(Codes.notFound, path.malformed);
  switch (request.code) {
    case Codes.get:
      return decodeGet(request, path);
    case Codes.put:
      return decodePut(request, path);
    case Codes.post:
      return decodePost(request, path);
    case Codes.delete:
      return path.kind === 'objectInstance' || path.kind === 'resourceInstance'
        ? { kind: 'delete', path }
        : notAllowed(request.code, path);
    case Codes.fetch:
    case Codes.ipatch:
      return decodeComposite(request, path);
    default:
      return notAllowed(request.code, path);
  }
}

function withoutPrefix(segments: readonly string[], prefix: readonly string[]): readonly string[] {
  const prefixed = prefix.length > 0 && prefix.every((segment, at) => segments[at] === segment);
  return prefixed ? segments.slice(prefix.length) : segments;
}

function decodeGet(request: RequestParts, path: Path): Operation | OperationRefusal {
  const accept = readOption(request.options, 'accept');
  const queries = readOptions(request.options, 'uriQuery');
  if (accept === CONTENT_FORMATS.linkFormat.number) return decodeDiscover(path, queries);
  if (path.kind === 'root') return notAllowed(request.code, path);
  if (request.observe === undefined) return { kind: 'read', path, accept };
  const attributes = parseObserveQueries(queries);
  if (isMalformed(attributes)) return refusal(Codes.badRequest, attributes.malformed);
  return { kind: request.observe === 'register' ? 'observe' : 'cancelObserve', path, accept, attributes };
}

function decodeDiscover(path: Path, queries: readonly string[]): DiscoverOperation | OperationRefusal {
  const text = queries.find((query) => query.startsWith('depth='));
  if (text === undefined) return { kind: 'discover', path, depth: undefined };
  const depth = /^depth=([0-3])$/.exec(text)?.[1];
  if (depth === undefined) return refusal(Codes.badRequest, 'depth goes from 0 to 3');
  return { kind: 'discover', path, depth: Number(depth) as 0 | 1 | 2 | 3 };
}

/** With an Observe there is nothing to unset. */
function parseObserveQueries(queries: readonly string[]): NotificationAttributes | Malformed | undefined {
  if (queries.length === 0) return undefined;
  const changes = parseAttributeQueries(queries);
  if (isMalformed(changes)) return changes;
  const unset = NOTIFICATION_ATTRIBUTES.find((name) => changes[name] === null);
  return unset === undefined ? (changes as NotificationAttributes) : { malformed: `${unset} has no value` };
}

function decodePut(request: RequestParts, path: Path): Operation | OperationRefusal {
  const contentFormat = readOption(request.options, 'contentFormat');
  const queries = readOptions(request.options, 'uriQuery');
  if (path.kind === 'root') return notAllowed(request.code, path);
  if (queries.length > 0) {
    if (contentFormat !== undefined || request.payload.length > 0) {
      return refusal(Codes.badRequest, 'a Write has no queries, and a Write-Attributes has no payload');
    }
    const attributes = parseAttributeQueries(queries);
    return isMalformed(attributes)
      ? refusal(Codes.badRequest, attributes.malformed)
      : { kind: 'writeAttributes', path, attributes };
  }
  if (path.kind === 'object') return notAllowed(request.code, path);
  if (contentFormat === undefined) return withoutFormat('Write');
  return { kind: 'write', mode: 'replace', path, contentFormat, payload: request.payload };
}

function decodePost({ code, options, payload }: RequestParts, path: Path): Operation | OperationRefusal {
  const contentFormat = readOption(options, 'contentFormat');
  switch (path.kind) {
    case 'object':
      return contentFormat === undefined ? withoutFormat('Create') : { kind: 'create', path, contentFormat, payload };
    case 'objectInstance':
      return contentFormat === undefined
        ? withoutFormat('Write')
        : { kind: 'write', mode: 'update', path, contentFormat, payload };
    case 'resource': {
      if (contentFormat !== undefined && !isText(contentFormat)) {
        return { kind: 'write', mode: 'update', path, contentFormat, payload };
      }
      const args = payload.length > 0 ? decodeUtf8(payload) : argumentsInQueries(readOptions(options, 'uriQuery'));
      return args === undefined
        ? refusal(Codes.badRequest, 'the arguments are not UTF-8')
        : { kind: 'execute', path, args };
    }
    default:
      return notAllowed(code, path);
  }
}

/** The specification shows an argument as a query ("?0=U") where it describes /1/x/8; both are taken. */
const argumentsInQueries = (queries: readonly string[]): string =>
  queries.map((query) => query.replace(/^(\d)=([^']*)$/, "$1='$2'")).join();

const isText = (contentFormat: number): boolean =>
  contentFormat === CONTENT_FORMATS.text.number || contentFormat === CONTENT_FORMATS.legacyText.number;

/** What an Observe-Composite may carry. 1.2. */
const COMPOSITE_ATTRIBUTES: readonly NotificationAttributeName[] = ['pmin', 'pmax', 'epmin', 'epmax', 'con'];

function decodeComposite({ code, options, payload, observe }: RequestParts, path: Path): Operation | OperationRefusal {
  if (path.kind !== 'root') return notAllowed(code, path);
  const contentFormat = readOption(options, 'contentFormat');
  if (contentFormat === undefined) return withoutFormat('composite operation');
  if (code === Codes.ipatch) return { kind: 'writeComposite', contentFormat, payload };
  const accept = readOption(options, 'accept');
  if (observe === undefined) return { kind: 'readComposite', contentFormat, payload, accept };
  const attributes = parseObserveQueries(readOptions(options, 'uriQuery'));
  if (isMalformed(attributes)) return refusal(Codes.badRequest, attributes.malformed);
  const foreign = NOTIFICATION_ATTRIBUTES.find(
    (name) => attributes?.[name] !== undefined && !COMPOSITE_ATTRIBUTES.includes(name),
  );
  if (foreign !== undefined) return refusal(Codes.badRequest, `${foreign} is not for an Observe-Composite`);
  const kind = observe === 'register' ? 'observeComposite' : 'cancelObserveComposite';
  return { kind, contentFormat, payload, accept, attributes };
}

const refusal = (code: Code, reason: string): OperationRefusal => ({ kind: 'refusal', code, reason });
const withoutFormat = (operation: string): OperationRefusal =>
  refusal(Codes.unsupportedContentFormat, `a ${operation} needs a Content-Format`);
const METHODS: ReadonlyMap<Code, string> = new Map([
  [Codes.get, 'GET'],
  [Codes.put, 'PUT'],
  [Codes.post, 'POST'],
  [Codes.delete, 'DELETE'],
  [Codes.fetch, 'FETCH'],
  [Codes.patch, 'PATCH'],
  [Codes.ipatch, 'iPATCH'],
]);
const notAllowed = (code: Code, path: Path): OperationRefusal =>
  refusal(Codes.methodNotAllowed, `${METHODS.get(code) ?? formatCode(code)} on ${formatPath(path)} is no operation`);
