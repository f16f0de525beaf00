/**
 * A flight into datagrams: messages fragmented to what fits, one fragment per record (small stacks understand no more),
 * as many records per datagram as fit. RFC 6347 §4.2.3.
 *
 * What is kept of a flight are its messages: every transmission seals them anew under new sequence numbers.
 */
import { encodeFragment, FRAGMENT_HEADER_BYTES } from './handshake/fragment-codec.ts';
import type { FlightItem } from './handshake/handshake.ts';

/** Where the records of a flight come from; undefined: the sequence numbers are used up. */
export interface RecordSource {
  /** Bytes a record of that epoch is larger than its content. */
  overhead(epoch: 0 | 1): number;
  seal(epoch: 0 | 1, content: 'handshake' | 'changeCipherSpec', plaintext: Uint8Array): Uint8Array | undefined;
}

export interface FlightBounds {
  readonly maxDatagramBytes: number;
  /** Of the plaintext of one record. RFC 6066 §4. */
  readonly maxFragmentLength: number;
}

const CHANGE_CIPHER_SPEC = Uint8Array.of(1);
/** A message is cut for the rest of a datagram only where at least this much of it goes along. */
const SMALLEST_PIECE_BYTES = 48;

export function transmitFlight(
  items: readonly FlightItem[],
  source: RecordSource,
  bounds: FlightBounds,
  transmit: (datagram: Uint8Array) => void,
): void {
  let records: Uint8Array[] = [];
  let used = 0;

  function finishDatagram(): void {
    if (records.length > 0) transmit(joined(records, used));
    records = [];
    used = 0;
  }

  function add(record: Uint8Array | undefined): void {
    if (record === undefined) return;
    if (used + record.length > bounds.maxDatagramBytes) finishDatagram();
    records.push(record);
    used += record.length;
  }

  for (const item of items) {
    if (item.kind === 'changeCipherSpec') {
      add(source.seal(0, 'changeCipherSpec', CHANGE_CIPHER_SPEC));
      continue;
    }
    const { message, epoch } = item;
    const perRecord = source.overhead(epoch) + FRAGMENT_HEADER_BYTES;
    const largestPiece = Math.max(1, bounds.maxFragmentLength - FRAGMENT_HEADER_BYTES);
    let offset = 0;
    do {
      const left = Math.min(largestPiece, message.body.length - offset);
      let room = bounds.maxDatagramBytes - used - perRecord;
      if (room < left && room < SMALLEST_PIECE_BYTES) {
        finishDatagram();
        room = bounds.maxDatagramBytes - perRecord;
      }
      const length = Math.min(left, Math.max(1, room));
      add(source.seal(epoch, 'handshake', encodeFragment(message, offset, length)));
      offset += length;
    } while (offset < message.body.length);
  }
  finishDatagram();
}

function joined(records: readonly Uint8Array[], length: number): Uint8Array {
  if (records.length === 1) return records[0]!;
  const datagram = new Uint8Array(length);
  let at = 0;
  for (const record of records) {
    datagram.set(record, at);
    at += record.length;
  }
  return datagram;
}
