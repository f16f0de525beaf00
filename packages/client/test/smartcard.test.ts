/** Accounts on a smartcard: their life with the card. OMA TS Core §6.1.2. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClientOptions, SmartcardContent, SmartcardSource } from '@lapwing/client';
import { encodePayload, isMalformed, ObjectDefinitions, objectPath, resourcePath } from '@lapwing/lwm2m';
import type { NodeEntry, Value } from '@lapwing/lwm2m';
import { SimulatedNetwork } from '@lapwing/testkit';
import { BOOTSTRAP_URI, eventsOf, startClient, startScene, WatchedStore } from './bootstrap-scene.ts';
import { RawServer } from './raw-server.ts';

const TLV = 11542;
const definitions = new ObjectDefinitions();

class Slot implements SmartcardSource {
  content: SmartcardContent | undefined;
  failure: Error | undefined;
  readings = 0;
  readonly #listeners = new Set<() => void>();

  async read(): Promise<SmartcardContent | undefined> {
    this.readings++;
    if (this.failure !== undefined) throw this.failure;
    return Promise.resolve(this.content);
  }
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  /** Put in or take out. */
  change(content: SmartcardContent | undefined): void {
    this.content = content;
    for (const listener of this.#listeners) listener();
  }
  get listeners(): number {
    return this.#listeners.size;
  }
}

const tlv = (objectId: number, entries: readonly NodeEntry[]): Uint8Array => {
  const encoded = encodePayload(TLV, entries, { path: objectPath(objectId), definitions, alternatePath: '' });
  assert.ok(!isMalformed(encoded));
  return encoded;
};
const value = (objectId: number, id: number, resourceId: number, of: Value): NodeEntry => ({
  kind: 'value',
  path: resourcePath(objectId, id, resourceId),
  value: of,
});
const text = (value: string): Value => ({ type: 'string', value });
const int = (value: number): Value => ({ type: 'integer', value });
const bool = (value: boolean): Value => ({ type: 'boolean', value });
const NO_BYTES: Value = { type: 'opaque', value: new Uint8Array(0) };

const securityEntries = (id: number, uri: string, shortServerId: number | 'bootstrap'): readonly NodeEntry[] => [
  value(0, id, 0, text(uri)),
  value(0, id, 1, bool(shortServerId === 'bootstrap')),
  value(0, id, 2, int(3)),
  value(0, id, 3, NO_BYTES),
  value(0, id, 4, NO_BYTES),
  value(0, id, 5, NO_BYTES),
  ...(shortServerId === 'bootstrap' ? [] : [value(0, id, 10, int(shortServerId))]),
];

/** A card with one server. */
function card(fingerprint: string, uri = 'coap://10.0.0.9', shortServerId = 77): SmartcardContent {
  return {
    fingerprint,
    objects: [
      { objectId: 0, version: undefined, instances: tlv(0, securityEntries(0, uri, shortServerId)) },
      {
        objectId: 1,
        version: undefined,
        instances: tlv(1, [
          value(1, 0, 0, int(shortServerId)),
          value(1, 0, 1, int(43_200)),
          value(1, 0, 6, bool(false)),
          value(1, 0, 7, text('U')),
        ]),
      },
    ],
  };
}

const FACTORY: Partial<ClientOptions> = {
  servers: [{ uri: 'coap://10.0.0.1', lifetimeSeconds: 86_400 }],
  bootstrapServer: undefined,
} as object;

function start(
  options: Partial<ClientOptions> = {},
  slot = new Slot(),
): ReturnType<typeof startScene> & {
  slot: Slot;
  cardServer: RawServer;
  failures: string[];
} {
  const scene = startScene({ ...FACTORY, smartcard: slot, ...options });
  const failures: string[] = [];
  scene.client.on('smartcardFailed', ({ reason }) => failures.push(reason));
  return { ...scene, slot, cardServer: new RawServer(scene.network, { host: '10.0.0.9', port: 5683 }), failures };
}

describe('a smartcard', () => {
  it('that is not there changes nothing: the servers of the factory are registered with', async () => {
    const { network, server, events } = start();
    await network.run(1_000);
    assert.deepEqual(events, ['registered 1']);
    assert.equal((await server.request('GET /1/0/1')).text, '86400');
  });

  it('goes before the factory: its server is registered with, and no other', async () => {
    const slot = new Slot();
    slot.content = card('one');
    const { network, server, cardServer, events } = start({}, slot);
    await network.run(1_000);
    assert.deepEqual(events, ['finished', 'registered 77']);
    assert.equal((await cardServer.request('GET /1/0/1')).text, '43200');
    assert.deepEqual(server.taken(), []);
  });

  it('that is taken out takes its accounts along: the factory holds again', async () => {
    const slot = new Slot();
    slot.content = card('one');
    const { network, server, events, client } = start({}, slot);
    await network.run(1_000);
    events.splice(0);
    slot.change(undefined);
    await network.run(1_000);
    assert.deepEqual(events, ['finished', 'registered 1']);
    assert.equal((await server.request('GET /1/0/1')).text, '86400');
    assert.deepEqual(client.objectInstanceIds(0), [0]);
  });

  it('that is another one brings its own accounts in place of those of the first', async () => {
    const slot = new Slot();
    slot.content = card('one');
    const { network, server, events } = start({}, slot);
    await network.run(1_000);
    events.splice(0);
    slot.change(card('two', 'coap://10.0.0.1', 55));
    await network.run(1_000);
    assert.deepEqual(events, ['finished', 'registered 55']);
    assert.equal(server.taken().length, 1);
  });

  it('is looked at after each Register and Update, also when the reader tells nothing', async () => {
    const slot = new Slot();
    slot.content = card('one', 'coap://10.0.0.1', 55);
    const { network, client, events } = start({}, slot);
    await network.run(1_000);
    const before = slot.readings;
    client.update();
    await network.run(1_000);
    assert.equal(slot.readings, before + 1);
    slot.content = undefined;
    client.update();
    await network.run(1_000);
    assert.equal(events.at(-1), 'registered 1');
  });

  it('with nothing but the account of a Bootstrap-Server has that asked for the rest', async () => {
    const slot = new Slot();
    slot.content = {
      fingerprint: 'bs',
      objects: [
        { objectId: 0, version: '1.2', instances: tlv(0, securityEntries(0, BOOTSTRAP_URI, 'bootstrap')) },
        { objectId: 1, version: undefined, instances: new Uint8Array(0) },
      ],
    };
    const { network, bootstrapServer, client, failures } = start({ servers: [] }, slot);
    await network.run(1_000);
    assert.deepEqual(failures, []);
    assert.equal(bootstrapServer.taken().at(-1), 'POST /bs?ep=dev&pct=112');
    assert.ok(client.isBootstrapping);
  });

  it('that is gone leaves a device without servers to its Bootstrap-Server', async () => {
    const slot = new Slot();
    slot.content = card('one');
    const scene = start({ servers: [], bootstrapServer: { uri: BOOTSTRAP_URI } }, slot);
    await scene.network.run(1_000);
    assert.deepEqual(scene.events.splice(0), ['finished', 'registered 77']);
    slot.change(undefined);
    await scene.network.run(1_000);
    assert.deepEqual(scene.events, ['finished', 'started: no-server']);
  });

  it('that is put in while the Bootstrap-Server is at work ends that, when its operation is done, and goes first', async () => {
    let written: () => void = () => undefined;
    const slow = {
      objectId: 3341,
      instances: { 0: { 5527: { read: () => 'a', write: () => new Promise<void>((resolve) => (written = resolve)) } } },
    };
    const slot = new Slot();
    const scene = start({ servers: [], bootstrapServer: { uri: BOOTSTRAP_URI }, objects: [slow] }, slot);
    const { network, bootstrapServer, client, events } = scene;
    await network.run(1_000);
    const write = bootstrapServer.start('PUT /3341/0/5527', { contentFormat: 0 }, 'b');
    await network.run(1_000);
    slot.change(card('one'));
    await network.run(1_000);
    assert.deepEqual(client.objectInstanceIds(0), [0]);
    written();
    await network.run(1_000);
    assert.ok((await write).code !== '');
    assert.deepEqual(events, [
      'started: no-server',
      'failed: it was not wanted any more, again in Infinity s',
      'finished',
      'registered 77',
    ]);
    assert.equal(client.registrations.length, 1);
  });

  const unusable: readonly (readonly [string, SmartcardContent, RegExp])[] = [
    ['bytes that are no TLV', { fingerprint: 'x', objects: [{ objectId: 0, version: undefined, instances: Uint8Array.of(8, 0, 99) }] }, /Object 0/], // prettier-ignore
    [
      'another major version',
      { fingerprint: 'x', objects: [{ ...card('x').objects[0]!, version: '9.0' }] },
      /version 9.0/,
    ],
    ['half an account', { fingerprint: 'x', objects: [{ ...card('x').objects[0]! }] }, /Short Server ID|server/],
    ['an account that cannot be reached', card('x', 'tel:123'), /not supported|no coap/],
  ];
  for (const [what, content, reason] of unusable) {
    it(`with ${what} is told, once, and leaves the device as it was`, async () => {
      const slot = new Slot();
      slot.content = content;
      const { network, client, failures, events } = start({}, slot);
      await network.run(1_000);
      client.update();
      await network.run(1_000);
      assert.equal(failures.length, 1);
      assert.match(failures[0]!, reason);
      assert.deepEqual(events, ['registered 1']);
    });
  }

  it('an unusable card in place of a good one: the accounts of the good one go all the same', async () => {
    const slot = new Slot();
    slot.content = card('one');
    const { network, events, failures } = start({}, slot);
    await network.run(1_000);
    slot.change(unusable[0]![1]);
    await network.run(1_000);
    assert.equal(failures.length, 1);
    assert.equal(events.at(-1), 'registered 1');
  });

  it('a reader that fails says nothing about the card: the accounts stay', async () => {
    const slot = new Slot();
    slot.content = card('one');
    const { network, client, events, failures } = start({}, slot);
    await network.run(1_000);
    slot.failure = new Error('USB');
    client.update();
    await network.run(1_000);
    assert.deepEqual(failures, ['the smartcard could not be read']);
    assert.equal(events.at(-1), 'registered 77');
  });

  it('after a restart the same card changes nothing that servers wrote since; without it its accounts are gone', async () => {
    const slot = new Slot();
    slot.content = card('one', 'coap://10.0.0.1', 55);
    const { network, server, client, store } = start({}, slot);
    await network.run(1_000);
    await server.request('PUT /1/0/1', { contentFormat: 0 }, '600');
    const closed = client.close();
    await network.run(1_000);
    await closed;
    assert.equal(slot.listeners, 0);
    server.taken();
    const again = startClient(network, store, { ...FACTORY, smartcard: slot }, 56831);
    again.register();
    await network.run(1_000);
    assert.deepEqual(server.taken(), ['POST /rd?ep=dev&lt=600&lwm2m=1.2&b=U']);
    const last = startClient(network, store, { ...FACTORY, smartcard: new Slot() }, 56832);
    const events = eventsOf(last);
    last.register();
    await network.run(1_000);
    assert.deepEqual(events, ['finished', 'registered 1']);
  });

  it('whose accounts cannot be saved is not used', async () => {
    const network = new SimulatedNetwork();
    new RawServer(network);
    const store = new WatchedStore();
    store.failure = new Error('disk full');
    const slot = new Slot();
    slot.content = card('one');
    const client = startClient(network, store, { ...FACTORY, smartcard: slot });
    const failures: string[] = [];
    client.on('smartcardFailed', ({ reason }) => failures.push(reason));
    client.register();
    await network.run(500);
    assert.deepEqual(failures.slice(0, 1), ['the accounts of the smartcard could not be saved']);
    assert.deepEqual(
      client.registrations.map(({ shortServerId }) => shortServerId),
      [1],
    );
    // Another time it may be.
    store.failure = undefined;
    await network.run(61_000);
    client.update();
    await network.run(1_000);
    assert.equal(client.registrations[0]?.shortServerId, 77);
  });
});
