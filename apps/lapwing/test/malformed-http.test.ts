/** Requests that are wrong before any route sees them: each is a problem (RFC 9457) with a sentence that says what to do. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { ProblemBody } from '../src/rest/problem.ts';
import { RunningApp } from './running-app.ts';

let api: RunningApp;
before(async () => {
  api = await RunningApp.start();
});
after(() => api.close());

interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly problem: ProblemBody;
}

/** Bytes as they are, to the answer's end. */
function sent(request: string): Promise<RawAnswer> {
  const { hostname, port } = new URL(api.app.httpUrl);
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(request));
    socket.setEncoding('utf8').on('data', (part: string) => (text += part));
    socket.once('error', reject);
    socket.once('close', () => {
      const [head = '', body = ''] = text.split('\r\n\r\n', 2);
      resolve({ status: Number(head.split(' ')[1]), head, problem: JSON.parse(body) as ProblemBody });
    });
  });
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;

for (const [what, request, status, detail] of [
  ['a lone percent sign in a name', get('/api/v1/devices/%'), 400, /percent-encode/],
  ['percent-encoding that is no hexadecimal', get('/api/v1/devices/%zz'), 400, /percent-encode/],
  ['percent-encoding that is no UTF-8', get('/api/v1/devices/%ff'), 400, /percent-encode/],
  ['a lone percent sign outside the API', get('/%'), 400, /percent-encode/],
  ['a path out of the console', get('/../../etc/passwd'), 404, /leads out of the console/],
  ['a percent-encoded path out of the console', get('/%2e%2e/%2e%2e/etc/passwd'), 404, /leads out of the console/],
  ['a name longer than a device can have', get(`/api/v1/devices/${'x'.repeat(2000)}`), 404, /^There is no GET/],
  ['headers beyond their limit', get(`/${'x'.repeat(20_000)}`), 431, /16 KiB/],
  ['a method that is none', 'FOO / HTTP/1.1\r\nHost: localhost\r\n\r\n', 400, /no HTTP request/],
  ['bytes that are no HTTP', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', 400, /no HTTP request/],
] as const) {
  it(`${what} is a problem with status ${status}`, async () => {
    const answer = await sent(request);
    assert.equal(answer.status, status);
    assert.match(answer.head, /content-type: application\/problem\+json/i);
    assert.equal(answer.problem.status, status);
    assert.match(answer.problem.type, /^urn:lapwing:problem:[a-z-]+$/);
    assert.match(answer.problem.detail, detail);
    assert.match(answer.problem.detail, /\.$/);
  });
}

describe('numbers in the URL', () => {
  for (const text of ['1.5', '1e2', 'true', '', '0x10', '+1', ' 1', '1 ', '99999999999999999999999']) {
    it(`"${text}" is none`, async () => {
      const { status, body } = await api.call('GET', `/devices?limit=${encodeURIComponent(text)}`);
      assert.deepEqual([status, body.field], [400, 'limit']);
    });
  }
  it('given twice are refused', async () => {
    assert.equal((await api.call('GET', '/devices?limit=1&limit=2')).status, 400);
  });
  it('in the path are the path, in words', async () => {
    const { status, body } = await api.call('GET', '/definitions/true');
    assert.equal(status, 400);
    assert.match(body.detail, /^The path is wrong at objectId/);
  });
});

describe('names of devices', () => {
  for (const name of ['urn:imei:490154203237518', 'a/b', '%2e%2e', 'ü 😀', '<script>', '__proto__', 'a?b#c']) {
    it(`"${name}" is reached percent-encoded, and is what the list shows`, async () => {
      await using _device = await api.device(name);
      const path = `/devices/${encodeURIComponent(name)}`;
      const one = await api.call<{ name: string }>('GET', path);
      assert.deepEqual([one.status, one.body.name], [200, name]);
      const value = await api.call<{ entries: { value: unknown }[] }>('GET', `${path}/nodes/3/0/9`);
      assert.equal(value.body.entries[0]?.value, 80);
      const list = await api.call<{ items: { name: string }[] }>('GET', '/devices');
      assert.deepEqual(
        list.body.items.map((item) => item.name),
        [name],
      );
    });
  }
});

describe('bodies', () => {
  for (const [type, body, status, detail] of [
    ['text/plain', '{"value":1}', 415, /application\/json/],
    ['application/json', '{"value":', 400, /not valid JSON/],
    ['application/json', `{"value":"${'x'.repeat(1_100_000)}"}`, 413, /--max-body-bytes/],
  ] as const) {
    it(`${type} "${body.slice(0, 12)}" is answered ${status} with what to do`, async () => {
      const path = '/devices/a/nodes/3/0/1';
      const headers = { 'content-type': type };
      const response = await fetch(`${api.app.httpUrl}/api/v1${path}`, { method: 'PUT', headers, body });
      const answer = await api.checked('PUT', path, response);
      assert.equal(answer.status, status);
      assert.match(answer.body.detail, detail);
    });
  }
});
