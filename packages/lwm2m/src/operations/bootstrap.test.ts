import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildOptions, Codes, formatCode, readOption, readOptions, UsageError } from '@lapwing/coap';
import type { OptionValues } from '@lapwing/coap';
import fc from 'fast-check';
import {
  bootstrapRequest,
  decodeBootstrapOperation,
  encodeBootstrapOperation,
  formatBootstrapDiscover,
  formatBootstrapPackQueries,
  formatBootstrapRequestQueries,
  isMalformed,
  objectInstancePath,
  objectPath,
  parseBootstrapDiscover,
  parseBootstrapPackRequest,
  parseBootstrapRequest,
  resourcePath,
  ROOT,
} from '../index.ts';
import type { BootstrapNode, BootstrapOperation } from '../index.ts';

const payload = Uint8Array.of(1, 2, 3);
const NO_BYTES = new Uint8Array(0);
type Method = 'get' | 'put' | 'post' | 'delete' | 'fetch';

/** Every operation and the request it is: OMA TS Transport §6.4.2. */
const operations: readonly (readonly [operation: BootstrapOperation, request: string])[] = [
  [{ kind: 'bootstrapDiscover', path: ROOT }, 'GET / accept=40'],
  [{ kind: 'bootstrapDiscover', path: objectPath(0) }, 'GET /0 accept=40'],
  [{ kind: 'bootstrapRead', path: objectPath(1), accept: undefined }, 'GET /1'],
  [{ kind: 'bootstrapRead', path: objectInstancePath(2, 0), accept: 112 }, 'GET /2/0 accept=112'],
  [{ kind: 'bootstrapWrite', path: objectPath(0), contentFormat: 11542, payload }, 'PUT /0 cf=11542'],
  [{ kind: 'bootstrapWrite', path: objectInstancePath(1, 0), contentFormat: 112, payload }, 'PUT /1/0 cf=112'],
  [{ kind: 'bootstrapWrite', path: resourcePath(1, 0, 5), contentFormat: 0, payload }, 'PUT /1/0/5 cf=0'],
  [{ kind: 'bootstrapDelete', path: ROOT }, 'DELETE /'],
  [{ kind: 'bootstrapDelete', path: objectPath(1) }, 'DELETE /1'],
  [{ kind: 'bootstrapDelete', path: objectInstancePath(0, 1) }, 'DELETE /0/1'],
  [{ kind: 'bootstrapFinish' }, 'POST /bs'],
];

function request(
  method: Method,
  path: string,
  options: OptionValues = {},
  body = NO_BYTES,
): Parameters<typeof decodeBootstrapOperation>[0] {
  const uriPath = path
    .split('/')
    .slice(1)
    .filter((segment, index) => index > 0 || segment !== '');
  return { code: Codes[method], options: buildOptions({ uriPath, ...options }), payload: body };
}

describe('the operations of a Bootstrap-Server', () => {
  for (const [operation, line] of operations) {
    it(`${line} is ${operation.kind}, and the other way round`, () => {
      const encoded = encodeBootstrapOperation(operation);
      const path = `/${readOptions(encoded.options, 'uriPath').join('/')}`;
      const accept = readOption(encoded.options, 'accept');
      const contentFormat = readOption(encoded.options, 'contentFormat');
      const methods = { [Codes.get]: 'GET', [Codes.put]: 'PUT', [Codes.post]: 'POST', [Codes.delete]: 'DELETE' };
      const written =
        `${methods[encoded.code]} ${path}` +
        (accept === undefined ? '' : ` accept=${accept}`) +
        (contentFormat === undefined ? '' : ` cf=${contentFormat}`);
      assert.equal(written, line);
      assert.equal(encoded.observe, undefined);
      const body = encoded.payload instanceof Uint8Array ? encoded.payload : NO_BYTES;
      assert.deepEqual(decodeBootstrapOperation({ ...encoded, payload: body }), operation);
    });
  }

  const refused: readonly (readonly [
    what: string,
    parts: Parameters<typeof decodeBootstrapOperation>[0],
    code: string,
  ])[] = [
    ['a Bootstrap-Read of the root', request('get', '/'), '4.05'],
    ['a Bootstrap-Read of a Resource', request('get', '/1/0/1'), '4.05'],
    ['a Bootstrap-Discover of an Object Instance', request('get', '/1/0', { accept: 40 }), '4.05'],
    ['a Bootstrap-Write of a Resource Instance', request('put', '/2/0/2/1', { contentFormat: 0 }, payload), '4.05'],
    ['a Bootstrap-Write of the root', request('put', '/', { contentFormat: 112 }, payload), '4.05'],
    ['a Bootstrap-Write without a Content-Format', request('put', '/0', {}, payload), '4.15'],
    ['a Bootstrap-Delete of a Resource', request('delete', '/1/0/2'), '4.05'],
    ['a GET of /bs', request('get', '/bs'), '4.05'],
    ['a POST on an Object', request('post', '/1', { contentFormat: 112 }, payload), '4.05'],
    ['a FETCH', request('fetch', '/', { contentFormat: 112 }, payload), '4.05'],
    ['a path of words', request('get', '/rd/0'), '4.04'],
    ['an id beyond 65534', request('put', '/0/65536', { contentFormat: 112 }, payload), '4.04'],
  ];
  for (const [what, parts, code] of refused) {
    it(`${what} is refused with ${code}`, () => {
      const operation = decodeBootstrapOperation(parts);
      assert.equal(operation.kind === 'refusal' ? formatCode(operation.code) : operation.kind, code);
    });
  }
});

describe('a Bootstrap-Request', () => {
  it('is told by method and path (OMA TS Transport §6.4.2)', () => {
    assert.equal(bootstrapRequest(Codes.post, ['bs']), 'request');
    assert.equal(bootstrapRequest(Codes.get, ['bspack']), 'pack');
    for (const [code, segments] of [
      [Codes.get, ['bs']],
      [Codes.post, ['bspack']],
      [Codes.post, ['bs', 'x']],
      [Codes.post, []],
      [Codes.post, ['rd']],
    ] as const)
      assert.equal(bootstrapRequest(code, segments), undefined);
  });

  it('is read in any order, with what else the Client says', () => {
    const parsed = parseBootstrapRequest(['pct=112', 'model=a=b', 'ep=urn:dev:1', 'flag']);
    assert.ok(!isMalformed(parsed));
    const { additional, ...known } = parsed;
    assert.deepEqual(known, { endpointClientName: 'urn:dev:1', preferredContentFormat: 112 });
    assert.deepEqual({ ...additional }, { model: 'a=b', flag: '' });
    const bare = parseBootstrapRequest(['ep=']);
    assert.ok(!isMalformed(bare));
    assert.deepEqual([bare.endpointClientName, bare.preferredContentFormat], [undefined, undefined]);
  });

  it('is written with ep first', () => {
    assert.deepEqual(formatBootstrapRequestQueries({ preferredContentFormat: 11542, endpointClientName: 'a' }), ['ep=a', 'pct=11542']); // prettier-ignore
    assert.deepEqual(formatBootstrapRequestQueries({}), []);
    assert.deepEqual(formatBootstrapRequestQueries({ endpointClientName: 'a', additional: { et: 'b=c' } }), ['ep=a', 'et=b=c']); // prettier-ignore
    assert.deepEqual(formatBootstrapPackQueries({ endpointClientName: 'a', additional: { et: '' } }), ['ep=a', 'et=']);
    for (const name of ['', 'a=b', 'ep', 'pct', 'acc', 'a\n']) {
      assert.throws(() => formatBootstrapRequestQueries({ additional: { [name]: 'b' } }), UsageError, name);
      assert.throws(() => formatBootstrapPackQueries({ additional: { [name]: 'b' } }), UsageError, name);
    }
    assert.equal(formatBootstrapRequestQueries({ additional: { a: 'x'.repeat(253) } })[0]!.length, 255);
    assert.throws(() => formatBootstrapRequestQueries({ additional: { a: 'x'.repeat(254) } }), /255 bytes/);
  });

  for (const queries of [
    ['ep=a', 'ep=b'],
    ['pct='],
    ['pct=cbor'],
    ['pct=-1'],
    ['pct=112', 'pct=112'],
    [`ep=${'x'.repeat(256)}`],
    ['ep=a\nb'],
  ]) {
    it(`${JSON.stringify(queries).slice(0, 40)} is malformed`, () => {
      assert.ok(isMalformed(parseBootstrapRequest(queries)));
    });
  }

  it('keeps a bounded part of what it does not know', () => {
    const many = Array.from({ length: 100 }, (_, index) => `x${index}=${'y'.repeat(1000)}`);
    const parsed = parseBootstrapRequest(['__proto__=z', ...many, 'ep=a']);
    assert.ok(!isMalformed(parsed));
    assert.equal(Object.keys(parsed.additional).length, 16);
    assert.equal(parsed.additional['x0']?.length, 256);
    assert.equal(parsed.additional['__proto__'], 'z');
    assert.equal(parsed.endpointClientName, 'a');
  });
});

describe('a Bootstrap-Pack-Request', () => {
  it('names the Object Instances of its account in the link format (OMA TS Core 1.2.1 §6.1.7.2)', () => {
    const account = [objectInstancePath(0, 2), objectInstancePath(21, 0)];
    const queries = formatBootstrapPackQueries({ endpointClientName: 'a', account });
    assert.deepEqual(queries, ['ep=a', 'acc=</0/2>,</21/0>']);
    const parsed = parseBootstrapPackRequest(queries);
    assert.ok(!isMalformed(parsed));
    assert.deepEqual([parsed.endpointClientName, parsed.account], ['a', account]);
  });

  it('needs no acc: that is how 1.2.0 asks', () => {
    const parsed = parseBootstrapPackRequest(['ep=a']);
    assert.deepEqual(isMalformed(parsed) ? parsed : parsed.account, []);
  });

  for (const acc of ['</0>', '</0/0/1>', 'x', '</a/b>', Array.from({ length: 17 }, (_, id) => `</0/${id}>`).join()]) {
    it(`acc=${acc.slice(0, 20)} is malformed`, () => {
      assert.ok(isMalformed(parseBootstrapPackRequest([`acc=${acc}`])));
    });
  }
});

describe('the answer to a Bootstrap-Discover', () => {
  const nodes: readonly BootstrapNode[] = [
    { path: objectInstancePath(0, 0), version: undefined, shortServerId: 101, uri: 'coaps://s1.example.com' },
    { path: objectInstancePath(0, 1), version: undefined, shortServerId: undefined, uri: undefined },
    { path: objectInstancePath(1, 0), version: undefined, shortServerId: 101, uri: undefined },
    { path: objectPath(5), version: '1.1', shortServerId: undefined, uri: undefined },
  ];
  const text = '</>;lwm2m=1.2,</0/0>;ssid=101;uri="coaps://s1.example.com",</0/1>,</1/0>;ssid=101,</5>;ver=1.1';

  it('is written and read (OMA TS Core §6.1.7.3)', () => {
    assert.equal(formatBootstrapDiscover(nodes, '1.2'), text);
    assert.deepEqual(parseBootstrapDiscover(text), { lwm2mVersion: '1.2', nodes });
  });

  it('about one Object says no version of LwM2M', () => {
    assert.equal(formatBootstrapDiscover(nodes.slice(2, 3), undefined), '</1/0>;ssid=101');
    assert.deepEqual(parseBootstrapDiscover('</1/0>;ssid=101'), { lwm2mVersion: undefined, nodes: nodes.slice(2, 3) });
  });

  // The OMA test specification, 1.0-int-0 and 1.1-int-0; Zephyr's client begins the first way.
  for (const [field, version] of [
    ['lwm2m="1.0",</0/0>;ssid=1,</0/1>,</1/0>;ssid=1,</3/0>', '1.0'],
    ['lwm2m="1.1",</0/0>;ssid=1,</0/1>,</1/0>;ssid=1,</3/0>', '1.1'],
    ['</>;lwm2m="1.1", </0/0/>;ssid="1", </0/1>, </1/0>;ssid=1;x=y, </3/0>', '1.1'],
  ] as const) {
    it(`is read as it is in the field: ${field.slice(0, 24)}…`, () => {
      const parsed = parseBootstrapDiscover(field);
      assert.ok(!isMalformed(parsed));
      assert.equal(parsed.lwm2mVersion, version);
      assert.deepEqual(
        parsed.nodes.map(({ path, shortServerId }) => [path, shortServerId]),
        [
          [objectInstancePath(0, 0), 1],
          [objectInstancePath(0, 1), undefined],
          [objectInstancePath(1, 0), 1],
          [objectInstancePath(3, 0), undefined],
        ],
      );
    });
  }

  it('passes over Resources, words and Short Server IDs that are no number', () => {
    const parsed = parseBootstrapDiscover('</3/0/1>,</rd>,</1/0>;ssid=one,</0/0>;ssid');
    assert.ok(!isMalformed(parsed));
    assert.deepEqual(
      parsed.nodes.map(({ shortServerId }) => shortServerId),
      [undefined, undefined],
    );
  });

  it('never throws, cut or changed anywhere', () => {
    for (let length = 0; length < text.length; length++) parseBootstrapDiscover(text.slice(0, length));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void parseBootstrapDiscover(bytes)));
    fc.assert(fc.property(fc.array(fc.string()), (queries) => {
      parseBootstrapRequest(queries);
      parseBootstrapPackRequest(queries);
    })); // prettier-ignore
  });
});
