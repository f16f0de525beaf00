/** `lapwing firmware` against a running server with its simulated devices. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runCommandLine } from '../src/command-line.ts';
import { RunningApp } from './running-app.ts';

const IMAGE = Buffer.concat([Buffer.from('version 2.0\n'), Buffer.alloc(20_000, 7)]);
const ID = createHash('sha256').update(IMAGE).digest('hex');
let api: RunningApp;
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapwing-firmware-commands-'));
  await writeFile(join(folder, 'light.bin'), IMAGE);
  api = await RunningApp.start({ demo: true });
  while (api.app.server.registrationCount < 4) await once(api.app.server, 'registered');
});
after(async () => {
  await api.close();
  await rm(folder, { recursive: true });
});

async function run(args: readonly string[], isTTY = false): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const terminal = Object.assign(new EventEmitter(), {
    env: { LAPWING_URL: api.app.httpUrl },
    stdin: (async function* () {})(),
    stdout: { write: (text: string): void => void (out += text) },
    stderr: { isTTY, write: (text: string): void => void (err += text) },
  });
  const code = await runCommandLine(['firmware', ...args], terminal);
  return { code, out, err };
}

describe('lapwing firmware', () => {
  it('upload and ls tell the SHA-256, name, version and size', async () => {
    const line = `${ID}  light.bin  2.0  ${IMAGE.length} bytes\n`;
    const uploaded = await run(['upload', join(folder, 'light.bin'), '--image-version', '2.0']);
    assert.deepEqual(uploaded, { code: 0, out: line, err: '' });
    assert.equal((await run(['ls'])).out, line);
    assert.equal((JSON.parse((await run(['ls', '--json'])).out) as { id: string }[])[0]?.id, ID);
  });

  it('start --pull has the device fetch the image; this one does not fetch, and says so', async () => {
    const { code, err } = await run(['start', 'demo-light', ID.slice(0, 6), '--pull', '--host', 'lapwing.example']);
    assert.equal(code, 1);
    assert.match(err, /push only/);
    assert.equal(api.app.server.usage.offers, 0);
  });

  it('start takes the beginning of an id, shows a bar on a terminal, and waits for the end', async () => {
    const { code, out, err } = await run(['start', 'demo-light', ID.slice(0, 6)], true);
    assert.equal(code, 0, err);
    assert.equal(
      out,
      `demo-light  succeeded  ${IMAGE.length} of ${IMAGE.length} bytes  1.0 → 2.0  The new firmware runs.\n`,
    );
    assert.match(err, /\[#{30}\] 100 % {2}installing/);
    assert.equal((await run(['status', 'demo-light'])).out, out);
    assert.equal((await run(['status'])).out, out);
  });

  it('fails with one sentence: no such image, device or file, an update that did not succeed, and nothing to cancel', async () => {
    for (const [args, sentence] of [
      [['start', 'demo-light', 'ffff'], /^There is no image whose SHA-256 begins with ffff\.\n$/],
      [['start', 'nobody', ID], /^No device named "nobody" is registered\.\n$/],
      [['start', 'demo-tracker', ID], /^The device cannot be updated in this way\..*\n$/],
      [['upload', join(folder, 'none')], /none cannot be read: /],
      [['status', 'demo-weather-station'], /^No firmware update of "demo-weather-station" is known\.\n$/],
      [['cancel', 'demo-light'], /^The update has ended, which cannot be undone\.\n$/],
    ] as const) {
      const { code, err } = await run(args);
      assert.equal(code, 1, args.join(' '));
      assert.match(err, sentence);
    }
  });
});
