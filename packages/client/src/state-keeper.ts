/**
 * Saves the state of a client after it has changed: once for all changes of a turn, one save at a time, and again when
 * something changed while saving. What changes all the time is saved with the next thing that does not, and else at most
 * once in an interval; when the client stops it is saved a last time.
 */
import type { ClientState, ClientStateStore } from './client-state.ts';

export interface StateKeeping {
  capture(): ClientState;
  failed(error: unknown): void;
  /** ms on the client's clock. */
  now(): number;
  /** ms between saves of what is saved 'later'. */
  readonly interval: number;
}

export class StateKeeper {
  readonly #store: ClientStateStore;
  readonly #keeping: StateKeeping;
  #changed = false;
  #saving: Promise<void> | undefined;
  /** When what changed in passing is to be saved, ms. */
  #deadline = Infinity;
  #capturedAt = -Infinity;
  /** The client stops: this is what is saved, whatever happens now. */
  #last: ClientState | undefined;

  constructor(store: ClientStateStore, keeping: StateKeeping) {
    this.#store = store;
    this.#keeping = keeping;
  }

  stateChanged(urgency: 'now' | 'later' = 'now'): void {
    if (this.#last !== undefined) return;
    if (urgency === 'later') {
      if (this.#deadline === Infinity) {
        this.#deadline = Math.max(this.#keeping.now(), this.#capturedAt + this.#keeping.interval);
      }
      return;
    }
    this.#changed = true;
    this.#saving ??= this.#save();
  }

  nextDeadline(): number {
    return this.#deadline;
  }

  handleTimeout(now: number): void {
    if (this.#deadline > now) return;
    // A save that is under way may take long: what is due is not due all the time until then.
    this.#deadline = Infinity;
    this.stateChanged();
  }

  /** The state as it is now is the last one to be saved. */
  finish(): void {
    if (this.#last !== undefined) return;
    this.stateChanged();
    this.#last = this.#capture();
  }

  /** Save the state as it is now, before anything else; rejects when that fails. */
  async commit(): Promise<void> {
    while (this.#saving !== undefined) await this.#saving;
    let failure: { readonly error: unknown } | undefined;
    const save = async (): Promise<void> => {
      // A store that throws at once must not be done before `#saving` says that it is at work.
      await Promise.resolve();
      try {
        await this.#store.save(this.#last ?? this.#capture());
      } catch (error) {
        failure = { error };
      }
      this.#saving = undefined;
      if (this.#changed) this.#saving = this.#save();
    };
    await (this.#saving = save());
    // The caller decides what a failure means: it is no news for `failed`.
    if (failure !== undefined) throw failure.error;
  }

  /** Resolves when everything that changed so far has been saved, or has failed to be. */
  async settled(): Promise<void> {
    await this.#saving;
  }

  async #save(): Promise<void> {
    // What else changes in this turn goes into the same save.
    await Promise.resolve();
    while (this.#changed) {
      this.#changed = false;
      try {
        await this.#store.save(this.#last ?? this.#capture());
      } catch (error) {
        this.#keeping.failed(error);
      }
    }
    this.#saving = undefined;
  }

  #capture(): ClientState {
    this.#deadline = Infinity;
    this.#capturedAt = this.#keeping.now();
    return this.#keeping.capture();
  }
}
