/**
 * Saves the state of a client after it has changed: once for all changes of a turn, one save at a time, and again when
 * something changed while saving.
 */
import type { ClientState, ClientStateStore } from './client-state.ts';

export class StateKeeper {
  readonly #store: ClientStateStore;
  readonly #capture: () => ClientState;
  readonly #failed: (error: unknown) => void;
  #changed = false;
  #saving: Promise<void> | undefined;

  constructor(store: ClientStateStore, capture: () => ClientState, failed: (error: unknown) => void) {
    this.#store = store;
    this.#capture = capture;
    this.#failed = failed;
  }

  stateChanged(): void {
    this.#changed = true;
    this.#saving ??= this.#save();
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
        await this.#store.save(this.#capture());
      } catch (error) {
        this.#failed(error);
      }
    }
    this.#saving = undefined;
  }
}
