/**
 * One local DTLS endpoint, both roles, behind the sans-IO contract: which association a record belongs to, and what the
 * application asks for. RFC 6347 §4.1, RFC 9146 §3 and §6.
 *
 *   type 25 ──► Connection ID table, never by address
 *   epoch 0 ──► ClientHello: cookie, then a handshake; else the handshake under way with that address
 *   epoch 1 ──► the open association or the handshake of that address, where it has no Connection ID
 */
import { DtlsAssociation } from './association.ts';
import type { Association } from './association.ts';
import { AssociationTables } from './association-tables.ts';
import { exportState, importState } from './association-transfer.ts';
import { countDrop, newDtlsCounters } from './counters.ts';
import type { DropReason, DtlsCounters } from './counters.ts';
import type { ClientCredentials, Principal, ServerCredentials } from './credentials.ts';
import type { DtlsCrypto } from './crypto.ts';
import { UsageError } from './errors.ts';
import type { DtlsOutbox, Lookup, LookupAnswer, RemoteAddress } from './events.ts';
import { CookieExchange } from './handshake/cookie.ts';
import { decodeFragment } from './handshake/fragment-codec.ts';
import type { Fragment } from './handshake/fragment-codec.ts';
import { HANDSHAKE_TYPES } from './handshake/handshake-type-table.ts';
import { decodeClientHello } from './handshake/hello-codec.ts';
import { Handshakes } from './handshakes.ts';
import { PendingLookup } from './lookups.ts';
import { isMalformed } from './malformed.ts';
import { OpenAssociations } from './open-associations.ts';
import { checkedParameters } from './parameters.ts';
import type { DtlsParameters } from './parameters.ts';
import { plainBytes } from './plain-bytes.ts';
import { ProtectedRecords } from './protected-records.ts';
import type { Opening } from './protected-records.ts';
import { CONTENT_TYPES } from './record/content-type-table.ts';
import { RecordCursor } from './record/record-header.ts';
import { RecordSender } from './record-sender.ts';
import { ServerSessionCache } from './session/session-cache.ts';
import type { SessionCache, SessionState } from './session/session.ts';

export interface DtlsEndpointOptions {
  readonly crypto: DtlsCrypto;
  /** ms since 1970: validity of certificates, sessions and tickets. */
  readonly unixTime: () => number;
  /** Without it every ClientHello is dropped: a client only. */
  readonly server?: ServerCredentials;
  readonly parameters?: Partial<DtlsParameters>;
}

export interface ConnectOptions {
  readonly credentials: ClientCredentials;
  /** SNI, a DNS name. */
  readonly serverName?: string;
  /** Offered in this order; default: the endpoint's. */
  readonly cipherSuites?: DtlsParameters['cipherSuites'];
  /** Try to resume this session. */
  readonly session?: SessionState;
}

export interface DtlsEndpointApi {
  readonly counters: DtlsCounters;
  /** What is held now; all zero when nothing is left. */
  readonly usage: DtlsUsage;

  handleDatagram(now: number, from: RemoteAddress, datagram: Uint8Array, out: DtlsOutbox): void;
  /** Spurious calls are harmless. */
  handleTimeout(now: number, out: DtlsOutbox): void;
  /** ms on the caller's clock; Infinity when idle. */
  nextDeadline(): number;

  /**
   * Begin a handshake as client; ends in `opened` or `refused`. An open association with that address goes on until this
   * one is complete; a handshake with it that is under way is given up, because nothing tells their records apart.
   *
   * @throws UsageError when none of the cipher suites fits the credentials.
   */
  connect(now: number, to: RemoteAddress, options: ConnectOptions, out: DtlsOutbox): Association;
  /**
   * Seal and send application data; kept and sent when the handshake completes. False: dropped and counted (closed, too
   * much kept, more than `maxPlaintext`, amplification bound, reserved sequence numbers used up).
   */
  send(now: number, association: Association, plaintext: Uint8Array, out: DtlsOutbox): boolean;
  /** Application bytes that fit into one datagram of this association. */
  maxPlaintext(association: Association): number;
  answer(now: number, lookup: Lookup, answer: LookupAnswer, out: DtlsOutbox): void;
  /**
   * Credentials were removed or replaced: handshakes under way that were begun with them fail with 'cancelled', or they
   * would complete with what a look-up answered before.
   *
   * @param isTheirs  whether a client that claims to be this has them.
   */
  refuseHandshakes(isTheirs: (claimed: Principal) => boolean, out: DtlsOutbox): void;
  /** Send close_notify and forget it; a handshake under way fails with 'cancelled'. No event follows. */
  close(now: number, association: Association, out: DtlsOutbox): void;
  /** Forget it silently: the peer keeps its side. No event follows. */
  forget(association: Association): void;
  /** The open association with this address. */
  associationAt(address: RemoteAddress): Association | undefined;
  /** For resuming as a client later; undefined where the server agreed to no session. */
  sessionOf(association: Association): SessionState | undefined;

  /**
   * The exact state of an open association, not encrypted: about 210 bytes for PSK. It is a secret; see `sealSnapshot`.
   * With 'move' the association is forgotten here, so that no nonce is ever used twice; with 'reserve' it goes on, and
   * the exported write sequence is `sequenceReservation` ahead of what this side will use before the next export:
   * `reservationLow` tells when half of them are used, and `send` refuses when all are.
   *
   * @throws UsageError unless it is open.
   */
  exportAssociation(now: number, association: Association, mode: 'move' | 'reserve'): Uint8Array;
  /** Undefined: malformed, another version, a Connection ID of another node, or the table is full. `context` is the caller's to set. */
  importAssociation(now: number, state: Uint8Array): Association | undefined;
}

export interface DtlsUsage {
  readonly associations: number;
  readonly handshakes: number;
  readonly connectionIds: number;
  readonly addresses: number;
  readonly hosts: number;
  readonly lookups: number;
  readonly deferredBytes: number;
  readonly fragmentBytes: number;
  readonly deadlines: number;
  readonly sessions: number;
}

export class DtlsEndpoint implements DtlsEndpointApi {
  readonly counters: DtlsCounters = newDtlsCounters();
  readonly #crypto: DtlsCrypto;
  readonly #parameters: DtlsParameters;
  readonly #tables: AssociationTables;
  readonly #sender: RecordSender;
  readonly #handshakes: Handshakes;
  readonly #open: OpenAssociations;
  readonly #protected: ProtectedRecords;
  readonly #sessions: SessionCache | undefined;
  readonly #isServer: boolean;
  readonly #unixTime: () => number;
  readonly #cursor = new RecordCursor();
  #cookies: CookieExchange | undefined = undefined;

  /** @throws UsageError when a parameter is out of its range. */
  constructor(options: DtlsEndpointOptions) {
    const { crypto, server } = options;
    // Tickets and exported states hold whole milliseconds.
    const unixTime = (): number => Math.floor(options.unixTime());
    const parameters = checkedParameters(options.parameters);
    this.#crypto = crypto;
    this.#parameters = parameters;
    this.#unixTime = unixTime;
    this.#isServer = server !== undefined;
    this.#tables = new AssociationTables(parameters);
    this.#sender = new RecordSender(parameters, this.counters);
    this.#sessions = server && new ServerSessionCache(parameters, crypto);
    this.#open = new OpenAssociations({
      parameters,
      counters: this.counters,
      tables: this.#tables,
      sender: this.#sender,
      sessions: this.#sessions,
    });
    this.#handshakes = new Handshakes({
      crypto,
      unixTime,
      server,
      parameters,
      counters: this.counters,
      tables: this.#tables,
      sender: this.#sender,
      open: this.#open,
      sessions: this.#sessions,
    });
    this.#protected = new ProtectedRecords({
      parameters,
      counters: this.counters,
      tables: this.#tables,
      handshakes: this.#handshakes,
      open: this.#open,
    });
  }

  get usage(): DtlsUsage {
    const { handshakes, connectionIds, lookups, deadlines, limits, activity, addresses } = this.#tables;
    let deferredBytes = 0;
    let fragmentBytes = 0;
    for (const { progress } of handshakes) {
      deferredBytes += progress!.deferredRecordBytes + progress!.deferredDataBytes;
      fragmentBytes += progress!.reassembler.heldBytes;
    }
    return {
      associations: activity.size,
      handshakes: limits.taken,
      connectionIds: connectionIds.size,
      addresses,
      hosts: limits.hosts,
      lookups: lookups.size,
      deferredBytes,
      fragmentBytes,
      deadlines: deadlines.size,
      sessions: this.#sessions?.size ?? 0,
    };
  }

  handleDatagram(now: number, from: RemoteAddress, datagram: Uint8Array, out: DtlsOutbox): void {
    this.counters.datagramsReceived++;
    if (datagram.length === KEEPALIVE_BYTES) {
      this.counters.keepalivesReceived++;
      return;
    }
    const cursor = this.#cursor;
    cursor.enter(plainBytes(datagram), this.#tables.connectionIds.length);
    while (cursor.next()) {
      this.counters.recordsReceived++;
      if (cursor.contentType === CONTENT_TYPES.tls12Cid) this.#handleByConnectionId(now, from, out);
      else if (cursor.epoch === 0) this.#handlePlain(now, from, out);
      else if (cursor.epoch === 1) this.#handleByAddress(now, from, out);
      else this.#drop('unknown-epoch');
    }
    if (cursor.stopped !== undefined) this.#drop(cursor.stopped);
  }

  handleTimeout(now: number, out: DtlsOutbox): void {
    const { deadlines } = this.#tables;
    for (let due = deadlines.takeDue(now); due !== undefined; due = deadlines.takeDue(now)) {
      if (due instanceof PendingLookup) this.#lookupTimedOut(due, out);
      else if (due.state === 'handshaking') this.#handshakes.handleTimeout(now, due, out);
      else this.#open.forgetHandshake(due);
    }
  }

  nextDeadline(): number {
    return this.#tables.deadlines.next();
  }

  connect(now: number, to: RemoteAddress, options: ConnectOptions, out: DtlsOutbox): Association {
    const before = this.#tables.handshakingAt(to);
    const association = this.#handshakes.prepareClient(now, to, options);
    if (before !== undefined) this.#supersede(before, 'another handshake with that address was begun', out);
    this.#handshakes.startClient(now, association, out);
    return association;
  }

  send(now: number, association: Association, plaintext: Uint8Array, out: DtlsOutbox): boolean {
    const own = ownAssociation(association);
    if (own.state === 'handshaking') return this.#deferData(own, plaintext);
    if (own.state === 'closed') {
      this.#drop('closed');
      return false;
    }
    const outcome = this.#sender.sendData(own, plaintext, out);
    if (outcome === 'sent') this.#tables.activity.touch(own, now);
    if (outcome === 'exhausted') this.#open.close(own, 'exhausted', out);
    return outcome === 'sent';
  }

  maxPlaintext(association: Association): number {
    return this.#sender.maxPlaintext(ownAssociation(association));
  }

  answer(now: number, lookup: Lookup, answer: LookupAnswer, out: DtlsOutbox): void {
    const pending = this.#tables.lookups.take(lookup);
    if (pending === undefined) return;
    this.#tables.deadlines.clear(pending);
    for (const association of pending.waiters) {
      this.#handshakes.answer(now, association, answer, out);
      this.#protected.openDeferred(now, association, out);
    }
  }

  refuseHandshakes(isTheirs: (claimed: Principal) => boolean, out: DtlsOutbox): void {
    for (const association of [...this.#tables.handshakes]) {
      const claimed = association.progress!.machine.claimedPrincipal;
      if (claimed === undefined || !isTheirs(claimed)) continue;
      const text = 'the credentials of the client were removed or replaced during the handshake';
      this.#handshakes.refuse(association, { reason: 'cancelled', text, alert: 'internal_error' }, out);
    }
  }

  close(_now: number, association: Association, out: DtlsOutbox): void {
    const own = ownAssociation(association);
    if (own.state === 'handshaking') this.#handshakes.abandon(own, out);
    else if (own.state === 'open') {
      this.#sender.sendAlert(own, 'warning', 'close_notify', out);
      this.#tables.leaveOpen(own);
      this.#open.count('closed');
    }
  }

  forget(association: Association): void {
    const own = ownAssociation(association);
    if (own.state === 'handshaking') this.#tables.leaveHandshake(own, 'fails');
    else if (own.state === 'open') this.#tables.leaveOpen(own);
  }

  associationAt(address: RemoteAddress): Association | undefined {
    return this.#tables.openAt(address);
  }

  sessionOf(association: Association): SessionState | undefined {
    return ownAssociation(association).session;
  }

  exportAssociation(now: number, association: Association, mode: 'move' | 'reserve'): Uint8Array {
    const own = ownAssociation(association);
    if (own.state !== 'open') throw new UsageError(`an association that is ${own.state} cannot be exported`);
    const clocks = { now, unixTime: this.#unixTime() };
    const state = exportState(own, mode, clocks, this.#parameters.sequenceReservation, this.#crypto);
    if (mode === 'move') this.#tables.leaveOpen(own);
    this.counters.associationsExported++;
    return state;
  }

  importAssociation(now: number, state: Uint8Array): Association | undefined {
    const clocks = { now, unixTime: this.#unixTime() };
    const association = importState(state, clocks, this.#parameters, this.#tables.connectionIds, this.#crypto);
    if (association === undefined || !this.#tables.enterImported(now, association)) return undefined;
    this.counters.associationsImported++;
    return association;
  }

  #handlePlain(now: number, from: RemoteAddress, out: DtlsOutbox): void {
    const cursor = this.#cursor;
    const { contentType } = cursor;
    if (contentType === CONTENT_TYPES.applicationData) return this.#drop('plaintext-application-data');
    const content = cursor.fragment();
    if (contentType === CONTENT_TYPES.handshake) {
      const fragment = decodeFragment(content, 0);
      if (isMalformed(fragment)) return this.#drop('malformed-fragment');
      if (fragment.type === HANDSHAKE_TYPES.client_hello) return this.#handleClientHello(now, from, fragment, out);
    }
    const association = this.#tables.handshakingAt(from);
    if (association === undefined)
      return this.#drop(this.#tables.openAt(from) ? STRAY[contentType]! : 'unknown-address');
    if (contentType === CONTENT_TYPES.handshake) {
      this.#handshakes.handleRecord(now, association, content, 0, out);
    } else if (contentType === CONTENT_TYPES.changeCipherSpec) {
      if (content.length !== 1 || content[0] !== 1) return this.#drop('unexpected-change-cipher-spec');
      this.#handshakes.handleChangeCipherSpec(now, association, out);
    } else if (association.progress!.readsEpoch1) {
      return this.#drop('plaintext-alert');
    } else {
      this.#handshakes.handleAlert(association, content, out);
    }
    this.#protected.openDeferred(now, association, out);
  }

  /** Nothing is kept and nothing costly done for an address that has not shown that it receives. RFC 6347 §4.2.1. */
  #handleClientHello(now: number, from: RemoteAddress, fragment: Fragment, out: DtlsOutbox): void {
    if (!this.#isServer) return this.#drop('not-a-server');
    if (fragment.bytes.length !== fragment.messageLength) return this.#drop('fragmented-hello');
    // A copy, because what is decoded are views that are kept for as long as the handshake lasts.
    const body = fragment.bytes.slice();
    const hello = decodeClientHello(body);
    if (isMalformed(hello)) return this.#drop('malformed-hello');
    this.#cookies ??= new CookieExchange(now, this.#crypto, this.#parameters.cookieLifetime);
    if (!this.#cookies.isValid(now, from, hello)) {
      if (hello.cookie.length > 0) this.#drop('bad-cookie');
      const record = this.#cursor.record();
      const answer = this.#cookies.helloVerifyRequest(now, from, hello, fragment, record);
      if (answer.length > record.length) return this.#drop('amplification');
      this.counters.helloVerifyRequests++;
      this.counters.recordsSent++;
      this.counters.datagramsSent++;
      out.transmit(from, answer);
      // One packet in, one packet out: more hellos behind it would be answered to whoever's address this is.
      this.#cursor.skipRest();
      return;
    }
    const before = this.#tables.handshakingAt(from);
    if (before !== undefined) {
      const cookie = before.progress!.cookie;
      // One side of a pair that call each other at once must give way, and it is not this one.
      if (cookie === undefined) return this.#drop('unexpected-message');
      if (isEqual(cookie, hello.cookie)) return this.#handshakes.handleRepetition(now, before, out);
      this.#supersede(before, 'the client began another handshake', out);
    }
    const cookieOfOpen = this.#tables.openAt(from)?.cookie;
    if (cookieOfOpen !== undefined && isEqual(cookieOfOpen, hello.cookie)) return this.#drop('unexpected-message');
    const message = { type: fragment.type, messageSeq: fragment.messageSeq, body };
    this.#handshakes.startServer(now, from, { message, hello, recordSequence: this.#cursor.sequence }, out);
  }

  #handleByConnectionId(now: number, from: RemoteAddress, out: DtlsOutbox): void {
    const cursor = this.#cursor;
    if (cursor.epoch !== 1) return this.#drop('unknown-epoch');
    const association = this.#tables.connectionIds.find(cursor.connectionId());
    if (association === undefined) return this.#drop('unknown-connection-id');
    this.#handleProtected(now, association, from, out);
  }

  /** Where a new handshake runs beside an open association, either may be meant: the likelier is tried first. */
  #handleByAddress(now: number, from: RemoteAddress, out: DtlsOutbox): void {
    const handshaking = this.#tables.handshakingAt(from);
    const open = this.#tables.openAt(from);
    if (handshaking === undefined || open === undefined) {
      const association = handshaking ?? open;
      if (association === undefined) this.#drop('unknown-address');
      else this.#handleProtected(now, association, from, out);
      return;
    }
    const [first, second] =
      this.#cursor.contentType === CONTENT_TYPES.handshake ? [handshaking, open] : [open, handshaking];
    if (this.#handleProtected(now, first, from, out) === 'foreign') this.#handleProtected(now, second, from, out);
  }

  /** The record the cursor stands on. */
  #handleProtected(now: number, association: DtlsAssociation, from: RemoteAddress, out: DtlsOutbox): Opening {
    const { contentType, sequence } = this.#cursor;
    return this.#protected.handle(now, association, from, contentType, sequence, this.#cursor.record(), out);
  }

  #deferData(association: DtlsAssociation, plaintext: Uint8Array): boolean {
    const { maxDeferredRecords, maxDeferredBytes } = this.#parameters;
    const progress = association.progress!;
    const bytes = progress.deferredDataBytes + plaintext.length;
    if (progress.deferredData.length >= maxDeferredRecords || bytes > maxDeferredBytes) {
      this.#drop('deferred-full');
      return false;
    }
    progress.deferredData.push(plainBytes(plaintext).slice());
    progress.deferredDataBytes = bytes;
    return true;
  }

  #lookupTimedOut(pending: PendingLookup<DtlsAssociation>, out: DtlsOutbox): void {
    const { lookupTimeout } = this.#parameters;
    this.#tables.lookups.take(pending.lookup);
    for (const association of pending.waiters) {
      association.progress!.pendingLookup = undefined;
      const text = `the look-up of credentials gave no answer within ${lookupTimeout} ms`;
      this.#handshakes.refuse(association, { reason: 'lookup-timeout', text, alert: 'internal_error' }, out);
    }
  }

  #supersede(association: DtlsAssociation, text: string, out: DtlsOutbox): void {
    this.#handshakes.refuse(association, { reason: 'cancelled', text, alert: undefined }, out);
  }

  #drop(reason: DropReason): void {
    countDrop(this.counters, reason);
  }
}

/** What a record of epoch 0 is to an open association. */
const STRAY: Readonly<Partial<Record<number, DropReason>>> = {
  [CONTENT_TYPES.changeCipherSpec]: 'unexpected-change-cipher-spec',
  [CONTENT_TYPES.alert]: 'plaintext-alert',
  [CONTENT_TYPES.handshake]: 'unexpected-message',
};

/** The length of what devices send to keep a NAT's binding. */
const KEEPALIVE_BYTES = 1;

function ownAssociation(association: Association): DtlsAssociation {
  if (association instanceof DtlsAssociation) return association;
  throw new UsageError('the association is not one of a DtlsEndpoint');
}

/** Of what was on the wire in plaintext. */
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
