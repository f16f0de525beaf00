/**
 * A client and a server written out message by message, for what our own machines never do: leave out Extended Master
 * Secret, choose what was not offered, sign with another key. They share the codecs and the key schedule with the
 * machines, and nothing of their logic.
 */
import { nodeCrypto as crypto } from '@lapwing/transport';
import { cipherSuiteByName } from '../src/cipher-suite-table.ts';
import type { CipherSuiteName } from '../src/cipher-suite-table.ts';
import type { SecretKey } from '../src/crypto.ts';
import type { Extensions } from '../src/handshake/extension-codec.ts';
import type { HandshakeMachine, HandshakeMessage } from '../src/handshake/handshake.ts';
import { HANDSHAKE_TYPES } from '../src/handshake/handshake-type-table.ts';
import type { HandshakeTypeName } from '../src/handshake/handshake-type-table.ts';
import {
  DTLS_1_2,
  decodeClientHello,
  decodeServerHello,
  encodeClientHello,
  encodeServerHello,
} from '../src/handshake/hello-codec.ts';
import type { ClientHello, DecodedClientHello, DecodedServerHello, ServerHello } from '../src/handshake/hello-codec.ts';
import {
  decodeEcdheServerKeyExchange,
  encodeEcdheClientKeyExchange,
  encodePskClientKeyExchange,
} from '../src/handshake/key-exchange-codec.ts';
import { encodeNewSessionTicket } from '../src/handshake/message-codec.ts';
import type { ServerHandshake } from '../src/handshake/server-handshake.ts';
import { Transcript } from '../src/handshake/transcript.ts';
import { extendedMasterSecret, masterSecret, pskPremaster, verifyData } from '../src/key-schedule.ts';
import { isMalformed } from '../src/malformed.ts';
import type { Malformed } from '../src/malformed.ts';
import type { RecordedOutput } from './handshake-pair.ts';
import { IDENTITY, KEY } from './machine-credentials.ts';

const EMPTY = new Uint8Array(0);

export function decoded<T extends object>(value: T | Malformed): T {
  if (isMalformed(value)) throw new Error(value.malformed);
  return value;
}

class Scripted {
  readonly transcript: Transcript = new Transcript(crypto);
  readonly output: RecordedOutput;
  #seq: number;

  constructor(output: RecordedOutput, firstSeq: number) {
    this.output = output;
    this.#seq = firstSeq;
  }

  message(name: HandshakeTypeName, body: Uint8Array): HandshakeMessage {
    const message = { type: HANDSHAKE_TYPES[name], messageSeq: this.#seq++, body };
    this.transcript.append(message);
    return message;
  }

  /** The messages of what the machine has sent since. */
  received(): readonly HandshakeMessage[] {
    return this.output.flights
      .splice(0)
      .flatMap(({ items }) => items.flatMap((item) => (item.kind === 'message' ? [item.message] : [])));
  }

  master(premaster: SecretKey, extended: boolean, clientRandom: Uint8Array, serverRandom: Uint8Array): SecretKey {
    return extended
      ? extendedMasterSecret(premaster, this.transcript.hash(), crypto)
      : masterSecret(premaster, clientRandom, serverRandom, crypto);
  }

  finish(machine: HandshakeMachine, master: SecretKey, sender: 'client' | 'server'): void {
    machine.handleChangeCipherSpec();
    machine.handleMessage(this.message('finished', verifyData(master, sender, this.transcript.hash(), crypto)), 1);
  }
}

/** A ClientHello to a server, with whatever a test wants in it. */
export function greet(
  server: ServerHandshake,
  suites: readonly (CipherSuiteName | number)[],
  extensions: Extensions,
  changes: Partial<ClientHello> = {},
): { readonly hello: DecodedClientHello; readonly message: HandshakeMessage } {
  const body = encodeClientHello({
    version: DTLS_1_2,
    random: crypto.randomBytes(32),
    sessionId: EMPTY,
    cookie: Uint8Array.of(1),
    cipherSuites: suites.map((suite) => (typeof suite === 'number' ? suite : cipherSuiteByName(suite).number)),
    extensions,
    ...changes,
  });
  const message = { type: HANDSHAKE_TYPES.client_hello, messageSeq: 1, body };
  const hello = decoded(decodeClientHello(body));
  server.start(message, hello);
  return { hello, message };
}

/** A whole handshake with a server that does not ask for a certificate. */
export function scriptedClient(
  server: ServerHandshake,
  output: RecordedOutput,
  suite: CipherSuiteName,
  extensions: Extensions,
): DecodedServerHello {
  const script = new Scripted(output, 2);
  const { hello, message } = greet(server, [suite], extensions);
  script.transcript.append(message);
  const flight = script.received();
  for (const each of flight) script.transcript.append(each);
  const serverHello = decoded(decodeServerHello(flight[0]!.body));
  let premaster: SecretKey;
  if (cipherSuiteByName(suite).keyExchange === 'psk') {
    server.handleMessage(script.message('client_key_exchange', encodePskClientKeyExchange(IDENTITY)), 0);
    premaster = pskPremaster(KEY, crypto);
  } else {
    const exchange = flight.find((each) => each.type === HANDSHAKE_TYPES.server_key_exchange)!;
    const { group, publicBytes } = decoded(decodeEcdheServerKeyExchange(exchange.body));
    const own = crypto.generateEphemeral(group === 23 ? 'secp256r1' : 'x25519');
    server.handleMessage(script.message('client_key_exchange', encodeEcdheClientKeyExchange(own.publicBytes)), 0);
    premaster = crypto.importSecret(crypto.agree(own, publicBytes)!);
  }
  if (server.isWaitingForLookup) server.answer({ kind: 'key', key: KEY });
  const extended = serverHello.extensions.extendedMasterSecret === true;
  const master = script.master(premaster, extended, hello.random, serverHello.random);
  script.finish(server, master, 'client');
  return serverHello;
}

export type HelloChanges = Partial<ServerHello>;

/** A server of pre-shared keys that a client talks to: sends its ServerHello and reads what comes back. */
export function scriptedPskServer(
  client: HandshakeMachine & { start(): void },
  output: RecordedOutput,
  choose: (hello: DecodedClientHello) => HelloChanges,
): DecodedClientHello {
  const script = new Scripted(output, 0);
  client.start();
  const [first] = script.received();
  script.transcript.append(first!);
  const hello = decoded(decodeClientHello(first!.body));
  const random = crypto.randomBytes(32);
  const chosen = choose(hello);
  const body = encodeServerHello({
    version: DTLS_1_2,
    random,
    sessionId: EMPTY,
    cipherSuite: hello.cipherSuites[0]!,
    extensions: {},
    ...chosen,
  });
  client.handleMessage(script.message('server_hello', body), 0);
  client.handleMessage(script.message('server_hello_done', EMPTY), 0);
  const [exchange, finished] = script.received();
  if (exchange === undefined) return hello;
  script.transcript.append(exchange);
  const extended = chosen.extensions?.extendedMasterSecret === true;
  const master = script.master(pskPremaster(KEY, crypto), extended, hello.random, random);
  script.transcript.append(finished!);
  script.finish(client, master, 'server');
  return hello;
}

/** A server that takes up the session a client offers, and gives it another ticket. RFC 5077 §3.1. */
export function scriptedResumption(
  client: HandshakeMachine & { start(): void },
  output: RecordedOutput,
  master: SecretKey,
  ticket: Uint8Array,
): void {
  const script = new Scripted(output, 0);
  client.start();
  const [first] = script.received();
  script.transcript.append(first!);
  const { sessionId, cipherSuites } = decoded(decodeClientHello(first!.body));
  const body = encodeServerHello({
    version: DTLS_1_2,
    random: crypto.randomBytes(32),
    sessionId,
    cipherSuite: cipherSuites[0]!,
    extensions: { extendedMasterSecret: true, sessionTicket: EMPTY },
  });
  client.handleMessage(script.message('server_hello', body), 0);
  const newTicket = encodeNewSessionTicket({ lifetimeHintSeconds: 0, ticket });
  client.handleMessage(script.message('new_session_ticket', newTicket), 0);
  script.finish(client, master, 'server');
}
