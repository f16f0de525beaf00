/** `lapwing bootstrap` against a running server. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runCommandLine } from '../src/command-line.ts';
import type { DeviceConfigurationJson, SessionListJson } from '../src/rest/bootstrap-schemas.ts';
import { RunningApp } from './running-app.ts';

const KEY = '5ec2e70102030405060708090a0b0c0d';
let api: RunningApp;
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapwing-bootstrap-commands-'));
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
  const code = await runCommandLine(['bootstrap', ...args], terminal);
  return { code, out, err };
}

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

describe('docs/running-the-server.md', () => {
  it('shows commands that answer as printed, in order', async () => {
    const document = await readFile(new URL('../../../docs/running-the-server.md', import.meta.url), 'utf8');
    const examples = [...document.matchAll(/```sh\nlapwing bootstrap ([^\n]*)\n```(?:\n\n```text\n([\s\S]*?\n)```)?/g)];
    assert.equal(examples.length, 3);
    for (const [, command = '', printed = ''] of examples) {
      const { code, out, err } = await run(command.split(' '));
      assert.deepEqual([code, err], [0, '']);
      const pattern = printed.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('…', '.*');
      assert.match(out, new RegExp(`^${pattern}$`), command);
    }
    await run(['delete', 'dev1']);
    await run(['credentials', 'rm', 'dev1']);
  });
});

describe('lapwing bootstrap set', () => {
  it('takes the usual account from options', async () => {
    for (const [args, line, security] of [
      [['--this-server', '--psk', 'generate'], '1 this server psk generated', { mode: 'psk', generate: true }],
      [
        ['--this-server', '--rpk', '--short-server-id', '7'],
        '7 this server rpk generated',
        { mode: 'rpk', generate: true },
      ],
      [['--this-server', '--x509'], '1 this server x509 generated', { mode: 'x509', generate: true }],
      [['--server', 'coap://192.0.2.1:5683', '--none'], '1 coap://192.0.2.1:5683 none', { mode: 'none' }],
    ] as const) {
      assert.deepEqual(await run(['set', 'dev1', ...args, '--lifetime', '300', '--secure-only']), {
        code: 0,
        out: `dev1  ${line}\n`,
        err: '',
      });
      const { body } = await api.call<DeviceConfigurationJson>('GET', '/bootstrap/configurations/dev1');
      assert.deepEqual(
        [body.configuration.servers?.[0]?.security, body.configuration.servers?.[0]?.lifetimeSeconds],
        [security, 300],
      );
      assert.equal(body.configuration.secureOnly, true);
    }
  });

  it('takes a key from a file or the standard input and tells it to nobody', async () => {
    const at = ['--server', 'coaps://192.0.2.1:5684', '--psk'];
    const key = await file('key', `${KEY}\n`);
    for (const [args, input, identity] of [
      [[...at, key], [], 'dev2'],
      [[...at, '-', '--identity', 'other'], ['5e:c2:e7:01\n'], 'other'],
    ] as const) {
      const { code, out } = await run(['set', 'dev2', ...args, '--json'], [...input]);
      assert.equal(code, 0);
      const { configuration } = JSON.parse(out) as DeviceConfigurationJson;
      assert.deepEqual(configuration.servers?.[0]?.security, { mode: 'psk', identity, key: { hidden: true } });
    }
  });

  it('takes a configuration in JSON from a file or the standard input, as get prints it', async () => {
    const got = await run(['get', 'dev2']);
    assert.equal(got.code, 0);
    assert.deepEqual(await run(['set', 'dev2', await file('dev2.json', got.out)]), {
      code: 0,
      out: 'dev2  1 coaps://192.0.2.1:5684 psk\n',
      err: '',
    });
    assert.equal((await run(['set', 'dev3', '-'], ['{"objects":', '[]}'])).out, 'dev3\n');
    assert.equal((await run(['get', 'dev2'])).out, got.out);
    assert.deepEqual(JSON.parse((await run(['get', 'dev3', '--json'])).out), {
      device: 'dev3',
      configuration: { objects: [] },
    });
  });

  it('and get and delete know the default', async () => {
    assert.equal((await run(['get', '--default'])).out, 'Devices without a configuration are refused.\n');
    const set = await run(['set', '--default', '--this-server', '--psk', 'generate']);
    assert.equal(set.out, '(default)  1 this server psk generated\n');
    const json = await file('default.json', '{"secureOnly": true}');
    assert.equal((await run(['set', '--default', json])).out, '(default)\n');
    assert.equal((await run(['get', '--default'])).out, '{\n  "secureOnly": true\n}\n');
    assert.equal((await run(['delete', '--default'])).out, '(default)  removed\n');
    assert.equal((await run(['get', '--default', '--json'])).out, '{"configuration":null}\n');
  });

  it('fails with one sentence', async () => {
    const json = await file('any.json', '{}');
    for (const [args, sentence] of [
      [['set', 'dev1'], /^Name one of --this-server, --server and a file\.\n$/],
      [['set', 'dev1', '--this-server'], /^Name one of --psk, --rpk, --x509 and --none\.\n$/],
      [['set', 'dev1', '--this-server', '--psk', 'generate', '--rpk'], /^Name one of --psk/],
      [['set', 'dev1', '--this-server', '--server', 'coap://a', '--none'], /^Name one of --this-server/],
      [['set', 'dev1', json, '--this-server'], /^Give a file, or the options of an account\.\n$/],
      [['set', 'dev1', await file('no.json', `{"key": "${KEY}"`)], /no\.json holds no JSON\.\n$/],
      [['set', 'dev1', await file('list.json', '[]')], /list\.json holds no JSON object\.\n$/],
      [['set', 'dev1', join(folder, 'none')], /none cannot be read: /],
      [['set', 'dev1', '--this-server', '--none', '--lifetime', 'x'], /^--lifetime takes a number, not "x"\.\n$/],
      [['set', '--default', '--server', 'coaps://a', '--psk', join(folder, 'key')], /needs an --identity/],
      [['set', 'dev1', '--server', 'coap://a:1', '--psk', 'generate'], /^The configuration is wrong at \/servers\/0: /],
      [['set'], /^Name a device, or say --default\.\n$|^Name one of/],
      [['get'], /^Name a device, or say --default\.\n$/],
      [['get', 'nobody'], /^There is no bootstrap configuration for "nobody"\.\n$/],
      [['delete', 'nobody'], /^There is no bootstrap configuration/],
      [['preview', 'nobody'], /^There is no bootstrap configuration/],
      [['preview', 'dev1', '--pack', 'x'], /pack/],
      [['session', '0'], /^No bootstrap session 0 is known\.\n$/],
      [['now', 'nobody'], /^No device named "nobody" is registered\.\n$/],
    ] as const) {
      const { code, out, err } = await run(args);
      assert.deepEqual([code, out], [1, ''], args.join(' '));
      assert.match(err, sentence);
      assert.doesNotMatch(err, /5ec2e7/);
    }
    assert.equal((await run(['fly'])).code, 2);
  });
});

describe('lapwing bootstrap list, preview and delete', () => {
  it('show what is kept, and take it away', async () => {
    assert.deepEqual((await run(['list', 'DEV'])).out.split('\n'), [
      'dev1  1 coap://192.0.2.1:5683 none',
      'dev2  1 coaps://192.0.2.1:5684 psk',
      'dev3',
      '',
    ]);
    assert.equal((JSON.parse((await run(['ls', '--json'])).out) as unknown[]).length, 3);
    const { out } = await run(['preview', 'dev2', '--discovered', '</>;lwm2m=1.1,</0/0>', '--content-format', '112']);
    assert.match(
      out,
      /^discover {2}\/\nwrite {2}\/0\/1 {2}format 112 {2}\d+ bytes\n {2}\/0\/1\/0 {2}coaps:\/\/192\.0\.2\.1:5684\n/,
    );
    assert.match(out, /\n {2}\/0\/1\/5 {2}secret\n/);
    assert.match(out, /\nfinish {2}\/bs\n$/);
    const pack = await run(['preview', 'dev2', await file('none.json', '{}'), '--pack', '110']);
    assert.equal(pack.out, 'pack  /bspack  format 110  2 bytes\n');
    assert.equal((await run(['delete', 'dev3'])).out, 'dev3  removed\n');
    assert.equal((await run(['delete', 'dev2', '--json'])).out, '{"device":"dev2","removed":true}\n');
    assert.equal((await run(['list', 'dev3'])).out, '');
  });
});

describe('lapwing bootstrap sessions', () => {
  let device: Socket;
  before(() => {
    device = createSocket('udp4').bind(0, '127.0.0.1');
  });
  after(() => device.close());

  /** A Bootstrap-Request of a device that answers nothing. */
  function request(name: string): void {
    const query = Buffer.from(`ep=${name}`);
    const message = Uint8Array.of(0x40, 2, 0, name.length, 0xb2, ...Buffer.from('bs'), 0x40 + query.length, ...query);
    device.send(message, Number(new URL(api.app.bootstrapUrls[0]!).port), '127.0.0.1');
  }

  it('lists those that run, shows one with its timeline and ends it', async () => {
    await api.call('DELETE', '/bootstrap/configurations/dev1');
    await run(['set', 'mute', '--server', 'coap://192.0.2.1:5683', '--none']);
    const started = once(api.app.bootstrap.server, 'sessionStarted');
    request('mute');
    await started;
    const running = await run(['sessions', 'mute', '--running', '--limit', '1']);
    const [id = '', ...fields] = running.out.trim().split('  ');
    assert.deepEqual([fields[0], fields[3]], ['mute', 'discovering 0/2']);
    const one = await run(['session', id]);
    assert.match(one.out, /\n {2}\S+ {2}request {2}\/bs {2}2\.04 {2}0 bytes {2}0 ms\n$/);
    const ended = await run(['session', id, '--cancel']);
    assert.match(ended.out, /cancelled {2}It was cancelled\.\n/);
    assert.equal((await run(['sessions', '--running'])).out, '');
    const { items } = JSON.parse((await run(['sessions', '--json'])).out) as SessionListJson;
    assert.deepEqual(
      items.map(({ sessionId }) => sessionId),
      [id],
    );
  });

  it('and those that were refused are listed', async () => {
    const refused = once(api.app.bootstrap.server, 'refused');
    request('nobody');
    await refused;
    const { code, out } = await run(['refusals']);
    assert.equal(code, 0);
    assert.match(out, /^\S+ {2}127\.0\.0\.1:\d+ {2}nobody {2}4\.00 {2}There is no configuration for "nobody"\.\n$/);
  });

  it('and a registered device is told to bootstrap', async () => {
    const client = await api.device('settled');
    const { code, err } = await run(['now', 'settled']);
    assert.deepEqual(
      [code, err],
      [1, 'The device answered 4.05 Method Not Allowed: this client has no Bootstrap-Server.\n'],
    );
    await client.close();
  });

  it('info says where it listens', async () => {
    const { out } = await run(['info']);
    assert.match(out, /^listens +coap:\/\/127\.0\.0\.1:\d+, coaps:\/\/127\.0\.0\.1:\d+\nthis server +coap:.*, coaps:/);
  });
});

describe('lapwing bootstrap credentials', () => {
  it('are apart from those of the LwM2M Server', async () => {
    assert.match((await run(['credentials', 'add', 'lamp'])).out, /^lamp {2}psk {2}lamp\nkey {2}[0-9a-f]{32}\n/);
    assert.equal((await run(['credentials', 'ls'])).out, 'lamp  psk  lamp\n');
    assert.equal(api.app.security.store.size, 0);
    assert.equal((await run(['credentials', 'rm', 'lamp'])).out, 'lamp  psk  removed\n');
    assert.deepEqual(await run(['credentials', 'rm', 'lamp']), {
      code: 1,
      out: '',
      err: 'The device "lamp" has no credential.\n',
    });
  });
});
