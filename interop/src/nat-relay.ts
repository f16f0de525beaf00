/**
 * A NAT between one client and one server over real sockets, which gives the client another port on command, as NATs do
 * when they forget or restart. The client sends to `port`; the server sees the traffic come from `outsidePort`.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';

const HOST = '127.0.0.1';

export class NatRelay implements AsyncDisposable {
  readonly #inside: Socket;
  readonly #serverPort: number;
  #outside: Socket;
  #clientPort = 0;

  static async open(serverPort: number): Promise<NatRelay> {
    return new NatRelay(serverPort, await bound(), await bound());
  }

  private constructor(serverPort: number, inside: Socket, outside: Socket) {
    this.#serverPort = serverPort;
    this.#inside = inside;
    this.#outside = outside;
    inside.on('message', (datagram, { port }: RemoteInfo) => {
      this.#clientPort = port;
      this.#outside.send(datagram, this.#serverPort, HOST);
    });
    this.#receive();
  }

  /** Where the client finds the server. */
  get port(): number {
    return this.#inside.address().port;
  }

  /** Where the server finds the client. */
  get outsidePort(): number {
    return this.#outside.address().port;
  }

  /** From now on the client has another port; what is still sent to the old one is lost. */
  async rebind(): Promise<void> {
    const before = this.#outside;
    this.#outside = await bound();
    this.#receive();
    await closed(before);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closed(this.#inside);
    await closed(this.#outside);
  }

  #receive(): void {
    this.#outside.on('message', (datagram) => this.#inside.send(datagram, this.#clientPort, HOST));
  }
}

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, HOST);
  await once(socket, 'listening');
  return socket;
}

async function closed(socket: Socket): Promise<void> {
  socket.close();
  await once(socket, 'close');
}
