/**
 * 100,000 sequences of handshake messages against an endpoint, both roles, pre-shared keys and raw public keys or
 * certificates, with the specification models of `models/` as oracle; see `handshake-walk.ts`.
 *
 * Most run on `fastCrypto`, which is deterministic and fast; the last of each kind on the real primitives.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeCrypto } from '@lapwing/transport';
import type { CipherSuiteName } from '../src/cipher-suite-table.ts';
import type { ClientCredentials, ServerCredentials } from '../src/credentials.ts';
import type { DtlsCrypto } from '../src/crypto.ts';
import type { LookupAnswer } from '../src/events.ts';
import type { Extensions } from '../src/handshake/extension-codec.ts';
import { encodeCertificateChain, encodeRawPublicKey } from '../src/handshake/certificate-codec.ts';
import type { DtlsParameters } from '../src/parameters.ts';
import { fastCrypto, fastIdentity } from './fast-crypto.ts';
import { HandshakeModel } from './handshake-model.ts';
import { ClientWalk, ServerWalk } from './handshake-walk.ts';
import type { Labels, WalkOptions } from './handshake-walk.ts';
import { NOW } from './handshake-pair.ts';
import { certificate, keyPair, rootCertificate } from './machine-credentials.ts';
import type { KeyPair } from './machine-credentials.ts';
import { ScriptedClient } from './scripted-client.ts';
import type { ClientMessage } from './scripted-client.ts';
import type { ScriptedCredentials } from './scripted-exchange.ts';
import { ScriptedServer } from './scripted-server.ts';
import type { ServerMessage } from './scripted-server.ts';
import { seededRandom } from './seeded.ts';
import type { Seeded } from './seeded.ts';

/** Of each of the four kinds. */
const SEQUENCES = 25_000;
const ON_REAL_PRIMITIVES = 250;
const MAX_STEPS = 16;

const CLIENT_MESSAGES: readonly ClientMessage[] = [
  'client_hello',
  'client_hello_with_cookie',
  'certificate',
  'empty_certificate',
  'client_key_exchange',
  'certificate_verify',
  'change_cipher_spec',
  'finished',
  'wrong_finished',
  'application_data',
];
const SERVER_MESSAGES: readonly ServerMessage[] = [
  'hello_request',
  'hello_verify_request',
  'server_hello',
  'certificate',
  'server_key_exchange',
  'certificate_request',
  'server_hello_done',
  'change_cipher_spec',
  'finished',
  'wrong_finished',
  'application_data',
];

type Kind = 'psk' | 'certificate';

const COMMON: Labels = { change_cipher_spec: '?CHANGE_CIPHER_SPEC', finished: '?FINISHED' };
const SERVER_LABELS: Readonly<Record<Kind, Labels>> = {
  psk: {
    ...COMMON,
    client_hello: '?PSK_CLIENT_HELLO',
    certificate: '?CERTIFICATE',
    empty_certificate: '?EMPTY_CERTIFICATE',
    client_key_exchange: '?PSK_CLIENT_KEY_EXCHANGE',
    certificate_verify: '?CERTIFICATE_VERIFY',
    '!server_key_exchange': '!PSK_SERVER_KEY_EXCHANGE',
  },
  certificate: {
    ...COMMON,
    client_hello: '?ECDH_CLIENT_HELLO',
    certificate: '?CERTIFICATE',
    empty_certificate: '?EMPTY_CERTIFICATE',
    client_key_exchange: '?ECDH_CLIENT_KEY_EXCHANGE',
    certificate_verify: '?CERTIFICATE_VERIFY',
    '!certificate': '!ECDSA_CERTIFICATE',
    '!server_key_exchange': '!ECDHE_SERVER_KEY_EXCHANGE',
  },
};
const CLIENT_LABELS: Readonly<Record<Kind, Labels>> = {
  psk: {
    ...COMMON,
    hello_verify_request: '?HELLO_VERIFY_REQUEST',
    server_hello: '?PSK_SERVER_HELLO',
    certificate: '?CERTIFICATE',
    server_key_exchange: '?PSK_SERVER_KEY_EXCHANGE',
    certificate_request: '?ECDSA_SIGN_CERTIFICATE_REQUEST',
    server_hello_done: '?SERVER_HELLO_DONE',
    '!client_key_exchange': '!PSK_CLIENT_KEY_EXCHANGE',
    // Under a wrong key the peer cannot tell what it is.
    '!unreadable': '!FINISHED',
  },
  certificate: {
    ...COMMON,
    hello_verify_request: '?HELLO_VERIFY_REQUEST',
    server_hello: '?ECDH_SERVER_HELLO',
    certificate: '?CERTIFICATE',
    server_key_exchange: '?ECDH_SERVER_KEY_EXCHANGE',
    certificate_request: '?ECDSA_SIGN_CERTIFICATE_REQUEST',
    server_hello_done: '?SERVER_HELLO_DONE',
    '!certificate': '!ECDSA_CERTIFICATE',
    '!client_key_exchange': '!ECDH_CLIENT_KEY_EXCHANGE',
  },
};

/** A server may want another cookie when its secret has changed; the models do not know that. RFC 6347 §4.2.1. */
const MODELS = {
  server: { psk: new HandshakeModel('servers-psk'), certificate: new HandshakeModel('servers-all_cert_req') },
  client: {
    psk: new HandshakeModel('clients-psk_reneg', ['psk_wait_sh -> psk_send_ch2 [label="?HELLO_VERIFY_REQUEST"]']),
    certificate: new HandshakeModel('clients-all_cert_reneg', ['wait_sh -> send_ch2 [label="?HELLO_VERIFY_REQUEST"]']),
  },
} as const;

/** Who a peer is, and whether it can prove it. */
type Peer = 'right' | 'wrong-key' | 'unknown';
const PEERS: readonly Peer[] = ['right', 'right', 'wrong-key', 'unknown'];

interface Identity {
  readonly publicKey: Uint8Array;
  readonly privateKey: KeyPair['privateKey'];
  /** DER; undefined: a raw public key. */
  readonly certificate?: Uint8Array;
}

/** Keys and certificates on one implementation of the primitives. */
interface World {
  readonly crypto: DtlsCrypto;
  readonly client: Identity;
  readonly server: Identity;
  readonly stranger: Identity;
}

const identified = (name: string): Identity => {
  const pair = keyPair();
  return { ...pair, certificate: certificate(name, pair, { dnsNames: ['lwm2m.example'] }) };
};
const REAL_RAW: World = { crypto: nodeCrypto, client: keyPair(), server: keyPair(), stranger: keyPair() };
const REAL_CERTIFIED: World = {
  crypto: nodeCrypto,
  client: identified('sensor-1'),
  server: identified('server'),
  stranger: identified('stranger'),
};

function fastWorld(random: Seeded): World {
  const crypto = fastCrypto(random.uint32);
  return { crypto, client: fastIdentity(1), server: fastIdentity(2), stranger: fastIdentity(3) };
}

/** Variations of a handshake that change nothing about its order. */
interface Variation {
  readonly kind: Kind;
  readonly peer: Peer;
  readonly suite: CipherSuiteName;
  readonly extensions: Extensions;
  readonly group: 'secp256r1' | 'x25519';
  readonly parameters: Partial<DtlsParameters>;
  /** How often the peer does what the model expects. */
  readonly obedience: number;
}

const SUITES: Readonly<Record<Kind, readonly CipherSuiteName[]>> = {
  psk: ['TLS_PSK_WITH_AES_128_CCM_8', 'TLS_PSK_WITH_AES_128_GCM_SHA256', 'TLS_PSK_WITH_AES_128_CBC_SHA256'],
  certificate: ['TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8', 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'],
};

function variationOf(kind: Kind, random: Seeded): Variation {
  const suite = random.pick(SUITES[kind]);
  return {
    kind,
    peer: random.pick(PEERS),
    suite,
    extensions: {
      extendedMasterSecret: random.chance(0.7) ? true : undefined,
      connectionId: random.pick([undefined, new Uint8Array(0), Uint8Array.of(1, 2, 3)]),
      encryptThenMac: suite.includes('CBC') && random.chance(0.5) ? true : undefined,
    },
    group: random.pick(['secp256r1', 'x25519']),
    parameters: {
      cipherSuites: [suite],
      connectionIdLength: random.pick(['off', 0, 6]),
      tickets: false,
    },
    obedience: random.pick([0.5, 0.8, 0.95]),
  };
}

const IDENTITY = new TextEncoder().encode('sensor-1');
const KEY_BYTES = new TextEncoder().encode('the key of both');
const OTHER_KEY_BYTES = new TextEncoder().encode('a key of nobody');

/** What the peer shows and signs with: a wrong key under the right name, or a name of its own. */
function scriptedCredentials(world: World, own: Identity, { kind, peer }: Variation): ScriptedCredentials {
  const { crypto, stranger } = world;
  if (kind === 'psk') {
    return {
      kind,
      identity: peer === 'unknown' ? Uint8Array.of(0xff) : IDENTITY,
      key: crypto.importSecret(peer === 'right' ? KEY_BYTES : OTHER_KEY_BYTES),
    };
  }
  const shown = peer === 'unknown' ? stranger : own;
  return {
    kind: shown.certificate === undefined ? 'rpk' : 'x509',
    certificate:
      shown.certificate === undefined
        ? encodeRawPublicKey(shown.publicKey)
        : encodeCertificateChain([shown.certificate]),
    privateKey: peer === 'right' ? own.privateKey : stranger.privateKey,
  };
}

function serverWalk(world: World, variation: Variation): ServerWalk {
  const { crypto, client, server } = world;
  const { kind, peer, suite, extensions, group, parameters } = variation;
  const credentials: ServerCredentials = {
    ...(kind === 'psk'
      ? { psk: { identityHint: IDENTITY } }
      : server.certificate === undefined
        ? { rawPublicKey: server }
        : { certificate: { chain: [server.certificate], privateKey: server.privateKey } }),
    clientAuthentication: 'required',
    clientCertificateTypes: ['rpk', 'x509'],
    trustAnchors: [rootCertificate],
  };
  const answer: LookupAnswer =
    peer === 'unknown'
      ? { kind: 'unknown' }
      : kind === 'psk'
        ? { kind: 'key', key: crypto.importSecret(KEY_BYTES) }
        : { kind: 'accepted' };
  const wrong = { right: [], 'wrong-key': ['finished'], unknown: ['client_key_exchange'] };
  const wrongCertificate = { right: [], 'wrong-key': ['certificate_verify'], unknown: ['certificate_verify'] };
  const options: WalkOptions = {
    crypto,
    model: MODELS.server[kind],
    labels: SERVER_LABELS[kind],
    parameters: { ...parameters, groups: [group] },
    wrong: (kind === 'psk' ? wrong : wrongCertificate)[peer],
    unixTime: NOW,
  };
  const scripted = new ScriptedClient({
    crypto,
    credentials: scriptedCredentials(world, client, variation),
    suite,
    extensions,
    group,
  });
  return new ServerWalk(options, credentials, scripted, answer);
}

function clientWalk(world: World, variation: Variation): ClientWalk {
  const { crypto, client, server } = world;
  const { kind, peer, suite, extensions, group, parameters } = variation;
  const credentials: ClientCredentials =
    kind === 'psk'
      ? { kind, identity: IDENTITY, key: crypto.importSecret(KEY_BYTES) }
      : client.certificate === undefined
        ? { kind: 'rpk', own: client, serverPublicKey: server.publicKey }
        : {
            kind: 'x509',
            own: { chain: [client.certificate], privateKey: client.privateKey },
            // The end entity itself, which a stranger of the same authority is not.
            server: { usage: 1, certificate: server.certificate!, matchingType: 0, trustAnchors: [rootCertificate] },
          };
  const wrong = { right: [], 'wrong-key': ['finished'], unknown: ['finished'] };
  const wrongCertificate = { right: [], 'wrong-key': ['server_key_exchange'], unknown: ['certificate'] };
  const options: WalkOptions = {
    crypto,
    model: MODELS.client[kind],
    labels: CLIENT_LABELS[kind],
    parameters,
    wrong: (kind === 'psk' ? wrong : wrongCertificate)[peer],
    unixTime: NOW,
  };
  const scripted = new ScriptedServer({
    crypto,
    credentials: scriptedCredentials(world, server, variation),
    suite,
    extensions,
    group,
  });
  return new ClientWalk(options, { credentials }, scripted);
}

/** What a number of walks came to. */
interface Tally {
  sequences: number;
  completed: number;
  refused: number;
  /** State of the model and message sent in it. */
  readonly covered: Set<string>;
}

function walkOnce<Message extends string>(
  walk: {
    readonly states: readonly string[];
    readonly completed: number;
    readonly refused: number;
    accepts(name: Message): boolean;
    step(name: Message, protection: 'plain' | 'protected'): void;
    finish(): void;
  },
  messages: readonly Message[],
  { peer, obedience }: Variation,
  random: Seeded,
  tally: Tally,
): void {
  const steps = 4 + random.integer(MAX_STEPS - 4);
  for (let i = 0; i < steps; i++) {
    const expected = random.chance(obedience) ? messages.filter((name) => walk.accepts(name)) : [];
    const name = random.pick(expected.length > 0 ? expected : messages);
    for (const state of walk.states) tally.covered.add(`${state} ${name}`);
    walk.step(name, random.chance(0.1) ? 'protected' : 'plain');
  }
  assert.ok(peer === 'right' || walk.completed === 0, 'authenticated without the right key');
  walk.finish();
  tally.sequences++;
  tally.completed += walk.completed;
  tally.refused += walk.refused;
}

function walkOften(role: 'client' | 'server', kind: Kind): Tally {
  const tally: Tally = { sequences: 0, completed: 0, refused: 0, covered: new Set() };
  for (let seed = 1; seed <= SEQUENCES; seed++) {
    const random = seededRandom(seed);
    const isReal = seed > SEQUENCES - ON_REAL_PRIMITIVES;
    const world = isReal ? (seed % 2 === 0 ? REAL_CERTIFIED : REAL_RAW) : fastWorld(random);
    const variation = variationOf(kind, random);
    try {
      if (role === 'server') walkOnce(serverWalk(world, variation), CLIENT_MESSAGES, variation, random, tally);
      else walkOnce(clientWalk(world, variation), SERVER_MESSAGES, variation, random, tally);
    } catch (error) {
      const { peer, suite, extensions, parameters } = variation;
      throw new Error(
        `${role}, ${kind}, seed ${seed}, a peer that is ${peer}, ${suite}, ${JSON.stringify([extensions, parameters])}`,
        { cause: error },
      );
    }
  }
  return tally;
}

describe('a random walk over handshake messages', () => {
  const STATES: Readonly<Record<'client' | 'server', Readonly<Record<Kind, readonly string[]>>>> = {
    server: {
      psk: ['wait_ch1', 'psk_wait_ch2', 'psk_wait_cke', 'wait_ccs', 'wait_fin', 'connected'],
      certificate: [
        'wait_ch1',
        'ecdh_wait_ch2',
        'ecdh_wait_cert',
        'ecdh_wait_cke',
        'ecdh_wait_certver',
        'wait_ccs',
        'wait_fin',
        'connected',
      ],
    },
    client: {
      psk: ['psk_wait_hvr_sh', 'psk_wait_sh', 'psk_wait_ske_shd', 'psk_wait_shd', 'psk_wait_ccs', 'psk_wait_fin'],
      certificate: [
        'wait_hvr_sh',
        'wait_sh',
        'ecdh_wait_cert',
        'ecdh_wait_ske',
        'ecdh_wait_certreq_shd',
        'ecdh_ecdsa_wait_shd',
        'wait_ccs',
        'wait_fin',
      ],
    },
  };
  for (const role of ['server', 'client'] as const) {
    for (const kind of ['psk', 'certificate'] as const) {
      it(`never takes a ${role} with ${kind} where the model does not go, nor opens without the right key`, () => {
        const tally = walkOften(role, kind);
        assert.equal(tally.sequences, SEQUENCES);
        assert.ok(tally.completed > SEQUENCES / 20, `${tally.completed} completed`);
        assert.ok(tally.refused > SEQUENCES / 20, `${tally.refused} refused`);
        for (const state of STATES[role][kind]) {
          for (const name of role === 'server' ? CLIENT_MESSAGES : SERVER_MESSAGES) {
            assert.ok(tally.covered.has(`${state} ${name}`), `${name} was never sent in ${state}`);
          }
        }
      });
    }
  }
});
