/** An endpoint and a scripted peer that talk to each other at once: what is sent has been answered when `send` returns. */
import assert from 'node:assert/strict';
import { nodeCrypto } from '@lapwing/transport';
import type { Association } from '../src/association.ts';
import type { CipherSuiteName } from '../src/cipher-suite-table.ts';
import type { ServerCredentials } from '../src/credentials.ts';
import { DtlsEndpoint } from '../src/endpoint.ts';
import type { ConnectOptions } from '../src/endpoint.ts';
import type { DtlsEvent, DtlsOutbox, Lookup, LookupAnswer, RemoteAddress } from '../src/events.ts';
import { encodeCertificateChain, encodeRawPublicKey } from '../src/handshake/certificate-codec.ts';
import type { Extensions } from '../src/handshake/extension-codec.ts';
import type { DtlsParameters } from '../src/parameters.ts';
import type { RefusalReason } from '../src/refusal.ts';
import { leftovers, NOTHING_LEFT } from './endpoint-fixture.ts';
import { NOW } from './handshake-pair.ts';
import {
  clientCertificate,
  clientPair,
  CLIENTS,
  EVERYTHING,
  IDENTITY,
  KEY,
  knowsEveryone,
  serverCertificate,
  serverPair,
} from './machine-credentials.ts';
import { ScriptedClient } from './scripted-client.ts';
import type { ClientMessage } from './scripted-client.ts';
import type { Prepared, ScriptedCredentials, Sighting } from './scripted-exchange.ts';
import { ScriptedServer } from './scripted-server.ts';
import type { ServerMessage } from './scripted-server.ts';

export const PEER: RemoteAddress = { host: '198.51.100.7', port: 40_000 };
export const OTHER: RemoteAddress = { host: '198.51.100.8', port: 40_001 };

export type Kind = 'psk' | 'rpk' | 'x509';

const SUITES: Readonly<Record<Kind, CipherSuiteName>> = {
  psk: 'TLS_PSK_WITH_AES_128_CCM_8',
  rpk: 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8',
  x509: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
};

export const CLIENT_PROOFS: Readonly<Record<Kind, ScriptedCredentials>> = {
  psk: { kind: 'psk', identity: IDENTITY, key: KEY },
  rpk: { kind: 'rpk', certificate: encodeRawPublicKey(clientPair.publicKey), privateKey: clientPair.privateKey },
  x509: { kind: 'x509', certificate: encodeCertificateChain([clientCertificate]), privateKey: clientPair.privateKey },
};

const SERVER_PROOFS: Readonly<Record<Kind, ScriptedCredentials>> = {
  psk: CLIENT_PROOFS.psk,
  rpk: { kind: 'rpk', certificate: encodeRawPublicKey(serverPair.publicKey), privateKey: serverPair.privateKey },
  x509: { kind: 'x509', certificate: encodeCertificateChain([serverCertificate]), privateKey: serverPair.privateKey },
};

export interface MeetingOptions {
  readonly kind: Kind;
  readonly suite?: CipherSuiteName;
  readonly parameters?: Partial<DtlsParameters>;
  /** Of the peer. */
  readonly extensions?: Extensions;
  readonly proof?: ScriptedCredentials;
  /** Of an endpoint that is a server. */
  readonly credentials?: Partial<ServerCredentials>;
  readonly answer?: (lookup: Lookup) => LookupAnswer;
}

const PEER_EXTENSIONS: Extensions = { extendedMasterSecret: true };

abstract class Meeting<Message extends string> implements DtlsOutbox {
  now = 0;
  readonly endpoint: DtlsEndpoint;
  readonly events: DtlsEvent[] = [];
  readonly delivered: { readonly association: Association; readonly plaintext: Uint8Array }[] = [];
  /** Datagrams of the endpoint that the peer has not read yet. */
  readonly sent: Uint8Array[] = [];
  readonly sentTo: RemoteAddress[] = [];
  readonly #answer: (lookup: Lookup) => LookupAnswer;
  readonly #lookups: Lookup[] = [];

  constructor({ parameters, credentials, answer }: MeetingOptions, role: 'client' | 'server') {
    this.#answer = answer ?? knowsEveryone;
    this.endpoint = new DtlsEndpoint({
      crypto: nodeCrypto,
      unixTime: () => NOW + this.now,
      parameters: { connectionIdLength: 'off', tickets: false, ...parameters },
      ...(role === 'server' && { server: { ...EVERYTHING, ...credentials } }),
    });
  }

  abstract prepare(name: Message, protection?: 'plain' | 'protected'): Prepared;
  protected abstract receive(datagram: Uint8Array): readonly Sighting[];

  transmit(to: RemoteAddress, datagram: Uint8Array): void {
    this.sentTo.push({ ...to });
    this.sent.push(datagram.slice());
  }
  deliver(association: Association, plaintext: Uint8Array): void {
    this.delivered.push({ association, plaintext: plaintext.slice() });
  }
  emit(event: DtlsEvent): void {
    this.events.push(event);
    if (event.kind === 'lookup') this.#lookups.push(event.lookup);
  }

  /** One after the other, each as if it counted. What the endpoint sent in return. */
  send(...names: readonly Message[]): readonly Sighting[] {
    const seen: Sighting[] = [];
    for (const name of names) seen.push(...this.sendPrepared(this.prepare(name)));
    return seen;
  }

  /** In records of epoch 1, as far as there are keys. */
  sendProtected(...names: readonly Message[]): readonly Sighting[] {
    return names.flatMap((name) => this.sendPrepared(this.prepare(name, 'protected')));
  }

  sendPrepared(prepared: Prepared): readonly Sighting[] {
    this.arrive(prepared.datagram);
    prepared.commit();
    return this.read();
  }

  sendBytes(datagram: Uint8Array, from: RemoteAddress = PEER): readonly Sighting[] {
    this.arrive(datagram, from);
    return this.read();
  }

  arrive(datagram: Uint8Array, from: RemoteAddress = PEER): void {
    this.endpoint.handleDatagram(this.now, from, datagram.slice(), this);
    for (let lookup = this.#lookups.shift(); lookup !== undefined; lookup = this.#lookups.shift()) {
      this.endpoint.answer(this.now, lookup, this.#answer(lookup), this);
    }
  }

  read(): readonly Sighting[] {
    return this.sent.splice(0).flatMap((datagram) => this.receive(datagram));
  }

  pass(duration: number): readonly Sighting[] {
    const end = this.now + duration;
    for (let next = this.endpoint.nextDeadline(); next <= end; next = this.endpoint.nextDeadline()) {
      this.now = Math.max(this.now, next);
      this.endpoint.handleTimeout(this.now, this);
    }
    this.now = end;
    return this.read();
  }

  get opened(): readonly Association[] {
    return this.events.filter((event) => event.kind === 'opened').map(({ association }) => association);
  }

  get refusals(): readonly RefusalReason[] {
    return this.events.filter((event) => event.kind === 'refused').map(({ refusal }) => refusal.reason);
  }

  get dropped(): Readonly<Record<string, number>> {
    return this.endpoint.counters.dropped;
  }

  /** Nobody was let in, nothing was delivered, and when time has passed nothing is left. */
  assertNothingCameOfIt(): void {
    this.pass(3_600_000);
    assert.deepEqual(this.opened, []);
    assert.deepEqual(this.delivered, []);
    assert.deepEqual(leftovers(this), NOTHING_LEFT);
  }

  /** Application data goes through, one way and the other. */
  assertOpen(association: Association = this.opened.at(-1)!): void {
    assert.equal(association.state, 'open');
    const count = this.delivered.length;
    this.send('application_data' as Message);
    assert.equal(this.delivered.length, count + 1);
    assert.equal(this.endpoint.send(this.now, association, Uint8Array.of(1), this), true);
    assert.deepEqual(this.read(), ['application_data']);
  }
}

/** The endpoint is the server. */
export class ServerMeeting extends Meeting<ClientMessage> {
  readonly peer: ScriptedClient;

  constructor(options: MeetingOptions) {
    super(options, 'server');
    const { kind, suite, extensions, proof } = options;
    this.peer = new ScriptedClient({
      crypto: nodeCrypto,
      credentials: proof ?? CLIENT_PROOFS[kind],
      suite: suite ?? SUITES[kind],
      extensions: { ...PEER_EXTENSIONS, ...extensions },
    });
  }

  override prepare(name: ClientMessage, protection?: 'plain' | 'protected'): Prepared {
    return this.peer.prepare(name, protection);
  }
  protected override receive(datagram: Uint8Array): readonly Sighting[] {
    return this.peer.receive(datagram);
  }

  /** Up to the server's first flight. */
  greet(): this {
    this.send('client_hello', 'client_hello_with_cookie');
    return this;
  }

  open(): this {
    this.greet();
    if (this.peer.isCertified) this.send('certificate');
    this.send('client_key_exchange');
    if (this.peer.isCertified) this.send('certificate_verify');
    this.send('change_cipher_spec', 'finished');
    assert.equal(this.opened.length, 1);
    this.peer.establish();
    return this;
  }
}

/** The endpoint is the client. */
export class ClientMeeting extends Meeting<ServerMessage> {
  readonly peer: ScriptedServer;
  readonly association: Association;
  readonly #isCertified: boolean;

  constructor(options: MeetingOptions & { readonly connect?: Partial<ConnectOptions> }) {
    super(options, 'client');
    const { kind, suite, extensions, proof, connect } = options;
    this.#isCertified = kind !== 'psk';
    this.peer = new ScriptedServer({
      crypto: nodeCrypto,
      credentials: proof ?? SERVER_PROOFS[kind],
      suite: suite ?? SUITES[kind],
      extensions: { ...PEER_EXTENSIONS, ...extensions },
    });
    const cipherSuites = [suite ?? SUITES[kind]];
    this.association = this.endpoint.connect(0, PEER, { credentials: CLIENTS[kind], cipherSuites, ...connect }, this);
    this.read();
  }

  override prepare(name: ServerMessage, protection?: 'plain' | 'protected'): Prepared {
    return this.peer.prepare(name, protection);
  }
  protected override receive(datagram: Uint8Array): readonly Sighting[] {
    return this.peer.receive(datagram);
  }

  /** The server's first flight but its ServerHelloDone. */
  greet(): this {
    this.send('hello_verify_request', 'server_hello');
    if (this.#isCertified) this.send('certificate', 'server_key_exchange', 'certificate_request');
    return this;
  }

  open(): this {
    this.greet();
    this.send('server_hello_done', 'change_cipher_spec', 'finished');
    assert.equal(this.opened.length, 1);
    return this;
  }
}
