import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Codes } from '../code-table.ts';
import { buildOptions, type OptionValues } from '../option-access.ts';
import { isSameDownload, isSameUpload, type RequestIdentity } from './same-request.ts';

const BASE: OptionValues = {
  uriPath: ['3', '0'],
  uriQuery: ['a=1'],
  contentFormat: 42,
  accept: 0,
  requestTag: [Uint8Array.of(1)],
};
const put = (change: OptionValues = {}): RequestIdentity => ({
  code: Codes.put,
  options: buildOptions({ ...BASE, ...change }),
});

// Each row changes one thing; does the message still belong to the same transfer?
const ROWS: readonly (readonly [what: string, changed: RequestIdentity, upload: boolean, download: boolean])[] = [
  ['nothing', put(), true, true],
  ['the method', { ...put(), code: Codes.post }, false, false],
  ['the path', put({ uriPath: ['3', '1'] }), false, false],
  ['a longer path', put({ uriPath: ['3', '0', '1'] }), false, false],
  ['the query', put({ uriQuery: undefined }), false, false],
  ['Accept', put({ accept: 112 }), false, false],
  ['Content-Format', put({ contentFormat: 112 }), false, true],
  ['Request-Tag', put({ requestTag: [Uint8Array.of(2)] }), false, true],
  ['Block1', put({ block1: 0x1e }), true, true],
  ['Block2', put({ block2: 0x16 }), true, true],
  ['Size1 and Size2', put({ size1: 5, size2: 6 }), true, true],
  ['Observe', put({ observe: 0 }), true, true],
  ['Echo', put({ echo: Uint8Array.of(1) }), true, true],
  ['No-Response', put({ noResponse: 2 }), true, true],
];

describe('requests of one transfer (RFC 7959 §2.4, §2.5, RFC 9175 §3.3)', () => {
  for (const [what, changed, upload, download] of ROWS) {
    it(`differing in ${what} ${upload ? 'belong' : 'do not belong'} to the same upload, ${download ? 'belong' : 'do not belong'} to the same download`, () => {
      assert.equal(isSameUpload(put(), changed), upload);
      assert.equal(isSameUpload(changed, put()), upload);
      assert.equal(isSameDownload(put(), changed), download);
      assert.equal(isSameDownload(changed, put()), download);
    });
  }
});
