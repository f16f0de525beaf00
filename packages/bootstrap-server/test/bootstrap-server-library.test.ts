/** The examples of docs/bootstrap-server-library.md: what the document shows is what runs here. */
import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import type { Peer } from '@lapwing/coap';
import { DtlsDriver, UdpDriver, type PeerAddress } from '@lapwing/transport';
import { BootstrapDevice } from './bootstrap-device.ts';
import { configure } from './examples/configure.ts';
import { generateKeys } from './examples/generate-keys.ts';
import { preview } from './examples/preview.ts';

const DOCUMENT = new URL('../../../docs/bootstrap-server-library.md', import.meta.url);
const EXAMPLES = new URL('./examples/', import.meta.url);
const source = (name: string): Promise<string> => readFile(new URL(`../src/${name}.ts`, import.meta.url), 'utf8');

describe('docs/bootstrap-server-library.md', () => {
  it('shows the examples as they are', async () => {
    const text = await readFile(DOCUMENT, 'utf8');
    const shown = [...text.matchAll(/<!-- (\S+)\/test\/examples\/(\S+) -->\n\n```ts\n(.*?)```/gs)];
    assert.equal(shown.length, 3);
    for (const [, , name, code] of shown) assert.equal(code, await readFile(new URL(name!, EXAMPLES), 'utf8'), name);
  });

  it('names every event, outcome, refusal, member of a configuration and error code that exists', async () => {
    const text = await readFile(DOCUMENT, 'utf8');
    const api = await source('api');
    const configuration = await source('configuration');
    const section = (from: string, whole: string): string => {
      const start = whole.indexOf(from);
      assert.ok(start >= 0, from);
      return whole.slice(start, whole.indexOf('\n\n', start) < 0 ? undefined : whole.indexOf('\nexport ', start + 1));
    };
    const names = [
      ...[...section('interface BootstrapServerEvents', api).matchAll(/^ {2}(\w+): \[/gm)],
      ...[...section('type BootstrapOutcome', api).matchAll(/readonly kind: '([\w-]+)'/g)],
      ...[...section('type BootstrapRefusalKind', api).matchAll(/^ {2}\| '([\w-]+)'/gm)],
      ...[...section('interface BootstrapConfiguration', configuration).matchAll(/^ {2}readonly (\w+)\?:/gm)],
      ...[...(await source('bootstrap-server')).matchAll(/OperationFailed\(\s*'([A-Z_]+)'/g)],
    ].map(([, name]) => name!);
    assert.ok(names.length > 35, String(names.length));
    for (const name of names)
      assert.ok(text.includes(`\`${name}\``) || text.includes(`\`${name},`) || text.includes(`, \`${name}`), name);
  });
});

describe('its examples run', () => {
  it('configure and preview', async () => {
    const said: string[] = [];
    const told = Promise.withResolvers<void>();
    await using bootstrapServer = await configure(0, (line) => {
      said.push(line);
      if (said.length === 2) told.resolve();
    });
    await using driver = await UdpDriver.bind({ host: '127.0.0.1', port: 0 });
    const device = new BootstrapDevice(driver, () => driver.peer(bootstrapServer.drivers[0]!.localAddress));
    await device.request('ep=nobody');
    await device.request('ep=urn:imei:1');
    await told.promise;
    assert.deepEqual(said, ['nobody was refused: there is no configuration for "nobody"', 'urn:imei:1: finished']);
    assert.equal(device.values.get('/1/0/2'), 10);
    assert.equal(device.values.get('/2/0/2/1'), 3);
    assert.equal(device.values.get('/3/0/15'), 'Europe/Berlin');

    const text = '{ "objects": [{ "path": "/19/0", "resources": { "0": { "0": { "hex": "a55a" } } } }] }';
    assert.deepEqual(await preview(bootstrapServer, 'other', text), [
      'discover /, 0 values',
      'write /19/0, 1 values',
      'finish /bs, 0 values',
    ]);
  });

  it('generate-keys', async () => {
    await using both = await generateKeys('127.0.0.1');
    const { bootstrapServer, server } = both;
    const key = createSecretKey(new Uint8Array(16).fill(1));
    const identity = new TextEncoder().encode('one');
    await bootstrapServer.security.add({ kind: 'psk', endpointClientName: 'one', identity, key });
    await using driver = await DtlsDriver.bind({ host: '127.0.0.1', port: 0 });
    let peer: Peer<PeerAddress> | undefined;
    const credentials = { kind: 'psk', identity, key } as const;
    const { localAddress } = bootstrapServer.drivers[0]!;
    const device = new BootstrapDevice(driver, () => (peer ??= driver.connect(localAddress, { credentials })));
    const ended = new Promise((resolve) => bootstrapServer.once('sessionEnded', (_, outcome) => resolve(outcome)));
    await device.request();
    assert.deepEqual(await ended, { kind: 'finished' });
    assert.deepEqual((await server.security.list()).items, [
      { endpointClientName: 'one', kind: 'psk', identity: 'one' },
    ]);
    assert.equal((device.values.get('/0/1/5') as Uint8Array).length, 16);
  });
});
