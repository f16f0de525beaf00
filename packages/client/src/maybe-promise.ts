/**
 * Handlers may answer at once or later. What is answered at once stays synchronous all the way, so that the response is
 * piggybacked on the Acknowledgement; only a slow handler costs a promise.
 */
export type MaybePromise<T> = T | Promise<T>;

/** `next` applied to the value, now when it is here. */
export function andThen<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** All values, in order; a promise only when one of them is. */
export function all<T>(values: readonly MaybePromise<T>[]): MaybePromise<readonly T[]> {
  return values.some((value) => value instanceof Promise) ? Promise.all(values) : (values as readonly T[]);
}

/** Run `step` for each item, one after the other. */
export function eachInOrder<T>(
  items: readonly T[],
  step: (item: T) => MaybePromise<void>,
  from = 0,
): MaybePromise<void> {
  for (let index = from; index < items.length; index++) {
    const done = step(items[index] as T);
    if (done instanceof Promise) return done.then(() => eachInOrder(items, step, index + 1));
  }
}
