/**
 * What the Server does about DTLS associations: answers the look-ups of handshakes, tells who was refused, and ends what
 * credentials have opened that are taken away.
 *
 * A session may be resumed without any look-up, so whoever resumes one is looked up again; and one whose credentials were
 * replaced in the meantime must begin anew with the new ones, for as long as its sessions may last.
 */
import type { Peer } from '@lapwing/coap';
import { DEFAULT_DTLS_PARAMETERS, type Lookup, type LookupAnswer } from '@lapwing/dtls';
import { securityOfPrincipal, type AssociationEvent, type PeerAddress, type SecureDriver } from '@lapwing/transport';
import { namesOf, type Admissions } from './admission.ts';
import type { ServerEvents } from './api.ts';
import { reportServerError } from './diagnostics.ts';
import { securityInfo, type SecurityEntry } from './security-store.ts';

export interface AssociationListener {
  refused(refusal: ServerEvents['handshakeRefused'][0]): void;
  /** The peer has another address. */
  moved(peer: Peer<PeerAddress>, from: PeerAddress): void;
  /** Its credentials are gone: so is what it registered. */
  expelled(peer: Peer<PeerAddress>): void;
}

export class AssociationControl {
  readonly #drivers: readonly SecureDriver[];
  readonly #admissions: Admissions;
  readonly #listener: AssociationListener;
  /** Identities whose credentials were replaced or removed, and when their last session is over. ms since 1970. */
  readonly #revoked = new Map<string, number>();

  constructor(drivers: readonly SecureDriver[], admissions: Admissions, listener: AssociationListener) {
    this.#drivers = drivers;
    this.#admissions = admissions;
    this.#listener = listener;
    for (const driver of drivers) driver.onAssociation = (event): void => this.#handle(driver, event);
  }

  /** Close every association that this entry let in. */
  end(entry: SecurityEntry): void {
    for (const driver of this.#drivers) {
      this.#revoke(driver, entry);
      for (const peer of [...driver.associatedPeers()]) if (isOf(driver, peer, entry)) this.#expel(driver, peer);
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
        if (event.resumed) void this.check(driver, event.peer);
        return;
      case 'closed':
      // Registrations stay for their lifetime: the device may come back with a new association.
    }
  }

  #lookUp(driver: SecureDriver, lookup: Lookup): void {
    const failed = (error: unknown): void => {
      reportServerError(error);
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

  /** Whether whoever goes on with something from before is still welcome; else it is shown out. */
  async check(driver: SecureDriver, peer: Peer<PeerAddress>): Promise<void> {
    const principal = driver.association(peer)?.principal;
    if (principal === undefined) return;
    if ((this.#revoked.get(keyOf(peer)) ?? 0) > driver.unixTime()) return this.#expel(driver, peer);
    try {
      if (!(await this.#admissions.isKnown(principal))) this.#expel(driver, peer);
    } catch (error) {
      reportServerError(error);
    }
  }

  #expel(driver: SecureDriver, peer: Peer<PeerAddress>): void {
    driver.disconnect(peer);
    this.#listener.expelled(peer);
  }

  #revoke(driver: SecureDriver, entry: SecurityEntry): void {
    const { kind, identity } = securityInfo(entry);
    // Certificates go by their names: whoever resumes with one is looked up by them.
    if (kind === 'x509' || identity === undefined) return;
    const now = driver.unixTime();
    for (const [key, until] of this.#revoked) {
      if (until > now && this.#revoked.size < MAX_REVOKED) break;
      this.#revoked.delete(key);
    }
    const revoked = `${kind} ${identity}`;
    this.#revoked.delete(revoked); // the newest is the last
    this.#revoked.set(revoked, now + DEFAULT_DTLS_PARAMETERS.sessionLifetime);
  }
}

/** Revocations remembered; beyond it the oldest are forgotten. */
const MAX_REVOKED = 100_000;

const keyOf = ({ security: { kind, identity = '' } }: Peer): string => `${kind} ${identity}`;

function isOf(driver: SecureDriver, peer: Peer, entry: SecurityEntry): boolean {
  const principal = driver.association(peer)?.principal;
  if (principal === undefined || principal.kind !== entry.kind) return false;
  if (principal.kind === 'x509') return namesOf(principal).includes(entry.endpointClientName);
  return securityOfPrincipal(principal).identity === securityInfo(entry).identity;
}
