/**
 * Several byte strings in one: their number, all their lengths, then their bytes. With the lengths in front, one that is
 * not what it was makes the sum differ from what is there, so that it is always noticed.
 */
import { UsageError } from '../errors.ts';
import type { Malformed } from '../malformed.ts';

const MAX_LENGTH = 0xffff;

/** @throws UsageError for more than 65,535 sections, or bytes in one of them. */
export function encodeSections(sections: readonly Uint8Array[]): Uint8Array {
  let total = 2 + 2 * sections.length;
  for (const section of sections) total += section.length;
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, fitting(sections.length));
  let offset = 2;
  for (const section of sections) {
    view.setUint16(offset, fitting(section.length));
    offset += 2;
  }
  for (const section of sections) {
    bytes.set(section, offset);
    offset += section.length;
  }
  return bytes;
}

/** Views. @param what  is read, for the text of a `Malformed`. */
export function decodeSections(bytes: Uint8Array, what: string): readonly Uint8Array[] | Malformed {
  if (bytes.length < 2) return { malformed: `${what}: ends within the number of sections` };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const count = view.getUint16(0);
  let offset = 2 + 2 * count;
  if (offset > bytes.length) return { malformed: `${what}: ends within the lengths of ${count} sections` };
  const sections: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const end = offset + view.getUint16(2 + 2 * i);
    if (end > bytes.length) return { malformed: `${what}: ends within section ${i} of ${count}` };
    sections.push(bytes.subarray(offset, end));
    offset = end;
  }
  if (offset !== bytes.length) return { malformed: `${what}: ${bytes.length - offset} bytes too many` };
  return sections;
}

function fitting(length: number): number {
  if (length > MAX_LENGTH) throw new UsageError(`${length} do not fit, at most ${MAX_LENGTH}`);
  return length;
}
