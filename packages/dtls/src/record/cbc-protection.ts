/**
 * Records of the CBC suites with HMAC-SHA256: an explicit random IV, then either
 *
 *     MAC-then-encrypt (RFC 5246 §6.2.3.2, 9146 §5.1)   IV | E(content | MAC | padding)
 *     encrypt-then-MAC (RFC 7366 §3, 9146 §5.2)         IV | E(content | padding) | MAC over IV and ciphertext
 *
 * In MAC-then-encrypt a difference in time between wrong padding and a wrong MAC tells the plaintext byte by byte
 * (CVE-2013-0169). So padding is checked over a fixed number of bytes, without a branch on it; what it says only decides
 * how much of the content goes into the first of two HMACs, and the second hashes as many blocks as the first did not.
 * JavaScript cannot promise constant time, which is why these suites are off by default and failures are bounded.
 */
import type { DtlsCrypto } from '../crypto.ts';
import { authenticatedHeaderLength, writeAuthenticatedHeader } from './authenticated-header.ts';
import { CONTENT_TYPES } from './content-type-table.ts';
import { innerLength, unwrapInner, writeInner } from './inner-plaintext.ts';
import type { DirectionKeys, OpenedRecord, Protection } from './protection.ts';
import { isFramed } from './record-framing.ts';
import { RECORD_HEADER_LENGTH, writeHeader } from './record-header.ts';

const BLOCK = 16;
const MAC = 32;
/** SHA-256 takes blocks of 64 bytes and ends with at least 9 bytes of its own. */
const HASH_BLOCK = 64;
const HASH_END = 9;

export class CbcProtection implements Protection {
  readonly overhead: number;
  readonly #crypto: DtlsCrypto;
  readonly #keys: DirectionKeys;
  readonly #encryptThenMac: boolean;
  readonly #connectionId: Uint8Array;
  readonly #maxFragmentLength: number;
  readonly #paddingMultiple: number;

  /** @param connectionId  on the records of this direction; empty: none. */
  constructor(
    crypto: DtlsCrypto,
    keys: DirectionKeys,
    encryptThenMac: boolean,
    connectionId: Uint8Array,
    maxFragmentLength: number,
    paddingMultiple: number,
  ) {
    this.#crypto = crypto;
    this.#keys = keys;
    this.#encryptThenMac = encryptThenMac;
    this.#connectionId = connectionId;
    this.#maxFragmentLength = maxFragmentLength;
    this.#paddingMultiple = paddingMultiple;
    const inner = connectionId.length === 0 ? 0 : connectionId.length + paddingMultiple;
    this.overhead = RECORD_HEADER_LENGTH + BLOCK + BLOCK + MAC + inner;
  }

  seal(contentType: number, epoch: number, sequence: number, plaintext: Uint8Array): Uint8Array {
    const idLength = this.#connectionId.length;
    const headerLength = RECORD_HEADER_LENGTH + idLength;
    const contentLength = idLength === 0 ? plaintext.length : innerLength(plaintext.length, this.#paddingMultiple);
    const toPad = this.#encryptThenMac ? contentLength : contentLength + MAC;
    const blocks = new Uint8Array(toPad + BLOCK - (toPad % BLOCK));
    if (idLength === 0) blocks.set(plaintext);
    else writeInner(blocks.subarray(0, contentLength), contentType, plaintext);
    // Every byte of the padding, the last one included, is the number of those before the last.
    blocks.fill(blocks.length - toPad - 1, toPad);

    const record = new Uint8Array(headerLength + BLOCK + blocks.length + (this.#encryptThenMac ? MAC : 0));
    const outerType = idLength === 0 ? contentType : CONTENT_TYPES.tls12Cid;
    writeHeader(record, outerType, epoch, sequence, idLength === 0 ? undefined : this.#connectionId);
    const iv = this.#crypto.randomBytes(BLOCK);
    record.set(iv, headerLength);
    if (!this.#encryptThenMac) blocks.set(this.#mac(record, blocks.subarray(0, contentLength)), contentLength);
    const ciphertextAt = headerLength + BLOCK;
    record.set(this.#crypto.encryptCbc(this.#keys.key, iv, blocks), ciphertextAt);
    if (this.#encryptThenMac) {
      const macAt = ciphertextAt + blocks.length;
      record.set(this.#mac(record, record.subarray(headerLength, macAt)), macAt);
    }
    return record;
  }

  open(record: Uint8Array): OpenedRecord | undefined {
    if (!isFramed(record, this.#connectionId)) return undefined;
    const content = this.#encryptThenMac ? this.#openEncryptThenMac(record) : this.#openMacThenEncrypt(record);
    if (content === undefined) return undefined;
    const opened = this.#connectionId.length === 0 ? { contentType: record[0]!, content } : unwrapInner(content);
    return opened === undefined || opened.content.length > this.#maxFragmentLength ? undefined : opened;
  }

  #openEncryptThenMac(record: Uint8Array): Uint8Array | undefined {
    const ivAt = RECORD_HEADER_LENGTH + this.#connectionId.length;
    const macAt = record.length - MAC;
    const ciphertextLength = macAt - ivAt - BLOCK;
    if (ciphertextLength < BLOCK || ciphertextLength % BLOCK !== 0) return undefined;
    const mac = this.#mac(record, record.subarray(ivAt, macAt));
    if (!this.#crypto.equal(mac, record.subarray(macAt))) return undefined;
    const blocks = this.#decrypt(record, ivAt, macAt);
    // Authenticated: nothing is told by looking at the padding in the plain way.
    const padding = blocks[blocks.length - 1]!;
    if (padding + 1 > blocks.length) return undefined;
    for (let i = 2; i <= padding + 1; i++) if (blocks[blocks.length - i] !== padding) return undefined;
    return blocks.subarray(0, blocks.length - padding - 1);
  }

  #openMacThenEncrypt(record: Uint8Array): Uint8Array | undefined {
    const ivAt = RECORD_HEADER_LENGTH + this.#connectionId.length;
    const ciphertextLength = record.length - ivAt - BLOCK;
    // At least a MAC and one byte of padding.
    if (ciphertextLength < MAC + BLOCK || ciphertextLength % BLOCK !== 0) return undefined;
    const blocks = this.#decrypt(record, ivAt, record.length);
    const claimed = blocks[blocks.length - 1]!;
    const longest = blocks.length - MAC - 1;
    // 0 when all is well, negative or positive otherwise; -1 >>> 31 is 1.
    let bad = (longest - claimed) >>> 31;
    const checked = Math.min(255, longest);
    for (let i = 1; i <= checked; i++) {
      const inPadding = 1 - ((claimed - i) >>> 31);
      bad |= inPadding * (blocks[longest + MAC - i]! ^ claimed);
    }
    // Wrong padding is taken for none.
    const isGood = 1 - ((-bad >>> 31) | 0);
    const contentLength = longest - claimed * isGood;
    const mac = this.#mac(record, blocks.subarray(0, contentLength));
    this.#equalise(contentLength, longest);
    const isAuthentic = this.#crypto.equal(mac, blocks.subarray(contentLength, contentLength + MAC));
    return isAuthentic && isGood === 1 ? blocks.subarray(0, contentLength) : undefined;
  }

  #decrypt(record: Uint8Array, ivAt: number, end: number): Uint8Array {
    return this.#crypto.decryptCbc(
      this.#keys.key,
      record.subarray(ivAt, ivAt + BLOCK),
      record.subarray(ivAt + BLOCK, end),
    );
  }

  #mac(record: Uint8Array, content: Uint8Array): Uint8Array {
    const idLength = this.#connectionId.length;
    const input = new Uint8Array(authenticatedHeaderLength(idLength) + content.length);
    input.set(content, writeAuthenticatedHeader(input, record, idLength, content.length));
    return this.#crypto.hmac('sha256', this.#keys.macKey!, input);
  }

  /** Hashes the blocks that the MAC of `longest` bytes would have taken more than that of `contentLength`, and one. */
  #equalise(contentLength: number, longest: number): void {
    const header = authenticatedHeaderLength(this.#connectionId.length);
    const missing = hashBlocks(header + longest) - hashBlocks(header + contentLength);
    this.#crypto.hmac('sha256', this.#keys.macKey!, new Uint8Array((missing + 1) * HASH_BLOCK - HASH_END));
  }
}

function hashBlocks(length: number): number {
  return Math.ceil((length + HASH_END) / HASH_BLOCK);
}
