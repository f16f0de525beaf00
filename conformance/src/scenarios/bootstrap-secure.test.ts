/** Bootstrap over coaps, and servers that are registered with over coaps afterwards, with other credentials. */
import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { describe } from 'node:test';
import type { BootstrapConfiguration, GeneratedSecurity, ServerAccount } from '@lapwing/bootstrap-server';
import type { ClientCredentials, ServerCredentials } from '@lapwing/dtls';
import { BOOTSTRAP, KINDS, MANAGEMENT, secureServer, type Kind } from '../bootstrap-credentials.ts';
import { BootstrapScene, PLAIN_ACCOUNT, URIS, type BootstrapSceneOptions } from '../bootstrap-scene.ts';
import { authority, issue } from '../certificates.ts';
import { proves } from '../proves.ts';
import { ENDPOINT_CLIENT_NAME } from '../scene.ts';

const SERVER = MANAGEMENT[0]!;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const accountWith = (
  security: ServerAccount['security'],
  more: Partial<ServerAccount> = {},
): BootstrapConfiguration => ({
  servers: [{ shortServerId: 1, uri: URIS.secureServer, security, ...more }],
});
const generated = (mode: Kind): BootstrapConfiguration => accountWith({ mode, generate: true } as GeneratedSecurity);

/** Bootstrapped over coaps with this. */
const bootstrappedWith = (kind: Kind): Partial<BootstrapSceneOptions> => ({
  credentials: BOOTSTRAP.ways[kind].client,
  entries: [BOOTSTRAP.ways[kind].entry],
});

/** How the device has proven itself to the server; and it answers a Read. */
async function provenTo(
  scene: BootstrapScene,
): Promise<{ readonly kind: string; readonly identity: string | undefined }> {
  assert.equal((await scene.server.read('/3/0/0')).values['/3/0/0'], 'Lapwing');
  const { kind, identity } = scene.server.device.registration.security;
  return { kind, identity };
}

describe('scenarios: bootstrap over DTLS', () => {
  proves('bootstrap-secured', KINDS, async (version, kind) => {
    await using scene = await BootstrapScene.registered({ version, ...bootstrappedWith(kind) });
    assert.deepEqual(scene.outcomes, [{ kind: 'finished' }]);
    assert.equal(scene.session.security.kind, kind);
    assert.deepEqual(scene.events, ['started: no-server', 'finished', 'registered 1']);
    assert.equal((await provenTo(scene)).kind, 'none');
    assert.deepEqual(scene.plain('client', 'bootstrap-server'), []);
  });

  proves('bootstrap-secured-without-name', KINDS, async (version, kind) => {
    const other = { ...BOOTSTRAP.ways.psk.entry, endpointClientName: 'another', identity: bytes('b') };
    await using scene = await BootstrapScene.registered({
      version,
      ...bootstrappedWith(kind),
      entries: [BOOTSTRAP.ways[kind].entry, { ...other, kind: 'psk', key: BOOTSTRAP.key }],
      serverEntries: [SERVER.ways[kind].entry],
      configuration: accountWith(SERVER.ways[kind].account),
      client: { nameFromCredentials: true, bootstrap: { pack: false } },
    });
    assert.equal(scene.session.endpointClientName, ENDPOINT_CLIENT_NAME);
    assert.equal((await provenTo(scene)).kind, kind);
  });

  const wrongs = [
    'another key',
    'an identity that is not known',
    'another raw public key',
    'a certificate of another authority',
    'the name of another device',
    'another raw public key of the server',
    'a certificate that is not the one of the server',
  ] as const;
  proves('bootstrap-secured-refused', wrongs, async (version, wrong) => {
    const { psk, rpk, x509 } = BOOTSTRAP.ways;
    const stranger = secureServer('bootstrap.example.com');
    const foreign = issue({ commonName: ENDPOINT_CLIENT_NAME }, authority('Another authority'));
    const key = createSecretKey(bytes('another key'));
    const { identity } = psk.client as Extract<ClientCredentials, { kind: 'psk' }>;
    const server = (x509.client as Extract<ClientCredentials, { kind: 'x509' }>).server;
    const [credentials, entry, refused, reason] = {
      'another key': [{ kind: 'psk', identity, key }, psk.entry, 'wrong-key', /decrypt_error/],
      'an identity that is not known': [
        { kind: 'psk', identity: bytes('nobody'), key },
        psk.entry,
        'unknown-identity',
        /unknown_psk_identity/,
      ],
      'another raw public key': [
        { ...rpk.client, own: (stranger.ways.rpk.client as { own: unknown }).own },
        rpk.entry,
        'unknown-public-key',
        /certificate_unknown/,
      ],
      'a certificate of another authority': [
        { kind: 'x509', own: { chain: [foreign.certificate], privateKey: foreign.privateKey }, server },
        x509.entry,
        'certificate',
        /unknown_ca/,
      ],
      'the name of another device': [
        psk.client,
        { ...psk.entry, endpointClientName: 'another' },
        '4.00 identity',
        /^failed: 4\.00 Bad Request/,
      ],
      'another raw public key of the server': [
        { ...rpk.client, serverPublicKey: stranger.publicKey },
        rpk.entry,
        'alert-received',
        /the server shows the raw public key/,
      ],
      'a certificate that is not the one of the server': [
        { ...x509.client, server: { ...server, certificate: stranger.certificate } },
        x509.entry,
        'alert-received',
        /is not the one in the security object/,
      ],
    }[wrong] as [ClientCredentials, (typeof psk)['entry'], string, RegExp];
    await using scene = BootstrapScene.open({ version, credentials, entries: [entry] });
    await scene.until(() => scene.events.length === 2);
    assert.match(scene.events[1]!, /^failed: /);
    assert.match(scene.events[1]!, reason);
    assert.equal(scene.refused[0], refused);
    assert.deepEqual(scene.bootstrapServer.sessions(), []);
    assert.equal(scene.server.server.registrationCount, 0);
  });

  proves('bootstrap-plain-of-known-device', async (version) => {
    // Who has credentials is not let in without.
    await using scene = BootstrapScene.open({ version, entries: [BOOTSTRAP.ways.psk.entry] });
    await scene.until(() => scene.events.length === 2);
    assert.deepEqual(scene.refused, ['4.00 identity']);
    assert.match(scene.events[1]!, /^failed: 4\.00 Bad Request/);
  });

  proves('bootstrap-sni', ['raw public key', 'certificate'], async (version, shown) => {
    // The Bootstrap-Server and the server have other names at their addresses; who asks for none sees those of nobody.
    const nobody = secureServer('nobody.example.com').credentials;
    const hosting = (own: ServerCredentials, name: string): ServerCredentials => ({
      ...nobody,
      virtualHosts: new Map([[name, own]]),
    });
    const kind = shown === 'certificate' ? 'x509' : 'rpk';
    const options: BootstrapSceneOptions = {
      version,
      ...bootstrappedWith(kind),
      bootstrapCredentials: hosting(BOOTSTRAP.credentials, BOOTSTRAP.hostName),
      serverCredentials: hosting(SERVER.credentials, SERVER.hostName),
      serverEntries: [SERVER.ways[kind].entry],
    };
    const uri = 'coaps://10.0.0.1';
    const { account } = SERVER.ways[kind];
    // /0/x/14 came with 1.1; before, the host of the URI is the name.
    const named =
      version === '1.0'
        ? accountWith(account)
        : accountWith(account, { uri, securityObject: { sni: SERVER.hostName } });
    await using scene = await BootstrapScene.registered({ ...options, configuration: named });
    assert.equal((await provenTo(scene)).kind, kind);
    // The name makes the difference.
    await using nameless = BootstrapScene.open({ ...options, configuration: accountWith(account, { uri }) });
    await nameless.until(() => nameless.outcomes.length === 1);
    await nameless.seconds(20);
    assert.equal(nameless.server.server.registrationCount, 0);
    // And the host of the URI does when there is none.
    const elsewhere = { uri: 'coaps://10.0.0.3' };
    await using lost = BootstrapScene.open({ ...options, account: elsewhere });
    await lost.until(() => lost.events.length === 2);
    assert.match(lost.events[1]!, /^failed: .*(raw public key|certificate)/);
    await using found = await BootstrapScene.registered({
      ...options,
      account: { ...elsewhere, serverName: BOOTSTRAP.hostName },
      configuration: named,
    });
    assert.deepEqual(found.outcomes, [{ kind: 'finished' }]);
  });

  proves('bootstrap-plain-then-secured', KINDS, async (version, kind) => {
    await using scene = await BootstrapScene.registered({
      version,
      serverEntries: [SERVER.ways[kind].entry],
      configuration: accountWith(SERVER.ways[kind].account),
    });
    assert.equal(scene.session.security.kind, 'none');
    assert.equal((await provenTo(scene)).kind, kind);
    assert.deepEqual(scene.plain('client', 'server'), []);
  });

  const pairs = KINDS.flatMap((from) => KINDS.map((to) => `${from}, then ${to}` as const));
  proves('bootstrap-identity-changes', pairs, async (version, pair) => {
    const [from, to] = pair.split(', then ') as [Kind, Kind];
    await using scene = await BootstrapScene.registered({
      version,
      ...bootstrappedWith(from),
      serverEntries: [SERVER.ways[to].entry],
      configuration: accountWith(SERVER.ways[to].account),
    });
    const before = scene.session.security;
    const after = await provenTo(scene);
    assert.deepEqual([before.kind, after.kind], [from, to]);
    // One name, two identities; a key pair is that of the device for both.
    const { endpointClientName } = scene.server.device.registration;
    assert.deepEqual([scene.session.endpointClientName, endpointClientName], Array(2).fill(ENDPOINT_CLIENT_NAME));
    if (from !== 'x509' || to !== 'x509') assert.notEqual(before.identity, after.identity);
    assert.deepEqual(scene.plain(), []);
  });

  proves('bootstrap-generated', KINDS, async (version, kind) => {
    await using scene = await BootstrapScene.registered({
      version,
      ...bootstrappedWith('psk'),
      configuration: generated(kind),
    });
    const known = async (): Promise<readonly string[]> =>
      (await scene.server.server.security.list()).items.map((each) => `${each.endpointClientName} ${each.kind}`);
    assert.deepEqual(await known(), [`${ENDPOINT_CLIENT_NAME} ${kind}`]);
    const first = await provenTo(scene);
    assert.equal(first.kind, kind);
    const { registrationId } = scene.server.device.registration;
    // The next has others, and what the old ones opened is over.
    scene.client.bootstrap();
    await scene.until(() => scene.outcomes.length === 2);
    await scene.until(() => scene.events.filter((event) => event === 'registered 1').length === 2);
    const second = await provenTo(scene);
    assert.notEqual(scene.server.device.registration.registrationId, registrationId);
    if (kind === 'rpk') assert.notEqual(second.identity, first.identity);
    assert.deepEqual(await known(), [`${ENDPOINT_CLIENT_NAME} ${kind}`]);
    assert.deepEqual(
      scene.outcomes.map((outcome) => outcome.kind),
      ['finished', 'finished'],
    );
    assert.deepEqual(scene.plain(), []);
  });

  proves('bootstrap-generated-one-after-the-other', async (version) => {
    await using scene = await BootstrapScene.registered({
      version,
      ...bootstrappedWith('x509'),
      configuration: generated('psk'),
    });
    const proven = [(await provenTo(scene)).kind];
    for (const kind of ['rpk', 'x509'] as const) {
      await scene.configure(generated(kind));
      scene.client.bootstrap();
      const count = scene.outcomes.length + 1;
      await scene.until(() => scene.outcomes.length === count);
      await scene.until(() => scene.events.filter((event) => event === 'registered 1').length === count);
      proven.push((await provenTo(scene)).kind);
    }
    assert.deepEqual(proven, ['psk', 'rpk', 'x509']);
    assert.equal(scene.server.server.registrationCount, 1);
    assert.equal(scene.bootstrapServer.counters.ended.finished, 3);
  });

  proves('bootstrap-renews-itself', KINDS, async (version, kind) => {
    // The account of the Bootstrap-Server itself, for the next time.
    const bootstrapServers = [
      { uri: URIS.secureBootstrap, security: { mode: kind, generate: true } as GeneratedSecurity },
    ];
    await using scene = await BootstrapScene.registered({
      version,
      ...bootstrappedWith('psk'),
      configuration: { ...PLAIN_ACCOUNT, bootstrapServers },
      bootstrapServer: { own: { publicKey: BOOTSTRAP.publicKey, certificate: BOOTSTRAP.certificate } },
    });
    const { identity } = scene.session.security;
    scene.client.bootstrap();
    await scene.until(() => scene.outcomes.length === 2);
    assert.deepEqual(
      scene.outcomes.map((outcome) => outcome.kind),
      ['finished', 'finished'],
    );
    const renewed = scene.session.security;
    assert.deepEqual([renewed.kind, renewed.identity === identity], [kind, false]);
  });
});
