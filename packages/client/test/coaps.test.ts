/** The client and the server of this project over DTLS, on a simulated network. */
import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { describe, it } from 'node:test';
import { LwM2mClient, temperatureObject, type RegistrationFailure } from '@lapwing/client';
import type { ClientCredentials, ServerCredentials } from '@lapwing/dtls';
import { Temperature } from '@lapwing/lwm2m';
import { LwM2mServer, MemorySecurityStore, type SecurityEntry } from '@lapwing/server';
import { SimulatedNetwork } from '@lapwing/testkit';
import type { PeerAddress } from '@lapwing/transport';

const SERVER = { host: '10.0.0.1', port: 5684 };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const key = (fill: number): ReturnType<typeof createSecretKey> => createSecretKey(new Uint8Array(16).fill(fill));
const PSK_ONLY: ServerCredentials = {
  psk: {},
  clientAuthentication: 'required',
  clientCertificateTypes: [],
  trustAnchors: [],
};

const pskEntry = (endpointClientName: string, fill = 1): SecurityEntry => ({
  kind: 'psk',
  endpointClientName,
  identity: bytes(`identity of ${endpointClientName}`),
  key: key(fill),
});
const psk = (name: string, fill = 1): ClientCredentials => ({
  kind: 'psk',
  identity: bytes(`identity of ${name}`),
  key: key(fill),
});

interface Scene {
  readonly network: SimulatedNetwork;
  readonly server: LwM2mServer;
  readonly said: string[];
}

function scene(entries: readonly SecurityEntry[], network: SimulatedNetwork = new SimulatedNetwork()): Scene {
  const driver = network.secureDriver(SERVER, { server: PSK_ONLY });
  const server = new LwM2mServer({ drivers: [driver], securityStore: new MemorySecurityStore(entries) });
  const said: string[] = [];
  server.on('refused', ({ code, reason }) => said.push(`${code} ${reason}`));
  server.on('handshakeRefused', ({ refusal }) => said.push(refusal.reason));
  return { network, server, said };
}

function client(
  network: SimulatedNetwork,
  name: string,
  credentials: ClientCredentials,
  address: PeerAddress = { host: '10.0.0.2', port: 56_830 },
): LwM2mClient {
  const driver = network.secureDriver(address, { dtls: { connectionIdLength: 0 } });
  const made = new LwM2mClient(driver, {
    endpointClientName: name,
    servers: [{ uri: 'coaps://10.0.0.1', credentials, lifetimeSeconds: 600, retry: { timerSeconds: 5, count: 2 } }],
    objects: [temperatureObject({ value: 20 })],
  });
  made.register();
  return made;
}

async function settled<T>(network: SimulatedNetwork, promise: Promise<T>): Promise<T> {
  let done = false;
  const end = (): void => void (done = true);
  promise.then(end, end);
  for (let waited = 0; !done && waited < 1_000_000; waited += 100) await network.run(100);
  return promise;
}

describe('a client and a server over DTLS with pre-shared keys', () => {
  it('register, read and observe, each knowing how the other is secured', async () => {
    const { network, server } = scene([pskEntry('one')]);
    const device = client(network, 'one', psk('one'));
    await network.run(5_000);
    const security = server.device('one')?.security;
    assert.equal(security?.kind, 'psk');
    assert.equal(security.identity, 'identity of one');
    assert.equal(security.association?.cipherSuite, 'TLS_PSK_WITH_AES_128_CCM_8');
    assert.equal(security.association?.connectionId, true);
    assert.deepEqual(server.device('one')?.registration.security, { kind: 'psk', identity: 'identity of one' });
    const outcome = await settled(network, server.device('one')!.read(Temperature.path(0).sensorValue));
    assert.ok(outcome.ok && outcome.value === 20);
    await settled(network, device.close());
    assert.equal(server.registrationCount, 0);
    await server.close();
  });

  it('whoever names another endpoint than its identity belongs to is refused with 4.00 and both names (OMA TS Core §6.2.1)', async () => {
    const { network, server, said } = scene([pskEntry('one'), pskEntry('two', 2)]);
    const failures: RegistrationFailure[] = [];
    const device = client(network, 'two', psk('one'));
    device.on('registrationFailed', (failure) => failures.push(failure));
    await network.run(3_000);
    const text = 'identity "identity of one" is known, endpoint "two" is not allowed: it belongs to "one"';
    assert.deepEqual(said, [`4.00 ${text}`]);
    assert.equal(failures[0]?.reason, `4.00 Bad Request: ${text}`);
    assert.equal(server.registrationCount, 0);
    await settled(network, device.close());
    await server.close();
  });
});
