/**
 * BER-TLV as cards use it, in EF(DIR), in what SELECT answers, and in the files of PKCS#15 (which are DER): one level
 * at a time. ISO 7816-4 §5.2.2, X.690 §8.1.
 */
import { malformed, type Malformed } from '@lapwing/lwm2m';

export interface BerTlv {
  /** All its bytes as one number: 0x4f, 0xa7, 0x7f21. */
  readonly tag: number;
  /** A view. */
  readonly value: Uint8Array;
}

/**
 * The data objects of one level, up to the padding: files are longer than what they hold, and 00 and FF begin no data
 * object (ISO 7816-4 §5.2.2.1).
 */
export function decodeBerTlvs(bytes: Uint8Array): readonly BerTlv[] | Malformed {
  const found: BerTlv[] = [];
  for (let at = 0; at < bytes.length && bytes[at] !== 0x00 && bytes[at] !== 0xff;) {
    const start = at;
    const tooShort = (): Malformed => malformed(`the data object at byte ${start} of ${bytes.length} is cut off`);
    let tag = bytes[at++]!;
    if ((tag & 0x1f) === 0x1f) {
      do {
        if (at === bytes.length) return tooShort();
        if (at - start === 3) return malformed(`the data object at byte ${start} has a tag of more than 3 bytes`);
        tag = (tag << 8) | bytes[at]!;
      } while ((bytes[at++]! & 0x80) !== 0);
    }
    if (at === bytes.length) return tooShort();
    let length = bytes[at++]!;
    if (length > 0x7f) {
      const lengthBytes = length & 0x7f;
      if (lengthBytes === 0 || lengthBytes > 3) {
        return malformed(`the data object at byte ${start} has ${lengthBytes} bytes of length: 1 to 3`);
      }
      if (at + lengthBytes > bytes.length) return tooShort();
      length = 0;
      for (let count = lengthBytes; count > 0; count--) length = (length << 8) | bytes[at++]!;
    }
    if (at + length > bytes.length) return tooShort();
    found.push({ tag, value: bytes.subarray(at, at + length) });
    at += length;
  }
  return found;
}

/** The value of the first data object with this tag. */
export const valueOf = (tlvs: readonly BerTlv[], tag: number): Uint8Array | undefined =>
  tlvs.find((each) => each.tag === tag)?.value;
