import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeAlert, encodeAlert } from './alert-codec.ts';
import { ALERTS } from './alert-table.ts';
import { isMalformed } from './malformed.ts';

describe('alerts (RFC 5246 §7.2)', () => {
  for (const { name, number } of ALERTS) {
    it(`${name} is ${number}, both ways`, () => {
      assert.deepEqual([...encodeAlert('fatal', name)], [2, number]);
      assert.deepEqual(decodeAlert(Uint8Array.of(1, number)), { level: 'warning', description: name });
    });
  }

  it('keeps the number of one that is in no table', () => {
    assert.deepEqual(decodeAlert(Uint8Array.of(2, 222)), { level: 'fatal', description: 'alert 222' });
    assert.deepEqual([...encodeAlert('fatal', 'alert 222')], [2, 222]);
  });

  for (const bytes of [[], [2], [0, 40], [3, 40], [2, 40, 0], [1, 0, 1, 0]]) {
    it(`[${bytes.join(' ')}] is malformed`, () => assert.ok(isMalformed(decodeAlert(Uint8Array.from(bytes)))));
  }
});
