/**
 * UTF-8 as the `string` options use it (RFC 7252 §3.2): short, and almost always ASCII, for which a loop is several
 * times faster than `TextDecoder`.
 */
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Up to so many characters a loop is faster than `TextDecoder` (85 ns whatever the length). */
const SHORT_TO_DECODE = 24;
/** And than `TextEncoder` (400 ns and more, where the loop takes 40 to 140). */
const SHORT_TO_ENCODE = 64;

const ONE_CHARACTER: readonly string[] = Array.from({ length: 128 }, (_, value) => String.fromCharCode(value));

/** The text, or undefined when the bytes are not well-formed UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  const length = bytes.length;
  if (length <= SHORT_TO_DECODE) {
    let text = '';
    for (let index = 0; index < length; index++) {
      const byte = bytes[index]!;
      if (byte > 0x7f) return decodeAny(bytes);
      text += ONE_CHARACTER[byte]!;
    }
    return text;
  }
  return decodeAny(bytes);
}

/** A fatal decoder would throw, and build a stack trace for whoever sends such bytes. */
function decodeAny(bytes: Uint8Array): string | undefined {
  const text = decoder.decode(bytes);
  return !text.includes('\ufffd') || sameBytes(encoder.encode(text), bytes) ? text : undefined;
}

export function isUtf8(bytes: Uint8Array): boolean {
  for (let index = 0; index < bytes.length; index++) {
    if (bytes[index]! > 0x7f) return decodeAny(bytes) !== undefined;
  }
  return true;
}

export function encodeUtf8(text: string): Uint8Array {
  const length = text.length;
  if (length > SHORT_TO_ENCODE) return encoder.encode(text);
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) {
    const character = text.charCodeAt(index);
    if (character > 0x7f) return encoder.encode(text);
    bytes[index] = character;
  }
  return bytes;
}

const sameBytes = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, index) => byte === other[index]);
