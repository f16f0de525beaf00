import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HandshakeLimits } from './limits.ts';

describe('HandshakeLimits', () => {
  it('counts all handshakes, and gives back what it took (CVE-2022-39368)', () => {
    const limits = new HandshakeLimits({ maxHandshakes: 2, maxHandshakesPerHost: Infinity });
    const a = { host: '10.0.0.1', port: 1 };
    for (let round = 0; round < 1_000; round++) {
      assert.ok(limits.take(a));
      assert.ok(limits.take(a));
      assert.ok(!limits.take(a));
      limits.release(a);
      limits.release(a);
    }
    assert.equal(limits.taken, 0);
    assert.equal(limits.hosts, 0, 'without a bound per host none is remembered');
  });

  it('counts per host whatever the port, and forgets a host with its last', () => {
    const limits = new HandshakeLimits({ maxHandshakes: 100, maxHandshakesPerHost: 2 });
    assert.ok(limits.take({ host: '10.0.0.1', port: 1 }));
    assert.ok(limits.take({ host: '10.0.0.1', port: 2 }));
    assert.ok(!limits.take({ host: '10.0.0.1', port: 3 }));
    assert.ok(limits.take({ host: '2001:db8::1', port: 3 }));
    assert.equal(limits.hosts, 2);
    assert.equal(limits.taken, 3, 'a refusal takes nothing');
    limits.release({ host: '10.0.0.1', port: 9 });
    assert.ok(limits.take({ host: '10.0.0.1', port: 3 }));
    limits.release({ host: '10.0.0.1', port: 3 });
    limits.release({ host: '10.0.0.1', port: 1 });
    limits.release({ host: '2001:db8::1', port: 3 });
    assert.equal(limits.hosts, 0);
    assert.equal(limits.taken, 0);
  });
});
