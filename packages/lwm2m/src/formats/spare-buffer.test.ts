/** The shared buffer never shows: payloads are their own, writers at the same time are apart, growing loses nothing. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CborWriter } from './cbor/cbor-writer.ts';
import { payloadOf, takeBuffer } from './spare-buffer.ts';
import { BackwardWriter } from './tlv/backward-writer.ts';

describe('the spare buffer', () => {
  it('is one writer’s alone until that is finished', () => {
    const first = takeBuffer();
    const second = takeBuffer();
    assert.notEqual(first, second);
    payloadOf(first, 0, 0);
    assert.equal(takeBuffer(), first);
  });

  it('leaves a finished payload as it was when the next is written', () => {
    const one = new CborWriter();
    one.text('one');
    const payload = one.finish();
    const two = new BackwardWriter();
    two.utf8('two, longer, over all that was there'.repeat(40));
    two.finish();
    assert.deepEqual(payload, Uint8Array.of(0x63, 0x6f, 0x6e, 0x65));
  });

  for (const size of [1, 1000, 1023, 1024, 1025, 16_000, 16_384, 20_000, 300_000]) {
    it(`grows to ${size} bytes and keeps what stands in it`, () => {
      const forward = new CborWriter();
      const backward = new BackwardWriter();
      for (let at = 0; at < size; at++) {
        forward.integer(at % 24);
        backward.uint8(at % 24);
      }
      const written = forward.finish();
      const reversed = backward.finish().toReversed();
      assert.equal(written.length, size);
      assert.deepEqual(written, reversed);
      for (let at = 0; at < size; at += 499) assert.equal(written[at], at % 24);
    });
  }
});
