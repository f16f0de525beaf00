import assert from 'node:assert/strict';
import { it } from 'node:test';
import { OperationFailed } from '@lapwing/coap';
import { problemOf } from './problem.ts';

it('too many requests waiting for one device is a 503 that may be tried again, not a fault of the server', () => {
  const failed = new OperationFailed('QUEUE_FULL', 'too many requests wait for "one"', { retryable: true });
  const { body } = problemOf(failed);
  assert.deepEqual([body.status, body.type], [503, 'urn:lapwing:problem:not-available']);
  assert.equal(body.detail, 'Too many requests wait for "one".');
});
