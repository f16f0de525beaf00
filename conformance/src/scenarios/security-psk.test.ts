/** Pre-shared keys: who may register with them, and what is asked of a device that has no association. RFC 4279. */
import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { describe } from 'node:test';
import { OperationFailed } from '@lapwing/coap';
import { LwM2mClient } from '@lapwing/client';
import type { ClientCredentials, ServerCredentials } from '@lapwing/dtls';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import type { PskEntry } from '@lapwing/server';
import { device } from '../configurations.ts';
import { at } from '../given.ts';
import { proves } from '../proves.ts';
import { register } from '../raw-register.ts';
import { ENDPOINT_CLIENT_NAME } from '../scene.ts';
import { DEVICE, SecureScene, SERVER, type SecureSceneOptions } from '../secure-scene.ts';

const KEYS: ServerCredentials = {
  psk: {},
  clientAuthentication: 'required',
  clientCertificateTypes: [],
  trustAnchors: [],
};

/** A name, its identity and a key of sixteen such bytes. */
const entry = (endpointClientName: string, fill: number): PskEntry => ({
  kind: 'psk',
  endpointClientName,
  identity: new TextEncoder().encode(`identity ${fill}`),
  key: createSecretKey(new Uint8Array(16).fill(fill)),
});
const OWN = entry(ENDPOINT_CLIENT_NAME, 1);
const OTHER = entry('another device', 2);
const credentials = ({ identity, key }: PskEntry): ClientCredentials => ({ kind: 'psk', identity, key });

const open = (version: LwM2mVersion, options: Partial<SecureSceneOptions> = {}): Promise<SecureScene> =>
  SecureScene.open({ version, server: KEYS, client: credentials(OWN), entries: [OWN, OTHER], ...options });

async function reads(scene: SecureScene): Promise<void> {
  assert.ok((await scene.settle(scene.server.device(ENDPOINT_CLIENT_NAME)!.read(at('/3/0/0')))).ok);
}

const isClosed = (error: unknown): boolean =>
  error instanceof OperationFailed && error.code === 'PEER_CLOSED' && error.retryable;

/** The server ends the association; the device, which is offline, does not come back yet. */
async function loseAssociation(scene: SecureScene): Promise<void> {
  scene.client.goOffline();
  for (const peer of [...scene.driver.associatedPeers()]) scene.driver.disconnect(peer);
  await scene.seconds(5);
  assert.equal(scene.driver.dtlsUsage.associations, 0);
}

/** Datagrams that the server sends from now on. */
function countSent(scene: SecureScene): () => number {
  let count = 0;
  scene.network.onDatagram = ({ host }): void => void (host === SERVER.host && count++);
  return () => count;
}

describe('scenarios: pre-shared keys', () => {
  proves('psk-registered', async (version) => {
    await using scene = await open(version);
    const { security } = scene.server.device(ENDPOINT_CLIENT_NAME)!.registration;
    assert.deepEqual(security, { kind: 'psk', identity: 'identity 1' });
    await reads(scene);
  });

  proves('psk-without-name', async (version) => {
    await using scene = await open(version);
    const answer = await register(scene.network, SERVER, ['lt=60', `lwm2m=${version}`], credentials(OTHER));
    assert.equal(answer.code, '2.01');
    const { security } = scene.server.device(OTHER.endpointClientName)!.registration;
    assert.deepEqual(security, { kind: 'psk', identity: 'identity 2' });
  });

  proves('psk-update-deregister-register', async (version) => {
    await using scene = await open(version);
    await reads(scene);
    scene.client.update();
    await scene.seconds(5);
    await scene.settle(scene.client.close());
    assert.deepEqual(scene.history, ['registered', 'updated', 'deregistered']);
    const again = new LwM2mClient(scene.network.secureDriver(DEVICE), {
      endpointClientName: ENDPOINT_CLIENT_NAME,
      lwm2mVersion: version,
      servers: [{ uri: 'coaps://10.0.0.1', credentials: credentials(OWN) }],
      objects: [device()],
    });
    again.register();
    await scene.seconds(5);
    assert.equal(scene.history.at(-1), 'registered');
    await reads(scene);
    await scene.settle(again.close());
  });

  proves('psk-update-register', async (version) => {
    await using scene = await open(version);
    const { registrationId } = scene.server.device(ENDPOINT_CLIENT_NAME)!.registration;
    scene.client.update();
    await scene.seconds(5);
    scene.client.register();
    await scene.seconds(5);
    assert.equal(scene.server.registrationCount, 1);
    assert.notEqual(scene.server.device(ENDPOINT_CLIENT_NAME)!.registration.registrationId, registrationId);
    assert.ok(!scene.history.includes('deregistered'), 'it takes the place of the other');
    await reads(scene);
  });

  proves('psk-refused', ['another identity', 'another key', 'another name'], async (version, what) => {
    const [options, refused, failure] = {
      'another identity': [{ client: credentials(entry('', 9)) }, 'unknown-identity', /unknown_psk_identity/],
      'another key': [{ client: credentials({ ...OWN, key: OTHER.key }) }, 'wrong-key', /decrypt_error/],
      'another name': [
        { endpointClientName: OTHER.endpointClientName },
        `4.00 identity "identity 1" is known, endpoint "another device" is not allowed: it belongs to "${ENDPOINT_CLIENT_NAME}"`,
        /^4\.00 Bad Request/,
      ],
    }[what] as [Partial<SecureSceneOptions>, string, RegExp];
    await using scene = await open(version, options);
    assert.equal(scene.server.registrationCount, 0);
    assert.equal(scene.refused[0], refused);
    assert.match(scene.failures[0] ?? '', failure);
  });

  proves('psk-removed', async (version) => {
    await using scene = await open(version);
    assert.ok(await scene.server.security.remove(ENDPOINT_CLIENT_NAME));
    assert.deepEqual(scene.history, ['registered', 'removed']);
    assert.equal(scene.driver.dtlsUsage.associations, 0);
    scene.client.update();
    await scene.seconds(30);
    assert.equal(scene.refused[0], 'unknown-identity', 'its session is not resumed either');
    assert.match(scene.failures[0]!, /unknown_psk_identity/);
    assert.equal(scene.server.registrationCount, 0);
  });
});

describe('scenarios: a device without an association', () => {
  proves('unassociated-request', async (version) => {
    await using scene = await open(version);
    await loseAssociation(scene);
    const sent = countSent(scene);
    const reading = scene.server.device(ENDPOINT_CLIENT_NAME)!.read(at('/3/0/0'));
    await assert.rejects(scene.settle(reading), isClosed);
    await scene.seconds(60);
    assert.equal(sent(), 0, 'neither a handshake nor plaintext');
    assert.equal(scene.server.registrationCount, 1);
    scene.client.goOnline();
    await scene.seconds(5);
    await reads(scene);
  });

  proves('unassociated-queue-mode', async (version) => {
    await using scene = await open(version, { clientOptions: { queueMode: true } });
    await loseAssociation(scene);
    const sent = countSent(scene);
    const { server } = scene;
    let isAnswered = false;
    const reading = server.device(ENDPOINT_CLIENT_NAME)!.read(at('/3/0/0'));
    reading.then(
      () => (isAnswered = true),
      () => undefined,
    );
    await scene.seconds(60);
    assert.deepEqual([sent(), isAnswered], [0, false]);
    const [pending] = server.device(ENDPOINT_CLIENT_NAME)!.pendingOperations;
    assert.equal(pending?.state, 'waiting');
    scene.client.goOnline();
    assert.ok((await scene.settle(reading)).ok, 'it goes out when the device has come back');
  });

  const codes = { 'with a Connection ID': 'TIMEOUT', 'without a Connection ID': 'PEER_CLOSED' } as const;
  const ids = Object.keys(codes) as (keyof typeof codes)[];
  proves('identity-at-address-changed', ids, async (version, id) => {
    const third = entry('a third device', 3);
    const dtls = id === 'with a Connection ID' ? {} : ({ connectionIdLength: 'off' } as const);
    await using scene = await open(version, { entries: [OWN, OTHER, third], dtls });
    const queries = [`ep=${OTHER.endpointClientName}`, 'lt=600', `lwm2m=${version}`];
    assert.equal((await register(scene.network, SERVER, queries, credentials(OTHER))).code, '2.01');
    const registered = scene.server.device(OTHER.endpointClientName)!;
    // It has gone without a word, and somebody else has its address.
    const stranger = scene.network.secureDriver(registered.registration.address);
    const arrived: string[] = [];
    stranger.onEvent = ({ kind }): void => void arrived.push(kind);
    const peer = stranger.connect(SERVER, { credentials: credentials(third) });
    await scene.seconds(5);
    assert.equal(stranger.association(peer)?.state, 'open');
    const sent = countSent(scene);
    // With a Connection ID the first may still be there, behind the same NAT: what is sent only it can open.
    const reading = scene.settle(registered.read(at('/3/0/0')));
    await assert.rejects(reading, (error) => error instanceof OperationFailed && error.code === codes[id]);
    assert.deepEqual(arrived, [], 'what is meant for one does not reach the other');
    assert.equal(sent() > 0, id === 'with a Connection ID');
    await stranger.close();
  });
});
