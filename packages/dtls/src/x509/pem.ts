/** PEM: DER between `-----BEGIN …-----` and `-----END …-----`. RFC 7468. */
import { UsageError } from '../errors.ts';
import type { Malformed } from '../malformed.ts';

export interface PemBlock {
  /** `CERTIFICATE`, `PRIVATE KEY`, `PUBLIC KEY` … */
  readonly label: string;
  readonly der: Uint8Array;
}

const MAX_PEM_CHARACTERS = 1_048_576;
const MAX_PEM_BLOCKS = 256;
const LINE_CHARACTERS = 64;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const LABEL = /^[!-,.-~]+(?:[ -][!-,.-~]+)*$/;
const BOUNDARY = /^-----(BEGIN|END) (.*)-----[ \t]*$/;

/**
 * Every block of a text, in order; text before, between and after them is for people and skipped (§5.2). What is wrong
 * is told by the line, never by its content: it may be a private key.
 */
export function parsePem(text: string): readonly PemBlock[] | Malformed {
  if (text.length > MAX_PEM_CHARACTERS) {
    return { malformed: `${text.length} characters of PEM, at most ${MAX_PEM_CHARACTERS} are read` };
  }
  const blocks: PemBlock[] = [];
  let open: { readonly label: string; readonly line: number; base64: string[] } | undefined;
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    const boundary = BOUNDARY.exec(line);
    const [, kind, label] = boundary ?? [];
    if (label === undefined) {
      open?.base64.push(line);
      continue;
    }
    if (!LABEL.test(label)) return { malformed: `line ${index + 1} has no label of PEM` };
    if (kind === 'BEGIN') {
      if (open !== undefined)
        return { malformed: `line ${index + 1} begins a block inside of the one of line ${open.line}` };
      if (blocks.length === MAX_PEM_BLOCKS) return { malformed: `more than ${MAX_PEM_BLOCKS} blocks of PEM` };
      open = { label, line: index + 1, base64: [] };
      continue;
    }
    if (open?.label !== label) return { malformed: `line ${index + 1} ends a block ${label} that was not begun` };
    const der = decodeBase64(open.base64.join('').replace(/[ \t]/g, ''));
    if (der === undefined) {
      return { malformed: `the block ${label} of line ${open.line} is not base64, or is encrypted (decrypt it first)` };
    }
    blocks.push({ label, der });
    open = undefined;
  }
  return open === undefined ? blocks : { malformed: `the block ${open.label} of line ${open.line} does not end` };
}

/** @throws UsageError for a label that PEM cannot have. */
export function formatPem({ label, der }: PemBlock): string {
  if (!LABEL.test(label)) throw new UsageError(`no label of PEM: ${label}`);
  const base64 = encodeBase64(der);
  const lines: string[] = [];
  for (let start = 0; start < base64.length; start += LINE_CHARACTERS) {
    lines.push(`${base64.slice(start, start + LINE_CHARACTERS)}\n`);
  }
  return `-----BEGIN ${label}-----\n${lines.join('')}-----END ${label}-----\n`;
}

/** RFC 4648 §4 with its padding; undefined for anything else, bits left over that are not zero among it. */
function decodeBase64(text: string): Uint8Array | undefined {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  if (text.length === 0 || text.length % 4 !== 0) return undefined;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let offset = 0;
  let bits = 0;
  let value = 0;
  for (let index = 0; index < text.length - padding; index++) {
    const digit = ALPHABET.indexOf(text[index]!);
    if (digit < 0) return undefined;
    value = ((value << 6) | digit) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[offset++] = value >> bits;
    }
  }
  return (value & ((1 << bits) - 1)) === 0 ? bytes : undefined;
}

function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  for (let index = 0; index < bytes.length; index += 3) {
    const group = (bytes[index]! << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0);
    const digits = Math.min(bytes.length - index, 3) + 1;
    for (let digit = 0; digit < 4; digit++) text += digit < digits ? ALPHABET[(group >> (18 - 6 * digit)) & 63]! : '=';
  }
  return text;
}
