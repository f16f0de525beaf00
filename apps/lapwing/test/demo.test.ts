/** The simulated device that knows nothing but the Bootstrap-Server, over several starts of the whole. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { App } from '../src/index.ts';
import type { AppOptions } from '../src/app.ts';
import type { SessionJson, SessionListJson } from '../src/rest/bootstrap-schemas.ts';
import type { DeviceJson } from '../src/rest/schemas.ts';
import { freePort } from './free-port.ts';
import { RunningApp } from './running-app.ts';

const NAME = 'demo-power-meter';
let dataDir: string;
before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'lapwing-demo-'));
});
after(() => rm(dataDir, { recursive: true }));

async function registered({ server }: App): Promise<void> {
  while (server.device(NAME) === undefined) await once(server, 'registered');
}

const sessionsOf = async (api: RunningApp): Promise<SessionListJson['items']> =>
  (await api.call<SessionListJson>('GET', `/bootstrap/sessions?device=${NAME}`)).body.items;

describe('the simulated power meter', () => {
  it('is bootstrapped over coaps at the first start, and knows its server at the next', async () => {
    const ports: AppOptions = { coapsPort: await freePort(), bootstrapCoapsPort: await freePort() };
    await using first = await RunningApp.start({ demo: true, dataDir, ...ports });
    await registered(first.app);
    const [session] = await sessionsOf(first);
    assert.deepEqual([session?.security.kind, session?.outcome?.kind], ['psk', 'finished']);
    const { body } = await first.call<SessionJson>('GET', `/bootstrap/sessions/${session!.sessionId}`);
    assert.deepEqual(
      body.timeline.map(({ operation, path }) => `${operation} ${path}`),
      ['request /bs', 'discover /', 'write /0/1', 'write /1/0', 'finish /bs'],
    );
    const device = await first.call<DeviceJson>('GET', `/devices/${NAME}`);
    assert.deepEqual([device.body.security.kind, device.body.lifetimeSeconds], ['psk', 120]);
    const state = join(dataDir, 'security', `${NAME}.state`);
    await first.close();
    assert.equal((await stat(state)).mode & 0o777, 0o600);
    assert.ok((await readFile(state, 'utf8')).includes(`coaps://127.0.0.1:${ports.coapsPort}`));

    await using second = await RunningApp.start({ demo: true, dataDir, ...ports });
    await registered(second.app);
    assert.deepEqual(await sessionsOf(second), []);
  });

  it('is bootstrapped again when the server has another port, without waiting for the old one', async () => {
    await using third = await RunningApp.start({ demo: true, dataDir });
    await registered(third.app);
    const [session] = await sessionsOf(third);
    assert.equal(session?.outcome?.kind, 'finished');
  });

  it('keeps the configuration that somebody has given it', async () => {
    await using fourth = await RunningApp.start({ demo: true, dataDir });
    await registered(fourth.app);
    const { configurations } = fourth.app.bootstrap;
    const [server] = configurations.find(NAME)!.servers!;
    await configurations.save(NAME, { servers: [{ ...server!, lifetimeSeconds: 77 }] });
    await fourth.close();
    await using fifth = await RunningApp.start({ demo: true, dataDir });
    await registered(fifth.app);
    assert.equal(fifth.app.server.device(NAME)?.registration.lifetimeSeconds, 77);
  });

  it('is left out without the Bootstrap-Server and without coaps', async () => {
    for (const options of [{ bootstrap: false }, { coaps: false }]) {
      await using api = await RunningApp.start({ demo: true, ...options });
      while (api.app.server.registrationCount < 3) await once(api.app.server, 'registered');
      assert.equal(api.app.bootstrap.configurations.size, 0);
    }
  });
});
