/**
 * Datagrams over `node:dgram`: the backend that needs nothing but Node.
 *
 * Datagrams that arrive in one poll of the event loop are handed up together: a turn for each of them costs 6 to 21 %
 * more CPU per GET (512 clients, window 64, five interleaved pairs). Outgoing ones go straight to the
 * kernel: the address is already numeric, so the look-up answers at once, and one shared callback counts the errors.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { OperationFailed, UsageError } from '@lapwing/coap';
import {
  DatagramBatch,
  type DatagramCounters,
  type DatagramSink,
  type DatagramTransport,
} from './datagram-transport.ts';
import type { PeerAddress } from './driver.ts';
import { reportTransportError } from './diagnostics.ts';

export interface DgramTransportOptions {
  /** The IP address to bind: '0.0.0.0', '127.0.0.1', '::', '::1'. An IPv6 socket takes IPv6 only, so both families can share a port. */
  readonly host: string;
  /** With the host '::' only: send to and receive from IPv4 addresses, too, which stay such in everything above. Default false. */
  readonly dualStack?: boolean;
  /** 0: any free port. */
  readonly port: number;
  /** Bytes of the kernel's receive buffer; default 8 MiB. The system may give less. */
  readonly receiveBufferBytes?: number;
  /** Bytes of the kernel's send buffer; default 4 MiB. */
  readonly sendBufferBytes?: number;
  /** Let several sockets share the port, one per process. Default false. */
  readonly reusePort?: boolean;
}

export class DgramTransport implements DatagramTransport {
  readonly counters: DatagramCounters = {
    datagramsReceived: 0,
    bytesReceived: 0,
    datagramsSent: 0,
    bytesSent: 0,
    sendErrors: 0,
  };
  readonly #options: DgramTransportOptions;
  readonly #batch: DatagramBatch = new DatagramBatch();
  #sink: DatagramSink | undefined;
  #socket: Socket | undefined;
  readonly #dualStack: boolean;
  #immediate: NodeJS.Immediate | undefined;
  #closed: Promise<void> | undefined;

  /** @throws UsageError for `dualStack` with an address of one family. */
  constructor(options: DgramTransportOptions) {
    const { host, dualStack = false } = options;
    if (dualStack && host !== '::') throw new UsageError(`dualStack takes the host "::", not "${host}"`);
    this.#options = options;
    this.#dualStack = dualStack;
  }

  async open(sink: DatagramSink): Promise<PeerAddress> {
    const { host, port, receiveBufferBytes = 8 << 20, sendBufferBytes = 4 << 20, reusePort = false } = this.#options;
    const ipv6 = isIPv6(host);
    const socket = createSocket({
      type: ipv6 ? 'udp6' : 'udp4',
      ipv6Only: ipv6 && !this.#dualStack,
      reusePort,
      lookup: ipv6 ? answerIpv6AtOnce : answerIpv4AtOnce,
    });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind({ port, address: host }, () => {
          socket.off('error', reject);
          resolve();
        });
      });
    } catch (error) {
      socket.close();
      throw bindFailure(error, host, port);
    }
    growBuffers(socket, receiveBufferBytes, sendBufferBytes);
    this.#sink = sink;
    this.#socket = socket;
    socket.on('message', this.#onMessage);
    socket.on('error', reportTransportError);
    const { address, port: boundPort } = socket.address();
    return { host: address, port: boundPort };
  }

  flush(): void {
    const sink = this.#sink;
    const socket = this.#socket;
    if (sink === undefined || socket === undefined) return;
    const batch = sink.drain();
    const counters = this.counters;
    for (let row = 0; row < batch.length; row++) {
      const bytes = batch.bytes[row]!;
      counters.datagramsSent++;
      counters.bytesSent += bytes.length;
      try {
        const host = batch.hosts[row]!;
        socket.send(bytes, batch.ports[row], this.#dualStack ? mapped(host) : host, this.#onSent);
      } catch {
        // Node refuses port 0, which a datagram with a forged source can carry.
        counters.sendErrors++;
      }
    }
    batch.clear();
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      clearImmediate(this.#immediate);
      const socket = this.#socket;
      this.#socket = undefined;
      this.#sink = undefined;
      if (socket === undefined) return resolve();
      socket.off('message', this.#onMessage);
      socket.close(() => resolve());
    });
    return this.#closed;
  }

  readonly #onMessage = (bytes: Buffer, from: RemoteInfo): void => {
    this.counters.datagramsReceived++;
    this.counters.bytesReceived += bytes.length;
    this.#batch.push(bytes, this.#dualStack ? unmapped(from.address) : from.address, from.port);
    // The check phase follows the poll phase that reads the socket, so the batch waits for nothing.
    this.#immediate ??= setImmediate(this.#handOver);
  };

  readonly #handOver = (): void => {
    this.#immediate = undefined;
    this.#sink?.receive(this.#batch);
    this.#batch.clear();
    this.flush();
  };

  readonly #onSent = (error: Error | null): void => {
    if (error !== null) this.counters.sendErrors++;
  };
}

/** Before the four decimal numbers of an IPv4 address, on an IPv6 socket. RFC 4291 §2.5.5.2. */
const MAPPED_PREFIX = '::ffff:';
const mapped = (host: string): string => (host.includes(':') ? host : MAPPED_PREFIX + host);
const unmapped = (host: string): string =>
  host.startsWith(MAPPED_PREFIX) && host.includes('.') ? host.slice(MAPPED_PREFIX.length) : host;

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string, family: number) => void;

// Addresses are numeric everywhere in this package: nothing is ever resolved by name, so no send has to wait for it.
const answerIpv4AtOnce = (address: string, _options: unknown, callback: LookupCallback): void =>
  callback(null, address, 4);
const answerIpv6AtOnce = (address: string, _options: unknown, callback: LookupCallback): void =>
  callback(null, address, 6);

/** A larger buffer rides out a burst; a system that refuses leaves its own default, which works. */
function growBuffers(socket: Socket, receiveBytes: number, sendBytes: number): void {
  try {
    socket.setRecvBufferSize(receiveBytes);
  } catch {
    // The system's limit stays.
  }
  try {
    socket.setSendBufferSize(sendBytes);
  } catch {
    // The system's limit stays.
  }
}

function bindFailure(error: unknown, host: string, port: number): OperationFailed {
  const code = (error as NodeJS.ErrnoException).code;
  const where = `UDP port ${port} on ${host}`;
  if (code === 'EADDRINUSE')
    return new OperationFailed('PORT_IN_USE', `${where} is in use by another program`, {
      retryable: true,
      cause: error,
    });
  if (code === 'EACCES' || code === 'EPERM')
    return new OperationFailed('PERMISSION_DENIED', `no permission to bind ${where}`, {
      retryable: false,
      cause: error,
    });
  return new OperationFailed('BIND_FAILED', `cannot bind ${where}: ${(error as Error).message}`, {
    retryable: false,
    cause: error,
  });
}
