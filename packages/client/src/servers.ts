/**
 * The LwM2M Servers of a client: one procedure for each account, the order they are registered with, and who a request
 * comes from. The set changes as a whole, when a bootstrap has changed the accounts.
 */
import { UsageError } from '@lapwing/coap';
import type { CoapEvent, Peer } from '@lapwing/coap';
import type { Refusal } from '@lapwing/dtls';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import type { AssociationEvent, Driver, PeerAddress } from '@lapwing/transport';
import type { Announcement } from './announcement.ts';
import type { RegistrationFailure, ServerRegistration } from './api.ts';
import { commonVersion, connectOptions } from './client-options.ts';
import type { ObjectTree } from './object-tree.ts';
import { SERVER_RESOURCES } from './objects/server.ts';
import { RegistrationOrder } from './registration-order.ts';
import { RegistrationProcedure } from './registration-procedure.ts';
import { ServerSettings } from './server-account.ts';
import type { ResolvedAccount } from './server-account.ts';
import { alertOf, ServerPeer } from './server-peer.ts';
import type { ServerLocation } from './server-peer.ts';

export interface ServersParts {
  readonly driver: Driver;
  readonly tree: ObjectTree;
  /** The highest version to register with. */
  readonly lwm2mVersion: LwM2mVersion;
  readonly announcement: () => Announcement;
  /** Where the server of an account is. */
  readonly locate: (account: ResolvedAccount) => ServerLocation;
  /** The Bootstrap-Server is met at this peer, too. */
  readonly isShared: (peer: Peer) => boolean;
}

export interface ServersListener {
  registered(procedure: RegistrationProcedure, registration: ServerRegistration): void;
  updated(procedure: RegistrationProcedure, registration: ServerRegistration): void;
  lost(procedure: RegistrationProcedure, registration: ServerRegistration): void;
  deregistered(procedure: RegistrationProcedure, registration: ServerRegistration): void;
  registrationFailed(procedure: RegistrationProcedure, failure: RegistrationFailure): void;
  stateChanged(procedure: RegistrationProcedure): void;
  /** A request is about to be sent. */
  sending(): void;
}

interface Connection {
  readonly scheme: 'coap' | 'coaps';
  readonly server: ServerPeer;
  readonly procedure: RegistrationProcedure;
}

export class Servers {
  readonly #parts: ServersParts;
  readonly #listener: ServersListener;
  readonly #byPeer = new Map<Peer, RegistrationProcedure>();
  #connections: readonly Connection[] = [];
  #procedures: readonly RegistrationProcedure[] = [];
  #order: RegistrationOrder = new RegistrationOrder([]);

  constructor(parts: ServersParts, listener: ServersListener) {
    this.#parts = parts;
    this.#listener = listener;
  }

  get procedures(): readonly RegistrationProcedure[] {
    return this.#procedures;
  }

  /** Whose requests come from this peer. */
  procedureOf(peer: Peer): RegistrationProcedure | undefined {
    return this.#byPeer.get(peer);
  }

  /** All, or the one with this Short Server ID. @throws UsageError when there is none. */
  chosen(shortServerId: number | undefined): readonly RegistrationProcedure[] {
    if (shortServerId === undefined) return this.#procedures;
    const chosen = this.#procedures.filter(({ settings }) => settings.shortServerId === shortServerId);
    if (chosen.length === 0) throw new UsageError(`no server has the Short Server ID ${shortServerId}`);
    return chosen;
  }

  /** The one whose Server Object Instance this is. */
  ofObjectInstance(objectInstanceId: number): RegistrationProcedure | undefined {
    return this.#procedures.find(({ settings }) => settings.objectInstanceId === objectInstanceId);
  }

  /**
   * Have these accounts and no others. Those there were are forgotten, without a word to their servers; with the new ones
   * nothing is begun until `begin`.
   *
   * @throws UsageError for accounts that the driver cannot reach, or two at the same address.
   */
  replace(accounts: readonly ResolvedAccount[]): void {
    this.close();
    const connections: Connection[] = [];
    for (const account of accounts) connections.push(this.#connect(account, connections));
    this.#connections = connections;
    this.#procedures = connections.map(({ procedure }) => procedure);
    this.#order = new RegistrationOrder(this.#procedures);
  }

  /** Register with all of them, in the order their priorities say (/1/x/13). */
  begin(): void {
    this.#order.begin();
  }

  nextDeadline(): number {
    let deadline = Infinity;
    for (const procedure of this.#procedures) deadline = Math.min(deadline, procedure.nextDeadline());
    return deadline;
  }

  handleTimeout(now: number): void {
    for (const procedure of this.#procedures) {
      if (procedure.nextDeadline() <= now) procedure.handleTimeout(now);
    }
  }

  /** @returns whether it is about a request of one of the registrations. */
  handleOutcome(event: CoapEvent & { readonly kind: 'response' | 'failed' }): boolean {
    return this.#procedures.some((procedure) =>
      event.kind === 'response'
        ? procedure.handleResponse(event.exchange, event.response)
        : procedure.handleFailure(event.exchange, event.reason),
    );
  }

  /** @param isClosing  an association that ends is not to be renewed. */
  handleAssociation(event: AssociationEvent, isClosing: boolean): void {
    for (const { server, procedure } of this.#connections) {
      const hasEnded = server.handle(event);
      if (event.kind === 'refused' && event.peer === server.current) this.#keepAlert(procedure, event.refusal);
      // The registration stands: an Update over a new association tells the server where the client is now.
      if (hasEnded && !isClosing) procedure.handle({ kind: 'updateWanted' });
    }
  }

  /** Nothing more is said to or heard from any of them; what they were can still be read. */
  close(): void {
    const { driver, isShared } = this.#parts;
    driver.turn((now, out) => {
      for (const { server, procedure } of this.#connections) {
        procedure.handle({ kind: 'abandon' });
        if (!isShared(server.current)) driver.endpoint.forgetPeer(now, server.current, out);
        this.#release(server.current);
        server.forget();
      }
    });
    this.#connections = [];
    this.#order = new RegistrationOrder([]);
  }

  #connect(account: ResolvedAccount, others: readonly Connection[]): Connection {
    const { driver, tree, lwm2mVersion, announcement, isShared } = this.#parts;
    const location = this.#parts.locate(account);
    const { scheme } = account.parsedUri;
    const isTaken = ({ server, scheme: other }: Connection): boolean =>
      location.address !== undefined &&
      other === scheme &&
      server.address?.host === location.address.host &&
      server.address.port === location.address.port;
    if (others.some(isTaken)) throw new UsageError(`two servers have the address of ${account.uri}`);
    const server = new ServerPeer(
      driver,
      location,
      connectOptions(account),
      (peer, previous) => {
        // `procedure` does not exist yet for the first one.
        if (previous === undefined) return;
        if (this.#byPeer.has(peer)) throw new UsageError(`two servers have the address of ${account.uri}`);
        this.#release(previous);
        this.#assign(peer, procedure);
      },
      isShared,
    );
    const settings = new ServerSettings(account, server, tree);
    const version = commonVersion(settings.serverVersions, lwm2mVersion);
    const listener = this.#listener;
    const procedure: RegistrationProcedure = new RegistrationProcedure(driver, settings, version, announcement, {
      registered: (registration) => {
        listener.registered(procedure, registration);
        this.#order.registered(procedure);
      },
      updated: (registration) => listener.updated(procedure, registration),
      lost: (registration) => listener.lost(procedure, registration),
      deregistered: (registration) => listener.deregistered(procedure, registration),
      registrationFailed: (failure) => {
        if (failure.final) this.#order.failed(procedure);
        listener.registrationFailed(procedure, failure);
      },
      stateChanged: () => listener.stateChanged(procedure),
      sending: () => listener.sending(),
    });
    this.#assign(server.current, procedure);
    return { scheme, server, procedure };
  }

  #assign(peer: Peer<PeerAddress>, procedure: RegistrationProcedure): void {
    // Held here, so the transport must not forget it.
    peer.context = procedure;
    this.#byPeer.set(peer, procedure);
  }

  #release(peer: Peer): void {
    if (!this.#parts.isShared(peer)) peer.context = undefined;
    this.#byPeer.delete(peer);
  }

  /** /1/x/11: the last alert, for whoever looks into why a server is not reached. */
  #keepAlert({ settings: { objectInstanceId } }: RegistrationProcedure, refusal: Refusal): void {
    const { tree } = this.#parts;
    const alert = alertOf(refusal);
    const path = `/1/${objectInstanceId}/${SERVER_RESOURCES.alertCode}`;
    const definition = tree.definitions.resource(1, SERVER_RESOURCES.alertCode);
    // Object 1 of LwM2M 1.0 does not have it.
    if (alert !== undefined && definition !== undefined) tree.set(path, alert.number);
  }
}
