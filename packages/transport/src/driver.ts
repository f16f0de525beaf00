/**
 * The one thing that owns a socket, the clock and the timer, seen from above. Network, timer and application all enter
 * the core through `turn`, so nothing is ever re-entered. `UdpDriver` is the real one; the testkit has one on virtual time.
 */
import type { CoapEndpointApi, CoapEvent, Outbox, Peer } from '@lapwing/coap';

export interface PeerAddress {
  /** An IP address in text, never a name. */
  readonly host: string;
  readonly port: number;
}

/** A procedure above CoAP that waits for moments: registration lifetimes, pmin, retry timers. */
export interface TimedLayer {
  /** ms on the driver's clock; Infinity when idle. Asked after every turn. */
  nextDeadline(): number;
  /** Called inside a turn when the deadline has passed; spurious calls are harmless. */
  handleTimeout(now: number, out: Outbox): void;
}

export interface Driver {
  readonly endpoint: CoapEndpointApi;
  /** Monotonic, in ms. */
  now(): number;
  /** ms since 1970. */
  unixTime(): number;
  /** Uniform 32-bit unsigned. */
  random(): number;
  /** The address this driver is bound to; port 0 before. */
  readonly localAddress: PeerAddress;
  /** The one peer object for this address. */
  peer(address: PeerAddress): Peer<PeerAddress>;
  /** Feed the core: `input` calls endpoint methods with this `now` and `out`. A turn started inside a turn (an event handler that sends) only adds output for the outer one to drain. */
  turn<Result>(input: (now: number, out: Outbox) => Result): Result;
  /** The one consumer of CoAP events. Called outside the core, inside the turn. What it throws is reported, and stops nothing. */
  onEvent: (event: CoapEvent, now: number) => void;
  attach(layer: TimedLayer): void;
  detach(layer: TimedLayer): void;
  close(): Promise<void>;
}
