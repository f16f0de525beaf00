/**
 * Values in TLV, OMA TS Core 1.2 Appendix C: big-endian, integers in 1, 2, 4 or 8 bytes. Which type it is, the bytes do
 * not tell; without a definition a value is Opaque.
 */
import { malformed } from '../../malformed.ts';
import type { Malformed } from '../../malformed.ts';
import { formatPath } from '../../path.ts';
import type { Path } from '../../path.ts';
import type { DataType, Value } from '../../value.ts';
import { float32OfBits, readFloat64 } from '../float-bits.ts';
import { decodeUtf8 } from '../utf8.ts';
import { TYPE_NAMES } from '../wire-value.ts';

/** The bytes from `start` up to, not including, `end` as a value of this type; an Opaque is a copy of them. */
export function decodeTlvValue(
  path: Path,
  type: DataType | undefined,
  bytes: Uint8Array,
  start: number,
  end: number,
): Value | Malformed {
  const length = end - start;
  switch (type) {
    case 'integer':
    case 'time': {
      const value = readInteger(bytes, start, length);
      if (value !== undefined) return { type, value };
      break;
    }
    case 'unsigned': {
      const value = readUnsigned(bytes, start, length);
      if (value !== undefined) return { type, value };
      break;
    }
    case 'float':
      if (length === 4) return { type, value: float32OfBits(readUint32(bytes, start)) };
      if (length === 8) return { type, value: readFloat64(bytes, start) };
      break;
    case 'boolean': {
      const value = bytes[start];
      if (length === 1 && (value === 0 || value === 1)) return { type, value: value === 1 };
      break;
    }
    case 'string':
    case 'corelnk': {
      const value = decodeUtf8(bytes, start, end);
      if (value !== undefined) return { type, value };
      return malformed(`${formatPath(path)}: expected ${TYPE_NAMES[type]}, found bytes that are no valid UTF-8`);
    }
    case 'objlnk':
      if (length === 4) {
        const link = readUint32(bytes, start);
        return { type, value: { objectId: link >>> 16, objectInstanceId: link & 0xffff } };
      }
      break;
    case 'none':
      if (length === 0) return { type, value: null };
      break;
    case 'opaque':
    case undefined:
      return { type: 'opaque', value: bytes.slice(start, end) };
  }
  return malformed(`${formatPath(path)}: expected ${TYPE_NAMES[type]}, found ${describe(bytes, start, length)}`);
}

function describe(bytes: Uint8Array, start: number, length: number): string {
  return length === 1 ? `the byte ${bytes[start]}` : `${length} bytes`;
}

const readUint32 = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)) >>>
  0;

function readInteger(bytes: Uint8Array, at: number, length: number): number | bigint | undefined {
  switch (length) {
    case 1:
      return ((bytes[at] as number) << 24) >> 24;
    case 2:
      return (((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16)) >> 16;
    case 4:
      return readUint32(bytes, at) | 0;
    case 8:
      return fromWords(readUint32(bytes, at) | 0, readUint32(bytes, at + 4));
    default:
      return undefined;
  }
}

function readUnsigned(bytes: Uint8Array, at: number, length: number): number | bigint | undefined {
  switch (length) {
    case 1:
      return bytes[at];
    case 2:
      return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    case 4:
      return readUint32(bytes, at);
    case 8:
      return fromWords(readUint32(bytes, at), readUint32(bytes, at + 4));
    default:
      return undefined;
  }
}

/** A bigint only when a number cannot hold it exactly. */
function fromWords(upper: number, lower: number): number | bigint {
  const value = upper * 0x1_0000_0000 + lower;
  return Number.isSafeInteger(value) ? value : (BigInt(upper) << 32n) | BigInt(lower);
}
