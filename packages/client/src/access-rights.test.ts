import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ALL_RIGHTS, createRight, rightsOn, type AccessControlEntry } from './access-rights.ts';

const R = 1;
const RW = 3;
const C = 16;
const entry = (owner: number, acl: readonly (readonly [number, number])[]): AccessControlEntry => ({
  owner,
  acl: new Map(acl),
});

describe('the rights of a server on an Object Instance (Core §8.2)', () => {
  // Entry, then the rights of server 1 and of server 2.
  const rows: readonly (readonly [string, AccessControlEntry | undefined, number, number])[] = [
    ['no entry at all: nobody may do anything', undefined, 0, 0],
    ['the owner, with an empty ACL: everything', entry(1, []), ALL_RIGHTS, 0],
    ['an own entry counts', entry(65535, [[1, R]]), R, 0],
    ['the owner with an own entry: only that', entry(1, [[1, R]]), R, 0],
    ['an own entry that allows nothing', entry(1, [[1, 0]]), 0, 0],
    ['the default entry is for those without one', entry(65535, [[0, RW]]), RW, RW],
    [
      'an own entry goes before the default entry, even if it allows less',
      entry(65535, [
        [0, RW],
        [2, R],
      ]),
      RW,
      R,
    ],
    ['the owner goes before the default entry', entry(2, [[0, R]]), R, ALL_RIGHTS],
  ];
  for (const [name, about, first, second] of rows) {
    it(name, () => assert.deepEqual([rightsOn(about, 1), rightsOn(about, 2)], [first, second]));
  }
});

describe('the right to Create (Core §8.2)', () => {
  const rows: readonly (readonly [string, AccessControlEntry | undefined, boolean, boolean])[] = [
    ['no entry for the Object: nobody', undefined, false, false],
    ['owning the entry is not enough', entry(1, []), false, false],
    ['an own entry', entry(65535, [[1, C]]), true, false],
    ['the default entry', entry(65535, [[0, C]]), true, true],
    ['an own entry without it goes before the default entry', entry(65535, [[0, C], [2, R]]), true, false], // prettier-ignore
  ];
  for (const [name, about, first, second] of rows) {
    it(name, () => assert.deepEqual([createRight(about, 1), createRight(about, 2)], [first, second]));
  }
});
