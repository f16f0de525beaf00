import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatNodePath, isWithin, parseNodePath } from './node-path.ts';

describe('paths of nodes', () => {
  it('name their parts', () => {
    assert.deepEqual(parseNodePath('/3'), { objectId: 3 });
    assert.deepEqual(parseNodePath('/3/0/7/1'), {
      objectId: 3,
      objectInstanceId: 0,
      resourceId: 7,
      resourceInstanceId: 1,
    });
    assert.equal(formatNodePath(3, 0, 9), '/3/0/9');
  });
  it('of another form are none', () => {
    for (const text of ['', '/', '3', '/3/', '/3/0/7/1/2', '/a', '/123456'])
      assert.equal(parseNodePath(text), undefined);
  });
  it('lie below another by whole IDs', () => {
    assert.ok(isWithin('/3/0/9', '/3/0'));
    assert.ok(isWithin('/3', '/3'));
    assert.ok(!isWithin('/31/0', '/3'));
  });
});
