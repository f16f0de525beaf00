/**
 * TLV (Content-Formats 11542 and 1542) to entries, OMA TS Core 1.2 §7.5.5. TLV names nothing above the request's path,
 * so what a record is follows from that path. Taken besides the strict form, since peers send it:
 *
 * - an Object Instance record around what an Object Instance or Resource path asks for, if its id is the one asked for;
 * - Resource Instances of a multiple-instance Resource with or without their Multiple Resource record, for a request
 *   that names the Resource;
 * - Resources without an Object Instance record for an Object path: they are of Object Instance 0 when the definition
 *   allows one only, else of 65535, "the client chooses" (Create).
 *
 * Types come from the definitions; values of Resources that these do not know are Opaque.
 */
import { MAX_ID } from '../../identifiers.ts';
import { malformed } from '../../malformed.ts';
import type { Malformed } from '../../malformed.ts';
import type { NodeEntry } from '../../node.ts';
import { formatPath } from '../../path.ts';
import type { Path, ResourceInstancePath, ResourcePath } from '../../path.ts';
import { objectInstanceAt, resourceAt, resourceInstanceAt } from '../entry-path.ts';
import type { DecodeContext, DecodeEntries } from '../format.ts';
import { maxEntriesOf, tooLong, tooManyEntries } from '../limits.ts';
import { ResourceTypes } from '../resource-types.ts';
import { TlvCursor } from './tlv-cursor.ts';
import type { TlvKind } from './tlv-cursor.ts';
import { decodeTlvValue } from './tlv-value.ts';

export const decodeTlv: DecodeEntries = (payload, context) =>
  tooLong(payload, context) ?? new TlvDecoding(payload, context).entries();

/** The ids of the request's path; undefined below it. */
type Wanted = Partial<Pick<ResourceInstancePath, 'objectInstanceId' | 'resourceId' | 'resourceInstanceId'>>;

class TlvDecoding {
  readonly #payload: Uint8Array;
  readonly #path: Path;
  readonly #wanted: Wanted;
  readonly #types: ResourceTypes;
  readonly #maxEntries: number;
  readonly #entries: NodeEntry[] = [];
  #objectId = 0;
  #failure: Malformed | undefined;

  constructor(payload: Uint8Array, context: DecodeContext) {
    this.#payload = payload;
    this.#path = context.path;
    this.#wanted = context.path as Wanted;
    this.#types = new ResourceTypes(context);
    this.#maxEntries = maxEntriesOf(context);
  }

  entries(): readonly NodeEntry[] | Malformed {
    const path = this.#path;
    if (path.kind === 'root') return malformed('/: TLV names no Objects, so it cannot be read at the root');
    this.#objectId = path.objectId;
    const end = this.#payload.length;
    if (end === 0) return this.#nothing() ?? this.#entries;
    const first = new TlvCursor(this.#payload, 0, end);
    if (!first.next()) return malformed(`${formatPath(path)}: ${first.failure}`);
    if (first.kind === 'objectInstance') this.#readObjectInstances(end);
    else if (path.kind === 'object') this.#readResources(0, end, this.#impliedObjectInstanceId());
    else if (first.kind === 'resourceInstance' && (path.kind === 'resource' || path.kind === 'resourceInstance')) {
      this.#readResourceInstances(0, end, path.objectInstanceId, path.resourceId);
    } else this.#readResources(0, end, path.objectInstanceId);
    return this.#failure ?? this.#entries;
  }

  /** An empty payload says "nothing there", which one single value cannot be. */
  #nothing(): Malformed | undefined {
    const path = this.#path;
    if (path.kind === 'resourceInstance')
      return malformed(`${formatPath(path)}: expected a value, found no TLV record`);
    if (path.kind !== 'resource') return undefined;
    const definition = this.#types.resource(path.objectId, path.resourceId);
    return definition?.multiple === false
      ? malformed(`${formatPath(path)}: expected a value, found no TLV record`)
      : undefined;
  }

  #impliedObjectInstanceId(): number {
    return this.#types.object(this.#objectId)?.multiple === false ? 0 : MAX_ID;
  }

  #readObjectInstances(end: number): void {
    const cursor = new TlvCursor(this.#payload, 0, end);
    const seen = new IdsSeen();
    while (this.#failure === undefined && cursor.next()) {
      const { id, valueStart, length } = cursor;
      if (cursor.kind !== 'objectInstance') this.#unexpected(cursor.kind, id, 'among Object Instances');
      else if (!seen.add(id)) this.#fail(`Object Instance ${id} twice`);
      else if (this.#wanted.objectInstanceId !== undefined && id !== this.#wanted.objectInstanceId) {
        this.#fail(`Object Instance ${id} where ${this.#wanted.objectInstanceId} was asked for`);
      } else if (length === 0) this.#push({ kind: 'empty', path: objectInstanceAt(this.#objectId, id) });
      else this.#readResources(valueStart, valueStart + length, id);
    }
    this.#check(cursor);
  }

  #readResources(start: number, end: number, objectInstanceId: number): void {
    const cursor = new TlvCursor(this.#payload, start, end);
    const seen = new IdsSeen();
    while (this.#failure === undefined && cursor.next()) {
      const { kind, id, valueStart, length } = cursor;
      if (kind === 'objectInstance' || kind === 'resourceInstance') this.#unexpected(kind, id, 'among Resources');
      else if (id === MAX_ID) this.#fail(`the reserved Resource ID ${id}`);
      else if (!seen.add(id)) this.#fail(`Resource ${id} twice`);
      else if (this.#wanted.resourceId !== undefined && id !== this.#wanted.resourceId) {
        this.#fail(`Resource ${id} where ${this.#wanted.resourceId} was asked for`);
      } else if (kind === 'resource') {
        if (this.#wanted.resourceInstanceId !== undefined) this.#unexpected(kind, id, 'for a Resource Instance');
        else this.#readValue(resourceAt(this.#objectId, objectInstanceId, id), valueStart, valueStart + length);
      } else if (length === 0) {
        this.#push({ kind: 'empty', path: resourceAt(this.#objectId, objectInstanceId, id) });
      } else this.#readResourceInstances(valueStart, valueStart + length, objectInstanceId, id);
    }
    this.#check(cursor);
  }

  #readResourceInstances(start: number, end: number, objectInstanceId: number, resourceId: number): void {
    const cursor = new TlvCursor(this.#payload, start, end);
    const seen = new IdsSeen();
    const wanted = this.#wanted.resourceInstanceId;
    while (this.#failure === undefined && cursor.next()) {
      const { kind, id, valueStart, length } = cursor;
      if (kind !== 'resourceInstance') this.#unexpected(kind, id, 'among Resource Instances');
      else if (id === MAX_ID) this.#fail(`the reserved Resource Instance ID ${id}`);
      else if (!seen.add(id)) this.#fail(`Resource Instance ${id} of Resource ${resourceId} twice`);
      else if (wanted !== undefined && id !== wanted)
        this.#fail(`Resource Instance ${id} where ${wanted} was asked for`);
      else {
        const path = resourceInstanceAt(this.#objectId, objectInstanceId, resourceId, id);
        this.#readValue(path, valueStart, valueStart + length);
      }
    }
    this.#check(cursor);
  }

  #readValue(path: ResourcePath | ResourceInstancePath, start: number, end: number): void {
    const type = this.#types.type(path.objectId, path.resourceId);
    const value = decodeTlvValue(path, type, this.#payload, start, end);
    if ('malformed' in value) this.#failure = value;
    else this.#push({ kind: 'value', path, value });
  }

  #push(entry: NodeEntry): void {
    if (this.#entries.length >= this.#maxEntries) this.#failure = tooManyEntries(this.#maxEntries);
    else this.#entries.push(entry);
  }

  #check(cursor: TlvCursor): void {
    if (cursor.failure !== undefined) this.#fail(cursor.failure);
  }

  #unexpected(kind: TlvKind, id: number, where: string): void {
    this.#fail(`${KIND_NAMES[kind]} ${id} ${where}`);
  }

  #fail(reason: string): void {
    this.#failure ??= malformed(`${formatPath(this.#path)}: ${reason}`);
  }
}

const KIND_NAMES: Readonly<Record<TlvKind, string>> = {
  objectInstance: 'Object Instance',
  resourceInstance: 'Resource Instance',
  multipleResource: 'Multiple Resource',
  resource: 'Resource',
};

/** The ids of one container. They nearly always ascend, and then the last one is all there is to compare with. */
class IdsSeen {
  readonly #ids: number[] = [];
  #last = -1;
  #set: Set<number> | undefined;

  /** False when the id was there already. */
  add(id: number): boolean {
    if (id <= this.#last || this.#set !== undefined) {
      this.#set ??= new Set(this.#ids);
      if (this.#set.has(id)) return false;
      this.#set.add(id);
      return true;
    }
    this.#last = id;
    this.#ids.push(id);
    return true;
  }
}
