/** SenML JSON (Content-Format 110) and SenML-ETCH JSON (320) to entries or paths. RFC 8428 §5, RFC 8790 §3. */
import { malformed } from '../../malformed.ts';
import type { Malformed } from '../../malformed.ts';
import type { NodeEntry } from '../../node.ts';
import { decodeBase64 } from '../base64.ts';
import type { DecodeContext, DecodeEntries, DecodePaths } from '../format.ts';
import { JsonReader } from '../json/json-reader.ts';
import { maxDepthOf, tooLong } from '../limits.ts';
import { decodeUtf8 } from '../utf8.ts';
import { SenmlPathList } from './senml-path-list.ts';
import { SENML_LABELS, SenmlPack, SenmlRecord } from './senml-record.ts';
import type { SenmlField, SenmlPackKind } from './senml-record.ts';

export const decodeSenmlJson: DecodeEntries = (payload, context) => decodePack(payload, context, 'values');
export const decodeSenmlEtchJson: DecodeEntries = (payload, context) => decodePack(payload, context, 'patch');

function decodePack(
  payload: Uint8Array,
  context: DecodeContext,
  kind: SenmlPackKind,
): readonly NodeEntry[] | Malformed {
  const pack = new SenmlPack(context, kind);
  return readRecords(payload, context, pack) ?? pack.entries;
}

export const decodeSenmlJsonPaths: DecodePaths = (payload, context) => {
  const list = new SenmlPathList(context);
  return readRecords(payload, context, list) ?? list.paths;
};

function readRecords(
  payload: Uint8Array,
  context: DecodeContext,
  into: { add(record: SenmlRecord): Malformed | undefined },
): Malformed | undefined {
  const refused = tooLong(payload, context);
  if (refused !== undefined) return refused;
  const text = decodeUtf8(payload, 0, payload.length);
  if (text === undefined) return malformed('SenML JSON: no valid UTF-8');
  const reader = new JsonReader(text, maxDepthOf(context));
  const record = new SenmlRecord();
  for (let more = reader.array(); more; more = reader.nextItem()) {
    record.clear();
    readRecord(reader, record);
    if (reader.failure !== undefined) break;
    const wrong = into.add(record);
    if (wrong !== undefined) return wrong;
  }
  if (!reader.ended) reader.fail('more than one value');
  return reader.failure === undefined ? undefined : malformed(`SenML JSON: ${reader.failure}`);
}

/** Each field's bit, to notice one that stands twice. */
const FIELD_BITS: ReadonlyMap<string, number> = new Map(
  Object.keys(SENML_LABELS).map((field, index) => [field, 1 << index]),
);

function readRecord(reader: JsonReader, record: SenmlRecord): void {
  let seen = 0;
  for (let key = reader.object(); key !== undefined; key = reader.nextKey()) {
    const bit = FIELD_BITS.get(key);
    if (bit === undefined) {
      if (key.endsWith('_')) reader.fail(`the field ${JSON.stringify(key)}, which must be understood and is not,`);
      else reader.skip(2);
      continue;
    }
    if ((seen & bit) !== 0) reader.fail(`the field ${key} twice`);
    seen |= bit;
    readField(reader, record, key as SenmlField);
  }
}

function readField(reader: JsonReader, record: SenmlRecord, field: SenmlField): void {
  switch (field) {
    case 'n':
      record.name = reader.text();
      break;
    case 'bn':
      record.baseName = reader.text();
      break;
    case 't':
      record.time = reader.number();
      break;
    case 'bt':
      record.baseTime = reader.number();
      break;
    case 'bv':
      record.baseValue = reader.scalar();
      break;
    case 'bver':
      record.version = reader.scalar();
      break;
    case 'v':
    case 'vs':
    case 'vb':
    case 'vd':
    case 'vlo':
      readValue(reader, record, field);
      break;
    default:
      reader.skip(2);
  }
}

function readValue(reader: JsonReader, record: SenmlRecord, field: 'v' | 'vs' | 'vb' | 'vd' | 'vlo'): void {
  if (record.field !== undefined) {
    reader.fail(`two values, ${record.field} and ${field}, in one record`);
    return;
  }
  record.field = field;
  const value = reader.scalar();
  const { kind } = reader;
  record.kind = kind;
  record.value = value;
  switch (field) {
    case 'v':
      if (kind !== 'integer' && kind !== 'float' && kind !== 'null') reader.fail('v that is no number');
      break;
    case 'vb':
      if (kind !== 'boolean') reader.fail('vb that is no boolean');
      break;
    case 'vs':
      if (kind !== 'text') reader.fail('vs that is no string');
      break;
    case 'vlo':
      record.kind = 'link';
      if (kind !== 'text') reader.fail('vlo that is no string');
      break;
    case 'vd': {
      const bytes = typeof value === 'string' ? decodeBase64(value) : undefined;
      record.kind = 'bytes';
      record.value = bytes ?? null;
      if (bytes === undefined) reader.fail('vd that is no base64');
      break;
    }
  }
}
