/** Keys and certificates as people have them: PEM, base64 or hexadecimal. */

export type ParsedBytes =
  { readonly ok: true; readonly base64: string } | { readonly ok: false; readonly reason: string };

const PEM = /-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/;

const base64OfHex = (digits: string): string =>
  btoa(digits.replace(/../g, (pair) => String.fromCharCode(parseInt(pair, 16))));

/** What only has hexadecimal digits is taken for hexadecimal: a key with a digit missing is not taken for base64. */
export const parseBytes = (text: string): ParsedBytes => {
  const pem = PEM.exec(text);
  if (pem === null && text.includes('-----')) return { ok: false, reason: 'This is not PEM: a line of it is missing.' };
  const compact = (pem?.[2] ?? text).replace(/\s+/g, '');
  const digits = compact.replace(/^0x/i, '').replace(/:/g, '');
  if (pem === null && /^[0-9a-f]+$/i.test(digits)) {
    if (digits.length % 2 !== 0) return { ok: false, reason: 'Half a byte is missing: the number of digits is odd.' };
    return { ok: true, base64: base64OfHex(digits) };
  }
  try {
    const base64 = btoa(atob(compact.replace(/-/g, '+').replace(/_/g, '/')));
    if (base64 !== '') return { ok: true, base64 };
  } catch {
    // Said below.
  }
  return { ok: false, reason: 'PEM, base64 or pairs of hexadecimal digits are needed.' };
};

const hexOfBase64 = (base64: string): string =>
  Array.from(atob(base64), (character) => character.charCodeAt(0).toString(16).padStart(2, '0')).join('');

const utf8Hex = (text: string): string =>
  Array.from(new TextEncoder().encode(text), (byte) => byte.toString(16).padStart(2, '0')).join('');

/** A PSK identity is written as text, or as 0x and hexadecimal. */
export const identityText = (identity: string | { readonly base64: string } | { readonly hex: string }): string => {
  if (typeof identity !== 'string') return `0x${'hex' in identity ? identity.hex : hexOfBase64(identity.base64)}`;
  return /^0x/i.test(identity) ? `0x${utf8Hex(identity)}` : identity;
};

export const parseIdentity = (
  text: string,
):
  | { readonly ok: true; readonly identity: string | { readonly hex: string } }
  | { readonly ok: false; readonly reason: string } => {
  if (!/^0x/i.test(text)) return { ok: true, identity: text };
  const hex = text.slice(2);
  return /^([0-9a-f]{2})+$/i.test(hex)
    ? { ok: true, identity: { hex } }
    : { ok: false, reason: 'After 0x, pairs of hexadecimal digits are needed.' };
};
