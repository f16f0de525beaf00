/** SenML CBOR (Content-Format 112) and SenML-ETCH CBOR (322) to entries or paths. RFC 8428 §6, RFC 8790 §3. */
import { malformed } from '../../malformed.ts';
import type { Malformed } from '../../malformed.ts';
import type { NodeEntry } from '../../node.ts';
import { CborMajor, CborReader } from '../cbor/cbor-reader.ts';
import type { DecodeContext, DecodeEntries, DecodePaths } from '../format.ts';
import { maxDepthOf, tooLong } from '../limits.ts';
import type { WireKind } from '../wire-value.ts';
import { SenmlPathList } from './senml-path-list.ts';
import { SENML_LABELS, SenmlPack, SenmlRecord } from './senml-record.ts';
import type { SenmlField, SenmlPackKind } from './senml-record.ts';

export const decodeSenmlCbor: DecodeEntries = (payload, context) => decodePack(payload, context, 'values');
export const decodeSenmlEtchCbor: DecodeEntries = (payload, context) => decodePack(payload, context, 'patch');

function decodePack(
  payload: Uint8Array,
  context: DecodeContext,
  kind: SenmlPackKind,
): readonly NodeEntry[] | Malformed {
  const pack = new SenmlPack(context, kind);
  return readRecords(payload, context, pack) ?? pack.entries;
}

export const decodeSenmlCborPaths: DecodePaths = (payload, context) => {
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
  const reader = new CborReader(payload, maxDepthOf(context));
  const record = new SenmlRecord();
  for (let left = reader.array(); reader.more(left); left--) {
    record.clear();
    readRecord(reader, record);
    if (reader.failure !== undefined) break;
    const wrong = into.add(record);
    if (wrong !== undefined) return wrong;
  }
  if (!reader.ended) reader.fail('more than one item');
  return reader.failure === undefined ? undefined : malformed(`SenML CBOR: ${reader.failure}`);
}

/** Labels run from -6 to 8. */
const LOWEST_LABEL: number = SENML_LABELS.bs;
const FIELD_BY_LABEL: readonly (SenmlField | undefined)[] = fieldsByLabel();

function fieldsByLabel(): readonly (SenmlField | undefined)[] {
  const fields: (SenmlField | undefined)[] = [];
  for (const [field, label] of Object.entries(SENML_LABELS)) {
    if (typeof label === 'number') fields[label - LOWEST_LABEL] = field as SenmlField;
  }
  return fields;
}

function readRecord(reader: CborReader, record: SenmlRecord): void {
  let seen = 0;
  for (let left = reader.map(); reader.more(left); left--) {
    const label = reader.label();
    if (typeof label === 'string' && label !== SENML_LABELS.vlo) {
      if (label.endsWith('_')) reader.fail(`the field ${JSON.stringify(label)}, which must be understood and is not,`);
      else reader.skip(2);
      continue;
    }
    const field = label === SENML_LABELS.vlo ? 'vlo' : FIELD_BY_LABEL[label - LOWEST_LABEL];
    if (field === undefined) {
      reader.skip(2);
      continue;
    }
    const bit = field === 'vlo' ? 1 << 20 : 1 << ((label as number) - LOWEST_LABEL);
    if ((seen & bit) !== 0) reader.fail(`the field ${field} twice`);
    seen |= bit;
    readField(reader, record, field);
  }
}

function readField(reader: CborReader, record: SenmlRecord, field: SenmlField): void {
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
      record.version = reader.peekMajor() === CborMajor.unsigned ? reader.scalar() : null;
      if (record.version === null) reader.fail('a version that is no unsigned integer');
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

function readValue(reader: CborReader, record: SenmlRecord, field: 'v' | 'vs' | 'vb' | 'vd' | 'vlo'): void {
  if (record.field !== undefined) {
    reader.fail(`two values, ${record.field} and ${field}, in one record`);
    return;
  }
  record.field = field;
  record.value = reader.scalar();
  record.kind = field === 'vlo' && reader.kind === 'text' ? 'link' : reader.kind;
  if (!ALLOWED_KINDS[field].includes(record.kind)) reader.fail(`${field} with ${KIND_NAMES[record.kind]}`);
}

/** What each value field may hold. A Time may be a text in `v`: CBOR tag 0. */
const ALLOWED_KINDS: Readonly<Record<'v' | 'vs' | 'vb' | 'vd' | 'vlo', readonly WireKind[]>> = {
  v: ['integer', 'float', 'time', 'text', 'null'],
  vs: ['text'],
  vb: ['boolean'],
  vd: ['bytes'],
  vlo: ['link'],
};

const KIND_NAMES: Readonly<Record<WireKind, string>> = {
  integer: 'an integer',
  float: 'a float',
  time: 'a time',
  text: 'a text',
  link: 'a text',
  bytes: 'bytes',
  boolean: 'a boolean',
  null: 'null',
};
