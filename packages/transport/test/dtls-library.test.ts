/** The examples of docs/dtls-library.md: what the document shows is what runs here. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { DEFAULT_DTLS_PARAMETERS } from '@lapwing/dtls';
import { ask, capitals } from './examples/dtls-echo.ts';

const DOCUMENT = new URL('../../../docs/dtls-library.md', import.meta.url);
const EXAMPLES = new URL('./examples/', import.meta.url);

describe('docs/dtls-library.md', () => {
  it('shows the examples as they are', async () => {
    const text = await readFile(DOCUMENT, 'utf8');
    const shown = [...text.matchAll(/<!-- (\S+)\/test\/examples\/(\S+) -->\n\n```ts\n(.*?)```/gs)];
    assert.equal(shown.length, 2);
    for (const [, , name, code] of shown) assert.equal(code, await readFile(new URL(name!, EXAMPLES), 'utf8'), name);
  });

  it('names every parameter', async () => {
    const text = await readFile(DOCUMENT, 'utf8');
    const missing = Object.keys(DEFAULT_DTLS_PARAMETERS).filter((name) => !text.includes(`\`${name}\``));
    assert.deepEqual(missing, []);
  });

  it('the server answers whoever knows the key', async () => {
    const server = capitals(() => Promise.resolve(new Uint8Array(16).fill(7)));
    try {
      const port = await server.bind(0);
      assert.equal(await ask(port, 'sensor-1', new Uint8Array(16).fill(7), 'hello'), 'HELLO');
    } finally {
      server.close();
    }
  });

  it('and tells a stranger that it does not know the identity', async () => {
    const server = capitals(() => Promise.resolve(undefined));
    try {
      const port = await server.bind(0);
      await assert.rejects(ask(port, 'sensor-2', new Uint8Array(16), 'hello'), /unknown_psk_identity/);
    } finally {
      server.close();
    }
  });
});
