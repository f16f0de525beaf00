/**
 * In which formats to write to a client, best first. OMA TS Core §7.4 and §7.5 leave it open; real clients decide:
 * what it announced with `ct` comes first, TLV is what every 1.0 and 1.1 client and most 1.2 clients read, a single
 * value as plain text or bytes is mandatory from 1.1 on. The second format is tried once when the first is refused.
 */
import { Codes, CONTENT_FORMATS, UsageError, type Code } from '@lapwing/coap';
import {
  encodePathList,
  encodePayload,
  isMalformed,
  ROOT,
  type DefinitionLookup,
  type EncodeContext,
  type Malformed,
  type NodeEntry,
  type Path,
} from '@lapwing/lwm2m';
import type { EncodedContent } from './device-requests.ts';
import type { RegistrationRecord } from './registration-record.ts';

const { text, opaque, tlv, senmlCbor, senmlJson, senmlEtchCbor, senmlEtchJson, lwm2mCbor, lwm2mJson } = CONTENT_FORMATS;

/** What we rather write, among what a client announced. */
const ANNOUNCED_ORDER = [senmlCbor.number, tlv.number, senmlJson.number, lwm2mCbor.number, lwm2mJson.number];

const BY_VERSION = {
  '1.0': [tlv.number, lwm2mJson.number],
  '1.1': [tlv.number, senmlCbor.number, senmlJson.number],
  '1.2': [senmlCbor.number, tlv.number, senmlJson.number, lwm2mCbor.number],
} as const;

/**
 * The content in the formats to try, one or two of them.
 *
 * @param format  the caller's choice: then it is the only one.
 * @throws UsageError when no format can carry the content.
 */
export function encodeContent(
  record: RegistrationRecord,
  path: Path,
  entries: readonly NodeEntry[],
  format: number | undefined,
  definitions: DefinitionLookup,
): readonly EncodedContent[] {
  const context = encodeContext(record, path, definitions);
  const formats = format === undefined ? candidates(record, path, entries) : [format];
  return encodeInFormats(formats, (contentFormat) => encodePayload(contentFormat, entries, context));
}

/** For a Write-Composite. SenML-ETCH and LwM2M CBOR can remove Resource Instances, and are of 1.2. @throws UsageError as above. */
export function encodeComposite(
  record: RegistrationRecord,
  entries: readonly NodeEntry[],
  format: number | undefined,
  definitions: DefinitionLookup,
): readonly EncodedContent[] {
  const context = encodeContext(record, ROOT, definitions);
  const formats = format === undefined ? compositeFormats(record, COMPOSITE_WRITE) : [format];
  return encodeInFormats(formats, (contentFormat) => encodePayload(contentFormat, entries, context));
}

/** The list of a Read-Composite or Observe-Composite. @throws UsageError when it is empty or not possible in this format. */
export function encodeList(
  record: RegistrationRecord,
  paths: readonly Path[],
  format: number | undefined,
  definitions: DefinitionLookup,
): readonly EncodedContent[] {
  if (paths.length === 0) throw new UsageError('a composite needs at least one path');
  const context = encodeContext(record, ROOT, definitions);
  const formats = format === undefined ? compositeFormats(record, COMPOSITE_LIST) : [format];
  return encodeInFormats(formats, (contentFormat) => encodePathList(contentFormat, paths, context));
}

function encodeInFormats(
  formats: Iterable<number>,
  encode: (contentFormat: number) => Uint8Array | Malformed,
): readonly EncodedContent[] {
  const encoded: EncodedContent[] = [];
  let reason = '';
  for (const contentFormat of formats) {
    const payload = encode(contentFormat);
    if (isMalformed(payload)) reason ||= payload.malformed;
    else if (encoded.push({ contentFormat, payload }) === 2) break;
  }
  if (encoded.length === 0) throw new UsageError(`the content cannot be written: ${reason}`);
  return encoded;
}

function encodeContext(
  { objectList, lwm2mVersion }: RegistrationRecord,
  path: Path,
  definitions: DefinitionLookup,
): EncodeContext {
  return {
    path,
    definitions,
    versionOf: objectList.versionOf,
    // Names carry the alternate path since 1.2.1; older clients do not expect it.
    ...(objectList.alternatePath === '' || lwm2mVersion !== '1.2' ? {} : { alternatePath: objectList.alternatePath }),
  };
}

/**
 * Best first. A client of 1.2 reads one of the two forms of SenML-ETCH, one of 1.1 SenML. One of 1.0 has no composites;
 * should it have them after all, it has those of 1.1.
 */
const COMPOSITE_LIST = {
  '1.0': [senmlCbor.number, senmlJson.number],
  '1.1': [senmlCbor.number, senmlJson.number],
  '1.2': [senmlEtchCbor.number, senmlEtchJson.number, senmlCbor.number, senmlJson.number],
} as const;
const COMPOSITE_WRITE = {
  ...COMPOSITE_LIST,
  '1.2': [...COMPOSITE_LIST['1.2'], lwm2mCbor.number],
} as const;

function compositeFormats(
  { lwm2mVersion, contentFormats }: RegistrationRecord,
  byVersion: Readonly<Record<RegistrationRecord['lwm2mVersion'], readonly number[]>>,
): Set<number> {
  const usual = byVersion[lwm2mVersion];
  return new Set([...usual.filter((format) => contentFormats.includes(format)), ...usual]);
}

function candidates(
  { lwm2mVersion, contentFormats }: RegistrationRecord,
  path: Path,
  entries: readonly NodeEntry[],
): Set<number> {
  const announced = ANNOUNCED_ORDER.filter((format) => contentFormats.includes(format));
  const [usual, ...others] = BY_VERSION[lwm2mVersion];
  return new Set([...announced, usual, ...singleValueFormats(path, entries), ...others]);
}

function singleValueFormats(path: Path, entries: readonly NodeEntry[]): readonly number[] {
  const [entry] = entries;
  if (entries.length !== 1 || entry?.kind !== 'value') return [];
  if (path.kind !== 'resource' && path.kind !== 'resourceInstance') return [];
  return [entry.value.type === 'opaque' ? opaque.number : text.number];
}

/** Wakaama answers 4.06 where 4.15 is meant. */
export const isFormatRefusal = (code: Code): boolean =>
  code === Codes.unsupportedContentFormat || code === Codes.notAcceptable;
