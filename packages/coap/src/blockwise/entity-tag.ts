/**
 * An ETag made from the body, so that the blocks of two versions of a resource are never mixed. RFC 7959 §2.4.
 */

/** Four bytes, the same for the same body. FNV-1a, 32 bits. */
export function entityTagOf(body: Uint8Array): Uint8Array {
  let hash = 0x811c9dc5;
  for (let index = 0; index < body.length; index++) hash = Math.imul(hash ^ body[index]!, 0x01000193);
  return Uint8Array.of(hash >>> 24, hash >>> 16, hash >>> 8, hash);
}
