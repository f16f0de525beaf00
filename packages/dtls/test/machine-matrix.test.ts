/** The client's machine against the server's, in every combination that can be agreed on. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CIPHER_SUITES } from '../src/cipher-suite-table.ts';
import type { CipherSuiteName } from '../src/cipher-suite-table.ts';
import type { DtlsParameters } from '../src/parameters.ts';
import { DEFAULT_DTLS_PARAMETERS } from '../src/parameters.ts';
import { HandshakePair } from './handshake-pair.ts';
import type { PairOptions } from './handshake-pair.ts';
import { CLIENTS, EVERYTHING, clientPair, knowsEveryone, serverPair } from './machine-credentials.ts';

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
          client: { credentials: CLIENTS.rpk, cipherSuites: [suite.name], parameters: parameters({ groups: [group] }) },
        }).run();
        assertOpen(run);
        assert.deepEqual(run.serverOutput.result!.principal, { kind: 'rpk', publicKey: clientPair.publicKey });
        assert.deepEqual(run.clientOutput.result!.principal, { kind: 'rpk', publicKey: serverPair.publicKey });
      });
      it(`with certificates, ${suite.name} and ${group} proves both names (RFC 5246 §7.4.6)`, () => {
        const run = pair('x509', suite.name, {
          client: {
            credentials: CLIENTS.x509,
            cipherSuites: [suite.name],
            parameters: parameters({ groups: [group] }),
          },
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
