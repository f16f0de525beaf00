/** A planned stop and start: the state of devices is on the disk in between, taken once, and of no use when it was changed. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createSecretKey } from 'node:crypto';
import { type EventEmitter, once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { deviceObject, LwM2mClient, temperatureObject } from '@lapwing/client';
import { resourcePath } from '@lapwing/lwm2m';
import { startApp } from '../src/index.ts';
import { createLog } from '../src/log.ts';
import { RestClient } from '../src/rest-client.ts';
import type { PendingListJson } from '../src/rest/operation-schemas.ts';
import type { ProblemBody } from '../src/rest/problem.ts';
import type { DeviceJson, ObservationJson } from '../src/rest/schemas.ts';
import type { AddedCredentialJson } from '../src/rest/security-schemas.ts';
import { freePort } from './free-port.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const TEMPERATURE = '/3303/0/5700';
let folder: string;
/** Those of a test that failed are ended with it. */
const children: ChildProcess[] = [];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapwing-restart-'));
});
after(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

interface Served {
  readonly api: RestClient;
  /** Answers the exit code. */
  stop(): Promise<number | null>;
}

async function serve(dataDir: string, coapPort: number, coapsPort: number): Promise<Served> {
  const args = [
    '--coap-host',
    '127.0.0.1',
    '--coap-port',
    `${coapPort}`,
    '--coaps-port',
    `${coapsPort}`,
    '--no-bootstrap',
  ];
  const child: ChildProcess = spawn(
    process.execPath,
    ['--conditions=src', MAIN, ...args, '--http-port', '0', '--data-dir', dataDir],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exited = once(child, 'exit');
  children.push(child);
  let out = '';
  child.stdout?.setEncoding('utf8');
  const failed = exited.then(([code]) => {
    throw new Error(`it ended with ${code} before it was up`);
  });
  failed.catch(() => undefined);
  while (!out.includes('Ctrl+C')) {
    out += ((await Promise.race([once(child.stdout!, 'data'), failed])) as [string])[0];
  }
  return {
    api: new RestClient(/http:\/\/localhost:\d+/.exec(out)?.[0] ?? ''),
    stop: async () => {
      child.kill('SIGTERM');
      return ((await exited) as [number | null])[0];
    },
  };
}

/** The next notification of the device, once the stream of events is open. */
async function nextNotification(api: RestClient, device: string, cause: () => void): Promise<unknown> {
  const ending = new AbortController();
  const events = api.events<{ readonly entries: readonly { readonly value: unknown }[] }>(
    `type=notification&device=${device}`,
    ending.signal,
  );
  const next = events.next();
  // The stream begins with what happens after it is open, so the value moves until one is seen.
  const moving = setInterval(cause, 20);
  const { value } = await next;
  clearInterval(moving);
  await events.return();
  return value?.entries[0]?.value;
}

describe('a stop and a start of the process', () => {
  for (const scheme of ['coaps', 'coap'] as const) {
    it(`between two notifications of a device over ${scheme} is nothing that the device notices`, async () => {
      const dataDir = join(folder, scheme);
      const [coapPort, coapsPort] = [await freePort(), await freePort()];
      const first = await serve(dataDir, coapPort, coapsPort);
      const credential =
        scheme === 'coap'
          ? undefined
          : await first.api.call<AddedCredentialJson>('POST', '/security/credentials', { device: 'lamp', kind: 'psk' });
      await using client = await LwM2mClient.start({
        endpointClientName: 'lamp',
        servers: [
          {
            uri: `${scheme}://127.0.0.1:${scheme === 'coap' ? coapPort : coapsPort}`,
            lifetimeSeconds: 3600,
            ...(credential === undefined
              ? {}
              : {
                  credentials: {
                    kind: 'psk',
                    identity: new TextEncoder().encode('lamp'),
                    key: createSecretKey(credential.key ?? '', 'hex'),
                  } as const,
                }),
          },
        ],
        objects: [temperatureObject({ value: 20 })],
        host: '127.0.0.1',
      });
      const told: string[] = [];
      for (const event of ['registered', 'updated', 'lost', 'registrationFailed', 'observationEnded'] as const) {
        (client as EventEmitter).on(event, () => told.push(event));
      }
      await client.whenRegistered();
      const before = await first.api.call<DeviceJson>('GET', '/devices/lamp');
      await first.api.call('PUT', `/devices/lamp/observations${TEMPERATURE}`);
      let temperature = 20;
      const move = (): void => client.set(TEMPERATURE, ++temperature);
      assert.equal(typeof (await nextNotification(first.api, 'lamp', move)), 'number');
      assert.equal(await first.stop(), 0);
      assert.ok((await readdir(dataDir)).includes('snapshot'));
      told.length = 0;

      const second = await serve(dataDir, coapPort, coapsPort);
      assert.ok(!(await readdir(dataDir)).includes('snapshot'));
      const after = await second.api.call<DeviceJson>('GET', '/devices/lamp');
      assert.equal(after.registrationId, before.registrationId);
      assert.deepEqual(after.security.identity, before.security.identity);
      assert.equal(after.security.association?.cipherSuite, before.security.association?.cipherSuite);
      const { items } = await second.api.call<{ items: ObservationJson[] }>('GET', '/devices/lamp/observations');
      assert.deepEqual(
        items.map(({ path }) => path),
        [TEMPERATURE],
      );
      const value = await nextNotification(second.api, 'lamp', move);
      assert.ok(typeof value === 'number' && value > 20);
      assert.equal((await second.api.call<{ code: string }>('GET', `/devices/lamp/nodes${TEMPERATURE}`)).code, '2.05');
      assert.deepEqual(told, []);
      await client.close();
      assert.equal(await second.stop(), 0);
    });
  }
});

describe('an operation that waits for a sleeping device when the server stops', () => {
  it('is kept: its caller is told so, it is pending after the start, goes out when the device wakes, and its end is an event', async () => {
    const dataDir = await mkdtemp(join(folder, 'sleeper-'));
    const options = {
      coapHost: '127.0.0.1',
      coapPort: await freePort(),
      coapsPort: 0,
      bootstrapCoapPort: 0,
      bootstrapCoapsPort: 0,
      httpPort: 0,
      demo: false,
      dataDir,
      clientAwakeTime: 1000,
      logLevel: 'silent',
    } as const;
    await using first = await startApp(options);
    let reboots = 0;
    await using client = await LwM2mClient.start({
      endpointClientName: 'sleeper',
      servers: [{ uri: `coap://127.0.0.1:${options.coapPort}`, lifetimeSeconds: 3600 }],
      objects: [deviceObject({ reboot: () => void reboots++ })],
      host: '127.0.0.1',
      queueMode: { awakeTime: 1000 },
    });
    await client.whenRegistered();
    await once(first.server, 'asleep');

    const isPending = once(first.server, 'pendingChanged');
    const call = fetch(`${first.httpUrl}/api/v1/devices/sleeper/execute/3/0/4`, { method: 'POST' });
    await isPending;
    const api = new RestClient(first.httpUrl);
    const before = await api.call<PendingListJson>('GET', '/devices/sleeper/pending');
    await first.close();
    const answer = await call;
    const problem = (await answer.json()) as ProblemBody;
    const { operationId } = before.items[0]!;
    assert.deepEqual([answer.status, problem.type], [503, 'urn:lapwing:problem:operation-kept']);
    assert.match(problem.detail, new RegExp(`operation ${operationId} is kept`));

    await using second = await startApp(options);
    const apiAfter = new RestClient(second.httpUrl);
    assert.deepEqual(await apiAfter.call('GET', '/devices/sleeper/pending'), { ...before, awake: false });
    assert.equal(reboots, 0);
    const completed = once(second.server, 'operationCompleted');
    client.update();
    await completed;
    assert.equal(reboots, 1);
    const events: Record<string, unknown>[] = [];
    for (let event = second.events.next(0); event !== undefined; event = second.events.next(event.id)) {
      if (event.type === 'operation-completed') events.push(JSON.parse(event.data) as Record<string, unknown>);
    }
    const [{ time: _, ...event } = {}] = events;
    assert.deepEqual(event, {
      type: 'operation-completed',
      device: 'sleeper',
      operationId,
      operation: 'execute',
      paths: ['/3/0/4'],
      createdAt: before.items[0]!.createdAt,
      code: '2.04',
    });
    await client.close();
    await second.close();
  });
});

describe('the state that a stop leaves', () => {
  for (const [what, change] of [
    ['is torn', (bytes: Buffer) => bytes.subarray(0, bytes.length - 20)],
    ['was changed', (bytes: Buffer) => bytes.map((byte, index) => (index === bytes.length - 30 ? byte ^ 1 : byte))],
    ['is empty', () => Buffer.alloc(0)],
    ['is of another version', (bytes: Buffer) => Buffer.concat([Buffer.from('another'), bytes])],
  ] as const) {
    it(`is refused with a sentence and deleted when it ${what}, and the server starts without it`, async () => {
      const dataDir = await mkdtemp(join(folder, 'refused-'));
      const options = {
        coapHost: '127.0.0.1',
        coapPort: 0,
        coapsPort: 0,
        bootstrapCoapPort: 0,
        bootstrapCoapsPort: 0,
        httpPort: 0,
        demo: false,
        dataDir,
      };
      await (await startApp({ ...options, logLevel: 'silent' })).close();
      const file = join(dataDir, 'snapshot');
      await writeFile(file, change(await readFile(file)));
      let said = '';
      const log = createLog({ level: 'info', readable: true, destination: { write: (line) => void (said += line) } });
      await using app = await startApp({ ...options, log });
      assert.ok((await readdir(join(dataDir, 'security'))).includes('lock'));
      assert.match(said, /warn .*The state that the last stop left cannot be used and was deleted: [^.]+\.\n/);
      assert.ok(!(await readdir(dataDir)).includes('snapshot'));
      await app.close();
    });
  }

  it('holds nothing of the simulated devices, which leave with the server and come back by themselves', async () => {
    const dataDir = await mkdtemp(join(folder, 'demo-'));
    const options = {
      coapHost: '127.0.0.1',
      coapPort: 0,
      coapsPort: 0,
      bootstrapCoapPort: 0,
      bootstrapCoapsPort: 0,
      httpPort: 0,
      demo: true,
      dataDir,
    };
    let said = '';
    const log = createLog({ level: 'info', readable: true, destination: { write: (line) => void (said += line) } });
    for (let start = 0; start < 2; start++) {
      await using app = await startApp({ ...options, log });
      while (app.server.registrationCount < 4) await once(app.server, 'registered');
      // A device that answers knows that it is registered, and de-registers.
      for (const device of app.server.devices().items) assert.ok((await device.read(resourcePath(3, 0, 0))).ok);
      await app.close();
    }
    assert.doesNotMatch(said, /where the last stop left off/);
  });

  it('is kept over a start that fails', async () => {
    const dataDir = await mkdtemp(join(folder, 'failed-'));
    const options = {
      coapHost: '127.0.0.1',
      coapPort: 0,
      coapsPort: 0,
      bootstrapCoapPort: 0,
      bootstrapCoapsPort: 0,
      demo: false,
      dataDir,
      logLevel: 'silent',
    } as const;
    await (await startApp({ ...options, httpPort: 0 })).close();
    await assert.rejects(startApp({ ...options, httpPort: 0, httpHost: '192.0.2.1' }));
    assert.ok((await readdir(dataDir)).includes('snapshot'));
  });
});
