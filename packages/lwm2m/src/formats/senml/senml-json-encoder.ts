/** Entries and paths to SenML JSON (Content-Format 110) and SenML-ETCH JSON (320). RFC 8428 §5, RFC 8790 §3. */
import type { Malformed } from '../../malformed.ts';
import type { NodeEntry } from '../../node.ts';
import type { Value } from '../../value.ts';
import { encodeBase64Url } from '../base64.ts';
import { formatObjectLink } from '../decimal-text.ts';
import type { EncodeContext, EncodeEntries, EncodePaths } from '../format.ts';
import { formatJsonNumber } from '../json/json-number.ts';
import { encodeUtf8 } from '../utf8.ts';
import { cannotWrite } from '../wire-value.ts';
import { SenmlLayout, cannotRecord, fullName, recordedEntries } from './senml-layout.ts';
import type { SenmlPackKind } from './senml-record.ts';

export const encodeSenmlJson: EncodeEntries = (entries, context) => encodePack(entries, context, 'values');
export const encodeSenmlEtchJson: EncodeEntries = (entries, context) => encodePack(entries, context, 'patch');

export const encodeSenmlJsonPaths: EncodePaths = (paths, context) =>
  encodeUtf8(JSON.stringify(paths.map((path) => ({ n: fullName(path, context) }))));

function encodePack(
  entries: readonly NodeEntry[],
  context: EncodeContext,
  kind: SenmlPackKind,
): Uint8Array | Malformed {
  const recorded = recordedEntries(entries, context);
  const layout = new SenmlLayout(recorded, context);
  let baseName = layout.baseName;
  let text = '';
  for (const entry of recorded) {
    const refused = cannotRecord(entry, kind);
    if (refused !== undefined) return refused;
    layout.timeOf(entry.kind === 'value' ? entry.timestamp : undefined);
    const name = layout.nameOf(entry.path);
    let fields = '';
    if (baseName !== '') fields += `,"bn":${JSON.stringify(baseName)}`;
    if (layout.newBaseTime !== undefined) fields += `,"bt":${formatJsonNumber(layout.newBaseTime)}`;
    if (name !== '') fields += `,"n":${JSON.stringify(name)}`;
    if (layout.time !== undefined) fields += `,"t":${formatJsonNumber(layout.time)}`;
    if (entry.kind === 'value') {
      const field = valueField(entry.value);
      if (field === undefined) return cannotWrite(entry.path, entry.value, 'JSON');
      fields += field;
    } else if (entry.kind === 'remove') fields += ',"v":null';
    text += `${text === '' ? '' : ','}{${fields.slice(1)}}`;
    baseName = '';
  }
  return encodeUtf8(`[${text}]`);
}

function valueField(value: Value): string | undefined {
  switch (value.type) {
    case 'string':
    case 'corelnk':
      return `,"vs":${JSON.stringify(value.value)}`;
    case 'integer':
    case 'unsigned':
    case 'time':
    case 'float': {
      const number = formatJsonNumber(value.value);
      return number === undefined ? undefined : `,"v":${number}`;
    }
    case 'boolean':
      return `,"vb":${value.value}`;
    case 'opaque':
      return `,"vd":"${encodeBase64Url(value.value)}"`;
    case 'objlnk':
      return `,"vlo":"${formatObjectLink(value.value)}"`;
    case 'none':
      return '';
  }
}
