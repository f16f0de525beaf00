/**
 * What is authenticated besides the content: `additional_data` of the AEAD suites and the head of the MAC input of the
 * CBC suites, which are the same. RFC 5246 §6.2.3.1 and §6.2.3.3; with a Connection ID RFC 9146 §5.1 to §5.3.
 *
 *     without: epoch, sequence number | type | version | length
 *     with:    8 × 0xff | tls12_cid | length of CID | tls12_cid | version | epoch | sequence number | CID | length
 *
 * Version and Connection ID are taken from the record as it is on the wire, never from what was agreed on.
 */
import { CONTENT_TYPES } from './content-type-table.ts';
import { CONNECTION_ID_OFFSET, RECORD_HEADER_LENGTH } from './record-header.ts';

const PLACEHOLDER = 8;
/** Placeholder, type, length of the Connection ID. */
const CID_PREFIX = PLACEHOLDER + 2;

/** Scratch by length of the Connection ID: what is returned is used up before the next record is touched. */
const scratch: (Uint8Array | undefined)[] = [];

export function authenticatedHeaderLength(connectionIdLength: number): number {
  return connectionIdLength === 0 ? RECORD_HEADER_LENGTH : CID_PREFIX + RECORD_HEADER_LENGTH + connectionIdLength;
}

/**
 * @param length  of what the construction calls the content: the plaintext, or with encrypt-then-MAC the ciphertext.
 * @returns bytes that the next call overwrites.
 */
export function authenticatedHeader(record: Uint8Array, connectionIdLength: number, length: number): Uint8Array {
  const header = (scratch[connectionIdLength] ??= new Uint8Array(authenticatedHeaderLength(connectionIdLength)));
  writeAuthenticatedHeader(header, record, connectionIdLength, length);
  return header;
}

/** Returns the offset after it. */
export function writeAuthenticatedHeader(
  target: Uint8Array,
  record: Uint8Array,
  connectionIdLength: number,
  length: number,
): number {
  let offset: number;
  if (connectionIdLength === 0) {
    for (let i = 0; i < 8; i++) target[i] = record[3 + i]!;
    target[8] = record[0]!;
    target[9] = record[1]!;
    target[10] = record[2]!;
    offset = 11;
  } else {
    for (let i = 0; i < PLACEHOLDER; i++) target[i] = 0xff;
    target[PLACEHOLDER] = CONTENT_TYPES.tls12Cid;
    target[PLACEHOLDER + 1] = connectionIdLength;
    const copied = CONNECTION_ID_OFFSET + connectionIdLength;
    for (let i = 0; i < copied; i++) target[CID_PREFIX + i] = record[i]!;
    offset = CID_PREFIX + copied;
  }
  target[offset] = length >>> 8;
  target[offset + 1] = length & 0xff;
  return offset + 2;
}
