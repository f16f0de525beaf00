/**
 * Entries to TLV (Content-Format 11542), OMA TS Core 1.2 §7.5.5: ids ascending, shortest lengths, Object Instance
 * records for an Object path, bare Resource Instances for the path of their Resource. Timestamps are left out: TLV has
 * no place for them.
 *
 * Everything is written from the last byte to the first, so a header knows the length of what follows it.
 */
import { malformed } from '../../malformed.ts';
import type { Malformed } from '../../malformed.ts';
import type { NodeEntry } from '../../node.ts';
import { formatPath, pathDepth } from '../../path.ts';
import type { Path, ResourceInstancePath } from '../../path.ts';
import type { Value } from '../../value.ts';
import type { EncodeEntries } from '../format.ts';
import { orderedEntries } from '../path-order.ts';
import { misfit } from '../wire-value.ts';
import { BackwardWriter } from './backward-writer.ts';

export const encodeTlv: EncodeEntries = (entries, context) => {
  if (context.path.kind === 'root') return malformed('/: TLV names no Objects, so it cannot be written for the root');
  const ordered = orderedEntries(entries, context.path, 'TLV');
  if ('malformed' in ordered) return ordered;
  return new TlvEncoding(context.path).encode(ordered);
};

/** The two highest bits of the type byte. */
const OBJECT_INSTANCE = 0x00;
const RESOURCE_INSTANCE = 0x40;
const MULTIPLE_RESOURCE = 0x80;
const RESOURCE = 0xc0;
const MAX_LENGTH = 0xff_ffff;

class TlvEncoding {
  readonly #out = new BackwardWriter();
  readonly #depth: number;
  #failure: Malformed | undefined;

  constructor(base: Path) {
    this.#depth = pathDepth(base);
  }

  encode(entries: readonly NodeEntry[]): Uint8Array | Malformed {
    const out = this.#out;
    /** Where the open Object Instance and Multiple Resource end: bytes written when they were opened. */
    let instanceMark = 0;
    let resourceMark = 0;
    for (let at = entries.length - 1; at >= 0 && this.#failure === undefined; at--) {
      const entry = entries[at] as NodeEntry;
      const ids = entry.path as Partial<ResourceInstancePath>;
      const before = entries[at - 1]?.path as Partial<ResourceInstancePath> | undefined;
      const startsInstance = before === undefined || before.objectInstanceId !== ids.objectInstanceId;
      const startsResource = startsInstance || before.resourceId !== ids.resourceId;
      this.#writeEntry(entry);
      if (startsResource) {
        if (ids.resourceInstanceId !== undefined && this.#depth < 3) {
          this.#writeHeader(MULTIPLE_RESOURCE, ids.resourceId as number, out.length - resourceMark, entry.path);
        }
        resourceMark = out.length;
      }
      if (startsInstance) {
        if (ids.resourceId !== undefined && this.#depth < 2) {
          this.#writeHeader(OBJECT_INSTANCE, ids.objectInstanceId as number, out.length - instanceMark, entry.path);
        }
        instanceMark = out.length;
        resourceMark = out.length;
      }
    }
    return this.#failure ?? out.finish();
  }

  #writeEntry(entry: NodeEntry): void {
    const { path } = entry;
    if (entry.kind === 'value') {
      const before = this.#out.length;
      const wrong = misfit(path, entry.value);
      if (wrong !== undefined) {
        this.#failure = wrong;
        return;
      }
      writeTlvValue(this.#out, entry.value);
      const length = this.#out.length - before;
      if (path.kind === 'resource') this.#writeHeader(RESOURCE, path.resourceId, length, path);
      else if (path.kind === 'resourceInstance') {
        this.#writeHeader(RESOURCE_INSTANCE, path.resourceInstanceId, length, path);
      }
    } else if (entry.kind === 'remove') {
      this.#failure = malformed(`${formatPath(path)}: TLV cannot say that a node is to be removed`);
    } else if (path.kind === 'objectInstance' && this.#depth < 2) {
      this.#writeHeader(OBJECT_INSTANCE, path.objectInstanceId, 0, path);
    } else if (path.kind === 'resource' && this.#depth < 3) {
      this.#writeHeader(MULTIPLE_RESOURCE, path.resourceId, 0, path);
    }
  }

  #writeHeader(kind: number, id: number, length: number, path: Path): void {
    if (length > MAX_LENGTH) {
      this.#failure ??= malformed(`${formatPath(path)}: ${length} bytes are more than a TLV record can hold`);
    } else writeTlvHeader(this.#out, kind, id, length);
  }
}

/** Id and length in their shortest forms, in front of what was written last. */
export function writeTlvHeader(out: BackwardWriter, kind: number, id: number, length: number): void {
  let type = kind;
  if (length < 8) type |= length;
  else if (length < 0x100) {
    out.uint8(length);
    type |= 0x08;
  } else if (length < 0x1_0000) {
    out.uint16(length);
    type |= 0x10;
  } else {
    out.uint24(length);
    type |= 0x18;
  }
  if (id < 0x100) out.uint8(id);
  else {
    out.uint16(id);
    type |= 0x20;
  }
  out.uint8(type);
}

/** Integers in the fewest of 1, 2, 4 or 8 bytes, floats in 4 when that is exact. */
function writeTlvValue(out: BackwardWriter, value: Value): void {
  switch (value.type) {
    case 'string':
    case 'corelnk':
      return out.utf8(value.value);
    case 'integer':
    case 'time':
      return writeInteger(out, value.value);
    case 'unsigned':
      return writeUnsigned(out, value.value);
    case 'float':
      return Object.is(Math.fround(value.value), value.value) ? out.float32(value.value) : out.float64(value.value);
    case 'boolean':
      return out.uint8(value.value ? 1 : 0);
    case 'opaque':
      return out.bytes(value.value);
    case 'objlnk':
      out.uint16(value.value.objectInstanceId);
      return out.uint16(value.value.objectId);
    case 'none':
      return;
  }
}

function writeInteger(out: BackwardWriter, value: number | bigint): void {
  if (value >= -0x80 && value < 0x80) out.uint8(Number(value));
  else if (value >= -0x8000 && value < 0x8000) out.uint16(Number(value));
  else if (value >= -0x8000_0000 && value < 0x8000_0000) out.uint32(Number(value));
  else out.int64(value);
}

function writeUnsigned(out: BackwardWriter, value: number | bigint): void {
  if (value < 0x100) out.uint8(Number(value));
  else if (value < 0x1_0000) out.uint16(Number(value));
  else if (value < 0x1_0000_0000) out.uint32(Number(value));
  else out.int64(value);
}
