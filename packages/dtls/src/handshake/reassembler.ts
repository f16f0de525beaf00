/**
 * Fragments of the peer's handshake messages in, whole messages in order out, each once. RFC 6347 §4.2.2, §4.2.3.
 *
 * Memory follows the bytes received, not the length a header declares (CVE-2026-59646): a message is held as islands of
 * contiguous bytes until they are one. Where fragments overlap, the bytes that came first stay.
 */
import type { DropReason } from '../counters.ts';
import { isMalformed } from '../malformed.ts';
import type { DtlsParameters } from '../parameters.ts';
import { decodeFragment, FRAGMENT_HEADER_BYTES } from './fragment-codec.ts';
import type { Fragment } from './fragment-codec.ts';
import type { HandshakeMessage } from './handshake.ts';
import { HANDSHAKE_TYPES } from './handshake-type-table.ts';

export interface ReceivedMessage extends HandshakeMessage {
  /** Of the records that carried it. */
  readonly epoch: 0 | 1;
}

export type FragmentOutcome =
  | 'accepted'
  /** The message delivered last, whole, again: what asks for a retransmission of our flight. */
  | 'repeated'
  /** Of a message delivered before. */
  | 'old'
  | DropReason;

/** Separate runs of bytes held of one message; a fragment that joins none of them waits for its retransmission. */
const MAX_ISLANDS = 32;

export class Reassembler {
  readonly #maxMessageBytes: number;
  readonly #maxFutureMessages: number;
  readonly #messages = new Map<number, PartialMessage>();
  #nextSeq: number;
  #heldBytes = 0;
  #refusedBytes = 0;
  #last: ReceivedMessage | undefined;
  #beforeLast: ReceivedMessage | undefined;

  /** @param nextSeq `message_seq` of the first message expected. */
  constructor(nextSeq: number, parameters: Pick<DtlsParameters, 'maxHandshakeMessageBytes' | 'maxFutureMessages'>) {
    this.#nextSeq = nextSeq;
    this.#maxMessageBytes = parameters.maxHandshakeMessageBytes;
    this.#maxFutureMessages = parameters.maxFutureMessages;
  }

  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** Bytes of messages not delivered yet: at most two messages of the maximum length. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Length of the message expected next, where it is more than may be; else 0. */
  get refusedBytes(): number {
    return this.#refusedBytes;
  }

  /**
   * All fragments of a record of content type handshake, up to the first that is malformed. Of several outcomes a reason
   * to drop comes before 'accepted', 'repeated' and 'old'.
   */
  addRecord(content: Uint8Array, epoch: 0 | 1): FragmentOutcome {
    let outcome: FragmentOutcome | undefined;
    let at = 0;
    do {
      const fragment = decodeFragment(content, at);
      if (isMalformed(fragment)) return isDropped(outcome) ? outcome : 'malformed-fragment';
      outcome = graver(outcome, this.add(fragment, epoch));
      at += FRAGMENT_HEADER_BYTES + fragment.bytes.length;
    } while (at < content.length);
    return outcome;
  }

  /** The fragment is copied. */
  add(fragment: Fragment, epoch: 0 | 1): FragmentOutcome {
    const ahead = fragment.messageSeq - this.#nextSeq;
    if (ahead < 0) return this.#past(fragment, epoch);
    if (fragment.messageLength > this.#maxMessageBytes) {
      if (ahead === 0) this.#refusedBytes = fragment.messageLength;
      return 'message-too-long';
    }
    if (ahead > this.#maxFutureMessages) return 'future-message';
    // A Finished that nothing protects is nobody's, and must not take the place of the true one.
    if (fragment.type === HANDSHAKE_TYPES.finished && epoch === 0) return 'unexpected-message';

    let message = this.#messages.get(fragment.messageSeq);
    // What is authenticated displaces what anybody may have sent.
    if (message !== undefined && message.epoch < epoch) {
      this.#drop(message, fragment.messageSeq);
      message = undefined;
    }
    if (message !== undefined && !message.agreesWith(fragment, epoch)) return 'conflicting-fragment';
    if (ahead > 0 && this.#futureBytes() + fragment.bytes.length > this.#maxMessageBytes) return 'future-message';

    message ??= new PartialMessage(fragment, epoch);
    const before = message.heldBytes;
    if (!message.insert(fragment)) return 'too-many-fragments';
    this.#heldBytes += message.heldBytes - before;
    this.#messages.set(fragment.messageSeq, message);
    return 'accepted';
  }

  /** The next message once it is whole. Its body is the caller's. */
  next(): ReceivedMessage | undefined {
    const message = this.#messages.get(this.#nextSeq);
    const body = message?.body;
    if (message === undefined || body === undefined) return undefined;
    this.#drop(message, this.#nextSeq);
    this.#beforeLast = this.#last;
    this.#last = { type: message.type, messageSeq: this.#nextSeq, body, epoch: message.epoch };
    this.#nextSeq++;
    this.#refusedBytes = 0;
    return this.#last;
  }

  /**
   * What `next` gave last counts for nothing, and its place is free again: anybody may send a message that comes at the
   * wrong time, and it must not keep out the true one.
   */
  reject(): void {
    if (this.#last?.messageSeq !== this.#nextSeq - 1) return;
    this.#nextSeq--;
    this.#last = this.#beforeLast;
  }

  /** A retransmission has the same content; anything else is a forgery (OpenSSL #15289). */
  #past(fragment: Fragment, epoch: 0 | 1): FragmentOutcome {
    const last = this.#last;
    if (last === undefined || fragment.messageSeq !== last.messageSeq) return 'old';
    if (fragment.type !== last.type || fragment.messageLength !== last.body.length || epoch !== last.epoch) {
      return 'conflicting-fragment';
    }
    for (let i = 0; i < fragment.bytes.length; i++) {
      if (fragment.bytes[i] !== last.body[fragment.offset + i]) return 'conflicting-fragment';
    }
    return fragment.bytes.length === last.body.length ? 'repeated' : 'old';
  }

  #futureBytes(): number {
    return this.#heldBytes - (this.#messages.get(this.#nextSeq)?.heldBytes ?? 0);
  }

  #drop(message: PartialMessage, messageSeq: number): void {
    this.#heldBytes -= message.heldBytes;
    this.#messages.delete(messageSeq);
  }
}

interface Island {
  readonly start: number;
  readonly bytes: Uint8Array;
}

class PartialMessage {
  readonly type: number;
  readonly length: number;
  readonly epoch: 0 | 1;
  heldBytes = 0;
  /** In order, neither overlapping nor touching. */
  #islands: readonly Island[] = [];

  constructor(first: Fragment, epoch: 0 | 1) {
    this.type = first.type;
    this.length = first.messageLength;
    this.epoch = epoch;
  }

  /** CVE-2026-33846. */
  agreesWith(fragment: Fragment, epoch: 0 | 1): boolean {
    return fragment.type === this.type && fragment.messageLength === this.length && epoch === this.epoch;
  }

  /** Undefined until every byte is there. */
  get body(): Uint8Array | undefined {
    if (this.heldBytes < this.length) return undefined;
    return this.#islands[0]?.bytes ?? new Uint8Array(0);
  }

  /** False: there is no room for another island. */
  insert({ offset, bytes }: Fragment): boolean {
    if (bytes.length === 0) return true;
    const islands = this.#islands;
    // Islands [first, after) touch the fragment.
    let first = 0;
    while (first < islands.length && endOf(islands[first]!) < offset) first++;
    let after = first;
    while (after < islands.length && islands[after]!.start <= offset + bytes.length) after++;

    if (first === after) {
      if (islands.length === MAX_ISLANDS) return false;
      this.#islands = [...islands.slice(0, first), { start: offset, bytes: bytes.slice() }, ...islands.slice(first)];
      this.heldBytes += bytes.length;
      return true;
    }
    const start = Math.min(offset, islands[first]!.start);
    const end = Math.max(offset + bytes.length, endOf(islands[after - 1]!));
    // Nothing new: a flood of the same byte must not cost a copy of the message each time.
    if (after - first === 1 && end - start === islands[first]!.bytes.length) return true;
    const merged = new Uint8Array(end - start);
    merged.set(bytes, offset - start);
    let held = 0;
    for (const island of islands.slice(first, after)) {
      merged.set(island.bytes, island.start - start);
      held += island.bytes.length;
    }
    this.#islands = [...islands.slice(0, first), { start, bytes: merged }, ...islands.slice(after)];
    this.heldBytes += merged.length - held;
    return true;
  }
}

function endOf(island: Island): number {
  return island.start + island.bytes.length;
}

/** 'accepted', 'repeated' and 'old' are no reasons to drop. */
const GRAVITY: Readonly<Partial<Record<FragmentOutcome, number>>> = { old: 0, repeated: 1, accepted: 2 };

function isDropped(outcome: FragmentOutcome | undefined): outcome is DropReason {
  return outcome !== undefined && GRAVITY[outcome] === undefined;
}

function graver(a: FragmentOutcome | undefined, b: FragmentOutcome): FragmentOutcome {
  if (a === undefined) return b;
  return (GRAVITY[b] ?? Infinity) > (GRAVITY[a] ?? Infinity) ? b : a;
}
