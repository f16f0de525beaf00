/** The client's machine against the server's, in every combination that can be agreed on. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeCrypto } from '@lapwing/transport';
import { CIPHER_SUITES } from '../src/cipher-suite-table.ts';
import type { CipherSuiteName } from '../src/cipher-suite-table.ts';
import type { DtlsParameters } from '../src/parameters.ts';
import { DEFAULT_DTLS_PARAMETERS } from '../src/parameters.ts';
import { decodeServerHello } from '../src/handshake/hello-codec.ts';
import { ServerSessionCache } from '../src/session/session-cache.ts';
import { HandshakePair, RecordedOutput, newClient, newServer } from './handshake-pair.ts';
import type { PairOptions } from './handshake-pair.ts';
import { CLIENTS, EVERYTHING, clientPair, keyPair, knowsEveryone, serverPair } from './machine-credentials.ts';
import { decoded, greet, scriptedClient, scriptedPskServer } from './scripted-peers.ts';

type Kind = keyof typeof CLIENTS;

const ALL_SUITES = CIPHER_SUITES.map((suite) => suite.name);

/** Both sides allow everything, CBC too. */
function parameters(changes: Partial<DtlsParameters> = {}): DtlsParameters {
  return { ...DEFAULT_DTLS_PARAMETERS, cipherSuites: ALL_SUITES, ...changes };
}

function pair(kind: Kind, suite: CipherSuiteName, changes: Partial<PairOptions> = {}): HandshakePair {
  return new HandshakePair({
    answer: knowsEveryone,
    ...changes,
    client: { credentials: CLIENTS[kind], cipherSuites: [suite], parameters: parameters(), ...changes.client },
    server: { credentials: EVERYTHING, parameters: parameters(), ...changes.server },
  });
}

function newSessions(): ServerSessionCache {
  return new ServerSessionCache(DEFAULT_DTLS_PARAMETERS, nodeCrypto);
}

/** Both are done and agree on everything, and nothing is left over. */
function assertOpen(run: HandshakePair, what: { readonly resumed: boolean } = { resumed: false }): void {
  assert.deepEqual([run.clientOutput.failure, run.serverOutput.failure], [undefined, undefined]);
  assert.equal(run.clientOutput.results.length, 1, run.trace.join());
  assert.equal(run.serverOutput.results.length, 1, run.trace.join());
  const [client, server] = [run.clientOutput.result!, run.serverOutput.result!];
  assert.equal(client.resumed, what.resumed);
  assert.equal(server.resumed, what.resumed);
  assert.equal(client.extendedMasterSecret, server.extendedMasterSecret);
  assert.deepEqual(run.clientOutput.keys, [client.parameters], 'keysReady is called once');
  assert.deepEqual(run.serverOutput.keys, [server.parameters], 'keysReady is called once');
  assertSameKeys(run);
  assert.deepEqual([run.client.expects, run.server.expects], [[], []]);
}

function assertSameKeys(run: HandshakePair): void {
  const exported = (output: HandshakePair['clientOutput']): unknown => {
    const { client, server, ...rest } = output.result!.parameters;
    return {
      ...rest,
      keys: [client, server].map(({ key, macKey, iv }) => [bytesOf(key), macKey && bytesOf(macKey), iv]),
    };
  };
  assert.deepEqual(exported(run.clientOutput), exported(run.serverOutput));
}

function bytesOf(secret: unknown): string {
  return (secret as { export(): Buffer }).export().toString('hex');
}

const PSK_SUITES = CIPHER_SUITES.filter((suite) => suite.keyExchange === 'psk');
const CERTIFICATE_SUITES = CIPHER_SUITES.filter((suite) => suite.keyExchange === 'ecdhe-ecdsa');

describe('a full handshake', () => {
  for (const suite of PSK_SUITES) {
    it(`with a pre-shared key and ${suite.name} proves the identity (RFC 4279 §2)`, () => {
      const run = pair('psk', suite.name).run();
      assertOpen(run);
      assert.deepEqual(run.serverOutput.result!.principal, { kind: 'psk', identity: CLIENTS.psk.identity });
      assert.equal(run.serverOutput.result!.parameters.suite.name, suite.name);
    });
  }
  for (const suite of CERTIFICATE_SUITES) {
    for (const group of ['secp256r1', 'x25519'] as const) {
      it(`with raw public keys, ${suite.name} and ${group} proves both keys (RFC 7250 §4)`, () => {
        const run = pair('rpk', suite.name, {
          server: { credentials: EVERYTHING, parameters: parameters({ groups: [group] }) },
        }).run();
        assertOpen(run);
        assert.deepEqual(run.serverOutput.result!.principal, { kind: 'rpk', publicKey: clientPair.publicKey });
        assert.deepEqual(run.clientOutput.result!.principal, { kind: 'rpk', publicKey: serverPair.publicKey });
      });
      it(`with certificates, ${suite.name} and ${group} proves both names (RFC 5246 §7.4.6)`, () => {
        const run = pair('x509', suite.name, {
          server: { credentials: EVERYTHING, parameters: parameters({ groups: [group] }) },
        }).run();
        assertOpen(run);
        const { principal } = run.serverOutput.result!;
        assert.equal(principal.kind === 'x509' && principal.commonName, 'sensor-1');
        const server = run.clientOutput.result!.principal;
        assert.deepEqual(server.kind === 'x509' && server.alternativeNames, ['lwm2m.example']);
      });
    }
  }
});

describe('without Extended Master Secret', () => {
  for (const suite of CIPHER_SUITES) {
    it(`a client that does not offer it with ${suite.name} completes with the classic master secret (RFC 5246 §8.1)`, () => {
      const output = new RecordedOutput();
      const credentials = { ...EVERYTHING, clientAuthentication: 'none' } as const;
      const sessions = newSessions();
      const server = newServer({ credentials, parameters: parameters(), sessions }, output);
      const hello = scriptedClient(server, output, suite.name, { sessionTicket: new Uint8Array(0) });
      assert.equal(output.failure, undefined);
      assert.equal(output.result!.extendedMasterSecret, false);
      // No session either: it could not be resumed safely. RFC 7627 §5.3.
      assert.equal(output.result!.session, undefined);
      assert.deepEqual([hello.sessionId.length, hello.extensions.sessionTicket, sessions.size], [0, undefined, 0]);
    });
  }
  it('the same scripted client completes with it', () => {
    const output = new RecordedOutput();
    const server = newServer({ credentials: EVERYTHING }, output);
    scriptedClient(server, output, 'TLS_PSK_WITH_AES_128_CCM_8', { extendedMasterSecret: true });
    assert.equal(output.result!.extendedMasterSecret, true);
  });
  for (const extendedMasterSecret of [true, undefined] as const) {
    it(`a client completes with a server that answers ${extendedMasterSecret ?? 'nothing'} to its offer (RFC 7627 §5.2)`, () => {
      const output = new RecordedOutput();
      const client = newClient({ credentials: CLIENTS.psk }, output);
      scriptedPskServer(client, output, () => ({ sessionId: Uint8Array.of(9), extensions: { extendedMasterSecret } }));
      assert.equal(output.failure, undefined);
      assert.equal(output.result!.extendedMasterSecret, extendedMasterSecret === true);
      assert.equal(output.result!.session === undefined, extendedMasterSecret !== true);
    });
  }
  it('a client that requires it refuses such a server (RFC 7627 §5.2)', () => {
    const output = new RecordedOutput();
    const client = newClient(
      { credentials: CLIENTS.psk, parameters: parameters({ requireExtendedMasterSecret: true }) },
      output,
    );
    scriptedPskServer(client, output, () => ({}));
    assert.equal(output.failure?.reason, 'no-extended-master-secret');
  });
  it('a server that requires it refuses such a client (RFC 7627 §5.2)', () => {
    const output = new RecordedOutput();
    const server = newServer(
      { credentials: EVERYTHING, parameters: parameters({ requireExtendedMasterSecret: true }) },
      output,
    );
    greet(server, ['TLS_PSK_WITH_AES_128_CCM_8'], {});
    assert.equal(output.failure?.reason, 'no-extended-master-secret');
    assert.equal(output.failure.alert, 'handshake_failure');
  });
});

describe('encrypt-then-MAC (RFC 7366)', () => {
  for (const suite of CIPHER_SUITES) {
    const isCbc = suite.cipher === 'aes-128-cbc-sha256';
    it(`is ${isCbc ? '' : 'not '}agreed on with ${suite.name}`, () => {
      const kind = suite.keyExchange === 'psk' ? 'psk' : 'rpk';
      const run = pair(kind, suite.name).run();
      assertOpen(run);
      assert.equal(run.clientOutput.result!.parameters.encryptThenMac, isCbc);
    });
  }
  it('is answered only with a CBC suite even when it is offered (§3)', () => {
    const output = new RecordedOutput();
    const server = newServer({ credentials: EVERYTHING }, output);
    const offered = { encryptThenMac: true } as const;
    const hello = scriptedClient(server, output, 'TLS_PSK_WITH_AES_128_CCM_8', offered);
    assert.equal(hello.extensions.encryptThenMac, undefined);
    assert.equal(output.result!.parameters.encryptThenMac, false);
  });
  it('is left out for a client that does not offer it', () => {
    const output = new RecordedOutput();
    const server = newServer({ credentials: EVERYTHING, parameters: parameters() }, output);
    scriptedClient(server, output, 'TLS_PSK_WITH_AES_128_CBC_SHA256', {});
    assert.equal(output.result!.parameters.encryptThenMac, false);
  });
});

describe('Connection IDs (RFC 9146 §3)', () => {
  const cases: readonly [client: number | undefined, server: number | undefined][] = [
    [0, 6],
    [2, 6],
    [2, 0],
    [undefined, 6],
    [0, undefined],
    [undefined, undefined],
  ];
  for (const [client, server] of cases) {
    it(`of ${client ?? 'no'} bytes for the client and ${server ?? 'no'} for the server`, () => {
      const own = client === undefined ? undefined : new Uint8Array(client).fill(1);
      const theirs = server === undefined ? undefined : new Uint8Array(server).fill(2);
      const run = pair('psk', 'TLS_PSK_WITH_AES_128_CCM_8', {
        client: { credentials: CLIENTS.psk, connectionId: own },
        server: { credentials: EVERYTHING, connectionId: theirs },
      }).run();
      assertOpen(run);
      const { clientToServerId, serverToClientId } = run.serverOutput.result!.parameters;
      const isAgreed = own !== undefined && theirs !== undefined;
      assert.deepEqual([clientToServerId, serverToClientId], isAgreed ? [theirs, own] : [undefined, undefined]);
    });
  }
});

describe('other extensions', () => {
  for (const maxFragmentLength of [512, 1024, 2048, 4096] as const) {
    it(`max_fragment_length ${maxFragmentLength} is granted (RFC 6066 §4)`, () => {
      const run = pair('psk', 'TLS_PSK_WITH_AES_128_CCM_8', {
        client: { credentials: CLIENTS.psk, parameters: parameters({ maxFragmentLength }) },
      }).run();
      assertOpen(run);
      assert.equal(run.serverOutput.result!.parameters.maxFragmentLength, maxFragmentLength);
    });
  }
  it('without max_fragment_length a record has up to 16384 bytes (RFC 5246 §6.2.1)', () => {
    assert.equal(
      pair('psk', 'TLS_PSK_WITH_AES_128_CCM_8').run().serverOutput.result!.parameters.maxFragmentLength,
      16_384,
    );
  });
  it('the server name reaches the look-up and both results (RFC 6066 §3)', () => {
    const names: (string | undefined)[] = [];
    const run = pair('psk', 'TLS_PSK_WITH_AES_128_CCM_8', {
      client: { credentials: CLIENTS.psk, serverName: 'lwm2m.example' },
      answer: (lookup) => {
        names.push(lookup.serverName);
        return knowsEveryone(lookup);
      },
    }).run();
    assertOpen(run);
    assert.deepEqual(names, ['lwm2m.example']);
    assert.deepEqual(run.clientOutput.result!.serverName, 'lwm2m.example');
    assert.deepEqual(run.serverOutput.result!.serverName, 'lwm2m.example');
  });
  const other = keyPair();
  const virtualHosts = new Map([['two.example', { rawPublicKey: other }]]);
  for (const [what, serverName, shown] of [
    ['of a virtual host', 'two.example', other],
    ['of a virtual host, in capitals', 'Two.Example', other],
    ['of none of them', 'three.example', serverPair],
    ['that is left out', undefined, serverPair],
  ] as const) {
    it(`a server name ${what} decides which key is shown (RFC 6066 §3)`, () => {
      const client = { ...CLIENTS.rpk, serverPublicKey: shown.publicKey };
      const run = pair('rpk', 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8', {
        client: { credentials: client, ...(serverName !== undefined && { serverName }) },
        server: { credentials: { ...EVERYTHING, virtualHosts } },
      }).run();
      assertOpen(run);
      assert.deepEqual(run.clientOutput.result!.principal, { kind: 'rpk', publicKey: shown.publicKey });
    });
  }
  it('a virtual host shows nothing that it does not have itself', () => {
    const run = pair('x509', 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8', {
      client: { credentials: CLIENTS.x509, serverName: 'two.example' },
      server: { credentials: { ...EVERYTHING, virtualHosts } },
    }).run();
    assert.equal(run.serverOutput.failure?.reason, 'no-common-certificate-type');
  });
  for (const [name, suites, extensions, answered] of [
    ['as an extension', ['TLS_PSK_WITH_AES_128_CCM_8'], { renegotiationInfo: new Uint8Array(0) }, true],
    ['as signalling suite', ['TLS_PSK_WITH_AES_128_CCM_8', 0x00ff], {}, true],
    ['not at all', ['TLS_PSK_WITH_AES_128_CCM_8'], {}, false],
  ] as const) {
    it(`secure renegotiation offered ${name} is ${answered ? '' : 'not '}answered (RFC 5746 §3.6)`, () => {
      const output = new RecordedOutput();
      greet(newServer({ credentials: EVERYTHING }, output), suites, extensions);
      const hello = output.flights[0]!.items[0]!;
      assert.ok(hello.kind === 'message');
      const { renegotiationInfo } = decoded(decodeServerHello(hello.message.body)).extensions;
      assert.deepEqual(renegotiationInfo, answered ? new Uint8Array(0) : undefined);
    });
  }
  it('a PSK identity hint is sent when there is one, and any client completes (RFC 4279 §5.2)', () => {
    const run = pair('psk', 'TLS_PSK_WITH_AES_128_CCM_8', {
      server: { credentials: { psk: { identityHint: Uint8Array.of(1, 2) } } },
    }).run();
    assertOpen(run);
    assert.ok(run.trace.includes('< server_key_exchange'));
  });
});

describe('a cookie (RFC 6347 §4.2.1)', () => {
  for (const cookies of [0, 1, 2, 3]) {
    it(`asked for ${cookies} times`, () => {
      for (const kind of ['psk', 'rpk', 'x509'] as const) {
        const suite = kind === 'psk' ? 'TLS_PSK_WITH_AES_128_CCM_8' : 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8';
        assertOpen(pair(kind, suite, { cookies }).run());
      }
    });
  }
  it('asked for a fourth time ends the handshake', () => {
    const run = pair('psk', 'TLS_PSK_WITH_AES_128_CCM_8', { cookies: 4 }).run();
    assert.equal(run.clientOutput.failure?.reason, 'unexpected-message');
    assert.equal(run.trace.filter((name) => name === '> client_hello').length, 4);
  });
});

describe('a server without client authentication', () => {
  const server = { credentials: { ...EVERYTHING, clientAuthentication: 'none' } as const };
  for (const kind of ['rpk', 'x509'] as const) {
    it(`does not ask a client with ${kind}, who stays anonymous`, () => {
      const run = pair(kind, 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8', { server }).run();
      assertOpen(run);
      assert.deepEqual(run.serverOutput.result!.principal, { kind: 'anonymous' });
      assert.ok(!run.trace.includes('> certificate') && !run.trace.includes('> certificate_verify'));
    });
  }
});
