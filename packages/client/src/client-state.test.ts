import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '@lapwing/coap';
import { ObjectDefinitions } from '@lapwing/lwm2m';
import { AttributeStore } from './attribute-store.ts';
import { captureState, isReadable, readState } from './client-state.ts';
import type { ClientState } from './client-state.ts';
import { ObjectTree } from './object-tree.ts';
import { deviceObject } from './objects/device.ts';

const DEFINITIONS = new ObjectDefinitions();

describe('what a state holds', () => {
  const key = Uint8Array.of(1, 2, 3, 4);
  const tree = new ObjectTree(
    [
      { objectId: 0, instances: { 0: { 0: 'coaps://192.0.2.1', 1: false, 2: 0, 5: key, 10: 1 } } },
      { objectId: 1, instances: { 0: { 0: 1, 1: 300 } } },
      { objectId: 21, instances: { 0: { 0: key } } },
      { objectId: 19, instances: {}, create: true },
      deviceObject(),
    ],
    DEFINITIONS,
    '1.2',
    {
      changed: () => undefined,
      removed: () => undefined,
      instancesChanged: () => undefined,
      hookFailed: () => undefined,
      unixTime: () => 0,
    },
  );
  const capture = (accounts: 'given' | 'whole'): ClientState => captureState(tree, new AttributeStore(), [], accounts);

  it('no keys when the accounts come from the options', () => {
    const state = capture('given');
    assert.deepEqual(Object.keys(state.objects), ['1', '19']);
    assert.doesNotMatch(JSON.stringify(state), /AQIDBA==/);
  });

  it('the accounts with their keys when a Bootstrap-Server may have set them', () => {
    const { objects } = capture('whole');
    assert.deepEqual(Object.keys(objects), ['0', '1', '19', '21']);
    assert.deepEqual(objects['0']?.instances['0']?.['5'], ['opaque', 'AQIDBA==']);
    assert.deepEqual(objects['1'], capture('given').objects['1']);
  });

  it('is read as it was captured, and anything else is not', () => {
    for (const accounts of ['given', 'whole'] as const) {
      const state = capture(accounts);
      assert.equal(readState(state, DEFINITIONS), state);
    }
    const sound = capture('given');
    const others: readonly unknown[] = [
      undefined, null, 'state', [], {}, { ...sound, version: 3 }, { ...sound, attributes: {} }, { ...sound, objects: [] },
      { ...sound, objects: { 1: null } }, { ...sound, notifications: undefined }, { ...sound, notifications: [1] },
      { ...sound, version: 1 },
    ]; // prettier-ignore
    for (const other of others) {
      assert.equal(isReadable(other), false);
      assert.throws(() => readState(other, DEFINITIONS), UsageError);
    }
  });

  it('of version 1: what could be read as SenML', () => {
    const version1 = { version: 1, attributes: [], objects: '[{"n":"/1/0/1","v":300},{"n":"/2/0/2/7","v":3}]' };
    assert.deepEqual(readState(version1, DEFINITIONS), {
      version: 2,
      attributes: [],
      objects: {
        1: { instances: { 0: { 1: ['integer', 300] } }, created: [], deleted: [] },
        2: { instances: { 0: { 2: { 7: ['integer', 3] } } }, created: [], deleted: [] },
      },
      notifications: [],
    });
    assert.deepEqual(readState({ ...version1, objects: 'nonsense' }, DEFINITIONS).objects, {});
  });
});
