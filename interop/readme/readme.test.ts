/** What README.md shows is what happens: its library example, its device made by hand, its commands. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { deviceObject, LwM2mClient } from '@lapwing/client';
import { startApp, type App } from 'lapwing';
import { freeUdpPort, missingTool, runTool } from '../src/tool.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const readme = await readFile(`${ROOT}/README.md`, 'utf8');

/** The first fenced block of a language that holds `marker`. */
function block(language: string, marker: string): string {
  const blocks = [...readme.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(([, code]) => code!);
  const found = blocks.find((code) => code.includes(marker));
  assert.ok(found !== undefined, `README.md has no ${language} block with ${marker}`);
  return found;
}

describe('the library example of README.md', () => {
  it('prints the battery level of a device that registers', async () => {
    const port = await freeUdpPort();
    const code = block('ts', 'LwM2mServer').replace("'0.0.0.0', port: 5683", `'127.0.0.1', port: ${port}`);
    assert.ok(code.includes(String(port)));
    const example = spawn(
      process.execPath,
      ['--conditions=src', '--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval', code],
      { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const closed = once(example, 'close');
    try {
      await using client = await LwM2mClient.start({
        endpointClientName: 'from-the-readme',
        servers: [{ uri: `coap://127.0.0.1:${port}`, shortServerId: 1, lifetimeSeconds: 60 }],
        objects: [deviceObject({ batteryLevel: 87 })],
      });
      const lines = createInterface(example.stdout);
      const [line] = (await once(lines, 'line')) as [string];
      assert.equal(line, 'from-the-readme 87');
      assert.equal(client.registrations.length, 1);
    } finally {
      example.kill('SIGKILL');
      await closed;
    }
  });
});

describe('the server of README.md', () => {
  let app: App;
  before(async () => {
    app = await startApp({
      coapPort: 0,
      coapsPort: 0,
      bootstrapCoapPort: 0,
      bootstrapCoapsPort: 0,
      coapHost: '127.0.0.1',
      coapsHost: '127.0.0.1',
      httpPort: 0,
      demo: true,
      logLevel: 'silent',
    });
  });
  after(async () => {
    await app.close();
  });

  it(
    'shows the device that coap-client makes by hand',
    { skip: missingTool('coap-client-notls', 'libcoap3-bin') },
    async () => {
      const command = block('sh', 'coap-client').replace('coap://localhost/', `coap://127.0.0.1:${app.coapPort}/`);
      assert.ok(command.includes(String(app.coapPort)));
      const { status, stderr } = await runTool('sh', ['-c', command]);
      assert.equal(status, 0, stderr);
      const answer = await fetch(`${app.httpUrl}/api/v1/devices/hand-made`);
      assert.equal(answer.status, 200);
      assert.equal(((await answer.json()) as { lifetimeSeconds: number }).lifetimeSeconds, 300);
    },
  );

  it(
    'lets in the device whose key it was given, over DTLS',
    { skip: missingTool('coap-client-openssl', 'libcoap3-bin') },
    async () => {
      const lapwing = `${process.execPath} --conditions=src --disable-warning=ExperimentalWarning ${ROOT}/apps/lapwing/src/main.ts`;
      const commands = block('sh', 'coap-client-openssl')
        .replace('coaps://localhost/', `coaps://127.0.0.1:${app.coapsPort}/`)
        .replace('npx lapwing credentials add', `${lapwing} credentials add --url ${app.httpUrl}`);
      assert.ok(commands.includes(String(app.coapsPort)));
      const { status, stderr } = await runTool('sh', ['-e', '-c', commands]);
      assert.equal(status, 0, stderr);
      const answer = await fetch(`${app.httpUrl}/api/v1/devices/secured`);
      assert.equal(answer.status, 200);
      const { security } = (await answer.json()) as { security: { kind: string; identity: string } };
      assert.deepEqual([security.kind, security.identity], ['psk', 'secured']);
    },
  );

  it('understands the commands it names', async () => {
    const commands = [...readme.matchAll(/`npx lapwing (?!--)([^`]+)`/g)].map(([, args]) => args!.split(' '));
    assert.equal(commands.length, 4);
    for (const args of commands) {
      const { status, stdout, stderr } = await runTool(process.execPath, [
        '--conditions=src',
        '--disable-warning=ExperimentalWarning',
        `${ROOT}/apps/lapwing/src/main.ts`,
        ...args,
        '--url',
        app.httpUrl,
      ]);
      assert.equal(status, 0, `${args.join(' ')}: ${stderr}`);
      if (args[0] !== 'security') assert.notEqual(stdout.trim(), '', args.join(' '));
    }
  });
});
