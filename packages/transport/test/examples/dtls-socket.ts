import { createSocket } from 'node:dgram';
import { DtlsEndpoint, type Association, type DtlsEndpointOptions, type DtlsEvent } from '@lapwing/dtls';
import { nodeCrypto } from '@lapwing/transport';

/** A DTLS endpoint on a socket of its own: datagrams and time in, datagrams, plaintext and events out. */
export class DtlsSocket {
  onMessage: (association: Association, plaintext: Uint8Array) => void = () => undefined;
  onEvent: (event: DtlsEvent) => void = () => undefined;
  readonly endpoint: DtlsEndpoint;
  readonly #socket = createSocket('udp4');
  readonly #arrived: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: Omit<DtlsEndpointOptions, 'crypto' | 'unixTime'>) {
    this.endpoint = new DtlsEndpoint({ ...options, crypto: nodeCrypto, unixTime: () => Date.now() });
    this.#socket.on('message', (datagram, { address: host, port }) =>
      this.turn((now, out) => this.endpoint.handleDatagram(now, { host, port }, datagram, out)),
    );
  }

  /** Everything enters here: feed the endpoint, hand up what it brought, look at the one deadline. */
  turn(input: (now: number, out: Parameters<DtlsEndpoint['handleTimeout']>[1]) => void): void {
    input(performance.now(), {
      transmit: ({ host, port }, datagram) => this.#socket.send(datagram, port, host),
      deliver: (association, plaintext) => this.#arrived.push(() => this.onMessage(association, plaintext)),
      emit: (event) => this.#arrived.push(() => this.onEvent(event)),
    });
    for (let next = this.#arrived.shift(); next !== undefined; next = this.#arrived.shift()) next();
    clearTimeout(this.#timer);
    const delay = this.endpoint.nextDeadline() - performance.now();
    if (delay === Infinity) return;
    this.#timer = setTimeout(
      () => this.turn((now, out) => this.endpoint.handleTimeout(now, out)),
      Math.min(Math.max(Math.ceil(delay), 0), 2 ** 31 - 1),
    );
  }

  send(association: Association, plaintext: Uint8Array): void {
    this.turn((now, out) => this.endpoint.send(now, association, plaintext, out));
  }

  async bind(port: number): Promise<number> {
    await new Promise<void>((resolve) => this.#socket.bind(port, '127.0.0.1', resolve));
    return this.#socket.address().port;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#socket.close();
  }
}
