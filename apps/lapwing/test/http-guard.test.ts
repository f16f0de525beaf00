/** What must not get through: foreign hosts and pages, wrong media types, oversize bodies; and what the console is served with. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { RunningApp } from './running-app.ts';

let api: RunningApp;
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapwing-console-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>Console</title>');
  await writeFile(join(folder, 'assets', 'index-1a2b3c.js'), 'export {};');
  api = await RunningApp.start({
    consoleFolder: folder,
    httpAllowedHosts: ['lapwing.example'],
    maxBodyBytes: 2048,
  });
});
after(async () => {
  await api.close();
  await rm(folder, { recursive: true });
});

interface RawAnswer {
  readonly status: number;
  readonly body: string;
}

/** fetch would set Host and Origin itself. */
function raw(method: string, path: string, headers: Record<string, string>, body?: string): Promise<RawAnswer> {
  const { hostname, port } = new URL(api.app.httpUrl);
  return new Promise((resolve, reject) => {
    const sent = request({ method, path, hostname, port, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

const port = (): string => new URL(api.app.httpUrl).port;

describe('DNS rebinding', () => {
  for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1', '[::1]:8080', 'lapwing.example:80']) {
    it(`"${host}" is a name of this server`, async () => {
      assert.equal((await raw('GET', '/api/v1/server', { host })).status, 200);
    });
  }
  for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1']) {
    it(`"${host}" is answered 421`, async () => {
      const { status, body } = await raw('GET', '/api/v1/server', { host });
      assert.equal(status, 421);
      assert.match(body, /urn:lapwing:problem:misdirected-host/);
    });
  }
  it('keeps the console from foreign names too', async () => {
    assert.equal((await raw('GET', '/', { host: 'evil.example' })).status, 421);
  });
});

describe('cross-site requests', () => {
  const execute = '/api/v1/devices/a/execute/3/0/4';
  const host = 'localhost:8080';
  for (const [name, headers, status] of [
    ['a page of this server', { host, origin: 'http://localhost:8080' }, 404],
    ['a program that says nothing', { host }, 404],
    ['a page of another site', { host, origin: 'https://evil.example' }, 403],
    ['a page of another port', { host, origin: 'http://localhost:9999' }, 403],
    ['a page without an origin', { host, origin: 'null' }, 403],
    ['a browser that says cross-site', { host, 'sec-fetch-site': 'cross-site' }, 403],
  ] as const) {
    it(`${name} that executes gets ${status}`, async () => {
      assert.equal((await raw('POST', execute, headers)).status, status);
    });
  }
  it('are never invited by CORS headers', async () => {
    const answer = await api.call('GET', '/server', undefined, { origin: 'https://evil.example' });
    assert.equal(answer.headers.get('access-control-allow-origin'), null);
  });
});

describe('bodies', () => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/xml']) {
    it(`of type ${type} are answered 415, so that no form of a foreign page can write`, async () => {
      const headers = { host: `localhost:${port()}`, 'content-type': type };
      const { status, body } = await raw('PUT', '/api/v1/devices/a/nodes/3/0/1', headers, '{"value":1}');
      assert.equal(status, 415);
      assert.match(body, /unsupported-media-type/);
    });
  }
  it('that are larger than the limit are answered 413', async () => {
    const { status, body } = await api.call('PUT', '/devices/a/nodes/3/0/1', { value: 'x'.repeat(3000) });
    assert.deepEqual([status, body.type], [413, 'urn:lapwing:problem:body-too-large']);
  });
  it('that are not JSON are answered 400', async () => {
    const headers = { host: 'localhost', 'content-type': 'application/json' };
    const { status, body } = await raw('PUT', '/api/v1/devices/a/nodes/3/0/1', headers, '{"value":');
    assert.equal(status, 400);
    assert.equal((JSON.parse(body) as { type: string }).type, 'urn:lapwing:problem:bad-request');
  });
  it('may be left out of an Execute that says it is JSON', async () => {
    const headers = { host: 'localhost', 'content-type': 'application/json' };
    const { status } = await raw('POST', '/api/v1/devices/a/execute/3/0/4', headers);
    assert.equal(status, 404);
  });
  it('with __proto__ are answered 400', async () => {
    const headers = { host: 'localhost', 'content-type': 'application/json' };
    const { status } = await raw('PUT', '/api/v1/devices/a/nodes/3/0/1', headers, '{"__proto__":{"value":1}}');
    assert.equal(status, 400);
  });
});

describe('the console', () => {
  it('is at / and at every other path outside /api/', async () => {
    for (const path of ['/', '/devices/urn:dev:1', '/server']) {
      const response = await fetch(api.app.httpUrl + path);
      assert.equal(response.status, 200);
      assert.match(response.headers.get('content-type') ?? '', /^text\/html/);
      assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'self'.*frame-ancestors 'none'/);
      assert.equal(response.headers.get('cache-control'), 'no-cache');
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
      assert.match(await response.text(), /Console/);
    }
  });
  it('lets browsers keep files with a hash in their name for ever', async () => {
    const response = await fetch(`${api.app.httpUrl}/assets/index-1a2b3c.js`);
    assert.equal(response.headers.get('cache-control'), 'public, max-age=31536000, immutable');
    await response.text();
  });
  it('gives no file from outside its folder', async () => {
    for (const path of ['/../package.json', '/..%2f..%2fpackage.json', '/assets/%2e%2e/%2e%2e/package.json']) {
      const { body } = await raw('GET', path, { host: 'localhost' });
      assert.doesNotMatch(body, /"name"/);
    }
  });
  it('that is not built says so in one sentence', async () => {
    const unbuilt = await RunningApp.start({ consoleFolder: join(folder, 'missing') });
    const response = await fetch(unbuilt.app.httpUrl);
    assert.equal(response.status, 503);
    assert.match(await response.text(), /^The console is not built: run "npm run build"\./);
    await unbuilt.close();
  });
});

describe('the documentation', () => {
  it('is a page that needs nothing from elsewhere', async () => {
    const response = await fetch(`${api.app.httpUrl}/api/v1/docs/`);
    const html = await response.text();
    assert.equal(response.status, 200);
    assert.doesNotMatch(html, /(?:src|href)="https?:/);
    assert.match(response.headers.get('content-security-policy') ?? '', /script-src 'self'/);
    for (const [, file] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
      const part = await fetch(new URL(file ?? '', `${api.app.httpUrl}/api/v1/docs/`));
      assert.equal(part.status, 200, file);
      await part.arrayBuffer();
    }
  });
});
