/**
 * application/octet-stream (Content-Format 42): the bytes of one Opaque Resource or Resource Instance. OMA TS Core 1.2
 * §7.5.2. Without a definition any Resource may be Opaque.
 */
import { malformed } from '../malformed.ts';
import { formatPath } from '../path.ts';
import type { DecodeEntries, EncodeEntries } from './format.ts';
import { tooLong } from './limits.ts';
import { ResourceTypes } from './resource-types.ts';
import { singleValueEntry, valuePath } from './single-value.ts';
import { TYPE_NAMES, wrongType } from './wire-value.ts';

export const decodeOpaque: DecodeEntries = (payload, context) => {
  const refused = tooLong(payload, context);
  if (refused !== undefined) return refused;
  const path = valuePath(context.path, 'an octet stream');
  if ('malformed' in path) return path;
  const type = new ResourceTypes(context).type(path.objectId, path.resourceId) ?? 'opaque';
  if (type !== 'opaque') return wrongType(path, type, 'bytes', payload);
  return [{ kind: 'value', path, value: { type, value: payload.slice() } }];
};

/** The bytes of the result are the value's own. */
export const encodeOpaque: EncodeEntries = (entries, context) => {
  const value = singleValueEntry(entries, context.path, 'an octet stream');
  if ('malformed' in value) return value;
  if (value.type === 'opaque') return value.value;
  return malformed(`${formatPath(context.path)}: an octet stream carries an Opaque, not ${TYPE_NAMES[value.type]}`);
};
