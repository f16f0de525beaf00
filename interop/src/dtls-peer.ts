/** Our DTLS endpoint over a real socket, with promises for what happens, for tests against other people's programs. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import {
  DtlsEndpoint,
  type Association,
  type ConnectOptions,
  type DtlsEvent,
  type DtlsOutbox,
  type DtlsParameters,
  type Lookup,
  type LookupAnswer,
  type Refusal,
  type RemoteAddress,
  type ServerCredentials,
} from '@lapwing/dtls';
import { nodeCrypto } from '@lapwing/transport';
import { Mailbox } from './mailbox.ts';

export interface DtlsPeerOptions {
  readonly server?: ServerCredentials;
  readonly parameters?: Partial<DtlsParameters>;
  /** What the clock says, for validity. Default: it is right. */
  readonly unixTime?: () => number;
  /** Default: everything asked for is unknown. */
  readonly answer?: (lookup: Lookup) => LookupAnswer;
}

export type Outcome =
  | { readonly kind: 'opened'; readonly association: Association; readonly resumed: boolean }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export class DtlsPeer implements AsyncDisposable {
  readonly endpoint: DtlsEndpoint;
  /** How each handshake ended, in order. */
  readonly outcomes: Mailbox<Outcome> = new Mailbox();
  /** Application data, as text. */
  readonly received: Mailbox<string> = new Mailbox();
  readonly closed: Mailbox<Extract<DtlsEvent, { kind: 'closed' }>> = new Mailbox();
  readonly #answer: (lookup: Lookup) => LookupAnswer;
  readonly #socket: Socket;
  readonly #out: DtlsOutbox;
  /** What the endpoint asked during a call, answered after it. */
  readonly #lookups: Lookup[] = [];
  #timer: NodeJS.Timeout | undefined;

  static async open(options: DtlsPeerOptions): Promise<DtlsPeer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new DtlsPeer(socket, options);
  }

  private constructor(socket: Socket, { answer, parameters, server, unixTime }: DtlsPeerOptions) {
    this.#socket = socket;
    this.#answer = answer ?? (() => ({ kind: 'unknown' }));
    this.endpoint = new DtlsEndpoint({
      crypto: nodeCrypto,
      unixTime: unixTime ?? Date.now,
      ...(server === undefined ? {} : { server }),
      ...(parameters === undefined ? {} : { parameters }),
    });
    this.#out = {
      transmit: ({ host, port }, datagram) => socket.send(datagram.slice(), port, host),
      deliver: (_, plaintext) => this.received.put(Buffer.from(plaintext).toString()),
      emit: (event) => this.#emit(event),
    };
    socket.on('message', ({ buffer, byteOffset, length }, { address: host, port }: RemoteInfo) => {
      const datagram = new Uint8Array(buffer, byteOffset, length);
      this.#turn((now) => this.endpoint.handleDatagram(now, { host, port }, datagram, this.#out));
    });
  }

  get port(): number {
    return this.#socket.address().port;
  }

  connect(to: RemoteAddress, options: ConnectOptions): Association {
    return this.#turn((now) => this.endpoint.connect(now, to, options, this.#out));
  }

  send(association: Association, text: string): void {
    this.#turn((now) => this.endpoint.send(now, association, Buffer.from(text), this.#out));
  }

  close(association: Association): void {
    this.#turn((now) => this.endpoint.close(now, association, this.#out));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  #turn<T>(act: (now: number) => T): T {
    const now = performance.now();
    const result = act(now);
    for (let lookup = this.#lookups.shift(); lookup !== undefined; lookup = this.#lookups.shift()) {
      this.endpoint.answer(now, lookup, this.#answer(lookup), this.#out);
    }
    this.#arm(now);
    return result;
  }

  #arm(now: number): void {
    clearTimeout(this.#timer);
    const deadline = this.endpoint.nextDeadline();
    if (deadline === Infinity) return;
    this.#timer = setTimeout(
      () => this.#turn((then) => this.endpoint.handleTimeout(then, this.#out)),
      Math.max(0, deadline - now),
    );
  }

  #emit(event: DtlsEvent): void {
    switch (event.kind) {
      case 'opened':
        return this.outcomes.put({ kind: 'opened', association: event.association, resumed: event.resumed });
      case 'refused':
        return this.outcomes.put({ kind: 'refused', refusal: event.refusal });
      case 'closed':
        return this.closed.put(event);
      case 'lookup':
        this.#lookups.push(event.lookup);
        return;
      case 'moved':
      case 'forgedRecords':
      case 'reservationLow':
    }
  }
}
