/** OMA ETS INT 3 and 5 to 7: where the configuration of a Client comes from, and what begins a Bootstrap. OMA TS Core §6.1.2. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { ServerAccount } from '@lapwing/client';
import { BootstrapScene, URIS } from '../bootstrap-scene.ts';
import { CardSlot, cardWith } from '../card-slot.ts';
import type { Given } from '../given.ts';
import { proves } from '../proves.ts';
import { ENDPOINT_CLIENT_NAME } from '../scene.ts';

const NO_BYTES = new Uint8Array(0);
const FACTORY: ServerAccount = { uri: URIS.server, lifetimeSeconds: 86_400 };
const UNREACHABLE: ServerAccount = { uri: URIS.nowhere, retry: { count: 2, timerSeconds: 10 } };

const security = (uri: string, shortServerId: number | undefined): Given => ({
  '/0/0/0': uri,
  '/0/0/1': shortServerId === undefined,
  '/0/0/2': 3,
  '/0/0/3': NO_BYTES,
  '/0/0/4': NO_BYTES,
  '/0/0/5': NO_BYTES,
  ...(shortServerId !== undefined && { '/0/0/10': shortServerId }),
});
/** With an account of the other server. */
const CARD = {
  0: security(URIS.other, 77),
  1: { '/1/0/0': 77, '/1/0/1': 43_200, '/1/0/6': false, '/1/0/7': 'U' },
};

/** Requests of the client, repetitions of a message included, without their parameters. */
const asked = (scene: BootstrapScene): readonly string[] => moments(scene).map(([line]) => line);

const moments = (scene: BootstrapScene): readonly (readonly [line: string, at: number])[] =>
  scene
    .plain('client')
    .filter(({ line }) => / /.test(line))
    .map(({ line, to, at }) => [`${to}: ${line.replace(/\?.*/, '')}`, at]);

describe('OMA: ways to bootstrap', () => {
  proves('LightweightM2M-1.1-int-3', async (version) => {
    const slot = new CardSlot();
    await using scene = await BootstrapScene.registered({
      version,
      account: undefined,
      client: { servers: [FACTORY], smartcard: slot.source },
    });
    const [x, y] = scene.servers;
    assert.equal((await x!.read('/1/0/1')).values['/1/0/1'], 86_400);
    slot.card = cardWith(CARD);
    await scene.restart();
    await scene.until(() => y!.server.registrationCount === 1);
    assert.deepEqual(asked(scene), ['server: POST /rd'], 'and with no other');
    assert.equal((await y!.read('/1/0/1')).values['/1/0/1'], 43_200);
  });

  proves('LightweightM2M-1.1-int-5', async (version) => {
    await using scene = await BootstrapScene.registered({ version });
    scene.plain();
    scene.events.splice(0);
    assert.equal(await scene.server.execute('/1/0/9'), '2.04');
    await scene.until(() => scene.outcomes.length === 2);
    const lines = scene.plain('client').map(({ line, to }) => `${to}: ${line}`);
    assert.deepEqual(lines.slice(0, 2), [
      'server: 2.04',
      `bootstrap-server: POST /bs?ep=${ENDPOINT_CLIENT_NAME}&pct=112`,
    ]);
    assert.equal(scene.steps.at(-1), 'finish /bs 2.04');
    await scene.until(() => scene.events.length === 3);
    assert.deepEqual(scene.events, ['started: server-trigger', 'finished', 'registered 1']);
  });

  const ways = [
    'a smartcard first',
    'then the factory',
    'then the Bootstrap-Server, when there is no server',
    'then the Bootstrap-Server, when no server answers',
    'a smartcard with a Bootstrap-Server alone',
    'a server may ask for it while the account of the Bootstrap-Server is kept',
  ] as const;
  proves('LightweightM2M-1.1-int-6', ways, async (version, way) => {
    const slot = new CardSlot();
    if (way === 'a smartcard first') slot.card = cardWith(CARD);
    if (way === 'a smartcard with a Bootstrap-Server alone') {
      slot.card = cardWith({ 0: security(URIS.bootstrap, undefined) });
    }
    const hasNoServer = way === 'then the Bootstrap-Server, when there is no server';
    const isWithoutServer = hasNoServer || way === 'a smartcard with a Bootstrap-Server alone';
    const isUnreachable = way === 'then the Bootstrap-Server, when no server answers';
    await using scene = BootstrapScene.open({
      version,
      account: way === 'a smartcard with a Bootstrap-Server alone' ? undefined : { accountTimeoutSeconds: 600 },
      client: { servers: isWithoutServer ? [] : [isUnreachable ? UNREACHABLE : FACTORY], smartcard: slot.source },
    });
    const registered = (): boolean => scene.client.registrations.some(({ state }) => state === 'registered');
    await scene.until(registered);
    await scene.seconds(1);
    const bootstrapped = ['bootstrap-server: POST /bs', 'server: POST /rd'];
    const requests = asked(scene);
    switch (way) {
      case 'a smartcard first':
        assert.deepEqual(requests, ['server: POST /rd']);
        assert.equal(scene.servers[1]!.server.registrationCount, 1);
        return;
      case 'then the factory':
        assert.deepEqual(requests, ['server: POST /rd']);
        assert.equal(scene.server.server.registrationCount, 1);
        return;
      case 'then the Bootstrap-Server, when there is no server':
      case 'a smartcard with a Bootstrap-Server alone':
        assert.deepEqual(requests, bootstrapped);
        return;
      case 'then the Bootstrap-Server, when no server answers':
        assert.deepEqual(requests.slice(-2), bootstrapped);
        assert.ok(requests.slice(0, -2).every((line) => line === 'server: POST /rd') && requests.length > 3);
        return;
      case 'a server may ask for it while the account of the Bootstrap-Server is kept':
        assert.equal(await scene.server.execute('/1/0/9'), '2.04');
        await scene.until(() => scene.outcomes.length === 1);
        await scene.until(registered);
        // /0/x/12 has run out.
        await scene.seconds(601);
        assert.equal(await scene.server.execute('/1/0/9'), '4.05');
        assert.equal(scene.outcomes.length, 1);
    }
  });

  proves('LightweightM2M-1.1-int-7', async (version) => {
    await using scene = BootstrapScene.open({
      version,
      account: { holdOffSeconds: 300 },
      client: { servers: [UNREACHABLE] },
    });
    await scene.until(() => scene.events.at(-1) === 'registered 1', 600_000);
    const requests = moments(scene);
    const [given, up] = requests.slice(-3);
    assert.deepEqual(
      requests.slice(-3).map(([line]) => line),
      ['server: POST /rd', 'bootstrap-server: POST /bs', 'server: POST /rd'],
    );
    assert.ok(up![1] - given![1] > 300_000, 'after the hold-off time');
    assert.deepEqual(scene.events, ['started: unreachable', 'finished', 'registered 1']);
    const { code, values } = await scene.server.read('/1/0/1');
    assert.deepEqual([code, values['/1/0/1']], ['2.05', 86_400]);
  });
});
