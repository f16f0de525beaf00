/**
 * Firmware updates: the Server and ordinary Clients over the simulated network, in virtual time. OMA TS Core, Object
 * Firmware Update (5).
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildOptions, Codes, parseUri } from '@lapwing/coap';
import {
  deviceObject,
  FirmwareRefused,
  firmwareUpdateObject,
  LwM2mClient,
  streamedRequests,
  type ClientOptions,
  type FirmwareUpdateOptions,
  type PackageFetcher,
  type PackageSink,
} from '@lapwing/client';
import { FirmwareUpdates, LwM2mServer, type FirmwareUpdate, type FirmwareUpdateRequest } from '@lapwing/server';
import { SimulatedNetwork, type SimulatedDriver } from '@lapwing/testkit';
import type { PeerAddress } from '@lapwing/transport';

const SERVER = { host: '10.0.0.1', port: 5683 };
const NAME = 'device';
const IMAGE = Uint8Array.from({ length: 10_000 }, (_, index) => (index * 7 + 1) & 0xff);

class Flash implements PackageSink {
  readonly pieces: Uint8Array[] = [];
  discarded = 0;
  write(bytes: Uint8Array): void {
    this.pieces.push(bytes.slice());
  }
  end(): { readonly version: string } {
    return { version: '2.0' };
  }
  discard(): void {
    this.discarded++;
  }
}

interface World extends AsyncDisposable {
  readonly network: SimulatedNetwork;
  readonly driver: SimulatedDriver;
  readonly server: LwM2mServer;
  readonly client: LwM2mClient;
  readonly updates: FirmwareUpdates;
  readonly flash: Flash;
  /** "stage" or "stage sent", as they came. */
  readonly told: string[];
  start(request?: FirmwareUpdateRequest): FirmwareUpdate;
  run(until: () => boolean): Promise<void>;
  finish(update: FirmwareUpdate): Promise<string | undefined>;
}

async function world(
  firmware: Partial<FirmwareUpdateOptions> | 'none' = {},
  options: Partial<ClientOptions> = {},
  conditions: ConstructorParameters<typeof SimulatedNetwork>[0] = {},
): Promise<World> {
  const network = new SimulatedNetwork(conditions);
  const driver = network.driver(SERVER);
  const server = new LwM2mServer({ drivers: [driver] });
  const flash = new Flash();
  const objects = [
    deviceObject({ firmwareVersion: '1.0' }),
    ...(firmware === 'none'
      ? []
      : [
          firmwareUpdateObject({
            receive: () => flash,
            install: () => ({ firmwareVersion: '2.0' }),
            failed: () => undefined,
            ...firmware,
          }),
        ]),
  ];
  const client = new LwM2mClient(
    network.driver({ host: '10.0.0.2', port: 40_000 }, { streamedRequest: streamedRequests(objects) }),
    {
      endpointClientName: NAME,
      servers: [{ uri: `coap://${SERVER.host}`, lifetimeSeconds: 86_400 }],
      objects,
      ...options,
    },
  );
  const updates = new FirmwareUpdates(server);
  const told: string[] = [];
  updates.on('changed', ({ stage, sentBytes }) => told.push(stage === 'pushing' ? `${stage} ${sentBytes}` : stage));
  const run = async (until: () => boolean): Promise<void> => {
    for (let waited = 0; !until() && waited < 7_200_000; waited += 100) await network.run(100);
    assert.ok(until(), 'not within two hours of virtual time');
  };
  client.register();
  await run(() => server.registrationCount === 1);
  return {
    network,
    driver,
    server,
    client,
    updates,
    flash,
    told,
    start: (request = { package: IMAGE }) => updates.start(NAME, request),
    run,
    async finish(update) {
      await run(() => update.outcome !== undefined);
      // What is left to say is said.
      await network.run(1000);
      return update.outcome;
    },
    async [Symbol.asyncDispose]() {
      assert.deepEqual(updates.usage, { ...updates.usage, underWay: 0, deadlines: 0 });
      const closed = client.close();
      await network.run(10_000);
      await closed;
      await server.close();
    },
  };
}

describe('a package pushed to a device', () => {
  it('arrives in blocks, is installed, and the new version is told; nothing is left over (/5/0/0, ETS 755)', async () => {
    await using all = await world();
    const update = all.start();
    assert.equal(await all.finish(update), 'succeeded');
    assert.equal(Buffer.concat(all.flash.pieces).compare(IMAGE), 0);
    assert.deepEqual([update.versionBefore, update.versionAfter], ['1.0', '2.0']);
    assert.deepEqual([update.sentBytes, update.totalBytes], [10_000, 10_000]);
    const sent = all.told.filter((line) => line.startsWith('pushing')).map((line) => Number(line.slice(8)));
    assert.deepEqual(
      sent,
      [...sent].sort((a, b) => a - b),
    );
    assert.ok(sent.length === 10 && sent.at(-1) === 9216, String(sent));
    const stages = all.told.filter((line) => !line.startsWith('pushing'));
    assert.deepEqual(stages, ['downloading', 'starting', 'installing', 'verifying', 'ended']);
    assert.equal(update.explanation, 'The new firmware runs.');
    assert.deepEqual(all.server.device(NAME)?.observations, []);
    assert.equal(all.updates.of(NAME), update);
  });

  it('arrives over a bad network: 20 % of datagrams lost, reordered and duplicated', async () => {
    await using all = await world({}, {}, { seed: 7, loss: 0.2, duplication: 0.05, delay: [10, 400] });
    assert.equal(await all.finish(all.start()), 'succeeded');
    assert.equal(Buffer.concat(all.flash.pieces).compare(IMAGE), 0);
  });

  it('waits for a device that sleeps (queue mode)', async () => {
    await using all = await world({}, { queueMode: true });
    await all.network.run(200_000);
    assert.equal(all.server.device(NAME)?.awake, false);
    const update = all.start();
    await all.network.run(60_000);
    assert.equal(update.stage, 'preparing');
    all.client.update();
    assert.equal(await all.finish(update), 'succeeded');
  });

  it('a device that restarts into the new firmware registers anew and is asked then', async () => {
    await using all = await world({
      install: async ({ registerAgain }) => {
        registerAgain();
        await new Promise<void>(() => undefined);
      },
    });
    const update = all.start({ package: IMAGE, timeout: 600_000 });
    await all.run(() => update.stage === 'installing');
    await all.network.run(10_000);
    // As after the restart of a device that keeps its state over it.
    all.client.set('/3/0/3', '2.0');
    all.client.set('/5/0/3', 0);
    all.client.set('/5/0/5', 1);
    assert.equal(await all.finish(update), 'succeeded');
  });

  for (const problem of ['storage', 'memory', 'integrity', 'packageType'] as const) {
    it(`a device that says "${problem}" of the package ends the update with it and with what it answered (/5/0/5)`, async () => {
      await using all = await world({
        receive: () => {
          throw new FirmwareRefused(problem);
        },
      });
      const update = all.start();
      assert.equal(await all.finish(update), problem);
      assert.match(update.explanation ?? '', /^The device .* \(4\.\d\d .*\)$/);
    });
  }

  it('an installation that fails, and one that is put off, are told as what they are (/5/0/5 = 8, 11)', async () => {
    await using failing = await world({ install: () => Promise.reject(new Error('flash is worn out')) });
    assert.equal(await failing.finish(failing.start()), 'updateFailed');
    await using deferring = await world({ install: () => 'deferred' });
    const update = deferring.start({ package: IMAGE, timeout: 60_000 });
    await deferring.run(() => update.stage === 'deferred');
    assert.equal(await deferring.finish(update), 'deferred');
  });

  it('a version other than the expected one is no success, and is waited for', async () => {
    await using all = await world();
    const update = all.start({ package: IMAGE, version: '3.0', timeout: 60_000 });
    await all.run(() => update.stage === 'verifying');
    assert.equal(await all.finish(update), 'wrongVersion');
    await using patient = await world();
    const second = patient.start({ package: IMAGE, version: '3.0', timeout: 600_000 });
    await patient.run(() => second.stage === 'verifying');
    patient.client.set('/3/0/3', '3.0');
    patient.client.update();
    assert.equal(await patient.finish(second), 'succeeded');
  });

  it('what a device has of another update is taken from it first', async () => {
    let installs = 0;
    await using all = await world({ initial: { state: 'downloaded', name: 'old' }, install: () => void installs++ });
    assert.equal(await all.finish(all.start()), 'succeeded');
    assert.ok(all.told.includes('resetting'), String(all.told));
    assert.equal(installs, 1);
  });

  it('a device that never answers is given up, and one without Object 5 at once', async () => {
    await using all = await world('none');
    const update = all.start();
    assert.equal(await all.finish(update), 'unsupported');
    assert.match(update.explanation ?? '', /it has no Firmware Update \(5\)/);
    await using silent = await world();
    silent.network.conditions = { ...silent.network.conditions, loss: 1 };
    assert.equal(await silent.finish(silent.start()), 'unreachable');
    silent.network.conditions = { ...silent.network.conditions, loss: 0 };
  });

  it('can be cancelled on its way, and the device is free for the next', async () => {
    await using all = await world();
    const update = all.start();
    await all.run(() => update.sentBytes > 3000);
    assert.equal(update.cancel(), true);
    assert.equal(update.outcome, 'cancelled');
    assert.equal(update.cancel(), false);
    await all.network.run(60_000);
    assert.equal(all.flash.discarded, 1);
    assert.equal(all.client.get('/5/0/3'), 0);
    assert.equal(await all.finish(all.start()), 'succeeded');
  });

  it('installing cannot be cancelled, and only one update of a device is under way', async () => {
    await using all = await world({ install: () => new Promise<void>(() => undefined) });
    const update = all.start({ package: IMAGE, timeout: 60_000 });
    assert.throws(() => all.start(), /is under way/);
    await all.run(() => update.stage === 'installing');
    assert.equal(update.cancel(), false);
    assert.equal(await all.finish(update), 'notBack');
  });
});

describe('a package that the device fetches', () => {
  const fetch = {
    http: async function* () {
      yield await Promise.resolve(IMAGE);
    },
  };

  it('from where it is told to is installed (/5/0/1, ETS 760)', async () => {
    let uri = '';
    await using all = await world({
      fetch: {
        http: async function* (from) {
          uri = from;
          yield await Promise.resolve(IMAGE);
        },
      },
    });
    const update = all.start({ packageUri: 'http://example.org/2.0.bin' });
    assert.equal(update.delivery, 'pull');
    assert.equal(await all.finish(update), 'succeeded');
    assert.equal(uri, 'http://example.org/2.0.bin');
    assert.equal(Buffer.concat(all.flash.pieces).compare(IMAGE), 0);
  });

  it('ends with what the device says: nothing there, another protocol, a lost connection (/5/0/5 = 7, 9, 4)', async () => {
    await using none = await world({
      fetch: {
        http: () => {
          throw new FirmwareRefused('uri');
        },
      },
    });
    assert.equal(await none.finish(none.start({ packageUri: 'http://example.org/none' })), 'uri');
    await using other = await world({ fetch });
    assert.equal(await other.finish(other.start({ packageUri: 'coap://example.org/2.0' })), 'protocol');
    await using lost = await world({
      fetch: {
        http: () => {
          throw new Error('reset by peer');
        },
      },
    });
    assert.equal(await lost.finish(lost.start({ packageUri: 'http://example.org/2.0' })), 'connectionLost');
  });

  it('a device that is only pushed to, or only fetches, is told so before anything is sent (/5/0/9)', async () => {
    await using pushed = await world();
    const update = pushed.start({ packageUri: 'http://example.org/2.0' });
    assert.equal(await pushed.finish(update), 'unsupported');
    assert.match(update.explanation ?? '', /push only/);
    await using pulling = await world({ push: false, fetch });
    assert.equal(await pulling.finish(pulling.start()), 'unsupported');
  });
});

/** A device's downloader: a socket of its own, and a GET whose blocks are assembled. */
function fetcher(network: SimulatedNetwork, from: PeerAddress): PackageFetcher {
  const driver = network.driver(from);
  const waiting = new Map<unknown, (bytes: Uint8Array | undefined) => void>();
  driver.onEvent = (event) => {
    if (event.kind === 'response')
      waiting.get(event.exchange)?.(event.response.code === Codes.content ? event.response.payload.slice() : undefined);
    else if (event.kind === 'failed') waiting.get(event.exchange)?.(undefined);
  };
  return async function* (uri) {
    const parsed = parseUri(uri);
    assert.ok(!('malformed' in parsed));
    const { host, port, uriPath } = parsed;
    const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
    const exchange = driver.turn((now, out) =>
      driver.endpoint.request(
        now,
        driver.peer({ host, port }),
        { code: Codes.get, options: buildOptions({ uriPath }), payload: new Uint8Array(0) },
        out,
      ),
    );
    waiting.set(exchange, resolve);
    const bytes = await promise;
    if (bytes === undefined) throw new FirmwareRefused('uri');
    yield bytes;
  };
}

describe('a package that a device fetches from this server', () => {
  const DOWNLOADER = { host: '10.0.0.2', port: 40_001 };
  const pulling = async (
    conditions: ConstructorParameters<typeof SimulatedNetwork>[0] = {},
    from: PeerAddress = DOWNLOADER,
  ): Promise<World & { readonly uris: string[] }> => {
    let fetch: PackageFetcher = () => assert.fail('there is no network yet');
    const uris: string[] = [];
    const all = await world(
      {
        fetch: {
          coap: (uri, options) => {
            uris.push(uri);
            return fetch(uri, options);
          },
        },
      },
      {},
      conditions,
    );
    fetch = fetcher(all.network, from);
    return Object.assign(all, { uris });
  };
  const PULL: FirmwareUpdateRequest = { package: IMAGE, delivery: 'pull' };

  it('is at the address the device speaks to, arrives in blocks, and is gone then (/5/0/1, RFC 7959 §2.4)', async () => {
    await using all = await pulling();
    const update = all.start(PULL);
    assert.equal(update.delivery, 'pull');
    assert.equal(all.server.usage.offers, 1);
    assert.equal(await all.finish(update), 'succeeded');
    assert.match(all.uris.join(), /^coap:\/\/10\.0\.0\.1\/get\/[\w-]{16}$/);
    assert.equal(Buffer.concat(all.flash.pieces).compare(IMAGE), 0);
    assert.deepEqual([update.sentBytes, update.totalBytes], [10_000, 10_000]);
    assert.ok(all.told.filter((stage) => stage === 'downloading').length > 9, 'each block is told');
    assert.equal(all.server.usage.offers, 0);
    assert.equal(all.driver.endpoint.usage.bodyBytes, 0);
  });

  it('arrives over a bad network, and nothing of it is held between blocks', async () => {
    await using all = await pulling({ seed: 11, loss: 0.2, duplication: 0.05, delay: [10, 400] });
    const update = all.start(PULL);
    await all.run(() => update.sentBytes > 0);
    assert.equal(all.driver.endpoint.usage.bodyBytes, 0);
    assert.equal(await all.finish(update), 'succeeded');
    assert.equal(Buffer.concat(all.flash.pieces).compare(IMAGE), 0);
  });

  it('a host that is given is the one in the URI', async () => {
    await using all = await pulling();
    const update = all.start({ ...PULL, host: 'updates.example' });
    await all.run(() => all.uris.length === 1);
    assert.match(all.uris.join(), /^coap:\/\/updates\.example\/get\//);
    update.cancel();
    await all.network.run(1000);
  });

  it('is not there for anybody at another address, who is answered 4.04 (RFC 7252 §11.3)', async () => {
    await using all = await pulling({}, { host: '10.0.0.99', port: 40_001 });
    assert.equal(await all.finish(all.start(PULL)), 'uri');
    assert.equal(all.flash.pieces.length, 0);
    assert.equal(all.server.usage.offers, 0);
  });

  it('is gone when the update is cancelled, and for a device that does not fetch', async () => {
    await using all = await pulling();
    const update = all.start(PULL);
    assert.equal(update.cancel(), true);
    assert.equal(all.server.usage.offers, 0);
    await all.network.run(1000);
    await using pushed = await world();
    assert.equal(await pushed.finish(pushed.start(PULL)), 'unsupported');
    assert.equal(pushed.server.usage.offers, 0);
  });
});
