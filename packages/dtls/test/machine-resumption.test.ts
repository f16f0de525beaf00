/** Sessions taken up again by ID and by ticket, and everything that makes it a full handshake or none. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeCrypto } from '@lapwing/transport';
import { CIPHER_SUITES } from '../src/cipher-suite-table.ts';
import type { CipherSuiteName } from '../src/cipher-suite-table.ts';
import type { ClientCredentials, ServerCredentials } from '../src/credentials.ts';
import { keyCheck } from '../src/handshake/credential-check.ts';
import { DEFAULT_DTLS_PARAMETERS } from '../src/parameters.ts';
import type { DtlsParameters } from '../src/parameters.ts';
import { ServerSessionCache } from '../src/session/session-cache.ts';
import type { SessionState } from '../src/session/session.ts';
import { HandshakePair, NOW, RecordedOutput, newClient, newServer } from './handshake-pair.ts';
import type { MachineLookup, PairOptions } from './handshake-pair.ts';
import {
  CLIENTS,
  EVERYTHING,
  IDENTITY,
  KEY,
  certificate,
  clientPair,
  keyPair,
  knowsEveryone,
} from './machine-credentials.ts';
import { greet, scriptedPskServer, scriptedResumption } from './scripted-peers.ts';

type Kind = keyof typeof CLIENTS;
const ALL_SUITES = CIPHER_SUITES.map((suite) => suite.name);
const LIFETIME = DEFAULT_DTLS_PARAMETERS.sessionLifetime;
const PSK_CCM = 'TLS_PSK_WITH_AES_128_CCM_8';

const WAYS = {
  'session ID': { ...DEFAULT_DTLS_PARAMETERS, cipherSuites: ALL_SUITES, tickets: false },
  ticket: { ...DEFAULT_DTLS_PARAMETERS, cipherSuites: ALL_SUITES, tickets: true },
} as const satisfies Record<string, DtlsParameters>;

function options(kind: Kind, parameters: DtlsParameters, suite?: CipherSuiteName): PairOptions {
  const sessions = new ServerSessionCache(parameters, nodeCrypto);
  return {
    client: { credentials: CLIENTS[kind], cipherSuites: suite && [suite], parameters },
    server: { credentials: EVERYTHING, parameters, sessions },
    answer: knowsEveryone,
  };
}

function sessionOf(run: HandshakePair): SessionState {
  assert.deepEqual([run.clientOutput.failure, run.serverOutput.failure], [undefined, undefined]);
  return run.clientOutput.result!.session!;
}

function again(first: PairOptions, session: SessionState, changes: Partial<PairOptions> = {}): HandshakePair {
  return new HandshakePair({
    ...first,
    ...changes,
    client: { ...first.client, session, ...changes.client },
    server: { ...first.server, ...changes.server },
  }).run();
}

function assertResumed(run: HandshakePair, resumed: boolean): void {
  assert.deepEqual([run.clientOutput.failure, run.serverOutput.failure], [undefined, undefined]);
  assert.deepEqual([run.clientOutput.result?.resumed, run.serverOutput.result?.resumed], [resumed, resumed]);
}

function writeKeyOf(run: HandshakePair): string {
  const { key } = run.clientOutput.result!.parameters.client;
  return Buffer.from(nodeCrypto.exportSecret(key)).toString('hex');
}

for (const [way, parameters] of Object.entries(WAYS)) {
  describe(`a session known by its ${way}`, () => {
    for (const suite of CIPHER_SUITES) {
      for (const kind of suite.keyExchange === 'psk' ? (['psk'] as const) : (['rpk', 'x509'] as const)) {
        it(`is resumed with ${kind} and ${suite.name}, twice, without a key exchange (RFC 5246 §7.3, RFC 5077 §3.1)`, () => {
          const first = options(kind, parameters, suite.name);
          const full = new HandshakePair(first).run();
          let session = sessionOf(full);
          for (let i = 0; i < 2; i++) {
            const lookups: MachineLookup[] = [];
            const run = again(first, session, {
              answer: (lookup) => {
                lookups.push(lookup);
                return knowsEveryone(lookup);
              },
            });
            assertResumed(run, true);
            session = sessionOf(run);
            assert.deepEqual(run.trace.slice(3), [
              '< server_hello',
              '< change_cipher_spec',
              '< finished',
              '> change_cipher_spec',
              '> finished',
            ]);
            assert.deepEqual(run.serverOutput.result!.principal, full.serverOutput.result!.principal);
            assert.deepEqual(run.clientOutput.result!.principal, full.clientOutput.result!.principal);
            assert.deepEqual(
              lookups.map((lookup) => lookup.kind),
              [kind],
              'the credential is looked up again',
            );
            assert.notEqual(writeKeyOf(run), writeKeyOf(full), 'new randoms, new keys');
            assert.deepEqual(run.clientOutput.result!.parameters.encryptThenMac, session.encryptThenMac);
          }
        });
      }
    }

    it('is a full handshake when its lifetime is over', () => {
      const first = options('psk', parameters);
      const session = sessionOf(new HandshakePair(first).run());
      const late = (): number => NOW + LIFETIME;
      // The client would not offer it any more: it believes in twice the lifetime here.
      const patient = { ...parameters, sessionLifetime: 2 * LIFETIME };
      const run = again(first, session, {
        client: { ...first.client, session, unixTime: late, parameters: patient },
        server: { ...first.server, unixTime: late },
      });
      assertResumed(run, false);
    });
    it('is a full handshake for a server that does not know it', () => {
      const first = options('psk', parameters);
      const session = sessionOf(new HandshakePair(first).run());
      const run = again(options('psk', parameters), session);
      assertResumed(run, false);
      assert.notDeepEqual(sessionOf(run), session);
    });
    it('is a full handshake once the server has turned the suite off', () => {
      const first = options('psk', parameters, PSK_CCM);
      const session = sessionOf(new HandshakePair(first).run());
      const cipherSuites = ['TLS_PSK_WITH_AES_128_GCM_SHA256'] as const;
      const run = again(first, session, {
        client: { ...first.client, session, cipherSuites: [PSK_CCM, ...cipherSuites] },
        server: { ...first.server, parameters: { ...parameters, cipherSuites } },
      });
      assertResumed(run, false);
    });
    it('is a full handshake, and a refusal, when the credential was removed', () => {
      for (const kind of ['psk', 'rpk', 'x509'] as const) {
        const first = options(kind, parameters);
        const session = sessionOf(new HandshakePair(first).run());
        const run = again(first, session, { answer: () => ({ kind: 'unknown' }) });
        assert.equal(run.serverOutput.results.length, 0);
        assert.ok(['unknown-identity', 'unknown-public-key', 'certificate'].includes(run.serverOutput.failure!.reason));
      }
    });
    it('is a full handshake when the pre-shared key of the identity was replaced', () => {
      const first = options('psk', parameters);
      const session = sessionOf(new HandshakePair(first).run());
      const key = nodeCrypto.importSecret(new TextEncoder().encode('another key'));
      const credentials = { kind: 'psk', identity: IDENTITY, key } as const;
      const run = again(first, session, {
        client: { ...first.client, credentials, session },
        answer: () => ({ kind: 'key', key }),
      });
      assertResumed(run, false);
    });
    it('is a full handshake, and a refusal, when the authority of the certificate is trusted no longer', () => {
      const first = options('x509', parameters);
      const session = sessionOf(new HandshakePair(first).run());
      const another = certificate('another', keyPair(), { authority: {} });
      const credentials = { ...EVERYTHING, trustAnchors: [another] };
      const run = again(first, session, { server: { ...first.server, credentials } });
      assert.equal(run.serverOutput.results.length, 0);
      assert.deepEqual(
        [run.serverOutput.failure?.reason, run.serverOutput.failure?.alert],
        ['certificate', 'unknown_ca'],
      );
    });
    it('is not offered by a client that demands another certificate of the server now', () => {
      const first = options('x509', parameters);
      const session = sessionOf(new HandshakePair(first).run());
      const { own, server } = CLIENTS.x509;
      const changed: readonly ClientCredentials[] = [
        { kind: 'x509', own, server: { ...server, certificate: certificate('another', keyPair(), { authority: {} }) } },
        { kind: 'x509', own, server: { ...server, serverName: 'other.example' } },
        { kind: 'x509', own, server: { ...server, usage: 3 } },
      ];
      for (const credentials of changed) {
        const run = again(first, session, { client: { ...first.client, credentials, session } });
        assert.equal(run.clientOutput.failure?.reason, 'certificate');
      }
      const renewed = { ...CLIENTS.x509, own: { ...own, chain: [certificate('sensor-2', clientPair)] } } as const;
      assertResumed(again(first, session, { client: { ...first.client, credentials: renewed, session } }), false);
    });
    it('fails when the store fails', () => {
      const first = options('psk', parameters);
      const session = sessionOf(new HandshakePair(first).run());
      const run = again(first, session, { answer: () => ({ kind: 'failed', text: 'disk' }) });
      assert.equal(run.serverOutput.failure?.reason, 'lookup-failed');
    });
    it('is refused to a client that leaves out Extended Master Secret now (RFC 7627 §5.3)', () => {
      const first = options('psk', parameters);
      const session = sessionOf(new HandshakePair(first).run());
      const output = new RecordedOutput();
      const server = newServer(first.server, output);
      greet(server, [PSK_CCM], { sessionTicket: session.ticket }, { sessionId: session.id });
      assert.equal(output.failure?.reason, 'insecure-resumption');
      assert.equal(output.failure.alert, 'handshake_failure');
    });
    const narrower: readonly [string, Partial<ServerCredentials>, Kind][] = [
      ['takes no certificates of clients any more', { clientCertificateTypes: ['rpk'] }, 'x509'],
      ['takes no raw public keys any more', { clientCertificateTypes: ['x509'] }, 'rpk'],
      ['asks for no certificates any more', { clientAuthentication: 'none' }, 'rpk'],
      ['takes no pre-shared keys any more', { psk: undefined! }, 'psk'],
    ];
    for (const [what, credentials, kind] of narrower) {
      it(`is not resumed by a server that ${what}`, () => {
        const first = options(kind, parameters);
        const session = sessionOf(new HandshakePair(first).run());
        const run = again(first, session, {
          server: { ...first.server, credentials: { ...EVERYTHING, ...credentials } },
        });
        assert.ok(run.serverOutput.result?.resumed !== true);
        assert.ok(!run.trace.slice(0, 5).includes('< finished'));
      });
    }
    it('is a full handshake for another server name (RFC 6066 §3)', () => {
      const first = options('psk', parameters);
      const session = sessionOf(
        new HandshakePair({ ...first, client: { ...first.client, serverName: 'a.example' } }).run(),
      );
      const offered = (serverName: string): boolean => {
        const output = new RecordedOutput();
        const extensions = { serverName, extendedMasterSecret: true, sessionTicket: session.ticket } as const;
        greet(newServer(first.server, output), [PSK_CCM, 'TLS_PSK_WITH_AES_128_GCM_SHA256'], extensions, {
          sessionId: session.ticket === undefined ? session.id : Uint8Array.of(1),
        });
        return output.lookups.length > 0;
      };
      assert.deepEqual([offered('a.example'), offered('b.example')], [true, false]);
    });
    it('is a full handshake for a client that does not offer its suite any more (RFC 5246 §7.4.1.2)', () => {
      const first = options('psk', parameters, PSK_CCM);
      const session = sessionOf(new HandshakePair(first).run());
      const asked = (suite: CipherSuiteName): boolean => {
        const output = new RecordedOutput();
        const extensions = { extendedMasterSecret: true, sessionTicket: session.ticket } as const;
        greet(newServer(first.server, output), [suite], extensions, {
          sessionId: session.ticket === undefined ? session.id : Uint8Array.of(1),
        });
        return output.lookups.length > 0;
      };
      assert.deepEqual([asked(PSK_CCM), asked('TLS_PSK_WITH_AES_128_GCM_SHA256')], [true, false]);
    });
    it('is a full handshake with another order of encryption and MAC (RFC 7366 §3.1)', () => {
      const suite = 'TLS_PSK_WITH_AES_128_CBC_SHA256';
      const first = options('psk', parameters, suite);
      const session = sessionOf(new HandshakePair(first).run());
      const asked = (encryptThenMac: true | undefined): boolean => {
        const output = new RecordedOutput();
        const extensions = { encryptThenMac, extendedMasterSecret: true, sessionTicket: session.ticket } as const;
        greet(newServer(first.server, output), [suite], extensions, {
          sessionId: session.ticket === undefined ? session.id : Uint8Array.of(1),
        });
        return output.lookups.length > 0;
      };
      assert.deepEqual([asked(true), asked(undefined)], [true, false]);
    });
  });
}

describe('a ticket', () => {
  it('that was changed is a full handshake with a new one (RFC 5077 §3.2)', () => {
    const first = options('psk', WAYS.ticket);
    const session = sessionOf(new HandshakePair(first).run());
    const ticket = session.ticket!.slice();
    ticket[ticket.length - 1]! ^= 1;
    const run = again(first, { ...session, ticket });
    assertResumed(run, false);
    assert.notDeepEqual(sessionOf(run).ticket, ticket);
  });
  it('is worth nothing to a server that has tickets turned off', () => {
    const first = options('psk', WAYS.ticket);
    const session = sessionOf(new HandshakePair(first).run());
    const run = again(first, session, { server: { ...first.server, parameters: WAYS['session ID'] } });
    assertResumed(run, false);
    assert.equal(sessionOf(run).ticket, undefined);
  });
  it('leaves nothing in the memory of the server (RFC 5077 §1)', () => {
    const first = options('psk', WAYS.ticket);
    sessionOf(new HandshakePair(first).run());
    assert.equal(first.server.sessions!.size, 0);
  });
  it('that comes empty leaves no session (RFC 5077 §3.3)', () => {
    const first = options('psk', WAYS.ticket);
    first.server.sessions!.sealTicket = () => new Uint8Array(0);
    const run = new HandshakePair(first).run();
    assertResumed(run, false);
    assert.equal(run.clientOutput.result!.session, undefined);
  });
});

describe('a session of the server', () => {
  it('is not kept before the Finished of the client', () => {
    const first = options('psk', WAYS['session ID']);
    new HandshakePair(first).runUntil('server', 'finished');
    assert.equal(first.server.sessions!.size, 0);
  });
  it('that began without Extended Master Secret is not resumed, whoever put it there (RFC 7627 §5.3)', () => {
    const first = options('psk', WAYS['session ID']);
    const session = sessionOf(new HandshakePair(first).run());
    first.server.sessions!.keep({ ...session, extendedMasterSecret: false }, NOW);
    assertResumed(again(first, session), false);
  });
  it('is forgotten when its resumption ends in a wrong Finished (RFC 5246 §7.2.2)', () => {
    const first = options('psk', WAYS['session ID']);
    const session = sessionOf(new HandshakePair(first).run());
    assert.equal(first.server.sessions!.size, 1);
    const run = again(first, session, {
      onTheWay: (item, sender) =>
        sender === 'client' && item.kind === 'message' && item.message.type === 20
          ? [{ ...item, message: { ...item.message, body: new Uint8Array(12) } }]
          : [item],
    });
    assert.equal(run.serverOutput.failure?.alert, 'decrypt_error');
    assert.equal(first.server.sessions!.size, 0);
  });
});

describe('a client with a session', () => {
  const session = (changes: Partial<SessionState> = {}): SessionState => ({
    id: Uint8Array.of(1, 2, 3),
    ticket: undefined,
    suite: PSK_CCM,
    masterSecret: nodeCrypto.importSecret(new Uint8Array(48)),
    extendedMasterSecret: true,
    encryptThenMac: false,
    principal: { kind: 'psk', identity: IDENTITY },
    credentialCheck: keyCheck(KEY, nodeCrypto),
    serverName: undefined,
    createdAt: NOW,
    ...changes,
  });
  const offeredId = (state: SessionState, changes: object = {}): Uint8Array => {
    const output = new RecordedOutput();
    const client = newClient({ credentials: CLIENTS.psk, session: state, ...changes }, output);
    return scriptedPskServer(client, output, () => ({ extensions: { extendedMasterSecret: true } })).sessionId;
  };

  it('offers it where it fits', () => assert.deepEqual(offeredId(session()), Uint8Array.of(1, 2, 3)));
  const unfit: readonly [string, SessionState, object?][] = [
    ['without Extended Master Secret', session({ extendedMasterSecret: false })],
    ['of a suite that is not offered', session({ suite: 'TLS_PSK_WITH_AES_128_CBC_SHA256' })],
    ['of a suite of another kind', session({ suite: 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8' })],
    ['of another name', session({ serverName: 'a.example' })],
    ['of another identity', session({ principal: { kind: 'psk', identity: Uint8Array.of(1) } })],
    ['of another kind of proof', session({ principal: { kind: 'rpk', publicKey: Uint8Array.of(1) } })],
    ['that is too old', session({ createdAt: NOW - LIFETIME })],
    ['with neither ID nor ticket', session({ id: new Uint8Array(0) })],
    [
      'of an identity whose key is another now',
      session(),
      { credentials: { kind: 'psk', identity: IDENTITY, key: nodeCrypto.importSecret(Uint8Array.of(7)) } },
    ],
  ];
  for (const [what, state, changes] of unfit) {
    it(`does not offer one ${what}`, () => assert.equal(offeredId(state, changes).length, 0));
  }

  const answers: readonly [string, object, string, string][] = [
    [
      'with another suite',
      { cipherSuite: 0x00a8, extensions: { extendedMasterSecret: true } },
      'illegal_parameter',
      'malformed-message',
    ],
    ['without Extended Master Secret (RFC 7627 §5.3)', { extensions: {} }, 'handshake_failure', 'insecure-resumption'],
  ];
  for (const [what, answer, alert, reason] of answers) {
    it(`refuses a server that resumes it ${what}`, () => {
      const output = new RecordedOutput();
      const client = newClient({ credentials: CLIENTS.psk, session: session() }, output);
      scriptedPskServer(client, output, (hello) => ({ sessionId: hello.sessionId, ...answer }));
      assert.deepEqual([output.failure?.alert, output.failure?.reason], [alert, reason]);
      assert.equal(output.keys.length, 0);
    });
  }
  it('takes an empty session ID for a full handshake when all it has is a ticket and those are off', () => {
    const output = new RecordedOutput();
    const parameters = WAYS['session ID'];
    const ticketOnly = session({ id: new Uint8Array(0), ticket: Uint8Array.of(1) });
    const client = newClient({ credentials: CLIENTS.psk, session: ticketOnly, parameters }, output);
    scriptedPskServer(client, output, () => ({ extensions: { extendedMasterSecret: true } }));
    assert.deepEqual([output.failure, output.result?.resumed], [undefined, false]);
  });
  it('resumes it by the next ticket when the server sends one (RFC 5077 §3.1)', () => {
    const output = new RecordedOutput();
    const offered = session({ ticket: Uint8Array.of(1) });
    const client = newClient({ credentials: CLIENTS.psk, session: offered }, output);
    scriptedResumption(client, output, offered.masterSecret, Uint8Array.of(2));
    assert.equal(output.result?.resumed, true);
    assert.deepEqual(output.result.session, { ...offered, id: new Uint8Array(0), ticket: Uint8Array.of(2) });
  });
  for (const [what, length] of [
    ['is empty (RFC 5077 §3.3)', 0],
    ['would make the next ClientHello too long for a datagram', 901],
  ] as const) {
    it(`keeps its ticket when the next one ${what}`, () => {
      const output = new RecordedOutput();
      const offered = session({ ticket: Uint8Array.of(1) });
      const client = newClient({ credentials: CLIENTS.psk, session: offered }, output);
      scriptedResumption(client, output, offered.masterSecret, new Uint8Array(length));
      assert.deepEqual(output.result?.session, offered);
    });
  }
  it('does not complete with a server that echoes the ID and does not know the secret', () => {
    const output = new RecordedOutput();
    const client = newClient({ credentials: CLIENTS.psk, session: session() }, output);
    scriptedPskServer(client, output, (hello) => ({
      sessionId: hello.sessionId,
      extensions: { extendedMasterSecret: true },
    }));
    assert.equal(output.results.length, 0);
  });
});
