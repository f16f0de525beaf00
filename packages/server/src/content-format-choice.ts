/**
 * In which formats to write to a client, best first. OMA TS Core §7.4 and §7.5 leave it open; real clients decide:
 * what it announced with `ct` comes first, TLV is what every 1.0 and 1.1 client and most 1.2 clients read, a single
 * value as plain text or bytes is mandatory from 1.1 on. The second format is tried once when the first is refused.
 */
import { CONTENT_FORMATS, UsageError } from '@lapwing/coap';
import {
  encodePayload,
  isMalformed,
  type DefinitionLookup,
  type EncodeContext,
  type NodeEntry,
  type Path,
} from '@lapwing/lwm2m';
import type { EncodedContent } from './device-requests.ts';
import type { RegistrationRecord } from './registration-record.ts';

const { text, opaque, tlv, senmlCbor, senmlJson, lwm2mCbor, lwm2mJson } = CONTENT_FORMATS;

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
  const { objectList } = record;
  const context: EncodeContext = {
    path,
    definitions,
    versionOf: objectList.versionOf,
    // Names carry the alternate path since 1.2.1; older clients do not expect it.
    ...(objectList.alternatePath === '' || record.lwm2mVersion !== '1.2'
      ? {}
      : { alternatePath: objectList.alternatePath }),
  };
  const encoded: EncodedContent[] = [];
  let reason = '';
  for (const contentFormat of format === undefined ? candidates(record, path, entries) : [format]) {
    const payload = encodePayload(contentFormat, entries, context);
    if (isMalformed(payload)) reason ||= payload.malformed;
    else if (encoded.push({ contentFormat, payload }) === 2) break;
  }
  if (encoded.length === 0) throw new UsageError(`the content cannot be written: ${reason}`);
  return encoded;
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
