/** UTF-8 in both directions, RFC 3629: invalid bytes are `undefined`, never a replacement character. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Texts up to here are read byte by byte while they are ASCII: a call of the decoder costs more than the loop. */
const SHORT = 32;

/** The text of `bytes` from `start` up to, not including, `end`; undefined when that is no valid UTF-8. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start <= SHORT) {
    let text = '';
    let at = start;
    for (; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte > 0x7f) break;
      text += String.fromCharCode(byte);
    }
    if (at === end) return text;
  }
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch {
    return undefined;
  }
}

/** A lone surrogate, which UTF-8 cannot hold, becomes U+FFFD. */
export const encodeUtf8 = (text: string): Uint8Array => encoder.encode(text);
