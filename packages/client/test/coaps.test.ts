/** The client and the server of this project over DTLS, on a simulated network. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { buildOptions, Codes, OperationFailed, type Code } from '@lapwing/coap';
import { LwM2mClient, temperatureObject, type RegistrationFailure } from '@lapwing/client';
import type { ClientCredentials } from '@lapwing/dtls';
import { resourcePath, Temperature } from '@lapwing/lwm2m';
import { MemorySecurityStore, type SecurityEntry, type SecurityStore } from '@lapwing/server';
import { SimulatedNetwork } from '@lapwing/testkit';
import {
  AUTHORITY,
  DEVICE,
  identity,
  keyPair,
  psk,
  pskEntry,
  rpk,
  scene,
  secretKey,
  SERVER,
  settled,
  startClient,
  x509,
} from './secure-scene.ts';

const VALUE = Temperature.path(0).sensorValue;
const own = keyPair();
const certified = identity('one');

const KINDS: readonly {
  readonly kind: 'psk' | 'rpk' | 'x509';
  readonly credentials: ClientCredentials;
  readonly entry: SecurityEntry;
  readonly identity: RegExp;
}[] = [
  { kind: 'psk', credentials: psk('one'), entry: pskEntry('one'), identity: /^identity of one$/ },
  {
    kind: 'rpk',
    credentials: rpk(own),
    entry: { kind: 'rpk', endpointClientName: 'one', publicKey: own.publicKey },
    identity: /^sha-256;[0-9a-f]{64}$/,
  },
  {
    kind: 'x509',
    credentials: x509(certified),
    entry: { kind: 'x509', endpointClientName: 'one', fingerprint: undefined },
    identity: /^one$/,
  },
];

describe('a client and a server over DTLS', () => {
  for (const { kind, credentials, entry, identity: text } of KINDS) {
    it(`with ${kind}: register, read, observe, de-register, and both ends are empty`, async () => {
      const { network, server, driver, said } = scene([entry]);
      const client = startClient(network, 'one', credentials);
      await network.run(5_000);
      assert.deepEqual(said, []);
      const device = server.device('one')!;
      assert.equal(device.security?.kind, kind);
      assert.match(device.security.identity, text);
      assert.equal(device.security.association?.connectionId, true);
      assert.equal(device.security.association.extendedMasterSecret, true);
      assert.deepEqual(device.registration.security, { kind, identity: device.security.identity });
      const outcome = await settled(network, device.read(VALUE));
      assert.ok(outcome.ok && outcome.value === 20);
      const observed = await settled(network, device.observe(VALUE));
      assert.ok(observed.ok);
      const seen: unknown[] = [];
      server.on('notified', (_, { node }) => seen.push(node?.kind === 'resource' && node.value.value));
      client.set(VALUE, 21.5);
      await network.run(2_000);
      assert.deepEqual(seen, [21.5]);
      await settled(network, client.close());
      assert.equal(server.registrationCount, 0);
      await network.run(1_000);
      const { associations, handshakes, addresses, connectionIds, lookups } = driver.dtlsUsage;
      assert.deepEqual(
        { associations, handshakes, addresses, connectionIds, lookups },
        { associations: 0, handshakes: 0, addresses: 0, connectionIds: 0, lookups: 0 },
      );
      assert.equal(driver.endpoint.usage.tokens, 0);
      await server.close();
    });

    it(`with ${kind}, 20 % of the datagrams lost and others doubled and reordered: it registers and is read`, async () => {
      for (const seed of [1, 2, 3]) {
        const { network, server } = scene([entry], {
          network: { seed, loss: 0.2, duplication: 0.1, delay: [5, 800] },
        });
        const client = startClient(network, 'one', credentials);
        await settled(network, client.whenRegistered());
        const outcome = await settled(network, server.device('one')!.read(VALUE));
        assert.ok(outcome.ok && outcome.value === 20, `seed ${seed}`);
        network.conditions = { loss: 0, duplication: 0, delay: [10, 10] };
        await settled(network, client.close());
        await server.close();
      }
    });
  }

  it('a server name is asked for where the URI has one, and the certificate must be for it (RFC 6066 §3, RFC 6125)', async () => {
    const { network, server, said } = scene([]);
    const { certificate, privateKey } = certified;
    const trusting = (serverName: string): ClientCredentials => ({
      kind: 'x509',
      own: { chain: [certificate], privateKey },
      server: { usage: 2, certificate: AUTHORITY, matchingType: 0, trustAnchors: [], serverName },
    });
    const good = startClient(network, 'one', trusting('lapwing.example'), {
      uri: 'coaps://lapwing.example',
      address: SERVER,
    });
    await network.run(3_000);
    assert.deepEqual(said, []);
    assert.equal(server.registrationCount, 1);
    const failures: RegistrationFailure[] = [];
    const bad = startClient(network, 'one', trusting('other.example'), { at: { ...DEVICE, port: 56_831 } });
    bad.on('registrationFailed', (failure) => failures.push(failure));
    await network.run(3_000);
    assert.match(failures[0]?.reason ?? '', /other\.example/);
    await settled(network, good.close());
    await settled(network, bad.close());
    await server.close();
  });
});

describe('the name that the certificate of a server must be for (RFC 6125)', () => {
  const { certificate, privateKey } = certified;
  const server = { usage: 2, certificate: AUTHORITY, matchingType: 0, trustAnchors: [] } as const;
  const anchored: ClientCredentials = { kind: 'x509', own: { chain: [certificate], privateKey }, server };

  for (const [what, account, refused] of [
    ['the name of the URI', { uri: 'coaps://lapwing.example' }, undefined],
    ['the address of the URI', { uri: 'coaps://10.0.0.1' }, /not for 10\.0\.0\.1/],
    ['another name', { uri: 'coaps://other.example' }, /not for other\.example/],
    ['the name that is asked for', { uri: 'coaps://10.0.0.1', serverName: 'lapwing.example' }, undefined],
    [
      'another name that is asked for',
      { uri: 'coaps://lapwing.example', serverName: 'a.example' },
      /not for a\.example/,
    ],
  ] as const) {
    it(`is, unless the credentials say otherwise, ${what}: ${refused === undefined ? 'accepted' : 'refused'}`, async () => {
      const all = scene([]);
      const failures: RegistrationFailure[] = [];
      const client = startClient(all.network, 'one', anchored, { address: SERVER, ...account });
      client.on('registrationFailed', (failure) => failures.push(failure));
      await all.network.run(3_000);
      assert.equal(all.server.registrationCount, refused === undefined ? 1 : 0);
      assert.match(failures[0]?.reason ?? '', refused ?? /^$/);
      await settled(all.network, client.close());
      await all.server.close();
    });
  }
});

describe('who may register over DTLS as whom', () => {
  it('whoever names another endpoint than its identity belongs to is refused with 4.00 and both names (OMA TS Core §6.2.1)', async () => {
    const { network, server, said } = scene([pskEntry('one'), pskEntry('two', 2)]);
    const failures: RegistrationFailure[] = [];
    const client = startClient(network, 'two', psk('one'));
    client.on('registrationFailed', (failure) => failures.push(failure));
    await network.run(3_000);
    const text = 'identity "identity of one" is known, endpoint "two" is not allowed: it belongs to "one"';
    assert.deepEqual(said, [`4.00 ${text}`]);
    assert.equal(failures[0]?.reason, `4.00 Bad Request: ${text}`);
    assert.equal(server.registrationCount, 0);
    await settled(network, client.close());
    await server.close();
  });

  it('a certificate speaks for the names in it and no others, for an alternative name as for the Common Name', async () => {
    const { network, server, said } = scene([]);
    const many = identity('common', { uris: ['urn:imei:350000000000001'], dnsNames: ['meter.example'] });
    for (const [index, name] of ['common', 'urn:imei:350000000000001', 'meter.example', 'another'].entries()) {
      startClient(network, name, x509(many), { at: { host: '10.0.1.1', port: 1_000 + index } });
      await network.run(3_000);
      assert.equal(server.device(name) !== undefined, name !== 'another', name);
    }
    assert.deepEqual(
      said.filter((line) => line.startsWith('4.')),
      [
        '4.00 the certificate is valid, endpoint "another" is not allowed: it is for "common", "meter.example", "urn:imei:350000000000001"',
      ],
    );
    await server.close();
  });

  it('a pinned certificate is the only one; a device with other credentials has none; unlisted ones can be turned away', async () => {
    const other = identity('one');
    const fingerprint = new Uint8Array(createHash('sha256').update(certified.certificate).digest());
    const pinned: SecurityEntry = { kind: 'x509', endpointClientName: 'one', fingerprint };
    const cases = [
      { entries: [pinned], who: certified, isWelcome: true },
      { entries: [pinned], who: other, isWelcome: false },
      { entries: [pskEntry('one')], who: certified, isWelcome: false },
      { entries: [], who: certified, isWelcome: true },
      { entries: [], who: certified, isWelcome: false, parameters: { acceptUnlistedCertificates: false } },
    ];
    for (const [index, { entries, who, isWelcome, parameters = {} }] of cases.entries()) {
      const { network, server, said } = scene(entries, { server: { parameters } });
      startClient(network, 'one', x509(who));
      await network.run(3_000);
      assert.equal(server.registrationCount === 1, isWelcome, `case ${index}: ${said.join()}`);
      if (!isWelcome) assert.equal(said[0], 'certificate');
      await server.close();
    }
  });

  it('a device with credentials may not register over coap, nor one that is registered over coaps (downgrade)', async () => {
    const { network, server, said } = scene([pskEntry('one')], { plain: true });
    const plain = (name: string, port: number): LwM2mClient => {
      const client = new LwM2mClient(network.driver({ host: '10.0.0.9', port }), {
        endpointClientName: name,
        servers: [{ uri: 'coap://10.0.0.1' }],
        objects: [temperatureObject({ value: 0 })],
      });
      client.register();
      return client;
    };
    plain('one', 1);
    await network.run(3_000);
    assert.deepEqual(said, ['4.03 endpoint "one" has credentials here: it must come over coaps']);
    startClient(network, 'certified', x509(identity('certified')));
    await network.run(3_000);
    assert.equal(server.device('certified')?.security?.kind, 'x509');
    plain('certified', 2);
    plain('free', 3);
    await network.run(3_000);
    assert.equal(said.at(-1), '4.03 endpoint "certified" has credentials here: it must come over coaps');
    assert.equal(server.device('certified')?.security?.kind, 'x509');
    assert.equal(server.device('free')?.security, undefined);

    // It gets credentials: from then on it has to use them.
    await server.security.add(pskEntry('free', 3));
    assert.equal(server.device('free'), undefined);
    await server.close();
  });

  it('with refuseDowngrade off a device with credentials may register over coap', async () => {
    const { network, server, said } = scene([pskEntry('one')], {
      plain: true,
      server: { parameters: { refuseDowngrade: false } },
    });
    const client = new LwM2mClient(network.driver(DEVICE), {
      endpointClientName: 'one',
      servers: [{ uri: 'coap://10.0.0.1' }],
      objects: [],
    });
    client.register();
    await network.run(3_000);
    assert.deepEqual(said, []);
    assert.equal(server.registrationCount, 1);
    await server.close();
  });

  it('nobody updates or ends the registration of another identity, though it knows the registration id', async () => {
    const { network, server, said } = scene([pskEntry('one'), pskEntry('two', 2)], { plain: true });
    startClient(network, 'one', psk('one'));
    await network.run(3_000);
    const { registrationId } = server.device('one')!.registration;
    const before = server.device('one')!.registration.address;

    const attack = async (code: Code, isPlain: boolean): Promise<string> => {
      const at = { host: '10.0.0.66', port: 1_000 + said.length };
      const driver = isPlain ? network.driver(at) : network.secureDriver(at);
      const answers: string[] = [];
      driver.onEvent = (event): void => {
        if (event.kind === 'response') answers.push(new TextDecoder().decode(event.response.payload));
      };
      const peer =
        'connect' in driver
          ? driver.connect(SERVER, { credentials: psk('two', 2) })
          : driver.peer({ ...SERVER, port: 5683 });
      const request = { code, options: buildOptions({ uriPath: ['rd', registrationId] }), payload: new Uint8Array(0) };
      driver.turn((now, out) => driver.endpoint.request(now, peer, request, out));
      await network.run(3_000);
      await driver.close();
      return answers.join();
    };
    for (const code of [Codes.post, Codes.delete])
      for (const isPlain of [false, true]) assert.equal(await attack(code, isPlain), 'there is no such registration');
    const who = 'PSK identity "identity of two"';
    const whose = 'may not change the registration of PSK identity "identity of one"';
    const plainly = `4.04 a client without security ${whose}`;
    assert.deepEqual(said, [`4.04 ${who} ${whose}`, plainly, `4.04 ${who} ${whose}`, plainly]);
    assert.deepEqual(server.device('one')?.registration.address, before);
    await server.close();
  });

  it('an unknown identity and a wrong key are told apart, and each is a failed registration with its reason', async () => {
    for (const [credentials, reason, text, alert] of [
      [psk('stranger'), 'unknown-identity', /unknown_psk_identity/, 115],
      [psk('one', 9), 'wrong-key', /./, undefined],
    ] as const) {
      const { network, server, said } = scene([pskEntry('one')]);
      const failures: RegistrationFailure[] = [];
      const client = startClient(network, 'one', credentials);
      client.on('registrationFailed', (failure) => failures.push(failure));
      await network.run(200_000);
      assert.equal(said[0], reason);
      assert.match(failures[0]?.reason ?? '', text);
      if (alert !== undefined) {
        // The alert says that trying again is of no use: the next sequence is the next attempt. OMA TS Transport §5.2.
        assert.equal(failures[0]?.retryIn, 300_000);
        assert.equal(client.get('/1/0/11'), alert);
      }
      await settled(network, client.close());
      await server.close();
    }
  });

  it('a store that answers with promises, or fails, does not change who may come', async () => {
    const memory = new MemorySecurityStore([pskEntry('one')]);
    let fails = false;
    const later = async <T>(value: T): Promise<T> => {
      await Promise.resolve();
      if (fails) throw new Error('the database is down');
      return value;
    };
    const { network, server, said } = scene([], {
      store: {
        add: (entry) => later(memory.add(entry)),
        remove: (name, kind) => later(memory.remove(name, kind)),
        findByIdentity: (wanted) => later(memory.findByIdentity(wanted)),
        findByPublicKey: (wanted) => later(memory.findByPublicKey(wanted)),
        findByName: (name) => later(memory.findByName(name)),
        all: (after) => memory.all(after),
      },
    });
    const client = startClient(network, 'one', psk('one'));
    await network.run(3_000);
    assert.deepEqual(said, []);
    assert.equal(server.registrationCount, 1);
    fails = true;
    startClient(network, 'one', psk('one'), { at: { ...DEVICE, port: 1 } });
    await network.run(3_000);
    assert.deepEqual(said, ['lookup-failed']);
    fails = false;
    await settled(network, client.close());
    await server.close();
  });
});

describe('credentials that are taken away', () => {
  for (const { kind, credentials, entry } of KINDS) {
    it(`${kind}: the association ends, the registration is removed, and the next handshake is refused`, async () => {
      const { network, server, driver, said } = scene([entry], {
        server: { parameters: { acceptUnlistedCertificates: false } },
      });
      const failures: RegistrationFailure[] = [];
      const client = startClient(network, 'one', credentials);
      client.on('registrationFailed', (failure) => failures.push(failure));
      await network.run(3_000);
      assert.deepEqual(await server.security.list(), {
        items: [{ endpointClientName: 'one', kind, identity: (await server.security.list()).items[0]?.identity }],
        next: undefined,
      });
      assert.equal(await server.security.remove('one'), true);
      assert.equal(server.registrationCount, 0);
      assert.equal(driver.dtlsUsage.associations, 0);
      assert.deepEqual(said, ['one removed']);
      await network.run(5_000);
      assert.ok(said.includes(kind === 'psk' ? 'unknown-identity' : said[1]!), said.join());
      assert.equal(server.registrationCount, 0);
      assert.ok(failures.length > 0);
      assert.equal(await server.security.remove('one'), false);
      await settled(network, client.close());
      await server.close();
    });
  }

  it('a replaced key ends a handshake that the old one was looked up for', async () => {
    const memory = new MemorySecurityStore([pskEntry('one')]);
    let release = (): void => undefined;
    const store: SecurityStore = {
      add: (entry) => memory.add(entry),
      remove: (name, kind) => memory.remove(name, kind),
      findByIdentity: (wanted) => {
        const found = memory.findByIdentity(wanted);
        return new Promise((resolve) => (release = (): void => resolve(found)));
      },
      findByPublicKey: (wanted) => memory.findByPublicKey(wanted),
      findByName: (name) => memory.findByName(name),
      all: (after) => memory.all(after),
    };
    const { network, server, driver, said } = scene([], { store });
    const client = startClient(network, 'one', psk('one'));
    await network.run(1_000);
    assert.equal(driver.dtlsUsage.lookups, 1);
    await server.security.add({ ...pskEntry('one'), key: secretKey(7) } as SecurityEntry);
    assert.deepEqual(said, ['cancelled']);
    release();
    await network.run(1_000);
    assert.deepEqual([driver.dtlsUsage.associations, driver.dtlsUsage.handshakes], [0, 0]);
    await settled(network, client.close());
    await server.close();
  });

  it('a replaced key ends what the old one opened, and a resumed session of the old one too', async () => {
    const { network, server, said } = scene([pskEntry('one')]);
    startClient(network, 'one', psk('one'));
    await network.run(3_000);
    await server.security.add({ ...pskEntry('one'), key: secretKey(7) } as SecurityEntry);
    assert.equal(server.registrationCount, 0);
    await network.run(20_000);
    assert.equal(server.registrationCount, 0, said.join());
    startClient(network, 'one', psk('one', 7), { at: { ...DEVICE, port: 7 } });
    await network.run(3_000);
    assert.equal(server.registrationCount, 1);
    await server.close();
  });
});

describe('associations that end', () => {
  it('the server says close_notify: the client comes back with an Update, resuming its session, and observations go on', async () => {
    const { network, server, driver } = scene([pskEntry('one')]);
    const client = startClient(network, 'one', psk('one'));
    await network.run(3_000);
    const { registrationId } = server.device('one')!.registration;
    const observed = await settled(network, server.device('one')!.observe(VALUE));
    assert.ok(observed.ok);
    const seen: unknown[] = [];
    const reading = (async (): Promise<void> => {
      for await (const { node } of observed.value) seen.push(node?.kind === 'resource' && node.value.value);
    })();
    for (const peer of [...driver.associatedPeers()]) driver.disconnect(peer);
    await assert.rejects(
      settled(network, server.device('one')!.read(VALUE)),
      (error: unknown) => error instanceof OperationFailed && error.code === 'PEER_CLOSED',
    );
    await network.run(5_000);
    assert.equal(server.device('one')?.registration.registrationId, registrationId);
    assert.equal(driver.dtlsCounters.handshakesCompleted, 2);
    assert.equal(driver.dtlsCounters.handshakesResumed, 1);
    client.set(VALUE, 25);
    await network.run(3_000);
    assert.deepEqual(seen, [20, 25], 'the first is the answer to the renewed request');
    await settled(network, observed.value.cancel());
    await reading;
    await settled(network, client.close());
    await server.close();
  });

  it('the server has forgotten the association: the client finds out by its Update and registers over a new one', async () => {
    const shared = new SimulatedNetwork();
    const first = scene([pskEntry('one')], { network: shared });
    const client = startClient(shared, 'one', psk('one'));
    await shared.run(3_000);
    await first.server.close();
    const second = scene([pskEntry('one')], { network: shared });
    const lost: unknown[] = [];
    client.on('lost', () => lost.push(1));
    await shared.run(900_000);
    assert.equal(second.server.registrationCount, 1);
    assert.equal(lost.length, 1);
    await settled(shared, client.close());
    await second.server.close();
  });

  it('the device restarts at the same address: its new association takes the place of the old one', async () => {
    const { network, server, driver } = scene([pskEntry('one')]);
    const first = network.secureDriver(DEVICE);
    first.connect(SERVER, { credentials: psk('one') });
    await network.run(3_000);
    await first.close();
    const client = startClient(network, 'one', psk('one'));
    await network.run(3_000);
    assert.equal(driver.dtlsUsage.associations, 1);
    assert.equal(driver.dtlsCounters.closed.replaced, 1);
    assert.equal(server.registrationCount, 1);
    await settled(network, client.close());
    await server.close();
  });
});

describe('the credentials of a client', () => {
  it('are in its Security Object, and no server reads them (OMA TS Core §6.3)', async () => {
    const { network, server } = scene([pskEntry('one')]);
    const client = startClient(network, 'one', psk('one'));
    await network.run(3_000);
    assert.equal(client.get('/0/0/2'), 0);
    assert.deepEqual(client.get('/0/0/5'), new Uint8Array(16).fill(1));
    const outcome = await settled(network, server.device('one')!.read(resourcePath(0, 0, 5)));
    assert.ok(!outcome.ok);
    await settled(network, client.close());
    await server.close();
  });

  it('must fit the URI: coaps needs some, coap must have none, and the suites must be of their kind', () => {
    const make = (uri: string, account: object) => () =>
      new LwM2mClient(new SimulatedNetwork().secureDriver(DEVICE), {
        endpointClientName: 'one',
        servers: [{ uri, ...account }],
        objects: [],
      });
    assert.throws(make('coaps://10.0.0.1', {}), /needs credentials/);
    assert.throws(make('coap://10.0.0.1', { credentials: psk('one') }), /plaintext/);
    assert.throws(make('coap://10.0.0.1', {}), /speaks coaps alone/);
    assert.throws(
      make('coaps://10.0.0.1', { credentials: psk('one'), cipherSuites: ['TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8'] }),
      /none of the cipher suites/,
    );
  });
});
