/**
 * Whether a body goes in one message, and how large its blocks may be otherwise. RFC 7252 §4.6, RFC 7959 §2.
 *
 * A message that is too long for what is below CoAP never arrives, however often it is sent: a DTLS client may have asked
 * for records of 512 bytes (RFC 6066 §4).
 */
import { sizeExponentFor, type SizeExponent } from '../block-option.ts';
import { encodedLength } from '../message-codec.ts';
import type { Option } from '../message.ts';
import type { Peer } from '../peer.ts';

const NO_BYTES = new Uint8Array(0);
/** Payload marker, and the Observe option of a notification. */
const WHOLE_BYTES = 1 + 4;
/** What blocks add to that: ETag or Request-Tag, Block1 or Block2 and the echo of the other, Size, Echo of 8 bytes. */
const BLOCK_BYTES = 9 + 5 + 5 + 6 + 10;

/** @param token  of the message. */
export function fitsIntoOne(
  peer: Peer,
  token: Uint8Array,
  options: readonly Option[],
  body: Uint8Array,
  blockBytes: number,
): boolean {
  return body.length <= Math.min(blockBytes, roomFor(peer, token, options) - WHOLE_BYTES);
}

/** @param blockBytes  the largest blocks anybody is sent. */
export function largestBlocks(
  peer: Peer,
  token: Uint8Array,
  options: readonly Option[],
  blockBytes: number,
): SizeExponent {
  return sizeExponentFor(Math.min(blockBytes, roomFor(peer, token, options) - WHOLE_BYTES - BLOCK_BYTES));
}

function roomFor(peer: Peer, token: Uint8Array, options: readonly Option[]): number {
  const { maxMessageBytes } = peer;
  return maxMessageBytes === undefined
    ? Infinity
    : maxMessageBytes - encodedLength({ token, options, payload: NO_BYTES });
}
