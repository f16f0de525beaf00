/** Several servers: order, delays, failure block (/1/x/13 to /1/x/15). OMA TS Core §6.2.1.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Codes } from '@lapwing/coap';
import { LwM2mClient, type ClientOptions, type ServerAccount } from '@lapwing/client';
import { SimulatedNetwork } from '@lapwing/testkit';
import { RawServer } from './raw-server.ts';

interface World {
  readonly network: SimulatedNetwork;
  readonly servers: readonly RawServer[];
  readonly client: LwM2mClient;
  /** "2 at 5 s": who got a Register, and when. */
  readonly log: string[];
}

const RETRY = { count: 2, timerSeconds: 10, sequenceDelaySeconds: 100, sequenceCount: 1 };

function world(accounts: readonly Partial<ServerAccount>[], options: Partial<ClientOptions> = {}): World {
  const network = new SimulatedNetwork();
  const log: string[] = [];
  const servers = accounts.map((_, index) => {
    const server = new RawServer(network, { host: `10.0.1.${index + 1}`, port: 5683 });
    const answer = server.answer;
    server.answer = (request, line) => {
      if (/\/rd\?/.test(line)) log.push(`${index + 1} at ${Math.round(network.now() / 1000)} s`);
      return answer(request, line);
    };
    return server;
  });
  const client = new LwM2mClient(network.driver({ host: '10.0.0.2', port: 56830 }), {
    endpointClientName: 'ordered',
    servers: accounts.map((account, index) => ({ uri: `coap://10.0.1.${index + 1}`, retry: RETRY, ...account })),
    objects: [],
    ...options,
  });
  return { network, servers, client, log };
}

/** From now on this server refuses every Register, and says so in the log. */
function refuse({ servers, network, log }: World, number: number): () => void {
  const server = servers[number - 1]!;
  const before = server.answer;
  server.answer = () => {
    log.push(`${number} refuses at ${Math.round(network.now() / 1000)} s`);
    return { code: Codes.forbidden };
  };
  return () => void (server.answer = before);
}

describe('the order of registrations', () => {
  it('the least priority is first, each waits for the one before and for its own delay', async () => {
    const { network, client, log } = world([
      { priority: 30 },
      { priority: 10 },
      { priority: 20, initialDelaySeconds: 5 },
    ]);
    client.register();
    await network.run(60_000);
    assert.deepEqual(log, ['2 at 0 s', '3 at 5 s', '1 at 5 s']);
  });

  it('a server without a priority waits for nobody', async () => {
    const all = world([{ priority: 1, initialDelaySeconds: 20 }, {}, { priority: 2 }]);
    all.client.register();
    await all.network.run(60_000);
    assert.deepEqual(all.log, ['2 at 0 s', '1 at 20 s', '3 at 20 s']);
  });

  it('one that fails is passed over when its attempts are used up, and goes on trying', async () => {
    const all = world([{ priority: 1 }, { priority: 2 }]);
    const accept = refuse(all, 1);
    all.client.register();
    await all.network.run(30_000);
    assert.deepEqual(all.log, ['1 refuses at 0 s', '1 refuses at 10 s', '2 at 10 s']);
    accept();
    await all.network.run(100_000);
    assert.deepEqual(all.log.slice(3), ['1 at 110 s']);
  });

  it('with Registration Failure Block nobody after it is registered with until it has accepted', async () => {
    const all = world([{ priority: 1, failureBlock: true }, { priority: 2 }, {}]);
    const accept = refuse(all, 1);
    all.client.register();
    await all.network.run(105_000);
    assert.deepEqual(all.log, ['3 at 0 s', '1 refuses at 0 s', '1 refuses at 10 s']);
    accept();
    await all.network.run(60_000);
    assert.deepEqual(all.log.slice(3), ['1 at 110 s', '2 at 110 s']);
  });

  it('of LwM2M 1.0, whose Server Object has none of these Resources, the account is what counts', async () => {
    const all = world([{ priority: 2 }, { priority: 1, failureBlock: true }], { lwm2mVersion: '1.0' });
    refuse(all, 2);
    all.client.register();
    await all.network.run(105_000);
    assert.deepEqual(all.log, ['2 refuses at 0 s', '2 refuses at 10 s']);
  });

  it('the version a server is known to speak is offered first (/1/x/25)', async () => {
    const all = world([{ serverVersions: ['1.0', '1.1'] }, {}, { serverVersions: ['1.0'] }]);
    all.client.register();
    await all.network.run(1000);
    assert.deepEqual(
      all.client.registrations.map(({ lwm2mVersion }) => lwm2mVersion),
      ['1.1', '1.2', '1.0'],
    );
  });
});

describe('Profile ID (1.2)', () => {
  const profile = { ids: ['6:27354b9a', 'oma:basic'], covers: ['/1', '/3/0'] };

  it('what the profiles cover is not listed', async () => {
    const { network, servers, client } = world([{}], { profile });
    client.register();
    await network.run(1000);
    assert.match(servers[0]!.arrivals[0]!.line, /&pid=6:27354b9a,oma:basic$/);
    assert.equal(servers[0]!.arrivals[0]!.payload, '');
    const other = world([{}], { profile: { ...profile, covers: ['/1'] } });
    other.client.register();
    await other.network.run(1000);
    assert.equal(other.servers[0]!.arrivals[0]!.payload, '</3/0>');
  });

  it('4.09: the whole list follows at once, without the Profile ID, and for good', async () => {
    const { network, servers, client } = world([{}], { profile });
    const [server] = servers as [RawServer];
    server.answer = (request, line) => (line.includes('pid=') ? { code: Codes.conflict } : server.accept(request));
    client.register();
    await network.run(1000);
    assert.deepEqual(
      server.arrivals.map(({ line, payload }) => [/pid/.test(line), payload]),
      [
        [true, ''],
        [false, '</1/0>,</3/0>'],
      ],
    );
    client.register();
    await network.run(1000);
    assert.doesNotMatch(server.arrivals.at(-1)!.line, /pid/);
  });

  it('is not said to a server of 1.1', async () => {
    const { network, servers, client } = world([{}], { profile, lwm2mVersion: '1.1' });
    client.register();
    await network.run(1000);
    assert.doesNotMatch(servers[0]!.arrivals[0]!.line, /pid/);
    assert.equal(servers[0]!.arrivals[0]!.payload, '</1/0>,</3/0>');
  });

  it('one that is none is refused', () => {
    assert.throws(() => world([{}], { profile: { ids: ['7:ab'], covers: [] } }), /"7:ab" is no Profile ID/);
  });
});

describe('the triggers of the Server Object', () => {
  it('/1/x/8 takes the transport as argument 0, or as a query, when it has it', async () => {
    const { network, servers, client } = world([{}]);
    const [server] = servers as [RawServer];
    client.register();
    await network.run(1000);
    server.taken();
    assert.equal((await server.request('POST /1/0/8', { contentFormat: 0 }, "0='U'")).code, '2.04');
    assert.equal((await server.request('POST /1/0/8?0=U')).code, '2.04');
    assert.equal((await server.request('POST /1/0/8', { contentFormat: 0 }, "0='T'")).code, '4.00');
    assert.equal((await server.request('POST /1/0/8?0=N')).code, '4.00');
    await network.run(1000);
    assert.deepEqual(server.taken(), ['POST /rd/r1', 'POST /rd/r1']);
  });

  it('/1/x/9 without a Bootstrap-Server is 4.05', async () => {
    const { network, servers, client } = world([{}]);
    client.register();
    await network.run(1000);
    assert.equal((await servers[0]!.request('POST /1/0/9')).code, '4.05');
  });
});
