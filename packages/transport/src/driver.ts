/**
 * The one thing that owns a socket, the clock and the timer, seen from above. Network, timer and application all enter
 * the core through `turn`, so nothing is ever re-entered. `UdpDriver` is the real one; the testkit has one on virtual time.
 */
import type { CoapEndpointApi, CoapEvent, Outbox, Peer } from '@lapwing/coap';
import type {
  Association,
  CloseReason,
  ConnectOptions,
  DtlsCounters,
  DtlsUsage,
  Lookup,
  LookupAnswer,
  Principal,
  Refusal,
  SessionState,
} from '@lapwing/dtls';

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
  /** 'coaps': every peer is a DTLS association unless it was named as a plain one, and the driver a `SecureDriver`. */
  readonly scheme: 'coap' | 'coaps';
  readonly endpoint: CoapEndpointApi;
  /** Monotonic, in ms. */
  now(): number;
  /** ms since 1970. */
  unixTime(): number;
  /** Uniform 32-bit unsigned. */
  random(): number;
  /** The address this driver is bound to; port 0 before. */
  readonly localAddress: PeerAddress;
  /**
   * The one peer object for this address. With coaps: the peer of the open association with it, else one that nothing
   * can be sent to, because there is none: what is sent to it is dropped and counted.
   */
  peer(address: PeerAddress): Peer<PeerAddress>;
  /** Feed the core: `input` calls endpoint methods with this `now` and `out`. A turn started inside a turn (an event handler that sends) only adds output for the outer one to drain. */
  turn<Result>(input: (now: number, out: Outbox) => Result): Result;
  /** The one consumer of CoAP events. Called outside the core, inside the turn. What it throws is reported, and stops nothing. */
  onEvent: (event: CoapEvent, now: number) => void;
  attach(layer: TimedLayer): void;
  detach(layer: TimedLayer): void;
  close(): Promise<void>;
}

/** What happens to DTLS associations, in order with the CoAP events. */
export type AssociationEvent =
  /** The identity of the peer is proven. `replaces`: the peer of the association with that address before, which is closed. */
  | {
      readonly kind: 'opened';
      readonly peer: Peer<PeerAddress>;
      readonly association: Association;
      readonly resumed: boolean;
      readonly replaces: Peer<PeerAddress> | undefined;
    }
  /** Everything CoAP knew about this peer is forgotten: exchanges fail with 'peer-closed'. */
  | { readonly kind: 'closed'; readonly peer: Peer<PeerAddress>; readonly reason: CloseReason }
  /** A handshake failed. `peer` for one this side began with `connect`: nothing can be sent to it any more. */
  | {
      readonly kind: 'refused';
      readonly from: PeerAddress;
      readonly refusal: Refusal;
      readonly peer: Peer<PeerAddress> | undefined;
    }
  /** The same peer at another address; `peer.address` is the new one. RFC 9146 §6. */
  | { readonly kind: 'moved'; readonly peer: Peer<PeerAddress>; readonly from: PeerAddress }
  /** Answer with `answer`, at once or later. */
  | { readonly kind: 'lookup'; readonly lookup: Lookup };

/**
 * A driver of CoAP over DTLS. One peer per association: it stays the same when a Connection ID lets its address change,
 * and a new association is a new peer, so that no response or notification crosses from one to the other. RFC 7252 §9.1.
 */
export interface SecureDriver extends Driver {
  readonly scheme: 'coaps';
  readonly dtlsCounters: DtlsCounters;
  readonly dtlsUsage: DtlsUsage;
  /** The one consumer of association events, as `onEvent`. */
  onAssociation: (event: AssociationEvent, now: number) => void;
  /**
   * Begin a handshake as client. What is sent to the peer is kept until it is complete, within the DTLS parameters; the
   * outcome is an `opened` or `refused` event.
   */
  connect(address: PeerAddress, options: ConnectOptions): Peer<PeerAddress>;
  /** Whether `plainPeer` may be called: this side only connects, and was opened with `plaintext`. */
  readonly plaintext: boolean;
  /**
   * The one peer object for what is reached at this address without DTLS, with `security.kind` 'none': what is sent to
   * it goes out as bare CoAP, and bare CoAP from exactly this address comes from it. `peer`, `connect` and associations
   * with the same address know nothing of it, nor it of them.
   *
   * @throws UsageError without `plaintext`, or when `host` is not an IP address or `port` is not 1 to 65535.
   * @throws OperationFailed 'TOO_MANY_PEERS' beyond `maxPlainPeers`; `forgetPlainPeer` makes room.
   */
  plainPeer(address: PeerAddress): Peer<PeerAddress>;
  /**
   * Forget everything about a peer of `plainPeer`: exchanges fail with 'peer-closed', and what is sent to this object
   * from then on is dropped and counted, also when `plainPeer` has made another one for its address. Does nothing for
   * other peers.
   */
  forgetPlainPeer(peer: Peer): void;
  /** Its association while it is not closed; undefined then, and for peers of `peer` without one. */
  association(peer: Peer): Association | undefined;
  /** How often its address has changed since the association opened. */
  addressChanges(peer: Peer): number;
  /** The peers of all associations that are open or being opened by this side. */
  associatedPeers(): Iterable<Peer<PeerAddress>>;
  answer(lookup: Lookup, answer: LookupAnswer): void;
  /** Credentials were removed or replaced: handshakes under way of clients that claim to have them fail. */
  refuseHandshakes(isTheirs: (claimed: Principal) => boolean): void;
  /** Say close_notify and forget everything about this peer: exchanges fail with 'peer-closed'. No `closed` event follows. Does nothing for a plain peer. */
  disconnect(peer: Peer): void;
  /** As client: what to give to `connect` later, so that it needs no new key exchange. */
  session(peer: Peer): SessionState | undefined;
  /** The exact state of the association, a secret; it is forgotten here and goes on where it is imported. */
  exportAssociation(peer: Peer): Uint8Array | undefined;
  /** The peer of an association that was exported; undefined when it cannot be taken over. */
  importAssociation(state: Uint8Array): Peer<PeerAddress> | undefined;
}

export const isSecure = (driver: Driver): driver is SecureDriver => driver.scheme === 'coaps';
