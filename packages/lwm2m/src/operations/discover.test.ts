import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeUtf8 } from '@lapwing/coap';
import fc from 'fast-check';
import {
  formatDiscover,
  formatPath,
  isMalformed,
  notificationAttributes,
  objectPath,
  parseDiscover,
  resourcePath,
  ROOT,
} from '../index.ts';
import type { DiscoveredLink } from '../index.ts';

const discovered = (text: string, alternatePath?: string): readonly DiscoveredLink[] => {
  const links = parseDiscover(encodeUtf8(text), alternatePath);
  assert.ok(!isMalformed(links), isMalformed(links) ? links.malformed : '');
  return links;
};

describe('the answer to a Discover', () => {
  it('is read with version, dimension and attributes (OMA TS Core §6.3.2)', () => {
    const [object, resource] = discovered('</3>;ver=1.1;pmin=10, </3/0/7>;dim=2;gt=50;lt=42.2;x="a;b";y');
    assert.deepEqual(object?.path, objectPath(3));
    assert.equal(object?.version, '1.1');
    assert.deepEqual(resource?.path, resourcePath(3, 0, 7));
    assert.equal(resource?.dimension, 2);
    assert.deepEqual({ ...resource?.attributes }, { gt: '50', lt: '42.2', x: 'a;b', y: '' });
    assert.deepEqual(notificationAttributes(resource?.attributes ?? {}), { gt: 50, lt: 42.2 });
  });

  it('is taken with the alternate path, without it, and with trailing slashes', () => {
    const paths = discovered('</lwm2m/3/0>,</3/0/1>,</lwm2m/3/0/2/>,</other/3>', '/lwm2m').map(({ path }) =>
      formatPath(path),
    );
    assert.deepEqual(paths, ['/3/0', '/3/0/1', '/3/0/2']);
  });

  it('with attributes of hostile names or wrong values does no harm', () => {
    const [link] = discovered('</3>;constructor=x;pmin=abc;dim=-1;edge=7');
    assert.equal(link?.dimension, undefined);
    assert.deepEqual(notificationAttributes(link?.attributes ?? {}), {});
    assert.equal(Object.getPrototypeOf(link?.attributes), null);
  });

  it('that is broken is malformed, and nothing throws', () => {
    assert.ok(isMalformed(parseDiscover('</3/0')));
    fc.assert(fc.property(fc.uint8Array(), (payload) => void parseDiscover(payload)));
  });

  it('is written without blanks and read back the same', () => {
    const nodes = [
      { path: ROOT },
      { path: objectPath(3), version: '1.1', attributes: { pmin: 10 } },
      { path: resourcePath(3, 0, 7), dimension: 2, attributes: { pmax: 60, gt: 50, lt: -42.2, st: 0.0000001 } },
    ];
    const text = formatDiscover(nodes);
    assert.equal(text, '</>,</3>;ver=1.1;pmin=10,</3/0/7>;dim=2;pmax=60;gt=50;lt=-42.2;st=0.0000001');
    for (const [at, { path, version, dimension, attributes }] of discovered(text).entries()) {
      const node: { version?: string; dimension?: number; attributes?: object } = nodes[at] ?? {};
      assert.deepEqual(path, nodes[at]?.path);
      assert.equal(version, node.version);
      assert.equal(dimension, node.dimension);
      assert.deepEqual(notificationAttributes(attributes), node.attributes ?? {});
    }
    assert.equal(formatDiscover([{ path: ROOT }, { path: objectPath(3) }], '/lwm2m'), '</lwm2m>,</lwm2m/3>');
  });
});
