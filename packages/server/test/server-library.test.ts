/** The examples of docs/server-library.md: what the document shows is what runs here. */
import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Codes } from '@lapwing/coap';
import {} from '@lapwing/server';
import { registrationStoreConformance } from '@lapwing/server/store-conformance';
import { DtlsDriver, UdpDriver } from '@lapwing/transport';
import { listen } from './examples/listen.ts';
import { letIn, listenSecurely } from './examples/listen-securely.ts';
import { waitForHeat } from './examples/observe.ts';
import { operate } from './examples/operate.ts';
import { DatabaseRegistrationStore, type KeyValueDatabase } from './examples/slow-store.ts';
import { start, stop } from './examples/stop-and-start.ts';
import { setUp } from './setup.ts';
import { reply } from './simulated-device.ts';

const DOCUMENT = new URL('../../../docs/server-library.md', import.meta.url);
const EXAMPLES = new URL('./examples/', import.meta.url);

/** Database calls take a turn of the event loop. */
class FakeDatabase implements KeyValueDatabase {
  readonly #values = new Map<string, string>();
  async set(key: string, value: string): Promise<void> {
    await pause(0);
    this.#values.set(key, value);
  }
  async get(key: string): Promise<string | undefined> {
    await pause(0);
    return this.#values.get(key);
  }
  async delete(key: string): Promise<void> {
    await pause(0);
    this.#values.delete(key);
  }
  async *values(): AsyncIterable<string> {
    for (const value of this.#values.values()) {
      await pause(0);
      yield value;
    }
  }
}

describe('docs/server-library.md', () => {
  it('shows the examples as they are', async () => {
    const text = await readFile(DOCUMENT, 'utf8');
    const shown = [...text.matchAll(/<!-- (\S+)\/test\/examples\/(\S+) -->\n\n```ts\n(.*?)```/gs)];
    assert.equal(shown.length, 6);
    for (const [, , name, code] of shown) assert.equal(code, await readFile(new URL(name!, EXAMPLES), 'utf8'), name);
  });

  it('names every public event and error code that exists', async () => {
    const text = await readFile(DOCUMENT, 'utf8');
    const sources = await Promise.all(
      ['requests', 'observations', 'server', 'security-store'].map((name) =>
        readFile(new URL(`../src/${name}.ts`, import.meta.url), 'utf8'),
      ),
    );
    const codes = sources.flatMap((source) =>
      [...source.matchAll(/OperationFailed\(\s*'([A-Z_]+)'/g)].map(([, code]) => code!),
    );
    const api = await readFile(new URL('../src/api.ts', import.meta.url), 'utf8');
    const events = [...api.slice(api.indexOf('interface ServerEvents')).matchAll(/^ {2}(\w+): \[/gm)].map(
      ([, name]) => name!,
    );
    assert.ok(codes.length > 5 && events.length > 7);
    for (const name of [...codes, ...events]) assert.ok(text.includes(`\`${name}\``), `${name} is not in the document`);
  });
});

describe('its examples run', () => {
  it('listen', async () => {
    const said: string[] = [];
    const registered = Promise.withResolvers<void>();
    await using server = await listen(0, (line) => {
      said.push(line);
      registered.resolve();
    });
    await using device = await UdpDriver.bind({ host: '127.0.0.1', port: 0 });
    const { options } = reply(Codes.post, '', { uriPath: ['rd'], uriQuery: ['ep=one'], contentFormat: 40 });
    const request = { code: Codes.post, options, payload: new TextEncoder().encode('</3/0>') };
    const peer = device.peer(server.drivers[0]!.localAddress);
    device.turn((now, out) => device.endpoint.request(now, peer, request, out));
    await registered.promise;
    server.remove('one');
    assert.deepEqual(said, ['one speaks 1.0', 'one is gone: removed']);
  });

  it('listen-securely', async () => {
    const said: string[] = [];
    const registered = Promise.withResolvers<void>();
    await using server = await listenSecurely(0, (line) => {
      said.push(line);
      registered.resolve();
    });
    const key = Uint8Array.from({ length: 16 }, (_, index) => index);
    await letIn(server, 'one', key);
    await using device = await DtlsDriver.bind({ host: '127.0.0.1', port: 0 });
    const { options } = reply(Codes.post, '', { uriPath: ['rd'], uriQuery: ['ep=one'], contentFormat: 40 });
    const request = { code: Codes.post, options, payload: new TextEncoder().encode('</3/0>') };
    const credentials = { kind: 'psk', identity: new TextEncoder().encode('one'), key: createSecretKey(key) } as const;
    const peer = device.connect(server.drivers[0]!.localAddress, { credentials });
    device.turn((now, out) => device.endpoint.request(now, peer, request, out));
    await registered.promise;
    assert.deepEqual(said, ['one is "one", over TLS_PSK_WITH_AES_128_CCM_8']);
    assert.equal(await server.security.remove('one'), true);
    assert.equal(server.registrationCount, 0);
  });

  it('stop-and-start', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lapwing-snapshot-'));
    try {
      const file = join(folder, 'snapshot');
      const key = createSecretKey(new Uint8Array(32).fill(1));
      const options = { coap: [{ host: '127.0.0.1', port: 0 }] };
      const first = await start(options, file, key);
      assert.equal(first.resumption, undefined);
      await using device = await UdpDriver.bind({ host: '127.0.0.1', port: 0 });
      const { options: coapOptions } = reply(Codes.post, '', {
        uriPath: ['rd'],
        uriQuery: ['ep=one'],
        contentFormat: 40,
      });
      const request = { code: Codes.post, options: coapOptions, payload: new TextEncoder().encode('</3/0>') };
      const registered = new Promise((resolve) => first.once('registered', resolve));
      const peer = device.peer(first.drivers[0]!.localAddress);
      device.turn((now, out) => device.endpoint.request(now, peer, request, out));
      await registered;
      await stop(first, file, key);
      await using second = await start(options, file, key);
      assert.equal(second.resumption?.kind, 'resumed');
      assert.equal(second.device('one')?.registration.lifetimeSeconds, 86_400);
      await assert.rejects(readFile(file), { code: 'ENOENT' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('operate', async () => {
    await using setup = setUp();
    const device = setup.device();
    await device.register(['ep=one', 'lwm2m=1.1']);
    const handle = setup.server.device('one')!;
    let level = '87';
    device.onRequest = ({ code, path }) => {
      if (code === Codes.get)
        return path === '/3/0/9'
          ? reply(Codes.content, level, { contentFormat: 0 })
          : reply(Codes.content, Uint8Array.of(0xc1, 9, 87), { contentFormat: 11542 });
      return reply(Codes.changed);
    };
    assert.equal(await setup.settle(operate(handle)), '1 values read');
    level = '5';
    assert.equal(await setup.settle(operate(handle)), 'only 5 % left');
  });

  it('observe', async () => {
    await using setup = setUp();
    const device = setup.device();
    await device.register(['ep=one', 'lwm2m=1.1'], '</3303/0>');
    device.onRequest = ({ observe }) =>
      observe === 'register' ? reply(Codes.content, '20', { contentFormat: 0 }, true) : reply(Codes.changed);
    const waiting = waitForHeat(setup.server.device('one')!, 25);
    await setup.network.run(1_000);
    for (const value of ['21', '26', '27']) {
      device.notify('/3303/0/5700', reply(Codes.content, value, { contentFormat: 0 }));
      await setup.network.run(1_000);
    }
    assert.equal(await waiting, 26);
    assert.deepEqual(device.asked[0]!.queries, ['pmin=1', 'pmax=60']);
    assert.deepEqual(device.ended, ['reset']);
  });

  for (const { name, run } of registrationStoreConformance)
    it(`slow-store: ${name}`, () => run(() => new DatabaseRegistrationStore(new FakeDatabase())));
});
