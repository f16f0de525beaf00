/**
 * application/cbor (Content-Format 60): one value of a Resource or Resource Instance. OMA TS Core 1.2 §7.5.3, Appendix C.
 * Without a definition the wire decides the type; see wire-value.ts.
 */
import { malformed } from '../malformed.ts';
import { formatPath } from '../path.ts';
import type { Value } from '../value.ts';
import { CborReader } from './cbor/cbor-reader.ts';
import { CborWriter } from './cbor/cbor-writer.ts';
import { formatObjectLink } from './decimal-text.ts';
import type { DecodeEntries, EncodeEntries } from './format.ts';
import { maxDepthOf, tooLong } from './limits.ts';
import { ResourceTypes } from './resource-types.ts';
import { singleValueEntry, valuePath } from './single-value.ts';
import { misfit, typedValue } from './wire-value.ts';

export const decodeCbor: DecodeEntries = (payload, context) => {
  const refused = tooLong(payload, context);
  if (refused !== undefined) return refused;
  const path = valuePath(context.path, 'CBOR');
  if ('malformed' in path) return path;
  const reader = new CborReader(payload, maxDepthOf(context));
  const wire = reader.scalar();
  const kind = reader.kind;
  if (!reader.ended) reader.fail('more than one item');
  if (reader.failure !== undefined) return malformed(`${formatPath(path)}: ${reader.failure}`);
  const value = typedValue(path, new ResourceTypes(context).type(path.objectId, path.resourceId), kind, wire);
  return 'malformed' in value ? value : [{ kind: 'value', path, value }];
};

export const encodeCbor: EncodeEntries = (entries, context) => {
  const value = singleValueEntry(entries, context.path, 'CBOR');
  if ('malformed' in value) return value;
  const wrong = misfit(context.path, value);
  if (wrong !== undefined) return wrong;
  const writer = new CborWriter();
  writeCborValue(writer, value);
  return writer.finish();
};

/** One value as CBOR and LwM2M CBOR have it: floats stay floats, Time is an untagged integer, Objlnk is text. */
export function writeCborValue(writer: CborWriter, value: Value): void {
  switch (value.type) {
    case 'string':
    case 'corelnk':
      return writer.text(value.value);
    case 'integer':
    case 'unsigned':
    case 'time':
      return writer.integer(value.value);
    case 'float':
      return writer.float(value.value);
    case 'boolean':
      return writer.boolean(value.value);
    case 'opaque':
      return writer.bytes(value.value);
    case 'objlnk':
      return writer.text(formatObjectLink(value.value));
    case 'none':
      return writer.null();
  }
}
