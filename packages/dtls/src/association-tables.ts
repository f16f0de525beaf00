/**
 * Where associations are found, and the places they take: by address while handshaking, by address when open, by
 * Connection ID in both. Each place is given back in one method, `leaveHandshake` or `leaveOpen`, whatever the end was.
 */
import { ActivityList } from './activity-list.ts';
import { AddressTable } from './address-table.ts';
import type { DtlsAssociation } from './association.ts';
import { ConnectionIdTable } from './connection-ids.ts';
import type { Principal } from './credentials.ts';
import { DeadlineQueue } from './deadlines.ts';
import type { RemoteAddress } from './events.ts';
import { HandshakeLimits } from './limits.ts';
import { Lookups } from './lookups.ts';
import type { PendingLookup } from './lookups.ts';
import type { DtlsParameters } from './parameters.ts';
import type { RefusalReason } from './refusal.ts';

/** The order of silence is exact to within this part of `staleAfter`. */
const STALE_STEPS = 32;

export class AssociationTables {
  /** The one whose peer has said nothing new for the longest time is first. */
  readonly handshakes: Set<DtlsAssociation> = new Set();
  readonly connectionIds: ConnectionIdTable<DtlsAssociation>;
  readonly deadlines: DeadlineQueue<DtlsAssociation | PendingLookup<DtlsAssociation>> = new DeadlineQueue();
  readonly lookups: Lookups<DtlsAssociation>;
  readonly activity: ActivityList<DtlsAssociation>;
  readonly limits: HandshakeLimits;
  readonly #handshaking = new AddressTable<DtlsAssociation>();
  readonly #open = new AddressTable<DtlsAssociation>();
  readonly #maxAssociations: number;
  readonly #staleAfter: number;
  readonly #handshakeStaleAfter: number;

  constructor(parameters: DtlsParameters) {
    const { connectionIdLength, nodeId, maxAssociations, staleAfter, handshakeStaleAfter, maxLookups } = parameters;
    this.connectionIds = new ConnectionIdTable(connectionIdLength === 'off' ? 0 : connectionIdLength, nodeId);
    this.lookups = new Lookups(maxLookups);
    this.activity = new ActivityList(staleAfter / STALE_STEPS);
    this.limits = new HandshakeLimits(parameters);
    this.#maxAssociations = maxAssociations;
    this.#staleAfter = staleAfter;
    this.#handshakeStaleAfter = handshakeStaleAfter;
  }

  get addresses(): number {
    return this.#handshaking.size + this.#open.size;
  }

  handshakingAt({ host, port }: RemoteAddress): DtlsAssociation | undefined {
    return this.#handshaking.find(host, port);
  }

  openAt({ host, port }: RemoteAddress): DtlsAssociation | undefined {
    return this.#open.find(host, port);
  }

  /**
   * Undefined: it has its places. No other handshake is under way at that address.
   *
   * A handshake under way counts as an association, or too many could complete; one beside an open association, which it
   * is to replace, does not. Where the table is full but holds one that has long been silent, that one makes room when
   * the newcomer has proven itself, not before.
   */
  enterHandshake(
    now: number,
    association: DtlsAssociation,
  ): Extract<RefusalReason, 'too-many-handshakes' | 'too-many-associations'> | undefined {
    const { address } = association;
    const hasRoom = this.activity.size + this.handshakes.size < this.#maxAssociations;
    if (!hasRoom && this.openAt(address) === undefined && !this.#isStale(now, this.activity.quietest)) {
      return 'too-many-associations';
    }
    if (!this.limits.take(address)) return 'too-many-handshakes';
    association.lastActivity = now;
    this.handshakes.add(association);
    this.#handshaking.set(address.host, address.port, association);
    if (association.isFoundByConnectionId) this.connectionIds.set(association.localConnectionId!, association);
    return undefined;
  }

  /** The peer of a handshake under way has said something new. */
  progressed(now: number, association: DtlsAssociation): void {
    if (!this.handshakes.delete(association)) return;
    association.lastActivity = now;
    this.handshakes.add(association);
  }

  /**
   * The handshake to end where there are as many as may be and its client says nothing new: else a few datagrams a second,
   * each with its cookie, would keep everybody out.
   */
  silentHandshake(now: number): DtlsAssociation | undefined {
    if (!this.limits.isFull) return undefined;
    const [quietest] = this.handshakes;
    const isSilent = quietest?.role === 'server' && now - quietest.lastActivity >= this.#handshakeStaleAfter;
    return isSilent ? quietest : undefined;
  }

  /** The peer does not take part, or under another ID. */
  dropConnectionId(association: DtlsAssociation): void {
    const { localConnectionId } = association;
    if (association.isFoundByConnectionId) this.connectionIds.delete(localConnectionId!);
    association.localConnectionId = undefined;
  }

  /** The one end of every handshake. The Connection ID stays in the table where the association opens. */
  leaveHandshake(association: DtlsAssociation, outcome: 'opens' | 'fails'): void {
    if (!this.handshakes.delete(association)) return;
    const { address, progress } = association;
    this.limits.release(address);
    this.#handshaking.delete(address.host, address.port);
    this.deadlines.clear(association);
    if (outcome === 'fails') {
      if (association.isFoundByConnectionId) this.connectionIds.delete(association.localConnectionId!);
      association.end();
    }
    if (progress?.pendingLookup !== undefined) this.#stopWaiting(association, progress.pendingLookup);
    association.progress = undefined;
  }

  /** The one to end where there are more than may be. */
  get surplus(): DtlsAssociation | undefined {
    return this.activity.size > this.#maxAssociations ? this.activity.quietest : undefined;
  }

  /** Returns the association that was open at that address and must end now. */
  enterOpen(now: number, association: DtlsAssociation): DtlsAssociation | undefined {
    const { address } = association;
    const before = this.#replacedBy(association, association.principal);
    this.#open.set(address.host, address.port, association);
    this.activity.add(association, now);
    return before;
  }

  /**
   * Whether it can open: several handshakes may have been let in for the one silent association that was to make room.
   *
   * @param principal  what it has proven.
   */
  canOpen(now: number, association: DtlsAssociation, principal: Principal): boolean {
    return (
      this.activity.size < this.#maxAssociations ||
      this.#isStale(now, this.activity.quietest) ||
      this.#replacedBy(association, principal) !== undefined
    );
  }

  /** The open association at its address that ends when it opens. */
  #replacedBy({ address }: DtlsAssociation, principal: Principal | undefined): DtlsAssociation | undefined {
    const before = this.openAt(address);
    if (before === undefined) return undefined;
    // Somebody else's NAT binding may have been given this address. With a Connection ID the one before lives on.
    return before.isFoundByConnectionId && !isSamePrincipal(before.principal, principal) ? undefined : before;
  }

  /** One from a snapshot. False: the table is full, its Connection ID is in use, or without one its address is. */
  enterImported(now: number, association: DtlsAssociation): boolean {
    if (this.activity.size + this.handshakes.size >= this.#maxAssociations) return false;
    const { address, localConnectionId } = association;
    const isTaken = this.openAt(address) !== undefined;
    if (association.isFoundByConnectionId) {
      if (this.connectionIds.find(localConnectionId!) !== undefined) return false;
      this.connectionIds.set(localConnectionId!, association);
    } else if (isTaken) {
      return false;
    }
    if (!isTaken) this.#open.set(address.host, address.port, association);
    this.activity.add(association, now);
    return true;
  }

  /** The one end of every open association. */
  leaveOpen(association: DtlsAssociation): void {
    this.activity.remove(association);
    this.deadlines.clear(association);
    if (association.isFoundByConnectionId) this.connectionIds.delete(association.localConnectionId!);
    this.#leaveAddress(association);
    association.end();
  }

  /** One with a Connection ID. An association found by that address alone keeps it, or a peer could cut off another. */
  move(association: DtlsAssociation, to: RemoteAddress): void {
    this.#leaveAddress(association);
    association.address = { host: to.host, port: to.port };
    const there = this.openAt(to);
    if (there === undefined || there.isFoundByConnectionId) this.#open.set(to.host, to.port, association);
  }

  #leaveAddress(association: DtlsAssociation): void {
    const { address } = association;
    if (this.openAt(address) === association) this.#open.delete(address.host, address.port);
  }

  #isStale(now: number, association: DtlsAssociation | undefined): boolean {
    return association !== undefined && now - association.lastActivity >= this.#staleAfter;
  }

  /** A question nobody waits for is closed; its answer will find nothing. */
  #stopWaiting(association: DtlsAssociation, pending: PendingLookup<DtlsAssociation>): void {
    pending.waiters.delete(association);
    if (pending.waiters.size > 0) return;
    this.lookups.take(pending.lookup);
    this.deadlines.clear(pending);
  }
}

function isSamePrincipal(a: Principal | undefined, b: Principal | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  if (a.kind === 'psk') return b.kind === 'psk' && isEqual(a.identity, b.identity);
  if (a.kind === 'anonymous') return b.kind === 'anonymous';
  return b.kind === a.kind && isEqual(a.publicKey, b.publicKey);
}

/** Of what is public. */
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
