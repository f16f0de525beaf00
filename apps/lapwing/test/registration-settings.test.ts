/** Settings that change how devices are registered: Profile IDs, how long one in queue mode is awake, what they add. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { deviceObject, LwM2mClient, temperatureObject } from '@lapwing/client';
import { StartFailure } from '../src/index.ts';
import type { DeviceJson } from '../src/rest/schemas.ts';
import { RunningApp } from './running-app.ts';

let folder: string;
let file: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapwing-profiles-'));
  file = join(folder, 'profiles.json');
});
after(() => rm(folder, { recursive: true }));

it('a device registers with a Profile ID of --profiles, and is listed with the Objects it stands for (OMA TS Core 1.2 §6.2.1)', async () => {
  await writeFile(file, '\uFEFF{ "6:27354b9a": "</1/0>,</3/0>" }');
  const api = await RunningApp.start({ profiles: file });
  const refused: string[] = [];
  api.app.server.on('refused', ({ code }) => refused.push(code));
  const device = await LwM2mClient.start({
    endpointClientName: 'profiled',
    servers: [{ uri: `coap://127.0.0.1:${api.app.coapPort}`, lifetimeSeconds: 300 }],
    objects: [deviceObject({ manufacturer: 'Acme' }), temperatureObject({ value: 21.5 })],
    profile: { ids: ['6:27354b9a'], covers: ['/1/0', '/3/0'] },
    host: '127.0.0.1',
  });
  await device.whenRegistered();
  const { body } = await api.call<DeviceJson>('GET', '/devices/profiled');
  assert.deepEqual(
    body.objects.map(({ objectId }) => objectId),
    [1, 3, 3303],
  );
  assert.deepEqual(refused, []);
  await device.close();
  await api.close();
});

it('a device in queue mode sleeps after --client-awake-time, and that is an event (OMA TS Core §6.5)', async () => {
  const api = await RunningApp.start({ clientAwakeTime: 1 });
  const before = api.app.events.lastId;
  const asleep = once(api.app.server, 'asleep');
  const device = await LwM2mClient.start({
    endpointClientName: 'sleeper',
    queueMode: true,
    servers: [{ uri: `coap://127.0.0.1:${api.app.coapPort}`, lifetimeSeconds: 300 }],
    objects: [deviceObject({ manufacturer: 'Acme' })],
    host: '127.0.0.1',
  });
  await asleep;
  assert.equal((await api.call<DeviceJson>('GET', '/devices/sleeper')).body.awake, false);
  const told: string[] = [];
  for (let event = api.app.events.next(before); event !== undefined; event = api.app.events.next(event.id))
    told.push(event.type);
  assert.deepEqual(told.slice(0, 3).sort(), ['asleep', 'awake', 'registered']);
  await device.close();
  await api.close();
});

it('the server does not start with a profiles file that cannot be used, and says what is wrong with it', async () => {
  const start = (): Promise<RunningApp> => RunningApp.start({ profiles: file });
  const refused = (why: RegExp): Promise<void> =>
    assert.rejects(start, (error) => {
      assert.ok(error instanceof StartFailure);
      const [, text = ''] =
        /^The profiles file .+\.json cannot be used: (.+)\. Correct it, or .+\.$/.exec(error.message) ?? [];
      assert.match(text, why);
      return true;
    });
  for (const [text, why] of [
    ['{', /JSON/],
    ['[]', /one JSON object/],
    ['null', /one JSON object/],
    ['{"nonsense": "</3/0>"}', /"nonsense" is no Profile ID/],
    ['{"6:27354b9a": 3}', /6:27354b9a must be text/],
    ['{"6:27354b9a": "</3/0"}', /profile 6:27354b9a: ">" expected/],
    ['{"6:27354b9a": ""}', /profile 6:27354b9a has no Object/],
  ] as const) {
    await writeFile(file, text);
    await refused(why);
  }
  await rm(file);
  await refused(/ENOENT/);
});

it('what a device says in its registration beyond LwM2M is shown with the device', async () => {
  const api = await RunningApp.start();
  const device = await LwM2mClient.start({
    endpointClientName: 'talkative',
    servers: [{ uri: `coap://127.0.0.1:${api.app.coapPort}`, lifetimeSeconds: 300 }],
    objects: [],
    additionalParameters: { et: 'sensor', site: 'north' },
    host: '127.0.0.1',
  });
  await device.whenRegistered();
  const { body } = await api.call<DeviceJson>('GET', '/devices/talkative');
  assert.deepEqual(body.additionalParameters, { et: 'sensor', site: 'north' });
  await device.close();
  await api.close();
});
