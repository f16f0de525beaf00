/**
 * When registrations expire: a lazy timing wheel.
 *
 * An entry sits in the slot of the moment at which it should be looked at again. Moving its deadline later, as every
 * Update does, touches nothing: when the slot comes round, the wheel reads the deadline and puts the entry where it
 * belongs by then. Only a deadline that moved earlier is re-inserted.
 */
export interface WheelEntry {
  /** ms on the driver's clock; Infinity: never. */
  readonly deadline: number;
  /** Where the wheel keeps it; -1 outside. Only the wheel writes this and the links. */
  wheelSlot: number;
  nextInSlot: WheelEntry | undefined;
  previousInSlot: WheelEntry | undefined;
}

export class LifetimeWheel<Entry extends WheelEntry> {
  readonly #granularity: number;
  readonly #slots: (WheelEntry | undefined)[];
  #size = 0;
  /** Everything due up to this tick was looked at. */
  #tick = 0;
  /** The earliest tick whose slot may hold something. */
  #nextTick = Infinity;

  /**
   * @param granularity  ms; an entry is found at most this late.
   * @param slots  deadlines further away than slots × granularity are looked at on the way.
   */
  constructor(granularity = 1_000, slots = 4_096) {
    this.#granularity = granularity;
    this.#slots = new Array<WheelEntry | undefined>(slots).fill(undefined);
  }

  get size(): number {
    return this.#size;
  }

  /** Insert, or put where its deadline says now. An entry that never expires stays outside. */
  place(now: number, entry: Entry): void {
    this.remove(entry);
    if (entry.deadline === Infinity) return;
    if (this.#size === 0) {
      this.#tick = Math.floor(now / this.#granularity);
      this.#nextTick = Infinity;
    }
    this.#insert(entry);
  }

  remove(entry: Entry): void {
    if (entry.wheelSlot < 0) return;
    this.#unlink(entry);
  }

  /** ms on the driver's clock at which `advance` wants to be called; Infinity when empty. */
  nextDeadline(): number {
    return this.#size === 0 ? Infinity : this.#nextTick * this.#granularity;
  }

  /** Hand over every entry whose deadline has passed, removed from the wheel; `expired` may change the wheel. */
  advance(now: number, expired: (entry: Entry) => void): void {
    const target = Math.floor(now / this.#granularity);
    // After a long gap one round sees every slot.
    if (target - this.#tick > this.#slots.length) this.#tick = target - this.#slots.length;
    while (this.#tick < target && this.#size > 0) {
      this.#tick++;
      const slot = this.#tick % this.#slots.length;
      // What is re-inserted goes to another slot, so this one runs empty.
      for (let entry = this.#slots[slot]; entry !== undefined; entry = this.#slots[slot]) {
        this.#unlink(entry);
        if (entry.deadline <= now) expired(entry as Entry);
        else this.#insert(entry);
      }
    }
    this.#tick = Math.max(this.#tick, target);
    this.#nextTick = this.#findNextTick();
  }

  #insert(entry: WheelEntry): void {
    const due = Math.ceil(entry.deadline / this.#granularity);
    const tick = Math.min(Math.max(due, this.#tick + 1), this.#tick + this.#slots.length - 1);
    const slot = tick % this.#slots.length;
    const head = this.#slots[slot];
    entry.wheelSlot = slot;
    entry.nextInSlot = head;
    if (head !== undefined) head.previousInSlot = entry;
    this.#slots[slot] = entry;
    this.#size++;
    if (tick < this.#nextTick) this.#nextTick = tick;
  }

  #unlink(entry: WheelEntry): void {
    const { nextInSlot: next, previousInSlot: previous } = entry;
    if (previous === undefined) this.#slots[entry.wheelSlot] = next;
    else previous.nextInSlot = next;
    if (next !== undefined) next.previousInSlot = previous;
    entry.nextInSlot = undefined;
    entry.previousInSlot = undefined;
    entry.wheelSlot = -1;
    this.#size--;
  }

  #findNextTick(): number {
    if (this.#size === 0) return Infinity;
    let tick = this.#tick + 1;
    while (this.#slots[tick % this.#slots.length] === undefined) tick++;
    return tick;
  }
}
