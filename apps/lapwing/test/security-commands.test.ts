/** `lapwing credentials` and `lapwing security` against a running server. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runCommandLine } from '../src/command-line.ts';
import { RunningApp } from './running-app.ts';

let api: RunningApp;
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapwing-security-commands-'));
  api = await RunningApp.start();
});
after(async () => {
  await api.close();
  await rm(folder, { recursive: true });
});

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(args: readonly string[], input: string[] = []): Promise<Run> {
  let [out, err] = ['', ''];
  const terminal = Object.assign(new EventEmitter(), {
    env: { LAPWING_URL: api.app.httpUrl },
    stdin: (async function* () {
      yield* input;
    })(),
    stdout: { write: (text: string): void => void (out += text) },
    stderr: { write: (text: string): void => void (err += text) },
  });
  const code = await runCommandLine(args, terminal);
  return { code, out, err };
}

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

describe('lapwing credentials', () => {
  it('add makes a key and shows it once', async () => {
    const { code, out } = await run(['credentials', 'add', 'lamp']);
    assert.equal(code, 0);
    assert.match(out, /^lamp {2}psk {2}lamp\nkey {2}[0-9a-f]{32}\nKeep the key now: it is not shown again\.\n$/);
    const json = await run(['credentials', 'add', 'lamp', '--replace', '--identity', '0x00ff', '--json']);
    assert.match((JSON.parse(json.out) as { key: string }).key, /^[0-9a-f]{32}$/);
  });

  it('add takes a key from a file or the standard input, and does not repeat it', async () => {
    const key = await file('key', '000102030405060708090a0b0c0d0e0f\n');
    assert.deepEqual(await run(['credentials', 'add', 'door', '--key', key]), {
      code: 0,
      out: 'door  psk  door\n',
      err: '',
    });
    const piped = await run(['credentials', 'add', 'gate', '--key', '-'], ['00:01:02:03\n']);
    assert.deepEqual([piped.code, piped.out], [0, 'gate  psk  gate\n']);
  });

  it('add takes public keys and certificates', async () => {
    const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' });
    const rpk = await run(['credentials', 'add', 'lamp', '--public-key', await file('public.pem', pem as string)]);
    assert.match(rpk.out, /^lamp {2}rpk {2}sha-256;[0-9a-f]{64}\n$/);
    const any = await run(['credentials', 'add', 'lamp', '--certificate']);
    assert.equal(any.out, 'lamp  x509  any certificate that names it\n');
    const certificate = await file('certificate.pem', api.app.security.identity.certificatePem);
    const one = await run(['credentials', 'add', 'door', '--certificate', certificate]);
    assert.match(one.out, /^door {2}x509 {2}sha-256;[0-9a-f]{64}\n$/);
  });

  it('ls lists and searches, and rm removes one kind or all', async () => {
    const listed = await run(['credentials', 'ls', 'LAMP']);
    assert.deepEqual(
      listed.out.split('\n').map((line) => line.split('  ').slice(0, 2)),
      [['lamp', 'psk'], ['lamp', 'rpk'], ['lamp', 'x509'], ['']],
    );
    assert.equal((await run(['credentials', 'rm', 'lamp', 'rpk'])).out, 'lamp  rpk  removed\n');
    assert.equal((await run(['credentials', 'rm', 'lamp'])).out, 'lamp  psk  removed\nlamp  x509  removed\n');
    assert.deepEqual(await run(['credentials', 'rm', 'lamp']), {
      code: 1,
      out: '',
      err: 'The device "lamp" has no credential.\n',
    });
    assert.equal((await run(['credentials', 'ls', 'lamp'])).out, '');
  });

  it('import takes CSV and JSON Lines, tells the lines it left out, and fails when there are any', async () => {
    const csv = await file('devices.csv', 'device,identity,key\na,id a,00\nb,id a,00\n');
    const some = await run(['credentials', 'import', csv]);
    assert.equal(some.code, 1);
    assert.equal(some.out, 'line 3: the PSK identity id a belongs to "a" already.\n1 added, 1 left out\n');
    assert.match(some.err, /^1 of .*devices\.csv were left out\.\n$/);
    const lines = await file('devices.jsonl', '{"device":"c","kind":"psk","key":"00"}\n');
    assert.deepEqual(await run(['credentials', 'import', lines]), { code: 0, out: '1 added, 0 left out\n', err: '' });
  });

  it('fail with one sentence', async () => {
    for (const [args, sentence] of [
      [['add', 'door'], /^"door" has a credential of kind psk already\.\n$/],
      [['add', 'x', '--key', join(folder, 'none')], /none cannot be read: /],
      [['add', 'x', '--public-key', 'a', '--certificate', 'b'], /^Name one of --public-key and --certificate\.\n$/],
      [['rm', 'door', 'oscore'], /kind/],
      [['import', join(folder, 'none.csv')], /none\.csv cannot be read: /],
    ] as const) {
      const { code, out, err } = await run(['credentials', ...args]);
      assert.deepEqual([code, out], [1, ''], args.join(' '));
      assert.match(err, sentence);
    }
    assert.equal((await run(['credentials', 'fly'])).code, 2);
  });
});

describe('lapwing security', () => {
  it('identity shows what the server proves itself with', async () => {
    const { out } = await run(['security', 'identity']);
    assert.match(out, /^public key {3}sha-256 [0-9a-f]{64}\ncertificate {2}sha-256 [0-9a-f]{64}\n.* for .*localhost/);
    const { identity } = api.app.security;
    assert.equal((await run(['security', 'identity', '--public-key'])).out, identity.publicKeyPem);
    assert.equal((await run(['security', 'identity', '--certificate'])).out, identity.certificatePem);
  });

  it('trust, anchors and distrust change whom the server trusts', async () => {
    const certificate = await file('ca.pem', api.app.security.identity.certificatePem);
    const trusted = await run(['security', 'trust', certificate]);
    const [id = ''] = trusted.out.split('  ');
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.equal((await run(['security', 'anchors'])).out, trusted.out);
    assert.equal((await run(['security', 'distrust', id])).out, `${id}  is trusted no longer\n`);
    assert.equal((await run(['security', 'distrust', id])).code, 1);
    assert.equal((await run(['security', 'anchors', '--json'])).out, '[]\n');
  });

  it('refusals lists the handshakes refused last', async () => {
    api.app.security.refusals.add(
      { host: '192.0.2.7', port: 40001 },
      { reason: 'unknown-identity', text: 'Nobody is known as "lamp-9".', claimedIdentity: 'lamp-9' },
      Date.UTC(2026, 0, 1),
    );
    assert.equal(
      (await run(['security', 'refusals'])).out,
      '2026-01-01T00:00:00.000Z  192.0.2.7:40001  lamp-9  ×1  Nobody is known as "lamp-9".\n',
    );
  });
});
