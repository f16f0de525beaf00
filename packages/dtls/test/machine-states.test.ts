/**
 * Both machines as full tables: every state, every message, in both epochs. A row is a state, named by what it expects;
 * a column is what arrives:
 *
 *   A  in its place: the handshake goes on, or fails for what is in the message
 *   x  refused: it fails with unexpected_message
 *   .  dropped: nothing has happened, and the handshake completes afterwards
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeCertificateRequest, encodeRawPublicKey } from '../src/handshake/certificate-codec.ts';
import { HANDSHAKE_TYPES } from '../src/handshake/handshake-type-table.ts';
import type { HandshakeTypeName } from '../src/handshake/handshake-type-table.ts';
import type { HandshakeMessage } from '../src/handshake/handshake.ts';
import {
  DTLS_1_2,
  encodeClientHello,
  encodeHelloVerifyRequest,
  encodeServerHello,
} from '../src/handshake/hello-codec.ts';
import { encodePskClientKeyExchange, encodePskServerKeyExchange } from '../src/handshake/key-exchange-codec.ts';
import { encodeNewSessionTicket } from '../src/handshake/message-codec.ts';
import { HandshakePair } from './handshake-pair.ts';
import type { PairOptions, Sender } from './handshake-pair.ts';
import { CLIENTS, EVERYTHING, SessionsInMemory, clientPair, knowsEveryone } from './machine-credentials.ts';

const EMPTY = new Uint8Array(0);
const INPUTS = [
  'hello_request',
  'client_hello',
  'server_hello',
  'hello_verify_request',
  'new_session_ticket',
  'certificate',
  'server_key_exchange',
  'certificate_request',
  'server_hello_done',
  'certificate_verify',
  'client_key_exchange',
  'finished',
  'handshake message 99',
  'change_cipher_spec',
] as const;

/** In the order of `INPUTS`. */
type Row = readonly [expects: string, outcomes: string];

interface Scenario {
  readonly name: string;
  readonly side: Sender;
  readonly options: () => PairOptions;
  readonly rows: readonly Row[];
}

const psk: PairOptions = {
  client: { credentials: CLIENTS.psk },
  server: { credentials: EVERYTHING },
  answer: knowsEveryone,
};
const pskWithHint: PairOptions = {
  ...psk,
  server: { credentials: { ...EVERYTHING, psk: { identityHint: Uint8Array.of(1) } } },
};
const rpk: PairOptions = { ...psk, client: { credentials: CLIENTS.rpk } };
const x509: PairOptions = { ...psk, client: { credentials: CLIENTS.x509 } };
const anonymous: PairOptions = {
  ...psk,
  client: { credentials: { kind: 'x509', server: CLIENTS.x509.server } },
  server: { credentials: { ...EVERYTHING, clientAuthentication: 'none' } },
};
const withTickets = (): PairOptions => ({ ...psk, server: { ...psk.server, sessions: new SessionsInMemory() } });
const resumed = (): PairOptions => {
  const first = withTickets();
  const { session } = new HandshakePair(first).run().clientOutput.result!;
  return { ...first, client: { ...first.client, session } };
};

//                                            HR CH SH HVR NST C SKE CR SHD CV CKE F ? CCS
const SERVER_CERTIFICATE: Row = ['certificate', 'x.xxxAxxxxx.x.'];
const SERVER_KEY_EXCHANGE: Row = ['client_key_exchange', 'x.xxxxxxxxA.x.'];
const SERVER_CERTIFICATE_VERIFY: Row = ['certificate_verify', 'x.xxxxxxxAx.x.'];
const SERVER_CCS: Row = ['change_cipher_spec', 'x.xxxxxxxxx.xA'];
const SERVER_FINISHED: Row = ['finished', 'xxxxxxxxxxxAx.'];
const SERVER_END: readonly Row[] = [SERVER_CCS, SERVER_FINISHED];

const CLIENT_HELLO: Row = ['hello_verify_request|server_hello', '.xAAxxxxxxx.x.'];
const CLIENT_HELLO_AFTER_COOKIES: Row = ['server_hello', '.xAxxxxxxxx.x.'];
const CLIENT_PSK: Row = ['server_key_exchange|server_hello_done', '.xxxxxAxAxx.x.'];
const CLIENT_DONE: Row = ['server_hello_done', '.xxxxxxxAxx.x.'];
const CLIENT_CERTIFICATE: Row = ['certificate', '.xxxxAxxxxx.x.'];
const CLIENT_KEY_EXCHANGE: Row = ['server_key_exchange', '.xxxxxAxxxx.x.'];
const CLIENT_REQUEST: Row = ['certificate_request|server_hello_done', '.xxxxxxAAxx.x.'];
const CLIENT_TICKET: Row = ['new_session_ticket', '.xxxAxxxxxx.x.'];
const CLIENT_CCS: Row = ['change_cipher_spec', '.xxxxxxxxxx.xA'];
const CLIENT_FINISHED: Row = ['finished', '.xxxxxxxxxxAx.'];
const CLIENT_END: readonly Row[] = [CLIENT_CCS, CLIENT_FINISHED];

const ENDED: Row = ['', '..............'];

const CERTIFICATE_CLIENT: readonly Row[] = [
  CLIENT_HELLO,
  CLIENT_CERTIFICATE,
  CLIENT_KEY_EXCHANGE,
  CLIENT_REQUEST,
  ...CLIENT_END,
];

const SCENARIOS: readonly Scenario[] = [
  { name: 'PSK', side: 'server', options: () => psk, rows: [SERVER_KEY_EXCHANGE, ...SERVER_END] },
  {
    name: 'raw public keys',
    side: 'server',
    options: () => rpk,
    rows: [SERVER_CERTIFICATE, SERVER_KEY_EXCHANGE, SERVER_CERTIFICATE_VERIFY, ...SERVER_END],
  },
  {
    name: 'X.509',
    side: 'server',
    options: () => x509,
    rows: [SERVER_CERTIFICATE, SERVER_KEY_EXCHANGE, SERVER_CERTIFICATE_VERIFY, ...SERVER_END],
  },
  {
    name: 'X.509 without client authentication',
    side: 'server',
    options: () => anonymous,
    rows: [SERVER_KEY_EXCHANGE, ...SERVER_END],
  },
  { name: 'PSK with tickets', side: 'server', options: withTickets, rows: [SERVER_KEY_EXCHANGE, ...SERVER_END] },
  { name: 'a resumed session', side: 'server', options: resumed, rows: SERVER_END },
  { name: 'PSK', side: 'client', options: () => psk, rows: [CLIENT_HELLO, CLIENT_PSK, ...CLIENT_END] },
  { name: 'PSK with a hint', side: 'client', options: () => pskWithHint, rows: [CLIENT_PSK, CLIENT_DONE] },
  {
    name: 'PSK after three cookies',
    side: 'client',
    options: () => ({ ...psk, cookies: 3 }),
    rows: [CLIENT_HELLO, CLIENT_HELLO_AFTER_COOKIES, CLIENT_PSK],
  },
  { name: 'raw public keys', side: 'client', options: () => rpk, rows: [...CERTIFICATE_CLIENT, CLIENT_DONE] },
  { name: 'X.509', side: 'client', options: () => x509, rows: [...CERTIFICATE_CLIENT, CLIENT_DONE] },
  { name: 'X.509 without client authentication', side: 'client', options: () => anonymous, rows: CERTIFICATE_CLIENT },
  {
    name: 'PSK with tickets',
    side: 'client',
    options: withTickets,
    rows: [CLIENT_HELLO, CLIENT_PSK, CLIENT_TICKET, ...CLIENT_END],
  },
  { name: 'a resumed session', side: 'client', options: resumed, rows: [CLIENT_HELLO, ...CLIENT_END] },
];

for (const { name, side, options, rows } of SCENARIOS) {
  describe(`the ${side}'s states with ${name} (RFC 5246 §7.3, RFC 6347 §4.2)`, () => {
    for (const [expects, outcomes] of rows) {
      it(`expecting ${expects}`, () => {
        const reach = (): HandshakePair => new HandshakePair(options()).runUntil(side, expects);
        assert.equal(outcomesOf(reach, side, ownEpoch(expects)), outcomes);
      });
      it(`expecting ${expects}, a message of the other epoch is dropped`, () => {
        const reach = (): HandshakePair => new HandshakePair(options()).runUntil(side, expects);
        const outcome = outcomesOf(reach, side, ownEpoch(expects) === 0 ? 1 : 0);
        assert.match(outcome.slice(0, -1), /^\.*$/);
      });
    }
    it('after the end', () => {
      assert.equal(
        outcomesOf(() => new HandshakePair(options()).run(), side, 1),
        ENDED[1],
      );
      assert.equal(
        outcomesOf(() => new HandshakePair(options()).run(), side, 0),
        ENDED[1],
      );
    });
  });
}

describe("the server's state while a look-up is open", () => {
  for (const kind of ['psk', 'rpk', 'x509'] as const) {
    it(`with ${kind} nothing is taken, and the answer goes on`, () => {
      for (const input of INPUTS) {
        const run: HandshakePair = new HandshakePair({
          client: { credentials: CLIENTS[kind] },
          server: { credentials: EVERYTHING },
          answer: (lookup) => {
            assert.equal(run.server.isWaitingForLookup, true);
            assert.equal(give(run, 'server', input, 0), false, input);
            assert.equal(give(run, 'server', input, 1), false, input);
            return knowsEveryone(lookup);
          },
        });
        run.run();
        assert.equal(run.serverOutput.results.length, 1);
      }
    });
  }
});

/** Everything up to the peer's ChangeCipherSpec comes in epoch 0. */
function ownEpoch(expects: string): 0 | 1 {
  return expects === 'finished' ? 1 : 0;
}

function outcomesOf(reach: () => HandshakePair, side: Sender, epoch: 0 | 1): string {
  return INPUTS.map((input) => outcomeOf(reach(), side, input, epoch)).join('');
}

function outcomeOf(run: HandshakePair, side: Sender, input: (typeof INPUTS)[number], epoch: 0 | 1): string {
  const output = side === 'server' ? run.serverOutput : run.clientOutput;
  const ended = output.results.length > 0;
  const before = run[side].expects;
  const counted = give(run, side, input, epoch);
  if (!counted) {
    assert.deepEqual(run[side].expects, before);
    assert.deepEqual([output.flights, output.lookups, output.failures], [[], [], []]);
    run.runOn();
    assert.equal(output.results.length, 1, `${input} was dropped and the handshake did not complete`);
    return '.';
  }
  assert.equal(ended, false);
  const { failure } = output;
  if (failure?.reason !== 'unexpected-message') return 'A';
  assert.equal(failure.alert, 'unexpected_message');
  assert.match(failure.text, new RegExp(`sent ${input} where ${before.join(' or ')} was due`));
  assert.equal(output.results.length, 0);
  return 'x';
}

/** The message that is on the way where there is one, else one that could be. */
function give(run: HandshakePair, side: Sender, input: (typeof INPUTS)[number], epoch: 0 | 1): boolean {
  if (input === 'change_cipher_spec') return run[side].handleChangeCipherSpec();
  const genuine = run.underWay(side === 'server' ? 'client' : 'server', input);
  const message = genuine?.kind === 'message' ? genuine.message : madeUp(input);
  return run[side].handleMessage(message, epoch);
}

const HELLO = { version: DTLS_1_2, random: new Uint8Array(32), sessionId: EMPTY, extensions: {} };
const BODIES: Readonly<Record<HandshakeTypeName, Uint8Array>> = {
  hello_request: EMPTY,
  client_hello: encodeClientHello({ ...HELLO, cookie: EMPTY, cipherSuites: [0xc0a8] }),
  server_hello: encodeServerHello({ ...HELLO, cipherSuite: 0xc0a8 }),
  hello_verify_request: encodeHelloVerifyRequest({ version: DTLS_1_2, cookie: Uint8Array.of(1) }),
  new_session_ticket: encodeNewSessionTicket({ lifetimeHintSeconds: 1, ticket: Uint8Array.of(1) }),
  certificate: encodeRawPublicKey(clientPair.publicKey),
  server_key_exchange: encodePskServerKeyExchange(EMPTY),
  certificate_request: encodeCertificateRequest({
    certificateTypes: [64],
    signatureAlgorithms: [0x0403],
    certificateAuthorities: [],
  }),
  server_hello_done: EMPTY,
  certificate_verify: Uint8Array.of(4, 3, 0, 1, 0),
  client_key_exchange: encodePskClientKeyExchange(Uint8Array.of(1)),
  finished: new Uint8Array(12),
};

function madeUp(input: Exclude<(typeof INPUTS)[number], 'change_cipher_spec'>): HandshakeMessage {
  if (input === 'handshake message 99') return { type: 99, messageSeq: 9, body: EMPTY };
  return { type: HANDSHAKE_TYPES[input], messageSeq: 9, body: BODIES[input] };
}
