/**
 * What a device's answer carries: payloads by the Content-Format of the answer, typed by the Object definitions in the
 * versions the client announced. OMA TS Core §7.4.
 */
import { CONTENT_FORMATS, readOption, readOptions, type IncomingResponse } from '@lapwing/coap';
import {
  decodePayload,
  formatPath,
  isMalformed,
  isWithin,
  nodeAt,
  objectInstancePath,
  parseDiscover,
  parseId,
  ROOT,
  type DecodeContext,
  type DefinitionLookup,
  type ObjectInstancePath,
  type Path,
} from '@lapwing/lwm2m';
import type { CompositeResult, DiscoveredNode, ReadResult } from './api.ts';
import type { RegistrationRecord } from './registration-record.ts';
import { badResponse } from './requests.ts';

export interface ResponseDecoding {
  readonly definitions: DefinitionLookup;
}

/**
 * The content of a 2.05 for this path.
 *
 * @throws OperationFailed 'BAD_RESPONSE' when the payload is not what its format says, or is about other paths.
 */
export function readContent(
  record: RegistrationRecord,
  path: Path,
  { options, payload }: IncomingResponse,
  decoding: ResponseDecoding,
): ReadResult {
  const contentFormat = readOption(options, 'contentFormat') ?? unstatedFormat(path, payload, record, decoding);
  const entries = decodePayload(contentFormat, payload, decodeContext(record, path, decoding));
  if (isMalformed(entries)) throw badResponse(record, entries.malformed);
  const stray = entries.find((entry) => !isWithin(entry.path, path));
  if (stray !== undefined)
    throw badResponse(record, `${formatPath(stray.path)} in an answer about ${formatPath(path)}`);
  return { path, entries, node: nodeAt(entries, path), contentFormat };
}

/**
 * The content of a 2.05 for a list of paths.
 *
 * @param listFormat  what the list was written in: an answer that does not state its format is taken to have the same.
 * @throws OperationFailed 'BAD_RESPONSE' as above.
 */
export function readCompositeContent(
  record: RegistrationRecord,
  paths: readonly Path[],
  listFormat: number,
  { options, payload }: IncomingResponse,
  decoding: ResponseDecoding,
): CompositeResult {
  const contentFormat = readOption(options, 'contentFormat') ?? listFormat;
  // "2.05 even if nothing": a client may say so with no bytes at all.
  const entries =
    payload.length === 0 ? [] : decodePayload(contentFormat, payload, decodeContext(record, ROOT, decoding));
  if (isMalformed(entries)) throw badResponse(record, entries.malformed);
  const stray = entries.find((entry) => !paths.some((path) => isWithin(entry.path, path)));
  if (stray !== undefined)
    throw badResponse(record, `${formatPath(stray.path)} in an answer about ${paths.map(formatPath).join(', ')}`);
  return {
    path: ROOT,
    paths,
    entries,
    node: undefined,
    nodes: paths.map((path) => nodeAt(entries, path)),
    contentFormat,
  };
}

/** How payloads of this client are to be read. */
export function decodeContext(
  record: RegistrationRecord,
  path: Path,
  { definitions }: ResponseDecoding,
): DecodeContext {
  const { objectList } = record;
  return {
    path,
    definitions,
    versionOf: objectList.versionOf,
    ...(objectList.alternatePath === '' ? {} : { alternatePath: objectList.alternatePath }),
    now: record.driver.unixTime() / 1000,
  };
}

/** @throws OperationFailed 'BAD_RESPONSE' when the payload is no list of links. */
export function readDiscovery(record: RegistrationRecord, { payload }: IncomingResponse): readonly DiscoveredNode[] {
  const nodes = parseDiscover(payload, record.objectList.alternatePath);
  if (isMalformed(nodes)) throw badResponse(record, nodes.malformed);
  return nodes;
}

/** Where a Create was, as Location-Path says it; undefined when it says nothing, or nothing sensible. OMA TS Core §6.3.6. */
export function readLocation(
  { objectList }: RegistrationRecord,
  objectId: number,
  { options }: Pick<IncomingResponse, 'options'>,
): ObjectInstancePath | undefined {
  const location = readOptions(options, 'locationPath');
  const prefix = objectList.alternatePath.split('/').slice(1);
  const segments = prefix.every((segment, index) => location[index] === segment)
    ? location.slice(prefix.length)
    : location;
  const objectInstanceId = parseId(segments[1] ?? '');
  return parseId(segments[0] ?? '') === objectId && objectInstanceId !== undefined && segments.length === 2
    ? objectInstancePath(objectId, objectInstanceId)
    : undefined;
}

/** Some old clients leave the Content-Format out: one Resource is plain text or bytes, anything more is TLV. */
function unstatedFormat(
  path: Path,
  payload: Uint8Array,
  record: RegistrationRecord,
  { definitions }: ResponseDecoding,
): number {
  if (path.kind !== 'resource' && path.kind !== 'resourceInstance') return CONTENT_FORMATS.tlv.number;
  const version = record.objectList.versionOf(path.objectId);
  const definition = definitions.resource(path.objectId, path.resourceId, version);
  if (definition?.type === 'opaque') return CONTENT_FORMATS.opaque.number;
  return definition?.multiple === true && path.kind === 'resource' && payload.length > 0
    ? CONTENT_FORMATS.tlv.number
    : CONTENT_FORMATS.text.number;
}
