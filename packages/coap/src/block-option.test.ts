import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromHex, title, toHex, vectorsOf } from '../test/vectors.ts';
import {
  MAX_BLOCK_NUMBER,
  blockBytesOf,
  decodeBlockOption,
  encodeBlockOption,
  packBlock,
  readBlockOption,
  sizeExponentFor,
  unpackBlock,
} from './block-option.ts';
import type { BlockOption } from './block-option.ts';
import { UsageError } from './errors.ts';
import { buildOptions } from './option-access.ts';

describe('the value of Block1 and Block2 (RFC 7959 §2.2)', () => {
  for (const vector of vectorsOf('block-option')) {
    const { hex, size, expected } = vector;
    if (hex === undefined) {
      it(`chooses the size of ${title(vector)}`, () => assert.equal(sizeExponentFor(size!), expected.szx));
    } else {
      it(`decodes ${title(vector)}`, () => assert.deepEqual(decodeBlockOption(fromHex(hex)), expected));
      it(`encodes ${title(vector)}`, () => assert.equal(toHex(encodeBlockOption(expected as BlockOption)), hex));
    }
  }

  it('is nothing when it has more than 3 bytes', () => assert.equal(decodeBlockOption(fromHex('01000000')), undefined));

  it('takes leading zeros', () =>
    assert.deepEqual(decodeBlockOption(fromHex('00001e')), { num: 1, more: true, szx: 6 }));

  it('comes back from a list of options', () => {
    const block: BlockOption = { num: 77, more: true, szx: 6 };
    const options = buildOptions({ block1: packBlock(block), block2: packBlock({ num: 0, more: false, szx: 2 }) });
    assert.deepEqual(readBlockOption(options, 'block1'), block);
    assert.deepEqual(readBlockOption(options, 'block2'), { num: 0, more: false, szx: 2 });
    assert.equal(readBlockOption([], 'block1'), undefined);
    assert.deepEqual(unpackBlock(0xffffff), { num: MAX_BLOCK_NUMBER, more: true, szx: 7 });
  });

  it('has blocks of 16 to 1024 bytes, and never more than asked for above 16', () => {
    assert.deepEqual(([0, 1, 2, 3, 4, 5, 6] as const).map(blockBytesOf), [16, 32, 64, 128, 256, 512, 1024]);
    for (let bytes = 1; bytes < 3000; bytes++) {
      const chosen = blockBytesOf(sizeExponentFor(bytes));
      assert.ok(chosen <= Math.max(bytes, 16) && (chosen === 1024 || chosen * 2 > bytes), `${bytes} bytes: ${chosen}`);
    }
  });

  it('refuses a block number that 20 bits cannot hold with UsageError', () => {
    assert.throws(() => packBlock({ num: MAX_BLOCK_NUMBER + 1, more: false, szx: 0 }), UsageError);
    assert.throws(() => encodeBlockOption({ num: -1, more: false, szx: 0 }), UsageError);
  });
});
