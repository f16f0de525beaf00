/** Registers that wait for a slow store: how many new names they will bring, and which of one name was received last. */
export class RegistersInFlight {
  readonly #byName = new Map<string, { waiting: number; isNew: boolean; newest: number }>();
  #newNames = 0;
  #received = 0;

  /** Names in flight that no registration had when they began. */
  get newNames(): number {
    return this.#newNames;
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** A Register goes to the store. @returns its place in the order of receipt. */
  begin(name: string, isNew: boolean): number {
    const place = ++this.#received;
    const flight = this.#byName.get(name);
    if (flight !== undefined) {
      flight.waiting++;
      return place;
    }
    if (isNew) this.#newNames++;
    this.#byName.set(name, { waiting: 1, isNew, newest: 0 });
    return place;
  }

  /** The store has it. @returns whether none of its name that was received later has been stored before it. */
  stored(name: string, place: number): boolean {
    const flight = this.#byName.get(name)!;
    const isNewest = place > flight.newest;
    if (isNewest) flight.newest = place;
    this.#noLongerNew(flight);
    this.#land(name, flight);
    return isNewest;
  }

  /** The store could not keep it. */
  failed(name: string): void {
    this.#land(name, this.#byName.get(name)!);
  }

  #land(name: string, flight: { waiting: number; isNew: boolean }): void {
    if (--flight.waiting > 0) return;
    this.#noLongerNew(flight);
    this.#byName.delete(name);
  }

  #noLongerNew(flight: { isNew: boolean }): void {
    if (flight.isNew) this.#newNames--;
    flight.isNew = false;
  }
}
