import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { describe, it } from 'node:test';
import { ecKeyPair } from '../../test/certificate-crypto.ts';
import { UsageError } from '../errors.ts';
import { isMalformed } from '../malformed.ts';
import { formatPem, parsePem, type PemBlock } from './pem.ts';

const blocks = (text: string): readonly PemBlock[] => {
  const parsed = parsePem(text);
  assert.ok(!isMalformed(parsed), JSON.stringify(parsed));
  return parsed;
};

describe('PEM (RFC 7468)', () => {
  it('what is formatted is parsed back, of every length', () => {
    for (let length = 1; length < 200; length++) {
      const der = Uint8Array.from({ length }, (_, index) => index * 7 + length);
      assert.deepEqual(blocks(formatPem({ label: 'CERTIFICATE', der })), [{ label: 'CERTIFICATE', der }]);
    }
  });

  it('a key as Node writes it is written the same, and the other way round', () => {
    const { privateKey } = ecKeyPair();
    const text = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    const [block] = blocks(text);
    assert.equal(block?.label, 'PRIVATE KEY');
    assert.equal(formatPem(block), text);
    assert.ok(createPrivateKey(formatPem(block)).equals(privateKey));
  });

  it('several blocks in a text for people, with line ends of any system (§5.2)', () => {
    const text =
      'issuer=x\n-----BEGIN A-----\r\nAA\r\n==\r\n-----END A-----\rsubject\n-----BEGIN B C-----  \nAQID\n-----END B C-----';
    assert.deepEqual(blocks(text), [
      { label: 'A', der: Uint8Array.of(0) },
      { label: 'B C', der: Uint8Array.of(1, 2, 3) },
    ]);
    assert.deepEqual(blocks('no block at all'), []);
  });

  const MALFORMED: readonly (readonly [name: string, text: string, what: RegExp])[] = [
    ['no end', '-----BEGIN A-----\nAAAA\n', /block A of line 1 does not end/],
    ['an end alone', 'x\n-----END A-----\n', /line 2 ends a block A that was not begun/],
    ['another end', '-----BEGIN A-----\nAAAA\n-----END B-----\n', /line 3 ends a block B/],
    [
      'one inside of another',
      '-----BEGIN A-----\n-----BEGIN A-----\n',
      /line 2 begins a block inside of the one of line 1/,
    ],
    ['nothing in it', '-----BEGIN A-----\n-----END A-----\n', /not base64/],
    ['a foreign character', '-----BEGIN A-----\nAA*A\n-----END A-----\n', /not base64/],
    ['a missing padding', '-----BEGIN A-----\nAAA\n-----END A-----\n', /not base64/],
    ['padding in the middle', '-----BEGIN A-----\nAA==AAAA\n-----END A-----\n', /not base64/],
    ['bits left over', '-----BEGIN A-----\nAB==\n-----END A-----\n', /not base64/],
    [
      'headers of an encrypted key',
      '-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END A-----\n',
      /decrypt it first/,
    ],
    ['no label', '-----BEGIN -----\nAAAA\n-----END -----\n', /line 1 has no label/],
    ['257 blocks', '-----BEGIN A-----\nAAAA\n-----END A-----\n'.repeat(257), /more than 256 blocks/],
    ['over 1 MiB', ' '.repeat(1_048_577), /1048577 characters/],
  ];
  for (const [name, text, what] of MALFORMED) {
    it(`${name} is malformed`, () => {
      const parsed = parsePem(text);
      assert.ok(isMalformed(parsed));
      assert.match(parsed.malformed, what);
    });
  }

  it('a sentence about a malformed block does not contain it: it may be a private key', () => {
    const parsed = parsePem('-----BEGIN PRIVATE KEY-----\nc2VjcmV0*\n-----END PRIVATE KEY-----\n');
    assert.ok(isMalformed(parsed));
    assert.doesNotMatch(parsed.malformed, /c2VjcmV0/);
  });

  it('a label with a line break is a UsageError', () => {
    assert.throws(() => formatPem({ label: 'A\nB', der: Uint8Array.of(0) }), UsageError);
  });
});
