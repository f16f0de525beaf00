/** How the server starts, why it does not, and how it stops. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { EventEmitter, once } from 'node:events';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runCommandLine } from '../src/command-line.ts';
import { startApp } from '../src/index.ts';
import type { DeviceListJson } from '../src/rest/schemas.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapwing-start-'));
});
after(() => rm(folder, { recursive: true }));

/** The process as the command line sees it, with its output kept. */
class RecordedTerminal extends EventEmitter {
  readonly env: Record<string, string>;
  out = '';
  err = '';
  readonly stdout = { write: (text: string): void => void (this.out += text) };
  readonly stderr = { write: (text: string): void => void (this.err += text) };
  constructor(env: Record<string, string> = {}) {
    super();
    this.env = env;
  }
}

async function run(args: readonly string[], env: Record<string, string> = {}): Promise<[number, RecordedTerminal]> {
  const terminal = new RecordedTerminal(env);
  return [await runCommandLine(args, terminal), terminal];
}

const FREE = [
  '--coap-host',
  '127.0.0.1',
  '--coap-port',
  '0',
  '--coaps-port',
  '0',
  '--bootstrap-coap-port',
  '0',
  '--bootstrap-coaps-port',
  '0',
  '--http-port',
  '0',
  '--no-demo',
];

async function boundUdp(): Promise<[Socket, number]> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return [socket, socket.address().port];
}

describe('a server that cannot start says why in one sentence, names the option and exits with 1', () => {
  it('when its CoAP port is taken', async () => {
    const [socket, port] = await boundUdp();
    const [code, { err, out }] = await run([...FREE, '--coap-port', `${port}`, '--data-dir', folder]);
    socket.close();
    assert.equal(code, 1);
    assert.equal(out, '');
    assert.equal(
      err,
      `CoAP port ${port} (UDP) on 127.0.0.1 is taken by another program. Choose another with --coap-port.\n`,
    );
  });

  it('when its port of CoAP over DTLS is taken', async () => {
    const [socket, port] = await boundUdp();
    const [code, { err }] = await run([...FREE, '--coaps-port', `${port}`, '--data-dir', folder]);
    socket.close();
    assert.deepEqual(
      [code, err],
      [
        1,
        `CoAP over DTLS port ${port} (UDP) on 127.0.0.1 is taken by another program. Choose another with --coaps-port, or do without security with --no-coaps.\n`,
      ],
    );
  });

  it('when a port of the Bootstrap-Server is taken, and gives the others back', async () => {
    const [socket, port] = await boundUdp();
    const [other, coapPort] = await boundUdp();
    await new Promise<void>((closed) => other.close(closed));
    for (const [option, name] of [
      ['--bootstrap-coap-port', 'Bootstrap CoAP'],
      ['--bootstrap-coaps-port', 'Bootstrap CoAP over DTLS'],
    ] as const) {
      const args = [...FREE, '--coap-port', `${coapPort}`, option, `${port}`, '--data-dir', folder];
      const [code, { err }] = await run(args);
      assert.deepEqual(
        [code, err],
        [
          1,
          `${name} port ${port} (UDP) on 127.0.0.1 is taken by another program. Choose another with ${option}, or do without the Bootstrap-Server with --no-bootstrap.\n`,
        ],
      );
      const again = createSocket('udp4').bind(coapPort, '127.0.0.1');
      await once(again, 'listening');
      await new Promise<void>((closed) => again.close(closed));
    }
    socket.close();
  });

  it('when its HTTP port is taken, and gives the CoAP port back', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const [socket, coapPort] = await boundUdp();
    await new Promise<void>((closed) => socket.close(closed));
    const [code, { err }] = await run([
      ...FREE,
      `--coap-port=${coapPort}`,
      `--http-port=${port}`,
      '--data-dir',
      folder,
    ]);
    assert.equal(code, 1);
    assert.equal(
      err,
      `HTTP port ${port} (TCP) on 127.0.0.1 is taken by another program. Choose another with --http-port.\n`,
    );
    const again = createSocket('udp4').bind(coapPort, '127.0.0.1');
    await once(again, 'listening');
    again.close();
    taken.close();
  });

  it('when an address is not one of this machine', async () => {
    const [code, { err }] = await run([...FREE, '--coap-host', '192.0.2.1', '--data-dir', folder]);
    assert.equal(code, 1);
    assert.match(
      err,
      /^CoAP port 0 \(UDP\) on 192\.0\.2\.1 cannot be opened: .+ Choose another address with --coap-host\.\n$/,
    );
    const [httpCode, http] = await run([...FREE, '--http-host', '192.0.2.1', '--data-dir', folder]);
    assert.equal(httpCode, 1);
    assert.match(
      http.err,
      /^HTTP port 0 \(TCP\) on 192\.0\.2\.1 cannot be opened: .+ Choose another address with --http-host\.\n$/,
    );
  });

  it('when a folder is a file, or cannot be made', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    for (const [option, path] of [
      ['--data-dir', file],
      ['--models-dir', file],
      ['--models-dir', join(file, 'below')],
      ['--data-dir', '/proc/lapwing'],
    ] as const) {
      const [code, { err }] = await run([...FREE, '--data-dir', folder, option, path]);
      assert.equal(code, 1);
      assert.match(err, new RegExp(`^The folder ${path} cannot be used: .+ Choose another with ${option}\\.\n$`));
    }
  });

  it('when a folder may not be written', async () => {
    await chmod(folder, 0o500);
    // The superuser may write everywhere, so it acts as nobody for a moment.
    const isSuperuser = process.getuid?.() === 0;
    if (isSuperuser) process.seteuid?.(65_534);
    try {
      const [code, { err }] = await run([...FREE, '--data-dir', join(folder, 'below')]);
      assert.equal(code, 1);
      assert.match(err, /may not be written by this user\. Choose another with --data-dir/);
    } finally {
      if (isSuperuser) process.seteuid?.(0);
      await chmod(folder, 0o700);
    }
  });

  it('when a setting is wrong, wherever it stands', async () => {
    const config = join(folder, 'lapwing.json');
    await writeFile(config, '{"httpPort": "8080"}');
    for (const [args, env, message] of [
      [['--coap-port', 'x'], {}, '--coap-port is "x"; it takes a whole number from 0 to 65535.\n'],
      [['--public-host', 'a b'], {}, '--public-host is "a b"; it takes a host name or an IP address.\n'],
      [
        [],
        { LAPWING_HTTP_PORT: '99999' },
        'the environment variable LAPWING_HTTP_PORT is 99999; it takes a whole number from 0 to 65535.\n',
      ],
      [['--config', config], {}, `"httpPort" in ${config} is "8080"; it takes a whole number from 0 to 65535.\n`],
      [
        ['--log-level', 'loud'],
        {},
        '--log-level is "loud"; it takes one of fatal, error, warn, info, debug, trace, silent.\n',
      ],
    ] as const) {
      const [code, { err }] = await run(args, env);
      assert.deepEqual([code, err], [1, message]);
    }
  });

  it('when the configuration file is missing', async () => {
    const [code, { err }] = await run(['--config', join(folder, 'none.json')]);
    assert.equal(code, 1);
    assert.match(err, /^The configuration file cannot be read: .*none\.json.*\n$/);
  });
});

describe('the command line', () => {
  it('tells its version and its options', async () => {
    const [code, { out }] = await run(['--version']);
    assert.deepEqual([code, out], [0, '0.1.0\n']);
    const [helpCode, help] = await run(['--help']);
    assert.equal(helpCode, 0);
    for (const option of ['--coap-port', '--http-port', '--http-host', '--no-demo', '--models-dir', '--config']) {
      assert.ok(help.out.includes(option), option);
    }
  });

  it('answers 2 to what it does not understand', async () => {
    for (const args of [['--colour'], ['fly'], ['serve', '--coap-port']]) {
      const [code, { err }] = await run(args);
      assert.equal(code, 2, args.join(' '));
      assert.match(err, /^error: /);
    }
  });

  it('serves until a signal, says where, and that there is no login', async () => {
    const terminal = new RecordedTerminal();
    const ended = runCommandLine(['serve', ...FREE, '--data-dir', join(folder, 'served')], terminal);
    while (!terminal.out.includes('Ctrl+C')) await new Promise((resolve) => setImmediate(resolve));
    const url = /http:\/\/localhost:\d+/.exec(terminal.out)?.[0] ?? '';
    assert.match(terminal.out, /Devices {6}coap:\/\/127\.0\.0\.1:\d+, coaps:\/\/127\.0\.0\.1:\d+/);
    assert.match(terminal.out, /Bootstrap {4}coap:\/\/127\.0\.0\.1:\d+, coaps:\/\/127\.0\.0\.1:\d+/);
    assert.match(
      terminal.out,
      /Certificate {2}sha-256 [0-9a-f]{64}\n {2}Public key {3}.*served\/security\/server-public-key\.pem/,
    );
    assert.match(terminal.out, /There is no login: the console and the API answer only programs on this machine\./);
    assert.doesNotMatch(terminal.out, /Simulated/);
    assert.equal((await fetch(`${url}/api/v1/server`)).status, 200);
    terminal.emit('SIGTERM');
    assert.equal(await ended, 0);
    await assert.rejects(fetch(`${url}/api/v1/server`));
  });
});

describe('the process', () => {
  it('starts with four live devices, and SIGTERM ends it with 0 and nothing left that keeps it alive', async () => {
    const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
    const child = spawn(
      process.execPath,
      ['--conditions=src', main, ...FREE.filter((arg) => arg !== '--no-demo'), '--data-dir', join(folder, 'process')],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let out = '';
    const exited = once(child, 'exit');
    try {
      child.stdout.setEncoding('utf8');
      while (!out.includes('Ctrl+C')) out += ((await once(child.stdout, 'data')) as [string])[0];
      const url = /http:\/\/localhost:\d+/.exec(out)?.[0] ?? '';
      const events = await fetch(`${url}/api/v1/events?type=registered`, { headers: { 'last-event-id': '0' } });
      assert.equal(events.status, 200);
      let items: DeviceListJson['items'] = [];
      while (items.length < 4) {
        const list = await fetch(`${url}/api/v1/devices`);
        ({ items } = (await list.json()) as DeviceListJson);
      }
      assert.deepEqual(
        items.map((item) => item.name),
        ['demo-light', 'demo-power-meter', 'demo-tracker', 'demo-weather-station'],
      );
      await events.body?.cancel();
    } finally {
      child.kill('SIGTERM');
    }
    const [code] = (await exited) as [number | null];
    assert.equal(code, 0);
  });
});

describe('startApp', () => {
  it('can be closed twice, and its port is free then', async () => {
    const app = await startApp({
      coapPort: 0,
      coapsPort: 0,
      bootstrapCoapPort: 0,
      bootstrapCoapsPort: 0,
      httpPort: 0,
      logLevel: 'silent',
    });
    await app.close();
    await app.close();
    const again = createSocket('udp4').bind(app.coapPort);
    await once(again, 'listening');
    again.close();
  });

  it('makes the data folder and what is in it', async () => {
    const dataDir = join(folder, 'data', 'deep');
    const app = await startApp({
      coapPort: 0,
      coapsPort: 0,
      bootstrapCoapPort: 0,
      bootstrapCoapsPort: 0,
      httpPort: 0,
      demo: false,
      logLevel: 'silent',
      dataDir,
    });
    await app.close();
    assert.deepEqual(await readdir(dataDir), ['bootstrap', 'firmware', 'models', 'security', 'snapshot']);
  });
});
