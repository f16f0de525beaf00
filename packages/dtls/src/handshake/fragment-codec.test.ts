import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fragmentsOf } from '../../test/fragments.ts';
import { fromHex, toHex } from '../../test/transcripts.ts';
import { isMalformed } from '../malformed.ts';
import { decodeFragment, encodeFragment, FRAGMENT_HEADER_BYTES } from './fragment-codec.ts';
import type { HandshakeMessage } from './handshake.ts';

const MESSAGE: HandshakeMessage = { type: 11, messageSeq: 0x0203, body: Uint8Array.from({ length: 300 }, (_, i) => i) };

describe('handshake fragments (RFC 6347 §4.2.3)', () => {
  it('carry type, length of the message, message_seq, offset and length', () => {
    const fragment = encodeFragment(MESSAGE, 256, 3);
    assert.equal(toHex(fragment), '0b00012c0203000100000003' + '000102');
    assert.deepEqual(decodeFragment(fragment, 0), {
      type: 11,
      messageLength: 300,
      messageSeq: 0x0203,
      offset: 256,
      bytes: fragment.subarray(12),
    });
  });

  it('of any size make up the message without gap or overlap', () => {
    for (let budget = FRAGMENT_HEADER_BYTES + 1; budget <= 320; budget++) {
      let end = 0;
      for (const bytes of fragmentsOf(MESSAGE, budget)) {
        assert.ok(bytes.length <= budget);
        const fragment = decodeFragment(bytes, 0);
        assert.ok(!isMalformed(fragment));
        assert.equal(fragment.offset, end);
        assert.deepEqual(fragment.bytes, MESSAGE.body.subarray(end, end + fragment.bytes.length));
        end += fragment.bytes.length;
      }
      assert.equal(end, MESSAGE.body.length);
    }
  });

  it('are one where the message fits, and one for a message without a body', () => {
    assert.equal(fragmentsOf(MESSAGE, 312).length, 1);
    assert.deepEqual(fragmentsOf({ type: 14, messageSeq: 2, body: new Uint8Array(0) }, 13).map(toHex), [
      '0e0000000002000000000000',
    ]);
  });

  const MALFORMED: readonly (readonly [why: string, hex: string])[] = [
    ['nothing', ''],
    ['a header cut short', '0e00000000020000000000'],
    ['more than the record has', '0b00000500010000000000050102'],
    ['more than the message has', '0b0000020001000001000002aabb'],
    ['an offset beyond the message', '0b0000000001000001000000'],
    ['no byte of a message that has some (CVE-2026-33845)', '0b0000050001000000000000'],
    ['no byte at an offset (CVE-2026-33845)', '0b0000050001000003000000'],
    ['no byte at the end', '0b0000050001000005000000'],
  ];
  for (const [why, hex] of MALFORMED) {
    it(`are malformed with ${why}`, () => assert.ok(isMalformed(decodeFragment(fromHex(hex), 0))));
  }
});
