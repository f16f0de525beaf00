import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Value } from '@lapwing/lwm2m';
import { restoreValue, saveValue } from './saved-value.ts';
import type { SavedValue } from './saved-value.ts';

/** Our own vectors. */
const VECTORS: readonly (readonly [Value, SavedValue])[] = [
  [{ type: 'string', value: 'grün "x"' }, ['string', 'grün "x"']],
  [{ type: 'string', value: '' }, ['string', '']],
  [{ type: 'corelnk', value: '</3/0>' }, ['corelnk', '</3/0>']],
  [{ type: 'boolean', value: false }, ['boolean', false]],
  [{ type: 'none', value: null }, ['none', null]],
  [{ type: 'integer', value: -5 }, ['integer', -5]],
  [{ type: 'integer', value: -(2n ** 63n) }, ['integer', '-9223372036854775808']],
  [{ type: 'unsigned', value: 2n ** 64n - 1n }, ['unsigned', '18446744073709551615']],
  [{ type: 'time', value: 1_767_225_600 }, ['time', 1_767_225_600]],
  [{ type: 'float', value: 20.5 }, ['float', 20.5]],
  [{ type: 'float', value: 1e300 }, ['float', 1e300]],
  [{ type: 'float', value: NaN }, ['float', 'NaN']],
  [{ type: 'float', value: Infinity }, ['float', 'Infinity']],
  [{ type: 'float', value: -Infinity }, ['float', '-Infinity']],
  [{ type: 'float', value: -0 }, ['float', '-0']],
  [{ type: 'opaque', value: Uint8Array.of() }, ['opaque', '']],
  [{ type: 'opaque', value: Uint8Array.of(0, 255, 62, 63) }, ['opaque', 'AP8+Pw==']],
  [{ type: 'objlnk', value: { objectId: 16, objectInstanceId: 65_535 } }, ['objlnk', '16:65535']],
];

describe('a value as JSON', () => {
  for (const [value, saved] of VECTORS) {
    it(`${JSON.stringify(saved)}, both ways and through text`, () => {
      assert.deepEqual(saveValue(value), saved);
      assert.deepEqual(restoreValue(JSON.parse(JSON.stringify(saved))), value);
    });
  }

  it('bytes come back as a plain array: a Buffer would pass for the handler of a Resource', () => {
    const value = restoreValue(['opaque', 'AP8=']);
    assert.equal(Object.getPrototypeOf(value?.value), Uint8Array.prototype);
  });

  it('only the bytes of a view are saved', () => {
    const view = Uint8Array.of(1, 2, 3, 4).subarray(1, 3);
    assert.deepEqual(saveValue({ type: 'opaque', value: view }), ['opaque', 'AgM=']);
  });

  const NONE: readonly unknown[] = [
    undefined, null, 1, 'string', {}, [], ['string'], ['string', 'a', 'b'], ['text', 'a'], ['string', 1],
    ['boolean', 'true'], ['none', ''], ['integer', 1.5], ['integer', '1.5'], ['integer', '9223372036854775808'],
    ['integer', ''], ['unsigned', -1], ['time', true], ['float', 'nan'], ['float', null], ['opaque', 'A'],
    ['opaque', 'AP8'], ['opaque', '!!!!'], ['opaque', 1], ['objlnk', '1'], ['objlnk', '1:65536'], ['objlnk', '1:2:3'],
    ['toString', 'a'],
  ]; // prettier-ignore
  for (const saved of NONE) it(`${JSON.stringify(saved)} is none`, () => assert.equal(restoreValue(saved), undefined));
});
