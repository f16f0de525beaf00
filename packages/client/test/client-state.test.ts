/** What survives a restart of the client. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, it } from 'node:test';
import {
  accessControlObject,
  CLIENT_ERROR_CHANNEL,
  portfolioObject,
  type ClientObject,
  LwM2mClient,
  MemoryStateStore,
  temperatureObject,
  type ClientState,
} from '@lapwing/client';
import { SimulatedNetwork } from '@lapwing/testkit';
import { RawServer } from './raw-server.ts';

async function session(
  store: MemoryStateStore,
  run: (server: RawServer, client: LwM2mClient) => Promise<void>,
  objects: readonly ClientObject[] = [temperatureObject({ value: 20 })],
): Promise<void> {
  const network = new SimulatedNetwork();
  const server = new RawServer(network);
  const state = store.load();
  const client = new LwM2mClient(network.driver({ host: '10.0.0.2', port: 56830 }), {
    endpointClientName: 'state',
    servers: [{ uri: 'coap://10.0.0.1', lifetimeSeconds: 300 }],
    objects,
    stateStore: store,
    ...(state !== undefined && { state }),
  });
  client.register();
  await network.run(1000);
  await run(server, client);
  const closing = client.close();
  await network.run(1000);
  await closing;
}

describe('the state of a client', () => {
  it('attributes of every level and what was written to the Server Object are there after a restart', async () => {
    const store = new MemoryStateStore();
    await session(store, async (server) => {
      for (const line of [
        'PUT /3303?pmin=5',
        'PUT /3303/0?pmax=60',
        'PUT /3303/0/5700?gt=30.5&lt=-1&st=2&con=1&hqmax=7',
      ]) {
        assert.equal((await server.request(line)).code, '2.04');
      }
      await server.request('PUT /1/0/2', { contentFormat: 0 }, '9');
      await server.request('PUT /1/0/1', { contentFormat: 0 }, '500');
    });
    await session(store, async (server, client) => {
      assert.match(server.taken()[0] ?? '', /lt=500/);
      const shown = (await server.request('GET /3303/0/5700', { accept: 40 })).text;
      assert.equal(shown, '</3303/0/5700>;pmin=5;pmax=60;gt=30.5;lt=-1;st=2;con=1;hqmax=7');
      assert.equal(client.get('/1/0/2'), 9);
      await server.request('PUT /3303/0/5700?gt&lt&st&con&hqmax');
    });
    await session(store, async (server) => {
      assert.equal((await server.request('GET /3303/0/5700', { accept: 40 })).text, '</3303/0/5700>;pmin=5;pmax=60');
    });
  });

  it('Access Control is as it was left: changed, added and removed entries (Core §8)', async () => {
    const store = new MemoryStateStore();
    const objects = (): readonly ClientObject[] => [
      portfolioObject({ identities: [{ hostDeviceId: 'a' }] }),
      accessControlObject(
        { objectId: 16, objectInstanceId: 0, owner: 1 },
        { objectId: 16, servers: { 1: ['create'] } },
      ),
    ];
    const entries = (client: LwM2mClient): readonly unknown[] =>
      client.objectInstanceIds(2).map((id) => [0, 1, 2, 3].map((resource) => client.get(`/2/${id}/${resource}`)));
    let left: readonly unknown[] = [];
    await session(
      store,
      async (server, client) => {
        const [control] = client.objectInstanceIds(2);
        assert.equal((await server.request(`PUT /2/${control}/2/7`, { contentFormat: 0 }, '3')).code, '2.04');
        const body = '[{"n":"/16/4/0/0","vs":"x"}]';
        assert.equal((await server.request('POST /16', { contentFormat: 110 }, body)).code, '2.01');
        left = entries(client);
        assert.equal(left.length, 4);
      },
      objects(),
    );
    await session(store, (_server, client) => Promise.resolve(assert.deepEqual(entries(client), left)), objects());
  });

  it('Object Instances that servers created and deleted, and what they wrote to them', async () => {
    const store = new MemoryStateStore();
    const executed: number[] = [];
    const objects = (): readonly ClientObject[] => [
      {
        objectId: 16,
        instances: { 0: { 0: ['first'] }, 1: { 0: ['second'] } },
        resources: [0, 1, 3],
        create: (id) => ({ 1: { execute: () => void executed.push(id) }, 3: 0 }),
        delete: true,
      },
    ];
    await session(
      store,
      async (server) => {
        const body = '[{"n":"/16/4/0/0","vs":"created"}]';
        assert.equal((await server.request('POST /16', { contentFormat: 110 }, body)).code, '2.01');
        assert.equal((await server.request('DELETE /16/1')).code, '2.02');
        assert.equal((await server.request('PUT /16/0/0/0', { contentFormat: 0 }, 'written')).code, '2.04');
        assert.equal((await server.request('PUT /16/4/0?pmin=5')).code, '2.04');
      },
      objects(),
    );
    for (let run = 0; run < 2; run++) {
      await session(
        store,
        async (server, client) => {
          assert.match(server.arrivals[0]?.payload ?? '', /<\/16\/0>,<\/16\/4>/);
          assert.deepEqual(client.objectInstanceIds(16), [0, 4]);
          assert.equal(client.get('/16/0/0/0'), 'written');
          assert.equal(client.get('/16/4/0/0'), 'created');
          assert.match((await server.request('GET /16/4', { accept: 40 })).text, /<\/16\/4\/0>;dim=1;pmin=5/);
          assert.equal((await server.request('POST /16/4/1')).code, '2.04');
        },
        objects(),
      );
    }
    assert.deepEqual(executed, [4, 4]);
  });

  it('an Object Instance that `create` refuses after the restart is gone, with what was said about it', async () => {
    const store = new MemoryStateStore();
    let run = 0;
    const followed: number[] = [];
    const objects = (create: NonNullable<ClientObject['create']>): readonly ClientObject[] => [
      { objectId: 16, instances: {}, resources: [0], create, delete: true },
      accessControlObject({ objectId: 16, servers: { 1: ['create'] } }),
    ];
    await session(
      store,
      async (server, client) => {
        for (const id of [4, 5]) {
          const body = `[{"n":"/16/${id}/0/0","vs":"x"}]`;
          assert.equal((await server.request('POST /16', { contentFormat: 110 }, body)).code, '2.01');
        }
        await server.request('PUT /16/4?pmin=5');
        assert.deepEqual(client.objectInstanceIds(2).length, 4);
      },
      objects(true),
    );
    const errors: unknown[] = [];
    const onError = (error: unknown): void => void errors.push(error);
    subscribe(CLIENT_ERROR_CHANNEL, onError);
    const create: NonNullable<ClientObject['create']> = (id, _given, { afterResponse, shortServerId }) => {
      afterResponse(() => followed.push(++run));
      assert.equal(shortServerId, undefined);
      if (id === 4) throw new Error('not any more');
      return undefined;
    };
    await session(
      store,
      (_server, client) => {
        assert.deepEqual(client.objectInstanceIds(16), [5]);
        assert.deepEqual(client.objectInstanceIds(2).length, 3);
        return Promise.resolve();
      },
      objects(create),
    );
    unsubscribe(CLIENT_ERROR_CHANNEL, onError);
    assert.deepEqual(followed, [1, 2]);
    assert.match(String(errors[0]), /\/16\/4, created by a server, did not come back/);
    assert.match(String((errors[0] as Error).cause), /not any more/);
    assert.deepEqual(store.load()?.attributes, []);
    assert.deepEqual(Object.keys(store.load()?.objects['16']?.instances ?? {}), ['5']);
  });

  it('one of version 1 is read', async () => {
    const store = new MemoryStateStore();
    store.save({
      version: 1,
      attributes: [{ shortServerId: 1, path: '/3303', attributes: { pmin: 3 } }],
      objects:
        '[{"bn":"/1/5/","n":"0","v":1},{"n":"1","v":500},{"n":"2","v":9},{"n":"6","vb":true},' +
        '{"bn":"/2/3/","n":"0","v":3303},{"n":"1","v":0},{"n":"2/1","v":3},{"n":"3","v":1}]',
    } as unknown as ClientState);
    const objects = [temperatureObject({ value: 20 }), accessControlObject({ objectId: 3, objectInstanceId: 0 })];
    await session(
      store,
      async (server, client) => {
        assert.match(server.taken()[0] ?? '', /lt=500/);
        assert.deepEqual([client.get('/1/0/2'), client.get('/1/0/6')], [9, true]);
        assert.deepEqual(client.objectInstanceIds(2), [3]);
        assert.deepEqual(client.get('/2/3/2'), new Map([[1, 3]]));
        assert.match((await server.request('GET /3303', { accept: 40 })).text, /pmin=3/);
      },
      objects,
    );
    assert.equal(store.load()?.version, 2);
  });

  it('what no longer fits is left out', async () => {
    const store = new MemoryStateStore();
    store.save({
      version: 2,
      attributes: [
        { shortServerId: 1, path: '/9/9/9', attributes: { pmin: 1 } },
        { shortServerId: 1, path: '/3303/0/5700', attributes: { lt: 5, gt: 4 } },
        { shortServerId: 1, path: '/3303/0', attributes: { pmin: 1.5 } },
        { shortServerId: 1, path: 'nonsense', attributes: { pmin: 1 } },
        { shortServerId: 1, path: '/3303', attributes: { pmin: 3 } },
      ],
      objects: {},
      notifications: [],
    });
    await session(store, async (server) => {
      assert.equal((await server.request('GET /3303?depth=1', { accept: 40 })).text, '</3303>;pmin=3,</3303/0>');
    });
  });

  it('anything else than a state is refused', () => {
    for (const text of [
      '{}',
      '{"version":2}',
      '{"version":3,"objects":{},"attributes":[],"notifications":[]}',
      '[]',
      '1',
      '{"version":1,"objects":"","attributes":[1]}',
    ]) {
      const network = new SimulatedNetwork();
      const driver = network.driver({ host: '10.0.0.2', port: 56830 });
      const state = JSON.parse(text) as ClientState;
      const servers = [{ uri: 'coap://10.0.0.1' }];
      assert.throws(
        () => new LwM2mClient(driver, { endpointClientName: 'a', servers, objects: [], state }),
        /no state of a client/,
      );
    }
  });

  it('a store that fails is reported, and tried again with the next change', async () => {
    const store = new MemoryStateStore();
    let failures = 1;
    const save = store.save.bind(store);
    store.save = (state): void => {
      if (failures-- > 0) throw new Error('disk full');
      save(state);
    };
    const errors: unknown[] = [];
    const onError = (error: unknown): void => void errors.push(error);
    subscribe(CLIENT_ERROR_CHANNEL, onError);
    await session(store, async (server) => {
      await server.request('PUT /3303?pmin=5');
      await server.request('PUT /3303?pmin=6');
    });
    unsubscribe(CLIENT_ERROR_CHANNEL, onError);
    assert.match(String(errors[0]), /disk full/);
    assert.equal(store.load()?.attributes[0]?.attributes.pmin, 6);
  });
});
