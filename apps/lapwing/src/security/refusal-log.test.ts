import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Refusal } from '@lapwing/dtls';
import { MAX_REFUSALS, RateLimit, RefusalLog } from './refusal-log.ts';

const WRONG_KEY: Refusal = { reason: 'wrong-key', text: 'The key is wrong.', claimedIdentity: 'lamp' };

describe('the refused handshakes', () => {
  it('of one host for one reason under one name are one row with a count, newest first', () => {
    const log = new RefusalLog();
    log.add({ host: '192.0.2.1', port: 1 }, WRONG_KEY, 1000);
    log.add({ host: '192.0.2.2', port: 1 }, WRONG_KEY, 2000);
    log.add({ host: '192.0.2.1', port: 7 }, WRONG_KEY, 3000);
    log.add({ host: '192.0.2.1', port: 7 }, { ...WRONG_KEY, claimedIdentity: 'door' }, 4000);
    assert.deepEqual(
      log.all().map(({ address, count, firstAt, lastAt }) => [address, count, firstAt, lastAt]),
      [
        ['192.0.2.1:7', 1, 4000, 4000],
        ['192.0.2.1:7', 2, 1000, 3000],
        ['192.0.2.2:1', 1, 2000, 2000],
      ],
    );
    assert.equal(log.total, 4);
  });

  it('are forgotten beyond a bound, those refused longest ago first', () => {
    const log = new RefusalLog();
    for (let i = 0; i < MAX_REFUSALS + 10; i++) {
      log.add({ host: '2001:db8::1', port: 1 }, { ...WRONG_KEY, claimedIdentity: `${i}` }, i);
    }
    const rows = log.all();
    assert.equal(rows.length, MAX_REFUSALS);
    assert.equal(rows.at(-1)?.claimedIdentity, '10');
    assert.equal(rows[0]?.address, '[2001:db8::1]:1');
    assert.equal(log.total, MAX_REFUSALS + 10);
  });
});

describe('a rate limit', () => {
  it('lets a burst through, and then so many each second', () => {
    const limit = new RateLimit(3, 2);
    assert.deepEqual(
      [0, 0, 0, 0, 400, 500, 500, 1000].map((now) => limit.allows(now)),
      [true, true, true, false, false, true, false, true],
    );
    assert.deepEqual(
      [60_000, 60_000, 60_000, 60_000].map((now) => limit.allows(now)),
      [true, true, true, false],
    );
  });
});
