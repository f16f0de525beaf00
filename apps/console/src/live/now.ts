/** The present, for ages and lifetimes on screen: one interval however many show it, none when nothing does. */
import { useSyncExternalStore } from 'react';

const TICK = 1000;

let now = Date.now();
let interval: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

const listen = (listener: () => void): (() => void) => {
  listeners.add(listener);
  if (interval === undefined) {
    now = Date.now();
    interval = setInterval(() => {
      now = Date.now();
      for (const each of listeners) each();
    }, TICK);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(interval);
      interval = undefined;
    }
  };
};

/** ms since 1970, renewed every second. */
export const useNow = (): number => useSyncExternalStore(listen, () => now);
