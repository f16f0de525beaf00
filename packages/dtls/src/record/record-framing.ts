/**
 * Is this one whole record as this direction's records look? RFC 9146 §4: with a Connection ID every protected record is
 * of type tls12_cid, without one none is.
 */
import { CONTENT_TYPES } from './content-type-table.ts';
import { CONNECTION_ID_OFFSET, RECORD_HEADER_LENGTH } from './record-header.ts';

export function isFramed(record: Uint8Array, connectionId: Uint8Array): boolean {
  const idLength = connectionId.length;
  const headerLength = RECORD_HEADER_LENGTH + idLength;
  if (record.length < headerLength) return false;
  if ((record[0] === CONTENT_TYPES.tls12Cid) !== idLength > 0) return false;
  for (let i = 0; i < idLength; i++) if (record[CONNECTION_ID_OFFSET + i] !== connectionId[i]) return false;
  const length = (record[headerLength - 2]! << 8) | record[headerLength - 1]!;
  return record.length === headerLength + length;
}
