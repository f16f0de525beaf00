/**
 * The driver of a CoAP endpoint over DTLS: records from the socket go to the DTLS endpoint, what it opens goes to CoAP
 * with the peer of the association, and CoAP messages are sealed on their way out. RFC 7252 §9.
 *
 * Neither core is entered from inside the other: what records bring (plaintext, events) waits in `#arrived` until the
 * DTLS endpoint has returned, and is handed up in `settle`, between inputs.
 *
 * A message of at most 1,152 bytes (RFC 7252 §4.6: 1,024 of payload) makes a record of at most 1,192 with a Connection
 * ID of 6 bytes, within the 1,200 a datagram may have.
 *
 * With `plaintext` the same socket also reaches the peers of `plainPeer`, without DTLS. Which way a message goes is a
 * property of its peer alone: nothing for an association is ever sent in plaintext. What arrives is told apart by its
 * first byte (RFC 7983 §7) and handed up when its address is that of a plain peer.
 */
import { Peer, UsageError, type PeerSecurity } from '@lapwing/coap';
import {
  DtlsEndpoint,
  type Association,
  type CloseReason,
  type ConnectOptions,
  type DtlsCounters,
  type DtlsEndpointApi,
  type DtlsEvent,
  type DtlsOutbox,
  type DtlsParameters,
  type DtlsUsage,
  type Lookup,
  type LookupAnswer,
  type Principal,
  type RemoteAddress,
  type ServerCredentials,
  type SessionState,
} from '@lapwing/dtls';
import { SYSTEM_CLOCK } from './clock.ts';
import type { DatagramTransport } from './datagram-transport.ts';
import { DgramTransport, type DgramTransportOptions } from './dgram-transport.ts';
import { nodeCrypto } from './node-crypto.ts';
import { publishDtlsCounters, reportClosed, reportForged, reportRefused, wantsDtlsCounters } from './diagnostics.ts';
import type { PeerAddress, SecureDriver } from './driver.ts';
import { normalizeHost } from './peer-table.ts';
import { securityOfPrincipal } from './peer-identity.ts';
import { isCoapDatagram, PlainPeers } from './plain-peers.ts';
import { SocketDriver, type SocketDriverCounters, type SocketDriverOptions } from './socket-driver.ts';

export interface DtlsDriverOptions extends DgramTransportOptions, SocketDriverOptions {
  /** Without it this side only connects. */
  readonly server?: ServerCredentials;
  readonly dtls?: Partial<DtlsParameters>;
  /** Have peers that are reached without DTLS, too: those of `plainPeer`. Only for a side that only connects. Default false. */
  readonly plaintext?: boolean;
  /** Plain peers at once; default 64. */
  readonly maxPlainPeers?: number;
}

export interface DtlsDriverCounters extends SocketDriverCounters {
  /** Messages for peers whose association is gone; they are never sent in plaintext. */
  readonly messagesWithoutAssociation: number;
  /** CoAP messages in plaintext from addresses without a plain peer; dropped. Without `plaintext` DTLS counts and drops them. */
  readonly plaintextRefused: number;
  /** Peers of `plainPeer` now. */
  readonly plainPeers: number;
}

/** A peer and the association it stands for. */
class AssociationPeer extends Peer<PeerAddress> {
  /** Undefined once it is closed. */
  association: Association | undefined = undefined;
  addressChanges = 0;
}

export class DtlsDriver extends SocketDriver implements SecureDriver {
  readonly scheme = 'coaps';
  readonly #dtls: DtlsEndpointApi;
  readonly #peers = new Set<AssociationPeer>();
  /** Undefined unless `plaintext`. */
  readonly #plainPeers: PlainPeers | undefined;
  /** What the DTLS endpoint put out and was not yet handed up, oldest first: plaintext with its association, or an event. */
  readonly #senders: (Association | undefined)[] = [];
  readonly #arrived: (Uint8Array | DtlsEvent)[] = [];
  readonly #outbox: DtlsOutbox;
  #messagesWithoutAssociation = 0;
  #plaintextRefused = 0;
  /** When the counters are published next; Infinity while nobody listens or nothing happens. */
  #countersDue = Infinity;

  /**
   * Bind a socket and start. Rejects with OperationFailed 'PORT_IN_USE', 'PERMISSION_DENIED' or 'BIND_FAILED', and with
   * UsageError when a server is to have plain peers.
   */
  static override async bind(options: DtlsDriverOptions): Promise<DtlsDriver> {
    const { server, dtls = {}, clock = SYSTEM_CLOCK } = options;
    if (server !== undefined && options.plaintext === true)
      throw new UsageError('a server of coaps has no plain peers: serve coap on a UdpDriver with a port of its own');
    const endpoint = new DtlsEndpoint({
      crypto: nodeCrypto,
      unixTime: () => clock.unixTime(),
      // A client wants no Connection ID on what it receives; that it offers one is what lets the server see it move.
      parameters: server === undefined ? { connectionIdLength: 0, ...dtls } : dtls,
      ...(server === undefined ? {} : { server }),
    });
    const driver = new DtlsDriver(new DgramTransport(options), endpoint, options);
    await driver.open();
    return driver;
  }

  /**
   * A driver over any transport and DTLS endpoint; nothing is bound until `open`.
   *
   * @param options  `plaintext` only with a DTLS endpoint that is no server.
   */
  constructor(
    transport: DatagramTransport,
    dtls: DtlsEndpointApi,
    options: SocketDriverOptions & Pick<DtlsDriverOptions, 'plaintext' | 'maxPlainPeers'> = {},
  ) {
    super(transport, options);
    this.#dtls = dtls;
    this.#plainPeers = options.plaintext === true ? new PlainPeers(options.maxPlainPeers ?? 64) : undefined;
    this.#outbox = {
      transmit: (to, datagram) => {
        if (!this.isClosed) this.send(datagram, to);
      },
      deliver: (association, plaintext) => {
        this.#senders.push(association);
        this.#arrived.push(plaintext);
      },
      emit: (event) => {
        this.#senders.push(undefined);
        this.#arrived.push(event);
      },
    };
  }

  get counters(): DtlsDriverCounters {
    return {
      ...this.transport.counters,
      errors: this.errorCount,
      messagesWithoutAssociation: this.#messagesWithoutAssociation,
      plaintextRefused: this.#plaintextRefused,
      plainPeers: this.#plainPeers?.size ?? 0,
    };
  }

  get dtlsCounters(): DtlsCounters {
    return this.#dtls.counters;
  }

  get dtlsUsage(): DtlsUsage {
    return this.#dtls.usage;
  }

  peer(address: PeerAddress): Peer<PeerAddress> {
    const at = checkedAddress(address);
    const known = this.#dtls.associationAt(at)?.context;
    return known instanceof AssociationPeer ? known : new AssociationPeer(at);
  }

  connect(address: PeerAddress, options: ConnectOptions): Peer<PeerAddress> {
    const peer = new AssociationPeer(checkedAddress(address));
    this.turn((now) => {
      const association = this.#dtls.connect(now, peer.address, options, this.#outbox);
      this.#bind(now, peer, association);
    });
    return peer;
  }

  get plaintext(): boolean {
    return this.#plainPeers !== undefined;
  }

  plainPeer(address: PeerAddress): Peer<PeerAddress> {
    const at = checkedAddress(address);
    if (this.#plainPeers === undefined)
      throw new UsageError(`${at.host} cannot be reached without DTLS: the driver was opened without plaintext`);
    return this.#plainPeers.at(at);
  }

  forgetPlainPeer(peer: Peer): void {
    if (this.#plainPeers?.delete(peer) !== true) return;
    this.turn((now) => this.endpoint.forgetPeer(now, peer, this));
  }

  association(peer: Peer): Association | undefined {
    return peer instanceof AssociationPeer ? peer.association : undefined;
  }

  addressChanges(peer: Peer): number {
    return peer instanceof AssociationPeer ? peer.addressChanges : 0;
  }

  associatedPeers(): Iterable<Peer<PeerAddress>> {
    return this.#peers;
  }

  answer(lookup: Lookup, answer: LookupAnswer): void {
    this.turn((now) => this.#dtls.answer(now, lookup, answer, this.#outbox));
  }

  refuseHandshakes(isTheirs: (claimed: Principal) => boolean): void {
    this.turn(() => this.#dtls.refuseHandshakes(isTheirs, this.#outbox));
  }

  disconnect(peer: Peer): void {
    const association = this.association(peer);
    if (association === undefined) return;
    this.turn((now) => {
      this.#dtls.close(now, association, this.#outbox);
      this.#forget(now, peer as AssociationPeer);
    });
  }

  session(peer: Peer): SessionState | undefined {
    const association = this.association(peer);
    return association === undefined ? undefined : this.#dtls.sessionOf(association);
  }

  exportAssociation(peer: Peer): Uint8Array | undefined {
    const association = this.association(peer);
    if (association?.state !== 'open') return undefined;
    return this.turn((now) => {
      const state = this.#dtls.exportAssociation(now, association, 'move');
      this.#forget(now, peer as AssociationPeer);
      return state;
    });
  }

  importAssociation(state: Uint8Array): Peer<PeerAddress> | undefined {
    return this.turn((now) => {
      const association = this.#dtls.importAssociation(now, state);
      return association === undefined ? undefined : this.#peerFor(now, association);
    });
  }

  /** For the core. */
  transmit(peer: Peer, datagram: Uint8Array): void {
    if (this.isClosed) return;
    const association = this.association(peer);
    if (association === undefined) return this.#transmitPlain(peer, datagram);
    peer.lastActivity = this.turnedAt;
    // What it refuses it counts; CoAP sees a datagram that was lost.
    this.#dtls.send(this.turnedAt, association, datagram, this.#outbox);
  }

  protected handleDatagram(now: number, bytes: Uint8Array, host: string, port: number): void {
    if (this.#plainPeers !== undefined && isCoapDatagram(bytes)) return this.#handlePlain(now, bytes, host, port);
    this.#dtls.handleDatagram(now, { host, port }, bytes, this.#outbox);
    this.settle(now);
    if (this.#countersDue === Infinity && wantsDtlsCounters()) this.#countersDue = now + COUNTERS_INTERVAL;
  }

  protected handleTimeouts(now: number): void {
    this.#dtls.handleTimeout(now, this.#outbox);
    this.settle(now);
    this.endpoint.handleTimeout(now, this);
    if (this.#countersDue <= now) {
      this.#countersDue = Infinity;
      publishDtlsCounters(this.localAddress, this.#dtls.counters);
    }
  }

  protected ownDeadline(): number {
    return Math.min(this.#dtls.nextDeadline(), this.#countersDue);
  }

  protected settle(now: number): void {
    const senders = this.#senders;
    if (senders.length === 0) return;
    const arrived = this.#arrived;
    // The list grows while it runs: a message that is answered at once may bring events.
    for (let index = 0; index < senders.length; index++) {
      const sender = senders[index];
      const item = arrived[index]!;
      try {
        if (sender === undefined) this.#handleEvent(now, item as DtlsEvent);
        else this.#handlePlaintext(now, sender, item as Uint8Array);
      } catch (error) {
        this.report(error);
      }
    }
    senders.length = 0;
    arrived.length = 0;
  }

  /** Bare CoAP, for nobody but those the application asked for by `plainPeer`. */
  #transmitPlain(peer: Peer, datagram: Uint8Array): void {
    if (this.#plainPeers?.has(peer) !== true) {
      this.#messagesWithoutAssociation++;
      return;
    }
    peer.lastActivity = this.turnedAt;
    this.send(datagram, peer.address);
  }

  #handlePlain(now: number, bytes: Uint8Array, host: string, port: number): void {
    const peer = this.#plainPeers?.find(host, port);
    if (peer === undefined) {
      this.#plaintextRefused++;
      return;
    }
    peer.lastActivity = now;
    this.endpoint.handleDatagram(now, peer, bytes, this);
  }

  #handlePlaintext(now: number, { context }: Association, plaintext: Uint8Array): void {
    // Gone when something before it in the same datagram ended the association.
    if (!(context instanceof AssociationPeer) || context.association === undefined) return;
    context.lastActivity = now;
    this.endpoint.handleDatagram(now, context, plaintext, this);
  }

  #handleEvent(now: number, event: DtlsEvent): void {
    switch (event.kind) {
      case 'opened': {
        const { association, resumed } = event;
        const replaces = peerOf(event.replaces);
        const peer = this.#peerFor(now, association);
        this.emitAssociation({ kind: 'opened', peer, association, resumed, replaces });
        if (replaces !== undefined && replaces !== peer) this.#close(now, replaces, 'replaced');
        return;
      }
      case 'closed': {
        const peer = peerOf(event.association);
        if (peer !== undefined) this.#close(now, peer, event.reason);
        return;
      }
      case 'refused': {
        const { from, refusal } = event;
        const peer = peerOf(event.association);
        reportRefused({ local: this.localAddress, from, refusal });
        this.emitAssociation({ kind: 'refused', from, refusal, peer });
        if (peer !== undefined) this.#forget(now, peer);
        return;
      }
      case 'moved': {
        const { association, from } = event;
        const peer = peerOf(association);
        if (peer === undefined) return;
        peer.addressChanges++;
        peer.address = { host: association.address.host, port: association.address.port };
        this.emitAssociation({ kind: 'moved', peer, from });
        return;
      }
      case 'forgedRecords': {
        const { association, count } = event;
        const identity = peerOf(association)?.security.identity;
        return reportForged({ local: this.localAddress, from: association.address, identity, count });
      }
      case 'lookup':
        return this.emitAssociation(event);
      case 'reservationLow':
      // Associations are exported by moving them, which reserves nothing.
    }
  }

  #close(now: number, peer: AssociationPeer, reason: CloseReason): void {
    if (peer.association === undefined) return;
    reportClosed({ local: this.localAddress, from: peer.address, identity: peer.security.identity, reason });
    this.emitAssociation({ kind: 'closed', peer, reason });
    this.#forget(now, peer);
  }

  /** Nothing of this peer survives its association. RFC 7252 §9.1. */
  #forget(now: number, peer: AssociationPeer): void {
    peer.association = undefined;
    this.#peers.delete(peer);
    this.endpoint.forgetPeer(now, peer, this);
  }

  #peerFor(now: number, association: Association): AssociationPeer {
    const { host, port } = association.address;
    const peer = peerOf(association) ?? new AssociationPeer({ host, port });
    const { principal } = association;
    peer.security = principal === undefined ? UNPROVEN : securityOfPrincipal(principal);
    this.#bind(now, peer, association);
    return peer;
  }

  #bind(now: number, peer: AssociationPeer, association: Association): void {
    peer.association = association;
    peer.lastActivity = now;
    peer.maxMessageBytes = this.#dtls.maxPlaintext(association);
    association.context = peer;
    this.#peers.add(peer);
  }
}

const UNPROVEN: PeerSecurity = Object.freeze({ kind: 'none' });
/** ms between two publications of the counters while records arrive. */
const COUNTERS_INTERVAL = 1_000;

const peerOf = (association: Association | undefined): AssociationPeer | undefined =>
  association?.context instanceof AssociationPeer ? association.context : undefined;

/** @throws UsageError when `host` is not an IP address or `port` is not 1 to 65535. */
function checkedAddress({ host, port }: PeerAddress): RemoteAddress {
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new UsageError(`${port} is not a UDP port`);
  return { host: normalizeHost(host), port };
}
