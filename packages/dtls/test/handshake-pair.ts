/**
 * A client machine and a server machine that talk to each other without records: whole messages, in order, and
 * whatever a test does to them on the way.
 */
import { nodeCrypto } from '@lapwing/transport';
import type { ServerCredentials } from '../src/credentials.ts';
import type { LookupAnswer } from '../src/events.ts';
import { ClientHandshake } from '../src/handshake/client-handshake.ts';
import type { ClientHandshakeOptions } from '../src/handshake/client-handshake.ts';
import type {
  FlightItem,
  HandshakeFailure,
  HandshakeMachine,
  HandshakeOutput,
  HandshakeResult,
} from '../src/handshake/handshake.ts';
import { HANDSHAKE_TYPES, handshakeTypeName } from '../src/handshake/handshake-type-table.ts';
import { DTLS_1_0, decodeClientHello, encodeHelloVerifyRequest } from '../src/handshake/hello-codec.ts';
import { ServerHandshake } from '../src/handshake/server-handshake.ts';
import type { ServerHandshakeOptions } from '../src/handshake/server-handshake.ts';
import { isMalformed } from '../src/malformed.ts';
import { DEFAULT_DTLS_PARAMETERS } from '../src/parameters.ts';
import type { SecurityParameters } from '../src/record/protection.ts';

export type MachineLookup = Parameters<HandshakeOutput['lookup']>[0];
export type Sender = 'client' | 'server';

export const NOW: number = Date.UTC(2026, 5, 1);

/** Everything a machine has put out. */
export class RecordedOutput implements HandshakeOutput {
  readonly flights: { readonly items: readonly FlightItem[]; readonly last: boolean }[] = [];
  readonly keys: SecurityParameters[] = [];
  readonly lookups: MachineLookup[] = [];
  readonly results: HandshakeResult[] = [];
  readonly failures: HandshakeFailure[] = [];

  sendFlight(items: readonly FlightItem[], last: boolean): void {
    this.flights.push({ items, last });
  }
  keysReady(parameters: SecurityParameters): void {
    this.keys.push(parameters);
  }
  lookup(lookup: MachineLookup): void {
    this.lookups.push(lookup);
  }
  complete(result: HandshakeResult): void {
    this.results.push(result);
  }
  fail(failure: HandshakeFailure): void {
    this.failures.push(failure);
  }

  get result(): HandshakeResult | undefined {
    return this.results[0];
  }
  get failure(): HandshakeFailure | undefined {
    return this.failures[0];
  }
}

export type ClientOptions = Pick<ClientHandshakeOptions, 'credentials'> & Partial<ClientHandshakeOptions>;
export type ServerOptions = Partial<Omit<ServerHandshakeOptions, 'credentials'>> & {
  readonly credentials: Partial<ServerCredentials>;
};

export function newClient(options: ClientOptions, output: HandshakeOutput): ClientHandshake {
  return new ClientHandshake({
    crypto: nodeCrypto,
    parameters: DEFAULT_DTLS_PARAMETERS,
    unixTime: () => NOW,
    serverName: undefined,
    cipherSuites: undefined,
    session: undefined,
    connectionId: new Uint8Array(0),
    ...options,
    output,
  });
}

export function newServer(options: ServerOptions, output: HandshakeOutput): ServerHandshake {
  return new ServerHandshake({
    crypto: nodeCrypto,
    parameters: DEFAULT_DTLS_PARAMETERS,
    unixTime: () => NOW,
    sessions: undefined,
    connectionId: undefined,
    ...options,
    credentials: {
      clientAuthentication: 'required',
      clientCertificateTypes: ['rpk', 'x509'],
      trustAnchors: [],
      ...options.credentials,
    },
    output,
  });
}

export interface PairOptions {
  readonly client: ClientOptions;
  readonly server: ServerOptions;
  /** HelloVerifyRequests before the server takes part. */
  readonly cookies?: number;
  readonly answer?: (lookup: MachineLookup) => LookupAnswer;
  /** What arrives instead of what was sent. */
  readonly onTheWay?: (item: FlightItem, sender: Sender) => readonly FlightItem[];
}

export class HandshakePair {
  readonly client: ClientHandshake;
  readonly server: ServerHandshake;
  readonly clientOutput: RecordedOutput = new RecordedOutput();
  readonly serverOutput: RecordedOutput = new RecordedOutput();
  /** What arrived, as `> client_hello` from the client and `< server_hello` from the server. */
  readonly trace: string[] = [];
  readonly #options: PairOptions;
  readonly #queue: { readonly item: FlightItem; readonly sender: Sender }[] = [];
  #cookies: number;
  #started = false;

  constructor(options: PairOptions) {
    this.#options = options;
    this.#cookies = options.cookies ?? 1;
    this.client = newClient(options.client, this.clientOutput);
    this.server = newServer(options.server, this.serverOutput);
  }

  /** Until nobody has anything to say. */
  run(): this {
    this.client.start();
    return this.runOn();
  }

  runOn(): this {
    while (this.step());
    return this;
  }

  /** Until this side waits for exactly these messages, as `expects` has them with a `|` between. */
  runUntil(side: Sender, expected: string): this {
    this.client.start();
    while (this[side].expects.join('|') !== expected) {
      if (!this.step()) throw new Error(`the ${side} never expects ${expected}: ${this.trace.join(', ')}`);
    }
    this.#collect();
    return this;
  }

  /** What is to arrive of this kind, if it is on the way. */
  underWay(sender: Sender, name: string): FlightItem | undefined {
    return this.#queue.find((queued) => this.#name(queued) === `${sender === 'client' ? '>' : '<'} ${name}`)?.item;
  }

  step(): boolean {
    this.#collect();
    const next = this.#queue.shift();
    if (next === undefined) return false;
    this.trace.push(this.#name(next));
    const receiver = next.sender === 'client' ? this.server : this.client;
    for (const item of this.#options.onTheWay?.(next.item, next.sender) ?? [next.item]) this.#deliver(item, receiver);
    this.#answerLookups();
    return true;
  }

  #name({ item, sender }: { readonly item: FlightItem; readonly sender: Sender }): string {
    const name = item.kind === 'message' ? handshakeTypeName(item.message.type) : 'change_cipher_spec';
    return `${sender === 'client' ? '>' : '<'} ${name}`;
  }

  #collect(): void {
    for (const { items } of this.clientOutput.flights.splice(0)) {
      for (const item of items) this.#queue.push({ item, sender: 'client' });
    }
    for (const { items } of this.serverOutput.flights.splice(0)) {
      for (const item of items) this.#queue.push({ item, sender: 'server' });
    }
  }

  #deliver(item: FlightItem, receiver: HandshakeMachine): void {
    if (item.kind === 'changeCipherSpec') {
      receiver.handleChangeCipherSpec();
      return;
    }
    const { message, epoch } = item;
    if (receiver.role === 'server' && message.type === HANDSHAKE_TYPES.client_hello && !this.#started) {
      this.#greet(item);
    } else {
      receiver.handleMessage(message, epoch);
    }
  }

  /** What an endpoint does before there is a machine. */
  #greet({ message }: Extract<FlightItem, { kind: 'message' }>): void {
    if (this.#cookies > 0) {
      this.#cookies--;
      const body = encodeHelloVerifyRequest({ version: DTLS_1_0, cookie: Uint8Array.of(7, this.#cookies) });
      const request = { type: HANDSHAKE_TYPES.hello_verify_request, messageSeq: message.messageSeq, body };
      this.#queue.push({ item: { kind: 'message', message: request, epoch: 0 }, sender: 'server' });
      return;
    }
    const hello = decodeClientHello(message.body);
    if (isMalformed(hello)) throw new Error(hello.malformed);
    this.#started = true;
    this.server.start(message, hello);
  }

  #answerLookups(): void {
    for (const lookup of this.serverOutput.lookups.splice(0)) {
      this.server.answer(this.#options.answer?.(lookup) ?? { kind: 'unknown' });
    }
  }
}
