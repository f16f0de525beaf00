/** docs/rest-api.md says what is so: every route is in it and in the OpenAPI document, and every example answers as printed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { EVENT_TYPES } from '../src/rest/event-json.ts';
import { SETTINGS } from '../src/configuration.ts';
import { RunningApp } from './running-app.ts';

const document = readFileSync(new URL('../../../docs/rest-api.md', import.meta.url), 'utf8');
let api: RunningApp;

before(async () => {
  api = await RunningApp.start({ demo: true });
  while (api.app.server.registrationCount < 4) await once(api.app.server, 'registered');
});
after(() => api.close());

interface Example {
  readonly command: string;
  readonly answer: string;
}

const EXAMPLES: readonly Example[] = [
  ...document.matchAll(/```sh\n(curl [^\n]*)\n```\n\n```(?:json|text)\n([\s\S]*?)\n```/g),
].map(([, command = '', answer = '']) => ({ command, answer }));

/** The arguments of a curl command: only what the examples use. */
function request(command: string): { readonly url: string; readonly init: RequestInit } {
  const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
  const init: { method?: string; headers: Record<string, string>; body?: string } = { headers: {} };
  let url = '';
  for (let i = 1; i < words.length; i++) {
    const word = words[i] ?? '';
    if (word === '-X') init.method = words[++i] ?? '';
    else if (word === '-d') init.body = words[++i] ?? '';
    else if (word === '-H') {
      const [name = '', value = ''] = (words[++i] ?? '').split(': ');
      init.headers[name] = value;
    } else if (word !== '-N') url = word;
  }
  return { url: url.replace('http://localhost:8080', api.app.httpUrl), init };
}

/** Throws unless `actual` is `printed`, with "…" in place of anything. */
function assertAsPrinted(actual: unknown, printed: unknown, at = ''): void {
  if (printed === '…') {
    assert.notEqual(actual, undefined, `${at} is missing`);
  } else if (typeof printed === 'object' && printed !== null) {
    assert.ok(typeof actual === 'object' && actual !== null, `${at} is ${JSON.stringify(actual)}`);
    assert.deepEqual(Object.keys(actual).sort(), Object.keys(printed).sort(), at);
    for (const [key, value] of Object.entries(printed)) {
      assertAsPrinted((actual as Record<string, unknown>)[key], value, `${at}/${key}`);
    }
  } else {
    assert.equal(actual, printed, at);
  }
}

describe('docs/rest-api.md', () => {
  it('has examples', () => assert.ok(EXAMPLES.length >= 9, `${EXAMPLES.length}`));

  for (const { command, answer } of EXAMPLES) {
    it(command.replace(/^curl /, '').replace('http://localhost:8080/api/v1', ''), async () => {
      const { url, init } = request(command);
      const response = await fetch(url, init);
      if (answer.startsWith('{')) {
        assertAsPrinted(await response.json(), JSON.parse(answer) as unknown);
        return;
      }
      const pattern = new RegExp(`^${answer.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('…', '.+?')}$`, 'm');
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      let text = '';
      while (!/^data: .*\n\n/m.test(text)) text += new TextDecoder().decode((await reader.read()).value);
      assert.match(text, pattern);
      await reader.cancel();
    });
  }

  it('lists every route of the OpenAPI document, and the document lists every route of the table', () => {
    const rows = [...document.matchAll(/^\| (.*?) \|/gm)].map(([, cell]) => cell ?? '');
    const inTable = new Set(
      rows.flatMap((cell) =>
        [...cell.matchAll(/\b(GET|PUT|PATCH|POST|DELETE) `([^`?[]*)/g)].map(
          ([, method, path]) => `${method} ${(path ?? '').replace('{objectId}', '{path}')}`,
        ),
      ),
    );
    const inOpenApi = new Set(
      Object.entries(api.openApi.paths).flatMap(([path, operations]) =>
        Object.keys(operations).map(
          (method) => `${method.toUpperCase()} ${path.replace('/api/v1', '').replace('{objectId}', '{path}')}`,
        ),
      ),
    );
    assert.deepEqual([...inTable].sort(), [...inOpenApi].sort());
  });

  it('names every type of event and explains how settings are named', () => {
    for (const type of [...EVENT_TYPES, 'gap']) assert.ok(document.includes(`\`${type}\``), type);
    for (const { flag } of SETTINGS.filter(({ key }) => /^max|Timeout|Hosts/.test(key) && key !== 'maxEvents')) {
      assert.ok(document.includes(flag), flag);
    }
  });
});

describe('the OpenAPI document', () => {
  it('is version 3.1, names each operation once, and describes its answers and problems', () => {
    const raw = api.openApi as unknown as { openapi: string };
    assert.match(raw.openapi, /^3\.1/);
    const operations = Object.values(api.openApi.paths).flatMap((path) => Object.values(path));
    assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length);
    for (const { operationId, responses } of operations) {
      assert.ok(
        Object.keys(responses).some((status) => status.startsWith('2')),
        operationId,
      );
      for (const status of ['4XX', '5XX']) {
        assert.ok(responses[status]?.content?.['application/problem+json'], `${operationId} ${status}`);
      }
    }
  });
});
