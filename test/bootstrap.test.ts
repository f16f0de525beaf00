/**
 * A Client is given another configuration by the Bootstrap-Server while the network loses, doubles and reorders, the power
 * fails, or the Bootstrap-Server goes away, at every message of the sequence: it always ends with a configuration that can
 * be used, the old one or the new one. OMA TS Core §6.1.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FileStateStore, type ClientState } from '@lapwing/client';
import { PowerCutDisk } from '@lapwing/testkit';
import {
  begin,
  BOOTSTRAP_SERVER,
  CLIENT,
  configurationIn,
  configurationOf,
  HOUR,
  isSettled,
  KINDS,
  replaceBootstrapServer,
  settle,
  startClient,
  startWorld,
  tearDown,
  TextStore,
  type Kind,
  type World,
} from './bootstrap-world.ts';

const ALL = Object.keys(KINDS) as Kind[];

/** Calls `at` with the number of each datagram from here on, from 1, before it may be lost. */
function count({ network }: World, at: (number: number, from: string, to: string, datagram: Uint8Array) => void): void {
  let datagrams = 0;
  network.onDatagram = ({ host: from }, { host: to }, datagram) => at(++datagrams, from, to, datagram);
}

/**
 * Nothing is said to a server while the client is being configured. What the layers below repeat is not the client's: the
 * reply to a request that came twice, an alert of DTLS that answers another.
 */
function assertSilent({ client }: World, from: string, to: string, datagram: Uint8Array): void {
  if (from !== CLIENT.host || to === BOOTSTRAP_SERVER) return;
  const isReply = datagram[0]! >> 6 === 1 && ((datagram[0]! >> 4) & 3) >= 2;
  // With a Connection ID the type is under the encryption, and nothing of CoAP is as short.
  const isAlert = datagram[0] === 21 || (datagram[0] === 25 && datagram.length <= 38);
  if (!isReply && !isAlert) assert.ok(!client.isBootstrapping, `a datagram to ${to}`);
}

describe('on a network that loses, doubles and reorders', () => {
  for (const kind of ALL) {
    for (const loss of [0, 0.1, 0.2, 0.3]) {
      it(`${kind}, ${loss * 100} % lost`, async () => {
        const ends = new Set<string>();
        for (let seed = 1; seed <= 12; seed++) {
          const world = await startWorld(kind, { seed, loss, duplication: 0.2, delay: [5, 1_500] });
          const { network, events } = world;
          const failures: unknown[] = [];
          count(world, (_, from, to, datagram) => {
            try {
              assertSilent(world, from, to, datagram);
              if (!world.client.isBootstrapping) configurationOf(world.client);
            } catch (error) {
              failures.push(error);
            }
          });
          await begin(world);
          await network.run(400_000);
          network.conditions = { loss: 0, duplication: 0, delay: [10, 10] };
          await settle(world, 3 * HOUR);
          const end = configurationOf(world.client);
          ends.add(end);
          assert.deepEqual(failures, [], `seed ${seed}`);
          assert.equal(configurationIn((world.store as TextStore).load()), end, `seed ${seed}: what was saved`);
          if (loss === 0) assert.equal(end, 'new', `seed ${seed}: ${events.join()}`);
          await tearDown(world);
        }
        if (loss < 0.3) assert.ok(ends.has('new'));
      });
    }
  }
});

/** How many datagrams a whole sequence has until the client is registered with the new server. */
async function lengthOf(kind: Kind): Promise<number> {
  const world = await startWorld(kind);
  let datagrams = 0;
  count(world, (number) => (datagrams = number));
  await begin(world);
  for (let waited = 0; !world.events.includes('registered 101'); waited += 10) {
    assert.ok(waited < 60_000, world.events.join());
    await world.network.run(10);
  }
  const length = datagrams;
  await tearDown(world);
  return length;
}

describe('the power of the client fails', () => {
  for (const kind of ALL) {
    it(`at each datagram of ${kind}: the new client has the old or the new configuration, whole, and registers`, async () => {
      const length = await lengthOf(kind);
      assert.ok(length >= 4, String(length));
      const found: string[] = [];
      for (let cut = 1; cut <= length; cut++) {
        const world = await startWorld(kind);
        const { network, events } = world;
        const store = world.store as TextStore;
        const good = network.conditions;
        let kept: string | undefined;
        let hasFinished = false;
        let isCut = false;
        count(world, (datagram) => {
          if (datagram !== cut) return;
          isCut = true;
          kept = store.text;
          hasFinished = world.bootstrapServer.counters.ended.finished !== undefined;
          // Whatever the client still says is not heard.
          network.conditions = { ...good, loss: 1 };
        });
        await begin(world);
        while (!isCut) await network.run(1);
        network.onDatagram = undefined;
        // Its socket is gone, and with it whatever it would have done.
        await world.driver.close();
        network.conditions = good;
        events.splice(0);
        const state = kept === undefined ? undefined : (JSON.parse(kept) as ClientState);
        const before = configurationIn(state);
        found.push(before);
        if (hasFinished) assert.equal(before, 'new', `datagram ${cut}: what the Bootstrap-Server was told is kept`);
        const after = new TextStore();
        after.text = kept;
        Object.assign(world, startClient(network, kind, after, state, events));
        assert.equal(configurationOf(world.client), before, `datagram ${cut}`);
        await settle(world, 3 * HOUR);
        await tearDown({ ...world, store: after });
      }
      // Once it is the new one it is never the old one again.
      assert.deepEqual([...new Set(found)], ['old', 'new']);
      assert.ok(found.indexOf('new') >= found.lastIndexOf('old'), found.join());
    });
  }
});

describe('the power of the client fails while its state is written to a file', () => {
  for (const kind of ['operations', 'pack'] as const) {
    it(`${kind}: whatever of it reached the disk is the old or the new configuration, whole, and registers`, async () => {
      const disk = new PowerCutDisk();
      const world = await startWorld(kind, {}, new FileStateStore('/state', disk));
      const { network } = world;
      const cuts: PowerCutDisk[] = [];
      const cut = (): void => void cuts.push(...disk.survivors());
      disk.onStep = cut;
      count(world, cut);
      await begin(world);
      for (let waited = 0; !world.events.includes('registered 101') && waited < 60_000; waited += 10) {
        await network.run(10);
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.ok(world.events.includes('registered 101'), world.events.join());
      const byContent = new Map<string, ClientState | undefined>();
      for (const each of cuts) {
        const state = await new FileStateStore('/state', each).load();
        byContent.set(JSON.stringify(state), state);
      }
      const found = new Set<string>();
      for (const state of byContent.values()) {
        found.add(configurationIn(state));
        const other = await startWorld(kind);
        await other.driver.close();
        Object.assign(other, startClient(other.network, kind, new TextStore(), state, other.events));
        await settle(other, HOUR);
        assert.equal(configurationOf(other.client), configurationIn(state));
        await tearDown(other);
      }
      assert.deepEqual(found, new Set(['old', 'new']));
    });
  }
});

describe('the Bootstrap-Server goes away', () => {
  for (const kind of ALL) {
    it(`at each datagram of ${kind}: the client goes back to its old configuration or has the new one, and is served by another Bootstrap-Server`, async () => {
      const length = await lengthOf(kind);
      const found: string[] = [];
      for (let cut = 1; cut <= length; cut++) {
        const world = await startWorld(kind);
        const { network, client, events } = world;
        let isCut = false;
        count(world, (datagram) => {
          if (datagram !== cut) return;
          isCut = true;
          for (const driver of world.bootstrapServer.drivers) void driver.close();
        });
        await begin(world);
        while (!isCut) await network.run(1);
        network.onDatagram = undefined;
        // Its old key may be none any more: then it goes on asking for a new one.
        if (kind === 'credentials') await network.run(HOUR);
        else await settle(world, HOUR);
        assert.ok(isSettled(world) || world.events.at(-1) === 'failed: no answer from the server', `datagram ${cut}`);
        found.push(configurationOf(client));
        assert.equal(configurationIn((world.store as TextStore).load()), configurationOf(client), `datagram ${cut}`);
        await replaceBootstrapServer(world);
        events.splice(0);
        client.bootstrap();
        await network.run(10_000);
        await settle(world, HOUR);
        assert.equal(configurationOf(client), 'new', `datagram ${cut}: ${events.join()}`);
        await tearDown(world);
      }
      assert.deepEqual([...new Set(found)], ['old', 'new']);
    });
  }
});
