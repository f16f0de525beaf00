import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { entityTagOf } from './entity-tag.ts';

describe('ETag made from a body (RFC 7959 §2.4)', () => {
  // Test vectors of FNV-1a, 32 bits: draft-eastlake-fnv, appendix C.
  for (const [body, tag] of [
    ['', '811c9dc5'],
    ['a', 'e40c292c'],
    ['foobar', 'bf9cf968'],
  ] as const) {
    it(`of "${body}" is ${tag}`, () => {
      assert.equal(Buffer.from(entityTagOf(new TextEncoder().encode(body))).toString('hex'), tag);
    });
  }
});
