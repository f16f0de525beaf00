/**
 * Records in a datagram, without a look inside. RFC 6347 §4.1, 9146 §4.
 *
 *     0      1         3       5                 11            11+n     13+n
 *     | type | version | epoch | sequence number | (CID, n) | length | fragment
 *
 * The Connection ID is there with type tls12_cid alone, and its length is on no wire: the receiver knows its own.
 */
import type { DropReason } from '../counters.ts';
import { CONTENT_TYPES } from './content-type-table.ts';

export const VERSION_1_0 = 0xfeff;
export const VERSION_1_2 = 0xfefd;
/** The first byte of every version of DTLS. */
const DTLS_MAJOR = 0xfe;

/** Bytes before the fragment, without a Connection ID. */
export const RECORD_HEADER_LENGTH = 13;
/** Where the Connection ID is, or the length without one. */
export const CONNECTION_ID_OFFSET = 11;
/** The first sequence number an epoch has none of: the association ends before. RFC 6347 §4.1. */
export const SEQUENCE_LIMIT: number = 2 ** 48;

/** RFC 5246 §6.2.1 and §6.2.3. */
export const MAX_PLAINTEXT_LENGTH: number = 2 ** 14;
const MAX_CIPHERTEXT_LENGTH = MAX_PLAINTEXT_LENGTH + 2048;

/**
 * Walks over the records of a datagram; one for all of them, its fields are those of the record it stands on.
 *
 *     cursor.enter(datagram, connectionIdLength);
 *     while (cursor.next()) handle(cursor);
 *     if (cursor.stopped !== undefined) count(cursor.stopped);
 */
export class RecordCursor {
  /** Why the rest of the datagram was not looked at; undefined at its end. */
  stopped: DropReason | undefined = undefined;
  contentType = 0;
  version = 0;
  epoch = 0;
  /** Below 2^48. */
  sequence = 0;

  #datagram: Uint8Array = EMPTY;
  #connectionIdLength = 0;
  #start = 0;
  #fragment = 0;
  #end = 0;

  /** @param connectionIdLength  of the Connection IDs this endpoint gives to peers; 0: none. */
  enter(datagram: Uint8Array, connectionIdLength: number): void {
    this.stopped = undefined;
    this.#datagram = datagram;
    this.#connectionIdLength = connectionIdLength;
    this.#end = 0;
  }

  /** On to the next record; false when there is none that can be read. */
  next(): boolean {
    if (this.stopped !== undefined) return false;
    const datagram = this.#datagram;
    const start = this.#end;
    const left = datagram.length - start;
    if (left === 0) return false;
    if (left < RECORD_HEADER_LENGTH) return this.#stop('short-record');
    const contentType = datagram[start]!;
    const version = uint16(datagram, start + 1);
    const epoch = uint16(datagram, start + 3);
    if (contentType < CONTENT_TYPES.changeCipherSpec || contentType > CONTENT_TYPES.tls12Cid || contentType === 24)
      return this.#stop('unknown-content-type');
    // Before a version is agreed on a record may say any: RFC 6347 §4.2.1, RFC 5246 §E.1. What is protected says that one.
    if (version !== VERSION_1_2 && (epoch !== 0 || version >>> 8 !== DTLS_MAJOR)) return this.#stop('unknown-version');
    let lengthAt = start + CONNECTION_ID_OFFSET;
    if (contentType === CONTENT_TYPES.tls12Cid) {
      // An empty one is sent as no Connection ID, RFC 9146 §4, and epoch 0 has none.
      if (this.#connectionIdLength === 0 || epoch === 0) return this.#stop('connection-id-unexpected');
      lengthAt += this.#connectionIdLength;
      if (lengthAt + 2 > datagram.length) return this.#stop('short-record');
    }
    const length = uint16(datagram, lengthAt);
    const end = lengthAt + 2 + length;
    if (length > MAX_CIPHERTEXT_LENGTH || end > datagram.length) return this.#stop('record-length');
    this.contentType = contentType;
    this.version = version;
    this.epoch = epoch;
    this.sequence = sequenceOf(datagram, start);
    this.#start = start;
    this.#fragment = lengthAt + 2;
    this.#end = end;
    return true;
  }

  /** The rest of the datagram is not looked at. */
  skipRest(): void {
    this.#end = this.#datagram.length;
  }

  /** The whole record, header included: a view. */
  record(): Uint8Array {
    // Most datagrams are one record.
    if (this.#start === 0 && this.#end === this.#datagram.length) return this.#datagram;
    return this.#datagram.subarray(this.#start, this.#end);
  }

  /** What follows the header: a view. */
  fragment(): Uint8Array {
    return this.#datagram.subarray(this.#fragment, this.#end);
  }

  /** A view; empty with any other type than tls12_cid. */
  connectionId(): Uint8Array {
    return this.#datagram.subarray(this.#start + CONNECTION_ID_OFFSET, this.#fragment - 2);
  }

  #stop(reason: DropReason): false {
    this.stopped = reason;
    return false;
  }
}

const EMPTY = new Uint8Array(0);

/** A record of epoch 0. `content` at most 2^14 bytes. */
export function encodePlaintextRecord(
  contentType: number,
  sequence: number,
  content: Uint8Array,
  version: number = VERSION_1_2,
): Uint8Array {
  const record = new Uint8Array(RECORD_HEADER_LENGTH + content.length);
  writeHeader(record, contentType, 0, sequence, undefined, version);
  record.set(content, RECORD_HEADER_LENGTH);
  return record;
}

/** Fills the first bytes of `record`, whose length is that of the whole record. Returns the header's length. */
export function writeHeader(
  record: Uint8Array,
  contentType: number,
  epoch: number,
  sequence: number,
  connectionId: Uint8Array | undefined,
  version: number = VERSION_1_2,
): number {
  record[0] = contentType;
  record[1] = version >>> 8;
  record[2] = version & 0xff;
  writeEpochAndSequence(record, 3, epoch, sequence);
  let offset = CONNECTION_ID_OFFSET;
  if (connectionId !== undefined) {
    record.set(connectionId, offset);
    offset += connectionId.length;
  }
  const length = record.length - offset - 2;
  record[offset] = length >>> 8;
  record[offset + 1] = length & 0xff;
  return offset + 2;
}

export function writeEpochAndSequence(bytes: Uint8Array, offset: number, epoch: number, sequence: number): void {
  // 48 bits are a safe integer, but more than the bitwise operators take.
  const high = Math.floor(sequence / 0x1_0000_0000);
  const low = sequence >>> 0;
  bytes[offset] = epoch >>> 8;
  bytes[offset + 1] = epoch & 0xff;
  bytes[offset + 2] = high >>> 8;
  bytes[offset + 3] = high & 0xff;
  bytes[offset + 4] = low >>> 24;
  bytes[offset + 5] = (low >>> 16) & 0xff;
  bytes[offset + 6] = (low >>> 8) & 0xff;
  bytes[offset + 7] = low & 0xff;
}

function sequenceOf(datagram: Uint8Array, start: number): number {
  return (
    uint16(datagram, start + 5) * 0x1_0000_0000 + uint16(datagram, start + 7) * 0x1_0000 + uint16(datagram, start + 9)
  );
}

function uint16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 8) | bytes[offset + 1]!;
}
