/** Entries and paths to SenML CBOR (Content-Format 112) and SenML-ETCH CBOR (322). RFC 8428 §6, RFC 8790 §3. */
import type { Malformed } from '../../malformed.ts';
import type { NodeEntry } from '../../node.ts';
import type { Value } from '../../value.ts';
import { CborWriter } from '../cbor/cbor-writer.ts';
import { formatObjectLink } from '../decimal-text.ts';
import type { EncodeContext, EncodeEntries, EncodePaths } from '../format.ts';
import { SenmlLayout, cannotRecord, fullName, recordedEntries } from './senml-layout.ts';
import { SENML_LABELS } from './senml-record.ts';
import type { SenmlPackKind } from './senml-record.ts';

export const encodeSenmlCbor: EncodeEntries = (entries, context) => encodePack(entries, context, 'values');
export const encodeSenmlEtchCbor: EncodeEntries = (entries, context) => encodePack(entries, context, 'patch');

export const encodeSenmlCborPaths: EncodePaths = (paths, context) => {
  const writer = new CborWriter();
  writer.array(paths.length);
  for (const path of paths) {
    writer.map(1);
    writer.integer(SENML_LABELS.n);
    writer.text(fullName(path, context));
  }
  return writer.finish();
};

function encodePack(
  entries: readonly NodeEntry[],
  context: EncodeContext,
  kind: SenmlPackKind,
): Uint8Array | Malformed {
  const recorded = recordedEntries(entries, context);
  const layout = new SenmlLayout(recorded, context);
  const writer = new CborWriter();
  writer.array(recorded.length);
  let baseName = layout.baseName;
  for (const entry of recorded) {
    const refused = cannotRecord(entry, kind);
    if (refused !== undefined) return refused;
    layout.timeOf(entry.kind === 'value' ? entry.timestamp : undefined);
    const name = layout.nameOf(entry.path);
    const { newBaseTime, time } = layout;
    writer.map(
      (baseName === '' ? 0 : 1) +
        (newBaseTime === undefined ? 0 : 1) +
        (name === '' ? 0 : 1) +
        (time === undefined ? 0 : 1) +
        (entry.kind === 'empty' ? 0 : 1),
    );
    if (baseName !== '') {
      writer.integer(SENML_LABELS.bn);
      writer.text(baseName);
      baseName = '';
    }
    if (newBaseTime !== undefined) {
      writer.integer(SENML_LABELS.bt);
      writer.number(newBaseTime);
    }
    if (name !== '') {
      writer.integer(SENML_LABELS.n);
      writer.text(name);
    }
    if (time !== undefined) {
      writer.integer(SENML_LABELS.t);
      writer.number(time);
    }
    if (entry.kind === 'value') writeValue(writer, entry.value);
    else if (entry.kind === 'remove') {
      writer.integer(SENML_LABELS.v);
      writer.null();
    }
  }
  return writer.finish();
}

function writeValue(writer: CborWriter, value: Value): void {
  switch (value.type) {
    case 'string':
    case 'corelnk':
      writer.integer(SENML_LABELS.vs);
      writer.text(value.value);
      break;
    case 'integer':
    case 'unsigned':
    case 'time':
      writer.integer(SENML_LABELS.v);
      writer.integer(value.value);
      break;
    case 'float':
      writer.integer(SENML_LABELS.v);
      writer.float(value.value);
      break;
    case 'boolean':
      writer.integer(SENML_LABELS.vb);
      writer.boolean(value.value);
      break;
    case 'opaque':
      writer.integer(SENML_LABELS.vd);
      writer.bytes(value.value);
      break;
    case 'objlnk':
      writer.text(SENML_LABELS.vlo);
      writer.text(formatObjectLink(value.value));
      break;
    case 'none':
      break;
  }
}
