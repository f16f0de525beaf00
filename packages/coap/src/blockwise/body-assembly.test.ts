import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BodyAssembly, type Block, type BlockVerdict } from './body-assembly.ts';

const BLOCK_BYTES = 5;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const block = (offset: number, text: string, more: boolean): Block => ({ offset, payload: bytes(text), more });

interface Step {
  readonly payload: string;
  readonly num: number;
  readonly more: boolean;
  readonly verdict: BlockVerdict;
  readonly assembled: string | undefined;
}
const step = (payload: string, num: number, more: boolean, verdict: BlockVerdict, assembled?: string): Step => ({
  payload,
  num,
  more,
  verdict,
  assembled,
});

// The flows of Wakaama's coap_block1tests.c, with its artificial block size of 5.
const FLOWS: readonly (readonly [name: string, steps: readonly Step[]])[] = [
  ['in order', [step('12345', 0, true, 'appended'), step('67', 1, false, 'complete', '1234567')]],
  [
    'each block twice',
    [
      step('12345', 0, true, 'appended'),
      step('12345', 0, true, 'repeated'),
      step('67', 1, false, 'complete', '1234567'),
      step('67', 1, false, 'repeated'),
    ],
  ],
];

describe('body assembly (RFC 7959 §2.3)', () => {
  for (const [name, steps] of FLOWS) {
    it(`assembles a body that comes ${name}`, () => {
      const assembly = new BodyAssembly('whole');
      for (const { payload, num, more, verdict, assembled } of steps) {
        assert.equal(assembly.accept(block(num * BLOCK_BYTES, payload, more), BLOCK_BYTES), verdict);
        if (assembled !== undefined) assert.deepEqual(assembly.take(), bytes(assembled));
      }
    });
  }

  const REFUSED: readonly (readonly [name: string, block: Block, verdict: BlockVerdict])[] = [
    ['a gap', block(10, '67890', true), 'gap'],
    ['an overlap', block(0, '123456', true), 'gap'],
    ['other bytes in the place of the last block', block(0, '54321', true), 'gap'],
    ['the last block, now as the end', block(0, '12345', false), 'gap'],
    ['a short block with more to come', block(5, '6789', true), 'bad-length'],
    ['a block above its size', block(5, '678901', false), 'bad-length'],
  ];
  for (const [name, refused, verdict] of REFUSED) {
    it(`refuses ${name} and keeps what it has`, () => {
      const assembly = new BodyAssembly('whole');
      assembly.accept(block(0, '12345', true), BLOCK_BYTES);
      assert.equal(assembly.accept(refused, BLOCK_BYTES), verdict);
      assert.equal(assembly.length, 5);
      assert.equal(assembly.accept(block(5, '67', false), BLOCK_BYTES), 'complete');
      assert.equal(assembly.isComplete, true);
      assert.equal(assembly.accept(block(7, '8', false), BLOCK_BYTES), 'gap');
      assert.deepEqual(assembly.take(), bytes('1234567'));
    });
  }

  it('accepts an empty last block after full ones', () => {
    const assembly = new BodyAssembly('whole');
    assembly.accept(block(0, '12345', true), BLOCK_BYTES);
    assert.equal(assembly.accept(block(5, '', false), BLOCK_BYTES), 'complete');
    assert.deepEqual(assembly.take(), bytes('12345'));
  });

  it('copies what it keeps: the datagram may change afterwards', () => {
    const assembly = new BodyAssembly('whole');
    const payload = bytes('12345');
    assembly.accept({ offset: 0, payload, more: false }, BLOCK_BYTES);
    payload.fill(0);
    assert.deepEqual(assembly.take(), bytes('12345'));
  });

  it('keeps no block but the last of a body that passes through', () => {
    const assembly = new BodyAssembly('passing');
    assembly.accept(block(0, '12345', true), BLOCK_BYTES);
    assembly.accept(block(5, '67890', true), BLOCK_BYTES);
    assert.equal(assembly.accept(block(5, '67890', true), BLOCK_BYTES), 'repeated');
    assert.equal(assembly.accept(block(0, '12345', true), BLOCK_BYTES), 'gap');
    assert.equal(assembly.length, 10);
    assert.equal(assembly.take().length, 0);
  });
});
