/** OMA ETS INT 751 to 779: Firmware Update. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import {
  FirmwareRefused,
  firmwareUpdateObject,
  type FirmwareProblem,
  type FirmwareUpdateOptions,
  type PackageSink,
} from '@lapwing/client';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { C3_ACCOUNT, device } from '../configurations.ts';
import { proves } from '../proves.ts';
import { Scene } from '../scene.ts';

const IMAGE = Uint8Array.from({ length: 20_000 }, (_, index) => (index * 31 + 7) & 0xff);
const NUL = Uint8Array.of(0);
const URI = 'coap://files.example/image';

/** A device whose package is checked against IMAGE and whose installation takes 5 s. */
class Bootloader {
  readonly pieces: Uint8Array[] = [];
  discarded = 0;
  readonly #problem: FirmwareProblem | undefined;
  #scene: Scene | undefined;

  constructor(problem: FirmwareProblem | undefined) {
    this.#problem = problem;
  }

  set scene(scene: Scene) {
    this.#scene = scene;
  }

  sink(): PackageSink {
    this.pieces.length = 0;
    return {
      write: (bytes) => {
        if (this.#problem === 'storage' || this.#problem === 'memory') throw new FirmwareRefused(this.#problem);
        this.pieces.push(bytes);
      },
      end: () => {
        if (this.#problem !== undefined) throw new FirmwareRefused(this.#problem);
        const isWhole = Buffer.concat(this.pieces).equals(IMAGE);
        if (!isWhole) throw new FirmwareRefused('integrity');
        return { name: 'lapwing', version: '2.0.0' };
      },
      discard: () => this.discarded++,
    };
  }

  /** Until the scene has let 5 s pass. */
  async install(): Promise<void> {
    const { network } = this.#scene!;
    const end = network.now() + 5_000;
    while (network.now() < end) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  readonly #waiting: (() => void)[] = [];

  async seconds(count: number): Promise<void> {
    for (let second = 0; second < count; second++) {
      await this.#scene!.seconds(1);
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }
}

interface C8 extends AsyncDisposable {
  readonly scene: Scene;
  readonly bootloader: Bootloader;
  /** State and Update Result. */
  readonly state: () => Promise<readonly unknown[]>;
}

async function inC8(
  version: LwM2mVersion,
  { problem, ...options }: Partial<FirmwareUpdateOptions> & { readonly problem?: FirmwareProblem } = {},
): Promise<C8> {
  const bootloader = new Bootloader(problem);
  const firmware = firmwareUpdateObject({
    receive: () => bootloader.sink(),
    install: async () => {
      await bootloader.install();
      return { firmwareVersion: '2.0.0' };
    },
    fetch: { coap: (uri) => download(uri) },
    failed: () => undefined,
    ...options,
  });
  const scene = await Scene.open({ version, objects: [device(), firmware], accounts: [C3_ACCOUNT] });
  bootloader.scene = scene;
  return {
    scene,
    bootloader,
    async state() {
      const { values } = await scene.server.read('/5/0');
      return [values['/5/0/3'], values['/5/0/5']];
    },
    [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose](),
  };
}

async function* download(uri: string): AsyncIterable<Uint8Array> {
  assert.equal(uri, URI);
  for (let offset = 0; offset < IMAGE.length; offset += 1024) {
    await Promise.resolve();
    yield IMAGE.subarray(offset, offset + 1024);
  }
}

/** Nothing but the device itself takes a package from A to B in these. */
const WAYS = ['push', 'pull'] as const;

/** Order a package by either way. Answers the code of the Write. */
async function order(c8: C8, way: (typeof WAYS)[number]): Promise<string> {
  const { server } = c8.scene;
  const code = way === 'push' ? await server.write('/5/0/0', IMAGE) : await server.write('/5/0/1', URI);
  await c8.scene.seconds(2);
  return code;
}

describe('OMA: Firmware Update', () => {
  proves('LightweightM2M-1.1-int-751', async (version) => {
    await using c8 = await inC8(version);
    const { code, values } = await c8.scene.server.read('/5/0');
    assert.equal(code, '2.05');
    assert.deepEqual([values['/5/0/3'], values['/5/0/5'], values['/5/0/8/0'], values['/5/0/9']], [0, 0, 0, 2]);
    assert.equal(values['/5/0/0'], undefined, 'the package itself cannot be read');
  });

  proves('LightweightM2M-1.1-int-755', async (version) => {
    await using c8 = await inC8(version);
    const { server } = c8.scene;
    assert.equal(await server.write('/5/0/0', NUL), '2.04');
    assert.deepEqual(await c8.state(), [0, 0]);
    assert.equal(await server.write('/5/0/0', IMAGE), '2.04');
    assert.deepEqual(await c8.state(), [2, 0]);
    assert.equal(await server.write('/5/0/0', NUL), '2.04');
    assert.deepEqual(await c8.state(), [0, 0]);
    assert.equal(c8.bootloader.discarded, 1);
  });

  proves('LightweightM2M-1.1-int-756', async (version) => {
    await using c8 = await inC8(version);
    const { server } = c8.scene;
    assert.equal(await server.write('/5/0/1', ''), '2.04');
    assert.deepEqual(await c8.state(), [0, 0]);
    assert.equal(await order(c8, 'pull'), '2.04');
    assert.deepEqual(await c8.state(), [2, 0]);
    assert.equal((await server.read('/5/0/1')).values['/5/0/1'], URI);
    assert.equal(await server.write('/5/0/1', ''), '2.04');
    assert.deepEqual(await c8.state(), [0, 0]);
  });

  proves('LightweightM2M-1.1-int-760', async (version) => {
    await using c8 = await inC8(version);
    const { server } = c8.scene;
    assert.equal(await server.writeAttributes('/5/0', { pmin: 2, pmax: 10 }), '2.04');
    await server.observe('/5/0/3');
    server.told();
    assert.equal(await server.write('/5/0/0', IMAGE), '2.04');
    await c8.scene.seconds(4);
    assert.equal(server.told('/5/0/3').at(-1)?.values['/5/0/3'], 2);
  });

  for (const [id, way] of [
    ['LightweightM2M-1.1-int-770', 'push'],
    ['LightweightM2M-1.1-int-771', 'pull'],
  ] as const) {
    proves(id, async (version) => {
      await using c8 = await inC8(version);
      const { server } = c8.scene;
      await server.observe('/5/0/3');
      server.told();
      c8.scene.sent();
      assert.equal(await order(c8, way), '2.04');
      const lines = c8.scene.sent().map(({ line }) => line);
      if (way === 'push') assert.equal(lines.filter((line) => line === '2.31').length, 19);
      else
        assert.deepEqual(
          lines.filter((line) => line === '2.31'),
          [],
        );
      assert.deepEqual(await c8.state(), [2, 0]);
      assert.equal(await server.execute('/5/0/2'), '2.04');
      assert.deepEqual(await c8.state(), [3, 0]);
      await c8.bootloader.seconds(10);
      assert.deepEqual(await c8.state(), [0, 1]);
      assert.equal((await server.read('/3/0/3')).values['/3/0/3'], '2.0.0');
      assert.equal(Buffer.concat(c8.bootloader.pieces).equals(IMAGE), true);
    });
  }

  proves('LightweightM2M-1.1-int-772', async (version) => {
    await using c8 = await inC8(version);
    assert.equal(await c8.scene.server.execute('/5/0/2'), '4.05');
    assert.deepEqual(await c8.state(), [0, 0]);
  });

  // A package that is pushed is refused where it is written; one that is pulled can only become a result.
  for (const [id, problem, result, refusal] of [
    ['LightweightM2M-1.1-int-773', 'storage', 2, '4.13'],
    ['LightweightM2M-1.1-int-774', 'memory', 3, '4.13'],
    ['LightweightM2M-1.1-int-776', 'integrity', 5, '4.00'],
    ['LightweightM2M-1.1-int-777', 'packageType', 6, '4.15'],
  ] as const) {
    proves(id, WAYS, async (version, way) => {
      await using c8 = await inC8(version, { problem });
      assert.equal(await order(c8, way), way === 'push' ? refusal : '2.04');
      assert.deepEqual(await c8.state(), [0, result]);
      assert.equal(await c8.scene.server.execute('/5/0/2'), '4.05');
    });
  }

  proves('LightweightM2M-1.1-int-775', async (version) => {
    await using c8 = await inC8(version, {
      fetch: {
        // The link goes down in the middle.
        async *coap(uri) {
          yield* takeFirst(download(uri), 5);
          throw new Error('no route to host');
        },
      },
    });
    assert.equal(await order(c8, 'pull'), '2.04');
    assert.deepEqual(await c8.state(), [0, 4]);
    assert.equal(c8.bootloader.pieces.length, 5);
    assert.equal(c8.bootloader.discarded, 1);
  });

  proves('LightweightM2M-1.1-int-778', async (version) => {
    await using c8 = await inC8(version);
    assert.equal(await c8.scene.server.write('/5/0/1', 'nowhere'), '2.04');
    await c8.scene.seconds(2);
    assert.deepEqual(await c8.state(), [0, 7]);
  });

  proves('LightweightM2M-1.1-int-779', async (version) => {
    await using c8 = await inC8(version, {
      install: () => {
        throw new Error('the boot loader does not want it');
      },
    });
    const { server } = c8.scene;
    assert.equal(await order(c8, 'push'), '2.04');
    assert.equal(await server.execute('/5/0/2'), '2.04');
    await c8.scene.seconds(2);
    assert.deepEqual(await c8.state(), [2, 8]);
    assert.equal((await server.read('/3/0/3')).values['/3/0/3'], '1.0.3');
  });
});

async function* takeFirst<T>(source: AsyncIterable<T>, count: number): AsyncIterable<T> {
  let taken = 0;
  for await (const each of source) {
    if (taken++ === count) return;
    yield each;
  }
}
