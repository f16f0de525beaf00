/**
 * Bootstrap over coap and coaps on one socket of the Client: each party is met the way its account says and no other, and
 * when it is over nothing of the Bootstrap-Server is left. OMA TS Core §6.1, Transport §5.2.
 */
import assert from 'node:assert/strict';
import { createSecretKey, type KeyObject } from 'node:crypto';
import { describe, it } from 'node:test';
import { LwM2mBootstrapServer, MemoryConfigurationStore, type BootstrapOutcome } from '@lapwing/bootstrap-server';
import { LwM2mClient, MemoryStateStore, temperatureObject } from '@lapwing/client';
import type { ServerCredentials } from '@lapwing/dtls';
import { LwM2mServer, MemorySecurityStore } from '@lapwing/server';
import { SimulatedNetwork, type SimulatedDtlsDriver } from '@lapwing/testkit';

type Scheme = 'coap' | 'coaps';
const PORTS = { coap: 5683, coaps: 5684 } as const;
const BOOTSTRAP_SERVER = '10.0.0.3';
const SERVER = '10.0.0.4';
const CLIENT = '10.0.0.2';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const key = (fill: number): KeyObject => createSecretKey(new Uint8Array(16).fill(fill));
const CREDENTIALS: ServerCredentials = {
  psk: {},
  clientAuthentication: 'required',
  clientCertificateTypes: [],
  trustAnchors: [],
};

interface Scene {
  readonly network: SimulatedNetwork;
  readonly bootstrapServer: LwM2mBootstrapServer;
  readonly server: LwM2mServer;
  readonly client: LwM2mClient;
  readonly driver: SimulatedDtlsDriver;
  readonly events: string[];
  readonly outcomes: BootstrapOutcome['kind'][];
  readonly store: MemoryStateStore;
  /** The client's datagrams, each as the host it goes to and whether it is readable CoAP. */
  readonly sent: { readonly to: string; readonly isPlain: boolean }[];
}

/** @param bootstrapKey  the client's; the Bootstrap-Server knows 3. */
function start(ofBootstrapServer: Scheme, ofServer: Scheme, bootstrapKey = 3): Scene {
  const network = new SimulatedNetwork();
  const driverOf = (host: string, scheme: Scheme) =>
    scheme === 'coaps'
      ? network.secureDriver({ host, port: PORTS.coaps }, { server: CREDENTIALS })
      : network.driver({ host, port: PORTS.coap });
  const server = new LwM2mServer({ drivers: [driverOf(SERVER, ofServer)], securityStore: new MemorySecurityStore() });
  const security =
    ofServer === 'coaps'
      ? ({ mode: 'psk', generate: true, identity: 'for the server' } as const)
      : ({ mode: 'none' } as const);
  const configuration = {
    servers: [{ shortServerId: 101, uri: `${ofServer}://${SERVER}`, security, lifetimeSeconds: 600 }],
  };
  const bootstrapServer = new LwM2mBootstrapServer({
    drivers: [driverOf(BOOTSTRAP_SERVER, ofBootstrapServer)],
    configurationStore: new MemoryConfigurationStore([{ endpointClientName: 'dev', configuration }]),
    securityStore: new MemorySecurityStore(
      ofBootstrapServer === 'coaps'
        ? [{ kind: 'psk', endpointClientName: 'dev', identity: bytes('for the Bootstrap-Server'), key: key(3) }]
        : [],
    ),
    lwm2mServers: [{ security: server.security }],
  });
  const outcomes: BootstrapOutcome['kind'][] = [];
  bootstrapServer.on('sessionEnded', (_, { kind }) => outcomes.push(kind));
  const sent: { to: string; isPlain: boolean }[] = [];
  network.onDatagram = (from, to, datagram) =>
    void (from.host === CLIENT && sent.push({ to: to.host, isPlain: datagram[0]! >> 6 === 1 }));
  const store = new MemoryStateStore();
  const scene = { network, bootstrapServer, server, outcomes, sent, store };
  return { ...scene, ...startClient(scene, ofBootstrapServer, bootstrapKey) };
}

function startClient(
  { network, store }: Pick<Scene, 'network' | 'store'>,
  scheme: Scheme,
  bootstrapKey: number,
): Pick<Scene, 'client' | 'driver' | 'events'> {
  const driver = network.secureDriver({ host: CLIENT, port: 56_830 }, { plaintext: true });
  const state = store.load();
  const client = new LwM2mClient(driver, {
    endpointClientName: 'dev',
    servers: [],
    bootstrapServer: {
      uri: `${scheme}://${BOOTSTRAP_SERVER}`,
      ...(scheme === 'coaps' && {
        credentials: { kind: 'psk', identity: bytes('for the Bootstrap-Server'), key: key(bootstrapKey) },
      }),
    },
    bootstrap: { pack: false },
    objects: [temperatureObject({ value: 20 })],
    stateStore: store,
    ...(state !== undefined && { state }),
  });
  const events: string[] = [];
  client.on('bootstrapFinished', () => events.push('finished'));
  client.on('bootstrapFailed', ({ reason, retryIn }) => events.push(`${reason}, again in ${retryIn / 1000} s`));
  client.on('registered', ({ shortServerId }) => events.push(`registered ${shortServerId}`));
  client.register();
  return { client, driver, events };
}

const SCHEMES: readonly Scheme[] = ['coap', 'coaps'];
for (const ofBootstrapServer of SCHEMES) {
  for (const ofServer of SCHEMES) {
    describe(`a Bootstrap-Server of ${ofBootstrapServer} and a server of ${ofServer}`, () => {
      it('are each met their own way; the Bootstrap-Server is left 247 s after Finish', async () => {
        const { network, client, driver, events, outcomes, sent, server } = start(ofBootstrapServer, ofServer);
        await network.run(5_000);
        assert.deepEqual(events, ['finished', 'registered 101']);
        assert.deepEqual(outcomes, ['finished']);
        for (const { to, isPlain } of sent) {
          assert.equal(isPlain, (to === SERVER ? ofServer : ofBootstrapServer) === 'coap', to);
        }
        const usage = (): readonly [number, number] => [
          [...driver.associatedPeers()].length,
          driver.counters.plainPeers,
        ];
        const both = [ofBootstrapServer, ofServer];
        assert.deepEqual(usage(), [both.filter((one) => one === 'coaps').length, both.filter((one) => one === 'coap').length]); // prettier-ignore
        await network.run(250_000);
        assert.deepEqual(usage(), ofServer === 'coaps' ? [1, 0] : [0, 1]);
        assert.equal(client.registrations[0]?.state, 'registered');
        assert.equal(server.device('dev')?.registration.security.kind, ofServer === 'coaps' ? 'psk' : 'none');
        const closed = client.close();
        await network.run(20_000);
        await closed;
        assert.deepEqual(usage(), [0, 0]);
        assert.equal(server.registrationCount, 0);
      });

      it('a restart has nothing to do with the Bootstrap-Server, and the new credentials', async () => {
        const scene = start(ofBootstrapServer, ofServer);
        const { network, driver, sent, store, server } = scene;
        await network.run(5_000);
        await driver.close();
        sent.length = 0;
        const again = startClient({ network, store }, ofBootstrapServer, 3);
        await network.run(60_000);
        assert.deepEqual(again.events, ['registered 101']);
        assert.ok(sent.length > 0 && sent.every(({ to }) => to === SERVER));
        assert.equal(server.registrationCount, 1);
        // It can be asked again, with the credentials it always had.
        again.client.bootstrap();
        await network.run(60_000);
        assert.deepEqual(again.events.slice(1), ['finished', 'registered 101']);
      });
    });
  }
}

it('a Bootstrap-Server with another key is not talked to: back-off, and never a word in plaintext', async () => {
  const { network, client, driver, events, outcomes, sent } = start('coaps', 'coaps', 4);
  await network.run(8 * 60_000);
  assert.deepEqual(events.map((event) => event.replace(/.*, again/, 'again')), ['again in 60 s', 'again in 120 s', 'again in 240 s', 'again in 480 s']); // prettier-ignore
  assert.deepEqual(outcomes, []);
  assert.ok(sent.every(({ isPlain }) => !isPlain));
  assert.deepEqual(client.objectInstanceIds(1), []);
  assert.equal([...driver.associatedPeers()].length, 0);
});

it('what comes in plaintext from the address of a Bootstrap-Server of coaps is not its word', async () => {
  const { network, client, bootstrapServer, driver } = start('coaps', 'coap');
  const [port] = bootstrapServer.drivers;
  await network.run(40);
  assert.ok(client.isBootstrapping);
  // Whoever can send from its address: DELETE /0 and a Finish, Confirmable.
  for (const code of [0x04, 0x02]) {
    const path = code === 0x04 ? [0xb1, 0x30] : [0xb2, 0x62, 0x73];
    network.send({ host: BOOTSTRAP_SERVER, port: port!.localAddress.port }, { host: CLIENT, port: 56_830 }, new Uint8Array([0x40, code, 0x12, code, ...path])); // prettier-ignore
  }
  const { plaintextRefused } = driver.counters;
  await network.run(20);
  assert.equal(driver.counters.plaintextRefused, plaintextRefused + 2);
  await network.run(5_000);
  assert.equal(client.registrations[0]?.state, 'registered');
});
