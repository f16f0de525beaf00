/**
 * EF LwM2M_Bootstrap, the file of a smartcard that holds Objects for a Client, OMA TS Core 1.1 Appendix G:
 *
 *     u16 number of objects · u16 size of the collection
 *     { u16 object id · version: 00, or MAJOR MINOR · u16 length · TLV of the Object's instances }*
 *     FF …   up to the size of the file
 *
 * All numbers are big endian. A version of 00 leaves it to the Object: the one that the enabler implies.
 */
import { UsageError } from '@lapwing/coap';
import { isMalformed, malformed, type Malformed } from '@lapwing/lwm2m';

/** What the card holds of one Object. */
export interface BootstrapObject {
  readonly objectId: number;
  /** "2.5". Undefined: the version that the LwM2M version implies. */
  readonly version: string | undefined;
  /** The Object's instances in the TLV format (OMA TS Core 1.2 §7.5.5), as in the payload of a Write to the Object. */
  readonly instances: Uint8Array;
}

/** READ BINARY addresses no byte beyond. ISO 7816-4 §7.2.3. */
export const MAX_FILE_BYTES = 0x8000;

const HEADER_BYTES = 4;
/** Reserved by OMA TS Core §7.3: no Object has it. */
const NO_OBJECT = 0xffff;
/** A file that nobody wrote yet: four bytes of padding where the header would be. */
const UNWRITTEN = 0xffff;

/** Bytes of the file that say something, from its first four; what follows is padding. */
export function usedBytes(header: Uint8Array): number | undefined {
  if (header.length < HEADER_BYTES) return undefined;
  return isUnwritten(header) ? HEADER_BYTES : HEADER_BYTES + uint16(header, 2);
}

/**
 * The Objects of a file, in its order; none when the file was never written (all FF). `instances` are views of `file`.
 * What follows the collection is padding and is not looked at.
 */
export function decodeBootstrapFile(file: Uint8Array): readonly BootstrapObject[] | Malformed {
  const end = usedBytes(file);
  if (end === undefined) return malformed(`a bootstrap file of ${file.length} bytes ends in its header of 4`);
  if (isUnwritten(file)) return [];
  if (end > file.length) {
    return malformed(`a collection of ${end - HEADER_BYTES} bytes in a bootstrap file of ${file.length}`);
  }
  const count = uint16(file, 0);
  const objects: BootstrapObject[] = [];
  let at = HEADER_BYTES;
  while (at < end) {
    if (objects.length === count) {
      return malformed(`${end - at} bytes of the collection are left after its ${count} objects`);
    }
    const object = decodeObject(file, at, end);
    if (isMalformed(object)) return object;
    objects.push(object);
    at = object.instances.byteOffset - file.byteOffset + object.instances.length;
  }
  if (objects.length < count) return malformed(`${objects.length} objects in a collection of ${count}`);
  return objects;
}

function decodeObject(file: Uint8Array, start: number, end: number): BootstrapObject | Malformed {
  const cut = (what: string): Malformed =>
    malformed(`the collection ends in the ${what} of the entry at byte ${start}`);
  if (start + 3 > end) return cut('header');
  const objectId = uint16(file, start);
  if (objectId === NO_OBJECT) return malformed(`the entry at byte ${start} has the reserved object id ${NO_OBJECT}`);
  const major = file[start + 2]!;
  const lengthAt = start + (major === 0 ? 3 : 4);
  if (lengthAt + 2 > end) return cut('header');
  const length = uint16(file, lengthAt);
  const from = lengthAt + 2;
  if (from + length > end) return cut(`${length} bytes of instances`);
  const version = major === 0 ? undefined : `${major}.${file[start + 3]!}`;
  return { objectId, version, instances: file.subarray(from, from + length) };
}

export interface EncodeBootstrapFileOptions {
  /** Size of the file on the card; the rest is FF. Default: as long as the content. At most 32768. */
  readonly fileBytes?: number;
}

/**
 * The content of a file for a card.
 *
 * @throws UsageError for an object id above 65534, a version that is not "MAJOR.MINOR" with 1 to 255 and 0 to 255,
 *   and for more than `fileBytes`.
 */
export function encodeBootstrapFile(
  objects: readonly BootstrapObject[],
  { fileBytes }: EncodeBootstrapFileOptions = {},
): Uint8Array {
  const parts = objects.map((object) => ({ header: encodeHeader(object), instances: object.instances }));
  const collectionBytes = parts.reduce((sum, { header, instances }) => sum + header.length + instances.length, 0);
  const contentBytes = HEADER_BYTES + collectionBytes;
  const size = fileBytes ?? contentBytes;
  if (size > MAX_FILE_BYTES) throw new UsageError(`a file of ${size} bytes: READ BINARY reaches ${MAX_FILE_BYTES}`);
  if (contentBytes > size) throw new UsageError(`${contentBytes} bytes do not fit into a file of ${size}`);
  const file = new Uint8Array(size).fill(0xff);
  file.set([objects.length >> 8, objects.length & 0xff, collectionBytes >> 8, collectionBytes & 0xff]);
  let at = HEADER_BYTES;
  for (const { header, instances } of parts) {
    file.set(header, at);
    file.set(instances, at + header.length);
    at += header.length + instances.length;
  }
  return file;
}

function encodeHeader({ objectId, version, instances }: BootstrapObject): readonly number[] {
  if (!Number.isInteger(objectId) || objectId < 0 || objectId >= NO_OBJECT) {
    throw new UsageError(`object id ${objectId}: from 0 to ${NO_OBJECT - 1}`);
  }
  if (instances.length > 0xffff) throw new UsageError(`${instances.length} bytes of instances of Object ${objectId}`);
  return [objectId >> 8, objectId & 0xff, ...encodeVersion(version), instances.length >> 8, instances.length & 0xff];
}

function encodeVersion(version: string | undefined): readonly number[] {
  if (version === undefined) return [0];
  const numbers = /^(\d{1,3})\.(\d{1,3})$/.exec(version)?.slice(1).map(Number);
  const [major, minor] = numbers ?? [0, 0];
  if (major! < 1 || major! > 255 || minor! > 255) throw new UsageError(`version ${version}: "1.0" to "255.255"`);
  return [major!, minor!];
}

const isUnwritten = (file: Uint8Array): boolean => uint16(file, 0) === UNWRITTEN && uint16(file, 2) === UNWRITTEN;

const uint16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;
