/** Letting virtual time pass until something has come about. */
import assert from 'node:assert/strict';
import type { SimulatedNetwork } from '@lapwing/testkit';

/** Longer than any exchange takes, and than a handshake that nobody answers. ms. */
const PATIENCE = 400_000;

export async function until(
  network: SimulatedNetwork,
  condition: () => boolean,
  limit: number = PATIENCE,
): Promise<void> {
  for (let waited = 0; !condition(); waited += 100) {
    assert.ok(waited < limit, `it has not come about within ${limit / 1000} s`);
    await network.run(100);
  }
}

/** Until the promise has settled. */
export async function settle<T>(network: SimulatedNetwork, promise: Promise<T>): Promise<T> {
  let done = false;
  const mark = (): void => void (done = true);
  promise.then(mark, mark);
  for (let waited = 0; !done && waited < PATIENCE; waited += 20) await network.run(20);
  assert.ok(done, `not answered within ${PATIENCE / 1000} s`);
  return promise;
}
