import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeUtf8, encodeUtf8, isUtf8 } from './utf8.ts';

describe('UTF-8 (RFC 3629) agrees with the platform, at every length where the way of working changes', () => {
  const CHARACTERS = ['a', '\u007f', '\u0080', 'é', '\uffff', '😀', '\ufeff', '\ufffd', '\u0000'];
  for (const character of CHARACTERS) {
    it(`for texts that end in U+${character.codePointAt(0)!.toString(16)}`, () => {
      for (const length of [0, 1, 22, 23, 24, 25, 62, 63, 64, 65, 200]) {
        const text = 'x'.repeat(length) + character;
        const bytes = new TextEncoder().encode(text);
        assert.deepEqual(encodeUtf8(text), bytes);
        assert.equal(decodeUtf8(bytes), text);
        assert.equal(isUtf8(bytes), true);
      }
    });
  }

  it('takes the empty text', () => {
    assert.deepEqual(encodeUtf8(''), new Uint8Array(0));
    assert.equal(decodeUtf8(new Uint8Array(0)), '');
  });

  /** Stray continuation, truncated, overlong, surrogate, above U+10FFFF, bytes that never occur. RFC 3629 §3, §10. */
  const ILL_FORMED = [
    [0x80],
    [0xc3],
    [0xe2, 0x82],
    [0xc0, 0xaf],
    [0xe0, 0x80, 0xaf],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xfe],
    [0xff],
  ];
  for (const tail of ILL_FORMED) {
    it(`takes ${tail.map((byte) => byte.toString(16)).join(' ')} for ill-formed, whatever stands before it`, () => {
      for (const length of [0, 5, 23, 24, 25, 100]) {
        const bytes = Uint8Array.from([...new Uint8Array(length).fill(0x61), ...tail]);
        assert.equal(decodeUtf8(bytes), undefined);
        assert.equal(isUtf8(bytes), false);
        const besideReplacement = Uint8Array.from([0xef, 0xbf, 0xbd, ...bytes]);
        assert.equal(decodeUtf8(besideReplacement), undefined);
      }
    });
  }
});
