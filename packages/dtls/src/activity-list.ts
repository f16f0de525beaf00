/**
 * The open associations in the order of their last activity, to find the one that has been silent longest when the
 * table is full. Links are fields of the associations; an association is moved at most once per `granularity`, so that
 * a record costs a comparison, and the order is true to within that time.
 */
export interface Active<Self> {
  /** ms on the caller's clock. */
  lastActivity: number;
  /** `lastActivity` when it was last moved to the end. Written by `ActivityList` only. */
  listedActivity: number;
  /** Written by `ActivityList` only. */
  quieter: Self | undefined;
  /** Written by `ActivityList` only. */
  livelier: Self | undefined;
}

export class ActivityList<Item extends Active<Item>> {
  readonly #granularity: number;
  #quietest: Item | undefined = undefined;
  #liveliest: Item | undefined = undefined;
  #size = 0;

  constructor(granularity: number) {
    this.#granularity = granularity;
  }

  get size(): number {
    return this.#size;
  }

  /** The one silent for longest; undefined when none is. */
  get quietest(): Item | undefined {
    return this.#quietest;
  }

  add(item: Item, now: number): void {
    this.#size++;
    this.#append(item, now);
  }

  touch(item: Item, now: number): void {
    item.lastActivity = now;
    if (now - item.listedActivity < this.#granularity) return;
    this.#unlink(item);
    this.#append(item, now);
  }

  remove(item: Item): void {
    this.#size--;
    this.#unlink(item);
  }

  #append(item: Item, now: number): void {
    item.lastActivity = now;
    item.listedActivity = now;
    item.quieter = this.#liveliest;
    if (this.#liveliest === undefined) this.#quietest = item;
    else this.#liveliest.livelier = item;
    this.#liveliest = item;
  }

  #unlink(item: Item): void {
    if (item.quieter === undefined) this.#quietest = item.livelier;
    else item.quieter.livelier = item.livelier;
    if (item.livelier === undefined) this.#liveliest = item.quieter;
    else item.livelier.quieter = item.quieter;
    item.quieter = undefined;
    item.livelier = undefined;
  }
}
