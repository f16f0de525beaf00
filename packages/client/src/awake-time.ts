/**
 * Queue mode seen from the client: awake for a while after each message, then asleep until it has something to say itself.
 * Nothing is closed meanwhile. OMA TS Core §6.5 (Queue Mode Operation).
 */
export type Wakefulness = 'awake' | 'asleep';

export class AwakeTime {
  readonly #awakeTime: number;
  readonly #changed: (wakefulness: Wakefulness) => void;
  #wakefulness: Wakefulness = 'awake';
  #until: number;

  /**
   * @param awakeTime  ms after the last message.
   * @param now  when it begins.
   */
  constructor(awakeTime: number, now: number, changed: (wakefulness: Wakefulness) => void) {
    this.#awakeTime = awakeTime;
    this.#changed = changed;
    this.#until = now + awakeTime;
  }

  get wakefulness(): Wakefulness {
    return this.#wakefulness;
  }

  /** When `handleTimeout` is to be called, ms. */
  nextDeadline(): number {
    return this.#wakefulness === 'awake' ? this.#until : Infinity;
  }

  /** A message was received while awake, or is about to be sent. */
  handleActivity(now: number): void {
    this.#until = now + this.#awakeTime;
    if (this.#wakefulness === 'awake') return;
    this.#wakefulness = 'awake';
    this.#changed('awake');
  }

  handleTimeout(now: number): void {
    if (this.#wakefulness === 'asleep' || now < this.#until) return;
    this.#wakefulness = 'asleep';
    this.#changed('asleep');
  }
}
