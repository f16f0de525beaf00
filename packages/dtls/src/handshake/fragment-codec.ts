/**
 * The header of a handshake fragment, and one fragment of a message. RFC 6347 §4.2.2, §4.2.3.
 *
 *   msg_type 1 | length 3 | message_seq 2 | fragment_offset 3 | fragment_length 3 | fragment
 */
import type { Malformed } from '../malformed.ts';
import type { HandshakeMessage } from './handshake.ts';

export const FRAGMENT_HEADER_BYTES = 12;

export interface Fragment {
  /** `HandshakeType`. */
  readonly type: number;
  /** Of the whole message, as declared. */
  readonly messageLength: number;
  readonly messageSeq: number;
  readonly offset: number;
  /** A view. */
  readonly bytes: Uint8Array;
}

/** The fragment at an offset of a record's content. */
export function decodeFragment(content: Uint8Array, at: number): Fragment | Malformed {
  if (content.length - at < FRAGMENT_HEADER_BYTES) return TOO_SHORT;
  const messageLength = readUint24(content, at + 1);
  const offset = readUint24(content, at + 6);
  const length = readUint24(content, at + 9);
  const start = at + FRAGMENT_HEADER_BYTES;
  if (length > content.length - start) return BEYOND_RECORD;
  if (offset + length > messageLength) return BEYOND_MESSAGE;
  // CVE-2026-33845: an empty fragment is a message without a body and nothing else.
  if (length === 0 && messageLength !== 0) return EMPTY_FRAGMENT;
  return {
    type: content[at]!,
    messageLength,
    messageSeq: (content[at + 4]! << 8) | content[at + 5]!,
    offset,
    bytes: content.subarray(start, start + length),
  };
}

/** One fragment with its header. */
export function encodeFragment(message: HandshakeMessage, offset: number, length: number): Uint8Array {
  const fragment = new Uint8Array(FRAGMENT_HEADER_BYTES + length);
  writeFragmentHeader(fragment, 0, message, offset, length);
  fragment.set(message.body.subarray(offset, offset + length), FRAGMENT_HEADER_BYTES);
  return fragment;
}

export function writeFragmentHeader(
  into: Uint8Array,
  at: number,
  message: HandshakeMessage,
  offset: number,
  length: number,
): void {
  into[at] = message.type;
  writeUint24(into, at + 1, message.body.length);
  into[at + 4] = message.messageSeq >>> 8;
  into[at + 5] = message.messageSeq;
  writeUint24(into, at + 6, offset);
  writeUint24(into, at + 9, length);
}

const TOO_SHORT: Malformed = Object.freeze({ malformed: 'fragment: ends within its header' });
const BEYOND_RECORD: Malformed = Object.freeze({ malformed: 'fragment: longer than its record' });
const BEYOND_MESSAGE: Malformed = Object.freeze({ malformed: 'fragment: beyond the end of its message' });
const EMPTY_FRAGMENT: Malformed = Object.freeze({ malformed: 'fragment: empty, of a message that is not' });

function readUint24(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
}

function writeUint24(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 16;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value;
}
