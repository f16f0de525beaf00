/** What the cases that observe an Object have in common: attributes, Observe, and notifications within the periods. */
import assert from 'node:assert/strict';
import type { Told } from '../operator.ts';
import type { Scene } from '../scene.ts';

/**
 * Observe with these periods, change something, and take what is told: the change when the minimum period is over, then
 * nothing new until the maximum period is.
 */
export async function changeWhileObserved(
  scene: Scene,
  path: string,
  { pmin, pmax }: { readonly pmin: number; readonly pmax: number },
  change: () => void | Promise<unknown>,
): Promise<readonly Told[]> {
  const { server } = scene;
  assert.equal(await server.writeAttributes(path, { pmin, pmax }), '2.04');
  await server.observe(path);
  const since = scene.network.now();
  server.told();
  await change();
  await scene.seconds(pmin + pmax + 2);
  const told = server.told(path);
  assert.equal(told.length, 2, `${told.length} notifications in ${pmin + pmax + 2} s`);
  const [changed, repeated] = told.map(({ at }) => (at - since) / 1000);
  assert.ok(changed! >= pmin && changed! < pmin + 1, `told after ${changed} s, pmin is ${pmin} s`);
  assert.ok(repeated! - changed! <= pmax + 1, `told again after ${repeated! - changed!} s, pmax is ${pmax} s`);
  return told;
}
