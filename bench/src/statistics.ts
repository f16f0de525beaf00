/** The few statistics that medians of interleaved rounds need. */

/** @throws RangeError for an empty list. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no median of nothing');
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Values collected under a key, in the order of the keys' first use. */
export class Samples {
  readonly #values = new Map<string, number[]>();

  add(key: string, value: number): void {
    const values = this.#values.get(key);
    if (values === undefined) this.#values.set(key, [value]);
    else values.push(value);
  }

  /** Undefined when nothing was collected under the key. */
  median(key: string): number | undefined {
    const values = this.#values.get(key);
    return values === undefined ? undefined : median(values);
  }

  /** Lowest and highest value under the key. */
  spread(key: string): readonly [number, number] | undefined {
    const values = this.#values.get(key);
    return values === undefined ? undefined : [Math.min(...values), Math.max(...values)];
  }

  toJSON(): Readonly<Record<string, readonly number[]>> {
    return Object.fromEntries(this.#values);
  }
}
