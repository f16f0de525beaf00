import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeCrypto } from '@lapwing/transport';
import { ConnectionIdTable } from './connection-ids.ts';
import { UsageError } from './errors.ts';

describe('ConnectionIdTable (RFC 9146 §3)', () => {
  for (const length of [1, 4, 6, 7, 20]) {
    it(`finds and forgets IDs of ${length} bytes, as views too`, () => {
      const table = new ConnectionIdTable<string>(length, new Uint8Array(0));
      const id = table.make(nodeCrypto)!;
      assert.equal(id.length, length);
      assert.equal(table.find(id), undefined, 'made is not yet entered');
      table.set(id, 'x');
      const datagram = Uint8Array.from([9, ...id, 9]);
      assert.equal(table.find(datagram.subarray(1, 1 + length)), 'x');
      assert.equal(table.find(datagram.subarray(0, length + 1)), undefined, 'another length');
      assert.equal(table.size, 1);
      table.delete(id);
      assert.equal(table.size, 0);
    });
  }

  it('begins every ID with the ID of the node, and knows its own', () => {
    const table = new ConnectionIdTable<string>(6, Uint8Array.of(0xab, 0xcd));
    const id = table.make(nodeCrypto)!;
    assert.deepEqual([...id.subarray(0, 2)], [0xab, 0xcd]);
    assert.ok(table.isOwn(id));
    assert.ok(!table.isOwn(Uint8Array.of(0xab, 0xce, 1, 2, 3, 4)));
    assert.ok(!table.isOwn(id.subarray(0, 5)));
  });

  it('never gives out an ID that is in use, and none when all are', () => {
    const table = new ConnectionIdTable<number>(1, new Uint8Array(0));
    let made = 0;
    for (let attempt = 0; attempt < 10_000 && table.size < 256; attempt++) {
      const id = table.make(nodeCrypto);
      if (id === undefined) continue;
      assert.equal(table.find(id), undefined);
      table.set(id, made++);
    }
    assert.equal(table.size, 256);
    assert.equal(table.make(nodeCrypto), undefined);
  });

  it('refuses a node ID that leaves no random bytes', () => {
    assert.throws(() => new ConnectionIdTable(2, Uint8Array.of(1, 2)), UsageError);
    assert.throws(() => new ConnectionIdTable(256, new Uint8Array(0)), UsageError);
  });
});
