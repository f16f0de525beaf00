/** A PSK identity, any bytes (RFC 4279 §5.1), as text that people read and that tells two of them apart. */

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** As it is where it is printable UTF-8, else "0x" and its bytes in hexadecimal: nothing in it can disturb a log. */
export function identityText(identity: Uint8Array): string {
  try {
    const text = decoder.decode(identity);
    // What could be mistaken for hexadecimal is shown as such.
    if (text !== '' && !text.startsWith('0x') && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text)) return text;
  } catch {
    // Not UTF-8.
  }
  return `0x${hexText(identity)}`;
}

export function hexText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
