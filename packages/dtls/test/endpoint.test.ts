/** Handshakes from end to end, and what becomes of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fixture } from './endpoint-fixture.ts';

describe('a PSK handshake', () => {
  it('opens both ends and carries data both ways', () => {
    const fixture = new Fixture();
    const { near, far } = fixture.open();
    fixture.client.send(near, 'up');
    fixture.server.send(far, 'down');
    fixture.network.run(1_000);
    assert.deepEqual(fixture.server.texts, ['up']);
    assert.deepEqual(fixture.client.texts, ['down']);
    assert.deepEqual(far.principal, { kind: 'psk', identity: new TextEncoder().encode('sensor-1') });
  });
});
