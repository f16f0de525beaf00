/** Randomness that a seed reproduces, for the tests of this package: mulberry32. */
export interface Seeded {
  /** Uniform from 0 to 2^32 - 1. */
  readonly uint32: () => number;
  /** Uniform from 0 to `below` - 1. */
  integer(below: number): number;
  chance(probability: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
}

export function seededRandom(seed: number): Seeded {
  let state = seed | 0;
  const uint32 = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const integer = (below: number): number => Math.floor((uint32() / 2 ** 32) * below);
  return {
    uint32,
    integer,
    chance: (probability) => uint32() / 2 ** 32 < probability,
    pick: (items) => items[integer(items.length)]!,
  };
}
