/** Two servers at one address, told apart by the name that a device asks for (SNI). RFC 6066 §3, OMA TS Transport §5.2.8. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { CertificateUsage, ClientCredentials, ServerCredentials } from '@lapwing/dtls';
import { authority, issue, keyPair, type Identity } from '../certificates.ts';
import { at } from '../given.ts';
import { proves } from '../proves.ts';
import { ENDPOINT_CLIENT_NAME } from '../scene.ts';
import { SecureScene } from '../secure-scene.ts';

const HOSTS = ['one.example.com', 'two.example.com'] as const;
type Host = (typeof HOSTS)[number];

const ROOT = authority('Root of the servers');
const MIDDLE = authority('Authority of the servers', ROOT);
const hosts = Object.fromEntries(
  HOSTS.map((name) => [name, { key: keyPair(), identity: issue({ commonName: name, dnsNames: [name] }, MIDDLE) }]),
) as Readonly<Record<Host, { readonly key: ReturnType<typeof keyPair>; readonly identity: Identity }>>;
/** What a device sees that asks for no name, or for another. */
const nobody = issue({ commonName: 'nobody.example.com', dnsNames: ['nobody.example.com'] });

const DEVICES = authority('Authority of the devices');
const DEVICE = issue({ commonName: ENDPOINT_CLIENT_NAME }, DEVICES);
const DEVICE_KEY = keyPair();

const certificateOf = ({ certificate, privateKey }: Identity): ServerCredentials['certificate'] => ({
  chain: [certificate, MIDDLE.certificate],
  privateKey,
});

const SERVER: ServerCredentials = {
  certificate: certificateOf(nobody),
  rawPublicKey: keyPair(),
  virtualHosts: new Map(
    HOSTS.map((name) => [name, { certificate: certificateOf(hosts[name].identity), rawPublicKey: hosts[name].key }]),
  ),
  clientAuthentication: 'required',
  clientCertificateTypes: ['x509', 'rpk'],
  trustAnchors: [DEVICES.certificate],
};

const USAGES = { 'usage 0': 0, 'usage 1': 1, 'usage 2': 2, 'usage 3': 3 } as const;
const usages = Object.keys(USAGES) as (keyof typeof USAGES)[];

/** Of a device that expects this host. */
function expecting(host: Host, usage: CertificateUsage): ClientCredentials {
  return {
    kind: 'x509',
    own: { chain: [DEVICE.certificate], privateKey: DEVICE.privateKey },
    server: {
      usage,
      certificate: { 0: MIDDLE, 1: hosts[host].identity, 2: ROOT, 3: hosts[host].identity }[usage].certificate,
      matchingType: 0,
      trustAnchors: [ROOT.certificate],
    },
  };
}

async function isServed(scene: SecureScene): Promise<void> {
  assert.deepEqual([scene.failures, scene.refused], [[], []]);
  const outcome = await scene.settle(scene.server.device(ENDPOINT_CLIENT_NAME)!.read(at('/3/0/0')));
  assert.ok(outcome.ok);
}

describe('scenarios: the name of a server', () => {
  proves('sni-rpk', async (version) => {
    for (const [asked, expected] of [
      ...HOSTS.map((host) => [host, host] as const),
      [HOSTS[0], HOSTS[1]] as const,
      ['other.example.com', HOSTS[0]] as const,
    ]) {
      await using scene = await SecureScene.open({
        version,
        server: SERVER,
        client: { kind: 'rpk', own: DEVICE_KEY, serverPublicKey: hosts[expected].key.publicKey },
        entries: [{ kind: 'rpk', endpointClientName: ENDPOINT_CLIENT_NAME, publicKey: DEVICE_KEY.publicKey }],
        hostName: asked,
      });
      if (asked === expected) {
        await isServed(scene);
      } else {
        assert.match(scene.failures[0]!, /^the server shows the raw public key with SHA-256 /);
        assert.equal(scene.refused[0], 'alert-received certificate_unknown');
      }
    }
  });

  proves('sni-x509', usages, async (version, usage) => {
    for (const host of HOSTS) {
      await using scene = await SecureScene.open({
        version,
        server: SERVER,
        client: expecting(host, USAGES[usage]),
        hostName: host,
      });
      await isServed(scene);
    }
    // The certificate of the other is no certificate of this one, nor is the one for who asks for another name.
    for (const [asked, failure] of [
      [HOSTS[1], /is not the one in the security object/],
      ['other.example.com', /nobody\.example\.com/],
    ] as const) {
      const client = expecting(HOSTS[0], USAGES[usage]);
      await using scene = await SecureScene.open({ version, server: SERVER, client, hostName: asked });
      const isPinned = USAGES[usage] === 1 || USAGES[usage] === 3;
      // With an authority alone either host is right, as long as its certificate is for the name that was asked for.
      if (asked === HOSTS[1] && !isPinned) await isServed(scene);
      else assert.match(scene.failures[0]!, failure);
    }
  });
});
