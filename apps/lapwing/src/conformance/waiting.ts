/** Waiting for what a device does of its own accord. */
import { setTimeout } from 'node:timers/promises';

const INTERVAL = 100;

/** Ask again and again, for at most `timeout` ms; false when it did not come to be. */
export async function until(timeout: number, isSo: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + timeout;
  for (;;) {
    if (await isSo()) return true;
    if (performance.now() >= deadline) return false;
    await setTimeout(INTERVAL);
  }
}
