/**
 * The one buffer that writers fill in turn. Payloads are small and a new buffer costs more than writing one, so a
 * finished payload is copied out and its buffer kept for the next. Encoding never yields, so one is enough.
 */
const INITIAL_BYTES = 1024;
/** A buffer that had to grow beyond this is given to its payload and not kept. */
const MOST_KEPT_BYTES = 16 * 1024;

let spare: Uint8Array | undefined;

/** A buffer of at least 1 KiB with anything in it; the taker's alone until it is handed back or forgotten. */
export function takeBuffer(): Uint8Array {
  const taken = spare ?? new Uint8Array(INITIAL_BYTES);
  spare = undefined;
  return taken;
}

/** Hand the buffer back; the result is what stands in it from `start` up to, not including, `end`. */
export function payloadOf(buffer: Uint8Array, start: number, end: number): Uint8Array {
  if (buffer.length > MOST_KEPT_BYTES) return buffer.subarray(start, end);
  spare = buffer;
  return buffer.slice(start, end);
}
