/**
 * Plain text (Content-Format 0): one value of a Resource or Resource Instance. OMA TS Core 1.2 §7.5.1. Without a
 * definition the text is a String.
 */
import { malformed } from '../malformed.ts';
import type { Malformed } from '../malformed.ts';
import { formatPath } from '../path.ts';
import type { Path } from '../path.ts';
import type { DataType, Value } from '../value.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import {
  formatDecimalFloat,
  formatObjectLink,
  parseDecimalFloat,
  parseDecimalInteger,
  parseObjectLink,
} from './decimal-text.ts';
import type { DecodeEntries, EncodeEntries } from './format.ts';
import { singleValueEntry, valuePath } from './single-value.ts';
import { ResourceTypes } from './resource-types.ts';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';
import { cannotWrite, inRange, misfit, wrongType } from './wire-value.ts';
import { tooLong } from './limits.ts';

export const decodeText: DecodeEntries = (payload, context) => {
  const refused = tooLong(payload, context);
  if (refused !== undefined) return refused;
  const path = valuePath(context.path, 'plain text');
  if ('malformed' in path) return path;
  const text = decodeUtf8(payload, 0, payload.length);
  if (text === undefined) return malformed(`${formatPath(path)}: the text is no valid UTF-8`);
  const value = parseTextValue(path, new ResourceTypes(context).type(path.objectId, path.resourceId) ?? 'string', text);
  return 'malformed' in value ? value : [{ kind: 'value', path, value }];
};

export const encodeText: EncodeEntries = (entries, context) => {
  const value = singleValueEntry(entries, context.path, 'plain text');
  if ('malformed' in value) return value;
  const wrong = misfit(context.path, value);
  if (wrong !== undefined) return wrong;
  const text = formatTextValue(value);
  if (typeof text === 'string') return encodeUtf8(text);
  return cannotWrite(context.path, value, 'plain text');
};

/** A value as plain text writes it. */
export function parseTextValue(path: Path, type: DataType, text: string): Value | Malformed {
  switch (type) {
    case 'string':
    case 'corelnk':
      return { type, value: text };
    case 'integer':
    case 'unsigned':
    case 'time': {
      const value = parseDecimalInteger(text);
      if (value !== undefined && inRange(type, value)) return { type, value };
      break;
    }
    case 'float': {
      const value = parseDecimalFloat(text);
      if (value !== undefined) return { type, value };
      break;
    }
    case 'boolean':
      if (text === '0' || text === '1') return { type, value: text === '1' };
      break;
    case 'opaque': {
      const value = decodeBase64(text);
      if (value !== undefined) return { type, value };
      break;
    }
    case 'objlnk': {
      const value = parseObjectLink(text);
      if (value !== undefined) return { type, value };
      break;
    }
    case 'none':
      if (text === '') return { type, value: null };
      break;
  }
  return wrongType(path, type, 'text', text);
}

/** Undefined for a float that is not finite, which decimal digits cannot say. */
export function formatTextValue(value: Value): string | undefined {
  switch (value.type) {
    case 'string':
    case 'corelnk':
      return value.value;
    case 'integer':
    case 'unsigned':
    case 'time':
      return value.value.toString();
    case 'float':
      return Number.isFinite(value.value) ? formatDecimalFloat(value.value) : undefined;
    case 'boolean':
      return value.value ? '1' : '0';
    case 'opaque':
      return encodeBase64(value.value);
    case 'objlnk':
      return formatObjectLink(value.value);
    case 'none':
      return '';
  }
}
