/** A client without a network for a while, and one that sleeps (Queue Mode, OMA TS Core §6.5). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Codes, type OptionValues } from '@lapwing/coap';
import { LwM2mClient, temperatureObject, type ClientOptions } from '@lapwing/client';
import { SimulatedNetwork } from '@lapwing/testkit';
import { RawServer } from './raw-server.ts';

const OBSERVE = { observe: 0, accept: 110 } as OptionValues;
const VALUE = '/3303/0/5700';

interface World {
  readonly network: SimulatedNetwork;
  readonly server: RawServer;
  readonly client: LwM2mClient;
  readonly events: string[];
  /** Datagrams the client sent since the last call. */
  readonly sent: () => number;
}

async function world(options: Partial<ClientOptions> & { readonly storing?: boolean } = {}): Promise<World> {
  const network = new SimulatedNetwork();
  const server = new RawServer(network);
  const { storing = false, ...rest } = options;
  const client = new LwM2mClient(network.driver({ host: '10.0.0.2', port: 56830 }), {
    endpointClientName: 'away',
    servers: [{ uri: 'coap://10.0.0.1', lifetimeSeconds: 3600, notificationStoring: storing }],
    objects: [temperatureObject({ value: 20 })],
    ...rest,
  });
  const events: string[] = [];
  for (const name of ['registered', 'updated', 'lost', 'asleep', 'awake'] as const) {
    client.on(name, () => events.push(`${name} ${Math.round(network.now() / 1000)}`));
  }
  client.register();
  await network.run(1000);
  let sent = 0;
  network.onDatagram = (from) => void (from.host === '10.0.0.2' && sent++);
  return { network, server, client, events, sent: () => [sent, (sent = 0)][0]! };
}

const valuesOf = (text: string): readonly number[] => (JSON.parse(text) as { v: number }[]).map(({ v }) => v);

describe('offline', () => {
  it('nothing is sent or heard; back online an Update confirms the registration', async () => {
    const { network, server, client, events, sent } = await world();
    client.goOffline();
    assert.equal(client.isAwake, false);
    const unanswered = server.start('GET /3/0/16');
    client.addObjectInstance(3303, 1, { 5700: 1 });
    await network.run(3_000_000);
    assert.equal(sent(), 0);
    assert.equal((await unanswered).code, 'failed: timeout');
    assert.ok(client.counters.unheard >= 1);
    await assert.rejects(client.send([VALUE]), { code: 'OFFLINE', retryable: true });
    server.taken();
    client.goOnline();
    await network.run(1000);
    assert.deepEqual(server.taken(), ['POST /rd/r1']);
    assert.match(server.arrivals.at(-1)?.payload ?? '</3303/1>', /3303\/1/);
    assert.deepEqual(events, ['registered 0', 'updated 3001']);
  });

  it('a Register that was under way is sent anew, and `register` meanwhile waits', async () => {
    const { network, server, client, events } = await world();
    client.goOffline();
    client.register();
    await network.run(10_000);
    assert.deepEqual(server.taken().length, 1);
    client.goOnline();
    await network.run(1000);
    assert.deepEqual(events, ['registered 0', 'lost 11', 'registered 11']);
    client.register();
    client.goOffline();
    await network.run(100_000);
    assert.equal(client.registrations[0]?.state, 'waiting');
    client.goOnline();
    await network.run(1000);
    assert.equal(client.registrations[0]?.state, 'registered');
  });

  it('closing while offline waits for nobody', async () => {
    const { client, sent } = await world();
    client.goOffline();
    await client.close();
    assert.equal(sent(), 0);
  });

  it('an observation goes on: the value of now is told when the Update has been accepted', async () => {
    const { network, server, client } = await world();
    await server.request(`GET ${VALUE}`, OBSERVE);
    client.goOffline();
    for (const value of [21, 22]) {
      client.set(VALUE, value);
      await network.run(1000);
    }
    client.goOnline();
    await network.run(1000);
    assert.deepEqual(
      server.notifications.map(({ text }) => valuesOf(text)),
      [[22]],
    );
  });

  it('and all values with their times when notifications are stored (/1/x/6)', async () => {
    const { network, server, client } = await world({ storing: true });
    await server.request(`PUT ${VALUE}?pmin=5`);
    await server.request(`GET ${VALUE}`, OBSERVE);
    client.goOffline();
    for (const value of [21, 22, 23, 24, 25, 26, 27]) {
      client.set(VALUE, value);
      await network.run(2000);
    }
    assert.equal(client.storedValueCount, 2);
    client.goOnline();
    await network.run(1000);
    assert.deepEqual(
      server.notifications.map(({ text }) => valuesOf(text)),
      [[23, 25, 27]],
    );
    assert.equal(client.storedValueCount, 0);
  });

  for (const storing of [false, true]) {
    it(`a notification on its way is given up and told afterwards, as is a Send (/1/x/6 ${storing})`, async () => {
      const { network, server, client, sent } = await world({ storing });
      await server.request(`PUT ${VALUE}?con=1`);
      await server.request(`GET ${VALUE}`, OBSERVE);
      network.conditions = { ...network.conditions, loss: 1 };
      client.set(VALUE, 21);
      const sending = client.send([VALUE]);
      await network.run(100);
      client.goOffline();
      await assert.rejects(sending, { code: 'OFFLINE', retryable: true });
      sent();
      await network.run(300_000);
      assert.equal(sent(), 0);
      assert.equal(client.observationCount, 1);
      network.conditions = { ...network.conditions, loss: 0 };
      client.goOnline();
      await network.run(1000);
      assert.deepEqual(
        server.notifications.map(({ text }) => valuesOf(text)),
        [storing ? [21, 21] : [21]],
      );
    });
  }

  it('what was stored is told to a server that observes anew before it could be delivered', async () => {
    const { network, server, client } = await world({ storing: true });
    await server.request(`GET ${VALUE}`, OBSERVE);
    client.goOffline();
    client.set(VALUE, 21);
    await network.run(2000);
    client.set(VALUE, 22);
    await network.run(2000);
    // The server takes the Update for a move, and has forgotten the old observation when the values arrive.
    server.answer = (request, line) => {
      if (line.startsWith('POST /rd/')) {
        server.cancelObservation(VALUE);
        void server.start(`GET ${VALUE}`, OBSERVE);
      }
      return server.accept(request);
    };
    client.goOnline();
    await network.run(10_000);
    assert.deepEqual(
      server.notifications.map(({ text }) => valuesOf(text)),
      [[21, 22, 22]],
    );
    assert.equal(client.storedValueCount, 0);
  });

  it('a server that has forgotten the registration is registered with anew', async () => {
    const { network, server, client, events } = await world({ storing: true });
    await server.request(`GET ${VALUE}`, OBSERVE);
    client.goOffline();
    client.set(VALUE, 21);
    await network.run(10_000);
    server.answer = (request, line) =>
      line.startsWith('POST /rd/') ? { code: Codes.notFound } : server.accept(request);
    client.goOnline();
    client.set(VALUE, 22);
    await network.run(1000);
    assert.deepEqual(events, ['registered 0', 'lost 11', 'registered 11']);
    // What is stored is not told to a server that may not know the observation any more.
    assert.equal(server.notifications.length, 0);
    assert.equal(client.storedValueCount, 2);
  });
});

describe('queue mode', () => {
  it('asleep 93 s after the last message: requests are not heard', async () => {
    const { network, server, client, events, sent } = await world({ queueMode: true });
    await network.run(50_000);
    assert.equal((await server.request('GET /3/0/16')).text, 'U');
    await network.run(90_000);
    assert.equal(client.isAwake, true);
    await network.run(4_000);
    assert.equal(client.isAwake, false);
    assert.deepEqual(events, ['registered 0', 'asleep 144']);
    sent();
    assert.equal((await server.request('GET /3/0/16')).code, 'failed: timeout');
    assert.equal(sent(), 0);
  });

  it('a request it slept through is answered when it is retransmitted after the client woke up', async () => {
    const { network, server, client } = await world({ queueMode: { awakeTime: 10_000 } });
    await network.run(20_000);
    assert.equal(client.isAwake, false);
    let answer: string | undefined;
    void server.start('GET /3/0/16').then(({ text }) => (answer = text));
    await network.run(1000);
    assert.equal(client.counters.unheard, 1);
    client.update();
    await network.run(10_000);
    assert.equal(answer, 'U');
  });

  it('wakes for the Update that is due, and hears again', async () => {
    const { network, server, client, events } = await world({ queueMode: { awakeTime: 10_000 } });
    await network.run(3_600_000 - 93_000);
    assert.equal(client.isAwake, true);
    assert.equal((await server.request('GET /3/0/16')).text, 'U');
    assert.deepEqual(events.slice(0, 4), ['registered 0', 'asleep 10', 'awake 3507', 'updated 3507']);
  });

  it('wakes for a notification and for a Send, and for an Update the application asks for', async () => {
    const { network, server, client, events } = await world({ queueMode: { awakeTime: 10_000 } });
    await server.request(`GET ${VALUE}`, OBSERVE);
    await network.run(20_000);
    client.set(VALUE, 21);
    await network.run(1000);
    assert.equal(server.notifications.length, 1);
    await network.run(20_000);
    const sending = client.send([VALUE]);
    await network.run(1000);
    assert.equal((await sending)[0]?.ok, true);
    await network.run(20_000);
    client.update();
    await network.run(20_000);
    assert.deepEqual(
      events.filter((event) => !event.startsWith('updated')).map((event) => event.split(' ')[0]),
      ['registered', 'asleep', 'awake', 'asleep', 'awake', 'asleep', 'awake', 'asleep'],
    );
  });

  it('stays awake while it waits for an answer', async () => {
    const { network, server, client, events } = await world({ queueMode: { awakeTime: 5_000 } });
    server.answer = () => undefined;
    client.update();
    await network.run(60_000);
    assert.equal(client.isAwake, true);
    assert.deepEqual(events, ['registered 0']);
  });

  it('a client without it is always awake', async () => {
    const { network, client, events } = await world();
    await network.run(1_000_000);
    assert.equal(client.isAwake, true);
    assert.deepEqual(events, ['registered 0']);
  });
});
