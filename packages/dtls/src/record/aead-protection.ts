/**
 * Records of the CCM_8 and GCM suites: an explicit nonce of 8 bytes (ours is epoch and sequence number, so that none is
 * used twice), the ciphertext and the tag. RFC 5246 §6.2.3.3, 6655 §3, 5288 §3, 9146 §5.3.
 */
import { type AeadName, type DtlsCrypto, TAG_LENGTHS } from '../crypto.ts';
import { authenticatedHeader } from './authenticated-header.ts';
import { CONTENT_TYPES } from './content-type-table.ts';
import { innerLength, unwrapInner, writeInner } from './inner-plaintext.ts';
import type { DirectionKeys, OpenedRecord, Protection } from './protection.ts';
import { allocateRecord, scratchOf } from './record-buffers.ts';
import { isFramed } from './record-framing.ts';
import { RECORD_HEADER_LENGTH, writeEpochAndSequence, writeHeader } from './record-header.ts';

const SALT = 4;
const EXPLICIT_NONCE = 8;

/** One for all: a nonce is used up before the next record is touched. */
const nonce = new Uint8Array(SALT + EXPLICIT_NONCE);

export class AeadProtection implements Protection {
  readonly overhead: number;
  readonly #crypto: DtlsCrypto;
  readonly #name: AeadName;
  readonly #keys: DirectionKeys;
  readonly #connectionId: Uint8Array;
  readonly #maxFragmentLength: number;
  readonly #paddingMultiple: number;

  /** @param connectionId  on the records of this direction; empty: none. */
  constructor(
    crypto: DtlsCrypto,
    name: AeadName,
    keys: DirectionKeys,
    connectionId: Uint8Array,
    maxFragmentLength: number,
    paddingMultiple: number,
  ) {
    this.#crypto = crypto;
    this.#name = name;
    this.#keys = keys;
    this.#connectionId = connectionId;
    this.#maxFragmentLength = maxFragmentLength;
    this.#paddingMultiple = paddingMultiple;
    const inner = connectionId.length === 0 ? 0 : connectionId.length + paddingMultiple;
    this.overhead = RECORD_HEADER_LENGTH + EXPLICIT_NONCE + TAG_LENGTHS[name] + inner;
  }

  seal(contentType: number, epoch: number, sequence: number, plaintext: Uint8Array): Uint8Array {
    const idLength = this.#connectionId.length;
    const headerLength = RECORD_HEADER_LENGTH + idLength;
    let inner = plaintext;
    let outerType = contentType;
    if (idLength !== 0) {
      inner = scratchOf(innerLength(plaintext.length, this.#paddingMultiple));
      writeInner(inner, contentType, plaintext);
      outerType = CONTENT_TYPES.tls12Cid;
    }
    const record = allocateRecord(headerLength + EXPLICIT_NONCE + inner.length + TAG_LENGTHS[this.#name]);
    writeHeader(record, outerType, epoch, sequence, idLength === 0 ? undefined : this.#connectionId);
    writeEpochAndSequence(record, headerLength, epoch, sequence);
    this.#loadNonce(record, headerLength);
    const aad = authenticatedHeader(record, idLength, inner.length);
    const at = headerLength + EXPLICIT_NONCE;
    this.#crypto.sealAead(this.#name, this.#keys.key, nonce, aad, inner, record, at);
    return record;
  }

  open(record: Uint8Array): OpenedRecord | undefined {
    if (!isFramed(record, this.#connectionId)) return undefined;
    const idLength = this.#connectionId.length;
    const headerLength = RECORD_HEADER_LENGTH + idLength;
    const length = record.length - headerLength - EXPLICIT_NONCE - TAG_LENGTHS[this.#name];
    if (length < 0) return undefined;
    this.#loadNonce(record, headerLength);
    const plaintext = this.#crypto.openAead(
      this.#name,
      this.#keys.key,
      nonce,
      authenticatedHeader(record, idLength, length),
      record.subarray(headerLength + EXPLICIT_NONCE),
    );
    if (plaintext === undefined) return undefined;
    const opened = idLength === 0 ? { contentType: record[0]!, content: plaintext } : unwrapInner(plaintext);
    return opened === undefined || opened.content.length > this.#maxFragmentLength ? undefined : opened;
  }

  #loadNonce(record: Uint8Array, explicitAt: number): void {
    const { iv } = this.#keys;
    for (let i = 0; i < SALT; i++) nonce[i] = iv[i]!;
    for (let i = 0; i < EXPLICIT_NONCE; i++) nonce[SALT + i] = record[explicitAt + i]!;
  }
}
