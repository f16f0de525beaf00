import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isMalformed } from '@lapwing/lwm2m';
import { decodeCursor, encodeCursor } from './cursor.ts';

describe('cursors', () => {
  for (const name of ['a', 'urn:dev:os:1-2', 'Ünicode/with slash', '']) {
    it(`bring back "${name}" and are safe in a URL`, () => {
      const cursor = encodeCursor(name);
      assert.match(cursor, /^[A-Za-z0-9_-]+$/);
      assert.equal(decodeCursor(cursor), name);
    });
  }
  for (const text of ['', '!', 'YWJj', encodeCursor('abc').slice(0, -1), 'bjr_']) {
    it(`"${text}" is refused`, () => assert.ok(isMalformed(decodeCursor(text))));
  }
});
