/** `/firmware` and the updates of devices, on a running server with its simulated devices. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { FirmwareImage } from '../src/firmware/firmware-images.ts';
import type { FirmwareUpdateJson } from '../src/rest/firmware-schemas.ts';
import { type Answer, RunningApp } from './running-app.ts';

const NAME = 'demo-light';
const IMAGE = Buffer.concat([Buffer.from('version 2.0\n'), Buffer.alloc(100_000, 7)]);
const ID = createHash('sha256').update(IMAGE).digest('hex');
let api: RunningApp;
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapwing-firmware-test-'));
  api = await RunningApp.start({ demo: true, dataDir: folder, maxFirmwareBytes: 200_000 });
  while (api.app.server.device(NAME) === undefined) await once(api.app.server, 'registered');
});
after(async () => {
  await api.close();
  await rm(folder, { recursive: true });
});

async function upload(body: Uint8Array, query = 'name=light.bin'): Promise<Answer<FirmwareImage>> {
  const path = `/firmware?${query}`;
  const headers = { 'content-type': 'application/octet-stream' };
  const url = `${api.app.httpUrl}/api/v1${path}`;
  return api.checked('POST', path, await fetch(url, { method: 'POST', body: Buffer.from(body), headers }));
}

/** The updates that come as events, to the one that ends it. */
async function followed(start: () => Promise<unknown>): Promise<FirmwareUpdateJson[]> {
  const gone = new AbortController();
  const response = await fetch(`${api.app.httpUrl}/api/v1/events?type=firmware-update`, { signal: gone.signal });
  const told: FirmwareUpdateJson[] = [];
  await start();
  let text = '';
  for await (const part of (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) {
    text += part;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (data !== undefined) told.push((JSON.parse(data) as { update: FirmwareUpdateJson }).update);
    }
    if (typeof told.at(-1)?.outcome === 'string') break;
  }
  gone.abort();
  return told;
}

describe('a firmware image', () => {
  it('is uploaded once, listed, and known again by its SHA-256', async () => {
    const added = await upload(IMAGE, 'name=light.bin&version=2.0');
    assert.equal(added.status, 201);
    assert.equal(added.headers.get('location'), `/api/v1/firmware/${ID}`);
    const { uploadedAt, ...image } = added.body;
    assert.deepEqual(image, { id: ID, name: 'light.bin', version: '2.0', bytes: IMAGE.length });
    assert.ok(Date.parse(uploadedAt) > 0);
    assert.equal((await upload(IMAGE, 'name=other')).status, 200);
    const list = await api.call<{ items: FirmwareImage[]; maxBytes: number }>('GET', '/firmware');
    assert.deepEqual(list.body, { items: [added.body], maxBytes: 200_000 });
    assert.deepEqual((await api.call<FirmwareImage>('GET', `/firmware/${ID}`)).body, added.body);
  });

  it('that is too large, too small, nameless or JSON is refused, and nothing of it is kept', async () => {
    assert.equal((await upload(Buffer.alloc(200_001))).status, 413);
    assert.equal((await upload(Buffer.alloc(1))).status, 400);
    assert.equal((await upload(IMAGE, 'version=1')).status, 400);
    assert.equal((await api.call('POST', '/firmware?name=x', {})).status, 415);
    assert.deepEqual((await readdir(join(folder, 'firmware'))).sort(), [`${ID}.bin`, `${ID}.json`]);
  });

  it('that is unknown is 404', async () => {
    for (const method of ['GET', 'DELETE']) {
      const { status, body } = await api.call(method, `/firmware/${'0'.repeat(64)}`);
      assert.deepEqual([status, body.type], [404, 'urn:lapwing:problem:unknown-firmware']);
    }
    const { status } = await api.call('POST', `/devices/${NAME}/firmware-update`, { image: '0' });
    assert.equal(status, 404);
  });

  it('is there after a restart; one whose description is damaged is not', async () => {
    await writeFile(join(folder, 'firmware', `${'1'.repeat(64)}.json`), '{');
    await writeFile(join(folder, 'firmware', `${'1'.repeat(64)}.bin`), 'xx');
    await writeFile(join(folder, 'firmware', 'abc.part'), 'xx');
    await api.close();
    api = await RunningApp.start({ demo: true, dataDir: folder, maxFirmwareBytes: 200_000 });
    while (api.app.server.device(NAME) === undefined) await once(api.app.server, 'registered');
    const list = await api.call<{ items: FirmwareImage[] }>('GET', '/firmware');
    assert.deepEqual(
      list.body.items.map(({ id }) => id),
      [ID],
    );
    assert.ok(!(await readdir(join(folder, 'firmware'))).includes('abc.part'));
  });
});

describe('the update of a simulated device', () => {
  it('is told stage by stage and byte by byte, and ends with the new version running', async () => {
    assert.equal((await api.call('GET', `/devices/${NAME}/firmware-update`)).status, 404);
    const told = await followed(async () => {
      const started = await api.call<FirmwareUpdateJson>('POST', `/devices/${NAME}/firmware-update`, { image: ID });
      assert.equal(started.status, 202);
      assert.equal(started.body.stage, 'preparing');
      const again = await api.call('POST', `/devices/${NAME}/firmware-update`, { image: ID });
      assert.deepEqual([again.status, again.body.type], [409, 'urn:lapwing:problem:update-under-way']);
    });
    const last = told.at(-1);
    assert.deepEqual([last?.outcome, last?.explanation], ['succeeded', 'The new firmware runs.']);
    assert.deepEqual([last?.versionBefore, last?.versionAfter], ['1.0', '2.0']);
    const stages = [...new Set(told.map(({ stage }) => stage))];
    assert.deepEqual(stages, ['pushing', 'downloading', 'starting', 'installing', 'verifying', 'ended']);
    const sent = told.filter(({ stage }) => stage === 'pushing').map(({ sentBytes }) => sentBytes);
    assert.ok(sent.length > 50 && sent.length <= 101, `${sent.length} events`);
    assert.equal(last?.totalBytes, IMAGE.length);
    assert.deepEqual((await api.call<FirmwareUpdateJson>('GET', `/devices/${NAME}/firmware-update`)).body, last);
    const all = await api.call<{ items: FirmwareUpdateJson[] }>('GET', '/firmware-updates');
    assert.deepEqual(all.body.items, [last]);
    const late = await api.call('DELETE', `/devices/${NAME}/firmware-update`);
    assert.deepEqual([late.status, late.body.type], [409, 'urn:lapwing:problem:update-not-cancellable']);
  });

  it('can be cancelled', async () => {
    const told = await followed(async () => {
      await api.call('POST', `/devices/${NAME}/firmware-update`, { image: ID });
      assert.equal((await api.call('DELETE', `/devices/${NAME}/firmware-update`)).status, 204);
    });
    assert.equal(told.at(-1)?.outcome, 'cancelled');
  });

  it('is refused for an unknown device, a body that names nothing or both, and an address that is none', async () => {
    const start = async (name: string, body: unknown): Promise<number> =>
      (await api.call('POST', `/devices/${name}/firmware-update`, body)).status;
    assert.equal(await start('nobody', { image: ID }), 404);
    assert.equal(await start(NAME, { version: '1' }), 400);
    assert.equal(await start(NAME, { image: ID, uri: 'coap://example.org/x' }), 400);
    assert.equal(await start(NAME, { uri: 'example.org' }), 400);
    assert.equal(await start(NAME, { uri: 'coap://example.org/x', delivery: 'push' }), 400);
    assert.equal(await start(NAME, { image: ID, host: 'example.org' }), 400);
    assert.equal(await start(NAME, { image: ID, delivery: 'sideways' }), 400);
  });

  it('may fetch the image from here; one that does not fetch says so, and nothing stays offered', async () => {
    const told = await followed(async () => {
      const body = { image: ID, delivery: 'pull' };
      const started = await api.call<FirmwareUpdateJson>('POST', `/devices/${NAME}/firmware-update`, body);
      assert.deepEqual(
        [started.status, started.body.delivery, started.body.totalBytes, api.app.server.usage.offers],
        [202, 'pull', IMAGE.length, 1],
      );
    });
    assert.equal(told.at(-1)?.outcome, 'unsupported');
    assert.equal(api.app.server.usage.offers, 0);
  });

  it('a device without Object 5 ends at once, in words', async () => {
    const told = await followed(() => api.call('POST', '/devices/demo-tracker/firmware-update', { image: ID }));
    assert.equal(told.at(-1)?.outcome, 'unsupported');
  });

  it('goes on when the image is removed', async () => {
    const told = await followed(async () => {
      await api.call('POST', `/devices/${NAME}/firmware-update`, { image: ID });
      assert.equal((await api.call('DELETE', `/firmware/${ID}`)).status, 204);
    });
    assert.equal(told.at(-1)?.outcome, 'succeeded');
    assert.deepEqual((await api.call<{ items: unknown[] }>('GET', '/firmware')).body.items, []);
  });
});
