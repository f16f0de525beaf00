import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Mistakes, placeWords, pointerTo } from './mistakes.ts';
import { configurationWords, durationWords, formatWords, isGoodResult, outcomeMood, resultWords } from './words.ts';

describe('bootstraps in words', () => {
  it('say what a configuration gives', () => {
    const account = { shortServerId: 1, security: { mode: 'none' } } as const;
    assert.equal(configurationWords({}), 'nothing is written');
    assert.equal(configurationWords({ servers: [account] }), '1 server');
    assert.equal(
      configurationWords({ servers: [account, account], objects: [{ path: '/3/0/15', value: '' }] }),
      '2 servers, 1 other write',
    );
  });

  it('say how an operation and a session went', () => {
    assert.equal(resultWords('2.04'), '2.04');
    assert.equal(resultWords('timeout'), 'no answer');
    assert.deepEqual([isGoodResult('2.02'), isGoodResult('4.00'), isGoodResult('timeout')], [true, false, false]);
    assert.equal(outcomeMood({ kind: 'finished', text: '' }), 'good');
    assert.equal(outcomeMood({ kind: 'timeout', text: '' }), 'bad');
    assert.equal(outcomeMood({ kind: 'replaced', text: '' }), 'neutral');
  });

  it('say Content-Formats and durations', () => {
    assert.deepEqual(
      [formatWords(112), formatWords(40), formatWords(7)],
      ['SenML CBOR', 'link format', 'Content-Format 7'],
    );
    assert.deepEqual([0.44, 9.96, 41.4, 2345].map(durationWords), ['0.4 ms', '10 ms', '41 ms', '2.3 s']);
  });
});

describe('what is wrong with a configuration', () => {
  it('is found by where it is, the first sentence of a place stays', () => {
    const mistakes = new Mistakes();
    mistakes.add('/servers/1/uri', 'first');
    mistakes.add('/servers/1/uri', 'second');
    assert.equal(mistakes.at('/servers/1/uri'), 'first');
    assert.equal(mistakes.at('/servers/1'), undefined);
    assert.equal(mistakes.within('/servers/1'), 'first');
    assert.equal(mistakes.within('/servers/10'), undefined);
  });

  it('has places that are escaped in pointers (RFC 6901) and have words', () => {
    assert.equal(pointerTo('/a', 'b/c~', 0), '/a/b~1c~0/0');
    assert.equal(placeWords('/servers/1/uri'), 'LwM2M Server 2');
    assert.equal(placeWords('/device'), undefined);
  });
});
