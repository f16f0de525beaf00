import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { title, vectorsOf } from '../../test/vectors.ts';
import { isNewerNotification } from './freshness.ts';

describe('which notification is newer (RFC 7641 §3.4)', () => {
  for (const vector of vectorsOf('observe-seq')) {
    const { v1, v2, elapsedSeconds, expected } = vector;
    it(`${v2} after ${v1}: ${title(vector)}`, () => {
      assert.equal(isNewerNotification(v1!, v2!, elapsedSeconds! * 1000), expected.newer);
    });
  }
  it('believes the numbers up to and including 128 s', () => {
    assert.equal(isNewerNotification(5, 4, 128_000), false);
    assert.equal(isNewerNotification(5, 4, 128_001), true);
  });
  it('takes neither of two numbers exactly half the range apart for newer', () => {
    assert.equal(isNewerNotification(0, 2 ** 23, 0), false);
    assert.equal(isNewerNotification(2 ** 23, 0, 0), false);
  });
});
