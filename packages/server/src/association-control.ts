/**
 * What a server does about DTLS associations: answers the look-ups of handshakes, tells who was refused, and ends what
 * credentials have opened that are taken away.
 *
 * Resuming a session asks as a whole handshake does, and one that began with another key is not resumed; handshakes under
 * way are refused. So nothing has to be remembered of credentials that are gone.
 */
import type { Peer } from '@lapwing/coap';
import type { Lookup, LookupAnswer, Principal } from '@lapwing/dtls';
import { securityOfPrincipal, type AssociationEvent, type PeerAddress, type SecureDriver } from '@lapwing/transport';
import { namesOf, type Admissions } from './admission.ts';
import type { ServerEvents } from './api.ts';
import { securityInfo, type SecurityEntry } from './security-store.ts';

export interface AssociationListener {
  refused(refusal: ServerEvents['handshakeRefused'][0]): void;
  /** The peer has another address. */
  moved(peer: Peer<PeerAddress>, from: PeerAddress): void;
  /** Its credentials are gone: so is what it registered. */
  expelled(peer: Peer<PeerAddress>): void;
  /** The store of credentials threw or rejected. */
  failed(error: unknown): void;
}

export class AssociationControl {
  readonly #drivers: readonly SecureDriver[];
  readonly #admissions: Admissions;
  readonly #listener: AssociationListener;

  constructor(drivers: readonly SecureDriver[], admissions: Admissions, listener: AssociationListener) {
    this.#drivers = drivers;
    this.#admissions = admissions;
    this.#listener = listener;
    for (const driver of drivers) driver.onAssociation = (event): void => this.#handle(driver, event);
  }

  /** Close every association that this entry let in, and those that are on their way. */
  end(entry: SecurityEntry): void {
    for (const driver of this.#drivers) {
      driver.refuseHandshakes((claimed) => isOf(claimed, entry));
      for (const peer of [...driver.associatedPeers()]) {
        const principal = driver.association(peer)?.principal;
        if (principal !== undefined && isOf(principal, entry)) this.#expel(driver, peer);
      }
    }
  }

  #handle(driver: SecureDriver, event: AssociationEvent): void {
    switch (event.kind) {
      case 'lookup':
        return this.#lookUp(driver, event.lookup);
      case 'refused':
        return this.#listener.refused({ address: event.from, refusal: event.refusal });
      case 'moved':
        return this.#listener.moved(event.peer, event.from);
      case 'opened':
      case 'closed':
      // Registrations stay for their lifetime: the device may come back with a new association.
    }
  }

  #lookUp(driver: SecureDriver, lookup: Lookup): void {
    const failed = (error: unknown): void => {
      this.#listener.failed(error);
      driver.answer(lookup, { kind: 'failed', text: 'the credentials could not be looked up' });
    };
    let answer: LookupAnswer | Promise<LookupAnswer>;
    try {
      answer = this.#admissions.answer(lookup);
    } catch (error) {
      return failed(error);
    }
    if (!(answer instanceof Promise)) return driver.answer(lookup, answer);
    answer.then((found) => driver.answer(lookup, found), failed);
  }

  /** Whether the peer of an association that was imported is still welcome; else it is shown out. */
  async check(driver: SecureDriver, peer: Peer<PeerAddress>): Promise<void> {
    const principal = driver.association(peer)?.principal;
    if (principal === undefined) return;
    try {
      if (!(await this.#admissions.isKnown(principal))) this.#expel(driver, peer);
    } catch (error) {
      this.#listener.failed(error);
    }
  }

  #expel(driver: SecureDriver, peer: Peer<PeerAddress>): void {
    driver.disconnect(peer);
    this.#listener.expelled(peer);
  }
}

function isOf(principal: Principal, entry: SecurityEntry): boolean {
  if (principal.kind !== entry.kind) return false;
  if (principal.kind === 'x509') return namesOf(principal).includes(entry.endpointClientName);
  return securityOfPrincipal(principal).identity === securityInfo(entry).identity;
}
