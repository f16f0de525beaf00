import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  Codes,
  code,
  codeName,
  formatCode,
  isClientError,
  isRequest,
  isResponse,
  isServerError,
  isSuccess,
  parseCode,
} from './code-table.ts';
import { UsageError } from './errors.ts';

describe('codes (RFC 7252 §3, §12.1)', () => {
  const ROWS: readonly (readonly [number, string, string | undefined])[] = [
    [Codes.empty, '0.00', 'Empty'],
    [Codes.get, '0.01', 'GET'],
    [Codes.ipatch, '0.07', 'iPATCH'],
    [Codes.created, '2.01', 'Created'],
    [Codes.content, '2.05', 'Content'],
    [Codes.continue, '2.31', 'Continue'],
    [Codes.requestEntityIncomplete, '4.08', 'Request Entity Incomplete'],
    [Codes.requestEntityTooLarge, '4.13', 'Request Entity Too Large'],
    [Codes.unprocessableEntity, '4.22', 'Unprocessable Entity'],
    [Codes.tooManyRequests, '4.29', 'Too Many Requests'],
    [Codes.hopLimitReached, '5.08', 'Hop Limit Reached'],
    [code(4, 31), '4.31', undefined],
    [code(7, 1), '7.01', undefined],
  ];
  for (const [value, text, name] of ROWS) {
    it(`${text} is 0x${value.toString(16)}${name === undefined ? '' : `, ${name}`}`, () => {
      assert.equal(formatCode(value as never), text);
      assert.equal(parseCode(text), value);
      assert.equal(codeName(value as never), name);
    });
  }

  it('2.05 is 0x45 on the wire', () => assert.equal(Codes.content, 0x45));

  it('every byte is written and read back', () => {
    for (let value = 0; value < 256; value++) assert.equal(parseCode(formatCode(value as never)), value);
  });

  it('reads nothing from text that is no code', () => {
    for (const text of ['', '2', '2.5', '2.055', '8.00', '2.32', '2,05', ' 2.05', '-2.05', '2.05\n']) {
      assert.equal(parseCode(text), undefined, text);
    }
  });

  it('belongs to one class', () => {
    for (let value = 0; value < 256; value++) {
      const klass = value >> 5;
      assert.equal(isRequest(value as never), klass === 0 && value !== 0);
      assert.equal(isResponse(value as never), [2, 3, 4, 5].includes(klass));
      assert.equal(isSuccess(value as never), klass === 2);
      assert.equal(isClientError(value as never), klass === 4);
      assert.equal(isServerError(value as never), klass === 5);
    }
  });

  it('refuses a class or detail that no code has with UsageError', () => {
    assert.throws(() => code(8, 0), UsageError);
    assert.throws(() => code(2, 32), UsageError);
    assert.throws(() => code(-1, 0), UsageError);
  });
});
