import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setUp } from '../test/setup.ts';

describe('a Bootstrap', () => {
  it('is request, Discover, Delete, Write of Security and Server, Finish (OMA 1.1-int-0)', async () => {
    await using setup = setUp();
    const device = setup.device();
    const answer = await setup.settle(device.request('ep=one'));
    assert.equal(answer?.code, '2.04');
    await setup.network.runUntilIdle();
    assert.deepEqual(device.operations, ['GET /', 'PUT /0/1', 'PUT /1/0', 'POST /bs']);
    assert.equal(device.finished, 1);
    assert.deepEqual(setup.ended[0]?.outcome, { kind: 'finished' });
    assert.deepEqual(device.below('/0/1'), {
      '/0/1/0': 'coap://10.0.9.9:5683',
      '/0/1/1': false,
      '/0/1/10': 123,
      '/0/1/2': 3,
      '/0/1/3': new Uint8Array(0),
      '/0/1/4': new Uint8Array(0),
      '/0/1/5': new Uint8Array(0),
    });
    assert.deepEqual(device.below('/1/0'), { '/1/0/0': 123, '/1/0/1': 300, '/1/0/6': false, '/1/0/7': 'U' });
    assert.equal(device.values.get('/0/0/0'), 'coap://bootstrap.example');
    assert.deepEqual(setup.server.usage, { sessions: 0, endedSessions: 1, deadlines: 0, pendingRequests: 0 });
  });
});
