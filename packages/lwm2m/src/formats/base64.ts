/**
 * Base64, RFC 4648. Opaque values are written in the standard alphabet with padding in plain text and OMA JSON (OMA TS
 * Core 1.2 §7.5.1) and in the URL alphabet without padding in SenML JSON (RFC 8428 §4.3). Peers mix them up, so reading
 * takes both alphabets, with or without padding.
 */
const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const URL_SAFE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const PADDING = 0x3d;
const NO_DIGIT = 255;

const DIGITS: Uint8Array = new Uint8Array(128).fill(NO_DIGIT);
for (let digit = 0; digit < 64; digit++) {
  DIGITS[STANDARD.charCodeAt(digit)] = digit;
  DIGITS[URL_SAFE.charCodeAt(digit)] = digit;
}

/** Undefined when it is no base64: a foreign character, wrong padding, a length that no bytes give, bits left over. */
export function decodeBase64(text: string): Uint8Array | undefined {
  let length = text.length;
  if (length > 0 && text.charCodeAt(length - 1) === PADDING) {
    if (length % 4 !== 0) return undefined;
    length -= text.charCodeAt(length - 2) === PADDING ? 2 : 1;
  }
  if (length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((length * 3) / 4));
  let bits = 0;
  let pending = 0;
  let to = 0;
  for (let at = 0; at < length; at++) {
    const digit = DIGITS[text.charCodeAt(at)] ?? NO_DIGIT;
    if (digit === NO_DIGIT) return undefined;
    pending = ((pending << 6) | digit) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[to++] = (pending >> bits) & 0xff;
    }
  }
  return (pending & ((1 << bits) - 1)) === 0 ? bytes : undefined;
}

/** Standard alphabet, padded. */
export function encodeBase64(bytes: Uint8Array): string {
  const text = digitsOf(bytes, STANDARD);
  return text.length % 4 === 0 ? text : text.padEnd(text.length + 4 - (text.length % 4), '=');
}

/** URL and file name alphabet, without padding. */
export const encodeBase64Url = (bytes: Uint8Array): string => digitsOf(bytes, URL_SAFE);

function digitsOf(bytes: Uint8Array, alphabet: string): string {
  let text = '';
  let bits = 0;
  let pending = 0;
  for (const byte of bytes) {
    pending = ((pending << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      text += alphabet[(pending >> bits) & 0x3f];
    }
  }
  if (bits > 0) text += alphabet[(pending << (6 - bits)) & 0x3f];
  return text;
}
