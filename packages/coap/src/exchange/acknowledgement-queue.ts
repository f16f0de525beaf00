/**
 * Confirmable requests whose empty Acknowledgement is due when the application takes too long. RFC 7252 §5.2.2.
 *
 * The delay is the same for all, so the order of arrival is the order of the deadlines, and the usual case, a request
 * answered at once, costs an append and a skip.
 */
import type { ReplySlot } from './reply-slot.ts';

export class AcknowledgementQueue {
  readonly #slots: ReplySlot[] = [];
  #head = 0;

  add(slot: ReplySlot, at: number): void {
    // Under steady load the queue never runs empty: what was let go must not pile up before its head.
    if (this.#head > 1024 && this.#head * 2 > this.#slots.length) {
      this.#slots.splice(0, this.#head);
      this.#head = 0;
    }
    slot.acknowledgeAt = at;
    this.#slots.push(slot);
  }

  /** Earliest deadline in ms, or Infinity. */
  next(): number {
    return this.#first()?.acknowledgeAt ?? Infinity;
  }

  takeDue(now: number): ReplySlot | undefined {
    const slot = this.#first();
    if (slot === undefined || slot.acknowledgeAt > now) return undefined;
    this.#head++;
    return slot;
  }

  /** The oldest that is still to be answered; those before it are let go. */
  #first(): ReplySlot | undefined {
    const slots = this.#slots;
    while (this.#head < slots.length) {
      const slot = slots[this.#head]!;
      if (slot.state === 'open') return slot;
      this.#head++;
    }
    slots.length = 0;
    this.#head = 0;
    return undefined;
  }
}
