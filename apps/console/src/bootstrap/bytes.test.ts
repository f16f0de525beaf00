import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { identityText, parseBytes, parseIdentity } from './bytes.ts';

describe('keys and certificates as people have them', () => {
  const bytes = (base64: string) => ({ ok: true, base64 });
  it('are taken as hexadecimal, base64 of both alphabets, or PEM', () => {
    assert.deepEqual(parseBytes('00ff'), bytes('AP8='));
    assert.deepEqual(parseBytes('0x00FF'), bytes('AP8='));
    assert.deepEqual(parseBytes('00:ff 10'), bytes('AP8Q'));
    assert.deepEqual(parseBytes('AP+/'), bytes('AP+/'));
    assert.deepEqual(parseBytes('AP-_'), bytes('AP+/'));
    assert.deepEqual(parseBytes('-----BEGIN PUBLIC KEY-----\nAP8=\n-----END PUBLIC KEY-----\n'), bytes('AP8='));
    // Of PEM, what only has hexadecimal digits is base64 all the same.
    assert.deepEqual(
      parseBytes('-----BEGIN X-----\nabcd\n-----END X-----'.replace(/X/g, 'CERTIFICATE')),
      bytes('abcd'),
    );
  });

  it('are refused with what is needed otherwise', () => {
    for (const text of ['', '!', 'abc', 'z', '-----BEGIN PUBLIC KEY-----\nAP8='])
      assert.equal(parseBytes(text).ok, false, text);
  });

  it('PSK identities are text, or 0x and hexadecimal, and come back as they were', () => {
    assert.equal(identityText('dev'), 'dev');
    assert.equal(identityText({ base64: 'AP8=' }), '0x00ff');
    assert.equal(identityText({ hex: '00ff' }), '0x00ff');
    // Text that looks like hexadecimal stays the bytes it is.
    assert.equal(identityText('0x1'), '0x307831');
    assert.deepEqual(parseIdentity('dev'), { ok: true, identity: 'dev' });
    assert.deepEqual(parseIdentity('0x00ff'), { ok: true, identity: { hex: '00ff' } });
    assert.equal(parseIdentity('0x0').ok, false);
  });
});
