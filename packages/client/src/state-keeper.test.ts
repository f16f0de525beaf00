import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ClientState } from './client-state.ts';
import { StateKeeper } from './state-keeper.ts';

it('what is due while a save is under way is saved after it, and is no deadline until then', async () => {
  const saved: ClientState[] = [];
  let release = (): void => undefined;
  let now = 0;
  const save = (state: ClientState): Promise<void> => {
    saved.push(state);
    return new Promise((resolve) => (release = resolve));
  };
  const keeper = new StateKeeper(
    { load: () => undefined, save },
    {
      capture: () => ({ version: 2, attributes: [], objects: {}, notifications: [] }),
      failed: assert.fail,
      now: () => now,
      interval: 1_000,
    },
  );
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  keeper.stateChanged();
  await settled();
  keeper.stateChanged('later');
  assert.equal(keeper.nextDeadline(), 1_000);
  now = 1_000;
  keeper.handleTimeout(now);
  assert.equal(keeper.nextDeadline(), Infinity);
  assert.equal(saved.length, 1);
  release();
  await settled();
  assert.equal(saved.length, 2);
  release();
  await keeper.settled();
  assert.equal(saved.length, 2);
});
