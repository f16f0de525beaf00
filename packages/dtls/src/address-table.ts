/**
 * Values by IP address and UDP port, found without building a string for IPv4: one row per address.
 */
export class AddressTable<Value> {
  /** Key: the 32 address bits × 65536 + port, below 2^48. */
  readonly #ipv4 = new Map<number, Value>();
  /** Key: address and port in text. */
  readonly #ipv6 = new Map<string, Value>();
  #ipv4Sweep: MapIterator<[number, Value]> | undefined = undefined;
  #ipv6Sweep: MapIterator<[string, Value]> | undefined = undefined;

  get size(): number {
    return this.#ipv4.size + this.#ipv6.size;
  }

  /** @param host  an IP address in text, always in the same spelling. */
  find(host: string, port: number): Value | undefined {
    const bits = ipv4Bits(host);
    return bits >= 0 ? this.#ipv4.get(bits * 65536 + port) : this.#ipv6.get(`${host} ${port}`);
  }

  set(host: string, port: number, value: Value): void {
    const bits = ipv4Bits(host);
    if (bits >= 0) this.#ipv4.set(bits * 65536 + port, value);
    else this.#ipv6.set(`${host} ${port}`, value);
  }

  delete(host: string, port: number): void {
    const bits = ipv4Bits(host);
    if (bits >= 0) this.#ipv4.delete(bits * 65536 + port);
    else this.#ipv6.delete(`${host} ${port}`);
  }

  /** Look at the next `rows` rows of each family, beginning again at the end, and delete those the predicate names. */
  sweep(rows: number, isForgettable: (value: Value) => boolean): void {
    this.#ipv4Sweep = sweepRows(this.#ipv4, this.#ipv4Sweep, rows, isForgettable);
    this.#ipv6Sweep = sweepRows(this.#ipv6, this.#ipv6Sweep, rows, isForgettable);
  }
}

/** Returns the iterator to go on with; undefined when the end was reached. */
function sweepRows<Key, Value>(
  table: Map<Key, Value>,
  sweep: MapIterator<[Key, Value]> | undefined,
  rows: number,
  isForgettable: (value: Value) => boolean,
): MapIterator<[Key, Value]> | undefined {
  const entries = sweep ?? table.entries();
  for (let row = Math.min(rows, table.size); row > 0; row--) {
    const next = entries.next();
    if (next.done === true) return undefined;
    if (isForgettable(next.value[1])) table.delete(next.value[0]);
  }
  return entries;
}

/** The 32 bits of a dotted-quad IPv4 address as an unsigned number, or -1 when the text is none (then it is IPv6). */
export function ipv4Bits(host: string): number {
  let bits = 0;
  let part = 0;
  let dots = 0;
  for (let i = 0; i < host.length; i++) {
    const digit = host.charCodeAt(i) - 48;
    if (digit >= 0 && digit <= 9) {
      part = part * 10 + digit;
    } else if (digit === -2) {
      bits = (bits << 8) | part;
      part = 0;
      dots++;
    } else {
      return -1;
    }
  }
  return dots === 3 ? ((bits << 8) | part) >>> 0 : -1;
}
