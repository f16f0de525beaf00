/** Firmware Update (5): push and pull, every result, and a large image over a bad network. ETS 751 to 780. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import type { OptionValues } from '@lapwing/coap';
import {
  accessControlObject,
  FirmwareRefused,
  firmwareUpdateObject,
  LwM2mClient,
  streamedRequests,
  type ClientOptions,
  type FirmwareProblem,
  type FirmwareUpdateOptions,
  type InstallOutcome,
  type PackageSink,
} from '@lapwing/client';
import { SimulatedNetwork } from '@lapwing/testkit';
import { RawServer } from './raw-server.ts';

const OPAQUE = { contentFormat: 42 };
const TEXT = { contentFormat: 0 };
const IMAGE = Uint8Array.from({ length: 5000 }, (_, index) => (index * 7 + 1) & 0xff);
const PLAIN = { accept: 0 };
const OBSERVE = { observe: 0 } as OptionValues;
const NOTHING = Uint8Array.of(0);

/** Keeps what it is given. */
class Flash implements PackageSink {
  readonly pieces: Uint8Array[] = [];
  discarded = 0;
  write(bytes: Uint8Array): void | Promise<void> {
    this.pieces.push(bytes);
  }
  end(): { readonly name: string; readonly version: string } | undefined {
    return { name: 'image', version: '2.0' };
  }
  discard(): void {
    this.discarded++;
  }
  get bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }
}

interface World {
  readonly network: SimulatedNetwork;
  readonly server: RawServer;
  readonly client: LwM2mClient;
  readonly flash: Flash;
  readonly errors: unknown[];
  /** "state result" as a server reads them. */
  readonly state: () => Promise<string>;
}

async function world(
  firmware: Partial<FirmwareUpdateOptions> = {},
  options: Partial<ClientOptions> = {},
  flash: Flash = new Flash(),
): Promise<World> {
  const network = new SimulatedNetwork();
  const server = new RawServer(network);
  const errors: unknown[] = [];
  const object = firmwareUpdateObject({
    receive: () => flash,
    install: () => ({ firmwareVersion: '2.0' }),
    failed: (error) => errors.push(error),
    ...firmware,
  });
  const objects = [object];
  const parameters = { streamedRequest: streamedRequests(objects) };
  const client = new LwM2mClient(network.driver({ host: '10.0.0.2', port: 56830 }, parameters), {
    endpointClientName: 'firmware',
    servers: [{ uri: 'coap://10.0.0.1' }],
    objects,
    ...options,
  });
  client.on('handlerError', ({ cause }) => errors.push(cause));
  client.register();
  await network.run(1000);
  const state = async (): Promise<string> =>
    `${(await server.request('GET /5/0/3', PLAIN)).text} ${(await server.request('GET /5/0/5', PLAIN)).text}`;
  return { network, server, client, flash, errors, state };
}

describe('push (ETS 755, 770)', () => {
  it('a package in blocks is handed over as it arrives; then it can be installed', async () => {
    let finish = (_outcome: InstallOutcome): void => assert.fail('nothing is installed yet');
    const { network, server, client, flash, state } = await world({
      install: () => new Promise<InstallOutcome>((resolve) => (finish = resolve)),
    });
    await server.request('GET /5/0/3', OBSERVE);
    assert.equal((await server.request('PUT /5/0/0', OPAQUE, IMAGE)).code, '2.04');
    assert.equal(flash.bytes.compare(IMAGE), 0);
    assert.equal(flash.pieces.length, 5);
    assert.equal(await state(), '2 0');
    assert.deepEqual([client.get('/5/0/6'), client.get('/5/0/7')], ['image', '2.0']);
    assert.equal((await server.request('POST /5/0/2')).code, '2.04');
    await network.run(1000);
    assert.equal(await state(), '3 0');
    finish({ firmwareVersion: '2.0' });
    await network.run(1000);
    assert.equal(await state(), '0 1');
    assert.deepEqual(
      server.notifications.map(({ text }) => text),
      ['1', '2', '3', '0'],
    );
    assert.equal(client.get('/3/0/3'), undefined, 'a Device that does not say its version still does not');
    assert.equal(flash.discarded, 0);
  });

  it('a small package comes in one message', async () => {
    const { server, flash, state } = await world();
    assert.equal((await server.request('PUT /5/0/0', OPAQUE, IMAGE.subarray(0, 100))).code, '2.04');
    assert.equal(flash.bytes.length, 100);
    assert.equal(await state(), '2 0');
  });

  for (const [name, contentFormat, header] of [
    ['TLV', 11542, [0xd0, 0x00, 0x13, 0x88]],
    ['CBOR', 60, [0x59, 0x13, 0x88]],
  ] as const) {
    it(`in ${name} the value alone is the package`, async () => {
      const { server, flash, state } = await world();
      const body = Buffer.concat([Buffer.from(header), IMAGE]);
      assert.equal((await server.request('PUT /5/0/0', { contentFormat }, body)).code, '2.04');
      assert.equal(flash.bytes.compare(IMAGE), 0);
      assert.equal(await state(), '2 0');
    });

    it(`in ${name} a length that is not the one of the body is refused`, async () => {
      for (const end of [IMAGE.length - 1, IMAGE.length + 1]) {
        const { server, flash, state } = await world();
        const body = Buffer.concat([Buffer.from(header), IMAGE, NOTHING]).subarray(0, header.length + end);
        assert.equal((await server.request('PUT /5/0/0', { contentFormat }, body)).code, '4.00');
        assert.equal(await state(), '0 4');
        assert.equal(flash.discarded, 1);
      }
    });
  }

  it('what is no TLV of this Resource and no byte string is refused', async () => {
    for (const [contentFormat, header] of [
      [11542, [0xd0, 0x01, 0x13, 0x88]],
      [11542, [0x10, 0x00, 0x13, 0x88]],
      [60, [0x79, 0x13, 0x88]],
      [60, [0x5f, 0x13, 0x88]],
    ] as const) {
      const { server, state } = await world();
      const body = Buffer.concat([Buffer.from(header), IMAGE]);
      assert.equal((await server.request('PUT /5/0/0', { contentFormat }, body)).code, '4.00');
      assert.equal(await state(), '0 4');
    }
  });

  it('one NUL byte resets, in every state but Updating', async () => {
    const { server, flash, state, client } = await world({
      install: () => new Promise<InstallOutcome>(() => undefined),
    });
    assert.equal((await server.request('PUT /5/0/0', OPAQUE, NOTHING)).code, '2.04');
    await server.request('PUT /5/0/0', OPAQUE, IMAGE);
    assert.equal((await server.request('PUT /5/0/0', OPAQUE, NOTHING)).code, '2.04');
    assert.equal(await state(), '0 0');
    assert.equal(flash.discarded, 1);
    assert.equal(client.get('/5/0/6'), '');
    await server.request('PUT /5/0/0', OPAQUE, IMAGE);
    await server.request('POST /5/0/2');
    assert.equal(await state(), '3 0');
    assert.equal((await server.request('PUT /5/0/0', OPAQUE, NOTHING)).code, '4.05');
    assert.equal((await server.request('POST /5/0/10')).code, '4.05');
    assert.equal(await state(), '3 0');
  });

  it('a second package is refused while there is one', async () => {
    const { server, flash, state } = await world();
    await server.request('PUT /5/0/0', OPAQUE, IMAGE);
    assert.equal((await server.request('PUT /5/0/0', OPAQUE, IMAGE)).code, '4.05');
    assert.equal((await server.request('PUT /5/0/1', TEXT, 'http://a.example/b')).code, '4.05');
    assert.equal(flash.bytes.length, IMAGE.length);
    assert.equal(await state(), '2 0');
  });

  it('an upload that stops is a lost connection (Result 4)', async () => {
    const { network, server, flash, state } = await world();
    void server.start('PUT /5/0/0', OPAQUE, IMAGE);
    await network.run(40);
    assert.ok(flash.pieces.length > 0);
    network.conditions = { ...network.conditions, loss: 1 };
    await network.run(600_000);
    network.conditions = { ...network.conditions, loss: 0 };
    assert.equal(await state(), '0 4');
    assert.equal(flash.discarded, 1);
  });

  it('an upload to a device that goes offline is a lost connection, too', async () => {
    const { network, server, client, flash } = await world();
    void server.start('PUT /5/0/0', OPAQUE, IMAGE);
    await network.run(40);
    client.goOffline();
    const taken = flash.pieces.length;
    assert.ok(taken > 0 && taken < 5);
    await network.run(600_000);
    assert.equal(flash.pieces.length, taken);
    assert.deepEqual([client.get('/5/0/3'), client.get('/5/0/5'), flash.discarded], [0, 4, 1]);
  });

  it('Cancel stops an upload (1.1), and the rest of it is refused', async () => {
    // Blocks are taken slowly, so that there is time to cancel.
    const waiting: (() => void)[] = [];
    const flash = new (class extends Flash {
      override write(): Promise<void> {
        return new Promise<void>((resolve) => waiting.push(resolve));
      }
    })();
    const { network, server, state } = await world({}, {}, flash);
    const upload = server.start('PUT /5/0/0', OPAQUE, IMAGE);
    await network.run(100);
    assert.equal(await state(), '1 0');
    assert.equal((await server.request('POST /5/0/10')).code, '2.04');
    assert.equal(await state(), '0 10');
    for (let at = 0; at < 3; at++) {
      waiting.shift()?.();
      await network.run(1000);
    }
    assert.equal((await upload).code, '4.05');
    assert.equal(await state(), '0 10');
    assert.equal(flash.discarded, 1);
  });

  it('a server without the right to write cannot push it', async () => {
    const flash = new Flash();
    const objects = [
      firmwareUpdateObject({ receive: () => flash, install: () => undefined }),
      accessControlObject({ objectId: 5, objectInstanceId: 0, others: ['read', 'execute'] }),
    ];
    const { server, state } = await world({}, { objects });
    assert.equal((await server.request('PUT /5/0/0', OPAQUE, IMAGE)).code, '4.01');
    assert.equal(flash.pieces.length, 0);
    assert.equal(await state(), '0 0');
  });

  it('what is not pushed to is 4.05', async () => {
    const { server } = await world({ push: false, fetch: {} });
    assert.equal((await server.request('PUT /5/0/0', OPAQUE, IMAGE)).code, '4.05');
    assert.equal((await server.request('PUT /5/0/0', OPAQUE, NOTHING)).code, '2.04');
    assert.equal((await server.request('GET /5/0/0')).code, '4.05');
  });
});

describe('what can be wrong with a package (ETS 773 to 777)', () => {
  // The problem, the Update Result, and what the server that writes it is answered.
  const rows: readonly (readonly [FirmwareProblem, number, string])[] = [
    ['storage', 2, '4.13'],
    ['memory', 3, '4.13'],
    ['integrity', 5, '4.00'],
    ['packageType', 6, '4.15'],
  ];
  for (const [problem, result, code] of rows) {
    for (const when of ['opened', 'written', 'ended'] as const) {
      it(`${problem}, when it is ${when}: Result ${result}, State 0`, async () => {
        const flash = new Flash();
        const refuse = (): never => {
          throw new FirmwareRefused(problem);
        };
        if (when === 'written') flash.write = refuse;
        if (when === 'ended') flash.end = refuse;
        const { server, state, errors } = await world(when === 'opened' ? { receive: refuse } : {}, {}, flash);
        assert.equal((await server.request('PUT /5/0/0', OPAQUE, IMAGE)).code, code);
        assert.equal(await state(), `0 ${result}`);
        assert.equal(flash.discarded, when === 'opened' ? 0 : 1);
        assert.deepEqual(errors, []);
        assert.equal((await server.request('POST /5/0/2')).code, '4.05');
      });
    }
  }

  it('a package that is longer than allowed needs too much storage', async () => {
    const { server, state, flash } = await world({ maxPackageBytes: 3000 });
    assert.equal((await server.request('PUT /5/0/0', OPAQUE, IMAGE)).code, '4.13');
    assert.equal(await state(), '0 2');
    assert.equal(flash.bytes.length, 2048);
  });

  it('a mistake in the application is a lost connection for the server, and an event here', async () => {
    const flash = new Flash();
    flash.write = (): never => {
      throw new TypeError('mistake');
    };
    const { server, state, errors } = await world({}, {}, flash);
    assert.equal((await server.request('PUT /5/0/0', OPAQUE, IMAGE)).code, '5.00');
    assert.equal(await state(), '0 4');
    assert.match(String(errors), /mistake/);
  });
});

describe('pull (ETS 756, 771, 775, 778)', () => {
  const fetched: string[] = [];
  async function* image(uri: string): AsyncIterable<Uint8Array> {
    fetched.push(uri);
    for (let at = 0; at < IMAGE.length; at += 1000) {
      await Promise.resolve();
      yield IMAGE.subarray(at, at + 1000);
    }
  }

  it('a URI is fetched from, over each protocol there is; the Object says which', async () => {
    for (const uri of ['coap://10.9.9.9/image', 'http://files.example/image']) {
      const { network, server, flash, state } = await world({ fetch: { coap: image, http: image } });
      assert.match((await server.request('GET /5/0', { accept: 110 })).text, /"8\/0","v":0.*"8\/1","v":2.*"9","v":2/);
      assert.equal((await server.request('PUT /5/0/1', TEXT, uri)).code, '2.04');
      await network.run(1000);
      assert.equal(fetched.pop(), uri);
      assert.equal(flash.bytes.compare(IMAGE), 0);
      assert.equal(await state(), '2 0');
      assert.equal((await server.request('GET /5/0/1')).text, uri);
      assert.equal((await server.request('PUT /5/0/1', TEXT, '')).code, '2.04');
      assert.equal(await state(), '0 0');
      assert.equal((await server.request('GET /5/0/1')).text, '');
      assert.equal(flash.discarded, 1);
    }
  });

  for (const [uri, result] of [
    ['nonsense', 7],
    ['http:', 7],
    ['coaps://a.example/b', 9],
    ['ftp://a.example/b', 9],
    ['constructor://a.example/b', 9],
  ] as const) {
    it(`"${uri}" is taken, and is Result ${result}`, async () => {
      const { server, state } = await world({ fetch: { http: image } });
      assert.equal((await server.request('PUT /5/0/1', TEXT, uri)).code, '2.04');
      assert.equal(await state(), `0 ${result}`);
    });
  }

  it('a link that breaks is Result 4; a file that is not there 7', async () => {
    for (const [error, result] of [
      [new Error('ECONNRESET'), 4],
      [new FirmwareRefused('uri'), 7],
    ] as const) {
      const { network, server, flash, state, errors } = await world({
        fetch: {
          http: async function* () {
            yield IMAGE;
            throw error;
          },
        },
      });
      await server.request('PUT /5/0/1', TEXT, 'http://a.example/b');
      await network.run(1000);
      assert.equal(await state(), `0 ${result}`);
      assert.equal(flash.discarded, 1);
      assert.deepEqual(errors, result === 4 ? [error] : []);
    }
  });

  it('Cancel and reset end a download, and tell the fetcher', async () => {
    for (const [line, payload, after] of [
      ['POST /5/0/10', '', '0 10'],
      ['PUT /5/0/1', '', '0 0'],
    ] as const) {
      let aborted = false;
      const { network, server, state, flash } = await world({
        fetch: {
          http: async function* (_uri, { signal }) {
            yield IMAGE.subarray(0, 10);
            await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
            aborted = true;
            yield IMAGE;
          },
        },
      });
      await server.request('PUT /5/0/1', TEXT, 'http://a.example/b');
      await network.run(1000);
      assert.equal(await state(), '1 0');
      assert.equal((await server.request(line, line.startsWith('PUT') ? TEXT : {}, payload)).code, '2.04');
      await network.run(1000);
      assert.equal(aborted, true);
      assert.equal(await state(), after);
      assert.deepEqual([flash.bytes.length, flash.discarded], [10, 1]);
    }
  });
});

describe('Update (ETS 772, 779)', () => {
  it('without a package it is 4.05, and nothing changes', async () => {
    const { server, state } = await world();
    assert.equal((await server.request('POST /5/0/2')).code, '4.05');
    assert.equal(await state(), '0 0');
  });

  it('one that fails is Result 8 and leaves the package, which can be tried again', async () => {
    let attempts = 0;
    const { network, server, state, errors, flash } = await world({
      install: () => {
        if (++attempts === 1) throw new Error('bad flash');
      },
    });
    await server.request('PUT /5/0/0', OPAQUE, IMAGE);
    await server.request('POST /5/0/2');
    await network.run(1000);
    assert.equal(await state(), '2 8');
    assert.match(String(errors), /bad flash/);
    assert.equal(flash.discarded, 0);
    await server.request('POST /5/0/2');
    await network.run(1000);
    assert.equal(await state(), '0 1');
  });

  it('may be put off (Result 11), as severity and the longest delay say', async () => {
    const seen: unknown[] = [];
    const { network, server, state } = await world({
      install: ({ severity, maxDeferSeconds }) => {
        seen.push(severity, maxDeferSeconds);
        return 'deferred';
      },
    });
    await server.request('PUT /5/0/11', TEXT, '2');
    await server.request('PUT /5/0/13', TEXT, '3600');
    await server.request('PUT /5/0/0', OPAQUE, IMAGE);
    await server.request('POST /5/0/2');
    await network.run(1000);
    assert.equal(await state(), '2 11');
    assert.deepEqual(seen, [2, 3600]);
  });

  it('a client that has restarted says how it went, or that a package waits', async () => {
    const after = await world({ initial: { state: 'idle', result: 'success', version: '2.0' } });
    assert.equal(await after.state(), '0 1');
    const flash = new Flash();
    const before = await world({ initial: { state: 'downloaded' }, waiting: flash });
    assert.equal(await before.state(), '2 0');
    await before.server.request('PUT /5/0/1', TEXT, '');
    assert.equal(flash.discarded, 1);
  });

  it('the time of the last change of the state is kept (1.1)', async () => {
    const { network, server, client } = await world();
    await network.run(50_000);
    await server.request('PUT /5/0/0', OPAQUE, IMAGE);
    assert.equal(client.get('/5/0/12'), Math.floor(network.unixTime() / 1000));
  });

  it('the Object of LwM2M 1.0 has no Cancel, no severity and no time', async () => {
    const { network, server, state } = await world({}, { lwm2mVersion: '1.0' });
    assert.equal((await server.request('POST /5/0/10')).code, '4.04');
    assert.equal((await server.request('GET /5/0/12')).code, '4.04');
    await server.request('PUT /5/0/0', OPAQUE, IMAGE);
    await server.request('POST /5/0/2');
    await network.run(1000);
    assert.equal(await state(), '0 1');
  });

  it('the version of the Device follows', async () => {
    const { network, server, client } = await world();
    client.set('/3/0/3', '1.0');
    await server.request('PUT /5/0/0', OPAQUE, IMAGE);
    await server.request('POST /5/0/2');
    await network.run(1000);
    assert.equal(client.get('/3/0/3'), '2.0');
  });
});

describe('a large image', () => {
  it('4 MiB at 30 % loss arrive whole, one block in memory at a time', async () => {
    const image = Buffer.alloc(4 * 1024 * 1024);
    for (let at = 0; at < image.length; at += 4) image.writeUInt32LE((at * 2654435761) >>> 0, at);
    const network = new SimulatedNetwork();
    const hash = createHash('sha256');
    let received = 0;
    let longest = 0;
    const objects = [
      firmwareUpdateObject({
        receive: () => ({
          write: (bytes) => {
            received += bytes.length;
            longest = Math.max(longest, bytes.buffer.byteLength);
            hash.update(bytes);
          },
          end: () => undefined,
          discard: () => undefined,
        }),
        install: () => undefined,
      }),
    ];
    // A sender that does not give up: at this loss one block in thirty needs more than five transmissions.
    const server = new RawServer(network, undefined, { maxRetransmit: 20, ackTimeout: 100, maxBodyBytes: image.length, maxTotalBodyBytes: image.length }); // prettier-ignore
    const driver = network.driver(
      { host: '10.0.0.2', port: 56830 },
      {
        streamedRequest: streamedRequests(objects),
        maxTotalBodyBytes: 64 * 1024,
        maxBodyBytes: 16 * 1024,
        exchangeLifetime: 3_600_000,
      },
    );
    const client = new LwM2mClient(driver, {
      endpointClientName: 'large',
      servers: [{ uri: 'coap://10.0.0.1', lifetimeSeconds: 0 }],
      objects,
    });
    client.register();
    await network.run(1000);
    network.conditions = { ...network.conditions, loss: 0.3 };
    let code: string | undefined;
    void server.start('PUT /5/0/0', OPAQUE, image).then((answer) => (code = answer.code));
    let mostHeld = 0;
    for (let waited = 0; code === undefined && waited < 2000; waited++) {
      await network.run(60_000);
      mostHeld = Math.max(mostHeld, driver.endpoint.usage.bodyBytes);
    }
    assert.equal(code, '2.04');
    assert.equal(received, image.length);
    assert.equal(hash.digest('hex'), createHash('sha256').update(image).digest('hex'));
    assert.ok(longest <= 1024, `a piece of ${longest} bytes`);
    assert.ok(mostHeld <= 1024, `${mostHeld} bytes are held`);
    assert.equal(client.get('/5/0/3'), 2);
  });
});
