/**
 * The same bytes as a plain `Uint8Array`. Node's `Buffer` is one too, but its `slice` does not copy: whatever is kept of
 * a datagram by `slice` would be overwritten with it, or keep all of it in memory.
 */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
