import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildOptions, Codes, encodeUtf8, formatCode, readOption, readOptions } from '@lapwing/coap';
import type { OptionValues } from '@lapwing/coap';
import {
  decodeOperation,
  describeResponse,
  encodeOperation,
  isExpectedResponse,
  objectInstancePath,
  objectPath,
  resourceInstancePath,
  resourcePath,
  responsesOf,
  ROOT,
} from '../index.ts';
import type { Operation } from '../index.ts';

const payload = Uint8Array.of(1, 2, 3);
const EMPTY = new Uint8Array(0);
type Method = 'get' | 'put' | 'post' | 'delete' | 'fetch' | 'patch' | 'ipatch';

/** Every operation, the request it is (method, path, queries, Accept, Content-Format) and whether it observes. */
const rows: readonly (readonly [operation: Operation, request: string, observe?: 'register' | 'deregister'])[] = [
  [{ kind: 'read', path: objectPath(3), accept: undefined }, 'GET /3'],
  [{ kind: 'read', path: objectInstancePath(3, 0), accept: 112 }, 'GET /3/0 accept=112'],
  [{ kind: 'read', path: resourcePath(3, 0, 9), accept: 0 }, 'GET /3/0/9 accept=0'],
  [{ kind: 'read', path: resourceInstancePath(3, 0, 6, 1), accept: undefined }, 'GET /3/0/6/1'],
  [{ kind: 'discover', path: objectPath(3), depth: undefined }, 'GET /3 accept=40'],
  [{ kind: 'discover', path: objectPath(3), depth: 3 }, 'GET /3?depth=3 accept=40'],
  [{ kind: 'discover', path: ROOT, depth: undefined }, 'GET / accept=40'],
  [
    { kind: 'write', mode: 'replace', path: objectInstancePath(1, 0), contentFormat: 11542, payload },
    'PUT /1/0 cf=11542',
  ],
  [{ kind: 'write', mode: 'replace', path: resourcePath(1, 0, 1), contentFormat: 0, payload }, 'PUT /1/0/1 cf=0'],
  [
    { kind: 'write', mode: 'replace', path: resourceInstancePath(3, 0, 6, 0), contentFormat: 0, payload },
    'PUT /3/0/6/0 cf=0',
  ],
  [{ kind: 'write', mode: 'update', path: objectInstancePath(1, 0), contentFormat: 110, payload }, 'POST /1/0 cf=110'],
  [
    { kind: 'write', mode: 'update', path: resourcePath(3, 0, 6), contentFormat: 11542, payload },
    'POST /3/0/6 cf=11542',
  ],
  [
    { kind: 'writeAttributes', path: resourcePath(3, 0, 9), attributes: { pmin: 10, pmax: null, gt: 45 } },
    'PUT /3/0/9?pmin=10&pmax&gt=45',
  ],
  [{ kind: 'writeAttributes', path: objectPath(3), attributes: { pmin: 1 } }, 'PUT /3?pmin=1'],
  [{ kind: 'execute', path: resourcePath(3, 0, 4), args: '' }, 'POST /3/0/4'],
  [{ kind: 'execute', path: resourcePath(1, 0, 8), args: "0='U'" }, 'POST /1/0/8 cf=0'],
  [{ kind: 'create', path: objectPath(3303), contentFormat: 11542, payload }, 'POST /3303 cf=11542'],
  [{ kind: 'delete', path: objectInstancePath(3303, 1) }, 'DELETE /3303/1'],
  [{ kind: 'delete', path: resourceInstancePath(3, 0, 6, 1) }, 'DELETE /3/0/6/1'],
  [
    { kind: 'observe', path: resourcePath(3303, 0, 5700), accept: 112, attributes: undefined },
    'GET /3303/0/5700 accept=112',
    'register',
  ],
  [
    { kind: 'observe', path: resourcePath(3, 0, 7), accept: 112, attributes: { pmin: 5, pmax: 15 } },
    'GET /3/0/7?pmin=5&pmax=15 accept=112',
    'register',
  ],
  [{ kind: 'cancelObserve', path: objectPath(6), accept: undefined, attributes: undefined }, 'GET /6', 'deregister'],
  [{ kind: 'readComposite', contentFormat: 112, payload, accept: 112 }, 'FETCH / accept=112 cf=112'],
  [{ kind: 'writeComposite', contentFormat: 322, payload }, 'iPATCH / cf=322'],
  [
    { kind: 'observeComposite', contentFormat: 322, payload, accept: undefined, attributes: { con: 1 } },
    'FETCH /?con=1 cf=322',
    'register',
  ],
  [
    { kind: 'cancelObserveComposite', contentFormat: 322, payload, accept: undefined, attributes: undefined },
    'FETCH / cf=322',
    'deregister',
  ],
];

const METHODS = new Map(['GET', 'POST', 'PUT', 'DELETE', 'FETCH', 'PATCH', 'iPATCH'].map((name, at) => [at + 1, name]));

describe('operations as requests (OMA TS Transport §6.4)', () => {
  for (const [operation, request, observe] of rows) {
    it(`${operation.kind} is ${observe === undefined ? '' : `${observe} `}${request}`, () => {
      const encoded = encodeOperation(operation);
      const queries = readOptions(encoded.options, 'uriQuery');
      const accept = readOption(encoded.options, 'accept');
      const contentFormat = readOption(encoded.options, 'contentFormat');
      assert.equal(
        `${METHODS.get(encoded.code) ?? ''} /${readOptions(encoded.options, 'uriPath').join('/')}` +
          (queries.length === 0 ? '' : `?${queries.join('&')}`) +
          (accept === undefined ? '' : ` accept=${accept}`) +
          (contentFormat === undefined ? '' : ` cf=${contentFormat}`),
        request,
      );
      assert.equal(encoded.observe, observe === 'register' ? true : undefined);
      const body = encoded.payload;
      assert.ok(body instanceof Uint8Array);
      assert.deepEqual(
        decodeOperation({ code: encoded.code, options: encoded.options, payload: body, observe }),
        operation,
      );
    });
  }

  it('carry the alternate path, and are understood with it and without', () => {
    const operation: Operation = { kind: 'read', path: resourcePath(3, 0, 9), accept: undefined };
    const { code, options } = encodeOperation(operation, '/lwm2m');
    assert.deepEqual(readOptions(options, 'uriPath'), ['lwm2m', '3', '0', '9']);
    assert.deepEqual(decodeOperation({ code, options, payload: EMPTY, observe: undefined }, '/lwm2m'), operation);
    const plain = encodeOperation(operation);
    assert.deepEqual(decodeOperation({ ...plain, payload: EMPTY, observe: undefined }, '/lwm2m'), operation);
    assert.deepEqual(decodeOperation({ code, options, payload: EMPTY, observe: undefined }), {
      kind: 'refusal',
      code: Codes.notFound,
      reason: '"lwm2m" is no id',
    });
  });
});

describe('requests that are no operation', () => {
  const refused = (
    method: Method,
    values: OptionValues,
    { body = EMPTY, observe }: { readonly body?: Uint8Array; readonly observe?: 'register' | 'deregister' } = {},
  ): string => {
    const result = decodeOperation({ code: Codes[method], options: buildOptions(values), payload: body, observe });
    assert.ok(result.kind === 'refusal', `${method} ${JSON.stringify(values)} is ${result.kind}`);
    assert.ok(result.reason.length > 0 && result.reason.length < 200);
    return formatCode(result.code);
  };

  it('are 4.04 for a path that is none', () => {
    assert.equal(refused('get', { uriPath: ['.well-known', 'core'] }), '4.04');
    assert.equal(refused('get', { uriPath: ['3', '0', '1', '2', '3'] }), '4.04');
    assert.equal(refused('post', { uriPath: ['bs'] }), '4.04');
  });

  it('are 4.05 for a method that a level does not have', () => {
    assert.equal(refused('get', {}), '4.05');
    assert.equal(refused('put', {}), '4.05');
    assert.equal(refused('put', { uriPath: ['3'], contentFormat: 11542 }, { body: payload }), '4.05');
    assert.equal(refused('post', {}), '4.05');
    assert.equal(refused('post', { uriPath: ['3', '0', '6', '1'], contentFormat: 0 }), '4.05');
    assert.equal(refused('delete', {}), '4.05');
    assert.equal(refused('delete', { uriPath: ['3'] }), '4.05');
    assert.equal(refused('delete', { uriPath: ['3', '0', '9'] }), '4.05');
    assert.equal(refused('patch', { uriPath: ['3', '0', '9'] }), '4.05');
    assert.equal(refused('fetch', { uriPath: ['3'], contentFormat: 112 }), '4.05');
    assert.equal(refused('ipatch', { uriPath: ['3'], contentFormat: 112 }), '4.05');
  });

  it('are 4.15 for a payload without Content-Format', () => {
    assert.equal(refused('put', { uriPath: ['3', '0', '14'] }, { body: payload }), '4.15');
    assert.equal(refused('post', { uriPath: ['3', '0'] }, { body: payload }), '4.15');
    assert.equal(refused('post', { uriPath: ['3303'] }, { body: payload }), '4.15');
    assert.equal(refused('fetch', {}, { body: payload }), '4.15');
    assert.equal(refused('ipatch', {}, { body: payload }), '4.15');
  });

  it('are 4.00 for queries that do not fit', () => {
    const uriPath = ['3', '0', '9'];
    assert.equal(refused('put', { uriPath, uriQuery: ['pmin=x'] }), '4.00');
    assert.equal(refused('put', { uriPath, uriQuery: ['foo=1'] }), '4.00');
    assert.equal(refused('put', { uriPath, uriQuery: ['pmin=1'], contentFormat: 0 }, { body: payload }), '4.00');
    assert.equal(refused('get', { uriPath, uriQuery: ['pmin'] }, { observe: 'register' }), '4.00');
    assert.equal(refused('get', { uriPath, uriQuery: ['depth=4'], accept: 40 }), '4.00');
    assert.equal(refused('fetch', { uriQuery: ['gt=1'], contentFormat: 112 }, { observe: 'register' }), '4.00');
  });

  it('are 4.00 for Execute arguments that are not UTF-8', () => {
    assert.equal(
      refused('post', { uriPath: ['3', '0', '4'], contentFormat: 0 }, { body: Uint8Array.of(0xff) }),
      '4.00',
    );
  });
});

describe('the table of responses', () => {
  it('has what the specification lists for each operation', () => {
    const codes = (kind: Operation['kind']): string => [...responsesOf(kind).keys()].map(formatCode).join(' ');
    assert.equal(codes('read'), '2.05 4.00 4.01 4.04 4.05 4.06');
    assert.equal(codes('discover'), '2.05 4.00 4.01 4.04 4.05');
    assert.equal(codes('write'), '2.04 2.31 4.00 4.01 4.04 4.05 4.06 4.08 4.13 4.15');
    assert.equal(codes('writeAttributes'), '2.04 4.00 4.01 4.04 4.05');
    assert.equal(codes('execute'), '2.04 4.00 4.01 4.04 4.05');
    assert.equal(codes('create'), '2.01 2.31 4.00 4.01 4.04 4.05 4.06 4.15');
    assert.equal(codes('delete'), '2.02 4.00 4.01 4.04 4.05');
    assert.equal(codes('observe'), '2.05 4.00 4.01 4.04 4.05 4.06');
    assert.equal(codes('readComposite'), '2.05 4.00 4.01 4.04 4.05 4.06 4.15');
    assert.equal(codes('writeComposite'), '2.04 4.00 4.01 4.04 4.05 4.06 4.15');
  });

  it('takes any error, but no success of another operation', () => {
    assert.ok(isExpectedResponse('read', Codes.content));
    assert.ok(isExpectedResponse('read', Codes.tooManyRequests));
    assert.ok(isExpectedResponse('read', Codes.internalServerError));
    assert.ok(!isExpectedResponse('read', Codes.changed));
    assert.ok(!isExpectedResponse('delete', Codes.changed));
  });

  it('explains a code in words', () => {
    assert.equal(
      describeResponse('write', Codes.methodNotAllowed),
      '4.05 Method Not Allowed: what is there does not allow this operation',
    );
    assert.equal(describeResponse('write', Codes.serviceUnavailable), '5.03 Service Unavailable');
  });
});

describe('an Execute with arguments', () => {
  it('has them as plain text, also under the number of 1.0 drafts', () => {
    const options = buildOptions({ uriPath: ['3', '0', '4'], contentFormat: 1541 });
    assert.deepEqual(decodeOperation({ code: Codes.post, options, payload: encodeUtf8('5'), observe: undefined }), {
      kind: 'execute',
      path: resourcePath(3, 0, 4),
      args: '5',
    });
  });

  it('or as queries, as the specification shows /1/x/8; a payload goes before them', () => {
    const args = (uriQuery: readonly string[], text = ''): unknown => {
      const options = buildOptions({ uriPath: ['1', '0', '8'], uriQuery });
      const operation = decodeOperation({ code: Codes.post, options, payload: encodeUtf8(text), observe: undefined });
      return operation.kind === 'execute' && operation.args;
    };
    assert.equal(args(['0=U']), "0='U'");
    assert.equal(args(["0='U'"]), "0='U'");
    assert.equal(args(['0', '2=a']), "0,2='a'");
    assert.equal(args(['0=U'], '5'), '5');
  });
});
