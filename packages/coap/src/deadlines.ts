/**
 * What waits for a moment, and a min-heap over it. An item carries its own place in the heap, so setting, moving and
 * clearing a deadline allocates nothing and nothing cancelled is ever left behind.
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

  /** Earliest deadline in ms, or Infinity when nothing is scheduled. */
  next(): number {
    return this.#heap.length === 0 ? Infinity : this.#heap[0]!.deadline;
  }

  /** Schedule, or move to another moment. */
  set(item: Item, at: number): void {
    if (at === Infinity) return this.clear(item);
    const before = item.deadline;
    item.deadline = at;
    if (item.heapIndex < 0) this.#siftUp(item, this.#heap.length);
    else if (at < before) this.#siftUp(item, item.heapIndex);
    else this.#siftDown(item, item.heapIndex);
  }

  /** Harmless when the item is not scheduled. */
  clear(item: Item): void {
    const index = item.heapIndex;
    if (index < 0) return;
    item.heapIndex = -1;
    item.deadline = Infinity;
    const last = this.#heap.pop()!;
    if (last === item) return;
    // The last leaf takes the free place and moves whichever way it must.
    if (index > 0 && this.#heap[(index - 1) >> 1]!.deadline > last.deadline) this.#siftUp(last, index);
    else this.#siftDown(last, index);
  }

  /** Remove and return the earliest item due at or before `now`. */
  takeDue(now: number): Item | undefined {
    const top = this.#heap[0];
    if (top === undefined || top.deadline > now) return undefined;
    this.clear(top);
    return top;
  }

  #siftUp(item: Item, index: number): void {
    const heap = this.#heap;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex]!;
      if (parent.deadline <= item.deadline) break;
      heap[index] = parent;
      parent.heapIndex = index;
      index = parentIndex;
    }
    heap[index] = item;
    item.heapIndex = index;
  }

  #siftDown(item: Item, index: number): void {
    const heap = this.#heap;
    const length = heap.length;
    for (let child = 2 * index + 1; child < length; child = 2 * index + 1) {
      if (child + 1 < length && heap[child + 1]!.deadline < heap[child]!.deadline) child++;
      const smaller = heap[child]!;
      if (smaller.deadline >= item.deadline) break;
      heap[index] = smaller;
      smaller.heapIndex = index;
      index = child;
    }
    heap[index] = item;
    item.heapIndex = index;
  }
}
