/** Handshake messages cut into fragments, as peers may. */
import { encodeFragment, FRAGMENT_HEADER_BYTES } from '../src/handshake/fragment-codec.ts';
import type { HandshakeMessage } from '../src/handshake/handshake.ts';

/** The message in fragments of at most that many bytes each, header included. */
export function fragmentsOf(message: HandshakeMessage, maxFragmentBytes: number): readonly Uint8Array[] {
  const perFragment = maxFragmentBytes - FRAGMENT_HEADER_BYTES;
  const fragments: Uint8Array[] = [];
  let offset = 0;
  do {
    const length = Math.min(perFragment, message.body.length - offset);
    fragments.push(encodeFragment(message, offset, length));
    offset += length;
  } while (offset < message.body.length);
  return fragments;
}
