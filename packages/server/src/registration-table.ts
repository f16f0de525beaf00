/**
 * The registrations this Server drives, found by registration id, by Endpoint Client Name, in order of name, and by the
 * peer they came from. A name is registered once: a new registration takes the place of the old one.
 */
import type { Peer } from '@lapwing/coap';
import type { PeerAddress } from '@lapwing/transport';
import { LifetimeWheel } from './lifetime-wheel.ts';
import { OrderedNames } from './ordered-names.ts';
import type { RegistrationRecord } from './registration-record.ts';

export class RegistrationTable {
  readonly #byId = new Map<string, RegistrationRecord>();
  readonly #byName = new Map<string, RegistrationRecord>();
  readonly #names = new OrderedNames();
  readonly lifetimes: LifetimeWheel<RegistrationRecord> = new LifetimeWheel();

  get size(): number {
    return this.#byId.size;
  }

  byId(registrationId: string): RegistrationRecord | undefined {
    return this.#byId.get(registrationId);
  }

  byName(endpointClientName: string): RegistrationRecord | undefined {
    return this.#byName.get(endpointClientName);
  }

  all(): IterableIterator<RegistrationRecord> {
    return this.#byId.values();
  }

  /** Names after `name`, ascending. Do not change the table meanwhile. */
  namesAfter(name: string | undefined): Generator<string, undefined> {
    return this.#names.after(name);
  }

  /** Add, and answer the registration of the same name that had to give way. */
  add(now: number, record: RegistrationRecord): RegistrationRecord | undefined {
    const replaced = this.#byName.get(record.endpointClientName);
    if (replaced !== undefined) {
      this.#byId.delete(replaced.registrationId);
      this.#detach(replaced);
    } else {
      this.#names.insert(record.endpointClientName);
    }
    this.#byId.set(record.registrationId, record);
    this.#byName.set(record.endpointClientName, record);
    this.lifetimes.place(now, record);
    linkToPeer(record, record.peer);
    return replaced;
  }

  remove(record: RegistrationRecord): void {
    if (record.ended) return;
    this.#byId.delete(record.registrationId);
    this.#byName.delete(record.endpointClientName);
    this.#names.delete(record.endpointClientName);
    this.#detach(record);
  }

  /** The client speaks from another address now. */
  movePeer(record: RegistrationRecord, peer: Peer<PeerAddress>): void {
    unlinkFromPeer(record);
    record.peer = peer;
    linkToPeer(record, peer);
  }

  #detach(record: RegistrationRecord): void {
    record.ended = true;
    this.lifetimes.remove(record);
    unlinkFromPeer(record);
  }
}

/** The registrations that came from this address, the most recent first: several clients may share one. */
export function* registrationsOf(peer: Peer): Generator<RegistrationRecord, undefined> {
  let record = peer.context as RegistrationRecord | undefined;
  for (; record !== undefined; record = record.nextOfPeer) yield record;
}

function linkToPeer(record: RegistrationRecord, peer: Peer): void {
  const head = peer.context as RegistrationRecord | undefined;
  record.nextOfPeer = head;
  if (head !== undefined) head.previousOfPeer = record;
  peer.context = record;
}

function unlinkFromPeer(record: RegistrationRecord): void {
  const { nextOfPeer: next, previousOfPeer: previous } = record;
  if (previous === undefined) record.peer.context = next;
  else previous.nextOfPeer = next;
  if (next !== undefined) next.previousOfPeer = previous;
  record.nextOfPeer = undefined;
  record.previousOfPeer = undefined;
}
