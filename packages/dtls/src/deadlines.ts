/**
 * What waits for a moment, and a min-heap over it: handshakes, look-ups and last flights of one endpoint.
 *
 * An item carries its own place in the heap, so setting, moving and clearing a deadline allocates nothing, and what is
 * cleared leaves nothing behind. An association that is open and confirmed is in no heap at all.
 */
export interface Timed {
  /** ms on the caller's clock; Infinity when not scheduled. Written by `DeadlineQueue` only. */
  deadline: number;
  /** Place in the heap, or -1. Written by `DeadlineQueue` only. */
  heapIndex: number;
}

export class DeadlineQueue<Item extends Timed> {
  readonly #heap: Item[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** Earliest deadline, or Infinity when nothing is scheduled. */
  next(): number {
    return this.#heap[0]?.deadline ?? Infinity;
  }

  /** Schedule, or move to another moment. Infinity clears. */
  set(item: Item, at: number): void {
    if (at === Infinity) return this.clear(item);
    item.deadline = at;
    if (item.heapIndex < 0) item.heapIndex = this.#heap.push(item) - 1;
    this.#settle(item);
  }

  /** Harmless when the item is not scheduled. */
  clear(item: Item): void {
    const index = item.heapIndex;
    if (index < 0) return;
    item.heapIndex = -1;
    item.deadline = Infinity;
    const last = this.#heap.pop()!;
    if (last === item) return;
    last.heapIndex = index;
    this.#heap[index] = last;
    this.#settle(last);
  }

  /** Remove and return the earliest item due at or before `now`. */
  takeDue(now: number): Item | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.deadline > now) return undefined;
    this.clear(first);
    return first;
  }

  /** Move an item up or down until its parent is no later and its children no earlier. */
  #settle(item: Item): void {
    const heap = this.#heap;
    let index = item.heapIndex;
    while (index > 0) {
      const parent = heap[(index - 1) >> 1]!;
      if (parent.deadline <= item.deadline) break;
      heap[index] = parent;
      parent.heapIndex = index;
      index = (index - 1) >> 1;
    }
    for (let child = 2 * index + 1; child < heap.length; child = 2 * index + 1) {
      if (child + 1 < heap.length && heap[child + 1]!.deadline < heap[child]!.deadline) child++;
      const earlier = heap[child]!;
      if (earlier.deadline >= item.deadline) break;
      heap[index] = earlier;
      earlier.heapIndex = index;
      index = child;
    }
    heap[index] = item;
    item.heapIndex = index;
  }
}
