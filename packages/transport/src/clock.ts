/**
 * Time, timers and randomness of a driver: those of this machine, or virtual ones in tests.
 */
import { getRandomValues } from 'node:crypto';

export interface Clock {
  /** Monotonic, in ms. */
  now(): number;
  /** ms since 1970. */
  unixTime(): number;
  /** Uniform 32-bit unsigned, hard to predict: tokens come from it. */
  random(): number;
  /** Call once in `delay` ms, at most 2^31 - 1. Answers what `clearTimer` takes. */
  setTimer(callback: () => void, delay: number): unknown;
  /** Undefined and timers that have fired are no error. */
  clearTimer(timer: unknown): void;
}

const randomWords = new Uint32Array(256);
let randomLeft = 0;

export const SYSTEM_CLOCK: Clock = Object.freeze({
  now: () => performance.now(),
  unixTime: () => Date.now(),
  random(): number {
    if (randomLeft === 0) {
      getRandomValues(randomWords);
      randomLeft = randomWords.length;
    }
    return randomWords[--randomLeft]!;
  },
  setTimer: (callback: () => void, delay: number) => setTimeout(callback, delay),
  clearTimer: (timer: unknown) => clearTimeout(timer as NodeJS.Timeout | undefined),
});
