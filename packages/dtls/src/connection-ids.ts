/**
 * The Connection IDs this endpoint gave out: their making and their table. RFC 9146 §3.
 *
 * All have the same length, because a record of type tls12_cid does not tell it: the node's ID, then random bytes, so
 * that whoever receives a record of another node knows its owner. Up to 6 bytes they are looked up as a number, without
 * building a string.
 */
import type { DtlsCrypto } from './crypto.ts';
import { UsageError } from './errors.ts';

const LONGEST_NUMBER_BYTES = 6;
/** Random IDs tried before giving up: only a table that fills its space makes this many collide. */
const ATTEMPTS = 32;

export class ConnectionIdTable<Value> {
  /** Bytes of each ID; 0: the table stays empty. */
  readonly length: number;
  readonly #nodeId: Uint8Array;
  readonly #byNumber = new Map<number, Value>();
  readonly #byText = new Map<string, Value>();

  /** @throws UsageError when the node's ID leaves no room for random bytes. */
  constructor(length: number, nodeId: Uint8Array) {
    if (!Number.isInteger(length) || length < 0 || length > 255) {
      throw new UsageError(`connectionIdLength is ${length}; it must be 0 to 255`);
    }
    if (length > 0 && nodeId.length >= length) {
      throw new UsageError(`nodeId has ${nodeId.length} bytes; connectionIdLength of ${length} leaves no random bytes`);
    }
    this.length = length;
    this.#nodeId = nodeId;
  }

  get size(): number {
    return this.#byNumber.size + this.#byText.size;
  }

  /** A new ID that is in nobody's use; undefined when the space is full. It is in the table only after `set`. */
  make(crypto: DtlsCrypto): Uint8Array | undefined {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const id = new Uint8Array(this.length);
      id.set(this.#nodeId);
      id.set(crypto.randomBytes(this.length - this.#nodeId.length), this.#nodeId.length);
      if (this.find(id) === undefined) return id;
    }
    return undefined;
  }

  /** Whether an ID from elsewhere could be one of this node: right length and node. */
  isOwn(id: Uint8Array): boolean {
    return id.length === this.length && this.#nodeId.every((byte, index) => id[index] === byte);
  }

  find(id: Uint8Array): Value | undefined {
    if (id.length !== this.length) return undefined;
    return this.length <= LONGEST_NUMBER_BYTES ? this.#byNumber.get(numberOf(id)) : this.#byText.get(textOf(id));
  }

  set(id: Uint8Array, value: Value): void {
    if (this.length <= LONGEST_NUMBER_BYTES) this.#byNumber.set(numberOf(id), value);
    else this.#byText.set(textOf(id), value);
  }

  delete(id: Uint8Array): void {
    if (this.length <= LONGEST_NUMBER_BYTES) this.#byNumber.delete(numberOf(id));
    else this.#byText.delete(textOf(id));
  }
}

function numberOf(id: Uint8Array): number {
  let number = 0;
  for (let i = 0; i < id.length; i++) number = number * 256 + id[i]!;
  return number;
}

function textOf(id: Uint8Array): string {
  return String.fromCharCode(...id);
}
