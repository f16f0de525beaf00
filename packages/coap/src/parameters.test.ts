import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CoapParameters } from './endpoint.ts';
import { UsageError } from './errors.ts';
import { DEFAULT_COAP_PARAMETERS, resolveParameters } from './parameters.ts';

describe('parameters (RFC 7252 §4.8)', () => {
  it('derive the times of §4.8.2 from the defaults', () => {
    const { ackTimeout, ackRandomFactor, maxRetransmit, exchangeLifetime, nonLifetime } = DEFAULT_COAP_PARAMETERS;
    const maxTransmitSpan = ackTimeout * (2 ** maxRetransmit - 1) * ackRandomFactor;
    const maxLatency = 100_000;
    assert.equal(maxTransmitSpan, 45_000);
    assert.equal(exchangeLifetime, maxTransmitSpan + 2 * maxLatency + ackTimeout);
    assert.equal(nonLifetime, maxTransmitSpan + maxLatency);
  });

  it('take what is given over the defaults', () => {
    assert.deepEqual(resolveParameters({ nstart: 4 }), { ...DEFAULT_COAP_PARAMETERS, nstart: 4 });
  });

  const WRONG: readonly Partial<CoapParameters>[] = [
    { nstart: 0 },
    { ackTimeout: NaN },
    { blockBytes: 48 },
    { blockBytes: 2048 },
    { blockBytes: 8 },
    { recentMessageBytes: 100 },
    { maxBodyBytes: -1 },
  ];
  for (const wrong of WRONG) {
    it(`refuse ${JSON.stringify(wrong)}`, () => assert.throws(() => resolveParameters(wrong), UsageError));
  }
});
