/**
 * The duplicate filter: messages seen lately and the replies already given, so that a duplicate gets the same reply
 * and the handler runs once. RFC 7252 §4.5.
 *
 * A log of entries in chunks of bytes, found through a hash table of 32-bit positions; no object per message.
 *
 *   word 0  position of the previous entry in the same bucket
 *   word 1  peer id
 *   word 2  Message ID | kind << 16 | Non-confirmable << 24
 *   word 3  ms when it arrived, modulo 2^32
 *   word 4  room for the reply in words << 16 | bytes of the reply
 *   word 5… the reply
 *
 * Chunks are forgotten whole, oldest first: when the youngest entry in them has passed its lifetime, or early (and
 * counted) when the bound is reached. An exchange with a reply of up to 12 bytes takes 32 bytes.
 */
import type { CoapCounters } from '../counters.ts';

/** What a duplicate gets. */
export const ReplyKind = {
  /** Nothing yet: the application is still working on it. */
  pending: 0,
  /** The empty Acknowledgement, made anew. */
  acknowledgement: 1,
  /** A Reset, made anew. */
  reset: 2,
  /** The bytes that are kept. */
  kept: 3,
  /** Nothing: the reply was not kept, or a Non-confirmable message needs none. */
  silence: 4,
  /** Not a duplicate: the request is safe to handle once more. */
  forgotten: 5,
} as const;
export type ReplyKind = (typeof ReplyKind)[keyof typeof ReplyKind];

const HEADER_WORDS = 5;
const RESERVED_REPLY_WORDS = 3;
const MAX_CHUNK_BYTES = 65_536;
const NON_CONFIRMABLE = 1 << 24;
const NOT_FOUND = -1;

interface Chunk {
  /** Position of its first word, counted since the beginning. */
  readonly start: number;
  readonly words: Uint32Array;
  readonly bytes: Uint8Array;
  /** Words in use. */
  used: number;
  entries: number;
  /** ms of the youngest entry. */
  youngest: number;
}

export class RecentMessages {
  readonly #exchangeLifetime: number;
  readonly #nonLifetime: number;
  readonly #counters: CoapCounters;
  readonly #chunkWords: number;
  readonly #maxChunks: number;
  /** Oldest first. */
  readonly #chunks: Chunk[] = [];
  #spare: ArrayBuffer | undefined;
  /** Position modulo 2^32 of the youngest entry of each bucket. 0 is no entry: positions begin at one chunk. */
  #buckets: Uint32Array = new Uint32Array(1024);
  #shift = 32 - 10;
  #nextChunkStart: number;
  #entries = 0;

  /** @param bytes  bound on the entries; the hash table adds at most a quarter of it. */
  constructor(bytes: number, exchangeLifetime: number, nonLifetime: number, counters: CoapCounters) {
    this.#exchangeLifetime = exchangeLifetime;
    this.#nonLifetime = nonLifetime;
    this.#counters = counters;
    const chunkBytes = Math.min(MAX_CHUNK_BYTES, 2 ** Math.floor(Math.log2(bytes / 4)));
    this.#chunkWords = chunkBytes / 4;
    this.#maxChunks = Math.floor(bytes / chunkBytes);
    this.#nextChunkStart = this.#chunkWords;
  }

  /** Entries held now, expired ones included until their chunk goes. */
  get size(): number {
    return this.#entries;
  }

  /** Bytes allocated for entries and for the hash table. */
  get allocatedBytes(): number {
    return this.#chunks.length * this.#chunkWords * 4 + this.#buckets.byteLength;
  }

  /** Position of the entry, or -1 for a message not seen within its lifetime. */
  find(now: number, peerId: number, messageId: number): number {
    if (this.#entries === 0) return NOT_FOUND;
    const head = this.#nextChunkStart;
    const reach = head - this.#chunks[0]!.start;
    let link = this.#buckets[hash(peerId, messageId) >>> this.#shift]!;
    let previousDistance = 0;
    while (link !== 0) {
      // A link that points before the oldest chunk, or not backwards, is left over from something forgotten.
      const distance = (head - link) >>> 0;
      if (distance > reach || distance <= previousDistance) return NOT_FOUND;
      previousDistance = distance;
      const position = head - distance;
      const { words, start } = this.#chunkAt(position);
      const at = position - start;
      const tag = words[at + 2]!;
      if (words[at + 1] === peerId && (tag & 0xffff) === messageId) {
        const lifetime = (tag & NON_CONFIRMABLE) !== 0 ? this.#nonLifetime : this.#exchangeLifetime;
        if ((Math.trunc(now) - words[at + 3]!) >>> 0 >= lifetime) return NOT_FOUND;
        return ((tag >>> 16) & 0xff) === ReplyKind.forgotten ? NOT_FOUND : position;
      }
      link = words[at]!;
    }
    return NOT_FOUND;
  }

  /** Remember a new message; returns its position. */
  add(now: number, peerId: number, messageId: number, nonConfirmable: boolean, kind: ReplyKind): number {
    return this.#append(now, peerId, messageId | (nonConfirmable ? NON_CONFIRMABLE : 0), kind, RESERVED_REPLY_WORDS);
  }

  kindAt(position: number): ReplyKind {
    const { words, start } = this.#chunkAt(position);
    return ((words[position - start + 2]! >>> 16) & 0xff) as ReplyKind;
  }

  /** A copy of the reply kept for the entry. */
  replyAt(position: number): Uint8Array {
    const { words, bytes, start } = this.#chunkAt(position);
    const at = position - start;
    const from = (at + HEADER_WORDS) * 4;
    return bytes.slice(from, from + (words[at + 4]! & 0xffff));
  }

  /** Say what a duplicate gets from now on. Harmless when the entry has been forgotten. */
  settle(position: number, kind: ReplyKind): void {
    if (!this.#isHeld(position)) return;
    const { words, start } = this.#chunkAt(position);
    const at = position - start + 2;
    words[at] = (words[at]! & ~0xff0000) | (kind << 16);
  }

  /** Keep the reply: in place when the entry has room or is the youngest, else in a new entry that hides the old one. */
  keepReply(now: number, position: number, reply: Uint8Array): void {
    if (!this.#isHeld(position)) return;
    let chunk = this.#chunkAt(position);
    let at = position - chunk.start;
    const tag = chunk.words[at + 2]!;
    const needed = (reply.length + 3) >> 2;
    const room = chunk.words[at + 4]! >>> 16;
    if (needed > room) {
      if (needed > 0xffff || HEADER_WORDS + needed > this.#chunkWords) {
        this.#counters.repliesNotKept++;
        return this.settle(position, ReplyKind.silence);
      }
      const isYoungest =
        at + HEADER_WORDS + room === chunk.used && chunk.start + this.#chunkWords === this.#nextChunkStart;
      if (isYoungest && at + HEADER_WORDS + needed <= this.#chunkWords) {
        chunk.used = at + HEADER_WORDS + needed;
        chunk.words[at + 4] = needed << 16;
      } else {
        const moved = this.#append(now, chunk.words[at + 1]!, tag & ~0xff0000, ReplyKind.kept, needed);
        chunk = this.#chunkAt(moved);
        at = moved - chunk.start;
      }
    }
    chunk.words[at + 2] = (tag & ~0xff0000) | (ReplyKind.kept << 16);
    chunk.words[at + 4] = (chunk.words[at + 4]! & ~0xffff) | reply.length;
    copy(reply, chunk.bytes, (at + HEADER_WORDS) * 4);
  }

  /** Let go of chunks whose entries have all passed their lifetime. */
  expire(now: number): void {
    while (this.#chunks.length > 0 && now - this.#chunks[0]!.youngest >= this.#exchangeLifetime) this.#dropOldest();
    if (this.#chunks.length === 0) this.#spare = undefined;
  }

  #append(now: number, peerId: number, tag: number, kind: ReplyKind, room: number): number {
    let chunk = this.#chunks[this.#chunks.length - 1];
    if (chunk === undefined || chunk.used + HEADER_WORDS + room > this.#chunkWords) chunk = this.#addChunk(now);
    const at = chunk.used;
    const position = chunk.start + at;
    const { words } = chunk;
    const bucket = hash(peerId, tag & 0xffff) >>> this.#shift;
    words[at] = this.#buckets[bucket]!;
    words[at + 1] = peerId;
    words[at + 2] = tag | (kind << 16);
    words[at + 3] = Math.trunc(now) >>> 0;
    words[at + 4] = room << 16;
    this.#buckets[bucket] = position >>> 0;
    chunk.used = at + HEADER_WORDS + room;
    chunk.entries++;
    chunk.youngest = now;
    if (++this.#entries > this.#buckets.length) this.#growBuckets();
    return position;
  }

  #addChunk(now: number): Chunk {
    this.expire(now);
    if (this.#chunks.length >= this.#maxChunks) {
      this.#counters.forgottenEarly += this.#chunks[0]!.entries;
      this.#dropOldest();
    }
    const buffer = this.#spare ?? new ArrayBuffer(this.#chunkWords * 4);
    this.#spare = undefined;
    const chunk: Chunk = {
      start: this.#nextChunkStart,
      words: new Uint32Array(buffer),
      bytes: new Uint8Array(buffer),
      used: 0,
      entries: 0,
      youngest: now,
    };
    this.#nextChunkStart += this.#chunkWords;
    // A position that is 0 modulo 2^32 would read as "no entry".
    if (chunk.start >>> 0 === 0) chunk.used = 1;
    this.#chunks.push(chunk);
    return chunk;
  }

  #dropOldest(): void {
    const chunk = this.#chunks.shift()!;
    this.#entries -= chunk.entries;
    this.#spare = chunk.words.buffer as ArrayBuffer;
  }

  #isHeld(position: number): boolean {
    return this.#chunks.length > 0 && position >= this.#chunks[0]!.start;
  }

  #chunkAt(position: number): Chunk {
    const index = Math.floor(position / this.#chunkWords) - this.#chunks[0]!.start / this.#chunkWords;
    return this.#chunks[index]!;
  }

  /** Twice as many buckets; the links are written anew, from the oldest entry to the youngest. */
  #growBuckets(): void {
    this.#shift--;
    this.#buckets = new Uint32Array(this.#buckets.length * 2);
    for (const { start, words, used } of this.#chunks) {
      for (let at = start >>> 0 === 0 ? 1 : 0; at < used; at += HEADER_WORDS + (words[at + 4]! >>> 16)) {
        const bucket = hash(words[at + 1]!, words[at + 2]! & 0xffff) >>> this.#shift;
        words[at] = this.#buckets[bucket]!;
        this.#buckets[bucket] = (start + at) >>> 0;
      }
    }
  }
}

/** Multiplicative hashing: the upper bits are the good ones. */
function hash(peerId: number, messageId: number): number {
  const mixed = Math.imul(peerId, 0x9e3779b1) ^ Math.imul(messageId + 1, 0x85ebca6b);
  return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
}

function copy(source: Uint8Array, target: Uint8Array, at: number): void {
  const { length } = source;
  if (length > 32) target.set(source, at);
  else for (let index = 0; index < length; index++) target[at + index] = source[index]!;
}
