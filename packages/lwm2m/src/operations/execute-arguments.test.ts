import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatExecuteArguments, isMalformed, parseExecuteArguments } from '../index.ts';
import type { ExecuteArgument } from '../index.ts';

const character = fc.constantFrom(
  ...Array.from({ length: 0x5e }, (_, at) => String.fromCharCode(0x21 + at)).filter((c) => !`"'\\`.includes(c)),
);
const anyArguments: fc.Arbitrary<ExecuteArgument[]> = fc
  .uniqueArray(fc.integer({ min: 0, max: 9 }))
  .chain((digits) =>
    fc.tuple(
      ...digits.map((digit) =>
        fc
          .option(fc.string({ unit: character }), { nil: undefined })
          .map((value) => (value === undefined ? { digit } : { digit, value })),
      ),
    ),
  );

describe('Execute arguments', () => {
  it('come back the same from what is written (OMA TS Core §6.3.5)', () => {
    fc.assert(
      fc.property(anyArguments, (given) =>
        assert.deepEqual(parseExecuteArguments(formatExecuteArguments(given)), given),
      ),
    );
  });

  it('with a blank in a value are read, because the specification’s example has one, and never written', () => {
    assert.deepEqual(parseExecuteArguments("0='a b'"), [{ digit: 0, value: 'a b' }]);
    assert.throws(() => formatExecuteArguments([{ digit: 0, value: 'a b' }]), /argument 0 has a blank/);
  });

  it('that break the grammar are 4.00', () => {
    for (const text of [
      '10',
      '0=',
      "0='",
      "0='a",
      "0=a'",
      ',',
      '0,',
      ',0',
      '0,,1',
      "0='a'b",
      "0='é'",
      "0='\t'",
      '0 ,1',
      '0;1',
      "0='a''b'",
      '1,2,1',
    ]) {
      assert.ok(isMalformed(parseExecuteArguments(text)), text);
    }
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('0', '1', "'", '=', ',', 'a') }),
        (text) => void parseExecuteArguments(text),
      ),
    );
  });

  it('with a digit that is none, or there twice, are the caller’s mistake', () => {
    assert.throws(() => formatExecuteArguments([{ digit: 10 }]), /0 to 9, not 10/);
    assert.throws(() => formatExecuteArguments([{ digit: 1 }, { digit: 1 }]), /twice/);
    assert.throws(() => formatExecuteArguments([{ digit: 1, value: "'" }]), /a quote/);
  });
});
