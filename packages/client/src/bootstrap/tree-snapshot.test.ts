import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BOOTSTRAP_SERVER, dump, security, server, world, type World } from '../../test/bootstrap-tree.ts';
import { temperatureObject } from '../objects/sensor.ts';
import { restoreTree, snapshotTree } from './tree-snapshot.ts';

const full = (): World =>
  world({
    security: { 0: security(101), 1: BOOTSTRAP_SERVER },
    servers: { 0: server(101, { 8: { execute: () => undefined } }) },
    objects: [
      { objectId: 2, instances: { 0: { 0: 3, 1: 0, 2: { 1: 15, 2: 1 }, 3: 1 } } },
      temperatureObject({ value: 20 }),
    ],
  });

describe('a tree goes back to what it was (Core §6.1)', () => {
  const CHANGES: readonly (readonly [string, (one: World) => void, readonly string[]])[] = [
    ['nothing changed', () => undefined, []],
    ['an Object Instance went', ({ tree }) => tree.removeObjectInstance(1, 0), ['instances /1/0', 'changed /1/0']],
    [
      'an Object Instance came',
      ({ tree }) => tree.addObjectInstance(1, 5, { 0: 9 }),
      ['instances /1/5', 'changed /1/5'],
    ],
    ['a value changed', ({ tree }) => tree.set('/1/0/1', 7), ['changed /1/0/1']],
    ['a value came', ({ tree }) => tree.set('/1/0/5', 7), ['removed /1/0/5', 'changed /1/0/5']],
    ['a Resource Instance came', ({ tree }) => tree.set('/2/0/2/9', 7), ['removed /2/0/2/9', 'changed /2/0/2']],
    [
      'an Object Instance is another one of the same id',
      ({ tree }) => {
        tree.removeObjectInstance(1, 0);
        tree.addObjectInstance(1, 0, { 0: 3 });
      },
      ['changed /1/0/0 /1/0/1 /1/0/6 /1/0/7 /1/0/8'],
    ],
    [
      'a value changed, and another followed from it',
      ({ tree }) => tree.set('/3303/0/5700', 90),
      ['changed /3303/0/5602 /3303/0/5700'],
    ],
    [
      'a value changed to below what it goes back to',
      ({ tree }) => {
        tree.set('/3303/0/5700', 5);
        tree.set('/3303/0/5602', 6);
      },
      ['changed /3303/0/5601 /3303/0/5602 /3303/0/5700'],
    ],
  ];
  for (const [what, change, told] of CHANGES) {
    it(what, () => {
      const one = full();
      const before = dump(one.tree);
      const snapshot = snapshotTree(one.tree);
      change(one);
      one.told.length = 0;
      restoreTree(one.tree, snapshot);
      assert.deepEqual(dump(one.tree), before);
      const heard = one.told.map((line) => (line.startsWith('changed') ? ['changed', ...new Set(line.split(' ').slice(1).sort())].join(' ') : line)); // prettier-ignore
      assert.deepEqual(heard, told);
      restoreTree(one.tree, snapshot);
      assert.deepEqual(dump(one.tree), before, 'again');
    });
  }

  it('a value that follows from one that goes back does not stay as it followed', () => {
    const counting = temperatureObject({ value: 20 });
    const one = world({
      objects: [
        {
          ...counting,
          changed: (path, { tree }) => {
            if (path.resourceId !== 5700) return;
            tree.set('/3303/0/5601', (tree.get('/3303/0/5601') as number) + 1);
            tree.set('/3303/0/5603', 0);
          },
        },
      ],
    });
    const before = dump(one.tree);
    const snapshot = snapshotTree(one.tree);
    one.tree.set('/3303/0/5700', 30);
    one.told.length = 0;
    restoreTree(one.tree, snapshot);
    assert.deepEqual(dump(one.tree), before);
    const changed = new Set(one.told.at(-1)!.split(' ').slice(1));
    assert.deepEqual([...changed].sort(), ['/3303/0/5601', '/3303/0/5603', '/3303/0/5700']);
  });

  it('what is put back can change without the snapshot changing', () => {
    const one = full();
    const snapshot = snapshotTree(one.tree);
    one.tree.removeObjectInstance(1, 0);
    restoreTree(one.tree, snapshot);
    one.tree.set('/1/0/1', 9);
    restoreTree(one.tree, snapshot);
    assert.equal(one.tree.get('/1/0/1'), 300);
  });
});
