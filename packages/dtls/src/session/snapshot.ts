/**
 * Many exported associations, and what else a server keeps over a restart, as one file: encrypted and authenticated with a
 * key of the caller.
 *
 *     head:   "LWSNAP" | format version | length of all | snapshot id | creation time | chunks | key check
 *     chunk:  index | length | AES-128-GCM, nonce = index, head and index authenticated
 *
 * Each snapshot has a key of its own, derived from the caller's and the random id, so that a nonce is used once. The chunks
 * together hold the parts, each with its length in front. What makes a file unusable is told apart, because a person has
 * to decide what to do about it: cut off, changed, of another version, of another key, put together wrongly.
 */
import { type DtlsCrypto, type SecretKey, TAG_LENGTHS } from '../crypto.ts';
import { UsageError } from '../errors.ts';
import type { Malformed } from '../malformed.ts';

export interface SnapshotMeta {
  /** ms since 1970. */
  readonly createdAt: number;
}

export interface Snapshot extends SnapshotMeta {
  /** 16 random bytes in hex; a snapshot must not be used twice, and this tells two apart. */
  readonly id: string;
  /** Views of one buffer. */
  readonly parts: readonly Uint8Array[];
}

const MAGIC = Uint8Array.from([0x4c, 0x57, 0x53, 0x4e, 0x41, 0x50]);
const FORMAT_VERSION = 1;
const VERSION_AT = MAGIC.length;
const LENGTH_AT = VERSION_AT + 1;
const ID_AT = LENGTH_AT + 8;
const ID_LENGTH = 16;
const CREATED_AT = ID_AT + ID_LENGTH;
const CHUNKS_AT = CREATED_AT + 8;
const CHECK_AT = CHUNKS_AT + 4;
const CHECK_LENGTH = 16;
const HEAD_LENGTH = CHECK_AT + CHECK_LENGTH;

const CHUNK_HEAD = 8;
const CHUNK_PLAINTEXT = 65_536;
const TAG = TAG_LENGTHS['aes-128-gcm'];
const KEY_LENGTH = 16;
const NONCE_LENGTH = 12;
const PART_HEAD = 4;

const LABELS = {
  key: new TextEncoder().encode('lapwing snapshot key'),
  check: new TextEncoder().encode('lapwing snapshot check'),
} as const;

/**
 * @param key  a secret of at least 16 bytes.
 * @param parts  each below 4 GiB.
 * @throws UsageError for a shorter key or a larger part.
 */
export function sealSnapshot(
  parts: readonly Uint8Array[],
  key: SecretKey,
  crypto: DtlsCrypto,
  meta: SnapshotMeta,
): Uint8Array {
  checkKey(key, crypto);
  const plaintext = joinParts(parts);
  const chunks = Math.max(1, Math.ceil(plaintext.length / CHUNK_PLAINTEXT));
  const bytes = new Uint8Array(HEAD_LENGTH + chunks * (CHUNK_HEAD + TAG) + plaintext.length);
  const view = new DataView(bytes.buffer);
  const id = crypto.randomBytes(ID_LENGTH);
  bytes.set(MAGIC);
  view.setUint8(VERSION_AT, FORMAT_VERSION);
  view.setBigUint64(LENGTH_AT, BigInt(bytes.length));
  bytes.set(id, ID_AT);
  view.setBigUint64(CREATED_AT, BigInt(Math.floor(meta.createdAt)));
  view.setUint32(CHUNKS_AT, chunks);
  bytes.set(derive(LABELS.check, id, CHECK_LENGTH, key, crypto), CHECK_AT);
  const chunkKey = chunkKeyOf(id, key, crypto);
  const associated = associatedData(bytes.subarray(0, HEAD_LENGTH));
  let offset = HEAD_LENGTH;
  for (let index = 0; index < chunks; index++) {
    const content = plaintext.subarray(index * CHUNK_PLAINTEXT, (index + 1) * CHUNK_PLAINTEXT);
    view.setUint32(offset, index);
    view.setUint32(offset + 4, content.length + TAG);
    offset += CHUNK_HEAD;
    crypto.sealAead('aes-128-gcm', chunkKey, nonceOf(index), indexed(associated, index), content, bytes, offset);
    offset += content.length + TAG;
  }
  plaintext.fill(0);
  return bytes;
}

export function openSnapshot(bytes: Uint8Array, key: SecretKey, crypto: DtlsCrypto): Snapshot | Malformed {
  if (bytes.length < HEAD_LENGTH) {
    return isMagic(bytes) || bytes.length === 0
      ? { malformed: `the snapshot is cut off: ${bytes.length} bytes are there, not even its head` }
      : NOT_ONE;
  }
  if (!isMagic(bytes)) return NOT_ONE;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = view.getUint8(VERSION_AT);
  if (version !== FORMAT_VERSION) {
    return { malformed: `the snapshot is of format version ${version}; this program reads version ${FORMAT_VERSION}` };
  }
  const announced = view.getBigUint64(LENGTH_AT);
  if (announced > bytes.length) {
    return { malformed: `the snapshot is cut off: ${bytes.length} of ${announced} bytes are there` };
  }
  if (announced < bytes.length) {
    return { malformed: `the snapshot is ${bytes.length} bytes long, but was written with ${announced}` };
  }
  const id = bytes.subarray(ID_AT, ID_AT + ID_LENGTH);
  const check = derive(LABELS.check, id, CHECK_LENGTH, key, crypto);
  if (!crypto.equal(check, bytes.subarray(CHECK_AT, HEAD_LENGTH))) {
    return { malformed: 'the snapshot was sealed with another key, or its head was changed' };
  }
  const plaintext = openChunks(bytes, view, chunkKeyOf(id, key, crypto), crypto);
  if (!(plaintext instanceof Uint8Array)) return plaintext;
  const parts = splitParts(plaintext);
  if (parts === undefined) return { malformed: 'the snapshot is authentic, but its parts do not add up' };
  return { id: hex(id), createdAt: Number(view.getBigUint64(CREATED_AT)), parts };
}

const NOT_ONE: Malformed = { malformed: 'this is not a snapshot' };

function openChunks(bytes: Uint8Array, view: DataView, key: SecretKey, crypto: DtlsCrypto): Uint8Array | Malformed {
  const chunks = view.getUint32(CHUNKS_AT);
  const length = bytes.length - HEAD_LENGTH - chunks * (CHUNK_HEAD + TAG);
  if (length < 0) return changed(`it cannot hold ${chunks} chunks`);
  const plaintext = new Uint8Array(length);
  const associated = associatedData(bytes.subarray(0, HEAD_LENGTH));
  let offset = HEAD_LENGTH;
  let written = 0;
  for (let index = 0; index < chunks; index++) {
    if (offset + CHUNK_HEAD > bytes.length) return changed(`chunk ${index} of ${chunks} is missing`);
    const found = view.getUint32(offset);
    if (found !== index) {
      return { malformed: `the chunks of the snapshot are out of order: number ${found} where ${index} belongs` };
    }
    const end = offset + CHUNK_HEAD + view.getUint32(offset + 4);
    if (end > bytes.length) return changed(`chunk ${index} of ${chunks} has a wrong length`);
    const content = crypto.openAead(
      'aes-128-gcm',
      key,
      nonceOf(index),
      indexed(associated, index),
      bytes.subarray(offset + CHUNK_HEAD, end),
    );
    if (content === undefined) return changed(`chunk ${index} of ${chunks} does not authenticate`);
    if (written + content.length > length) return changed(`chunk ${index} of ${chunks} has a wrong length`);
    plaintext.set(content, written);
    written += content.length;
    offset = end;
  }
  // Chunks are at least one, so that the head is authenticated always.
  if (chunks === 0 || offset !== bytes.length) return changed('it has bytes outside of its chunks');
  return plaintext;
}

function changed(how: string): Malformed {
  return { malformed: `the snapshot was changed after it was written: ${how}` };
}

function checkKey(key: SecretKey, crypto: DtlsCrypto): void {
  const bytes = crypto.exportSecret(key);
  bytes.fill(0);
  if (bytes.length < KEY_LENGTH) {
    throw new UsageError(`a key of ${bytes.length} bytes does not protect a snapshot, at least ${KEY_LENGTH}`);
  }
}

function isMagic(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => i >= bytes.length || bytes[i] === byte);
}

function chunkKeyOf(id: Uint8Array, key: SecretKey, crypto: DtlsCrypto): SecretKey {
  const bytes = derive(LABELS.key, id, KEY_LENGTH, key, crypto);
  const chunkKey = crypto.importSecret(bytes);
  bytes.fill(0);
  return chunkKey;
}

function derive(label: Uint8Array, id: Uint8Array, length: number, key: SecretKey, crypto: DtlsCrypto): Uint8Array {
  const input = new Uint8Array(label.length + id.length);
  input.set(label);
  input.set(id, label.length);
  return crypto.hmac('sha256', key, input).slice(0, length);
}

/** The head, with room for the index of a chunk. */
function associatedData(head: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(head.length + 4);
  bytes.set(head);
  return bytes;
}

function indexed(associated: Uint8Array, index: number): Uint8Array {
  new DataView(associated.buffer).setUint32(associated.length - 4, index);
  return associated;
}

function nonceOf(index: number): Uint8Array {
  const nonce = new Uint8Array(NONCE_LENGTH);
  new DataView(nonce.buffer).setUint32(NONCE_LENGTH - 4, index);
  return nonce;
}

function joinParts(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) {
    if (part.length > 0xffff_ffff) throw new UsageError(`a part of ${part.length} bytes is too large for a snapshot`);
    length += PART_HEAD + part.length;
  }
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const part of parts) {
    view.setUint32(offset, part.length);
    bytes.set(part, offset + PART_HEAD);
    offset += PART_HEAD + part.length;
  }
  return bytes;
}

function splitParts(bytes: Uint8Array): readonly Uint8Array[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const parts: Uint8Array[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    if (offset + PART_HEAD > bytes.length) return undefined;
    const start = offset + PART_HEAD;
    offset = start + view.getUint32(offset);
    if (offset > bytes.length) return undefined;
    parts.push(bytes.subarray(start, offset));
  }
  return parts;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
