import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  comparePaths,
  formatPath,
  isMalformed,
  isUnassigned,
  isWithin,
  objectInstancePath,
  objectPath,
  parentOf,
  parseId,
  parsePath,
  pathDepth,
  pathFromUriSegments,
  pathIds,
  pathOf,
  resourceInstancePath,
  resourcePath,
  ROOT,
  samePath,
  shortServerId,
  uriSegments,
} from './index.ts';
import type { Path } from './index.ts';

const anyPath: fc.Arbitrary<Path> = fc
  .array(fc.integer({ min: 0, max: 65534 }), { maxLength: 4 })
  .map((ids) => pathOf(...ids));
/** Ids from so few that paths often share a part. */
const closePath: fc.Arbitrary<Path> = fc
  .array(fc.integer({ min: 0, max: 2 }), { maxLength: 4 })
  .map((ids) => pathOf(...ids));

const parsed = (text: string): Path => {
  const path = parsePath(text);
  assert.ok(!isMalformed(path), text);
  return path;
};

describe('ids', () => {
  it('are decimal from 0 to 65534 without sign or leading zero', () => {
    assert.equal(parseId('0'), 0);
    assert.equal(parseId('65534'), 65534);
    for (const text of [
      '',
      '65535',
      '65536',
      '99999',
      '100000',
      '00',
      '01',
      '-1',
      '+1',
      '1.0',
      ' 1',
      '1 ',
      '0x1',
      '１',
    ]) {
      assert.equal(parseId(text), undefined, text);
    }
  });

  it('out of range are the caller’s mistake, except 65535 for an Object Instance to be chosen', () => {
    assert.throws(() => objectPath(65535), /Object ID must be an integer from 0 to 65534, not 65535/);
    assert.throws(() => resourcePath(3, 0, -1), /Resource ID/);
    assert.throws(() => resourceInstancePath(3, 0, 6, 1.5), /Resource Instance ID/);
    assert.throws(() => objectInstancePath(3, 65536), /Object Instance ID/);
    assert.throws(() => shortServerId(0), /Short Server ID must be an integer from 1/);
    assert.ok(isUnassigned(objectInstancePath(3, 65535)));
    assert.ok(!isUnassigned(objectInstancePath(3, 0)));
    assert.ok(!isUnassigned(ROOT));
  });
});

describe('parsePath', () => {
  it('takes a leading slash or none', () => {
    assert.deepEqual(parsed('/3/0/9'), resourcePath(3, 0, 9));
    assert.deepEqual(parsed('3/0/9'), resourcePath(3, 0, 9));
    assert.equal(parsed('/'), ROOT);
  });

  it('gives the inverse of formatPath for every path', () => {
    fc.assert(fc.property(anyPath, (path) => assert.deepEqual(parsed(formatPath(path)), path)));
  });

  it('refuses what is no path, with a reason, and never throws', () => {
    for (const text of ['', '//', '/3/', '/3//0', 'a', '/3/0/9/0/1', '/65535', '/03', '/3/-1', '/3/0?x', '\u0000']) {
      assert.ok(isMalformed(parsePath(text)), JSON.stringify(text));
    }
    fc.assert(fc.property(fc.string(), (text) => void parsePath(text)));
  });

  it('repeats no more than 40 characters of a stranger’s text', () => {
    const path = parsePath(`/${'9'.repeat(10_000)}`);
    assert.ok(isMalformed(path) && path.malformed.length < 200);
  });
});

describe('Uri-Path segments', () => {
  it('go both ways for every path', () => {
    fc.assert(fc.property(anyPath, (path) => assert.deepEqual(pathFromUriSegments(uriSegments(path)), path)));
  });

  it('of an empty path are none, or a single empty one (RFC 7252 §6.4)', () => {
    assert.equal(pathFromUriSegments([]), ROOT);
    assert.equal(pathFromUriSegments(['']), ROOT);
    assert.ok(isMalformed(pathFromUriSegments(['3', ''])));
    assert.ok(isMalformed(pathFromUriSegments(['rd'])));
    assert.ok(isMalformed(pathFromUriSegments(['3', '0', '1', '2', '3'])));
  });
});

describe('relations between paths', () => {
  it('a path is within itself, its ancestors and the root, and nowhere else', () => {
    fc.assert(
      fc.property(closePath, closePath, (path, other) => {
        const expected = pathIds(other).every((id, level) => pathIds(path)[level] === id);
        assert.equal(isWithin(path, other), expected);
        assert.equal(samePath(path, other), formatPath(path) === formatPath(other));
      }),
    );
  });

  it('a parent is one level up, and the root has none', () => {
    assert.equal(parentOf(ROOT), undefined);
    fc.assert(
      fc.property(anyPath, (path) => {
        const parent = parentOf(path);
        if (parent === undefined) return assert.equal(path.kind, 'root');
        assert.equal(pathDepth(parent), pathDepth(path) - 1);
        assert.ok(isWithin(path, parent));
      }),
    );
  });

  it('their order is total, by ids as numbers, an ancestor first', () => {
    const sorted = ['/10', '/3/0/9', '/3', '/', '/3/0', '/3/0/10', '/3/1'].map(parsed).sort(comparePaths);
    assert.deepEqual(sorted.map(formatPath), ['/', '/3', '/3/0', '/3/0/9', '/3/0/10', '/3/1', '/10']);
    fc.assert(
      fc.property(closePath, closePath, (a, b) => {
        assert.equal(Math.sign(comparePaths(a, b)), -Math.sign(comparePaths(b, a)) + 0);
        assert.equal(comparePaths(a, b) === 0, samePath(a, b));
      }),
    );
  });
});
