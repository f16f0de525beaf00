/**
 * LwM2M JSON (Content-Formats 11543 and 1543) of LwM2M 1.0, OMA TS 1.0 §6.4.4: one object with a base name `bn`, a base
 * time `bt` and the entries `e`, each with a name `n`, a time `t` and a value `v`, `sv`, `bv` or `ov`. An Opaque stands
 * as base64 in `sv`; without a definition it is therefore a String.
 */
import { malformed } from '../malformed.ts';
import type { Malformed } from '../malformed.ts';
import type { NodeEntry } from '../node.ts';
import { formatPath, isWithin, pathDepth } from '../path.ts';
import type { Value } from '../value.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { formatObjectLink } from './decimal-text.ts';
import { holdsOneValue } from './entry-path.ts';
import { entryTime } from './entry-time.ts';
import type { DecodeContext, DecodeEntries, EncodeEntries } from './format.ts';
import { formatJsonNumber } from './json/json-number.ts';
import { JsonReader } from './json/json-reader.ts';
import { maxDepthOf, maxEntriesOf, tooLong, tooManyEntries } from './limits.ts';
import { NodeNames } from './node-name.ts';
import { ResourceTypes } from './resource-types.ts';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';
import { cannotWrite, misfit, typedValue } from './wire-value.ts';
import type { WireKind, WireValue } from './wire-value.ts';

/** What each value field must hold. */
const VALUE_FIELDS: Readonly<Record<string, readonly WireKind[]>> = {
  v: ['integer', 'float'],
  sv: ['text'],
  bv: ['boolean'],
  ov: ['text'],
};

export const decodeLwm2mJson: DecodeEntries = (payload, context) => {
  const refused = tooLong(payload, context);
  if (refused !== undefined) return refused;
  const text = decodeUtf8(payload, 0, payload.length);
  if (text === undefined) return malformed('LwM2M JSON: no valid UTF-8');
  return new Lwm2mJsonDecoding(text, context).entries();
};

/** An entry as read: base name and base time may stand after it. */
interface JsonEntry {
  readonly name: string;
  readonly time: number;
  readonly kind: WireKind;
  readonly value: WireValue;
}

class Lwm2mJsonDecoding {
  readonly #reader: JsonReader;
  readonly #context: DecodeContext;
  readonly #maxEntries: number;
  readonly #read: JsonEntry[] = [];
  #baseName = '';
  #baseTime = 0;

  constructor(text: string, context: DecodeContext) {
    this.#reader = new JsonReader(text, maxDepthOf(context));
    this.#context = context;
    this.#maxEntries = maxEntriesOf(context);
  }

  entries(): readonly NodeEntry[] | Malformed {
    const reader = this.#reader;
    const seen = new Set<string>();
    for (let key = reader.object(); key !== undefined; key = reader.nextKey()) {
      if (key === 'bn' || key === 'bt' || key === 'e') {
        if (seen.has(key)) reader.fail(`the field ${key} twice`);
        seen.add(key);
      }
      if (key === 'bn') this.#baseName = reader.text();
      else if (key === 'bt') this.#baseTime = reader.number();
      else if (key === 'e') this.#readEntries();
      else reader.skip(1);
    }
    if (!seen.has('e')) reader.fail('no entries "e"');
    if (!reader.ended) reader.fail('more than one value');
    return reader.failure === undefined ? this.#resolved() : malformed(`LwM2M JSON: ${reader.failure}`);
  }

  #readEntries(): void {
    const reader = this.#reader;
    for (let more = reader.array(); more; more = reader.nextItem()) {
      if (this.#read.length >= this.#maxEntries) {
        reader.fail(tooManyEntries(this.#maxEntries).malformed);
        return;
      }
      const entry = this.#readEntry();
      if (entry !== undefined) this.#read.push(entry);
    }
  }

  #readEntry(): JsonEntry | undefined {
    const reader = this.#reader;
    let name: string | undefined;
    let time: number | undefined;
    let field: string | undefined;
    let kind: WireKind = 'null';
    let value: WireValue = null;
    for (let key = reader.object(); key !== undefined; key = reader.nextKey()) {
      const allowed = Object.hasOwn(VALUE_FIELDS, key) ? VALUE_FIELDS[key] : undefined;
      if ((key === 'n' && name !== undefined) || (key === 't' && time !== undefined))
        reader.fail(`the field ${key} twice`);
      else if (key === 'n') name = reader.text();
      else if (key === 't') time = reader.number();
      else if (allowed === undefined) reader.skip(3);
      else if (field !== undefined) reader.fail(`two values, ${field} and ${key}, in one entry`);
      else {
        field = key;
        value = reader.scalar();
        kind = field === 'ov' ? 'link' : reader.kind;
        if (!allowed.includes(reader.kind)) reader.fail(`${key} of the wrong kind`);
      }
    }
    if (reader.failure !== undefined) return undefined;
    if (field === undefined) reader.fail(`an entry without a value, named ${JSON.stringify(name ?? '')},`);
    return { name: name ?? '', time: time ?? 0, kind, value };
  }

  #resolved(): readonly NodeEntry[] | Malformed {
    const context = this.#context;
    const names = new NodeNames(context);
    const types = new ResourceTypes(context);
    const entries: NodeEntry[] = [];
    const seen = new Set<string>();
    for (const { name, time, kind, value: wire } of this.#read) {
      const path = names.path(this.#baseName + name);
      if ('malformed' in path) return path;
      if (!holdsOneValue(path)) return malformed(`${formatPath(path)}: a value where there is no Resource`);
      const type = types.type(path.objectId, path.resourceId);
      const bytes = type === 'opaque' && kind === 'text' ? decodeBase64(wire as string) : undefined;
      const value =
        bytes === undefined ? typedValue(path, type, kind, wire) : ({ type: 'opaque', value: bytes } as const);
      if ('malformed' in value) return value;
      const timestamp = entryTime(this.#baseTime + time, context.now);
      const identity = `${formatPath(path)} ${timestamp}`;
      if (seen.has(identity)) return malformed(`${formatPath(path)}: two values for the same time`);
      seen.add(identity);
      entries.push(
        timestamp === undefined ? { kind: 'value', path, value } : { kind: 'value', path, value, timestamp },
      );
    }
    return entries;
  }
}

/** Empty nodes are left out: there is nothing that says them. */
export const encodeLwm2mJson: EncodeEntries = (entries, context) => {
  const base = context.path;
  const depth = pathDepth(base);
  const itself = entries.some((entry) => entry.kind === 'value' && pathDepth(entry.path) === depth);
  const baseName = base.kind === 'root' || itself ? formatPath(base) : `${formatPath(base)}/`;
  const baseTime = baseTimeOf(entries);
  let text = '';
  for (const entry of entries) {
    if (entry.kind === 'empty') continue;
    const { path } = entry;
    if (entry.kind === 'remove')
      return malformed(`${formatPath(path)}: LwM2M JSON cannot say that a node is to be removed`);
    if (!isWithin(path, base)) return malformed(`${formatPath(path)} is not below ${formatPath(base)}`);
    const wrong = misfit(path, entry.value);
    if (wrong !== undefined) return wrong;
    const field = valueField(entry.value);
    if (field === undefined) return cannotWrite(path, entry.value, 'LwM2M JSON');
    const name = formatPath(path).slice(baseName.length);
    const time = (entry.timestamp ?? 0) - baseTime;
    if (!Number.isFinite(time)) return malformed(`${formatPath(path)}: ${entry.timestamp} is no time`);
    const fields =
      (name === '' ? '' : `"n":${JSON.stringify(name)},`) +
      (time === 0 ? '' : `"t":${formatJsonNumber(time)},`) +
      field;
    text += `${text === '' ? '' : ','}{${fields}}`;
  }
  const time = baseTime === 0 ? '' : `"bt":${formatJsonNumber(baseTime)},`;
  return encodeUtf8(`{"bn":${JSON.stringify(baseName)},${time}"e":[${text}]}`);
};

/** The first time there is; none when the sums a reader builds with it would not all be the times they were. */
function baseTimeOf(entries: readonly NodeEntry[]): number {
  const times = entries.map((entry) => (entry.kind === 'value' ? (entry.timestamp ?? 0) : 0));
  const first = times.find((time) => time !== 0) ?? 0;
  return times.every((time) => first + (time - first) === time) ? first : 0;
}

function valueField(value: Value): string | undefined {
  switch (value.type) {
    case 'string':
    case 'corelnk':
      return `"sv":${JSON.stringify(value.value)}`;
    case 'integer':
    case 'unsigned':
    case 'time':
    case 'float': {
      const number = formatJsonNumber(value.value);
      return number === undefined ? undefined : `"v":${number}`;
    }
    case 'boolean':
      return `"bv":${value.value}`;
    case 'opaque':
      return `"sv":"${encodeBase64(value.value)}"`;
    case 'objlnk':
      return `"ov":"${formatObjectLink(value.value)}"`;
    case 'none':
      return undefined;
  }
}
