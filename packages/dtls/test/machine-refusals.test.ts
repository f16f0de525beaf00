/** Every way a handshake is refused by a machine: the alert, the reason, and a sentence that says what to do. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeCrypto as crypto } from '@lapwing/transport';
import { CIPHER_SUITES } from '../src/cipher-suite-table.ts';
import type { CipherSuiteName } from '../src/cipher-suite-table.ts';
import type { ServerCredentials } from '../src/credentials.ts';
import { UsageError } from '../src/errors.ts';
import {
  decodeCertificateVerify,
  encodeCertificateChain,
  encodeCertificateRequest,
  encodeCertificateVerify,
  encodeRawPublicKey,
} from '../src/handshake/certificate-codec.ts';
import type { Extensions } from '../src/handshake/extension-codec.ts';
import { HANDSHAKE_TYPES } from '../src/handshake/handshake-type-table.ts';
import type { HandshakeTypeName } from '../src/handshake/handshake-type-table.ts';
import type { FlightItem } from '../src/handshake/handshake.ts';
import { decodeServerHello, encodeServerHello } from '../src/handshake/hello-codec.ts';
import type { ClientHello } from '../src/handshake/hello-codec.ts';
import {
  decodeEcdheServerKeyExchange,
  encodeEcdheClientKeyExchange,
  encodeEcdheServerKeyExchange,
  encodePskClientKeyExchange,
} from '../src/handshake/key-exchange-codec.ts';
import { DEFAULT_DTLS_PARAMETERS } from '../src/parameters.ts';
import type { DtlsParameters } from '../src/parameters.ts';
import { HandshakePair, NOW, RecordedOutput, newClient, newServer } from './handshake-pair.ts';
import type { MachineLookup, PairOptions, Sender } from './handshake-pair.ts';
import {
  CLIENTS,
  EVERYTHING,
  IDENTITY,
  certificate,
  clientPair,
  keyPair,
  knowsEveryone,
  serverPair,
} from './machine-credentials.ts';
import { decoded, greet, scriptedPskServer } from './scripted-peers.ts';
import type { HelloChanges } from './scripted-peers.ts';

const EMPTY = new Uint8Array(0);
const PSK_CCM = 'TLS_PSK_WITH_AES_128_CCM_8';
const ECDHE_CCM = 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8';
const PSK_CBC = 'TLS_PSK_WITH_AES_128_CBC_SHA256';
const DAY = 86_400_000;

interface Expected {
  readonly reason: string;
  readonly alert: string;
  readonly text: RegExp;
  readonly claimed?: RegExp;
}

/** It failed like this, once, and nothing came of it. */
function assertRefused(output: RecordedOutput, { reason, alert, text, claimed }: Expected): void {
  const [failure] = output.failures;
  assert.ok(failure !== undefined, 'it was not refused');
  assert.deepEqual([failure.reason, failure.alert], [reason, alert], failure.text);
  assert.match(failure.text, text);
  if (claimed !== undefined) assert.match(failure.claimedIdentity ?? '', claimed);
  assert.deepEqual([output.failures.length, output.results.length], [1, 0]);
}

function pair(kind: keyof typeof CLIENTS, changes: Partial<PairOptions> = {}): HandshakePair {
  return new HandshakePair({
    client: { credentials: CLIENTS[kind] },
    server: { credentials: EVERYTHING },
    answer: knowsEveryone,
    ...changes,
  });
}

/** One message of one side arrives with another body. */
function replaced(
  sender: Sender,
  name: HandshakeTypeName,
  change: (body: Uint8Array) => Uint8Array,
): (item: FlightItem, from: Sender) => readonly FlightItem[] {
  return (item, from) =>
    from === sender && item.kind === 'message' && item.message.type === HANDSHAKE_TYPES[name]
      ? [{ ...item, message: { ...item.message, body: change(item.message.body) } }]
      : [item];
}

/** The ServerHello arrives with other extensions, and the same randoms. */
function answering(extensions: Extensions): ReturnType<typeof replaced> {
  return replaced('server', 'server_hello', (body) => {
    const hello = decoded(decodeServerHello(body));
    return encodeServerHello({ ...hello, extensions: { ...hello.extensions, ...extensions } });
  });
}

describe('a ClientHello is refused', () => {
  const cases: readonly (readonly [
    what: string,
    suites: readonly (CipherSuiteName | number)[],
    extensions: Extensions,
    expected: Expected,
    changes?: {
      readonly hello?: Partial<ClientHello>;
      readonly credentials?: Partial<ServerCredentials>;
      readonly parameters?: Partial<DtlsParameters>;
    },
  ])[] = [
    [
      'of DTLS 1.0',
      [PSK_CCM],
      {},
      {
        reason: 'no-common-version',
        alert: 'protocol_version',
        text: /offers DTLS 1\.0; this server supports DTLS 1\.2/,
      },
      { hello: { version: 0xfeff } },
    ],
    [
      'of TLS',
      [PSK_CCM],
      {},
      { reason: 'no-common-version', alert: 'protocol_version', text: /offers version 0x0303/ },
      { hello: { version: 0x0303 } },
    ],
    [
      'with suites nobody implements',
      [0xc0ac, 0x00ff],
      {},
      {
        reason: 'no-common-cipher-suite',
        alert: 'handshake_failure',
        text: /the client offers 0xc0ac; this server supports TLS_ECDHE_.* and TLS_PSK_WITH_AES_128_GCM_SHA256: add a suite in common/,
      },
    ],
    [
      'with a CBC suite that is not enabled',
      [PSK_CBC, 0x008c],
      {},
      {
        reason: 'no-common-cipher-suite',
        alert: 'handshake_failure',
        text: /offers TLS_PSK_WITH_AES_128_CBC_SHA256 and 0x008c; .*: enable TLS_PSK_WITH_AES_128_CBC_SHA256 on the server/,
      },
    ],
    [
      'with pre-shared keys where there are none',
      [PSK_CCM],
      {},
      { reason: 'no-common-cipher-suite', alert: 'handshake_failure', text: /give the server pre-shared keys/ },
      { credentials: { psk: undefined! } },
    ],
    [
      'with certificate suites where there is no certificate',
      [ECDHE_CCM],
      {},
      { reason: 'no-common-cipher-suite', alert: 'handshake_failure', text: /a certificate or a raw public key/ },
      { credentials: { certificate: undefined!, rawPublicKey: undefined! } },
    ],
    [
      'where there are no credentials at all',
      [ECDHE_CCM],
      {},
      { reason: 'no-common-cipher-suite', alert: 'handshake_failure', text: /supports none, for lack of credentials/ },
      { credentials: { certificate: undefined!, rawPublicKey: undefined!, psk: undefined! } },
    ],
    [
      'with more suites than anybody wants to read',
      Array.from({ length: 40 }, (_, i) => 0x1301 + i),
      {},
      { reason: 'no-common-cipher-suite', alert: 'handshake_failure', text: /0x1308 and 32 more; / },
    ],
    [
      'with groups under 255 bits only (LwM2M)',
      [ECDHE_CCM],
      { supportedGroups: [21, 19, 3] },
      {
        reason: 'no-common-group',
        alert: 'handshake_failure',
        text: /offers the groups 0x0015, 0x0013 and 0x0003; this server supports secp256r1 and x25519/,
      },
    ],
    [
      'with a group that is turned off',
      [ECDHE_CCM],
      { supportedGroups: [29] },
      {
        reason: 'no-common-group',
        alert: 'handshake_failure',
        text: /the groups x25519; this server supports secp256r1, and/,
      },
      { parameters: { groups: ['secp256r1'] } },
    ],
    [
      "without the curve of the server's own key (RFC 8422 §5.1.1)",
      [ECDHE_CCM],
      { supportedGroups: [29] },
      {
        reason: 'no-common-group',
        alert: 'handshake_failure',
        text: /the groups x25519; this server supports secp256r1 and x25519, and its own key is on secp256r1: enable secp256r1/,
      },
    ],
    [
      'without uncompressed points (RFC 8422 §5.1.2)',
      [ECDHE_CCM],
      { supportedGroups: [23], ecPointFormats: [1] },
      { reason: 'no-common-group', alert: 'handshake_failure', text: /does not take uncompressed points/ },
    ],
    [
      'without a signature in common',
      [ECDHE_CCM],
      { signatureAlgorithms: [0x0401, 0x0203] },
      {
        reason: 'no-common-signature-algorithm',
        alert: 'handshake_failure',
        text: /accepts signatures with rsa-sha256 and 0x0203; this server signs with ecdsa-sha256/,
      },
    ],
    [
      'that takes only certificates of a server that has a raw public key (RFC 7250 §4.2)',
      [ECDHE_CCM],
      {},
      {
        reason: 'no-common-certificate-type',
        alert: 'unsupported_certificate',
        text: /accepts X\.509 certificates of the server; this server has raw public keys/,
      },
      { credentials: { certificate: undefined! } },
    ],
    [
      'that takes only raw public keys of a server that has a certificate (RFC 7250 §4.2)',
      [ECDHE_CCM],
      { serverCertificateTypes: [2, 1] },
      {
        reason: 'no-common-certificate-type',
        alert: 'unsupported_certificate',
        text: /accepts raw public keys and certificates of type 1 of the server; this server has X\.509 certificates/,
      },
      { credentials: { rawPublicKey: undefined! } },
    ],
    [
      'that shows certificates where only raw public keys are accepted (RFC 7250 §4.2)',
      [ECDHE_CCM],
      {},
      {
        reason: 'no-common-certificate-type',
        alert: 'unsupported_certificate',
        text: /can show X\.509 certificates; this server accepts raw public keys of clients/,
      },
      { credentials: { clientCertificateTypes: ['rpk'] } },
    ],
    [
      'that renegotiates (RFC 5746 §3.6)',
      [PSK_CCM],
      { renegotiationInfo: new Uint8Array(12) },
      { reason: 'renegotiation', alert: 'handshake_failure', text: /renegotiates in a first handshake/ },
    ],
  ];
  for (const [what, suites, extensions, expected, changes] of cases) {
    it(what, () => {
      const output = new RecordedOutput();
      const server = newServer(
        {
          credentials: { ...EVERYTHING, ...changes?.credentials },
          parameters: { ...DEFAULT_DTLS_PARAMETERS, ...changes?.parameters },
        },
        output,
      );
      greet(server, suites, extensions, changes?.hello);
      assertRefused(output, expected);
      assert.deepEqual([output.flights, output.keys, output.lookups], [[], [], []]);
    });
  }

  it('not when a later suite works although the first one does not', () => {
    const output = new RecordedOutput();
    greet(newServer({ credentials: EVERYTHING }, output), [ECDHE_CCM, PSK_CCM], { supportedGroups: [21] });
    assert.deepEqual(output.failures, []);
    assert.equal(output.flights[0]!.items.length, 2, 'ServerHello and ServerHelloDone');
  });
  it('not without signature_algorithms: the suites mean SHA-256 (RFC 7925 §4.4)', () => {
    const output = new RecordedOutput();
    greet(newServer({ credentials: EVERYTHING }, output), [ECDHE_CCM], {});
    assert.deepEqual(output.failures, []);
  });
  it('not with a version above 1.2, which is answered with 1.2', () => {
    const output = new RecordedOutput();
    greet(newServer({ credentials: EVERYTHING }, output), [PSK_CCM], {}, { version: 0xfefc });
    assert.deepEqual(output.failures, []);
  });
  it("and the server's preference decides among what it accepts", () => {
    const output = new RecordedOutput();
    const cipherSuites = ['TLS_PSK_WITH_AES_128_GCM_SHA256', PSK_CCM] as const;
    const parameters = { ...DEFAULT_DTLS_PARAMETERS, cipherSuites };
    greet(newServer({ credentials: EVERYTHING, parameters }, output), [PSK_CCM, 'TLS_PSK_WITH_AES_128_GCM_SHA256'], {});
    const [hello] = output.flights[0]!.items;
    assert.ok(hello?.kind === 'message');
    assert.deepEqual(hello.message.body.subarray(35, 37), Uint8Array.of(0x00, 0xa8));
  });
});

describe('a client with a pre-shared key is refused', () => {
  it('when nobody has its identity (OMA TS Transport, RFC 4279 §2)', () => {
    const run = pair('psk', { answer: () => ({ kind: 'unknown' }) }).run();
    assertRefused(run.serverOutput, {
      reason: 'unknown-identity',
      alert: 'unknown_psk_identity',
      text: /nobody is known by the pre-shared key identity 'sensor-1': add it to the server/,
      claimed: /^sensor-1$/,
    });
    assert.equal(run.serverOutput.keys.length, 0);
  });
  it('when nobody has its identity and that is not told: only its Finished is wrong', () => {
    const parameters = { ...DEFAULT_DTLS_PARAMETERS, unknownIdentityAlert: false };
    const answer = (): { kind: 'unknown' } => ({ kind: 'unknown' });
    const run = pair('psk', { server: { credentials: EVERYTHING, parameters }, answer }).run();
    assert.equal(run.serverOutput.keys.length, 1);
    assertRefused(run.serverOutput, {
      reason: 'bad-key-exchange',
      alert: 'decrypt_error',
      text: /Finished/,
      claimed: /sensor-1/,
    });
  });
  it('with the wrong key: the Finished of neither side fits', () => {
    const key = crypto.importSecret(new TextEncoder().encode('0123456789abcdeg'));
    const run = pair('psk', { client: { credentials: { kind: 'psk', identity: IDENTITY, key } } }).run();
    assertRefused(run.serverOutput, { reason: 'bad-key-exchange', alert: 'decrypt_error', text: /client's Finished/ });
    assert.equal(run.clientOutput.results.length, 0);
    assert.notDeepEqual(
      crypto.exportSecret(run.clientOutput.keys[0]!.client.key),
      crypto.exportSecret(run.serverOutput.keys[0]!.client.key),
    );
  });
  it('when the store fails', () => {
    const run = pair('psk', { answer: () => ({ kind: 'failed', text: 'the disk is gone' }) }).run();
    assertRefused(run.serverOutput, { reason: 'lookup-failed', alert: 'internal_error', text: /the disk is gone$/ });
  });
  it('with an identity of more than 128 bytes', () => {
    const identity = new Uint8Array(129);
    const onTheWay = replaced('client', 'client_key_exchange', () => encodePskClientKeyExchange(identity));
    const run = pair('psk', { onTheWay }).run();
    assertRefused(run.serverOutput, { reason: 'malformed-message', alert: 'decode_error', text: /129 bytes/ });
    assert.equal(run.serverOutput.lookups.length, 0);
  });
  for (const [identity, shown] of [
    [Uint8Array.of(0xff, 0x00, 0x12), /^0xff0012$/],
    [new TextEncoder().encode('line\nbreak'), /^0x6c696e650a627265616b$/],
    [new TextEncoder().encode('\u202eabc'), /^0xe280ae616263$/],
    [new TextEncoder().encode('Wärme 7'), /^Wärme 7$/],
    [EMPTY, /^0x$/],
  ] as const) {
    it(`and its identity is shown as the credentials are, so that it disturbs no log: ${shown.source}`, () => {
      const credentials = { ...CLIENTS.psk, identity };
      const run = pair('psk', { client: { credentials }, answer: () => ({ kind: 'unknown' }) }).run();
      assert.match(run.serverOutput.failure!.claimedIdentity!, shown);
    });
  }
});

describe('a client with a certificate suite is refused', () => {
  const lookups: MachineLookup[] = [];
  const counted = (lookup: MachineLookup): ReturnType<typeof knowsEveryone> => {
    lookups.push(lookup);
    return knowsEveryone(lookup);
  };
  const refused = (kind: 'rpk' | 'x509', expected: Expected, changes: Partial<PairOptions>): void => {
    lookups.length = 0;
    const run = pair(kind, { answer: counted, ...changes }).run();
    assertRefused(run.serverOutput, expected);
    assert.deepEqual(run.clientOutput.results, []);
    assert.deepEqual(lookups, [], 'the store was asked about somebody who has proven nothing');
  };
  const stranger = keyPair();
  const largeKey = keyPair('secp384r1');

  it('when it shows no raw public key', () => {
    refused(
      'rpk',
      {
        reason: 'no-certificate',
        alert: 'handshake_failure',
        text: /shows no raw public key, and this server requires one/,
      },
      { onTheWay: replaced('client', 'certificate', () => encodeRawPublicKey(EMPTY)) },
    );
  });
  it('when it has no certificate (RFC 5246 §7.4.6)', () => {
    refused(
      'x509',
      {
        reason: 'no-certificate',
        alert: 'handshake_failure',
        text: /shows no certificate, and this server requires one/,
      },
      { client: { credentials: { kind: 'x509', server: CLIENTS.x509.server } } },
    );
  });
  it('when its raw public key is on another curve', () => {
    refused(
      'rpk',
      { reason: 'certificate', alert: 'unsupported_certificate', text: /P-384, and P-256 is needed/ },
      { onTheWay: replaced('client', 'certificate', () => encodeRawPublicKey(largeKey.publicKey)) },
    );
  });
  it('when its raw public key is none', () => {
    refused(
      'rpk',
      { reason: 'certificate', alert: 'bad_certificate', text: /raw public key is malformed/ },
      { onTheWay: replaced('client', 'certificate', () => encodeRawPublicKey(Uint8Array.of(0x30, 0x03, 1, 2, 3))) },
    );
  });
  it('when it shows the key of another and cannot sign with it', () => {
    refused(
      'rpk',
      {
        reason: 'bad-signature',
        alert: 'decrypt_error',
        text: /client's signature does not fit its key/,
        claimed: /raw public key/,
      },
      { client: { credentials: { ...CLIENTS.rpk, own: { ...clientPair, privateKey: stranger.privateKey } } } },
    );
  });
  it('when it shows the certificate of another and cannot sign with its key', () => {
    const own = { ...CLIENTS.x509.own, privateKey: stranger.privateKey };
    refused(
      'x509',
      { reason: 'bad-signature', alert: 'decrypt_error', text: /signature does not fit/, claimed: /^sensor-1$/ },
      { client: { credentials: { ...CLIENTS.x509, own } } },
    );
  });
  it('when its signature is of another handshake', () => {
    let earlier: Uint8Array = EMPTY;
    pair('rpk', { onTheWay: replaced('client', 'certificate_verify', (body) => (earlier = body)) }).run();
    refused(
      'rpk',
      { reason: 'bad-signature', alert: 'decrypt_error', text: /signature does not fit/ },
      { onTheWay: replaced('client', 'certificate_verify', () => earlier) },
    );
  });
  for (const [algorithm, name] of [
    [0x0503, 'ecdsa-sha384'],
    [0x0201, '0x0201'],
  ] as const) {
    it(`when it signs with ${name}, which was not offered`, () => {
      const resigned = (body: Uint8Array): Uint8Array =>
        encodeCertificateVerify({ ...decoded(decodeCertificateVerify(body)), algorithm });
      refused(
        'rpk',
        {
          reason: 'bad-signature',
          alert: 'illegal_parameter',
          text: new RegExp(`signs with ${name}, which was not offered`),
        },
        { onTheWay: replaced('client', 'certificate_verify', resigned) },
      );
    });
  }
  it('when its certificate is of an authority nobody trusts', () => {
    refused(
      'x509',
      { reason: 'certificate', alert: 'unknown_ca', text: /./, claimed: /sensor-1/ },
      { server: { credentials: { ...EVERYTHING, trustAnchors: [] } } },
    );
  });
  it('when its certificate has expired', () => {
    const expired = certificate('sensor-1', clientPair, { notAfter: NOW - DAY });
    const own = { ...CLIENTS.x509.own, chain: [expired] };
    refused(
      'x509',
      { reason: 'certificate', alert: 'certificate_expired', text: /./, claimed: /sensor-1/ },
      { client: { credentials: { ...CLIENTS.x509, own } } },
    );
  });
  it('when nobody is known by its raw public key, which it has proven to hold', () => {
    const run = pair('rpk', { answer: () => ({ kind: 'unknown' }) }).run();
    assertRefused(run.serverOutput, {
      reason: 'unknown-public-key',
      alert: 'certificate_unknown',
      text: /nobody is known by the raw public key with SHA-256 [0-9a-f]{64}: add it to the server/,
    });
  });
  it('when nobody is known by its certificate, which is valid', () => {
    const run = pair('x509', { answer: () => ({ kind: 'unknown' }) }).run();
    assertRefused(run.serverOutput, {
      reason: 'certificate',
      alert: 'access_denied',
      text: /the certificate of 'sensor-1' is valid and nobody is known by it/,
      claimed: /^sensor-1$/,
    });
  });

  const off = new Uint8Array(65).fill(1);
  off[0] = 4;
  const points: readonly (readonly [string, Uint8Array])[] = [
    ['is not on the curve (RFC 8422 §5.11)', off],
    ['is compressed', crypto.generateEphemeral('secp256r1').publicBytes.slice(0, 33).fill(2, 0, 1)],
    ['is the point at infinity', Uint8Array.of(0)],
    ['is of the other group', crypto.generateEphemeral('x25519').publicBytes],
  ];
  for (const [what, point] of points) {
    it(`when its key for the exchange ${what}`, () => {
      const onTheWay = replaced('client', 'client_key_exchange', () => encodeEcdheClientKeyExchange(point));
      refused(
        'rpk',
        { reason: 'bad-key-exchange', alert: 'illegal_parameter', text: /none of the group secp256r1/ },
        { onTheWay },
      );
    });
  }
  it('when its x25519 key gives the all-zero secret (RFC 8422 §5.11)', () => {
    const parameters = { ...DEFAULT_DTLS_PARAMETERS, groups: ['x25519'] as const };
    refused(
      'rpk',
      { reason: 'bad-key-exchange', alert: 'illegal_parameter', text: /none of the group x25519/ },
      {
        server: { credentials: EVERYTHING, parameters },
        onTheWay: replaced('client', 'client_key_exchange', () => encodeEcdheClientKeyExchange(new Uint8Array(32))),
      },
    );
  });
});

describe('a server is refused', () => {
  const hellos: readonly (readonly [string, HelloChanges, Expected, Partial<DtlsParameters>?])[] = [
    [
      'that chooses DTLS 1.0',
      { version: 0xfeff },
      { reason: 'no-common-version', alert: 'protocol_version', text: /chooses version 0xfeff/ },
    ],
    [
      'that chooses a suite that was not offered',
      { cipherSuite: 0x00ae },
      {
        reason: 'no-common-cipher-suite',
        alert: 'illegal_parameter',
        text: /chooses TLS_PSK_WITH_AES_128_CBC_SHA256, and was offered/,
      },
    ],
    [
      'that chooses a signalling suite',
      { cipherSuite: 0x00ff },
      { reason: 'no-common-cipher-suite', alert: 'illegal_parameter', text: /./ },
    ],
    [
      'that answers with an extension that was not offered (RFC 5246 §7.4.1.4)',
      { extensions: { maxFragmentLength: 512 } },
      {
        reason: 'malformed-message',
        alert: 'unsupported_extension',
        text: /max_fragment_length, which was not offered/,
      },
    ],
    [
      'that answers encrypt-then-MAC without being asked',
      { extensions: { encryptThenMac: true } },
      { reason: 'malformed-message', alert: 'unsupported_extension', text: /encrypt_then_mac/ },
    ],
    [
      'that chooses encrypt-then-MAC with an AEAD suite (RFC 7366 §3)',
      { extensions: { encryptThenMac: true }, cipherSuite: 0xc0a8 },
      {
        reason: 'malformed-message',
        alert: 'illegal_parameter',
        text: /encrypt-then-MAC with TLS_PSK_WITH_AES_128_CCM_8/,
      },
      { cipherSuites: [PSK_CBC, PSK_CCM] },
    ],
    [
      'that answers another max_fragment_length (RFC 6066 §4)',
      { extensions: { maxFragmentLength: 512 } },
      { reason: 'malformed-message', alert: 'illegal_parameter', text: /another max_fragment_length/ },
      { maxFragmentLength: 1024 },
    ],
    [
      'that renegotiates (RFC 5746 §3.4)',
      { extensions: { renegotiationInfo: Uint8Array.of(1) } },
      { reason: 'renegotiation', alert: 'handshake_failure', text: /renegotiates/ },
    ],
  ];
  for (const [what, changes, expected, parameters] of hellos) {
    it(what, () => {
      const output = new RecordedOutput();
      const client = newClient(
        { credentials: CLIENTS.psk, parameters: { ...DEFAULT_DTLS_PARAMETERS, ...parameters } },
        output,
      );
      scriptedPskServer(client, output, () => changes);
      assertRefused(output, expected);
      assert.equal(output.keys.length, 0);
    });
  }
  it('that chooses a compression', () => {
    const compressed = (body: Uint8Array): Uint8Array => {
      const changed = body.slice();
      changed[2 + 32 + 1 + body[34]! + 2] = 1;
      return changed;
    };
    const run = pair('psk', { onTheWay: replaced('server', 'server_hello', compressed) }).run();
    assertRefused(run.clientOutput, { reason: 'malformed-message', alert: 'illegal_parameter', text: /compression/ });
  });

  const refused = (kind: 'rpk' | 'x509', expected: Expected, changes: Partial<PairOptions>): void => {
    const run = pair(kind, changes).run();
    assertRefused(run.clientOutput, expected);
    assert.deepEqual(run.serverOutput.results, []);
    assert.equal(run.clientOutput.keys.length, 0);
  };
  const stranger = keyPair();

  it('that shows another raw public key than the expected one (RFC 7250 §6)', () => {
    refused(
      'rpk',
      {
        reason: 'unknown-public-key',
        alert: 'certificate_unknown',
        text: /with SHA-256 [0-9a-f]{64}, and the one with [0-9a-f]{64} is expected/,
      },
      { server: { credentials: { ...EVERYTHING, rawPublicKey: stranger } } },
    );
  });
  it('that shows a raw public key on another curve', () => {
    const { publicKey } = keyPair('secp384r1');
    refused(
      'rpk',
      { reason: 'certificate', alert: 'unsupported_certificate', text: /P-384/ },
      { onTheWay: replaced('server', 'certificate', () => encodeRawPublicKey(publicKey)) },
    );
  });
  it('that shows no certificate', () => {
    refused(
      'x509',
      { reason: 'certificate', alert: 'bad_certificate', text: /no certificate/ },
      { onTheWay: replaced('server', 'certificate', () => encodeCertificateChain([])) },
    );
  });
  it('whose certificate is for another name (RFC 6125)', () => {
    const server = { ...CLIENTS.x509.server, serverName: 'other.example' };
    refused(
      'x509',
      { reason: 'certificate', alert: 'bad_certificate', text: /other\.example/ },
      { client: { credentials: { ...CLIENTS.x509, server } } },
    );
  });
  it('that does not take part in raw public keys (RFC 7250 §4.2)', () => {
    const run = pair('rpk', { server: { credentials: { ...EVERYTHING, rawPublicKey: undefined! } } }).run();
    assertRefused(run.serverOutput, {
      reason: 'no-common-certificate-type',
      alert: 'unsupported_certificate',
      text: /./,
    });
  });
  it('that holds another key than the one it shows', () => {
    for (const kind of ['rpk', 'x509'] as const) {
      const credentials = {
        ...EVERYTHING,
        rawPublicKey: { ...serverPair, privateKey: stranger.privateKey },
        certificate: { ...EVERYTHING.certificate!, privateKey: stranger.privateKey },
      };
      refused(
        kind,
        { reason: 'bad-signature', alert: 'decrypt_error', text: /server's signature does not fit its key/ },
        { server: { credentials } },
      );
    }
  });
  it('that repeats the key exchange of another handshake: the randoms are signed (RFC 8422 §5.4)', () => {
    let earlier: Uint8Array = EMPTY;
    pair('rpk', { onTheWay: replaced('server', 'server_key_exchange', (body) => (earlier = body)) }).run();
    refused(
      'rpk',
      { reason: 'bad-signature', alert: 'decrypt_error', text: /signature does not fit/ },
      { onTheWay: replaced('server', 'server_key_exchange', () => earlier) },
    );
  });
  const exchanges: readonly (readonly [string, object, Expected])[] = [
    [
      'that chooses a group that was not offered',
      { group: 24 },
      {
        reason: 'no-common-group',
        alert: 'illegal_parameter',
        text: /chooses the group 0x0018, which was not offered/,
      },
    ],
    [
      'that signs with an algorithm that was not offered',
      { algorithm: 0x0401 },
      { reason: 'bad-signature', alert: 'illegal_parameter', text: /signs with rsa-sha256, which was not offered/ },
    ],
    [
      'whose key for the exchange was changed',
      { publicBytes: crypto.generateEphemeral('secp256r1').publicBytes },
      { reason: 'bad-signature', alert: 'decrypt_error', text: /signature does not fit/ },
    ],
  ];
  for (const [what, change, expected] of exchanges) {
    it(what, () => {
      const changed = (body: Uint8Array): Uint8Array =>
        encodeEcdheServerKeyExchange({ ...decoded(decodeEcdheServerKeyExchange(body)), ...change });
      refused('rpk', expected, { onTheWay: replaced('server', 'server_key_exchange', changed) });
    });
  }
  it('that chooses a group this client has turned off', () => {
    const parameters = { ...DEFAULT_DTLS_PARAMETERS, groups: ['secp256r1'] as const };
    const changed = (body: Uint8Array): Uint8Array =>
      encodeEcdheServerKeyExchange({ ...decoded(decodeEcdheServerKeyExchange(body)), group: 29 });
    refused(
      'rpk',
      { reason: 'no-common-group', alert: 'illegal_parameter', text: /the group x25519, which was not offered/ },
      {
        client: { credentials: CLIENTS.rpk, parameters },
        onTheWay: replaced('server', 'server_key_exchange', changed),
      },
    );
  });
  it('that asks for a certificate without having said it means a raw public key (RFC 7250 §4.2)', () => {
    refused(
      'rpk',
      { reason: 'no-common-certificate-type', alert: 'unsupported_certificate', text: /asks for a certificate/ },
      { onTheWay: answering({ clientCertificateTypes: undefined }) },
    );
  });
  it('that answers with certificates only (RFC 7250 §4.2)', () => {
    refused(
      'rpk',
      {
        reason: 'no-common-certificate-type',
        alert: 'unsupported_certificate',
        text: /does not take part in raw public keys/,
      },
      { onTheWay: answering({ serverCertificateTypes: undefined }) },
    );
  });
  it('that does not take uncompressed points (RFC 8422 §5.1.2)', () => {
    refused(
      'rpk',
      { reason: 'malformed-message', alert: 'illegal_parameter', text: /uncompressed points/ },
      { onTheWay: answering({ ecPointFormats: [1] }) },
    );
  });
  it('whose signed key for the exchange is on no curve', () => {
    const off = new Uint8Array(65).fill(1);
    off[0] = 4;
    const bad = {
      ...crypto,
      generateEphemeral: () => ({ ...crypto.generateEphemeral('secp256r1'), publicBytes: off }),
    };
    refused(
      'rpk',
      {
        reason: 'bad-key-exchange',
        alert: 'illegal_parameter',
        text: /the server sent a public key .* none of the group secp256r1/,
      },
      { server: { credentials: EVERYTHING, crypto: bad } },
    );
  });
  const requests: readonly (readonly [string, number[], number[]])[] = [
    ['RSA certificates only', [1], [0x0403]],
    ['signatures with RSA only', [64], [0x0401]],
  ];
  for (const [what, certificateTypes, signatureAlgorithms] of requests) {
    it(`that takes ${what} of clients`, () => {
      const request = encodeCertificateRequest({ certificateTypes, signatureAlgorithms, certificateAuthorities: [] });
      refused(
        'rpk',
        { reason: 'no-common-signature-algorithm', alert: 'handshake_failure', text: /ecdsa-sha256/ },
        { onTheWay: replaced('server', 'certificate_request', () => request) },
      );
    });
  }
});

function flipped(body: Uint8Array, at: number): Uint8Array {
  return body.with(at, body[at]! ^ 1);
}

describe('a message that was changed on the way', () => {
  const messages: readonly (readonly [keyof typeof CLIENTS, Sender, HandshakeTypeName])[] = [
    ['psk', 'client', 'client_key_exchange'],
    ['psk', 'client', 'finished'],
    ['rpk', 'client', 'certificate'],
    ['rpk', 'client', 'client_key_exchange'],
    ['rpk', 'client', 'certificate_verify'],
    ['x509', 'client', 'certificate'],
    ['psk', 'server', 'hello_verify_request'],
    ['psk', 'server', 'server_hello'],
    ['psk', 'server', 'server_hello_done'],
    ['psk', 'server', 'finished'],
    ['rpk', 'server', 'certificate'],
    ['rpk', 'server', 'server_key_exchange'],
    ['rpk', 'server', 'certificate_request'],
    ['x509', 'server', 'certificate'],
  ];
  for (const [kind, sender, name] of messages) {
    const what = `${name} of a ${sender} with ${kind}`;
    it(`${what}: with a byte too many it is malformed`, () => {
      const onTheWay = replaced(sender, name, (body) => Uint8Array.of(...body, 0));
      const run = pair(kind, { onTheWay }).run();
      const victim = sender === 'client' ? run.serverOutput : run.clientOutput;
      assertRefused(victim, {
        reason: 'malformed-message',
        alert: 'decode_error',
        text: /the (client|server) sent a malformed/,
      });
    });
    it(`${what}: with any byte flipped it does not complete, and nothing is thrown`, () => {
      let length = 0;
      pair(kind, { onTheWay: replaced(sender, name, (body) => ((length = body.length), body)) }).run();
      for (let at = 0; at < length; at += Math.ceil(length / 40)) {
        const onTheWay = replaced(sender, name, (body) => flipped(body, at % body.length));
        const run = pair(kind, { onTheWay }).run();
        const victim = sender === 'client' ? run.serverOutput : run.clientOutput;
        // A HelloVerifyRequest is in no transcript, and this server takes any cookie.
        if (name !== 'hello_verify_request') assert.deepEqual(victim.results, [], `byte ${at}`);
      }
    });
  }
});

describe('the caller is told', () => {
  it('when no suite fits the credentials', () => {
    for (const [kind, suite] of [
      ['psk', ECDHE_CCM],
      ['rpk', PSK_CCM],
      ['x509', PSK_CCM],
    ] as const) {
      assert.throws(
        () => newClient({ credentials: CLIENTS[kind], cipherSuites: [suite] }, new RecordedOutput()),
        (error) => error instanceof UsageError && error.message.includes(suite),
      );
    }
  });
  it('when certificates are to do without the curve their keys are on (RFC 8422 §5.1.1)', () => {
    const parameters = { ...DEFAULT_DTLS_PARAMETERS, groups: ['x25519'] as const };
    assert.throws(() => newClient({ credentials: CLIENTS.rpk, parameters }, new RecordedOutput()), UsageError);
    newClient({ credentials: CLIENTS.psk, parameters }, new RecordedOutput());
  });
  it('when a look-up is answered with the answer to another', () => {
    const run = pair('psk', { answer: () => ({ kind: 'accepted' }) });
    assert.throws(() => run.run(), UsageError);
    assert.equal(run.server.isWaitingForLookup, true, 'the right answer still counts');
    const other = pair('rpk', { answer: () => ({ kind: 'key', key: CLIENTS.psk.key }) });
    assert.throws(() => other.run(), UsageError);
  });
  it('nothing by an answer that comes too late', () => {
    const run = pair('psk').run();
    run.server.answer({ kind: 'unknown' });
    run.client.answer({ kind: 'unknown' });
    assert.deepEqual([run.serverOutput.failures, run.clientOutput.failures], [[], []]);
  });
});

describe('every refusal', () => {
  it('has one sentence without a full stop, and no suite is unknown to the tables', () => {
    const output = new RecordedOutput();
    greet(
      newServer({ credentials: {} }, output),
      CIPHER_SUITES.map((suite) => suite.name),
      {},
    );
    assert.doesNotMatch(output.failure!.text, /\.$|0x|undefined/);
  });
});
