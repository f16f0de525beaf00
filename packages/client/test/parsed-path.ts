import assert from 'node:assert/strict';
import { isMalformed, parsePath } from '@lapwing/lwm2m';
import type { Path } from '@lapwing/lwm2m';

/** A path of a test, which has to be one. */
export function parsed(text: string): Path {
  const path = parsePath(text);
  assert.ok(!isMalformed(path), text);
  return path;
}
