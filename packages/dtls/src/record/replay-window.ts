/**
 * Which sequence numbers of an epoch have been received. RFC 6347 §4.1.2.6.
 *
 * Ask before a record is opened, and mark it only when it has authenticated: a forged record must not move the window
 * (CVE-2016-2181).
 */
export class ReplayWindow {
  /** The highest number received; -1: none yet. */
  #newest = -1;
  /** Bit i of all words says whether `newest - i` was received. */
  readonly #words: Uint32Array;

  /** @param bits  a multiple of 32. */
  constructor(bits: number) {
    this.#words = new Uint32Array(bits / 32);
  }

  /** Neither received nor too old to tell. */
  isFresh(sequence: number): boolean {
    const age = this.#newest - sequence;
    if (age < 0) return true;
    const word = this.#words[age >>> 5];
    // Ages of more than 2^32 would wrap in the shift above.
    return word !== undefined && age < this.#words.length * 32 && ((word >>> (age & 31)) & 1) === 0;
  }

  /** Newer than all received: only such a record may move the peer's address. RFC 9146 §6. */
  isNewest(sequence: number): boolean {
    return sequence > this.#newest;
  }

  /** The record has authenticated. `sequence` must be fresh. */
  mark(sequence: number): void {
    const ahead = sequence - this.#newest;
    if (ahead > 0) {
      this.#advance(ahead);
      this.#newest = sequence;
      this.#words[0]! |= 1;
    } else {
      const age = -ahead;
      this.#words[age >>> 5]! |= 1 << (age & 31);
    }
  }

  #advance(by: number): void {
    const words = this.#words;
    if (by >= words.length * 32) {
      words.fill(0);
      return;
    }
    const whole = by >>> 5;
    const bits = by & 31;
    for (let i = words.length - 1; i >= 0; i--) {
      const low = words[i - whole] ?? 0;
      const carried = bits === 0 ? 0 : (words[i - whole - 1] ?? 0) >>> (32 - bits);
      words[i] = (low << bits) | carried;
    }
  }

  /** For the state of an association. */
  get state(): ReplayWindowState {
    return { newest: this.#newest, words: [...this.#words] };
  }

  /** Goes on with another window's state. What a shorter window did not remember counts as received. */
  restore(state: ReplayWindowState): void {
    this.#newest = state.newest;
    for (let i = 0; i < this.#words.length; i++) this.#words[i] = state.words[i] ?? 0xffff_ffff;
  }
}

export interface ReplayWindowState {
  /** -1: none received. */
  readonly newest: number;
  /** 32 bits each, the lowest bit of the first is `newest`. */
  readonly words: readonly number[];
}
