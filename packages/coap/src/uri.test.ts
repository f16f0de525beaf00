import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { title, vectorsOf } from '../test/vectors.ts';
import { UsageError } from './errors.ts';
import { formatUri, formatUriReference, parseUri, parseUriReference, splitQuery } from './uri.ts';
import type { CoapUri } from './uri.ts';

describe('URIs to options (RFC 7252 §6.4)', () => {
  for (const vector of vectorsOf('uri')) {
    it(`takes apart ${title(vector)}`, () => {
      const reference = parseUriReference(vector.text!.replace(/^POST /, ''));
      assert.ok(!('malformed' in reference));
      const query = Object.fromEntries(
        reference.uriQuery.map(splitQuery).map(([name, value]) => [name, value ?? null]),
      );
      assert.deepEqual(query, vector.expected.query);
      assert.equal(`POST ${formatUriReference(reference)}`, vector.text);
    });
  }

  const uri = (part: Partial<CoapUri>): CoapUri => ({
    scheme: 'coap',
    host: 'example.com',
    port: 5683,
    uriPath: [],
    uriQuery: [],
    ...part,
  });
  /** The third column is how it is written back. */
  const ROWS: readonly (readonly [text: string, uri: CoapUri, composed: string])[] = [
    ['coap://example.com', uri({}), 'coap://example.com/'],
    ['coap://EXAMPLE.com:5683/', uri({}), 'coap://example.com/'],
    ['COAP://example.com:/', uri({}), 'coap://example.com/'],
    ['coaps://example.com', uri({ scheme: 'coaps', port: 5684 }), 'coaps://example.com/'],
    ['coap+tcp://example.com:1', uri({ scheme: 'coap+tcp', port: 1 }), 'coap+tcp://example.com:1/'],
    ['coap://[2001:db8::2:1]/', uri({ host: '2001:db8::2:1' }), 'coap://[2001:db8::2:1]/'],
    // RFC 7252 Appendix B.
    [
      'coap://example.com:5683/~sensors/temp.xml',
      uri({ uriPath: ['~sensors', 'temp.xml'] }),
      'coap://example.com/~sensors/temp.xml',
    ],
    ['coap://EXAMPLE.com/%7Esensors', uri({ uriPath: ['~sensors'] }), 'coap://example.com/~sensors'],
    [
      'coap://198.51.100.1:61616//%2F//?%2F%2F&?%26',
      uri({ host: '198.51.100.1', port: 61_616, uriPath: ['', '/', '', ''], uriQuery: ['//', '?&'] }),
      'coap://198.51.100.1:61616//%2F//?//&?%26',
    ],
    ['coap://example.com/%C3%BC?', uri({ uriPath: ['ü'], uriQuery: [''] }), 'coap://example.com/%C3%BC?'],
  ];
  for (const [text, parts, composed] of ROWS) {
    it(`takes apart ${text}`, () => assert.deepEqual(parseUri(text), parts));
    it(`puts together ${composed}`, () => assert.equal(formatUri(parts), composed));
  }

  for (const text of [
    '',
    'example.com',
    '/rd',
    'http://example.com/',
    'coap:example.com',
    'coap:///rd',
    'coap://example.com/#top',
    'coap://user@example.com/',
    'coap://example.com:0/',
    'coap://example.com:65536/',
    'coap://example.com:1a/',
    'coap://[::1/',
    'coap://a%4/',
    'coap://example.com/%',
    'coap://example.com/%f',
    'coap://example.com/%zz',
    'coap://example.com/?%ff',
  ]) {
    it(`takes "${text}" for malformed`, () => assert.ok('malformed' in parseUri(text)));
  }

  it('takes a reference that does not begin with a slash for malformed', () => {
    assert.ok('malformed' in parseUriReference('rd'));
  });

  it('refuses to compose a URI of another scheme with UsageError', () => {
    assert.throws(() => formatUri(uri({ scheme: 'http' as never })), UsageError);
  });
});
