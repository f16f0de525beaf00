import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  entriesOf,
  integerValue,
  nodeAt,
  objectInstancePath,
  objectPath,
  resourceInstancePath,
  resourcePath,
  ROOT,
  stringValue,
} from './index.ts';
import type { NodeEntry } from './index.ts';

const entries: readonly NodeEntry[] = [
  { kind: 'value', path: resourceInstancePath(3, 0, 6, 1), value: integerValue(5) },
  { kind: 'value', path: resourceInstancePath(3, 0, 6, 0), value: integerValue(1) },
  { kind: 'value', path: resourcePath(3, 0, 0), value: stringValue('Open Mobile Alliance') },
  { kind: 'empty', path: resourcePath(3, 0, 11) },
  { kind: 'empty', path: objectInstancePath(4, 0) },
  { kind: 'empty', path: objectPath(5) },
];

describe('nodeAt', () => {
  it('builds the tree of an Object, children ascending, and nothing from elsewhere', () => {
    assert.deepEqual(nodeAt(entries, objectPath(3)), {
      kind: 'object',
      objectId: 3,
      instances: [
        {
          kind: 'objectInstance',
          objectInstanceId: 0,
          resources: [
            { kind: 'resource', resourceId: 0, value: stringValue('Open Mobile Alliance') },
            {
              kind: 'multipleResource',
              resourceId: 6,
              instances: [
                { kind: 'resourceInstance', resourceInstanceId: 0, value: integerValue(1) },
                { kind: 'resourceInstance', resourceInstanceId: 1, value: integerValue(5) },
              ],
            },
            { kind: 'multipleResource', resourceId: 11, instances: [] },
          ],
        },
      ],
    });
  });

  it('finds what is empty, and nothing where nothing is', () => {
    assert.deepEqual(nodeAt(entries, objectPath(5)), { kind: 'object', objectId: 5, instances: [] });
    assert.deepEqual(nodeAt(entries, objectPath(4)), {
      kind: 'object',
      objectId: 4,
      instances: [{ kind: 'objectInstance', objectInstanceId: 0, resources: [] }],
    });
    assert.equal(nodeAt(entries, objectPath(6)), undefined);
    assert.equal(nodeAt(entries, resourceInstancePath(3, 0, 6, 2)), undefined);
    assert.equal(nodeAt(entries, ROOT), undefined);
    assert.equal(nodeAt([{ kind: 'remove', path: resourceInstancePath(3, 0, 6, 0) }], objectPath(3)), undefined);
  });

  it('takes the newest value: no timestamp is now, and of equal ones the last counts', () => {
    const path = resourcePath(3303, 0, 5700);
    const at = (timestamp: number | undefined, value: number): NodeEntry => ({
      kind: 'value',
      path,
      value: integerValue(value),
      ...(timestamp !== undefined && { timestamp }),
    });
    const newest = (...given: readonly NodeEntry[]): unknown => {
      const node = nodeAt(given, path);
      return node?.kind === 'resource' ? node.value.value : node;
    };
    assert.equal(newest(at(10, 1), at(30, 2), at(20, 3)), 2);
    assert.equal(newest(at(undefined, 1), at(30, 2)), 1);
    assert.equal(newest(at(30, 1), at(30, 2)), 2);
    assert.equal(newest(at(undefined, 1), at(undefined, 2)), 2);
  });

  it('prefers Resource Instances to a value that contradicts them', () => {
    const node = nodeAt(
      [...entries, { kind: 'value', path: resourcePath(3, 0, 6), value: integerValue(9) }],
      resourcePath(3, 0, 6),
    );
    assert.equal(node?.kind, 'multipleResource');
  });
});

describe('entriesOf', () => {
  it('is the inverse of nodeAt', () => {
    for (const path of [
      objectPath(3),
      objectPath(4),
      objectPath(5),
      objectInstancePath(3, 0),
      resourcePath(3, 0, 6),
      resourcePath(3, 0, 11),
      resourceInstancePath(3, 0, 6, 1),
    ]) {
      const node = nodeAt(entries, path);
      assert.ok(node !== undefined);
      assert.deepEqual(nodeAt(entriesOf(node, path), path), node);
    }
  });

  it('of a node of another level than the path is the caller’s mistake', () => {
    const node = nodeAt(entries, objectPath(3));
    assert.ok(node !== undefined);
    assert.throws(() => entriesOf(node, resourcePath(3, 0, 6)), /a node of kind object cannot be at \/3\/0\/6/);
  });
});
