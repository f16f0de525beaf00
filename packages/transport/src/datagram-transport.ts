/**
 * What carries datagrams, seen by the driver. The interface speaks in batches so that a backend with batched system
 * calls can hand over and send many datagrams at once; the arrays are reused from batch to batch.
 */
import type { PeerAddress } from './driver.ts';

/**
 * Datagrams and where they come from or go to: three parallel arrays, so that a datagram costs no object of its own.
 * Rows from `length` on are leftovers. Whoever consumes a batch calls `clear` when done with it.
 */
export class DatagramBatch {
  length = 0;
  readonly bytes: Uint8Array[] = [];
  /** IP addresses in text. */
  readonly hosts: string[] = [];
  readonly ports: number[] = [];

  push(bytes: Uint8Array, host: string, port: number): void {
    const row = this.length++;
    this.bytes[row] = bytes;
    this.hosts[row] = host;
    this.ports[row] = port;
  }

  /** Empty the batch and let go of its bytes; a batch that was unusually long gives its rows back too. */
  clear(): void {
    const keep = 256;
    if (this.bytes.length > keep) {
      this.bytes.length = keep;
      this.hosts.length = keep;
      this.ports.length = keep;
    }
    for (let row = Math.min(this.length, keep) - 1; row >= 0; row--) this.bytes[row] = NOTHING;
    this.length = 0;
  }
}

/** The stack above a transport: takes what arrived, gives what is to be sent. */
export interface DatagramSink {
  /** One turn of the stack. The transport asks `drain` right after it. */
  receive(batch: DatagramBatch): void;
  /** What waits to be sent; valid until the next `receive` or `drain`. */
  drain(): DatagramBatch;
}

/** Plain numbers that only grow. */
export interface DatagramCounters {
  datagramsReceived: number;
  bytesReceived: number;
  datagramsSent: number;
  bytesSent: number;
  /** Datagrams the socket refused to send (ECONNREFUSED, EMSGSIZE, ENETUNREACH and the like); CoAP retransmits. */
  sendErrors: number;
}

export interface DatagramTransport {
  readonly counters: Readonly<DatagramCounters>;
  /** Bind the socket and start receiving. Rejects with OperationFailed 'PORT_IN_USE', 'PERMISSION_DENIED' or 'BIND_FAILED'. */
  open(sink: DatagramSink): Promise<PeerAddress>;
  /** Send everything `sink.drain` gives, for turns that no datagram started. */
  flush(): void;
  /** Resolves when the socket has let go of its port. */
  close(): Promise<void>;
}

const NOTHING = new Uint8Array(0);
