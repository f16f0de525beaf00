import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, it } from 'node:test';
import { buildOptions, Codes, MessageType, UsageError } from '@lapwing/coap';
import { resourcePath } from '@lapwing/lwm2m';
import { ScriptedPeer, SimulatedDriver, SimulatedNetwork } from '@lapwing/testkit';
import type { PeerAddress } from '@lapwing/transport';
import { SERVER, setUp } from '../test/setup.ts';
import { SimulatedDevice } from '../test/simulated-device.ts';
import type { Registration, ServerEvents } from './api.ts';
import { copyRegistration } from './registration-record.ts';
import { SERVER_ERROR_CHANNEL } from './diagnostics.ts';
import {
  MemoryRegistrationStore,
  NO_REGISTRATION_STORE,
  type MaybePromise,
  type RegistrationStore,
} from './registration-store.ts';
import { LwM2mServer } from './server.ts';

const QUERIES = ['ep=one', 'lt=60', 'lwm2m=1.1', 'b=U'];

/** Refuses addresses as the one over UDP does. */
class RefusingDriver extends SimulatedDriver {
  override peer(address: PeerAddress): ReturnType<SimulatedDriver['peer']> {
    if (address.port === 0) throw new UsageError('0 is not a UDP port');
    return super.peer(address);
  }
}

/** Everything the server tells, in order, in one line each. */
function record(server: LwM2mServer): string[] {
  const told: string[] = [];
  server.on('registered', ({ endpointClientName }, replaced) =>
    told.push(`registered ${endpointClientName}${replaced === undefined ? '' : ' anew'}`),
  );
  server.on('updated', ({ endpointClientName }) => told.push(`updated ${endpointClientName}`));
  server.on('unregistered', ({ endpointClientName }, reason) => told.push(`${reason} ${endpointClientName}`));
  server.on('refused', ({ code }) => told.push(`refused ${code}`));
  return told;
}

describe('Register (OMA TS Core §6.2.1)', () => {
  it('is answered 2.01 with the path of the registration, and the device is known', async () => {
    await using setup = setUp();
    const { server } = setup;
    const told = record(server);
    const device = setup.device('10.0.0.7', 56830);
    const answer = await device.register(
      ['ep=one', 'lt=120', 'lwm2m=1.1', 'b=UT', 'Q', 'sms=4912345'],
      '</>;ct="60 110 112",</1/0>,</3>;ver=1.2,</3/0>,</5>',
    );
    assert.equal(answer.code, '2.01');
    assert.equal(answer.location[0], 'rd');
    assert.match(answer.location[1] ?? '', /^[A-Za-z0-9_-]{10}$/);
    assert.equal(server.registrationCount, 1);
    const registration = server.device('one')?.registration;
    assert.deepEqual(
      { ...registration, address: registration?.address, objects: registration?.objects },
      {
        ...registration,
        address: { host: '10.0.0.7', port: 56830 },
        objects: [
          { objectId: 1, version: '1.1', objectInstanceIds: [0] },
          { objectId: 3, version: '1.2', objectInstanceIds: [0] },
          { objectId: 5, version: '1.0', objectInstanceIds: [] },
        ],
      },
    );
    assert.ok(registration);
    assert.equal(registration.registrationId, answer.location[1]);
    assert.equal(registration.lifetimeSeconds, 120);
    assert.equal(registration.binding, 'UT');
    assert.equal(registration.queueMode, true);
    assert.equal(registration.smsNumber, '4912345');
    assert.equal(registration.lwm2mVersion, '1.1');
    assert.deepEqual(registration.contentFormats, [60, 110, 112]);
    assert.equal(registration.alternatePath, '');
    assert.equal(registration.expiresAt, registration.registeredAt + 120_000);
    assert.deepEqual(told, ['registered one']);
  });

  const accepted: readonly {
    readonly what: string;
    readonly queries: readonly string[];
    readonly links?: string;
    readonly expected: Partial<Registration>;
  }[] = [
    {
      what: 'LwM2M 1.0 without lt and lwm2m gets the defaults',
      queries: ['ep=one'],
      expected: { lwm2mVersion: '1.0', lifetimeSeconds: 86_400, binding: 'U', queueMode: false },
    },
    {
      what: 'queue mode inside the binding, as 1.0 has it',
      queries: ['ep=one', 'b=UQ'],
      expected: { binding: 'UQ', queueMode: true },
    },
    { what: 'no binding at all means U', queries: ['ep=one', 'lt=60', 'lwm2m=1.1'], expected: { binding: 'U' } },
    { what: 'LwM2M 1.2 is taken', queries: ['ep=one', 'lt=60', 'lwm2m=1.2'], expected: { lwm2mVersion: '1.2' } },
    {
      what: 'parameters in any order',
      queries: ['b=U', 'lwm2m=1.1', 'lt=60', 'ep=one'],
      expected: { lifetimeSeconds: 60, lwm2mVersion: '1.1' },
    },
    {
      what: 'parameters nobody knows are passed over',
      queries: ['ep=one', 'lt=60', 'et=oma', 'd=local', 'rt'],
      expected: { lifetimeSeconds: 60 },
    },
    {
      what: 'a quoted Object version',
      queries: ['ep=one'],
      links: '</10>;ver="1.1"',
      expected: { objects: [{ objectId: 10, version: '1.1', objectInstanceIds: [] }] },
    },
    {
      what: 'an Object version on the Object Instance',
      queries: ['ep=one', 'lwm2m=1.2'],
      links: '</1/0>;ver=1.1',
      expected: { objects: [{ objectId: 1, version: '1.1', objectInstanceIds: [0] }] },
    },
    {
      what: 'a Content-Format list in quotes',
      queries: ['ep=one'],
      links: '</>;ct="60 110 112 11542",</3/0>',
      expected: { contentFormats: [60, 110, 112, 11542] },
    },
    {
      what: 'one bare Content-Format',
      queries: ['ep=one'],
      links: '</>;ct=11543,</3/0>',
      expected: { contentFormats: [11543] },
    },
    {
      what: 'spaces, a trailing slash and links that are no LwM2M paths',
      queries: ['ep=one'],
      links: '</3/0/>, </sensors/temp>;rt="x", </4/0>',
      expected: {
        objects: [
          { objectId: 3, version: '1.0', objectInstanceIds: [0] },
          { objectId: 4, version: '1.0', objectInstanceIds: [0] },
        ],
      },
    },
    {
      what: 'an alternate path',
      queries: ['ep=one'],
      links: '</lwm2m>;rt="oma.lwm2m",</lwm2m/3/0>',
      expected: { alternatePath: '/lwm2m', objects: [{ objectId: 3, version: '1.0', objectInstanceIds: [0] }] },
    },
    {
      what: 'the keys of Security and OSCORE are no part of a registration',
      queries: ['ep=one'],
      links: '</0/0>,</21/0>,</3/0>',
      expected: { objects: [{ objectId: 3, version: '1.0', objectInstanceIds: [0] }] },
    },
  ];
  for (const { what, queries, links, expected } of accepted) {
    it(`takes ${what}`, async () => {
      await using setup = setUp();
      const device = setup.device();
      assert.equal((await device.register(queries, links)).code, '2.01');
      const registration = setup.server.device('one')!.registration;
      for (const [name, value] of Object.entries(expected))
        assert.deepEqual(registration[name as keyof Registration], value, name);
    });
  }

  it('the same links mean other Object versions in another LwM2M version', async () => {
    await using setup = setUp();
    for (const version of ['1.0', '1.1', '1.2']) await setup.device().register([`ep=${version}`, `lwm2m=${version}`]);
    assert.deepEqual(
      ['1.0', '1.1', '1.2'].map((name) =>
        setup.server.device(name)?.registration.objects.map(({ version }) => version),
      ),
      [
        ['1.0', '1.0'],
        ['1.1', '1.1'],
        ['1.2', '1.2'],
      ],
    );
  });

  it('takes a payload without a Content-Format', async () => {
    await using setup = setUp();
    const answer = await setup.device().ask(Codes.post, '/rd', { uriQuery: ['ep=one'] }, '</3/0>');
    assert.equal(answer.code, '2.01');
  });

  it('takes /rd/ for /rd', async () => {
    await using setup = setUp();
    const answer = await setup.device().ask(Codes.post, '/rd/', { uriQuery: ['ep=one'], contentFormat: 40 }, '</3/0>');
    assert.equal(answer.code, '2.01');
  });

  it('takes a list of Objects that comes in blocks (RFC 7959)', async () => {
    await using setup = setUp();
    const links = Array.from({ length: 300 }, (_, id) => `</3303/${id}>`).join();
    assert.equal((await setup.device().register(QUERIES, links)).code, '2.01');
    assert.equal(setup.server.device('one')?.registration.objects[0]?.objectInstanceIds.length, 300);
  });

  const refused: readonly {
    readonly what: string;
    readonly queries: readonly string[];
    readonly links?: string;
    readonly contentFormat?: number;
    readonly code: string;
    readonly reason: RegExp;
  }[] = [
    { what: 'no Endpoint Client Name', queries: ['lt=60'], code: '4.00', reason: /ep/ },
    { what: 'an empty Endpoint Client Name', queries: ['ep=', 'lt=60'], code: '4.00', reason: /ep/ },
    { what: 'a lifetime that is no number', queries: ['ep=one', 'lt=soon'], code: '4.00', reason: /lt/ },
    { what: 'a negative lifetime', queries: ['ep=one', 'lt=-1'], code: '4.00', reason: /lt/ },
    { what: 'an LwM2M version nobody has', queries: ['ep=one', 'lwm2m=2.0'], code: '4.12', reason: /2\.0/ },
    { what: 'a binding that is none', queries: ['ep=one', 'b=X'], code: '4.00', reason: /binding/ },
    { what: 'a parameter given twice', queries: ['ep=one', 'ep=two'], code: '4.00', reason: /twice/ },
    { what: 'links that are none', queries: ['ep=one'], links: '</3/0', code: '4.00', reason: /./ },
    { what: 'no list of Objects', queries: ['ep=one', 'lwm2m=1.1'], links: '', code: '4.00', reason: /Objects/ },
    {
      what: 'only a profile id, which is not known here',
      queries: ['ep=one', 'lwm2m=1.2', 'pid=6:27354b9a'],
      links: '',
      code: '4.09',
      reason: /Objects/,
    },
    { what: 'another Content-Format', queries: ['ep=one'], contentFormat: 0, code: '4.00', reason: /Content-Format 0/ },
    {
      what: 'a list of Objects beyond the limit',
      queries: ['ep=one'],
      links: Array.from({ length: 3000 }, (_, id) => `</3303/${id}>`).join(),
      code: '4.13',
      reason: /bytes/,
    },
  ];
  for (const { what, queries, links = '</3/0>', contentFormat = 40, code, reason } of refused) {
    it(`refuses ${what} with ${code} and a sentence, and tells so`, async () => {
      await using setup = setUp();
      const refusals: ServerEvents['refused'][0][] = [];
      setup.server.on('refused', (refusal) => refusals.push(refusal));
      const answer = await setup.device('10.0.0.9').register(queries, links, contentFormat);
      assert.equal(answer.code, code);
      assert.match(answer.text, reason);
      assert.equal(setup.server.registrationCount, 0);
      assert.equal(refusals.length, 1);
      assert.equal(refusals[0]!.code, code);
      assert.equal(refusals[0]!.reason, answer.text);
      assert.equal(refusals[0]!.peer.address.host, '10.0.0.9');
    });
  }

  it('takes Profile IDs of 1.2 for what they stand for, merged with each other and with links (OMA TS Core 1.2 §6.2.1)', async () => {
    await using setup = setUp({
      profiles: { '6:27354b9a': '</1/0>,</3/0>', 'v:acme-1': '</3303>;ver=1.1,</3303/0>' },
    });
    const objects = (): unknown =>
      setup.server
        .device('one')
        ?.registration.objects.map(({ objectId, objectInstanceIds: ids, version }) => [objectId, ids, version]);
    const device = setup.device();
    const queries = ['ep=one', 'lt=60', 'lwm2m=1.2'];
    assert.equal((await device.register([...queries, 'pid=6:27354b9a'], '')).code, '2.01');
    assert.deepEqual(objects(), [
      [1, [0], '1.2'],
      [3, [0], '1.2'],
    ]);
    const both = await device.register([...queries, 'pid="6:27354b9a,v:acme-1"'], '</3/0>,</3303/7>');
    assert.equal(both.code, '2.01');
    assert.deepEqual(objects(), [
      [1, [0], '1.2'],
      [3, [0], '1.2'],
      [3303, [0, 7], '1.1'],
    ]);
    assert.equal((await device.update(['pid=v:acme-1'])).code, '2.04');
    assert.deepEqual(objects(), [[3303, [0], '1.1']]);
    assert.equal((await device.update(['pid=6:27354b9a,6:00000000'])).code, '4.09');
    // Links beside a profile that is not known may be only a part of the list.
    assert.equal((await device.register([...queries, 'pid=6:00000000'], '</3303/7>')).code, '4.09');
    assert.deepEqual(objects(), [[3303, [0], '1.1']]);
    assert.equal((await device.register(['ep=one', 'lwm2m=1.1', 'pid=6:00000000'], '</3/0>')).code, '2.01');
  });

  it('does not start with a profile that is none', () => {
    for (const profiles of [{ nonsense: '</3/0>' }, { '6:27354b9a': '</3/0' }, { '6:27354b9a': '' }])
      assert.throws(() => setUp({ profiles: profiles as unknown as Record<string, string> }), UsageError);
  });

  it('refuses a device beyond maxRegistrations with 5.03, but not one that registers anew', async () => {
    await using setup = setUp({ parameters: { maxRegistrations: 2 } });
    const first = setup.device();
    assert.equal((await first.register(['ep=a'])).code, '2.01');
    assert.equal((await setup.device().register(['ep=b'])).code, '2.01');
    assert.equal((await setup.device().register(['ep=c'])).code, '5.03');
    assert.equal((await first.register(['ep=a'])).code, '2.01');
    assert.equal(setup.server.registrationCount, 2);
  });

  it('registers a retransmitted Register once (RFC 7252 §4.5)', async () => {
    await using setup = setUp();
    const told = record(setup.server);
    const peer = new ScriptedPeer(setup.network, { host: '10.0.0.8', port: 1 });
    // The token is the Message ID twice, as one client has it; another sends no token at all.
    for (const token of [Uint8Array.of(0x83, 0x43, 0x83, 0x43), new Uint8Array(0)]) {
      const message = {
        type: MessageType.confirmable,
        code: Codes.post,
        messageId: 0x8343 + token.length,
        token,
        options: buildOptions({ uriPath: ['rd'], uriQuery: [`ep=token-${token.length}`], contentFormat: 40 }),
        payload: new TextEncoder().encode('</3/0>'),
      };
      peer.send(SERVER, message);
      peer.send(SERVER, message);
      await setup.network.run(1000);
      const answers = peer.takeAll();
      assert.equal(answers.length, 2);
      assert.deepEqual(answers[0], answers[1]);
      assert.deepEqual([...answers[0]!.token], [...token]);
      assert.equal(answers[0]!.type, MessageType.acknowledgement);
    }
    assert.deepEqual(told, ['registered token-4', 'registered token-0']);
  });
});

describe('Update (OMA TS Core §6.2.2)', () => {
  it('without parameters refreshes the lifetime', async () => {
    await using setup = setUp();
    const device = setup.device();
    await device.register(QUERIES);
    for (let times = 0; times < 10; times++) {
      await setup.network.run(40_000);
      assert.equal((await device.update()).code, '2.04');
    }
    const { registration } = setup.server.device('one')!;
    assert.ok(registration.updatedAt > registration.registeredAt + 390_000);
    assert.equal(setup.server.registrationCount, 1);
  });

  it('brings additional parameters anew, and more of them up to the limit', async () => {
    await using setup = setUp({ parameters: { maxAdditionalParameters: 3 } });
    const device = setup.device();
    await device.register([...QUERIES, 'et=sensor', 'd=local']);
    const { registration } = setup.server.device('one')!;
    assert.deepEqual(registration.additionalParameters, { et: 'sensor', d: 'local' });
    assert.equal((await device.update(['lt=120'])).code, '2.04');
    assert.deepEqual(registration.additionalParameters, { et: 'sensor', d: 'local' });
    assert.equal((await device.update(['d=far', 'x=1', 'y=2'])).code, '2.04');
    assert.deepEqual(registration.additionalParameters, { et: 'sensor', d: 'far', x: '1' });
  });

  it('changes what it names and tells what was before', async () => {
    await using setup = setUp();
    const device = setup.device();
    const changes: (readonly [Registration, Registration])[] = [];
    setup.server.on('updated', (now, previous) => changes.push([now, previous]));
    await device.register(QUERIES);
    assert.equal((await device.update(['lt=120', 'b=UQ', 'sms=123'], '</1/0>,</3303/0>')).code, '2.04');
    const [now, previous] = changes[0]!;
    assert.equal(now.lifetimeSeconds, 120);
    assert.equal(now.binding, 'UQ');
    assert.equal(now.queueMode, true);
    assert.equal(now.smsNumber, '123');
    assert.deepEqual(
      now.objects.map(({ objectId }) => objectId),
      [1, 3303],
    );
    assert.equal(previous.lifetimeSeconds, 60);
    assert.equal(previous.binding, 'U');
    assert.deepEqual(
      previous.objects.map(({ objectId }) => objectId),
      [1, 3],
    );
  });

  it('a shorter lifetime holds at once', async () => {
    await using setup = setUp();
    const device = setup.device();
    await device.register(['ep=one', 'lt=86400']);
    await device.update(['lt=60']);
    await setup.network.run(62_000);
    assert.equal(setup.server.registrationCount, 0);
  });

  it('with parameters or links that are none is refused with 4.00 and changes nothing', async () => {
    await using setup = setUp();
    const device = setup.device();
    await device.register(QUERIES);
    assert.equal((await device.update(['lt=x'])).code, '4.00');
    assert.equal((await device.update([], '<<')).code, '4.00');
    const { registration } = setup.server.device('one')!;
    assert.equal(registration.lifetimeSeconds, 60);
    assert.equal(registration.updatedAt, registration.registeredAt);
  });

  it('of a registration nobody has is refused with 4.04, and so is its De-register', async () => {
    await using setup = setUp();
    const device = setup.device();
    for (const registrationId of ['AAAAAAAAAA', 'x', 'longer-than-any-id-we-give', 'ümlaut'.repeat(3)]) {
      device.registrationId = registrationId;
      const answer = await device.update();
      assert.equal(answer.code, '4.04');
      assert.match(answer.text, /registration/);
      assert.equal((await device.deregister()).code, '4.04');
    }
  });

  it('from another address moves the registration there: a NAT gave the client a new one', async () => {
    await using setup = setUp();
    const told = record(setup.server);
    const before = setup.device('10.0.0.2', 1000);
    await before.register(QUERIES);
    const after = setup.device('10.0.0.2', 2000);
    after.registrationId = before.registrationId;
    assert.equal((await after.update()).code, '2.04');
    assert.deepEqual(setup.server.device('one')?.registration.address, { host: '10.0.0.2', port: 2000 });
    assert.deepEqual(told, ['registered one', 'updated one']);
    after.onRequest = () => ({ code: Codes.changed, options: [], payload: new Uint8Array(0) });
    const executed = setup.server.device('one')!.execute(resourcePath(3, 0, 4));
    assert.equal((await setup.settle(executed)).ok, true);
    assert.equal(before.asked.length, 0);
    assert.equal(after.asked.length, 1);
    // Nothing is left at the old address: a Send from there is a stranger's.
    const send = { contentFormat: 110 };
    assert.equal((await before.ask(Codes.post, '/dp', send, '[{"n":"/3/0/9","v":1}]')).code, '4.00');
    assert.equal((await after.ask(Codes.post, '/dp', send, '[{"n":"/3/0/9","v":1}]')).code, '2.04');
  });
});

describe('a server with several endpoints', () => {
  const OTHER = { host: '10.0.0.1', port: 5693 };
  const CLIENT = { host: '10.0.0.2', port: 40_000 };
  const reason = 'it registered at another endpoint of this server, 10.0.0.1 port 5683';

  function serveTwice(
    network: SimulatedNetwork,
    registrationStore: RegistrationStore = NO_REGISTRATION_STORE,
  ): LwM2mServer {
    return new LwM2mServer({ drivers: [network.driver(SERVER), network.driver(OTHER)], registrationStore });
  }

  it('Update and De-register are taken where the client registered; elsewhere they are 4.00 and change nothing', async () => {
    const network = new SimulatedNetwork();
    await using server = serveTwice(network);
    const told = record(server);
    const device = new SimulatedDevice(network, SERVER, CLIENT);
    await device.register(QUERIES);
    const before = copyRegistration(server.device('one')!.registration);
    assert.deepEqual(before.serverAddress, SERVER);
    await network.run(1_000);
    for (const address of [CLIENT, { host: '10.0.0.2', port: 1 }]) {
      if (address === CLIENT) await device.driver.close();
      const lost = new SimulatedDevice(network, OTHER, address);
      lost.registrationId = device.registrationId;
      for (const answer of [await lost.update(['lt=99'], '</3303/0>'), await lost.deregister()])
        assert.deepEqual([answer.code, answer.text], ['4.00', reason]);
      await lost.driver.close();
    }
    assert.deepEqual(copyRegistration(server.device('one')!.registration), before);
    assert.deepEqual(told, ['registered one', ...Array.from({ length: 4 }, () => 'refused 4.00')]);
    const again = new SimulatedDevice(network, SERVER, CLIENT);
    again.registrationId = device.registrationId;
    assert.equal((await again.update()).code, '2.04');
    assert.equal((await again.deregister()).code, '2.02');
  });

  it('a Register elsewhere takes the place of the registration, and the client is reached there', async () => {
    const network = new SimulatedNetwork();
    await using server = serveTwice(network);
    const device = new SimulatedDevice(network, SERVER, CLIENT);
    await device.register(QUERIES);
    await device.driver.close();
    const moved = new SimulatedDevice(network, OTHER, CLIENT);
    await moved.register(QUERIES);
    assert.equal(server.registrationCount, 1);
    assert.deepEqual(server.device('one')?.registration.serverAddress, OTHER);
    assert.equal((await moved.update()).code, '2.04');
    moved.registrationId = device.registrationId;
    assert.equal((await moved.update()).code, '4.04');
  });

  it('after a restart a registration is where it was, as the store says', async () => {
    const network = new SimulatedNetwork();
    const store = new MemoryRegistrationStore();
    const before = serveTwice(network, store);
    const device = new SimulatedDevice(network, OTHER, CLIENT);
    await device.register(QUERIES);
    store.save(copyRegistration(store.find(device.registrationId)!));
    await before.close();
    await using server = serveTwice(network, store);
    assert.equal(await server.restore(), 1);
    assert.deepEqual(server.device('one')?.registration.serverAddress, OTHER);
    assert.equal((await device.update()).code, '2.04');
  });
});

describe('the end of a registration', () => {
  it('De-register is answered 2.02 and the device is gone', async () => {
    await using setup = setUp();
    const told = record(setup.server);
    const device = setup.device();
    await device.register(QUERIES);
    assert.equal((await device.deregister()).code, '2.02');
    assert.equal(setup.server.device('one'), undefined);
    assert.equal((await device.deregister()).code, '4.04');
    assert.deepEqual(told, ['registered one', 'deregistered one', 'refused 4.04']);
  });

  it('expires when the lifetime has passed, within a second, and a later Update is 4.04', async () => {
    await using setup = setUp();
    const told = record(setup.server);
    const device = setup.device();
    await device.register(QUERIES);
    await setup.network.run(59_000);
    assert.equal(setup.server.registrationCount, 1);
    await setup.network.run(2_000);
    assert.equal(setup.server.registrationCount, 0);
    assert.deepEqual(told, ['registered one', 'expired one']);
    assert.equal((await device.update()).code, '4.04');
  });

  it('never comes with lifetime 0', async () => {
    await using setup = setUp();
    await setup.device().register(['ep=one', 'lt=0', 'lwm2m=1.1']);
    await setup.network.run(400 * 86_400_000);
    assert.equal(setup.server.device('one')?.registration.expiresAt, Infinity);
  });

  it('a Register of the same name takes its place, from the same address or another', async () => {
    await using setup = setUp();
    const told = record(setup.server);
    const device = setup.device();
    const first = await device.register(QUERIES);
    const second = await device.register(QUERIES);
    assert.notEqual(first.location[1], second.location[1]);
    const elsewhere = setup.device();
    await elsewhere.register(QUERIES);
    assert.equal(setup.server.registrationCount, 1);
    assert.equal((await device.update()).code, '4.04');
    assert.equal((await elsewhere.update()).code, '2.04');
    assert.deepEqual(told, [
      'registered one',
      'replaced one',
      'registered one anew',
      'replaced one',
      'registered one anew',
      'refused 4.04',
      'updated one',
    ]);
  });

  it('a removed device is told by 4.04 to register anew', async () => {
    await using setup = setUp();
    const told = record(setup.server);
    const device = setup.device();
    await device.register(QUERIES);
    assert.equal(setup.server.remove('one'), true);
    assert.equal(setup.server.remove('one'), false);
    assert.equal((await device.update()).code, '4.04');
    assert.deepEqual(told, ['registered one', 'removed one', 'refused 4.04']);
  });

  it('several clients behind one address are registrations of their own', async () => {
    await using setup = setUp();
    const gateway = setup.device();
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c']) {
      await gateway.register([`ep=${name}`]);
      ids.push(gateway.registrationId);
    }
    assert.equal(setup.server.registrationCount, 3);
    gateway.registrationId = ids[1]!;
    assert.equal((await gateway.deregister()).code, '2.02');
    assert.equal(setup.server.device('b'), undefined);
    assert.ok(setup.server.device('a') !== undefined && setup.server.device('c') !== undefined);
  });
});

describe('tokens as clients choose them (RFC 7252 §5.3.1)', () => {
  const rows = [
    ['none at all', ''],
    ['the Message ID twice, as Wakaama has it', '1234 1234'],
    ['eight bytes, as Anjay has it', '01 02 03 04 05 06 07 08'],
  ] as const;
  for (const [what, text] of rows)
    it(`${what}: the Register is accepted and the token comes back`, async () => {
      await using setup = setUp();
      const peer = new ScriptedPeer(setup.network, { host: '10.0.0.8', port: 5683 });
      const token = Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
      peer.send(SERVER, {
        type: MessageType.confirmable,
        code: Codes.post,
        messageId: 0x1234,
        token,
        // No binding, as Anjay leaves it out: U.
        options: buildOptions({ uriPath: ['rd'], contentFormat: 40, uriQuery: ['lwm2m=1.1', 'ep=one', 'lt=60'] }),
        payload: new TextEncoder().encode('</3/0>'),
      });
      await setup.network.run(100);
      const answer = peer.take();
      assert.equal(answer.code, Codes.created);
      assert.deepEqual([...answer.token], [...token]);
      assert.equal(setup.server.device('one')?.registration.binding, 'U');
    });
});

describe('other requests', () => {
  const rows: readonly (readonly [string, string, keyof typeof Codes, string])[] = [
    ['GET /rd', '/rd', 'get', '4.05'],
    ['PUT /rd/{id}', '/rd/AAAAAAAAAA', 'put', '4.05'],
    ['GET /dp', '/dp', 'get', '4.05'],
    ['POST /.well-known/core', '/.well-known/core', 'post', '4.05'],
    ['GET /', '/', 'get', '4.04'],
    ['GET /3/0', '/3/0', 'get', '4.04'],
    ['POST /bs, because this is no Bootstrap-Server', '/bs', 'post', '4.04'],
    ['GET /bspack, which a 1.2 client tries before /bs', '/bspack', 'get', '4.04'],
    ['POST /rd/a/b', '/rd/a/b', 'post', '4.04'],
    ['FETCH /rd', '/rd', 'fetch', '4.05'],
  ];
  for (const [what, path, method, code] of rows) {
    it(`${what} is answered ${code}`, async () => {
      await using setup = setUp();
      const answer = await setup.device().ask(Codes[method], path, { uriQuery: ['ep=one'] });
      assert.equal(answer.code, code);
      assert.notEqual(answer.text, '');
    });
  }

  it('GET /.well-known/core answers the links of this server (RFC 6690 §4)', async () => {
    await using setup = setUp();
    const answer = await setup.device().ask(Codes.get, '/.well-known/core');
    assert.equal(answer.code, '2.05');
    assert.equal(answer.text, '</rd>;rt="core.rd";ct=40,</dp>');
  });
});

/** A registration of "one" as a store gives it back. @param updatedAt  ms since 1970. */
const stored = (registrationId: string, updatedAt = 0): Registration => ({
  registrationId,
  endpointClientName: 'one',
  lwm2mVersion: '1.1',
  lifetimeSeconds: 3600,
  binding: 'U',
  queueMode: false,
  smsNumber: undefined,
  additionalParameters: {},
  address: { host: '10.0.0.2', port: 1 },
  security: { kind: 'none' },
  contentFormats: [],
  alternatePath: '',
  objects: [{ objectId: 3, version: '1.1', objectInstanceIds: [0] }],
  registeredAt: updatedAt,
  updatedAt,
  expiresAt: updatedAt + 3_600_000,
});

describe('the registration store', () => {
  /** Answers when the test says so. */
  class SlowStore implements RegistrationStore {
    readonly kept = new MemoryRegistrationStore();
    readonly waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
    save(registration: Registration): Promise<void> {
      this.kept.save(registration);
      return this.#later();
    }
    remove(registrationId: string): Promise<void> {
      this.kept.remove(registrationId);
      return Promise.reject(new Error('cannot forget'));
    }
    async find(registrationId: string): Promise<Registration | undefined> {
      await this.#later();
      return this.kept.find(registrationId);
    }
    all(): Iterable<Registration> {
      return this.kept.all();
    }
    #later(): Promise<void> {
      return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
    }
  }

  it('a slow one makes the answer a separate response, and the device is known when it has come (RFC 7252 §5.2.2)', async () => {
    const store = new SlowStore();
    await using setup = setUp({ registrationStore: store });
    const device = setup.device();
    const answers: (string | undefined)[] = [];
    device.begin(Codes.post, '/rd', { uriQuery: ['ep=one'], contentFormat: 40 }, '</3/0>', (response) =>
      answers.push(response?.code.toString(16)),
    );
    await setup.network.run(5_000);
    assert.deepEqual(answers, []);
    assert.equal(setup.server.device('one'), undefined);
    store.waiting.shift()!.resolve();
    await setup.network.run(1_000);
    assert.deepEqual(answers, ['41']);
    assert.equal(setup.server.registrationCount, 1);
  });

  it('one that fails costs the client a 5.00 and leaves nothing behind', async () => {
    const store = new SlowStore();
    await using setup = setUp({ registrationStore: store });
    const errors: unknown[] = [];
    const report = (message: unknown): void => void errors.push((message as { error: Error }).error.message);
    subscribe(SERVER_ERROR_CHANNEL, report);
    const registering = setup.device().register(QUERIES);
    await setup.network.run(100);
    store.waiting.shift()!.reject(new Error('disk full'));
    assert.equal((await registering).code, '5.00');
    assert.equal(setup.server.registrationCount, 0);
    unsubscribe(SERVER_ERROR_CHANNEL, report);
    assert.deepEqual(errors, ['disk full']);
  });

  it('of two Registers of one name in a slow one the one received last wins, whichever is stored first', async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ] as const) {
      const store = new SlowStore();
      await using setup = setUp({ registrationStore: store });
      const first = setup.device();
      const second = setup.device();
      const registering = [first.register(QUERIES)];
      await setup.network.run(100);
      registering.push(second.register(QUERIES));
      await setup.network.run(100);
      assert.equal(store.waiting.length, 2);
      for (const index of order) {
        store.waiting[index]!.resolve();
        await setup.network.run(100);
      }
      assert.deepEqual(
        (await setup.settle(Promise.all(registering))).map(({ code }) => code),
        ['2.01', '2.01'],
      );
      assert.equal(setup.server.device('one')!.registration.registrationId, second.registrationId, String(order));
      assert.deepEqual(
        [...store.all()].map(({ registrationId }) => registrationId),
        [second.registrationId],
      );
      assert.deepEqual(setup.server.usage, {
        registrations: 1,
        lifetimes: 1,
        awake: 0,
        requestDeadlines: 0,
        objectLists: 1,
        offers: 0,
      });
    }
  });

  it('Registers in flight to a slow one count in maxRegistrations, until they fail', async () => {
    const store = new SlowStore();
    await using setup = setUp({ registrationStore: store, parameters: { maxRegistrations: 1 } });
    const first = setup.device().register(['ep=first']);
    await setup.network.run(100);
    assert.equal((await setup.device().register(['ep=second'])).code, '5.03');
    store.waiting.shift()!.reject(new Error('disk full'));
    assert.equal((await setup.settle(first)).code, '5.00');
    const third = setup.device().register(['ep=third']);
    await setup.network.run(100);
    const again = setup.device().register(['ep=third']);
    await setup.network.run(100);
    for (const { resolve } of store.waiting) resolve();
    assert.deepEqual(
      (await setup.settle(Promise.all([third, again]))).map(({ code }) => code),
      ['2.01', '2.01'],
    );
    assert.equal((await setup.device().register(['ep=second'])).code, '5.03');
    assert.equal(setup.server.registrationCount, 1);
  });

  it('one that throws is treated like one that rejects', async () => {
    class ThrowingStore extends MemoryRegistrationStore {
      override save(): void {
        throw new Error('disk full');
      }
      override find(): undefined {
        throw new Error('disk gone');
      }
    }
    await using setup = setUp({ registrationStore: new ThrowingStore() });
    const device = setup.device();
    assert.equal((await device.register(QUERIES)).code, '5.00');
    device.registrationId = 'AAAAAAAAAA';
    assert.equal((await device.update()).code, '5.00');
  });

  it('brings the registrations back after a restart, without those that expired meanwhile', async () => {
    const store = new MemoryRegistrationStore();
    const setup = setUp({ registrationStore: store });
    const long = setup.device();
    const short = setup.device();
    await long.register(['ep=long', 'lt=3600', 'lwm2m=1.2', 'b=U', 'Q'], '</>;ct=112,</1/0>,</3303/1>');
    await short.register(['ep=short', 'lt=60']);
    await setup.server.close();
    await setup.network.run(600_000);

    const server = new LwM2mServer({ drivers: [setup.network.driver(SERVER)], registrationStore: store });
    assert.equal(await server.restore(), 1);
    assert.equal(server.device('short'), undefined);
    const registration = server.device('long')!.registration;
    assert.equal(registration.queueMode, true);
    assert.deepEqual(registration.contentFormats, [112]);
    assert.deepEqual(registration.objects[1], { objectId: 3303, version: '1.0', objectInstanceIds: [1] });
    assert.equal(store.find(short.registrationId), undefined);
    assert.equal((await long.update()).code, '2.04');
    // What was left of the lifetime is what is left of it.
    await setup.network.run(3_650_000);
    assert.equal(server.registrationCount, 0);
    await server.close();
  });

  it('of two registrations of one name the newer one comes back, and the other leaves the store', async () => {
    const store = new MemoryRegistrationStore();
    const network = new SimulatedNetwork();
    for (const [id, age] of [
      ['AAAAAAAAAA', 20_000],
      ['BBBBBBBBBB', 10_000],
      ['CCCCCCCCCC', 15_000],
    ] as const)
      store.save(stored(id, network.unixTime() - age));
    await using server = new LwM2mServer({ drivers: [network.driver(SERVER)], registrationStore: store });
    assert.equal(await server.restore(), 1);
    assert.equal(server.device('one')?.registration.registrationId, 'BBBBBBBBBB');
    assert.deepEqual(
      [...store.all()].map(({ registrationId }) => registrationId),
      ['BBBBBBBBBB'],
    );
    assert.deepEqual(server.usage, {
      registrations: 1,
      lifetimes: 1,
      awake: 0,
      requestDeadlines: 0,
      objectLists: 1,
      offers: 0,
    });
  });

  it('a registration that a store has spoiled is reported and does not keep the others away', async () => {
    const store = new MemoryRegistrationStore();
    await using setup = setUp({ registrationStore: store });
    await setup.device().register(QUERIES);
    const [good] = [...store.all()];
    store.save({
      ...copyRegistration(good!),
      registrationId: 'AAAAAAAAAA',
      endpointClientName: 'bad',
      address: { host: 'x', port: 0 },
    });
    const other = new LwM2mServer({
      drivers: [new RefusingDriver(setup.network, { host: '10.9.9.9', port: 1 }, {})],
      registrationStore: store,
    });
    const errors: unknown[] = [];
    const report = (message: unknown): void => void errors.push((message as { error: Error }).error.message);
    subscribe(SERVER_ERROR_CHANNEL, report);
    assert.equal(await other.restore(), 1);
    unsubscribe(SERVER_ERROR_CHANNEL, report);
    assert.deepEqual(errors, ['0 is not a UDP port']);
    await other.close();
  });

  it('an id another server on the same store gave is taken over with its Update', async () => {
    const store = new MemoryRegistrationStore();
    await using setup = setUp({ registrationStore: store });
    const other = { host: '10.9.9.9', port: 5683 };
    const second = new LwM2mServer({ drivers: [setup.network.driver(other)], registrationStore: store });
    const device = setup.device();
    await device.register(QUERIES);
    const { registrationId } = device;
    const moved = new SimulatedDevice(setup.network, other, {
      host: '10.0.0.99',
      port: 1,
    });
    moved.registrationId = registrationId;
    assert.equal((await moved.update(['lt=99'])).code, '2.04');
    assert.equal(second.device('one')?.registration.lifetimeSeconds, 99);
    assert.equal((await moved.deregister()).code, '2.02');
    assert.equal(store.find(registrationId), undefined);
    await second.close();
  });

  it('an id whose client has since registered anew elsewhere is refused with 4.04, and leaves the store', async () => {
    const store = new MemoryRegistrationStore();
    await using setup = setUp({ registrationStore: store });
    const other = { host: '10.9.9.9', port: 5683 };
    const second = new LwM2mServer({ drivers: [setup.network.driver(other)], registrationStore: store });
    const before = setup.device();
    await before.register(QUERIES);
    await setup.network.run(1_000);
    const after = new SimulatedDevice(setup.network, other, { host: '10.0.0.99', port: 1 });
    await after.register(QUERIES);
    const stale = new SimulatedDevice(setup.network, other, { host: '10.0.0.98', port: 1 });
    stale.registrationId = before.registrationId;
    assert.equal((await stale.update()).code, '4.04');
    assert.equal((await stale.deregister()).code, '4.04');
    assert.equal(second.device('one')?.registration.registrationId, after.registrationId);
    assert.equal(store.find(before.registrationId), undefined);
    await second.close();
  });

  for (const pace of ['at once', 'later'] as const)
    it(`one that brings back ${pace} what is no registration costs the client a 5.00`, async () => {
      const find = (registrationId: string): MaybePromise<Registration | undefined> => {
        const spoiled = { registrationId, endpointClientName: 'one', expiresAt: Infinity } as Registration;
        return pace === 'later' ? Promise.resolve(spoiled) : spoiled;
      };
      await using setup = setUp({ registrationStore: { ...NO_REGISTRATION_STORE, find } });
      const device = setup.device();
      device.registrationId = 'AAAAAAAAAA';
      assert.equal((await device.update()).code, '5.00');
      assert.equal(setup.server.registrationCount, 0);
    });

  it('an Update that is stored when its registration has ended is 4.04, and nothing of it stays', async () => {
    const store = new SlowStore();
    await using setup = setUp({ registrationStore: store });
    const device = setup.device();
    const registering = device.register(QUERIES);
    await setup.network.run(100);
    store.waiting.shift()!.resolve();
    await registering;
    const updating = device.update();
    await setup.network.run(100);
    // The store takes its time: what was removed before is there again.
    setup.server.remove('one');
    store.kept.save(stored(device.registrationId));
    store.waiting.shift()!.resolve();
    assert.equal((await updating).code, '4.04');
    assert.equal(store.kept.find(device.registrationId), undefined);
  });

  it('an Update that waits for the store is read from a copy', async () => {
    const store = new SlowStore();
    await using setup = setUp({ registrationStore: store });
    const device = setup.device();
    const registering = device.register(QUERIES);
    await setup.network.run(100);
    store.waiting.shift()!.resolve();
    await registering;
    const { registrationId } = device;
    const other = { host: '10.9.9.9', port: 5683 };
    const second = new LwM2mServer({ drivers: [setup.network.driver(other)], registrationStore: store });
    const moved = new SimulatedDevice(setup.network, other, {
      host: '10.0.0.99',
      port: 1,
    });
    moved.registrationId = registrationId;
    const updating = moved.update(['lt=99'], '</3303/0>');
    await setup.network.run(3_000);
    store.waiting.shift()!.resolve();
    await setup.network.run(100);
    store.waiting.shift()!.resolve();
    assert.equal((await updating).code, '2.04');
    assert.equal(second.device('one')?.registration.lifetimeSeconds, 99);
    await second.close();
  });
});
