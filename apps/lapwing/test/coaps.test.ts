/** Devices over coaps: credentials that the API gave let them in, each under its own name, and what is refused is told. */
import assert from 'node:assert/strict';
import { createSecretKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { LwM2mClient, temperatureObject } from '@lapwing/client';
import { type ClientCredentials, writeCertificate } from '@lapwing/dtls';
import { nodeCrypto } from '@lapwing/transport';
import type { DeviceJson, DeviceListJson, ServerJson } from '../src/rest/schemas.ts';
import type {
  AddedCredentialJson,
  RefusedHandshakeListJson,
  ServerIdentityJson,
  TrustAnchorJson,
} from '../src/rest/security-schemas.ts';
import { RunningApp } from './running-app.ts';

let api: RunningApp;
before(async () => {
  api = await RunningApp.start();
});
after(() => api.close());

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const psk = (identity: string, key: string): ClientCredentials => ({
  kind: 'psk',
  identity: utf8(identity),
  key: createSecretKey(key, 'hex'),
});

/** Begins to register; the caller closes it. */
const device = (endpointClientName: string, credentials: ClientCredentials): Promise<LwM2mClient> =>
  LwM2mClient.start({
    endpointClientName,
    servers: [{ uri: `coaps://127.0.0.1:${api.app.coapsPort}`, lifetimeSeconds: 300, credentials }],
    objects: [temperatureObject({ value: 20 })],
    host: '127.0.0.1',
  });

async function registered(endpointClientName: string, credentials: ClientCredentials): Promise<LwM2mClient> {
  const client = await device(endpointClientName, credentials);
  await client.whenRegistered();
  return client;
}

async function addPsk(name: string, more: object = {}): Promise<AddedCredentialJson & { readonly key: string }> {
  const body = { device: name, kind: 'psk', ...more };
  const added = await api.call<AddedCredentialJson>('POST', '/security/credentials', body);
  assert.equal(added.status, 201);
  return added.body as AddedCredentialJson & { readonly key: string };
}

const detail = async (name: string): Promise<DeviceJson> =>
  (await api.call<DeviceJson>('GET', `/devices/${name}`)).body;

const refusals = async (): Promise<RefusedHandshakeListJson> =>
  (await api.call<RefusedHandshakeListJson>('GET', '/security/refusals')).body;

describe('a device over coaps', () => {
  it('is let in with the key that the API made, read, and shown as secured', async () => {
    const { key } = await addPsk('lamp', { identity: 'id of lamp' });
    const lamp = await registered('lamp', psk('id of lamp', key));
    assert.equal((await api.call('GET', '/devices/lamp/nodes/3303/0/5700')).status, 200);
    const { security } = await detail('lamp');
    const { association } = security;
    assert.deepEqual([security.kind, security.identity], ['psk', 'id of lamp']);
    assert.equal(association?.cipherSuite, 'TLS_PSK_WITH_AES_128_CCM_8');
    assert.deepEqual([association.connectionId, association.addressChanges, association.forgedRecords], [true, 0, 0]);
    const list = await api.call<DeviceListJson>('GET', '/devices?search=lamp');
    assert.deepEqual(list.body.items[0]?.security, { kind: 'psk', identity: 'id of lamp' });
    const server = (await api.call<ServerJson>('GET', '/server')).body;
    assert.ok(server.endpoints.some(({ url }) => url === `coaps://127.0.0.1:${api.app.coapsPort}`));
    assert.equal(server.counters['dtlsHandshakesCompleted'], 1);
    await lamp.close();
  });

  it('is let in with a raw public key', async () => {
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const publicKey = keys.publicKey.export({ type: 'spki', format: 'der' });
    await api.call('POST', '/security/credentials', {
      device: 'door',
      kind: 'rpk',
      publicKey: publicKey.toString('base64'),
    });
    const identity = (await api.call<ServerIdentityJson>('GET', '/security/identity')).body;
    const door = await registered('door', {
      kind: 'rpk',
      own: { publicKey: new Uint8Array(publicKey), privateKey: keys.privateKey },
      serverPublicKey: new Uint8Array(Buffer.from(identity.publicKey.der, 'base64')),
    });
    const { security } = await detail('door');
    assert.equal(security.kind, 'rpk');
    assert.match(security.identity ?? '', /^sha-256;/);
    await door.close();
  });

  it('is let in with a certificate of an authority that is trusted, under the name in it', async () => {
    const authority = issue('Test authority', undefined);
    const added = await api.call<TrustAnchorJson>('POST', '/security/trust-anchors', { certificate: authority.pem });
    assert.equal(added.status, 201);
    const own = issue('gate', authority);
    const identity = (await api.call<ServerIdentityJson>('GET', '/security/identity')).body;
    const credentials: ClientCredentials = {
      kind: 'x509',
      own: { chain: [own.der], privateKey: own.privateKey },
      server: {
        usage: 3,
        certificate: new Uint8Array(new X509Certificate(identity.certificate.pem).raw),
        matchingType: 0,
        trustAnchors: [],
      },
    };
    const gate = await registered('gate', credentials);
    assert.deepEqual((await detail('gate')).security.identity, 'gate');
    await gate.close();
    await api.call('DELETE', `/security/trust-anchors/${added.body.id}`);
    const told = once(api.app.server, 'handshakeRefused');
    const shutOut = await device('gate', credentials);
    await told;
    await shutOut.close();
    assert.equal((await refusals()).items[0]?.reason, 'certificate');
  });

  it('with a wrong key or an identity that nobody has is refused, listed with the reason, and an event', async () => {
    await addPsk('shed', { key: '000102030405060708090a0b0c0d0e0f' });
    const from = api.app.events.lastId;
    const before = (await refusals()).total;
    for (const [identity, reason] of [
      ['nobody', 'unknown-identity'],
      ['shed', 'wrong-key'],
    ] as const) {
      const told = once(api.app.server, 'handshakeRefused');
      const stranger = await device('shed', psk(identity, 'ff'.repeat(16)));
      await told;
      await stranger.close();
      const { items, total } = await refusals();
      const [latest] = items;
      assert.ok(total > before);
      assert.deepEqual([latest?.reason, latest?.claimedIdentity], [reason, identity]);
      assert.match(latest?.address ?? '', /^127\.0\.0\.1:\d+$/);
      assert.match(latest?.text ?? '', /\.$/);
    }
    const events: string[] = [];
    for (let event = api.app.events.next(from); event !== undefined; event = api.app.events.next(event.id)) {
      events.push(`${event.type} ${event.data}`);
    }
    assert.ok(events.some((event) => /^handshake-refused .*"wrong-key"/.test(event)));
    assert.doesNotMatch(events.join('\n'), /000102030405/);
  });

  it('may not register under the name of another, nor over plain CoAP', async () => {
    const { key } = await addPsk('mine');
    await addPsk('yours');
    for (const [start, expected] of [
      [() => device('yours', psk('mine', key)), /^4\.00 .*mine.*yours/],
      [
        () =>
          LwM2mClient.start({
            endpointClientName: 'yours',
            servers: [{ uri: `coap://127.0.0.1:${api.app.coapPort}` }],
            host: '127.0.0.1',
            objects: [],
          }),
        /^4\.03 .*yours.* coaps/,
      ],
    ] as const) {
      const refused = once(api.app.server, 'refused') as Promise<[{ code: string; reason: string }]>;
      const client = await start();
      const [{ code, reason }] = await refused;
      await client.close();
      assert.match(`${code} ${reason}`, expected);
    }
    assert.equal((await api.call('GET', '/devices/yours')).status, 404);
  });

  it('is out at once when its credential is removed', async () => {
    const { key } = await addPsk('lodger');
    const lodger = await registered('lodger', psk('lodger', key));
    const gone = once(api.app.server, 'unregistered');
    assert.equal((await api.call('DELETE', '/security/credentials/lodger/psk')).status, 204);
    await gone;
    assert.equal((await api.call('GET', '/devices/lodger')).status, 404);
    await lodger.close();
  });

  it('that was registered over plain CoAP has to prove itself from the moment it is imported', async () => {
    const plain = await api.device('late');
    const gone = once(api.app.server, 'unregistered');
    const response = await fetch(`${api.app.httpUrl}/api/v1/security/credentials/import`, {
      method: 'POST',
      headers: { 'content-type': 'text/csv' },
      body: 'device,key\nlate,00112233\n',
    });
    assert.equal(response.status, 200);
    await gone;
    assert.equal((await api.call('GET', '/devices/late')).status, 404);
    await plain.close();
  });
});

describe('without coaps', () => {
  it('the simulated devices all come over plain CoAP, also when they had credentials', async () => {
    const plain = await RunningApp.start({ coaps: false });
    assert.equal(plain.app.coapsPort, undefined);
    assert.deepEqual(plain.app.coapUrls, [`coap://127.0.0.1:${plain.app.coapPort}`]);
    await plain.close();
  });
});

interface Issued {
  readonly der: Uint8Array;
  readonly pem: string;
  readonly privateKey: KeyObject;
}

function issue(commonName: string, by: Issued | undefined): Issued {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = writeCertificate(
    {
      subject: { commonName },
      subjectPublicKeyInfo: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
      notBefore: Date.now() - 86_400_000,
      notAfter: Date.now() + 86_400_000,
      ...(by === undefined ? { authority: {} } : { purposes: ['clientAuth'] }),
      issuer: by === undefined ? { privateKey } : { privateKey: by.privateKey, certificate: by.der },
    },
    nodeCrypto,
  );
  return { der, pem: new X509Certificate(der).toString(), privateKey };
}
