/** The examples in docs/client-library.md are the files in examples/, word for word, and they do what they say. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FileStateStore } from '@lapwing/client';
import type { NodeEntry, Value } from '@lapwing/lwm2m';
import { LightControl, objectPath, resourceInstancePath, resourcePath } from '@lapwing/lwm2m';
import { LwM2mBootstrapServer } from '@lapwing/bootstrap-server';
import { LwM2mServer, unwrap } from '@lapwing/server';
import { startRememberingThermometer } from './examples/file-state.ts';
import { startBootstrappedThermometer, startCardThermometer } from './examples/bootstrapped.ts';
import { startLamp } from './examples/lamp.ts';
import { sendReadings } from './examples/meter.ts';
import { startNotes } from './examples/notes.ts';
import { startSecureThermometer } from './examples/secure.ts';
import { startSharedThermometer } from './examples/shared.ts';
import { measureOutOfReach, startSleeper } from './examples/sleeper.ts';
import { startThermometer } from './examples/thermometer.ts';
import { startTracker } from './examples/tracker.ts';
import { startUpdatableDevice } from './examples/updatable.ts';

const FOLDER = new URL('./examples/', import.meta.url);
const DOCUMENT = new URL('../../../docs/client-library.md', import.meta.url);

describe('docs/client-library.md', () => {
  const blocks = new Map(
    [...readFileSync(DOCUMENT, 'utf8').matchAll(/<!-- (\S+\.ts) -->\n\n```ts\n([^]*?)```\n/g)].map(([, file, text]) => [
      file,
      text,
    ]),
  );
  for (const file of readdirSync(FOLDER)) {
    it(`shows ${file} as it is`, () => assert.equal(blocks.get(file), readFileSync(new URL(file, FOLDER), 'utf8')));
  }
  it('shows nothing else', () => assert.deepEqual([...blocks.keys()].sort(), readdirSync(FOLDER).sort()));
});

describe('the examples', () => {
  const start = async (): Promise<{ server: LwM2mServer; uri: string }> => {
    const server = await LwM2mServer.start({ coap: [{ host: '127.0.0.1', port: 0 }] });
    return { server, uri: `coap://127.0.0.1:${server.drivers[0]!.localAddress.port}` };
  };

  it('the thermometer registers and has its value', async () => {
    const { server, uri } = await start();
    await using _ = server;
    await using client = await startThermometer(uri);
    assert.equal(client.get('/3303/0/5602'), 21.5);
    const read = unwrap(await server.device('urn:dev:os:32473-thermometer')!.read(resourcePath(3303, 0, 5700)));
    assert.equal(read.node?.kind === 'resource' && read.node.value.value, 21.5);
  });

  it('the secure thermometer registers over DTLS, on real sockets, and tells why when it may not', async (t) => {
    const key = randomBytes(16);
    const complaints: string[] = [];
    t.mock.method(console, 'error', (line: string) => complaints.push(line));
    await using server = await LwM2mServer.start({
      coap: [],
      coaps: {
        listen: [{ host: '127.0.0.1', port: 0 }],
        credentials: { psk: {}, clientAuthentication: 'required', clientCertificateTypes: [], trustAnchors: [] },
      },
    });
    const name = 'urn:dev:os:32473-secure';
    const uri = `coaps://127.0.0.1:${server.drivers[0]!.localAddress.port}`;
    await using stranger = await startSecureThermometer(uri, key);
    await once(stranger, 'registrationFailed');
    assert.match(complaints[0] ?? '', /unknown_psk_identity.*; next attempt in 86400 s/);
    const identity = new TextEncoder().encode(name);
    await server.security.add({ kind: 'psk', endpointClientName: name, identity, key: createSecretKey(key) });
    await using client = await startSecureThermometer(uri, key);
    await client.whenRegistered();
    const read = unwrap(await server.device(name)!.read(resourcePath(3303, 0, 5700)));
    assert.equal(read.node?.kind === 'resource' && read.node.value.value, 20.5);
  });

  it('the bootstrapped thermometer is given a key of its own for its server, and needs no bootstrap the next time', async () => {
    const key = randomBytes(16);
    const name = 'urn:dev:os:32473-bootstrapped';
    const folder = await mkdtemp(join(tmpdir(), 'lapwing-'));
    const credentials = {
      psk: {},
      clientAuthentication: 'required',
      clientCertificateTypes: [],
      trustAnchors: [],
    } as const;
    const listen = [{ host: '127.0.0.1', port: 0 }];
    await using server = await LwM2mServer.start({ coap: [], coaps: { listen, credentials } });
    await using bootstrapServer = await LwM2mBootstrapServer.start({
      coaps: { listen, credentials },
      lwm2mServers: [{ security: server.security }],
    });
    const identity = new TextEncoder().encode(name);
    await bootstrapServer.security.add({ kind: 'psk', endpointClientName: name, identity, key: createSecretKey(key) });
    const uri = `coaps://127.0.0.1:${server.drivers[0]!.localAddress.port}`;
    await bootstrapServer.configurations.set(name, {
      servers: [{ shortServerId: 1, uri, security: { mode: 'psk', generate: true } }],
    });
    const bootstrapUri = `coaps://127.0.0.1:${bootstrapServer.drivers[0]!.localAddress.port}`;
    const file = join(folder, 'state.json');
    const outcomes: string[] = [];
    bootstrapServer.on('sessionEnded', (_session, { kind }) => outcomes.push(kind));
    for (let starts = 0; starts < 2; starts++) {
      await using client = await startBootstrappedThermometer(bootstrapUri, key, file);
      await client.whenRegistered();
      const read = unwrap(await server.device(name)!.read(resourcePath(3303, 0, 5700)));
      assert.equal(read.node?.kind === 'resource' && read.node.value.value, 20.5);
    }
    assert.equal(outcomes.length, 1);
    await rm(folder, { recursive: true });
  });

  it('the thermometer with a smartcard registers with what is on it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lapwing-'));
    await using client = await startCardThermometer(
      { read: () => Promise.resolve(undefined) },
      join(folder, 'state.json'),
    );
    assert.deepEqual(client.registrations, []);
    await rm(folder, { recursive: true });
  });

  it('the lamp is switched and dimmed', async (t) => {
    t.mock.method(console, 'log', () => undefined);
    const { server, uri } = await start();
    await using _ = server;
    const lamp = { on: false };
    await using client = await startLamp(uri, lamp);
    await client.whenRegistered();
    const device = server.device('urn:dev:os:32473-lamp')!;
    unwrap(await device.write(LightControl.path(0).onOff, true));
    unwrap(await device.write(LightControl.path(0).dimmer, 30));
    assert.equal(lamp.on, true);
    assert.equal(client.get(LightControl.path(0).dimmer), 30);
    assert.equal(unwrap(await device.read(LightControl.path(0).onOff)), true);
  });

  it('notes are created and deleted', async () => {
    const { server, uri } = await start();
    await using _ = server;
    await using client = await startNotes(uri);
    await client.whenRegistered();
    const device = server.device('urn:dev:os:32473-notes')!;
    const path = resourceInstancePath(19, 65535, 0, 0);
    const content = [{ kind: 'value', path, value: { type: 'opaque', value: Uint8Array.of(1) } }] as const;
    const created = unwrap(await device.create(objectPath(19), content));
    assert.equal(client.get(resourcePath(19, created.objectInstanceId, 3)), 'note 1');
    unwrap(await device.delete(created));
    assert.deepEqual(client.objectInstanceIds(19), [0]);
  });

  it('the remembering thermometer remembers', async () => {
    const { server, uri } = await start();
    await using _ = server;
    const folder = await mkdtemp(join(tmpdir(), 'client-state-'));
    try {
      const file = join(folder, 'state.json');
      for (const pmin of [undefined, '7']) {
        await using client = await startRememberingThermometer(uri, file);
        await client.whenRegistered();
        const device = server.device('urn:dev:os:32473-remembering')!;
        const [link] = unwrap(await device.discover(objectPath(3303)));
        assert.equal(link?.attributes?.pmin, pmin);
        unwrap(await device.writeAttributes(objectPath(3303), { pmin: 7 }));
      }
      assert.equal((await new FileStateStore(file).load())?.version, 2);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('the shared thermometer is read by both servers, and written by its owner', async () => {
    const [first, second] = [await start(), await start()];
    await using one = first.server;
    await using two = second.server;
    await using client = await startSharedThermometer(first.uri, second.uri);
    await client.whenRegistered();
    const path = resourcePath(3303, 0, 5700);
    for (const server of [one, two]) unwrap(await server.device('urn:dev:os:32473-shared')!.read(path));
    const reset = resourcePath(3303, 0, 5605);
    assert.equal((await one.device('urn:dev:os:32473-shared')!.execute(reset)).ok, true);
    assert.equal((await two.device('urn:dev:os:32473-shared')!.execute(reset)).ok, false);
  });

  it('the updatable device takes a package over both ways, and refuses one that is broken', async () => {
    const { server, uri } = await start();
    await using _ = server;
    const folder = await mkdtemp(join(tmpdir(), 'firmware-'));
    const image = randomBytes(100_000);
    const whole = Buffer.concat([createHash('sha256').update(image).digest(), image]);
    const web = createServer((_request, response) => response.end(whole));
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    try {
      await using client = await startUpdatableDevice(uri, join(folder, 'image'));
      await client.whenRegistered();
      const device = server.device('urn:dev:os:32473-updatable')!;
      const state = async (): Promise<unknown> => {
        const { node } = unwrap(await device.read(resourcePath(5, 0, 3)));
        return node?.kind === 'resource' ? node.value.value : undefined;
      };
      const write = async (resourceId: number, value: Value): Promise<boolean> => {
        const path = resourcePath(5, 0, resourceId);
        return (await device.write(path, [{ kind: 'value', path, value }])).ok;
      };
      assert.equal(await write(0, { type: 'opaque', value: whole }), true);
      assert.equal(await state(), 2);
      unwrap(await device.execute(resourcePath(5, 0, 2)));
      while ((await state()) !== 0);
      assert.equal(client.get('/3/0/3'), '2.0');
      const { port } = web.address() as AddressInfo;
      assert.equal(await write(1, { type: 'string', value: `http://127.0.0.1:${port}/image` }), true);
      while ((await state()) === 1);
      assert.equal(await state(), 2);
      assert.equal((await readFile(join(folder, 'image'))).compare(image), 0);
      assert.equal(await write(1, { type: 'string', value: '' }), true);
      whole[50]! ^= 1;
      assert.equal(await write(0, { type: 'opaque', value: whole }), false);
      assert.deepEqual([client.get('/5/0/3'), client.get('/5/0/5')], [0, 5]);
    } finally {
      web.close();
      await rm(folder, { recursive: true });
    }
  });

  it('the sleeper tells what it measured out of reach', async () => {
    const { server, uri } = await start();
    await using _ = server;
    await using client = await startSleeper(uri, { on: true });
    await client.whenRegistered();
    const device = server.device('urn:dev:os:32473-sleeper')!;
    assert.equal(device.registration.queueMode, true);
    unwrap(await device.observe(resourcePath(3346, 0, 5700)));
    const told = once(server, 'notified');
    measureOutOfReach(client, [1, 2, 3]);
    const [, { entries }] = (await told) as [unknown, { readonly entries: readonly NodeEntry[] }];
    assert.deepEqual(
      entries.map((entry) => entry.kind === 'value' && entry.value.value),
      [1, 2, 3, 3],
    );
  });

  it('the tracker can be read from end to end', async () => {
    const { server, uri } = await start();
    await using _ = server;
    await using client = await startTracker(uri);
    await client.whenRegistered();
    const device = server.device('urn:dev:os:32473-tracker')!;
    for (const objectId of [3, 4, 6, 7, 16, 19, 20]) unwrap(await device.read(objectPath(objectId)));
    unwrap(await device.execute(resourcePath(3, 0, 5)));
    const log = unwrap(await device.read(resourcePath(20, 0, 4014)));
    const value = log.node?.kind === 'resource' ? log.node.value.value : undefined;
    assert.equal(Buffer.from(value as Uint8Array).toString(), 'factory reset\n');
  });

  it('readings are sent, and the meter is gone afterwards', async () => {
    const { server, uri } = await start();
    await using _ = server;
    const gone = once(server, 'unregistered');
    const sent: unknown[] = [];
    server.on('sent', (_registration, [entry]) => sent.push(entry?.kind === 'value' && entry.value.value));
    assert.equal(await sendReadings(uri, [40, 41, 42]), 3);
    assert.deepEqual(sent, [40, 41, 42]);
    await gone;
  });
});
