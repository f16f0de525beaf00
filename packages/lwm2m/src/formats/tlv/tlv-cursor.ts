/**
 * One level of TLV records, OMA TS Core 1.2 §7.5.5:
 *
 *     type   kk i ll nnn   kk: what the record is, i: 16-bit id, ll: bytes of length that follow, nnn: length when ll = 0
 *     id     1 or 2 bytes
 *     length 0 to 3 bytes
 *     value
 */
export type TlvKind = 'objectInstance' | 'resourceInstance' | 'multipleResource' | 'resource';

/** By the two highest bits of the type byte. */
const KINDS: readonly TlvKind[] = ['objectInstance', 'resourceInstance', 'multipleResource', 'resource'];

export class TlvCursor {
  kind: TlvKind = 'resource';
  id = 0;
  /** Where the value begins; also where the header has ended. */
  valueStart = 0;
  length = 0;
  /** Set once the bytes are no TLV; nothing can be read after it. */
  failure: string | undefined;
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #next: number;

  /** Over the bytes from `start` up to, not including, `end`. */
  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#next = start;
    this.#end = end;
  }

  /** Move to the next record. False after the last one and on failure. */
  next(): boolean {
    if (this.#next >= this.#end || !this.readHeader()) return false;
    const after = this.valueStart + this.length;
    if (after > this.#end) return this.#truncated(`a value of ${this.length} bytes`);
    this.#next = after;
    return true;
  }

  /** Kind, id and length of the record, whether or not its value is there. */
  readHeader(): boolean {
    const bytes = this.#bytes;
    let at = this.#next;
    const type = bytes[at++] as number;
    const idBytes = (type & 0x20) === 0 ? 1 : 2;
    const lengthBytes = (type >> 3) & 0x03;
    if (at + idBytes + lengthBytes > this.#end) return this.#truncated('a header');
    this.kind = KINDS[type >> 6] as TlvKind;
    let id = bytes[at++] as number;
    if (idBytes === 2) id = (id << 8) | (bytes[at++] as number);
    this.id = id;
    let length = type & 0x07;
    if (lengthBytes > 0) {
      length = 0;
      for (let read = 0; read < lengthBytes; read++) length = (length << 8) | (bytes[at++] as number);
    }
    this.length = length;
    this.valueStart = at;
    return true;
  }

  #truncated(what: string): false {
    this.failure = `the TLV ends at byte ${this.#end}, inside ${what} that begins at byte ${this.#next}`;
    return false;
  }
}
