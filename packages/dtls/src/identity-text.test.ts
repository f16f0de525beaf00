import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { identityText } from './identity-text.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a PSK identity as text', () => {
  it('is the text it holds, where that is printable UTF-8 that cannot be mistaken for hexadecimal', () => {
    for (const text of ['urn:imei:350000000000001', 'Gerät Ω', 'with space'])
      assert.equal(identityText(bytes(text)), text);
  });

  it('is hexadecimal otherwise', () => {
    for (const [identity, text] of [
      [bytes(''), '0x'],
      [Uint8Array.of(0xff, 0x00), '0xff00'],
      [bytes('a\nb'), '0x610a62'],
      [bytes('0xff00'), '0x307866663030'],
      // Marks that turn the text around would show another identity than it is.
      [bytes('a\u202eb'), '0x61e280ae62'],
      [Uint8Array.of(0xef, 0xbb, 0xbf, 0x61), '0xefbbbf61'],
    ] as const)
      assert.equal(identityText(identity), text);
  });

  it('tells any two identities apart', () => {
    const texts = new Map<string, string>();
    for (let a = 0; a < 256; a++)
      for (const identity of [Uint8Array.of(a), Uint8Array.of(a, 0x61), bytes(`0x${a.toString(16)}`)]) {
        const text = identityText(identity);
        const hex = Buffer.from(identity).toString('hex');
        assert.equal(texts.get(text) ?? hex, hex, text);
        texts.set(text, hex);
      }
  });
});
